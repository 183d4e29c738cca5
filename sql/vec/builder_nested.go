package vec

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// TextBuilder builds a string or binary column.
type TextBuilder struct {
	validity
	dt   arrow.DataType
	ends []int32
	data []byte
}

// NewTextBuilder makes a builder of strings.
func NewTextBuilder() *TextBuilder { return &TextBuilder{dt: arrow.BinaryTypes.String} }

// Append appends a value, copying it.
func (b *TextBuilder) Append(v []byte) {
	b.data = append(b.data, v...)
	b.ends = append(b.ends, int32(len(b.data)))
	b.valid()
}

// AppendString appends a value, copying it.
func (b *TextBuilder) AppendString(v string) {
	b.data = append(b.data, v...)
	b.ends = append(b.ends, int32(len(b.data)))
	b.valid()
}

// Scratch is the data so far, for the caller to append one value to and give to AppendScratch.
func (b *TextBuilder) Scratch() []byte { return b.data }

// AppendScratch appends what the caller has added to Scratch as one value.
func (b *TextBuilder) AppendScratch(data []byte) {
	b.data = data
	b.ends = append(b.ends, int32(len(b.data)))
	b.valid()
}

// AppendNull appends NULL.
func (b *TextBuilder) AppendNull() {
	b.ends = append(b.ends, int32(len(b.data)))
	b.null()
}

// AppendFrom implements Builder.
func (b *TextBuilder) AppendFrom(a arrow.Array, i int) {
	if a.IsNull(i) {
		b.AppendNull()
		return
	}
	t := TextOf(ColVec(a))
	b.Append(t.Bytes(i))
}

// AppendRange implements Builder.
func (b *TextBuilder) AppendRange(a arrow.Array, lo, hi int) {
	if lo == hi {
		return
	}
	t := TextOf(ColVec(a))
	shift := int32(len(b.data)) - t.Offsets[lo]
	b.data = append(b.data, t.Data[t.Offsets[lo]:t.Offsets[hi]]...)
	for _, end := range t.Offsets[lo+1 : hi+1] {
		b.ends = append(b.ends, end+shift)
	}
	b.appendRange(a, lo, hi)
}

// Truncate implements Builder.
func (b *TextBuilder) Truncate(n int) {
	b.ends = b.ends[:n]
	end := int32(0)
	if n > 0 {
		end = b.ends[n-1]
	}
	b.data = b.data[:end]
	b.truncate(n)
}

// Reserve implements Builder.
func (b *TextBuilder) Reserve(n int) {
	if cap(b.ends)-len(b.ends) < n {
		b.ends = append(make([]int32, 0, len(b.ends)+n), b.ends...)
	}
}

// Bytes implements Builder.
func (b *TextBuilder) Bytes() int { return len(b.data) + 4*len(b.ends) + len(b.bits) }

// Array implements Builder.
func (b *TextBuilder) Array() arrow.Array {
	offsets := withZero(b.ends)
	data := b.data
	b.ends, b.data = nil, nil
	return column(b.dt, len(offsets)-1, b.take(), nil, arrow.GetBytes(offsets), data)
}

func withZero(ends []int32) []int32 {
	return append(make([]int32, 1, len(ends)+1), ends...)
}

// NanosBuilder builds a TIMESTAMP(7-9) column.
type NanosBuilder struct {
	validity
	us []int64
	ns []int16
}

// Append appends microseconds and nanoseconds 0-999.
func (b *NanosBuilder) Append(us int64, ns int16) {
	b.us, b.ns = append(b.us, us), append(b.ns, ns)
	b.valid()
}

// AppendNull appends NULL.
func (b *NanosBuilder) AppendNull() {
	b.us, b.ns = append(b.us, 0), append(b.ns, 0)
	b.null()
}

// AppendFrom implements Builder.
func (b *NanosBuilder) AppendFrom(a arrow.Array, i int) {
	if a.IsNull(i) {
		b.AppendNull()
		return
	}
	us, ns := NanosOf(a)
	b.Append(us[i], ns[i])
}

// AppendRange implements Builder.
func (b *NanosBuilder) AppendRange(a arrow.Array, lo, hi int) {
	us, ns := NanosOf(a)
	b.us, b.ns = append(b.us, us[lo:hi]...), append(b.ns, ns[lo:hi]...)
	b.appendRange(a, lo, hi)
}

// Truncate implements Builder.
func (b *NanosBuilder) Truncate(n int) {
	b.us, b.ns = b.us[:n], b.ns[:n]
	b.truncate(n)
}

// Reserve implements Builder.
func (b *NanosBuilder) Reserve(int) {}

// Bytes implements Builder.
func (b *NanosBuilder) Bytes() int { return 10*len(b.us) + len(b.bits) }

// Array implements Builder.
func (b *NanosBuilder) Array() arrow.Array {
	us, ns := b.us, b.ns
	b.us, b.ns = nil, nil
	return Nanos(us, ns, b.take())
}

// NanosOf gives the raw microseconds and nanoseconds of a TIMESTAMP(7-9) array.
func NanosOf(a arrow.Array) (us []int64, ns []int16) {
	s := a.(*array.Struct)
	return Values[int64](s.Field(0)), Values[int16](s.Field(1))
}

// ListBuilder builds an ARRAY column: append the elements to Elem, then call Append.
type ListBuilder struct {
	validity
	Elem Builder
	dt   arrow.DataType
	ends []int32
}

// Append ends a value: its elements are what Elem got since the last one.
func (b *ListBuilder) Append() {
	b.ends = append(b.ends, int32(b.Elem.Len()))
	b.valid()
}

// AppendNull appends NULL.
func (b *ListBuilder) AppendNull() {
	b.ends = append(b.ends, int32(b.Elem.Len()))
	b.null()
}

// AppendFrom implements Builder.
func (b *ListBuilder) AppendFrom(a arrow.Array, i int) {
	if a.IsNull(i) {
		b.AppendNull()
		return
	}
	list := a.(*array.List)
	lo, hi := list.ValueOffsets(i)
	b.Elem.AppendRange(list.ListValues(), int(lo), int(hi))
	b.Append()
}

// AppendRange implements Builder.
func (b *ListBuilder) AppendRange(a arrow.Array, lo, hi int) {
	for i := lo; i < hi; i++ {
		b.AppendFrom(a, i)
	}
}

// Truncate implements Builder.
func (b *ListBuilder) Truncate(n int) {
	b.ends = b.ends[:n]
	b.Elem.Truncate(lastEnd(b.ends))
	b.truncate(n)
}

func lastEnd(ends []int32) int {
	if len(ends) == 0 {
		return 0
	}
	return int(ends[len(ends)-1])
}

// Reserve implements Builder.
func (b *ListBuilder) Reserve(int) {}

// Bytes implements Builder.
func (b *ListBuilder) Bytes() int { return b.Elem.Bytes() + 4*len(b.ends) + len(b.bits) }

// Array implements Builder.
func (b *ListBuilder) Array() arrow.Array {
	offsets := withZero(b.ends)
	b.ends = nil
	return column(b.dt, len(offsets)-1, b.take(), []arrow.ArrayData{b.Elem.Array().Data()}, arrow.GetBytes(offsets))
}

// MapBuilder builds a MAP or MULTISET column: append to Keys and Items, then call Append.
type MapBuilder struct {
	validity
	Keys, Items Builder
	dt          *arrow.MapType
	ends        []int32
}

// Append ends a value: its entries are what Keys and Items got since the last one.
func (b *MapBuilder) Append() {
	b.ends = append(b.ends, int32(b.Keys.Len()))
	b.valid()
}

// AppendNull appends NULL.
func (b *MapBuilder) AppendNull() {
	b.ends = append(b.ends, int32(b.Keys.Len()))
	b.null()
}

// AppendFrom implements Builder.
func (b *MapBuilder) AppendFrom(a arrow.Array, i int) {
	if a.IsNull(i) {
		b.AppendNull()
		return
	}
	m := a.(*array.Map)
	lo, hi := m.ValueOffsets(i)
	b.Keys.AppendRange(MapKeys(m), int(lo), int(hi))
	b.Items.AppendRange(m.Items(), int(lo), int(hi))
	b.Append()
}

// AppendRange implements Builder.
func (b *MapBuilder) AppendRange(a arrow.Array, lo, hi int) {
	for i := lo; i < hi; i++ {
		b.AppendFrom(a, i)
	}
}

// Truncate implements Builder.
func (b *MapBuilder) Truncate(n int) {
	b.ends = b.ends[:n]
	b.Keys.Truncate(lastEnd(b.ends))
	b.Items.Truncate(lastEnd(b.ends))
	b.truncate(n)
}

// Reserve implements Builder.
func (b *MapBuilder) Reserve(int) {}

// Bytes implements Builder.
func (b *MapBuilder) Bytes() int {
	return b.Keys.Bytes() + b.Items.Bytes() + 4*len(b.ends) + len(b.bits)
}

// Array implements Builder.
func (b *MapBuilder) Array() arrow.Array {
	offsets := withZero(b.ends)
	b.ends = nil
	return mapColumn(b.dt, offsets, b.Keys.Array(), b.Items.Array(), b.take())
}

// StructBuilder builds a ROW column: append one value to each of Fields, then call Append.
type StructBuilder struct {
	validity
	Fields []Builder
	dt     *arrow.StructType
}

// Append ends a value.
func (b *StructBuilder) Append() { b.valid() }

// AppendNull appends NULL.
func (b *StructBuilder) AppendNull() {
	for _, f := range b.Fields {
		f.AppendNull()
	}
	b.null()
}

// AppendFrom implements Builder.
func (b *StructBuilder) AppendFrom(a arrow.Array, i int) { b.AppendRange(a, i, i+1) }

// AppendRange implements Builder.
func (b *StructBuilder) AppendRange(a arrow.Array, lo, hi int) {
	s := a.(*array.Struct)
	for i, f := range b.Fields {
		f.AppendRange(s.Field(i), lo, hi)
	}
	b.appendRange(a, lo, hi)
}

// Truncate implements Builder.
func (b *StructBuilder) Truncate(n int) {
	for _, f := range b.Fields {
		f.Truncate(n)
	}
	b.truncate(n)
}

// Reserve implements Builder.
func (b *StructBuilder) Reserve(n int) {
	for _, f := range b.Fields {
		f.Reserve(n)
	}
}

// Bytes implements Builder.
func (b *StructBuilder) Bytes() int {
	sum := len(b.bits)
	for _, f := range b.Fields {
		sum += f.Bytes()
	}
	return sum
}

// Array implements Builder.
func (b *StructBuilder) Array() arrow.Array {
	fields := make([]arrow.Array, len(b.Fields))
	for i, f := range b.Fields {
		fields[i] = f.Array()
	}
	n := b.n
	return Structs(b.dt, n, fields, b.take())
}
