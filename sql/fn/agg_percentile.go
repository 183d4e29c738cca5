package fn

import (
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

// percentileAcc is PERCENTILE(x, p [, frequency]): interpolated between the two nearest values. It
// keeps every value.
type percentileAcc struct {
	sortedAcc[uint64]
	in    types.Type
	freq  *types.Type
	ps    []float64
	array bool
}

func newPercentile(in types.Type, freq *types.Type, ps []float64, isArray bool) *percentileAcc {
	a := &percentileAcc{in: in, freq: freq, ps: ps, array: isArray}
	a.codec = newAggCodec(types.DoubleType)
	a.key = numberKey(8)
	return a
}

func (a *percentileAcc) Update(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) error {
	return a.rows(groups, args, kinds, lo, hi, func(int32) {})
}

func (a *percentileAcc) rows(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int, after func(g int32)) error {
	x := args[0].Slice(lo, hi)
	nulls := vec.NullsOf(x.Arr)
	keys := a.codec.encode([]vec.Vec{vec.ColVec(vec.Float64s(aggFloats(a.in, x), nil))}, 0, hi-lo)
	var freq []float64
	if a.freq != nil {
		freq = aggFloats(*a.freq, args[2].Slice(lo, hi))
	}
	for i := lo; i < hi; i++ {
		g, n := groups[i], int64(1)
		if freq != nil {
			if n = int64(freq[i-lo]); args[2].IsNull(i) || n < 0 {
				n = 0
			}
		}
		if g >= 0 && n > 0 && !nulls.Is(i-lo) {
			a.sets[g].add(a.key.of(keys.At(i-lo)), n*aggSign(kinds, i))
		}
		after(g)
	}
	return nil
}

// at is the percentile p of a set of total values. Positions count from 1, for the sake of Flink's last digit.
func (a *percentileAcc) at(s *sortedSet[uint64], p float64) float64 {
	pos := p*float64(s.total-1) + 1
	lo, hi := math.Floor(pos), math.Ceil(pos)
	x, y := nthValue(s, int64(lo)-1), nthValue(s, int64(hi)-1)
	if lo == hi || x == y {
		return x
	}
	return (hi-pos)*x + (pos-lo)*y
}

// nthValue is value i of a set of doubles, repetitions counted.
func nthValue(s *sortedSet[uint64], i int64) float64 {
	for _, ch := range s.chunks {
		for _, e := range ch {
			if e.n <= 0 {
				continue
			}
			if i -= e.n; i < 0 {
				return orderedFloat(e.key)
			}
		}
	}
	return 0
}

// orderedFloat undoes the mapping of a DOUBLE to a key of the same order.
func orderedFloat(k uint64) float64 {
	bits := int64(k ^ 1<<63)
	if bits == math.MaxInt64 {
		return math.NaN()
	}
	return math.Float64frombits(uint64(bits ^ int64(uint64(bits>>63)>>1)))
}

// percentiles gathers results.
type percentiles struct {
	a     *percentileAcc
	one   *vec.FixedBuilder[float64]
	lists *vec.ListBuilder
}

func (a *percentileAcc) results() *percentiles {
	out := &percentiles{a: a}
	if a.array {
		out.lists = vec.NewBuilder(types.ArrayType(types.DoubleType)).(*vec.ListBuilder)
		out.one = out.lists.Elem.(*vec.FixedBuilder[float64])
		return out
	}
	out.one = vec.NewBuilder(types.DoubleType).(*vec.FixedBuilder[float64])
	return out
}

func (r *percentiles) add(g int32) {
	if g < 0 || r.a.sets[g].total <= 0 {
		if r.lists != nil {
			r.lists.AppendNull()
			return
		}
		r.one.AppendNull()
		return
	}
	for _, p := range r.a.ps {
		r.one.Append(r.a.at(&r.a.sets[g], p))
	}
	if r.lists != nil {
		r.lists.Append()
	}
}

func (r *percentiles) vec() vec.Vec {
	if r.lists != nil {
		return vec.ColVec(r.lists.Array())
	}
	return vec.ColVec(r.one.Array())
}

func (a *percentileAcc) Running(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) (vec.Vec, error) {
	out := a.results()
	err := a.rows(groups, args, kinds, lo, hi, out.add)
	return out.vec(), err
}

func (a *percentileAcc) Values(groups []int32) (vec.Vec, error) {
	out := a.results()
	for _, g := range groups {
		out.add(g)
	}
	return out.vec(), nil
}

var errPercentage = errors.New("PERCENTILE wants its percentage as a constant number from 0 to 1, or a constant ARRAY of such numbers")

func bindPercentile(args []Arg, _ bool) (*AggCall, error) {
	t := args[0].Type
	if err := wantNumeric("PERCENTILE", t); err != nil {
		return nil, err
	}
	if args[1].Lit == nil || args[1].Lit.IsNull(0) {
		return nil, errPercentage
	}
	ps, isArray, err := percentages(args[1].Type, *args[1].Lit)
	if err != nil {
		return nil, err
	}
	call := &AggCall{Args: []types.Type{t, args[1].Type}, Type: types.DoubleType, State: []types.Type{types.BytesType}, Mergeable: true}
	if isArray {
		call.Type = types.ArrayType(types.DoubleType)
	}
	var freq *types.Type
	if len(args) == 3 {
		if !args[2].Type.IsInteger() {
			return nil, fmt.Errorf("PERCENTILE wants an integer as frequency, got %s", args[2].Type)
		}
		call.Args = append(call.Args, args[2].Type)
		freq = &call.Args[2]
	}
	call.New = func() Accumulator { return newPercentile(t, freq, ps, isArray) }
	return call, nil
}

func percentages(t types.Type, v vec.Vec) (ps []float64, isArray bool, err error) {
	isArray = t.Kind == types.Array
	if isArray {
		list := v.Arr.(*array.List)
		lo, hi := list.ValueOffsets(0)
		t, v = *t.Elem, vec.ColVec(array.NewSlice(list.ListValues(), lo, hi))
	}
	if !t.IsNumeric() || v.Arr.NullN() > 0 {
		return nil, isArray, errPercentage
	}
	for _, p := range aggFloats(t, v) {
		if !(p >= 0 && p <= 1) {
			return nil, isArray, errPercentage
		}
		ps = append(ps, p)
	}
	return ps, isArray, nil
}
