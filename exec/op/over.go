package op

import (
	"encoding/binary"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// over computes aggregates for each row over a frame of rows up to it, in order of time. In event time,
// rows wait for the watermark and are worked off in order of time, then arrival; in processing time they
// are worked off as they come.
//
// A frame from the beginning needs the accumulators alone. A frame with a lower bound keeps its rows: the
// rows that leave it are taken away again from the accumulators.
//
// Of rows of equal time and key (peers), RANGE frames see all or none. So do RANK, DENSE_RANK and LAG.
type over struct {
	Base
	ctx   *Context
	node  *planner.Over
	in    types.Schema
	codec *rowCodec
	out   *arrow.Schema
	types []types.Type // of the partition
	set   *aggSet
	peers []bool // by aggregate: peers share a value
	state *keyed // by partition: last time worked off, then accumulators or rows
	value *vec.KeyEncoder
	keys  vec.Keys
	buf   *timeBuffer
	wm    *savedTime
	last  []int64 // by group: the last time worked off
	rows  [][]frameRow
	dirty map[int32]bool

	forget []int64   // by group: when it is forgotten; 0: never
	timers [][]int64 // by group: the times that were set for that, and have not come, in order
	due    dueRows   // all of them

	stamp   []int64 // by group: processing time of its last row, ms
	pending []int32 // by group: rows that wait
	sweep   int32
}

// frameRow is a row in the frame of its partition.
type frameRow struct {
	time int64
	row  []byte
}

// NewOver makes the operator of an Over.
func NewOver(n *planner.Over, s *planner.Settings) (Operator, error) {
	switch {
	case s.Batch:
		return newOverBatch(n)
	case n.Frame.Hi != 0:
		return nil, errors.New("an OVER frame in streaming ends at the current row")
	case n.TimeCol < 0:
		return newOverRows(n)
	}
	in := n.Input.Info().Out
	o := &over{node: n, in: in, codec: newRowCodec(in), out: n.Out.Arrow(), types: columnTypes(in, n.Partition), dirty: map[int32]bool{}}
	var err error
	if o.set, o.peers, err = newOverSet(n, o.bounded()); err != nil {
		return nil, err
	}
	o.value = vec.KeyOf(o.set.state...)
	return o, nil
}

// newOverSet makes the accumulators of an Over in streaming: ranks are counts there.
func newOverSet(n *planner.Over, retract bool) (*aggSet, []bool, error) {
	aggs := make([]planner.AggCall, len(n.Aggs))
	peers := make([]bool, len(n.Aggs))
	for i, a := range n.Aggs {
		peers[i] = !n.Frame.Rows
		switch a.Func {
		case "ROW_NUMBER":
			a, peers[i] = planner.AggCall{Func: "COUNT", Filter: -1}, false
		case "RANK", "DENSE_RANK":
			a, peers[i] = planner.AggCall{Func: "COUNT", Filter: -1}, true
		case "LAG":
			peers[i] = true
		case "LEAD", "NTILE", "PERCENT_RANK", "CUME_DIST":
			return nil, nil, errors.New(a.Func + " looks at rows to come, so it runs in batch mode only")
		}
		a.Retract = a.Retract || retract
		aggs[i] = a
	}
	set, err := newAggSet(aggs)
	return set, peers, err
}

// bounded tells whether rows leave the frame.
func (o *over) bounded() bool { return o.node.Frame.Lo != planner.MinFrame }

func (o *over) Open(ctx *Context) (err error) {
	o.ctx = ctx
	if o.state, err = openKeyed(ctx, "frames", o.types, []types.Type{types.BytesType}, 0); err != nil { // touch and sweepSome keep the TTL
		return err
	}
	if o.wm, err = openSavedTime(ctx, "watermark"); err != nil {
		return err
	}
	if o.buf, err = openTimeBuffer(ctx, "rows"); err != nil {
		return err
	}
	if err := o.state.loadAll(); err != nil {
		return err
	}
	o.grow()
	for _, gid := range o.state.groups.All(nil) {
		if err := o.restore(gid, o.state.get(gid)); err != nil {
			return err
		}
	}
	return nil
}

func (o *over) grow() {
	n := o.state.groups.Cap()
	o.set.resize(n)
	for len(o.last) < n {
		o.last, o.rows = append(o.last, 0), append(o.rows, nil)
		o.forget, o.timers = append(o.forget, 0), append(o.timers, nil)
		o.stamp, o.pending = append(o.stamp, 0), append(o.pending, 0)
	}
}

// restore takes a partition back: its rows are folded in again, or its accumulators loaded.
func (o *over) restore(gid int32, v []byte) error {
	o.last[gid] = int64(binary.BigEndian.Uint64(v))
	v = o.takeStamp(v[8:], gid)
	if !o.bounded() {
		cols, err := o.value.Decode([][]byte{v})
		if err != nil {
			return err
		}
		state := make([]vec.Vec, len(cols))
		for i := range cols {
			state[i] = vec.ColVec(cols[i])
		}
		return o.set.load([]int32{gid}, state)
	}
	if o.forgets() {
		v = o.takeTimes(v, gid)
	}
	var list [][]byte
	var gids []int32
	for at := 0; at < len(v); {
		row := rowAt(v, at)
		at += 4 + len(row)
		row = append([]byte(nil), row...)
		o.rows[gid] = append(o.rows[gid], frameRow{int64(binary.BigEndian.Uint64(row)), row[8:]})
		list, gids = append(list, row[8:]), append(gids, gid)
	}
	if len(list) == 0 {
		return nil
	}
	b, err := o.codec.batch(list, nil)
	if err != nil {
		return err
	}
	return o.set.update(gids, b)
}

func (o *over) Process(_ int, b *vec.Batch, out Emitter) error {
	n := b.Len()
	times := make([]int64, n)
	if o.node.ProcTime {
		for i := range times {
			times[i] = o.ctx.Fn.NowMicros / 1000
		}
		err := o.work(b, times, out)
		o.sweepSome(sweptAfter(n))
		return err
	}
	col := b.Col(o.node.TimeCol)
	if col.NullN() > 0 {
		return errNullTime
	}
	millisOf(col, times)
	gids, err := o.state.lookup(columnVecs(b, o.node.Partition), n)
	if err != nil {
		return err
	}
	o.grow()
	o.touch(gids)
	rows := o.codec.encode(b)
	for i, t := range times {
		if o.late(gids[i], t) {
			o.ctx.DropLate(0, b, i, t)
			continue
		}
		if o.forgets() {
			o.keep(gids[i], t)
		}
		if o.ttl() > 0 {
			o.pending[gids[i]]++
		}
		key := o.state.groups.AppendKey(nil, gids[i])
		o.buf.push(t, nil, rows.At(i), state.Group(vec.Hash(key)))
	}
	return o.release()
}

// release forgets partitions that hold nothing.
func (o *over) release() error {
	for _, gid := range o.state.gids {
		o.state.drop(gid)
	}
	o.sweepSome(sweptAfter(len(o.state.gids)))
	o.ctx.Metrics.Groups = int64(o.state.groups.Len())
	return nil
}

// late tells whether a row comes too late: behind the watermark, or, where the frame has a lower bound,
// behind the rows of its partition that were worked off.
func (o *over) late(gid int32, t int64) bool {
	if o.bounded() {
		return t <= o.last[gid]
	}
	return t <= o.wm.at
}

func (o *over) Watermark(wm types.Time, out Emitter) (types.Time, error) {
	if o.node.ProcTime || int64(wm) <= o.wm.at {
		return wm, nil // a restart says again what was said: late rows that are not dropped wait for the next
	}
	o.wm.advance(int64(wm))
	if err := o.workUpTo(wm, out); err != nil {
		return wm, err
	}
	o.expire(wm)
	return wm, nil
}

// workUpTo works off the rows whose time has come.
func (o *over) workUpTo(wm types.Time, out Emitter) error {
	for {
		var list [][]byte
		var times []int64
		for len(list) < emitRows || len(o.buf.heap) > 0 && o.buf.heap[0].time == times[len(times)-1] {
			row, at, ok := o.buf.pop(int64(wm))
			if !ok {
				break
			}
			list, times = append(list, row), append(times, at)
		}
		if len(list) == 0 {
			return nil
		}
		b, err := o.codec.batch(list, nil)
		if err != nil {
			return err
		}
		if err := o.work(b, times, out); err != nil {
			return err
		}
	}
}

func (o *over) Snapshot() error {
	if err := o.wm.save(o.ctx); err != nil {
		return err
	}
	if err := o.buf.snapshot(); err != nil {
		return err
	}
	for gid := range o.dirty {
		v, err := o.stored(gid)
		if err != nil {
			return err
		}
		o.state.set(gid, v)
	}
	clear(o.dirty)
	return o.state.snapshot()
}

// stored is what the store keeps of a partition.
func (o *over) stored(gid int32) ([]byte, error) {
	v := o.appendStamp(binary.BigEndian.AppendUint64(nil, uint64(o.last[gid])), gid)
	if !o.bounded() {
		cols, err := o.set.save([]int32{gid})
		if err != nil {
			return nil, err
		}
		o.value.Encode(&o.keys, cols, 1)
		return append(v, o.keys.At(0)...), nil
	}
	if o.forgets() {
		v = o.appendTimes(v, gid)
	}
	for _, r := range o.rows[gid] {
		v = appendRow(v, append(binary.BigEndian.AppendUint64(nil, uint64(r.time)), r.row...))
	}
	return v, nil
}
