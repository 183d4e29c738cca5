package op

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/exec/expr"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// unnest gives a row for each element of a collection in the input's row. Outer: a row none of whose
// elements passes the condition stays, with NULLs.
type unnest struct {
	Base
	ctx        *Context
	node       *planner.Unnest
	schema     *arrow.Schema
	collection expr.Eval
	cond       expr.Eval
}

// NewUnnest makes the operator of an Unnest.
func NewUnnest(n *planner.Unnest, _ *planner.Settings) (Operator, error) {
	u := &unnest{node: n, schema: n.Out.Arrow()}
	var err error
	if u.collection, err = expr.Compile(n.Collection); err != nil {
		return nil, err
	}
	if n.Cond != nil {
		u.cond, err = expr.Compile(n.Cond)
	}
	return u, err
}

func (u *unnest) Open(ctx *Context) error {
	u.ctx = ctx
	return nil
}

// elements is where the elements of a batch's collections are: of row rows[i], place places[i], number
// ords[i]; place -1: a row of NULLs.
type elements struct {
	rows, places []int32
	ords         []int32
	cols         []arrow.Array
}

func (e *elements) add(row, place, ord int32) {
	e.rows, e.places, e.ords = append(e.rows, row), append(e.places, place), append(e.ords, ord)
}

func (u *unnest) Process(_ int, b *vec.Batch, out Emitter) error {
	v, err := u.collection.Eval(u.ctx.Fn, b, nil)
	if err != nil {
		return err
	}
	e, err := u.elements(v.Column(b.Len()), b.Len())
	if err != nil {
		return err
	}
	if u.cond != nil && len(e.rows) > 0 {
		sel, all, err := expr.EvalFilter(u.cond, u.ctx.Fn, u.batch(b, e), nil)
		if err != nil {
			return err
		}
		if !all {
			e.keep(sel)
		}
	}
	if u.node.Outer {
		e.pad(b.Len())
	}
	if len(e.rows) == 0 {
		return nil
	}
	return out.Emit(u.batch(b, e))
}

// keep drops the elements that are not listed.
func (e *elements) keep(sel []int32) {
	for to, from := range sel {
		e.rows[to], e.places[to], e.ords[to] = e.rows[from], e.places[from], e.ords[from]
	}
	n := len(sel)
	e.rows, e.places, e.ords = e.rows[:n], e.places[:n], e.ords[:n]
}

// pad gives a row of NULLs to each of n rows that has no element.
func (e *elements) pad(n int) {
	in := *e
	*e = elements{cols: e.cols}
	at := 0
	for row := range int32(n) {
		if at == len(in.rows) || in.rows[at] != row {
			e.add(row, -1, -1)
		}
		for ; at < len(in.rows) && in.rows[at] == row; at++ {
			e.add(row, in.places[at], in.ords[at])
		}
	}
}

// batch joins the input's rows to their elements.
func (u *unnest) batch(b *vec.Batch, e *elements) *vec.Batch {
	cols := make([]arrow.Array, 0, len(u.node.Out))
	for i := range int(b.Rows.NumCols()) {
		cols = append(cols, vec.Take(b.Col(i), e.rows))
	}
	for _, c := range e.cols {
		cols = append(cols, vec.Take(c, e.places))
	}
	if u.node.Ordinality {
		valid := vec.FullBitmap(len(e.ords))
		for i, p := range e.places {
			if p < 0 {
				valid.Clear(i)
			}
		}
		cols = append(cols, ordinals(u.node.Out[len(cols)].Type, e.ords, valid))
	}
	return vec.New(u.schema, cols, len(e.rows), vec.TakeKinds(b.Kinds, e.rows))
}

func ordinals(t types.Type, ords []int32, valid vec.Bitmap) arrow.Array {
	if t.Kind == types.BigInt {
		wide := make([]int64, len(ords))
		for i, o := range ords {
			wide[i] = int64(o)
		}
		return vec.Int64s(wide, valid)
	}
	return vec.Int32s(append([]int32(nil), ords...), valid)
}

// elements finds the elements of collections, in order of row and place.
func (u *unnest) elements(a arrow.Array, n int) (*elements, error) {
	e := &elements{}
	t := u.node.Collection.Type()
	switch a := a.(type) {
	case *array.List:
		e.cols = fieldsOf(*t.Elem, a.ListValues())
		isRow := t.Elem.Kind == types.Row
		for row := range n {
			if a.IsNull(row) {
				continue
			}
			lo, hi := a.ValueOffsets(row)
			for p := lo; p < hi; p++ {
				if !isRow || a.ListValues().IsValid(int(p)) { // as in Flink, a ROW that is NULL is no element
					e.add(int32(row), int32(p), int32(p-lo)+1)
				}
			}
		}
	case *array.Map:
		u.entries(e, t, a, n)
	case *array.Null:
		e.cols = make([]arrow.Array, len(u.node.Out)-len(u.node.Input.Info().Out))
		if u.node.Ordinality {
			e.cols = e.cols[:len(e.cols)-1]
		}
		for i := range e.cols {
			e.cols[i] = vec.NullColumn(u.node.Out[len(u.node.Input.Info().Out)+i].Type, 0)
		}
	default:
		return nil, fmt.Errorf("UNNEST does not take %s", t)
	}
	return e, nil
}

// entries finds the entries of maps; an element of a multiset comes as often as it is counted.
func (u *unnest) entries(e *elements, t types.Type, a *array.Map, n int) {
	var counts []int32
	if t.Kind == types.Multiset {
		e.cols = fieldsOf(*t.Elem, vec.MapKeys(a))
		counts = vec.Values[int32](a.Items())
	} else {
		e.cols = []arrow.Array{vec.MapKeys(a), a.Items()}
	}
	for row := range n {
		if a.IsNull(row) {
			continue
		}
		lo, hi := a.ValueOffsets(row)
		ord := int32(0)
		for p := lo; p < hi; p++ {
			times := int32(1)
			if counts != nil {
				times = counts[p]
			}
			for range times {
				ord++
				e.add(int32(row), int32(p), ord)
			}
		}
	}
}

// fieldsOf gives the fields of ROW elements as columns, NULL where the ROW is; else the elements.
func fieldsOf(t types.Type, a arrow.Array) []arrow.Array {
	s, ok := a.(*array.Struct)
	if !ok || t.Kind != types.Row {
		return []arrow.Array{a}
	}
	idx := make([]int32, s.Len())
	for i := range idx {
		if idx[i] = int32(i); s.IsNull(i) {
			idx[i] = -1
		}
	}
	out := make([]arrow.Array, s.NumField())
	for i := range out {
		out[i] = s.Field(i)
		if s.NullN() > 0 {
			out[i] = vec.Take(out[i], idx)
		}
	}
	return out
}
