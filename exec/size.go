package exec

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/vec"
)

// sizeOf estimates the bytes of a batch's values; a slice counts only what it shows.
func sizeOf(b *vec.Batch) int64 {
	size := int64(len(b.Kinds))
	for _, col := range b.Rows.Columns() {
		size += columnSize(col)
	}
	return size
}

func columnSize(a arrow.Array) int64 {
	n := int64(a.Len())
	if n == 0 {
		return 0
	}
	switch a := a.(type) {
	case *array.String:
		offsets := a.ValueOffsets()
		return int64(offsets[n]-offsets[0]) + 4*n
	case *array.Binary:
		offsets := a.ValueOffsets()
		return int64(offsets[n]-offsets[0]) + 4*n
	case *array.List:
		lo, _ := a.ValueOffsets(0)
		_, hi := a.ValueOffsets(a.Len() - 1)
		return 4*n + share(a.ListValues(), hi-lo)
	case *array.Map:
		lo, _ := a.ValueOffsets(0)
		_, hi := a.ValueOffsets(a.Len() - 1)
		return 4*n + share(vec.MapKeys(a), hi-lo) + share(a.Items(), hi-lo)
	case *array.Struct:
		size := int64(0)
		for i := range a.NumField() {
			size += columnSize(a.Field(i))
		}
		return size
	}
	if t, ok := a.DataType().(arrow.FixedWidthDataType); ok {
		return (n*int64(t.BitWidth()) + 7) / 8
	}
	return 0
}

// share is the size of n of a's values, taken as equally large.
func share(a arrow.Array, n int64) int64 {
	if a.Len() == 0 {
		return 0
	}
	return columnSize(a) * n / int64(a.Len())
}
