package fn

import (
	"fmt"
	"strings"

	"weir/sql/types"
	"weir/sql/vec"
)

// truths is a BOOLEAN Vec as two bitmaps from bit 0 on: where it is TRUE and where it is FALSE.
type truths struct{ yes, no vec.Bitmap }

func truthsOf(v vec.Vec, n int) truths {
	t := truths{vec.NewBitmap(n), vec.NewBitmap(n)}
	nulls := vec.NullsOf(v.Arr)
	if v.Const {
		if nulls.Is(0) {
			return t
		}
		if vec.BitsOf(v.Arr).At(0) {
			t.yes = vec.FullBitmap(n)
		} else {
			t.no = vec.FullBitmap(n)
		}
		return t
	}
	bits := vec.BitsOf(v.Arr)
	for i := range n {
		switch {
		case nulls.Is(i):
		case bits.At(i):
			t.yes.Set(i)
		default:
			t.no.Set(i)
		}
	}
	return t
}

// vec gives the BOOLEAN column.
func (t truths) vec(n int) vec.Vec {
	valid := vec.NewBitmap(n)
	for i := range valid {
		valid[i] = t.yes[i] | t.no[i]
	}
	return vec.ColVec(vec.Bools(t.yes, n, valid))
}

// And is the three-valued AND of BOOLEAN Vecs of n rows: FALSE where any is, else NULL where any is.
func And(n int, args ...vec.Vec) vec.Vec {
	out := truths{vec.FullBitmap(n), vec.NewBitmap(n)}
	for _, a := range args {
		t := truthsOf(a, n)
		for i := range out.yes {
			out.yes[i] &= t.yes[i]
			out.no[i] |= t.no[i]
		}
	}
	return out.vec(n)
}

// Or is the three-valued OR of BOOLEAN Vecs of n rows: TRUE where any is, else NULL where any is.
func Or(n int, args ...vec.Vec) vec.Vec {
	out := truths{vec.NewBitmap(n), vec.FullBitmap(n)}
	for _, a := range args {
		t := truthsOf(a, n)
		for i := range out.yes {
			out.yes[i] |= t.yes[i]
			out.no[i] &= t.no[i]
		}
	}
	return out.vec(n)
}

// Not is the three-valued NOT of a BOOLEAN Vec: NULL stays NULL.
func Not(v vec.Vec) vec.Vec {
	n := v.Arr.Len()
	t := truthsOf(vec.ColVec(v.Arr), n)
	t.yes, t.no = t.no, t.yes
	return vec.Vec{Arr: t.vec(n).Arr, Const: v.Const}
}

// testFunc declares a test written after its argument: IS [NOT] NULL, TRUE, FALSE, UNKNOWN.
func testFunc(name, doc string, example Example) *Func {
	return &Func{
		Name: name, Syntax: "a " + name, Doc: doc, Examples: []Example{example}, MinArgs: 1, MaxArgs: 1,
		Bind: func(args []Arg) (*Call, error) { return bindTest(name, args[0].Type) },
	}
}

func bindTest(name string, t types.Type) (*Call, error) {
	what, not := strings.CutPrefix(name, "IS NOT ")
	if !not {
		what = strings.TrimPrefix(name, "IS ")
	}
	arg := t.WithNull(true)
	if what != "NULL" {
		if t.Kind == types.Null {
			arg = types.BooleanType
		}
		if arg.Kind != types.Boolean {
			return nil, fmt.Errorf("'%s' takes a condition, not '%s'", name, arg)
		}
	}
	return &Call{Args: []types.Type{arg}, Type: types.BooleanType.WithNull(false), Eval: testKernel(what, not)}, nil
}

func testKernel(what string, not bool) Kernel {
	return func(_ *Ctx, args []vec.Vec, _ int) (vec.Vec, error) {
		in, n := args[0], args[0].Arr.Len()
		bits := vec.NewBitmap(n)
		switch what {
		case "TRUE":
			bits = truthsOf(vec.ColVec(in.Arr), n).yes
		case "FALSE":
			bits = truthsOf(vec.ColVec(in.Arr), n).no
		default:
			nulls := vec.NullsOf(in.Arr)
			for i := 0; nulls.Any() && i < n; i++ {
				if nulls.Is(i) {
					bits.Set(i)
				}
			}
		}
		if not {
			invert(bits)
		}
		return vec.Vec{Arr: vec.Bools(bits, n, nil), Const: in.Const}, nil
	}
}
