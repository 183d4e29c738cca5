package sql

import (
	"strconv"

	tast "github.com/pingcap/tidb/pkg/parser/ast"

	"weir/sql/ast"
)

// maxDepth bounds the depth of a tree, so that every walk over it fits on a stack. It is also the longest chain of one
// operator, such as a AND b AND ..
const maxDepth = 10000

// converter turns TiDB's tree into ours. It is a closed world: a node or a field it does not know is an error, and
// so is a code it has not met by the end, since then TiDB dropped something.
type converter struct {
	*lowerer
	stmt  tast.StmtNode
	order []int32
	depth int
}

// statement converts the whole as a query.
func (c *converter) statement() ast.Query {
	q, ok := c.stmt.(tast.ResultSetNode)
	if !ok {
		c.lost()
	}
	query, _ := c.query(q)
	return query
}

// single converts SELECT expr to expr.
func (c *converter) single() ast.Expr {
	s, ok := c.stmt.(*tast.SelectStmt)
	if !ok || len(s.Fields.Fields) != 1 {
		c.lost()
	}
	e, _ := c.expr(s.Fields.Fields[0].Expr)
	return e
}

// finish checks that every code has been met.
func (c *converter) finish() {
	for i := range c.codes {
		if !c.codes[i].used {
			t := c.tokAt(c.pieces[max(c.codes[i].piece, 0)].tok)
			c.fail(t, "put it in a query of its own, with WITH or a view", "%s cannot be combined with what is around it", c.describe(t))
		}
	}
}

// lost stops at a tree which the lowering cannot have meant.
func (c *converter) lost() {
	c.fail(c.peek(-1), "split the statement", "this combination is not understood")
}

// take returns the code of a name and marks it as met.
func (c *converter) take(name string) *code {
	i, err := strconv.Atoi(name)
	if err != nil || i < 0 || i >= len(c.codes) || c.codes[i].used {
		c.lost()
	}
	c.codes[i].used = true
	return &c.codes[i]
}

// takeOp returns the node of an operator's piece.
func (c *converter) takeOp(piece int32) any {
	i := c.pieces[piece].code
	if i == none || c.codes[i].used {
		c.lost()
	}
	c.codes[i].used = true
	return c.codes[i].node
}

// expr converts an expression. first is its first piece: the operator before an operand is found from there.
func (c *converter) expr(n tast.ExprNode) (e ast.Expr, first int32) {
	node, first := c.node(n)
	e, ok := node.(ast.Expr)
	if !ok {
		c.lost()
	}
	return e, first
}

// node converts an expression, or a part of a call in the shape of one.
func (c *converter) node(n tast.ExprNode) (node any, first int32) {
	c.depth++
	if c.depth > maxDepth {
		c.fail(c.toks[0], "split it", "this expression is more than %d levels deep", maxDepth)
	}
	defer func() { c.depth-- }()
	switch n := n.(type) {
	case *tast.ColumnNameExpr:
		code := c.take(n.Name.Name.O)
		return code.node, code.piece
	case *tast.FuncCallExpr:
		code := c.take(n.FnName.O)
		return c.fill(code, n.Args), code.piece
	case *tast.BinaryOperationExpr:
		return c.binary(n)
	case *tast.UnaryOperationExpr:
		x, first := c.expr(n.V)
		op := c.pieces[first].prev
		start := c.tokAt(c.pieces[op].tok).Start
		return &ast.Unary{Span: ast.Span{Start: start, End: x.Range().End}, Op: c.pieces[op].op, X: x}, op
	case *tast.BetweenExpr:
		return c.between(n)
	case *tast.PatternInExpr:
		return c.in(n)
	case *tast.WindowFuncExpr:
		call, first := c.expr(n.Args[0])
		f, ok := call.(*ast.Call)
		if !ok || len(n.Args) != 1 {
			c.lost()
		}
		f.Over = c.window(&n.Spec)
		return f, c.pieces[first].prev
	}
	c.lost()
	return nil, 0
}

func (c *converter) binary(n *tast.BinaryOperationExpr) (any, int32) {
	l, first := c.expr(n.L)
	r, second := c.expr(n.R)
	s := ast.Span{Start: l.Range().Start, End: r.Range().End}
	if is, ok := r.(*ast.Is); ok && is.X == nil {
		is.X, is.Start = l, s.Start
		return is, first
	}
	op := &c.pieces[c.pieces[second].prev]
	b := &ast.Binary{Span: s, Op: op.op, OpSpan: c.span(c.pieces[second].prev), L: l, R: r}
	if b.Op == "" {
		c.lost()
	}
	if text := c.src[b.OpSpan.Start:b.OpSpan.End]; text == "!=" {
		b.OpText = text
	}
	return b, first
}

// between converts BETWEEN and the operators that were lowered to it; the operator's piece knows which.
func (c *converter) between(n *tast.BetweenExpr) (any, int32) {
	x, first := c.expr(n.Expr)
	low, lowFirst := c.node(n.Left)
	high, _ := c.expr(n.Right)
	op := c.pieces[lowFirst].prev
	s := ast.Span{Start: x.Range().Start, End: high.Range().End}
	switch node := c.takeOp(op).(type) {
	case *ast.Between:
		lo, ok := low.(ast.Expr)
		if !ok {
			c.lost()
		}
		node.Span, node.X, node.Lo, node.Hi = s, x, lo, high
		return node, first
	case *ast.Like:
		node.Start, node.X, node.Pattern = s.Start, x, high
		if escape, ok := low.(ast.Expr); ok {
			node.Escape = escape
		}
		return node, first
	case *ast.Binary:
		node.Span, node.L, node.R, node.OpSpan = s, x, high, c.span(op)
		return node, first
	}
	c.lost()
	return nil, 0
}

func (c *converter) in(n *tast.PatternInExpr) (any, int32) {
	x, first := c.expr(n.Expr)
	head, _ := c.node(n.List[0])
	node, ok := head.(*ast.In)
	if !ok || n.Sel != nil {
		c.lost()
	}
	node.X, node.Start = x, x.Range().Start
	node.Query, node.List = c.queryOrList(n.List[1:])
	return node, first
}

// queryOrList converts a single query in parentheses, or expressions.
func (c *converter) queryOrList(args []tast.ExprNode) (ast.Query, []ast.Expr) {
	if len(args) == 1 {
		if s, ok := args[0].(*tast.SubqueryExpr); ok {
			q, _ := c.query(s.Query)
			return q, nil
		}
	}
	return nil, c.exprs(args)
}

func (c *converter) exprs(args []tast.ExprNode) []ast.Expr {
	if len(args) == 0 {
		return nil
	}
	list := make([]ast.Expr, len(args))
	for i, a := range args {
		list[i], _ = c.expr(a)
	}
	return list
}

// fill gives the node of a code the operands of its call.
func (c *converter) fill(code *code, args []tast.ExprNode) any {
	switch n := code.node.(type) {
	case *ast.Call:
		c.fillCall(n, args)
	case *ast.SelectItem:
		n.Expr, _ = c.expr(args[0])
	case *ast.OrderItem:
		n.Expr, _ = c.expr(args[0])
	case *ast.Paren:
		n.X, _ = c.expr(args[0])
	case *ast.Row:
		n.Items = c.exprs(args)
	case *ast.Array:
		n.Query, n.Items = c.queryOrList(args)
	case *ast.Map:
		n.Items = c.exprs(args)
		if len(args)%2 == 1 {
			c.failAt(n.Span, "write MAP[key, value, ..]", "a MAP has as many values as keys")
		}
	case *ast.Multiset:
		n.Items = c.exprs(args)
	case *ast.GroupingSet:
		n.Items = c.exprs(args)
	case *ast.Subquery:
		n.Query, _ = c.queryOrList(args)
	case *ast.Exists:
		n.Query, _ = c.queryOrList(args)
	case *ast.Quantified:
		n.Query, n.List = c.queryOrList(args)
	case *ast.Case:
		c.fillCase(n, code, args)
	case *ast.Cast:
		n.X, _ = c.expr(args[0])
	case *ast.Index:
		n.X, _ = c.expr(args[0])
		n.Index, _ = c.expr(args[1])
	case *ast.Field:
		n.X, _ = c.expr(args[0])
	case *ast.TimeSpan:
		n.X, _ = c.expr(args[0])
	case *ast.AtTimeZone:
		n.X, _ = c.expr(args[0])
		n.Zone, _ = c.expr(args[1])
	case *ast.NamedArg:
		n.Value, _ = c.expr(args[0])
	case *ast.TableArg:
		c.fillTableArg(n, args)
	case *ast.MatchDefine:
		n.Cond, _ = c.expr(args[0])
	default:
		return c.part(code.node, args)
	}
	return code.node
}

// exprPart, filterPart, ... are the parts of a call, converted.
type (
	filterPart struct{ x ast.Expr }
	withinPart struct{ items []*ast.OrderItem }
	listPart   struct{ items []ast.Expr }
)

// part converts what is no node of ours by itself.
func (c *converter) part(node any, args []tast.ExprNode) any {
	switch n := node.(type) {
	case *partFilter:
		x, _ := c.expr(args[0])
		return filterPart{x}
	case *partWithin:
		var items []*ast.OrderItem
		for _, a := range args {
			items = append(items, c.orderItem(a))
		}
		return withinPart{items}
	case *partList:
		return listPart{c.exprs(args)}
	case *partDefault:
		n.behavior.Default, _ = c.expr(args[0])
		return n
	case *partNothing:
		if len(args) == 1 {
			x, _ := c.expr(args[0])
			return x
		}
		return n
	}
	c.lost()
	return nil
}

func (c *converter) orderItem(n tast.ExprNode) *ast.OrderItem {
	node, _ := c.node(n)
	item, ok := node.(*ast.OrderItem)
	if !ok {
		c.lost()
	}
	return item
}

func (c *converter) fillCall(n *ast.Call, args []tast.ExprNode) {
	for _, a := range args {
		node, _ := c.node(a)
		switch x := node.(type) {
		case *ast.OrderItem:
			n.OrderBy = append(n.OrderBy, x)
		case filterPart:
			n.Filter = x.x
		case withinPart:
			n.WithinGroup = x.items
		case *partDefault:
		case ast.Expr:
			if n.Args == nil {
				n.Args = make([]ast.Expr, 0, len(args))
			}
			n.Args = append(n.Args, x)
		default:
			c.lost()
		}
	}
	plain := true
	for _, s := range n.Seps {
		plain = plain && s == ""
	}
	if plain {
		n.Seps = nil
	}
}

func (c *converter) fillCase(n *ast.Case, code *code, args []tast.ExprNode) {
	if code.flag {
		n.Operand, _ = c.expr(args[0])
		args = args[1:]
	}
	for _, w := range n.Whens {
		w.Cond, _ = c.expr(args[0])
		w.Then, _ = c.expr(args[1])
		args = args[2:]
	}
	if code.other {
		n.Else, _ = c.expr(args[0])
	}
}

func (c *converter) fillTableArg(n *ast.TableArg, args []tast.ExprNode) {
	for _, a := range args {
		if s, ok := a.(*tast.SubqueryExpr); ok {
			n.Query, _ = c.query(s.Query)
			continue
		}
		switch x, _ := c.node(a); x := x.(type) {
		case listPart:
			n.PartitionBy = x.items
		case *ast.OrderItem:
			n.OrderBy = append(n.OrderBy, x)
		default:
			c.lost()
		}
	}
}

// window converts what follows OVER, or a definition of WINDOW.
func (c *converter) window(s *tast.WindowSpec) *ast.WindowSpec {
	name := s.Ref.O
	if s.OnlyAlias {
		name = s.Name.O
	}
	node, ok := c.take(name).node.(*ast.WindowSpec)
	if !ok {
		c.lost()
	}
	if s.PartitionBy != nil {
		for _, item := range s.PartitionBy.Items {
			e, _ := c.expr(item.Expr)
			node.PartitionBy = append(node.PartitionBy, e)
		}
	}
	if s.OrderBy != nil {
		for _, item := range s.OrderBy.Items {
			node.OrderBy = append(node.OrderBy, c.orderItem(item.Expr))
		}
	}
	if s.Frame != nil {
		c.bound(node.Frame.From, &s.Frame.Extent.Start)
		if node.Frame.To != nil {
			c.bound(node.Frame.To, &s.Frame.Extent.End)
		}
	}
	return node
}

func (c *converter) bound(b *ast.FrameBound, t *tast.FrameBound) {
	if t.Expr != nil {
		b.Offset, _ = c.expr(t.Expr)
	}
}
