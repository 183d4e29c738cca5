package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// windowAgg aggregates windows of time. Rows go into slices, such that each window of TUMBLE, HOP or
// CUMULATE is a run of slices, and HOP and CUMULATE share them: a window's result is its slices'
// accumulators merged. Aggregates that cannot be merged have a slice a window instead, and a row goes
// into several.
//
// A window fires once the watermark reaches its end less 1 ms. A row is late, and dropped, only when
// the last window that holds its slice has fired; else it counts in those that have not.
//
// All slices share one table of keys and one set of accumulators: key number and slice give a group.
type windowAgg struct {
	Base
	ctx     *Context
	node    *planner.WindowAgg
	schema  *arrow.Schema
	slicing slicing
	zone    *clockZone
	types   []types.Type // of the keys
	keys    *vec.Groups
	refs    []int32 // by key: slices that have it
	idle    []int32 // keys that no slice had when the last slice was freed: most come again in the next
	set     *aggSet
	counts  []int64 // by group: rows in it, where rows may be taken away
	pool    groupPool
	slices  map[sliceID]*slice
	unused  []*slice
	due     dueWindows // ends of the windows that will fire
	wm      int64      // watermark so far
	// shared: windows are merged from slices. attached: rows carry their window.
	shared, attached, retract bool
	local                     localPhase
	rowSet                    *aggSet // set over rows that a local phase passed on
	store                     windowStore
	runs                      windowRuns
	want                      []wanted
	full                      bool // restored as many evicted groups as fit
	w                         windowWork
	err                       error // of the store, told by Snapshot
}

// sliceID names a slice: by its end and, since windows that rows carry may end together, its start.
type sliceID struct{ end, start int64 }

type windowWork struct {
	kids, gids, firsts []int32
	cur                *slice
	in                 *vec.Batch // being worked on
	times              []int64    // of its rows; nil: not known
}

var errNullTime = errors.New("the time attribute of a row is NULL; event time must be known: filter such rows out before the window")

// NewWindowAgg makes the operator of a WindowAgg.
func NewWindowAgg(n *planner.WindowAgg, s *planner.Settings) (Operator, error) {
	if n.Window.Kind == planner.Session && !isAttached(n.Window) {
		return NewSessionAgg(n, s)
	}
	if n.Emit != nil {
		return newWindowEmit(n, s)
	}
	aggs := n.Aggs
	set, err := newAggSet(aggs)
	if err != nil {
		return nil, err
	}
	w := &windowAgg{
		node: n, schema: n.Out.Arrow(), set: set, slicing: newSlicing(n.Window),
		zone: newClockZone(n.Window.Local || n.Window.ProcTime, s.Zone), slices: map[sliceID]*slice{},
		wm: int64(types.MinTime), attached: isAttached(n.Window),
	}
	w.local = newLocalPhase(n)
	if n.Phase == planner.GlobalPhase && len(n.RowAggs) > 0 {
		w.rowSet = set.reading(n.RowAggs)
	}
	w.types = columnTypes(n.Input.Info().Out, n.Keys)
	w.keys = vec.NewGroups(w.types...)
	w.shared = !w.attached && set.mergeable() && (n.Window.Kind == planner.Hop || n.Window.Kind == planner.Cumulate)
	w.retract = !n.Input.Info().Mode.AppendOnly() && n.Input.Info().Mode != 0
	if n.Phase != planner.WholePhase && !set.mergeable() {
		return nil, fmt.Errorf("node %q: aggregates that cannot be merged are not split", n.ID)
	}
	return w, nil
}

// isAttached tells whether rows carry their window. Both columns are -1 or both are not; the zero
// Window, of tests and of nodes made by hand, has neither.
func isAttached(w planner.Window) bool { return w.Start >= 0 && w.End > 0 && w.Start != w.End }

func (w *windowAgg) Open(ctx *Context) error {
	w.ctx = ctx
	return w.open(ctx.State)
}

func (w *windowAgg) Process(_ int, b *vec.Batch, out Emitter) error {
	n := b.Len()
	if w.local.pass > 0 {
		return w.passRows(b, out)
	}
	k := &w.w
	k.in, k.times = b, nil
	k.kids, k.gids = sized(k.kids, n), sized(k.gids, n)
	k.firsts = w.keys.Lookup(columnVecs(b, w.node.Keys), n, k.kids, k.firsts[:0])
	for len(w.refs) < w.keys.Cap() {
		w.refs = append(w.refs, 0)
	}
	var err error
	switch {
	case w.node.Phase == planner.GlobalPhase:
		err = w.mergeBatch(b)
	case w.attached:
		err = w.addAttached(b)
	default:
		err = w.addRows(b)
	}
	if err != nil {
		return err
	}
	k.in, k.times = nil, nil
	for _, row := range k.firsts { // keys that came with late rows only
		if kid := k.kids[row]; w.refs[kid] == 0 && w.keys.Live(kid) {
			w.keys.Delete(kid)
		}
	}
	return w.fit(false)
}

// addRows puts rows into slices, or into each of their windows where aggregates cannot be merged.
func (w *windowAgg) addRows(b *vec.Batch) error {
	times, err := wallTimes(b, w.node.Window, w.zone, w.ctx)
	if err != nil {
		return err
	}
	w.w.times = times
	if w.shared || w.node.Window.Kind == planner.Tumble || w.node.Phase == planner.LocalPhase {
		for i, t := range times {
			w.assign(i, w.sliceAt(t))
		}
		w.local.rows += len(times)
		return w.fold(b)
	}
	return w.addToEach(b, times)
}

// sliceAt gives the slice of a time.
func (w *windowAgg) sliceAt(t int64) *slice {
	s := w.w.cur
	if s == nil || t < s.start || t >= s.end {
		start := w.slicing.sliceStart(t)
		s = w.slice(sliceID{start + w.slicing.width, start})
		w.w.cur = s
	}
	return s
}

// addToEach puts each row into all its windows. Rows stay in order of arrival in each: FIRST_VALUE goes by it.
func (w *windowAgg) addToEach(b *vec.Batch, times []int64) error {
	var rows []int32
	gids := w.w.gids[:0]
	for i, t := range times {
		start := w.slicing.sliceStart(t)
		last, ok := w.slicing.lastEnd(start)
		taken := !ok
		for end := w.slicing.firstEnd(start); ok && end <= last; end = w.slicing.nextEnd(end) {
			s := w.slice(sliceID{end, w.slicing.startOf(end)})
			if s.late {
				continue
			}
			rows, gids, taken = append(rows, int32(i)), append(gids, w.groupOf(s, w.w.kids[i])), true
		}
		if !taken {
			w.ctx.DropLate(0, b, i, t, w.slicing.startOf(last), last)
		}
		if len(rows) < maxRepeated && i < len(times)-1 || len(rows) == 0 {
			continue
		}
		w.w.gids = gids
		if err := w.fold(vec.TakeBatch(b, rows)); err != nil {
			return err
		}
		rows, gids = rows[:0], gids[:0]
	}
	return nil
}

// maxRepeated bounds the rows that addToEach has at a time.
const maxRepeated = 1 << 15

// addAttached puts rows into the windows that they carry.
func (w *windowAgg) addAttached(b *vec.Batch) error {
	starts, ends := b.Col(w.node.Window.Start), b.Col(w.node.Window.End)
	if starts.NullN() > 0 || ends.NullN() > 0 {
		return errNullTime
	}
	lo, hi := make([]int64, b.Len()), make([]int64, b.Len())
	millisOf(starts, lo)
	millisOf(ends, hi)
	for i := range lo {
		s := w.w.cur
		if s == nil || s.start != lo[i] || s.end != hi[i] {
			s = w.slice(sliceID{hi[i], lo[i]})
			w.w.cur = s
		}
		w.assign(i, s)
	}
	return w.fold(b)
}

// assign gives row i a group in a slice; none where the slice is late.
func (w *windowAgg) assign(i int, s *slice) {
	if s.late {
		w.w.gids[i] = -1
		w.lateRow(i, s)
		return
	}
	w.w.gids[i] = w.groupOf(s, w.w.kids[i])
}

// lateRow drops a row of a late slice.
func (w *windowAgg) lateRow(i int, s *slice) {
	if s.none {
		return
	}
	t, start, end := int64(math.MinInt64), s.start, s.end
	if w.w.times != nil {
		t = w.w.times[i]
	}
	if last, ok := w.slicing.lastEnd(s.start); ok && w.shared {
		start, end = w.slicing.startOf(last), last
	}
	w.ctx.DropLate(0, w.w.in, i, t, start, end)
}

func (w *windowAgg) groupOf(s *slice, kid int32) int32 {
	if gid := s.find(kid); gid >= 0 {
		w.store.touch(gid)
		return gid
	}
	gid := w.pool.take()
	w.local.made++
	s.add(kid, gid, w.keys.Cap())
	w.refs[kid]++
	w.store.born(gid)
	if s.evicted {
		w.want = append(w.want, wanted{s, kid, gid})
	}
	return gid
}

// fold runs the aggregates over a batch whose groups are decided.
func (w *windowAgg) fold(b *vec.Batch) error {
	w.resize()
	if err := w.loadWanted(); err != nil {
		return err
	}
	gids := w.w.gids[:b.Len()]
	if w.retract {
		for i, g := range gids {
			if g >= 0 && types.Adds(b.Kind(i)) {
				w.counts[g]++
			} else if g >= 0 {
				w.counts[g]--
			}
		}
	}
	return w.set.update(gids, b)
}

// resize makes room for all groups.
func (w *windowAgg) resize() {
	w.set.resize(int(w.pool.next))
	for w.retract && len(w.counts) < int(w.pool.next) {
		w.counts = append(w.counts, 0)
	}
}

// slice gives a slice, made if it is new. A late slice is not kept: it is marked and given once.
func (w *windowAgg) slice(id sliceID) *slice {
	if s, ok := w.slices[id]; ok {
		return s
	}
	first, last := id.end, id.end
	if w.shared {
		ok := true
		if last, ok = w.slicing.lastEnd(id.start); !ok || w.fired(last) {
			return &slice{start: id.start, end: id.end, late: true, none: !ok}
		}
		first = w.slicing.firstEnd(id.start)
		if w.slicing.kind == planner.Cumulate && w.fired(first) {
			return w.joined(id, first)
		}
		for w.fired(first) {
			first = w.slicing.nextEnd(first)
		}
	} else if w.node.Phase != planner.LocalPhase && w.fired(last) {
		return &slice{start: id.start, end: id.end, late: true}
	}
	s := w.newSlice(id)
	if w.node.Phase != planner.LocalPhase {
		w.due.push(first)
	}
	return s
}

// joined is where late rows of a CUMULATE go: the first slice of their window, with which the slices
// that were emitted are merged.
func (w *windowAgg) joined(id sliceID, first int64) *slice {
	for w.fired(first) {
		first = w.slicing.nextEnd(first)
	}
	w.due.push(first)
	start := w.slicing.startOf(id.end)
	id = sliceID{start + w.slicing.width, start}
	if s, ok := w.slices[id]; ok {
		return s
	}
	return w.newSlice(id)
}

func (w *windowAgg) newSlice(id sliceID) *slice {
	s := &slice{}
	if n := len(w.unused); n > 0 {
		s, w.unused = w.unused[n-1], w.unused[:n-1]
	}
	s.start, s.end = id.start, id.end
	w.slices[id] = s
	return s
}

// fired tells whether the window that ends at end has fired.
func (w *windowAgg) fired(end int64) bool {
	if w.node.Window.ProcTime {
		return false
	}
	return w.wm >= w.zone.timer(end-1)
}

// ordered lists the slices by end, then start.
func (w *windowAgg) ordered() []*slice {
	out := make([]*slice, 0, len(w.slices))
	for _, s := range w.slices {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *slice) int {
		if a.end != b.end {
			return cmpInt(a.end, b.end)
		}
		return cmpInt(a.start, b.start)
	})
	return out
}

func cmpInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
