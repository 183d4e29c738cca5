package fn

import (
	"fmt"
	"math/rand"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
	"weir/sql/vec"
)

// aggColumn makes a column of texts; "-" is NULL.
func aggColumn(t types.Type, values ...string) vec.Vec {
	b := vec.NewBuilder(t)
	for _, s := range values {
		n, _ := strconv.ParseInt(s, 10, 64)
		f, _ := strconv.ParseFloat(s, 64)
		switch b := b.(type) {
		default:
			panic("test: no builder of " + t.String())
		case *vec.TextBuilder:
			if s != "-" {
				b.AppendString(s)
				continue
			}
			b.AppendNull()
		case *vec.BoolBuilder:
			putAgg(s, b.AppendNull, func() { b.Append(s == "true") })
		case *vec.FixedBuilder[int8]:
			putAgg(s, b.AppendNull, func() { b.Append(int8(n)) })
		case *vec.FixedBuilder[int16]:
			putAgg(s, b.AppendNull, func() { b.Append(int16(n)) })
		case *vec.FixedBuilder[int32]:
			putAgg(s, b.AppendNull, func() { b.Append(int32(n)) })
		case *vec.FixedBuilder[int64]:
			putAgg(s, b.AppendNull, func() { b.Append(n) })
		case *vec.FixedBuilder[float32]:
			putAgg(s, b.AppendNull, func() { b.Append(float32(f)) })
		case *vec.FixedBuilder[float64]:
			putAgg(s, b.AppendNull, func() { b.Append(f) })
		case *vec.FixedBuilder[decimal128.Num]:
			putAgg(s, b.AppendNull, func() {
				d, err := decimal128.FromString(s, 38, int32(t.Scale))
				if err != nil {
					panic(err)
				}
				b.Append(d)
			})
		}
	}
	return vec.ColVec(b.Array())
}

func putAgg(s string, null, value func()) {
	if s == "-" {
		null()
	} else {
		value()
	}
}

// aggText spells a value as Flink's CAST to STRING does.
func aggText(a arrow.Array, t types.Type, i int) string {
	if a.IsNull(i) {
		return "-"
	}
	if t.IsNested() {
		return aggNestedText(a, t, i)
	}
	if t.Kind == types.Decimal {
		return a.(*array.Decimal128).Value(i).ToString(int32(t.Scale))
	}
	return a.ValueStr(i)
}

func aggNestedText(a arrow.Array, t types.Type, i int) string {
	var parts []string
	switch a := a.(type) {
	case *array.List:
		lo, hi := a.ValueOffsets(i)
		for j := lo; j < hi; j++ {
			parts = append(parts, aggText(a.ListValues(), *t.Elem, int(j)))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *array.Map:
		lo, hi := a.ValueOffsets(i)
		for j := lo; j < hi; j++ {
			parts = append(parts, aggText(vec.MapKeys(a), *t.Elem, int(j))+"="+a.Items().ValueStr(int(j)))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// TestAggregatesAsFlink checks the value after each row against Flink's.
func TestAggregatesAsFlink(t *testing.T) {
	ints := "100 100 - -7"
	small, big := "30000 30000 - -3", "9223372036854775807 3 - -4"
	floats, decs := "1.5 2.25 - -0", "1.25 2.5 - -1.01"
	huge := "999999999999999999999999999999999999.99 999999999999999999999999999999999999.99 - 1"
	dl := types.DecimalType(38, 2)
	for _, c := range []struct {
		name    string
		in      types.Type
		values  string
		outType string
		want    string
	}{
		{"SUM", types.TinyIntType, ints, "TINYINT", "100 -56 -56 -63"},
		{"SUM", types.SmallIntType, small, "SMALLINT", "30000 -5536 -5536 -5539"},
		{"SUM", types.BigIntType, big, "BIGINT", "9223372036854775807 -9223372036854775806 -9223372036854775806 9223372036854775806"},
		{"SUM", types.FloatType, floats, "FLOAT", "1.5 3.75 3.75 3.75"},
		{"SUM", types.DecimalType(10, 2), decs, "DECIMAL(38, 2)", "1.25 3.75 3.75 2.74"},
		{"SUM", dl, huge, "DECIMAL(38, 2)", "999999999999999999999999999999999999.99 - - 1.00"},
		{"$SUM0", types.IntType, "- 3", "INT NOT NULL", "0 3"},
		{"SUM", types.IntType, "- -", "INT", "- -"},
		{"AVG", types.TinyIntType, ints, "TINYINT", "100 100 100 64"},
		{"AVG", types.SmallIntType, small, "SMALLINT", "30000 30000 30000 19999"},
		{"AVG", types.BigIntType, big, "BIGINT", "9223372036854775807 -4611686018427387903 -4611686018427387903 3074457345618258602"},
		{"AVG", types.FloatType, floats, "FLOAT", "1.5 1.875 1.875 1.25"},
		{"AVG", types.DecimalType(10, 2), decs, "DECIMAL(38, 6)", "1.250000 1.875000 1.875000 0.913333"},
		{"AVG", dl, huge, "DECIMAL(38, 6)", "- - - -"},
		{"STDDEV_POP", types.TinyIntType, ints, "TINYINT", "0 0 0 50"},
		{"VAR_POP", types.TinyIntType, ints, "TINYINT", "0 0 0 -16"},
		{"VAR_SAMP", types.SmallIntType, small, "SMALLINT", "- 0 0 -29341"},
		{"VARIANCE", types.BigIntType, big, "BIGINT", "- 9223372036854775807 9223372036854775807 9223372036854775807"},
		{"STDDEV", types.DoubleType, "0.1 0.2 - -0", "DOUBLE", "- 0.07071067811865475 0.07071067811865475 0.1"},
		{"STDDEV_POP", types.DecimalType(10, 2), decs, "DECIMAL(38, 6)", "0.000000 0.625000 0.625000 1.452592"},
		{"STDDEV_POP", dl, huge, "DECIMAL(38, 6)", "0.000000 0.000000 0.000000 -"},
		{"MAX", types.StringType, "b a - é", "STRING", "b b b é"},
		{"MIN", types.StringType, "b a - é", "STRING", "b a a a"},
		{"MAX", types.BooleanType, "false true - false", "BOOLEAN", "false true true true"},
		{"MIN", types.DecimalType(10, 2), decs, "DECIMAL(10, 2)", "1.25 1.25 1.25 -1.01"},
		{"FIRST_VALUE", types.IntType, "- 5 - 7", "INT", "- 5 5 5"},
		{"LAST_VALUE", types.IntType, "- 5 - 7", "INT", "- 5 5 7"},
		{"LISTAGG", types.StringType, "b a - é", "STRING", "b b,a b,a b,a,é"},
		{"ARRAY_AGG", types.IntType, "7 - 7", "ARRAY<INT>", "[7] [7,_-] [7,_-,_7]"},
		{"COLLECT", types.StringType, "b a - b", "MULTISET<STRING> NOT NULL", "{b=1} {b=1,_a=1} {b=1,_a=1} {b=2,_a=1}"},
		{"JSON_ARRAYAGG", types.DoubleType, "0.1 - -0", "VARCHAR(2000) NOT NULL", "[0.1] [0.1] [0.1,0.0]"},
		{"SINGLE_VALUE", types.IntType, "7", "INT", "7"},
	} {
		call, err := BindAgg(c.name, []Arg{{Type: c.in}}, false, false)
		if err != nil {
			t.Fatalf("%s(%s): %v", c.name, c.in, err)
		}
		if got := call.Type.String(); got != c.outType {
			t.Errorf("%s(%s) has type %s, want %s", c.name, c.in, got, c.outType)
		}
		values := strings.Fields(c.values)
		got := runningAgg(t, call, nil, aggColumn(c.in, values...))
		want := strings.Fields(strings.ReplaceAll(c.want, ",_", ", "))
		if g := strings.Join(got, " "); g != strings.Join(want, " ") && strings.ReplaceAll(g, ", ", ",_") != c.want {
			t.Errorf("%s(%s) over %s gives %s, want %s", c.name, c.in, c.values, g, c.want)
		}
	}
}

// runningAgg gives the aggregate's value after each row of one group.
func runningAgg(t *testing.T, call *AggCall, kinds []types.RowKind, args ...vec.Vec) []string {
	t.Helper()
	acc := call.New()
	acc.Resize(1)
	n := args[0].Arr.Len()
	v, err := acc.Running(make([]int32, n), args, kinds, 0, n)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, n)
	for i := range out {
		out[i] = aggText(v.Arr, call.Type, i)
	}
	return out
}

func TestPercentile(t *testing.T) {
	half := aggColumn(types.DoubleType, "0.3")
	call, err := BindAgg("PERCENTILE", []Arg{{Type: types.DecimalType(10, 2)}, {Type: types.DoubleType, Lit: &half}}, false, true)
	if err != nil {
		t.Fatal(err)
	}
	x := aggColumn(types.DecimalType(10, 2), "1.25", "2.5", "-", "-1.01", "2.5")
	p := aggColumn(types.DoubleType, "0.3", "0.3", "0.3", "0.3", "0.3")
	got := runningAgg(t, call, []types.RowKind{0, 0, 0, 0, types.Delete}, x, p)
	if want := "[1.25 1.625 1.625 0.3460000000000002 -0.3319999999999999]"; fmt.Sprint(got) != want {
		t.Fatalf("got %v, want %s", got, want)
	}
	two := aggColumn(types.DoubleType, "2")
	if _, err := BindAgg("PERCENTILE", []Arg{{Type: types.IntType}, {Type: types.DoubleType, Lit: &two}}, false, false); err == nil {
		t.Fatal("a percentage of 2 was taken")
	}
}

func TestJSONObjectAgg(t *testing.T) {
	call, err := BindAgg("JSON_OBJECTAGG", []Arg{{Type: types.StringType}, {Type: types.IntType}}, false, false)
	if err != nil {
		t.Fatal(err)
	}
	got := runningAgg(t, call, nil, aggColumn(types.StringType, "b", "a"), aggColumn(types.IntType, "1", "-"))
	if want := `[{"b":1} {"a":null,"b":1}]`; fmt.Sprint(got) != want {
		t.Fatalf("got %v, want %s", got, want)
	}
	acc := call.New()
	acc.Resize(1)
	if _, err := acc.Running(make([]int32, 2), []vec.Vec{aggColumn(types.StringType, "b", "b"), aggColumn(types.IntType, "1", "2")}, nil, 0, 2); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Fatalf("a key that comes twice: %v", err)
	}
}

func TestSingleValueRefusesTwo(t *testing.T) {
	call, err := BindAgg("SINGLE_VALUE", []Arg{{Type: types.IntType}}, false, false)
	if err != nil {
		t.Fatal(err)
	}
	acc := call.New()
	acc.Resize(1)
	x := []vec.Vec{aggColumn(types.IntType, "1", "2")}
	if err := acc.Update([]int32{0, 0}, x, nil, 0, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := acc.Values([]int32{0}); err == nil {
		t.Fatal("two rows were taken")
	}
}

func TestRefusedAggregates(t *testing.T) {
	for _, c := range []struct {
		name string
		in   types.Type
		dist bool
	}{
		{"SUM", types.StringType, false}, {"AVG", types.BooleanType, false}, {"LISTAGG", types.IntType, false}, {"MAX", types.ArrayType(types.IntType), false},
		{"APPROX_COUNT_DISTINCT", types.IntType, false}, {"COUNT", types.RowType(types.Field{Name: "a", Type: types.IntType}), true},
		{"MEDIAN", types.IntType, false}, {"PERCENTILE", types.StringType, false},
	} {
		args := []Arg{{Type: c.in}}
		if c.name == "PERCENTILE" {
			args = append(args, Arg{Type: types.DoubleType})
		}
		if _, err := BindAgg(c.name, args, c.dist, false); err == nil {
			t.Errorf("%s(%s) was taken", c.name, c.in)
		}
	}
}

// TestAccumulatorLaws: for each aggregate over random rows of random groups, Running agrees with Update
// and Values row by row; Save and Load keep a group; Merge of two parts is the whole; what is added and
// taken away again leaves no trace.
func TestAccumulatorLaws(t *testing.T) {
	ts := []types.Type{types.TinyIntType, types.IntType, types.BigIntType, types.DoubleType, types.DecimalType(20, 2), types.StringType, types.TimestampType(3), types.BooleanType}
	for i := range AggFuncs {
		f := &AggFuncs[i]
		if f.Name == "APPROX_COUNT_DISTINCT" || f.Name == "SINGLE_VALUE" || f.Name == "PERCENTILE" || f.Name == "JSON_OBJECTAGG" {
			continue
		}
		for _, in := range ts {
			for _, dist := range []bool{false, true} {
				for _, retract := range []bool{false, true} {
					call, err := BindAgg(f.Name, []Arg{{Type: in}}, dist, retract)
					if err != nil || call.Args[0].Kind != in.Kind {
						continue // refused, or cast to a type that has its own turn
					}
					t.Run(fmt.Sprintf("%s %s distinct=%v retract=%v", f.Name, in, dist, retract), func(t *testing.T) {
						accumulatorLaws(t, call, in, retract)
					})
				}
			}
		}
	}
}

const lawGroups = 3

func accumulatorLaws(t *testing.T, call *AggCall, in types.Type, retract bool) {
	for seed := range int64(3) {
		rng := rand.New(rand.NewSource(seed))
		const n = 40
		values, groups := make([]string, n), make([]int32, n)
		for i := range values {
			values[i] = []string{"-", "0", "1", "2", "3", "true"}[rng.Intn(6)]
			if in.Kind != types.Boolean && values[i] == "true" || in.Kind == types.Decimal && values[i] == "true" {
				values[i] = "4"
			}
			groups[i] = int32(rng.Intn(lawGroups+1)) - 1
		}
		args := []vec.Vec{aggColumn(in, values...)}
		whole := freshAgg(call)
		mustAgg(t, whole.Update(groups, args, nil, 0, n))
		stepwiseAgg(t, call, args, groups)
		if call.Mergeable {
			first, second := freshAgg(call), freshAgg(call)
			mustAgg(t, first.Update(groups, args, nil, 0, n/2))
			mustAgg(t, second.Update(groups, args, nil, n/2, n))
			state, err := second.Save([]int32{0, 1, 2})
			mustAgg(t, err)
			mustAgg(t, first.Merge([]int32{0, 1, 2}, state))
			sameAgg(t, call, "merged parts", first, whole)
		}
		if retract {
			gone, half := freshAgg(call), freshAgg(call)
			mustAgg(t, half.Update(groups, args, nil, 0, n/2))
			mustAgg(t, gone.Update(groups, args, nil, 0, n))
			kinds := make([]types.RowKind, n)
			for i := range kinds {
				kinds[i] = types.Delete
			}
			if !orderMatters(call) {
				mustAgg(t, gone.Update(groups, args, kinds, n/2, n))
				sameAgg(t, call, "rows taken away", gone, half)
			}
		}
		roundTripAgg(t, call, whole)
	}
}

// orderMatters: of equal values the first is taken away, so the order of the rest differs; and the
// rounding of deviations shows where they are truncated to integers.
func orderMatters(call *AggCall) bool {
	switch call.New().(type) {
	case *listAcc:
		return true
	case *distinctAcc:
		return call.Type.Kind != types.BigInt
	case *momentAcc:
		return call.Type.IsInteger()
	}
	return false
}

func freshAgg(call *AggCall) Accumulator {
	acc := call.New()
	acc.Resize(lawGroups)
	return acc
}

func mustAgg(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sameAgg(t *testing.T, call *AggCall, what string, a, b Accumulator) {
	t.Helper()
	x, err := a.Values([]int32{0, 1, 2})
	mustAgg(t, err)
	y, err := b.Values([]int32{0, 1, 2})
	mustAgg(t, err)
	for i := range lawGroups {
		g, w := aggText(x.Arr, call.Type, i), aggText(y.Arr, call.Type, i)
		if g != w && !nearAgg(g, w) {
			t.Fatalf("%s: group %d is %s, want %s", what, i, g, w)
		}
	}
}

func nearAgg(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err == nil && err2 == nil && x-y < 1e-5 && y-x < 1e-5
}

// stepwiseAgg compares Running with Update and Values after each row.
func stepwiseAgg(t *testing.T, call *AggCall, args []vec.Vec, groups []int32) {
	t.Helper()
	n := len(groups)
	all, one := freshAgg(call), freshAgg(call)
	v, err := all.Running(groups, args, nil, 0, n)
	mustAgg(t, err)
	for i, g := range groups {
		mustAgg(t, one.Update(groups, args, nil, i, i+1))
		if g < 0 {
			continue
		}
		w, err := one.Values([]int32{g})
		mustAgg(t, err)
		if x, y := aggText(v.Arr, call.Type, i), aggText(w.Arr, call.Type, 0); x != y {
			t.Fatalf("row %d: Running gives %s, Values %s", i, x, y)
		}
	}
}

func roundTripAgg(t *testing.T, call *AggCall, acc Accumulator) {
	t.Helper()
	state, err := acc.Save([]int32{2, 0, 1})
	mustAgg(t, err)
	if len(state) != len(call.State) {
		t.Fatalf("Save gives %d columns, State has %d", len(state), len(call.State))
	}
	for i, v := range state {
		if got, want := v.Arr.DataType(), call.State[i].Arrow(); !arrow.TypeEqual(got, want) {
			t.Fatalf("state column %d is %s, want %s", i, got, want)
		}
	}
	other := freshAgg(call)
	mustAgg(t, other.Load([]int32{2, 0, 1}, state))
	sameAgg(t, call, "loaded state", other, acc)
	other.Reset(1)
	acc.Reset(1)
	sameAgg(t, call, "after Reset", other, acc)
}
