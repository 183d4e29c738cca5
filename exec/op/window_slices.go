package op

import "math/bits"

// slice is the groups of one slice of time (or of one whole window, where aggregates cannot be
// merged): which of the operator's keys have rows in it, and the group of accumulators of each.
type slice struct {
	start, end int64 // wall clock, ms
	late       bool  // its last window has fired: rows are dropped
	none       bool  // no window holds it
	// table maps key numbers to groups by open addressing; entries are in order of arrival. Where the
	// slice has a good part of all keys, dense does instead: key numbers are dense, so it needs no search.
	table []int32 // place in entries plus one, 0 where free
	shift int     // of a key's hash, for a place in table
	dense []int32 // by key number: its group plus one, 0 where it has none; empty: table is in use
	keys  []int32
	gids  []int32
	runs  []runSize // by key group: what the store has of groups that memory has not; nil: nothing
	// evicted: the store has groups as rows that memory has not.
	evicted bool
}

// find gives the group of a key, or -1.
func (s *slice) find(key int32) int32 {
	if len(s.dense) > 0 {
		if int(key) >= len(s.dense) {
			return -1
		}
		return s.dense[key] - 1
	}
	mask := int32(len(s.table) - 1)
	for at := s.home(key); mask >= 0; at = (at + 1) & mask {
		e := s.table[at]
		if e == 0 {
			return -1
		}
		if s.keys[e-1] == key {
			return s.gids[e-1]
		}
	}
	return -1
}

// add appends an entry for a key that has none; all is one more than the highest key number.
func (s *slice) add(key, gid int32, all int) {
	s.keys, s.gids = append(s.keys, key), append(s.gids, gid)
	switch {
	case len(s.dense) > 0:
		if int(key) >= len(s.dense) {
			s.dense = append(s.dense, make([]int32, max(all, len(s.dense)+len(s.dense)/4)-len(s.dense))...)
		}
		s.dense[key] = gid + 1
	case 2*len(s.keys) <= len(s.table):
		s.place(key, len(s.keys)-1)
	case all <= 4*len(s.table):
		s.dense = append(s.dense[:0], make([]int32, all)...)
		for i, k := range s.keys {
			s.dense[k] = s.gids[i] + 1
		}
	default:
		s.table = make([]int32, max(16, 2*len(s.table)))
		s.shift = 33 - bits.Len(uint(len(s.table)))
		for i, k := range s.keys {
			s.place(k, i)
		}
	}
}

// home is where the search for a key begins. Numbers of new keys follow on each other, those of keys seen before lie
// anywhere: as their own hashes they would fill long stretches of the table.
func (s *slice) home(key int32) int32 { return int32(uint32(key) * 0x9E3779B1 >> s.shift) }

// place fills a free place of the table.
func (s *slice) place(key int32, entry int) {
	mask := int32(len(s.table) - 1)
	at := s.home(key)
	for s.table[at] != 0 {
		at = (at + 1) & mask
	}
	s.table[at] = int32(entry) + 1
}

// clear empties the slice for reuse.
func (s *slice) clear() {
	clear(s.table)
	s.dense = s.dense[:0]
	s.keys, s.gids, s.runs, s.evicted = s.keys[:0], s.gids[:0], nil, false
}

// groupPool gives out group numbers.
type groupPool struct {
	next int32
	free []int32
}

func (p *groupPool) take() int32 {
	if n := len(p.free); n > 0 {
		g := p.free[n-1]
		p.free = p.free[:n-1]
		return g
	}
	p.next++
	return p.next - 1
}

func (p *groupPool) give(g int32) { p.free = append(p.free, g) }

// dueWindows is a heap of the ends of windows, each once.
type dueWindows struct {
	heap   []int64
	queued map[int64]bool
}

func (d *dueWindows) push(end int64) {
	if d.queued[end] {
		return
	}
	if d.queued == nil {
		d.queued = map[int64]bool{}
	}
	d.queued[end] = true
	d.heap = append(d.heap, end)
	for i := len(d.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if d.heap[up] <= d.heap[i] {
			break
		}
		d.heap[up], d.heap[i] = d.heap[i], d.heap[up]
		i = up
	}
}

// first gives the earliest end; ok is false where there is none.
func (d *dueWindows) first() (end int64, ok bool) {
	if len(d.heap) == 0 {
		return 0, false
	}
	return d.heap[0], true
}

// pop takes the earliest end away.
func (d *dueWindows) pop() {
	delete(d.queued, d.heap[0])
	n := len(d.heap) - 1
	d.heap[0] = d.heap[n]
	d.heap = d.heap[:n]
	for i := 0; ; {
		down := 2*i + 1
		if down >= n {
			return
		}
		if down+1 < n && d.heap[down+1] < d.heap[down] {
			down++
		}
		if d.heap[i] <= d.heap[down] {
			return
		}
		d.heap[i], d.heap[down] = d.heap[down], d.heap[i]
		i = down
	}
}
