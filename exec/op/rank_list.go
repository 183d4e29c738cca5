package op

import (
	"bytes"
	"slices"
)

// ranked is a row of a partition that is kept in an order.
type ranked struct {
	key   []byte // its place in the order
	row   []byte
	seq   int64 // arrival, which orders equal keys
	saved bool  // in the store
}

// rankList is the rows of one partition in order: sorted chunks, so that no insertion moves much.
type rankList struct {
	chunks [][]*ranked
	size   int
	next   int64 // seq of the next arrival
	limit  int   // ranks that matter
	stamp  int64 // processing time of the last change
	dirty  bool
}

const rankChunk = 256

// find gives the first place at or after the key and seq.
func (l *rankList) find(key []byte, seq int64) (c, i int) {
	order := func(r *ranked) int {
		if o := bytes.Compare(r.key, key); o != 0 {
			return o
		}
		return cmpInt(r.seq, seq)
	}
	c, _ = slices.BinarySearchFunc(l.chunks, key, func(ch []*ranked, _ []byte) int { return order(ch[len(ch)-1]) })
	if c == len(l.chunks) {
		return c, 0
	}
	i, _ = slices.BinarySearchFunc(l.chunks[c], key, func(r *ranked, _ []byte) int { return order(r) })
	return c, i
}

// insert puts a row behind those of equal key.
func (l *rankList) insert(r *ranked) {
	l.size++
	c, i := l.find(r.key, r.seq)
	if len(l.chunks) == 0 {
		l.chunks = [][]*ranked{{r}}
		return
	}
	if c == len(l.chunks) {
		c--
		i = len(l.chunks[c])
	}
	ch := slices.Insert(l.chunks[c], i, r)
	l.chunks[c] = ch
	if len(ch) > rankChunk {
		half := len(ch) / 2
		l.chunks = slices.Insert(l.chunks, c+1, slices.Clone(ch[half:]))
		l.chunks[c] = slices.Clip(ch[:half])
	}
}

// remove takes the row at a place away.
func (l *rankList) remove(c, i int) *ranked {
	r := l.chunks[c][i]
	l.size--
	if l.chunks[c] = slices.Delete(l.chunks[c], i, i+1); len(l.chunks[c]) == 0 {
		l.chunks = slices.Delete(l.chunks, c, c+1)
	}
	return r
}

// locate finds the first row of that key whose bytes are equal.
func (l *rankList) locate(key, row []byte) (c, i int, ok bool) {
	for c, i = l.find(key, 0); c < len(l.chunks); c, i = c+1, 0 {
		for ; i < len(l.chunks[c]); i++ {
			r := l.chunks[c][i]
			if !bytes.Equal(r.key, key) {
				return 0, 0, false
			}
			if bytes.Equal(r.row, row) {
				return c, i, true
			}
		}
	}
	return 0, 0, false
}

// position is how many rows are before a place.
func (l *rankList) position(c, i int) int {
	for _, ch := range l.chunks[:c] {
		i += len(ch)
	}
	return i
}

// at gives the row at a position from the front.
func (l *rankList) at(pos int) *ranked {
	for _, ch := range l.chunks {
		if pos < len(ch) {
			return ch[pos]
		}
		pos -= len(ch)
	}
	return nil
}

// last gives the last row.
func (l *rankList) last() (c, i int, r *ranked) {
	c = len(l.chunks) - 1
	i = len(l.chunks[c]) - 1
	return c, i, l.chunks[c][i]
}

// each visits the rows in order until visit tells false.
func (l *rankList) each(visit func(pos int, r *ranked) bool) {
	pos := 0
	for _, ch := range l.chunks {
		for _, r := range ch {
			if !visit(pos, r) {
				return
			}
			pos++
		}
	}
}
