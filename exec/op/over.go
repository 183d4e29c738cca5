package op

import (
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

	framed   int64 // bytes of rows
	measured int64 // bytes of accumulators, as of some batches ago
	batches  int   // since then

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
	return o.openFrames()
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

func (o *over) Process(_ int, b *vec.Batch, out Emitter) error {
	n := b.Len()
	times := make([]int64, n)
	if o.node.ProcTime {
		for i := range times {
			times[i] = o.ctx.Fn.NowMicros / 1000
		}
		if err := o.work(b, times, out); err != nil {
			return err
		}
		return o.settle(n)
	}
	col := b.Col(o.node.TimeCol)
	if col.NullN() > 0 {
		return errNullTime
	}
	millisOf(col, times)
	if !o.bounded() && o.ttl() == 0 {
		o.wait(b, times)
		return o.settle(0)
	}
	gids, err := o.lookup(b)
	if err != nil {
		return err
	}
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

// wait has rows wait for the watermark, where nothing of their partitions need be known before.
func (o *over) wait(b *vec.Batch, times []int64) {
	o.state.groups.Encoder().Encode(&o.keys, columnVecs(b, o.node.Partition), b.Len())
	rows := o.codec.encode(b)
	for i, t := range times {
		if t <= o.wm.at {
			o.ctx.DropLate(0, b, i, t)
			continue
		}
		o.buf.push(t, nil, rows.At(i), state.Group(vec.Hash(o.keys.At(i))))
	}
}

// release forgets partitions that hold nothing.
func (o *over) release() error {
	for _, gid := range o.state.gids {
		o.state.drop(gid)
	}
	return o.settle(len(o.state.gids))
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
	return wm, o.settle(0)
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
		if err := o.state.charge(); err != nil {
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
	return o.saveFrames()
}

func (o *over) Close() error { return o.state.close() }
