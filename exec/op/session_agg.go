package op

import (
	"encoding/binary"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// session is one session of a key: rows no more than the gap apart. Its number is its group.
type session struct {
	start, end int64 // wall clock, ms; end is the last row's time plus the gap
	kid        int32
	seq        int64 // order of arrival
	live       bool
	saved      bool
	savedStart int64 // where the store has it
	dirty      bool
}

// sessionAgg aggregates SESSION windows. A row begins a session [t, t+gap), which joins those of its key
// that it touches; it is late only if the session it ends up in has fired.
type sessionAgg struct {
	Base
	ctx    *Context
	node   *planner.WindowAgg
	schema *arrow.Schema
	zone   *clockZone
	types  []types.Type
	keys   *vec.Groups
	byKey  [][]int32 // live sessions of each key, by start
	all    []session // by group
	set    *aggSet
	counts []int64
	pool   groupPool
	due    dueRows
	seq    int64
	wm     int64
	groups *rowTable
	clock  *savedTime
	gids   []int32
	kids   []int32
	gone   map[string]bool
	buf    []byte
	// retract: rows may be taken away.
	retract bool
	sums    int64 // bytes of accumulators, as of some batches ago
	batches int   // since then
}

// NewSessionAgg makes the operator of an aggregate over SESSION windows.
func NewSessionAgg(n *planner.WindowAgg, s *planner.Settings) (Operator, error) {
	set, err := newAggSet(n.Aggs)
	if err != nil {
		return nil, err
	}
	a := &sessionAgg{
		node: n, schema: n.Out.Arrow(), set: set, zone: newClockZone(n.Window.Local || n.Window.ProcTime, s.Zone),
		types: columnTypes(n.Input.Info().Out, n.Keys), wm: int64(types.MinTime), gone: map[string]bool{},
	}
	a.keys = vec.NewGroups(a.types...)
	a.retract = !n.Input.Info().Mode.AppendOnly() && n.Input.Info().Mode != 0
	return a, nil
}

func (a *sessionAgg) Open(ctx *Context) error {
	a.ctx = ctx
	value := append([]types.Type{types.BigIntType, types.BigIntType, types.BigIntType}, a.set.state...)
	a.groups = newRowTable(ctx.State, state.Spec{Name: "sessions", Key: append([]string{"BIGINT"}, typeNames(a.types)...)}, value)
	var err error
	if a.clock, err = openSavedTime(ctx, "watermark"); err != nil {
		return err
	}
	a.wm = a.clock.at
	return a.restore()
}

func (a *sessionAgg) Process(_ int, b *vec.Batch, _ Emitter) error {
	n := b.Len()
	times, err := wallTimes(b, a.node.Window, a.zone, a.ctx)
	if err != nil {
		return err
	}
	a.kids, a.gids = sized(a.kids, n), sized(a.gids, n)
	a.keys.Lookup(columnVecs(b, a.node.Keys), n, a.kids, nil)
	for len(a.byKey) < a.keys.Cap() {
		a.byKey = append(a.byKey, nil)
	}
	done := 0 // rows folded so far: a merge needs the rows before it
	for i, t := range times {
		gid, joined := a.place(b, i, t)
		a.gids[i] = gid
		if len(joined) == 0 {
			continue
		}
		if err := a.fold(b, done, i); err != nil {
			return err
		}
		done = i
		if err := a.join(gid, joined); err != nil {
			return err
		}
	}
	if err := a.fold(b, done, n); err != nil {
		return err
	}
	for _, kid := range a.kids[:n] {
		if len(a.byKey[kid]) == 0 && a.keys.Live(kid) {
			a.keys.Delete(kid)
		}
	}
	a.measure()
	return nil
}

// measure publishes the operator's counters and charges the budget.
func (a *sessionAgg) measure() {
	const each = 72 + 8 + 8 // session, count, its place among those of its key
	a.ctx.Metrics.Groups = int64(int(a.pool.next) - len(a.pool.free))
	if a.batches++; a.batches >= measuredEvery || a.sums == 0 {
		a.sums, a.batches = a.set.bytes(), 0
	}
	a.ctx.holds(a.keys.Bytes() + a.sums + int64(cap(a.all))*each + int64(cap(a.byKey)+cap(a.due))*24)
}

// Close gives the memory back.
func (a *sessionAgg) Close() error { return a.ctx.releases() }

// place gives the session of a row, -1 where it is late, and the other sessions that the row joins to it.
func (a *sessionAgg) place(b *vec.Batch, row int, t int64) (gid int32, joined []int32) {
	kid := a.kids[row]
	start, end := t, t+a.node.Window.Gap
	var touching []int32
	for _, g := range a.byKey[kid] {
		if s := &a.all[g]; s.start <= end && start <= s.end {
			touching = append(touching, g)
		}
	}
	for _, g := range touching {
		start, end = min(start, a.all[g].start), max(end, a.all[g].end)
	}
	if a.fired(end) {
		a.ctx.DropLate(0, b, row, t, start, end)
		return -1, nil
	}
	if len(touching) == 0 {
		return a.begin(kid, start, end), nil
	}
	gid = touching[0]
	s := &a.all[gid]
	s.start, s.end, s.dirty = start, end, true
	return gid, touching[1:]
}

func (a *sessionAgg) fired(end int64) bool {
	return !a.node.Window.ProcTime && a.wm >= a.zone.timer(end-1)
}

func (a *sessionAgg) begin(kid int32, start, end int64) int32 {
	gid := a.pool.take()
	for int(gid) >= len(a.all) {
		a.all = append(a.all, session{})
		a.counts = append(a.counts, 0)
	}
	a.seq++
	a.all[gid] = session{start: start, end: end, kid: kid, seq: a.seq, live: true, dirty: true}
	a.insert(kid, gid)
	a.due.push(dueRow{end, a.seq, gid})
	return gid
}

// insert adds a session to its key's, by start.
func (a *sessionAgg) insert(kid, gid int32) {
	list := a.byKey[kid]
	at, _ := slices.BinarySearchFunc(list, a.all[gid].start, func(g int32, t int64) int { return cmpInt(a.all[g].start, t) })
	a.byKey[kid] = slices.Insert(list, at, gid)
}

// fold runs the aggregates over rows [lo, hi).
func (a *sessionAgg) fold(b *vec.Batch, lo, hi int) error {
	if lo == hi {
		return nil
	}
	a.set.resize(int(a.pool.next))
	part, gids := b.Slice(lo, hi), a.gids[lo:hi]
	for i, g := range gids {
		if g < 0 {
			continue
		}
		a.all[g].dirty = true
		if types.Adds(part.Kind(i)) {
			a.counts[g]++
		} else {
			a.counts[g]--
		}
	}
	return a.set.update(gids, part)
}

// join merges sessions into one.
func (a *sessionAgg) join(gid int32, joined []int32) error {
	a.set.resize(int(a.pool.next))
	to := make([]int32, len(joined))
	for i, g := range joined {
		to[i] = gid
		a.counts[gid] += a.counts[g]
	}
	cols, err := a.set.save(joined)
	if err != nil {
		return err
	}
	if err := a.set.merge(to, cols); err != nil {
		return err
	}
	for _, g := range joined {
		a.free(g)
	}
	return nil
}

// free drops a session.
func (a *sessionAgg) free(gid int32) {
	s := &a.all[gid]
	if s.saved {
		a.gone[string(a.storeKey(nil, s.savedStart, s.kid))] = true
	}
	list := a.byKey[s.kid]
	at := slices.Index(list, gid)
	a.byKey[s.kid] = slices.Delete(list, at, at+1)
	*s = session{}
	a.counts[gid] = 0
	a.set.reset(gid)
	a.pool.give(gid)
}

// storeKey is the place of a session in the store.
func (a *sessionAgg) storeKey(dst []byte, start int64, kid int32) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(start)^1<<63)
	return a.keys.AppendKey(dst, kid)
}

func (a *sessionAgg) Watermark(wm types.Time, out Emitter) (types.Time, error) {
	if int64(wm) <= a.wm {
		return wm, nil
	}
	a.wm = int64(wm)
	if a.node.Window.ProcTime {
		return wm, nil
	}
	return wm, a.fire(func(end int64) bool { return a.fired(end) }, out)
}

// NextTick is when the earliest session of the processing clock is complete.
func (a *sessionAgg) NextTick() types.Time {
	if !a.node.Window.ProcTime || len(a.due) == 0 {
		return types.MaxTime
	}
	return types.Time(a.zone.timer(a.due[0].time - 1))
}

// Tick fires the sessions that the processing clock has passed.
func (a *sessionAgg) Tick(now types.Time, out Emitter) error {
	return a.fire(func(end int64) bool { return a.zone.timer(end-1) <= int64(now) }, out)
}

// fire emits the sessions that are complete, by end.
func (a *sessionAgg) fire(complete func(end int64) bool, out Emitter) error {
	var gids []int32
	for len(a.due) > 0 && complete(a.due[0].time) {
		d := a.due.pop()
		s := &a.all[d.gid]
		switch {
		case !s.live || s.seq != d.seq: // joined to another
		case s.end > d.time: // went on
			a.due.push(dueRow{s.end, s.seq, d.gid})
		default:
			gids = append(gids, d.gid)
			s.live = false
		}
	}
	for len(gids) > 0 {
		part := gids[:min(len(gids), emitRows)]
		if err := a.emit(part, out); err != nil {
			return err
		}
		for _, gid := range part {
			kid := a.all[gid].kid
			if a.free(gid); len(a.byKey[kid]) == 0 {
				a.keys.Delete(kid)
			}
		}
		gids = gids[len(part):]
	}
	a.measure()
	return nil
}

func (a *sessionAgg) emit(gids []int32, out Emitter) error {
	if a.retract {
		gids = slices.DeleteFunc(slices.Clone(gids), func(g int32) bool { return a.counts[g] == 0 })
	}
	n := len(gids)
	if n == 0 {
		return nil
	}
	kids := make([]int32, n)
	for i, g := range gids {
		kids[i] = a.all[g].kid
	}
	cols := a.keys.Keys(kids)
	values, err := a.set.values(gids)
	if err != nil {
		return err
	}
	cols = append(cols, values...)
	for _, p := range a.node.Props {
		us := make([]int64, n)
		for i, g := range gids {
			s := &a.all[g]
			switch p {
			case planner.WindowStart:
				us[i] = micros(s.start)
			case planner.WindowEnd:
				us[i] = micros(s.end)
			case planner.WindowTime:
				us[i] = micros(a.zone.instant(s.end - 1))
			case planner.WindowProc:
				us[i] = a.ctx.Fn.NowMicros
			}
		}
		cols = append(cols, timeColumn(a.schema.Field(len(cols)).Type, us))
	}
	return out.Emit(vec.New(a.schema, cols, n, nil))
}
