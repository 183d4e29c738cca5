package planner

import (
	"fmt"
	"strconv"
	"time"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// query binds a query; its columns are those of the node it gives.
func (b *binder) query(q ast.Query, outer *scope) (Node, error) {
	b.depth++
	defer func() { b.depth-- }()
	if b.depth > maxDepth {
		return nil, sql.Errorf(q, "query is nested more than %d deep", maxDepth)
	}
	switch q := q.(type) {
	case *ast.Select:
		sel, err := b.selectQuery(q, nil, outer)
		if err != nil {
			return nil, err
		}
		return sel.node, nil
	case *ast.SetOp:
		return b.setOp(q, outer)
	case *ast.Values:
		return b.values(q, outer)
	case *ast.TableQuery:
		n, _, err := b.table(&ast.Table{Span: q.Span, Name: q.Table})
		return n, err
	case *ast.With:
		return b.with(q, outer)
	case *ast.Sort:
		return b.sort(q, outer)
	}
	return nil, notYet(q, "this query")
}

// cteScope is the queries of one WITH that are visible.
type cteScope struct {
	name  string
	query *ast.CTE
	outer *scope
	// below is how many of the binder's CTEs the query itself sees.
	below int
}

func (b *binder) with(w *ast.With, outer *scope) (Node, error) {
	if w.Recursive {
		return nil, sql.Errorf(&w.CTEs[0].Name, "WITH RECURSIVE is not supported, by Flink neither").
			WithHint("write out the steps that are needed, or let a program that asks again do it")
	}
	keep := b.ctes
	defer func() { b.ctes = keep }()
	for _, c := range w.CTEs {
		b.ctes = append(b.ctes[:len(b.ctes):len(b.ctes)], cteScope{c.Name.Name, c, outer, len(b.ctes)})
	}
	return b.query(w.Body, outer)
}

// cte binds a query of WITH by its name.
func (b *binder) cte(name string) (Node, bool, error) {
	for i := len(b.ctes) - 1; i >= 0; i-- {
		c := b.ctes[i]
		if c.name != name {
			continue
		}
		keep := b.ctes
		b.ctes = b.ctes[:c.below]
		n, err := b.part(c.query.Query, c.outer)
		b.ctes = keep
		if err != nil {
			return nil, true, err
		}
		n, err = b.rename(n, c.query.Columns)
		return n, true, err
	}
	return nil, false, nil
}

// rename gives columns new names, as AS t(a, b) does.
func (b *binder) rename(n Node, names []ast.Ident) (Node, error) {
	if len(names) == 0 {
		return n, nil
	}
	out := n.Info().Out
	if len(names) != len(out) {
		return nil, sql.Errorf(&names[0], "%s for %s", countWord(len(names), "name"), countWord(len(out), "column"))
	}
	cols := make(types.Schema, len(out))
	copy(cols, out)
	for i := range names {
		cols[i].Name = names[i].Name
	}
	return &Calc{Base: newBase(cols), Input: n, Exprs: refs(out)}, nil
}

// project is a Calc that gives the expressions under the names.
func project(in Node, exprs []Expr, names []string) *Calc {
	out := make(types.Schema, len(exprs))
	from := in.Info().Out
	for i, e := range exprs {
		out[i] = types.Column{Name: names[i], Type: e.Type(), TimeAttr: timeAttr(e, from)}
	}
	return &Calc{Base: newBase(out), Input: in, Exprs: exprs}
}

// timeAttr: a time attribute stays one where the column is passed on as it is.
func timeAttr(e Expr, in types.Schema) types.TimeAttr {
	if c, ok := e.(*ColRef); ok {
		return in[c.Index].TimeAttr
	}
	if isProcTime(e) {
		return types.ProcTime
	}
	return types.NotTime
}

// filter is a Calc that passes rows for which cond is TRUE.
func filter(in Node, cond Expr) *Calc {
	out := in.Info().Out
	return &Calc{Base: newBase(out), Input: in, Cond: cond, Exprs: refs(out)}
}

// distinct keeps one of equal rows. With a TTL each row renews the state of those who read it, and tells an
// update of what stays equal, as Flink does.
func distinct(in Node, ttl time.Duration) *GroupAgg {
	cols := append(types.Schema(nil), in.Info().Out...)
	for i := range cols {
		cols[i].TimeAttr = types.NotTime
	}
	return &GroupAgg{Base: newBase(cols), Input: in, Keys: span(0, len(cols)), TTL: ttl}
}

func (b *binder) setOp(q *ast.SetOp, outer *scope) (Node, error) {
	left, err := b.part(q.Left, outer)
	if err != nil {
		return nil, err
	}
	right, err := b.part(q.Right, outer)
	if err != nil {
		return nil, err
	}
	name := q.Op
	if q.All {
		name += " ALL"
	}
	ins, err := b.align(q, name, []Node{left, right}, q.Right)
	if err != nil {
		return nil, err
	}
	out := ins[0].Info().Out
	if q.Op != "UNION" {
		return &SetOp{Base: newBase(plain(out)), Ins: ins, Except: q.Op == "EXCEPT", All: q.All, TTL: b.p.Settings.StateTTL}, nil
	}
	u := &Union{Base: newBase(unionAttrs(ins)), Ins: flatten(ins)}
	if q.All {
		return u, nil
	}
	return distinct(u, b.p.Settings.StateTTL), nil
}

// flatten makes one UNION ALL of nested ones.
func flatten(ins []Node) []Node {
	var out []Node
	for _, n := range ins {
		if u, ok := n.(*Union); ok {
			out = append(out, u.Ins...)
		} else {
			out = append(out, n)
		}
	}
	return out
}

// unionAttrs: a column is a time attribute where it is one in every input.
func unionAttrs(ins []Node) types.Schema {
	out := append(types.Schema(nil), ins[0].Info().Out...)
	for i := range out {
		for _, n := range ins[1:] {
			if n.Info().Out[i].TimeAttr != out[i].TimeAttr {
				out[i].TimeAttr = types.NotTime
			}
		}
	}
	return out
}

// plain is the schema without time attributes.
func plain(s types.Schema) types.Schema {
	out := append(types.Schema(nil), s...)
	for i := range out {
		out[i].TimeAttr = types.NotTime
	}
	return out
}

// align casts the inputs of a set operation to common types, under the first one's names.
func (b *binder) align(at ast.Node, what string, ins []Node, right ast.Node) ([]Node, error) {
	first := ins[0].Info().Out
	cols := make([]types.Type, len(first))
	for i := range first {
		var all []types.Type
		for _, n := range ins {
			s := n.Info().Out
			if len(s) != len(first) {
				return nil, sql.Errorf(right, "%s has %s on the left and %s on the right", what, countWord(len(first), "column"), countWord(len(s), "column"))
			}
			all = append(all, s[i].Type)
		}
		t, ok := commonType(all)
		if !ok {
			return nil, noCommon(right, fmt.Sprintf("the values of column %d of %s", i+1, what), all).WithHint("write CAST(... AS type) in one of the queries")
		}
		cols[i] = t
	}
	if len(ins[1].Info().Out) != len(first) {
		return nil, sql.Errorf(right, "%s has no columns on the left", what)
	}
	out := make([]Node, len(ins))
	for k, n := range ins {
		exprs, names, same := refs(n.Info().Out), make([]string, len(first)), true
		for i := range exprs {
			exprs[i], names[i] = castTo(exprs[i], cols[i]), first[i].Name
			_, is := exprs[i].(*ColRef)
			same = same && is && n.Info().Out[i].Name == first[i].Name && exprs[i].Type().Equal(cols[i])
		}
		out[k] = n
		if !same {
			c := project(n, exprs, names)
			for i := range c.Out {
				c.Out[i].Type = cols[i]
			}
			out[k] = c
		}
	}
	return out, nil
}

func (b *binder) values(v *ast.Values, outer *scope) (Node, error) {
	var rows [][]Expr
	for _, r := range v.Rows {
		items := []ast.Expr{r}
		if row, ok := ast.Unparen(r).(*ast.Row); ok && !row.Explicit {
			items = row.Items
		}
		b.untyped(items...)
		bound, err := b.exprs(&scope{outer: outer}, items...)
		if err != nil {
			return nil, err
		}
		if len(rows) > 0 && len(bound) != len(rows[0]) {
			return nil, sql.Errorf(r, "this row of VALUES has %s, the first has %d", countWord(len(bound), "value"), len(rows[0]))
		}
		rows = append(rows, bound)
	}
	cols := make(types.Schema, len(rows[0]))
	for i := range cols {
		var all []types.Type
		for _, r := range rows {
			all = append(all, r[i].Type())
		}
		t, ok := commonType(all)
		if !ok {
			return nil, noCommon(v, fmt.Sprintf("the values of column %d of VALUES", i+1), all).WithHint("write CAST(... AS type) around one of them")
		}
		cols[i] = types.Column{Name: fmt.Sprintf("EXPR$%d", i), Type: t}
		for _, r := range rows {
			r[i] = b.fold(castTo(r[i], t))
		}
	}
	return &Values{Base: newBase(cols), Rows: rows}, nil
}

// oneRow is what a SELECT without FROM reads: one row without columns.
func oneRow() *Values { return &Values{Base: newBase(nil), Rows: [][]Expr{{}}} }

// count reads the number of LIMIT or OFFSET.
func count(l *ast.Literal, none int64) (int64, error) {
	if l == nil {
		return none, nil
	}
	n, err := strconv.ParseInt(l.Value, 10, 64)
	if err != nil || n < 0 {
		return 0, sql.Errorf(l, "%s is not a number of rows", l.Text)
	}
	return n, nil
}
