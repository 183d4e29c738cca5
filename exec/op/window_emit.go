package op

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// windowEmit aggregates TUMBLE and HOP windows that give results beside their end: early ones, before the
// watermark reaches it, and late ones, for rows that come behind it. A result replaces the one before; it is
// told only where its values differ.
//
// A row is in each of its windows by itself, since each tells what it has. A group is a key in a window.
type windowEmit struct {
	Base
	ctx     *Context
	node    *planner.WindowAgg
	emit    planner.WindowEmit
	schema  *arrow.Schema
	before  bool // -U is wanted
	slicing slicing
	zone    *clockZone
	types   []types.Type // of the keys, then the window's end
	groups  *vec.Groups
	all     []emitGroup
	set     *aggSet
	values  *rowCodec // of the aggregates' results
	byEnd   map[int64][]int32
	due     dueWindows // ends of windows that are not complete
	old     dueWindows // ends of complete windows that still take rows
	ticks   dueWindows // clock times at which groups give results
	atTick  map[int64][]int32
	wm      int64
	store   emitStore
	w       emitWork
}

// emitGroup is a key in a window.
type emitGroup struct {
	end   int64 // wall clock, ms
	count int64 // rows in it
	next  int64 // clock time, ms, of its next result; 0: none is planned
	shown []byte
	is    bool // a result was given: shown
	done  bool // it gave its result at the window's end
	dirty bool
	mark  int32 // stretch that it gives a result in
}

// emitWork is memory that one batch after another uses.
type emitWork struct {
	rows, gids []int32
	ends       []int64
	fires      []bool
	stretch    int32
}

// newWindowEmit makes the operator of a WindowAgg with Emit.
func newWindowEmit(n *planner.WindowAgg, s *planner.Settings) (Operator, error) {
	set, err := newAggSet(n.Aggs)
	if err != nil {
		return nil, err
	}
	k := len(n.Keys)
	w := &windowEmit{
		node: n, emit: *n.Emit, schema: n.Out.Arrow(), before: wantsBefore(n, s), slicing: newSlicing(n.Window),
		zone: newClockZone(n.Window.Local || n.Window.ProcTime, s.Zone), set: set, values: newRowCodec(n.Out[k : k+len(n.Aggs)]),
		byEnd: map[int64][]int32{}, atTick: map[int64][]int32{}, wm: int64(types.MinTime),
	}
	w.types = append(columnTypes(n.Input.Info().Out, n.Keys), types.BigIntType)
	w.groups = vec.NewGroups(w.types...)
	return w, nil
}

func (w *windowEmit) Open(ctx *Context) error {
	w.ctx = ctx
	return w.open()
}

func (w *windowEmit) Process(_ int, b *vec.Batch, out Emitter) error {
	times, err := wallTimes(b, w.node.Window, w.zone, w.ctx)
	if err != nil {
		return err
	}
	k := &w.w
	k.rows, k.ends = k.rows[:0], k.ends[:0]
	for i, t := range times {
		w.windows(b, int32(i), t)
	}
	n := len(k.rows)
	if n == 0 {
		return nil
	}
	b = vec.TakeBatch(b, k.rows)
	k.gids, k.fires = sized(k.gids, n), sized(k.fires, n)
	firsts := w.groups.Lookup(append(columnVecs(b, w.node.Keys), vec.ColVec(vec.Int64s(slices.Clone(k.ends), nil))), n, k.gids, nil)
	for len(w.all) < w.groups.Cap() {
		w.all = append(w.all, emitGroup{})
	}
	for _, row := range firsts {
		w.begin(k.gids[row], k.ends[row])
	}
	w.set.resize(len(w.all))
	for i, gid := range k.gids {
		k.fires[i] = w.arrival(gid)
	}
	for lo := 0; lo < n; {
		hi := w.plan(lo)
		if err := w.stretch(b, lo, hi, out); err != nil {
			return err
		}
		lo = hi
	}
	w.measure()
	return nil
}

// windows lists the windows that take a row, the latest first.
func (w *windowEmit) windows(b *vec.Batch, row int32, t int64) {
	start := w.slicing.sliceStart(t)
	last, ok := w.slicing.lastEnd(start)
	taken := !ok
	for end, first := last, w.slicing.firstEnd(start); ok && end >= first; end -= w.slicing.slide {
		if w.over(end) {
			break // those before are over too
		}
		w.w.rows, w.w.ends = append(w.w.rows, row), append(w.w.ends, end)
		taken = true
	}
	if !taken {
		w.ctx.DropLate(0, b, int(row), t, w.slicing.startOf(last), last)
	}
}

// complete tells whether the watermark has passed the window that ends at end.
func (w *windowEmit) complete(end int64) bool {
	return !w.node.Window.ProcTime && w.wm >= w.zone.timer(end-1)
}

// over tells whether the window takes no more rows.
func (w *windowEmit) over(end int64) bool {
	return !w.node.Window.ProcTime && w.wm >= w.zone.timer(end-1)+w.emit.Lateness
}

// begin makes a group.
func (w *windowEmit) begin(gid int32, end int64) {
	w.all[gid] = emitGroup{end: end}
	w.byEnd[end] = append(w.byEnd[end], gid)
	if w.complete(end) {
		w.old.push(end)
	} else {
		w.due.push(end)
	}
}

// arrival tells whether a row has its group give a result at once; else one may be planned.
func (w *windowEmit) arrival(gid int32) bool {
	g := &w.all[gid]
	delay := w.emit.Early
	switch {
	case g.done:
		delay = w.emit.Late
	case w.complete(g.end):
		return true // it had no row when the window ended, and so planned nothing
	}
	if delay > 0 && g.next == 0 {
		w.schedule(gid, w.ctx.Fn.NowMicros/1000+delay)
	}
	return delay == 0
}

func (w *windowEmit) schedule(gid int32, at int64) {
	g := &w.all[gid]
	g.next, g.dirty = at, true
	w.ticks.push(at)
	w.atTick[at] = append(w.atTick[at], gid)
}

// plan gives the end of the rows from lo on in which no group gives more than one result, and no row follows
// one that gave it.
func (w *windowEmit) plan(lo int) int {
	k := &w.w
	k.stretch++
	for i := lo; i < len(k.gids); i++ {
		g := &w.all[k.gids[i]]
		if g.mark == k.stretch {
			return i
		}
		if k.fires[i] {
			g.mark = k.stretch
		}
	}
	return len(k.gids)
}

// stretch folds rows [lo, hi) and gives the results that they cause.
func (w *windowEmit) stretch(b *vec.Batch, lo, hi int, out Emitter) error {
	part, gids := b.Slice(lo, hi), w.w.gids[lo:hi]
	if err := w.set.update(gids, part); err != nil {
		return err
	}
	var firing []int32
	for i, gid := range gids {
		g := &w.all[gid]
		g.dirty = true
		if types.Adds(part.Kind(i)) {
			g.count++
		} else {
			g.count--
		}
		if w.w.fires[lo+i] {
			firing = append(firing, gid)
		}
	}
	return w.results(firing, out)
}

// Watermark gives the results of the windows that are complete, and frees those that take no more rows.
func (w *windowEmit) Watermark(wm types.Time, out Emitter) (types.Time, error) {
	if int64(wm) <= w.wm {
		return wm, nil
	}
	w.wm = int64(wm)
	if w.node.Window.ProcTime {
		return wm, nil
	}
	for {
		end, ok := w.due.first()
		if !ok || !w.complete(end) {
			break
		}
		w.due.pop()
		if err := w.finish(end, out); err != nil {
			return wm, err
		}
	}
	for {
		end, ok := w.old.first()
		if !ok || !w.over(end) {
			break
		}
		w.old.pop()
		w.free(end)
	}
	w.measure()
	return wm, nil
}

// finish gives the results of a window at its end.
func (w *windowEmit) finish(end int64, out Emitter) error {
	for _, gid := range w.byEnd[end] {
		g := &w.all[gid]
		g.done, g.next, g.dirty = true, 0, true
	}
	if err := w.results(w.byEnd[end], out); err != nil {
		return err
	}
	if w.node.Window.ProcTime || w.emit.Lateness == 0 {
		w.free(end)
		return nil
	}
	w.old.push(end)
	return nil
}

// NextTick is when a group has an early or late result planned, or a window of the clock is complete.
func (w *windowEmit) NextTick() types.Time {
	at := types.MaxTime
	if t, ok := w.ticks.first(); ok {
		at = types.Time(t)
	}
	if end, ok := w.due.first(); ok && w.node.Window.ProcTime {
		at = min(at, types.Time(w.zone.timer(end-1)))
	}
	return at
}

// Tick gives the results whose time has come.
func (w *windowEmit) Tick(now types.Time, out Emitter) error {
	for w.NextTick() <= now {
		at, planned := w.ticks.first()
		end, some := w.due.first()
		if w.node.Window.ProcTime && some && (!planned || w.zone.timer(end-1) <= at) {
			w.due.pop()
			if err := w.finish(end, out); err != nil {
				return err
			}
			continue
		}
		w.ticks.pop()
		if err := w.planned(at, int64(now), out); err != nil {
			return err
		}
	}
	w.measure()
	return nil
}

// planned gives the results planned for a time, and plans the next ones. Those that were missed meanwhile,
// as while the job was down, are left out.
func (w *windowEmit) planned(at, now int64, out Emitter) error {
	var firing []int32
	for _, gid := range w.atTick[at] {
		g := &w.all[gid]
		if !w.groups.Live(gid) || g.next != at {
			continue
		}
		firing = append(firing, gid)
		delay := w.emit.Early
		if g.done {
			delay = w.emit.Late
		}
		w.schedule(gid, at+((now-at)/delay+1)*delay)
	}
	delete(w.atTick, at)
	return w.results(firing, out)
}

// free forgets the groups of a window.
func (w *windowEmit) free(end int64) {
	for _, gid := range w.byEnd[end] {
		w.store.forget(w, gid)
		w.all[gid] = emitGroup{}
		w.set.reset(gid)
		w.groups.Delete(gid)
	}
	delete(w.byEnd, end)
}

// measure publishes the operator's counters and charges the budget.
func (w *windowEmit) measure() {
	w.ctx.Metrics.Groups = int64(w.groups.Len())
	w.ctx.holds(w.groups.Bytes() + int64(cap(w.all))*80 + w.set.bytes())
}

// Close gives the memory back.
func (w *windowEmit) Close() error { return w.ctx.releases() }
