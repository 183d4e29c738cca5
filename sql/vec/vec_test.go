package vec

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"pgregory.net/rapid"

	"weir/sql/types"
)

// allTypes is a type of each layout, nested ones too.
var allTypes = []types.Type{
	types.BooleanType, types.TinyIntType, types.SmallIntType, types.IntType, types.BigIntType,
	types.FloatType, types.DoubleType, types.DecimalType(10, 2), types.DecimalType(38, 4),
	types.StringType, types.BytesType, types.DateType, types.TimeType(3), types.TimestampType(6),
	types.TimestampType(9), types.LTZType(6), types.IntervalMonth, types.IntervalMsDS,
	types.ArrayType(types.StringType), types.ArrayType(types.ArrayType(types.IntType)),
	types.MapType(types.StringType, types.DoubleType), types.MultisetType(types.IntType),
	types.RowType(types.Field{Name: "a", Type: types.StringType}, types.Field{Name: "b", Type: types.BigIntType}),
}

// appendRandom appends a random value of the type, from few enough to repeat often.
func appendRandom(t *rapid.T, b Builder, ty types.Type) {
	if ty.Nullable() && rapid.IntRange(0, 4).Draw(t, "null") == 0 {
		b.AppendNull()
		return
	}
	small := rapid.Int64Range(-3, 3)
	switch b := b.(type) {
	case *BoolBuilder:
		b.Append(rapid.Bool().Draw(t, "bool"))
	case *FixedBuilder[int8]:
		b.Append(int8(small.Draw(t, "v")) * 42)
	case *FixedBuilder[int16]:
		b.Append(int16(small.Draw(t, "v")) * 10000)
	case *FixedBuilder[int32]:
		b.Append(int32(small.Draw(t, "v")) * 700_000_000)
	case *FixedBuilder[int64]:
		b.Append(small.Draw(t, "v") * 3_000_000_000_000_000_000)
	case *FixedBuilder[float32]:
		b.Append(float32(randomFloat(t)))
	case *FixedBuilder[float64]:
		b.Append(randomFloat(t))
	case *FixedBuilder[decimal128.Num]:
		v := decimal128.FromI64(small.Draw(t, "v"))
		if ty.Prec > 18 {
			v = v.Mul(decimal128.GetScaleMultiplier(25))
		}
		b.Append(v)
	case *TextBuilder:
		b.AppendString(rapid.SampledFrom([]string{"", "a", "a\x00", "a\x00b", "\x00\xff", "ab", "\x01", "0123456789abcdef", "0123456789abcdefg", "0123456789abcdefh"}).Draw(t, "s"))
	case *NanosBuilder:
		b.Append(small.Draw(t, "us"), int16(rapid.IntRange(0, 2).Draw(t, "ns")))
	case *ListBuilder:
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			appendRandom(t, b.Elem, *ty.Elem)
		}
		b.Append()
	case *MapBuilder:
		kt, vt := mapTypes(ty) // arrow's maps hold no NULL key
		kt.NotNull = true
		for range rapid.IntRange(0, 2).Draw(t, "n") {
			appendRandom(t, b.Keys, kt)
			appendRandom(t, b.Items, vt)
		}
		b.Append()
	case *StructBuilder:
		for i, f := range b.Fields {
			appendRandom(t, f, ty.Fields[i].Type)
		}
		b.Append()
	default:
		panic(fmt.Sprintf("%T", b))
	}
}

func randomFloat(t *rapid.T) float64 {
	return rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1.5, -1.5, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat32}).Draw(t, "f")
}

// randomColumn makes a column of n values, often a slice of a longer one.
func randomColumn(t *rapid.T, ty types.Type, n int) arrow.Array {
	b := NewBuilder(ty)
	skip := rapid.IntRange(0, 9).Draw(t, "skip")
	for range n + skip + 2 {
		appendRandom(t, b, ty)
	}
	return array.NewSlice(b.Array(), int64(skip), int64(skip+n))
}

func eachType(t *testing.T, f func(t *rapid.T, ty types.Type)) {
	for _, ty := range allTypes {
		t.Run(ty.String(), func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { f(t, ty) }) })
	}
}

func sign(i int) int { return max(-1, min(1, i)) }

func TestKeyOrderAndRoundTrip(t *testing.T) {
	eachType(t, func(t *rapid.T, ty types.Type) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		o := Order{Desc: rapid.Bool().Draw(t, "desc"), NullsLast: rapid.Bool().Draw(t, "last")}
		second := types.StringType
		enc := NewKeyEncoder([]KeyCol{{ty, o}, {second, Order{}}})
		cols := []arrow.Array{randomColumn(t, ty, n), randomColumn(t, second, n)}
		var keys Keys
		enc.Encode(&keys, []Vec{ColVec(cols[0]), ColVec(cols[1])}, n)
		compare := RowComparer([]Order{o, {}}, cols, cols)
		raw := make([][]byte, n)
		for i := range n {
			raw[i] = keys.At(i)
			for j := range n {
				if got, want := bytes.Compare(keys.At(i), keys.At(j)), sign(compare(i, j)); got != want {
					t.Fatalf("keys of rows %d and %d order as %d, values as %d: %v %v", i, j, got, want, cols[0], cols[1])
				}
			}
		}
		back, err := enc.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		for c := range cols {
			same := Order{}.Comparer(cols[c], back[c])
			for i := range n {
				if same(i, i) != 0 {
					t.Fatalf("column %d decodes to %v, want %v", c, back[c], cols[c])
				}
			}
		}
	})
}

func TestTakeAndBuild(t *testing.T) {
	eachType(t, func(t *rapid.T, ty types.Type) {
		n := rapid.IntRange(1, 20).Draw(t, "n")
		col := randomColumn(t, ty, n)
		idx := rapid.SliceOf(rapid.Int32Range(-1, int32(n-1))).Draw(t, "idx")
		if rapid.Bool().Draw(t, "filter") { // rows that lie side by side
			idx = nil
			for i := range n {
				if rapid.IntRange(0, 3).Draw(t, "passes") > 0 {
					idx = append(idx, int32(i))
				}
			}
		}
		got := Take(col, idx)
		b := NewBuilder(ty)
		b.AppendRange(col, 0, n)
		b.Truncate(rapid.IntRange(0, n).Draw(t, "keep"))
		kept := b.Len()
		for _, j := range idx {
			if j < 0 {
				b.AppendNull()
			} else {
				b.AppendFrom(col, int(j))
			}
		}
		built := b.Array()
		for i := range kept {
			if !Equal(built, i, col, i) {
				t.Fatalf("built %v from %v", built, col)
			}
		}
		for i, j := range idx {
			if j < 0 && got.IsValid(i) || j >= 0 && !Equal(got, i, col, int(j)) || !Equal(built, kept+i, got, i) {
				t.Fatalf("take %v at %v gave %v, builder %v", col, idx, got, built)
			}
		}
		joined := ConcatArrays(got, col)
		if joined.Len() != len(idx)+n || !Equal(joined, len(idx), col, 0) || b.Len() != 0 {
			t.Fatalf("concat gave %v", joined)
		}
	})
}

func TestGroupsAgainstMap(t *testing.T) {
	shapes := [][]types.Type{{types.IntType}, {types.BigIntType}, {types.StringType}, {types.TimestampType(3)}, {types.DoubleType},
		{types.StringType, types.IntType}, {types.StringType, types.StringType, types.StringType}, {types.ArrayType(types.IntType)}, {}}
	for _, shape := range shapes {
		t.Run(fmt.Sprint(shape), func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { checkGroups(t, shape) }) })
	}
}

func checkGroups(t *rapid.T, shape []types.Type) {
	g := NewGroups(shape...)
	want := map[string]int32{}
	for range rapid.IntRange(1, 6).Draw(t, "batches") {
		n := rapid.IntRange(0, 30).Draw(t, "n")
		cols := make([]Vec, len(shape))
		for c := range cols {
			cols[c] = ColVec(randomColumn(t, shape[c], n))
		}
		out, found := make([]int32, n), make([]int32, n)
		firsts := g.Lookup(cols, n, out, nil)
		g.Find(cols, n, found)
		var keys Keys
		g.Encoder().Encode(&keys, cols, n)
		for i := range n {
			key := string(keys.At(i))
			if len(firsts) > 0 && firsts[0] == int32(i) {
				if _, ok := want[key]; ok {
					t.Fatalf("row %d is reported new again", i)
				}
				want[key] = out[i]
				firsts = firsts[1:]
			}
			if out[i] != want[key] || found[i] != out[i] || string(g.AppendKey(nil, out[i])) != key {
				t.Fatalf("row %d: group %d, found %d, want %d", i, out[i], found[i], want[key])
			}
		}
		for key, group := range want {
			if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
				g.Delete(group)
				delete(want, key)
				if g.FindKey([]byte(key)) != -1 {
					t.Fatal("a deleted key is found")
				}
			}
		}
		if g.Len() != len(want) || len(g.All(nil)) != len(want) {
			t.Fatalf("%d groups, want %d", g.Len(), len(want))
		}
	}
}

func TestGroupsGrow(t *testing.T) {
	g := NewGroups(types.BigIntType)
	values := make([]int64, 200_000)
	for i := range values {
		values[i] = int64(i/2) * 1_000_003
	}
	out := make([]int32, len(values))
	firsts := g.Lookup([]Vec{ColVec(Int64s(values, nil))}, len(values), out, nil)
	if len(firsts) != 100_000 || out[199_999] != 99_999 {
		t.Fatalf("%d groups, the last is %d", len(firsts), out[199_999])
	}
	for i := int32(0); i < 100_000; i += 2 {
		g.Delete(i)
	}
	g.Find([]Vec{ColVec(Int64s(values, nil))}, len(values), out)
	for i, group := range out {
		if want := int32(i / 2); want%2 == 0 && group != -1 || want%2 == 1 && group != want {
			t.Fatalf("row %d is in group %d", i, group)
		}
	}
}

func TestTimestampKeysAreMilliseconds(t *testing.T) {
	us := []int64{1_704_067_200_123_456, 1_704_067_200_123_999, -100, -1000}
	g := NewGroups(types.TimestampType(3))
	out := make([]int32, 4)
	g.Lookup([]Vec{ColVec(Timestamps(types.TimestampType(3), us, nil))}, 4, out, nil)
	if fmt.Sprint(out) != "[0 0 1 1]" {
		t.Fatal(out)
	}
}

func TestFilterAndKinds(t *testing.T) {
	bools := NewBuilder(types.BooleanType).(*BoolBuilder)
	for _, v := range []int{1, 0, 1, -1, 1} {
		if v < 0 {
			bools.AppendNull()
		} else {
			bools.Append(v == 1)
		}
	}
	col := array.NewSlice(bools.Array(), 1, 5)
	if got := fmt.Sprint(Filter(nil, ColVec(col), 4)); got != "[1 3]" {
		t.Fatal(got)
	}
	if got := fmt.Sprint(Filter(nil, ConstBool(true), 2), Filter(nil, ConstNull(types.BooleanType), 2)); got != "[0 1] []" {
		t.Fatal(got)
	}
	schema := types.Schema{{Name: "a", Type: types.IntType}}.Arrow()
	b := New(schema, []arrow.Array{Int32s([]int32{10, 20, 30}, nil)}, 3, []types.RowKind{0, 1, 2})
	both := Concat(b.Slice(1, 3), New(schema, []arrow.Array{Int32s([]int32{40}, nil)}, 1, nil))
	taken := TakeBatch(both, []int32{2, 0})
	if got := fmt.Sprint(both.Col(0), both.Kinds, taken.Col(0), taken.Kinds); got != "[20 30 40] [1 2 0] [40 20] [0 1]" {
		t.Fatal(got)
	}
}

func TestValidity(t *testing.T) {
	a := ColVec(array.NewSlice(Int32s([]int32{1, 2, 3, 4}, Bitmap{0b1011}), 1, 4))
	b := ColVec(Int32s([]int32{1, 2, 3}, Bitmap{0b110}))
	valid, none := Validity(3, a, b, ConstFixed(types.IntType, int32(1)))
	if none || valid.Get(0) || valid.Get(1) || !valid.Get(2) {
		t.Fatalf("%b %v", valid, none)
	}
	if _, none = Validity(3, a, ConstNull(types.IntType)); !none {
		t.Fatal("a NULL constant leaves values")
	}
}

func TestHashIsFixed(t *testing.T) {
	var keys Keys
	KeyOf(types.StringType, types.IntType).Encode(&keys, []Vec{ConstString("weir"), ColVec(Int32s([]int32{7, -1}, nil))}, 2)
	if got := fmt.Sprintf("%x %x", keys.At(0), keys.Hashes(nil)); got != hashGolden {
		t.Fatalf("got %s: state written by earlier versions would be lost", got)
	}
}

const hashGolden = "017765697200010180000007 [d3689fa1e54ae22 a9940b82d730933d]"
