package op

import (
	"cmp"
	"slices"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/vec"
)

// Where memory is short, the groups of a slice leave it: results that can be merged as runs, others as rows of the table
// of windows, as a snapshot writes them. Those are read when their keys come again, many at a time, and when the window
// fires.

// evicts tells whether groups leave memory as rows.
func (w *windowAgg) evicts() bool { return w.node.Phase == planner.WholePhase && !w.set.mergeable() }

// wanted is a group of which the store may have what came before.
type wanted struct {
	s        *slice
	kid, gid int32
}

// fit keeps the budget; measure: whether or not groups came.
func (w *windowAgg) fit(measure bool) error {
	r := &w.runs
	live, fits := w.live(), true
	if r.calls++; measure || live > r.live+r.live/16 || r.calls >= measureCalls {
		fits = w.measure()
	}
	if w.ctx.Budget == nil || w.node.Phase == planner.LocalPhase || !r.full.full(w.ctx.Budget, live, fits) {
		return nil
	}
	most, move := w.ordered(), w.spill
	if w.evicts() {
		move = w.evict
	}
	slices.SortStableFunc(most, func(a, b *slice) int { return cmp.Compare(len(b.keys), len(a.keys)) })
	for want := live - live/4; want > 0 && len(most) > 0; most = most[1:] {
		want -= len(most[0].keys)
		if err := move(most[0]); err != nil {
			return err
		}
	}
	r.live = w.live()
	return nil
}

// evict moves a slice's groups to the store as rows.
func (w *windowAgg) evict(s *slice) error {
	if len(s.keys) == 0 {
		return nil
	}
	if err := w.saveSlice(s); err != nil {
		return err
	}
	for _, gid := range s.gids {
		w.store.saved[gid] = false // by that number
	}
	w.dropGroups(s)
	s.evicted = true
	return nil
}

// dropGroups forgets what memory has of a slice.
func (w *windowAgg) dropGroups(s *slice) {
	w.w.cur = nil
	w.release(s.gids)
	for _, kid := range s.keys {
		if w.refs[kid]--; w.refs[kid] == 0 {
			w.keys.Delete(kid)
		}
	}
	runs, evicted := s.runs, s.evicted
	s.clear()
	s.runs, s.evicted = runs, evicted
}

// loadWanted reads what the store has of the groups that came back.
func (w *windowAgg) loadWanted() error {
	want := w.want
	if len(want) == 0 {
		return nil
	}
	w.want = want[:0]
	var found []int32
	var values [][]byte
	t := w.store.groups
	err := t.t.Find(len(want), func(i int) uint16 {
		group, _ := w.store.key(w, want[i].s, want[i].kid)
		return group
	}, func(dst []byte, i int) []byte {
		_, key := w.store.key(w, want[i].s, want[i].kid)
		return append(dst, key...)
	}, func(i int, value []byte) error {
		found, values = append(found, want[i].gid), append(values, slices.Clone(value))
		return nil
	})
	if err != nil || len(found) == 0 {
		return err
	}
	cols, err := t.columns(values)
	if err != nil {
		return err
	}
	for i, gid := range found {
		if w.store.saved[gid] = true; w.retract {
			w.counts[gid] = vec.I64(cols[1])[i]
		}
	}
	return w.set.load(found, cols[2:])
}

// emitEvicted emits a window of which the store has groups, and takes them away there.
func (w *windowAgg) emitEvicted(s *slice, start, end int64, out Emitter) error {
	if err := w.evict(s); err != nil {
		return err
	}
	m, err := w.newMerger()
	if err != nil {
		return err
	}
	prefix := appendSlice(nil, s)
	for group := range uint16(state.KeyGroups) {
		var keys, values [][]byte
		err := w.store.groups.t.ScanGroup(group, prefix, func(key, value []byte) error {
			keys, values = append(keys, slices.Clone(key)), append(values, slices.Clone(value))
			return nil
		})
		if err != nil {
			return err
		}
		for at := 0; at < len(keys); at += emitRows {
			to := min(at+emitRows, len(keys))
			if err := m.load(keys[at:to], values[at:to]); err != nil {
				return err
			}
			if err := m.flush(start, end, out); err != nil {
				return err
			}
		}
		err = w.store.groups.t.Together(func() error {
			for _, key := range keys {
				if err := w.store.groups.t.Delete(group, key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// load takes in rows of the table of windows.
func (m *merger) load(keys, values [][]byte) error {
	gids := sized(m.gids, len(keys))
	for i, key := range keys {
		gids[i], _ = m.keys.LookupKey(key[sliceBytes:])
	}
	m.gids = gids
	m.set.resize(m.keys.Cap())
	cols, err := m.w.store.groups.columns(values)
	if err != nil {
		return err
	}
	m.count(cols)
	return m.set.load(gids, cols[2:])
}
