package vec

import (
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"weir/sql/types"
)

// column wraps buffers as an array. The slices become the array's: the caller must not write to them.
func column(dt arrow.DataType, n int, valid Bitmap, children []arrow.ArrayData, buffers ...[]byte) arrow.Array {
	bufs := make([]*memory.Buffer, 1, 1+len(buffers))
	nulls := 0
	if valid != nil {
		if nulls = n - valid.Count(n); nulls > 0 {
			bufs[0] = memory.NewBufferBytes(valid)
		}
	}
	for _, b := range buffers {
		bufs = append(bufs, memory.NewBufferBytes(b))
	}
	return array.MakeFromData(array.NewData(dt, n, bufs, children, nulls, 0))
}

// Fixed makes a column of fixed-width values without copying them.
func Fixed[T arrow.FixedWidthType](dt arrow.DataType, values []T, valid Bitmap) arrow.Array {
	return column(dt, len(values), valid, nil, arrow.GetBytes(values))
}

// Int8s makes a TINYINT column; it and its siblings take the slices over, and copy nothing.
func Int8s(values []int8, valid Bitmap) arrow.Array {
	return Fixed(arrow.PrimitiveTypes.Int8, values, valid)
}

// Int16s makes a SMALLINT column.
func Int16s(values []int16, valid Bitmap) arrow.Array {
	return Fixed(arrow.PrimitiveTypes.Int16, values, valid)
}

// Int32s makes an INT column.
func Int32s(values []int32, valid Bitmap) arrow.Array {
	return Fixed(arrow.PrimitiveTypes.Int32, values, valid)
}

// Int64s makes a BIGINT column.
func Int64s(values []int64, valid Bitmap) arrow.Array {
	return Fixed(arrow.PrimitiveTypes.Int64, values, valid)
}

// Float64s makes a DOUBLE column.
func Float64s(values []float64, valid Bitmap) arrow.Array {
	return Fixed(arrow.PrimitiveTypes.Float64, values, valid)
}

// Decimals makes a DECIMAL column of type t.
func Decimals(t types.Type, values []decimal128.Num, valid Bitmap) arrow.Array {
	return Fixed(t.Arrow(), values, valid)
}

// Timestamps makes a TIMESTAMP(0-6) or TIMESTAMP_LTZ(0-6) column from microseconds.
func Timestamps(t types.Type, us []int64, valid Bitmap) arrow.Array {
	return Fixed(t.Arrow(), us, valid)
}

// Nanos makes a TIMESTAMP(7-9) or TIMESTAMP_LTZ(7-9) column from microseconds and nanoseconds 0-999.
func Nanos(us []int64, ns []int16, valid Bitmap) arrow.Array {
	return column(types.NanosType, len(us), valid, []arrow.ArrayData{Int64s(us, nil).Data(), Int16s(ns, nil).Data()})
}

// Bools makes a BOOLEAN column of n values from bits.
func Bools(bits Bitmap, n int, valid Bitmap) arrow.Array {
	return column(arrow.FixedWidthTypes.Boolean, n, valid, nil, bits)
}

// Strings makes a string column: value i is data[offsets[i]:offsets[i+1]].
func Strings(offsets []int32, data []byte, valid Bitmap) arrow.Array {
	return column(arrow.BinaryTypes.String, len(offsets)-1, valid, nil, arrow.GetBytes(offsets), data)
}

// Binaries makes a binary column, as Strings does.
func Binaries(offsets []int32, data []byte, valid Bitmap) arrow.Array {
	return column(arrow.BinaryTypes.Binary, len(offsets)-1, valid, nil, arrow.GetBytes(offsets), data)
}

// StringValues makes a string column from Go strings, copying them.
func StringValues(values []string, valid Bitmap) arrow.Array {
	offsets := make([]int32, len(values)+1)
	var data []byte
	for i, s := range values {
		data = append(data, s...)
		offsets[i+1] = int32(len(data))
	}
	return Strings(offsets, data, valid)
}

// Lists makes an ARRAY column: value i is elements [offsets[i], offsets[i+1]).
func Lists(offsets []int32, elems arrow.Array, valid Bitmap) arrow.Array {
	return column(arrow.ListOf(elems.DataType()), len(offsets)-1, valid, []arrow.ArrayData{elems.Data()}, arrow.GetBytes(offsets))
}

// Maps makes a MAP or MULTISET column: value i is entries [offsets[i], offsets[i+1]).
func Maps(offsets []int32, keys, items arrow.Array, valid Bitmap) arrow.Array {
	return mapColumn(types.MapLayout(keys.DataType(), items.DataType()), offsets, keys, items, valid)
}

func mapColumn(dt *arrow.MapType, offsets []int32, keys, items arrow.Array, valid Bitmap) arrow.Array {
	boxed := column(dt.KeyType(), keys.Len(), nil, []arrow.ArrayData{keys.Data()})
	entries := column(dt.Elem(), keys.Len(), nil, []arrow.ArrayData{boxed.Data(), items.Data()})
	return column(dt, len(offsets)-1, valid, []arrow.ArrayData{entries.Data()}, arrow.GetBytes(offsets))
}

// MapKeys is the keys of all entries of a MAP or MULTISET column, of which one may be NULL.
func MapKeys(m *array.Map) arrow.Array { return m.Keys().(*array.Struct).Field(0) }

// Structs makes a ROW column of n rows in the layout dt.
func Structs(dt *arrow.StructType, n int, fields []arrow.Array, valid Bitmap) arrow.Array {
	children := make([]arrow.ArrayData, len(fields))
	for i, f := range fields {
		children[i] = f.Data()
	}
	return column(dt, n, valid, children)
}

// NullColumn makes a column of n NULLs in the layout of t.
func NullColumn(t types.Type, n int) arrow.Array {
	if t.Kind == types.Null {
		return array.NewNull(n)
	}
	return Take(array.MakeFromData(emptyData(t.Arrow())), fill(make([]int32, n), -1))
}

func emptyData(dt arrow.DataType) arrow.ArrayData {
	b := array.NewBuilder(memory.DefaultAllocator, dt)
	return b.NewArray().Data()
}

func fill[T any](s []T, v T) []T {
	for i := range s {
		s[i] = v
	}
	return s
}

// ConstNull is the constant NULL of type t.
func ConstNull(t types.Type) Vec { return ConstVec(NullColumn(t, 1)) }

// ConstBool is a BOOLEAN constant.
func ConstBool(b bool) Vec {
	bits := NewBitmap(1)
	if b {
		bits.Set(0)
	}
	return ConstVec(Bools(bits, 1, nil))
}

// ConstFixed is a constant of a fixed-width type: integers, floats, DECIMAL, DATE, TIME,
// TIMESTAMP(0-6), intervals. T must be the Go type of t's layout.
func ConstFixed[T arrow.FixedWidthType](t types.Type, v T) Vec {
	return ConstVec(Fixed(t.Arrow(), []T{v}, nil))
}

// ConstNanos is a TIMESTAMP(7-9) constant.
func ConstNanos(us int64, ns int16) Vec { return ConstVec(Nanos([]int64{us}, []int16{ns}, nil)) }

// ConstString is a CHAR or VARCHAR constant.
func ConstString(s string) Vec { return ConstVec(StringValues([]string{s}, nil)) }

// ConstBytes is a BINARY or VARBINARY constant.
func ConstBytes(b []byte) Vec { return ConstVec(Binaries([]int32{0, int32(len(b))}, b, nil)) }

// Column gives v as a column of n rows.
func (v Vec) Column(n int) arrow.Array {
	if !v.Const {
		return v.Arr
	}
	if n == 1 && v.Arr.Len() == 1 {
		return v.Arr
	}
	return Take(v.Arr, make([]int32, n))
}

// Slice is rows [lo, hi) of v.
func (v Vec) Slice(lo, hi int) Vec {
	if v.Const {
		return v
	}
	return ColVec(array.NewSlice(v.Arr, int64(lo), int64(hi)))
}

// Null tells whether v is the constant NULL.
func (v Vec) Null() bool { return v.Const && v.Arr.IsNull(0) }

// Values gives the raw values of a fixed-width array (not BOOLEAN), NULL rows holding anything.
// T must be as wide as the array's values.
func Values[T arrow.FixedWidthType](a arrow.Array) []T { return arrow.GetValues[T](a.Data(), 1) }

// I32 gives the raw values of an INT, DATE, TIME or year-month interval Vec: one where it is constant.
func I32(v Vec) []int32 { return Values[int32](v.Arr) }

// I64 gives the raw values of a BIGINT, TIMESTAMP(0-6) or day-time interval Vec.
func I64(v Vec) []int64 { return Values[int64](v.Arr) }

// F64 gives the raw values of a DOUBLE Vec.
func F64(v Vec) []float64 { return Values[float64](v.Arr) }

// Dec gives the raw values of a DECIMAL Vec.
func Dec(v Vec) []decimal128.Num { return Values[decimal128.Num](v.Arr) }

// Bits reads the values of a BOOLEAN array.
type Bits struct {
	bits []byte
	off  int
}

// BitsOf gives the values of a BOOLEAN array; untyped NULLs have none to ask for.
func BitsOf(a arrow.Array) Bits {
	d := a.Data()
	if a.DataType().ID() == arrow.NULL || d.Buffers()[1] == nil {
		return Bits{}
	}
	return Bits{d.Buffers()[1].Bytes(), d.Offset()}
}

// At is value i.
func (b Bits) At(i int) bool {
	j := b.off + i
	return b.bits[j>>3]&(1<<(j&7)) != 0
}

// Text reads the values of a string or binary Vec; a constant answers for every row.
type Text struct {
	Offsets []int32
	Data    []byte
	Nulls   Nulls
	step    int
}

// TextOf gives the values of a string or binary Vec. A Vec of untyped NULLs reads as all NULL.
func TextOf(v Vec) Text {
	t := Text{Nulls: NullsOf(v.Arr), step: 1}
	if v.Const {
		t.step = 0
	}
	d := v.Arr.Data()
	if t.Nulls.all || d.Buffers()[1] == nil || d.Buffers()[1].Len() == 0 {
		return t
	}
	t.Offsets = arrow.GetOffsets[int32](d, 1)
	if d.Buffers()[2] != nil {
		t.Data = d.Buffers()[2].Bytes()
	}
	return t
}

// Null tells whether row i is NULL.
func (t *Text) Null(i int) bool { return t.Nulls.Is(i * t.step) }

// Bytes is row i, not to be written to.
func (t *Text) Bytes(i int) []byte {
	i *= t.step
	return t.Data[t.Offsets[i]:t.Offsets[i+1]]
}

// String is row i, sharing the column's memory.
func (t *Text) String(i int) string {
	b := t.Bytes(i)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// IntAt is row i of whole numbers, dates, times or intervals.
func IntAt(a arrow.Array, i int) int64 {
	switch a := a.(type) {
	case *array.Int8:
		return int64(a.Value(i))
	case *array.Int16:
		return int64(a.Value(i))
	case *array.Int32:
		return int64(a.Value(i))
	case *array.Int64:
		return a.Value(i)
	case *array.Date32:
		return int64(a.Value(i))
	case *array.Time32:
		return int64(a.Value(i))
	case *array.Timestamp:
		return int64(a.Value(i))
	}
	panic("vec: no whole number in " + a.DataType().String())
}
