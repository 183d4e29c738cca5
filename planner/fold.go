package planner

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

// truthOf is the value of a BOOLEAN constant: true, false, or ok false for NULL and what is no constant.
func truthOf(e Expr) (value, ok bool) {
	l, is := e.(*Literal)
	if !is || l.T.Kind != types.Boolean || isNullLit(l) {
		return false, false
	}
	v, is := l.Val.(*array.Boolean)
	return is && v.Value(0), is
}

// foldLogic decides AND, OR, NOT and CASE over constants.
func foldLogic(e Expr) Expr {
	switch e := e.(type) {
	case *Not:
		if v, ok := truthOf(e.X); ok {
			return BoolLit(!v)
		}
		if isNullLit(e.X) {
			return NullLit(types.BooleanType)
		}
	case *And:
		return foldJunction(e, e.Args, false)
	case *Or:
		return foldJunction(e, e.Args, true)
	case *Case:
		for _, w := range e.Whens {
			if v, ok := truthOf(w.Cond); ok && v {
				return retype(w.Then, e.T)
			}
		}
		if e.Else == nil {
			return NullLit(e.T)
		}
		return retype(e.Else, e.T)
	}
	return e
}

func foldJunction(e Expr, args []Expr, decides bool) Expr {
	null := false
	for _, a := range args {
		v, ok := truthOf(a)
		if ok && v == decides {
			return BoolLit(decides)
		}
		if !ok && !isNullLit(a) {
			return e
		}
		null = null || !ok
	}
	if null {
		return NullLit(types.BooleanType)
	}
	return BoolLit(!decides)
}

// unsignedZero makes a constant -0.0 a 0.0: as in Flink, whose constants have no such sign.
func unsignedZero(v arrow.Array) arrow.Array {
	switch x := v.(type) {
	case *array.Float64:
		if x.IsValid(0) && x.Value(0) == 0 {
			return vec.ConstFixed(types.DoubleType, 0.0).Arr
		}
	case *array.Float32:
		if x.IsValid(0) && x.Value(0) == 0 {
			return vec.ConstFixed(types.FloatType, float32(0)).Arr
		}
	}
	return v
}

// retype sets the type of a constant of the same layout.
func retype(e Expr, t types.Type) Expr {
	l, ok := e.(*Literal)
	if !ok {
		return e
	}
	return &Literal{T: t, Val: l.Val}
}
