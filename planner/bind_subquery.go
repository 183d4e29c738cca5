package planner

import (
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// Subqueries become joins: EXISTS and IN semi joins, their negations anti joins, a value the only row
// of a left join.

// outerRef is a column of the query around a subquery, while the subquery is bound.
type outerRef struct {
	index int
	t     types.Type
}

// Type of the column.
func (e *outerRef) Type() types.Type { return e.t }
func (*outerRef) expr()              {}

// subScope is the node below a select list, which grows a join for each subquery in it.
type subScope struct{ node Node }

// hasSubquery tells whether an expression holds a query.
func hasSubquery(e ast.Expr) bool {
	found := false
	ast.Walk(e, func(n ast.Node) bool {
		if _, ok := n.(ast.Query); ok {
			found = true
		}
		return !found
	})
	return found
}

// correlated gives a column of the query around, where that is allowed: in WHERE of the subquery.
func (b *binder) correlated(s *scope, n *ast.Name) (Expr, error) {
	if s.values != nil {
		return s.value(n)
	}
	if !b.mayCorrelate {
		return nil, notYet(n, "a subquery that reads a column of the query around it outside its WHERE")
	}
	x, err := s.outer.resolve(n)
	if err != nil {
		return nil, err
	}
	return mapExpr(x, func(e Expr) Expr {
		if c, ok := e.(*ColRef); ok {
			return &outerRef{c.Index, c.T}
		}
		return e
	}), nil
}

// value is a column of the query around that the subquery's rows are joined with.
func (s *scope) value(n *ast.Name) (Expr, error) {
	x, err := s.outer.resolve(n)
	if err != nil {
		return nil, err
	}
	return mapExpr(x, func(e Expr) Expr {
		if c, ok := e.(*ColRef); ok {
			return s.ref(s.values[c.Index])
		}
		return e
	}), nil
}

func hasOuter(e Expr) bool {
	found := false
	walkExpr(e, func(x Expr) bool {
		if _, ok := x.(*outerRef); ok {
			found = true
		}
		return !found
	})
	return found
}

// joinExpr makes a condition of a subquery one over the outer columns, then the subquery's.
func joinExpr(e Expr, width int) Expr {
	return mapExpr(e, func(x Expr) Expr {
		switch x := x.(type) {
		case *ColRef:
			return &ColRef{Index: x.Index + width, T: x.T}
		case *outerRef:
			return &ColRef{Index: x.index, T: x.t}
		}
		return x
	})
}

// inner is a subquery's FROM and WHERE, its select list not yet bound. conds read the query around.
type inner struct {
	node  Node
	s     *scope
	conds []Expr
	sel   *ast.Select
}

// subSelect binds FROM and WHERE of a plain SELECT, its conditions on the query around kept apart.
func (b *binder) subSelect(q ast.Query, outer *scope) (*inner, bool, error) {
	sel, ok := q.(*ast.Select)
	if !ok || sel.From == nil || sel.Distinct {
		return nil, false, nil
	}
	ttls, err := b.selectHints(sel)
	if err != nil {
		return nil, false, err
	}
	keep := b.ttls
	b.ttls = ttls
	in, s, err := b.from(sel.From, outer)
	b.ttls = keep
	if err != nil {
		return nil, false, err
	}
	s.outer, s.windows = outer, sel.Windows
	out := &inner{s: s, sel: sel}
	var own, subs []ast.Expr
	if sel.Where != nil {
		own = astConjuncts(sel.Where)
	}
	var conds []Expr
	for _, c := range own {
		if hasSubquery(c) {
			subs = append(subs, c)
			continue
		}
		keep := b.mayCorrelate
		b.mayCorrelate = true
		x, err := b.condition(s, c)
		b.mayCorrelate = keep
		if err != nil {
			return nil, false, err
		}
		if hasOuter(x) {
			out.conds = append(out.conds, conjuncts(x)...)
		} else {
			conds = append(conds, conjuncts(x)...)
		}
	}
	in = b.settle(in, conds)
	s.refresh(in)
	for _, c := range subs {
		if in, err = b.whereSubquery(in, s, c); err != nil {
			return nil, false, err
		}
	}
	out.node = in
	return out, true, nil
}

// whereSubquery applies a condition of WHERE that holds a subquery.
func (b *binder) whereSubquery(in Node, s *scope, c ast.Expr) (Node, error) {
	neg := false
	e := ast.Unparen(c)
	for {
		u, ok := e.(*ast.Unary)
		if !ok || u.Op != "NOT" {
			break
		}
		neg, e = !neg, ast.Unparen(u.X)
	}
	if c, ok := e.(*ast.Binary); ok {
		if in := anyIn(c); in != nil {
			e = in
		}
	}
	switch e := e.(type) {
	case *ast.Exists:
		return b.exists(in, s, e, neg)
	case *ast.In:
		if e.Query != nil {
			return b.inQuery(in, s, e, neg != e.Not)
		}
	}
	s.subs = &subScope{node: in}
	x, err := b.condition(s, c)
	if err != nil {
		return nil, err
	}
	return filter(s.subs.node, x), nil
}

// anyIn reads x = ANY (q) as x IN (q), and x <> ALL (q) as x NOT IN (q); nil for others.
func anyIn(c *ast.Binary) *ast.In {
	q, ok := c.R.(*ast.Quantified)
	if !ok || q.Query == nil || !(c.Op == "=" && !q.All || c.Op == "<>" && q.All) {
		return nil
	}
	return &ast.In{Span: c.Span, X: c.L, Not: q.All, Query: q.Query}
}

func (b *binder) exists(in Node, s *scope, e *ast.Exists, neg bool) (Node, error) {
	sub, ok, err := b.subSelect(e.Query, s)
	if err != nil {
		return nil, err
	}
	if !ok || b.aggregated(sub.sel, nil) {
		n, err := b.query(e.Query, nil)
		if err != nil {
			return nil, err
		}
		sub = &inner{node: n}
	}
	return b.semiJoin(in, sub.node, sub.conds, nil, neg), nil
}

// semiJoin joins in with a subquery; own are conditions already over both.
func (b *binder) semiJoin(in, right Node, conds, own []Expr, neg bool) Node {
	width := len(in.Info().Out)
	all := own
	for _, c := range conds {
		all = append(all, joinExpr(c, width))
	}
	kind := SemiJoin
	if neg {
		kind = AntiJoin
	}
	j := &Join{Base: newBase(in.Info().Out), Left: in, Right: right, Kind: kind, Cond: conjoin(all), LeftTTL: b.p.Settings.StateTTL, RightTTL: b.p.Settings.StateTTL}
	return b.settle(j, nil)
}

// inQuery is x IN (SELECT ...), or (x, y) IN. NOT IN holds only where the comparison is FALSE with each
// row: a NULL on either side makes it unknown.
func (b *binder) inQuery(in Node, s *scope, e *ast.In, neg bool) (Node, error) {
	lhs := []ast.Expr{e.X}
	if r, ok := ast.Unparen(e.X).(*ast.Row); ok {
		lhs = r.Items
	}
	left, err := b.exprs(s, lhs...)
	if err != nil {
		return nil, err
	}
	sub, ok, err := b.subSelect(e.Query, s)
	if err != nil {
		return nil, err
	}
	var right []Expr
	if ok && !b.aggregated(sub.sel, nil) && !hasOver(sub.sel) {
		items, err := b.items(sub.sel, sub.s)
		if err != nil {
			return nil, err
		}
		for _, it := range items {
			right = append(right, it.expr)
		}
	} else if ok && len(sub.conds) > 0 {
		if neg || hasOver(sub.sel) {
			return nil, notYet(e.Query, "IN with a subquery that aggregates and reads a column of the query around it")
		}
		if sub, right, err = b.keyedGroups(s, e, sub); err != nil {
			return nil, err
		}
	} else {
		n, err := b.query(e.Query, nil)
		if err != nil {
			return nil, err
		}
		sub, right = &inner{node: n}, refs(n.Info().Out)
	}
	if len(right) != len(left) {
		return nil, sql.Errorf(e.Query, "the subquery of IN gives %s, and %d is compared", countWord(len(right), "column"), len(left))
	}
	width := len(in.Info().Out)
	var own []Expr
	for i := range left {
		eq, err := b.compare(e, "=", left[i], shift(right[i], width))
		if err != nil {
			return nil, err
		}
		if neg {
			if eq, err = b.maybe(e, eq); err != nil {
				return nil, err
			}
		}
		own = append(own, eq)
	}
	return b.semiJoin(in, sub.node, sub.conds, own, neg), nil
}

// maybe is TRUE where a comparison is TRUE or unknown.
func (b *binder) maybe(at ast.Node, eq Expr) (Expr, error) {
	if eq.Type().NotNull {
		return eq, nil
	}
	return b.invoke(at, "IS NOT FALSE", []Expr{eq})
}

// existsValue is EXISTS inside an expression: the subquery's rows are counted, by the columns that are
// equal to outer ones.
func (b *binder) existsValue(s *scope, e *ast.Exists) (Expr, error) {
	sub, ok, err := b.subSelect(e.Query, s)
	if err != nil {
		return nil, err
	}
	if s.subs == nil || !ok || b.aggregated(sub.sel, nil) {
		return nil, notYet(e, "this EXISTS other than as a condition of WHERE")
	}
	sub, outs, ins, err := b.keyed(s, e, sub)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(ins))
	for i := range names {
		names[i] = "$sub"
	}
	in := project(sub.node, ins, uniquify(names))
	count := AggCall{Func: "COUNT", Filter: -1, T: types.BigIntType.WithNull(false), Name: "COUNT(*)"}
	if err := count.resolve(false); err != nil {
		return nil, err
	}
	out := append(plain(in.Out), types.Column{Name: "$count", Type: count.T})
	n := &GroupAgg{Base: newBase(out), Input: in, Keys: span(0, len(ins)), Aggs: []AggCall{count}, TTL: b.p.Settings.StateTTL}
	x := b.attach(s, n, outs, refs(out)[:len(ins)])
	some, err := b.invoke(e, ">", []Expr{x, BigIntLit(0)})
	if err != nil {
		return nil, err
	}
	return b.invoke(e, "IS TRUE", []Expr{some})
}

// subquery binds a query inside an expression: a value, which joins the node below.
func (b *binder) subquery(s *scope, e ast.Expr) (Expr, error) {
	if x, ok := e.(*ast.Exists); ok {
		return b.existsValue(s, x)
	}
	if x, ok := e.(*ast.In); ok {
		return b.inValue(s, x)
	}
	q, ok := e.(*ast.Subquery)
	if !ok {
		return nil, notYet(e, "this subquery")
	}
	if s.subs == nil {
		return nil, notYet(e, "a subquery here")
	}
	if sub, ok, err := b.subSelect(q.Query, s); err != nil {
		return nil, err
	} else if ok && (len(sub.conds) > 0 || sub.byValues(s, true)) {
		return b.correlatedValue(s, q, sub)
	}
	n, err := b.query(q.Query, nil)
	if err != nil {
		return nil, err
	}
	if len(n.Info().Out) != 1 {
		return nil, sql.Errorf(q, "a subquery used as a value must give one column, this gives %d", len(n.Info().Out))
	}
	return b.attach(s, b.single(n, nil), nil, nil), nil
}

// single makes sure that there is one row at most a key: more are an error at run time.
func (b *binder) single(n Node, keys []int) Node {
	for _, k := range upsertKeysOf(n) {
		if subset(k, keys) {
			return n
		}
	}
	col := len(n.Info().Out) - 1
	c := n.Info().Out[col]
	call := AggCall{Func: "SINGLE_VALUE", Args: []int{col}, Filter: -1, ArgTypes: []types.Type{c.Type}, T: c.Type.WithNull(true), Consts: make([]*Literal, 1)}
	if err := call.resolve(false); err != nil {
		return n
	}
	out := append(plain(n.Info().Out.Select(keys)), types.Column{Name: c.Name, Type: call.T})
	return &GroupAgg{Base: newBase(out), Input: n, Keys: keys, Aggs: []AggCall{call}, TTL: b.p.Settings.StateTTL}
}

// upsertKeysOf finds a node's keys before the changelog pass.
func upsertKeysOf(n Node) [][]int {
	for _, x := range postorder([]Node{n}) {
		x.Info().UpsertKeys = upsertKeys(x)
	}
	return n.Info().UpsertKeys
}

// attach left-joins the subquery's row, whose last column is the value, and gives that as a column.
func (b *binder) attach(s *scope, n Node, left, right []Expr) Expr {
	return b.attachAs(LeftJoin, s, n, left, right)
}

// attachRow joins one row of aggregates. While streaming there is no such row until there is something to
// aggregate, and then, as in Flink, nothing that could be compared with it.
func (b *binder) attachRow(s *scope, n Node) Expr {
	if b.p.Settings.Batch {
		return b.attachAs(LeftJoin, s, n, nil, nil)
	}
	return b.attachAs(InnerJoin, s, n, nil, nil)
}

func (b *binder) attachAs(kind JoinKind, s *scope, n Node, left, right []Expr) Expr {
	in := s.subs.node
	width := len(in.Info().Out)
	j := &Join{Base: newBase(joinColumns(in.Info().Out, n.Info().Out, kind)), Left: in, Right: n, Kind: kind, LeftTTL: b.p.Settings.StateTTL, RightTTL: b.p.Settings.StateTTL}
	var conds []Expr
	for i := range left {
		conds = append(conds, &Call{Func: "=", Args: []Expr{left[i], shift(right[i], width)}, T: types.BooleanType})
	}
	j.Cond = conjoin(conds)
	s.subs.node = b.settle(j, nil)
	out := s.subs.node.Info().Out
	for i := width; i < len(out); i++ {
		s.cols = append(s.cols, scopeCol{name: "", typ: out[i].Type, hidden: true})
	}
	s.refresh(s.subs.node)
	return s.ref(len(out) - 1)
}
