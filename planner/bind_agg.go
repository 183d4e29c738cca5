package planner

import (
	"fmt"
	"strings"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/fn"
	"weir/sql/types"
)

func isAgg(name string) bool { _, ok := fn.LookupAgg(name); return ok }

func aggNames() []string {
	var out []string
	for i := range fn.AggFuncs {
		if n := fn.AggFuncs[i].Name; !strings.HasPrefix(n, "$") {
			out = append(out, n)
		}
	}
	return out
}

// aggScope is what expressions mean behind an aggregation: group keys, aggregates and window properties.
type aggScope struct {
	in     *scope             // of the aggregation's input
	keys   []Expr             // over the input
	cols   []int              // the column of each key behind the aggregation
	calls  map[*ast.Call]Expr // aggregates by their place in the text
	window *groupWindow
	texts  map[string]int // keys that hold a subquery, by their text: bound twice, they differ
	sets   [][]bool       // grouping sets: which keys each has; nil: none
	id     int            // column of the grouping id, with sets
	out    func() types.Schema
}

// key finds the group key that an expression over the input is.
func (a *aggScope) key(x Expr) (Expr, bool) {
	want := exprKey(x)
	for i, k := range a.keys {
		if exprKey(k) == want {
			out := a.out()
			return &ColRef{Index: a.cols[i], T: out[a.cols[i]].Type}, true
		}
	}
	return nil, false
}

// isAggCall tells whether a call is an aggregate, and not one OVER a window of rows.
func isAggCall(c *ast.Call) bool {
	return c.Over == nil && len(c.Name.Parts) == 1 && isAgg(c.Name.Last())
}

// findAgg finds an aggregate in an expression, subqueries left out.
func findAgg(e ast.Expr) *ast.Call {
	var found *ast.Call
	walkShallow(e, func(c *ast.Call) {
		if found == nil && isAggCall(c) {
			found = c
		}
	})
	return found
}

// walkShallow visits the calls in an expression, but for those in subqueries.
func walkShallow(e ast.Node, visit func(*ast.Call)) {
	if e == nil {
		return
	}
	ast.Walk(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case ast.Query:
			return false
		case *ast.Call:
			visit(n)
		}
		return true
	})
}

// aggregated tells whether a SELECT groups.
func (b *binder) aggregated(q *ast.Select, order []*ast.OrderItem) bool {
	if len(q.GroupBy) > 0 || q.Having != nil {
		return true
	}
	found := false
	for _, e := range outputs(q, order) {
		found = found || findAgg(e) != nil
	}
	return found
}

// outputs are the expressions above the aggregation.
func outputs(q *ast.Select, order []*ast.OrderItem) []ast.Expr {
	var out []ast.Expr
	for _, it := range q.Items {
		if _, star := it.Expr.(*ast.Star); !star {
			out = append(out, it.Expr)
		}
	}
	if q.Having != nil {
		out = append(out, q.Having)
	}
	if q.Qualify != nil {
		out = append(out, q.Qualify)
	}
	for _, o := range order {
		out = append(out, o.Expr)
	}
	return out
}

// grouping gathers one aggregation while it is bound.
type grouping struct {
	b      *binder
	in     Node
	s      *scope
	q      *ast.Select
	pre    []Expr // columns that the aggregate reads, over in
	names  []string
	keys   []Expr
	keyAt  []int // place of each key in pre
	aggs   []AggCall
	aggKey []string
	calls  map[*ast.Call]int
	window *groupWindow
	sets   [][]bool
	texts  map[string]int
}

// aggregate binds GROUP BY, the aggregates and HAVING: it gives the node behind them and the scope in
// which the select list is bound.
func (b *binder) aggregate(q *ast.Select, order []*ast.OrderItem, in Node, s *scope) (Node, *scope, error) {
	g := &grouping{b: b, in: in, s: s, q: q, calls: map[*ast.Call]int{}}
	n, agg, err := b.aggregateInto(g, order)
	if err != nil {
		return nil, nil, err
	}
	if err := b.windowProps(agg, outputs(q, order)); err != nil {
		return nil, nil, err
	}
	post := scopeOf(n, nil)
	post.agg, post.outer, post.windows = agg, s.outer, q.Windows
	if q.Having == nil {
		return n, post, nil
	}
	post.subs = &subScope{node: n}
	cond, err := b.condition(post, q.Having)
	if err != nil {
		return nil, nil, err
	}
	return filter(post.subs.node, cond), post, nil
}

// aggregateInto binds the keys and the aggregates of a grouping and makes its node.
func (b *binder) aggregateInto(g *grouping, order []*ast.OrderItem) (Node, *aggScope, error) {
	g.s.subs = &subScope{node: g.in} // keys and arguments may hold subqueries, which join the input
	defer func() { g.s.subs = nil }()
	if err := g.groupBy(); err != nil {
		return nil, nil, err
	}
	for i, k := range g.keys {
		g.keyAt = append(g.keyAt, g.column(k, fmt.Sprintf("$key%d", i)))
	}
	if err := g.aggregates(outputs(g.q, order)); err != nil {
		return nil, nil, err
	}
	g.in = g.s.subs.node
	return g.node()
}

// windowProps adds every window property that the expressions ask for to the aggregate, before its columns are used.
func (b *binder) windowProps(agg *aggScope, list []ast.Expr) error {
	var errs sql.ErrorList
	for _, e := range list {
		walkShallow(e, func(c *ast.Call) {
			if f, ok := windowFuncs[strings.ToUpper(c.Name.Last())]; ok && len(c.Name.Parts) == 1 {
				if _, err := b.windowProp(&scope{agg: agg}, c, f); err != nil {
					addError(&errs, err)
				}
			}
		})
	}
	return errs.Err()
}

// column gives the place in pre of an expression over the input.
func (g *grouping) column(x Expr, name string) int {
	want := exprKey(x)
	for i, p := range g.pre {
		if exprKey(p) == want {
			return i
		}
	}
	if c, ok := x.(*ColRef); ok {
		name = g.in.Info().Out[c.Index].Name
	}
	g.pre, g.names = append(g.pre, x), append(g.names, name)
	return len(g.pre) - 1
}

// aggregates binds every aggregate call of the expressions.
func (g *grouping) aggregates(list []ast.Expr) error {
	var errs sql.ErrorList
	for _, e := range list {
		var stack []*ast.Call
		walkShallow(e, func(c *ast.Call) {
			if !isAggCall(c) {
				return
			}
			for _, outer := range stack {
				if c.Pos() >= outer.Pos() && c.Pos()+c.Len() <= outer.Pos()+outer.Len() {
					addError(&errs, sql.Errorf(c, "an aggregate cannot be inside another one").WithHint("aggregate in a subquery first"))
					return
				}
			}
			stack = append(stack, c)
			if err := g.aggregate(c); err != nil {
				addError(&errs, err)
			}
		})
	}
	return errs.Err()
}

// aggregate binds one call; equal calls are computed once.
func (g *grouping) aggregate(c *ast.Call) error {
	call, args, filter, err := g.b.aggCall(g.s, c)
	if err != nil {
		return err
	}
	g.in = g.s.subs.node
	for i, a := range args {
		call.Args = append(call.Args, g.column(a, fmt.Sprintf("$arg%d_%d", len(g.aggs), i)))
	}
	if filter != nil {
		call.Filter = g.column(filter, fmt.Sprintf("$filter%d", len(g.aggs)))
	}
	key := fmt.Sprint(call.Func, call.Args, call.Distinct, call.Filter)
	for i, k := range g.aggKey {
		if k == key {
			g.calls[c] = i
			return nil
		}
	}
	g.calls[c] = len(g.aggs)
	g.aggs, g.aggKey = append(g.aggs, *call), append(g.aggKey, key)
	return nil
}

// aggCall resolves an aggregate call over a scope: its arguments, cast to what the accumulator wants,
// and its filter, are still expressions.
func (b *binder) aggCall(s *scope, c *ast.Call) (*AggCall, []Expr, Expr, error) {
	f, _ := fn.LookupAgg(c.Name.Last())
	distinct := c.Distinct
	if f.Name == "APPROX_COUNT_DISTINCT" && b.p.Settings.Batch && len(c.Args) == 1 {
		f, _ = fn.LookupAgg("COUNT") // no estimate is better than the number
		distinct = true
	}
	if len(c.OrderBy) > 0 || len(c.WithinGroup) > 0 {
		return nil, nil, nil, sql.Errorf(c, "%s takes no ORDER BY: it sees rows in the order of their arrival", f.Name).
			WithHint("leave the ORDER BY out; Flink too takes none, or takes it and does not sort")
	}
	if c.Nulls != "" {
		return nil, nil, nil, sql.Errorf(c, "%s takes no %s NULLS", f.Name, c.Nulls).WithHint("leave it out: aggregates pass over NULLs, FIRST_VALUE and LAST_VALUE too")
	}
	b.untypedArgs(c)
	args, err := b.exprs(s, c.Args...)
	if err != nil {
		return nil, nil, nil, err
	}
	if args, err = b.syntaxArgs(s, c, args); err != nil {
		return nil, nil, nil, err
	}
	n := len(args)
	if n < f.MinArgs || f.MaxArgs >= 0 && n > f.MaxArgs || c.Star && f.Name != "COUNT" || n == 0 && f.Name == "COUNT" && !c.Star {
		return nil, nil, nil, sql.Errorf(c, "%s does not take %s", f.Name, countWord(n, "argument")).WithHint("the form is %s", f.Syntax)
	}
	call := &AggCall{Func: f.Name, Distinct: distinct, Filter: -1, Consts: make([]*Literal, n)}
	list := make([]fn.Arg, n)
	for i, a := range args {
		list[i] = fn.Arg{Type: a.Type(), Lit: constOf(a)}
	}
	bound, err := fn.BindAgg(f.Name, list, distinct, false)
	if err != nil {
		return nil, nil, nil, sql.Errorf(c, "%s", err.Error())
	}
	call.ArgTypes = bound.Args
	for i := range args {
		if i < len(bound.Args) && bound.Args[i].Kind != types.Symbol {
			args[i] = b.fold(castTo(args[i], bound.Args[i]))
		}
		call.Consts[i], _ = args[i].(*Literal) // of the type that the aggregate reads
	}
	args = args[:min(len(args), len(bound.Args))]
	call.T, call.resolved = bound.Type, bound
	var filter Expr
	if c.Filter != nil {
		if filter, err = b.condition(s, c.Filter); err != nil {
			return nil, nil, nil, err
		}
		if !fn.NeverNull(f.Name) {
			call.T = call.T.WithNull(true)
		}
	}
	call.Name = aggText(f.Name, c)
	return call, args, filter, nil
}

func aggText(name string, c *ast.Call) string {
	if c.Star {
		return name + "(*)"
	}
	return name
}

// grouped finds what an expression means behind an aggregation; ok false: look inside it.
func (b *binder) grouped(s *scope, e ast.Expr) (Expr, bool, error) {
	a := s.agg
	switch e := e.(type) {
	case *ast.Paren, *ast.Literal, *ast.Interval, *ast.Symbol:
		return nil, false, nil
	case *ast.Call:
		if x, ok := a.calls[e]; ok {
			return x, true, nil
		}
		if x, ok, err := b.groupFunc(s, e); ok || err != nil {
			return x, ok, err
		}
	}
	if len(a.texts) > 0 {
		if i, ok := a.texts[sql.Print(e)]; ok {
			return &ColRef{Index: a.cols[i], T: a.out()[a.cols[i]].Type}, true, nil
		}
	}
	inner := *a.in
	inner.subs = nil
	x, err := b.plainExpr(&inner, e)
	if err == nil {
		if k, ok := a.key(x); ok {
			return k, true, nil
		}
		if _, isLit := x.(*Literal); isLit {
			return x, true, nil
		}
	}
	if n, ok := e.(*ast.Name); ok {
		if err != nil {
			return nil, false, err
		}
		return nil, false, sql.Errorf(n, "column %q is neither in GROUP BY nor inside an aggregate", n.String()).
			WithHint("add it to GROUP BY, or write an aggregate as MAX(%s)", n.String())
	}
	return nil, false, nil
}

// groupFunc binds GROUPING and the auxiliary functions of group windows.
func (b *binder) groupFunc(s *scope, c *ast.Call) (Expr, bool, error) {
	if len(c.Name.Parts) != 1 {
		return nil, false, nil
	}
	name := strings.ToUpper(c.Name.Last())
	switch name {
	case "GROUPING", "GROUPING_ID", "GROUP_ID":
		x, err := b.groupingID(s, c)
		return x, true, err
	}
	prop, ok := windowFuncs[name]
	if !ok {
		return nil, false, nil
	}
	x, err := b.windowProp(s, c, prop)
	return x, true, err
}
