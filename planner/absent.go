package planner

import (
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
	"weir/sql/vec"
)

// In Flink, array[i] and map[k] of elements that are NOT NULL are taken for NOT NULL by the code that writes a
// column, and by IS NULL, although there may be no such element: the column then has a default (-1, FALSE, an
// empty text), and IS NULL is FALSE. What computes with the element sees NULL. A constant that is not part of a
// greater constant is a column of its own in that respect. settleConstants brings that about, on the
// expressions as they are when projections have been merged.

// givesAbsent tells whether e is array[i] or map[k] of elements that are NOT NULL.
func givesAbsent(e Expr) bool {
	call, ok := e.(*Call)
	if !ok || call.Func != fnItem {
		return false
	}
	t := call.Args[0].Type()
	return t.Elem != nil && t.Elem.NotNull
}

func isAbsent(e Expr) bool {
	l, ok := e.(*Literal)
	return ok && l.Absent
}

// present gives the default in place of an absent element.
func present(e Expr) Expr {
	if !isAbsent(e) {
		return e
	}
	l := e.(*Literal)
	if d := absentDefault(l.T, true); d != nil {
		return &Literal{T: l.T, Val: d.Val}
	}
	return NullLit(l.T)
}

// absentDefault is what stands for an absent element of type t; nil: NULL. A CHAR is as long as its type says
// only where it is folded.
func absentDefault(t types.Type, folded bool) *Literal {
	switch t.Kind {
	case types.Boolean:
		return BoolLit(false)
	case types.TinyInt:
		return fixedLit[int8](t, -1)
	case types.SmallInt:
		return fixedLit[int16](t, -1)
	case types.Time0:
		return fixedLit[int32](t, 0)
	case types.Int, types.Date, types.IntervalYM:
		return fixedLit[int32](t, -1)
	case types.BigInt, types.IntervalDS:
		return fixedLit[int64](t, -1)
	case types.Float:
		return fixedLit[float32](t, -1)
	case types.Double:
		return fixedLit[float64](t, -1)
	case types.Char:
		if folded {
			return &Literal{T: t.WithNull(false), Val: vec.ConstString(strings.Repeat(" ", t.Length)).Arr}
		}
		return &Literal{T: t.WithNull(false), Val: vec.ConstString("").Arr}
	case types.VarChar:
		return &Literal{T: t.WithNull(false), Val: vec.ConstString("").Arr}
	}
	return nil
}

// settleConstants puts defaults in place of absent elements, and refuses the constants that Flink refuses.
func settleConstants(roots []Node) error {
	var refused error
	settle := func(e Expr) Expr {
		return mapExpr(e, func(x Expr) Expr {
			if l, ok := x.(*Literal); ok && l.Refused != nil && refused == nil {
				refused = l.Refused
			}
			if call, ok := x.(*Call); ok && len(call.Args) == 1 && givesAbsent(call.Args[0]) {
				if call.Func == "IS NULL" || call.Func == "IS NOT NULL" {
					return BoolLit(call.Func == "IS NOT NULL")
				}
			}
			return present(x)
		})
	}
	for _, n := range postorder(roots) {
		switch n := n.(type) {
		case *Calc:
			settleAll(n.Exprs, settle)
			n.Cond = settle(n.Cond)
		case *Scan:
			settleAll(n.Exprs, settle)
		}
	}
	return refused
}

func settleAll(list []Expr, settle func(Expr) Expr) {
	for i, e := range list {
		e = settle(e)
		if givesAbsent(e) {
			if d := absentDefault(e.Type(), false); d != nil {
				e = &Call{Func: "COALESCE", Args: []Expr{e, d}, T: e.Type()}
			}
		}
		list[i] = e
	}
}

// refuse notes what Flink cannot have as the value of a constant: e, which folded became.
func refuse(at ast.Node, e, folded Expr) Expr {
	l, ok := folded.(*Literal)
	if !ok || l == e {
		return folded
	}
	switch e := e.(type) {
	case *Call:
		if e.Func == "/" && len(e.Args) == 2 && !isFinite(l) && isZero(e.Args[1]) {
			l.Refused = sql.Errorf(at, "a constant divides by zero").WithHint("divide by NULLIF(x, 0), or leave the expression out; CAST('Infinity' AS DOUBLE) is infinite")
		}
	case *Cast:
		from, ok := e.X.(*Literal)
		if plain := ok && from.Call == "" && from.T.IsNumeric(); !plain && l.T.Kind == types.Float && !isFinite(l) {
			l.Refused = sql.Errorf(at, "a constant of type FLOAT is infinite or NaN").WithHint("make it a DOUBLE")
		}
	}
	return l
}

func isFinite(l *Literal) bool {
	f := 0.0
	switch v := l.Val.(type) {
	case *array.Float64:
		f = v.Value(0)
	case *array.Float32:
		f = float64(v.Value(0))
	}
	return !math.IsInf(f, 0) && !math.IsNaN(f)
}

func isZero(e Expr) bool {
	l, ok := e.(*Literal)
	if !ok || isNullLit(l) {
		return false
	}
	switch v := l.Val.(type) {
	case *array.Float64:
		return v.Value(0) == 0
	case *array.Float32:
		return v.Value(0) == 0
	}
	return false
}
