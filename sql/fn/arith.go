package fn

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// ArithFuncs is the arithmetic operators. Do not write to it.
var ArithFuncs = []*Func{
	{
		Name: "+", Syntax: "a + b", MinArgs: 2, MaxArgs: 2,
		Doc: "Adds numbers; integers wrap around at the end of their type, a DECIMAL that grows too long is NULL. " +
			"Adds an interval to a date, a time, a timestamp or another interval.",
		Examples: []Example{{"1 + 2", "3"}, {"1 + 1.5", "2.5"}, {"2147483647 + 1", "-2147483648"},
			{"DATE '2024-01-31' + INTERVAL '1' MONTH", "2024-02-29"}},
		Bind: func(args []Arg) (*Call, error) { return bindArith("+", args[0].Type, args[1].Type) },
	},
	{
		Name: "-", Syntax: "a - b, -a", MinArgs: 1, MaxArgs: 2,
		Doc: "Subtracts numbers, or an interval from a date, a time, a timestamp or another interval. " +
			"With one argument it turns the sign of a number or an interval.",
		Examples: []Example{{"5 - 7", "-2"}, {"-(1.5)", "-1.5"}, {"TIMESTAMP '2024-01-31 01:02:03' - INTERVAL '1' DAY", "2024-01-30 01:02:03"}},
		Bind: func(args []Arg) (*Call, error) {
			if len(args) == 1 {
				return bindNegate(args[0].Type)
			}
			return bindArith("-", args[0].Type, args[1].Type)
		},
	},
	{
		Name: "*", Syntax: "a * b", MinArgs: 2, MaxArgs: 2,
		Doc:      "Multiplies numbers, or an interval by an integer. Integers wrap around; a DECIMAL that grows too long is NULL.",
		Examples: []Example{{"6 * 7", "42"}, {"1.55 * 2", "3.10"}, {"INTERVAL '1' DAY * 3", "+3 00:00:00.000"}},
		Bind:     func(args []Arg) (*Call, error) { return bindArith("*", args[0].Type, args[1].Type) },
	},
	{
		Name: "/", Syntax: "a / b", MinArgs: 2, MaxArgs: 2,
		Doc: "Divides numbers. Integers divide to an integer, cut toward zero; a DECIMAL quotient is rounded half up. " +
			"Dividing exact numbers by zero is an error, FLOAT and DOUBLE give an infinity or NaN.",
		Examples: []Example{{"-7 / 2", "-3"}, {"10.00 / 3", "3.3333333333333"}, {"1 / 0", "error: division by zero"}},
		Bind:     func(args []Arg) (*Call, error) { return bindArith("/", args[0].Type, args[1].Type) },
	},
	{
		Name: "%", Aliases: []string{"MOD"}, Syntax: "a % b, MOD(a, b)", MinArgs: 2, MaxArgs: 2,
		Doc:      "Gives the rest of a division of exact numbers, with the sign of the first. A rest by zero is an error.",
		Examples: []Example{{"-7 % 3", "-1"}, {"MOD(7.5, 2)", "1.5"}, {"7 % 0", "error: division by zero"}},
		Bind:     func(args []Arg) (*Call, error) { return bindArith("%", args[0].Type, args[1].Type) },
	},
}

var errDivisionByZero = errors.New("division by zero")

func bindArith(op string, a, b types.Type) (*Call, error) {
	switch {
	case a.Kind == types.Null || b.Kind == types.Null:
		return nil, fmt.Errorf("'%s' does not take an untyped NULL; write CAST(NULL AS ...) with a type", op)
	case a.IsNumeric() && b.IsNumeric():
		return bindNumbers(op, a, b)
	case a.IsInterval() || b.IsInterval():
		if call := bindInterval(op, a, b); call != nil {
			return call, nil
		}
	}
	hint := ""
	if op == "-" && a.IsDatetime() && b.IsDatetime() {
		hint = "; write (a - b) DAY, or TIMESTAMPDIFF(DAY, b, a)"
	}
	return nil, fmt.Errorf("cannot apply '%s' to '%s' and '%s'%s", op, a.WithNull(true), b.WithNull(true), hint)
}

func bindNumbers(op string, a, b types.Type) (*Call, error) {
	nullable := a.Nullable() || b.Nullable()
	switch {
	case a.IsFloat() || b.IsFloat():
		if op == "%" {
			return nil, fmt.Errorf("'%s' takes exact numbers, not '%s' and '%s'; cast them to DECIMAL", op, a.WithNull(true), b.WithNull(true))
		}
		wide, _ := LeastRestrictive(a.WithNull(true), b.WithNull(true))
		eval := floatKernel[float64](op, wide)
		if wide.Kind == types.Float {
			eval = floatKernel[float32](op, wide)
		}
		return &Call{Args: []types.Type{wide, wide}, Type: wide.WithNull(nullable), Eval: eval}, nil
	case a.Kind == types.Decimal || b.Kind == types.Decimal:
		return bindDecimals(op, exactType(a), exactType(b), nullable), nil
	}
	wide, _ := LeastRestrictive(a.WithNull(true), b.WithNull(true))
	out := wide
	if op == "%" {
		out = b // the rest is smaller than the divisor, so Flink gives it the divisor's type
	}
	call := &Call{Args: []types.Type{wide, wide}, Type: out.WithNull(nullable), Eval: intKernel(op, wide)}
	if out.Kind != wide.Kind {
		call.Eval = thenCast(call.Eval, castNumber(wide, out))
	}
	return call, nil
}

func thenCast(eval Kernel, cast castFunc) Kernel {
	return func(c *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
		v, err := eval(c, args, n)
		if err == nil {
			v.Arr = cast(&castRun{zone: c.Zone}, v.Arr)
		}
		return v, err
	}
}

func intKernel(op string, t types.Type) Kernel {
	switch t.Kind {
	case types.TinyInt:
		return integerKernel[int8](op, t)
	case types.SmallInt:
		return integerKernel[int16](op, t)
	case types.Int:
		return integerKernel[int32](op, t)
	}
	return integerKernel[int64](op, t)
}

func integerKernel[T anyInteger](op string, t types.Type) Kernel {
	switch op {
	case "/":
		return strictKernel(t, quotients[T])
	case "%":
		return strictKernel(t, rests[T])
	}
	return strictKernel(t, totalLoop[T](op))
}

func floatKernel[T float32 | float64](op string, t types.Type) Kernel {
	if op == "/" {
		return strictKernel(t, func(out, a, b []T, _ vec.Bitmap) int { ratios(out, a, b); return -1 })
	}
	return strictKernel(t, totalLoop[T](op))
}

// totalLoop gives the loop of an operator that cannot fail.
func totalLoop[T anyNumber](op string) arithLoop[T] {
	loop := products[T]
	switch op {
	case "+":
		loop = sums[T]
	case "-":
		loop = differences[T]
	}
	return func(out, a, b []T, _ vec.Bitmap) int { loop(out, a, b); return -1 }
}

// arithLoop computes a column of values from two, of which either may be a single constant. It gives
// the row at fault, or -1; rows that are not valid hold anything.
type arithLoop[T arrow.FixedWidthType] func(out, a, b []T, valid vec.Bitmap) (bad int)

// strictKernel is the frame of a binary operator that is NULL where an argument is.
func strictKernel[T arrow.FixedWidthType](t types.Type, loop arithLoop[T]) Kernel {
	layout := t.Arrow()
	return func(_ *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
		n, constant := rowsOf(n, args)
		valid, none := vec.Validity(n, args...)
		if none {
			return vec.ConstNull(t), nil
		}
		out := make([]T, n)
		if bad := loop(out, vec.Values[T](args[0].Arr), vec.Values[T](args[1].Arr), valid); bad >= 0 {
			return vec.Vec{}, &RowError{Row: bad, Err: errDivisionByZero}
		}
		return vec.Vec{Arr: vec.Fixed(layout, out, valid), Const: constant}, nil
	}
}

// rowsOf tells whether the result is a constant, which takes one row.
func rowsOf(n int, args []vec.Vec) (rows int, constant bool) {
	for _, a := range args {
		if !a.Const {
			return n, false
		}
	}
	return 1, true
}

func sums[T anyNumber](out, a, b []T) {
	switch {
	case len(b) == 1:
		v := b[0]
		for i, x := range a[:len(out)] {
			out[i] = x + v
		}
	case len(a) == 1:
		v := a[0]
		for i, y := range b[:len(out)] {
			out[i] = v + y
		}
	default:
		b = b[:len(a)]
		for i, x := range a {
			out[i] = x + b[i]
		}
	}
}

func differences[T anyNumber](out, a, b []T) {
	switch {
	case len(b) == 1:
		v := b[0]
		for i, x := range a[:len(out)] {
			out[i] = x - v
		}
	case len(a) == 1:
		v := a[0]
		for i, y := range b[:len(out)] {
			out[i] = v - y
		}
	default:
		b = b[:len(a)]
		for i, x := range a {
			out[i] = x - b[i]
		}
	}
}

func products[T anyNumber](out, a, b []T) {
	switch {
	case len(b) == 1:
		v := b[0]
		for i, x := range a[:len(out)] {
			out[i] = x * v
		}
	case len(a) == 1:
		v := a[0]
		for i, y := range b[:len(out)] {
			out[i] = v * y
		}
	default:
		b = b[:len(a)]
		for i, x := range a {
			out[i] = x * b[i]
		}
	}
}

func ratios[T float32 | float64](out, a, b []T) {
	sa, sb := stepIn(a, out), stepIn(b, out)
	for i := range out {
		out[i] = a[i*sa] / b[i*sb]
	}
}

// stepIn is 0 where values are one constant for all rows.
func stepIn[T, D any](values []T, out []D) int {
	if len(values) == 1 && len(out) != 1 {
		return 0
	}
	return 1
}

// quotients divides integers; the least integer by -1 is itself, in Go as in Java.
func quotients[T anyInteger](out, a, b []T, valid vec.Bitmap) int {
	sa, sb := stepIn(a, out), stepIn(b, out)
	for i := range out {
		y := b[i*sb]
		if y == 0 {
			if valid.Get(i) {
				return i
			}
			continue
		}
		out[i] = a[i*sa] / y
	}
	return -1
}

func rests[T anyInteger](out, a, b []T, valid vec.Bitmap) int {
	sa, sb := stepIn(a, out), stepIn(b, out)
	for i := range out {
		y := b[i*sb]
		if y == 0 {
			if valid.Get(i) {
				return i
			}
			continue
		}
		out[i] = a[i*sa] % y
	}
	return -1
}
