package fn

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

// pool holds the elements of all arguments of an array function in one column, so that a result is
// a choice of places in it. Arrays are read with span, single elements with elem.
type pool struct {
	elems arrow.Array
	base  []int // where the elements of each argument begin
	args  []vec.Vec
	spans []func(int) (int64, int64)
}

// poolOf reads arguments of which those before lists are arrays, and the others elements.
func poolOf(a []vec.Vec, isList func(k int) bool) *pool {
	p := &pool{args: a}
	parts := make([]arrow.Array, 0, len(a))
	n := 0
	for k, v := range a {
		p.base = append(p.base, n)
		part := v.Arr
		var span func(int) (int64, int64)
		if isList(k) {
			l := v.Arr.(*array.List)
			part, span = l.ListValues(), l.ValueOffsets
		}
		p.spans = append(p.spans, span)
		parts = append(parts, part)
		n += part.Len()
	}
	p.elems = vec.ConcatArrays(parts...)
	return p
}

// firstIsList, allLists are the usual shapes of arguments.
func firstIsList(k int) bool { return k == 0 }
func allLists(int) bool      { return true }
func noLists(int) bool       { return false }

// span is where the elements of row i of an array argument are.
func (p *pool) span(k, i int) (lo, hi int) {
	a, b := p.spans[k](p.args[k].At(i))
	return p.base[k] + int(a), p.base[k] + int(b)
}

// elem is where the value of row i of an element argument is.
func (p *pool) elem(k, i int) int { return p.base[k] + p.args[k].At(i) }

// equal compares two elements; NULL equals NULL.
func (p *pool) equal() func(i, j int) bool {
	nulls, cmp := vec.NullsOf(p.elems), vec.NewComparer(p.elems, p.elems)
	return func(i, j int) bool {
		if a, b := nulls.Is(i), nulls.Is(j); a || b {
			return a && b
		}
		return cmp(i, j) == 0
	}
}

// ids numbers the distinct elements, so that sets are sets of small numbers.
func (p *pool) ids(t types.Type) (ids []int32, count int) {
	g := vec.NewGroups(t)
	ids = make([]int32, p.elems.Len())
	g.Lookup([]vec.Vec{vec.ColVec(p.elems)}, len(ids), ids, nil)
	return ids, g.Cap()
}

// choice collects the places of a result's elements, row by row.
type choice struct {
	offsets, places []int32
}

func newChoice(n int) *choice { return &choice{offsets: make([]int32, 1, n+1)} }

func (c *choice) add(place int) { c.places = append(c.places, int32(place)) }

func (c *choice) end() { c.offsets = append(c.offsets, int32(len(c.places))) }

// lists makes the ARRAY column of what was chosen.
func (c *choice) lists(p *pool, m *validity) arrow.Array {
	return vec.Lists(c.offsets, vec.Take(p.elems, c.places), m.bits)
}

// listEval makes the kernel of a function that chooses elements: row runs for each row without NULL
// arguments (without a NULL array, where nullElems) and adds to the choice.
func listEval(t types.Type, isList func(int) bool, nullElems bool, start func(p *pool, c *choice) func(i int)) Kernel {
	column := func(a []vec.Vec, m validity) arrow.Array {
		p, c := poolOf(a, isList), newChoice(m.n)
		row := start(p, c)
		for i := range m.n {
			if !m.isNull(i) {
				row(i)
			}
			c.end()
		}
		return c.lists(p, &m)
	}
	if !nullElems {
		return eval(t, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array { return column(a, m) })
	}
	return func(_ *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
		n, konst := kernelRows(args, n)
		var arrays []vec.Vec
		for k, v := range args {
			if isList(k) {
				arrays = append(arrays, v)
			}
		}
		bits, none := vec.Validity(n, arrays...)
		if none {
			return vec.Vec{Arr: vec.NullColumn(t, n), Const: konst}, nil
		}
		return vec.Vec{Arr: column(args, validity{bits, n}), Const: konst}, nil
	}
}

// mapOf gives the parts of a MAP column: keys, values and where each row's entries are.
func mapOf(v vec.Vec) (keys, items arrow.Array, span func(i int) (int, int)) {
	m := v.Arr.(*array.Map)
	return vec.MapKeys(m), m.Items(), func(i int) (int, int) {
		lo, hi := m.ValueOffsets(v.At(i))
		return int(lo), int(hi)
	}
}
