package planner

import (
	"strings"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// lateral binds joins whose right side reads the left one: UNNEST, and FOR SYSTEM_TIME AS OF.
func (b *binder) lateral(j *ast.Join, left Node, ls *scope, outer *scope) (Node, *scope, bool, error) {
	name, cols, right := aliasOf(j.Right)
	switch r := right.(type) {
	case *ast.Unnest:
		n, s, err := b.unnest(j, b.settle(left, nil), ls, r, name, cols)
		return n, s, true, err
	case *ast.Table:
		if r.AsOf != nil {
			n, s, err := b.asOf(j, b.settle(left, nil), ls, r, name, cols)
			return n, s, true, err
		}
	case *ast.Derived:
		if r.Lateral {
			return b.lateralQuery(j, left, ls, r, name, cols)
		}
	case *ast.TableFunc:
		if _, window := windowTVFs[strings.ToUpper(r.Call.Name.Last())]; r.Lateral && !window {
			return nil, nil, true, sql.Errorf(r.Call.Name, "table function %q is not known", r.Call.Name.String()).
				WithHint("weir has no table functions of its own but the windows: CROSS JOIN UNNEST takes collections apart")
		}
	}
	return nil, nil, false, nil
}

// aliasOf takes the alias off a relation.
func aliasOf(r ast.Relation) (*ast.Ident, []ast.Ident, ast.Relation) {
	if a, ok := r.(*ast.Aliased); ok {
		return &a.Name, a.Columns, a.Input
	}
	return nil, nil, r
}

// unnest binds CROSS JOIN UNNEST(x) AS t(a, b), or LEFT JOIN ... ON TRUE.
func (b *binder) unnest(j *ast.Join, left Node, ls *scope, u *ast.Unnest, name *ast.Ident, cols []ast.Ident) (Node, *scope, error) {
	kind := joinKind(j.Kind)
	if kind != InnerJoin && kind != LeftJoin {
		return nil, nil, sql.Errorf(j, "UNNEST goes with CROSS JOIN or LEFT JOIN")
	}
	if len(u.Args) != 1 {
		return nil, nil, notYet(u, "UNNEST of several values")
	}
	ls.refresh(left)
	x, err := b.expr(ls, u.Args[0])
	if err != nil {
		return nil, nil, err
	}
	elems, err := elements(u, x.Type())
	if err != nil {
		return nil, nil, err
	}
	if u.Ordinality {
		elems = append(elems, types.Column{Name: "ORDINALITY", Type: types.IntType.WithNull(false)})
	}
	if len(cols) > 0 && len(cols) != len(elems) {
		return nil, nil, sql.Errorf(&cols[0], "%s for the %s of UNNEST", countWord(len(cols), "name"), countWord(len(elems), "column"))
	}
	var path []string
	if name != nil {
		path = []string{name.Name}
	}
	s := &scope{cols: append([]scopeCol(nil), ls.cols...), outer: ls.outer}
	out := append(types.Schema(nil), left.Info().Out...)
	for i, e := range elems {
		if len(cols) > 0 {
			e.Name = cols[i].Name
		} else if name != nil && len(elems) == 1 && x.Type().Elem != nil && x.Type().Elem.Kind != types.Row {
			e.Name = name.Name
		}
		if kind == LeftJoin {
			e.Type = e.Type.WithNull(true)
		}
		out = append(out, e)
		s.cols = append(s.cols, scopeCol{path: path, name: e.Name, typ: e.Type})
	}
	n := &Unnest{Base: newBase(out), Input: left, Collection: x, Outer: kind == LeftJoin, Ordinality: u.Ordinality}
	if j.On != nil {
		cond, err := b.condition(s, j.On)
		if err != nil {
			return nil, nil, err
		}
		if v, ok := truthOf(cond); !ok || !v {
			n.Cond = cond
		}
	}
	return n, s, nil
}

// elements are the columns that the elements of a collection have.
func elements(at ast.Node, t types.Type) (types.Schema, error) {
	switch t.Kind {
	case types.Array, types.Multiset:
		if t.Elem.Kind != types.Row {
			return types.Schema{{Name: "EXPR$0", Type: *t.Elem}}, nil
		}
		var out types.Schema
		for _, f := range t.Elem.Fields {
			out = append(out, types.Column{Name: f.Name, Type: f.Type.WithNull(f.Type.Nullable() || t.Elem.Nullable())})
		}
		return out, nil
	case types.Map:
		return types.Schema{{Name: "KEY", Type: *t.Key}, {Name: "VALUE", Type: *t.Elem}}, nil
	}
	return nil, sql.Errorf(at, "UNNEST wants an ARRAY, a MAP or a MULTISET, this is %s", t)
}

// unnestAlone is UNNEST without a left side: of constants.
func (b *binder) unnestAlone(u *ast.Unnest, outer *scope) (Node, *scope, error) {
	j := &ast.Join{Span: u.Span, Kind: ast.CrossJoin, Right: u}
	return b.unnest(j, oneRow(), &scope{outer: outer}, u, nil, nil)
}

// asOf binds JOIN t FOR SYSTEM_TIME AS OF left.time: a lookup by processing time, or the version of the
// table that was valid at the left row's event time.
func (b *binder) asOf(j *ast.Join, left Node, ls *scope, t *ast.Table, name *ast.Ident, cols []ast.Ident) (Node, *scope, error) {
	kind := joinKind(j.Kind)
	if kind != InnerJoin && kind != LeftJoin {
		return nil, nil, sql.Errorf(j, "FOR SYSTEM_TIME AS OF goes with JOIN or LEFT JOIN")
	}
	ls.refresh(left)
	at, err := b.expr(ls, t.AsOf)
	if err != nil {
		return nil, nil, err
	}
	ref, ok := at.(*ColRef)
	attr := types.NotTime
	if ok {
		attr = left.Info().Out[ref.Index].TimeAttr
	}
	if isProcTime(at) {
		attr = types.ProcTime
	}
	if attr == types.NotTime {
		return nil, nil, sql.Errorf(t.AsOf, "FOR SYSTEM_TIME AS OF wants a time attribute of the left side")
	}
	plainTable := *t
	plainTable.AsOf = nil
	b.asking = attr == types.ProcTime
	right, path, err := b.table(&plainTable)
	b.asking = false
	if err != nil {
		return nil, nil, err
	}
	if name != nil {
		path = []string{name.Name}
	}
	if right, err = b.rename(right, cols); err != nil {
		return nil, nil, err
	}
	s := ls.join(scopeOf(right, path))
	cond, err := b.joinCond(j, s, len(ls.cols))
	if err != nil {
		return nil, nil, err
	}
	base := &Join{Left: left, Right: right, Kind: kind, Cond: cond, settled: true}
	var n Node
	if attr == types.ProcTime {
		n, err = b.lookup(j, base, t, path[len(path)-1])
	} else {
		n, err = b.temporal(j, base, ref.Index, t)
	}
	if err != nil {
		return nil, nil, err
	}
	s.refresh(n)
	return n, s, nil
}

// temporal makes the join with versions by event time.
func (b *binder) temporal(j *ast.Join, base *Join, leftTime int, t *ast.Table) (Node, error) {
	// A view of the last row for each key has that key only once it is a deduplication.
	right := rewriteUp(rewriteUp(base.Right, b), b, topN)
	rt := right.Info().Out.RowTimeColumn()
	if rt < 0 {
		return nil, sql.Errorf(t, "table %q has no row-time attribute, so it has no versions", t.Name.Last()).WithHint("declare a WATERMARK in it")
	}
	keys, rest, err := b.joinKeys(j, base)
	if err != nil {
		return nil, err
	}
	found := false
	for _, k := range upsertKeysOf(right) {
		found = found || subset(k, keys.Right)
	}
	if !found {
		return nil, sql.Errorf(t, "table %q must have a PRIMARY KEY among the columns of ON to be joined by version", t.Name.Last()).
			WithHint("declare PRIMARY KEY (...) NOT ENFORCED in it, or join a view of its last row for each key")
	}
	out := joinColumns(base.Left.Info().Out, plain(right.Info().Out), base.Kind)
	n := &TemporalJoin{Base: newBase(out), Left: base.Left, Right: right, Kind: base.Kind, Keys: keys, LeftTime: leftTime, RightTime: rt, Cond: rest, TTL: b.p.Settings.StateTTL}
	return n, nil
}

// joinKeys splits a condition into equalities of columns and the rest; computed keys are not allowed.
func (b *binder) joinKeys(j *ast.Join, base *Join) (JoinKeys, Expr, error) {
	width := len(base.Left.Info().Out)
	var keys JoinKeys
	var rest []Expr
	for _, c := range conjuncts(base.Cond) {
		l, r, nullSafe, ok := equality(c, width)
		lc, okL := l.(*ColRef)
		rc, okR := r.(*ColRef)
		if !ok || !okL || !okR {
			rest = append(rest, c)
			continue
		}
		keys.Left, keys.Right, keys.NullSafe = append(keys.Left, lc.Index), append(keys.Right, rc.Index-width), append(keys.NullSafe, nullSafe)
	}
	if len(keys.Left) == 0 {
		return keys, nil, sql.Errorf(j, "this join wants an equality of columns of both sides in ON")
	}
	return keys, conjoin(rest), nil
}

// lateralQuery binds LATERAL (SELECT ...). A query that reads no column of the left side is joined as any
// other. One that does is a join by its condition; with ORDER BY and LIMIT, by the first rows of each key.
func (b *binder) lateralQuery(j *ast.Join, left Node, ls *scope, d *ast.Derived, name *ast.Ident, cols []ast.Ident) (Node, *scope, bool, error) {
	kind := joinKind(j.Kind)
	if kind != InnerJoin && kind != LeftJoin {
		return nil, nil, true, sql.Errorf(j, "LATERAL goes with CROSS JOIN or LEFT JOIN")
	}
	left = b.settle(left, nil)
	ls.refresh(left)
	body, sort := d.Query, (*ast.Sort)(nil)
	if s, ok := body.(*ast.Sort); ok {
		body, sort = s.Body, s
	}
	sub, ok, err := b.subSelect(body, ls)
	if err != nil || !ok {
		return nil, nil, err != nil, err
	}
	grouped := b.aggregated(sub.sel, nil)
	if sub.byValues(ls, grouped || sort != nil) {
		if sub, err = b.lateralValues(j, ls, sub.sel); err != nil {
			return nil, nil, true, err
		}
	}
	if len(sub.conds) == 0 {
		return nil, nil, false, nil
	}
	if hasOver(sub.sel) || sub.sel.Qualify != nil {
		return nil, nil, true, notYet(d, "LATERAL with OVER in a query that reads the left side; join with that query by its key")
	}
	out, s, err := b.lateralJoin(j, left, ls, d, sub, sort, name, cols)
	return out, s, true, err
}

// lateralJoin joins the left side with the rows of a lateral query that reads it.
func (b *binder) lateralJoin(j *ast.Join, left Node, ls *scope, d *ast.Derived, sub *inner, sort *ast.Sort, name *ast.Ident, cols []ast.Ident) (Node, *scope, error) {
	kind := joinKind(j.Kind)
	var items []item
	var err error
	grouped := b.aggregated(sub.sel, nil)
	if grouped {
		sub, items, err = b.lateralGroups(d, sub, sort)
	} else {
		items, err = b.items(sub.sel, sub.s)
	}
	if err != nil {
		return nil, nil, err
	}
	right, conds, err := b.lateralRows(sub, sort, items)
	if err != nil {
		return nil, nil, err
	}
	width := len(left.Info().Out)
	shown, err := b.rename(firstColumns(right, len(items)), cols)
	if err != nil {
		return nil, nil, err
	}
	var path []string
	if name != nil {
		path = []string{name.Name}
	}
	s := ls.join(scopeOf(shown, path))
	n := &Join{Base: newBase(joinColumns(left.Info().Out, right.Info().Out, kind)), Left: left, Right: right, Kind: kind, LeftTTL: b.ttlOf(j.Left), RightTTL: b.p.Settings.StateTTL}
	var all []Expr
	for _, c := range conds {
		all = append(all, joinExpr(c, width))
	}
	// COUNT of no group is 0; as in Flink, only where ON asks for nothing.
	padded := grouped && kind == LeftJoin && len(sub.sel.GroupBy) == 0
	if j.On != nil {
		cond, err := b.condition(s, j.On)
		if err != nil {
			return nil, nil, err
		}
		if v, isConst := truthOf(cond); !isConst || !v {
			all, padded = append(all, conjuncts(cond)...), false
		}
	}
	n.Cond = conjoin(all)
	out := firstColumns(b.settle(n, nil), width+len(items))
	if padded {
		out = zeroCounts(out, width, sub.sel.Items)
	}
	s.refresh(out)
	return out, s, nil
}

// lateralRows gives the rows of a lateral query, its items first, and its conditions over them and the left side.
func (b *binder) lateralRows(sub *inner, sort *ast.Sort, items []item) (Node, []Expr, error) {
	from := sub.node.Info().Out
	var exprs []Expr
	var names []string
	for _, it := range items {
		exprs, names = append(exprs, it.expr), append(names, it.name)
	}
	at := len(exprs)
	if sort == nil {
		exprs, names = append(exprs, refs(from)...), append(names, from.Names()...)
		conds := make([]Expr, len(sub.conds))
		for i, c := range sub.conds {
			conds[i] = shift(c, at)
		}
		return project(sub.node, exprs, uniquify(names)), conds, nil
	}
	fetch, err := count(sort.Limit, -1)
	if err != nil {
		return nil, nil, err
	}
	offset, err := count(sort.Offset, 0)
	if err != nil {
		return nil, nil, err
	}
	if fetch < 0 || len(sort.OrderBy) == 0 {
		return nil, nil, notYet(sort, "LATERAL with ORDER BY or LIMIT alone; write both")
	}
	keys, all, err := b.orderKeys(sort.OrderBy, sub.s, items, true)
	if err != nil {
		return nil, nil, err
	}
	for _, it := range all[at:] {
		exprs, names = append(exprs, it.expr), append(names, it.name)
	}
	var conds []Expr
	var part []int
	for _, c := range sub.conds {
		outer, in, ok := outerEquality(c)
		if !ok {
			return nil, nil, notYet(sort, "LATERAL with LIMIT whose condition on the left side is no equality")
		}
		col := &ColRef{Index: len(exprs), T: in.Type()}
		part, exprs, names = append(part, col.Index), append(exprs, in), append(names, "$sub")
		// As in Flink, rows of a NULL key are the first rows of a NULL.
		conds = append(conds, &Call{Func: "IS NOT DISTINCT FROM", Args: []Expr{outerOf(outer), col}, T: types.BooleanType.WithNull(false)})
	}
	in := project(sub.node, exprs, uniquify(names))
	top := &TopN{Base: newBase(plain(in.Out)), Input: in, Partition: part, Keys: keys, Offset: offset, Fetch: fetch, TTL: b.p.Settings.StateTTL}
	return top, conds, nil
}

// outerOf marks the columns of the query around as such again.
func outerOf(e Expr) Expr {
	return mapExpr(e, func(x Expr) Expr {
		if c, ok := x.(*ColRef); ok {
			return &outerRef{c.Index, c.T}
		}
		return x
	})
}
