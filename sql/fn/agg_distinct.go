package fn

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// intSet is an open-addressing set of integers; 0 marks a free place and is kept apart.
type intSet struct {
	keys  []int64
	count []int32 // beside keys; nil while every value came once at most or is never taken away
	used  int     // places taken, those of values gone included
	zero  int32
}

func (s *intSet) slot(v int64) int {
	mask := len(s.keys) - 1
	i := int((uint64(v)*0x9e3779b97f4a7c15)>>20) & mask
	for s.keys[i] != v && s.keys[i] != 0 {
		i = (i + 1) & mask
	}
	return i
}

// insert adds v once to a set whose counts do not matter; it tells whether v is new.
func (s *intSet) insert(v int64) bool {
	if v == 0 {
		isNew := s.zero == 0
		s.zero = 1
		return isNew
	}
	if 4*s.used >= 3*len(s.keys) {
		s.rehash()
	}
	i := s.slot(v)
	if s.keys[i] == v {
		return false
	}
	s.keys[i] = v
	s.used++
	return true
}

// change adds n to the count of v and gives the counts before and after.
func (s *intSet) change(v int64, n int32) (before, after int32) {
	if v == 0 {
		s.zero += n
		return s.zero - n, s.zero
	}
	if s.count == nil {
		s.count = make([]int32, len(s.keys))
	}
	if 4*s.used >= 3*len(s.keys) {
		s.rehash()
	}
	i := s.slot(v)
	if s.keys[i] == 0 {
		s.keys[i] = v
		s.used++
	}
	s.count[i] += n
	return s.count[i] - n, s.count[i]
}

func (s *intSet) rehash() {
	live := s.used
	if s.count != nil {
		live = 0
		for _, c := range s.count {
			if c != 0 {
				live++
			}
		}
	}
	size := 8
	for size < 2*live+2 {
		size *= 2
	}
	old, counts := s.keys, s.count
	s.keys, s.used = make([]int64, size), 0
	if counts != nil {
		s.count = make([]int32, size)
	}
	for j, v := range old {
		if v == 0 || counts != nil && counts[j] == 0 {
			continue
		}
		i := s.slot(v)
		s.keys[i] = v
		s.used++
		if counts != nil {
			s.count[i] = counts[j]
		}
	}
}

func (s *intSet) bytes() int64 { return int64(cap(s.keys))*8 + int64(cap(s.count))*4 + 72 }

// each visits the values and counts.
func (s *intSet) each(visit func(v int64, n int32)) {
	if s.zero != 0 {
		visit(0, s.zero)
	}
	for i, v := range s.keys {
		switch {
		case v == 0:
		case s.count == nil:
			visit(v, 1)
		case s.count[i] != 0:
			visit(v, s.count[i])
		}
	}
}

// textSet is a set of encoded values in order of first arrival.
type textSet struct {
	index map[string]int32
	keys  []string
	count []int32
	live  int
	size  int64
}

func (s *textSet) change(v []byte, n int32) (before, after int32) {
	if s.index == nil {
		s.index = map[string]int32{}
	}
	at, ok := s.index[string(v)]
	if !ok {
		at = int32(len(s.keys))
		key := string(v)
		s.index[key] = at
		s.keys = append(s.keys, key)
		s.count = append(s.count, 0)
		s.live++
		s.size += int64(len(key)) + 64
	}
	s.count[at] += n
	before, after = s.count[at]-n, s.count[at]
	if after == 0 {
		s.size -= int64(len(s.keys[at])) + 64
		delete(s.index, s.keys[at])
		s.keys[at] = ""
		s.live--
		if len(s.keys) > 2*s.live+16 {
			s.compact()
		}
	}
	return before, after
}

func (s *textSet) compact() {
	to := 0
	for i, c := range s.count {
		if c != 0 {
			s.keys[to], s.count[to] = s.keys[i], c
			s.index[s.keys[to]] = int32(to)
			to++
		}
	}
	s.keys, s.count = s.keys[:to], s.count[:to]
}

func (s *textSet) bytes() int64 { return s.size + 72 }

// distinctAcc hands each distinct value of a group to the aggregate inside once.
type distinctAcc struct {
	inner  Accumulator
	codec  aggCodec // of the distinct argument
	nargs  int
	ints   []intSet // of integer arguments of order-blind aggregates
	texts  []textSet
	width  int  // bytes of an integer argument, or 0
	counts bool // rows may be taken away
	groups []int32
}

// Distinct makes the DISTINCT form of an aggregate: its first argument decides.
func Distinct(call *AggCall, name string, retract bool) *AggCall {
	out := *call
	in := call.Args[0]
	inner := call.New
	width := distinctWidth(in, name)
	out.State = append([]types.Type{types.BytesType}, call.State...)
	out.New = func() Accumulator {
		return &distinctAcc{inner: inner(), codec: newAggCodec(in), width: width, counts: retract, nargs: len(call.Args)}
	}
	return &out
}

// distinctWidth is the width of an integer argument whose values may come in any order, or 0.
func distinctWidth(t types.Type, name string) int {
	switch name {
	case "COUNT", "SUM", "$SUM0", "AVG":
	default:
		return 0
	}
	switch t.Kind {
	case types.Int, types.Date, types.Time0:
		return 4
	case types.BigInt:
		return 8
	}
	return 0
}

func (a *distinctAcc) Resize(n int) {
	a.inner.Resize(n)
	if a.width > 0 {
		a.ints = grown(a.ints, n, intSet{})
	} else {
		a.texts = grown(a.texts, n, textSet{})
	}
}

func (a *distinctAcc) Reset(g int32) {
	a.inner.Reset(g)
	if a.width > 0 {
		a.ints[g] = intSet{}
	} else {
		a.texts[g] = textSet{}
	}
}

func (a *distinctAcc) Bytes() int64 {
	total := a.inner.Bytes()
	for i := range a.ints {
		total += a.ints[i].bytes()
	}
	for i := range a.texts {
		total += a.texts[i].bytes()
	}
	return total
}

// pass gives groups with -1 for rows whose value the aggregate inside already knows, or still holds.
func (a *distinctAcc) pass(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) []int32 {
	if cap(a.groups) < hi {
		a.groups = make([]int32, hi)
	}
	out := a.groups[:hi]
	switch a.width {
	case 4:
		passInts(a, out, groups, vec.Values[int32](args[0].Arr), vec.NullsOf(args[0].Arr), kinds, lo, hi)
	case 8:
		passInts(a, out, groups, vec.Values[int64](args[0].Arr), vec.NullsOf(args[0].Arr), kinds, lo, hi)
	default:
		keys := a.codec.encode(args[:1], lo, hi)
		for i := lo; i < hi; i++ {
			g := groups[i]
			if g >= 0 {
				n := int32(aggSign(kinds, i))
				before, after := a.texts[g].change(keys.At(i-lo), n)
				g = crossing(g, before, after)
			}
			out[i] = g
		}
	}
	return out
}

// crossing is g where a count leaves or reaches zero from above, else -1.
func crossing(g, before, after int32) int32 {
	if before == 0 && after == 1 || before == 1 && after == 0 {
		return g
	}
	return -1
}

func passInts[T int32 | int64](a *distinctAcc, out, groups []int32, values []T, nulls vec.Nulls, kinds []types.RowKind, lo, hi int) {
	if !a.counts && !nulls.Any() {
		for i := lo; i < hi; i++ {
			g := groups[i]
			if g >= 0 && !a.ints[g].insert(int64(values[i])) {
				g = -1
			}
			out[i] = g
		}
		return
	}
	for i := lo; i < hi; i++ {
		g := groups[i]
		switch {
		case g < 0:
		case nulls.Is(i):
			g = -1 // the aggregates of this path skip NULLs
		case !a.counts:
			if !a.ints[g].insert(int64(values[i])) {
				g = -1
			}
		default:
			before, after := a.ints[g].change(int64(values[i]), int32(aggSign(kinds, i)))
			g = crossing(g, before, after)
		}
		out[i] = g
	}
}

func (a *distinctAcc) Update(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) error {
	return a.inner.Update(a.pass(groups, args, kinds, lo, hi), args, kinds, lo, hi)
}

// Running cannot hide rows from the aggregate inside, since every row wants a value: it goes row by
// row where a value is known already.
func (a *distinctAcc) Running(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) (vec.Vec, error) {
	parts := make([]arrow.Array, 0, hi-lo)
	pass := a.pass(groups, args, kinds, lo, hi)
	for i := lo; i < hi; {
		j := i
		for j < hi && (pass[j] >= 0) == (pass[i] >= 0) {
			j++
		}
		v, err := a.stretch(groups, args, kinds, i, j, pass[i] >= 0)
		if err != nil {
			return vec.Vec{}, err
		}
		parts = append(parts, v.Arr)
		i = j
	}
	return vec.ColVec(vec.ConcatArrays(parts...)), nil
}

func (a *distinctAcc) stretch(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int, fresh bool) (vec.Vec, error) {
	if fresh {
		return a.inner.Running(groups, args, kinds, lo, hi)
	}
	held := make([]int32, 0, hi-lo)
	for _, g := range groups[lo:hi] {
		held = append(held, max(g, 0))
	}
	return a.inner.Values(held)
}

func (a *distinctAcc) Values(groups []int32) (vec.Vec, error) { return a.inner.Values(groups) }

func (a *distinctAcc) Save(groups []int32) ([]vec.Vec, error) {
	sets := newBytesBuilder()
	for _, g := range groups {
		buf := sets.Scratch()
		if a.width > 0 {
			a.ints[g].each(func(v int64, n int32) {
				buf = binary.AppendVarint(binary.AppendVarint(buf, v), int64(n))
			})
		} else {
			s := &a.texts[g]
			for i, k := range s.keys {
				if s.count[i] != 0 {
					buf = binary.AppendVarint(appendEntry(buf, []byte(k)), int64(s.count[i]))
				}
			}
		}
		sets.AppendScratch(buf)
	}
	inner, err := a.inner.Save(groups)
	return append([]vec.Vec{vec.ColVec(sets.Array())}, inner...), err
}

func (a *distinctAcc) Load(groups []int32, state []vec.Vec) error {
	text := vec.TextOf(state[0])
	for i, g := range groups {
		a.Reset(g)
		if err := a.each(text.Bytes(i), func(v int64, key []byte, n int32) { a.take(g, v, key, n) }); err != nil {
			return err
		}
	}
	return a.inner.Load(groups, state[1:])
}

// take adds n to the count of a value; it tells whether the value is new.
func (a *distinctAcc) take(g int32, v int64, key []byte, n int32) bool {
	if a.width == 0 {
		before, after := a.texts[g].change(key, n)
		return before <= 0 && after > 0
	}
	if !a.counts {
		return a.ints[g].insert(v)
	}
	before, after := a.ints[g].change(v, n)
	return before <= 0 && after > 0
}

// each visits the values of a saved set.
func (a *distinctAcc) each(b []byte, visit func(v int64, key []byte, n int32)) error {
	for len(b) > 0 {
		var key []byte
		var v int64
		if a.width > 0 {
			x, w := binary.Varint(b)
			if w <= 0 {
				return errAggState
			}
			v, b = x, b[w:]
		} else {
			var err error
			if key, b, err = nextEntry(b); err != nil {
				return err
			}
		}
		n, w := binary.Varint(b)
		if w <= 0 {
			return errAggState
		}
		visit(v, key, int32(n))
		b = b[w:]
	}
	return nil
}

// Merge gives the aggregate inside the values that are new to their group.
func (a *distinctAcc) Merge(groups []int32, state []vec.Vec) error {
	text := vec.TextOf(state[0])
	var to []int32
	var fresh []int64
	decoder := a.codec.decoder()
	for i, g := range groups {
		err := a.each(text.Bytes(i), func(v int64, key []byte, n int32) {
			if !a.take(g, v, key, n) {
				return
			}
			to = append(to, g)
			if a.width > 0 {
				fresh = append(fresh, v)
			} else {
				decoder.add(key)
			}
		})
		if err != nil {
			return err
		}
	}
	if len(to) == 0 {
		return nil
	}
	arg, err := a.fresh(fresh, decoder)
	if err != nil {
		return err
	}
	args := make([]vec.Vec, a.nargs)
	for i := range args {
		args[i] = arg
	}
	return a.inner.Update(to, args, nil, 0, len(to))
}

func (a *distinctAcc) fresh(ints []int64, decoder *aggDecoder) (vec.Vec, error) {
	switch a.width {
	case 0:
		return decoder.vec()
	case 8:
		return vec.ColVec(vec.Int64s(ints, nil)), nil
	}
	out := make([]int32, len(ints))
	for i, v := range ints {
		out[i] = int32(v)
	}
	return vec.ColVec(vec.Int32s(out, nil)), nil
}
