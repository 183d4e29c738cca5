package planner

import (
	"slices"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

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
		return nil, nil, sql.Errorf(m, "ALL ROWS PER MATCH is not supported, by Flink neither").WithHint("write ONE ROW PER MATCH")
	}
	if len(m.Subsets) > 0 {
		return nil, nil, sql.Errorf(m.Subsets[0], "SUBSET is not supported; Flink takes it, and gives NULL for its variable").WithHint("name the variables one by one")
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
	if err := n.checkPattern(m.Pattern); err != nil {
		return nil, nil, err
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

// pattern makes the tree of a pattern; its variables get numbers in order.
func (n *Match) pattern(p ast.Pattern) (*Pattern, error) {
	switch p := p.(type) {
	case *ast.PatternVar:
		if slices.Contains(n.Vars, p.Name.Name) {
			return nil, sql.Errorf(p, "variable %q stands in the pattern twice", p.Name.Name).WithHint("give each place a variable of its own, with the same condition")
		}
		n.Vars = append(n.Vars, p.Name.Name)
		return &Pattern{Var: len(n.Vars) - 1, Min: 1, Max: 1}, nil
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
		return n.repeat(p)
	case *ast.PatternAlt:
		return nil, sql.Errorf(p, "alternatives (A | B) in a pattern are not supported, by Flink neither").WithHint("one variable with the conditions joined by OR often says the same")
	case *ast.PatternPermute:
		return nil, sql.Errorf(p, "PERMUTE in a pattern is not supported, by Flink neither")
	case *ast.PatternExclude:
		return nil, sql.Errorf(p, "{- -} in a pattern is not supported, by Flink neither")
	}
	return nil, notYet(p, "this pattern")
}

// repeat makes a variable with a quantifier.
func (n *Match) repeat(p *ast.PatternRepeat) (*Pattern, error) {
	if _, ok := p.X.(*ast.PatternVar); !ok {
		return nil, sql.Errorf(p, "only a variable can repeat, not a group of them, on Flink neither")
	}
	x, err := n.pattern(p.X)
	if err != nil {
		return nil, err
	}
	x.Min, x.Max, x.Lazy = p.Min, p.Max, p.Reluctant
	switch {
	case p.Max == 0:
		return nil, sql.Errorf(p, "variable %q repeats no time", n.Vars[x.Var]).WithHint("leave it out of the pattern")
	case p.Max >= 0 && p.Max < p.Min:
		return nil, sql.Errorf(p, "the quantifier's upper bound is below its lower one")
	case x.Lazy && p.Min == 0 && p.Max == 1:
		return nil, sql.Errorf(p, "?? is not supported, by Flink neither").WithHint("write ?")
	}
	return x, nil
}

// greedy tells whether a variable takes as many rows as it can. Of none or one, both are tried.
func (p *Pattern) greedy() bool {
	return !p.Lazy && p.Min != p.Max && !(p.Min == 0 && p.Max == 1)
}

// checkPattern refuses the patterns that Flink refuses.
func (n *Match) checkPattern(at ast.Pattern) error {
	var vars []*Pattern
	var flat func(*Pattern)
	flat = func(p *Pattern) {
		if p.Var >= 0 {
			vars = append(vars, p)
		}
		for _, x := range p.Seq {
			flat(x)
		}
	}
	flat(n.Pattern)
	least := 0
	for i, p := range vars {
		least += p.Min
		// A range from none is let pass.
		if i > 0 && vars[i-1].greedy() && p.Min == 0 && (p.Max < 0 || p.Max == 1) {
			return sql.Errorf(at, "variable %q may be left out, so it cannot follow %q, which is greedy, on Flink neither", n.Vars[p.Var], n.Vars[vars[i-1].Var]).
				WithHint("write the quantifier of %q with a ? behind it", n.Vars[vars[i-1].Var])
		}
	}
	if vars[len(vars)-1].greedy() {
		return sql.Errorf(at, "a greedy quantifier at the end of a pattern never knows when to end").WithHint("add a last variable, or write the quantifier with a ? behind it")
	}
	if least == 0 {
		return sql.Errorf(at, "the pattern could match no row at all").WithHint("at least one variable must not be optional")
	}
	return nil
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
	for _, it := range m.Measures {
		x, err := b.matchExpr(n, n.Vars, s, it.Expr)
		if err != nil {
			addError(&errs, err)
			continue
		}
		name := itemName(it, len(*out))
		if slices.ContainsFunc(*out, func(c types.Column) bool { return c.Name == name }) {
			addError(&errs, sql.Errorf(it, "MATCH_RECOGNIZE has two columns %q", name).WithHint("the columns of PARTITION BY come first, by themselves; give the measure another name"))
			continue
		}
		n.Measures = append(n.Measures, x)
		*out = append(*out, types.Column{Name: name, Type: x.Expr.Type(), TimeAttr: x.timeAttr(s)})
	}
	if len(m.Measures) == 0 {
		addError(&errs, sql.Errorf(m, "MATCH_RECOGNIZE has no MEASURES"))
	}
	for i, d := range m.Defines {
		if err := b.define(n, s, m.Defines[:i], d); err != nil {
			addError(&errs, err)
		}
	}
	return errs.Err()
}

// define binds the condition of a variable; before are the ones before it.
func (b *binder) define(n *Match, s *scope, before []*ast.MatchDefine, d *ast.MatchDefine) error {
	name := d.Variable.Name
	if slices.ContainsFunc(before, func(x *ast.MatchDefine) bool { return x.Variable.Name == name }) {
		return sql.Errorf(&d.Variable, "variable %q has two conditions", name).WithHint("join them by AND")
	}
	i, vars := slices.Index(n.Vars, name), n.Vars
	if i < 0 {
		b.warn(&d.Variable, "DEFINE has variable \""+name+"\", which is not in the pattern", "")
		vars = append(slices.Clone(vars), name)
	}
	x, err := b.matchExpr(n, vars, s, d.Cond)
	if err != nil {
		return err
	}
	if x.Expr, err = b.boolean(d.Cond, x.Expr); err != nil || i < 0 {
		return err
	}
	n.Define[i] = x
	return nil
}

// timeAttr: the time of the match is a time attribute, and so is that of a row, with Flink.
func (x MatchExpr) timeAttr(s *scope) types.TimeAttr {
	if isProcTime(x.Expr) {
		return types.ProcTime
	}
	c, ok := x.Expr.(*ColRef)
	if !ok {
		return types.NotTime
	}
	nav := x.Navs[c.Index]
	if nav.Func == NavRowTime {
		return types.RowTime
	}
	if arg, ok := nav.Arg.(*ColRef); ok && nav.Func != NavAgg && s.cols[arg.Index].attr == types.RowTime {
		return types.RowTime
	}
	return types.NotTime
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
