package op

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/expr"
	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// intervalJoin joins rows whose times are near: left time - right time lies in [Lower, Upper] ms. A row
// joins at once what is there, and is kept while rows of the other input may still come for it; an
// unmatched row of an outer side leaves, padded, when none can. No row is dropped as late.
//
// The watermark passed on is behind by the larger bound, for a joined row carries the older of its times.
type intervalJoin struct {
	Base
	ctx    *Context
	node   *planner.IntervalJoin
	sides  [2]*intervalSide
	outer  [2]bool
	cond   expr.Eval
	both   *arrow.Schema
	schema *arrow.Schema
	keys   *vec.Groups
	types  []types.Type
	gids   []int32
	due    dueRows // when rows may go: gid and port are in gid
	wm     *savedTime
	table  *state.Table
	gone   map[string]uint16
	fresh  []*intervalRow
	seq    int64
	out    joinOut
	pad    storedJoin
}

// intervalSide is the rows of one input, by key in order of time.
type intervalSide struct {
	codec *rowCodec
	keys  []int
	time  int
	keep  int64 // how long after a row's time rows of the other input may join it
	lists [][]*intervalRow
}

type intervalRow struct {
	time, seq int64
	row       []byte
	port      int
	gid       int32
	matched   bool
	dirty     bool
	saved     bool
	gone      bool
}

// NewIntervalJoin makes the operator of an IntervalJoin.
func NewIntervalJoin(n *planner.IntervalJoin, _ *planner.Settings) (Operator, error) {
	left, right := n.Left.Info().Out, n.Right.Info().Out
	j := &intervalJoin{
		node: n, schema: n.Out.Arrow(), both: append(append(types.Schema{}, left...), right...).Arrow(),
		types: columnTypes(left, n.Keys.Left), gone: map[string]uint16{},
		outer: [2]bool{n.Kind == planner.LeftJoin || n.Kind == planner.FullJoin, n.Kind == planner.RightJoin || n.Kind == planner.FullJoin},
	}
	// left - right in [Lower, Upper]: a left row waits for right times up to its own less Lower.
	j.sides[0] = &intervalSide{codec: newRowCodec(left), keys: n.Keys.Left, time: n.LeftTime, keep: -n.Lower}
	j.sides[1] = &intervalSide{codec: newRowCodec(right), keys: n.Keys.Right, time: n.RightTime, keep: n.Upper}
	j.keys = vec.NewGroups(j.types...)
	j.out = joinOut{left: newGather(j.sides[0].codec), right: newGather(j.sides[1].codec)}
	j.pad = storedJoin{left: newGather(j.sides[0].codec), right: newGather(j.sides[1].codec)}
	var err error
	if n.Cond != nil {
		j.cond, err = expr.Compile(n.Cond)
	}
	return j, err
}

func (j *intervalJoin) Open(ctx *Context) (err error) {
	j.ctx = ctx
	if j.wm, err = openSavedTime(ctx, "watermark"); err != nil {
		return err
	}
	j.table = ctx.State.Table(state.Spec{Name: "rows", Key: append(typeNames(j.types), "BIGINT"), Value: []string{"BYTES"}})
	return j.restore()
}

// now is the time up to which inputs have come: the watermark, or the clock.
func (j *intervalJoin) now() int64 {
	if j.node.ProcTime {
		return j.ctx.Fn.NowMicros / 1000
	}
	return j.wm.at
}

func (j *intervalJoin) times(b *vec.Batch, s *intervalSide) ([]int64, error) {
	out := make([]int64, b.Len())
	if j.node.ProcTime {
		for i := range out {
			out[i] = j.now()
		}
		return out, nil
	}
	if b.Col(s.time).NullN() > 0 {
		return nil, errNullTime
	}
	millisOf(b.Col(s.time), out)
	return out, nil
}

// intervalPair is a row of the batch and a row of the other input near it.
type intervalPair struct {
	row   int32
	other *intervalRow
}

func (j *intervalJoin) Process(port int, b *vec.Batch, out Emitter) error {
	n := b.Len()
	mine, other := j.sides[port], j.sides[1-port]
	times, err := j.times(b, mine)
	if err != nil {
		return err
	}
	j.gids = sized(j.gids, n)
	j.keys.Lookup(columnVecs(b, mine.keys), n, j.gids, nil)
	for _, s := range j.sides {
		for len(s.lists) < j.keys.Cap() {
			s.lists = append(s.lists, nil)
		}
	}
	null := nullKeys(b, mine.keys, j.node.Keys.NullSafe)
	var pairs []intervalPair
	for i, t := range times {
		if null == nil || !null[i] {
			pairs = j.near(pairs, port, i, t, other.lists[j.gids[i]])
		}
	}
	if pairs, err = j.passing(b, port, pairs); err != nil {
		return err
	}
	rows := mine.codec.encode(b)
	at := 0
	for i, t := range times {
		e := joinEvent{port: port, row: i}
		matched := false
		for ; at < len(pairs) && pairs[at].row == int32(i); at++ {
			matched = true
			if r := pairs[at].other; !r.matched {
				r.matched = true
				j.mark(r)
			}
			j.out.joined(e, pairs[at].other.row, types.Insert)
		}
		if null != nil && null[i] || !j.keeps(mine, t) {
			if !matched && j.outer[port] {
				j.out.padded(e, types.Insert)
			}
			continue
		}
		j.add(port, j.gids[i], t, bytes.Clone(rows.At(i)), matched)
	}
	for _, gid := range j.gids {
		j.forgetKey(gid)
	}
	return j.out.flush(b, port, j.schema, out)
}

// near appends the pairs of row i, of time t, with rows whose time fits.
func (j *intervalJoin) near(pairs []intervalPair, port, i int, t int64, list []*intervalRow) []intervalPair {
	lo, hi := t-j.node.Upper, t-j.node.Lower // right times for a left row
	if port == 1 {
		lo, hi = t+j.node.Lower, t+j.node.Upper
	}
	at, _ := slices.BinarySearchFunc(list, lo, func(r *intervalRow, t int64) int {
		if r.time < t {
			return -1
		}
		return 1
	})
	for ; at < len(list) && list[at].time <= hi; at++ {
		pairs = append(pairs, intervalPair{int32(i), list[at]})
	}
	return pairs
}

// passing keeps the pairs for which the condition is TRUE.
func (j *intervalJoin) passing(b *vec.Batch, port int, pairs []intervalPair) ([]intervalPair, error) {
	if j.cond == nil || len(pairs) == 0 {
		return pairs, nil
	}
	o := joinOut{left: newGather(j.sides[0].codec), right: newGather(j.sides[1].codec)}
	for _, p := range pairs {
		o.joined(joinEvent{port: port, row: int(p.row)}, p.other.row, types.Insert)
	}
	var m lastBatch
	if err := o.flush(b, port, j.both, &m); err != nil {
		return nil, err
	}
	sel, all, err := expr.EvalFilter(j.cond, j.ctx.Fn, m.b, nil)
	if err != nil || all {
		return pairs, err
	}
	pass := make([]intervalPair, len(sel))
	for i, at := range sel {
		pass[i] = pairs[at]
	}
	return pass, nil
}

// lastBatch is an Emitter that keeps what it was given.
type lastBatch struct{ b *vec.Batch }

func (l *lastBatch) Emit(b *vec.Batch) error {
	l.b = b
	return nil
}

// keeps tells whether rows of the other input may still come for a row of time t.
func (j *intervalJoin) keeps(s *intervalSide, t int64) bool {
	return j.now() == int64(types.MinTime) || j.now() < t+s.keep
}

// add keeps a row.
func (j *intervalJoin) add(port int, gid int32, t int64, row []byte, matched bool) {
	j.seq++
	r := &intervalRow{time: t, seq: j.seq, row: row, port: port, gid: gid, matched: matched}
	j.insert(r)
	j.mark(r)
}

func (j *intervalJoin) insert(r *intervalRow) {
	s := j.sides[r.port]
	list := s.lists[r.gid]
	at := len(list)
	for at > 0 && list[at-1].time > r.time {
		at--
	}
	s.lists[r.gid] = slices.Insert(list, at, r)
	j.due.push(dueRow{r.time + s.keep, r.seq, r.gid<<1 | int32(r.port)})
}

func (j *intervalJoin) mark(r *intervalRow) {
	if !r.dirty {
		r.dirty = true
		j.fresh = append(j.fresh, r)
	}
}

func (j *intervalJoin) forgetKey(gid int32) {
	if j.keys.Live(gid) && len(j.sides[0].lists[gid]) == 0 && len(j.sides[1].lists[gid]) == 0 {
		j.keys.Delete(gid)
	}
}

func (j *intervalJoin) Watermark(wm types.Time, out Emitter) (types.Time, error) {
	j.wm.advance(int64(wm))
	if j.node.ProcTime {
		return wm, nil
	}
	if err := j.expire(int64(wm), out); err != nil {
		return wm, err
	}
	delay := max(-j.node.Lower, j.node.Upper, 0)
	if wm == types.MaxTime || int64(wm) < math.MinInt64+delay {
		return wm, nil
	}
	return wm - types.Time(delay), nil
}

// NextTick is when the earliest row may go, in processing time.
func (j *intervalJoin) NextTick() types.Time {
	if !j.node.ProcTime || len(j.due) == 0 {
		return types.MaxTime
	}
	return types.Time(j.due[0].time + 1)
}

// Tick lets rows go that the clock has passed.
func (j *intervalJoin) Tick(now types.Time, out Emitter) error { return j.expire(int64(now), out) }

// expire lets the rows go for which none of the other input can come any more.
func (j *intervalJoin) expire(now int64, out Emitter) error {
	for len(j.due) > 0 && (j.due[0].time < now || now == int64(types.MaxTime)) {
		d := j.due.pop()
		gid, port := d.gid>>1, int(d.gid&1)
		s := j.sides[port]
		list := s.lists[gid]
		at := slices.IndexFunc(list, func(r *intervalRow) bool { return r.seq == d.seq })
		if at < 0 {
			continue
		}
		r := list[at]
		r.gone = true
		if r.saved {
			group, place := j.place(r)
			j.gone[string(place)] = group
		}
		if s.lists[gid] = slices.Delete(list, at, at+1); !r.matched && j.outer[port] {
			if port == 0 {
				j.pad.add(r.row, nil)
			} else {
				j.pad.add(nil, r.row)
			}
		}
		j.forgetKey(gid)
	}
	if j.pad.n == 0 {
		return nil
	}
	b, err := j.pad.batch(j.schema)
	if err != nil {
		return err
	}
	return out.Emit(b)
}

func (j *intervalJoin) place(r *intervalRow) (uint16, []byte) {
	key := j.keys.AppendKey(nil, r.gid)
	return state.Group(vec.Hash(key)), binary.BigEndian.AppendUint64(key, uint64(r.seq))
}

func (j *intervalJoin) Snapshot() error {
	if err := j.wm.save(j.ctx); err != nil {
		return err
	}
	for place, group := range j.gone {
		if err := j.table.Delete(group, []byte(place)); err != nil {
			return err
		}
	}
	clear(j.gone)
	for _, r := range j.fresh {
		r.dirty = false
		if r.gone {
			continue
		}
		r.saved = true
		v := binary.BigEndian.AppendUint64([]byte{byte(r.port), byte(b2i(r.matched))}, uint64(r.time))
		group, place := j.place(r)
		if err := j.table.Set(group, place, append(v, r.row...)); err != nil {
			return err
		}
	}
	j.fresh = j.fresh[:0]
	return nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// restore takes back the rows that a snapshot held, in order of arrival.
func (j *intervalJoin) restore() error {
	var all []*intervalRow
	err := j.table.Scan(func(_ uint16, k, v []byte) error {
		at := len(k) - 8
		gid, _ := j.keys.LookupKey(k[:at])
		all = append(all, &intervalRow{
			gid: gid, seq: int64(binary.BigEndian.Uint64(k[at:])), port: int(v[0]), matched: v[1] != 0,
			time: int64(binary.BigEndian.Uint64(v[2:])), row: slices.Clone(v[10:]), saved: true,
		})
		return nil
	})
	slices.SortFunc(all, func(a, b *intervalRow) int { return cmpInt(a.seq, b.seq) })
	for _, s := range j.sides {
		for len(s.lists) < j.keys.Cap() {
			s.lists = append(s.lists, nil)
		}
	}
	for _, r := range all {
		j.seq = max(j.seq, r.seq)
		j.insert(r)
	}
	return err
}
