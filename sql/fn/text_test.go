package fn

import (
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
	"weir/sql/vec"
)

func TestFloatsAreSpelledAsInJava(t *testing.T) {
	data, err := os.ReadFile("testdata/java_floats.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, line := range strings.Split(string(data), "\n") {
		parts := strings.Fields(line)
		if len(parts) != 3 || parts[0] == "#" {
			continue
		}
		raw, err := strconv.ParseUint(parts[1], 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		got := string(AppendDouble(nil, math.Float64frombits(raw)))
		if parts[0] == "f" {
			got = string(AppendFloat(nil, math.Float32frombits(uint32(raw))))
		}
		if got != parts[2] {
			t.Errorf("%s %s is %s, want %s", parts[0], parts[1], got, parts[2])
		}
		n++
	}
	if n < 300 {
		t.Fatalf("only %d cases", n)
	}
}

// FuzzDouble checks that a spelling reads back as the same number.
func FuzzDouble(f *testing.F) {
	for _, v := range []float64{0, 0.002, 1e23, math.MaxFloat64, math.SmallestNonzeroFloat64, 1e7} {
		f.Add(math.Float64bits(v))
	}
	f.Fuzz(func(t *testing.T, raw uint64) {
		v := math.Float64frombits(raw)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return
		}
		if back, err := strconv.ParseFloat(string(AppendDouble(nil, v)), 64); err != nil || back != v {
			t.Fatalf("%x is spelled %s", raw, AppendDouble(nil, v))
		}
		w := math.Float32frombits(uint32(raw))
		if math.IsNaN(float64(w)) || math.IsInf(float64(w), 0) {
			return
		}
		if back, err := strconv.ParseFloat(string(AppendFloat(nil, w)), 32); err != nil || float32(back) != w {
			t.Fatalf("%x is spelled %s", uint32(raw), AppendFloat(nil, w))
		}
	})
}

func TestText(t *testing.T) {
	f := func(ty types.Type, v vec.Vec, want string) {
		t.Helper()
		if got := string(AppendText(nil, ty, v.Arr, 0, time.UTC)); got != want {
			t.Errorf("%s: got %q, want %q", ty, got, want)
		}
	}
	fixed := func(ty types.Type, v int64) vec.Vec { return vec.ConstFixed(ty, v) }
	small := func(ty types.Type, v int32) vec.Vec { return vec.ConstFixed(ty, v) }
	f(types.BooleanType, vec.ConstBool(true), "TRUE")
	f(types.BigIntType, fixed(types.BigIntType, math.MinInt64), "-9223372036854775808")
	f(types.IntType, vec.ConstNull(types.IntType), "NULL")
	for _, c := range []struct {
		v     decimal128.Num
		scale int
		want  string
	}{
		{decimal128.FromI64(-150), 2, "-1.50"}, {decimal128.FromI64(5), 3, "0.005"}, {decimal128.FromI64(0), 0, "0"},
		{decimal128.GetMaxValue(38), 6, "99999999999999999999999999999999.999999"},
		{decimal128.GetMaxValue(38).Negate(), 38, "-0.99999999999999999999999999999999999999"},
	} {
		ty := types.DecimalType(38, c.scale)
		f(ty, vec.ConstFixed(ty, c.v), c.want)
	}
	f(types.BytesType, vec.ConstBytes([]byte("a\xff")), "a\ufffd")
	f(types.DateType, small(types.DateType, -1), "1969-12-31")
	f(types.DateType, small(types.DateType, 2932897), "0000-01-01") // one day after 9999-12-31, as Flink shows it
	f(types.DateType, small(types.DateType, -719163), "0000-12-31")
	f(types.TimeType(3), small(types.TimeType(3), 45296000), "12:34:56.0")
	f(types.TimeType(3), small(types.TimeType(3), 45296050), "12:34:56.05")
	f(types.TimeType(1), small(types.TimeType(1), 45296050), "12:34:56.0")
	f(types.TimeType(0), small(types.TimeType(0), 45296050), "12:34:56")
	f(types.TimestampType(3), fixed(types.TimestampType(3), -1), "1969-12-31 23:59:59.999")
	f(types.TimestampType(0), fixed(types.TimestampType(0), 1704164645123456), "2024-01-02 03:04:05")
	f(types.TimestampType(9), vec.ConstNanos(1704164645123456, 7), "2024-01-02 03:04:05.123456007")
	f(types.IntervalMonth, small(types.IntervalMonth, -15), "-1-03")
	f(types.IntervalMsDS, fixed(types.IntervalMsDS, 93784567), "+1 02:03:04.567")
	f(types.IntervalMsDS, fixed(types.IntervalMsDS, -5400000), "-0 01:30:00.000")
}

func TestTextOfNested(t *testing.T) {
	ints := vec.Int32s([]int32{1, 2, 0}, vec.Bitmap{0b011})
	list := vec.Lists([]int32{0, 3}, ints, nil)
	m := vec.Maps([]int32{0, 1}, vec.StringValues([]string{"k"}, nil), vec.Int32s([]int32{0}, vec.Bitmap{0}), nil)
	ty := types.RowType(types.Field{Name: "a", Type: types.ArrayType(types.IntType)},
		types.Field{Name: "m", Type: types.MapType(types.StringType, types.IntType)}, types.Field{Name: "b", Type: types.BytesType})
	row := vec.Structs(ty.Arrow().(*arrow.StructType), 1, []arrow.Array{list, m, vec.ConstBytes([]byte("ab")).Arr}, nil)
	if got := string(AppendText(nil, ty, row, 0, time.UTC)); got != "([1, 2, NULL], {k=NULL}, ab)" {
		t.Error(got)
	}
	if got := string(AppendChangelogValue(nil, ty, row, 0, time.UTC)); got != `"([1, 2, NULL], {k=NULL}, x'6162')"` {
		t.Error(got)
	}
}

func TestChangelogValue(t *testing.T) {
	f := func(ty types.Type, v vec.Vec, want string) {
		t.Helper()
		if got := string(AppendChangelogValue(nil, ty, v.Arr, 0, time.UTC)); got != want {
			t.Errorf("%s: got %s, want %s", ty, got, want)
		}
	}
	f(types.StringType, vec.ConstString("a\"\\\n\t\x01é"), `"a\"\\\n\t\u0001é"`)
	f(types.DoubleType, vec.ConstFixed(types.DoubleType, math.NaN()), `"NaN"`)
	f(types.DoubleType, vec.ConstFixed(types.DoubleType, math.Inf(-1)), `"-Infinity"`)
	f(types.DoubleType, vec.ConstFixed(types.DoubleType, 1e7), `1.0E7`)
	f(types.BooleanType, vec.ConstBool(false), `false`)
	f(types.DecimalType(5, 2), vec.ConstFixed(types.DecimalType(5, 2), decimal128.FromI64(150)), `1.50`)
	f(types.BigIntType, vec.ConstNull(types.BigIntType), `null`)
	f(types.DateType, vec.ConstFixed(types.DateType, int32(0)), `"1970-01-01"`)
}

func TestZones(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zone data: ", err)
	}
	f := func(local, want string) {
		t.Helper()
		at, err := time.Parse("2006-01-02 15:04", local)
		if err != nil {
			t.Fatal(err)
		}
		utc := UTCMicros(at.UnixMicro(), berlin)
		if got := time.UnixMicro(utc).UTC().Format("2006-01-02 15:04"); got != want {
			t.Errorf("%s is %s UTC, want %s", local, got, want)
		}
	}
	f("2024-01-15 12:00", "2024-01-15 11:00")
	f("2024-07-15 12:00", "2024-07-15 10:00")
	f("2024-03-31 01:59", "2024-03-31 00:59")
	f("2024-03-31 02:30", "2024-03-31 01:30") // skipped: 03:30 summer time
	f("2024-03-31 03:00", "2024-03-31 01:00")
	f("2024-10-27 02:30", "2024-10-27 00:30") // doubled: the first
	f("2024-10-27 03:00", "2024-10-27 02:00")
	if got := LocalMicros(0, berlin); got != 3600*microsPerSecond {
		t.Error(got)
	}
}

func TestCivilDate(t *testing.T) {
	for days := int64(-800_000); days < 3_000_000; days += 17 {
		y, m, d := civilDate(days)
		want := time.Unix(days*86400, 0).UTC()
		if y != want.Year() || m != int(want.Month()) || d != want.Day() || epochDays(y, m, d) != days {
			t.Fatalf("day %d is %d-%d-%d, want %s", days, y, m, d, want)
		}
	}
}
