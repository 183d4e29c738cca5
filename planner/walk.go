package planner

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
)

// children lists the operands of e, in order of evaluation.
func children(e Expr) []Expr {
	switch e := e.(type) {
	case *Call:
		return e.Args
	case *Cast:
		return []Expr{e.X}
	case *And:
		return e.Args
	case *Or:
		return e.Args
	case *Not:
		return []Expr{e.X}
	case *Case:
		var out []Expr
		for _, w := range e.Whens {
			out = append(out, w.Cond, w.Then)
		}
		if e.Else != nil {
			out = append(out, e.Else)
		}
		return out
	case *In:
		return append([]Expr{e.X}, e.List...)
	case *Field:
		return []Expr{e.X}
	}
	return nil
}

// walkExpr visits e and what is below it, parents first; visit says whether to go below.
func walkExpr(e Expr, visit func(Expr) bool) {
	if e == nil || !visit(e) {
		return
	}
	for _, c := range children(e) {
		walkExpr(c, visit)
	}
}

// mapExpr rebuilds e bottom up: each node, its operands already mapped, is replaced by f of it.
// Expressions are shared between nodes, so nothing is changed in place.
func mapExpr(e Expr, f func(Expr) Expr) Expr {
	if e == nil {
		return nil
	}
	switch x := e.(type) {
	case *Call:
		c := *x
		c.Args = mapExprs(x.Args, f)
		return f(&c)
	case *Cast:
		c := *x
		c.X = mapExpr(x.X, f)
		return f(&c)
	case *And:
		return f(&And{Args: mapExprs(x.Args, f)})
	case *Or:
		return f(&Or{Args: mapExprs(x.Args, f)})
	case *Not:
		return f(&Not{X: mapExpr(x.X, f)})
	case *Case:
		c := &Case{T: x.T, Whens: make([]When, len(x.Whens)), Else: mapExpr(x.Else, f)}
		for i, w := range x.Whens {
			c.Whens[i] = When{mapExpr(w.Cond, f), mapExpr(w.Then, f)}
		}
		return f(c)
	case *In:
		return f(&In{X: mapExpr(x.X, f), List: x.List, Neg: x.Neg})
	case *Field:
		return f(&Field{X: mapExpr(x.X, f), Index: x.Index, T: x.T})
	}
	return f(e)
}

func mapExprs(list []Expr, f func(Expr) Expr) []Expr {
	out := make([]Expr, len(list))
	for i, e := range list {
		out[i] = mapExpr(e, f)
	}
	return out
}

// remap renumbers the column references of e: column i becomes to[i].
func remap(e Expr, to []int) Expr {
	return mapExpr(e, func(x Expr) Expr {
		if c, ok := x.(*ColRef); ok {
			return &ColRef{Index: to[c.Index], T: c.T}
		}
		return x
	})
}

func remapAll(list []Expr, to []int) []Expr {
	out := make([]Expr, len(list))
	for i, e := range list {
		out[i] = remap(e, to)
	}
	return out
}

// substitute replaces each column reference by the expression for that column.
func substitute(e Expr, by []Expr) Expr {
	return mapExpr(e, func(x Expr) Expr {
		if c, ok := x.(*ColRef); ok {
			return by[c.Index]
		}
		return x
	})
}

// columnsOf marks the columns e reads.
func columnsOf(e Expr, used map[int]bool) {
	walkExpr(e, func(x Expr) bool {
		if c, ok := x.(*ColRef); ok {
			used[c.Index] = true
		}
		return true
	})
}

// conjuncts splits nested ANDs; a nil condition has none.
func conjuncts(e Expr) []Expr {
	if e == nil {
		return nil
	}
	and, ok := e.(*And)
	if !ok {
		return []Expr{e}
	}
	var out []Expr
	for _, a := range and.Args {
		out = append(out, conjuncts(a)...)
	}
	return out
}

// conjoin is the AND of the conditions, in order; nil of none.
func conjoin(list []Expr) Expr {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return &And{Args: list}
}

// refs is a reference to each column of the schema.
func refs(s types.Schema) []Expr {
	out := make([]Expr, len(s))
	for i, c := range s {
		out[i] = &ColRef{Index: i, T: c.Type}
	}
	return out
}

// sameExpr tells whether two expressions are the same tree.
func sameExpr(a, b Expr) bool { return exprKey(a) == exprKey(b) }

// exprKey is a text equal for equal expressions over the same input only.
func exprKey(e Expr) string {
	var b strings.Builder
	writeKey(&b, e)
	return b.String()
}

func writeKey(b *strings.Builder, e Expr) {
	switch e := e.(type) {
	case nil:
		b.WriteString("nil")
		return
	case *ColRef:
		fmt.Fprintf(b, "$%d", e.Index)
		return
	case *outerRef:
		fmt.Fprintf(b, "outer$%d", e.index)
		return
	case *Literal:
		fmt.Fprintf(b, "%q:%s", litText(e), e.T)
		if strings.HasPrefix(e.Call, "JSON") {
			b.WriteString(e.Call) // as an operand it is not what the text alone is
		}
		return
	case *Call:
		fmt.Fprintf(b, "%s:%s", e.Func, e.T)
	case *Cast:
		fmt.Fprintf(b, "cast:%t:%s", e.Try, e.T)
	case *Case:
		fmt.Fprintf(b, "case:%d:%t:%s", len(e.Whens), e.Else != nil, e.T)
	case *Field:
		fmt.Fprintf(b, "field:%d", e.Index)
	case *In:
		fmt.Fprintf(b, "in:%t", e.Neg)
	default:
		fmt.Fprintf(b, "%T", e)
	}
	b.WriteByte('(')
	for i, c := range children(e) {
		if i > 0 {
			b.WriteByte(',')
		}
		writeKey(b, c)
	}
	b.WriteByte(')')
}

// litText is the value of a literal as text, for keys and display.
func litText(l *Literal) string {
	if l.Val == nil || l.Val.IsNull(0) {
		return "NULL"
	}
	switch v := l.Val.(type) {
	case *array.String:
		return v.Value(0)
	case *array.Binary:
		return fmt.Sprintf("%x", v.Value(0))
	}
	return l.Val.ValueStr(0)
}

// isNullLit tells whether e is the constant NULL, of any type.
func isNullLit(e Expr) bool {
	if c, ok := e.(*Cast); ok {
		return isNullLit(c.X)
	}
	l, ok := e.(*Literal)
	return ok && (l.T.Kind == types.Null || l.Val == nil || l.Val.IsNull(0))
}
