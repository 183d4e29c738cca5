package planner

import (
	"math"
	"strings"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// expr binds an expression: names become columns of the scope, literals get types, and casts are put
// in where a function wants another type.
func (b *binder) expr(s *scope, e ast.Expr) (Expr, error) {
	b.depth++
	defer func() { b.depth-- }()
	if b.depth > maxDepth {
		return nil, sql.Errorf(e, "expression is nested more than %d deep", maxDepth).
			WithHint("write many ORs of one value as x IN (a, b, ...), and long expressions as views or WITH")
	}
	if s.agg != nil {
		if found, ok, err := b.grouped(s, e); ok || err != nil {
			return found, err
		}
	}
	if s.match != nil {
		if found, ok, err := b.matched(s, e); ok || err != nil {
			return found, err
		}
	}
	return b.plainExpr(s, e)
}

// maxDepth bounds the nesting of expressions, so that a hostile one cannot exhaust the stack.
const maxDepth = 1000

func (b *binder) plainExpr(s *scope, e ast.Expr) (Expr, error) {
	switch e := e.(type) {
	case *ast.Paren:
		return b.expr(s, e.X)
	case *ast.Name:
		return b.name(s, e)
	case *ast.Literal:
		return b.literal(e)
	case *ast.Interval:
		return b.interval(e)
	case *ast.Symbol:
		return SymbolLit(e.Name), nil
	case *ast.Unary:
		return b.unary(s, e)
	case *ast.Binary:
		return b.binary(s, e)
	case *ast.Between:
		return b.between(s, e)
	case *ast.In:
		return b.in(s, e)
	case *ast.Like:
		return b.like(s, e)
	case *ast.Is:
		return b.is(s, e)
	case *ast.Case:
		return b.caseExpr(s, e)
	case *ast.Cast:
		return b.cast(s, e)
	case *ast.Call:
		return b.call(s, e)
	case *ast.Field:
		x, err := b.expr(s, e.X)
		if err != nil {
			return nil, err
		}
		return fieldOf(x, &e.Name)
	}
	return b.nestedExpr(s, e)
}

func (b *binder) nestedExpr(s *scope, e ast.Expr) (Expr, error) {
	switch e := e.(type) {
	case *ast.Index:
		return b.apply(s, e, fnItem, e.X, e.Index)
	case *ast.Row:
		return b.row(s, e)
	case *ast.Array:
		if e.Query != nil {
			return nil, sql.Errorf(e, "ARRAY(SELECT ...) is not supported, by Flink neither").WithHint("write (SELECT ARRAY_AGG(x) FROM ...)")
		}
		return b.collection(s, e, fnArray, e.Items)
	case *ast.Map:
		return b.mapExprOf(s, e)
	case *ast.Multiset:
		return nil, sql.Errorf(e, "MULTISET[...] is not supported, by Flink neither").WithHint("COLLECT(x) makes a MULTISET of rows, ARRAY[...] an array of values")
	case *ast.TimeSpan:
		return b.timeSpan(s, e)
	case *ast.AtTimeZone:
		return b.atTimeZone(s, e)
	case *ast.Exists, *ast.Subquery, *ast.Quantified:
		return b.subquery(s, e)
	case *ast.Star:
		return nil, sql.Errorf(e, "* stands for columns and is not a value here")
	case *ast.Descriptor, *ast.TableArg, *ast.ModelArg, *ast.NamedArg:
		return nil, sql.Errorf(e, "this argument fits table functions only")
	case *ast.GroupingSet:
		return nil, sql.Errorf(e, "%s stands in GROUP BY only", e.Kind)
	}
	return nil, notYet(e, "this expression")
}

// notYet is the error for what Flink can do and weir cannot.
func notYet(at ast.Node, what string) *sql.Error {
	return sql.Errorf(at, "not yet supported: %s", what)
}

func (b *binder) name(s *scope, n *ast.Name) (Expr, error) {
	e, err := s.resolve(n)
	if err == nil {
		return e, nil
	}
	if s.outer != nil {
		if _, outerErr := s.outer.resolve(n); outerErr == nil {
			return b.correlated(s, n)
		}
	}
	return nil, err
}

// signed is a number behind signs, which belong to it as in Flink; nil for what is none.
func signed(e ast.Expr) (l *ast.Literal, neg bool) {
	switch x := ast.Unparen(e).(type) {
	case *ast.Literal:
		return x, false
	case *ast.Unary:
		if l, neg = signed(x.X); x.Op == "-" {
			return l, !neg
		}
		if x.Op == "+" {
			return l, neg
		}
	}
	return nil, false
}

func (b *binder) unary(s *scope, e *ast.Unary) (Expr, error) {
	l, neg := signed(e)
	if l != nil && l.Value == "2147483648" {
		if neg {
			return IntLit(math.MinInt32), nil // the only INT that needs its sign to fit
		}
		return BigIntLit(-math.MinInt32), nil
	}
	if l != nil && neg && l.Value == "9223372036854775808" {
		return BigIntLit(math.MinInt64), nil
	}
	x, err := b.expr(s, e.X)
	if err != nil {
		return nil, err
	}
	switch e.Op {
	case "NOT":
		if x, err = b.boolean(e.X, x); err != nil {
			return nil, err
		}
		return b.fold(&Not{X: x}), nil
	case "+":
		return x, nil
	}
	return b.invoke(e, "-", []Expr{x})
}

// boolean checks that a condition is one.
func (b *binder) boolean(at ast.Node, x Expr) (Expr, error) {
	switch x.Type().Kind {
	case types.Boolean:
		return x, nil
	case types.Null:
		return NullLit(types.BooleanType), nil
	}
	return nil, sql.Errorf(at, "a condition must be BOOLEAN, this is %s", x.Type())
}

func (b *binder) binary(s *scope, e *ast.Binary) (Expr, error) {
	if q, ok := e.R.(*ast.Quantified); ok {
		return b.quantified(s, e, q)
	}
	if e.Op == "OVERLAPS" {
		return b.overlaps(s, e)
	}
	l, err := b.expr(s, e.L)
	if err != nil {
		return nil, err
	}
	r, err := b.expr(s, e.R)
	if err != nil {
		return nil, err
	}
	switch e.Op {
	case "AND", "OR":
		if l, err = b.boolean(e.L, l); err != nil {
			return nil, err
		}
		if r, err = b.boolean(e.R, r); err != nil {
			return nil, err
		}
		return b.fold(logical(e.Op, l, r)), nil
	case "=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM":
		return b.compare(e, e.Op, l, r)
	}
	return b.invoke(e, e.Op, []Expr{l, r})
}

// overlaps binds (a, b) OVERLAPS (c, d).
func (b *binder) overlaps(s *scope, e *ast.Binary) (Expr, error) {
	l, okL := ast.Unparen(e.L).(*ast.Row)
	r, okR := ast.Unparen(e.R).(*ast.Row)
	if !okL || !okR || len(l.Items) != 2 || len(r.Items) != 2 {
		return nil, sql.Errorf(e, "OVERLAPS wants two periods, as (a, b) OVERLAPS (c, d)")
	}
	return b.apply(s, e, "OVERLAPS", l.Items[0], l.Items[1], r.Items[0], r.Items[1])
}

// logical joins flat: `a AND b AND c` is one node, evaluated from the left.
func logical(op string, l, r Expr) Expr {
	if op == "AND" {
		return &And{Args: append(conjuncts(l), conjuncts(r)...)}
	}
	if o, ok := l.(*Or); ok {
		return &Or{Args: append(append([]Expr(nil), o.Args...), r)}
	}
	return &Or{Args: []Expr{l, r}}
}

func isTextLit(e Expr) bool {
	l, ok := e.(*Literal)
	return ok && l.T.IsString()
}

func (b *binder) between(s *scope, e *ast.Between) (Expr, error) {
	x, err := b.exprs(s, e.X, e.Lo, e.Hi)
	if err != nil {
		return nil, err
	}
	both := func(lo, hi Expr) (Expr, error) {
		from, err := b.compare(e, ">=", x[0], lo)
		if err != nil {
			return nil, err
		}
		to, err := b.compare(e, "<=", x[0], hi)
		if err != nil {
			return nil, err
		}
		return logical("AND", from, to), nil
	}
	out, err := both(x[1], x[2])
	if err == nil && e.Symmetric {
		var swapped Expr
		if swapped, err = both(x[2], x[1]); err == nil {
			out = logical("OR", out, swapped)
		}
	}
	if err == nil && e.Not {
		out = &Not{X: out}
	}
	return b.fold(out), err
}

func (b *binder) exprs(s *scope, list ...ast.Expr) ([]Expr, error) {
	out := make([]Expr, len(list))
	for i, e := range list {
		x, err := b.expr(s, e)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

func (b *binder) in(s *scope, e *ast.In) (Expr, error) {
	if e.Query != nil {
		return b.subquery(s, e)
	}
	x, err := b.expr(s, e.X)
	if err != nil {
		return nil, err
	}
	list, err := b.exprs(s, e.List...)
	if err != nil {
		return nil, err
	}
	if in, ok := b.constIn(x, list, e.Not); ok && rowItems(x) == nil {
		return in, nil
	}
	var out Expr
	for i, item := range list {
		eq, err := b.compare(e.List[i], "=", x, item)
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = eq
		} else {
			out = logical("OR", out, eq)
		}
	}
	if e.Not {
		out = &Not{X: out}
	}
	return b.fold(out), nil
}

// constIn makes an In of constants where x and they have a common type.
func (b *binder) constIn(x Expr, list []Expr, neg bool) (Expr, bool) {
	all := []types.Type{x.Type()}
	for _, item := range list {
		if x.Type().IsDatetime() && isTextLit(item) {
			continue
		}
		all = append(all, item.Type())
	}
	t, ok := commonType(all)
	if !ok || t.Kind == types.Null {
		return nil, false
	}
	in := &In{X: castTo(x, t), Neg: neg}
	if x.Type().IsString() {
		in.X = x
	}
	for _, item := range list {
		l, ok := b.fold(castTo(item, in.X.Type())).(*Literal)
		if t.IsString() { // compared as text: no length is cut
			l, ok = item.(*Literal)
			if isNullLit(item) {
				l = NullLit(t)
			}
		}
		if !ok {
			return nil, false
		}
		in.List = append(in.List, l)
	}
	if len(in.List) < 2 {
		return nil, false
	}
	return in, true
}

func (b *binder) like(s *scope, e *ast.Like) (Expr, error) {
	args := []ast.Expr{e.X, e.Pattern}
	if e.Escape != nil {
		args = append(args, e.Escape)
	}
	name := "LIKE"
	if e.Similar {
		name = "SIMILAR"
	}
	out, err := b.apply(s, e, name, args...)
	if err == nil && e.Not {
		out = b.fold(&Not{X: out})
	}
	return out, err
}

func (b *binder) is(s *scope, e *ast.Is) (Expr, error) {
	x, err := b.expr(s, e.X)
	if err != nil {
		return nil, err
	}
	not := "IS "
	if e.Not {
		not = "IS NOT "
	}
	switch e.What {
	case "TRUE", "FALSE", "UNKNOWN":
		if x, err = b.boolean(e.X, x); err != nil {
			return nil, err
		}
	case "NULL":
		if x.Type().NotNull || isAbsent(x) {
			return BoolLit(e.Not), nil
		}
	}
	if kind, ok := strings.CutPrefix(e.What, "JSON"); ok {
		return b.isJSON(e, x, strings.TrimSpace(kind))
	}
	return b.invoke(e, not+e.What, []Expr{x})
}

func (b *binder) isJSON(e *ast.Is, x Expr, kind string) (Expr, error) {
	if kind == "" {
		kind = "VALUE"
	}
	out, err := b.invoke(e, "IS_JSON", []Expr{x, SymbolLit(kind)})
	if err == nil && e.Not {
		out = b.fold(&Not{X: out})
	}
	return out, err
}

func (b *binder) caseExpr(s *scope, e *ast.Case) (Expr, error) {
	out := &Case{}
	var operand Expr
	if e.Operand != nil {
		var err error
		if operand, err = b.expr(s, e.Operand); err != nil {
			return nil, err
		}
	}
	var ats []ast.Node
	for _, w := range e.Whens {
		cond, err := b.expr(s, w.Cond)
		if err != nil {
			return nil, err
		}
		if operand != nil {
			cond, err = b.compare(w.Cond, "=", operand, cond)
		} else {
			cond, err = b.boolean(w.Cond, cond)
		}
		if err != nil {
			return nil, err
		}
		then, err := b.expr(s, w.Then)
		if err != nil {
			return nil, err
		}
		out.Whens = append(out.Whens, When{cond, then})
		ats = append(ats, w.Then)
	}
	if e.Else != nil {
		var err error
		if out.Else, err = b.expr(s, e.Else); err != nil {
			return nil, err
		}
		ats = append(ats, e.Else)
	}
	if err := b.unify(e, out, ats); err != nil {
		return nil, err
	}
	return b.fold(out), nil
}

// unify gives the arms of a CASE their common type.
func (b *binder) unify(at ast.Node, c *Case, ats []ast.Node) error {
	var all []types.Type
	for _, w := range c.Whens {
		all = append(all, w.Then.Type())
	}
	if c.Else != nil {
		all = append(all, c.Else.Type())
	} else {
		all = append(all, types.NullType)
	}
	t, ok := commonType(all)
	if !ok {
		place := at
		for i := range ats {
			if _, fits := commonType(all[:i+1]); !fits {
				place = ats[i]
				break
			}
		}
		return noCommon(place, "the arms of CASE", all).WithHint("write CAST(... AS type) around this one")
	}
	c.T = t
	for i := range c.Whens {
		c.Whens[i].Then = b.fold(castTo(c.Whens[i].Then, t))
	}
	if c.Else != nil {
		c.Else = b.fold(castTo(c.Else, t))
	}
	return nil
}

// noCommon says that values have no common type.
func noCommon(at ast.Node, what string, all []types.Type) *sql.Error {
	if list := typeList(all); list != "" {
		return sql.Errorf(at, "%s have no common type: %s", what, list)
	}
	if len(all) == 0 {
		return sql.Errorf(at, "there is none of %s, so they have no type", what)
	}
	return sql.Errorf(at, "%s are all NULL, which has no type", what)
}

func typeList(list []types.Type) string {
	out, seen := "", map[string]bool{}
	for _, t := range list {
		text := t.WithNull(true).String()
		if t.Kind == types.Null || seen[text] {
			continue
		}
		seen[text] = true
		if out != "" {
			out += ", "
		}
		out += text
	}
	return out
}
