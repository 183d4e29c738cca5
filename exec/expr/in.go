package expr

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// in tells whether x is in a set of constants.
type in struct {
	x       Eval
	find    func(a arrow.Array, out []uint8) // writes isTrue where a row is in the set
	hasNull bool                             // the list holds a NULL: no match is NULL, not FALSE
	neg     bool
}

func compileIn(e *planner.In) (Eval, error) {
	x, err := Compile(e.X)
	if err != nil {
		return nil, err
	}
	var vals []arrow.Array
	hasNull := false
	for _, item := range e.List {
		lit, ok := item.(*planner.Literal)
		if !ok {
			return nil, fmt.Errorf("the list of IN holds %T, which is no constant", item)
		}
		if lit.Val.IsNull(0) {
			hasNull = true
			continue
		}
		vals = append(vals, lit.Val)
	}
	find := finder(e.X.Type().Arrow(), vals)
	if find == nil {
		return inByEquality(e)
	}
	return &in{x: x, find: find, hasNull: hasNull, neg: e.Neg}, nil
}

func (e *in) Eval(c *fn.Ctx, b *vec.Batch, sel []int32) (vec.Vec, error) {
	v, err := e.x.Eval(c, b, sel)
	if err != nil {
		return vec.Vec{}, err
	}
	t := make([]uint8, v.Arr.Len())
	e.find(v.Arr, t)
	for i, hit := range t {
		switch {
		case v.Arr.IsNull(i):
			t[i] = isNull
		case hit == isFalse && e.hasNull:
			t[i] = isNull
		case e.neg:
			t[i] = 1 - hit
		}
	}
	out := booleans(t)
	out.Const = v.Const
	return out, nil
}

// finder makes the look-up for the layouts whose equality is that of their Go values; nil for others.
func finder(t arrow.DataType, vals []arrow.Array) func(arrow.Array, []uint8) {
	switch t.ID() {
	case arrow.INT8:
		return lookup(vals, func(a arrow.Array) []int8 { return a.(*array.Int8).Int8Values() })
	case arrow.INT16:
		return lookup(vals, func(a arrow.Array) []int16 { return a.(*array.Int16).Int16Values() })
	case arrow.INT32:
		return lookup(vals, func(a arrow.Array) []int32 { return a.(*array.Int32).Int32Values() })
	case arrow.INT64:
		return lookup(vals, func(a arrow.Array) []int64 { return a.(*array.Int64).Int64Values() })
	case arrow.DATE32:
		return lookup(vals, func(a arrow.Array) []arrow.Date32 { return a.(*array.Date32).Date32Values() })
	case arrow.TIME32:
		return lookup(vals, func(a arrow.Array) []arrow.Time32 { return a.(*array.Time32).Time32Values() })
	case arrow.TIMESTAMP:
		return lookup(vals, func(a arrow.Array) []arrow.Timestamp { return a.(*array.Timestamp).TimestampValues() })
	case arrow.DECIMAL128:
		return lookup(vals, func(a arrow.Array) []decimal128.Num { return a.(*array.Decimal128).Values() })
	case arrow.STRING:
		return lookupStrings(vals)
	}
	return nil
}

func lookup[T comparable](vals []arrow.Array, values func(arrow.Array) []T) func(arrow.Array, []uint8) {
	set := make(map[T]struct{}, len(vals))
	for _, v := range vals {
		set[values(v)[0]] = struct{}{}
	}
	return func(a arrow.Array, out []uint8) {
		for i, x := range values(a) {
			if _, ok := set[x]; ok {
				out[i] = isTrue
			}
		}
	}
}

func lookupStrings(vals []arrow.Array) func(arrow.Array, []uint8) {
	set := make(map[string]struct{}, len(vals))
	for _, v := range vals {
		set[v.(*array.String).Value(0)] = struct{}{}
	}
	return func(a arrow.Array, out []uint8) {
		col := a.(*array.String)
		for i := range out {
			if _, ok := set[col.Value(i)]; ok {
				out[i] = isTrue
			}
		}
	}
}

// inByEquality spells x IN (a, b) as x = a OR x = b, for types whose equality only kernels know.
func inByEquality(e *planner.In) (Eval, error) {
	or := &planner.Or{}
	for _, item := range e.List {
		or.Args = append(or.Args, &planner.Call{Func: "=", Args: []planner.Expr{e.X, item}, T: types.BooleanType})
	}
	if e.Neg {
		return Compile(&planner.Not{X: or})
	}
	return Compile(or)
}
