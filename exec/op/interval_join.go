package op

import (
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
	due    dueRows // when the first row of a list may go: gid and port are in gid; an entry for a row that is not first is void
	wm     *savedTime
	table  *state.Table
	gone   map[string]uint16
	store  rowStore
	rows   pages[intervalRow] // by the numbers of store
	seq    int64
	out    joinOut
	pad    storedJoin
	pairs  []intervalPair
}

// intervalSide is the rows of one input, by key in order of time, then of arrival.
type intervalSide struct {
	codec *rowCodec
	keys  []int
	time  int
	keep  int64 // how long after a row's time rows of the other input may join it
	lists [][]timedRow
}

// timedRow is a row by its number, with what orders it.
type timedRow struct {
	time, seq int64
	n         int32
}

// intervalRow is what is known of a row besides its bytes.
type intervalRow struct {
	time, seq int64
	gid       int32
	port      uint8
	matched   bool
	dirty     bool
	saved     bool
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

// intervalPair is a row of the batch and a row of the other input near it, by its number.
type intervalPair struct{ row, other int32 }

func (j *intervalJoin) Process(port int, b *vec.Batch, out Emitter) error {
	n := b.Len()
	mine, other := j.sides[port], j.sides[1-port]
	times, err := j.times(b, mine)
	if err != nil {
		return err
	}
	j.gids = sized(j.gids, n)
	j.keys.Lookup(columnVecs(b, mine.keys), n, j.gids, nil)
	j.grow()
	null := nullKeys(b, mine.keys, j.node.Keys.NullSafe)
	pairs := j.pairs[:0]
	for i, t := range times {
		if null == nil || !null[i] {
			pairs = j.near(pairs, port, i, t, other.lists[j.gids[i]])
		}
	}
	j.pairs = pairs
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
			if r := j.rows.at(pairs[at].other); !r.matched {
				r.matched, r.dirty = true, true
			}
			j.out.joined(e, j.store.get(pairs[at].other), types.Insert)
		}
		if null != nil && null[i] || !j.keeps(mine, t) {
			if !matched && j.outer[port] {
				j.out.padded(e, types.Insert)
			}
			continue
		}
		j.seq++
		j.insert(intervalRow{time: t, seq: j.seq, gid: j.gids[i], port: uint8(port), matched: matched, dirty: true}, rows.At(i))
	}
	for _, gid := range j.gids {
		j.forgetKey(gid)
	}
	j.charge()
	return j.out.flush(b, port, j.schema, out)
}

// near appends the pairs of row i, of time t, with rows whose time fits.
func (j *intervalJoin) near(pairs []intervalPair, port, i int, t int64, list []timedRow) []intervalPair {
	lo, hi := t-j.node.Upper, t-j.node.Lower // right times for a left row
	if port == 1 {
		lo, hi = t+j.node.Lower, t+j.node.Upper
	}
	at, _ := slices.BinarySearchFunc(list, lo, func(r timedRow, t int64) int {
		if r.time < t {
			return -1
		}
		return 1
	})
	for ; at < len(list) && list[at].time <= hi; at++ {
		pairs = append(pairs, intervalPair{int32(i), list[at].n})
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
		o.joined(joinEvent{port: port, row: int(p.row)}, j.store.get(p.other), types.Insert)
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
	return max(j.now(), 0) < t+s.keep // time begins at 0, as in Flink: no row from before 1970 is kept
}

// insert keeps a row.
func (j *intervalJoin) insert(r intervalRow, row []byte) {
	n := j.store.put(row, nil)
	j.rows.grow(int(n) + 1)
	*j.rows.at(n) = r
	s := j.sides[r.port]
	list := s.lists[r.gid]
	at := len(list)
	for at > 0 && list[at-1].time > r.time {
		at--
	}
	if s.lists[r.gid] = slices.Insert(list, at, timedRow{r.time, r.seq, n}); at == 0 {
		j.awaitFirst(int(r.port), r.gid)
	}
}

// awaitFirst has the first row of a list looked at when it may go.
func (j *intervalJoin) awaitFirst(port int, gid int32) {
	s := j.sides[port]
	first := s.lists[gid][0]
	j.due.push(dueRow{first.time + s.keep, first.seq, gid<<1 | int32(port)})
}

// grow makes room for the lists of new keys.
func (j *intervalJoin) grow() {
	for _, s := range j.sides {
		for len(s.lists) < j.keys.Cap() {
			s.lists = append(s.lists, nil)
		}
	}
}

func (j *intervalJoin) forgetKey(gid int32) {
	if j.keys.Live(gid) && len(j.sides[0].lists[gid]) == 0 && len(j.sides[1].lists[gid]) == 0 {
		j.keys.Delete(gid)
	}
}

// charge tells the budget what memory holds.
func (j *intervalJoin) charge() {
	j.ctx.Metrics.Groups = int64(j.keys.Len())
	j.ctx.holds(j.store.bytes() + int64(j.rows.n)*40 + j.keys.Bytes() + int64(cap(j.due))*24)
}

// Close gives the memory back.
func (j *intervalJoin) Close() error { return j.ctx.releases() }

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
	for len(j.due) > 0 && passed(j.due[0].time, now) {
		d := j.due.pop()
		gid, port := d.gid>>1, int(d.gid&1)
		s := j.sides[port]
		list := s.lists[gid]
		if len(list) == 0 || list[0].seq != d.seq {
			continue
		}
		n := 1
		for !j.outer[port] && n < len(list) && passed(list[n].time+s.keep, now) {
			n++ // padded rows leave in order of time over all keys, others need not
		}
		for _, r := range list[:n] {
			j.leave(r.n)
		}
		if s.lists[gid] = dropFront(list, n); len(list) > n {
			j.awaitFirst(port, gid)
		} else {
			j.forgetKey(gid)
		}
	}
	j.charge()
	if j.pad.n == 0 {
		return nil
	}
	b, err := j.pad.batch(j.schema)
	if err != nil {
		return err
	}
	return out.Emit(b)
}

func passed(time, now int64) bool { return time < now || now == int64(types.MaxTime) }

// dropFront takes the first n elements off a list: a short one moves up, so that its memory is used again.
func dropFront(list []timedRow, n int) []timedRow {
	const short = 64
	switch {
	case cap(list) <= short:
		return append(list[:0], list[n:]...)
	case n == len(list):
		return nil
	}
	return list[n:]
}

// leave forgets a row; one of an outer side that joined none leaves padded.
func (j *intervalJoin) leave(n int32) {
	r := j.rows.at(n)
	if r.saved {
		group, place := j.place(r)
		j.gone[string(place)] = group
	}
	switch row := j.store.get(n); {
	case r.matched || !j.outer[r.port]:
	case r.port == 0:
		j.pad.add(row, nil)
	default:
		j.pad.add(nil, row)
	}
	*r = intervalRow{}
	j.store.drop(n)
}

func (j *intervalJoin) place(r *intervalRow) (uint16, []byte) {
	key := j.keys.AppendKey(nil, r.gid)
	return state.Group(vec.Hash(key)), binary.BigEndian.AppendUint64(key, uint64(r.seq))
}

func (j *intervalJoin) Snapshot() error {
	if err := j.wm.save(j.ctx); err != nil {
		return err
	}
	if err := deletePlaces(j.table, j.gone); err != nil {
		return err
	}
	if j.ctx.Unkept {
		return nil
	}
	for n := range int32(j.rows.n) { // rows leave soon: a list of those that changed would be as long
		r := j.rows.at(n)
		if !r.dirty {
			continue
		}
		r.dirty, r.saved = false, true
		v := binary.BigEndian.AppendUint64([]byte{r.port, byte(b2i(r.matched))}, uint64(r.time))
		group, place := j.place(r)
		if err := j.table.Set(group, place, append(v, j.store.get(n)...)); err != nil {
			return err
		}
	}
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
	type stored struct {
		intervalRow
		row []byte
	}
	var all []stored
	err := j.table.Scan(func(_ uint16, k, v []byte) error {
		at := len(k) - 8
		gid, _ := j.keys.LookupKey(k[:at])
		all = append(all, stored{intervalRow{
			gid: gid, seq: int64(binary.BigEndian.Uint64(k[at:])), port: v[0], matched: v[1] != 0,
			time: int64(binary.BigEndian.Uint64(v[2:])), saved: true,
		}, slices.Clone(v[10:])})
		return nil
	})
	slices.SortFunc(all, func(a, b stored) int { return cmpInt(a.seq, b.seq) })
	j.grow()
	for _, r := range all {
		j.seq = max(j.seq, r.seq)
		j.insert(r.intervalRow, r.row)
	}
	return err
}
