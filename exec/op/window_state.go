package op

import (
	"slices"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// windowStore is what a windowAgg keeps in the store: a row for each group, and its watermark.
type windowStore struct {
	groups *rowTable
	clock  *savedTime
	dirty  []bool // by group: not in the store as it is
	saved  []bool // by group: in the store at all
	base   int64  // bytes measured last
	buf    []byte
}

func (s *windowStore) touch(gid int32) { s.dirty[gid] = true }

func (s *windowStore) born(gid int32) {
	for int(gid) >= len(s.dirty) {
		s.dirty, s.saved = append(s.dirty, false), append(s.saved, false)
	}
	s.dirty[gid] = true
}

// forget deletes a slice's groups from the store.
func (s *windowStore) forget(w *windowAgg, sl *slice) {
	for i, gid := range sl.gids {
		if int(gid) >= len(s.saved) {
			continue
		}
		s.dirty[gid] = false
		if s.saved[gid] {
			s.saved[gid] = false
			s.gone(w, sl, sl.keys[i])
		}
	}
}

func (s *windowStore) gone(w *windowAgg, sl *slice, kid int32) {
	group, key := s.key(w, sl, kid)
	if err := s.groups.t.Delete(group, key); err != nil {
		w.fail(err)
	}
}

// key is the place of a group in the store: window or slice, then key.
func (s *windowStore) key(w *windowAgg, sl *slice, kid int32) (uint16, []byte) {
	s.buf = appendSlice(s.buf[:0], sl)
	s.buf = w.keys.AppendKey(s.buf, kid)
	if w.node.Phase == planner.LocalPhase {
		return firstGroup(w.ctx), s.buf
	}
	return state.Group(vec.Hash(s.buf[16:])), s.buf
}

// fail keeps the first error of the store; the next Snapshot gives it.
func (w *windowAgg) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// open declares the tables and takes back what a snapshot held.
func (w *windowAgg) open(st *state.State) error {
	s := &w.store
	value := append([]types.Type{types.BigIntType, types.BigIntType}, w.set.state...)
	keys := append([]string{"BIGINT", "BIGINT"}, typeNames(w.types)...)
	s.groups = newRowTable(st, state.Spec{Name: "windows", Key: keys}, value)
	var err error
	if s.clock, err = openSavedTime(w.ctx, "watermark"); err != nil {
		return err
	}
	w.wm = s.clock.at
	if err := w.openRuns(st); err != nil {
		return err
	}
	return w.restore()
}

// storedGroup is a group read back.
type storedGroup struct {
	id         sliceID
	seq        int64
	key, value []byte
}

// restore takes back the groups that a snapshot held. Where those that were evicted do not fit, the rest of them
// stays where it is.
func (w *windowAgg) restore() error {
	var all []storedGroup
	err := w.store.groups.t.Scan(func(_ uint16, k, v []byte) error {
		if w.full {
			w.slice(sliceOf(k)).evicted = true
			return nil
		}
		all = append(all, storedGroup{id: sliceOf(k), key: slices.Clone(k[sliceBytes:]), value: slices.Clone(v)})
		if len(all) < chunkRows || !w.evicts() {
			return nil
		}
		err := w.takeAll(all)
		all = all[:0]
		w.full = !w.measure()
		return err
	})
	if err != nil || len(all) == 0 {
		return err
	}
	return w.takeAll(all)
}

// takeAll gives stored groups their places in memory, in order of arrival.
func (w *windowAgg) takeAll(all []storedGroup) error {
	values := make([][]byte, len(all))
	for i := range all {
		values[i] = all[i].value
	}
	cols, err := w.store.groups.columns(values)
	if err != nil {
		return err
	}
	order := make([]int32, len(all))
	for i := range all {
		all[i].seq = vec.I64(cols[0])[i]
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		x, y := &all[a], &all[b]
		if c := cmpInt(x.id.end, y.id.end); c != 0 {
			return c
		}
		if c := cmpInt(x.id.start, y.id.start); c != 0 {
			return c
		}
		return cmpInt(x.seq, y.seq)
	})
	gids := make([]int32, len(all))
	for i, at := range order {
		gids[i] = w.take(&all[at])
	}
	w.resize()
	for i := range cols {
		cols[i] = vec.TakeVec(cols[i], order)
	}
	if w.retract {
		for i, gid := range gids {
			w.counts[gid] = vec.I64(cols[1])[i]
		}
	}
	return w.set.load(gids, cols[2:])
}

// take gives a stored group its place in memory.
func (w *windowAgg) take(g *storedGroup) int32 {
	kid, _ := w.keys.LookupKey(g.key)
	for len(w.refs) <= int(kid) {
		w.refs = append(w.refs, 0)
	}
	s := w.slice(g.id)
	gid := w.groupOf(s, kid)
	w.store.dirty[gid], w.store.saved[gid] = false, true
	return gid
}

// Snapshot writes the groups that changed, and the watermark.
func (w *windowAgg) Snapshot() error {
	if w.err != nil || w.node.Phase == planner.LocalPhase { // which has nothing left
		return w.err
	}
	w.store.clock.advance(w.wm)
	if err := w.store.clock.save(w.ctx); err != nil {
		return err
	}
	for _, sl := range w.ordered() {
		if err := w.saveSlice(sl); err != nil {
			return err
		}
	}
	return nil
}

func (w *windowAgg) saveSlice(sl *slice) error {
	s := &w.store
	var at []int32
	for i, gid := range sl.gids {
		if s.dirty[gid] {
			at = append(at, int32(i))
		}
	}
	for len(at) > 0 {
		n := min(len(at), chunkRows)
		if err := w.saveGroups(sl, at[:n]); err != nil {
			return err
		}
		at = at[n:]
	}
	return nil
}

// saveGroups writes some entries of a slice.
func (w *windowAgg) saveGroups(sl *slice, at []int32) error {
	s := &w.store
	gids, seq, counts := make([]int32, len(at)), make([]int64, len(at)), make([]int64, len(at))
	for i, e := range at {
		gids[i], seq[i] = sl.gids[e], int64(e)
		if w.retract {
			counts[i] = w.counts[gids[i]]
		}
	}
	cols, err := w.set.save(gids)
	if err != nil {
		return err
	}
	cols = append([]vec.Vec{vec.ColVec(vec.Int64s(seq, nil)), vec.ColVec(vec.Int64s(counts, nil))}, cols...)
	values := s.groups.encode(cols, len(at))
	return s.groups.t.Together(func() error {
		for i, e := range at {
			group, key := s.key(w, sl, sl.keys[e])
			if err := s.groups.t.Set(group, key, values.At(i)); err != nil {
				return err
			}
			s.dirty[gids[i]], s.saved[gids[i]] = false, true
		}
		return nil
	})
}

// Close gives the memory back.
func (w *windowAgg) Close() error { return w.ctx.releases() }
