package planner

import (
	"maps"
	"slices"
)

// pruneMore prunes joins, ranks and the rest. What it does not know keeps all columns, and its inputs
// prune below themselves.
func pruneMore(n Node, need map[int]bool) []int {
	switch n := n.(type) {
	case *Dedup:
		return pruneDedup(n, need)
	case *WindowTopN:
		return pruneWindowTopN(n, need)
	case *Over:
		return pruneOver(n, need)
	case *Unnest:
		return pruneUnnest(n, need)
	case *LookupJoin:
		return pruneLookup(n, need)
	case *Join:
		side := joinSides{n.Left, n.Right, &n.Keys, &n.Cond, nil, nil}
		if n.Kind == SemiJoin || n.Kind == AntiJoin {
			return side.pruneSemi(n.Base, need)
		}
		return side.prune(n.Base, need)
	case *IntervalJoin:
		return joinSides{n.Left, n.Right, &n.Keys, &n.Cond, []*int{&n.LeftTime}, []*int{&n.RightTime}}.pruneKind(n.Base, n.Kind, need)
	case *TemporalJoin:
		return joinSides{n.Left, n.Right, &n.Keys, &n.Cond, []*int{&n.LeftTime}, []*int{&n.RightTime}}.prune(n.Base, need)
	case *WindowJoin:
		left := []*int{&n.LeftW.Start, &n.LeftW.End, &n.LeftW.TimeCol}
		right := []*int{&n.RightW.Start, &n.RightW.End, &n.RightW.TimeCol}
		return joinSides{n.Left, n.Right, &n.Keys, &n.Cond, left, right}.pruneKind(n.Base, n.Kind, need)
	}
	for i, in := range n.Inputs() {
		setInput(n, i, pruneTo(in, span(0, len(in.Info().Out))))
	}
	return span(0, len(n.Info().Out))
}

func pruneDedup(n *Dedup, need map[int]bool) []int {
	width := len(n.Out)
	if n.Rank {
		width--
	}
	used := setOf(append(slices.Clone(n.Keys), n.TimeCol))
	for c := range need {
		if c < width {
			used[c] = true
		}
	}
	in := prune(n.Input, used)
	n.Keys, n.TimeCol = remapCols(n.Keys, in), in[n.TimeCol]
	old := n.Out
	n.Out = relabel(old[:width], in, len(n.Input.Info().Out))
	if n.Rank {
		n.Out = append(n.Out, old[width])
		in = append(in, len(n.Out)-1)
	}
	return in
}

func pruneWindowTopN(n *WindowTopN, need map[int]bool) []int {
	width := len(n.Out)
	if n.Rank {
		width--
	}
	used := setOf(append(sortCols(n.Keys), n.Partition...))
	windowInputs(&n.Window, used)
	belowWidth(need, width, used)
	in := prune(n.Input, used)
	n.Keys, n.Partition = remapKeys(n.Keys, in), remapCols(n.Partition, in)
	remapWindow(&n.Window, in)
	old := n.Out
	n.Out = relabel(old[:width], in, len(n.Input.Info().Out))
	if n.Rank {
		n.Out = append(n.Out, old[width])
		in = append(in, len(n.Out)-1)
	}
	return in
}

// belowWidth marks the needed columns that are the input's.
func belowWidth(need map[int]bool, width int, used map[int]bool) {
	for c := range need {
		if c < width {
			used[c] = true
		}
	}
}

func pruneOver(n *Over, need map[int]bool) []int {
	width := len(n.Out) - len(n.Aggs)
	used := setOf(append(sortCols(n.Order), n.Partition...))
	if n.TimeCol >= 0 {
		used[n.TimeCol] = true
	}
	belowWidth(need, width, used)
	old := n.Out
	to, kept := keep(len(n.Aggs), shiftSet(need, width))
	n.Aggs = neededAggs(n.Aggs, width, need)
	aggInputs(n.Aggs, used)
	in := prune(n.Input, used)
	n.Order, n.Partition, n.Aggs = remapKeys(n.Order, in), remapCols(n.Partition, in), remapAggs(n.Aggs, in)
	if n.TimeCol >= 0 {
		n.TimeCol = in[n.TimeCol]
	}
	now := len(n.Input.Info().Out)
	n.Out = append(relabel(old[:width], in, now), old[width:].Select(kept)...)
	for _, t := range to {
		if t >= 0 {
			t += now
		}
		in = append(in, t)
	}
	return in
}

// shiftSet is the columns behind width, counted from there.
func shiftSet(set map[int]bool, width int) map[int]bool {
	out := map[int]bool{}
	for c := range set {
		if c >= width {
			out[c-width] = true
		}
	}
	return out
}

// pruneUnnest keeps the element's columns: they come as they are.
func pruneUnnest(n *Unnest, need map[int]bool) []int {
	width := len(n.Input.Info().Out)
	used := map[int]bool{}
	columnsOf(n.Collection, used)
	on := maps.Clone(need)
	columnsOf(n.Cond, on)
	belowWidth(on, width, used)
	in := prune(n.Input, used)
	now := len(n.Input.Info().Out)
	old := n.Out
	n.Out = append(relabel(old[:width], in, now), old[width:]...)
	to := slices.Clone(in)
	for i := width; i < len(old); i++ {
		to = append(to, now+i-width)
	}
	n.Collection, n.Cond = remap(n.Collection, in), remap(n.Cond, to)
	return to
}

func pruneLookup(n *LookupJoin, need map[int]bool) []int {
	width := len(n.Input.Info().Out)
	left, right := map[int]bool{}, setOf(n.Columns)
	for _, e := range n.Exprs {
		columnsOf(e, left)
	}
	both := maps.Clone(need)
	columnsOf(n.Cond, both)
	belowWidth(both, width, left)
	maps.Copy(right, shiftSet(both, width))
	lto, rto := prune(n.Input, left), prune(n.Scan, right)
	to := joinPlaces(lto, rto, len(n.Input.Info().Out))
	n.Columns, n.Exprs, n.Cond = remapCols(n.Columns, rto), remapAll(n.Exprs, lto), remap(n.Cond, to)
	n.Out = relabel(n.Out, to, len(n.Input.Info().Out)+len(n.Scan.Out))
	return to
}

// joinPlaces puts the new places of both sides' columns together.
func joinPlaces(left, right []int, width int) []int {
	out := slices.Clone(left)
	for _, c := range right {
		if c >= 0 {
			c += width
		}
		out = append(out, c)
	}
	return out
}

// joinSides is what joins of two inputs have in common for pruning: the columns they read besides what
// is needed above.
type joinSides struct {
	left, right         Node
	keys                *JoinKeys
	cond                *Expr
	leftCols, rightCols []*int
}

func (j joinSides) pruneKind(b *Base, kind JoinKind, need map[int]bool) []int {
	if kind == SemiJoin || kind == AntiJoin {
		return j.pruneSemi(b, need)
	}
	return j.prune(b, need)
}

// inputs prunes both inputs and gives the new places of their columns.
func (j joinSides) inputs(need map[int]bool) (left, right []int) {
	width := len(j.left.Info().Out)
	lused, rused := setOf(j.keys.Left), setOf(j.keys.Right)
	mark := func(cols []*int, used map[int]bool) {
		for _, c := range cols {
			if *c >= 0 {
				used[*c] = true
			}
		}
	}
	mark(j.leftCols, lused)
	mark(j.rightCols, rused)
	both := maps.Clone(need)
	columnsOf(*j.cond, both)
	belowWidth(both, width, lused)
	maps.Copy(rused, shiftSet(both, width))
	left, right = prune(j.left, lused), prune(j.right, rused)
	j.keys.Left, j.keys.Right = remapCols(j.keys.Left, left), remapCols(j.keys.Right, right)
	move := func(cols []*int, to []int) {
		for _, c := range cols {
			if *c >= 0 {
				*c = to[*c]
			}
		}
	}
	move(j.leftCols, left)
	move(j.rightCols, right)
	return left, right
}

func (j joinSides) prune(b *Base, need map[int]bool) []int {
	left, right := j.inputs(need)
	now := len(j.left.Info().Out)
	to := joinPlaces(left, right, now)
	*j.cond = remap(*j.cond, to)
	b.Out = relabel(b.Out, to, now+len(j.right.Info().Out))
	return to
}

// pruneSemi prunes a join that gives the left columns alone.
func (j joinSides) pruneSemi(b *Base, need map[int]bool) []int {
	left, right := j.inputs(need)
	now := len(j.left.Info().Out)
	*j.cond = remap(*j.cond, joinPlaces(left, right, now))
	b.Out = relabel(b.Out, left, now)
	return left
}
