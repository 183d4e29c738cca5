package sql

import (
	"strconv"

	tast "github.com/pingcap/tidb/pkg/parser/ast"

	"weir/sql/ast"
)

// query converts a query; first is the piece it starts with, parentheses aside.
func (c *converter) query(n tast.Node) (q ast.Query, first int32) {
	c.depth++
	if c.depth > maxDepth {
		c.lost()
	}
	defer func() { c.depth-- }()
	switch n := n.(type) {
	case *tast.SelectStmt:
		q, first = c.selectBody(n)
		return c.around(q, first, n.OrderBy, n.Limit, n.With)
	case *tast.SetOprStmt:
		q, first = c.fold(n.SelectList.Selects)
		return c.around(q, first, n.OrderBy, n.Limit, n.With)
	case *tast.SetOprSelectList:
		q, first = c.fold(n.Selects)
		with := n.With
		if len(n.Selects) == 1 {
			if s, ok := n.Selects[0].(*tast.SelectStmt); ok && s.With == with {
				with = nil // it has been seen there
			}
		}
		return c.around(q, first, n.OrderBy, n.Limit, with)
	case *tast.SubqueryExpr:
		return c.query(n.Query)
	}
	c.lost()
	return nil, 0
}

// around puts ORDER BY, LIMIT and WITH around a query.
func (c *converter) around(q ast.Query, first int32, order *tast.OrderByClause, limit *tast.Limit, with *tast.WithClause) (ast.Query, int32) {
	if limit != nil {
		v, ok := limit.Count.(*value)
		if !ok || limit.Offset != nil {
			c.lost()
		}
		sort, ok := c.take(number(v)).node.(*ast.Sort)
		if !ok {
			c.lost()
		}
		sort.Body = q
		if order != nil {
			for _, item := range order.Items {
				sort.OrderBy = append(sort.OrderBy, c.orderItem(item.Expr))
			}
		}
		q = sort
	} else if order != nil {
		c.lost()
	}
	if with == nil {
		return q, first
	}
	var node *ast.With
	for i, cte := range with.CTEs {
		code := c.take(cte.Name.O)
		if i == 0 {
			node = code.with
			first = c.pieces[code.piece].prev
			if node.Recursive {
				first = c.pieces[first].prev
			}
		}
		n, ok := code.node.(*ast.CTE)
		if !ok {
			c.lost()
		}
		n.Query, _ = c.query(cte.Query)
	}
	node.Body = q
	return node, first
}

// number is the number of a code written as a number.
func number(v *value) string {
	switch x := v.v.(type) {
	case uint64:
		return strconv.FormatUint(x, 10)
	case int64:
		return strconv.FormatInt(x, 10)
	}
	return ""
}

// fold builds the tree of set operations from TiDB's flat list. INTERSECT binds tighter.
func (c *converter) fold(list []tast.Node) (ast.Query, int32) {
	if len(list) > maxDepth {
		c.fail(c.toks[0], "split it", "this query combines more than %d queries", maxDepth)
	}
	q, start := c.query(list[0])
	queries := []ast.Query{q}
	var ops []*ast.SetOp
	for _, n := range list[1:] {
		right, first := c.query(n)
		for c.pieces[first].op != "SETOP" {
			if first = c.pieces[first].prev; first <= 0 {
				c.lost()
			}
		}
		op, ok := c.takeOp(first).(*ast.SetOp)
		if !ok {
			c.lost()
		}
		if op.Op == "INTERSECT" {
			last := len(queries) - 1
			queries[last] = join(op, queries[last], right)
			continue
		}
		queries, ops = append(queries, right), append(ops, op)
	}
	q = queries[0]
	for i, op := range ops {
		q = join(op, q, queries[i+1])
	}
	return q, start
}

// join gives a set operation its operands; its span covers them with their parentheses.
func join(op *ast.SetOp, left, right ast.Query) *ast.SetOp {
	op.Left, op.Right = left, right
	op.Start = min(op.Start, left.Range().Start)
	op.End = max(op.End, right.Range().End)
	return op
}

// selectBody converts a SELECT of TiDB's: ours, VALUES or TABLE, as its first item tells.
func (c *converter) selectBody(n *tast.SelectStmt) (ast.Query, int32) {
	if n.Kind != tast.SelectStmtKindSelect || n.LockInfo != nil || n.SelectIntoOpt != nil || n.Distinct || len(n.TableHints) > 0 {
		c.lost()
	}
	fields := n.Fields.Fields
	col, ok := fields[0].Expr.(*tast.ColumnNameExpr)
	if !ok {
		c.lost()
	}
	code := c.take(col.Name.Name.O)
	first := c.pieces[code.piece].prev
	switch q := code.node.(type) {
	case *ast.TableQuery:
		return q, first
	case *ast.Values:
		for _, f := range fields[1:] {
			row, _ := c.expr(f.Expr)
			q.Rows = append(q.Rows, row)
		}
		return q, first
	case *ast.Select:
		c.selectClausesOf(q, n, code.flag)
		return q, first
	}
	c.lost()
	return nil, 0
}

func (c *converter) selectClausesOf(q *ast.Select, n *tast.SelectStmt, qualify bool) {
	fields := n.Fields.Fields[1:]
	if qualify {
		last := len(fields) - 1
		q.Qualify, _ = c.expr(fields[last].Expr)
		fields = fields[:last]
	}
	q.Items = make([]*ast.SelectItem, len(fields))
	for i, f := range fields {
		node, _ := c.node(f.Expr)
		item, ok := node.(*ast.SelectItem)
		if !ok || f.AsName.O != "" {
			c.lost()
		}
		q.Items[i] = item
	}
	if n.From != nil {
		q.From, _ = c.relation(n.From.TableRefs)
	}
	if n.Where != nil {
		q.Where, _ = c.expr(n.Where)
	}
	if n.GroupBy != nil {
		for _, item := range n.GroupBy.Items {
			e, _ := c.expr(item.Expr)
			q.GroupBy = append(q.GroupBy, e)
		}
	}
	if n.Having != nil {
		q.Having, _ = c.expr(n.Having.Expr)
	}
	for i := range n.WindowSpecs {
		def, ok := c.take(n.WindowSpecs[i].Name.O).node.(*ast.WindowDef)
		if !ok {
			c.lost()
		}
		def.Spec = c.window(&n.WindowSpecs[i])
		q.Windows = append(q.Windows, def)
	}
}

// relation converts what stands in FROM.
func (c *converter) relation(n tast.ResultSetNode) (r ast.Relation, first int32) {
	c.depth++
	if c.depth > maxDepth {
		c.lost()
	}
	defer func() { c.depth-- }()
	switch n := n.(type) {
	case *tast.Join:
		if n.Right == nil {
			return c.relation(n.Left)
		}
		return c.join(n)
	case *tast.TableSource:
		switch source := n.Source.(type) {
		case *tast.TableName:
			return c.table(n, source)
		case *tast.SelectStmt, *tast.SetOprStmt:
			return c.derived(n, source)
		}
	}
	c.lost()
	return nil, 0
}

func (c *converter) join(n *tast.Join) (ast.Relation, int32) {
	left, start := c.relation(n.Left)
	right, first := c.relation(n.Right)
	for c.pieces[first].op != "JOIN" {
		if first = c.pieces[first].prev; first <= 0 {
			c.lost()
		}
	}
	node, ok := c.takeOp(first).(*ast.Join)
	if !ok || n.NaturalJoin || n.StraightJoin || len(n.Using) > 0 {
		c.lost()
	}
	node.Left, node.Right = left, right
	node.Start = min(node.Start, left.Range().Start)
	node.End = max(node.End, right.Range().End)
	if n.On != nil {
		x, _ := c.node(n.On.Expr)
		if on, ok := x.(ast.Expr); ok {
			node.On = on
		}
	} else if node.Kind != ast.CommaJoin {
		c.lost()
	}
	return node, start
}

// inner takes the alias off a relation under construction.
func inner(node any) ast.Relation {
	if a, ok := node.(*ast.Aliased); ok {
		return a.Input
	}
	r, _ := node.(ast.Relation)
	return r
}

func (c *converter) table(n *tast.TableSource, t *tast.TableName) (ast.Relation, int32) {
	code := c.take(t.Name.O)
	node, ok := inner(code.node).(*ast.Table)
	if !ok || n.AsName.O != "" || len(t.IndexHints) > 0 || len(t.PartitionNames) > 0 || t.TableSample != nil {
		c.lost()
	}
	if t.AsOf != nil {
		node.AsOf, _ = c.expr(t.AsOf.TsExpr)
	}
	return code.node.(ast.Relation), code.piece
}

// derived converts ( SELECT .. ) AS `n`, which stands for a derived table, a table function, UNNEST or MATCH_RECOGNIZE.
func (c *converter) derived(n *tast.TableSource, source tast.ResultSetNode) (ast.Relation, int32) {
	code := c.take(n.AsName.O)
	s, _ := source.(*tast.SelectStmt)
	switch node := inner(code.node).(type) {
	case *ast.Derived:
		node.Query, _ = c.query(source)
	case *ast.TableFunc:
		call, _ := c.expr(s.Fields.Fields[0].Expr)
		var ok bool
		if node.Call, ok = call.(*ast.Call); !ok {
			c.lost()
		}
	case *ast.Unnest:
		x, _ := c.node(s.Fields.Fields[0].Expr)
		list, ok := x.(listPart)
		if !ok {
			c.lost()
		}
		node.Args = list.items
	case *ast.MatchRecognize:
		c.match(node, s)
	default:
		c.lost()
	}
	return code.node.(ast.Relation), code.piece
}

func (c *converter) match(m *ast.MatchRecognize, s *tast.SelectStmt) {
	call, ok := s.Fields.Fields[0].Expr.(*tast.FuncCallExpr)
	if !ok {
		c.lost()
	}
	if _, ok := c.take(call.FnName.O).node.(*partList); !ok {
		c.lost()
	}
	for _, a := range call.Args {
		switch x, _ := c.node(a); x := x.(type) {
		case listPart:
			m.PartitionBy = x.items
		case *ast.OrderItem:
			m.OrderBy = append(m.OrderBy, x)
		case *ast.SelectItem:
			m.Measures = append(m.Measures, x)
		case *ast.MatchDefine:
			m.Defines = append(m.Defines, x)
		default:
			c.lost()
		}
	}
	m.Input, _ = c.relation(s.From.TableRefs)
}
