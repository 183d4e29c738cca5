package op

import (
	"encoding/binary"

	"weir/exec/state"
	"weir/sql/vec"
)

// Rows of a Top-N lie in the store by partition, order and arrival; partitions that have some are marked, for it is
// quickly known that a new one is not. Where memory is short, the coldest partitions are in the store alone.

func (t *topN) openTables() error {
	t.table = t.ctx.State.Table(state.Spec{Name: "rows", Key: append(typeNames(t.types), "BYTES", "BIGINT"), Value: []string{"BYTES"}, TTL: t.node.TTL})
	t.parts = t.ctx.State.Table(state.Spec{Name: "partitions", Key: typeNames(t.types), Value: []string{"BYTES"}, TTL: t.node.TTL})
	empty, err := (&rowTable{t: t.table}).empty()
	if err != nil {
		return err
	}
	unmarked, err := (&rowTable{t: t.parts}).empty()
	if err != nil {
		return err
	}
	t.partial = !empty
	t.marks = newSweeper(t.parts, t.node.TTL, stampOf, func(part []byte) bool { return t.groups.FindKey(part) >= 0 })
	t.stored = newSweeper(t.table, t.node.TTL, stampOf, t.here)
	t.stored.parts = t.groups.Encoder().NewDecoder()
	if t.partial && unmarked {
		return t.markAll()
	}
	return nil
}

// here tells whether memory has a partition, or a mark that is not as old as its rows.
func (t *topN) here(part []byte) bool {
	if t.groups.FindKey(part) >= 0 {
		return true
	}
	mark, ok, err := t.parts.Get(state.Group(vec.Hash(part)), part)
	return err != nil || ok && !expired(stampOf(mark), t.node.TTL, t.ctx.Fn.NowMicros/1000)
}

// markAll marks the partitions of a state from before there were marks.
func (t *topN) markAll() error {
	stamps := map[string]int64{}
	split := t.groups.Encoder().NewDecoder()
	err := t.table.Scan(func(_ uint16, key, v []byte) error {
		n, err := split.Front(key)
		if err != nil {
			return err
		}
		stamp := int64(0)
		if t.node.TTL > 0 {
			stamp = stampOf(v)
		}
		stamps[string(key[:n])] = max(stamps[string(key[:n])], stamp)
		return nil
	})
	if err != nil {
		return err
	}
	for part, stamp := range stamps {
		if err := t.parts.Set(state.Group(vec.Hash([]byte(part))), []byte(part), state.Stamp(nil, stamp)); err != nil {
			return err
		}
	}
	return nil
}

// loadLists reads what the store has of new partitions; firsts are rows of them.
func (t *topN) loadLists(firsts []int32) error {
	var some []int32
	err := findKeys(t.parts, len(firsts), func(dst []byte, i int) []byte { return t.groups.AppendKey(dst, t.gids[firsts[i]]) }, func(i int, mark []byte) error {
		gid := t.gids[firsts[i]]
		t.lists[gid].marked, t.lists[gid].stamp = true, stampOf(mark)
		some = append(some, gid)
		return nil
	})
	if err != nil {
		return err
	}
	for _, gid := range some {
		if err := t.load(gid); err != nil {
			return err
		}
	}
	return nil
}

// load reads the rows of a partition.
func (t *topN) load(gid int32) error {
	l := &t.lists[gid]
	prefix := t.groups.AppendKey(nil, gid)
	return t.table.ScanGroup(state.Group(vec.Hash(prefix)), prefix, func(k, v []byte) error {
		if _, gone := t.gone[string(k)]; gone {
			return nil
		}
		if t.node.TTL > 0 {
			v = v[8:] // the mark has the newest stamp
		}
		end := len(k) - 8
		seq := int64(binary.BigEndian.Uint64(k[end:]))
		l.insert(&t.rows, t.rows.put(k[len(prefix):end], v, seq, true))
		l.next = max(l.next, seq+1)
		return nil
	})
}

// forgetList forgets a partition that has no rows.
func (t *topN) forgetList(gid int32) error {
	var err error
	if t.lists[gid].marked {
		key := t.groups.AppendKey(nil, gid)
		err = t.parts.Delete(state.Group(vec.Hash(key)), key)
	}
	t.lists[gid] = rankList{}
	t.groups.Delete(gid)
	return err
}

// charge tells the budget what memory holds; where that is short, the coldest partitions go to the store.
func (t *topN) charge() error {
	const list = 80 + 56 // and its chunk
	t.ctx.Metrics.Groups = int64(t.groups.Len())
	bytes := t.rows.bytes() + t.groups.Bytes() + int64(cap(t.lists))*list
	if t.fetch != nil { // a partition's limit is that of its first row, which is not kept
		t.ctx.holds(bytes)
		return nil
	}
	if fits := t.ctx.charges(bytes); !t.cold.full(t.ctx.Budget, t.groups.Len(), fits) {
		return nil
	}
	return t.evict()
}

func (t *topN) evict() error {
	if err := t.flushGone(); err != nil {
		return err
	}
	var cold []int32
	for _, gid := range t.cold.pick(t.groups, nil) {
		if t.lists[gid].size > 0 {
			cold = append(cold, gid)
		} else if err := t.forgetList(gid); err != nil {
			return err
		}
	}
	if err := t.saveLists(cold); err != nil {
		return err
	}
	for _, gid := range cold {
		t.lists[gid].each(func(_ int, n int32) bool { t.rows.store.drop(n); return true })
		t.lists[gid] = rankList{}
		t.groups.Delete(gid)
	}
	t.partial = true
	return nil
}

// Close gives the memory back.
func (t *topN) Close() error { return t.ctx.releases() }

// Snapshot writes the partitions that changed.
func (t *topN) Snapshot() error {
	if err := t.flushGone(); err != nil {
		return err
	}
	var changed []int32
	for _, gid := range t.groups.All(nil) {
		l := &t.lists[gid]
		switch {
		case !l.dirty && !l.renewed:
		case l.size > 0:
			changed = append(changed, gid)
		default:
			if err := t.forgetList(gid); err != nil {
				return err
			}
		}
		l.dirty, l.renewed = false, l.renewed && t.ctx.Unkept
	}
	if t.ctx.Unkept {
		return nil
	}
	return t.saveLists(changed)
}

// flushGone deletes from the store what is gone.
func (t *topN) flushGone() error {
	for _, s := range []*sweeper{t.stored, t.marks} {
		if err := s.flush(); err != nil {
			return err
		}
	}
	return deletePlaces(t.table, t.gone)
}

// saveLists writes the rows of partitions that the store does not have, and marks the partitions, with the time of their last change.
func (t *topN) saveLists(gids []int32) error {
	key := func(dst []byte, i int) []byte { return t.groups.AppendKey(dst, gids[i]) }
	err := writeKeys(t.table, len(gids), key, func(group uint16, _ []byte, i int) error { return t.saveRows(group, gids[i]) })
	if err != nil {
		return err
	}
	return writeKeys(t.parts, len(gids), key, func(group uint16, key []byte, i int) error {
		l := &t.lists[gids[i]]
		if l.marked && t.node.TTL == 0 {
			return nil
		}
		l.marked, l.renewed = true, false
		return t.parts.Set(group, key, state.Stamp(nil, l.stamp))
	})
}

func (t *topN) saveRows(group uint16, gid int32) (err error) {
	l := &t.lists[gid]
	l.each(func(_ int, n int32) bool {
		if t.rows.at(n).saved {
			return true
		}
		t.rows.at(n).saved = true
		value := t.rows.row(n)
		if t.node.TTL > 0 {
			value = append(state.Stamp(nil, l.stamp), value...)
		}
		err = t.table.Set(group, t.place(nil, gid, n), value)
		return err == nil
	})
	return err
}
