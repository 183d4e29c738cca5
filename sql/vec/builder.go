package vec

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
)

// Builder grows a column. NewBuilder gives the concrete type for a SQL type, whose own Append takes
// a typed value:
//
//	*BoolBuilder; *FixedBuilder[int8|int16|int32|int64|float32|float64|decimal128.Num] (also dates,
//	times, TIMESTAMP(0-6) in microseconds and intervals); *TextBuilder for strings and bytes;
//	*NanosBuilder for TIMESTAMP(7-9); *ListBuilder; *MapBuilder; *StructBuilder; *NullBuilder.
//
// A Builder is single-threaded. Array hands the memory over: the Builder starts anew.
type Builder interface {
	Len() int
	AppendNull()
	// AppendFrom appends value i of an array of the same layout, AppendRange values [lo, hi).
	AppendFrom(a arrow.Array, i int)
	AppendRange(a arrow.Array, lo, hi int)
	// Truncate takes back all but the first n values.
	Truncate(n int)
	Reserve(n int)
	// Bytes is the memory held.
	Bytes() int
	// Array gives the column and empties the Builder.
	Array() arrow.Array
}

// NewBuilder makes the Builder of a SQL type.
func NewBuilder(t types.Type) Builder { return NewArrowBuilder(t.Arrow()) }

// NewArrowBuilder makes the Builder of a layout that types.Type.Arrow gives.
func NewArrowBuilder(dt arrow.DataType) Builder {
	switch dt.ID() {
	case arrow.BOOL:
		return &BoolBuilder{}
	case arrow.INT8:
		return &FixedBuilder[int8]{dt: dt}
	case arrow.INT16:
		return &FixedBuilder[int16]{dt: dt}
	case arrow.INT32, arrow.DATE32, arrow.TIME32:
		return &FixedBuilder[int32]{dt: dt}
	case arrow.INT64, arrow.TIMESTAMP:
		return &FixedBuilder[int64]{dt: dt}
	case arrow.FLOAT32:
		return &FixedBuilder[float32]{dt: dt}
	case arrow.FLOAT64:
		return &FixedBuilder[float64]{dt: dt}
	case arrow.DECIMAL128:
		return &FixedBuilder[decimal128.Num]{dt: dt}
	case arrow.STRING, arrow.BINARY:
		return &TextBuilder{dt: dt}
	case arrow.LIST:
		return &ListBuilder{Elem: NewArrowBuilder(dt.(*arrow.ListType).Elem()), dt: dt}
	case arrow.MAP:
		m := dt.(*arrow.MapType)
		return &MapBuilder{Keys: NewArrowBuilder(m.KeyType().(*arrow.StructType).Field(0).Type), Items: NewArrowBuilder(m.ItemType()), dt: m}
	case arrow.STRUCT:
		return newStructBuilder(dt.(*arrow.StructType))
	case arrow.NULL:
		return &NullBuilder{}
	}
	panic("vec: no builder for " + dt.String())
}

// isNanos tells a TIMESTAMP(7-9) from a ROW by its non-nullable fields, which a ROW never has.
func isNanos(dt *arrow.StructType) bool {
	return dt.NumFields() == 2 && !dt.Field(0).Nullable && dt.Field(0).Name == "us"
}

func newStructBuilder(dt *arrow.StructType) Builder {
	if isNanos(dt) {
		return &NanosBuilder{}
	}
	b := &StructBuilder{dt: dt, Fields: make([]Builder, dt.NumFields())}
	for i := range b.Fields {
		b.Fields[i] = NewArrowBuilder(dt.Field(i).Type)
	}
	return b
}

// validity gathers validity bits; it holds none until the first NULL.
type validity struct {
	n    int
	bits Bitmap
}

// Len is the number of values appended.
func (v *validity) Len() int { return v.n }

func (v *validity) grow(n int) {
	for need := (n + 7) / 8; len(v.bits) < need; {
		v.bits = append(v.bits, 0)
	}
}

func (v *validity) valid() {
	if v.bits != nil {
		v.grow(v.n + 1)
		v.bits.Set(v.n)
	}
	v.n++
}

func (v *validity) null() {
	if v.bits == nil {
		v.bits = append(make(Bitmap, 0, v.n/8+8), FullBitmap(v.n)...)
	}
	v.grow(v.n + 1)
	v.bits.Clear(v.n)
	v.n++
}

func (v *validity) appendRange(a arrow.Array, lo, hi int) {
	nulls := NullsOf(a)
	if !nulls.Any() && v.bits == nil {
		v.n += hi - lo
		return
	}
	for i := lo; i < hi; i++ {
		if nulls.Is(i) {
			v.null()
		} else {
			v.valid()
		}
	}
}

func (v *validity) truncate(n int) {
	v.n = n
	if v.bits != nil {
		v.bits = v.bits[:(n+7)/8]
	}
}

func (v *validity) take() Bitmap {
	bits := v.bits
	*v = validity{}
	return bits
}

// FixedBuilder builds a column of fixed-width values.
type FixedBuilder[T arrow.FixedWidthType] struct {
	validity
	dt     arrow.DataType
	values []T
}

// Append appends a value.
func (b *FixedBuilder[T]) Append(v T) {
	b.values = append(b.values, v)
	b.valid()
}

// AppendNull appends NULL.
func (b *FixedBuilder[T]) AppendNull() {
	var zero T
	b.values = append(b.values, zero)
	b.null()
}

// AppendFrom implements Builder.
func (b *FixedBuilder[T]) AppendFrom(a arrow.Array, i int) {
	if a.IsNull(i) {
		b.AppendNull()
		return
	}
	b.Append(Values[T](a)[i])
}

// AppendRange implements Builder.
func (b *FixedBuilder[T]) AppendRange(a arrow.Array, lo, hi int) {
	b.values = append(b.values, Values[T](a)[lo:hi]...)
	b.appendRange(a, lo, hi)
}

// Truncate implements Builder.
func (b *FixedBuilder[T]) Truncate(n int) {
	b.values = b.values[:n]
	b.truncate(n)
}

// Reserve implements Builder.
func (b *FixedBuilder[T]) Reserve(n int) {
	if cap(b.values)-len(b.values) < n {
		b.values = append(make([]T, 0, len(b.values)+n), b.values...)
	}
}

// Bytes implements Builder.
func (b *FixedBuilder[T]) Bytes() int { return len(arrow.GetBytes(b.values)) + len(b.bits) }

// Array implements Builder.
func (b *FixedBuilder[T]) Array() arrow.Array {
	values := b.values
	b.values = nil
	return Fixed(b.dt, values, b.take())
}

// BoolBuilder builds a BOOLEAN column.
type BoolBuilder struct {
	validity
	values Bitmap
}

// Append appends a value.
func (b *BoolBuilder) Append(v bool) {
	if b.n&7 == 0 {
		b.values = append(b.values, 0)
	}
	if v {
		b.values.Set(b.n)
	}
	b.valid()
}

// AppendNull appends NULL.
func (b *BoolBuilder) AppendNull() {
	if b.n&7 == 0 {
		b.values = append(b.values, 0)
	}
	b.null()
}

// AppendFrom implements Builder.
func (b *BoolBuilder) AppendFrom(a arrow.Array, i int) {
	if a.IsNull(i) {
		b.AppendNull()
		return
	}
	b.Append(BitsOf(a).At(i))
}

// AppendRange implements Builder.
func (b *BoolBuilder) AppendRange(a arrow.Array, lo, hi int) {
	for i := lo; i < hi; i++ {
		b.AppendFrom(a, i)
	}
}

// Truncate implements Builder.
func (b *BoolBuilder) Truncate(n int) {
	b.values = b.values[:(n+7)/8]
	if n&7 != 0 {
		b.values[n>>3] &= 1<<(n&7) - 1
	}
	b.truncate(n)
}

// Reserve implements Builder.
func (b *BoolBuilder) Reserve(int) {}

// Bytes implements Builder.
func (b *BoolBuilder) Bytes() int { return len(b.values) + len(b.bits) }

// Array implements Builder.
func (b *BoolBuilder) Array() arrow.Array {
	n, values := b.n, b.values
	b.values = nil
	return Bools(values, n, b.take())
}

// NullBuilder builds a column of untyped NULLs.
type NullBuilder struct{ n int }

// Len implements Builder.
func (b *NullBuilder) Len() int { return b.n }

// AppendNull appends NULL.
func (b *NullBuilder) AppendNull() { b.n++ }

// AppendFrom implements Builder.
func (b *NullBuilder) AppendFrom(arrow.Array, int) { b.n++ }

// AppendRange implements Builder.
func (b *NullBuilder) AppendRange(_ arrow.Array, lo, hi int) { b.n += hi - lo }

// Truncate implements Builder.
func (b *NullBuilder) Truncate(n int) { b.n = n }

// Reserve implements Builder.
func (b *NullBuilder) Reserve(int) {}

// Bytes implements Builder.
func (b *NullBuilder) Bytes() int { return 0 }

// Array implements Builder.
func (b *NullBuilder) Array() arrow.Array {
	n := b.n
	b.n = 0
	return array.NewNull(n)
}
