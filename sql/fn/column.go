package fn

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// ints reads an argument of any integer, date, time, timestamp (0-6) or interval type as int64.
// A constant answers for every row.
type ints struct {
	i64  []int64
	i32  []int32
	i16  []int16
	i8   []int8
	step int
}

func intsOf(v vec.Vec) ints {
	r := ints{step: stepOf(v)}
	switch v.Arr.DataType().ID() {
	case arrow.INT64, arrow.TIMESTAMP:
		r.i64 = vec.Values[int64](v.Arr)
	case arrow.INT32, arrow.DATE32, arrow.TIME32:
		r.i32 = vec.Values[int32](v.Arr)
	case arrow.INT16:
		r.i16 = vec.Values[int16](v.Arr)
	case arrow.INT8:
		r.i8 = vec.Values[int8](v.Arr)
	}
	return r
}

func stepOf(v vec.Vec) int {
	if v.Const {
		return 0
	}
	return 1
}

func (r *ints) at(i int) int64 {
	i *= r.step
	switch {
	case r.i64 != nil:
		return r.i64[i]
	case r.i32 != nil:
		return int64(r.i32[i])
	case r.i16 != nil:
		return int64(r.i16[i])
	case r.i8 != nil:
		return int64(r.i8[i])
	}
	return 0
}

// column reads an argument of one fixed-width Go type.
type column[T arrow.FixedWidthType] struct {
	values []T
	step   int
}

func columnOf[T arrow.FixedWidthType](v vec.Vec) column[T] {
	if v.Arr.DataType().ID() == arrow.NULL {
		return column[T]{}
	}
	return column[T]{vec.Values[T](v.Arr), stepOf(v)}
}

func (c *column[T]) at(i int) T { return c.values[i*c.step] }

// bools reads a BOOLEAN argument.
type bools struct {
	bits vec.Bits
	step int
}

func boolsOf(v vec.Vec) bools {
	if v.Arr.DataType().ID() == arrow.NULL {
		return bools{}
	}
	return bools{vec.BitsOf(v.Arr), stepOf(v)}
}

func (b *bools) at(i int) bool { return b.bits.At(i * b.step) }

// validity is the validity of a result under construction: NULL rows can be added.
type validity struct {
	bits vec.Bitmap
	n    int
}

func (m *validity) setNull(i int) {
	if m.bits == nil {
		m.bits = vec.FullBitmap(m.n)
	}
	m.bits.Clear(i)
}

func (m *validity) isNull(i int) bool { return !m.bits.Get(i) }

// textRow appends the value of row i to dst; ok false means NULL.
type textRow = func(dst []byte, i int) (out []byte, ok bool)

// textColumn makes a STRING or BYTES column: f runs on each row that is valid.
func textColumn(t types.Type, m validity, f textRow) arrow.Array {
	offsets := make([]int32, m.n+1)
	var data []byte
	for i := range m.n {
		if !m.isNull(i) {
			out, ok := f(data, i)
			if ok {
				data = out
			} else {
				m.setNull(i)
			}
		}
		offsets[i+1] = int32(len(data))
	}
	if t.IsBytes() {
		return vec.Binaries(offsets, data, m.bits)
	}
	return vec.Strings(offsets, data, m.bits)
}

// fixedRows makes a column of fixed width: f runs on each row that is valid.
func fixedRows[T arrow.FixedWidthType](dt arrow.DataType, m validity, f func(i int) (T, bool)) arrow.Array {
	values := make([]T, m.n)
	for i := range values {
		if m.isNull(i) {
			continue
		}
		v, ok := f(i)
		if !ok {
			m.setNull(i)
			continue
		}
		values[i] = v
	}
	return vec.Fixed(dt, values, m.bits)
}

// boolRows makes a BOOLEAN column: f runs on each row that is valid.
func boolRows(m validity, f func(i int) (value, ok bool)) arrow.Array {
	data := vec.NewBitmap(m.n)
	for i := range m.n {
		if m.isNull(i) {
			continue
		}
		v, ok := f(i)
		if !ok {
			m.setNull(i)
		} else if v {
			data.Set(i)
		}
	}
	return vec.Bools(data, m.n, m.bits)
}
