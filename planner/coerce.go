package planner

import (
	"weir/sql/fn"
	"weir/sql/types"
)

// commonType is the type that values of all the types become where they meet: the arms of a CASE, the
// inputs of a UNION, both sides of a comparison. Nullable if any is. False where there is none.
func commonType(list []types.Type) (types.Type, bool) { return fn.LeastRestrictive(list...) }

// castTo makes e of the type, implicitly. Nullability alone needs no cast; a constant NULL becomes one of the type.
func castTo(e Expr, t types.Type) Expr {
	from := e.Type()
	if from.Same(t) {
		return e
	}
	if from.Kind == types.Null {
		return NullLit(t)
	}
	return &Cast{X: e, T: t.WithNull(from.Nullable()), Implicit: true}
}

// storable tells whether a column of type `from` may be stored in one of type `to` without the user's
// CAST. That is what Flink casts implicitly, and integers that are checked to fit, which narrow says.
func storable(from, to types.Type) (ok, narrow bool) {
	if from.IsInteger() && to.IsInteger() && from.Kind > to.Kind {
		return true, true
	}
	return fn.ImplicitCast(from, to), false
}
