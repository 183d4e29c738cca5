package vec

import (
	"bytes"
	"cmp"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// Comparer orders value i of one array against value j of another, neither being NULL.
type Comparer func(i, j int) int

// NewComparer gives the order of the values of two arrays of one layout, as Flink sorts and groups
// them: numbers by value, -0.0 below 0.0, NaN above all and equal to itself; text by bytes; arrays,
// rows and maps element by element with NULL lowest. The `=` operator differs for -0.0 and NaN.
func NewComparer(a, b arrow.Array) Comparer {
	switch a.DataType().ID() {
	case arrow.NULL:
		return func(int, int) int { return 0 }
	case arrow.BOOL:
		x, y := BitsOf(a), BitsOf(b)
		return func(i, j int) int { return boolInt(x.At(i)) - boolInt(y.At(j)) }
	case arrow.INT8:
		return compareInts(Values[int8](a), Values[int8](b))
	case arrow.INT16:
		return compareInts(Values[int16](a), Values[int16](b))
	case arrow.INT32, arrow.DATE32, arrow.TIME32:
		return compareInts(Values[int32](a), Values[int32](b))
	case arrow.INT64, arrow.TIMESTAMP:
		return compareInts(Values[int64](a), Values[int64](b))
	case arrow.FLOAT32:
		x, y := Values[float32](a), Values[float32](b)
		return func(i, j int) int { return CompareFloats(float64(x[i]), float64(y[j])) }
	case arrow.FLOAT64:
		x, y := Values[float64](a), Values[float64](b)
		return func(i, j int) int { return CompareFloats(x[i], y[j]) }
	case arrow.DECIMAL128:
		x, y := Values[decimal128.Num](a), Values[decimal128.Num](b)
		return func(i, j int) int { return x[i].Cmp(y[j]) }
	case arrow.STRING, arrow.BINARY:
		x, y := TextOf(ColVec(a)), TextOf(ColVec(b))
		return func(i, j int) int { return bytes.Compare(x.Bytes(i), y.Bytes(j)) }
	}
	return nestedComparer(a, b)
}

func nestedComparer(a, b arrow.Array) Comparer {
	switch a := a.(type) {
	case *array.List:
		b := b.(*array.List)
		return listComparer(a.ValueOffsets, b.ValueOffsets, nullsFirst(a.ListValues(), b.ListValues()))
	case *array.Map:
		b := b.(*array.Map)
		keys, items := nullsFirst(MapKeys(a), MapKeys(b)), nullsFirst(a.Items(), b.Items())
		return listComparer(a.ValueOffsets, b.ValueOffsets, func(i, j int) int {
			if c := keys(i, j); c != 0 {
				return c
			}
			return items(i, j)
		})
	case *array.Struct:
		b := b.(*array.Struct)
		fields := make([]Comparer, a.NumField())
		for i := range fields {
			fields[i] = nullsFirst(a.Field(i), b.Field(i))
		}
		return func(i, j int) int {
			for _, f := range fields {
				if c := f(i, j); c != 0 {
					return c
				}
			}
			return 0
		}
	}
	panic("vec: cannot compare " + a.DataType().String())
}

func listComparer(a, b func(int) (int64, int64), elem Comparer) Comparer {
	return func(i, j int) int {
		lo, hi := a(i)
		lo2, hi2 := b(j)
		for ; lo < hi && lo2 < hi2; lo, lo2 = lo+1, lo2+1 {
			if c := elem(int(lo), int(lo2)); c != 0 {
				return c
			}
		}
		return cmp.Compare(hi-lo, hi2-lo2)
	}
}

// nullsFirst extends an order to NULL: lowest, and equal to NULL.
func nullsFirst(a, b arrow.Array) Comparer { return Order{}.Comparer(a, b) }

func compareInts[T int8 | int16 | int32 | int64](x, y []T) Comparer {
	return func(i, j int) int { return cmp.Compare(x[i], y[j]) }
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// CompareFloats is the order of Java's Double.compare: -0.0 below 0.0, NaN above all.
func CompareFloats(a, b float64) int { return cmp.Compare(floatOrder(a), floatOrder(b)) }

// floatOrder maps a float to an integer of the same order; all NaNs are one.
func floatOrder(f float64) int64 {
	if f != f {
		return math.MaxInt64
	}
	bits := int64(math.Float64bits(f))
	return bits ^ int64(uint64(bits>>63)>>1)
}

// Order is how ORDER BY sorts one column. The zero value is ASC NULLS FIRST, Flink's default.
type Order struct {
	Desc      bool
	NullsLast bool
}

// Comparer gives the order of the values of two arrays, NULLs included; NULL equals NULL.
func (o Order) Comparer(a, b arrow.Array) Comparer {
	values := NewComparer(a, b)
	if o.Desc {
		up := values
		values = func(i, j int) int { return -up(i, j) }
	}
	na, nb := NullsOf(a), NullsOf(b)
	if !na.Any() && !nb.Any() {
		return values
	}
	null := -1
	if o.NullsLast {
		null = 1
	}
	return func(i, j int) int {
		x, y := na.Is(i), nb.Is(j)
		switch {
		case x && y:
			return 0
		case x:
			return null
		case y:
			return -null
		}
		return values(i, j)
	}
}

// RowComparer orders rows by several columns: column k of a against column k of b, by orders[k].
func RowComparer(orders []Order, a, b []arrow.Array) Comparer {
	cols := make([]Comparer, len(orders))
	for k, o := range orders {
		cols[k] = o.Comparer(a[k], b[k])
	}
	if len(cols) == 1 {
		return cols[0]
	}
	return func(i, j int) int {
		for _, c := range cols {
			if r := c(i, j); r != 0 {
				return r
			}
		}
		return 0
	}
}

// Equal tells whether two values are the same as a grouping key sees them: NULL equals NULL, NaN
// equals NaN, -0.0 is not 0.0. For many rows, make a Comparer once instead.
func Equal(a arrow.Array, i int, b arrow.Array, j int) bool {
	if a.IsNull(i) || b.IsNull(j) {
		return a.IsNull(i) && b.IsNull(j)
	}
	return NewComparer(a, b)(i, j) == 0
}

// SizeOf is the memory that the values of an array take, whatever it is a slice of.
func SizeOf(a arrow.Array) int {
	n := a.Len()
	size := 0
	if a.NullN() > 0 {
		size = (n + 7) / 8
	}
	switch a := a.(type) {
	case *array.Null:
		return 0
	case *array.Boolean:
		return size + (n+7)/8
	case *array.String, *array.Binary:
		if n == 0 {
			return size
		}
		t := TextOf(ColVec(a))
		return size + 4*n + int(t.Offsets[n]-t.Offsets[0])
	case *array.List:
		return size + 4*n + sizeOfSpan(n, a.ValueOffsets, a.ListValues())
	case *array.Map:
		return size + 4*n + sizeOfSpan(n, a.ValueOffsets, MapKeys(a)) + sizeOfSpan(n, a.ValueOffsets, a.Items())
	case *array.Struct:
		for i := range a.NumField() {
			size += SizeOf(a.Field(i))
		}
		return size
	}
	return size + n*a.DataType().(arrow.FixedWidthDataType).Bytes()
}

func sizeOfSpan(n int, span func(int) (int64, int64), child arrow.Array) int {
	if n == 0 {
		return 0
	}
	lo, _ := span(0)
	_, hi := span(n - 1)
	return SizeOf(array.NewSlice(child, lo, hi))
}

// Size is the memory that the batch's rows take.
func (b *Batch) Size() int {
	size := len(b.Kinds)
	for _, c := range b.Rows.Columns() {
		size += SizeOf(c)
	}
	return size
}
