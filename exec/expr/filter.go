package expr

import (
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// trueRows lists the rows of sel whose value in the BOOLEAN column is TRUE, eight rows a step.
func trueRows(a arrow.Array, n int, sel []int32) (out []int32, all bool) {
	col, ok := a.(*array.Boolean)
	if !ok {
		return []int32{}, n == 0
	}
	hits := trueBits(col, n)
	total := 0
	for _, w := range hits {
		total += bits.OnesCount8(w)
	}
	if total == n {
		return sel, true
	}
	out = make([]int32, 0, total)
	for i, w := range hits {
		for w != 0 {
			j := i<<3 + bits.TrailingZeros8(w)
			out = append(out, rowOf(sel, j))
			w &= w - 1
		}
	}
	return out, false
}

// trueBits is a bitmap of the rows that are TRUE.
func trueBits(col *array.Boolean, n int) []byte {
	d := col.Data()
	size := (n + 7) / 8
	out := make([]byte, size)
	if d.Offset()&7 != 0 {
		for i := range n {
			if col.IsValid(i) && col.Value(i) {
				out[i>>3] |= 1 << (i & 7)
			}
		}
		return out
	}
	first := d.Offset() / 8
	copy(out, d.Buffers()[1].Bytes()[first:])
	if valid := d.Buffers()[0]; valid != nil && col.NullN() > 0 {
		v := valid.Bytes()[first:]
		for i := range out {
			out[i] &= v[i]
		}
	}
	if n&7 != 0 {
		out[size-1] &= 1<<(n&7) - 1
	}
	return out
}
