package fn

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
	"weir/sql/vec"
)

// DecimalResult is the type of an arithmetic operator ("+", "-", "*", "/" or "%") on two DECIMALs.
func DecimalResult(op string, a, b types.Type) types.Type {
	wholeA, wholeB := a.Prec-a.Scale, b.Prec-b.Scale
	scale := max(a.Scale, b.Scale)
	switch op {
	case "*":
		return adjustDecimal(a.Prec+b.Prec+1, a.Scale+b.Scale)
	case "/":
		scale = max(6, a.Scale+b.Prec+1)
		return adjustDecimal(wholeA+b.Scale+scale, scale)
	case "%":
		return adjustDecimal(min(wholeA, wholeB)+scale, scale)
	}
	return adjustDecimal(max(wholeA, wholeB)+scale+1, scale)
}

// adjustDecimal keeps to 38 digits by giving up fraction digits, but not below 6.
func adjustDecimal(prec, scale int) types.Type {
	if prec <= 38 {
		return types.DecimalType(prec, scale)
	}
	return types.DecimalType(38, max(38-(prec-scale), min(scale, 6)))
}

func bindDecimals(op string, a, b types.Type, nullable bool) *Call {
	t := DecimalResult(op, a, b)
	call := &Call{Args: []types.Type{a.WithNull(true), b.WithNull(true)}, Type: t.WithNull(nullable)}
	switch exact := t.Prec < 38; {
	case op == "+" && exact:
		call.Eval = strictKernel(t, exactSums(a.Scale, b.Scale, false))
	case op == "-" && exact:
		call.Eval = strictKernel(t, exactSums(a.Scale, b.Scale, true))
	case op == "*" && exact:
		call.Eval = strictKernel(t, exactProducts)
	default:
		call.Eval = decimalKernel(t, op == "/" || op == "%", decimalOp(op, a.Scale, b.Scale, t))
	}
	return call
}

// exactSums adds where the result's type has room for any sum.
func exactSums(s1, s2 int, minus bool) arithLoop[decimal128.Num] {
	fa := decimal128.GetScaleMultiplier(max(s2-s1, 0))
	fb := decimal128.GetScaleMultiplier(max(s1-s2, 0))
	if minus {
		fb = fb.Negate()
	}
	return func(out, a, b []decimal128.Num, _ vec.Bitmap) int {
		sa, sb := stepIn(a, out), stepIn(b, out)
		for i := range out {
			out[i] = a[i*sa].Mul(fa).Add(b[i*sb].Mul(fb))
		}
		return -1
	}
}

// exactProducts multiplies where the result's type has room for any product.
func exactProducts(out, a, b []decimal128.Num, _ vec.Bitmap) int {
	sa, sb := stepIn(a, out), stepIn(b, out)
	for i := range out {
		out[i] = a[i*sa].Mul(b[i*sb])
	}
	return -1
}

// decimalOp gives an operator on values of two scales whose result may not fit its type.
func decimalOp(op string, s1, s2 int, t types.Type) func(a, b decimal128.Num) (decimal128.Num, bool) {
	switch op {
	case "+":
		return func(a, b decimal128.Num) (decimal128.Num, bool) { return decimalAdd(a, s1, b, s2, t.Scale, t.Prec) }
	case "-":
		return func(a, b decimal128.Num) (decimal128.Num, bool) {
			return decimalAdd(a, s1, b.Negate(), s2, t.Scale, t.Prec)
		}
	case "*":
		return func(a, b decimal128.Num) (decimal128.Num, bool) { return decimalMul(a, b, s1+s2, t.Scale, t.Prec) }
	case "/":
		return func(a, b decimal128.Num) (decimal128.Num, bool) { return decimalDiv(a, s1, b, s2, t.Scale, t.Prec) }
	case "%":
		return func(a, b decimal128.Num) (decimal128.Num, bool) { return decimalMod(a, s1, b, s2, t.Scale, t.Prec) }
	}
	panic(fmt.Sprintf("fn: no decimal operator %q", op))
}

// decimalKernel computes a row at a time; what does not fit is NULL.
func decimalKernel(t types.Type, divides bool, f func(a, b decimal128.Num) (decimal128.Num, bool)) Kernel {
	return func(_ *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
		n, constant := rowsOf(n, args)
		valid, none := vec.Validity(n, args...)
		if none {
			return vec.ConstNull(t), nil
		}
		out, a, b := make([]decimal128.Num, n), vec.Dec(args[0]), vec.Dec(args[1])
		sa, sb := stepIn(a, out), stepIn(b, out)
		for i := range out {
			if !valid.Get(i) {
				continue
			}
			if divides && b[i*sb] == (decimal128.Num{}) {
				return vec.Vec{}, &RowError{Row: i, Err: errDivisionByZero}
			}
			v, ok := f(a[i*sa], b[i*sb])
			if !ok {
				if valid == nil {
					valid = vec.FullBitmap(n)
				}
				valid.Clear(i)
				continue
			}
			out[i] = v
		}
		return vec.Vec{Arr: vec.Decimals(t, out, valid), Const: constant}, nil
	}
}
