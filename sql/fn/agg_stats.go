package fn

import (
	"math"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
	"weir/sql/vec"
)

// momentCell is Welford's running mean and sum of squared differences from it.
type momentCell struct {
	n        int64
	mean, m2 float64
}

func (c *momentCell) add(x float64) {
	c.n++
	d := x - c.mean
	c.mean += d / float64(c.n)
	c.m2 += d * (x - c.mean)
}

func (c *momentCell) sub(x float64) {
	if c.n <= 1 {
		*c = momentCell{}
		return
	}
	c.n--
	d := x - c.mean
	c.mean -= d / float64(c.n)
	c.m2 = max(c.m2-d*(x-c.mean), 0) // rounding may go below
}

func (c *momentCell) merge(o momentCell) {
	if o.n == 0 {
		return
	}
	if c.n == 0 {
		*c = o
		return
	}
	n := c.n + o.n
	d := o.mean - c.mean
	c.m2 += o.m2 + d*d*float64(c.n)*float64(o.n)/float64(n)
	c.mean += d * float64(o.n) / float64(n)
	c.n = n
}

// momentAcc is VAR_POP, VAR_SAMP, STDDEV_POP and STDDEV_SAMP: computed in DOUBLE, given in the type
// of AVG, so an integer's deviation is an integer.
type momentAcc struct {
	in, out types.Type
	sample  bool // divide by n - 1
	root    bool
	cells   []momentCell
}

func (a *momentAcc) Resize(n int) { a.cells = grown(a.cells, n, momentCell{}) }

func (a *momentAcc) Reset(g int32) { a.cells[g] = momentCell{} }

func (a *momentAcc) Bytes() int64 { return int64(cap(a.cells)) * 24 }

// aggFloats gives a numeric column as float64s.
func aggFloats(t types.Type, v vec.Vec) []float64 {
	switch t.Kind {
	case types.TinyInt:
		return toFloats(vec.Values[int8](v.Arr))
	case types.SmallInt:
		return toFloats(vec.Values[int16](v.Arr))
	case types.Int:
		return toFloats(vec.Values[int32](v.Arr))
	case types.BigInt:
		return toFloats(vec.Values[int64](v.Arr))
	case types.Float:
		return toFloats(vec.Values[float32](v.Arr))
	case types.Decimal:
		in := vec.Dec(v)
		out := make([]float64, len(in))
		for i, d := range in {
			out[i] = aggDecimalFloat(d, t.Scale)
		}
		return out
	}
	return vec.F64(v)
}

// aggDecimalFloat is the DOUBLE next to a decimal: exact operands make one rounded division.
func aggDecimalFloat(d decimal128.Num, scale int) float64 {
	lo := int64(d.LowBits())
	if d.HighBits() == lo>>63 && lo < 1<<53 && lo > -1<<53 && scale <= 22 {
		return float64(lo) / math.Pow10(scale)
	}
	return d.ToFloat64(int32(scale))
}

func toFloats[T aggFixed](in []T) []float64 {
	out := make([]float64, len(in))
	for i, v := range in {
		out[i] = float64(v)
	}
	return out
}

func (a *momentAcc) Update(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) error {
	args = []vec.Vec{args[0].Slice(lo, hi)}
	values, nulls := aggFloats(a.in, args[0]), vec.NullsOf(args[0].Arr)
	for i := lo; i < hi; i++ {
		if g := groups[i]; g >= 0 && !nulls.Is(i-lo) {
			a.fold(g, values[i-lo], aggSign(kinds, i))
		}
	}
	return nil
}

func (a *momentAcc) fold(g int32, x float64, sign int64) {
	if sign < 0 {
		a.cells[g].sub(x)
		return
	}
	a.cells[g].add(x)
}

// value gives the result of a cell; ok false is NULL.
func (a *momentAcc) value(c *momentCell) (v float64, ok bool) {
	n := c.n
	if a.sample {
		n--
	}
	if n <= 0 {
		return 0, false
	}
	v = c.m2 / float64(n)
	if a.root {
		v = math.Sqrt(v)
	}
	return v, true
}

func (a *momentAcc) Running(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) (vec.Vec, error) {
	args = []vec.Vec{args[0].Slice(lo, hi)}
	values, nulls := aggFloats(a.in, args[0]), vec.NullsOf(args[0].Arr)
	out := make([]float64, hi-lo)
	valid := vec.FullBitmap(hi - lo)
	for i := range out {
		g, ok := groups[lo+i], false
		if g >= 0 {
			if !nulls.Is(i) {
				a.fold(g, values[i], aggSign(kinds, lo+i))
			}
			out[i], ok = a.value(&a.cells[g])
		}
		if !ok {
			valid.Clear(i)
		}
	}
	return a.result(out, valid), nil
}

func (a *momentAcc) Values(groups []int32) (vec.Vec, error) {
	out := make([]float64, len(groups))
	valid := vec.FullBitmap(len(groups))
	for i, g := range groups {
		var ok bool
		if out[i], ok = a.value(&a.cells[g]); !ok {
			valid.Clear(i)
		}
	}
	return a.result(out, valid), nil
}

// result casts DOUBLEs to the result's type as Java does: integers saturate at INT or BIGINT, then wrap.
func (a *momentAcc) result(in []float64, valid vec.Bitmap) vec.Vec {
	dt := a.out.Arrow()
	switch a.out.Kind {
	case types.TinyInt:
		return castFloats(dt, in, valid, func(f float64) int8 { return int8(saturate(f, math.MinInt32, math.MaxInt32)) })
	case types.SmallInt:
		return castFloats(dt, in, valid, func(f float64) int16 { return int16(saturate(f, math.MinInt32, math.MaxInt32)) })
	case types.Int:
		return castFloats(dt, in, valid, func(f float64) int32 { return int32(saturate(f, math.MinInt32, math.MaxInt32)) })
	case types.BigInt:
		return castFloats(dt, in, valid, func(f float64) int64 { return saturate(f, math.MinInt64, math.MaxInt64) })
	case types.Float:
		return castFloats(dt, in, valid, func(f float64) float32 { return float32(f) })
	case types.Decimal:
		return a.decimals(in, valid)
	}
	return vec.ColVec(vec.Float64s(in, valid))
}

func castFloats[T aggFixed](dt arrow.DataType, in []float64, valid vec.Bitmap, f func(float64) T) vec.Vec {
	out := make([]T, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return vec.ColVec(vec.Fixed(dt, out, valid))
}

// saturate is Java's conversion of a double to an integer type.
func saturate(f float64, lo, hi int64) int64 {
	switch {
	case f != f:
		return 0
	case f <= float64(lo):
		return lo
	case f >= float64(hi):
		return hi
	}
	return int64(f)
}

func (a *momentAcc) decimals(in []float64, valid vec.Bitmap) vec.Vec {
	out := make([]decimal128.Num, len(in))
	for i, f := range in {
		d, ok := aggDecimalOf(f, a.out.Scale)
		if out[i] = d; !ok {
			valid.Clear(i)
		}
	}
	return vec.ColVec(vec.Decimals(a.out, out, valid))
}

func (a *momentAcc) Save(groups []int32) ([]vec.Vec, error) {
	n, mean, m2 := make([]int64, len(groups)), make([]float64, len(groups)), make([]float64, len(groups))
	for i, g := range groups {
		c := &a.cells[g]
		n[i], mean[i], m2[i] = c.n, c.mean, c.m2
	}
	return []vec.Vec{vec.ColVec(vec.Int64s(n, nil)), vec.ColVec(vec.Float64s(mean, nil)), vec.ColVec(vec.Float64s(m2, nil))}, nil
}

func (a *momentAcc) Load(groups []int32, state []vec.Vec) error {
	for _, g := range groups {
		a.Reset(g)
	}
	return a.Merge(groups, state)
}

func (a *momentAcc) Merge(groups []int32, state []vec.Vec) error {
	n, mean, m2 := vec.I64(state[0]), vec.F64(state[1]), vec.F64(state[2])
	for i, g := range groups {
		a.cells[g].merge(momentCell{n[i], mean[i], m2[i]})
	}
	return nil
}

// bindMoment is VAR_* and STDDEV_*.
func bindMoment(name string, sample, root bool) func(args []Arg, retract bool) (*AggCall, error) {
	return func(args []Arg, _ bool) (*AggCall, error) {
		t := args[0].Type
		if err := wantNumeric(name, t); err != nil {
			return nil, err
		}
		if t.Kind == types.Null {
			t = types.DoubleType
		}
		out := t
		if t.Kind == types.Decimal {
			out = types.DecimalType(38, max(6, t.Scale)).WithNull(t.Nullable())
		}
		if sample {
			out = out.WithNull(true)
		}
		return &AggCall{
			Args: []types.Type{t}, Type: out, Mergeable: true,
			State: []types.Type{types.BigIntType, types.DoubleType, types.DoubleType},
			New:   func() Accumulator { return &momentAcc{in: t, out: out, sample: sample, root: root} },
		}, nil
	}
}

// aggDecimalOf rounds a DOUBLE half up to a scale; ok false where it has no place in 38 digits.
func aggDecimalOf(f float64, scale int) (decimal128.Num, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) || math.Abs(f) >= 1e38 {
		return decimal128.Num{}, false
	}
	r := new(big.Rat).SetFloat64(math.Abs(f))
	num := new(big.Int).Mul(r.Num(), decimal128.GetScaleMultiplier(scale).BigInt())
	num.Lsh(num, 1).Add(num, r.Denom())
	num.Quo(num, new(big.Int).Lsh(r.Denom(), 1))
	if num.Cmp(dec38.BigInt()) >= 0 {
		return decimal128.Num{}, false
	}
	if f < 0 {
		num.Neg(num)
	}
	return decimal128.FromBigInt(num), true
}
