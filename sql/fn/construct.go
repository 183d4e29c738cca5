package fn

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

var constructFuncs = []*Func{
	arrayFunc("ARRAY", "ARRAY[value, ...]", "Makes an array of values, which are brought to one type.", 0, -1, bindArray, "ARRAY[1, 2, 3]", "[1, 2, 3]", "ARRAY[1, 2.5]", "[1.0, 2.5]"),
	arrayFunc("MAP", "MAP[key, value, ...]", "Makes a map of keys and values, each brought to one type; of equal keys the last counts.", 2, -1, bindMap, "MAP['a', 1, 'b', 2]", "{a=1, b=2}"),
	arrayFunc("ROW", "ROW(value, ...)", "Makes a row of values; its fields are EXPR$0, EXPR$1 and so on.", 0, -1, bindRow, "ROW(1, 'a')", "(1, a)"),
	arrayFunc("ITEM", "array[index] or map[key]", "Gives the element at an index, counted from 1, of an array, or the value of a key of a map; NULL where there is none.", 2, 2, bindItem,
		"ARRAY[1, 2, 3][2]", "2", "MAP['a', 1]['a']", "1", "ARRAY[1][0]", "error: index starting at 1"),
	arrayFunc("FIELD", "row.field", "Gives a field of a row; NULL where the row is.", 2, 2, bindField),
	arrayFunc("MAP_KEYS", "MAP_KEYS(map)", "Gives the keys of a map.", 1, 1, bindMapPart(true), "MAP_KEYS(MAP['a', 1, 'b', 2])", "[a, b]"),
	arrayFunc("MAP_VALUES", "MAP_VALUES(map)", "Gives the values of a map.", 1, 1, bindMapPart(false), "MAP_VALUES(MAP['a', 1, 'b', 2])", "[1, 2]"),
	arrayFunc("MAP_ENTRIES", "MAP_ENTRIES(map)", "Gives the entries of a map as rows of key and value.", 1, 1, bindMapEntries, "MAP_ENTRIES(MAP['a', 1])", "[(a, 1)]"),
	arrayFunc("MAP_FROM_ARRAYS", "MAP_FROM_ARRAYS(keys, values)", "Makes a map of an array of keys and an array of values, which must be as long.", 2, 2, bindMapFromArrays, "MAP_FROM_ARRAYS(ARRAY['a'], ARRAY[1])", "{a=1}"),
	arrayFunc("MAP_UNION", "MAP_UNION(map1, ...)", "Joins maps; of equal keys the last counts. NULL where one is.", 1, -1, bindMapUnion, "MAP_UNION(MAP['a', 1], MAP['a', 2])", "{a=2}"),
}

func argTypes(args []Arg) []types.Type {
	out := make([]types.Type, len(args))
	for i, a := range args {
		out[i] = a.Type
	}
	return out
}

// common brings types to one, or says which do not fit.
func common(what string, ts []types.Type) (types.Type, error) {
	if len(ts) == 0 {
		return types.NullType, nil
	}
	if t, ok := LeastRestrictive(ts...); ok {
		return t, nil
	}
	for _, t := range ts[1:] {
		if _, ok := LeastRestrictive(ts[0], t); !ok {
			return types.Type{}, fmt.Errorf("cannot bring the %s of types %s and %s to one type", what, ts[0], t)
		}
	}
	return types.Type{}, fmt.Errorf("cannot bring the %s to one type", what)
}

func repeatType(t types.Type, n int) []types.Type {
	out := make([]types.Type, n)
	for i := range out {
		out[i] = t
	}
	return out
}

func bindArray(args []Arg) (*Call, error) {
	elem, err := common("elements", argTypes(args))
	if err != nil {
		return nil, err
	}
	t := types.ArrayType(elem).WithNull(false)
	kernel := func(_ *Ctx, a []vec.Vec, n int) (vec.Vec, error) {
		n, konst := kernelRows(a, n)
		if len(a) == 0 {
			return vec.ConstVec(vec.Lists([]int32{0, 0}, vec.NullColumn(elem, 0), nil)), nil
		}
		p, c := poolOf(a, noLists), newChoice(n)
		for i := range n {
			for k := range a {
				c.add(p.elem(k, i))
			}
			c.end()
		}
		return vec.Vec{Arr: c.lists(p, &validity{n: n}), Const: konst}, nil
	}
	return &Call{Args: repeatType(elem, len(args)), Type: t, Eval: kernel}, nil
}

func bindMap(args []Arg) (*Call, error) {
	if len(args)%2 != 0 {
		return nil, fmt.Errorf("wants a value for each key, got %d arguments", len(args))
	}
	var kt, vt []types.Type
	for i := 0; i < len(args); i += 2 {
		kt, vt = append(kt, args[i].Type), append(vt, args[i+1].Type)
	}
	key, err := common("keys", kt)
	if err != nil {
		return nil, err
	}
	value, err := common("values", vt)
	if err != nil {
		return nil, err
	}
	call := &Call{Type: types.MapType(key, value).WithNull(false)}
	for range kt {
		call.Args = append(call.Args, key, value)
	}
	call.Eval = func(_ *Ctx, a []vec.Vec, n int) (vec.Vec, error) {
		n, konst := kernelRows(a, n)
		keys, items := splitPairs(a)
		kp, vp := poolOf(keys, noLists), poolOf(items, noLists)
		kc, vc := newChoice(n), newChoice(n)
		equal := kp.equal()
		for i := range n {
			for k := range keys {
				if !shadowed(kp, equal, k, i) {
					kc.add(kp.elem(k, i))
					vc.add(vp.elem(lastEqual(kp, equal, k, i), i))
				}
			}
			kc.end()
		}
		return vec.Vec{Arr: vec.Maps(kc.offsets, vec.Take(kp.elems, kc.places), vec.Take(vp.elems, vc.places), nil), Const: konst}, nil
	}
	return call, nil
}

func splitPairs(a []vec.Vec) (keys, items []vec.Vec) {
	for i := 0; i < len(a); i += 2 {
		keys, items = append(keys, a[i]), append(items, a[i+1])
	}
	return keys, items
}

// shadowed tells whether key k of row i equals an earlier one.
func shadowed(p *pool, equal func(i, j int) bool, k, i int) bool {
	for j := range k {
		if equal(p.elem(j, i), p.elem(k, i)) {
			return true
		}
	}
	return false
}

// lastEqual is the last of the keys of row i that equals key k.
func lastEqual(p *pool, equal func(i, j int) bool, k, i int) int {
	for j := len(p.args) - 1; j > k; j-- {
		if equal(p.elem(j, i), p.elem(k, i)) {
			return j
		}
	}
	return k
}

func bindRow(args []Arg) (*Call, error) {
	fields := make([]types.Field, len(args))
	for i, a := range args {
		fields[i] = types.Field{Name: fmt.Sprintf("EXPR$%d", i), Type: a.Type}
	}
	t := types.RowType(fields...).WithNull(false)
	dt := t.Arrow().(*arrow.StructType)
	kernel := func(_ *Ctx, a []vec.Vec, n int) (vec.Vec, error) {
		n, konst := kernelRows(a, n)
		cols := make([]arrow.Array, len(a))
		for i, v := range a {
			cols[i] = v.Column(n)
		}
		return vec.Vec{Arr: vec.Structs(dt, n, cols, nil), Const: konst}, nil
	}
	return &Call{Args: argTypes(args), Type: t, Eval: kernel}, nil
}

func bindItem(args []Arg) (*Call, error) {
	t := args[0].Type
	switch t.Kind {
	case types.Map:
		return bindMapItem(t, args[1])
	case types.Array:
	default:
		return nil, fmt.Errorf("wants an array or a map, got %s", t)
	}
	if !args[1].Type.IsInteger() && args[1].Type.Kind != types.Null {
		return nil, fmt.Errorf("of an array wants an integer index, got %s", args[1].Type)
	}
	if args[1].Lit != nil && !args[1].Lit.IsNull(0) {
		lit := intsOf(*args[1].Lit)
		if at := lit.at(0); at < 1 {
			return nil, fmt.Errorf("wants an index starting at 1, got %d", at)
		}
	}
	elem := t.Elem.WithNull(true)
	kernel := eval(elem, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		p, index, places := poolOf(a[:1], allLists), intsOf(a[1]), make([]int32, m.n)
		for i := range places {
			places[i] = -1
			if m.isNull(i) {
				continue
			}
			lo, hi := p.span(0, i)
			if at := index.at(i); at >= 1 && at <= int64(hi-lo) {
				places[i] = int32(lo + int(at) - 1)
			}
		}
		return vec.Take(p.elems, places)
	})
	return &Call{Args: []types.Type{t, pInt.want(args[1].Type)}, Type: elem, Eval: kernel}, nil
}

func bindMapItem(t types.Type, key Arg) (*Call, error) {
	want, ok := CommonType(*t.Key, key.Type)
	if !ok {
		return nil, fmt.Errorf("of %s wants a key of type %s, got %s", t, *t.Key, key.Type)
	}
	value, mt := t.Elem.WithNull(true), t
	if !want.WithNull(t.Key.Nullable()).Equal(*t.Key) {
		mt = types.MapType(want, *t.Elem).WithNull(t.Nullable())
	}
	kernel := func(_ *Ctx, a []vec.Vec, n int) (vec.Vec, error) {
		n, konst := kernelRows(a, n)
		bits, none := vec.Validity(n, a[0])
		if none {
			return vec.Vec{Arr: vec.NullColumn(value, n), Const: konst}, nil
		}
		m := validity{bits, n}
		keys, items, span := mapOf(a[0])
		p := poolOf([]vec.Vec{vec.ColVec(keys), a[1]}, noLists)
		equal, places := p.equal(), make([]int32, n)
		for i := range places {
			places[i] = -1
			if m.isNull(i) || a[1].IsNull(i) { // a NULL finds nothing, not even a key that is NULL
				continue
			}
			for lo, hi := span(i); lo < hi; lo++ {
				if equal(lo, p.elem(1, i)) {
					places[i] = int32(lo)
				}
			}
		}
		return vec.Vec{Arr: vec.Take(items, places), Const: konst}, nil
	}
	return &Call{Args: []types.Type{mt, want.WithNull(true)}, Type: value, Eval: kernel}, nil
}

func bindField(args []Arg) (*Call, error) {
	t, name := args[0].Type, symbol(args, 1)
	if t.Kind != types.Row {
		return nil, fmt.Errorf("%q wants a row, got %s", name, t)
	}
	for k, f := range t.Fields {
		if f.Name != name {
			continue
		}
		kernel := func(_ *Ctx, a []vec.Vec, _ int) (vec.Vec, error) {
			return vec.Vec{Arr: fieldColumn(a[0].Arr, k), Const: a[0].Const}, nil
		}
		return &Call{Args: []types.Type{t, types.SymbolType}, Type: f.Type.WithNull(!f.Type.NotNull || !t.NotNull), Eval: kernel}, nil
	}
	return nil, fmt.Errorf("%q is not a field of %s", name, t)
}

// fieldColumn is field k of a row column, NULL where the row is.
func fieldColumn(a arrow.Array, k int) arrow.Array {
	s, ok := a.(*array.Struct)
	if !ok {
		return a // a column of NULLs only
	}
	field := s.Field(k)
	if s.NullN() == 0 {
		return field
	}
	places := make([]int32, s.Len())
	for i := range places {
		if places[i] = int32(i); s.IsNull(i) {
			places[i] = -1
		}
	}
	return vec.Take(field, places)
}

func mapArg(a Arg) (types.Type, error) {
	if a.Type.Kind != types.Map {
		return a.Type, fmt.Errorf("wants a map, got %s", a.Type)
	}
	return a.Type, nil
}

func bindMapPart(wantKeys bool) func(args []Arg) (*Call, error) {
	return func(args []Arg) (*Call, error) {
		t, err := mapArg(args[0])
		if err != nil {
			return nil, err
		}
		part := *t.Elem
		if wantKeys {
			part = *t.Key
		}
		return mapColumnCall(t, types.ArrayType(part), func(keys, items arrow.Array) arrow.Array {
			if wantKeys {
				return keys
			}
			return items
		}), nil
	}
}

func bindMapEntries(args []Arg) (*Call, error) {
	t, err := mapArg(args[0])
	if err != nil {
		return nil, err
	}
	row := types.RowType(types.Field{Name: "key", Type: *t.Key}, types.Field{Name: "value", Type: *t.Elem})
	dt := row.Arrow().(*arrow.StructType)
	return mapColumnCall(t, types.ArrayType(row), func(keys, items arrow.Array) arrow.Array {
		return vec.Structs(dt, keys.Len(), []arrow.Array{keys, items}, nil)
	}), nil
}

// mapColumnCall makes an array of each map's entries.
func mapColumnCall(t, out types.Type, part func(keys, items arrow.Array) arrow.Array) *Call {
	kernel := eval(out, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		keys, items, span := mapOf(a[0])
		c := newChoice(m.n)
		for i := range m.n {
			if !m.isNull(i) {
				for lo, hi := span(i); lo < hi; lo++ {
					c.add(lo)
				}
			}
			c.end()
		}
		return vec.Lists(c.offsets, part(vec.Take(keys, c.places), vec.Take(items, c.places)), m.bits)
	})
	return &Call{Args: []types.Type{t}, Type: out.WithNull(!t.NotNull), Eval: kernel}
}

func bindMapFromArrays(args []Arg) (*Call, error) {
	for _, a := range args {
		if a.Type.Kind != types.Array {
			return nil, fmt.Errorf("wants two arrays, got %s", a.Type)
		}
	}
	t := types.MapType(*args[0].Type.Elem, *args[1].Type.Elem)
	kernel := eval(t, func(_ *Ctx, a []vec.Vec, m validity, fail *failure) arrow.Array {
		keys, items := poolOf(a[:1], allLists), poolOf(a[1:], allLists)
		kc, vc := newChoice(m.n), newChoice(m.n)
		for i := range m.n {
			if !m.isNull(i) {
				klo, khi := keys.span(0, i)
				vlo, vhi := items.span(0, i)
				if khi-klo != vhi-vlo {
					fail.at(i, fmt.Errorf("MAP_FROM_ARRAYS has %d keys for %d values", khi-klo, vhi-vlo))
					khi, vhi = klo, vlo
				}
				for k := range khi - klo {
					kc.add(klo + k)
					vc.add(vlo + k)
				}
			}
			kc.end()
		}
		return vec.Maps(kc.offsets, vec.Take(keys.elems, kc.places), vec.Take(items.elems, vc.places), m.bits)
	})
	return &Call{Args: argTypes(args), Type: t.WithNull(!allNotNull(args)), Eval: kernel}, nil
}

func bindMapUnion(args []Arg) (*Call, error) {
	for _, a := range args {
		if _, err := mapArg(a); err != nil {
			return nil, err
		}
	}
	t, err := common("maps", argTypes(args))
	if err != nil {
		return nil, err
	}
	kernel := eval(t, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		var keys, items []vec.Vec
		spans := make([]func(int) (int, int), len(a))
		for k, v := range a {
			ks, vs, span := mapOf(v)
			keys, items = append(keys, vec.ColVec(ks)), append(items, vec.ColVec(vs))
			spans[k] = span
		}
		kp, vp := poolOf(keys, noLists), poolOf(items, noLists)
		ids, count := kp.ids(*t.Key)
		seen, place := make([]int, count), make([]int, count)
		kc, vc := newChoice(m.n), newChoice(m.n)
		for i := range m.n {
			for k := 0; k < len(a) && !m.isNull(i); k++ {
				for lo, hi := spans[k](i); lo < hi; lo++ {
					id := ids[kp.base[k]+lo]
					if seen[id] != i+1 {
						seen[id], place[id] = i+1, len(vc.places)
						kc.add(kp.base[k] + lo)
						vc.add(vp.base[k] + lo)
					}
					vc.places[place[id]] = int32(vp.base[k] + lo)
				}
			}
			kc.end()
		}
		return vec.Maps(kc.offsets, vec.Take(kp.elems, kc.places), vec.Take(vp.elems, vc.places), m.bits)
	})
	out := t.WithNull(!allNotNull(args))
	return &Call{Args: repeatType(out, len(args)), Type: out, Eval: kernel}, nil
}
