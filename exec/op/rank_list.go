package op

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// rankRows keeps the rows of all partitions, by number.
type rankRows struct {
	store rowStore // of each row its key, then its bytes
	info  pages[ranked]
}

// ranked is what is known of a row of a partition that is kept in an order, besides its bytes.
type ranked struct {
	seq   int64 // arrival, which orders equal keys
	split int32 // the length of its key, its place in the order
	saved bool  // in the store
}

func (r *rankRows) put(key, row []byte, seq int64, saved bool) int32 {
	n := r.store.put(key, row)
	r.info.grow(int(n) + 1)
	*r.info.at(n) = ranked{seq, int32(len(key)), saved}
	return n
}

func (r *rankRows) at(n int32) *ranked { return r.info.at(n) }

func (r *rankRows) key(n int32) []byte { return r.store.get(n)[:r.info.at(n).split] }

func (r *rankRows) row(n int32) []byte { return r.store.get(n)[r.info.at(n).split:] }

func (r *rankRows) bytes() int64 { return r.store.bytes() + int64(r.info.n)*16 }

// rankList is the rows of one partition in order: sorted chunks, so that no insertion moves much.
type rankList struct {
	size   int
	limit  int     // ranks that matter
	bound  keyHead // of the last row, where the list is full and rows are only inserted
	chunks [][]int32
	next   int64 // seq of the next arrival
	stamp  int64 // processing time of the last change
	dirty  bool
	marked bool // the store may have rows of it
	// renewed: the stamp is newer than the store's.
	renewed bool
}

// keyHead is the first bytes of a key, as numbers. Where the heads of two keys differ, they tell the order.
type keyHead struct{ a, b uint64 }

func headOf(key []byte) keyHead {
	if len(key) < 16 {
		key = append(make([]byte, 0, 16), key...)[:16]
	}
	return keyHead{binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:])}
}

// after tells whether keys with this head certainly are behind those with the other.
func (h keyHead) after(other keyHead) bool { return h.a > other.a || h.a == other.a && h.b > other.b }

const rankChunk = 256

// find gives the first place at or after the key and seq.
func (l *rankList) find(rows *rankRows, key []byte, seq int64) (c, i int) {
	order := func(n int32) int {
		if o := bytes.Compare(rows.key(n), key); o != 0 {
			return o
		}
		return cmpInt(rows.at(n).seq, seq)
	}
	if len(l.chunks) > 1 {
		c, _ = slices.BinarySearchFunc(l.chunks, key, func(ch []int32, _ []byte) int { return order(ch[len(ch)-1]) })
	}
	if c == len(l.chunks) {
		return c, 0
	}
	i, _ = slices.BinarySearchFunc(l.chunks[c], key, func(n int32, _ []byte) int { return order(n) })
	return c, i
}

// insert puts a row behind those of equal key, and gives its position.
func (l *rankList) insert(rows *rankRows, n int32) (pos int) {
	l.size++
	if len(l.chunks) == 0 {
		l.chunks = [][]int32{{n}}
		return 0
	}
	c, i := l.find(rows, rows.key(n), rows.at(n).seq)
	if c == len(l.chunks) {
		c--
		i = len(l.chunks[c])
	}
	pos = l.position(c, i)
	ch := slices.Insert(l.chunks[c], i, n)
	l.chunks[c] = ch
	if len(ch) > rankChunk {
		half := len(ch) / 2
		l.chunks = slices.Insert(l.chunks, c+1, slices.Clone(ch[half:]))
		l.chunks[c] = slices.Clip(ch[:half])
	}
	return pos
}

// remove takes the row at a place away.
func (l *rankList) remove(c, i int) int32 {
	n := l.chunks[c][i]
	l.size--
	if l.chunks[c] = slices.Delete(l.chunks[c], i, i+1); len(l.chunks[c]) == 0 {
		l.chunks = slices.Delete(l.chunks, c, c+1)
	}
	return n
}

// locate finds the first row of that key whose bytes are equal.
func (l *rankList) locate(rows *rankRows, key, row []byte) (c, i int, ok bool) {
	for c, i = l.find(rows, key, 0); c < len(l.chunks); c, i = c+1, 0 {
		for ; i < len(l.chunks[c]); i++ {
			n := l.chunks[c][i]
			if !bytes.Equal(rows.key(n), key) {
				return 0, 0, false
			}
			if bytes.Equal(rows.row(n), row) {
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
func (l *rankList) at(pos int) int32 {
	for _, ch := range l.chunks {
		if pos < len(ch) {
			return ch[pos]
		}
		pos -= len(ch)
	}
	return none
}

// last gives the last row.
func (l *rankList) last() (c, i int, n int32) {
	c = len(l.chunks) - 1
	i = len(l.chunks[c]) - 1
	return c, i, l.chunks[c][i]
}

// each visits the rows in order until visit tells false.
func (l *rankList) each(visit func(pos int, n int32) bool) {
	pos := 0
	for _, ch := range l.chunks {
		for _, n := range ch {
			if !visit(pos, n) {
				return
			}
			pos++
		}
	}
}
