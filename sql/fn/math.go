package fn

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
	"weir/sql/vec"
)

var mathFuncs = []*Func{
	declare("ABS", "ABS(number)", "Gives the absolute value; of the least integer that is itself.",
		sig{in: pp(pNumber), out: likeArg(0), prep: bindAbs}, "ABS(-1)", "1", "ABS(-1.5)", "1.5"),
	{Name: "CEIL", Aliases: []string{"CEILING"}, Syntax: "CEIL(number) or CEIL(temporal TO unit)",
		Doc:     "Rounds a number up to an integer, or a date, time or timestamp up to a unit (MILLISECOND to MILLENNIUM). Weeks begin on Sunday; months and longer units look at the day only.",
		MinArgs: 1, MaxArgs: 2, Bind: func(a []Arg) (*Call, error) { return bindRound("CEIL", a, true) },
		Examples: []Example{{"CEIL(1.2)", "2"}, {"CEIL(TIMESTAMP '2024-03-15 12:34:56.789' TO HOUR)", "2024-03-15 13:00:00.000"}, {"CEIL(DATE '2024-03-15' TO MONTH)", "2024-04-01"}}},
	{Name: "FLOOR", Syntax: "FLOOR(number) or FLOOR(temporal TO unit)",
		Doc:     "Rounds a number down to an integer, or a date, time or timestamp down to a unit (MILLISECOND to MILLENNIUM). Weeks begin on Sunday.",
		MinArgs: 1, MaxArgs: 2, Bind: func(a []Arg) (*Call, error) { return bindRound("FLOOR", a, false) },
		Examples: []Example{{"FLOOR(-1.2)", "-2"}, {"FLOOR(TIMESTAMP '2024-03-15 12:34:56.789' TO HOUR)", "2024-03-15 12:00:00.000"}}},
	{Name: "ROUND", Syntax: "ROUND(number[, digits])", Doc: "Rounds to a number of digits after the point (by default none; before it where negative), halves away from zero. Integers wrap.",
		MinArgs: 1, MaxArgs: 2, Bind: func(a []Arg) (*Call, error) { return bindDigits("ROUND", a, false) },
		Examples: []Example{{"ROUND(2.345, 2)", "2.35"}, {"ROUND(1234, -2)", "1200"}, {"ROUND(CAST(2.675 AS DOUBLE), 2)", "2.68"}}},
	{Name: "TRUNCATE", Syntax: "TRUNCATE(number[, digits])", Doc: "Cuts to a number of digits after the point (by default none; before it where negative).",
		MinArgs: 1, MaxArgs: 2, Bind: func(a []Arg) (*Call, error) { return bindDigits("TRUNCATE", a, true) },
		Examples: []Example{{"TRUNCATE(2.789, 2)", "2.78"}, {"TRUNCATE(123, -1)", "120"}}},
	declare("SIGN", "SIGN(number)", "Gives -1, 0 or 1 in the type of the number.",
		sig{in: pp(pNumber), out: likeArg(0), prep: bindSign}, "SIGN(-3)", "-1", "SIGN(-3.5)", "-1.0"),
	declare("POWER", "POWER(base, exponent)", "Gives the base to the power of the exponent.",
		sig{in: pp(pDouble, pDouble), out: returnsDouble, eval: doubles2(power)}, "POWER(2, 10)", "1024.0"),
	declare("LOG", "LOG([base,] number)", "Gives the logarithm, natural where no base is given.",
		sig{in: pp(pDouble, pDouble), opt: 1, out: returnsDouble, prep: bindLog}, "LOG(2, 8)", "3.0", "LOG(10)", "2.302585092994046"),
	declare("ATAN2", "ATAN2(y, x)", "Gives the angle of the point (x, y), in radians.",
		sig{in: pp(pDouble, pDouble), out: returnsDouble, eval: doubles2(math.Atan2)}, "ATAN2(1, 2)", "0.4636476090008061"),
	double1("SQRT", "the square root", math.Sqrt, "SQRT(4.0)", "2.0"),
	double1("EXP", "e to the power of the number", math.Exp, "EXP(1)", "2.718281828459045"),
	double1("LN", "the natural logarithm; -Infinity of 0 and NaN below", math.Log, "LN(10)", "2.302585092994046"),
	double1("LOG10", "the logarithm of base 10", log10, "LOG10(1000)", "3.0"),
	double1("LOG2", "the logarithm of base 2", func(x float64) float64 { return math.Log(x) / math.Ln2 }, "LOG2(8)", "3.0"),
	double1("SIN", "the sine of an angle in radians", math.Sin, "SIN(1)", "0.8414709848078965"),
	double1("COS", "the cosine of an angle in radians", math.Cos, "COS(1)", "0.5403023058681398"),
	double1("TAN", "the tangent of an angle in radians", tan, "TAN(1)", "1.5574077246549023"),
	double1("COT", "the cotangent of an angle in radians", func(x float64) float64 { return 1 / tan(x) }, "COT(1)", "0.6420926159343306"),
	double1("ASIN", "the arc sine, in radians", arcSin, "ASIN(1)", "1.5707963267948966"),
	double1("ACOS", "the arc cosine, in radians; NaN outside of -1 to 1", arcCos, "ACOS(2)", "NaN"),
	double1("ATAN", "the arc tangent, in radians", math.Atan, "ATAN(1)", "0.7853981633974483"),
	double1("SINH", "the hyperbolic sine", sinh, "SINH(1)", "1.1752011936438014"),
	double1("COSH", "the hyperbolic cosine", cosh, "COSH(3)", "10.067661995777765"),
	double1("TANH", "the hyperbolic tangent", tanh, "TANH(1)", "0.7615941559557649"),
	double1("DEGREES", "an angle in radians as degrees", func(x float64) float64 { return x * (180 / math.Pi) }, "DEGREES(PI())", "180.0"),
	double1("RADIANS", "an angle in degrees as radians", func(x float64) float64 { return x * (math.Pi / 180) }, "RADIANS(180)", "3.141592653589793"),
	declare("PI", "PI()", "Gives the number pi.", sig{out: returnsDouble, null: neverNull, eval: constDouble(math.Pi)}, "PI()", "3.141592653589793"),
	declare("E", "E()", "Gives Euler's number.", sig{out: returnsDouble, null: neverNull, eval: constDouble(math.E)}, "E()", "2.718281828459045"),
}

// double1 declares a function of one DOUBLE.
func double1(name, what string, f func(float64) float64, examples ...string) *Func {
	return declare(name, name+"(number)", "Gives "+what+".", sig{in: pp(pDouble), out: returnsDouble, eval: doubles1(f)}, examples...)
}

// doubles1 calls f by value, once a row: these functions cost far more than the call.
func doubles1(f func(float64) float64) Kernel {
	return eval(types.DoubleType, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		in, out := columnOf[float64](a[0]), make([]float64, m.n)
		for i := range out {
			out[i] = f(in.at(i))
		}
		return vec.Float64s(out, m.bits)
	})
}

func doubles2(f func(a, b float64) float64) Kernel {
	return eval(types.DoubleType, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		x, y, out := columnOf[float64](a[0]), columnOf[float64](a[1]), make([]float64, m.n)
		for i := range out {
			out[i] = f(x.at(i), y.at(i))
		}
		return vec.Float64s(out, m.bits)
	})
}

func constDouble(v float64) Kernel {
	return func(*Ctx, []vec.Vec, int) (vec.Vec, error) { return vec.ConstFixed(types.DoubleType, v), nil }
}

func bindLog(args []Arg) (Kernel, error) {
	if len(args) == 1 {
		return doubles1(math.Log), nil
	}
	return doubles2(func(base, x float64) float64 { return math.Log(x) / math.Log(base) }), nil
}

func sinh(x float64) float64 {
	if a := math.Abs(x); a < 22 {
		t := math.Expm1(a)
		if a < 1 {
			return math.Copysign(0.5*(2*t-t*t/(t+1)), x)
		}
		return math.Copysign(0.5*(t+t/(t+1)), x)
	}
	return math.Sinh(x)
}

func cosh(x float64) float64 {
	a := math.Abs(x)
	switch {
	case a < 0.5*math.Ln2:
		t := math.Expm1(a)
		w := 1 + t
		return 1 + t*t/(w+w)
	case a < 22:
		t := math.Exp(a)
		return 0.5*t + 0.5/t
	}
	return math.Cosh(x)
}

func tanh(x float64) float64 {
	a := math.Abs(x)
	switch {
	case a >= 22 || math.IsNaN(x):
		return math.Tanh(x)
	case a >= 1:
		return math.Copysign(1-2/(math.Expm1(2*a)+2), x)
	}
	t := math.Expm1(-2 * a)
	return math.Copysign(-t/(t+2), x)
}

// numeric is what the loops over numbers are written for.
type numeric interface {
	int8 | int16 | int32 | int64 | float32 | float64
}

// mapNumbers makes the kernel of a function from a type to itself, with one loop a Go type.
func mapNumbers(t types.Type, ints kernels, dec func(decimal128.Num) decimal128.Num) (Kernel, error) {
	switch t.Kind {
	case types.TinyInt:
		return ints.i8, nil
	case types.SmallInt:
		return ints.i16, nil
	case types.Int, types.Null:
		return ints.i32, nil
	case types.BigInt:
		return ints.i64, nil
	case types.Float:
		return ints.f32, nil
	case types.Double:
		return ints.f64, nil
	case types.Decimal:
		return fixedEval(t, func(a []vec.Vec) func(int) (decimal128.Num, bool) {
			in := columnOf[decimal128.Num](a[0])
			return func(i int) (decimal128.Num, bool) { return dec(in.at(i)), true }
		}), nil
	}
	return nil, fmt.Errorf("no number: %s", t)
}

// kernels are the loops of one function for each Go type.
type kernels struct{ i8, i16, i32, i64, f32, f64 Kernel }

func absEval[T numeric](t types.Type) Kernel {
	dt := t.Arrow()
	return eval(t, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		in, out := columnOf[T](a[0]), make([]T, m.n)
		for i := range out {
			v := in.at(i)
			if v <= 0 {
				v = 0 - v
			}
			out[i] = v
		}
		return vec.Fixed(dt, out, m.bits)
	})
}

func bindAbs(args []Arg) (Kernel, error) {
	return mapNumbers(args[0].Type, kernels{absEval[int8](types.TinyIntType), absEval[int16](types.SmallIntType), absEval[int32](types.IntType),
		absEval[int64](types.BigIntType), absEval[float32](types.FloatType), absEval[float64](types.DoubleType)}, decimal128.Num.Abs)
}

func signEval[T numeric](t types.Type) Kernel {
	dt := t.Arrow()
	return eval(t, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		in, out := columnOf[T](a[0]), make([]T, m.n)
		for i := range out {
			switch v := in.at(i); {
			case v > 0:
				out[i] = 1
			case v < 0:
				out[i]--
			default:
				out[i] = v
			}
		}
		return vec.Fixed(dt, out, m.bits)
	})
}

func bindSign(args []Arg) (Kernel, error) {
	one := decimal128.GetScaleMultiplier(args[0].Type.Scale)
	return mapNumbers(args[0].Type, kernels{signEval[int8](types.TinyIntType), signEval[int16](types.SmallIntType), signEval[int32](types.IntType),
		signEval[int64](types.BigIntType), signEval[float32](types.FloatType), signEval[float64](types.DoubleType)},
		func(v decimal128.Num) decimal128.Num {
			switch v.Sign() {
			case 1:
				if v == (decimal128.Num{}) {
					return v
				}
				return one
			case -1:
				return one.Negate()
			}
			return v
		})
}

// bindRound binds CEIL and FLOOR, of a number or of a time.
func bindRound(name string, args []Arg, up bool) (*Call, error) {
	t := args[0].Type
	if t.IsDatetime() {
		return bindRoundTime(name, args, up)
	}
	if len(args) > 1 || !t.IsNumeric() && t.Kind != types.Null {
		return nil, fmt.Errorf("%s wants a number, or a date, time or timestamp with a unit as %s(x TO HOUR), got %s", name, name, t)
	}
	out := t
	call := &Call{Args: []types.Type{t}, Type: t}
	switch {
	case t.Kind == types.Null:
		call.Args[0], call.Type, out = types.IntType, types.IntType, types.IntType
		fallthrough
	case t.IsInteger():
		call.Eval = func(_ *Ctx, a []vec.Vec, _ int) (vec.Vec, error) { return a[0], nil }
	case t.Kind == types.Float:
		call.Eval = fixedEval(t, roundFloats[float32](up))
	case t.Kind == types.Double:
		call.Eval = fixedEval(t, roundFloats[float64](up))
	default:
		out.Scale = 0
		call.Type = out
		call.Eval = roundDecimals(t, out, up)
	}
	return call, nil
}

func roundFloats[T float32 | float64](up bool) func(a []vec.Vec) func(int) (T, bool) {
	return func(a []vec.Vec) func(int) (T, bool) {
		in := columnOf[T](a[0])
		return func(i int) (T, bool) {
			if up {
				return T(math.Ceil(float64(in.at(i)))), true
			}
			return T(math.Floor(float64(in.at(i)))), true
		}
	}
}

func roundDecimals(t, out types.Type, up bool) Kernel {
	unit := decimal128.GetScaleMultiplier(t.Scale)
	one := decimal128.FromI64(1)
	return fixedEval(out, func(a []vec.Vec) func(int) (decimal128.Num, bool) {
		in := columnOf[decimal128.Num](a[0])
		return func(i int) (decimal128.Num, bool) {
			v := in.at(i)
			q, r := v.Div(unit)
			switch {
			case r == (decimal128.Num{}):
			case up && v.Sign() > 0:
				q = q.Add(one)
			case !up && v.Sign() < 0:
				q = q.Sub(one)
			}
			return q, true
		}
	})
}
