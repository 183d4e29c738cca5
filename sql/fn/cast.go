package fn

import (
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

// castRun is one run of a cast over an array. Rows that cannot be cast are noted, not returned at
// once, since TRY_CAST makes them NULL and an element's failure is its whole row's.
type castRun struct {
	zone   *time.Location
	failed []int32
	err    error // of failed[0]
}

// fail notes that row i cannot be cast.
func (r *castRun) fail(i int, err error) {
	if r.err == nil {
		r.err = err
	}
	r.failed = append(r.failed, int32(i))
}

// castFunc casts an array; failed rows hold anything.
type castFunc func(r *castRun, in arrow.Array) arrow.Array

// Cast gives the kernel of CAST(x AS to), or of TRY_CAST, which gives NULL where CAST fails.
func Cast(from, to types.Type, try bool) (Kernel, error) {
	if !castable(from, to) {
		return nil, castError(from, to)
	}
	cast := castTo(from, to)
	return func(c *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
		in := args[0]
		if in.Arr.DataType().ID() == arrow.NULL {
			return vec.ConstNull(to), nil
		}
		if cast == nil {
			return in, nil
		}
		run := castRun{zone: c.Zone}
		out := cast(&run, in.Arr)
		if run.err != nil {
			if !try {
				return vec.Vec{}, &RowError{Row: int(run.failed[0]), Err: run.err}
			}
			out = withNulls(out, run.failed)
		}
		return vec.Vec{Arr: out, Const: in.Const}, nil
	}, nil
}

// castError says why there is no such cast, and what to use in its place where Flink says so too.
func castError(from, to types.Type) error {
	hint := ""
	switch {
	case from.IsNumeric() && to.Kind == types.Timestamp:
		hint = "; use TO_TIMESTAMP(FROM_UNIXTIME(x))"
	case from.IsNumeric() && to.Kind == types.TimestampLTZ:
		hint = "; use TO_TIMESTAMP_LTZ(x, 0) or TO_TIMESTAMP_LTZ(x, 3)"
	case from.IsTimestamp() && to.IsNumeric():
		hint = "; use UNIX_TIMESTAMP(CAST(x AS STRING))"
	}
	return fmt.Errorf("cannot cast '%s' to '%s'%s", from, to, hint)
}

func withNulls(a arrow.Array, rows []int32) arrow.Array {
	idx := make([]int32, a.Len())
	for i := range idx {
		idx[i] = int32(i)
	}
	for _, row := range rows {
		idx[row] = -1
	}
	return vec.Take(a, idx)
}

// castTo gives the cast between castable types, nil where the array may stay as it is.
func castTo(from, to types.Type) castFunc {
	switch {
	case from.Kind == types.Null:
		return func(_ *castRun, in arrow.Array) arrow.Array { return vec.NullColumn(to, in.Len()) }
	case to.IsString():
		return castToString(from, to)
	case to.IsBytes():
		return castToBytes(to)
	case from.IsNested():
		return castNested(from, to)
	case from.IsString():
		return castFromString(to)
	case to.Kind == types.Boolean || to.IsNumeric():
		return castNumber(from, to)
	case to.IsInterval():
		return castInterval(from, to)
	}
	return castTime(from, to)
}

func castInterval(from, to types.Type) castFunc {
	if from.IsInterval() {
		return nil
	}
	plain := types.BigIntType
	if to.Kind == types.IntervalYM {
		plain = types.IntType
	}
	return castNumber(from, plain) // nil: the layouts agree
}

// copyValid copies the validity of an array.
func copyValid(a arrow.Array) vec.Bitmap {
	valid, none := vec.Validity(a.Len(), vec.ColVec(a))
	if none {
		return vec.NewBitmap(a.Len())
	}
	return valid
}

func castNested(from, to types.Type) castFunc {
	switch from.Kind {
	case types.Row:
		return castRow(from, to)
	case types.Array:
		elem := castTo(*from.Elem, *to.Elem)
		return func(r *castRun, in arrow.Array) arrow.Array {
			list := in.(*array.List)
			offsets, lo, hi := spans(in.Len(), list.ValueOffsets)
			child := castElements(r, elem, list.ListValues(), lo, hi, offsets)
			return vec.Lists(offsets, child, copyValid(in))
		}
	}
	key, item := castTo(*from.Elem, *to.Elem), castFunc(nil)
	if from.Kind == types.Map {
		key, item = castTo(*from.Key, *to.Key), castTo(*from.Elem, *to.Elem)
	}
	return func(r *castRun, in arrow.Array) arrow.Array {
		m := in.(*array.Map)
		offsets, lo, hi := spans(in.Len(), m.ValueOffsets)
		keys := castElements(r, key, vec.MapKeys(m), lo, hi, offsets)
		items := castElements(r, item, m.Items(), lo, hi, offsets)
		return vec.Maps(offsets, keys, items, copyValid(in))
	}
}

// spans gives the offsets of lists from 0 on, and where their elements lie in the child array.
func spans(n int, span func(int) (int64, int64)) (offsets []int32, lo, hi int64) {
	offsets = make([]int32, n+1)
	for i := range n {
		start, end := span(i)
		if i == 0 {
			lo = start
		}
		hi = end
		offsets[i+1] = int32(end - lo)
	}
	return offsets, lo, hi
}

// castElements casts the elements of lists; an element that fails fails its list.
func castElements(r *castRun, cast castFunc, child arrow.Array, lo, hi int64, offsets []int32) arrow.Array {
	child = array.NewSlice(child, lo, hi)
	if cast == nil {
		return child
	}
	run := castRun{zone: r.zone}
	out := cast(&run, child)
	if run.err == nil {
		return out
	}
	row := 0
	for _, i := range run.failed {
		for offsets[row+1] <= i {
			row++
		}
		r.fail(row, run.err)
	}
	return out
}

func castRow(from, to types.Type) castFunc {
	casts := make([]castFunc, len(from.Fields))
	for i := range casts {
		casts[i] = castTo(from.Fields[i].Type, to.Fields[i].Type)
	}
	layout := to.Arrow().(*arrow.StructType)
	return func(r *castRun, in arrow.Array) arrow.Array {
		s := in.(*array.Struct)
		fields := make([]arrow.Array, len(casts))
		for i, cast := range casts {
			fields[i] = s.Field(i)
			if cast != nil {
				fields[i] = cast(r, fields[i])
			}
		}
		return vec.Structs(layout, in.Len(), fields, copyValid(in))
	}
}
