package op

import (
	"bytes"
	"encoding/binary"
	"slices"

	"weir/exec/state"
)

// sortRow is a row that waits for its time.
type sortRow struct {
	time, seq int64
	key, row  []byte
	group     uint16 // key group, where the store has it
	saved     bool
}

func (a *sortRow) before(b *sortRow) bool {
	if a.time != b.time {
		return a.time < b.time
	}
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c < 0
	}
	return a.seq < b.seq
}

// timeBuffer keeps rows until their time, and gives them in order of time, key, arrival.
type timeBuffer struct {
	heap sortHeap
	seq  int64
	rows *state.Table
	gone map[string]uint16
}

func openTimeBuffer(ctx *Context, name string) (*timeBuffer, error) {
	t := &timeBuffer{gone: map[string]uint16{}}
	t.rows = ctx.State.Table(state.Spec{Name: name, Key: []string{"BIGINT", "BIGINT"}, Value: []string{"BYTES", "BYTES"}})
	err := t.rows.Scan(func(group uint16, k, v []byte) error {
		n := binary.BigEndian.Uint32(v)
		t.heap.push(&sortRow{
			time: int64(binary.BigEndian.Uint64(k) ^ 1<<63), seq: int64(binary.BigEndian.Uint64(k[8:])),
			key: slices.Clone(v[4 : 4+n]), row: slices.Clone(v[4+n:]), group: group, saved: true,
		})
		t.seq = max(t.seq, int64(binary.BigEndian.Uint64(k[8:])))
		return nil
	})
	return t, err
}

// push takes a row in; key and row are copied.
func (t *timeBuffer) push(time int64, key, row []byte, group uint16) {
	t.seq++
	t.heap.push(&sortRow{time: time, seq: t.seq, key: bytes.Clone(key), row: bytes.Clone(row), group: group})
}

// pop gives the first row whose time has come, or nil.
func (t *timeBuffer) pop(upTo int64) *sortRow {
	if len(t.heap) == 0 || t.heap[0].time > upTo {
		return nil
	}
	r := t.heap.pop()
	if r.saved {
		t.gone[string(r.place())] = r.group
	}
	return r
}

// place is the row's place in the store.
func (a *sortRow) place() []byte {
	k := binary.BigEndian.AppendUint64(nil, uint64(a.time)^1<<63)
	return binary.BigEndian.AppendUint64(k, uint64(a.seq))
}

func (t *timeBuffer) snapshot() error {
	for place, group := range t.gone {
		if err := t.rows.Delete(group, []byte(place)); err != nil {
			return err
		}
	}
	clear(t.gone)
	var v []byte
	for _, r := range t.heap {
		if r.saved {
			continue
		}
		v = binary.BigEndian.AppendUint32(v[:0], uint32(len(r.key)))
		v = append(append(v, r.key...), r.row...)
		if err := t.rows.Set(r.group, r.place(), v); err != nil {
			return err
		}
		r.saved = true
	}
	return nil
}

// sortHeap is a heap of waiting rows.
type sortHeap []*sortRow

func (h *sortHeap) push(r *sortRow) {
	*h = append(*h, r)
	s := *h
	for i := len(s) - 1; i > 0 && s[i].before(s[(i-1)/2]); i = (i - 1) / 2 {
		s[i], s[(i-1)/2] = s[(i-1)/2], s[i]
	}
}

func (h *sortHeap) pop() *sortRow {
	s := *h
	top := s[0]
	n := len(s) - 1
	s[0], s[n] = s[n], nil
	*h = s[:n]
	for i := 0; ; {
		down := 2*i + 1
		if down >= n {
			return top
		}
		if down+1 < n && s[down+1].before(s[down]) {
			down++
		}
		if !s[down].before(s[i]) {
			return top
		}
		s[i], s[down] = s[down], s[i]
		i = down
	}
}
