package fn

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"pgregory.net/rapid"

	"weir/sql/types"
	"weir/sql/vec"
)

func operator(t testing.TB, name string) *Func {
	for _, table := range [][]*Func{ArithFuncs, CompareFuncs} {
		for _, f := range table {
			if f.Name == name {
				return f
			}
		}
	}
	t.Fatalf("no operator %q", name)
	return nil
}

// apply binds an operator and runs it over arguments cast to what it wants.
func apply(t testing.TB, name string, ts []types.Type, args []vec.Vec, n int) (vec.Vec, types.Type, error) {
	given := make([]Arg, len(ts))
	for i := range ts {
		given[i].Type = ts[i]
	}
	call, err := operator(t, name).Bind(given)
	if err != nil {
		return vec.Vec{}, types.Type{}, err
	}
	cast := make([]vec.Vec, len(args))
	for i := range args {
		if cast[i], err = castValue(t, args[i], ts[i], call.Args[i], false, time.UTC); err != nil {
			t.Fatal(err)
		}
	}
	out, err := call.Eval(&Ctx{Zone: time.UTC}, cast, n)
	return out, call.Type, err
}

// checkBinary runs `a op b` as columns, as constants and mixed, and wants the same from each.
func checkBinary(t *testing.T, a, at, op, b, bt, want string) {
	t.Helper()
	ts := []types.Type{typeNamed(t, at), typeNamed(t, bt)}
	pad := func(text string, ty types.Type) vec.Vec { // rows 1 and 3 of a longer column, NULL between
		v := vec.ConstNull(ty)
		if text != "NULL" {
			v = value(t, text, ty)
		}
		return vec.ColVec(vec.Take(v.Arr, []int32{-1, 0, -1, 0})).Slice(1, 4)
	}
	for shape := range 4 {
		n, args := 3, []vec.Vec{pad(a, ts[0]), pad(b, ts[1])}
		for i := range args {
			if shape&(1<<i) != 0 {
				args[i] = vec.ConstVec(vec.Take(args[i].Arr, []int32{0}))
			}
		}
		out, ty, err := apply(t, op, ts, args, n)
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else {
			if out.Const != (shape == 3) && !out.Null() {
				t.Errorf("%s %s %s: constant is %v", a, op, b, out.Const)
			}
			got = string(AppendText(nil, ty, out.Arr, out.At(2), time.UTC)) + " " + ty.WithNull(true).String()
		}
		if got != want && !(strings.HasPrefix(want, "error: ") && strings.Contains(got, want[7:])) {
			t.Errorf("%s %s %s (shape %d): got %q, want %q", a, op, b, shape, got, want)
		}
	}
}

func TestArithmetic(t *testing.T) {
	f := func(a, at, op, b, bt, want string) { t.Helper(); checkBinary(t, a, at, op, b, bt, want) }
	f("100", "TINYINT", "+", "100", "TINYINT", "-56 TINYINT")
	f("100", "TINYINT", "+", "100", "SMALLINT", "200 SMALLINT")
	f("2147483647", "INT", "+", "1", "INT", "-2147483648 INT")
	f("-2147483648", "INT", "-", "1", "INT", "2147483647 INT")
	f("9007199254740993", "BIGINT", "*", "9007199254740993", "BIGINT", "18014398509481985 BIGINT")
	f("-7", "INT", "/", "2", "INT", "-3 INT")
	f("7", "INT", "/", "2", "BIGINT", "3 BIGINT")
	f("-128", "TINYINT", "/", "-1", "TINYINT", "-128 TINYINT")
	f("-2147483648", "INT", "%", "7", "INT", "-2 INT")
	f("7", "BIGINT", "%", "3", "INT", "1 INT")
	f("7", "INT", "%", "-3", "BIGINT", "1 BIGINT")
	f("1", "INT", "/", "0", "INT", "error: division by zero")
	f("1", "INT", "%", "0", "INT", "error: division by zero")
	f("1.5", "DOUBLE", "/", "0", "INT", "Infinity DOUBLE")
	f("0", "DOUBLE", "/", "0", "DOUBLE", "NaN DOUBLE")
	f("1.5", "FLOAT", "+", "1.5", "DOUBLE", "3.0 FLOAT")
	f("2", "DOUBLE", "-", "1.5", "FLOAT", "0.5 DOUBLE")
	f("0.1", "FLOAT", "+", "0.10", "DECIMAL(5, 2)", "0.20000000149011612 DOUBLE")
	f("9007199254740993", "BIGINT", "*", "0.1", "FLOAT", "9.0071994E14 FLOAT")
	f("1e300", "DOUBLE", "*", "16777217", "INT", "1.6777217E307 DOUBLE")
	f("7.5", "DOUBLE", "%", "2", "INT", "error: exact numbers")
	f("1", "STRING", "+", "1", "INT", "error: cannot apply '+' to 'STRING' and 'INT'")
	f("NULL", "INT", "/", "0", "INT", "NULL INT")
	f("1", "INT", "+", "NULL", "BIGINT", "NULL BIGINT")
}

func TestDecimalArithmetic(t *testing.T) {
	f := func(a, at, op, b, bt, want string) { t.Helper(); checkBinary(t, a, at, op, b, bt, want) }
	f("0.10", "DECIMAL(10, 2)", "+", "7", "INT", "7.10 DECIMAL(13, 2)")
	f("-0.99", "DECIMAL(10, 2)", "-", "9223372036854775807", "BIGINT", "-9223372036854775807.99 DECIMAL(22, 2)")
	f("12345678.12", "DECIMAL(10, 2)", "*", "12345678.12", "DECIMAL(10, 2)", "152415768242646.7344 DECIMAL(21, 4)")
	f("12345678.12", "DECIMAL(10, 2)", "/", "3", "INT", "4115226.0400000000000 DECIMAL(21, 13)")
	f("-0.99", "DECIMAL(10, 2)", "%", "7", "INT", "-0.99 DECIMAL(10, 2)")
	f("12345678.12", "DECIMAL(10, 2)", "%", "7", "INT", "2.12 DECIMAL(10, 2)")
	f("16777217", "INT", "/", "7.0", "DECIMAL(3, 1)", "2396745.285714 DECIMAL(17, 6)")
	f("1", "INT", "/", "0", "DECIMAL(3, 1)", "error: division by zero")
	f("1", "DECIMAL(38, 0)", "/", "3", "DECIMAL(38, 0)", "0.333333 DECIMAL(38, 6)")
	f("12345678901234567890123456789012345678", "DECIMAL(38, 0)", "/", "7", "DECIMAL(38, 0)", "NULL DECIMAL(38, 6)")
	f("99999999999999999999", "DECIMAL(38, 0)", "*", "99999999999999999999", "DECIMAL(38, 0)", "NULL DECIMAL(38, 0)")
	f("99999999999999999999999999999999999999", "DECIMAL(38, 0)", "+", "1", "DECIMAL(38, 0)", "NULL DECIMAL(38, 0)")
	f("99999999999999999999999999999999999999", "DECIMAL(38, 0)", "-", "-1", "DECIMAL(38, 18)", "NULL DECIMAL(38, 6)")
	f("10", "DECIMAL(38, 18)", "*", "3", "DECIMAL(38, 18)", "30.000000 DECIMAL(38, 6)")
	f("5.5", "DECIMAL(38, 18)", "%", "2", "DECIMAL(38, 0)", "1.500000000000000000 DECIMAL(38, 18)")
	f("0.10", "DECIMAL(5, 2)", "*", "0.1", "DOUBLE", "0.010000000000000002 DOUBLE")
}

func TestTimeArithmetic(t *testing.T) {
	days, months := types.Type{Kind: types.IntervalDS, Interval: "DAY"}, types.Type{Kind: types.IntervalYM, Interval: "MONTH"}
	f := func(op, text, ty string, by types.Type, amount int64, want string) {
		t.Helper()
		interval := vec.ConstFixed(days, amount)
		if by.Kind == types.IntervalYM {
			interval = vec.ConstFixed(months, int32(amount))
		}
		a := typeNamed(t, ty)
		out, got, err := apply(t, op, []types.Type{a, by}, []vec.Vec{vec.ColVec(value(t, text, a).Column(3)), interval}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(AppendText(nil, got, out.Arr, 0, time.UTC)); text != want || !got.Same(a) {
			t.Errorf("got %s %s, want %s", got, text, want)
		}
	}
	const hour = 3_600_000
	f("+", "2024-01-31", "DATE", months, 1, "2024-02-29")
	f("-", "2024-02-29", "DATE", months, 12, "2023-02-28")
	f("-", "1969-12-31", "DATE", days, 25*hour, "1969-12-30")
	f("-", "2024-01-31", "DATE", days, hour, "2024-01-31")
	f("-", "00:34:56", "TIME(0)", days, hour, "23:34:56")
	f("+", "23:59:59", "TIME(0)", days, 1500, "00:00:00")
	f("+", "2024-01-31 01:02:03.456789", "TIMESTAMP(6)", days, 1500, "2024-01-31 01:02:04.956789")
	f("+", "2024-01-31 01:02:03.123456789", "TIMESTAMP(9)", months, 1, "2024-02-29 01:02:03.123456789")
	f("-", "1969-12-31 23:59:59.999", "TIMESTAMP(3)", months, 1, "1969-11-30 23:59:59.999")
	f("+", "2024-03-31 00:30:00", "TIMESTAMP_LTZ(3)", days, 24*hour, "2024-04-01 00:30:00.000")

	pair := func(op string, a, b types.Type, x, y vec.Vec, want string) {
		t.Helper()
		out, ty, err := apply(t, op, []types.Type{a, b}, []vec.Vec{x, y}, 1)
		got := "error"
		if err == nil {
			got = string(AppendText(nil, ty, out.Arr, 0, time.UTC)) + " " + ty.String()
		}
		if got != want {
			t.Errorf("%s %s %s: got %q, want %q (%v)", a, op, b, got, want, err)
		}
	}
	day, month, three := vec.ConstFixed(days, int64(24*hour)), vec.ConstFixed(months, int32(14)), vec.ConstFixed(types.IntType, int32(3))
	pair("+", days, days, day, day, "+2 00:00:00.000 INTERVAL SECOND(3)")
	pair("-", months, months, month, month, "+0-00 INTERVAL MONTH")
	pair("*", types.IntType, days, three, day, "+3 00:00:00.000 INTERVAL SECOND(3)")
	pair("*", months, types.IntType, month, three, "+3-06 INTERVAL MONTH")
	pair("+", months, days, month, day, "error")
	pair("/", days, types.IntType, day, three, "error")
	pair("+", days, types.DateType, day, value(t, "2024-01-31", types.DateType), "2024-02-01 DATE")
	pair("-", types.DateType, types.DateType, value(t, "2024-01-31", types.DateType), value(t, "2024-01-31", types.DateType), "error")
}

func TestNegate(t *testing.T) {
	f := func(text, ty, want string) {
		t.Helper()
		in := typeNamed(t, ty)
		out, got, err := apply(t, "-", []types.Type{in}, []vec.Vec{value(t, text, in)}, 1)
		if err != nil || string(AppendText(nil, got, out.Arr, 0, time.UTC)) != want {
			t.Errorf("-%s is %v, want %s (%v)", text, out.Arr, want, err)
		}
	}
	f("-128", "TINYINT", "-128")
	f("5", "BIGINT", "-5")
	f("0", "DOUBLE", "-0.0")
	f("-0.99", "DECIMAL(10, 2)", "0.99")
}

// TestDecimalsAgainstBig holds the fast paths against big integers.
func TestDecimalsAgainstBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (v decimal128.Num, scale int) {
			digits := rapid.IntRange(1, 38).Draw(t, name+" digits")
			m := new(big.Int).Rem(new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name)), bigPow10(digits))
			if rapid.Bool().Draw(t, name+" negative") {
				m.Neg(m)
			}
			return decimal128.FromBigInt(m), rapid.IntRange(0, digits).Draw(t, name+" scale")
		}
		a, s1 := draw("a")
		b, s2 := draw("b")
		to, prec := rapid.IntRange(0, 38).Draw(t, "scale"), rapid.IntRange(1, 38).Draw(t, "prec")
		same := func(what string, got decimal128.Num, ok bool, want decimal128.Num, wantOK bool) {
			if ok != wantOK || ok && got != want {
				t.Fatalf("%s: got %v %v, want %v %v", what, got.BigInt(), ok, want.BigInt(), wantOK)
			}
		}
		got, ok := rescale(a, s1, to, prec)
		want, wantOK := fromBig(a.BigInt(), s1, to, prec)
		same("rescale", got, ok, want, wantOK)
		short := min(to, s1+s2) // a product is never lengthened
		got, ok = decimalMul(a, b, s1+s2, short, prec)
		want, wantOK = fromBig(new(big.Int).Mul(a.BigInt(), b.BigInt()), s1+s2, short, prec)
		same("mul", got, ok, want, wantOK)
		scale := max(s1, s2)
		x := new(big.Int).Mul(a.BigInt(), bigPow10(scale-s1))
		y := new(big.Int).Mul(b.BigInt(), bigPow10(scale-s2))
		got, ok = decimalAdd(a, s1, b, s2, to, prec)
		want, wantOK = fromBig(new(big.Int).Add(x, y), scale, to, prec)
		same("add", got, ok, want, wantOK)
		if c := decimalCompare(a, s1, b, s2); c != x.Cmp(y) {
			t.Fatalf("compare gives %d", c)
		}
		if y.Sign() == 0 {
			return
		}
		got, ok = decimalMod(a, s1, b, s2, to, prec)
		want, wantOK = fromBig(new(big.Int).Rem(x, y), scale, to, prec)
		same("mod", got, ok, want, wantOK)
		got, ok = decimalDiv(a, s1, b, s2, to, prec)
		want, wantOK = wideQuotient(x, y, to, prec)
		same("div", got, ok, want, wantOK)
		text := string(AppendDecimal(nil, a, s1))
		if back, ok := ParseDecimal(text, 38, s1); !ok || back != a {
			t.Fatalf("%s reads as %v", text, back)
		}
	})
}

// wideQuotient rounds x/y to 38 digits and then to the scale.
func wideQuotient(x, y *big.Int, to, prec int) (decimal128.Num, bool) {
	r := new(big.Rat).SetFrac(x, y)
	if r.Sign() == 0 {
		return decimal128.Num{}, true
	}
	abs, exp := new(big.Rat).Abs(r), 0
	for one := big.NewRat(1, 1); abs.Cmp(one) < 0; exp++ {
		abs.Mul(abs, big.NewRat(10, 1))
	}
	for ten := big.NewRat(10, 1); abs.Cmp(ten) >= 0; exp-- {
		abs.Quo(abs, ten)
	}
	k := 37 + exp // digits after the point that make 38 in all
	n, d := new(big.Int).Set(r.Num()), new(big.Int).Set(r.Denom())
	if k >= 0 {
		n.Mul(n, bigPow10(k))
	} else {
		d.Mul(d, bigPow10(-k))
	}
	return fromBig(divHalfUp(n, d), k, to, prec)
}

func BenchmarkArithmetic(b *testing.B) {
	const n = 4096
	ints, floats, decimals := make([]int64, n), make([]float64, n), make([]decimal128.Num, n)
	for i := range ints {
		ints[i], floats[i], decimals[i] = int64(i), float64(i), decimal128.FromI64(int64(i))
	}
	ty := types.DecimalType(10, 2)
	cols := map[string]vec.Vec{"BIGINT": vec.ColVec(vec.Int64s(ints, nil)), "DOUBLE": vec.ColVec(vec.Float64s(floats, nil)),
		"DECIMAL(10, 2)": vec.ColVec(vec.Decimals(ty, decimals, nil))}
	for _, op := range []string{"+", "*", "/", "<", "="} {
		for name, col := range cols {
			at := typeNamed(b, name)
			call, err := operator(b, op).Bind([]Arg{{Type: at}, {Type: at}})
			if err != nil {
				b.Fatal(err)
			}
			args := []vec.Vec{col, vec.ConstVec(vec.Take(col.Arr, []int32{7}))}
			b.Run(fmt.Sprint(op, " ", name), func(b *testing.B) {
				for range b.N {
					if _, err := call.Eval(&Ctx{}, args, n); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e6, "Mrows/s")
			})
		}
	}
}
