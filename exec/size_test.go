package exec

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

func TestSizeOf(t *testing.T) {
	text := vec.StringValues([]string{"a", "bcd", "", "ef"}, nil)
	list := vec.Lists([]int32{0, 2, 2, 3, 4}, vec.Int64s([]int64{1, 2, 3, 4}, nil), nil)
	maps := vec.Maps([]int32{0, 1, 1, 2, 2}, vec.StringValues([]string{"x", "yz"}, nil), vec.Int32s([]int32{1, 2}, nil), nil)
	row := types.RowType(types.Field{Name: "s", Type: types.StringType})
	rows := vec.Structs(row.Arrow().(*arrow.StructType), 4, []arrow.Array{text}, nil)
	for _, c := range []struct {
		name        string
		col         arrow.Array
		whole, tail int64 // of all four values, of the last two
	}{
		{"BIGINT", vec.Int64s([]int64{1, 2, 3, 4}, nil), 32, 16},
		{"BOOLEAN", vec.Bools(vec.FullBitmap(4), 4, nil), 1, 1},
		{"STRING", text, 6 + 16, 2 + 8},
		{"BYTES", vec.Binaries([]int32{0, 1, 4, 4, 6}, []byte("abcdef"), nil), 6 + 16, 2 + 8},
		{"ARRAY", list, 32 + 16, 16 + 8},
		{"MAP", maps, 3 + 8 + 8 + 16, 5 + 4 + 8},
		{"ROW", rows, 6 + 16, 2 + 8},
	} {
		b := vec.New(arrow.NewSchema([]arrow.Field{{Name: "c", Type: c.col.DataType(), Nullable: true}}, nil), []arrow.Array{c.col}, 4, nil)
		if got := sizeOf(b); got != c.whole {
			t.Errorf("%s: got %d, want %d", c.name, got, c.whole)
		}
		if got := sizeOf(b.Slice(2, 4)); got != c.tail {
			t.Errorf("%s, sliced: got %d, want %d", c.name, got, c.tail)
		}
		if got := sizeOf(b.Slice(2, 2)); got != 0 {
			t.Errorf("%s, empty: got %d", c.name, got)
		}
	}
}
