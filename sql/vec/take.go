package vec

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"weir/sql/types"
)

// Take gives the values of a at the indexes, in that order; a negative index gives NULL.
func Take(a arrow.Array, idx []int32) arrow.Array {
	if n := len(idx); n > a.Len()/2 && n <= a.Len() && int(idx[n-1]) == n-1 && inOrder(idx) {
		return ColVec(a).Slice(0, n).Arr
	}
	dt := a.DataType()
	switch dt.ID() {
	case arrow.NULL:
		return array.NewNull(len(idx))
	case arrow.BOOL:
		return takeBools(a, idx)
	case arrow.INT8:
		return takeFixed[int8](a, idx)
	case arrow.INT16:
		return takeFixed[int16](a, idx)
	case arrow.INT32, arrow.DATE32, arrow.TIME32:
		return takeFixed[int32](a, idx)
	case arrow.INT64, arrow.TIMESTAMP:
		return takeFixed[int64](a, idx)
	case arrow.FLOAT32:
		return takeFixed[float32](a, idx)
	case arrow.FLOAT64:
		return takeFixed[float64](a, idx)
	case arrow.DECIMAL128:
		return takeFixed[decimal128.Num](a, idx)
	case arrow.STRING, arrow.BINARY:
		return takeText(a, idx)
	case arrow.LIST:
		offsets, elems := takeEntries(a.(*array.List).ValueOffsets, a, idx)
		child := Take(a.(*array.List).ListValues(), elems)
		return column(dt, len(idx), takeValid(a, idx), []arrow.ArrayData{child.Data()}, arrow.GetBytes(offsets))
	case arrow.MAP:
		m := a.(*array.Map)
		offsets, elems := takeEntries(m.ValueOffsets, a, idx)
		return mapColumn(dt.(*arrow.MapType), offsets, Take(MapKeys(m), elems), Take(m.Items(), elems), takeValid(a, idx))
	case arrow.STRUCT:
		s := a.(*array.Struct)
		children := make([]arrow.ArrayData, s.NumField())
		for i := range children {
			children[i] = Take(s.Field(i), idx).Data()
		}
		return column(dt, len(idx), takeValid(a, idx), children)
	}
	panic("vec: cannot take from " + dt.String())
}

// takeValid gives the validity at the indexes, nil where no row is NULL.
func takeValid(a arrow.Array, idx []int32) Bitmap {
	nulls := NullsOf(a)
	if !nulls.Any() {
		signs := int32(0)
		for _, j := range idx {
			signs |= j
		}
		if signs >= 0 {
			return nil
		}
	}
	var valid Bitmap
	for i, j := range idx {
		if j < 0 || nulls.Any() && nulls.Is(int(j)) {
			if valid == nil {
				valid = FullBitmap(len(idx))
			}
			valid.Clear(i)
		}
	}
	return valid
}

func takeFixed[T arrow.FixedWidthType](a arrow.Array, idx []int32) arrow.Array {
	in := Values[T](a)
	out := make([]T, len(idx))
	valid := takeValid(a, idx)
	if valid == nil {
		for i, j := range idx {
			out[i] = in[j]
		}
		return Fixed(a.DataType(), out, nil)
	}
	for i, j := range idx {
		if j >= 0 {
			out[i] = in[j]
		}
	}
	return Fixed(a.DataType(), out, valid)
}

func takeBools(a arrow.Array, idx []int32) arrow.Array {
	in, out := BitsOf(a), NewBitmap(len(idx))
	for i, j := range idx {
		if j >= 0 && in.At(int(j)) {
			out.Set(i)
		}
	}
	return Bools(out, len(idx), takeValid(a, idx))
}

// shortText is the length of texts that are copied at a fixed size.
const shortText = 16

// takeText copies values that lie side by side at once; where only empty values lie between those that are taken, as
// where a filter leaves out the rows of other kinds, it copies nothing.
func takeText(a arrow.Array, idx []int32) arrow.Array {
	in := TextOf(ColVec(a))
	offsets := make([]int32, len(idx)+1)
	size, ascending, before := 0, true, int32(-1)
	for i, j := range idx {
		if j >= 0 {
			size += int(in.Offsets[j+1] - in.Offsets[j])
		}
		offsets[i+1] = int32(size)
		ascending = ascending && j > before
		before = j
	}
	mustFit(size)
	if ascending && size > 0 {
		if lo, hi := int(in.Offsets[idx[0]]), int(in.Offsets[before+1]); hi-lo == size {
			return column(a.DataType(), len(idx), takeValid(a, idx), nil, arrow.GetBytes(offsets), in.Data[lo:hi:hi])
		}
	}
	data := make([]byte, size+shortText)
	for i := 0; i < len(idx); {
		j, run := idx[i], i+1
		if j < 0 {
			i = run
			continue
		}
		for run < len(idx) && idx[run] == idx[run-1]+1 {
			run++
		}
		lo, hi := int(in.Offsets[j]), int(in.Offsets[int(j)+run-i])
		if hi-lo <= shortText && lo+shortText <= len(in.Data) {
			// A copy of fixed size is two instructions; what it brings too much, the next value overwrites.
			*(*[shortText]byte)(data[offsets[i]:]) = [shortText]byte(in.Data[lo:])
		} else {
			copy(data[offsets[i]:], in.Data[lo:hi])
		}
		i = run
	}
	return column(a.DataType(), len(idx), takeValid(a, idx), nil, arrow.GetBytes(offsets), data[:size:size])
}

// mustFit guards the 2 GiB limit of Arrow's 32-bit offsets; batches are far below it.
func mustFit(size int) {
	if size > types.MaxLength {
		panic(fmt.Sprintf("vec: a column of %d bytes of text is beyond 2 GiB", size))
	}
}

// takeEntries gives the offsets of the lists at the indexes and the positions of their elements.
func takeEntries(span func(int) (int64, int64), a arrow.Array, idx []int32) (offsets, elems []int32) {
	offsets = make([]int32, len(idx)+1)
	for i, j := range idx {
		if j >= 0 && a.IsValid(int(j)) {
			lo, hi := span(int(j))
			for k := lo; k < hi; k++ {
				elems = append(elems, int32(k))
			}
		}
		offsets[i+1] = int32(len(elems))
	}
	return offsets, elems
}

// TakeVec is Take of a Vec; a constant stays one.
func TakeVec(v Vec, idx []int32) Vec {
	if v.Const {
		return v
	}
	return ColVec(Take(v.Arr, idx))
}

// TakeBatch gives the rows at the indexes, with their kinds. The indexes must not be negative.
func TakeBatch(b *Batch, idx []int32) *Batch {
	if len(idx) == b.Len() && inOrder(idx) {
		return b
	}
	cols := make([]arrow.Array, b.Rows.NumCols())
	for i := range cols {
		cols[i] = Take(b.Col(i), idx)
	}
	return New(b.Rows.Schema(), cols, len(idx), TakeKinds(b.Kinds, idx))
}

func inOrder(idx []int32) bool {
	for i, j := range idx {
		if int(j) != i {
			return false
		}
	}
	return true
}

// TakeKinds gives the kinds at the indexes; nil stays nil.
func TakeKinds(kinds []types.RowKind, idx []int32) []types.RowKind {
	if kinds == nil {
		return nil
	}
	out := make([]types.RowKind, len(idx))
	for i, j := range idx {
		out[i] = kinds[j]
	}
	return out
}

// Filter appends to dst the rows among n for which a BOOLEAN Vec is TRUE.
func Filter(dst []int32, v Vec, n int) []int32 {
	nulls := NullsOf(v.Arr)
	if nulls.all {
		return dst
	}
	bits := BitsOf(v.Arr)
	if v.Const {
		if v.Arr.IsNull(0) || !bits.At(0) {
			return dst
		}
		for i := range n {
			dst = append(dst, int32(i))
		}
		return dst
	}
	for i := range n {
		if bits.At(i) && !nulls.Is(i) {
			dst = append(dst, int32(i))
		}
	}
	return dst
}

// ConcatArrays joins arrays of one layout.
func ConcatArrays(arrs ...arrow.Array) arrow.Array {
	if len(arrs) == 1 {
		return arrs[0]
	}
	out, err := array.Concatenate(arrs, memory.DefaultAllocator)
	if err != nil {
		panic("vec: " + err.Error())
	}
	return out
}

// Concat joins batches of one schema into one.
func Concat(batches ...*Batch) *Batch {
	if len(batches) == 1 {
		return batches[0]
	}
	n, allInserts := 0, true
	for _, b := range batches {
		n += b.Len()
		allInserts = allInserts && b.Kinds == nil
	}
	cols := make([]arrow.Array, batches[0].Rows.NumCols())
	parts := make([]arrow.Array, len(batches))
	for c := range cols {
		for i, b := range batches {
			parts[i] = b.Col(c)
		}
		cols[c] = ConcatArrays(parts...)
	}
	var kinds []types.RowKind
	if !allInserts {
		kinds = make([]types.RowKind, 0, n)
		for _, b := range batches {
			if b.Kinds != nil {
				kinds = append(kinds, b.Kinds...)
			} else {
				kinds = append(kinds, make([]types.RowKind, b.Len())...)
			}
		}
	}
	return New(batches[0].Rows.Schema(), cols, n, kinds)
}
