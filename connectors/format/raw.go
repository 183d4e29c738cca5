package format

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

var rawFormat = Format{
	Name:    "raw",
	Doc:     "A record is one value, of a table of one column: text, bytes, or a number in its binary form. NULL is written as an empty record.",
	Example: "'format' = 'raw'",
	New:     func() Config { return new(rawConfig) },
}

type rawConfig struct {
	appendOnly
	charset    string
	endianness string
}

// Options implements option.Config.
func (c *rawConfig) Options(o *option.Set) {
	o.Enum(&c.charset, "charset", "UTF-8", []string{"UTF-8", "US-ASCII", "ISO-8859-1", "UTF-16", "UTF-16BE", "UTF-16LE"}, "How text is encoded.")
	o.Enum(&c.endianness, "endianness", "big-endian", []string{"big-endian", "little-endian"}, "Order of the bytes of a number.")
}

func (c *rawConfig) order() binary.ByteOrder {
	if c.endianness == "little-endian" {
		return binary.LittleEndian
	}
	return binary.BigEndian
}

var rawSizes = map[types.Kind]int{
	types.Boolean: 1, types.TinyInt: 1, types.SmallInt: 2, types.Int: 4, types.BigInt: 8, types.Float: 4, types.Double: 8,
	types.Char: -1, types.VarChar: -1, types.Binary: -1, types.VarBinary: -1,
}

func (c *rawConfig) check(all types.Schema) error {
	if len(all) != 1 {
		return fmt.Errorf("the format 'raw' is for tables of one column, this one has %d", len(all))
	}
	if rawSizes[all[0].Type.Kind] == 0 {
		return fmt.Errorf("column %q: the format 'raw' has no place for %s", all[0].Name, all[0].Type)
	}
	return nil
}

// Decoder implements Config.
func (c *rawConfig) Decoder(want, all types.Schema, _ *connectors.Env) (connectors.Decoder, error) {
	if err := c.check(all); err != nil {
		return nil, err
	}
	d := &rawDecoder{c: c, name: all[0].Name, wanted: len(want) > 0, c0: newCol(all[0].Type)}
	return d, nil
}

type rawDecoder struct {
	c      *rawConfig
	name   string
	wanted bool
	c0     *col
}

// Decode implements connectors.Decoder.
func (d *rawDecoder) Decode(c *connectors.Chunk, lo, hi int, out *connectors.Decoded) error {
	*out = connectors.Decoded{}
	d.c0.reset(hi - lo)
	for i := lo; i < hi; i++ {
		if err := d.value(out.N, c.Record(i)); err != nil {
			out.Rejects = append(out.Rejects, connectors.Reject{Record: i, Err: fmt.Errorf("field %q: %w", d.name, err)})
			continue
		}
		out.Record = append(out.Record, int32(i))
		out.N++
	}
	if out.N == hi-lo {
		out.Record = nil
	}
	if d.wanted {
		out.Cols = []arrow.Array{d.c0.finish(out.N)}
	}
	return nil
}

func (d *rawDecoder) value(r int, b []byte) error {
	c := d.c0
	size := rawSizes[c.typ.Kind]
	if size > 0 && len(b) != size {
		return fmt.Errorf("cannot read %d bytes as %s, which takes %d", len(b), c.typ.WithNull(true), size)
	}
	o := d.c.order()
	switch c.typ.Kind {
	case types.Char, types.VarChar:
		c.setString(r, d.c.text(b))
		return nil
	case types.Binary, types.VarBinary:
		c.setString(r, b)
		return nil
	case types.Boolean:
		c.setBool(r, b[0] != 0)
	case types.TinyInt:
		c.i8[r] = int8(b[0])
	case types.SmallInt:
		c.i16[r] = int16(o.Uint16(b))
	case types.Int:
		c.i32[r] = int32(o.Uint32(b))
	case types.BigInt:
		c.i64[r] = int64(o.Uint64(b))
	case types.Float:
		c.f32[r] = math.Float32frombits(o.Uint32(b))
	case types.Double:
		c.f64[r] = math.Float64frombits(o.Uint64(b))
	}
	c.mark(r)
	return nil
}

// text decodes the charset; what it cannot hold becomes the replacement character, as in Java.
func (c *rawConfig) text(b []byte) []byte {
	switch c.charset {
	case "ISO-8859-1", "US-ASCII":
		out := make([]byte, 0, len(b))
		for _, ch := range b {
			if ch >= 0x80 && c.charset == "US-ASCII" {
				out = utf8.AppendRune(out, utf8.RuneError)
			} else {
				out = utf8.AppendRune(out, rune(ch))
			}
		}
		return out
	case "UTF-16", "UTF-16BE", "UTF-16LE":
		return utf16Text(b, c.charset)
	}
	if utf8.Valid(b) {
		return b
	}
	return []byte(string([]rune(string(b))))
}

func utf16Text(b []byte, charset string) []byte {
	var o binary.ByteOrder = binary.BigEndian
	if charset == "UTF-16LE" {
		o = binary.LittleEndian
	}
	if charset == "UTF-16" && len(b) >= 2 && (b[0] == 0xFE && b[1] == 0xFF || b[0] == 0xFF && b[1] == 0xFE) {
		if b[0] == 0xFF {
			o = binary.LittleEndian
		}
		b = b[2:]
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = o.Uint16(b[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// Encoder implements Config.
func (c *rawConfig) Encoder(cols types.Schema, _ *connectors.Env) (connectors.Encoder, error) {
	if err := c.check(cols); err != nil {
		return nil, err
	}
	return rawEncoder{c}, nil
}

type rawEncoder struct{ c *rawConfig }

// Encode implements connectors.Encoder.
func (e rawEncoder) Encode(dst []byte, b *vec.Batch, i int) ([]byte, error) {
	a := b.Col(0)
	if a.IsNull(i) {
		return dst, nil
	}
	o := e.c.order().(binary.AppendByteOrder)
	switch a := a.(type) {
	case *array.String:
		return e.c.appendText(dst, a.Value(i)), nil
	case *array.Binary:
		return append(dst, a.Value(i)...), nil
	case *array.Boolean:
		if a.Value(i) {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case *array.Int8:
		return append(dst, byte(a.Value(i))), nil
	case *array.Int16:
		return o.AppendUint16(dst, uint16(a.Value(i))), nil
	case *array.Int32:
		return o.AppendUint32(dst, uint32(a.Value(i))), nil
	case *array.Int64:
		return o.AppendUint64(dst, uint64(a.Value(i))), nil
	case *array.Float32:
		return o.AppendUint32(dst, math.Float32bits(a.Value(i))), nil
	case *array.Float64:
		return o.AppendUint64(dst, math.Float64bits(a.Value(i))), nil
	}
	panic("format: raw cannot write " + a.DataType().String())
}

func (c *rawConfig) appendText(dst []byte, s string) []byte {
	switch c.charset {
	case "ISO-8859-1", "US-ASCII":
		limit := rune(0xFF)
		if c.charset == "US-ASCII" {
			limit = 0x7F
		}
		for _, r := range s {
			if r > limit {
				r = '?'
			}
			dst = append(dst, byte(r))
		}
		return dst
	case "UTF-16", "UTF-16BE", "UTF-16LE":
		var o binary.AppendByteOrder = binary.BigEndian
		if c.charset == "UTF-16LE" {
			o = binary.LittleEndian
		}
		if c.charset == "UTF-16" {
			dst = append(dst, 0xFE, 0xFF)
		}
		for _, u := range utf16.Encode([]rune(s)) {
			dst = o.AppendUint16(dst, u)
		}
		return dst
	}
	return append(dst, s...)
}
