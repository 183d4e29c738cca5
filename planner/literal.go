package planner

import (
	"math/big"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
	"weir/sql/vec"
)

// BoolLit is the constant TRUE or FALSE.
func BoolLit(v bool) *Literal {
	return &Literal{T: types.BooleanType.WithNull(false), Val: vec.ConstBool(v).Arr}
}

// IntLit is an INT constant.
func IntLit(v int32) *Literal {
	t := types.IntType.WithNull(false)
	return &Literal{T: t, Val: vec.ConstFixed(t, v).Arr}
}

// BigIntLit is a BIGINT constant.
func BigIntLit(v int64) *Literal {
	t := types.BigIntType.WithNull(false)
	return &Literal{T: t, Val: vec.ConstFixed(t, v).Arr}
}

// StringLit is a CHAR constant, as Flink types a string literal.
func StringLit(s string) *Literal {
	n := len([]rune(s))
	t := types.CharType(n).WithNull(false)
	return &Literal{T: t, Val: vec.ConstString(s).Arr}
}

// SymbolLit is a keyword argument.
func SymbolLit(s string) *Literal {
	return &Literal{T: types.SymbolType, Val: vec.ConstString(s).Arr}
}

// NullLit is NULL of the type.
func NullLit(t types.Type) *Literal {
	return &Literal{T: t.WithNull(true), Val: vec.NullColumn(t, 1)}
}

func fixedLit[T int8 | int16 | int32 | int64 | float32 | float64](t types.Type, v T) *Literal {
	return &Literal{T: t.WithNull(false), Val: vec.ConstFixed(t, v).Arr}
}

func bytesLit(b []byte) *Literal {
	t := types.Type{Kind: types.Binary, Length: len(b), NotNull: true}
	return &Literal{T: t, Val: vec.ConstBytes(b).Arr}
}

// decimalLit is the exact number that digits and a point spell, as DECIMAL of just those digits, zeros in front
// included, as Flink counts them; false when it needs more than 38.
func decimalLit(text string) (*Literal, bool) {
	whole, frac, _ := strings.Cut(text, ".")
	unscaled, ok := new(big.Int).SetString("0"+whole+frac, 10)
	if !ok {
		return nil, false
	}
	scale := len(frac)
	prec := max(len(whole)+scale, 1)
	if prec > 38 {
		return nil, false
	}
	t := types.DecimalType(prec, scale).WithNull(false)
	return &Literal{T: t, Val: vec.ConstFixed(t, decimal128.FromBigInt(unscaled)).Arr}, true
}

// constOf gives the constant value of an expression as functions see it, or nil.
func constOf(e Expr) *vec.Vec {
	l, ok := e.(*Literal)
	if !ok || l.Val == nil {
		return nil
	}
	v := vec.ConstVec(l.Val)
	return &v
}

// int64Of is the value of a literal held as a whole number: an integer, an interval, a time of day.
func int64Of(l *Literal) int64 {
	switch v := l.Val.(type) {
	case *array.Int64:
		return v.Value(0)
	case *array.Int32:
		return int64(v.Value(0))
	case *array.Time32:
		return int64(v.Value(0))
	case *array.Timestamp:
		return int64(v.Value(0))
	}
	return 0
}
