package op

import (
	"bytes"
	"encoding/binary"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// dedup keeps one row of each key by time. By arrival (processing time): the first is passed on, or the
// last replaces the one before it. By event time: the last, of equal times the later arrival, replaces;
// the first leaves when the watermark reaches its time, for then no earlier one can come.
//
// The state of a key is a row, the event time before it; a first row that has left is one byte.
type dedup struct {
	Base
	ctx    *Context
	node   *planner.Dedup
	codec  *rowCodec
	before bool
	state  *keyed
	wait   dueRows // keys whose first row waits for the watermark
	seq    int64   // of the last row that began to wait: equal times leave in order of arrival
	wm     *savedTime
	out    *rankChanges
	buf    []byte
}

// left marks a key whose first row has left.
var left = []byte{1}

// NewDedup makes the operator of a Dedup.
func NewDedup(n *planner.Dedup, s *planner.Settings) (Operator, error) {
	d := &dedup{node: n, codec: newRowCodec(n.Input.Info().Out), before: wantsBefore(n, s)}
	d.out = newRankChanges(d.codec, n.Out, n.Rank)
	return inBatch(d, nil, n, s)
}

// waits tells whether first rows wait for the watermark.
func (d *dedup) waits() bool { return !d.node.ProcTime && !d.node.Last }

func (d *dedup) Open(ctx *Context) (err error) {
	d.ctx = ctx
	keys := columnTypes(d.codec.schema, d.node.Keys)
	if d.state, err = openKeyed(ctx, "rows", keys, []types.Type{types.BytesType}, d.node.TTL); err != nil || !d.waits() {
		return err
	}
	if d.wm, err = openSavedTime(ctx, "watermark"); err != nil {
		return err
	}
	d.state.own = d
	if err := d.state.loadSome(hasRow); err != nil {
		return err
	}
	for _, gid := range d.state.groups.All(nil) {
		d.push(timeOf(d.state.get(gid)), gid)
	}
	return nil
}

// hasRow tells of a value that its row waits for the watermark.
func hasRow(v []byte) bool { return len(v) > len(left) }

func (d *dedup) stays(gid int32) bool { return hasRow(d.state.get(gid)) }

func (d *dedup) leave([]int32) error { return nil }

func (d *dedup) held() int64 { return int64(cap(d.wait)) * 24 }

// timeOf is the event time before a row.
func timeOf(v []byte) int64 { return int64(binary.BigEndian.Uint64(v)) }

func (d *dedup) Process(_ int, b *vec.Batch, out Emitter) error {
	n := b.Len()
	gids, err := d.state.lookup(columnVecs(b, d.node.Keys), n)
	if err != nil {
		return err
	}
	times := make([]int64, n)
	if !d.node.ProcTime {
		col := b.Col(d.node.TimeCol)
		if col.NullN() > 0 {
			return errNullTime
		}
		millisOf(col, times)
	}
	rows := d.codec.encode(b)
	for i, gid := range gids {
		switch {
		case !types.Adds(b.Kind(i)):
			d.take(gid)
		case d.waits():
			d.first(gid, times[i], rows.At(i), b, i)
		case !d.node.Last:
			if d.state.get(gid) == nil {
				d.out.addInput(types.Insert, i, 1)
				d.state.set(gid, left)
			}
		default:
			d.last(gid, times[i], i, rows.At(i))
		}
	}
	if err := d.out.flush(b, out); err != nil {
		return err
	}
	return d.state.release()
}

// take takes the row of a key away: a changelog's -U or -D, for the last row by arrival.
func (d *dedup) take(gid int32) {
	old := d.state.get(gid)
	if old == nil || !d.node.Last {
		return
	}
	d.out.add(types.Delete, old[8:], 1)
	d.state.set(gid, nil)
}

// first keeps the row of the least time, of equal ones the first arrival.
func (d *dedup) first(gid int32, t int64, row []byte, b *vec.Batch, i int) {
	old := d.state.get(gid)
	switch {
	case len(old) == 1:
		return
	case t < d.wm.at:
		d.ctx.DropLate(0, b, i, t)
		return
	case old != nil && timeOf(old) <= t:
		return
	}
	d.buf = append(binary.BigEndian.AppendUint64(d.buf[:0], uint64(t)), row...)
	d.state.set(gid, d.buf)
	d.push(t, gid)
}

func (d *dedup) push(t int64, gid int32) {
	d.seq++
	d.wait.push(dueRow{t, d.seq, gid})
}

// last replaces a key's row by one that is no earlier.
func (d *dedup) last(gid int32, t int64, i int, row []byte) {
	old := d.state.get(gid)
	switch {
	case old == nil:
		d.out.addInput(types.Insert, i, 1)
	case !d.node.ProcTime && t < timeOf(old):
		return
	case d.node.ProcTime && d.node.TTL == 0 && bytes.Equal(old[8:], row):
		return
	default:
		if d.before {
			d.out.add(types.UpdateBefore, old[8:], 1)
		}
		d.out.addInput(types.UpdateAfter, i, 1)
	}
	d.buf = append(binary.BigEndian.AppendUint64(d.buf[:0], uint64(t)), row...)
	d.state.set(gid, d.buf)
}

func (d *dedup) Watermark(wm types.Time, out Emitter) (types.Time, error) {
	if !d.waits() {
		return wm, nil
	}
	d.wm.advance(int64(wm))
	for len(d.wait) > 0 && d.wait[0].time <= int64(wm) {
		w := d.wait.pop()
		v := d.state.get(w.gid)
		if len(v) <= 1 || timeOf(v) != w.time {
			continue // replaced by an earlier row, or gone
		}
		d.out.add(types.Insert, v[8:], 1)
		d.state.set(w.gid, left)
	}
	return wm, d.out.flush(nil, out)
}

func (d *dedup) Snapshot() error {
	if d.waits() {
		if err := d.wm.save(d.ctx); err != nil {
			return err
		}
	}
	return d.state.snapshot()
}

func (d *dedup) Close() error { return d.state.close() }

// dueRow is something of a key that waits for a time.
type dueRow struct {
	time, seq int64
	gid       int32
}

// dueRows is a heap by time, then seq.
type dueRows []dueRow

func (a dueRow) before(b dueRow) bool { return a.time < b.time || a.time == b.time && a.seq < b.seq }

func (h *dueRows) push(d dueRow) {
	*h = append(*h, d)
	s := *h
	for i := len(s) - 1; i > 0 && s[i].before(s[(i-1)/2]); i = (i - 1) / 2 {
		s[i], s[(i-1)/2] = s[(i-1)/2], s[i]
	}
}

func (h *dueRows) pop() dueRow {
	s := *h
	top := s[0]
	n := len(s) - 1
	s[0] = s[n]
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
