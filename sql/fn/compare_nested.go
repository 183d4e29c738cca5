package fn

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

// nestedCompare tests arrays, maps and rows for equality, or with not for inequality. Within them NULL equals
// NULL, as in Flink, and a map's order does not matter. An equality of two ROW(...) is one of their fields, which
// the planner makes of it.
func nestedCompare(not bool, t types.Type) Kernel {
	return func(_ *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
		n, constant := rowsOf(n, args)
		bits, valid := vec.NewBitmap(n), vec.FullBitmap(n)
		a, b := args[0], args[1]
		nullA, nullB := vec.NullsOf(a.Arr), vec.NullsOf(b.Arr)
		var test func(i, j int) bool
		if a.Arr.DataType().ID() != arrow.NULL && b.Arr.DataType().ID() != arrow.NULL {
			test = elementTest(t, a.Arr, b.Arr)
		}
		for i := range n {
			switch x, y := a.At(i), b.At(i); {
			case test == nil || nullA.Is(x) || nullB.Is(y):
				valid.Clear(i)
			case test(x, y) != not:
				bits.Set(i)
			}
		}
		return vec.Vec{Arr: vec.Bools(bits, n, valid), Const: constant}, nil
	}
}

// elementTest gives the equality of values where NULL equals NULL.
func elementTest(t types.Type, a, b arrow.Array) func(i, j int) bool {
	switch t.Kind {
	case types.Map, types.Multiset:
		return mapTest(t, a.(*array.Map), b.(*array.Map))
	case types.Row:
		return rowTest(t, a.(*array.Struct), b.(*array.Struct))
	}
	order := vec.Order{}.Comparer(a, b)
	return func(i, j int) bool { return order(i, j) == 0 }
}

func rowTest(t types.Type, a, b *array.Struct) func(i, j int) bool {
	nullA, nullB := vec.NullsOf(a), vec.NullsOf(b)
	fields := make([]func(i, j int) bool, len(t.Fields))
	for k := range fields {
		fields[k] = elementTest(t.Fields[k].Type, a.Field(k), b.Field(k))
	}
	return func(i, j int) bool {
		if nullA.Is(i) || nullB.Is(j) {
			return nullA.Is(i) && nullB.Is(j)
		}
		for _, f := range fields {
			if !f(i, j) {
				return false
			}
		}
		return true
	}
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
