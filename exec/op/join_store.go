package op

import (
	"encoding/binary"
	"slices"

	"weir/sql/vec"
)

// In the store a join key has one value: what happened to its rows, one entry after the other. New rows are added
// without reading those that are there. An entry is
//
//	seq, stamp (8 bytes each), count, matches, length (4 bytes each), the row as store keeps it
//
// and stands for what was said of that seq before; count 0: the row is gone. Where more than half of the entries
// are of no use any more, the value is written anew.

const entryHead = 28

// entry appends the entry of a row. A row that does not expire counts as written now.
func (s *joinSide) entry(dst []byte, n int32, now int64) []byte {
	r := s.rows.at(n)
	if s.ttl > 0 {
		now = *s.stamps.at(n)
	}
	v := s.store.get(n)
	return append(entryOf(dst, r.seq, now, r.count, r.matches, len(v)), v...)
}

func entryOf(dst []byte, seq, stamp int64, count, matches int32, size int) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(seq))
	dst = binary.BigEndian.AppendUint64(dst, uint64(stamp))
	dst = binary.BigEndian.AppendUint32(dst, uint32(count))
	dst = binary.BigEndian.AppendUint32(dst, uint32(matches))
	return binary.BigEndian.AppendUint32(dst, uint32(size))
}

// snapshot writes the rows that changed.
func (s *joinSide) snapshot(ctx *Context, keys *vec.Groups) error {
	if err := s.arrival.save(ctx, s.seq); err != nil {
		return err
	}
	gids := s.changed[:0]
	for _, gid := range s.changed {
		if int(gid) < len(s.lists) && s.lists[gid].changed && keys.Live(gid) {
			gids = append(gids, gid)
			s.lists[gid].changed = false // each once
		}
	}
	s.changed = s.changed[:0]
	return s.write(ctx, keys, gids, false)
}

// write writes what changed of the keys to the store; all: also rows that snapshots leave out.
func (s *joinSide) write(ctx *Context, keys *vec.Groups, gids []int32, all bool) error {
	if err := s.stored.flush(); err != nil {
		return err
	}
	now := ctx.Fn.NowMicros / 1000
	var buf []byte
	return writeKeys(s.table, len(gids), func(dst []byte, i int) []byte { return keys.AppendKey(dst, gids[i]) },
		func(group uint16, key []byte, i int) error {
			gid := gids[i]
			l := &s.lists[gid]
			entries := int32(0)
			buf = buf[:0]
			for _, seq := range s.left[gid] {
				buf = entryOf(buf, seq, 0, 0, 0, 0)
				entries++
			}
			for n := l.first; n != none; n = s.rows.at(n).next {
				if r := s.rows.at(n); r.dirty || all && !r.saved {
					buf = s.entry(buf, n, now)
					entries++
				}
			}
			if entries == 0 {
				return nil
			}
			l.changed = false
			delete(s.left, gid)
			if l.loaded && (l.n == 0 || l.entries+entries > 2*l.n+2) {
				return s.rewrite(l, group, key, now)
			}
			s.noteSaved(l, all)
			l.entries += entries
			return s.table.Append(group, key, buf)
		})
}

// rewrite writes all rows of a key in place of what the store has.
func (s *joinSide) rewrite(l *joinList, group uint16, key []byte, now int64) error {
	l.entries = l.n
	if l.n == 0 {
		return s.table.Delete(group, key)
	}
	var buf []byte
	for n := l.first; n != none; n = s.rows.at(n).next {
		buf = s.entry(buf, n, now)
	}
	s.noteSaved(l, true)
	return s.table.Set(group, key, buf)
}

func (s *joinSide) noteSaved(l *joinList, all bool) {
	for n := l.first; n != none; n = s.rows.at(n).next {
		if r := s.rows.at(n); r.dirty || all {
			r.dirty, r.saved = false, true
		}
	}
}

// evict writes what only memory knows of the keys, and forgets them.
func (s *joinSide) evict(ctx *Context, keys *vec.Groups, gids []int32) error {
	if err := s.write(ctx, keys, gids, true); err != nil {
		return err
	}
	for _, gid := range gids {
		for n := s.lists[gid].first; n != none; {
			next := s.rows.at(n).next
			s.store.drop(n)
			n = next
		}
		delete(s.index, gid)
		s.lists[gid] = joinList{first: none, last: none}
	}
	s.partial = true
	return nil
}

// load reads the rows of those keys of which memory does not have all.
func (s *joinSide) load(keys *vec.Groups, gids []int32, now int64) error {
	if !s.partial {
		return nil
	}
	var want []int32
	for _, gid := range gids {
		if gid >= 0 && !s.lists[gid].loaded {
			s.lists[gid].loaded = true
			want = append(want, gid)
		}
	}
	return findKeys(s.table, len(want), func(dst []byte, i int) []byte { return keys.AppendKey(dst, want[i]) },
		func(i int, v []byte) error {
			s.take(want[i], v, now)
			return nil
		})
}

// take puts the rows that the store has of a key before those that came since.
func (s *joinSide) take(gid int32, v []byte, now int64) {
	l := &s.lists[gid]
	later := l.first
	*l = joinList{first: none, last: none, loaded: true, changed: l.changed}
	var found []int32
	last := int64(0)
	var at map[int64]int // by seq, in found; made once a row comes a second time
	for ; len(v) > 0; l.entries++ {
		end := entryHead + int(binary.BigEndian.Uint32(v[24:]))
		r := joinRow{
			saved: true, gid: gid, seq: int64(binary.BigEndian.Uint64(v)),
			count: int32(binary.BigEndian.Uint32(v[16:])), matches: int32(binary.BigEndian.Uint32(v[20:])),
		}
		stamp, row := int64(binary.BigEndian.Uint64(v[8:])), v[entryHead:end]
		v = v[end:]
		if later != none && r.seq >= s.rows.at(later).seq {
			continue
		}
		if r.seq <= last && at == nil {
			at = map[int64]int{}
			for i, n := range found {
				at[s.rows.at(n).seq] = i
			}
		}
		last = max(last, r.seq)
		if i, ok := at[r.seq]; ok && found[i] != none {
			s.store.drop(found[i])
			found[i] = none
		}
		if r.count == 0 || s.ttl > 0 && expired(stamp, s.ttl, now) {
			continue
		}
		n := s.store.put(row, nil)
		s.rows.grow(int(n) + 1)
		*s.rows.at(n) = r
		s.touch(n, stamp)
		if at != nil {
			at[r.seq] = len(found)
		}
		found = append(found, n)
	}
	found = slices.DeleteFunc(found, func(n int32) bool { return n == none })
	slices.SortStableFunc(found, func(a, b int32) int { return cmpInt(s.rows.at(a).seq, s.rows.at(b).seq) })
	for _, n := range found {
		s.link(n)
	}
	for later != none {
		next := s.rows.at(later).next
		s.link(later)
		later = next
	}
}
