package fn

import (
	"fmt"

	"weir/sql/types"
	"weir/sql/vec"
)

var randomFuncs = []*Func{
	declare("RAND", "RAND([seed])", "Gives a random DOUBLE from 0 up to, but not, 1; with a seed, the first that Java's generator gives for it.",
		sig{in: pp(pInt), opt: 1, out: returnsDouble, prep: bindRand, clock: true}, "RAND(42)", "0.7275636800328681"),
	declare("RAND_INTEGER", "RAND_INTEGER([seed,] bound)", "Gives a random INT from 0 up to, but not, the bound; with a seed, the first that Java's generator gives for it.",
		sig{in: pp(pInt, pInt), opt: 1, out: returnsInt, prep: bindRandInteger, volatile: true}, "RAND_INTEGER(42, 1000)", "130"),
}

// javaRandom is Java's linear congruential generator.
type javaRandom uint64

func newJavaRandom(seed int64) *javaRandom {
	r := javaRandom(uint64(seed)^0x5DEECE66D) & (1<<48 - 1)
	return &r
}

func (r *javaRandom) next(bits uint) int32 {
	*r = (*r*0x5DEECE66D + 0xB) & (1<<48 - 1)
	return int32(uint64(*r) >> (48 - bits))
}

func (r *javaRandom) double() float64 {
	high := int64(r.next(26)) << 27
	return float64(high+int64(r.next(27))) / (1 << 53)
}

// below gives a number from 0 up to bound, which is positive.
func (r *javaRandom) below(bound int32) int32 {
	if bound&-bound == bound {
		return int32(int64(bound) * int64(r.next(31)) >> 31)
	}
	for {
		bits := r.next(31)
		v := bits % bound
		if bits-v+(bound-1) >= 0 {
			return v
		}
	}
}

func bindRand(args []Arg) (Kernel, error) {
	if len(args) == 0 {
		return func(c *Ctx, _ []vec.Vec, n int) (vec.Vec, error) {
			out := make([]float64, n)
			for i := range out {
				out[i] = float64(c.Random()>>11) / (1 << 53)
			}
			return vec.ColVec(vec.Float64s(out, nil)), nil
		}, nil
	}
	return fixedEval(types.DoubleType, func(a []vec.Vec) func(int) (float64, bool) {
		seed := intsOf(a[0])
		return func(i int) (float64, bool) { return newJavaRandom(seed.at(i)).double(), true }
	}), nil
}

func bindRandInteger(args []Arg) (Kernel, error) {
	kernel := fixedCtxEval(types.IntType, func(c *Ctx, a []vec.Vec, fail *failure) func(int) (int32, bool) {
		bound := intsOf(a[len(a)-1])
		seed := intsOf(a[0])
		return func(i int) (int32, bool) {
			top := bound.at(i)
			if top <= 0 || top > 1<<31-1 {
				fail.at(i, fmt.Errorf("RAND_INTEGER wants a bound of 1 to 2147483647, got %d", top))
				return 0, false
			}
			if len(a) == 1 {
				return int32(c.Random() >> 33 % uint64(top)), true
			}
			return newJavaRandom(seed.at(i)).below(int32(top)), true
		}
	})
	if len(args) > 1 {
		return kernel, nil
	}
	return func(c *Ctx, a []vec.Vec, n int) (vec.Vec, error) {
		return kernel(c, []vec.Vec{vec.ColVec(a[0].Column(n))}, n) // another number for each row, also of a constant bound
	}, nil
}
