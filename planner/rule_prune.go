package planner

import (
	"maps"
	"slices"

	"weir/sql/types"
)

// Pruning goes down from the roots with the set of columns that are needed, and takes away the others:
// at the bottom a Scan decodes no more than the query reads. prune changes nodes in place and tells
// where each old column is now, -1 where it is gone.
//
// This file has the switch over the nodes, and what all of them use; rule_prune_nodes.go has the nodes of one input or
// none, rule_prune_join.go those of two.

func pruneRoot(root Node) { prune(root, allOf(root)) }

// prune prunes a node and what is below it. A node of a kind that is not named here keeps all columns, and its inputs
// prune below themselves.
func prune(n Node, need map[int]bool) []int {
	switch n := n.(type) {
	case *Scan:
		return pruneScan(n, need)
	case *Values:
		return pruneValues(n, need)
	case *Calc:
		return pruneCalc(n, need)
	case *GroupAgg:
		return pruneGroupAgg(n, need)
	case *WindowAgg:
		return pruneWindowAgg(n, need)
	case *WindowTVF:
		return pruneTVF(n, need)
	case *Union:
		return pruneUnion(n, need)
	case *Limit:
		return pruneThrough(n, n.Input, need, nil)
	case *Sort:
		to := pruneThrough(n, n.Input, need, sortCols(n.Keys))
		n.Keys = remapKeys(n.Keys, to)
		return to
	case *ChangelogNormalize:
		to := pruneThrough(n, n.Input, need, n.Keys)
		n.Keys = remapCols(n.Keys, to)
		return to
	case *TopN:
		return pruneTopN(n, need)
	case *WindowTopN:
		return pruneWindowTopN(n, need)
	case *Dedup:
		return pruneDedup(n, need)
	case *Over:
		return pruneOver(n, need)
	case *Expand:
		return pruneExpand(n, need)
	case *Unnest:
		return pruneUnnest(n, need)
	case *LookupJoin:
		return pruneLookup(n, need)
	case *Join:
		return joinSides{n.Left, n.Right, &n.Keys, &n.Cond, nil, nil}.prune(n.Base, n.Kind, need)
	case *IntervalJoin:
		return joinSides{n.Left, n.Right, &n.Keys, &n.Cond, []*int{&n.LeftTime}, []*int{&n.RightTime}}.prune(n.Base, n.Kind, need)
	case *TemporalJoin:
		return joinSides{n.Left, n.Right, &n.Keys, &n.Cond, []*int{&n.LeftTime}, []*int{&n.RightTime}}.prune(n.Base, n.Kind, need)
	case *WindowJoin:
		left := []*int{&n.LeftW.Start, &n.LeftW.End, &n.LeftW.TimeCol}
		right := []*int{&n.RightW.Start, &n.RightW.End, &n.RightW.TimeCol}
		return joinSides{n.Left, n.Right, &n.Keys, &n.Cond, left, right}.prune(n.Base, n.Kind, need)
	}
	for i, in := range n.Inputs() {
		setInput(n, i, pruneTo(in, span(0, len(in.Info().Out))))
	}
	return span(0, len(n.Info().Out))
}

// pruneTo prunes n to exactly the columns, in that order.
func pruneTo(n Node, cols []int) Node {
	before := n.Info().Out
	names := before.Select(cols).Names()
	types := before.Select(cols)
	to := prune(n, setOf(cols))
	exact := len(n.Info().Out) == len(cols)
	exprs := make([]Expr, len(cols))
	for i, c := range cols {
		exact = exact && to[c] == i
		exprs[i] = &ColRef{Index: to[c], T: types[i].Type}
	}
	if exact {
		return n
	}
	return project(n, exprs, names)
}

func allOf(n Node) map[int]bool { return setOf(span(0, len(n.Info().Out))) }

func setOf(cols []int) map[int]bool {
	out := map[int]bool{}
	for _, c := range cols {
		out[c] = true
	}
	return out
}

func sortedSet(set map[int]bool) []int { return slices.Sorted(maps.Keys(set)) }

// belowWidth marks the needed columns that are the input's.
func belowWidth(need map[int]bool, width int, used map[int]bool) {
	for c := range need {
		if c < width {
			used[c] = true
		}
	}
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

// keep gives the new place of each column when only some stay.
func keep(width int, set map[int]bool) (to, kept []int) {
	to = make([]int, width)
	for i := range to {
		to[i] = -1
		if set[i] {
			to[i] = len(kept)
			kept = append(kept, i)
		}
	}
	return to, kept
}

// relabel gives the columns that stay, at their new places.
func relabel(old types.Schema, to []int, width int) types.Schema {
	out := make(types.Schema, width)
	for i, t := range to {
		if t >= 0 && i < len(old) {
			out[t] = old[i]
		}
	}
	return out
}

func remapCols(cols, to []int) []int {
	out := make([]int, len(cols))
	for i, c := range cols {
		out[i] = to[c]
	}
	return out
}

func sortCols(keys []SortKey) []int {
	out := make([]int, len(keys))
	for i, k := range keys {
		out[i] = k.Col
	}
	return out
}

func remapKeys(keys []SortKey, to []int) []SortKey {
	out := slices.Clone(keys)
	for i := range out {
		out[i].Col = to[out[i].Col]
	}
	return out
}

// aggInputs marks what aggregates read.
func aggInputs(aggs []AggCall, used map[int]bool) {
	for _, a := range aggs {
		for _, c := range a.Args {
			used[c] = true
		}
		if a.Filter >= 0 {
			used[a.Filter] = true
		}
	}
}

func remapAggs(aggs []AggCall, to []int) []AggCall {
	out := slices.Clone(aggs)
	for i := range out {
		out[i].Args = remapCols(out[i].Args, to)
		if out[i].Filter >= 0 {
			out[i].Filter = to[out[i].Filter]
		}
	}
	return out
}

// neededAggs drops aggregates whose column nobody reads; from is the column of the first.
func neededAggs(aggs []AggCall, from int, need map[int]bool) []AggCall {
	var out []AggCall
	for i, a := range aggs {
		if need[from+i] {
			out = append(out, a)
		}
	}
	return out
}

// windowInputs marks the columns that a window reads.
func windowInputs(w *Window, used map[int]bool) {
	for _, c := range append([]int{w.TimeCol, w.Start, w.End}, w.PartitionBy...) {
		if c >= 0 {
			used[c] = true
		}
	}
}

func remapWindow(w *Window, to []int) {
	for _, c := range []*int{&w.TimeCol, &w.Start, &w.End} {
		if *c >= 0 {
			*c = to[*c]
		}
	}
	w.PartitionBy = remapCols(w.PartitionBy, to)
}
