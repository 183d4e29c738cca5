package vec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
)

var errKey = errors.New("the encoded key is damaged")

// Decode gives the columns of encoded keys, in the layout of the encoder's types.
func (e *KeyEncoder) Decode(keys [][]byte) ([]arrow.Array, error) {
	d := e.NewDecoder()
	rest := slices.Clone(keys)
	for i, b := range d.build {
		b.Reserve(len(keys))
		if err := e.cols[i].decodeAll(b, rest); err != nil {
			return nil, err
		}
	}
	for _, key := range rest {
		if len(key) != 0 {
			return nil, errKey
		}
	}
	return d.Columns(), nil
}

// decodeAll appends the column's value at the front of each key and leaves the rest of the keys.
func (k *keyCol) decodeAll(b Builder, keys [][]byte) (err error) {
	if !k.Desc {
		switch b := b.(type) {
		case *FixedBuilder[int64]:
			return k.decodeInts(b, keys)
		case *TextBuilder:
			return k.decodeTexts(b, keys)
		}
	}
	for i, key := range keys {
		if keys[i], err = k.decode(b, key); err != nil {
			return err
		}
	}
	return nil
}

func (k *keyCol) decodeInts(b *FixedBuilder[int64], keys [][]byte) error {
	for i, key := range keys {
		if len(key) < 9 {
			return errKey
		}
		if key[0] == k.null {
			b.AppendNull()
		} else {
			b.Append(int64(binary.BigEndian.Uint64(key[1:]) ^ 1<<63))
		}
		keys[i] = key[9:]
	}
	return nil
}

func (k *keyCol) decodeTexts(b *TextBuilder, keys [][]byte) (err error) {
	for i, key := range keys {
		switch {
		case len(key) == 0:
			return errKey
		case key[0] == k.null:
			b.AppendNull()
			keys[i] = key[1:]
			continue
		}
		key = key[1:]
		if end := bytes.IndexByte(key, 0); end >= 0 && end+1 < len(key) && key[end+1] == 1 { // nothing is escaped
			b.Append(key[:end])
			keys[i] = key[end+2:]
		} else if keys[i], err = decodeVariable(k.Type, b, key); err != nil {
			return err
		}
	}
	return nil
}

// KeyDecoder gathers decoded keys as columns.
type KeyDecoder struct {
	e     *KeyEncoder
	build []Builder
}

// NewDecoder makes an empty decoder.
func (e *KeyEncoder) NewDecoder() *KeyDecoder {
	d := &KeyDecoder{e: e, build: make([]Builder, len(e.cols))}
	for i := range d.build {
		d.build[i] = NewBuilder(e.cols[i].Type)
	}
	return d
}

// Append decodes one key.
func (d *KeyDecoder) Append(key []byte) (err error) {
	for i := range d.e.cols {
		if key, err = d.e.cols[i].decode(d.build[i], key); err != nil {
			return err
		}
	}
	if len(key) != 0 {
		return errKey
	}
	return nil
}

// Front gives how many bytes at the front of what is longer are a key. What the decoder had gathered is gone.
func (d *KeyDecoder) Front(bytes []byte) (n int, err error) {
	rest := bytes
	for i := range d.e.cols {
		if rest, err = d.e.cols[i].decode(d.build[i], rest); err != nil {
			return 0, err
		}
	}
	d.Columns()
	return len(bytes) - len(rest), nil
}

// Columns gives what was decoded and empties the decoder.
func (d *KeyDecoder) Columns() []arrow.Array {
	out := make([]arrow.Array, len(d.build))
	for i, b := range d.build {
		out[i] = b.Array()
	}
	return out
}

// decode appends the column's value at the front of key and gives the rest of key.
func (k *keyCol) decode(b Builder, key []byte) ([]byte, error) {
	if len(key) == 0 {
		return nil, errKey
	}
	null := key[0] == k.null
	key = key[1:]
	if k.width >= 0 {
		if len(key) < k.width {
			return nil, errKey
		}
		value := key[:k.width]
		if null {
			b.AppendNull()
			return key[k.width:], nil
		}
		if k.Desc {
			value = bytes.Clone(value)
			flip(value)
		}
		decodeFixed(k.Type, b, value)
		return key[k.width:], nil
	}
	if null {
		b.AppendNull()
		return key, nil
	}
	if !k.Desc {
		return decodeVariable(k.Type, b, key)
	}
	up := bytes.Clone(key)
	flip(up)
	rest, err := decodeVariable(k.Type, b, up)
	if err != nil {
		return nil, err
	}
	return key[len(key)-len(rest):], nil
}

func decodeFixed(t types.Type, b Builder, v []byte) {
	get64 := func() int64 { return int64(binary.BigEndian.Uint64(v) ^ 1<<63) }
	switch b := b.(type) {
	case *NullBuilder:
		b.AppendNull()
	case *BoolBuilder:
		b.Append(v[0] != 0)
	case *FixedBuilder[int8]:
		b.Append(int8(v[0] ^ 1<<7))
	case *FixedBuilder[int16]:
		b.Append(int16(binary.BigEndian.Uint16(v) ^ 1<<15))
	case *FixedBuilder[int32]:
		b.Append(int32(binary.BigEndian.Uint32(v) ^ 1<<31))
	case *FixedBuilder[int64]:
		b.Append(get64())
	case *FixedBuilder[float32]:
		bits := int32(binary.BigEndian.Uint32(v) ^ 1<<31)
		if bits == math.MaxInt32 {
			b.Append(float32(math.NaN()))
			return
		}
		b.Append(math.Float32frombits(uint32(bits ^ int32(uint32(bits>>31)>>1))))
	case *FixedBuilder[float64]:
		bits := get64()
		if bits == math.MaxInt64 {
			b.Append(math.NaN())
			return
		}
		b.Append(math.Float64frombits(uint64(bits ^ int64(uint64(bits>>63)>>1))))
	case *FixedBuilder[decimal128.Num]:
		if t.Prec <= 18 {
			b.Append(decimal128.FromI64(get64()))
			return
		}
		b.Append(decimal128.New(get64(), binary.BigEndian.Uint64(v[8:])))
	case *NanosBuilder:
		b.Append(get64(), int16(binary.BigEndian.Uint16(v[8:])))
	}
}

func decodeVariable(t types.Type, b Builder, key []byte) ([]byte, error) {
	switch b := b.(type) {
	case *TextBuilder:
		value, rest, err := unescape(b.Scratch(), key)
		if err == nil {
			b.AppendScratch(value)
		}
		return rest, err
	case *ListBuilder:
		elem := NewKeyEncoder([]KeyCol{{Type: *t.Elem}}).cols[0]
		rest, err := decodeList(key, func(key []byte) ([]byte, error) { return elem.decode(b.Elem, key) })
		b.Append()
		return rest, err
	case *MapBuilder:
		kt, vt := mapTypes(t)
		cols := KeyOf(kt, vt).cols
		rest, err := decodeList(key, func(key []byte) ([]byte, error) {
			key, err := cols[0].decode(b.Keys, key)
			if err != nil {
				return nil, err
			}
			return cols[1].decode(b.Items, key)
		})
		b.Append()
		return rest, err
	case *StructBuilder:
		var err error
		for i, f := range t.Fields {
			col := NewKeyEncoder([]KeyCol{{Type: f.Type}}).cols[0]
			if key, err = col.decode(b.Fields[i], key); err != nil {
				return nil, err
			}
		}
		b.Append()
		return key, nil
	}
	return nil, errKey
}

func decodeList(key []byte, elem func([]byte) ([]byte, error)) ([]byte, error) {
	for len(key) > 0 && key[0] == 1 {
		var err error
		if key, err = elem(key[1:]); err != nil {
			return nil, err
		}
	}
	if len(key) == 0 || key[0] != 0 {
		return nil, errKey
	}
	return key[1:], nil
}

func unescape(dst, key []byte) (value, rest []byte, err error) {
	for {
		i := bytes.IndexByte(key, 0)
		if i < 0 || i+1 >= len(key) {
			return nil, nil, errKey
		}
		dst = append(dst, key[:i]...)
		end := key[i+1] == 1
		key = key[i+2:]
		if end {
			return dst, key, nil
		}
		dst = append(dst, 0)
	}
}
