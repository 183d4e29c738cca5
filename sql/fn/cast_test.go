package fn

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

// typeNamed finds a scalar type by its name.
func typeNamed(t testing.TB, name string) types.Type {
	all := []types.Type{types.BooleanType, types.TinyIntType, types.SmallIntType, types.IntType, types.BigIntType, types.FloatType,
		types.DoubleType, types.StringType, types.BytesType, types.DateType,
		{Kind: types.IntervalDS, Interval: "DAY"}, {Kind: types.IntervalYM, Interval: "MONTH"}}
	for p := range 10 {
		all = append(all, types.TimeType(p), types.TimestampType(p), types.LTZType(p), types.CharType(p), types.VarCharType(p))
	}
	for _, d := range []types.Type{types.DecimalType(3, 1), types.DecimalType(4, 1), types.DecimalType(5, 2), types.DecimalType(10, 2),
		types.DecimalType(10, 4), types.DecimalType(12, 4), types.DecimalType(38, 0), types.DecimalType(38, 8), types.DecimalType(38, 18), types.DecimalType(38, 38)} {
		all = append(all, d)
	}
	for _, ty := range all {
		if ty.String() == name {
			return ty
		}
	}
	t.Fatalf("no type %q", name)
	return types.Type{}
}

func castValue(t testing.TB, v vec.Vec, from, to types.Type, try bool, zone *time.Location) (vec.Vec, error) {
	kernel, err := Cast(from, to, try)
	if err != nil {
		t.Fatal(err)
	}
	return kernel(&Ctx{Zone: zone}, []vec.Vec{v}, v.Arr.Len())
}

// value makes a value of a type from its text.
func value(t testing.TB, text string, ty types.Type) vec.Vec {
	v := vec.ColVec(vec.StringValues([]string{"1", text, "0"}, nil))
	v = v.Slice(1, 2)
	if ty.IsInterval() || ty.IsBytes() {
		t.Fatal("no text form")
	}
	out, err := castValue(t, v, types.StringType, ty, false, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCasts(t *testing.T) {
	data, err := os.ReadFile("testdata/casts.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")[1:] {
		part := strings.Split(line, "|")
		from, to, want := typeNamed(t, part[1]), typeNamed(t, part[2]), part[3]
		in := value(t, part[0], from)
		got := "error"
		out, err := castValue(t, in, from, to, false, time.UTC)
		if err == nil {
			got = string(AppendText(nil, to, out.Arr, 0, time.UTC))
		}
		var row *RowError
		if err != nil && !errors.As(err, &row) {
			t.Errorf("%s: %v is no RowError", line, err)
		}
		if got != want {
			t.Errorf("%s: got %q (%v)", line, got, err)
		}
		tried, err := castValue(t, in, from, to, true, time.UTC)
		if err != nil || tried.Arr.IsNull(0) != (want == "error" || want == "NULL") {
			t.Errorf("%s: TRY_CAST gave %v, %v", line, tried.Arr, err)
		}
	}
}

func TestCastMatrix(t *testing.T) {
	row := types.RowType(types.Field{Name: "a", Type: types.IntType})
	all := []types.Type{types.BooleanType, types.IntType, types.DoubleType, types.DecimalType(5, 2), types.StringType, types.BytesType,
		types.DateType, types.TimeType(0), types.TimestampType(3), types.LTZType(3), {Kind: types.IntervalYM, Interval: "YEAR TO MONTH"},
		{Kind: types.IntervalDS, Interval: "DAY"}, types.ArrayType(types.IntType), types.MapType(types.StringType, types.IntType), row}
	want := []string{ // a line a source, a letter a target in the same order, as Flink 2.3 answers
		"yyyyyn nnnn nn nnn", "yyyyyn nnnn ny nnn", "yyyyyn nnnn nn nnn", "yyyyyn nnnn ny nnn", "yyyyyy yyyy nn nnn", "nnnnyy nnnn nn nnn",
		"nnnnyn ynyy nn nnn", "nnnnyn nyyy nn nnn", "nnnnyn yyyy nn nnn", "nnnnyn yyyy nn nnn", "nnnnyn nnnn yn nnn", "nnnnyn nnnn ny nnn",
		"nnnnyn nnnn nn ynn", "nnnnyn nnnn nn nyn", "nnnnyn nnnn nn nny",
	}
	for i, from := range all {
		letters := strings.ReplaceAll(want[i], " ", "")
		for k, to := range all {
			_, err := Cast(from, to, false)
			if (err == nil) != (letters[k] == 'y') {
				t.Errorf("%s to %s: %v", from, to, err)
			}
			if err != nil && (!strings.Contains(err.Error(), from.String()) || !strings.Contains(err.Error(), to.String())) {
				t.Errorf("%v does not name both types", err)
			}
		}
	}
}

func TestCastInZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zone data: ", err)
	}
	f := func(text string, from, to types.Type, want string) {
		t.Helper()
		in, err := castValue(t, vec.ConstString(text), types.StringType, from, false, berlin)
		if err != nil {
			t.Fatal(err)
		}
		out, err := castValue(t, in, from, to, false, berlin)
		if err != nil || !out.Const {
			t.Fatal(out, err)
		}
		if got := string(AppendText(nil, to, out.Arr, 0, berlin)); got != want {
			t.Errorf("%s as %s is %s, want %s", text, to, got, want)
		}
	}
	ts, ltz := types.TimestampType(3), types.LTZType(3)
	f("2024-03-31 02:30:00.5", ts, ltz, "2024-03-31 03:30:00.500")
	f("2024-10-27 02:30:00.123", ts, ltz, "2024-10-27 02:30:00.123")
	f("0001-01-01 00:00:00", ts, ltz, "0001-01-01 00:00:00.000")
	f("2024-07-01 02:00:00", ltz, ts, "2024-07-01 02:00:00.000")
	f("1970-01-01 00:59:59.999", ltz, types.TimeType(0), "00:59:59")
	f("1970-01-01 00:59:59.999", ltz, types.DateType, "1970-01-01")
	f("1969-12-31", types.DateType, ltz, "1969-12-31 00:00:00.000")
}

func TestCastNested(t *testing.T) {
	strs := types.ArrayType(types.StringType)
	list := vec.Lists([]int32{0, 1, 3, 3, 4}, vec.StringValues([]string{"skip", "1", "x", "300"}, nil), vec.Bitmap{0b1011})
	in := vec.ColVec(array.NewSlice(list, 1, 4))
	tiny := types.ArrayType(types.TinyIntType)
	out, err := castValue(t, in, strs, tiny, true, time.UTC)
	if err != nil || out.Arr.NullN() != 3 {
		t.Fatal(out.Arr, err) // [1, x] fails, NULL stays, [300] overflows
	}
	_, err = castValue(t, in, strs, tiny, false, time.UTC)
	var row *RowError
	if !errors.As(err, &row) || row.Row != 0 || !strings.Contains(err.Error(), "'x'") {
		t.Fatal(err)
	}
	from := types.RowType(types.Field{Name: "a", Type: types.IntType}, types.Field{Name: "b", Type: types.MapType(types.StringType, types.IntType)})
	to := types.RowType(types.Field{Name: "x", Type: types.StringType}, types.Field{Name: "y", Type: types.MapType(types.IntType, types.StringType)})
	m := vec.Maps([]int32{0, 1}, vec.StringValues([]string{"7"}, nil), vec.Int32s([]int32{8}, nil), nil)
	r := vec.Structs(from.Arrow().(*arrow.StructType), 1, []arrow.Array{vec.Int32s([]int32{5}, nil), m}, nil)
	out, err = castValue(t, vec.ColVec(r), from, to, false, time.UTC)
	if err != nil || string(AppendText(nil, to, out.Arr, 0, time.UTC)) != "(5, {7=8})" {
		t.Fatal(out.Arr, err)
	}
}

func TestCommonTypes(t *testing.T) {
	f := func(want, wantOperator string, ts ...types.Type) {
		t.Helper()
		for _, c := range []struct {
			how  func(...types.Type) (types.Type, bool)
			want string
		}{{CommonType, want}, {LeastRestrictive, wantOperator}} {
			got, ok := c.how(ts...)
			if text := fmt.Sprint(got); ok != (c.want != "none") || ok && text != c.want {
				t.Errorf("%v: got %s, want %s", ts, text, c.want)
			}
		}
	}
	d := types.DecimalType
	f("DOUBLE", "FLOAT", types.FloatType, types.DoubleType)
	f("DOUBLE", "DOUBLE", types.DoubleType, types.FloatType)
	f("FLOAT", "DOUBLE", d(5, 2), types.FloatType)
	f("DOUBLE", "DOUBLE", types.FloatType, d(5, 2))
	f("FLOAT", "FLOAT", types.BigIntType, types.FloatType)
	f("DECIMAL(11, 1)", "DECIMAL(11, 1)", types.IntType, d(2, 1))
	f("DECIMAL(38, 2)", "DECIMAL(38, 2)", d(38, 2), d(38, 30))
	f("DECIMAL(21, 2)", "DECIMAL(21, 2)", d(5, 2), types.BigIntType)
	f("VARCHAR(5)", "VARCHAR(5)", types.CharType(3), types.CharType(5))
	f("CHAR(3)", "CHAR(3)", types.CharType(3), types.CharType(3))
	f("VARBINARY(5)", "VARBINARY(5)", types.Type{Kind: types.Binary, Length: 1}, types.Type{Kind: types.VarBinary, Length: 5})
	f("TIMESTAMP_LTZ(6)", "TIMESTAMP_LTZ(6)", types.TimestampType(6), types.LTZType(3))
	f("DATE", "none", types.DateType, types.TimestampType(3))
	f("none", "none", types.DateType, types.TimeType(0))
	f("none", "none", types.CharType(1), types.IntType)
	f("none", "none", types.NullType)
	f("INT", "INT", types.NullType, types.IntType.WithNull(false))
	f("BIGINT NOT NULL", "BIGINT NOT NULL", types.IntType.WithNull(false), types.BigIntType.WithNull(false))
	f("ARRAY<BIGINT>", "ARRAY<BIGINT>", types.ArrayType(types.IntType), types.ArrayType(types.BigIntType))
	f("none", "none", types.ArrayType(types.IntType), types.ArrayType(types.StringType))
}

func FuzzCastFromString(f *testing.F) {
	for _, s := range []string{"", "1.5e3", "2024-02-30 24:00:00.5", "12:34:56+01:00", "0x1p3", "-.", "99999999999999999999"} {
		f.Add(s)
	}
	kinds := []types.Type{types.BooleanType, types.TinyIntType, types.BigIntType, types.FloatType, types.DoubleType, types.DecimalType(38, 18),
		types.DateType, types.TimeType(3), types.TimestampType(9), types.LTZType(3), types.CharType(3), types.Type{Kind: types.Binary, Length: 2}}
	f.Fuzz(func(t *testing.T, s string) {
		for _, ty := range kinds {
			if _, err := castValue(t, vec.ConstString(s), types.StringType, ty, true, time.UTC); err != nil {
				t.Fatal(err)
			}
		}
	})
}
