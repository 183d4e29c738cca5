package sql

import (
	"weir/sql/ast"
)

// expr prints an expression.
func (p *printer) expr(e ast.Expr) {
	switch e := e.(type) {
	case *ast.Name:
		p.name(e)
	case *ast.Literal:
		p.literal(e)
	case *ast.Interval:
		p.w("INTERVAL ")
		p.when(e.Negative, "-")
		p.literal(e.Value)
		p.w(" ")
		p.intervalUnit(e.Unit)
	case *ast.Star:
		if e.Table != nil {
			p.name(e.Table)
			p.w(".")
		}
		p.w("*")
	case *ast.Symbol:
		p.w(e.Name)
	case *ast.Paren:
		p.w("(")
		p.expr(e.X)
		p.w(")")
	case *ast.Unary:
		p.w(e.Op)
		_, sign := e.X.(*ast.Unary)
		p.when(sign || e.Op == "NOT", " ")
		p.expr(e.X)
	case *ast.Call:
		p.call(e)
	case *ast.Case:
		p.caseExpr(e)
	case *ast.Cast:
		p.when(e.Try, "TRY_")
		p.w("CAST(")
		p.expr(e.X)
		p.w(" AS ")
		p.typeName(e.Type)
		p.w(")")
	case *ast.Exists:
		p.w("EXISTS ")
		p.subquery(e.Query)
	case *ast.Subquery:
		p.subquery(e.Query)
	case *ast.Index:
		p.expr(e.X)
		p.w("[")
		p.expr(e.Index)
		p.w("]")
	case *ast.Field:
		p.expr(e.X)
		p.w(".")
		p.ident(e.Name)
	case *ast.TimeSpan:
		p.expr(e.X)
		p.w(" ")
		p.intervalUnit(e.Unit)
	case *ast.AtTimeZone:
		p.expr(e.X)
		p.w(" AT TIME ZONE ")
		p.expr(e.Zone)
	default:
		p.operator(e)
	}
}

// operator prints the expressions with operators between.
func (p *printer) operator(e ast.Expr) {
	switch e := e.(type) {
	case *ast.Binary:
		op := e.Op
		if e.OpText != "" {
			op = e.OpText
		}
		p.expr(e.L)
		p.w(" ", op, " ")
		p.expr(e.R)
	case *ast.Between:
		p.expr(e.X)
		p.when(e.Not, " NOT")
		p.w(" BETWEEN ")
		p.when(e.Symmetric, "SYMMETRIC ")
		p.when(e.Asymmetric, "ASYMMETRIC ")
		p.expr(e.Lo)
		p.w(" AND ")
		p.expr(e.Hi)
	case *ast.In:
		p.expr(e.X)
		p.when(e.Not, " NOT")
		p.w(" IN ")
		p.queryOrList(e.Query, e.List)
	case *ast.Like:
		p.expr(e.X)
		p.when(e.Not, " NOT")
		if e.Similar {
			p.w(" SIMILAR TO ")
		} else {
			p.w(" LIKE ")
		}
		p.expr(e.Pattern)
		if e.Escape != nil {
			p.w(" ESCAPE ")
			p.expr(e.Escape)
		}
	case *ast.Is:
		p.expr(e.X)
		p.w(" IS ")
		p.when(e.Not, "NOT ")
		p.w(e.What)
	case *ast.Quantified:
		switch {
		case e.All:
			p.w("ALL ")
		case e.Some:
			p.w("SOME ")
		default:
			p.w("ANY ")
		}
		p.queryOrList(e.Query, e.List)
	default:
		p.collection(e)
	}
}

func (p *printer) queryOrList(q ast.Query, list []ast.Expr) {
	if q != nil {
		p.subquery(q)
		return
	}
	parens(p, list, p.expr)
}

// collection prints rows, collections and the arguments of their own kind.
func (p *printer) collection(e ast.Expr) {
	brackets := func(word string, items []ast.Expr) {
		p.w(word, "[")
		commas(p, items, p.expr)
		p.w("]")
	}
	switch e := e.(type) {
	case *ast.Row:
		p.when(e.Explicit, "ROW")
		parens(p, e.Items, p.expr)
	case *ast.Array:
		if e.Query != nil {
			p.w("ARRAY")
			p.subquery(e.Query)
			return
		}
		brackets("ARRAY", e.Items)
	case *ast.Map:
		brackets("MAP", e.Items)
	case *ast.Multiset:
		brackets("MULTISET", e.Items)
	case *ast.GroupingSet:
		p.w(e.Kind, " ")
		parens(p, e.Items, p.expr)
	case *ast.NamedArg:
		p.ident(e.Name)
		p.w(" => ")
		p.expr(e.Value)
	case *ast.Descriptor:
		p.w("DESCRIPTOR")
		parens(p, e.Columns, p.ident)
	case *ast.ModelArg:
		p.w("MODEL ")
		p.name(e.Model)
	case *ast.TableArg:
		p.tableArg(e)
	default:
		panic("sql: Print of an unknown expression")
	}
}

func (p *printer) tableArg(e *ast.TableArg) {
	if e.Query != nil {
		p.subquery(e.Query)
	} else {
		p.w("TABLE ")
		p.name(e.Table)
	}
	if e.PartitionBy != nil {
		p.w(" PARTITION BY ")
		parens(p, e.PartitionBy, p.expr)
	}
	if e.OrderBy != nil {
		p.w(" ORDER BY ")
		parens(p, e.OrderBy, p.orderItem)
	}
}

func (p *printer) caseExpr(e *ast.Case) {
	p.w("CASE")
	if e.Operand != nil {
		p.w(" ")
		p.expr(e.Operand)
	}
	for _, w := range e.Whens {
		p.w(" WHEN ")
		p.expr(w.Cond)
		p.w(" THEN ")
		p.expr(w.Then)
	}
	if e.Else != nil {
		p.w(" ELSE ")
		p.expr(e.Else)
	}
	p.w(" END")
}

// call prints a function call.
func (p *printer) call(e *ast.Call) {
	p.when(e.Match != "", e.Match+" ")
	quoted := p.quoted
	p.quoted = false
	p.name(e.Name)
	p.quoted = quoted
	if e.NoParens {
		return
	}
	p.w("(")
	p.when(e.Star, "*")
	p.when(e.Distinct, "DISTINCT ")
	p.when(e.All, "ALL ")
	pairs := specialOf(e.Name).pairs
	for i, a := range e.Args {
		p.expr(a)
		switch {
		case i == len(e.Args)-1:
		case pairs && i%2 == 0:
			p.w(" VALUE ")
		case i < len(e.Seps) && e.Seps[i] != "":
			p.w(" ", e.Seps[i], " ")
		case i == 0 && e.Seps != nil && isSide(a):
			p.w(" ")
		default:
			p.w(", ")
		}
	}
	if e.NullsInside {
		p.w(" ", e.Nulls, " NULLS")
	}
	p.orderBy(e.OrderBy)
	if e.JSON != nil {
		p.json(e.JSON)
	}
	p.w(")")
	if e.WithinGroup != nil {
		p.w(" WITHIN GROUP (ORDER BY ")
		commas(p, e.WithinGroup, p.orderItem)
		p.w(")")
	}
	if e.Filter != nil {
		p.w(" FILTER (WHERE ")
		p.expr(e.Filter)
		p.w(")")
	}
	p.when(e.Nulls != "" && !e.NullsInside, " "+e.Nulls+" NULLS")
	if e.Over != nil {
		p.w(" OVER ")
		p.window(e.Over)
	}
}

// isSide tells whether an argument is the BOTH, LEADING or TRAILING of TRIM, which no comma follows.
func isSide(e ast.Expr) bool {
	s, ok := e.(*ast.Symbol)
	return ok && (s.Name == "BOTH" || s.Name == "LEADING" || s.Name == "TRAILING")
}

func (p *printer) json(j *ast.JSONOptions) {
	if j.Returning != nil {
		p.w(" RETURNING ")
		p.typeName(j.Returning)
	}
	p.when(j.Wrapper != "", " "+j.Wrapper+" WRAPPER")
	p.when(j.OnNull != "", " "+j.OnNull+" ON NULL")
	on := func(b *ast.JSONBehavior, what string) {
		if b == nil {
			return
		}
		p.w(" ", b.Kind)
		if b.Default != nil {
			p.w(" ")
			p.expr(b.Default)
		}
		p.w(" ON ", what)
	}
	on(j.OnEmpty, "EMPTY")
	on(j.OnError, "ERROR")
}

func (p *printer) orderItem(o *ast.OrderItem) {
	p.expr(o.Expr)
	p.when(o.Dir != "", " "+o.Dir)
	p.when(o.Nulls != "", " NULLS "+o.Nulls)
}

// orderBy prints " ORDER BY ..", or nothing.
func (p *printer) orderBy(list []*ast.OrderItem) {
	if list != nil {
		p.w(" ORDER BY ")
		commas(p, list, p.orderItem)
	}
}

func (p *printer) window(w *ast.WindowSpec) {
	if w.Name != nil {
		p.ident(*w.Name)
		return
	}
	p.w("(")
	space := ""
	if w.Base != nil {
		p.ident(*w.Base)
		space = " "
	}
	if w.PartitionBy != nil {
		p.w(space, "PARTITION BY ")
		commas(p, w.PartitionBy, p.expr)
		space = " "
	}
	if w.OrderBy != nil {
		p.w(space, "ORDER BY ")
		commas(p, w.OrderBy, p.orderItem)
		space = " "
	}
	if f := w.Frame; f != nil {
		p.w(space, f.Unit, " ")
		if f.To != nil {
			p.w("BETWEEN ")
			p.bound(f.From)
			p.w(" AND ")
			p.bound(f.To)
		} else {
			p.bound(f.From)
		}
	}
	p.w(")")
}

func (p *printer) bound(b *ast.FrameBound) {
	if b.Offset != nil {
		p.expr(b.Offset)
		p.w(" ")
	}
	p.w(b.Kind)
}
