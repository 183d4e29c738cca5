package fn

import (
	"encoding/binary"
	"errors"
	"fmt"

	"weir/sql/types"
	"weir/sql/vec"
)

// aggCodec turns the arguments of a row into bytes and back: equal rows have equal bytes, and the
// order of the bytes is the order of the values. NULLs are values like others.
type aggCodec struct {
	ts   []types.Type
	enc  *vec.KeyEncoder
	keys *vec.Keys
}

func newAggCodec(ts ...types.Type) aggCodec {
	return aggCodec{ts: ts, enc: vec.KeyOf(ts...), keys: new(vec.Keys)}
}

// width is the number of bytes of a value without its marker, or -1 where it varies.
func (c aggCodec) width() int {
	if len(c.ts) != 1 || c.ts[0].IsNested() || c.ts[0].IsString() || c.ts[0].IsBytes() {
		return -1
	}
	var keys vec.Keys
	c.enc.Encode(&keys, []vec.Vec{vec.ConstNull(c.ts[0])}, 1)
	return len(keys.At(0)) - 1
}

func newBytesBuilder() *vec.TextBuilder {
	return vec.NewBuilder(types.BytesType).(*vec.TextBuilder)
}

// encode encodes rows [lo, hi); key i stands for row lo+i. Valid until the next call.
func (c aggCodec) encode(args []vec.Vec, lo, hi int) *vec.Keys {
	var few [4]vec.Vec
	cut := few[:0]
	for _, a := range args {
		if lo != 0 || hi != a.Arr.Len() {
			a = a.Slice(lo, hi)
		}
		cut = append(cut, a)
	}
	c.enc.Encode(c.keys, cut, hi-lo)
	return c.keys
}

func (c aggCodec) decoder() *aggDecoder {
	return &aggDecoder{d: c.enc.NewDecoder(), enc: c.enc, t: c.ts[0]}
}

// aggDecoder gathers values of one column from their bytes.
type aggDecoder struct {
	d    *vec.KeyDecoder
	enc  *vec.KeyEncoder
	t    types.Type
	none []byte
	err  error
}

// add appends a value; nil bytes are NULL.
func (d *aggDecoder) add(key []byte) {
	if key == nil {
		d.null()
		return
	}
	if err := d.d.Append(key); err != nil && d.err == nil {
		d.err = err
	}
}

// null appends NULL.
func (d *aggDecoder) null() {
	if d.none == nil {
		var keys vec.Keys
		d.enc.Encode(&keys, []vec.Vec{vec.ConstNull(d.t)}, 1)
		d.none = keys.At(0)
	}
	d.add(d.none)
}

func (d *aggDecoder) vec() (vec.Vec, error) { return vec.ColVec(d.d.Columns()[0]), d.err }

var errAggState = errors.New("saved state of an aggregate is damaged")

// appendEntry appends bytes with their length before them.
func appendEntry(dst, v []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(v))), v...)
}

// nextEntry splits the first entry off.
func nextEntry(b []byte) (v, rest []byte, err error) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w) {
		return nil, nil, errAggState
	}
	return b[w : w+int(n)], b[w+int(n):], nil
}

func wantNumeric(name string, t types.Type) error {
	if t.IsNumeric() || t.Kind == types.Null {
		return nil
	}
	return fmt.Errorf("%s wants a number, got %s", name, t)
}

func noSuchType(name string, t types.Type) error {
	return fmt.Errorf("%s does not take %s; write CAST(... AS STRING) or pick a field", name, t)
}
