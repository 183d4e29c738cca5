package op

import (
	"bytes"
	"encoding/binary"

	"weir/exec/state"
)

// sortRow is a row that waits for its time, by its number.
type sortRow struct {
	time, seq int64
	n         int32
	split     int32  // the length of its key
	group     uint16 // key group, where the store has it
	saved     bool
}

// sortPlace is a row's place in the store. Rows of two instances that are one now may have the same number.
type sortPlace struct {
	group uint16
	key   string
}

// timeBuffer keeps rows until their time, and gives them in order of time, key, arrival.
type timeBuffer struct {
	heap   []sortRow
	store  rowStore // of each row its key, then its bytes
	seq    int64
	rows   *state.Table
	gone   map[sortPlace]bool
	unkept bool
}

func openTimeBuffer(ctx *Context, name string) (*timeBuffer, error) {
	t := &timeBuffer{gone: map[sortPlace]bool{}, unkept: ctx.Unkept}
	t.rows = ctx.State.Table(state.Spec{Name: name, Key: []string{"BIGINT", "BIGINT"}, Value: []string{"BYTES", "BYTES"}})
	err := t.rows.Scan(func(group uint16, k, v []byte) error {
		t.add(sortRow{
			time: int64(binary.BigEndian.Uint64(k) ^ 1<<63), seq: int64(binary.BigEndian.Uint64(k[8:])),
			n: t.store.put(v[4:], nil), split: int32(binary.BigEndian.Uint32(v)), group: group, saved: true,
		})
		t.seq = max(t.seq, int64(binary.BigEndian.Uint64(k[8:])))
		return nil
	})
	return t, err
}

// push takes a row in; key and row are copied.
func (t *timeBuffer) push(time int64, key, row []byte, group uint16) {
	t.seq++
	t.add(sortRow{time: time, seq: t.seq, n: t.store.put(key, row), split: int32(len(key)), group: group})
}

// pop gives the first row whose time has come, and its time.
func (t *timeBuffer) pop(upTo int64) (row []byte, time int64, ok bool) {
	if len(t.heap) == 0 || t.heap[0].time > upTo {
		return nil, 0, false
	}
	r := t.take()
	if r.saved {
		t.gone[sortPlace{r.group, string(r.place())}] = true
	}
	row = t.store.get(r.n)[r.split:]
	t.store.drop(r.n)
	return row, r.time, true
}

func (t *timeBuffer) before(a, b *sortRow) bool {
	if a.time != b.time {
		return a.time < b.time
	}
	if c := bytes.Compare(t.store.get(a.n)[:a.split], t.store.get(b.n)[:b.split]); c != 0 {
		return c < 0
	}
	return a.seq < b.seq
}

// place is the row's place in the store.
func (a *sortRow) place() []byte {
	k := binary.BigEndian.AppendUint64(nil, uint64(a.time)^1<<63)
	return binary.BigEndian.AppendUint64(k, uint64(a.seq))
}

func (t *timeBuffer) snapshot() error {
	for p := range t.gone {
		if err := t.rows.Delete(p.group, []byte(p.key)); err != nil {
			return err
		}
	}
	clear(t.gone)
	if t.unkept {
		return nil
	}
	var v []byte
	for i := range t.heap {
		r := &t.heap[i]
		if r.saved {
			continue
		}
		v = append(binary.BigEndian.AppendUint32(v[:0], uint32(r.split)), t.store.get(r.n)...)
		if err := t.rows.Set(r.group, r.place(), v); err != nil {
			return err
		}
		r.saved = true
	}
	return nil
}

// add puts a row into the heap.
func (t *timeBuffer) add(r sortRow) {
	t.heap = append(t.heap, r)
	s := t.heap
	for i := len(s) - 1; i > 0 && t.before(&s[i], &s[(i-1)/2]); i = (i - 1) / 2 {
		s[i], s[(i-1)/2] = s[(i-1)/2], s[i]
	}
}

// take takes the first row out of the heap.
func (t *timeBuffer) take() sortRow {
	s := t.heap
	top := s[0]
	n := len(s) - 1
	s[0] = s[n]
	t.heap = s[:n]
	for i := 0; ; {
		down := 2*i + 1
		if down >= n {
			return top
		}
		if down+1 < n && t.before(&s[down+1], &s[down]) {
			down++
		}
		if !t.before(&s[down], &s[i]) {
			return top
		}
		s[i], s[down] = s[down], s[i]
		i = down
	}
}

// bytes is the memory held.
func (t *timeBuffer) bytes() int64 {
	return t.store.bytes() + int64(cap(t.heap))*40 + int64(len(t.gone))*40
}
