package op

// matchRow is a row that matches refer to, with the values that expressions take from it.
type matchRow struct {
	seq, time int64 // seq: the order in which rows are worked off
	vals      [][]byte
	fits      uint64 // variables whose condition asks for this row alone, and holds
}

// matchNode is the last row of a path of matched rows. Paths share their beginnings. The rows of a variable
// lie side by side, since a variable stands in a pattern once.
type matchNode struct {
	prev   *matchNode
	row    *matchRow
	v      int
	n      int        // which row of its variable
	depth  int        // which row of the match
	first  *matchNode // first row of its variable
	before *matchNode // last row of the variables before
}

// grow gives the path with one more row.
func (x *matchNode) grow(row *matchRow, v int) *matchNode {
	y := &matchNode{prev: x, row: row, v: v}
	y.first = y
	if x == nil {
		return y
	}
	y.depth = x.depth + 1
	if x.v == v {
		y.n, y.first, y.before = x.n+1, x.first, x.before
	} else {
		y.before = x
	}
	return y
}

// of finds the last row of a variable; v < 0: of the match.
func (x *matchNode) of(v int) *matchNode {
	for x != nil && v >= 0 && x.v != v {
		x = x.before
	}
	return x
}

// count is how many rows a variable has.
func (x *matchNode) count(v int) int {
	x = x.of(v)
	switch {
	case x == nil:
		return 0
	case v < 0:
		return x.depth + 1
	}
	return x.n + 1
}

// lastOf is the row of a variable so many before its last one; nil where there is none.
func (x *matchNode) lastOf(v, back int) *matchNode {
	if back >= x.count(v) {
		return nil
	}
	x = x.of(v)
	for range back {
		x = x.prev
	}
	return x
}

// firstOf is the row of a variable so many after its first one; nil where there is none.
func (x *matchNode) firstOf(v, on int) *matchNode {
	n := x.count(v)
	switch {
	case on >= n:
		return nil
	case v >= 0 && on == 0:
		return x.of(v).first
	case on == 0:
		for x.before != nil {
			x = x.before
		}
		return x.first
	}
	return x.lastOf(v, n-1-on)
}

// rowsOf lists the rows of a variable in order.
func (x *matchNode) rowsOf(v int) []*matchRow {
	out := make([]*matchRow, x.count(v))
	x = x.of(v)
	for i := len(out) - 1; i >= 0; i-- {
		out[i], x = x.row, x.prev
	}
	return out
}

// partials is a heap by the first row of the match. Which of equal ones comes first decides which match
// is found: the heap does as Java's PriorityQueue, for Flink's answers.
type partials []*partial

// before tells whether x began earlier; one without a row comes last.
func (x *partial) before(y *partial) bool {
	switch {
	case x.start == nil:
		return false
	case y.start == nil:
		return true
	}
	return x.start.seq < y.start.seq
}

func (h *partials) push(x *partial) {
	*h = append(*h, x)
	s := *h
	for i := len(s) - 1; i > 0 && s[i].before(s[(i-1)/2]); i = (i - 1) / 2 {
		s[i], s[(i-1)/2] = s[(i-1)/2], s[i]
	}
}

func (h *partials) pop() *partial {
	s := *h
	top, n := s[0], len(s)-1
	s[0], s[n] = s[n], nil
	*h = s[:n]
	h.down(0)
	return top
}

func (h partials) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && h[c+1].before(h[c]) {
			c++
		}
		if !h[c].before(h[i]) {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}

// prune takes those away that began before a row.
func (h *partials) prune(seq int64) {
	kept := (*h)[:0:0]
	for _, x := range *h {
		if x.start == nil || x.start.seq >= seq {
			kept = append(kept, x)
		}
	}
	if len(kept) == len(*h) {
		return
	}
	*h = kept
	for i := len(kept)/2 - 1; i >= 0; i-- {
		kept.down(i)
	}
}
