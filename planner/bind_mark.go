package planner

import (
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// IN and comparisons with ANY or ALL inside an expression are values: TRUE, FALSE or unknown. The
// subquery joins the node below, as its distinct rows or as one row of aggregates.

// flagNulls is what the column of flags says of a subquery's rows: 1 there are some, 2 and a NULL among
// them. Without rows there is no flag.
const flagNulls = 2

// inValue is x IN (SELECT ...) as a value.
func (b *binder) inValue(s *scope, e *ast.In) (Expr, error) {
	if s.subs != nil {
		sub, ok, err := b.subSelect(e.Query, s)
		if err != nil {
			return nil, err
		}
		if ok && (len(sub.conds) > 0 || sub.byValues(s, true)) {
			return b.inCorrelated(s, e, sub)
		}
	}
	left, right, n, err := b.operands(s, e, e.X, e.Query, "IN")
	if err != nil {
		return nil, err
	}
	nullable := anyNullable(left) || anyNullable(right)
	if nullable && len(left) > 1 {
		return nil, notYet(e, "IN with rows of values that may be NULL, other than as a condition of WHERE joined by AND")
	}
	members := Node(distinct(project(n, right, uniquify(sameName(len(right), "$sub"))), b.p.Settings.StateTTL))
	flag := Expr(nil)
	if nullable {
		again, err := b.query(e.Query, s) // rules change nodes in place, so the two uses share none
		if err != nil {
			return nil, err
		}
		f, err := b.flags(e, again, refs(again.Info().Out)[0])
		if err != nil {
			return nil, err
		}
		flag = b.attachRow(s, f)
	}
	out := members.Info().Out
	members = project(members, append(refs(out), BoolLit(true)), append(out.Names(), "$in"))
	mark := b.attach(s, members, left, refs(out))
	found, err := b.invoke(e, "IS NOT NULL", []Expr{mark})
	if err != nil {
		return nil, err
	}
	if flag != nil {
		if found, err = b.verdict(e, flag, found, left[0]); err != nil {
			return nil, err
		}
	}
	if e.Not {
		return &Not{X: found}, nil
	}
	return found, nil
}

// inCorrelated is x IN (SELECT y FROM t WHERE t.k = outer.k) as a value: as inValue, among the rows of each key.
func (b *binder) inCorrelated(s *scope, e *ast.In, sub *inner) (Expr, error) {
	if b.aggregated(sub.sel, nil) || hasOver(sub.sel) {
		return nil, notYet(e, "IN with a subquery that aggregates and reads a column of the query around it")
	}
	sub, outs, ins, err := b.keyed(s, e, sub)
	if err != nil {
		return nil, err
	}
	items, err := b.items(sub.sel, sub.s)
	if err != nil {
		return nil, err
	}
	var right []Expr
	for _, it := range items {
		right = append(right, it.expr)
	}
	left, right, err := b.comparable(s, e, e.X, e.Query, right, "IN")
	if err != nil {
		return nil, err
	}
	list := append(append([]Expr(nil), ins...), right...) // the keys, then what is compared
	nullable := anyNullable(left) || anyNullable(right)
	if nullable && len(left) > 1 {
		return nil, notYet(e, "IN with rows of values that may be NULL, other than as a condition of WHERE joined by AND")
	}
	var flag Expr
	if nullable {
		again, _, err := b.subSelect(e.Query, s) // rules change nodes in place, so the two uses share none
		if err == nil {
			again, _, _, err = b.keyed(s, e, again)
		}
		if err != nil {
			return nil, err
		}
		f, err := b.keyedFlags(e, again.node, ins, right[0])
		if err != nil {
			return nil, err
		}
		flag = b.attach(s, f, outs, refs(f.Info().Out)[:len(ins)])
	}
	members := Node(distinct(project(sub.node, list, uniquify(sameName(len(list), "$sub"))), b.p.Settings.StateTTL))
	out := members.Info().Out
	members = project(members, append(refs(out), BoolLit(true)), append(out.Names(), "$in"))
	mark := b.attach(s, members, append(outs, left...), refs(out))
	found, err := b.invoke(e, "IS NOT NULL", []Expr{mark})
	if err == nil && flag != nil {
		found, err = b.verdict(e, flag, found, left[0])
	}
	if err == nil && e.Not {
		found = &Not{X: found}
	}
	return found, err
}

// keyedFlags is the flag of the rows of each key, behind the key.
func (b *binder) keyedFlags(at ast.Node, n Node, keys []Expr, x Expr) (Node, error) {
	null, err := b.invoke(at, "IS NULL", []Expr{x})
	if err != nil {
		return nil, err
	}
	flag := &Case{Whens: []When{{null, BigIntLit(flagNulls)}}, Else: BigIntLit(1), T: types.BigIntType.WithNull(false)}
	in := project(n, append(append([]Expr(nil), keys...), flag), uniquify(append(sameName(len(keys), "$sub"), "$flag")))
	call := AggCall{Func: "MAX", Args: []int{len(keys)}, Filter: -1, ArgTypes: []types.Type{flag.T}, T: flag.T, Consts: make([]*Literal, 1), Name: "MAX"}
	if err := call.resolve(false); err != nil {
		return nil, sql.Errorf(at, "%s", err)
	}
	out := append(plain(in.Out.Select(span(0, len(keys)))), types.Column{Name: "$MAX", Type: call.T})
	return &GroupAgg{Base: newBase(out), Input: in, Keys: span(0, len(keys)), Aggs: []AggCall{call}, TTL: b.p.Settings.StateTTL}, nil
}

func sameName(n int, name string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = name
	}
	return out
}

func anyNullable(list []Expr) bool {
	for _, x := range list {
		if x.Type().Nullable() {
			return true
		}
	}
	return false
}

// operands binds both sides of a comparison with a subquery, of equal types.
func (b *binder) operands(s *scope, at ast.Node, x ast.Expr, q ast.Query, what string) (left, right []Expr, n Node, err error) {
	if s.subs == nil {
		return nil, nil, nil, notYet(at, what+" with a subquery here")
	}
	if n, err = b.query(q, s); err != nil {
		return nil, nil, nil, err
	}
	left, right, err = b.comparable(s, at, x, q, refs(n.Info().Out), what)
	return left, right, n, err
}

// comparable binds the left side of a comparison with a subquery, and brings both sides to equal types.
func (b *binder) comparable(s *scope, at ast.Node, x ast.Expr, q ast.Query, right []Expr, what string) ([]Expr, []Expr, error) {
	lhs := []ast.Expr{x}
	if r, ok := ast.Unparen(x).(*ast.Row); ok {
		lhs = r.Items
	}
	left, err := b.exprs(s, lhs...)
	if err != nil {
		return nil, nil, err
	}
	right = append([]Expr(nil), right...)
	if len(right) != len(left) {
		return nil, nil, sql.Errorf(q, "the subquery of %s gives %s, and %d is compared", what, countWord(len(right), "column"), len(left))
	}
	for i := range left {
		if _, err := b.compare(at, "=", left[i], right[i]); err != nil {
			return nil, nil, err
		}
		if t, ok := commonType([]types.Type{left[i].Type(), right[i].Type()}); ok {
			left[i], right[i] = b.fold(castTo(left[i], t)), castTo(right[i], t)
		}
	}
	return left, right, nil
}

// extremes is one row: the least and the greatest of x, then the flag.
func (b *binder) extremes(at ast.Node, n Node, x Expr, funcs ...string) (Node, error) {
	null, err := b.invoke(at, "IS NULL", []Expr{x})
	if err != nil {
		return nil, err
	}
	flag := &Case{Whens: []When{{null, BigIntLit(flagNulls)}}, Else: BigIntLit(1), T: types.BigIntType.WithNull(false)}
	in := project(n, []Expr{x, flag}, []string{"$value", "$flag"})
	out := &GroupAgg{Base: newBase(nil), Input: in, TTL: b.p.Settings.StateTTL}
	for i, f := range append(funcs, "MAX") {
		col := 0
		if i == len(funcs) {
			col = 1
		}
		call := AggCall{Func: f, Args: []int{col}, Filter: -1, ArgTypes: []types.Type{in.Out[col].Type}, T: in.Out[col].Type.WithNull(true), Consts: make([]*Literal, 1), Name: f}
		if err := call.resolve(false); err != nil {
			return nil, sql.Errorf(at, "%s", err)
		}
		out.Aggs = append(out.Aggs, call)
		out.Out = append(out.Out, types.Column{Name: "$" + f, Type: call.T})
	}
	return out, nil
}

func (b *binder) flags(at ast.Node, n Node, x Expr) (Node, error) { return b.extremes(at, n, x) }

// verdict is FALSE without rows, TRUE where found, unknown where a NULL was compared, else FALSE.
func (b *binder) verdict(at ast.Node, flag, found, x Expr) (Expr, error) {
	conds := make([]Expr, 4)
	for i, c := range []struct {
		f    string
		args []Expr
	}{{"IS NULL", []Expr{flag}}, {"IS TRUE", []Expr{found}}, {"IS NULL", []Expr{x}}, {"=", []Expr{flag, BigIntLit(flagNulls)}}} {
		var err error
		if conds[i], err = b.invoke(at, c.f, c.args); err != nil {
			return nil, err
		}
	}
	null := NullLit(types.BooleanType)
	out := &Case{Whens: []When{{conds[0], BoolLit(false)}, {conds[1], BoolLit(true)}, {conds[2], null}, {conds[3], null}}, Else: BoolLit(false), T: types.BooleanType}
	return out, nil
}

// opposite comparisons: x op ALL (q) is NOT (x opposite ANY (q)).
var opposite = map[string]string{"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}

// quantified is x > ANY (...) and its like.
func (b *binder) quantified(s *scope, e *ast.Binary, q *ast.Quantified) (Expr, error) {
	if opposite[e.Op] == "" {
		return nil, sql.Errorf(e, "ANY and ALL go with a comparison")
	}
	if q.Query == nil {
		return b.quantifiedList(s, e, q)
	}
	if in := anyIn(e); in != nil {
		return b.inValue(s, in)
	}
	op := e.Op
	if q.All {
		op = opposite[op]
	}
	if op == "=" { // = ALL is never here as =: it is NOT (<> ANY)
		in := &ast.In{Span: e.Span, X: e.L, Query: q.Query}
		x, err := b.inValue(s, in)
		return &Not{X: x}, err
	}
	left, right, n, err := b.operands(s, e, e.L, q.Query, "ANY or ALL")
	if err != nil {
		return nil, err
	}
	if len(left) != 1 {
		return nil, notYet(e, "a comparison of rows with ANY or ALL")
	}
	one, err := b.extremes(e, n, right[0], "MIN", "MAX")
	if err != nil {
		return nil, err
	}
	nullable := left[0].Type().Nullable() || right[0].Type().Nullable()
	flag := b.attachRow(s, one)
	at := len(s.cols)
	least, most := s.ref(at-3), s.ref(at-2)
	found, err := b.anyFound(e, op, left[0], least, most)
	if err != nil {
		return nil, err
	}
	if nullable {
		found, err = b.verdict(e, flag, found, left[0])
	} else {
		found, err = b.invoke(e, "IS TRUE", []Expr{found})
	}
	if err != nil || !q.All {
		return found, err
	}
	return &Not{X: found}, nil
}

// anyFound tells whether the comparison holds with the row that is the best for it.
func (b *binder) anyFound(at *ast.Binary, op string, x, least, most Expr) (Expr, error) {
	switch op {
	case "<", "<=":
		return b.compare(at, op, x, most)
	case ">", ">=":
		return b.compare(at, op, x, least)
	}
	lo, err := b.compare(at, "<>", x, least)
	if err != nil {
		return nil, err
	}
	hi, err := b.compare(at, "<>", x, most)
	return &Or{Args: []Expr{lo, hi}}, err
}

// quantifiedList is x > ANY (1, 2): a comparison with each.
func (b *binder) quantifiedList(s *scope, e *ast.Binary, q *ast.Quantified) (Expr, error) {
	x, err := b.expr(s, e.L)
	if err != nil {
		return nil, err
	}
	var list []Expr
	for _, i := range q.List {
		y, err := b.expr(s, i)
		if err != nil {
			return nil, err
		}
		c, err := b.compare(e, e.Op, x, y)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	if q.All {
		return b.fold(&And{Args: list}), nil
	}
	return b.fold(&Or{Args: list}), nil
}
