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
	vars []string
	in   *scope
	navs []MatchNav
	keys []string // of navs, to take each value once
}

// match binds MATCH_RECOGNIZE.
func (b *binder) match(m *ast.MatchRecognize, outer *scope) (Node, *scope, error) {
	in, s, err := b.relation(m.Input, outer)
	if err != nil {
		return nil, nil, err
	}
	in = b.settle(in, nil)
	s.refresh(in)
	n := &Match{Input: in, SkipVar: -1}
	if m.AllRows {
		return nil, nil, sql.Errorf(m, "ALL ROWS PER MATCH is not supported").WithHint("write ONE ROW PER MATCH")
	}
	if len(m.Subsets) > 0 {
		return nil, nil, notYet(m.Subsets[0], "SUBSET")
	}
	var out types.Schema
	for _, e := range m.PartitionBy {
		x, err := b.expr(s, e)
		if err != nil {
			return nil, nil, err
		}
		c, ok := x.(*ColRef)
		if !ok {
			return nil, nil, sql.Errorf(e, "PARTITION BY of MATCH_RECOGNIZE names columns")
		}
		n.Partition = append(n.Partition, c.Index)
		out = append(out, types.Column{Name: s.cols[c.Index].name, Type: c.T})
	}
	if err := b.matchOrder(n, m, s); err != nil {
		return nil, nil, err
	}
	if n.Pattern, err = n.pattern(m.Pattern); err != nil {
		return nil, nil, err
	}
	if n.Pattern.least() == 0 {
		return nil, nil, sql.Errorf(m.Pattern, "the pattern could match no row at all").WithHint("at least one variable must not be optional")
	}
	if greedyEnd(n.Pattern) {
		return nil, nil, sql.Errorf(m.Pattern, "a greedy quantifier at the end of a pattern never knows when to end").WithHint("add a last variable, or write the quantifier with a ? behind it")
	}
	if err := b.matchRest(n, m, s, &out); err != nil {
		return nil, nil, err
	}
	n.Base = newBase(out)
	return n, scopeOf(n, nil), nil
}

func (b *binder) matchOrder(n *Match, m *ast.MatchRecognize, s *scope) error {
	if len(m.OrderBy) == 0 {
		return sql.Errorf(m, "MATCH_RECOGNIZE wants ORDER BY with the time attribute first")
	}
	for i, o := range m.OrderBy {
		x, err := b.expr(s, o.Expr)
		if err != nil {
			return err
		}
		c, ok := x.(*ColRef)
		if !ok {
			return sql.Errorf(o, "ORDER BY of MATCH_RECOGNIZE names columns")
		}
		if i > 0 {
			n.Order = append(n.Order, sortKey(o, c.Index))
			continue
		}
		attr := s.cols[c.Index].attr
		if attr == types.NotTime && !(b.p.Settings.Batch && c.T.IsTimestamp()) || o.Desc() {
			return sql.Errorf(o, "MATCH_RECOGNIZE wants ORDER BY with the time attribute first, ascending")
		}
		n.TimeCol, n.ProcTime = c.Index, attr == types.ProcTime
	}
	return nil
}

// pattern makes the tree of a pattern; its variables get numbers in order of first use.
func (n *Match) pattern(p ast.Pattern) (*Pattern, error) {
	switch p := p.(type) {
	case *ast.PatternVar:
		i := slices.Index(n.Vars, p.Name.Name)
		if i < 0 {
			i = len(n.Vars)
			n.Vars = append(n.Vars, p.Name.Name)
		}
		return &Pattern{Var: i, Min: 1, Max: 1}, nil
	case *ast.PatternSeq:
		out := &Pattern{Var: -1, Min: 1, Max: 1}
		for _, i := range p.Items {
			x, err := n.pattern(i)
			if err != nil {
				return nil, err
			}
			out.Seq = append(out.Seq, x)
		}
		return out, nil
	case *ast.PatternRepeat:
		x, err := n.pattern(p.X)
		if err != nil {
			return nil, err
		}
		if x.Min != 1 || x.Max != 1 {
			x = &Pattern{Var: -1, Seq: []*Pattern{x}}
		}
		x.Min, x.Max, x.Lazy = p.Min, p.Max, p.Reluctant
		if p.Max >= 0 && p.Max < p.Min {
			return nil, sql.Errorf(p, "the quantifier's upper bound is below its lower one")
		}
		return x, nil
	}
	return nil, notYet(p, "alternation, PERMUTE and exclusion in a pattern")
}

// least is the number of rows that a match has at least, 1 meaning any number above 0.
func (p *Pattern) least() int {
	most := 1
	if p.Var < 0 {
		most = 0
		for _, x := range p.Seq {
			most = max(most, x.least())
		}
	}
	return min(p.Min, most)
}

// greedyEnd tells whether the last variable repeats greedily; one that is there or not does not repeat.
func greedyEnd(p *Pattern) bool {
	if p.Max != p.Min && !p.Lazy && p.Max != 1 {
		return true
	}
	return p.Var < 0 && greedyEnd(p.Seq[len(p.Seq)-1])
}

// matchRest binds WITHIN, AFTER MATCH SKIP, DEFINE and MEASURES.
func (b *binder) matchRest(n *Match, m *ast.MatchRecognize, s *scope, out *types.Schema) error {
	if m.Within != nil {
		ms, err := b.millis(s, m.Within)
		if err != nil {
			return err
		}
		n.WithinMs = ms
	}
	if err := n.skip(m.Skip); err != nil {
		return err
	}
	var errs sql.ErrorList
	n.Define = make([]MatchExpr, len(n.Vars))
	for _, d := range m.Defines {
		i := slices.Index(n.Vars, d.Variable.Name)
		if i < 0 {
			addError(&errs, suggest(sql.Errorf(&d.Variable, "variable %q is not in the pattern", d.Variable.Name), d.Variable.Name, n.Vars))
			continue
		}
		x, err := b.matchExpr(n, s, d.Cond)
		if err == nil {
			x.Expr, err = b.boolean(d.Cond, x.Expr)
		}
		if err != nil {
			addError(&errs, err)
			continue
		}
		n.Define[i] = x
	}
	for _, it := range m.Measures {
		x, err := b.matchExpr(n, s, it.Expr)
		if err != nil {
			addError(&errs, err)
			continue
		}
		n.Measures = append(n.Measures, x)
		*out = append(*out, types.Column{Name: itemName(it, len(*out)), Type: x.Expr.Type(), TimeAttr: x.timeAttr(n)})
	}
	slices.SortStableFunc(errs.Errors, func(a, b *sql.Error) int { return a.Pos - b.Pos })
	return errs.Err()
}

// timeAttr: MATCH_ROWTIME() alone is a time attribute.
func (x MatchExpr) timeAttr(n *Match) types.TimeAttr {
	c, ok := x.Expr.(*ColRef)
	if !ok || x.Navs[c.Index].Func != NavRowTime {
		return types.NotTime
	}
	if n.ProcTime {
		return types.ProcTime
	}
	return types.RowTime
}

func (n *Match) skip(k *ast.MatchSkip) error {
	if k == nil {
		n.Skip = SkipToNext // as in Flink; the standard's default is PAST LAST ROW
		return nil
	}
	switch k.Kind {
	case "TO NEXT ROW":
		n.Skip = SkipToNext
	case "TO FIRST":
		n.Skip = SkipToFirst
	case "TO LAST", "TO":
		n.Skip = SkipToLast
	}
	if k.Variable == nil {
		return nil
	}
	if n.SkipVar = slices.Index(n.Vars, k.Variable.Name); n.SkipVar < 0 {
		return suggest(sql.Errorf(k.Variable, "variable %q is not in the pattern", k.Variable.Name), k.Variable.Name, n.Vars)
	}
	return nil
}

// matchExpr binds an expression of DEFINE or MEASURES.
func (b *binder) matchExpr(n *Match, in *scope, e ast.Expr) (MatchExpr, error) {
	ms := &matchScope{vars: n.Vars, in: in}
	x, err := b.expr(&scope{match: ms}, e)
	if err == nil {
		for i, nav := range ms.navs {
			if nav.Func == NavRowTime {
				ms.navs[i].Arg = &ColRef{Index: n.TimeCol, T: in.cols[n.TimeCol].typ}
			}
		}
	}
	return MatchExpr{Expr: x, Navs: ms.navs}, err
}

// matched finds what an expression takes from the matched rows; ok false: look inside it.
func (b *binder) matched(s *scope, e ast.Expr) (Expr, bool, error) {
	switch e := e.(type) {
	case *ast.Name:
		x, err := b.nav(s.match, e, MatchNav{Func: NavLast})
		return x, true, err
	case *ast.Call:
		name := strings.ToUpper(e.Name.Last())
		switch {
		case name == "FIRST" || name == "LAST":
			x, err := b.firstLast(s.match, e, name)
			return x, true, err
		case name == "PREV" || name == "NEXT" || name == "CLASSIFIER" || name == "MATCH_NUMBER":
			return nil, true, notYet(e, name)
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

func (b *binder) firstLast(ms *matchScope, c *ast.Call, name string) (Expr, error) {
	if err := wantArgs(c, 1, 2); err != nil {
		return nil, err
	}
	nav := MatchNav{Func: NavLast}
	if name == "FIRST" {
		nav.Func = NavFirst
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
		nav.Back = int(int64Of(l))
	}
	return b.nav(ms, c.Args[0], nav)
}

// matchTime is MATCH_ROWTIME() or MATCH_PROCTIME().
func (b *binder) matchTime(ms *matchScope, c *ast.Call, name string) (Expr, error) {
	if name == "MATCH_PROCTIME" {
		return &Call{Func: "PROCTIME", T: procTimeType}, nil
	}
	t := types.TimestampType(3)
	for _, col := range ms.in.cols {
		if col.attr == types.RowTime {
			t = col.typ
			return ms.add(MatchNav{Func: NavRowTime, Var: -1}, t.WithNull(true)), nil
		}
	}
	return nil, sql.Errorf(c, "MATCH_ROWTIME wants ORDER BY with a row-time attribute")
}

// nav takes a value of one variable's rows.
func (b *binder) nav(ms *matchScope, e ast.Expr, nav MatchNav) (Expr, error) {
	x, v, err := b.matchArg(ms, e)
	if err != nil {
		return nil, err
	}
	nav.Arg, nav.Var = x, v
	return ms.add(nav, x.Type()), nil
}

// matchAgg is an aggregate over the rows of a variable, or of the match.
func (b *binder) matchAgg(ms *matchScope, c *ast.Call) (Expr, error) {
	nav := MatchNav{Func: NavAgg, Var: -1}
	var list []fn.Arg
	if !c.Star {
		if err := wantArgs(c, 1, 1); err != nil {
			return nil, err
		}
		x, v, err := b.matchArg(ms, c.Args[0])
		if err != nil {
			return nil, err
		}
		nav.Arg, nav.Var = x, v
		list = []fn.Arg{{Type: x.Type(), Lit: constOf(x)}}
	}
	if c.Distinct || c.Filter != nil {
		return nil, notYet(c, "DISTINCT and FILTER in MATCH_RECOGNIZE")
	}
	f, _ := fn.LookupAgg(c.Name.Last())
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
	nav.Agg = &AggCall{Func: f.Name, Filter: -1, T: t, Name: f.Name, ArgTypes: bound.Args, resolved: bound, Consts: make([]*Literal, len(bound.Args))}
	if nav.Arg != nil {
		nav.Agg.Args = []int{0}
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
	if err != nil {
		return nil, 0, err
	}
	in := &scope{cols: slices.Clone(ms.in.cols)}
	if v >= 0 {
		for i := range in.cols {
			in.cols[i].path = []string{ms.vars[v]}
		}
	}
	x, err := b.expr(in, e)
	return x, v, err
}

// add gives the reference to a value, which it takes once.
func (ms *matchScope) add(nav MatchNav, t types.Type) Expr {
	key := fmt.Sprint(nav.Func, nav.Var, nav.Back, exprKey(nav.Arg))
	if nav.Agg != nil {
		key += nav.Agg.Func
	}
	if i := slices.Index(ms.keys, key); i >= 0 {
		return &ColRef{Index: i, T: t}
	}
	ms.navs, ms.keys = append(ms.navs, nav), append(ms.keys, key)
	return &ColRef{Index: len(ms.navs) - 1, T: t}
}
