package fn

import (
	"errors"

	"weir/sql/types"
	"weir/sql/vec"
)

// lagAcc is LAG(x [, offset [, default]]) as an aggregate over the rows up to the current one: the value
// of the row that many before the last. A NULL found there stays one, the default is for rows that are not there.
type lagAcc struct {
	t      types.Type
	offset int
	codec  aggCodec // of x and the default, encoded alike
	hasDef bool
	cells  []lagCell
}

// lagCell holds the last offset+1 values, and the default of the last row.
type lagCell struct {
	values [][]byte
	def    []byte
}

// BindLag resolves LAG, which only OVER knows.
func BindLag(args []Arg) (*AggCall, error) {
	offset := int64(1)
	if len(args) > 1 {
		if args[1].Lit == nil || args[1].Lit.IsNull(0) || !args[1].Type.IsInteger() {
			return nil, errors.New("LAG wants its offset as a constant integer")
		}
		lit := intsOf(*args[1].Lit)
		offset = lit.at(0)
	}
	if offset < 0 || offset > 1<<20 {
		return nil, errors.New("LAG wants an offset from 0 to 1048576")
	}
	t := args[0].Type
	call := &AggCall{Type: t.WithNull(true), State: []types.Type{types.BytesType}}
	for _, a := range args {
		call.Args = append(call.Args, a.Type)
	}
	call.New = func() Accumulator {
		return &lagAcc{t: t, offset: int(offset), codec: newAggCodec(t), hasDef: len(args) > 2}
	}
	return call, nil
}

func (a *lagAcc) Resize(n int) { a.cells = grown(a.cells, n, lagCell{}) }

func (a *lagAcc) Reset(g int32) { a.cells[g] = lagCell{} }

func (a *lagAcc) Bytes() int64 { return int64(len(a.cells)) * int64(48+32*(a.offset+1)) }

func (a *lagAcc) rows(groups []int32, args []vec.Vec, lo, hi int, after func(g int32)) {
	var defs vec.Keys
	var defNulls vec.Nulls
	if a.hasDef {
		a.codec.enc.Encode(&defs, []vec.Vec{args[2].Slice(lo, hi)}, hi-lo)
		defNulls = vec.NullsOf(args[2].Arr)
	}
	nulls := vec.NullsOf(args[0].Arr)
	keys := a.codec.encode(args[:1], lo, hi)
	for i := lo; i < hi; i++ {
		g := groups[i]
		if g >= 0 {
			c := &a.cells[g]
			var v []byte
			if !nulls.Is(i) {
				v = append(v, keys.At(i-lo)...)
			}
			if c.values = append(c.values, v); len(c.values) > a.offset+1 {
				c.values = c.values[1:]
			}
			c.def = nil
			if a.hasDef && !defNulls.Is(i) {
				c.def = append([]byte(nil), defs.At(i-lo)...)
			}
		}
		after(g)
	}
}

func (a *lagAcc) Update(groups []int32, args []vec.Vec, _ []types.RowKind, lo, hi int) error {
	a.rows(groups, args, lo, hi, func(int32) {})
	return nil
}

func (a *lagAcc) emit(out *aggDecoder, g int32) {
	if g < 0 {
		out.null()
		return
	}
	c := &a.cells[g]
	if len(c.values) > a.offset {
		out.add(c.values[0])
		return
	}
	out.add(c.def)
}

func (a *lagAcc) Running(groups []int32, args []vec.Vec, _ []types.RowKind, lo, hi int) (vec.Vec, error) {
	out := a.codec.decoder()
	a.rows(groups, args, lo, hi, func(g int32) { a.emit(out, g) })
	return out.vec()
}

func (a *lagAcc) Values(groups []int32) (vec.Vec, error) {
	out := a.codec.decoder()
	for _, g := range groups {
		a.emit(out, g)
	}
	return out.vec()
}

// Save writes the default, then the values; an empty entry is NULL, for no encoding is empty.
func (a *lagAcc) Save(groups []int32) ([]vec.Vec, error) {
	out := newBytesBuilder()
	for _, g := range groups {
		buf := appendEntry(out.Scratch(), a.cells[g].def)
		for _, v := range a.cells[g].values {
			buf = appendEntry(buf, v)
		}
		out.AppendScratch(buf)
	}
	return []vec.Vec{vec.ColVec(out.Array())}, nil
}

func (a *lagAcc) Load(groups []int32, state []vec.Vec) error {
	text := vec.TextOf(state[0])
	for i, g := range groups {
		c := lagCell{}
		def, b, err := nextEntry(text.Bytes(i))
		if err != nil {
			return err
		}
		c.def = notEmpty(def)
		for len(b) > 0 {
			var v []byte
			if v, b, err = nextEntry(b); err != nil {
				return err
			}
			c.values = append(c.values, notEmpty(v))
		}
		a.cells[g] = c
	}
	return nil
}

func notEmpty(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return append([]byte(nil), b...)
}

// Merge cannot be: the order of rows across parts is not known.
func (a *lagAcc) Merge([]int32, []vec.Vec) error { return errors.New("LAG cannot be merged") }
