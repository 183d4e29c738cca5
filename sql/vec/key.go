package vec

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
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
	width int // of a key without variable columns, else of the fixed columns
	fixed bool
}

type keyCol struct {
	KeyCol
	width        int // of the value; -1 where it varies
	millis       bool
	null, notNul byte
}

// NewKeyEncoder makes the encoder of keys of the columns.
func NewKeyEncoder(cols []KeyCol) *KeyEncoder {
	e := &KeyEncoder{fixed: true}
	for _, c := range cols {
		k := keyCol{KeyCol: c, width: keyWidth(c.Type), null: 0, notNul: 1}
		k.millis = c.Type.IsTimestamp() && c.Type.Prec <= 3
		if c.NullsLast {
			k.null = 2
		}
		if k.width < 0 {
			e.fixed = false
		} else {
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
	pos := make([]int32, n) // where the next column of each row goes
	keys.Offsets[0] = 0
	texts := make([]Keys, len(cols)) // the variable columns, encoded apart
	if e.fixed {
		for i := range pos {
			pos[i] = int32(i * e.width)
			keys.Offsets[i+1] = int32((i + 1) * e.width)
		}
	} else {
		for c := range e.cols {
			if e.cols[c].width < 0 {
				texts[c] = e.cols[c].encodeVariable(cols[c], n)
			}
		}
		total := int32(0)
		for i := range pos {
			pos[i] = total
			total += int32(e.width)
			for c := range texts {
				if off := texts[c].Offsets; off != nil {
					total += off[i+1] - off[i]
				}
			}
			keys.Offsets[i+1] = total
		}
	}
	mustFit(int(keys.Offsets[n]))
	keys.Buf = resize(keys.Buf, int(keys.Offsets[n]))
	for c := range e.cols {
		if texts[c].Offsets != nil {
			for i := range pos {
				pos[i] += int32(copy(keys.Buf[pos[i]:], texts[c].At(i)))
			}
			continue
		}
		e.cols[c].encodeFixed(keys.Buf, pos, cols[c])
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

// valueWriter appends values of a variable-width column, without marker.
type valueWriter struct {
	nulls Nulls
	put   func(dst []byte, i int) []byte
}

func (w valueWriter) null(i int) bool { return w.nulls.Is(i) }

func newValueWriter(t types.Type, a arrow.Array) valueWriter {
	w := valueWriter{nulls: NullsOf(a)}
	if w.nulls.all {
		return w
	}
	if t.IsString() || t.IsBytes() || t.Kind == types.Symbol {
		text := TextOf(ColVec(a))
		w.put = func(dst []byte, i int) []byte { return appendEscaped(dst, text.Bytes(i)) }
		return w
	}
	switch a := a.(type) {
	case *array.List:
		w.put = listWriter(a.ValueOffsets, nestedWriter(*t.Elem, a.ListValues()))
	case *array.Map:
		kt, vt := mapTypes(t)
		keys, items := nestedWriter(kt, a.Keys()), nestedWriter(vt, a.Items())
		w.put = listWriter(a.ValueOffsets, func(dst []byte, i int) []byte { return items(keys(dst, i), i) })
	case *array.Struct:
		fields := make([]func([]byte, int) []byte, len(t.Fields))
		for i := range fields {
			fields[i] = nestedWriter(t.Fields[i].Type, a.Field(i))
		}
		w.put = func(dst []byte, i int) []byte {
			for _, f := range fields {
				dst = f(dst, i)
			}
			return dst
		}
	}
	return w
}

// mapTypes gives the types of the keys and items of a MAP or MULTISET.
func mapTypes(t types.Type) (key, item types.Type) {
	if t.Kind == types.Multiset {
		return *t.Elem, types.IntType
	}
	return *t.Key, *t.Elem
}

// nestedWriter appends marker and value of an element.
func nestedWriter(t types.Type, a arrow.Array) func([]byte, int) []byte {
	k := NewKeyEncoder([]KeyCol{{Type: t}}).cols[0]
	if k.width < 0 {
		w := newValueWriter(t, a)
		return func(dst []byte, i int) []byte { return k.appendValue(dst, w, i) }
	}
	put, nulls := k.fixedWriter(a), NullsOf(a)
	return func(dst []byte, i int) []byte {
		start := len(dst)
		dst = append(dst, make([]byte, 1+k.width)...)
		if !nulls.Is(i) {
			dst[start] = k.notNul
			put(dst[start+1:], i)
		}
		return dst
	}
}

func listWriter(span func(int) (int64, int64), elem func([]byte, int) []byte) func([]byte, int) []byte {
	return func(dst []byte, i int) []byte {
		lo, hi := span(i)
		for ; lo < hi; lo++ {
			dst = elem(append(dst, 1), int(lo))
		}
		return append(dst, 0)
	}
}

func appendEscaped(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, 0)
		if i < 0 {
			dst = append(dst, s...)
			return append(dst, 0, 1)
		}
		dst = append(append(dst, s[:i+1]...), 0xff)
		s = s[i+1:]
	}
}
