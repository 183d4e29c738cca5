package fn

import (
	"fmt"
	"math"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
	"weir/sql/vec"
)

// bindDigits binds ROUND and TRUNCATE.
func bindDigits(name string, args []Arg, cut bool) (*Call, error) {
	t := args[0].Type
	if !t.IsNumeric() && t.Kind != types.Null || len(args) > 1 && !args[1].Type.IsInteger() && args[1].Type.Kind != types.Null {
		return nil, fmt.Errorf("%s wants a number and optionally an integer, got %s", name, t)
	}
	if t.Kind == types.Null {
		t = types.IntType
	}
	call := &Call{Args: []types.Type{t}, Type: t}
	digits, known := int64(0), true
	if len(args) > 1 {
		count := args[1].Type
		if count.Kind == types.Null {
			count = types.IntType
		}
		call.Args = append(call.Args, count)
		call.Type.NotNull = t.NotNull && args[1].Type.NotNull
		if known = args[1].Lit != nil && !args[1].Lit.IsNull(0); known {
			lit := intsOf(*args[1].Lit)
			digits = lit.at(0)
		}
	}
	switch t.Kind {
	case types.TinyInt:
		call.Eval = digitsOfInts[int8](t, cut)
	case types.SmallInt:
		call.Eval = digitsOfInts[int16](t, cut)
	case types.Int:
		call.Eval = digitsOfInts[int32](t, cut)
	case types.BigInt:
		call.Eval = digitsOfInts[int64](t, cut)
	case types.Float:
		call.Eval = digitsOfFloats[float32](t, 32, cut)
	case types.Double:
		call.Eval = digitsOfFloats[float64](t, 64, cut)
	default:
		if known {
			call.Type = roundedType(call.Type, int(max(-100, min(100, digits))))
		}
		call.Eval = digitsOfDecimals(t, call.Type, cut)
	}
	return call, nil
}

// roundedType is the type of a DECIMAL rounded to some digits: one digit more may come before the point.
func roundedType(t types.Type, digits int) types.Type {
	if digits >= t.Scale {
		return t
	}
	t.Prec, t.Scale = min(38, 1+t.Prec-t.Scale+max(0, digits)), max(0, digits)
	return t
}

// digitsArg reads the optional count of digits.
func digitsArg(a []vec.Vec) func(i int) int64 {
	if len(a) < 2 {
		return func(int) int64 { return 0 }
	}
	r := intsOf(a[1])
	return r.at
}

func digitsOfInts[T int8 | int16 | int32 | int64](t types.Type, cut bool) Kernel {
	return fixedEval(t, func(a []vec.Vec) func(int) (T, bool) {
		in, digits := columnOf[T](a[0]), digitsArg(a)
		return func(i int) (T, bool) {
			v, d := int64(in.at(i)), digits(i)
			if d >= 0 {
				return T(v), true
			}
			if d < -18 {
				return 0, true
			}
			unit := int64(math.Pow10(int(-d)))
			rest := v % unit
			v -= rest
			switch {
			case cut:
			case rest >= unit-rest && rest > 0:
				v += unit
			case -rest >= unit+rest && rest < 0:
				v -= unit
			}
			return T(v), true
		}
	})
}

func digitsOfFloats[T float32 | float64](t types.Type, bits int, cut bool) Kernel {
	return fixedEval(t, func(a []vec.Vec) func(int) (T, bool) {
		in, digits := columnOf[T](a[0]), digitsArg(a)
		var buf [32]byte
		return func(i int) (T, bool) {
			return T(roundSpelled(buf[:0], float64(in.at(i)), digits(i), bits, cut)), true
		}
	})
}

// roundSpelled rounds the decimal spelling of a number, so that 2.675 becomes 2.68 although the
// binary number is a little less.
func roundSpelled(buf []byte, v float64, digits int64, bits int, cut bool) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	if v == 0 {
		return 0 // as in Flink, whose decimals have no -0
	}
	text := strconv.AppendFloat(buf, math.Abs(v), 'e', -1, bits) // d.ddde±xx
	e := len(text) - 1
	for text[e] != 'e' {
		e--
	}
	exp, _ := strconv.Atoi(string(text[e+1:]))
	mantissa := append(text[:1], text[min(2, e):e]...) // the digits
	keep := int64(exp) + 1 + digits                    // how many of them stay
	if keep >= int64(len(mantissa)) {
		return v
	}
	if keep < 0 {
		return 0
	}
	up := !cut && mantissa[keep] >= '5'
	mantissa = mantissa[:keep]
	for k := len(mantissa) - 1; up; k-- {
		if k < 0 {
			mantissa = append([]byte{'1'}, mantissa...)
			exp++
			break
		}
		if mantissa[k]++; mantissa[k] <= '9' {
			break
		}
		mantissa[k] = '0'
	}
	if len(mantissa) == 0 {
		return 0
	}
	scaled := append(append([]byte{}, mantissa...), 'e')
	scaled = strconv.AppendInt(scaled, int64(exp+1-len(mantissa)), 10)
	out, _ := strconv.ParseFloat(string(scaled), bits)
	return math.Copysign(out, v)
}

func digitsOfDecimals(t, out types.Type, cut bool) Kernel {
	return fixedEval(out, func(a []vec.Vec) func(int) (decimal128.Num, bool) {
		in, digits := columnOf[decimal128.Num](a[0]), digitsArg(a)
		return func(i int) (decimal128.Num, bool) {
			v, d := in.at(i), digits(i)
			drop := int64(t.Scale) - d
			if drop <= 0 {
				return v, true
			}
			if drop > 38 {
				return decimal128.Num{}, true
			}
			unit := decimal128.GetScaleMultiplier(int(drop))
			q, r := v.Div(unit)
			if half := r.Abs(); !cut && !half.Less(unit.Sub(half)) {
				q = q.Add(decimal128.FromI64(int64(v.Sign())))
			}
			// q has d digits after the point; the type may want more, where d is negative or a column.
			for have := d; have < int64(out.Scale); have++ {
				q = q.Mul(decimal128.FromI64(10))
			}
			return q, q.FitsInPrecision(int32(out.Prec))
		}
	})
}
