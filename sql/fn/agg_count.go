package fn

import (
	"weir/sql/types"
	"weir/sql/vec"
)

// aggFixed is a Go type of a column of fixed width that an accumulator computes with.
type aggFixed interface {
	int8 | int16 | int32 | int64 | float32 | float64
}

// grown gives s with room for exactly n groups, the new ones set to zero. It never shrinks.
func grown[T any](s []T, n int, zero T) []T {
	if n <= len(s) {
		return s
	}
	if n > cap(s) {
		c := max(2*cap(s), n, 16)
		s = append(make([]T, 0, c), s...)
	}
	old := len(s)
	s = s[:n]
	for i := old; i < n; i++ {
		s[i] = zero
	}
	return s
}

// countAcc is COUNT(*), and COUNT(x) where an argument is given.
type countAcc struct{ n []int64 }

func (a *countAcc) Resize(n int) { a.n = grown(a.n, n, 0) }

func (a *countAcc) Reset(g int32) { a.n[g] = 0 }

func (a *countAcc) Bytes() int64 { return int64(cap(a.n)) * 8 }

// aggNulls gives the NULLs of the first argument; without one, no row is NULL.
func aggNulls(args []vec.Vec) vec.Nulls {
	if len(args) == 0 {
		return vec.Nulls{}
	}
	return vec.NullsOf(args[0].Arr)
}

func (a *countAcc) Update(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) error {
	nulls, n := aggNulls(args), a.n
	if kinds == nil && !nulls.Any() {
		for _, g := range groups[lo:hi] {
			if g >= 0 {
				n[g]++
			}
		}
		return nil
	}
	for i := lo; i < hi; i++ {
		if g := groups[i]; g >= 0 && !nulls.Is(i) {
			n[g] += aggSign(kinds, i)
		}
	}
	return nil
}

// aggSign is +1 for a row that adds, -1 for one that is taken away.
func aggSign(kinds []types.RowKind, i int) int64 {
	if kinds == nil || types.Adds(kinds[i]) {
		return 1
	}
	return -1
}

func (a *countAcc) Running(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) (vec.Vec, error) {
	nulls, n := aggNulls(args), a.n
	out := make([]int64, hi-lo)
	plain := kinds == nil && !nulls.Any()
	for i := range out {
		g := groups[lo+i]
		if g < 0 {
			continue
		}
		if plain {
			n[g]++
		} else if !nulls.Is(lo + i) {
			n[g] += aggSign(kinds, lo+i)
		}
		out[i] = n[g]
	}
	return vec.ColVec(vec.Int64s(out, nil)), nil
}

func (a *countAcc) Values(groups []int32) (vec.Vec, error) {
	out := make([]int64, len(groups))
	for i, g := range groups {
		out[i] = a.n[g]
	}
	return vec.ColVec(vec.Int64s(out, nil)), nil
}

func (a *countAcc) Save(groups []int32) ([]vec.Vec, error) {
	v, err := a.Values(groups)
	return []vec.Vec{v}, err
}

func (a *countAcc) Load(groups []int32, state []vec.Vec) error {
	for i, g := range groups {
		a.n[g] = vec.I64(state[0])[i]
	}
	return nil
}

func (a *countAcc) Merge(groups []int32, state []vec.Vec) error {
	counts := vec.I64(state[0])
	for i, g := range groups {
		a.n[g] += counts[i]
	}
	return nil
}
