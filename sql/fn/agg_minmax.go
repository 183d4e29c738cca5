package fn

import (
	"bytes"

	"weir/sql/types"
	"weir/sql/vec"
)

// extremeCell is the least or greatest value of a group so far.
type extremeCell[T aggFixed] struct {
	v   T
	set bool
}

// extremeAcc is MIN and MAX over rows that are never taken away, of numbers and of what is laid out
// like one. A NaN stays once it came first, and is passed over later, as comparison in Flink has it.
type extremeAcc[T aggFixed] struct {
	t      types.Type
	max    bool
	millis bool
	cells  []extremeCell[T]
}

func newExtreme[T aggFixed](t types.Type, isMax bool) *extremeAcc[T] {
	return &extremeAcc[T]{t: t, max: isMax, millis: t.IsTimestamp() && t.Prec <= 3}
}

func (a *extremeAcc[T]) Resize(n int) { a.cells = grown(a.cells, n, extremeCell[T]{}) }

func (a *extremeAcc[T]) Reset(g int32) { a.cells[g] = extremeCell[T]{} }

func (a *extremeAcc[T]) Bytes() int64 { return int64(cap(a.cells)) * 16 }

func (c *extremeCell[T]) max(v T) {
	if !c.set || v > c.v {
		c.v, c.set = v, true
	}
}

func (c *extremeCell[T]) min(v T) {
	if !c.set || v < c.v {
		c.v, c.set = v, true
	}
}

// input gives the values of the argument; TIMESTAMP(0-3) floored to milliseconds, as state keeps them.
func (a *extremeAcc[T]) input(v vec.Vec, lo, hi int) []T {
	values := vec.Values[T](v.Arr)
	if !a.millis {
		return values
	}
	for i := lo; i < hi; i++ {
		if int64(values[i])%1000 != 0 {
			values = append([]T(nil), values...)
			for j := i; j < hi; j++ {
				values[j] = T(types.FromMicros(int64(values[j])).Micros())
			}
			break
		}
	}
	return values
}

func (a *extremeAcc[T]) Update(groups []int32, args []vec.Vec, _ []types.RowKind, lo, hi int) error {
	values, nulls, cells := a.input(args[0], lo, hi), vec.NullsOf(args[0].Arr), a.cells
	if a.max {
		for i := lo; i < hi; i++ {
			if g := groups[i]; g >= 0 && !nulls.Is(i) {
				cells[g].max(values[i])
			}
		}
		return nil
	}
	for i := lo; i < hi; i++ {
		if g := groups[i]; g >= 0 && !nulls.Is(i) {
			cells[g].min(values[i])
		}
	}
	return nil
}

func (a *extremeAcc[T]) Running(groups []int32, args []vec.Vec, _ []types.RowKind, lo, hi int) (vec.Vec, error) {
	values, nulls, cells := a.input(args[0], lo, hi), vec.NullsOf(args[0].Arr), a.cells
	out := make([]T, hi-lo)
	valid := vec.FullBitmap(hi - lo)
	for i := range out {
		g := groups[lo+i]
		if g < 0 {
			valid.Clear(i)
			continue
		}
		c := &cells[g]
		if !nulls.Is(lo + i) {
			if a.max {
				c.max(values[lo+i])
			} else {
				c.min(values[lo+i])
			}
		}
		if out[i] = c.v; !c.set {
			valid.Clear(i)
		}
	}
	return vec.ColVec(vec.Fixed(a.t.Arrow(), out, valid)), nil
}

func (a *extremeAcc[T]) Values(groups []int32) (vec.Vec, error) {
	out := make([]T, len(groups))
	valid := vec.FullBitmap(len(groups))
	for i, g := range groups {
		if out[i] = a.cells[g].v; !a.cells[g].set {
			valid.Clear(i)
		}
	}
	return vec.ColVec(vec.Fixed(a.t.Arrow(), out, valid)), nil
}

func (a *extremeAcc[T]) Save(groups []int32) ([]vec.Vec, error) {
	v, err := a.Values(groups)
	return []vec.Vec{v}, err
}

func (a *extremeAcc[T]) Load(groups []int32, state []vec.Vec) error {
	for _, g := range groups {
		a.Reset(g)
	}
	return a.Merge(groups, state)
}

func (a *extremeAcc[T]) Merge(groups []int32, state []vec.Vec) error {
	return a.Update(groups, state, nil, 0, len(groups))
}

// extremeKeyAcc is MIN and MAX, over rows that are never taken away, of all other types: by the
// encoding of a value as a key, whose order is the values'.
type extremeKeyAcc struct {
	t     types.Type
	max   bool
	codec aggCodec
	cells [][]byte // nil: no value yet
	size  int64
}

func (a *extremeKeyAcc) Resize(n int) { a.cells = grown(a.cells, n, nil) }

func (a *extremeKeyAcc) Reset(g int32) {
	a.size -= int64(cap(a.cells[g]))
	a.cells[g] = nil
}

func (a *extremeKeyAcc) Bytes() int64 { return int64(cap(a.cells))*24 + a.size }

func (a *extremeKeyAcc) fold(g int32, v []byte) {
	old := a.cells[g]
	if old != nil {
		if c := bytes.Compare(v, old); c == 0 || (c > 0) != a.max {
			return
		}
	}
	a.size -= int64(cap(old))
	a.cells[g] = append(old[:0], v...)
	a.size += int64(cap(a.cells[g]))
}

func (a *extremeKeyAcc) Update(groups []int32, args []vec.Vec, _ []types.RowKind, lo, hi int) error {
	nulls := vec.NullsOf(args[0].Arr)
	keys := a.codec.encode(args, lo, hi)
	for i := lo; i < hi; i++ {
		if g := groups[i]; g >= 0 && !nulls.Is(i) {
			a.fold(g, keys.At(i-lo))
		}
	}
	return nil
}

func (a *extremeKeyAcc) Running(groups []int32, args []vec.Vec, _ []types.RowKind, lo, hi int) (vec.Vec, error) {
	nulls := vec.NullsOf(args[0].Arr)
	keys := a.codec.encode(args, lo, hi)
	out := a.codec.decoder()
	for i := lo; i < hi; i++ {
		g := groups[i]
		if g < 0 {
			out.null()
			continue
		}
		if !nulls.Is(i) {
			a.fold(g, keys.At(i-lo))
		}
		out.add(a.cells[g])
	}
	return out.vec()
}

func (a *extremeKeyAcc) Values(groups []int32) (vec.Vec, error) {
	out := a.codec.decoder()
	for _, g := range groups {
		out.add(a.cells[g])
	}
	return out.vec()
}

func (a *extremeKeyAcc) Save(groups []int32) ([]vec.Vec, error) {
	v, err := a.Values(groups)
	return []vec.Vec{v}, err
}

func (a *extremeKeyAcc) Load(groups []int32, state []vec.Vec) error {
	for _, g := range groups {
		a.Reset(g)
	}
	return a.Merge(groups, state)
}

func (a *extremeKeyAcc) Merge(groups []int32, state []vec.Vec) error {
	return a.Update(groups, state, nil, 0, len(groups))
}

// bindExtreme is MIN and MAX.
func bindExtreme(isMax bool) func(args []Arg, retract bool) (*AggCall, error) {
	name := "MIN"
	if isMax {
		name = "MAX"
	}
	return func(args []Arg, retract bool) (*AggCall, error) {
		t := args[0].Type
		if t.IsNested() {
			return nil, noSuchType(name, t)
		}
		call := &AggCall{Args: []types.Type{t}, Type: t, State: []types.Type{t.WithNull(true)}, Mergeable: true}
		if retract {
			call.State = []types.Type{types.BytesType}
			call.New = func() Accumulator { return newSorted(t, isMax) }
			return call, nil
		}
		call.New = newExtremeOf(t, isMax)
		return call, nil
	}
}

func newExtremeOf(t types.Type, isMax bool) func() Accumulator {
	switch t.Kind {
	case types.TinyInt:
		return func() Accumulator { return newExtreme[int8](t, isMax) }
	case types.SmallInt:
		return func() Accumulator { return newExtreme[int16](t, isMax) }
	case types.Int, types.Date, types.Time0, types.IntervalYM:
		return func() Accumulator { return newExtreme[int32](t, isMax) }
	case types.BigInt, types.IntervalDS:
		return func() Accumulator { return newExtreme[int64](t, isMax) }
	case types.Timestamp, types.TimestampLTZ:
		if !t.Nanos() {
			return func() Accumulator { return newExtreme[int64](t, isMax) }
		}
	case types.Float:
		return func() Accumulator { return newExtreme[float32](t, isMax) }
	case types.Double:
		return func() Accumulator { return newExtreme[float64](t, isMax) }
	}
	return func() Accumulator { return &extremeKeyAcc{t: t, max: isMax, codec: newAggCodec(t)} }
}
