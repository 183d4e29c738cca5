package planner

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/ast"
	"weir/sql/types"
)

// compare calls a comparison; sql/fn knows which types compare, and as what.
func (b *binder) compare(at ast.Node, op string, l, r Expr) (Expr, error) {
	if op == "=" {
		if x, y := rowItems(l), rowItems(r); len(x) > 0 && len(x) == len(y) {
			return b.compareItems(at, x, y)
		}
	}
	out, err := b.invoke(at, op, []Expr{l, r})
	if err == nil && !volatile(l) && sameExpr(l, r) {
		return withItself(op, l, out), nil
	}
	return out, err
}

// withItself is the comparison of an expression with itself, which Flink does not compute: even NaN is equal to it.
func withItself(op string, x, out Expr) Expr {
	yes, known := map[string]bool{"=": true, "<>": false, ">=": true, "<=": true, "IS NOT DISTINCT FROM": true, "IS DISTINCT FROM": false}[op]
	switch {
	case !known:
		return out
	case x.Type().NotNull || strings.HasPrefix(op, "IS"):
		return BoolLit(yes)
	case !x.Type().IsFloat():
		return out
	}
	null := &Call{Func: "IS NULL", Args: []Expr{x}, T: types.BooleanType.WithNull(false)}
	return &Case{Whens: []When{{null, NullLit(types.BooleanType)}}, Else: BoolLit(yes), T: types.BooleanType}
}

// rowItems are the values that ROW(...) was made of.
func rowItems(e Expr) []Expr {
	switch e := e.(type) {
	case *Call:
		if e.Func == fnRow {
			return e.Args
		}
	case *Literal:
		if s, ok := e.Val.(*array.Struct); ok && e.Call == fnRow {
			out := make([]Expr, s.NumField())
			for i := range out {
				out[i] = &Literal{T: e.T.Fields[i].Type, Val: s.Field(i)}
			}
			return out
		}
	}
	return nil
}

// compareItems tests that all items are equal. A ROW among them is compared as a value.
func (b *binder) compareItems(at ast.Node, x, y []Expr) (Expr, error) {
	var out Expr
	for i := range x {
		eq, err := b.invoke(at, "=", []Expr{x[i], y[i]})
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = eq
		} else {
			out = logical("AND", out, eq)
		}
	}
	return b.fold(out), nil
}
