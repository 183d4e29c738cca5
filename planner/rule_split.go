package planner

import (
	"fmt"
	"slices"

	"weir/sql/types"
)

// Bucket has an Expand put a part of a column's hash into its last column, in place of the grouping id.
type Bucket struct {
	Col int
	Of  int64 // how many parts there are
}

// splitAggs are the aggregates that can be split by a part of a hash, and what unites their results.
var splitAggs = map[string]string{"COUNT": "$SUM0", "$SUM0": "$SUM0", "SUM": "SUM", "MIN": "MIN", "MAX": "MAX"}

// splitDistinct aggregates each GROUP BY with a DISTINCT aggregate in two steps, where that is possible: by
// the keys and a part of the hash of the aggregate's argument, then by the keys. So the rows of one key are
// worked on by many instances.
func splitDistinct(root Node, b *binder) Node {
	by := map[Node]Node{}
	for _, n := range postorder([]Node{root}) {
		for i, in := range n.Inputs() {
			if got := by[in]; got != nil {
				setInput(n, i, got)
			}
		}
		g, ok := n.(*GroupAgg)
		if !ok {
			continue
		}
		col, why := splitColumn(g)
		if why != "" {
			b.warn(nil, fmt.Sprintf("table.optimizer.distinct-agg.split.enabled does not split the aggregate [%s]: %s", aggList(g.Aggs, g.Input.Info().Out), why), "its answer is the same, but one instance has all rows of a key")
		}
		if col >= 0 {
			by[g] = splitBy(g, col, b.p.Settings.SplitDistinct)
		}
	}
	if got := by[root]; got != nil {
		return got
	}
	return root
}

// splitColumn gives the column that the DISTINCT aggregates of a node are of, -1 where it is not split.
func splitColumn(g *GroupAgg) (col int, why string) {
	col = -1
	for _, a := range g.Aggs {
		switch {
		case !a.Distinct:
		case len(a.Args) != 1:
			return -1, "DISTINCT of several columns"
		case col >= 0 && col != a.Args[0]:
			return -1, "DISTINCT of different columns"
		default:
			col = a.Args[0]
		}
	}
	if col < 0 {
		return -1, ""
	}
	for _, a := range g.Aggs {
		if splitAggs[a.Func] == "" {
			return -1, a.Func + " is not among COUNT, SUM, MIN and MAX"
		}
	}
	return col, ""
}

func splitBy(g *GroupAgg, col int, buckets int64) Node {
	in := g.Input.Info().Out
	bucket := types.Column{Name: "$bucket", Type: types.BigIntType.WithNull(false)}
	x := &Expand{Base: newBase(append(slices.Clone(in), bucket)), Input: g.Input, Projects: [][]Expr{append(refs(in), BigIntLit(0))}, Bucket: &Bucket{Col: col, Of: buckets}}
	k := len(g.Keys)
	out := append(slices.Clone(g.Out[:k]), bucket)
	unite := make([]AggCall, len(g.Aggs))
	for i, a := range g.Aggs {
		out = append(out, types.Column{Name: g.Out[k+i].Name, Type: a.T})
		unite[i] = AggCall{Func: splitAggs[a.Func], Args: []int{k + 1 + i}, ArgTypes: []types.Type{a.T}, Filter: -1, T: a.T, Name: a.Name}
	}
	part := &GroupAgg{Base: newBase(out), Input: x, Keys: append(slices.Clone(g.Keys), len(in)), Aggs: g.Aggs, TTL: g.TTL}
	return &GroupAgg{Base: g.Base, Input: part, Keys: span(0, k), Aggs: unite, TTL: g.TTL}
}
