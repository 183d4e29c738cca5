package planner

import (
	"maps"
	"slices"
)

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

// prune prunes a join: of a semi or anti join the left columns alone come out.
func (j joinSides) prune(b *Base, kind JoinKind, need map[int]bool) []int {
	left, right := j.inputs(need)
	now := len(j.left.Info().Out)
	to := joinPlaces(left, right, now)
	*j.cond = remap(*j.cond, to)
	if kind == SemiJoin || kind == AntiJoin {
		b.Out = relabel(b.Out, left, now)
		return left
	}
	b.Out = relabel(b.Out, to, now+len(j.right.Info().Out))
	return to
}
