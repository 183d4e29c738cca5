package planner

import (
	"strings"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// A subquery that reads the query around it belongs to the values it reads: its rows have these as a key, by which
// they are joined. Where its conditions are equalities, the key is what is equal; else its rows are joined with the
// distinct values of the query around first.

// keyed gives a subquery that has a key, with the sides of its equalities: over the query around, and over its own rows.
func (b *binder) keyed(s *scope, at ast.Node, sub *inner) (*inner, []Expr, []Expr, error) {
	if sub.byValues(s, true) {
		if s.rel == nil {
			return nil, nil, nil, notYet(at, "a subquery behind GROUP BY that compares with the query around other than by =")
		}
		var err error
		if sub, err = b.lateralValues(&ast.Join{Left: s.rel}, s, sub.sel); err != nil {
			return nil, nil, nil, err
		}
	}
	var outs, ins []Expr
	for _, c := range sub.conds {
		o, i, ok := outerEquality(c)
		if !ok {
			return nil, nil, nil, notYet(at, "a subquery whose condition on the query around is no equality")
		}
		outs, ins = append(outs, o), append(ins, i)
	}
	return sub, outs, ins, nil
}

// keyedGroups is a subquery that aggregates, by key, with the columns that IN compares.
func (b *binder) keyedGroups(s *scope, at ast.Node, sub *inner) (*inner, []Expr, error) {
	sub, _, _, err := b.keyed(s, at, sub)
	if err != nil {
		return nil, nil, err
	}
	sub, items, err := b.lateralGroups(at, sub, nil)
	if err != nil {
		return nil, nil, err
	}
	var out []Expr
	for _, it := range items {
		out = append(out, it.expr)
	}
	return sub, out, nil
}

// onSubqueries takes the conditions of ON that hold a subquery apart. Those of an outer join may read only the side
// that is padded: they filter it.
func (b *binder) onSubqueries(j *ast.Join) (rest, subs []ast.Expr) {
	if j.On == nil {
		return nil, nil
	}
	for _, c := range astConjuncts(j.On) {
		if hasSubquery(c) {
			subs = append(subs, c)
		} else {
			rest = append(rest, c)
		}
	}
	return rest, subs
}

// filterSide applies conditions of ON to the side of an outer join which is padded where they do not hold.
func (b *binder) filterSide(n Node, s *scope, r ast.Relation, subs []ast.Expr) (Node, error) {
	n = b.settle(n, nil)
	s.refresh(n)
	s.rel = r
	for _, c := range subs {
		out, err := b.whereSubquery(n, s, c)
		if err != nil {
			return nil, sql.Errorf(c, "a subquery in ON of an outer join may read only the side that is padded").WithHint("%s", plainMsg(err))
		}
		n = out
	}
	return n, nil
}

// filterJoin applies conditions of ON to the rows of an inner join, as WHERE does.
func (b *binder) filterJoin(j *ast.Join, n *Join, s *scope, subs []ast.Expr) (Node, *scope, error) {
	out := b.settle(n, nil)
	s.refresh(out)
	s.rel = &ast.Join{Span: j.Span, Kind: j.Kind, Left: j.Left, Right: j.Right} // more rows than needed do no harm
	for _, c := range subs {
		var err error
		if out, err = b.whereSubquery(out, s, c); err != nil {
			return nil, nil, err
		}
	}
	return out, s, nil
}

// correlatedValue is (SELECT MAX(x) FROM t WHERE t.k = outer.k): grouped by the columns that are equal to
// outer ones, and joined by them.
func (b *binder) correlatedValue(s *scope, q *ast.Subquery, sub *inner) (Expr, error) {
	if len(sub.sel.Items) != 1 || len(sub.sel.GroupBy) > 0 || sub.sel.Having != nil {
		return nil, notYet(q, "this subquery with a column of the query around it; write it as a join")
	}
	sub, outs, ins, err := b.keyed(s, q, sub)
	if err != nil {
		return nil, err
	}
	var n Node
	if b.aggregated(sub.sel, nil) {
		g := &grouping{b: b, in: sub.node, s: sub.s, q: &ast.Select{Span: sub.sel.Span, Items: sub.sel.Items}, calls: map[*ast.Call]int{}, keys: ins}
		post, agg, err := b.aggregateInto(g, nil)
		if err != nil {
			return nil, err
		}
		ps := scopeOf(post, nil)
		ps.agg = agg
		x, err := b.expr(ps, sub.sel.Items[0].Expr)
		if err != nil {
			return nil, err
		}
		list := append(refs(post.Info().Out)[:len(ins)], x)
		n = project(post, list, uniquify(append(post.Info().Out.Names()[:len(ins)], "EXPR$0")))
	} else {
		x, err := b.expr(sub.s, sub.sel.Items[0].Expr)
		if err != nil {
			return nil, err
		}
		names := make([]string, len(ins)+1)
		for i := range names {
			names[i] = "$sub"
		}
		n = b.single(project(sub.node, append(append([]Expr(nil), ins...), x), uniquify(names)), span(0, len(ins)))
	}
	x := b.attach(s, n, outs, refs(n.Info().Out)[:len(ins)])
	if c, ok := sub.sel.Items[0].Expr.(*ast.Call); ok && isAggCall(c) && strings.EqualFold(c.Name.Last(), "COUNT") {
		// Where no row joins, the count of them is 0. Its type stays nullable, as in Flink.
		zero := &Case{Whens: []When{{&Call{Func: "IS NULL", Args: []Expr{x}, T: types.BooleanType.WithNull(false)}, BigIntLit(0)}}, Else: x, T: x.Type()}
		return zero, nil
	}
	return x, nil
}

// outerEquality splits inner = outer.
func outerEquality(c Expr) (outer, in Expr, ok bool) {
	call, is := c.(*Call)
	if !is || call.Func != "=" {
		return nil, nil, false
	}
	l, r := call.Args[0], call.Args[1]
	if hasOuter(r) {
		l, r = r, l
	}
	used := map[int]bool{}
	columnsOf(l, used)
	if !hasOuter(l) || hasOuter(r) || len(used) > 0 {
		return nil, nil, false
	}
	return joinExpr(l, 0), r, true
}
