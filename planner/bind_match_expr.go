package planner

import (
	"fmt"
	"slices"
	"strings"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/fn"
	"weir/sql/types"
)

// matchScope is what names mean in DEFINE and MEASURES.
type matchScope struct {
	n    *Match
	vars []string
	in   *scope
	navs []MatchNav
	keys []string // of navs, to take each value once
	at   *navPlace
}

// navPlace is where FIRST or LAST has names look: of one variable, at a row counted from an end.
type navPlace struct {
	call *ast.Call
	nav  MatchNav
	seen bool // nav.Var is of a name
}

// matchExpr binds an expression of DEFINE or MEASURES.
func (b *binder) matchExpr(n *Match, vars []string, in *scope, e ast.Expr) (MatchExpr, error) {
	ms := &matchScope{n: n, vars: vars, in: in}
	x, err := b.expr(&scope{match: ms}, e)
	return MatchExpr{Expr: x, Navs: ms.navs}, err
}

// matched finds what an expression takes from the matched rows; ok false: look inside it.
func (b *binder) matched(s *scope, e ast.Expr) (Expr, bool, error) {
	switch e := e.(type) {
	case *ast.Name:
		x, err := b.nav(s.match, e)
		return x, true, err
	case *ast.Call:
		if e.Over != nil {
			return nil, false, nil
		}
		name := strings.ToUpper(e.Name.Last())
		switch {
		case name == "FIRST" || name == "LAST" || name == "PREV" || name == "NEXT":
			x, err := b.firstLast(s, e, name)
			return x, true, err
		case name == "CLASSIFIER" || name == "MATCH_NUMBER":
			return nil, true, sql.Errorf(e, "%s is not supported, by Flink neither", name)
		case name == "MATCH_ROWTIME" || name == "MATCH_PROCTIME":
			x, err := b.matchTime(s.match, e, name)
			return x, true, err
		case isAggCall(e):
			x, err := b.matchAgg(s.match, e)
			return x, true, err
		}
	}
	return nil, false, nil
}

// firstLast is FIRST(x, n), LAST(x, n), and PREV and NEXT, which count no rows but the matched ones.
func (b *binder) firstLast(s *scope, c *ast.Call, name string) (Expr, error) {
	if err := wantArgs(c, 1, 2); err != nil {
		return nil, err
	}
	if s.match.at != nil {
		return nil, sql.Errorf(c, "%s stands inside another one", name)
	}
	back := int64(0)
	if name == "PREV" || name == "NEXT" {
		back = 1
	}
	if len(c.Args) == 2 {
		x, err := b.expr(&scope{}, c.Args[1])
		if err != nil {
			return nil, err
		}
		l, ok := x.(*Literal)
		if !ok || !l.T.IsInteger() || int64Of(l) < 0 || int64Of(l) > 1<<20 {
			return nil, sql.Errorf(c.Args[1], "%s wants a constant number of rows", name)
		}
		back = int64Of(l)
	}
	if (name == "PREV" || name == "NEXT") && back > 0 {
		return nil, sql.Errorf(c, "%s looks at rows that need not be matched, which is not supported, by Flink neither", name).WithHint("LAST(A.x, 1) is the last but one of A's rows")
	}
	at := &navPlace{call: c, nav: MatchNav{Func: NavLast, Var: -1, Back: int(back)}}
	if name == "FIRST" {
		at.nav.Func = NavFirst
	}
	s.match.at = at
	x, err := b.expr(s, c.Args[0])
	s.match.at = nil
	return x, err
}

// matchTime is MATCH_ROWTIME([column]) or MATCH_PROCTIME().
func (b *binder) matchTime(ms *matchScope, c *ast.Call, name string) (Expr, error) {
	if name == "MATCH_PROCTIME" {
		return &Call{Func: "PROCTIME", T: procTimeType}, wantArgs(c, 0, 0)
	}
	if err := wantArgs(c, 0, 1); err != nil {
		return nil, err
	}
	col := ms.in.cols[ms.n.TimeCol]
	if ms.n.ProcTime {
		return nil, sql.Errorf(c, "MATCH_ROWTIME wants ORDER BY with a row-time attribute").WithHint("MATCH_PROCTIME() is the clock")
	}
	t := types.TimestampType(3).WithNull(false) // whatever the column's type is, as Flink has it
	if len(c.Args) == 1 {
		x, err := b.expr(ms.in, c.Args[0])
		if err != nil {
			return nil, err
		}
		if ref, ok := x.(*ColRef); !ok || ref.Index != ms.n.TimeCol {
			return nil, sql.Errorf(c.Args[0], "MATCH_ROWTIME takes the column %q of ORDER BY", col.name)
		}
		t = col.typ.WithNull(true)
	}
	return ms.add(MatchNav{Func: NavRowTime, Var: -1, Arg: &ColRef{Index: ms.n.TimeCol, T: t}}, t), nil
}

// nav takes a column of one variable's rows.
func (b *binder) nav(ms *matchScope, e *ast.Name) (Expr, error) {
	x, v, err := b.matchArg(ms, e)
	if err != nil {
		return nil, err
	}
	nav := MatchNav{Func: NavLast, Var: v}
	if at := ms.at; at != nil {
		if at.seen && at.nav.Var != v {
			return nil, sql.Errorf(e, "the columns here must be of one pattern variable")
		}
		at.nav.Var, at.seen = v, true
		nav = at.nav
	}
	nav.Arg = x
	return ms.add(nav, x.Type().WithNull(true)), nil
}

// matchAgg is an aggregate over the rows of a variable, or of the match.
func (b *binder) matchAgg(ms *matchScope, c *ast.Call) (Expr, error) {
	if ms.at != nil {
		return nil, sql.Errorf(c, "an aggregate cannot stand inside %s", strings.ToUpper(ms.at.call.Name.Last()))
	}
	if c.Distinct || c.Filter != nil {
		return nil, sql.Errorf(c, "aggregates in MATCH_RECOGNIZE take no DISTINCT and no FILTER, on Flink neither")
	}
	nav := MatchNav{Func: NavAgg, Var: -1, Agg: &AggCall{Filter: -1}}
	var list []fn.Arg
	for i, a := range c.Args {
		if i == 0 {
			x, v, err := b.matchArg(ms, a)
			if err != nil {
				return nil, err
			}
			nav.Arg, nav.Var = x, v
			list = append(list, fn.Arg{Type: x.Type(), Lit: constOf(x)})
			continue
		}
		x, err := b.expr(&scope{}, a)
		if err != nil {
			return nil, err
		}
		if constOf(x) == nil {
			return nil, sql.Errorf(a, "this argument of %s must be a constant in MATCH_RECOGNIZE", c.Name.Last())
		}
		list = append(list, fn.Arg{Type: x.Type(), Lit: constOf(x)})
	}
	return b.matchAggOf(ms, c, nav, list)
}

func (b *binder) matchAggOf(ms *matchScope, c *ast.Call, nav MatchNav, list []fn.Arg) (Expr, error) {
	f, _ := fn.LookupAgg(c.Name.Last())
	if n := len(list); n < f.MinArgs || f.MaxArgs >= 0 && n > f.MaxArgs || n == 0 && !c.Star {
		return nil, sql.Errorf(c, "%s is written %s", f.Name, f.Syntax)
	}
	bound, err := fn.BindAgg(f.Name, list, false, false)
	if err != nil {
		return nil, sql.Errorf(c, "%s", err.Error())
	}
	if nav.Arg != nil {
		nav.Arg = b.fold(castTo(nav.Arg, bound.Args[0]))
	}
	t := bound.Type
	if !fn.NeverNull(f.Name) {
		t = t.WithNull(true)
	}
	a := nav.Agg
	a.Func, a.Name, a.T, a.ArgTypes, a.resolved = f.Name, f.Name, t, bound.Args, bound
	a.Consts = make([]*Literal, len(bound.Args))
	for i := range bound.Args {
		a.Args = append(a.Args, 0)
		if i > 0 {
			a.Consts[i] = &Literal{Val: list[i].Lit.Arr, T: list[i].Type}
		}
	}
	return ms.add(nav, t), nil
}

// matchArg binds an argument over the input's columns; all its names are of one variable, or of none.
func (b *binder) matchArg(ms *matchScope, e ast.Expr) (Expr, int, error) {
	v, err := -1, error(nil)
	seen := false
	ast.Walk(e, func(n ast.Node) bool {
		name, ok := n.(*ast.Name)
		if !ok || len(name.Parts) < 2 {
			return true
		}
		i := slices.Index(ms.vars, name.Parts[0].Name)
		if i < 0 {
			return true
		}
		if seen && i != v {
			err = sql.Errorf(name, "the columns here must be of one pattern variable")
		}
		v, seen = i, true
		return true
	})
	if err == nil && !seen {
		err = ms.unknownVar(e)
	}
	if err != nil {
		return nil, 0, err
	}
	in := &scope{cols: slices.Clone(ms.in.cols)}
	for i := range in.cols {
		in.cols[i].path = nil // a name before a column is that of a variable
		if v >= 0 {
			in.cols[i].path = []string{ms.vars[v]}
		}
	}
	x, err := b.expr(in, e)
	return x, v, err
}

// unknownVar refuses names before a dot that are neither a variable nor a column.
func (ms *matchScope) unknownVar(e ast.Expr) (err error) {
	ast.Walk(e, func(n ast.Node) bool {
		name, ok := n.(*ast.Name)
		if !ok || len(name.Parts) < 2 || err != nil {
			return true
		}
		first := &name.Parts[0]
		if !slices.ContainsFunc(ms.in.cols, func(c scopeCol) bool { return c.name == first.Name }) {
			err = suggest(sql.Errorf(first, "variable %q is not in the pattern", first.Name), first.Name, ms.vars)
		}
		return true
	})
	return err
}

// add gives the reference to a value, which it takes once.
func (ms *matchScope) add(nav MatchNav, t types.Type) Expr {
	key := fmt.Sprint(nav.Func, nav.Var, nav.Back)
	if nav.Arg != nil {
		key += exprKey(nav.Arg)
	}
	if nav.Agg != nil {
		key += nav.Agg.Func
		for _, c := range nav.Agg.Consts {
			if c != nil {
				key += exprKey(c)
			}
		}
	}
	if i := slices.Index(ms.keys, key); i >= 0 {
		return &ColRef{Index: i, T: t}
	}
	ms.navs, ms.keys = append(ms.navs, nav), append(ms.keys, key)
	return &ColRef{Index: len(ms.navs) - 1, T: t}
}
