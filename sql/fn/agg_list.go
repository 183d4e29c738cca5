package fn

import (
	"bytes"
	"fmt"

	"weir/sql/types"
	"weir/sql/vec"
)

// entries is the values of one group in order of arrival: each its length and its bytes.
type entries []byte

// remove takes the first entry that equals v away; it tells whether there was one.
func (e *entries) remove(v []byte) (bool, error) {
	for b := []byte(*e); len(b) > 0; {
		got, rest, err := nextEntry(b)
		if err != nil {
			return false, err
		}
		if bytes.Equal(got, v) {
			at := len(*e) - len(b)
			*e = append((*e)[:at], rest...)
			return true, nil
		}
		b = rest
	}
	return false, nil
}

// listKind is an aggregate that keeps its values, or the first or last of them, in order of arrival.
type listKind struct {
	name string
	// nulls says that NULL is a value like others.
	nulls bool
	// keep says which values to keep of rows that are never taken away.
	keep listKeep
	// encode gives the bytes of row i as the group keeps them.
	start func(args []vec.Vec, lo, hi int) (func(i int) ([]byte, error), error)
	// results makes a builder of results.
	results func() listResults
}

type listKeep uint8

const (
	keepAll listKeep = iota
	keepFirst
	keepLast
)

// listResults builds the column of results from groups' entries.
type listResults interface {
	add(e entries) error
	null()
	vec() (vec.Vec, error)
}

// listAcc keeps the values of each group.
type listAcc struct {
	kind  *listKind
	lists []entries
	size  int64
}

func (a *listAcc) Resize(n int) { a.lists = grown(a.lists, n, nil) }

func (a *listAcc) Reset(g int32) {
	a.size -= int64(cap(a.lists[g]))
	a.lists[g] = nil
}

func (a *listAcc) Bytes() int64 { return int64(cap(a.lists))*24 + a.size }

func (a *listAcc) Update(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) error {
	return a.rows(groups, args, kinds, lo, hi, func(int32) error { return nil })
}

func (a *listAcc) rows(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int, after func(int32) error) error {
	nulls := vec.Nulls{}
	if !a.kind.nulls {
		nulls = vec.NullsOf(args[0].Arr)
	}
	row, err := a.kind.start(args, lo, hi)
	if err != nil {
		return err
	}
	for i := lo; i < hi; i++ {
		g := groups[i]
		if g >= 0 && !nulls.Is(i) {
			v, err := row(i)
			if err != nil {
				return &RowError{Row: i, Err: err}
			}
			if err := a.fold(g, v, aggSign(kinds, i)); err != nil {
				return &RowError{Row: i, Err: err}
			}
		}
		if err := after(g); err != nil {
			return err
		}
	}
	return nil
}

func (a *listAcc) fold(g int32, v []byte, sign int64) error {
	if v == nil {
		return nil
	}
	e := &a.lists[g]
	before := cap(*e)
	defer func() { a.size += int64(cap(a.lists[g]) - before) }()
	switch {
	case sign < 0:
		_, err := e.remove(v)
		return err
	case a.kind.keep == keepFirst && len(*e) > 0:
		return nil
	case a.kind.keep == keepLast:
		*e = (*e)[:0]
	}
	*e = appendEntry(*e, v)
	return nil
}

func (a *listAcc) emit(out listResults, g int32) error {
	if g < 0 {
		out.null()
		return nil
	}
	return out.add(a.lists[g])
}

func (a *listAcc) Running(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) (vec.Vec, error) {
	out := a.kind.results()
	if err := a.rows(groups, args, kinds, lo, hi, func(g int32) error { return a.emit(out, g) }); err != nil {
		return vec.Vec{}, err
	}
	return out.vec()
}

func (a *listAcc) Values(groups []int32) (vec.Vec, error) {
	out := a.kind.results()
	for _, g := range groups {
		if err := a.emit(out, g); err != nil {
			return vec.Vec{}, err
		}
	}
	return out.vec()
}

func (a *listAcc) Save(groups []int32) ([]vec.Vec, error) {
	out := newBytesBuilder()
	for _, g := range groups {
		out.Append(a.lists[g])
	}
	return []vec.Vec{vec.ColVec(out.Array())}, nil
}

func (a *listAcc) Load(groups []int32, state []vec.Vec) error {
	for _, g := range groups {
		a.Reset(g)
	}
	return a.Merge(groups, state)
}

func (a *listAcc) Merge(groups []int32, state []vec.Vec) error {
	text := vec.TextOf(state[0])
	for i, g := range groups {
		in := text.Bytes(i)
		if len(in) == 0 || a.kind.keep == keepFirst && len(a.lists[g]) > 0 {
			continue
		}
		before := cap(a.lists[g])
		if a.kind.keep == keepLast {
			a.lists[g] = a.lists[g][:0]
		}
		a.lists[g] = append(a.lists[g], in...)
		a.size += int64(cap(a.lists[g]) - before)
	}
	return nil
}

// encoded gives the entries of a column as their encoding.
func encodedRows(codec aggCodec) func(args []vec.Vec, lo, hi int) (func(i int) ([]byte, error), error) {
	return func(args []vec.Vec, lo, hi int) (func(i int) ([]byte, error), error) {
		keys := codec.encode(args[:1], lo, hi)
		return func(i int) ([]byte, error) { return keys.At(i - lo), nil }, nil
	}
}

// pickResults gives the first or the last of the values.
type pickResults struct {
	out  *aggDecoder
	last bool
}

func (r *pickResults) null() { r.out.null() }

func (r *pickResults) add(e entries) error {
	if len(e) == 0 {
		r.out.null()
		return nil
	}
	v, rest, err := nextEntry(e)
	for r.last && err == nil && len(rest) > 0 {
		v, rest, err = nextEntry(rest)
	}
	r.out.add(v)
	return err
}

func (r *pickResults) vec() (vec.Vec, error) { return r.out.vec() }

// bindPick is FIRST_VALUE and LAST_VALUE: the first or last value in order of arrival that is not NULL.
func bindPick(name string, last bool) func(args []Arg, retract bool) (*AggCall, error) {
	return func(args []Arg, retract bool) (*AggCall, error) {
		t := args[0].Type
		keep := keepFirst
		if last {
			keep = keepLast
		}
		if retract {
			keep = keepAll
		}
		return listCall(t, t, false, func(codec aggCodec) *listKind {
			return &listKind{
				name: name, keep: keep, start: encodedRows(codec),
				results: func() listResults { return &pickResults{codec.decoder(), last} },
			}
		}), nil
	}
}

func listCall(in, out types.Type, mergeable bool, kind func(codec aggCodec) *listKind) *AggCall {
	return &AggCall{
		Args: []types.Type{in}, Type: out, State: []types.Type{types.BytesType}, Mergeable: mergeable,
		New: func() Accumulator { return &listAcc{kind: kind(newAggCodec(in))} },
	}
}

// joinResults is LISTAGG's text.
type joinResults struct {
	sep string
	out *vec.TextBuilder
}

func (r *joinResults) null() { r.out.AppendNull() }

func (r *joinResults) add(e entries) error {
	if len(e) == 0 {
		r.out.AppendNull()
		return nil
	}
	buf := r.out.Scratch()
	for first := true; len(e) > 0; first = false {
		v, rest, err := nextEntry(e)
		if err != nil {
			return err
		}
		if !first {
			buf = append(buf, r.sep...)
		}
		buf = append(buf, v...)
		e = rest
	}
	r.out.AppendScratch(buf)
	return nil
}

func (r *joinResults) vec() (vec.Vec, error) { return vec.ColVec(r.out.Array()), nil }

// bindListAgg is LISTAGG: text joined in order of arrival.
func bindListAgg(args []Arg, _ bool) (*AggCall, error) {
	t := args[0].Type
	if t.Kind == types.Null {
		t = types.StringType
	}
	if !t.IsString() {
		return nil, fmt.Errorf("LISTAGG wants a string, got %s (write CAST(... AS STRING))", t)
	}
	sep := ","
	if len(args) == 2 {
		if args[1].Lit == nil || args[1].Lit.IsNull(0) || !args[1].Type.IsString() {
			return nil, fmt.Errorf("LISTAGG wants its separator as a constant string, as LISTAGG(name, '; ')")
		}
		text := vec.TextOf(*args[1].Lit)
		sep = string(text.Bytes(0))
	}
	call := listCall(t, t, true, func(aggCodec) *listKind {
		return &listKind{
			name: "LISTAGG", start: textRows,
			results: func() listResults { return &joinResults{sep, vec.NewTextBuilder()} },
		}
	})
	for _, a := range args[1:] {
		call.Args = append(call.Args, a.Type)
	}
	return call, nil
}

func textRows(args []vec.Vec, _, _ int) (func(i int) ([]byte, error), error) {
	text := vec.TextOf(args[0])
	return func(i int) ([]byte, error) {
		if b := text.Bytes(i); len(b) > 0 {
			return b[:len(b):len(b)], nil
		}
		return []byte{}, nil // nil would be no value
	}, nil
}

// arrayResults is ARRAY_AGG's array.
type arrayResults struct {
	codec aggCodec
	elems *aggDecoder
	ends  []int32
	nulls []bool
	n     int32
}

func (r *arrayResults) null() {
	r.ends = append(r.ends, r.n)
	r.nulls = append(r.nulls, true)
}

func (r *arrayResults) add(e entries) error {
	if len(e) == 0 {
		r.null()
		return nil
	}
	for len(e) > 0 {
		v, rest, err := nextEntry(e)
		if err != nil {
			return err
		}
		r.elems.add(v)
		r.n++
		e = rest
	}
	r.ends = append(r.ends, r.n)
	r.nulls = append(r.nulls, false)
	return nil
}

func (r *arrayResults) vec() (vec.Vec, error) {
	elems, err := r.elems.vec()
	if err != nil {
		return vec.Vec{}, err
	}
	return vec.ColVec(vec.Lists(append([]int32{0}, r.ends...), elems.Arr, validOf(r.nulls))), nil
}

func validOf(nulls []bool) vec.Bitmap {
	valid := vec.FullBitmap(len(nulls))
	for i, null := range nulls {
		if null {
			valid.Clear(i)
		}
	}
	return valid
}

// bindArrayAgg is ARRAY_AGG: all values in order of arrival, NULLs among them; NULL without a row.
func bindArrayAgg(args []Arg, _ bool) (*AggCall, error) {
	t := args[0].Type
	return listCall(t, types.ArrayType(t), true, func(codec aggCodec) *listKind {
		return &listKind{
			name: "ARRAY_AGG", nulls: true, start: encodedRows(codec),
			results: func() listResults { return &arrayResults{codec: codec, elems: codec.decoder()} },
		}
	}), nil
}

// collectResults is COLLECT's multiset, its entries in order of first arrival.
type collectResults struct {
	arrayResults
	counts []int32
}

func (r *collectResults) add(e entries) error {
	place := map[string]int{}
	for len(e) > 0 {
		v, rest, err := nextEntry(e)
		if err != nil {
			return err
		}
		if at, ok := place[string(v)]; ok {
			r.counts[at]++
		} else {
			place[string(v)] = len(r.counts)
			r.counts = append(r.counts, 1)
			r.elems.add(v)
			r.n++
		}
		e = rest
	}
	r.ends = append(r.ends, r.n)
	r.nulls = append(r.nulls, false)
	return nil
}

func (r *collectResults) vec() (vec.Vec, error) {
	elems, err := r.elems.vec()
	if err != nil {
		return vec.Vec{}, err
	}
	return vec.ColVec(vec.Maps(append([]int32{0}, r.ends...), elems.Arr, vec.Int32s(r.counts, nil), validOf(r.nulls))), nil
}

// bindCollect is COLLECT: a MULTISET of the values that are not NULL.
func bindCollect(args []Arg, _ bool) (*AggCall, error) {
	t := args[0].Type
	return listCall(t, types.MultisetType(t).WithNull(false), true, func(codec aggCodec) *listKind {
		return &listKind{
			name: "COLLECT", start: encodedRows(codec),
			results: func() listResults {
				return &collectResults{arrayResults: arrayResults{codec: codec, elems: codec.decoder()}}
			},
		}
	}), nil
}

// bindSingle is SINGLE_VALUE: the value of the only row; a second row is an error.
func bindSingle(args []Arg, _ bool) (*AggCall, error) {
	t := args[0].Type
	return listCall(t, t.WithNull(true), false, func(codec aggCodec) *listKind {
		return &listKind{
			name: "SINGLE_VALUE", nulls: true, start: encodedRows(codec),
			results: func() listResults { return &singleResults{pickResults{codec.decoder(), false}} },
		}
	}), nil
}

// singleResults is SINGLE_VALUE's value.
type singleResults struct{ pickResults }

func (r *singleResults) add(e entries) error {
	if len(e) > 0 {
		if _, rest, err := nextEntry(e); err != nil || len(rest) > 0 {
			return fmt.Errorf("SINGLE_VALUE saw more than one row: a subquery used as a value must give one row at most")
		}
	}
	return r.pickResults.add(e)
}
