package vec

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
)

// Bitmap is one bit a row, lowest bit first, starting at bit 0. As validity, a set bit is a value
// and a nil Bitmap says that no row is NULL.
type Bitmap []byte

// NewBitmap has room for n bits, all clear.
func NewBitmap(n int) Bitmap { return make(Bitmap, (n+7)/8) }

// FullBitmap has room for n bits, all set.
func FullBitmap(n int) Bitmap {
	b := NewBitmap(n)
	for i := range b {
		b[i] = 0xff
	}
	return b
}

// Get tells whether bit i is set; every bit of a nil Bitmap is.
func (b Bitmap) Get(i int) bool { return b == nil || b[i>>3]&(1<<(i&7)) != 0 }

// Set sets bit i.
func (b Bitmap) Set(i int) { b[i>>3] |= 1 << (i & 7) }

// Clear clears bit i.
func (b Bitmap) Clear(i int) { b[i>>3] &^= 1 << (i & 7) }

// Count is the number of set bits among the first n.
func (b Bitmap) Count(n int) int {
	if b == nil {
		return n
	}
	return bitutil.CountSetBits(b, 0, n)
}

// Nulls says which values of an array are NULL, without an interface call a row.
type Nulls struct {
	bits []byte // nil: none is NULL
	off  int
	all  bool // the array is of type NULL
}

// NullsOf gives the NULLs of an array.
func NullsOf(a arrow.Array) Nulls {
	if a.DataType().ID() == arrow.NULL {
		return Nulls{all: true}
	}
	if a.NullN() == 0 {
		return Nulls{}
	}
	return Nulls{bits: a.NullBitmapBytes(), off: a.Data().Offset()}
}

// Any tells whether any value may be NULL.
func (n Nulls) Any() bool { return n.bits != nil || n.all }

// Is tells whether value i is NULL.
func (n Nulls) Is(i int) bool {
	if n.bits == nil {
		return n.all
	}
	j := n.off + i
	return n.bits[j>>3]&(1<<(j&7)) == 0
}

// bitmap copies n bits of validity, nil where none is NULL.
func (n Nulls) bitmap(rows int) Bitmap {
	switch {
	case n.all:
		return NewBitmap(rows)
	case n.bits == nil:
		return nil
	}
	out := NewBitmap(rows)
	bitutil.CopyBitmap(n.bits, n.off, rows, out, 0)
	return out
}

// Validity is the validity of a result that is NULL where any of the arguments is. none says that a
// constant argument is NULL, so every row of the result is. The Bitmap is the caller's to change.
func Validity(n int, args ...Vec) (valid Bitmap, none bool) {
	for _, v := range args {
		nulls := NullsOf(v.Arr)
		if !nulls.Any() {
			continue
		}
		if v.Const || nulls.all {
			return nil, true
		}
		if valid == nil {
			valid = nulls.bitmap(n)
			continue
		}
		bitutil.BitmapAnd(valid, nulls.bits, 0, int64(nulls.off), valid, 0, int64(n))
	}
	return valid, false
}
