package fn

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
	"weir/sql/vec"
)

// bindNegate is the unary minus.
func bindNegate(t types.Type) (*Call, error) {
	call := &Call{Args: []types.Type{t.WithNull(true)}, Type: t}
	switch t.Kind {
	case types.TinyInt:
		call.Eval = negateKernel[int8](t)
	case types.SmallInt:
		call.Eval = negateKernel[int16](t)
	case types.Int, types.IntervalYM:
		call.Eval = negateKernel[int32](t)
	case types.BigInt, types.IntervalDS:
		call.Eval = negateKernel[int64](t)
	case types.Float:
		call.Eval = negateKernel[float32](t)
	case types.Double:
		call.Eval = negateKernel[float64](t)
	case types.Decimal:
		call.Eval = mapKernel(t, func(out, in []decimal128.Num) {
			for i, v := range in {
				out[i] = v.Negate()
			}
		})
	default:
		return nil, fmt.Errorf("cannot apply '-' to '%s'", t.WithNull(true))
	}
	if t.IsInterval() {
		call.Type = intervalResult(t.Kind).WithNull(t.Nullable())
	}
	return call, nil
}

func negateKernel[T anyNumber](t types.Type) Kernel {
	return mapKernel(t, func(out, in []T) {
		for i, v := range in {
			out[i] = -v
		}
	})
}

// mapKernel is the frame of a unary operator over raw values that keeps NULLs.
func mapKernel[S, D arrow.FixedWidthType](t types.Type, loop func(out []D, in []S)) Kernel {
	layout := t.Arrow()
	return func(_ *Ctx, args []vec.Vec, _ int) (vec.Vec, error) {
		in := args[0].Arr
		out := make([]D, in.Len())
		loop(out, vec.Values[S](in))
		return vec.Vec{Arr: vec.Fixed(layout, out, copyValid(in)), Const: args[0].Const}, nil
	}
}

// intervalResult is the type Flink gives computed intervals.
func intervalResult(k types.Kind) types.Type {
	if k == types.IntervalYM {
		return types.Type{Kind: k, Interval: "MONTH"}
	}
	return types.Type{Kind: k, Interval: "SECOND(3)"}
}

// bindInterval resolves an operator of which at least one side is an interval; nil where there is none.
func bindInterval(op string, a, b types.Type) *Call {
	nullable := a.Nullable() || b.Nullable()
	switch {
	case a.Kind == b.Kind && (op == "+" || op == "-"):
		t := intervalResult(a.Kind)
		call := &Call{Args: []types.Type{a.WithNull(true), b.WithNull(true)}, Type: t.WithNull(nullable)}
		call.Eval = intKernel(op, plainInterval(a.Kind))
		return call
	case op == "*" && a.IsInterval() && b.IsInteger(), op == "*" && b.IsInterval() && a.IsInteger():
		k := a.Kind
		if b.IsInterval() {
			k = b.Kind
		}
		plain := plainInterval(k)
		args := []types.Type{a.WithNull(true), b.WithNull(true)}
		for i := range args {
			if args[i].IsInteger() {
				args[i] = plain
			}
		}
		return &Call{Args: args, Type: intervalResult(k).WithNull(nullable), Eval: intKernel(op, plain)}
	case op == "+" && a.IsInterval() && b.IsDatetime():
		call := bindInterval(op, b, a)
		if call == nil {
			return nil
		}
		eval := call.Eval
		call.Args[0], call.Args[1] = call.Args[1], call.Args[0]
		call.Eval = func(c *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
			return eval(c, []vec.Vec{args[1], args[0]}, n)
		}
		return call
	case (op == "+" || op == "-") && a.IsDatetime() && b.IsInterval() && !(a.Kind == types.Time0 && b.Kind == types.IntervalYM):
		call := &Call{Args: []types.Type{a.WithNull(true), b.WithNull(true)}, Type: a.WithNull(nullable)}
		call.Eval = shiftKernel(a, b.Kind == types.IntervalYM, op == "-")
		return call
	}
	return nil
}

// plainInterval is the integer with an interval's layout.
func plainInterval(k types.Kind) types.Type {
	if k == types.IntervalYM {
		return types.IntType
	}
	return types.BigIntType
}

// shiftKernel moves dates, times and timestamps by intervals. TIMESTAMP_LTZ moves in UTC, as in Flink.
func shiftKernel(t types.Type, months, minus bool) Kernel {
	return func(_ *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
		n, constant := rowsOf(n, args)
		valid, none := vec.Validity(n, args...)
		if none {
			return vec.ConstNull(t), nil
		}
		by := shifts(args[1], months, minus)
		step := stepIn(by, make([]struct{}, n))
		at, arr := args[0].Column(n), arrow.Array(nil)
		switch {
		case t.Kind == types.Date:
			arr = vec.Fixed(t.Arrow(), shiftDates(vec.Values[int32](at), by, step, months), valid)
		case t.Kind == types.Time0:
			arr = vec.Fixed(t.Arrow(), shiftTimes(vec.Values[int32](at), by, step), valid)
		case t.Nanos():
			us, ns := vec.NanosOf(at)
			arr = vec.Nanos(shiftMicros(us, by, step, months), ns, valid)
		default:
			arr = vec.Timestamps(t, shiftMicros(vec.Values[int64](at), by, step, months), valid)
		}
		return vec.Vec{Arr: arr, Const: constant}, nil
	}
}

// shifts reads intervals as months or milliseconds, of turned sign where they are subtracted.
func shifts(v vec.Vec, months, minus bool) []int64 {
	by := make([]int64, v.Arr.Len())
	if months {
		convert(by, vec.I32(v))
	} else {
		copy(by, vec.I64(v))
	}
	if minus {
		for i := range by {
			by[i] = -by[i]
		}
	}
	return by
}

func shiftMicros(us, by []int64, step int, months bool) []int64 {
	out := make([]int64, len(us))
	switch {
	case months:
		for i, v := range us {
			out[i] = addMonthsMicros(v, by[i*step])
		}
	case step == 0:
		delta := by[0] * 1000
		for i, v := range us {
			out[i] = v + delta
		}
	default:
		for i, v := range us {
			out[i] = v + by[i]*1000
		}
	}
	return out
}

// shiftDates moves dates by months or by the whole days of an interval.
func shiftDates(days []int32, by []int64, step int, months bool) []int32 {
	out := make([]int32, len(days))
	for i, v := range days {
		if months {
			out[i] = int32(addMonthsDays(int64(v), by[i*step]))
		} else {
			out[i] = v + int32(by[i*step]/millisPerDay)
		}
	}
	return out
}

// shiftTimes moves times of day around the clock.
func shiftTimes(ms []int32, by []int64, step int) []int32 {
	out := make([]int32, len(ms))
	for i, v := range ms {
		_, rest := divFloor(int64(v)+by[i*step], millisPerDay)
		out[i] = int32(rest)
	}
	return out
}
