package op

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// plan decides what each row from lo on does, up to a row whose group ended before it within the
// stretch: such a group must be emptied before it begins anew.
func (g *groupAgg) plan(b *vec.Batch, lo int) (hi int) {
	w, n := &g.w, b.Len()
	w.prev, w.kind = sized(w.prev, n), sized(w.kind, n)
	w.heads, w.some = w.heads[:0], false
	old := g.before || b.Kinds != nil || g.filtered || !g.steady
	for i := lo; i < n; i++ {
		gid := w.gids[i]
		adds := b.Kinds == nil || types.Adds(b.Kinds[i])
		last := w.last[gid]
		if last >= 0 && w.kind[last] == stepDelete {
			return i
		}
		if !adds && g.rows[gid] == 0 {
			w.kind[i], w.some = stepNone, true
			continue
		}
		w.prev[i] = last
		w.kind[i] = stepUpdate
		if g.rows[gid] == 0 {
			w.kind[i] = stepInsert
		}
		if old && last < 0 && (w.kind[i] == stepUpdate || g.filtered) {
			w.prev[i] = ^int32(len(w.heads))
			w.heads = append(w.heads, gid)
		}
		if adds {
			g.rows[gid]++
		} else if g.rows[gid]--; g.rows[gid] == 0 {
			w.kind[i] = stepDelete
		}
		w.last[gid] = int32(i)
		if !g.dirty[gid] {
			g.dirty[gid] = true
			g.changed = append(g.changed, gid)
		}
	}
	return n
}

// runningAgg is one aggregate's values in a stretch: after each row, then those of the heads.
type runningAgg struct {
	values arrow.Array
	// at maps a place of values to the place that holds the value, where FILTER keeps rows out; or nil.
	at []int32
}

// stretch runs the aggregates over rows [lo, hi) and emits their changes.
func (g *groupAgg) stretch(b *vec.Batch, lo, hi int, out Emitter) error {
	w := &g.w
	part := b.Slice(lo, hi)
	gids := w.gids[lo:hi]
	if w.some {
		w.live = append(w.live[:0], gids...)
		gids = w.live
		for i := range gids {
			if w.kind[lo+i] == stepNone {
				gids[i] = -1
			}
		}
	}
	old, err := g.set.values(w.heads)
	if err != nil {
		return err
	}
	results := make([]runningAgg, len(old))
	for i := range old {
		if results[i], err = g.running(&g.set.runs[i], part, gids, lo, old[i]); err != nil {
			return err
		}
	}
	for i, gid := range gids {
		if gid < 0 {
			continue
		}
		w.last[gid] = -1
		if w.kind[lo+i] == stepDelete {
			g.set.reset(gid)
		}
	}
	return g.emit(part, lo, results, out)
}

// running gives the values of an aggregate. Where FILTER keeps a row out, the value before it stays.
func (g *groupAgg) running(r *aggRun, part *vec.Batch, gids []int32, lo int, old arrow.Array) (runningAgg, error) {
	n := part.Len()
	masked := r.mask(part, gids)
	v, err := r.acc.Running(masked, r.inputs(part), part.Kinds, 0, n)
	if err != nil {
		return runningAgg{}, err
	}
	res := runningAgg{values: v.Column(n)}
	if old.Len() > 0 {
		res.values = vec.ConcatArrays(res.values, old)
	}
	if r.filter < 0 {
		return res, nil
	}
	res.at = make([]int32, n+old.Len())
	for i := range res.at {
		res.at[i] = int32(i)
	}
	for i, gid := range gids {
		if gid >= 0 && masked[i] < 0 {
			res.at[i] = res.at[g.beforeRow(lo, i, n)]
		}
	}
	return res, nil
}

// beforeRow is the place of the value before row i of a stretch of n rows that begins at lo.
func (g *groupAgg) beforeRow(lo, i, n int) int32 {
	p := g.w.prev[lo+i]
	if p < 0 {
		return int32(n) + ^p
	}
	return p - int32(lo)
}

// emit makes the changes of a stretch from the aggregates' values.
func (g *groupAgg) emit(part *vec.Batch, lo int, results []runningAgg, out Emitter) error {
	w, n := &g.w, part.Len()
	w.rows, w.pos = w.rows[:0], w.pos[:0]
	kinds := make([]types.RowKind, 0, 2*n)
	changed := g.changedBy(results)
	inserts := true
	for i := range n {
		switch w.kind[lo+i] {
		case stepInsert:
			w.rows, w.pos, kinds = append(w.rows, int32(i)), append(w.pos, int32(i)), append(kinds, types.Insert)
		case stepDelete:
			w.rows, w.pos, kinds = append(w.rows, int32(i)), append(w.pos, g.beforeRow(lo, i, n)), append(kinds, types.Delete)
			inserts = false
		case stepUpdate:
			before := g.beforeRow(lo, i, n)
			if g.appends || changed != nil && !changed(int(before), i) {
				continue
			}
			if g.before {
				w.rows, w.pos, kinds = append(w.rows, int32(i)), append(w.pos, before), append(kinds, types.UpdateBefore)
			}
			w.rows, w.pos, kinds = append(w.rows, int32(i)), append(w.pos, int32(i)), append(kinds, types.UpdateAfter)
			inserts = false
		}
	}
	if len(kinds) == 0 {
		return nil
	}
	if inserts {
		kinds = nil
	}
	cols := make([]arrow.Array, 0, len(g.types)+len(results))
	for i, c := range g.node.Keys {
		cols = append(cols, vec.Take(keyColumn(g.types[i], part.Col(c)), w.rows))
	}
	for i := range results {
		cols = append(cols, vec.Take(results[i].values, g.places(&results[i])))
	}
	return out.Emit(vec.New(g.schema, cols, len(w.rows), kinds))
}

// places maps the output rows to places of an aggregate's values.
func (g *groupAgg) places(r *runningAgg) []int32 {
	if r.at == nil {
		return g.w.pos
	}
	g.w.mapped = append(g.w.mapped[:0], g.w.pos...)
	for i, p := range g.w.mapped {
		g.w.mapped[i] = r.at[p]
	}
	return g.w.mapped
}

// changedBy gives the test whether any value differs between two places; nil where all updates count.
func (g *groupAgg) changedBy(results []runningAgg) func(before, after int) bool {
	if g.steady {
		return nil
	}
	same := make([]vec.Comparer, len(results))
	for i := range results {
		same[i] = vec.Order{}.Comparer(results[i].values, results[i].values)
	}
	return func(before, after int) bool {
		for i := range results {
			b, a := before, after
			if at := results[i].at; at != nil {
				b, a = int(at[b]), int(at[a])
			}
			if b != a && same[i](b, a) != 0 {
				return true
			}
		}
		return false
	}
}
