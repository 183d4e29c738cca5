package planner

import (
	"strings"

	"weir/sql/ast"
	"weir/sql/types"
)

// lateralGroups makes a lateral query that aggregates one that gives the groups of the values which its
// conditions compare with the left side. As in Flink, a left row without such a group is not there, or is padded.
func (b *binder) lateralGroups(d ast.Node, sub *inner, sort *ast.Sort) (*inner, []item, error) {
	if sort != nil {
		return nil, nil, notYet(sort, "LATERAL with ORDER BY or LIMIT in a query that aggregates and reads the left side")
	}
	g := &grouping{b: b, in: sub.node, s: sub.s, q: sub.sel, calls: map[*ast.Call]int{}}
	var outer []Expr
	for _, c := range sub.conds {
		o, in, ok := outerEquality(c)
		if !ok {
			return nil, nil, notYet(d, "LATERAL with a query that aggregates, and whose condition on the left side is no equality; join first, and aggregate then")
		}
		outer, g.keys = append(outer, o), append(g.keys, in)
	}
	post, agg, err := b.aggregateInto(g, nil)
	if err != nil {
		return nil, nil, err
	}
	if g.sets != nil || g.window != nil {
		return nil, nil, notYet(d, "LATERAL with grouping sets or windows in a query that reads the left side")
	}
	out := &inner{node: post, s: scopeOf(post, nil), sel: sub.sel}
	out.s.agg = agg
	if sub.sel.Having != nil {
		cond, err := b.condition(out.s, sub.sel.Having)
		if err != nil {
			return nil, nil, err
		}
		out.node = filter(post, cond)
	}
	for i, o := range outer {
		key := &ColRef{Index: i, T: post.Info().Out[i].Type}
		out.conds = append(out.conds, &Call{Func: "=", Args: []Expr{outerOf(o), key}, T: types.BooleanType})
	}
	items, err := b.items(sub.sel, out.s)
	return out, items, err
}

// zeroCounts gives 0 for the counts of left rows that have no group. Their type stays nullable, as in Flink.
func zeroCounts(n Node, from int, items []*ast.SelectItem) Node {
	out := n.Info().Out
	exprs := refs(out)
	for i, it := range items {
		if c, ok := it.Expr.(*ast.Call); ok && isAggCall(c) && strings.EqualFold(c.Name.Last(), "COUNT") {
			x := exprs[from+i]
			null := &Call{Func: "IS NULL", Args: []Expr{x}, T: types.BooleanType.WithNull(false)}
			exprs[from+i] = &Case{Whens: []When{{null, BigIntLit(0)}}, Else: x, T: x.Type()}
		}
	}
	return project(n, exprs, out.Names())
}
