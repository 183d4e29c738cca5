package expr

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"weir/sql/vec"
)

// structField is field i of a struct column, with the struct's NULLs merged in.
func structField(a arrow.Array, i int) arrow.Array {
	s := a.(*array.Struct)
	child := s.Field(i)
	if s.NullN() == 0 {
		return child
	}
	if child.DataType().ID() == arrow.NULL {
		return child
	}
	d := child.Data()
	at, n := d.Offset(), d.Len()
	bits := make([]byte, bitutil.BytesForBits(int64(at+n)))
	bitutil.CopyBitmap(s.NullBitmapBytes(), s.Data().Offset(), n, bits, at)
	if child.NullN() > 0 {
		bitutil.BitmapAnd(bits, child.NullBitmapBytes(), int64(at), int64(at), bits, int64(at), int64(n))
	}
	missing := n - bitutil.CountSetBits(bits, at, n)
	buffers := append([]*memory.Buffer(nil), d.Buffers()...)
	buffers[0] = memory.NewBufferBytes(bits)
	return array.MakeFromData(array.NewData(d.DataType(), d.Len(), buffers, d.Children(), missing, d.Offset()))
}

// Truth values of a row.
const (
	isFalse uint8 = iota
	isTrue
	isNull
)

// truths writes the truth value of rows [0, n) of v.
func truths(v vec.Vec, n int) []uint8 {
	out := make([]uint8, n)
	if v.Const {
		t := truth(v.Arr, 0)
		for i := range out {
			out[i] = t
		}
		return out
	}
	for i := range out {
		out[i] = truth(v.Arr, i)
	}
	return out
}

func truth(a arrow.Array, i int) uint8 {
	b, ok := a.(*array.Boolean)
	if !ok || b.IsNull(i) { // an untyped NULL is no *array.Boolean
		return isNull
	}
	if b.Value(i) {
		return isTrue
	}
	return isFalse
}

// booleans makes a column of truth values.
func booleans(t []uint8) vec.Vec {
	n := len(t)
	size := int(bitutil.BytesForBits(int64(n)))
	bits, valid := make([]byte, size), make([]byte, size)
	missing := 0
	for i, v := range t {
		switch v {
		case isTrue:
			bits[i>>3] |= 1 << (i & 7)
			valid[i>>3] |= 1 << (i & 7)
		case isFalse:
			valid[i>>3] |= 1 << (i & 7)
		default:
			missing++
		}
	}
	var validity *memory.Buffer
	if missing > 0 {
		validity = memory.NewBufferBytes(valid)
	}
	return vec.ColVec(array.NewBoolean(n, memory.NewBufferBytes(bits), validity, missing))
}
