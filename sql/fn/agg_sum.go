package fn

import (
	"math"

	"weir/sql/types"
	"weir/sql/vec"
)

// sumMode says what a sumAcc makes of a sum and a count.
type sumMode uint8

const (
	modeSum  sumMode = iota // NULL without a value
	modeSum0                // 0 without a value
	modeAvg                 // the sum by the count; integers truncate
)

// sumCell is the sum of a group's values and their number; together, since they are touched together.
type sumCell[S aggFixed] struct {
	sum S
	n   int64
}

// sumAcc is SUM, $SUM0 and AVG of integers and floats: of values I it keeps a sum S and gives an O.
// Integers wrap.
type sumAcc[I, S, O aggFixed] struct {
	in, out types.Type
	sumType types.Type
	mode    sumMode
	zero    S
	cells   []sumCell[S]
}

func newSum[I, S, O aggFixed](in, sum, out types.Type, mode sumMode) *sumAcc[I, S, O] {
	a := &sumAcc[I, S, O]{in: in, sumType: sum, out: out, mode: mode}
	if mode == modeSum && sum.IsFloat() {
		a.zero = S(math.Copysign(0, -1)) // -0.0 + x is x, also where x is -0.0
	}
	return a
}

func (a *sumAcc[I, S, O]) Resize(n int) { a.cells = grown(a.cells, n, sumCell[S]{sum: a.zero}) }

func (a *sumAcc[I, S, O]) Reset(g int32) { a.cells[g] = sumCell[S]{sum: a.zero} }

func (a *sumAcc[I, S, O]) Bytes() int64 { return int64(cap(a.cells)) * 16 }

func (a *sumAcc[I, S, O]) Update(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) error {
	values, nulls, cells := vec.Values[I](args[0].Arr), vec.NullsOf(args[0].Arr), a.cells
	if kinds == nil && !nulls.Any() {
		for i := lo; i < hi; i++ {
			if g := groups[i]; g >= 0 {
				c := &cells[g]
				c.sum += S(values[i])
				c.n++
			}
		}
		return nil
	}
	for i := lo; i < hi; i++ {
		if g := groups[i]; g >= 0 && !nulls.Is(i) {
			cells[g].add(S(values[i]), aggSign(kinds, i))
		}
	}
	return nil
}

func (c *sumCell[S]) add(v S, sign int64) {
	if sign < 0 {
		c.sum -= v
		c.n--
		return
	}
	c.sum += v
	c.n++
}

// value gives the result of a cell; ok false is NULL.
func (a *sumAcc[I, S, O]) value(c *sumCell[S]) (v O, ok bool) {
	switch {
	case a.mode == modeSum0:
		return O(c.sum), true
	case c.n == 0:
		return 0, false
	case a.mode == modeAvg:
		return O(c.sum / S(c.n)), true
	}
	return O(c.sum), true
}

func (a *sumAcc[I, S, O]) Running(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) (vec.Vec, error) {
	values, nulls, cells := vec.Values[I](args[0].Arr), vec.NullsOf(args[0].Arr), a.cells
	out := make([]O, hi-lo)
	var valid vec.Bitmap
	for i := range out {
		g := groups[lo+i]
		ok := false
		if g >= 0 {
			c := &cells[g]
			if !nulls.Is(lo + i) {
				c.add(S(values[lo+i]), aggSign(kinds, lo+i))
			}
			out[i], ok = a.value(c)
		}
		if !ok {
			if valid == nil {
				valid = vec.FullBitmap(len(out))
			}
			valid.Clear(i)
		}
	}
	return vec.ColVec(vec.Fixed(a.out.Arrow(), out, valid)), nil
}

func (a *sumAcc[I, S, O]) Values(groups []int32) (vec.Vec, error) {
	out := make([]O, len(groups))
	valid := vec.FullBitmap(len(groups))
	for i, g := range groups {
		var ok bool
		if out[i], ok = a.value(&a.cells[g]); !ok {
			valid.Clear(i)
		}
	}
	return vec.ColVec(vec.Fixed(a.out.Arrow(), out, valid)), nil
}

func (a *sumAcc[I, S, O]) Save(groups []int32) ([]vec.Vec, error) {
	sums, counts := make([]S, len(groups)), make([]int64, len(groups))
	for i, g := range groups {
		sums[i], counts[i] = a.cells[g].sum, a.cells[g].n
	}
	return []vec.Vec{vec.ColVec(vec.Fixed(a.sumType.Arrow(), sums, nil)), vec.ColVec(vec.Int64s(counts, nil))}, nil
}

func (a *sumAcc[I, S, O]) Load(groups []int32, state []vec.Vec) error {
	sums, counts := vec.Values[S](state[0].Arr), vec.I64(state[1])
	for i, g := range groups {
		a.cells[g] = sumCell[S]{sums[i], counts[i]}
	}
	return nil
}

func (a *sumAcc[I, S, O]) Merge(groups []int32, state []vec.Vec) error {
	sums, counts := vec.Values[S](state[0].Arr), vec.I64(state[1])
	for i, g := range groups {
		a.cells[g].sum += sums[i]
		a.cells[g].n += counts[i]
	}
	return nil
}

// bindSum is SUM and $SUM0: the type is kept, but DECIMAL(p, s) gives DECIMAL(38, s).
func bindSum(mode sumMode) func(args []Arg, retract bool) (*AggCall, error) {
	name := "SUM"
	if mode == modeSum0 {
		name = "$SUM0"
	}
	return func(args []Arg, _ bool) (*AggCall, error) {
		t := args[0].Type
		if err := wantNumeric(name, t); err != nil {
			return nil, err
		}
		if t.Kind == types.Null {
			t = types.IntType
		}
		out := t
		if t.Kind == types.Decimal {
			out = types.DecimalType(38, t.Scale).WithNull(t.Nullable())
		}
		call := &AggCall{Args: []types.Type{t}, Type: out, Mergeable: true, New: newSumOf(t, out, mode)}
		if mode == modeSum0 {
			call.Type = out.WithNull(false)
		}
		call.State = sumState(out, t)
		return call, nil
	}
}

func sumState(sum, t types.Type) []types.Type {
	if t.Kind == types.Decimal {
		return decimalSumState(t)
	}
	return []types.Type{sum.WithNull(false), types.BigIntType.WithNull(false)}
}

func newSumOf(t, out types.Type, mode sumMode) func() Accumulator {
	switch t.Kind {
	case types.TinyInt:
		return func() Accumulator { return newSum[int8, int8, int8](t, t, out, mode) }
	case types.SmallInt:
		return func() Accumulator { return newSum[int16, int16, int16](t, t, out, mode) }
	case types.Int:
		return func() Accumulator { return newSum[int32, int32, int32](t, t, out, mode) }
	case types.BigInt:
		return func() Accumulator { return newSum[int64, int64, int64](t, t, out, mode) }
	case types.Float:
		return func() Accumulator { return newSum[float32, float32, float32](t, t, out, mode) }
	case types.Double:
		return func() Accumulator { return newSum[float64, float64, float64](t, t, out, mode) }
	}
	return func() Accumulator { return newDecimalSum(t, out, mode) }
}

// bindAvg is AVG: integers sum in BIGINT and truncate to their own type, FLOAT sums in DOUBLE,
// DECIMAL(p, s) gives DECIMAL(38, max(6, s)).
func bindAvg(args []Arg, _ bool) (*AggCall, error) {
	t := args[0].Type
	if err := wantNumeric("AVG", t); err != nil {
		return nil, err
	}
	if t.Kind == types.Null {
		t = types.IntType
	}
	out, sum := t, types.BigIntType
	call := &AggCall{Args: []types.Type{t}, Mergeable: true}
	switch t.Kind {
	case types.TinyInt:
		call.New = func() Accumulator { return newSum[int8, int64, int8](t, sum, out, modeAvg) }
	case types.SmallInt:
		call.New = func() Accumulator { return newSum[int16, int64, int16](t, sum, out, modeAvg) }
	case types.Int:
		call.New = func() Accumulator { return newSum[int32, int64, int32](t, sum, out, modeAvg) }
	case types.BigInt:
		call.New = func() Accumulator { return newSum[int64, int64, int64](t, sum, out, modeAvg) }
	case types.Float:
		sum = types.DoubleType
		call.New = func() Accumulator { return newSum[float32, float64, float32](t, sum, out, modeAvg) }
	case types.Double:
		sum = types.DoubleType
		call.New = func() Accumulator { return newSum[float64, float64, float64](t, sum, out, modeAvg) }
	case types.Decimal:
		out = types.DecimalType(38, max(6, t.Scale)).WithNull(t.Nullable())
		call.New = func() Accumulator { return newDecimalSum(t, out, modeAvg) }
	}
	call.Type = out
	call.State = sumState(sum, t)
	return call, nil
}
