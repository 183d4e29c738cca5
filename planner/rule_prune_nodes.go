package planner

import (
	"maps"
	"slices"

	"weir/sql/types"
)

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

// pruneRanked prunes a node that passes on its input's columns, and with rank one of its own behind them. It reads those
// of used besides. It gives the new places of the input's columns, and of the node's.
func pruneRanked(b *Base, input Node, rank bool, need, used map[int]bool) (in, to []int) {
	old, width := b.Out, len(b.Out)
	if rank {
		width--
	}
	belowWidth(need, width, used)
	in = prune(input, used)
	now := len(input.Info().Out)
	b.Out = relabel(old[:width], in, now)
	if !rank {
		return in, in
	}
	b.Out = append(b.Out, old[width])
	return in, append(slices.Clone(in), now)
}

func pruneTopN(n *TopN, need map[int]bool) []int {
	used := setOf(append(sortCols(n.Keys), n.Partition...))
	columnsOf(n.FetchExpr, used)
	in, to := pruneRanked(n.Base, n.Input, n.Rank, need, used)
	n.Keys, n.Partition, n.FetchExpr = remapKeys(n.Keys, in), remapCols(n.Partition, in), remap(n.FetchExpr, in)
	return to
}

func pruneWindowTopN(n *WindowTopN, need map[int]bool) []int {
	used := setOf(append(sortCols(n.Keys), n.Partition...))
	windowInputs(&n.Window, used)
	in, to := pruneRanked(n.Base, n.Input, n.Rank, need, used)
	n.Keys, n.Partition = remapKeys(n.Keys, in), remapCols(n.Partition, in)
	remapWindow(&n.Window, in)
	return to
}

func pruneDedup(n *Dedup, need map[int]bool) []int {
	used := setOf(append(slices.Clone(n.Keys), n.TimeCol))
	in, to := pruneRanked(n.Base, n.Input, n.Rank, need, used)
	n.Keys, n.TimeCol = remapCols(n.Keys, in), in[n.TimeCol]
	return to
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
