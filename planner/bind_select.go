package planner

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// selected is a bound SELECT: node's first visible columns are its result, the others serve ORDER BY.
type selected struct {
	node    Node
	visible int
	order   []SortKey
}

// item is an expression of the select list with its name.
type item struct {
	at   ast.Expr
	expr Expr
	name string
}

// selectQuery binds a SELECT, and the ORDER BY above it, which may use columns that are not selected.
func (b *binder) selectQuery(q *ast.Select, order []*ast.OrderItem, outer *scope) (*selected, error) {
	outerLookups := b.lookups
	b.lookups = nil
	ttls, err := b.selectHints(q)
	if err != nil {
		return nil, err
	}
	defer func(keep map[string]time.Duration, read map[string]bool, lookups map[string]*lookupHint) {
		b.unreadHints(q)
		b.unreadLookups()
		b.ttls, b.ttlRead, b.lookups = keep, read, lookups
	}(b.ttls, b.ttlRead, outerLookups)
	b.ttls, b.ttlRead = ttls, nil
	in, s, err := b.from(q.From, outer)
	if err != nil {
		return nil, err
	}
	s.outer, s.windows = outer, q.Windows
	if err := b.namedWindows(s); err != nil {
		return nil, err
	}
	if in, err = b.where(in, s, q.Where); err != nil {
		return nil, err
	}
	if b.aggregated(q, order) {
		if in, s, err = b.aggregate(q, order, in, s); err != nil {
			return nil, err
		}
	}
	if in, err = b.overs(q, order, in, s); err != nil {
		return nil, err
	}
	s.subs = &subScope{node: in}
	items, err := b.items(q, s)
	if err != nil {
		return nil, err
	}
	in = s.subs.node
	if q.Qualify != nil {
		s.aliases = items
		cond, err := b.condition(s, q.Qualify)
		s.aliases = nil
		if err != nil {
			return nil, err
		}
		in = filter(s.subs.node, cond)
		s.subs.node = in
	}
	return b.finishSelect(q, order, s, items)
}

func (b *binder) finishSelect(q *ast.Select, order []*ast.OrderItem, s *scope, items []item) (*selected, error) {
	visible := len(items)
	keys, items, err := b.orderKeys(order, s, items, !q.Distinct)
	if err != nil {
		return nil, err
	}
	exprs, names := make([]Expr, len(items)), make([]string, len(items))
	for i, it := range items {
		exprs[i], names[i] = it.expr, it.name
	}
	var out Node = project(s.subs.node, exprs, uniquify(names))
	if q.Distinct {
		out = distinct(out, b.ttlOf(q.From))
	}
	return &selected{out, visible, keys}, nil
}

// uniquify makes names differ as Flink does: a, a0, a1.
func uniquify(names []string) []string {
	used := map[string]bool{}
	out := make([]string, len(names))
	for i, n := range names {
		name := n
		for k := 0; used[name]; k++ {
			name = n + strconv.Itoa(k)
		}
		used[name], out[i] = true, name
	}
	return out
}

func (b *binder) condition(s *scope, e ast.Expr) (Expr, error) {
	x, err := b.expr(s, e)
	if err != nil {
		return nil, err
	}
	return b.boolean(e, x)
}

// where filters. Its conditions also make the joins of FROM what they are, and its subqueries are joins.
// An aggregate in it has no group yet.
func (b *binder) where(in Node, s *scope, cond ast.Expr) (Node, error) {
	if cond == nil {
		in = b.settle(in, nil)
		s.refresh(in)
		return in, nil
	}
	if call := findAgg(cond); call != nil {
		return nil, sql.Errorf(call, "aggregate %s is not allowed in WHERE", call.Name.Last()).WithHint("put the condition into HAVING")
	}
	var plain []ast.Expr
	var subs []ast.Expr
	for _, c := range astConjuncts(cond) {
		if hasSubquery(c) {
			subs = append(subs, c)
		} else {
			plain = append(plain, c)
		}
	}
	var conds []Expr
	for _, c := range plain {
		x, err := b.condition(s, c)
		if err != nil {
			return nil, err
		}
		conds = append(conds, conjuncts(b.fold(x))...)
	}
	in = b.settle(in, conds)
	s.refresh(in)
	for _, c := range subs {
		var err error
		if in, err = b.whereSubquery(in, s, c); err != nil {
			return nil, err
		}
	}
	return in, nil
}

func astConjuncts(e ast.Expr) []ast.Expr {
	if x, ok := ast.Unparen(e).(*ast.Binary); ok && x.Op == "AND" {
		return append(astConjuncts(x.L), astConjuncts(x.R)...)
	}
	return []ast.Expr{e}
}

// items binds the select list, * included. It goes on after an error, to find several.
func (b *binder) items(q *ast.Select, s *scope) ([]item, error) {
	var out []item
	var errs sql.ErrorList
	for _, it := range q.Items {
		if star, ok := it.Expr.(*ast.Star); ok {
			cols, err := b.star(s, star)
			if err != nil {
				addError(&errs, err)
			}
			out = append(out, cols...)
			continue
		}
		b.untyped(it.Expr)
		x, err := b.expr(s, it.Expr)
		if err != nil {
			addError(&errs, err)
			continue
		}
		out = append(out, item{it.Expr, x, itemName(it, len(out))})
	}
	return out, errs.Err()
}

func addError(list *sql.ErrorList, err error) {
	switch e := err.(type) {
	case *sql.Error:
		list.Add(e)
	case *sql.ErrorList:
		for _, one := range e.Errors {
			list.Add(one)
		}
	default:
		list.Add(&sql.Error{Msg: err.Error()})
	}
}

func (b *binder) star(s *scope, star *ast.Star) ([]item, error) {
	if s.agg != nil {
		in := *s.agg.in
		cols, err := in.star(star)
		if err != nil {
			return nil, err
		}
		var out []item
		for _, c := range cols {
			x, ok := s.agg.key(in.ref(c))
			if !ok {
				return nil, sql.Errorf(star, "* stands for column %q too, which is not in GROUP BY", in.cols[c].name)
			}
			out = append(out, item{star, x, in.cols[c].name})
		}
		return out, nil
	}
	cols, err := s.star(star)
	if err != nil {
		if e, ok := fieldStar(s, star); ok {
			return e, nil
		}
		return nil, err
	}
	out := make([]item, len(cols))
	for i, c := range cols {
		out[i] = item{star, s.ref(c), s.cols[c].name}
	}
	return out, nil
}

// fieldStar is r.*, all fields of a ROW column.
func fieldStar(s *scope, star *ast.Star) ([]item, bool) {
	if star.Table == nil {
		return nil, false
	}
	x, err := s.resolve(star.Table)
	if err != nil || x.Type().Kind != types.Row {
		return nil, false
	}
	var out []item
	t := x.Type()
	for i, f := range t.Fields {
		out = append(out, item{star, &Field{X: x, Index: i, T: f.Type.WithNull(f.Type.Nullable() || t.Nullable())}, f.Name})
	}
	return out, true
}

// itemName is the name of a result column: its alias, the last part of a path, or EXPR$n as Flink numbers them.
func itemName(it *ast.SelectItem, n int) string {
	if it.Alias != nil {
		return it.Alias.Name
	}
	if e, ok := it.Expr.(*ast.Name); ok {
		return e.Last()
	}
	return fmt.Sprintf("EXPR$%d", n)
}

// orderKeys resolves ORDER BY: a number is a place in the list, a name an alias first, anything else an
// expression, which becomes a further item where it is not selected.
func (b *binder) orderKeys(order []*ast.OrderItem, s *scope, items []item, mayAdd bool) ([]SortKey, []item, error) {
	visible := len(items)
	var keys []SortKey
	for _, o := range order {
		col, x, err := b.orderItem(o, s, items[:visible])
		if err != nil {
			return nil, nil, err
		}
		if col < 0 {
			for i, it := range items {
				if sameExpr(it.expr, x) {
					col = i
				}
			}
		}
		if col < 0 {
			if !mayAdd {
				return nil, nil, sql.Errorf(o, "ORDER BY of SELECT DISTINCT can use selected columns only")
			}
			col = len(items)
			items = append(items, item{o.Expr, x, fmt.Sprintf("$order%d", col)})
		}
		keys = append(keys, sortKey(o, col))
	}
	return keys, items, nil
}

func sortKey(o *ast.OrderItem, col int) SortKey {
	k := SortKey{Col: col, Desc: o.Desc()}
	// NULLs are the lowest unless told otherwise.
	k.NullsLast = k.Desc
	if o.Nulls != "" {
		k.NullsLast = o.Nulls == "LAST"
	}
	return k
}

func (b *binder) orderItem(o *ast.OrderItem, s *scope, items []item) (int, Expr, error) {
	if l, ok := o.Expr.(*ast.Literal); ok && l.Kind == ast.NumberLit {
		n, err := strconv.Atoi(l.Value)
		if err != nil || n < 1 || n > len(items) {
			return 0, nil, sql.Errorf(l, "ORDER BY %s is no column: the query has %s", l.Text, countWord(len(items), "column"))
		}
		return n - 1, nil, nil
	}
	if n, ok := o.Expr.(*ast.Name); ok && len(n.Parts) == 1 {
		for i, it := range items {
			if it.name == n.Parts[0].Name {
				return i, nil, nil
			}
		}
	}
	b.untyped(o.Expr)
	x, err := b.expr(s, o.Expr)
	return -1, x, err
}

// part binds a query within another. Its order means nothing, unless it says which rows come.
func (b *binder) part(q ast.Query, outer *scope) (Node, error) {
	s, ok := q.(*ast.Sort)
	if !ok || s.Limit != nil || s.Offset != nil || len(s.OrderBy) == 0 {
		return b.query(q, outer)
	}
	sel, err := b.sortBody(s, outer)
	if err != nil {
		return nil, err
	}
	b.warn(s.OrderBy[0], "ORDER BY has no effect within another query", "write it at the end, or add a LIMIT to it")
	return firstColumns(sel.node, sel.visible), nil
}

// sort binds ORDER BY, OFFSET and LIMIT above a query.
func (b *binder) sort(q *ast.Sort, outer *scope) (Node, error) {
	offset, err := count(q.Offset, 0)
	if err != nil {
		return nil, err
	}
	fetch, err := count(q.Limit, -1)
	if err != nil {
		return nil, err
	}
	fetch = min(fetch, math.MaxInt64-offset) // so that their sum is a number of rows
	sel, err := b.sortBody(q, outer)
	if err != nil {
		return nil, err
	}
	n, err := b.order(q, sel, offset, fetch)
	if err != nil {
		return nil, err
	}
	return firstColumns(n, sel.visible), nil
}

func (b *binder) sortBody(q *ast.Sort, outer *scope) (*selected, error) {
	if s, ok := q.Body.(*ast.Select); ok {
		return b.selectQuery(s, q.OrderBy, outer)
	}
	if w, ok := q.Body.(*ast.With); ok {
		if s, ok := w.Body.(*ast.Select); ok {
			keep := b.ctes
			defer func() { b.ctes = keep }()
			for _, c := range w.CTEs {
				b.ctes = append(b.ctes[:len(b.ctes):len(b.ctes)], cteScope{c.Name.Name, c, outer, len(b.ctes)})
			}
			return b.selectQuery(s, q.OrderBy, outer)
		}
	}
	n, err := b.query(q.Body, outer)
	if err != nil {
		return nil, err
	}
	s := scopeOf(n, nil)
	var items []item
	for i := range s.cols {
		items = append(items, item{nil, s.ref(i), s.cols[i].name})
	}
	keys, _, err := b.orderKeys(q.OrderBy, s, items, false)
	return &selected{n, len(items), keys}, err
}

// order makes the node for ORDER BY with LIMIT (Top-N), without (a sort by time), or LIMIT alone.
func (b *binder) order(q *ast.Sort, sel *selected, offset, fetch int64) (Node, error) {
	n := sel.node
	out := n.Info().Out
	switch {
	case len(sel.order) == 0 && offset == 0 && fetch < 0:
		return n, nil
	case len(sel.order) == 0:
		return &Limit{Base: newBase(out), Input: n, Offset: offset, Fetch: fetch}, nil
	case fetch >= 0 && !b.p.Settings.Batch:
		return &TopN{Base: newBase(plain(out)), Input: n, Keys: sel.order, Offset: offset, Fetch: fetch, TTL: b.p.Settings.StateTTL}, nil
	}
	first := sel.order[0]
	temporal := out[first.Col].TimeAttr != types.NotTime && !first.Desc
	if !temporal && !b.p.Settings.Batch {
		return nil, sql.Errorf(q.OrderBy[0], "an endless query cannot be sorted by this").
			WithHint("sort by the row-time attribute first, ascending, or add a LIMIT, or SET 'execution.runtime-mode' = 'batch'")
	}
	n = &Sort{Base: newBase(out), Input: n, Keys: sel.order, Temporal: !b.p.Settings.Batch}
	if offset > 0 || fetch >= 0 {
		n = &Limit{Base: newBase(out), Input: n, Offset: offset, Fetch: fetch}
	}
	return n, nil
}

func firstColumns(n Node, visible int) Node {
	out := n.Info().Out
	if visible == len(out) {
		return n
	}
	return project(n, refs(out)[:visible], out.Names()[:visible])
}
