package op

import (
	"encoding/binary"
	"slices"

	"weir/exec/state"
	"weir/sql/vec"
)

// restore takes back the sessions that a snapshot held, in order of arrival.
func (a *sessionAgg) restore() error {
	var keys, values [][]byte
	err := a.groups.t.Scan(func(_ uint16, k, v []byte) error {
		keys, values = append(keys, slices.Clone(k)), append(values, slices.Clone(v))
		return nil
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	cols, err := a.groups.columns(values)
	if err != nil {
		return err
	}
	ends, seqs, counts := vec.I64(cols[0]), vec.I64(cols[1]), vec.I64(cols[2])
	order := make([]int32, len(keys))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(x, y int32) int { return cmpInt(seqs[x], seqs[y]) })
	gids := make([]int32, len(keys))
	for i, at := range order {
		start := int64(binary.BigEndian.Uint64(keys[at]) ^ 1<<63)
		kid, _ := a.keys.LookupKey(keys[at][8:])
		for len(a.byKey) < a.keys.Cap() {
			a.byKey = append(a.byKey, nil)
		}
		gid := a.begin(kid, start, ends[at])
		s := &a.all[gid]
		s.saved, s.savedStart, s.dirty = true, start, false
		a.counts[gid] = counts[at]
		gids[i] = gid
	}
	a.set.resize(int(a.pool.next))
	for i := range cols {
		cols[i] = vec.TakeVec(cols[i], order)
	}
	return a.set.load(gids, cols[3:])
}

// Snapshot writes the sessions that changed, and the watermark.
func (a *sessionAgg) Snapshot() error {
	a.clock.advance(a.wm)
	if err := a.clock.save(a.ctx); err != nil {
		return err
	}
	var gids []int32
	for gid := range a.all {
		s := &a.all[gid]
		if !s.live || !s.dirty {
			continue
		}
		if s.saved && s.savedStart != s.start {
			a.gone[string(a.storeKey(nil, s.savedStart, s.kid))] = true
		}
		gids = append(gids, int32(gid))
	}
	for k := range a.gone {
		key := []byte(k)
		if err := a.groups.t.Delete(state.Group(vec.Hash(key[8:])), key); err != nil {
			return err
		}
	}
	clear(a.gone)
	return a.save(gids)
}

func (a *sessionAgg) save(gids []int32) error {
	if len(gids) == 0 {
		return nil
	}
	ends, seqs, counts := make([]int64, len(gids)), make([]int64, len(gids)), make([]int64, len(gids))
	for i, g := range gids {
		ends[i], seqs[i], counts[i] = a.all[g].end, a.all[g].seq, a.counts[g]
	}
	cols, err := a.set.save(gids)
	if err != nil {
		return err
	}
	cols = append([]vec.Vec{vec.ColVec(vec.Int64s(ends, nil)), vec.ColVec(vec.Int64s(seqs, nil)), vec.ColVec(vec.Int64s(counts, nil))}, cols...)
	values := a.groups.encode(cols, len(gids))
	for i, g := range gids {
		s := &a.all[g]
		a.buf = a.storeKey(a.buf[:0], s.start, s.kid)
		if err := a.groups.t.Set(state.Group(vec.Hash(a.buf[8:])), a.buf, values.At(i)); err != nil {
			return err
		}
		s.saved, s.savedStart, s.dirty = true, s.start, false
	}
	return nil
}
