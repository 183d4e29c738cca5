package fn

import (
	"fmt"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// arrayFunc declares a function of an array and perhaps elements or arrays of the same type.
func arrayFunc(name, syntax, doc string, minArgs, maxArgs int, bind func(args []Arg) (*Call, error), examples ...string) *Func {
	f := &Func{Name: name, Syntax: syntax, Doc: doc, MinArgs: minArgs, MaxArgs: maxArgs}
	for i := 0; i+1 < len(examples); i += 2 {
		f.Examples = append(f.Examples, Example{SQL: examples[i], Want: examples[i+1]})
	}
	f.Bind = func(args []Arg) (*Call, error) {
		if err := checkCount(f, len(args)); err != nil {
			return nil, err
		}
		call, err := bind(args)
		if err != nil {
			return nil, fmt.Errorf("%s %w; the form is %s", name, err, syntax)
		}
		return call, nil
	}
	return f
}

var arrayFuncs = []*Func{
	arrayFunc("ARRAY_CONTAINS", "ARRAY_CONTAINS(array, element)", "Tells whether the element is in the array; a NULL element is looked for too.", 2, 2, bindContains,
		"ARRAY_CONTAINS(ARRAY[1, 2], 2)", "TRUE"),
	arrayFunc("ARRAY_POSITION", "ARRAY_POSITION(array, element)", "Gives the place, counted from 1, of the element in the array; 0 where it is not.", 2, 2, bindPosition,
		"ARRAY_POSITION(ARRAY['a', 'b'], 'b')", "2"),
	arrayFunc("ARRAY_APPEND", "ARRAY_APPEND(array, element)", "Gives the array with the element at its end.", 2, 2, bindAppend(false), "ARRAY_APPEND(ARRAY[1], 2)", "[1, 2]"),
	arrayFunc("ARRAY_PREPEND", "ARRAY_PREPEND(array, element)", "Gives the array with the element at its start.", 2, 2, bindAppend(true), "ARRAY_PREPEND(ARRAY[1, 2], 0)", "[0, 1, 2]"),
	arrayFunc("ARRAY_REMOVE", "ARRAY_REMOVE(array, element)", "Gives the array without the elements equal to the element.", 2, 2, bindRemove, "ARRAY_REMOVE(ARRAY[1, 2, 1], 1)", "[2]"),
	arrayFunc("ARRAY_DISTINCT", "ARRAY_DISTINCT(array)", "Gives each element once, in the order of first appearance.", 1, 1, bindSet(setAll), "ARRAY_DISTINCT(ARRAY[1, 1, 2])", "[1, 2]"),
	arrayFunc("ARRAY_UNION", "ARRAY_UNION(array1, array2)", "Gives the elements of both arrays, each once.", 2, 2, bindSet(setAll), "ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3])", "[1, 2, 3]"),
	arrayFunc("ARRAY_INTERSECT", "ARRAY_INTERSECT(array1, array2)", "Gives the elements that are in both arrays, each once.", 2, 2, bindSet(setCommon), "ARRAY_INTERSECT(ARRAY[1, 2], ARRAY[2, 3])", "[2]"),
	arrayFunc("ARRAY_EXCEPT", "ARRAY_EXCEPT(array1, array2)", "Gives the elements of the first array that are not in the second, each once.", 2, 2, bindSet(setOthers), "ARRAY_EXCEPT(ARRAY[1, 2], ARRAY[2, 3])", "[1]"),
	arrayFunc("ARRAY_CONCAT", "ARRAY_CONCAT(array1, ...)", "Joins arrays; NULL where one is.", 1, -1, bindConcatArrays, "ARRAY_CONCAT(ARRAY[1], ARRAY[2, 3])", "[1, 2, 3]"),
	arrayFunc("ARRAY_REVERSE", "ARRAY_REVERSE(array)", "Gives the elements in reverse order.", 1, 1, bindReverse, "ARRAY_REVERSE(ARRAY[1, 2])", "[2, 1]"),
	arrayFunc("ARRAY_SLICE", "ARRAY_SLICE(array, start[, end])", "Gives the elements from start to end, both counted from 1, or from the end of the array where negative.", 2, 3, bindSlice,
		"ARRAY_SLICE(ARRAY[1, 2, 3], 1, 2)", "[1, 2]", "ARRAY_SLICE(ARRAY[1, 2, 3], -2)", "[2, 3]"),
	arrayFunc("ARRAY_SORT", "ARRAY_SORT(array[, ascending[, nullsFirst]])", "Gives the elements in order, by default ascending; NULLs come first in ascending order and last in descending order, unless nullsFirst says otherwise.", 1, 3, bindSort,
		"ARRAY_SORT(ARRAY[3, 1, 2])", "[1, 2, 3]", "ARRAY_SORT(ARRAY[3, 1, 2], FALSE)", "[3, 2, 1]"),
	arrayFunc("ARRAY_MAX", "ARRAY_MAX(array)", "Gives the greatest element that is not NULL; NULL where there is none.", 1, 1, bindArrayExtreme(1), "ARRAY_MAX(ARRAY[1, 3, 2])", "3"),
	arrayFunc("ARRAY_MIN", "ARRAY_MIN(array)", "Gives the least element that is not NULL; NULL where there is none.", 1, 1, bindArrayExtreme(-1), "ARRAY_MIN(ARRAY[1, 3, 2])", "1"),
	arrayFunc("ARRAY_JOIN", "ARRAY_JOIN(array, separator[, forNull])", "Joins the texts of an array with the separator between them. NULL elements are left out, or written as forNull.", 2, 3, bindJoin,
		"ARRAY_JOIN(ARRAY['a', CAST(NULL AS STRING), 'b'], '-')", "a-b", "ARRAY_JOIN(ARRAY['a', CAST(NULL AS STRING)], '-', '?')", "a-?"),
	arrayFunc("CARDINALITY", "CARDINALITY(array or map)", "Counts the elements of an array or the entries of a map.", 1, 1, bindCardinality, "CARDINALITY(ARRAY[1, 2])", "2", "CARDINALITY(MAP['a', 1])", "1"),
	arrayFunc("ELEMENT", "ELEMENT(array)", "Gives the only element of an array; NULL where it is empty. Fails where there are more.", 1, 1, bindElement, "ELEMENT(ARRAY[5])", "5", "ELEMENT(ARRAY[1, 2])", "error: more than one element"),
}

// arrayAnd reads an array and elements, or arrays, of the same type, and finds their common type.
func arrayAnd(args []Arg, isList func(int) bool) (elem types.Type, wants []types.Type, err error) {
	var all []types.Type
	for k, a := range args {
		switch {
		case a.Type.Kind == types.Null:
		case !isList(k):
			all = append(all, a.Type)
		case a.Type.Kind == types.Array:
			all = append(all, *a.Type.Elem)
		default:
			return elem, nil, fmt.Errorf("wants an array as argument %d, got %s", k+1, a.Type)
		}
	}
	if len(all) == 0 {
		all = append(all, types.NullType)
	}
	elem, ok := CommonType(all...)
	if !ok {
		return elem, nil, fmt.Errorf("cannot bring %s and %s to one type", all[0], all[len(all)-1])
	}
	for k, a := range args {
		want := elem.WithNull(true)
		if isList(k) {
			want = types.ArrayType(elem)
		}
		wants = append(wants, want.WithNull(!a.Type.NotNull))
	}
	return elem, wants, nil
}

func allNotNull(args []Arg) bool {
	for _, a := range args {
		if !a.Type.NotNull {
			return false
		}
	}
	return true
}

func bindContains(args []Arg) (*Call, error) {
	_, wants, err := arrayAnd(args, firstIsList)
	if err != nil {
		return nil, err
	}
	kernel := func(_ *Ctx, a []vec.Vec, n int) (vec.Vec, error) {
		n, konst := kernelRows(a, n)
		bits, none := vec.Validity(n, a[0])
		if none {
			return vec.Vec{Arr: vec.NullColumn(types.BooleanType, n), Const: konst}, nil
		}
		p := poolOf(a, firstIsList)
		equal := p.equal()
		return vec.Vec{Const: konst, Arr: boolRows(validity{bits, n}, func(i int) (bool, bool) { return p.find(equal, i) >= 0, true })}, nil
	}
	return &Call{Args: wants, Type: types.BooleanType.WithNull(!args[0].Type.NotNull), Eval: kernel}, nil
}

// find gives the place of the element argument in the array argument, from 0; -1 for none.
func (p *pool) find(equal func(i, j int) bool, row int) int {
	lo, hi := p.span(0, row)
	want := p.elem(1, row)
	for j := lo; j < hi; j++ {
		if equal(j, want) {
			return j - lo
		}
	}
	return -1
}

func bindPosition(args []Arg) (*Call, error) {
	_, wants, err := arrayAnd(args, firstIsList)
	if err != nil {
		return nil, err
	}
	kernel := intEval(func(a []vec.Vec) func(int) (int32, bool) {
		p := poolOf(a, firstIsList)
		equal := p.equal()
		return func(i int) (int32, bool) { return int32(p.find(equal, i) + 1), true }
	})
	return &Call{Args: wants, Type: types.IntType.WithNull(!allNotNull(args)), Eval: kernel}, nil
}

func bindAppend(front bool) func(args []Arg) (*Call, error) {
	return func(args []Arg) (*Call, error) {
		elem, wants, err := arrayAnd(args, firstIsList)
		if err != nil {
			return nil, err
		}
		t := types.ArrayType(elem.WithNull(!elem.NotNull || !args[1].Type.NotNull)).WithNull(!allNotNull(args))
		kernel := listEval(t, firstIsList, true, func(p *pool, c *choice) func(int) {
			return func(i int) {
				if front {
					c.add(p.elem(1, i))
				}
				for lo, hi := p.span(0, i); lo < hi; lo++ {
					c.add(lo)
				}
				if !front {
					c.add(p.elem(1, i))
				}
			}
		})
		return &Call{Args: wants, Type: t, Eval: kernel}, nil
	}
}

func bindRemove(args []Arg) (*Call, error) {
	_, wants, err := arrayAnd(args, firstIsList)
	if err != nil {
		return nil, err
	}
	t := wants[0]
	kernel := listEval(t, firstIsList, true, func(p *pool, c *choice) func(int) {
		equal := p.equal()
		return func(i int) {
			gone := p.elem(1, i)
			for lo, hi := p.span(0, i); lo < hi; lo++ {
				if !equal(lo, gone) {
					c.add(lo)
				}
			}
		}
	})
	return &Call{Args: wants, Type: t, Eval: kernel}, nil
}

// setRule says which elements a set function keeps, all of them once only.
type setRule uint8

const (
	setAll setRule = iota
	setCommon
	setOthers
)

func bindSet(rule setRule) func(args []Arg) (*Call, error) {
	return func(args []Arg) (*Call, error) {
		elem, wants, err := arrayAnd(args, allLists)
		if err != nil {
			return nil, err
		}
		t := types.ArrayType(elem).WithNull(!allNotNull(args))
		kernel := listEval(t, allLists, false, func(p *pool, c *choice) func(int) {
			ids, count := p.ids(elem)
			seen, other := make([]int, count), make([]int, count)
			return func(i int) {
				first := 1
				if rule != setAll {
					for lo, hi := p.span(1, i); lo < hi; lo++ {
						other[ids[lo]] = i + 1
					}
				} else {
					first = len(args)
				}
				for k := range first {
					for lo, hi := p.span(k, i); lo < hi; lo++ {
						id := ids[lo]
						if seen[id] == i+1 || rule != setAll && (other[id] == i+1) != (rule == setCommon) {
							continue
						}
						seen[id] = i + 1
						c.add(lo)
					}
				}
			}
		})
		return &Call{Args: wants, Type: t, Eval: kernel}, nil
	}
}

func bindConcatArrays(args []Arg) (*Call, error) {
	elem, wants, err := arrayAnd(args, allLists)
	if err != nil {
		return nil, err
	}
	t := types.ArrayType(elem).WithNull(!allNotNull(args))
	kernel := listEval(t, allLists, false, func(p *pool, c *choice) func(int) {
		return func(i int) {
			for k := range p.args {
				for lo, hi := p.span(k, i); lo < hi; lo++ {
					c.add(lo)
				}
			}
		}
	})
	return &Call{Args: wants, Type: t, Eval: kernel}, nil
}

func bindReverse(args []Arg) (*Call, error) {
	_, wants, err := arrayAnd(args, allLists)
	if err != nil {
		return nil, err
	}
	kernel := listEval(wants[0], allLists, false, func(p *pool, c *choice) func(int) {
		return func(i int) {
			for lo, hi := p.span(0, i); hi > lo; hi-- {
				c.add(hi - 1)
			}
		}
	})
	return &Call{Args: wants, Type: wants[0], Eval: kernel}, nil
}

// arrayWith binds an array followed by plain arguments of the params.
func arrayWith(args []Arg, rest ...param) ([]types.Type, error) {
	_, wants, err := arrayAnd(args[:1], allLists)
	if err != nil {
		return nil, err
	}
	for k, a := range args[1:] {
		if !rest[k].takes(a.Type) {
			return nil, fmt.Errorf("wants %s as argument %d, got %s", rest[k].name, k+2, a.Type)
		}
		wants = append(wants, rest[k].want(a.Type))
	}
	return wants, nil
}

func bindSlice(args []Arg) (*Call, error) {
	wants, err := arrayWith(args, pInt, pInt)
	if err != nil {
		return nil, err
	}
	t := wants[0].WithNull(!allNotNull(args))
	kernel := eval(t, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		p, c, from := poolOf(a[:1], allLists), newChoice(m.n), intsOf(a[1])
		to := ints{}
		if len(a) > 2 {
			to = intsOf(a[2])
		}
		for i := range m.n {
			if !m.isNull(i) {
				lo, hi := p.span(0, i)
				size := int64(hi - lo)
				start, end := from.at(i), size
				if len(a) > 2 {
					end = to.at(i)
				}
				start, end = slicePlace(start, size), slicePlace(end, size)
				for j := max(start, 1); j <= min(end, size); j++ {
					c.add(lo + int(j) - 1)
				}
			}
			c.end()
		}
		return c.lists(p, &m)
	})
	return &Call{Args: wants, Type: t, Eval: kernel}, nil
}

// slicePlace counts a negative place from the end; 0 is 1.
func slicePlace(at, size int64) int64 {
	switch {
	case at == 0:
		return 1
	case at < 0:
		return at + size + 1
	}
	return at
}

func bindSort(args []Arg) (*Call, error) {
	wants, err := arrayWith(args, pBool, pBool)
	if err != nil {
		return nil, err
	}
	t := wants[0].WithNull(!allNotNull(args))
	kernel := eval(t, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		p, c := poolOf(a[:1], allLists), newChoice(m.n)
		nulls, cmp := vec.NullsOf(p.elems), vec.NewComparer(p.elems, p.elems)
		for i := range m.n {
			if !m.isNull(i) {
				at := len(c.places)
				for lo, hi := p.span(0, i); lo < hi; lo++ {
					c.add(lo)
				}
				asc, first := sortOrder(a, i)
				sortPlaces(c.places[at:], nulls, cmp, asc, first)
			}
			c.end()
		}
		return c.lists(p, &m)
	})
	return &Call{Args: wants, Type: t, Eval: kernel}, nil
}

func sortOrder(a []vec.Vec, i int) (asc, nullsFirst bool) {
	asc = true
	if len(a) > 1 {
		b := boolsOf(a[1])
		asc = b.at(i)
	}
	nullsFirst = asc
	if len(a) > 2 {
		b := boolsOf(a[2])
		nullsFirst = b.at(i)
	}
	return asc, nullsFirst
}

func sortPlaces(places []int32, nulls vec.Nulls, cmp vec.Comparer, asc, nullsFirst bool) {
	sort.SliceStable(places, func(x, y int) bool {
		i, j := int(places[x]), int(places[y])
		if a, b := nulls.Is(i), nulls.Is(j); a || b {
			return a && !b && nullsFirst || b && !a && !nullsFirst
		}
		if asc {
			return cmp(i, j) < 0
		}
		return cmp(i, j) > 0
	})
}

func bindArrayExtreme(sign int) func(args []Arg) (*Call, error) {
	return func(args []Arg) (*Call, error) {
		elem, wants, err := arrayAnd(args, allLists)
		if err != nil {
			return nil, err
		}
		if elem.IsNested() {
			return nil, fmt.Errorf("cannot order %s", elem)
		}
		return elementCall(wants, elem, func(p *pool, nulls vec.Nulls, i int, _ *failure) int {
			cmp := vec.NewComparer(p.elems, p.elems)
			best := -1
			for lo, hi := p.span(0, i); lo < hi; lo++ {
				if !nulls.Is(lo) && (best < 0 || cmp(lo, best)*sign > 0) {
					best = lo
				}
			}
			return best
		}), nil
	}
}

// elementCall is a call that picks one element of an array a row, or none (-1, NULL).
func elementCall(wants []types.Type, elem types.Type, pick func(p *pool, nulls vec.Nulls, i int, fail *failure) int) *Call {
	t := elem.WithNull(true)
	kernel := eval(t, func(_ *Ctx, a []vec.Vec, m validity, fail *failure) arrow.Array {
		p, places := poolOf(a[:1], allLists), make([]int32, m.n)
		nulls := vec.NullsOf(p.elems)
		for i := range places {
			places[i] = -1
			if !m.isNull(i) {
				places[i] = int32(pick(p, nulls, i, fail))
			}
		}
		return vec.Take(p.elems, places)
	})
	return &Call{Args: wants, Type: t, Eval: kernel}
}

func bindElement(args []Arg) (*Call, error) {
	elem, wants, err := arrayAnd(args, allLists)
	if err != nil {
		return nil, err
	}
	call := elementCall(wants, elem, func(p *pool, _ vec.Nulls, i int, fail *failure) int {
		lo, hi := p.span(0, i)
		switch hi - lo {
		case 0:
			return -1
		case 1:
			return lo
		}
		fail.at(i, fmt.Errorf("ELEMENT: the array has more than one element"))
		return -1
	})
	call.Type = elem.WithNull(!elem.NotNull || !args[0].Type.NotNull)
	return call, nil
}

func bindJoin(args []Arg) (*Call, error) {
	wants, err := arrayWith(args, pText, pText)
	if err != nil {
		return nil, err
	}
	if elem := *wants[0].Elem; !elem.IsString() {
		return nil, fmt.Errorf("wants an array of strings, got %s", args[0].Type)
	}
	kernel := textEval(func(a []vec.Vec) textRow {
		p, sep := poolOf(a[:1], allLists), vec.TextOf(a[1])
		parts := vec.TextOf(vec.ColVec(p.elems))
		return func(dst []byte, i int) ([]byte, bool) {
			first := true
			for lo, hi := p.span(0, i); lo < hi; lo++ {
				null := parts.Null(lo)
				if null && len(a) < 3 {
					continue
				}
				if !first {
					dst = append(dst, sep.Bytes(i)...)
				}
				first = false
				if null {
					by := vec.TextOf(a[2])
					dst = append(dst, by.Bytes(i)...)
				} else {
					dst = append(dst, parts.Bytes(lo)...)
				}
			}
			return dst, true
		}
	})
	return &Call{Args: wants, Type: types.StringType.WithNull(!allNotNull(args)), Eval: kernel}, nil
}

func bindCardinality(args []Arg) (*Call, error) {
	t := args[0].Type
	if t.Kind != types.Array && t.Kind != types.Map && t.Kind != types.Multiset {
		return nil, fmt.Errorf("wants an array, a map or a multiset, got %s", t)
	}
	kernel := intEval(func(a []vec.Vec) func(int) (int32, bool) {
		span := a[0].Arr.(interface{ ValueOffsets(int) (int64, int64) }).ValueOffsets
		return func(i int) (int32, bool) {
			lo, hi := span(a[0].At(i))
			return int32(hi - lo), true
		}
	})
	return &Call{Args: []types.Type{t}, Type: types.IntType.WithNull(!t.NotNull), Eval: kernel}, nil
}
