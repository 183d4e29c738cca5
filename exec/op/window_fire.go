package op

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// Watermark fires the windows that are complete.
func (w *windowAgg) Watermark(wm types.Time, out Emitter) (types.Time, error) {
	if int64(wm) <= w.wm {
		return wm, nil
	}
	before := w.wm
	w.wm = int64(wm)
	w.w.cur = nil
	if w.node.Window.ProcTime {
		return wm, nil
	}
	if w.node.Phase == planner.LocalPhase {
		return wm, w.flushComplete(before, out)
	}
	for {
		end, ok := w.due.first()
		if !ok || !w.fired(end) {
			break
		}
		w.due.pop()
		if err := w.fire(end, out); err != nil {
			return wm, err
		}
		if w.ctx.Interrupted() {
			return wm, nil
		}
	}
	return wm, w.fit(true)
}

// NextTick is when the earliest window of the processing clock is complete.
func (w *windowAgg) NextTick() types.Time {
	end, ok := w.due.first()
	if !ok || !w.node.Window.ProcTime {
		return types.MaxTime
	}
	return types.Time(w.zone.timer(end - 1))
}

// Tick fires the windows that the processing clock has passed.
func (w *windowAgg) Tick(now types.Time, out Emitter) error {
	for w.NextTick() <= now && w.NextTick() != types.MaxTime {
		end, _ := w.due.first()
		w.due.pop()
		w.w.cur = nil
		if err := w.fire(end, out); err != nil {
			return err
		}
	}
	return w.fit(true)
}

// fire emits the window, or the windows, that end at end, and frees the slices no other needs.
func (w *windowAgg) fire(end int64, out Emitter) error {
	switch {
	case w.attached:
		for _, s := range w.ending(end) {
			if err := w.emit([]*slice{s}, s.start, end, out); err != nil {
				return err
			}
			w.free(s)
		}
		return nil
	case w.shared && w.slicing.kind == planner.Cumulate:
		return w.fireCumulate(end, out)
	case w.shared:
		return w.fireHop(end, out)
	}
	s, ok := w.slices[sliceID{end, w.slicing.startOf(end)}]
	if !ok {
		return nil
	}
	if err := w.emit([]*slice{s}, s.start, end, out); err != nil {
		return err
	}
	w.free(s)
	return nil
}

// emit emits the window [start, end), of some slices.
func (w *windowAgg) emit(parts []*slice, start, end int64, out Emitter) error {
	switch {
	case slices.ContainsFunc(parts, hasRuns):
		return w.emitRuns(parts, start, end, out)
	case len(parts) == 1 && parts[0].evicted:
		return w.emitEvicted(parts[0], start, end, out)
	case len(parts) == 1:
		return w.emitSlice(parts[0], start, end, out)
	case len(parts) > 1:
		return w.emitMerged(parts, start, end, out)
	}
	return nil
}

// ending lists the slices that end at end, by start.
func (w *windowAgg) ending(end int64) []*slice {
	var out []*slice
	for _, s := range w.ordered() {
		if s.end == end {
			out = append(out, s)
		}
	}
	return out
}

// fireHop merges the slices of a window into groups of their own.
func (w *windowAgg) fireHop(end int64, out Emitter) error {
	start := w.slicing.startOf(end)
	parts := w.within(start, end)
	if err := w.emit(parts, start, end, out); err != nil {
		return err
	}
	for _, s := range parts {
		if last, _ := w.slicing.lastEnd(s.start); last <= end {
			w.free(s)
		} else {
			w.due.push(w.slicing.nextEnd(end))
		}
	}
	return nil
}

// within lists the slices of a window.
func (w *windowAgg) within(start, end int64) []*slice {
	var parts []*slice
	for at := start; at < end; at += w.slicing.width {
		if s, ok := w.slices[sliceID{at + w.slicing.width, at}]; ok {
			parts = append(parts, s)
		}
	}
	return parts
}

func hasRuns(s *slice) bool { return s.runs != nil }

// fireStored is fireCumulate of slices of which some have runs: they stay as they are, and each step reads all of
// them.
func (w *windowAgg) fireStored(parts []*slice, start, end int64, out Emitter) error {
	if err := w.emit(parts, start, end, out); err != nil {
		return err
	}
	if end < start+w.slicing.size {
		w.due.push(w.slicing.nextEnd(end))
		return nil
	}
	for _, s := range parts {
		w.free(s)
	}
	return nil
}

// emitMerged emits the groups of several slices, merged by key, in order of a key's first arrival.
func (w *windowAgg) emitMerged(parts []*slice, start, end int64, out Emitter) error {
	sum := &slice{start: start, end: end}
	for _, s := range parts {
		if err := w.mergeInto(sum, s); err != nil {
			return err
		}
	}
	err := w.emitSlice(sum, start, end, out)
	w.release(sum.gids)
	return err
}

// mergeInto adds the groups of a slice to those of another.
func (w *windowAgg) mergeInto(to, from *slice) error {
	gids := make([]int32, len(from.keys))
	for i, kid := range from.keys {
		if gid := to.find(kid); gid >= 0 {
			gids[i] = gid
			continue
		}
		gids[i] = w.pool.take()
		to.add(kid, gids[i], w.keys.Cap())
	}
	w.resize()
	if w.retract {
		for i, gid := range gids {
			w.counts[gid] += w.counts[from.gids[i]]
		}
	}
	state, err := w.set.save(from.gids)
	if err != nil {
		return err
	}
	return w.set.merge(gids, state)
}

// fireCumulate merges the slices up to end into the window's first slice, which it emits.
func (w *windowAgg) fireCumulate(end int64, out Emitter) error {
	start := w.slicing.startOf(end)
	id := sliceID{start + w.slicing.width, start}
	first, ok := w.slices[id]
	if !ok {
		first = w.newSlice(id)
	}
	if parts := w.within(start, end); slices.ContainsFunc(parts, hasRuns) {
		return w.fireStored(parts, start, end, out)
	}
	for at := start + w.slicing.width; at < end; at += w.slicing.width {
		s, ok := w.slices[sliceID{at + w.slicing.width, at}]
		if !ok {
			continue
		}
		before := len(first.keys)
		if err := w.mergeInto(first, s); err != nil {
			return err
		}
		for _, kid := range first.keys[before:] {
			w.refs[kid]++
		}
		for _, gid := range first.gids {
			w.store.born(gid)
		}
		w.free(s)
	}
	if err := w.emitSlice(first, start, end, out); err != nil {
		return err
	}
	if end == start+w.slicing.size || len(first.keys) == 0 {
		w.free(first)
		return nil
	}
	w.due.push(w.slicing.nextEnd(end))
	return nil
}

// free drops a slice and its groups. Keys that no other slice has are kept until the next slice is freed.
func (w *windowAgg) free(s *slice) {
	w.store.forget(w, s)
	w.dropRuns(s)
	w.release(s.gids)
	for _, kid := range w.idle { // the number may have gone to another key since
		if w.refs[kid] == 0 && w.keys.Live(kid) {
			w.keys.Delete(kid)
		}
	}
	w.idle = w.idle[:0]
	for _, kid := range s.keys {
		if w.refs[kid]--; w.refs[kid] == 0 {
			w.idle = append(w.idle, kid)
		}
	}
	delete(w.slices, sliceID{s.end, s.start})
	s.clear()
	if len(w.unused) < 8 {
		w.unused = append(w.unused, s)
	}
}

// release empties groups for reuse.
func (w *windowAgg) release(gids []int32) {
	w.set.resetAll(gids)
	for _, gid := range gids {
		if w.retract {
			w.counts[gid] = 0
		}
		w.pool.give(gid)
	}
}

// emitSlice emits the groups of a slice as the window [start, end).
func (w *windowAgg) emitSlice(s *slice, start, end int64, out Emitter) error {
	kids, gids := s.keys, s.gids
	if w.retract {
		kids, gids = w.counted(kids, gids)
	}
	return w.emitGroups(w.keys, w.set, kids, gids, start, end, out)
}

// emitGroups emits keys and their groups' results as the window [start, end).
func (w *windowAgg) emitGroups(keys *vec.Groups, set *aggSet, kids, gids []int32, start, end int64, out Emitter) error {
	for len(kids) > 0 {
		n := min(len(kids), emitRows)
		cols := keys.Keys(kids[:n])
		values, err := set.values(gids[:n])
		if err != nil {
			return err
		}
		cols = append(cols, values...)
		for i, p := range w.node.Props {
			cols = append(cols, w.prop(p, len(cols), i, start, end, n))
		}
		if err := out.Emit(vec.New(w.schema, cols, n, nil)); err != nil {
			return err
		}
		kids, gids = kids[n:], gids[n:]
	}
	return nil
}

// counted leaves out the groups whose rows were all taken away again.
func (w *windowAgg) counted(kids, gids []int32) (k, g []int32) {
	for i, gid := range gids {
		if w.counts[gid] != 0 {
			k, g = append(k, kids[i]), append(g, gid)
		}
	}
	return k, g
}

// prop is a column of a window's property.
func (w *windowAgg) prop(p planner.WindowProp, col, _ int, start, end int64, n int) arrow.Array {
	var v int64
	switch p {
	case planner.WindowStart:
		v = micros(start)
	case planner.WindowEnd:
		v = micros(end)
	case planner.WindowTime:
		v = micros(w.zone.instant(end - 1))
	case planner.WindowProc:
		v = w.ctx.Fn.NowMicros
	}
	return repeated(w.schema.Field(col).Type, v, n)
}

// repeated is a column of n equal timestamps.
func repeated(dt arrow.DataType, v int64, n int) arrow.Array {
	out := make([]int64, n)
	for i := range out {
		out[i] = v
	}
	if dt.ID() == arrow.STRUCT {
		return vec.Nanos(out, make([]int16, n), nil)
	}
	return vec.Fixed(dt, out, nil)
}

// mergeBatch is Process of a global phase: rows are partial results of slices, or rows that
// a local phase passed on.
func (w *windowAgg) mergeBatch(b *vec.Batch) error {
	ends := vec.Values[int64](b.Col(int(b.Rows.NumCols()) - 1))
	pick := make([]int32, 0, len(ends))
	for i, end := range ends {
		s := w.w.cur
		if s == nil || s.end != end {
			s = w.slice(sliceID{end, end - w.slicing.width})
			w.w.cur = s
		}
		if w.assign(i, s); w.w.gids[i] >= 0 {
			pick = append(pick, int32(i))
		}
	}
	w.resize()
	n := len(pick)
	if n == 0 {
		return nil
	}
	if w.rowSet != nil && b.Rows.Schema().Field(int(b.Rows.NumCols())-1).Name == planner.RowSliceEnd {
		return w.rowSet.update(w.w.gids[:len(ends)], b)
	}
	gids := make([]int32, n)
	for i, row := range pick {
		gids[i] = w.w.gids[row]
	}
	k := len(w.node.Keys)
	state := make([]vec.Vec, len(w.set.state))
	for i := range state {
		state[i] = vec.ColVec(b.Col(k + i))
		if n < b.Len() {
			state[i] = vec.TakeVec(state[i], pick)
		}
	}
	return w.set.merge(gids, state)
}

// measure publishes the operator's counters and charges the budget. It tells whether that fits.
func (w *windowAgg) measure() bool {
	w.runs.live, w.runs.calls = w.live(), 0
	w.ctx.Metrics.Groups = int64(w.runs.live)
	entry := int64(4 + 4 + 8 + 2 + 1 + 1) // refs, free numbers, slices, store
	return w.ctx.charges(w.keys.Bytes() + w.set.bytes() + int64(w.pool.next)*entry + int64(cap(w.counts))*8)
}
