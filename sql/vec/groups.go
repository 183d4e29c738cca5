package vec

import (
	"encoding/binary"
	"math/bits"

	"github.com/zeebo/xxh3"

	"weir/sql/types"
)

// Groups numbers the distinct keys it sees 0, 1, 2...; operators keep their state in columns indexed
// by that number. The number of a deleted key is given out again, last freed first, so numbers stay
// dense. NULL, NaN and -0.0 group as KeyEncoder encodes them. A Groups is single-threaded.
type Groups struct {
	enc   *KeyEncoder
	kind  groupKind
	slots []slot // open addressing, linear probing; the length is a power of two
	ids   []ident
	free  []int32 // deleted numbers
	arena []byte  // the keys longer than 16 bytes
	waste int     // bytes of deleted keys in arena
	live  int
	null  int32 // the group of NULL where keys are integers or raw strings, else -1
	keys  Keys  // scratch
}

type groupKind uint8

const (
	encodedKeys groupKind = iota
	intKeys               // one column of 4 or 8 byte integers; ident.a is the value
	textKeys              // one string column; the ident is of the raw bytes
)

// slot holds a group's number plus one, so that the zero slot is empty, and part of its hash.
type slot struct {
	hash  uint32
	group int32
}

// ident is a key: exactly, where it has at most 16 bytes; else its hash and its place in the arena.
type ident struct {
	a, b uint64
	size int32 // -1: the number is free; -2: the NULL group
}

const (
	freeIdent = -1
	nullIdent = -2
	maxInline = 16
)

// NewGroups makes a table of keys of the types.
func NewGroups(ts ...types.Type) *Groups {
	g := &Groups{enc: KeyOf(ts...), slots: make([]slot, 64), null: -1}
	if len(ts) == 1 {
		k := &g.enc.cols[0]
		switch {
		case ts[0].IsString() || ts[0].IsBytes():
			g.kind = textKeys
		case (k.width == 4 || k.width == 8) && !ts[0].IsFloat() && ts[0].Kind != types.Decimal:
			g.kind = intKeys
		}
	}
	return g
}

// Len is the number of live groups; Cap is one more than the highest number given out.
func (g *Groups) Len() int { return g.live }

// Cap is one more than the highest group number ever given out.
func (g *Groups) Cap() int { return len(g.ids) }

// Bytes estimates the memory held.
func (g *Groups) Bytes() int64 {
	return int64(8*len(g.slots) + 24*cap(g.ids) + cap(g.arena) + 4*cap(g.free) + cap(g.keys.Buf) + 4*cap(g.keys.Offsets))
}

// Encoder is the encoder of the table's keys.
func (g *Groups) Encoder() *KeyEncoder { return g.enc }

// Lookup sets out[i] to the group of row i, for n rows, numbering keys it has not seen. It appends to
// firsts the first row of each new group, in order, and gives it back.
func (g *Groups) Lookup(cols []Vec, n int, out []int32, firsts []int32) []int32 {
	if len(cols) == 0 { // the global group
		fill(out[:n], 0)
		if n > 0 {
			if _, isNew := g.add(nil); isNew {
				firsts = append(firsts, 0)
			}
		}
		return firsts
	}
	switch {
	case g.kind == intKeys && g.enc.cols[0].width == 4:
		return lookupInts(g, cols[0], Values[int32](cols[0].Arr), n, out, firsts)
	case g.kind == intKeys:
		return lookupInts(g, cols[0], Values[int64](cols[0].Arr), n, out, firsts)
	case g.kind == textKeys:
		return g.lookupText(cols[0], n, out, firsts)
	}
	g.enc.Encode(&g.keys, cols, n)
	return g.LookupKeys(&g.keys, out, firsts)
}

func lookupInts[T int32 | int64](g *Groups, v Vec, values []T, n int, out []int32, firsts []int32) []int32 {
	nulls, step := NullsOf(v.Arr), 1
	if v.Const {
		step = 0
	}
	millis, whole := g.enc.cols[0].millis, g.enc.cols[0].width == 4
	for i := range n {
		if nulls.Any() && nulls.Is(i*step) {
			out[i], firsts = g.nullGroup(i, firsts)
			continue
		}
		value := int64(values[i*step])
		if millis {
			value = types.FromMicros(value).Micros()
		}
		id := ident{a: uint64(value), size: 8}
		hash := hashInt(id.a)
		var at uint32
		if whole {
			at = g.probeHash(hash)
		} else {
			at = g.probeInt(id.a, hash)
		}
		if g.slots[at].group == 0 {
			at = g.insertAt(at, id, hash, nil)
			firsts = append(firsts, int32(i))
		}
		out[i] = g.slots[at].group - 1
	}
	return firsts
}

func (g *Groups) nullGroup(row int, firsts []int32) (int32, []int32) {
	if g.null < 0 {
		g.null = g.newNumber(ident{size: nullIdent})
		firsts = append(firsts, int32(row))
	}
	return g.null, firsts
}

func (g *Groups) lookupText(v Vec, n int, out []int32, firsts []int32) []int32 {
	text := TextOf(v)
	for i := range n {
		if text.Nulls.Any() && text.Null(i) {
			out[i], firsts = g.nullGroup(i, firsts)
			continue
		}
		var isNew bool
		if out[i], isNew = g.add(text.Bytes(i)); isNew {
			firsts = append(firsts, int32(i))
		}
	}
	return firsts
}

// LookupKeys is Lookup of keys that the table's Encoder has encoded.
func (g *Groups) LookupKeys(keys *Keys, out []int32, firsts []int32) []int32 {
	for i := range keys.Len() {
		var isNew bool
		if out[i], isNew = g.addEncoded(keys.At(i)); isNew {
			firsts = append(firsts, int32(i))
		}
	}
	return firsts
}

// LookupKey gives the group of an encoded key, numbering it if it is new.
func (g *Groups) LookupKey(key []byte) (group int32, isNew bool) { return g.addEncoded(key) }

func (g *Groups) addEncoded(key []byte) (int32, bool) {
	if g.kind == encodedKeys {
		return g.add(key)
	}
	raw, null := g.rawKey(key)
	if null {
		before := g.null
		group, _ := g.nullGroup(0, nil)
		return group, before < 0
	}
	if g.kind == textKeys {
		return g.add(raw)
	}
	id := intIdent(raw)
	hash := hashInt(id.a)
	at := g.probeInt(id.a, hash)
	isNew := g.slots[at].group == 0
	if isNew {
		at = g.insertAt(at, id, hash, nil)
	}
	return g.slots[at].group - 1, isNew
}

// rawKey turns an encoded key of one integer or string column into what the table keeps.
func (g *Groups) rawKey(key []byte) (raw []byte, null bool) {
	if key[0] == g.enc.cols[0].null {
		return nil, true
	}
	if g.kind == textKeys {
		value, _, err := unescape(nil, key[1:])
		if err != nil {
			panic("vec: " + err.Error())
		}
		return value, false
	}
	return key[1:], false
}

// intIdent reads an encoded integer of 4 or 8 bytes.
func intIdent(raw []byte) ident {
	if len(raw) == 4 {
		return ident{a: uint64(int64(int32(binary.BigEndian.Uint32(raw) ^ 1<<31))), size: 8}
	}
	return ident{a: binary.BigEndian.Uint64(raw) ^ 1<<63, size: 8}
}

// Find is Lookup that numbers nothing: an unknown key gives -1.
func (g *Groups) Find(cols []Vec, n int, out []int32) {
	g.enc.Encode(&g.keys, cols, n)
	for i := range n {
		out[i] = g.FindKey(g.keys.At(i))
	}
}

// FindKey gives the group of an encoded key, or -1.
func (g *Groups) FindKey(key []byte) int32 {
	if g.kind != encodedKeys {
		raw, null := g.rawKey(key)
		if null {
			return g.null
		}
		if g.kind == intKeys {
			id := intIdent(raw)
			return g.slots[g.probeInt(id.a, hashInt(id.a))].group - 1
		}
		key = raw
	}
	id, hash := identify(key)
	return g.slots[g.probe(id, hash, key)].group - 1
}

func (g *Groups) add(key []byte) (group int32, isNew bool) {
	id, hash := identify(key)
	at := g.probe(id, hash, key)
	if g.slots[at].group == 0 {
		at = g.insertAt(at, id, hash, key)
		isNew = true
	}
	return g.slots[at].group - 1, isNew
}

// hashInt mixes an integer key; only the table itself sees this hash. It tells all integers of 4 bytes apart.
func hashInt(v uint64) uint32 {
	if small := uint32(v); v == uint64(int64(int32(small))) {
		small = (small ^ small>>16) * 0x85ebca6b
		small = (small ^ small>>13) * 0xc2b2ae35
		return small ^ small>>16
	}
	hi, lo := bits.Mul64(v^0x9e3779b97f4a7c15, 0xe7037ed1a0b428db)
	return uint32(hi ^ lo)
}

// identify packs a short key whole into an ident, and hashes any key.
func identify(key []byte) (ident, uint32) {
	n := len(key)
	id := ident{size: int32(n)}
	switch {
	case n > maxInline:
		id.a = xxh3.Hash(key)
		return id, uint32(id.a)
	case n >= 8:
		id.a, id.b = binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[n-8:])
	case n >= 4:
		id.a = uint64(binary.LittleEndian.Uint32(key)) | uint64(binary.LittleEndian.Uint32(key[n-4:]))<<32
	default:
		for i, c := range key {
			id.a |= uint64(c) << (8 * i)
		}
	}
	hi, lo := bits.Mul64(id.a^0x9e3779b97f4a7c15, id.b^0xe7037ed1a0b428db^uint64(n))
	hi, lo = bits.Mul64(hi^lo^id.a, 0xa0761d6478bd642f^id.b)
	return id, uint32(hi ^ lo)
}

// bytes gives back the key of a short ident.
func (id *ident) bytes(dst []byte) []byte {
	n := int(id.size)
	var buf [maxInline]byte
	switch {
	case n >= 8:
		binary.LittleEndian.PutUint64(buf[:], id.a)
		binary.LittleEndian.PutUint64(buf[n-8:], id.b)
	case n >= 4:
		binary.LittleEndian.PutUint32(buf[:], uint32(id.a))
		binary.LittleEndian.PutUint32(buf[n-4:], uint32(id.a>>32))
	default:
		binary.LittleEndian.PutUint64(buf[:], id.a)
	}
	return append(dst, buf[:n]...)
}

// probe finds the slot of a key, or the empty slot where it belongs.
func (g *Groups) probe(id ident, hash uint32, key []byte) uint32 {
	mask := uint32(len(g.slots) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		s := g.slots[at]
		if s.group == 0 {
			return at
		}
		if s.hash != hash {
			continue
		}
		have := &g.ids[s.group-1]
		if have.a != id.a || have.size != id.size {
			continue
		}
		if id.size <= maxInline {
			if have.b == id.b {
				return at
			}
		} else if string(g.arena[have.b:have.b+uint64(have.size)]) == string(key) {
			return at
		}
	}
}

func (g *Groups) probeInt(v uint64, hash uint32) uint32 {
	mask := uint32(len(g.slots) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		s := g.slots[at]
		if s.group == 0 || s.hash == hash && g.ids[s.group-1].a == v {
			return at
		}
	}
}

// probeHash is probeInt where keys have 4 bytes: equal hashes are equal keys.
func (g *Groups) probeHash(hash uint32) uint32 {
	mask := uint32(len(g.slots) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		if s := g.slots[at]; s.group == 0 || s.hash == hash {
			return at
		}
	}
}

// insertAt numbers a new key and puts it into its empty slot, whose position it gives (growing moves it).
func (g *Groups) insertAt(at uint32, id ident, hash uint32, key []byte) uint32 {
	if id.size > maxInline {
		id.b = uint64(len(g.arena))
		g.arena = append(g.arena, key...)
	}
	group := g.newNumber(id)
	g.slots[at] = slot{hash, group + 1}
	if g.live*2 <= len(g.slots) {
		return at
	}
	g.rehash(2 * len(g.slots))
	mask := uint32(len(g.slots) - 1)
	for at = hash & mask; g.slots[at].group != group+1; at = (at + 1) & mask {
	}
	return at
}

func (g *Groups) newNumber(id ident) int32 {
	g.live++
	if n := len(g.free); n > 0 {
		group := g.free[n-1]
		g.free = g.free[:n-1]
		g.ids[group] = id
		return group
	}
	g.ids = append(g.ids, id)
	return int32(len(g.ids) - 1)
}

func (g *Groups) rehash(size int) {
	old := g.slots
	g.slots = make([]slot, size)
	mask := uint32(size - 1)
	for _, s := range old {
		if s.group == 0 {
			continue
		}
		at := s.hash & mask
		for g.slots[at].group != 0 {
			at = (at + 1) & mask
		}
		g.slots[at] = s
	}
}
