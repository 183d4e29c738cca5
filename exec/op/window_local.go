package op

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// localPhase is what the local phase of a window aggregate measures of itself. A group that it makes costs as
// much as several rows that are sent as they are: it is emitted, exchanged with all its state columns, and
// merged. So where few rows share a group it passes rows on, and tries again from time to time.
type localPhase struct {
	schema *arrow.Schema // of rows passed on; nil: none ever are
	rows   int           // since the last decision
	made   int           // groups for them
	pass   int           // times of looking to come while rows are passed on; 0: it aggregates
}

const (
	// minReduction is how many rows must share a group.
	minReduction = 4
	// passSpan is how many slices long rows are passed on before another try.
	passSpan = 32
)

// newLocalPhase makes that of a local node.
func newLocalPhase(n *planner.WindowAgg) localPhase {
	if n.Phase != planner.LocalPhase || n.Rows == nil {
		return localPhase{}
	}
	in := n.Input.Info().Out
	s := append(in.Select(n.Keys), in.Select(n.Rows)...)
	s = append(s, types.Column{Name: planner.RowSliceEnd, Type: types.BigIntType.WithNull(false)})
	return localPhase{schema: s.Arrow()}
}

// adapt decides how to go on. It gives true when rows are passed on from now: what is held must leave before
// them, since the order within a key may count.
func (l *localPhase) adapt() bool {
	if l.pass > 0 {
		l.pass--
		return false
	}
	if l.schema == nil || l.rows < emitRows {
		return false
	}
	little := l.made*minReduction > l.rows
	if l.rows, l.made = 0, 0; little {
		l.pass = passSpan
	}
	return little
}

// passRows emits rows as they are, with their slice.
func (w *windowAgg) passRows(b *vec.Batch, out Emitter) error {
	times, err := wallTimes(b, w.node.Window, w.zone, w.ctx)
	if err != nil {
		return err
	}
	w.w.in, w.w.times = b, times
	defer func() { w.w.in, w.w.times = nil, nil }()
	ends := make([]int64, len(times))
	keep := w.w.firsts[:0]
	for i, t := range times {
		s := w.sliceAt(t)
		if s.late {
			w.lateRow(i, s)
			continue
		}
		ends[i] = s.end
		keep = append(keep, int32(i))
	}
	w.w.firsts = keep
	cols := make([]arrow.Array, 0, len(w.node.Keys)+len(w.node.Rows)+1)
	for _, c := range w.node.Keys {
		cols = append(cols, b.Col(c))
	}
	for _, c := range w.node.Rows {
		cols = append(cols, b.Col(c))
	}
	rows := vec.New(w.local.schema, append(cols, vec.Int64s(ends, nil)), len(ends), nil)
	return out.Emit(vec.TakeBatch(rows, keep))
}

// flushComplete is Watermark of a local phase: partial results leave before the watermark does, of
// the slices that a window which fires with it may need. Rows that come later are late for it.
func (w *windowAgg) flushComplete(before int64, out Emitter) error {
	if before != int64(types.MinTime) && w.wm != int64(types.MaxTime) &&
		w.slicing.sliceStart(w.zone.wall(before)+1) == w.slicing.sliceStart(w.zone.wall(w.wm)+1) && w.live() < maxLocal {
		return nil
	}
	all := w.local.adapt() || w.live() >= maxLocal
	for _, s := range w.ordered() {
		if all || w.fired(s.end) {
			if err := w.flush(s, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// Flush emits all that a local phase holds.
func (w *windowAgg) Flush(out Emitter) error {
	if w.node.Phase != planner.LocalPhase {
		return nil
	}
	w.w.cur = nil
	for _, s := range w.ordered() {
		if err := w.flush(s, out); err != nil {
			return err
		}
	}
	return nil
}

// live is the number of groups in use.
func (w *windowAgg) live() int { return int(w.pool.next) - len(w.pool.free) }

// maxLocal is the number of groups that a local phase holds at most.
const maxLocal = 1 << 16

// flush emits a slice's partial results: keys, state columns, the slice's end.
func (w *windowAgg) flush(s *slice, out Emitter) error {
	kids, gids := s.keys, s.gids
	for len(kids) > 0 {
		n := min(len(kids), emitRows)
		cols := w.keys.Keys(kids[:n])
		state, err := w.set.save(gids[:n])
		if err != nil {
			return err
		}
		for _, v := range state {
			cols = append(cols, v.Column(n))
		}
		ends := make([]int64, n)
		for i := range ends {
			ends[i] = s.end
		}
		cols = append(cols, vec.Int64s(ends, nil))
		if err := out.Emit(vec.New(w.schema, cols, n, nil)); err != nil {
			return err
		}
		kids, gids = kids[n:], gids[n:]
	}
	w.free(s)
	return nil
}
