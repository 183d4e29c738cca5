package format

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

// jsonEncoder writes a row as an object with the columns in the schema's order.
type jsonEncoder struct {
	opts  jsonEncodeOptions
	style timeStyle
	cols  types.Schema
	keys  []string // quoted, with the colon
	// nested holds the encoders of ROW types, by their first field.
	nested map[*types.Field]*jsonEncoder
}

// Encoder implements Config.
func (c *jsonConfig) Encoder(cols types.Schema, _ *connectors.Env) (connectors.Encoder, error) {
	c.resolve()
	return newJSONEncoder(c, cols), nil
}

func newJSONEncoder(c *jsonConfig, cols types.Schema) *jsonEncoder {
	e := &jsonEncoder{opts: c.encode, style: c.style, cols: cols, nested: map[*types.Field]*jsonEncoder{}}
	for _, col := range cols {
		e.keys = append(e.keys, string(appendQuoted(nil, []byte(col.Name), true))+":")
	}
	return e
}

// Encode implements connectors.Encoder.
func (e *jsonEncoder) Encode(dst []byte, b *vec.Batch, i int) ([]byte, error) {
	return e.row(dst, i, len(e.cols), func(c int) arrow.Array { return b.Col(c) })
}

func (e *jsonEncoder) row(dst []byte, i, n int, column func(int) arrow.Array) ([]byte, error) {
	dst = append(dst, '{')
	from := len(dst)
	for c := range n {
		a := column(c)
		null := a.IsNull(i)
		if null && e.opts.ignoreNulls {
			continue
		}
		if len(dst) > from {
			dst = append(dst, ',')
		}
		dst = append(dst, e.keys[c]...)
		if null {
			dst = append(dst, "null"...)
			continue
		}
		var err error
		if dst, err = e.value(dst, e.cols[c].Type, a, i); err != nil {
			return dst, fmt.Errorf("column %q: %w", e.cols[c].Name, err)
		}
	}
	return append(dst, '}'), nil
}

// value writes value i of a, NULL or not.
func (e *jsonEncoder) value(dst []byte, t types.Type, a arrow.Array, i int) ([]byte, error) {
	if a.IsNull(i) {
		return append(dst, "null"...), nil
	}
	switch a := a.(type) {
	case *array.Boolean:
		return strconv.AppendBool(dst, a.Value(i)), nil
	case *array.Float32:
		return appendJSONFloat(dst, float64(a.Value(i)), 32), nil
	case *array.Float64:
		return appendJSONFloat(dst, a.Value(i), 64), nil
	case *array.Decimal128:
		return appendDecimal(dst, a.Value(i), t.Scale, e.opts.plainDecimal), nil
	case *array.String:
		return appendQuoted(dst, []byte(a.Value(i)), true), nil
	case *array.Binary:
		dst = base64.StdEncoding.AppendEncode(append(dst, '"'), a.Value(i))
		return append(dst, '"'), nil
	case *array.Struct:
		if !t.Nanos() {
			return e.object(dst, t, a, i)
		}
	case *array.Map:
		return e.entries(dst, t, a, i)
	case *array.List:
		lo, hi := a.ValueOffsets(i)
		dst = append(dst, '[')
		var err error
		for j := lo; j < hi; j++ {
			if j > lo {
				dst = append(dst, ',')
			}
			if dst, err = e.value(dst, *t.Elem, a.ListValues(), int(j)); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	}
	if t.IsDatetime() {
		return append(appendTemporal(append(dst, '"'), t, a, i, e.style), '"'), nil
	}
	return strconv.AppendInt(dst, vec.IntAt(a, i), 10), nil
}

func appendJSONFloat(dst []byte, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(appendDouble(append(dst, '"'), v, bits), '"')
	}
	return appendDouble(dst, v, bits)
}

// appendTemporal writes a date, time or timestamp without quotes.
func appendTemporal(dst []byte, t types.Type, a arrow.Array, i int, style timeStyle) []byte {
	switch t.Kind {
	case types.Date:
		return appendDate(dst, int(vec.IntAt(a, i)))
	case types.Time0:
		return appendClock(dst, vec.IntAt(a, i)*1e6)
	}
	if s, ok := a.(*array.Struct); ok {
		return appendTimestamp(dst, vec.IntAt(s.Field(0), i), int16(vec.IntAt(s.Field(1), i)), style, isLTZ(t))
	}
	return appendTimestamp(dst, vec.IntAt(a, i), 0, style, isLTZ(t))
}

func (e *jsonEncoder) object(dst []byte, t types.Type, a *array.Struct, i int) ([]byte, error) {
	if len(t.Fields) == 0 {
		return append(dst, "{}"...), nil
	}
	inner := e.nested[&t.Fields[0]]
	if inner == nil {
		inner = &jsonEncoder{opts: e.opts, style: e.style, nested: e.nested}
		for _, f := range t.Fields {
			inner.cols = append(inner.cols, types.Column{Name: f.Name, Type: f.Type})
			inner.keys = append(inner.keys, string(appendQuoted(nil, []byte(f.Name), true))+":")
		}
		e.nested[&t.Fields[0]] = inner
	}
	return inner.row(dst, i, len(t.Fields), a.Field)
}

func (e *jsonEncoder) entries(dst []byte, t types.Type, a *array.Map, i int) ([]byte, error) {
	item := types.IntType
	key := t.Elem
	if t.Kind == types.Map {
		item, key = *t.Elem, t.Key
	}
	keys, ok := vec.MapKeys(a).(*array.String)
	if !ok {
		return dst, fmt.Errorf("JSON objects have names of type STRING only, not %s", key)
	}
	lo, hi := a.ValueOffsets(i)
	dst = append(dst, '{')
	from := len(dst)
	for j := int(lo); j < int(hi); j++ {
		name := []byte(nil)
		if keys.IsNull(j) {
			switch e.opts.nullKeyMode {
			case "DROP":
				continue
			case "LITERAL":
				name = []byte(e.opts.nullKeyLiteral)
			default:
				return dst, fmt.Errorf("a MAP has a NULL key, which JSON cannot hold; set 'json.map-null-key.mode' to 'DROP' or 'LITERAL'")
			}
		} else {
			name = []byte(keys.Value(j))
		}
		if len(dst) > from {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, name, true), ':')
		var err error
		if dst, err = e.value(dst, item, a.Items(), j); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}
