package fn

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
	"weir/sql/vec"
)

// CompareFuncs is the comparisons and the tests for NULL and truth. Do not write to it.
var CompareFuncs = []*Func{
	compareFunc("=", "Tells whether two values are equal. NULL where either is.", Example{"1 = 1.0", "TRUE"}, Example{"'a' = 'A'", "FALSE"}),
	compareFunc("<>", "Tells whether two values differ. NULL where either is.", Example{"1 <> 2", "TRUE"}, Example{"CAST(NULL AS INT) <> 2", "NULL"}),
	compareFunc("<", "Tells whether a value is below another. Text is compared by its bytes.", Example{"1 < 2", "TRUE"}, Example{"'a' < 'B'", "FALSE"}),
	compareFunc("<=", "Tells whether a value is at most another.", Example{"2 <= 2", "TRUE"}),
	compareFunc(">", "Tells whether a value is above another.", Example{"TRUE > FALSE", "TRUE"}),
	compareFunc(">=", "Tells whether a value is at least another.", Example{"DATE '2024-01-02' >= DATE '2024-01-01'", "TRUE"}),
	compareFunc("IS DISTINCT FROM", "Tells whether two values differ, NULL being a value like others. Never NULL.",
		Example{"1 IS DISTINCT FROM CAST(NULL AS INT)", "TRUE"}),
	compareFunc("IS NOT DISTINCT FROM", "Tells whether two values are equal, NULL being a value like others. Never NULL.",
		Example{"CAST(NULL AS INT) IS NOT DISTINCT FROM CAST(NULL AS INT)", "TRUE"}),
	testFunc("IS NULL", "Tells whether a value is NULL.", Example{"CAST(NULL AS INT) IS NULL", "TRUE"}),
	testFunc("IS NOT NULL", "Tells whether a value is not NULL.", Example{"1 IS NOT NULL", "TRUE"}),
	testFunc("IS TRUE", "Tells whether a condition is TRUE; not so where it is NULL.", Example{"(1 = 1) IS TRUE", "TRUE"}),
	testFunc("IS NOT TRUE", "Tells whether a condition is FALSE or NULL.", Example{"CAST(NULL AS BOOLEAN) IS NOT TRUE", "TRUE"}),
	testFunc("IS FALSE", "Tells whether a condition is FALSE; not so where it is NULL.", Example{"(1 = 2) IS FALSE", "TRUE"}),
	testFunc("IS NOT FALSE", "Tells whether a condition is TRUE or NULL.", Example{"(1 = 2) IS NOT FALSE", "FALSE"}),
	testFunc("IS UNKNOWN", "Tells whether a condition is NULL.", Example{"CAST(NULL AS BOOLEAN) IS UNKNOWN", "TRUE"}),
	testFunc("IS NOT UNKNOWN", "Tells whether a condition is TRUE or FALSE.", Example{"(1 = 1) IS NOT UNKNOWN", "TRUE"}),
}

func compareFunc(op, doc string, examples ...Example) *Func {
	return &Func{
		Name: op, Syntax: "a " + op + " b", Doc: doc, Examples: examples, MinArgs: 2, MaxArgs: 2,
		Bind: func(args []Arg) (*Call, error) { return bindCompare(op, args[0].Type, args[1].Type) },
	}
}

// bindCompare brings two types to where they can be compared. Exact numbers of any two scales and text
// of any two lengths are compared as they are.
func bindCompare(op string, a, b types.Type) (*Call, error) {
	out := types.BooleanType.WithNull(holdsNull(a) || holdsNull(b))
	distinct := op == "IS DISTINCT FROM" || op == "IS NOT DISTINCT FROM"
	if distinct {
		out = out.WithNull(false)
	}
	x, y, ok := comparedTypes(a.WithNull(true), b.WithNull(true))
	if !ok {
		return nil, fmt.Errorf("cannot compare '%s' with '%s'; cast one of them", a.WithNull(true), b.WithNull(true))
	}
	if x.IsNested() && op != "=" && op != "<>" && !distinct {
		return nil, fmt.Errorf("'%s' does not order values of '%s'; only = and <> take them", op, x)
	}
	call := &Call{Args: []types.Type{x, y}, Type: out}
	switch op {
	case "IS DISTINCT FROM":
		call.Eval = distinctKernel(compareKernel("<>", x, y), true)
	case "IS NOT DISTINCT FROM":
		call.Eval = distinctKernel(compareKernel("=", x, y), false)
	default:
		call.Eval = compareKernel(op, x, y)
	}
	return call, nil
}

// holdsNull tells whether comparing a value may give NULL: it is NULL, or a row with a NULL in it.
func holdsNull(t types.Type) bool {
	if t.Nullable() {
		return true
	}
	for _, f := range t.Fields {
		if holdsNull(f.Type) {
			return true
		}
	}
	return false
}

// comparedTypes gives the types in which two values are compared.
func comparedTypes(a, b types.Type) (x, y types.Type, ok bool) {
	switch {
	case a.Kind == types.Null:
		return b, b, true
	case b.Kind == types.Null:
		return a, a, true
	case a.IsString() && b.IsString(), a.IsBytes() && b.IsBytes(), a.Kind == b.Kind && !a.IsNested() && !a.IsTimestamp():
		return a, b, true
	case a.IsExact() && b.IsExact() && (a.Kind == types.Decimal || b.Kind == types.Decimal):
		return exactType(a), exactType(b), true
	case a.IsString() && (b.IsDatetime() || b.Kind == types.Boolean):
		y, x, ok = comparedTypes(b, a)
		return x, y, ok
	case a.IsDatetime() && b.IsString():
		return a, a, true
	case a.Kind == types.Boolean && b.IsString():
		return types.StringType, b, true // as text, so 'true' is not TRUE but 'TRUE' is: Flink's answer
	}
	t, ok := LeastRestrictive(a, b)
	return t, t, ok
}

// compareKernel computes one of = <> < <= > >=.
func compareKernel(op string, a, b types.Type) Kernel {
	switch a.Kind {
	case types.TinyInt:
		return typedCompare[int8](op)
	case types.SmallInt:
		return typedCompare[int16](op)
	case types.Int, types.Date, types.Time0, types.IntervalYM:
		return typedCompare[int32](op)
	case types.BigInt, types.IntervalDS:
		return typedCompare[int64](op)
	case types.Float:
		return typedCompare[float32](op)
	case types.Double:
		return typedCompare[float64](op)
	case types.Timestamp, types.TimestampLTZ:
		if !a.Nanos() {
			return typedCompare[int64](op)
		}
	case types.Char, types.VarChar, types.Binary, types.VarBinary:
		return textCompare(op)
	case types.Decimal:
		return decimalOrder(op, a.Scale, b.Scale)
	case types.Row, types.Array, types.Map, types.Multiset:
		return nestedCompare(op == "<>", a)
	}
	return anyCompare(op)
}

// booleanKernel is the frame of a comparison: NULL where an argument is; loop sets the bits.
func booleanKernel(loop func(bits vec.Bitmap, n int, args []vec.Vec)) Kernel {
	return func(_ *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
		n, constant := rowsOf(n, args)
		valid, none := vec.Validity(n, args...)
		if none {
			return vec.ConstNull(types.BooleanType), nil
		}
		bits := vec.NewBitmap(n)
		loop(bits, n, args)
		return vec.Vec{Arr: vec.Bools(bits, n, valid), Const: constant}, nil
	}
}

func typedCompare[T anyNumber](op string) Kernel {
	loop, swap, not := equals[T], false, op == "<>"
	switch op {
	case "<":
		loop = lesses[T]
	case "<=":
		loop = atMosts[T]
	case ">":
		loop, swap = lesses[T], true
	case ">=":
		loop, swap = atMosts[T], true
	}
	return booleanKernel(func(bits vec.Bitmap, n int, args []vec.Vec) {
		a, b := vec.Values[T](args[0].Arr), vec.Values[T](args[1].Arr)
		if swap {
			a, b = b, a
		}
		loop(bits, n, a, b)
		if not {
			invert(bits)
		}
	})
}

func invert(bits vec.Bitmap) {
	for i := range bits {
		bits[i] = ^bits[i]
	}
}

// orderTest tells which results of a three-way comparison an operator takes.
func orderTest(op string) func(c int) bool {
	switch op {
	case "=":
		return func(c int) bool { return c == 0 }
	case "<>":
		return func(c int) bool { return c != 0 }
	case "<":
		return func(c int) bool { return c < 0 }
	case "<=":
		return func(c int) bool { return c <= 0 }
	case ">":
		return func(c int) bool { return c > 0 }
	case ">=":
		return func(c int) bool { return c >= 0 }
	}
	panic(fmt.Sprintf("fn: no comparison %q", op))
}

func decimalOrder(op string, s1, s2 int) Kernel {
	test := orderTest(op)
	return booleanKernel(func(bits vec.Bitmap, n int, args []vec.Vec) {
		a, b := vec.Dec(args[0]), vec.Dec(args[1])
		sa, sb := stepOf(args[0]), stepOf(args[1])
		if s1 == s2 {
			for i := range n {
				if test(a[i*sa].Cmp(b[i*sb])) {
					bits.Set(i)
				}
			}
			return
		}
		up := decimal128.GetScaleMultiplier(max(s1-s2, s2-s1))
		for i := range n {
			if test(compareScaled(a[i*sa], s1, b[i*sb], s2, up)) {
				bits.Set(i)
			}
		}
	})
}

// compareScaled is decimalCompare with a fast path for values of 64 bits; up is 10^|s1-s2|.
func compareScaled(a decimal128.Num, s1 int, b decimal128.Num, s2 int, up decimal128.Num) int {
	_, okA := asInt64(a)
	_, okB := asInt64(b)
	if okA && okB && up.HighBits() == 0 && int64(up.LowBits()) > 0 {
		if s1 < s2 {
			return a.Mul(up).Cmp(b)
		}
		return a.Cmp(b.Mul(up))
	}
	return decimalCompare(a, s1, b, s2)
}

// anyCompare compares the types without a loop of their own: BOOLEAN and TIMESTAMP(7-9).
func anyCompare(op string) Kernel {
	test := orderTest(op)
	return booleanKernel(func(bits vec.Bitmap, n int, args []vec.Vec) {
		order := vec.NewComparer(args[0].Arr, args[1].Arr)
		for i := range n {
			if test(order(args[0].At(i), args[1].At(i))) {
				bits.Set(i)
			}
		}
	})
}

// textCompare compares text and bytes by their bytes.
func textCompare(op string) Kernel {
	if op == "=" || op == "<>" {
		return booleanKernel(func(bits vec.Bitmap, n int, args []vec.Vec) {
			if args[0].Const {
				args = []vec.Vec{args[1], args[0]}
			}
			textEquals(bits, n, args[0], args[1])
			if op == "<>" {
				invert(bits)
			}
		})
	}
	test := orderTest(op)
	return booleanKernel(func(bits vec.Bitmap, n int, args []vec.Vec) {
		a, b := vec.TextOf(args[0]), vec.TextOf(args[1])
		for i := range n {
			x, y := a.String(i), b.String(i)
			c := 0
			if x < y {
				c = -1
			} else if x > y {
				c = 1
			}
			if test(c) {
				bits.Set(i)
			}
		}
	})
}

// textEquals tests text for equality; a constant comes second.
func textEquals(bits vec.Bitmap, n int, v, w vec.Vec) {
	a, b := vec.TextOf(v), vec.TextOf(w)
	if !w.Const || v.Const {
		for i := range n {
			if a.String(i) == b.String(i) {
				bits.Set(i)
			}
		}
		return
	}
	want := b.String(0)
	for i := range n {
		lo, hi := a.Offsets[i], a.Offsets[i+1]
		if int(hi-lo) == len(want) && string(a.Data[lo:hi]) == want {
			bits.Set(i)
		}
	}
}
