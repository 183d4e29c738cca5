package fn

import (
	"encoding/binary"
	"errors"
	"slices"

	"weir/sql/types"
	"weir/sql/vec"
)

// bitmapKeep tells whether an integer that n of a group's bitmaps have is in its result.
type bitmapKeep func(n, bitmaps int64) bool

// bitmapAcc gathers the integers of each group, each with the number of bitmaps (or rows) that have it: all set
// operations follow from that, of rows that are taken away too. The bitmaps are not kept.
type bitmapAcc struct {
	keep    bitmapKeep
	one     bool // the argument is an integer, and not a bitmap
	count   bool // the result is how many integers there are
	groups  []bitmapGroup
	size    int64
	scratch [1]uint32
}

type bitmapGroup struct {
	bitmaps int64
	has     map[uint32]int64
}

// bitmapEntry is what an integer of a group takes in memory, about.
const bitmapEntry = 24

func (a *bitmapAcc) Resize(n int) { a.groups = grown(a.groups, n, bitmapGroup{}) }

func (a *bitmapAcc) Reset(g int32) {
	a.size -= int64(len(a.groups[g].has)) * bitmapEntry
	a.groups[g] = bitmapGroup{}
}

func (a *bitmapAcc) Bytes() int64 { return int64(cap(a.groups))*16 + a.size }

func (a *bitmapAcc) Update(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) error {
	return a.rows(groups, args, kinds, lo, hi, func(int32) {})
}

func (a *bitmapAcc) rows(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int, after func(g int32)) error {
	set := a.reader(args[0])
	nulls := vec.NullsOf(args[0].Arr)
	for i := lo; i < hi; i++ {
		if g := groups[i]; g >= 0 && !nulls.Is(i) {
			values, err := set(i)
			if err != nil {
				return &RowError{Row: i, Err: err}
			}
			sign := aggSign(kinds, i)
			a.groups[g].bitmaps += sign
			for _, v := range values {
				a.add(g, v, sign)
			}
		}
		after(groups[i])
	}
	return nil
}

// reader gives the integers of each row.
func (a *bitmapAcc) reader(v vec.Vec) func(i int) ([]uint32, error) {
	if !a.one {
		text := vec.TextOf(v)
		return func(i int) ([]uint32, error) { return readBitmap(text.Bytes(i)) }
	}
	values := columnOf[int32](v)
	return func(i int) ([]uint32, error) {
		a.scratch[0] = uint32(values.at(i))
		return a.scratch[:], nil
	}
}

func (a *bitmapAcc) add(g int32, v uint32, n int64) {
	grp := &a.groups[g]
	if grp.has == nil {
		grp.has = map[uint32]int64{}
	}
	before := len(grp.has)
	if grp.has[v] += n; grp.has[v] == 0 {
		delete(grp.has, v)
	}
	a.size += int64(len(grp.has)-before) * bitmapEntry
}

// set is the result of a group, in order.
func (a *bitmapAcc) set(g int32) []uint32 {
	grp := &a.groups[g]
	out := make([]uint32, 0, len(grp.has))
	for v, n := range grp.has {
		if a.keep(n, grp.bitmaps) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

// bitmapResults gathers results.
type bitmapResults struct {
	a      *bitmapAcc
	counts *vec.FixedBuilder[int64]
	sets   *vec.TextBuilder
}

func (a *bitmapAcc) results() *bitmapResults {
	return &bitmapResults{a: a, counts: vec.NewBuilder(types.BigIntType).(*vec.FixedBuilder[int64]), sets: newBytesBuilder()}
}

func (r *bitmapResults) add(g int32) {
	none := g < 0 || r.a.groups[g].bitmaps <= 0
	switch {
	case r.a.count && none:
		r.counts.AppendNull()
	case r.a.count:
		r.counts.Append(int64(len(r.a.set(g))))
	case none:
		r.sets.AppendNull()
	default:
		r.sets.Append(appendBitmap(nil, r.a.set(g)))
	}
}

func (r *bitmapResults) vec() vec.Vec {
	if r.a.count {
		return vec.ColVec(r.counts.Array())
	}
	return vec.ColVec(r.sets.Array())
}

func (a *bitmapAcc) Running(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) (vec.Vec, error) {
	out := a.results()
	err := a.rows(groups, args, kinds, lo, hi, out.add)
	return out.vec(), err
}

func (a *bitmapAcc) Values(groups []int32) (vec.Vec, error) {
	out := a.results()
	for _, g := range groups {
		out.add(g)
	}
	return out.vec(), nil
}

func (a *bitmapAcc) Save(groups []int32) ([]vec.Vec, error) {
	out := newBytesBuilder()
	var buf []byte
	for _, g := range groups {
		grp := &a.groups[g]
		buf = binary.AppendVarint(buf[:0], grp.bitmaps)
		keys := make([]uint32, 0, len(grp.has))
		for v := range grp.has {
			keys = append(keys, v)
		}
		slices.Sort(keys)
		for _, v := range keys {
			buf = binary.AppendVarint(binary.LittleEndian.AppendUint32(buf, v), grp.has[v])
		}
		out.Append(buf)
	}
	return []vec.Vec{vec.ColVec(out.Array())}, nil
}

func (a *bitmapAcc) Load(groups []int32, state []vec.Vec) error {
	for _, g := range groups {
		a.Reset(g)
	}
	return a.Merge(groups, state)
}

func (a *bitmapAcc) Merge(groups []int32, state []vec.Vec) error {
	text := vec.TextOf(state[0])
	for i, g := range groups {
		b := text.Bytes(i)
		n, w := binary.Varint(b)
		if w <= 0 {
			return errBitmapState
		}
		a.groups[g].bitmaps += n
		for b = b[w:]; len(b) > 0; b = b[4+w:] {
			if len(b) < 5 {
				return errBitmapState
			}
			if n, w = binary.Varint(b[4:]); w <= 0 {
				return errBitmapState
			}
			a.add(g, binary.LittleEndian.Uint32(b), n)
		}
	}
	return nil
}

var errBitmapState = errors.New("the state of a bitmap aggregate is damaged")

func anyBitmap(n, _ int64) bool         { return n > 0 }
func everyBitmap(n, bitmaps int64) bool { return n == bitmaps }
func oddBitmaps(n, _ int64) bool        { return n%2 != 0 }

// bindBitmapAgg is an aggregate of bitmaps, or of the integers of one.
func bindBitmapAgg(name string, one, count bool, keep bitmapKeep) func([]Arg, bool) (*AggCall, error) {
	return func(args []Arg, _ bool) (*AggCall, error) {
		in := types.BytesType
		if one {
			in = types.IntType
		}
		switch t := args[0].Type; {
		case t.Kind == types.Null:
		case one && (!t.IsInteger() || t.Kind == types.BigInt):
			return nil, errors.New(name + " wants an INT, got " + t.String())
		case !one && t.Kind != types.VarBinary && t.Kind != types.Binary:
			return nil, errors.New(name + " wants a bitmap, as BITMAP_BUILD makes it, got " + t.String())
		}
		in = in.WithNull(!args[0].Type.NotNull)
		out := types.BytesType
		if count {
			out = types.BigIntType
		}
		return &AggCall{
			Args: []types.Type{in}, Type: out.WithNull(true), State: []types.Type{types.BytesType}, Mergeable: true,
			New: func() Accumulator { return &bitmapAcc{keep: keep, one: one, count: count} },
		}, nil
	}
}

// bitmapAggs are the aggregates of bitmaps; like COUNT(DISTINCT), they remember what they saw.
func bitmapAggs() []AggFunc {
	var out []AggFunc
	for _, f := range []struct {
		name, arg, doc string
		keep           bitmapKeep
	}{
		{"BUILD", "int", "the integers of a group, NULLs passed over", anyBitmap},
		{"AND", "bitmap", "the integers that all bitmaps of a group have", everyBitmap},
		{"OR", "bitmap", "the integers that any bitmap of a group has", anyBitmap},
		{"XOR", "bitmap", "the integers that an odd number of a group's bitmaps have", oddBitmaps},
	} {
		one, name := f.name == "BUILD", "BITMAP_"+f.name
		out = append(out, AggFunc{
			Name: name + "_AGG", Syntax: name + "_AGG(" + f.arg + ")", MinArgs: 1, MaxArgs: 1,
			Bind: bindBitmapAgg(name+"_AGG", one, false, f.keep), Doc: "The bitmap (BYTES) of " + f.doc + ".",
		}, AggFunc{
			Name: name + "_CARDINALITY_AGG", Syntax: name + "_CARDINALITY_AGG(" + f.arg + ")", MinArgs: 1, MaxArgs: 1,
			Bind: bindBitmapAgg(name+"_CARDINALITY_AGG", one, true, f.keep), Doc: "Counts " + f.doc + ".",
		})
	}
	return out
}
