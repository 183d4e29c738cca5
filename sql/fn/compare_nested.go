package fn

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

// truth is a three-valued BOOLEAN.
type truth uint8

const (
	truthNo truth = iota
	truthYes
	truthUnknown
)

func truthOf(b bool) truth {
	if b {
		return truthYes
	}
	return truthNo
}

// nestedCompare tests arrays, maps and rows for equality, or with not for inequality. A ROW is compared
// field by field as SQL compares values, so a NULL field makes the answer NULL unless another field
// differs; within arrays and maps NULL equals NULL, and a map's order does not matter.
func nestedCompare(not bool, t types.Type) Kernel {
	return func(_ *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
		n, constant := rowsOf(n, args)
		bits, valid := vec.NewBitmap(n), vec.FullBitmap(n)
		test := fieldTest(t, args[0].Arr, args[1].Arr)
		for i := range n {
			switch test(args[0].At(i), args[1].At(i)) {
			case truthUnknown:
				valid.Clear(i)
			case truthOf(!not):
				bits.Set(i)
			}
		}
		return vec.Vec{Arr: vec.Bools(bits, n, valid), Const: constant}, nil
	}
}

// fieldTest gives the equality of SQL values: unknown where either is NULL.
func fieldTest(t types.Type, a, b arrow.Array) func(i, j int) truth {
	nullA, nullB := vec.NullsOf(a), vec.NullsOf(b)
	if a.DataType().ID() == arrow.NULL || b.DataType().ID() == arrow.NULL {
		return func(int, int) truth { return truthUnknown }
	}
	test := rowTest(t, a, b)
	if test == nil {
		equal := elementTest(t, a, b)
		test = func(i, j int) truth { return truthOf(equal(i, j)) }
	}
	return func(i, j int) truth {
		if nullA.Is(i) || nullB.Is(j) {
			return truthUnknown
		}
		return test(i, j)
	}
}

// rowTest compares non-NULL rows; nil where t is no ROW.
func rowTest(t types.Type, a, b arrow.Array) func(i, j int) truth {
	if t.Kind != types.Row {
		return nil
	}
	x, y := a.(*array.Struct), b.(*array.Struct)
	fields := make([]func(i, j int) truth, len(t.Fields))
	for k := range fields {
		fields[k] = fieldTest(t.Fields[k].Type, x.Field(k), y.Field(k))
	}
	return func(i, j int) truth {
		out := truthYes
		for _, f := range fields {
			switch f(i, j) {
			case truthNo:
				return truthNo
			case truthUnknown:
				out = truthUnknown
			}
		}
		return out
	}
}

// elementTest gives the equality of values within arrays and maps: NULL equals NULL.
func elementTest(t types.Type, a, b arrow.Array) func(i, j int) bool {
	if t.Kind == types.Map || t.Kind == types.Multiset {
		return mapTest(t, a.(*array.Map), b.(*array.Map))
	}
	order := vec.Order{}.Comparer(a, b)
	return func(i, j int) bool { return order(i, j) == 0 }
}

// mapTest compares maps entry by entry in any order. A key that is NULL equals none, as in Flink.
func mapTest(t types.Type, a, b *array.Map) func(i, j int) bool {
	item := types.IntType
	if t.Kind == types.Map {
		item = *t.Elem
	}
	keys := vec.Order{}.Comparer(vec.MapKeys(a), vec.MapKeys(b))
	items := elementTest(item, a.Items(), b.Items())
	nullA, nullB, nullKeys := vec.NullsOf(a), vec.NullsOf(b), vec.NullsOf(vec.MapKeys(a))
	return func(i, j int) bool {
		if nullA.Is(i) || nullB.Is(j) {
			return nullA.Is(i) && nullB.Is(j)
		}
		lo, hi := a.ValueOffsets(i)
		lo2, hi2 := b.ValueOffsets(j)
		if hi-lo != hi2-lo2 {
			return false
		}
		for k := lo; k < hi; k++ {
			found := false
			for m := lo2; m < hi2 && !found; m++ {
				found = !nullKeys.Is(int(k)) && keys(int(k), int(m)) == 0 && items(int(k), int(m))
			}
			if !found {
				return false
			}
		}
		return true
	}
}

// distinctKernel makes IS [NOT] DISTINCT FROM of <> or =: where one side is NULL the sides are distinct,
// where both are they are not.
func distinctKernel(compare Kernel, distinct bool) Kernel {
	return func(c *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
		n, constant := rowsOf(n, args)
		v, err := compare(c, args, n)
		if err != nil {
			return v, err
		}
		a, b := args[0], args[1]
		nullA, nullB, unknown := vec.NullsOf(a.Arr), vec.NullsOf(b.Arr), vec.NullsOf(v.Arr)
		if !nullA.Any() && !nullB.Any() && !unknown.Any() {
			return v, nil
		}
		bits, values := vec.NewBitmap(n), vec.BitsOf(v.Arr)
		for i := range n {
			x, y := nullA.Is(a.At(i)), nullB.Is(b.At(i))
			var differ bool
			switch {
			case x || y:
				differ = x != y
			case unknown.Is(v.At(i)): // rows with a NULL field: compared as elements
				differ = !vec.Equal(a.Arr, a.At(i), b.Arr, b.At(i))
			default:
				differ = values.At(v.At(i)) == distinct
			}
			if differ == distinct {
				bits.Set(i)
			}
		}
		return vec.Vec{Arr: vec.Bools(bits, n, nil), Const: constant}, nil
	}
}
