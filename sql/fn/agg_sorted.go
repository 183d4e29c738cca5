package fn

import (
	"cmp"
	"encoding/binary"
	"slices"

	"weir/sql/types"
	"weir/sql/vec"
)

// sortedEntry is a value of a multiset and how often it is there. A row taken away before it came
// leaves a negative count, which the row cancels when it comes.
type sortedEntry[K cmp.Ordered] struct {
	key K
	n   int64
}

// sortedChunk bounds how much an insertion moves.
const sortedChunk = 256

// sortedSet is an ordered multiset: sorted chunks of sorted entries.
type sortedSet[K cmp.Ordered] struct {
	chunks [][]sortedEntry[K]
	total  int64 // sum of the counts
	bytes  int64
}

// find gives the place of key: chunk, position in it, and whether it is there.
func (s *sortedSet[K]) find(key K) (c, i int, ok bool) {
	c, _ = slices.BinarySearchFunc(s.chunks, key, func(ch []sortedEntry[K], k K) int {
		return cmp.Compare(ch[len(ch)-1].key, k)
	})
	if c == len(s.chunks) {
		if c == 0 {
			return 0, 0, false
		}
		c--
	}
	i, ok = slices.BinarySearchFunc(s.chunks[c], key, func(e sortedEntry[K], k K) int { return cmp.Compare(e.key, k) })
	return c, i, ok
}

// add changes the count of key by n.
func (s *sortedSet[K]) add(key K, n int64) {
	s.total += n
	c, i, ok := s.find(key)
	if ok {
		ch := s.chunks[c]
		if ch[i].n += n; ch[i].n == 0 {
			if s.chunks[c] = slices.Delete(ch, i, i+1); len(s.chunks[c]) == 0 {
				s.chunks = slices.Delete(s.chunks, c, c+1)
			}
			s.bytes -= sortedSize
		}
		return
	}
	s.bytes += sortedSize
	if len(s.chunks) == 0 {
		s.chunks = [][]sortedEntry[K]{{{key, n}}}
		return
	}
	ch := slices.Insert(s.chunks[c], i, sortedEntry[K]{key, n})
	s.chunks[c] = ch
	if len(ch) > sortedChunk {
		half := len(ch) / 2
		s.chunks = slices.Insert(s.chunks, c+1, slices.Clone(ch[half:]))
		s.chunks[c] = slices.Clip(ch[:half])
	}
}

// sortedSize estimates the memory of an entry.
const sortedSize = 32

// least and greatest give the ends of the values that are there.
func (s *sortedSet[K]) least() (key K, ok bool) {
	for _, ch := range s.chunks {
		for i := range ch {
			if ch[i].n > 0 {
				return ch[i].key, true
			}
		}
	}
	return key, false
}

func (s *sortedSet[K]) greatest() (key K, ok bool) {
	for c := len(s.chunks) - 1; c >= 0; c-- {
		for i := len(s.chunks[c]) - 1; i >= 0; i-- {
			if e := s.chunks[c][i]; e.n > 0 {
				return e.key, true
			}
		}
	}
	return key, false
}

// aggKey maps an encoded value to a key and back.
type aggKey[K cmp.Ordered] struct {
	of    func([]byte) K
	bytes func([]byte, K) []byte
}

// numberKey is for types encoded in a marker and at most 8 bytes.
func numberKey(width int) aggKey[uint64] {
	return aggKey[uint64]{
		of: func(b []byte) uint64 {
			var full [8]byte
			copy(full[8-width:], b[1:])
			return binary.BigEndian.Uint64(full[:])
		},
		bytes: func(dst []byte, k uint64) []byte {
			var full [8]byte
			binary.BigEndian.PutUint64(full[:], k)
			return append(append(dst, 1), full[8-width:]...)
		},
	}
}

func textKey() aggKey[string] {
	return aggKey[string]{
		of:    func(b []byte) string { return string(b) },
		bytes: func(dst []byte, k string) []byte { return append(dst, k...) },
	}
}

// sortedAcc keeps all values of each group in order: MIN and MAX of rows that may be taken away.
type sortedAcc[K cmp.Ordered] struct {
	codec aggCodec
	key   aggKey[K]
	max   bool
	sets  []sortedSet[K]
	buf   []byte
}

func newSorted(t types.Type, isMax bool) Accumulator {
	codec := newAggCodec(t)
	if w := codec.width(); w > 0 && w <= 8 {
		return &sortedAcc[uint64]{codec: codec, key: numberKey(w), max: isMax}
	}
	return &sortedAcc[string]{codec: codec, key: textKey(), max: isMax}
}

func (a *sortedAcc[K]) Resize(n int) { a.sets = grown(a.sets, n, sortedSet[K]{}) }

func (a *sortedAcc[K]) Reset(g int32) { a.sets[g] = sortedSet[K]{} }

func (a *sortedAcc[K]) Bytes() int64 {
	total := int64(cap(a.sets)) * 40
	for i := range a.sets {
		total += a.sets[i].bytes
	}
	return total
}

func (a *sortedAcc[K]) Update(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) error {
	return a.rows(groups, args, kinds, lo, hi, func(int32) {})
}

func (a *sortedAcc[K]) rows(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int, after func(g int32)) error {
	nulls := vec.NullsOf(args[0].Arr)
	keys := a.codec.encode(args[:1], lo, hi)
	for i := lo; i < hi; i++ {
		g := groups[i]
		if g >= 0 && !nulls.Is(i) {
			a.sets[g].add(a.key.of(keys.At(i-lo)), aggSign(kinds, i))
		}
		after(g)
	}
	return nil
}

func (a *sortedAcc[K]) emit(out *aggDecoder, g int32) {
	if g < 0 {
		out.null()
		return
	}
	k, ok := a.sets[g].least()
	if a.max {
		k, ok = a.sets[g].greatest()
	}
	if !ok {
		out.null()
		return
	}
	a.buf = a.key.bytes(a.buf[:0], k)
	out.add(a.buf)
}

func (a *sortedAcc[K]) Running(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) (vec.Vec, error) {
	out := a.codec.decoder()
	if err := a.rows(groups, args, kinds, lo, hi, func(g int32) { a.emit(out, g) }); err != nil {
		return vec.Vec{}, err
	}
	return out.vec()
}

func (a *sortedAcc[K]) Values(groups []int32) (vec.Vec, error) {
	out := a.codec.decoder()
	for _, g := range groups {
		a.emit(out, g)
	}
	return out.vec()
}

func (a *sortedAcc[K]) Save(groups []int32) ([]vec.Vec, error) {
	out := newBytesBuilder()
	for _, g := range groups {
		buf := out.Scratch()
		for _, ch := range a.sets[g].chunks {
			for _, e := range ch {
				buf = appendEntry(buf, a.key.bytes(nil, e.key))
				buf = binary.AppendVarint(buf, e.n)
			}
		}
		out.AppendScratch(buf)
	}
	return []vec.Vec{vec.ColVec(out.Array())}, nil
}

func (a *sortedAcc[K]) Load(groups []int32, state []vec.Vec) error {
	for _, g := range groups {
		a.Reset(g)
	}
	return a.Merge(groups, state)
}

func (a *sortedAcc[K]) Merge(groups []int32, state []vec.Vec) error {
	text := vec.TextOf(state[0])
	for i, g := range groups {
		for b := text.Bytes(i); len(b) > 0; {
			key, rest, err := nextEntry(b)
			if err != nil {
				return err
			}
			n, w := binary.Varint(rest)
			if w <= 0 {
				return errAggState
			}
			a.sets[g].add(a.key.of(key), n)
			b = rest[w:]
		}
	}
	return nil
}
