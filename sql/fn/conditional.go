package fn

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

var conditionalFuncs = []*Func{
	arrayFunc("COALESCE", "COALESCE(value, ...)", "Gives the first value that is not NULL. All values are evaluated.", 1, -1, bindCoalesce, "COALESCE(CAST(NULL AS INT), 2, 3)", "2"),
	aliased(arrayFunc("IFNULL", "IFNULL(value, forNull)", "Gives the value, or forNull where it is NULL.", 2, 2, bindIfNull, "IFNULL(CAST(NULL AS STRING), 'z')", "z"), "NVL"),
	arrayFunc("NULLIF", "NULLIF(value, other)", "Gives NULL where both are equal, else the value.", 2, 2, bindNullIf, "NULLIF(1, 1)", "NULL", "NULLIF(1, 2)", "1"),
	arrayFunc("IF", "IF(condition, value, otherwise)", "Gives the value where the condition is TRUE, otherwise the other. Only the value asked for is evaluated.", 3, 3, bindIf, "IF(1 > 0, 'a', 'b')", "a"),
	arrayFunc("CASE", "CASE [value] WHEN condition THEN result ... [ELSE otherwise] END", "Gives the result of the first condition that is TRUE (or value that is equal), else otherwise or NULL. Only what is asked for is evaluated.", 2, -1, bindCase,
		"CASE WHEN 1 > 2 THEN 'a' ELSE 'b' END", "b", "CASE 3 WHEN 1 THEN 'a' END", "NULL"),
	arrayFunc("GREATEST", "GREATEST(value, ...)", "Gives the greatest of the values; NULL where one is NULL.", 1, -1, bindGreatest(1), "GREATEST(1, 2.5, 3)", "3.0"),
	arrayFunc("LEAST", "LEAST(value, ...)", "Gives the least of the values; NULL where one is NULL.", 1, -1, bindGreatest(-1), "LEAST('b', 'a')", "a"),
	arrayFunc("TYPEOF", "TYPEOF(value[, force])", "Gives the type of the value, as text.", 1, 2, bindTypeOf, "TYPEOF(1.23)", "DECIMAL(3, 2) NOT NULL"),
	declare("CURRENT_DATABASE", "CURRENT_DATABASE()", "Gives the name of the current database.",
		sig{out: returnsString, null: neverNull, eval: func(c *Ctx, _ []vec.Vec, _ int) (vec.Vec, error) { return vec.ConstString(c.Database), nil }, volatile: true}),
}

func aliased(f *Func, names ...string) *Func {
	f.Aliases = append(f.Aliases, names...)
	return f
}

func comparableCommon(args []Arg) (types.Type, error) {
	ts := argTypes(args)
	if t, ok := CommonType(ts...); ok {
		return t, nil
	}
	return types.Type{}, fmt.Errorf("cannot bring %s and %s to one type", ts[0], ts[len(ts)-1])
}

func bindCoalesce(args []Arg) (*Call, error) {
	t, err := comparableCommon(args)
	if err != nil {
		return nil, err
	}
	wants, nullable := make([]types.Type, len(args)), true
	for i, a := range args {
		wants[i] = t.WithNull(!a.Type.NotNull)
		nullable = nullable && !a.Type.NotNull
	}
	kernel := choose(func(a []vec.Vec) func(i int) int {
		nulls := make([]vec.Nulls, len(a))
		for k, v := range a {
			nulls[k] = vec.NullsOf(v.Arr)
		}
		return func(i int) int {
			for k := range nulls {
				if !nulls[k].Is(a[k].At(i)) {
					return k
				}
			}
			return -1
		}
	}, 0)
	return &Call{Args: wants, Type: t.WithNull(nullable), Eval: kernel}, nil
}

// bindIfNull leaves a first argument that is never NULL as it is, as Flink's planner does.
func bindIfNull(args []Arg) (*Call, error) {
	if t := args[0].Type; t.NotNull && args[1].Type.Kind != types.Null {
		call, err := bindCoalesce(args)
		if err != nil {
			return nil, err
		}
		first := func(_ *Ctx, a []vec.Vec, _ int) (vec.Vec, error) { return a[0], nil }
		if !t.IsString() { // a text keeps its length, all others become of the common type, as in Flink
			t = call.Args[0].WithNull(false)
		}
		return &Call{Args: []types.Type{t, call.Args[1]}, Type: t, Eval: first}, nil
	}
	return bindCoalesce(args)
}

// choose makes a kernel that gives, for each row, one of its arguments, or NULL for -1. The first
// skip arguments are not of the result's type and are never chosen.
func choose(start func(a []vec.Vec) func(i int) int, skip int) Kernel {
	return func(_ *Ctx, a []vec.Vec, n int) (vec.Vec, error) {
		n, konst := kernelRows(a, n)
		pick, p, places := start(a), poolOf(a[skip:], noLists), make([]int32, n)
		for i := range places {
			places[i] = -1
			if k := pick(i); k >= skip {
				places[i] = int32(p.elem(k-skip, i))
			}
		}
		return vec.Vec{Arr: vec.Take(p.elems, places), Const: konst}, nil
	}
}

func bindNullIf(args []Arg) (*Call, error) {
	t := args[0].Type
	both, err := common("arguments", argTypes(args))
	if err != nil {
		return nil, err
	}
	cast, err := Cast(t, both, false)
	if err != nil {
		return nil, err
	}
	compare := compareKernel("=", both, both)
	kernel := func(c *Ctx, a []vec.Vec, n int) (vec.Vec, error) {
		n, konst := kernelRows(a, n)
		left, err := cast(c, a[:1], n)
		if err != nil || left.Arr.DataType().ID() == arrow.NULL || a[1].Arr.DataType().ID() == arrow.NULL {
			return a[0], err
		}
		equal, err := compare(c, []vec.Vec{left, a[1]}, n)
		if err != nil {
			return equal, err
		}
		yes, unknown := vec.BitsOf(equal.Arr), vec.NullsOf(equal.Arr)
		places := make([]int32, n)
		for i := range places {
			places[i] = int32(a[0].At(i))
			if at := equal.At(i); !unknown.Is(at) && yes.At(at) {
				places[i] = -1
			}
		}
		return vec.Vec{Arr: vec.Take(a[0].Arr, places), Const: konst}, nil
	}
	return &Call{Args: []types.Type{t, both.WithNull(true)}, Type: t.WithNull(true), Eval: kernel}, nil
}

func bindIf(args []Arg) (*Call, error) {
	call, err := bindCase(args)
	if err == nil {
		call.Type.NotNull = call.Type.NotNull && args[0].Type.NotNull
	}
	return call, err
}

// bindCase takes condition and result in turn and, last, what else: CASE(c1, r1, c2, r2, ..., other).
func bindCase(args []Arg) (*Call, error) {
	var results []types.Type
	for i, a := range args {
		if isCondition(i, len(args)) {
			if a.Type.Kind != types.Boolean && a.Type.Kind != types.Null {
				return nil, fmt.Errorf("wants a boolean condition, got %s", a.Type)
			}
			continue
		}
		results = append(results, a.Type)
	}
	t, err := common("results", results)
	if err != nil {
		return nil, err
	}
	nullable := len(args)%2 == 0
	call := &Call{}
	for i, a := range args {
		if isCondition(i, len(args)) {
			call.Args = append(call.Args, types.BooleanType.WithNull(!a.Type.NotNull))
			continue
		}
		call.Args = append(call.Args, t.WithNull(!a.Type.NotNull))
		nullable = nullable || !a.Type.NotNull
	}
	call.Type = t.WithNull(nullable)
	call.Eval = eagerCase
	return call, nil
}

// isCondition tells the conditions of a CASE from its results.
func isCondition(i, n int) bool { return i%2 == 0 && i != n-1 }

// eagerCase evaluates a CASE whose arguments have all been evaluated.
func eagerCase(_ *Ctx, a []vec.Vec, n int) (vec.Vec, error) {
	n, konst := kernelRows(a, n)
	var results []vec.Vec
	var conds []vec.Vec
	for i, v := range a {
		if isCondition(i, len(a)) {
			conds = append(conds, v)
		} else {
			results = append(results, v)
		}
	}
	p, places := poolOf(results, noLists), make([]int32, n)
	for i := range places {
		k := 0
		for k < len(conds) && !rowTrue(conds[k], i) {
			k++
		}
		if places[i] = -1; k < len(results) {
			places[i] = int32(p.elem(k, i))
		}
	}
	return vec.Vec{Arr: vec.Take(p.elems, places), Const: konst}, nil
}

func rowTrue(v vec.Vec, i int) bool {
	if v.IsNull(i) || v.Arr.DataType().ID() != arrow.BOOL {
		return false
	}
	b := boolsOf(v)
	return b.at(i)
}

func bindGreatest(sign int) func(args []Arg) (*Call, error) {
	return func(args []Arg) (*Call, error) {
		t, err := comparableCommon(args)
		if err != nil {
			return nil, err
		}
		if t.IsNested() {
			return nil, fmt.Errorf("cannot order %s", t)
		}
		out := t.WithNull(!allNotNull(args))
		kernel := eval(out, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
			p, places := poolOf(a, noLists), make([]int32, m.n)
			cmp := vec.NewComparer(p.elems, p.elems)
			for i := range places {
				if places[i] = -1; m.isNull(i) {
					continue
				}
				best := p.elem(0, i)
				for k := 1; k < len(a); k++ {
					if j := p.elem(k, i); cmp(j, best)*sign > 0 {
						best = j
					}
				}
				places[i] = int32(best)
			}
			return vec.Take(p.elems, places)
		})
		return &Call{Args: repeatType(t.WithNull(true), len(args)), Type: out, Eval: kernel}, nil
	}
}

func bindTypeOf(args []Arg) (*Call, error) {
	text := args[0].Type.String()
	kernel := func(*Ctx, []vec.Vec, int) (vec.Vec, error) { return vec.ConstString(text), nil }
	return &Call{Args: argTypes(args), Type: types.StringType, Eval: kernel}, nil
}
