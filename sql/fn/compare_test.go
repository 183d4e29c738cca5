package fn

import (
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

func TestCompare(t *testing.T) {
	f := func(a, at, op, b, bt, want string) {
		t.Helper()
		if want != "TRUE" && want != "FALSE" && want != "NULL" {
			checkBinary(t, a, at, op, b, bt, want)
			return
		}
		checkBinary(t, a, at, op, b, bt, want+" BOOLEAN")
	}
	f("1", "INT", "=", "1.0", "DECIMAL(3, 1)", "TRUE")
	f("1", "DECIMAL(38, 18)", "=", "1", "DECIMAL(38, 0)", "TRUE")
	f("1.5", "DECIMAL(38, 18)", ">", "1", "DECIMAL(38, 0)", "TRUE")
	f("0.1", "FLOAT", "=", "0.1", "DOUBLE", "TRUE")  // as FLOAT
	f("0.1", "DOUBLE", "=", "0.1", "FLOAT", "FALSE") // as DOUBLE
	f("0.1", "FLOAT", "=", "0.10", "DECIMAL(10, 2)", "FALSE")
	f("16777217", "INT", "=", "16777216", "FLOAT", "TRUE")
	f("9007199254740993", "BIGINT", "<", "9007199254740994", "BIGINT", "TRUE")
	f("NaN", "DOUBLE", "=", "NaN", "DOUBLE", "FALSE")
	f("NaN", "DOUBLE", "<>", "NaN", "DOUBLE", "TRUE")
	f("NaN", "DOUBLE", ">=", "1", "DOUBLE", "FALSE")
	f("-0.0", "DOUBLE", "=", "0.0", "DOUBLE", "TRUE")
	f("a", "STRING", "=", "a", "CHAR(3)", "FALSE")
	f("a", "STRING", "<", "B", "STRING", "FALSE")
	f("a", "STRING", "<=", "a", "STRING", "TRUE")
	f("a", "STRING", "<>", "b", "STRING", "TRUE")
	f("true", "STRING", "=", "true", "BOOLEAN", "FALSE")
	f("true", "BOOLEAN", "=", "TRUE", "STRING", "TRUE")
	f("true", "BOOLEAN", ">", "false", "BOOLEAN", "TRUE")
	f("2024-01-01", "STRING", "=", "2024-01-01", "DATE", "TRUE")
	f("2024-01-01 00:00:00", "TIMESTAMP(3)", "=", "2024-01-01 00:00:00", "TIMESTAMP_LTZ(9)", "TRUE")
	f("2024-01-01 00:00:00.123456789", "TIMESTAMP(9)", ">", "2024-01-01 00:00:00.123456", "TIMESTAMP(6)", "TRUE")
	f("12:00:00", "TIME(0)", "<", "12:00:00.5", "TIME(3)", "TRUE")
	f("NULL", "INT", "=", "1", "INT", "NULL")
	f("1", "INT", "IS DISTINCT FROM", "NULL", "INT", "TRUE")
	f("NULL", "INT", "IS DISTINCT FROM", "NULL", "INT", "FALSE")
	f("NULL", "STRING", "IS NOT DISTINCT FROM", "NULL", "STRING", "TRUE")
	f("1", "INT", "IS NOT DISTINCT FROM", "1", "BIGINT", "TRUE")
	f("1", "STRING", "=", "1", "INT", "error: cannot compare 'STRING' with 'INT'")
	f("2024-01-01", "DATE", "=", "2024-01-01 00:00:00", "TIMESTAMP(3)", "error: cannot compare")
	f("true", "BOOLEAN", "=", "1", "INT", "error: cannot compare")
}

func TestCompareManyRows(t *testing.T) {
	const n = 37
	ints, threes := make([]int64, n), make([]int64, n)
	for i := range ints {
		ints[i], threes[i] = int64(i%7), 3
	}
	col, same := vec.ColVec(vec.Int64s(ints, nil)).Slice(5, n), vec.ColVec(vec.Int64s(threes, nil)).Slice(5, n)
	test := map[string]func(a int64) bool{"=": func(a int64) bool { return a == 3 }, "<>": func(a int64) bool { return a != 3 },
		"<": func(a int64) bool { return a < 3 }, "<=": func(a int64) bool { return a <= 3 },
		">": func(a int64) bool { return a > 3 }, ">=": func(a int64) bool { return a >= 3 }}
	flipped := map[string]string{"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
	ty := []types.Type{types.BigIntType, types.BigIntType}
	for op, want := range test {
		for _, c := range []struct {
			op   string
			args []vec.Vec
		}{{op, []vec.Vec{col, same}}, {op, []vec.Vec{col, vec.ConstFixed(types.BigIntType, int64(3))}},
			{flipped[op], []vec.Vec{vec.ConstFixed(types.BigIntType, int64(3)), col}}} {
			out, _, err := apply(t, c.op, ty, c.args, n-5)
			if err != nil {
				t.Fatal(err)
			}
			bits := vec.BitsOf(out.Arr)
			for i := range n - 5 {
				if bits.At(i) != want(ints[i+5]) {
					t.Fatalf("%s: row %d is %v", c.op, i, bits.At(i))
				}
			}
		}
	}
}

func TestCompareNested(t *testing.T) {
	row := types.RowType(types.Field{Name: "a", Type: types.IntType}, types.Field{Name: "b", Type: types.IntType})
	rows := func(null bool, a, b int32) vec.Vec {
		valid := vec.Bitmap{1}
		if null {
			valid = vec.Bitmap{0}
		}
		return vec.ConstVec(vec.Structs(row.Arrow().(*arrow.StructType), 1,
			[]arrow.Array{vec.Int32s([]int32{a}, nil), vec.Int32s([]int32{b}, valid)}, nil))
	}
	maps := func(keys []string, items ...int32) vec.Vec {
		return vec.ConstVec(vec.Maps([]int32{0, int32(len(keys))}, vec.StringValues(keys, nil), vec.Int32s(items, nil), nil))
	}
	list := vec.ConstVec(vec.Lists([]int32{0, 2}, vec.Int32s([]int32{1, 0}, vec.Bitmap{1}), nil))
	f := func(op string, ty types.Type, a, b vec.Vec, want string) {
		t.Helper()
		out, _, err := apply(t, op, []types.Type{ty, ty}, []vec.Vec{a, b}, 1)
		got := "error"
		if err == nil {
			got = string(AppendText(nil, types.BooleanType, out.Arr, 0, time.UTC))
		}
		if got != want {
			t.Errorf("%s of %s: got %s, want %s (%v)", op, ty, got, want, err)
		}
	}
	f("=", row, rows(false, 1, 2), rows(false, 1, 2), "TRUE")
	f("=", row, rows(true, 1, 0), rows(true, 1, 0), "TRUE")
	f("=", row, rows(true, 1, 0), rows(false, 1, 0), "FALSE")
	f("=", row, rows(true, 1, 0), rows(false, 2, 0), "FALSE")
	f("<>", row, rows(true, 1, 0), rows(false, 2, 0), "TRUE")
	f("IS NOT DISTINCT FROM", row, rows(true, 1, 0), rows(true, 1, 0), "TRUE")
	f("IS DISTINCT FROM", row, rows(true, 1, 0), rows(false, 1, 0), "TRUE")
	f("<", row, rows(false, 1, 2), rows(false, 1, 2), "error")
	ty := types.MapType(types.StringType, types.IntType)
	f("=", ty, maps([]string{"a", "b"}, 1, 2), maps([]string{"b", "a"}, 2, 1), "TRUE")
	f("=", ty, maps([]string{"a", "b"}, 1, 2), maps([]string{"a", "b"}, 1, 3), "FALSE")
	f("=", types.ArrayType(types.IntType), list, list, "TRUE")
}

func TestThreeValuedLogic(t *testing.T) {
	b := vec.NewBuilder(types.BooleanType).(*vec.BoolBuilder)
	for _, v := range []int{1, 1, 1, 0, 0, 0, 2, 2, 2, 1} {
		if v == 2 {
			b.AppendNull()
		} else {
			b.Append(v == 1)
		}
	}
	for range 3 {
		b.Append(true)
		b.Append(false)
		b.AppendNull()
	}
	all := vec.ColVec(b.Array())
	x, y := all.Slice(0, 9), all.Slice(10, 19)
	show := func(v vec.Vec) string {
		out := ""
		for i := range 9 {
			out += string(AppendText(nil, types.BooleanType, v.Arr, v.At(i), time.UTC)[:1])
		}
		return out
	}
	f := func(got vec.Vec, want string) {
		t.Helper()
		if show(got) != want {
			t.Errorf("got %s, want %s", show(got), want)
		}
	}
	f(And(9, x, y), "TFNFFFNFN")
	f(Or(9, x, y), "TTTTFNTNN")
	f(Not(x), "FFFTTTNNN")
	f(And(9, x, vec.ConstNull(types.BooleanType)), "NNNFFFNNN")
	f(Or(9, vec.ConstBool(true), x), "TTTTTTTTT")
	for name, want := range map[string]string{"IS TRUE": "TTTFFFFFF", "IS NOT TRUE": "FFFTTTTTT", "IS FALSE": "FFFTTTFFF",
		"IS NOT FALSE": "TTTFFFTTT", "IS UNKNOWN": "FFFFFFTTT", "IS NOT UNKNOWN": "TTTTTTFFF", "IS NULL": "FFFFFFTTT", "IS NOT NULL": "TTTTTTFFF"} {
		out, ty, err := apply(t, name, []types.Type{types.BooleanType}, []vec.Vec{x}, 9)
		if err != nil || ty.Nullable() {
			t.Fatal(ty, err)
		}
		f(out, want)
	}
}
