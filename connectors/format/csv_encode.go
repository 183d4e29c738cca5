package format

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

// csvEncoder writes a row as a line, quoting where Flink's writer does.
type csvEncoder struct {
	c    *csvConfig
	cols types.Schema
	// safe is the lowest character that never asks for quotes.
	safe byte
	buf  []byte
}

// Encoder implements Config.
func (c *csvConfig) Encoder(cols types.Schema, _ *connectors.Env) (connectors.Encoder, error) {
	if err := c.resolve(); err != nil {
		return nil, err
	}
	for _, col := range cols {
		if err := csvTypeFits(col.Name, col.Type, 0); err != nil {
			return nil, err
		}
	}
	return &csvEncoder{c: c, cols: cols, safe: max(c.sep, c.quoteByte, '\r', '\n') + 1}, nil
}

// Encode implements connectors.Encoder.
func (e *csvEncoder) Encode(dst []byte, b *vec.Batch, i int) ([]byte, error) {
	for c, col := range e.cols {
		if c > 0 {
			dst = append(dst, e.c.sep)
		}
		a := b.Col(c)
		if a.IsNull(i) {
			dst = append(dst, e.c.nullLiteral...)
			continue
		}
		if plainNumber(col.Type) {
			dst = e.text(dst, col.Type, a, i)
			continue
		}
		e.buf = e.text(e.buf[:0], col.Type, a, i)
		dst = e.quoted(dst, e.buf)
	}
	return dst, nil
}

func plainNumber(t types.Type) bool {
	return t.IsNumeric() || t.Kind == types.Boolean || t.IsInterval()
}

// text writes a value without quotes.
func (e *csvEncoder) text(dst []byte, t types.Type, a arrow.Array, i int) []byte {
	switch a := a.(type) {
	case *array.Boolean:
		return strconv.AppendBool(dst, a.Value(i))
	case *array.Float32:
		return appendDouble(dst, float64(a.Value(i)), 32)
	case *array.Float64:
		return appendDouble(dst, a.Value(i), 64)
	case *array.Decimal128:
		return appendDecimal(dst, a.Value(i), t.Scale, !e.c.scientific)
	case *array.String:
		return append(dst, a.Value(i)...)
	case *array.Binary:
		return base64.StdEncoding.AppendEncode(dst, a.Value(i))
	case *array.Struct:
		if !t.Nanos() {
			for j, f := range t.Fields {
				dst = e.element(dst, j > 0, f.Type, a.Field(j), i)
			}
			return dst
		}
	case *array.List:
		lo, hi := a.ValueOffsets(i)
		for j := lo; j < hi; j++ {
			dst = e.element(dst, j > lo, *t.Elem, a.ListValues(), int(j))
		}
		return dst
	}
	if t.IsDatetime() {
		return appendTemporal(dst, t, a, i, styleSQL)
	}
	return strconv.AppendInt(dst, vec.IntAt(a, i), 10)
}

func (e *csvEncoder) element(dst []byte, more bool, t types.Type, a arrow.Array, i int) []byte {
	if more {
		dst = append(dst, e.c.elementDelim...)
	}
	if a.IsNull(i) {
		return append(dst, e.c.nullLiteral...)
	}
	return e.text(dst, t, a, i)
}

// unquotedUnits is the length in UTF-16 units up to which a value is looked at; longer ones are
// quoted unseen.
const unquotedUnits = 24

func (e *csvEncoder) quoted(dst, s []byte) []byte {
	if e.c.quoteByte == 0 || !e.needsQuotes(s) {
		return append(dst, s...)
	}
	dst = append(dst, e.c.quoteByte)
	for _, ch := range s {
		if ch == e.c.quoteByte {
			dst = append(dst, ch)
		} else if ch == e.c.escapeByte && ch != 0 {
			dst = append(dst, ch)
		}
		dst = append(dst, ch)
	}
	return append(dst, e.c.quoteByte)
}

func (e *csvEncoder) needsQuotes(s []byte) bool {
	if len(s) > unquotedUnits {
		units := 0
		for p := 0; p < len(s); {
			r, n := utf8.DecodeRune(s[p:])
			p += n
			if units++; r > 0xFFFF {
				units++
			}
		}
		if units > unquotedUnits {
			return true
		}
	}
	for _, ch := range s {
		if ch < e.safe || ch == '\\' || ch == e.c.escapeByte {
			return true
		}
	}
	return false
}
