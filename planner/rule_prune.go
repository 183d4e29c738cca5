package planner

import (
	"maps"
	"slices"

	"weir/sql/types"
)

// Pruning goes down from the roots with the set of columns that are needed, and takes away the others:
// at the bottom a Scan decodes no more than the query reads. prune changes nodes in place and tells
// where each old column is now, -1 where it is gone.

func pruneRoot(root Node) { prune(root, allOf(root)) }

func allOf(n Node) map[int]bool { return setOf(span(0, len(n.Info().Out))) }

func setOf(cols []int) map[int]bool {
	out := map[int]bool{}
	for _, c := range cols {
		out[c] = true
	}
	return out
}

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
	case *TopN:
		return pruneTopN(n, need)
	case *Expand:
		return pruneExpand(n, need)
	case *ChangelogNormalize:
		to := pruneThrough(n, n.Input, need, n.Keys)
		n.Keys = remapCols(n.Keys, to)
		return to
	}
	return pruneMore(n, need)
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

func sortedSet(set map[int]bool) []int { return slices.Sorted(maps.Keys(set)) }

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

func pruneScan(n *Scan, need map[int]bool) []int {
	set := maps.Clone(need)
	if n.Watermark != nil {
		set[n.Watermark.Column] = true
		columnsOf(n.Watermark.Expr, set)
	}
	to, kept := keep(len(n.Out), set)
	n.Out = n.Out.Select(kept)
	exprs := make([]Expr, len(kept))
	used := map[int]bool{}
	for i, k := range kept {
		exprs[i] = n.Exprs[k]
		columnsOf(exprs[i], used)
	}
	if n.Watermark != nil {
		n.Watermark = &Watermark{Column: to[n.Watermark.Column], Expr: remap(n.Watermark.Expr, to)}
	}
	srcTo, srcKept := keep(len(n.Columns)+len(n.Meta), used)
	var cols types.Schema
	var meta []string
	for _, c := range srcKept {
		if c < len(n.Columns) {
			cols = append(cols, n.Columns[c])
		} else {
			meta = append(meta, n.Meta[c-len(n.Columns)])
		}
	}
	n.Columns, n.Meta, n.Exprs = cols, meta, remapAll(exprs, srcTo)
	return to
}

func pruneValues(n *Values, need map[int]bool) []int {
	to, kept := keep(len(n.Out), need)
	for i, r := range n.Rows {
		row := make([]Expr, len(kept))
		for k, c := range kept {
			row[k] = r[c]
		}
		n.Rows[i] = row
	}
	n.Out = n.Out.Select(kept)
	return to
}

func pruneCalc(n *Calc, need map[int]bool) []int {
	to, kept := keep(len(n.Out), need)
	used := map[int]bool{}
	exprs := make([]Expr, len(kept))
	for i, k := range kept {
		exprs[i] = n.Exprs[k]
		columnsOf(exprs[i], used)
	}
	columnsOf(n.Cond, used)
	in := prune(n.Input, used)
	n.Exprs, n.Cond, n.Out = remapAll(exprs, in), remap(n.Cond, in), n.Out.Select(kept)
	return to
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

func remapCols(cols, to []int) []int {
	out := make([]int, len(cols))
	for i, c := range cols {
		out[i] = to[c]
	}
	return out
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

func pruneGroupAgg(n *GroupAgg, need map[int]bool) []int {
	set := maps.Clone(need)
	for i := range n.Keys {
		set[i] = true
	}
	to, kept := keep(len(n.Out), set)
	n.Aggs = neededAggs(n.Aggs, len(n.Keys), need)
	used := setOf(n.Keys)
	aggInputs(n.Aggs, used)
	in := prune(n.Input, used)
	n.Keys, n.Aggs, n.Out = remapCols(n.Keys, in), remapAggs(n.Aggs, in), n.Out.Select(kept)
	return to
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

func pruneWindowAgg(n *WindowAgg, need map[int]bool) []int {
	set := maps.Clone(need)
	base := len(n.Keys)
	for i := range n.Keys {
		set[i] = true
	}
	to, kept := keep(len(n.Out), set)
	var props []WindowProp
	for i, p := range n.Props {
		if need[base+len(n.Aggs)+i] {
			props = append(props, p)
		}
	}
	n.Aggs, n.Props = neededAggs(n.Aggs, base, need), props
	used := setOf(n.Keys)
	aggInputs(n.Aggs, used)
	windowInputs(&n.Window, used)
	in := prune(n.Input, used)
	remapWindow(&n.Window, in)
	n.Keys, n.Aggs, n.Out = remapCols(n.Keys, in), remapAggs(n.Aggs, in), n.Out.Select(kept)
	return to
}

func pruneTVF(n *WindowTVF, need map[int]bool) []int {
	width := len(n.Out) - 3
	used := map[int]bool{}
	for c := range need {
		if c < width {
			used[c] = true
		}
	}
	windowInputs(&n.Window, used)
	in := prune(n.Input, used)
	remapWindow(&n.Window, in)
	tail := n.Out[width:]
	now := n.Input.Info().Out
	n.Out = append(append(types.Schema(nil), now...), tail...)
	return append(in, len(now), len(now)+1, len(now)+2)
}

func pruneUnion(n *Union, need map[int]bool) []int {
	to, kept := keep(len(n.Out), need)
	for i, in := range n.Ins {
		n.Ins[i] = pruneTo(in, kept)
	}
	n.Out = n.Out.Select(kept)
	return to
}

// pruneThrough prunes below a node that passes its input's columns on.
func pruneThrough(n, in Node, need map[int]bool, also []int) []int {
	used := maps.Clone(need)
	for _, c := range also {
		used[c] = true
	}
	to := prune(in, used)
	n.Info().Out = relabel(n.Info().Out, to, len(in.Info().Out))
	return to
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

func pruneTopN(n *TopN, need map[int]bool) []int {
	width := len(n.Out)
	if n.Rank {
		width--
	}
	used := map[int]bool{}
	for c := range need {
		if c < width {
			used[c] = true
		}
	}
	for _, c := range append(sortCols(n.Keys), n.Partition...) {
		used[c] = true
	}
	columnsOf(n.FetchExpr, used)
	in := prune(n.Input, used)
	n.Keys, n.Partition, n.FetchExpr = remapKeys(n.Keys, in), remapCols(n.Partition, in), remap(n.FetchExpr, in)
	old := n.Out
	n.Out = relabel(old[:width], in, len(n.Input.Info().Out))
	if n.Rank {
		n.Out = append(n.Out, old[width])
		in = append(in, len(n.Out)-1)
	}
	return in
}

func pruneExpand(n *Expand, need map[int]bool) []int {
	to, kept := keep(len(n.Out), need)
	used := map[int]bool{}
	for i, row := range n.Projects {
		out := make([]Expr, len(kept))
		for k, c := range kept {
			out[k] = row[c]
			columnsOf(row[c], used)
		}
		n.Projects[i] = out
	}
	in := prune(n.Input, used)
	for i, row := range n.Projects {
		n.Projects[i] = remapAll(row, in)
	}
	n.Out = n.Out.Select(kept)
	return to
}
