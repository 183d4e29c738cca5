package fn

import (
	"math/big"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
	"weir/sql/vec"
)

// decCell is the sum of a group's decimals. null marks a sum that has no value yet, or whose last
// addition overflowed 38 digits.
type decCell struct {
	lo   uint64
	hi   int64
	n    int64
	null bool
}

// decAcc is SUM, $SUM0 and AVG of DECIMAL. An overflow makes the sum NULL: SUM begins anew with the
// next value, AVG stays NULL.
type decAcc struct {
	in, out types.Type
	mode    sumMode
	cells   []decCell
}

func decimalSumState(t types.Type) []types.Type {
	return []types.Type{types.DecimalType(38, t.Scale), types.BigIntType.WithNull(false)}
}

func newDecimalSum(in, out types.Type, mode sumMode) *decAcc {
	return &decAcc{in: in, out: out, mode: mode}
}

func (a *decAcc) zero() decCell { return decCell{null: a.mode == modeSum} }

func (a *decAcc) Resize(n int) { a.cells = grown(a.cells, n, a.zero()) }

func (a *decAcc) Reset(g int32) { a.cells[g] = a.zero() }

func (a *decAcc) Bytes() int64 { return int64(cap(a.cells)) * 32 }

// dec38 is 10^38; sums stay below it on either side of zero.
var dec38 = decimal128.GetScaleMultiplier(38)

// add adds v to the sum.
func (a *decAcc) add(c *decCell, v decimal128.Num, sign int64) {
	c.n += sign
	if sign < 0 {
		v = v.Negate()
	}
	if c.null {
		if a.mode == modeSum {
			c.lo, c.hi, c.null = v.LowBits(), v.HighBits(), false
		}
		return
	}
	lo, carry := bits.Add64(c.lo, v.LowBits(), 0)
	hi, _ := bits.Add64(uint64(c.hi), uint64(v.HighBits()), carry)
	same := c.hi^v.HighBits() >= 0
	over := same && int64(hi)^c.hi < 0
	c.lo, c.hi = lo, int64(hi)
	const safe = 1 << 60 // far below the high word of 10^38
	if !over && c.hi < safe && c.hi > -safe {
		return
	}
	if s := decimal128.New(c.hi, c.lo); over || !s.Abs().Less(dec38) {
		c.null = true
	}
}

func (a *decAcc) Update(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) error {
	values, nulls := vec.Dec(args[0]), vec.NullsOf(args[0].Arr)
	for i := lo; i < hi; i++ {
		if g := groups[i]; g >= 0 && !nulls.Is(i) {
			a.add(&a.cells[g], values[i], aggSign(kinds, i))
		}
	}
	return nil
}

// value gives the result of a cell; ok false is NULL.
func (a *decAcc) value(c *decCell) (v decimal128.Num, ok bool) {
	switch {
	case c.null, c.n == 0 && a.mode != modeSum0:
		return v, false
	case a.mode == modeAvg:
		return divideHalfUp(decimal128.New(c.hi, c.lo), c.n, a.out.Scale-a.in.Scale)
	}
	return decimal128.New(c.hi, c.lo), true
}

// divideHalfUp is sum * 10^up / n, rounded half up; ok false where it has more than 38 digits.
func divideHalfUp(sum decimal128.Num, n int64, up int) (decimal128.Num, bool) {
	if n < 0 {
		sum, n = sum.Negate(), -n
	}
	if s := int64(sum.LowBits()); sum.HighBits() == s>>63 && up < 10 {
		if hi, lo := bits.Mul64(aggAbs(s), aggPow10[up]); hi == 0 && lo < 1<<63 {
			q, r := lo/uint64(n), lo%uint64(n)
			if 2*r >= uint64(n) {
				q++
			}
			out := decimal128.FromU64(q)
			if s < 0 {
				out = out.Negate()
			}
			return out, true
		}
	}
	x := new(big.Int).Mul(sum.BigInt(), decimal128.GetScaleMultiplier(up).BigInt())
	d := big.NewInt(n)
	neg := x.Sign() < 0
	x.Abs(x).Lsh(x, 1)
	x.Add(x, d).Quo(x, d.Lsh(d, 1)) // (2x + n) / 2n
	if x.Cmp(dec38.BigInt()) >= 0 {
		return decimal128.Num{}, false
	}
	if neg {
		x.Neg(x)
	}
	return decimal128.FromBigInt(x), true
}

var aggPow10 = [10]uint64{1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000}

func aggAbs(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

func (a *decAcc) Running(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) (vec.Vec, error) {
	values, nulls := vec.Dec(args[0]), vec.NullsOf(args[0].Arr)
	out := make([]decimal128.Num, hi-lo)
	valid := vec.FullBitmap(hi - lo)
	for i := range out {
		g := groups[lo+i]
		ok := false
		if g >= 0 {
			c := &a.cells[g]
			if !nulls.Is(lo + i) {
				a.add(c, values[lo+i], aggSign(kinds, lo+i))
			}
			out[i], ok = a.value(c)
		}
		if !ok {
			valid.Clear(i)
		}
	}
	return vec.ColVec(vec.Decimals(a.out, out, valid)), nil
}

func (a *decAcc) Values(groups []int32) (vec.Vec, error) {
	out := make([]decimal128.Num, len(groups))
	valid := vec.FullBitmap(len(groups))
	for i, g := range groups {
		var ok bool
		if out[i], ok = a.value(&a.cells[g]); !ok {
			valid.Clear(i)
		}
	}
	return vec.ColVec(vec.Decimals(a.out, out, valid)), nil
}

func (a *decAcc) Save(groups []int32) ([]vec.Vec, error) {
	sums, counts := make([]decimal128.Num, len(groups)), make([]int64, len(groups))
	valid := vec.FullBitmap(len(groups))
	for i, g := range groups {
		c := &a.cells[g]
		sums[i], counts[i] = decimal128.New(c.hi, c.lo), c.n
		if c.null {
			valid.Clear(i)
		}
	}
	t := types.DecimalType(38, a.in.Scale)
	return []vec.Vec{vec.ColVec(vec.Decimals(t, sums, valid)), vec.ColVec(vec.Int64s(counts, nil))}, nil
}

func (a *decAcc) Load(groups []int32, state []vec.Vec) error {
	sums, counts, nulls := vec.Dec(state[0]), vec.I64(state[1]), vec.NullsOf(state[0].Arr)
	for i, g := range groups {
		a.cells[g] = decCell{sums[i].LowBits(), sums[i].HighBits(), counts[i], nulls.Is(i)}
	}
	return nil
}

func (a *decAcc) Merge(groups []int32, state []vec.Vec) error {
	sums, counts, nulls := vec.Dec(state[0]), vec.I64(state[1]), vec.NullsOf(state[0].Arr)
	for i, g := range groups {
		c := &a.cells[g]
		switch {
		case !nulls.Is(i):
			n := c.n
			a.add(c, sums[i], 1)
			c.n = n
		case a.mode != modeSum || counts[i] > 0:
			c.null = true
		}
		c.n += counts[i]
	}
	return nil
}
