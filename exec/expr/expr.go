package expr

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// Eval is a compiled expression.
type Eval interface {
	// Eval gives the value for each row of sel, densely: value j is of row sel[j]. A nil sel means all
	// rows of the batch.
	Eval(c *fn.Ctx, b *vec.Batch, sel []int32) (vec.Vec, error)
}

// Compile makes an expression ready to run. It fails only where the planner let something through
// that no kernel takes.
func Compile(e planner.Expr) (Eval, error) {
	switch e := e.(type) {
	case *planner.ColRef:
		return column(e.Index), nil
	case *planner.Literal:
		return literal{vec.ConstVec(e.Val)}, nil
	case *planner.Call:
		return compileCall(e)
	case *planner.Cast:
		return compileCast(e)
	case *planner.And:
		args, err := CompileAll(e.Args)
		return &logic{args: args, decides: false}, err
	case *planner.Or:
		args, err := CompileAll(e.Args)
		return &logic{args: args, decides: true}, err
	case *planner.Not:
		x, err := Compile(e.X)
		return &not{x}, err
	case *planner.Case:
		return compileCase(e)
	case *planner.In:
		return compileIn(e)
	case *planner.Field:
		x, err := Compile(e.X)
		return &field{x, e.Index}, err
	}
	return nil, fmt.Errorf("no evaluator for expression %T", e)
}

// CompileAll compiles each expression.
func CompileAll(es []planner.Expr) ([]Eval, error) {
	out := make([]Eval, len(es))
	for i, e := range es {
		var err error
		if out[i], err = Compile(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// count is the number of rows that a selection stands for.
func count(b *vec.Batch, sel []int32) int {
	if sel == nil {
		return b.Len()
	}
	return len(sel)
}

// rowOf is the batch row at position i of the selection.
func rowOf(sel []int32, i int) int32 {
	if sel == nil {
		return int32(i)
	}
	return sel[i]
}

type column int

func (e column) Eval(_ *fn.Ctx, b *vec.Batch, sel []int32) (vec.Vec, error) {
	col := b.Col(int(e))
	if sel == nil {
		return vec.ColVec(col), nil
	}
	return vec.ColVec(vec.Take(col, sel)), nil
}

type literal struct{ v vec.Vec }

func (e literal) Eval(*fn.Ctx, *vec.Batch, []int32) (vec.Vec, error) { return e.v, nil }

// call runs a kernel on the values of its arguments.
type call struct {
	kernel fn.Kernel
	args   []Eval
}

func compileCall(e *planner.Call) (Eval, error) {
	f, ok := fn.Lookup(e.Func)
	if !ok {
		return nil, fmt.Errorf("function %q is not known", e.Func)
	}
	args := make([]fn.Arg, len(e.Args))
	for i, a := range e.Args {
		args[i].Type, args[i].Call = a.Type(), planner.CallName(a)
		if lit, ok := a.(*planner.Literal); ok {
			v := vec.ConstVec(lit.Val)
			args[i].Lit = &v
		}
	}
	bound, err := f.Bind(args)
	if err != nil {
		return nil, fmt.Errorf("function %q: %w", e.Func, err)
	}
	kernel, err := asPlanned(bound, e.T)
	if err != nil {
		return nil, err
	}
	evals, err := CompileAll(e.Args)
	return &call{kernel, evals}, err
}

// asPlanned makes a kernel give the planned type. The planner bound the call before it cast the
// arguments; bound again with the cast ones, a call may give a wider type (BIGINT % INT is INT).
func asPlanned(bound *fn.Call, want types.Type) (fn.Kernel, error) {
	if arrow.TypeEqual(bound.Type.Arrow(), want.Arrow()) {
		return bound.Eval, nil
	}
	cast, err := fn.Cast(bound.Type, want, false)
	if err != nil {
		return nil, err
	}
	return func(c *fn.Ctx, args []vec.Vec, n int) (vec.Vec, error) {
		v, err := bound.Eval(c, args, n)
		if err != nil {
			return v, err
		}
		return cast(c, []vec.Vec{v}, n)
	}, nil
}

func compileCast(e *planner.Cast) (Eval, error) {
	x, err := Compile(e.X)
	if err != nil {
		return nil, err
	}
	if e.X.Type().Kind == types.Null {
		return literal{vec.ConstNull(e.T)}, nil
	}
	kernel, err := fn.Cast(e.X.Type(), e.T, e.Try)
	if err != nil {
		return nil, err
	}
	return &call{kernel, []Eval{x}}, nil
}

func (e *call) Eval(c *fn.Ctx, b *vec.Batch, sel []int32) (vec.Vec, error) {
	var few [4]vec.Vec
	args := few[:0]
	for _, a := range e.args {
		v, err := a.Eval(c, b, sel)
		if err != nil {
			return vec.Vec{}, err
		}
		args = append(args, v)
	}
	v, err := e.kernel(c, args, count(b, sel))
	if err != nil {
		return vec.Vec{}, batchRow(err, sel)
	}
	return v, nil
}

// batchRow makes the row of a kernel's error one of the batch.
func batchRow(err error, sel []int32) error {
	var re *fn.RowError
	if sel == nil || !errors.As(err, &re) || re.Row < 0 || re.Row >= len(sel) {
		return err
	}
	return &fn.RowError{Row: int(sel[re.Row]), Err: re.Err}
}

// field is a field of a ROW; NULL where the ROW is.
type field struct {
	x     Eval
	index int
}

func (e *field) Eval(c *fn.Ctx, b *vec.Batch, sel []int32) (vec.Vec, error) {
	if sel != nil && e.stored() { // of the selected rows only the field is copied, not the whole ROW
		v, err := e.Eval(c, b, nil)
		return vec.TakeVec(v, sel), err
	}
	v, err := e.x.Eval(c, b, sel)
	if err != nil {
		return vec.Vec{}, err
	}
	return vec.Vec{Arr: structField(v.Arr, e.index), Const: v.Const}, nil
}

// stored tells whether the field lies in a column, so that to read it for all rows costs nothing.
func (e *field) stored() bool {
	switch x := e.x.(type) {
	case column:
		return true
	case *field:
		return x.stored()
	}
	return false
}

// Columns evaluates expressions on the rows of sel into columns of the schema's layout.
func Columns(evals []Eval, c *fn.Ctx, b *vec.Batch, sel []int32) ([]arrow.Array, error) {
	cols := make([]arrow.Array, len(evals))
	n := count(b, sel)
	for i, e := range evals {
		v, err := e.Eval(c, b, sel)
		if err != nil {
			return nil, err
		}
		cols[i] = v.Column(n)
	}
	return cols, nil
}
