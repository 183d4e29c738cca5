package vec

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/zeebo/xxh3"

	"weir/sql/types"
)

// KeyVersion is the version of the key encoding and of the hash over it. State on disk and the
// dealing of rows to tasks depend on both: change it whenever either changes.
const KeyVersion = 1

// KeyCol is one column of a key.
type KeyCol struct {
	Type types.Type
	Order
}

// KeyEncoder encodes the values of some columns as byte strings whose order is the order of the
// rows, and which are equal where the rows are equal as grouping keys. It also decodes them.
//
// A column is a marker byte (NULL or not) and the value: integers big-endian with the sign bit
// flipped, floats likewise after mapping to Double.compare's order, text with 00 escaped as 00 FF
// and ended by 00 01, lists as (01 element)* 00. A NULL of a fixed-width column is padded, so such
// columns lie at fixed places. DESC flips all bits of the value. TIMESTAMP(0-3) are floored to
// milliseconds, as Flink's state keeps them.
//
// A KeyEncoder is immutable and may be shared.
type KeyEncoder struct {
	cols  []keyCol
	width int // of the fixed-width columns
}

type keyCol struct {
	KeyCol
	width        int // of the value; -1 where it varies
	millis       bool
	null, notNul byte
}

// NewKeyEncoder makes the encoder of keys of the columns.
func NewKeyEncoder(cols []KeyCol) *KeyEncoder {
	e := &KeyEncoder{}
	for _, c := range cols {
		k := keyCol{KeyCol: c, width: keyWidth(c.Type), null: 0, notNul: 1}
		k.millis = c.Type.IsTimestamp() && c.Type.Prec <= 3
		if c.NullsLast {
			k.null = 2
		}
		if k.width >= 0 {
			e.width += 1 + k.width
		}
		e.cols = append(e.cols, k)
	}
	return e
}

// KeyOf makes the encoder of ascending keys of the types.
func KeyOf(ts ...types.Type) *KeyEncoder {
	cols := make([]KeyCol, len(ts))
	for i, t := range ts {
		cols[i].Type = t
	}
	return NewKeyEncoder(cols)
}

func keyWidth(t types.Type) int {
	switch t.Kind {
	case types.Null:
		return 0
	case types.Boolean, types.TinyInt:
		return 1
	case types.SmallInt:
		return 2
	case types.Int, types.Float, types.Date, types.Time0, types.IntervalYM:
		return 4
	case types.BigInt, types.Double, types.IntervalDS:
		return 8
	case types.Decimal:
		if t.Prec <= 18 {
			return 8
		}
		return 16
	case types.Timestamp, types.TimestampLTZ:
		if t.Nanos() {
			return 10
		}
		return 8
	}
	return -1
}

// Keys are the encoded keys of the rows of a batch.
type Keys struct {
	Buf     []byte
	Offsets []int32 // key i is Buf[Offsets[i]:Offsets[i+1]]
}

// Len is the number of keys.
func (k *Keys) Len() int { return len(k.Offsets) - 1 }

// At is key i, not to be written to.
func (k *Keys) At(i int) []byte { return k.Buf[k.Offsets[i]:k.Offsets[i+1]] }

// Hash is the hash of an encoded key: what deals rows to key groups. It never changes within a
// KeyVersion.
func Hash(key []byte) uint64 { return xxh3.Hash(key) }

// Hashes appends the hash of each key to dst.
func (k *Keys) Hashes(dst []uint64) []uint64 {
	for i := range k.Len() {
		dst = append(dst, xxh3.Hash(k.At(i)))
	}
	return dst
}

// Encode encodes n rows, reusing the memory of keys. Column i of cols is in the layout of column i
// of the encoder.
func (e *KeyEncoder) Encode(keys *Keys, cols []Vec, n int) {
	keys.Offsets = resize(keys.Offsets, n+1)
	keys.Offsets[0] = 0
	pos := make([]int32, n) // where the next column of each row goes
	fill(pos, int32(e.width))
	parts := make([]varPart, len(cols))
	for c := range e.cols {
		if e.cols[c].width < 0 {
			parts[c] = e.cols[c].newVarPart(cols[c], n)
			parts[c].addLengths(pos)
		}
	}
	total := int32(0)
	for i, length := range pos {
		pos[i] = total
		total += length
		keys.Offsets[i+1] = total
	}
	mustFit(int(total))
	keys.Buf = resize(keys.Buf, int(total))
	for c := range e.cols {
		if e.cols[c].width < 0 {
			parts[c].write(keys.Buf, pos)
		} else {
			e.cols[c].encodeFixed(keys.Buf, pos, cols[c])
		}
	}
}

// varPart is a variable-width column on its way into keys: text that needs no escaping is copied
// from the column, all else is encoded apart first.
type varPart struct {
	null    byte
	notNul  byte
	plain   bool
	text    Text
	encoded Keys
}

func (k *keyCol) newVarPart(v Vec, n int) varPart {
	p := varPart{null: k.null, notNul: k.notNul}
	if (k.Type.IsString() || k.Type.IsBytes()) && !k.Desc {
		p.text = TextOf(v)
		off := p.text.Offsets
		p.plain = len(off) > 0 && bytes.IndexByte(p.text.Data[off[0]:off[len(off)-1]], 0) < 0
	}
	if !p.plain {
		p.encoded = k.encodeVariable(v, n)
	}
	return p
}

// addLengths adds the length of the column's part of each key.
func (p *varPart) addLengths(lengths []int32) {
	if !p.plain {
		for i := range lengths {
			lengths[i] += p.encoded.Offsets[i+1] - p.encoded.Offsets[i]
		}
		return
	}
	t, nulls := &p.text, p.text.Nulls.Any()
	for i := range lengths {
		if nulls && t.Null(i) {
			lengths[i]++
			continue
		}
		j := i * t.step
		lengths[i] += 3 + t.Offsets[j+1] - t.Offsets[j]
	}
}

// write writes the column's part of each key and moves pos past it.
func (p *varPart) write(buf []byte, pos []int32) {
	if !p.plain {
		for i := range pos {
			pos[i] += int32(copy(buf[pos[i]:], p.encoded.At(i)))
		}
		return
	}
	t, nulls := &p.text, p.text.Nulls.Any()
	for i, at := range pos {
		if nulls && t.Null(i) {
			buf[at] = p.null
			pos[i] = at + 1
			continue
		}
		j := i * t.step
		value := t.Data[t.Offsets[j]:t.Offsets[j+1]]
		key := buf[at : int(at)+len(value)+3]
		key[0] = p.notNul
		copy(key[1:], value)
		key[len(key)-2], key[len(key)-1] = 0, 1
		pos[i] = at + int32(len(key))
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// encodeVariable encodes a column of text or of nested values.
func (k *keyCol) encodeVariable(v Vec, n int) Keys {
	out := Keys{Offsets: make([]int32, n+1)}
	w := newValueWriter(k.Type, v.Arr)
	size := 3 * n
	if !v.Const && (k.Type.IsString() || k.Type.IsBytes()) {
		size += SizeOf(v.Arr)
	}
	out.Buf = make([]byte, 0, size)
	for i := range n {
		start := len(out.Buf)
		out.Buf = k.appendValue(out.Buf, w, v.At(i))
		out.Offsets[i] = int32(start)
	}
	out.Offsets[n] = int32(len(out.Buf))
	return out
}

func (k *keyCol) appendValue(dst []byte, w valueWriter, i int) []byte {
	if w.null(i) {
		return append(dst, k.null)
	}
	dst = append(dst, k.notNul)
	start := len(dst)
	dst = w.put(dst, i)
	if k.Desc {
		flip(dst[start:])
	}
	return dst
}

func flip(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}

// encodeFixed writes a fixed-width column for all rows and moves pos past it.
func (k *keyCol) encodeFixed(buf []byte, pos []int32, v Vec) {
	put := k.fixedWriter(v.Arr)
	nulls := NullsOf(v.Arr)
	step := 1
	if v.Const {
		step = 0
	}
	if put == nil || !nulls.Any() && k.Type.Kind != types.Boolean && k.encodeInts(buf, pos, v, step) {
		if put == nil { // untyped NULL
			for i, p := range pos {
				buf[p] = k.null
				pos[i]++
			}
		}
		return
	}
	for i, p := range pos {
		value := buf[p+1 : int(p)+1+k.width]
		if nulls.Is(i * step) {
			buf[p] = k.null
			clear(value)
		} else {
			buf[p] = k.notNul
			put(value, i*step)
			if k.Desc {
				flip(value)
			}
		}
		pos[i] = p + int32(1+k.width)
	}
}

// encodeInts is the fast path of 4 and 8 byte integers without NULLs in ascending order.
func (k *keyCol) encodeInts(buf []byte, pos []int32, v Vec, step int) bool {
	if k.Desc || k.millis || k.Type.IsFloat() || k.Type.Kind == types.Decimal {
		return false
	}
	switch k.width {
	case 4:
		values := Values[int32](v.Arr)
		for i, p := range pos {
			b := buf[p : p+5]
			b[0] = k.notNul
			binary.BigEndian.PutUint32(b[1:], uint32(values[i*step])^1<<31)
			pos[i] = p + 5
		}
	case 8:
		values := Values[int64](v.Arr)
		for i, p := range pos {
			b := buf[p : p+9]
			b[0] = k.notNul
			binary.BigEndian.PutUint64(b[1:], uint64(values[i*step])^1<<63)
			pos[i] = p + 9
		}
	default:
		return false
	}
	return true
}

// fixedWriter gives the writer of one non-NULL value, nil for untyped NULLs.
func (k *keyCol) fixedWriter(a arrow.Array) func(b []byte, i int) {
	put64 := func(b []byte, v int64) { binary.BigEndian.PutUint64(b, uint64(v)^1<<63) }
	switch k.Type.Kind {
	case types.Boolean:
		bits := BitsOf(a)
		return func(b []byte, i int) { b[0] = byte(boolInt(bits.At(i))) }
	case types.TinyInt:
		values := Values[int8](a)
		return func(b []byte, i int) { b[0] = byte(values[i]) ^ 1<<7 }
	case types.SmallInt:
		values := Values[int16](a)
		return func(b []byte, i int) { binary.BigEndian.PutUint16(b, uint16(values[i])^1<<15) }
	case types.Int, types.Date, types.Time0, types.IntervalYM:
		values := Values[int32](a)
		return func(b []byte, i int) { binary.BigEndian.PutUint32(b, uint32(values[i])^1<<31) }
	case types.BigInt, types.IntervalDS:
		values := Values[int64](a)
		return func(b []byte, i int) { put64(b, values[i]) }
	case types.Float:
		values := Values[float32](a)
		return func(b []byte, i int) { binary.BigEndian.PutUint32(b, uint32(float32Order(values[i]))^1<<31) }
	case types.Double:
		values := Values[float64](a)
		return func(b []byte, i int) { put64(b, floatOrder(values[i])) }
	case types.Decimal:
		values := Values[decimal128.Num](a)
		if k.width == 8 {
			return func(b []byte, i int) { put64(b, int64(values[i].LowBits())) }
		}
		return func(b []byte, i int) {
			put64(b, values[i].HighBits())
			binary.BigEndian.PutUint64(b[8:], values[i].LowBits())
		}
	case types.Timestamp, types.TimestampLTZ:
		if k.Type.Nanos() {
			us, ns := NanosOf(a)
			return func(b []byte, i int) {
				put64(b, us[i])
				binary.BigEndian.PutUint16(b[8:], uint16(ns[i]))
			}
		}
		values := Values[int64](a)
		if k.millis {
			return func(b []byte, i int) { put64(b, types.FromMicros(values[i]).Micros()) }
		}
		return func(b []byte, i int) { put64(b, values[i]) }
	}
	return nil
}

// float32Order maps a float to an integer of the order of Java's Float.compare.
func float32Order(f float32) int32 {
	if f != f {
		return math.MaxInt32
	}
	bits := int32(math.Float32bits(f))
	return bits ^ int32(uint32(bits>>31)>>1)
}
