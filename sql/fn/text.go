package fn

import (
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
	"weir/sql/vec"
)

// Text spells the values of one array.
type Text struct {
	nulls vec.Nulls
	value func(dst []byte, i int) []byte
}

// AppendText appends value i of an array as CAST(... AS STRING) spells it; NULL as "NULL". zone is
// the session's, for TIMESTAMP_LTZ. For many values, make a NewText once instead.
func AppendText(dst []byte, t types.Type, arr arrow.Array, i int, zone *time.Location) []byte {
	text := NewText(t, arr, zone)
	return text.Append(dst, i)
}

// NewText prepares the spelling of the values of an array of type t.
func NewText(t types.Type, arr arrow.Array, zone *time.Location) *Text {
	return newText(t, arr, zone, false)
}

// newText is NewText; printing spells bytes as x'6162', as results are shown, at any depth.
func newText(t types.Type, arr arrow.Array, zone *time.Location, printing bool) *Text {
	text := &Text{nulls: vec.NullsOf(arr)}
	if t.Kind == types.Null || arr.DataType().ID() == arrow.NULL {
		return text
	}
	if t.IsNested() {
		text.value = nestedText(t, arr, zone, printing)
	} else {
		text.value = scalarText(t, arr, zone, printing)
	}
	return text
}

// Null tells whether value i is NULL.
func (t *Text) Null(i int) bool { return t.nulls.Is(i) }

// Append appends value i, NULL as "NULL".
func (t *Text) Append(dst []byte, i int) []byte {
	if t.nulls.Is(i) {
		return append(dst, "NULL"...)
	}
	return t.value(dst, i)
}

func scalarText(t types.Type, arr arrow.Array, zone *time.Location, printing bool) func([]byte, int) []byte {
	switch t.Kind {
	case types.Boolean:
		bits := vec.BitsOf(arr)
		return func(dst []byte, i int) []byte { return appendBool(dst, bits.At(i)) }
	case types.TinyInt:
		return intText(vec.Values[int8](arr))
	case types.SmallInt:
		return intText(vec.Values[int16](arr))
	case types.Int:
		return intText(vec.Values[int32](arr))
	case types.BigInt:
		return intText(vec.Values[int64](arr))
	case types.Float:
		values := vec.Values[float32](arr)
		return func(dst []byte, i int) []byte { return AppendFloat(dst, values[i]) }
	case types.Double:
		values := vec.Values[float64](arr)
		return func(dst []byte, i int) []byte { return AppendDouble(dst, values[i]) }
	case types.Decimal:
		values := vec.Values[decimal128.Num](arr)
		return func(dst []byte, i int) []byte { return AppendDecimal(dst, values[i], t.Scale) }
	case types.Binary, types.VarBinary:
		values := vec.TextOf(vec.ColVec(arr))
		if printing {
			return func(dst []byte, i int) []byte { return appendHex(dst, values.Bytes(i)) }
		}
		return func(dst []byte, i int) []byte { return appendUTF8(dst, values.Bytes(i)) }
	case types.Date:
		values := vec.Values[int32](arr)
		return func(dst []byte, i int) []byte { return AppendDate(dst, values[i]) }
	case types.Time0:
		values := vec.Values[int32](arr)
		return func(dst []byte, i int) []byte { return AppendTime(dst, values[i], t.Prec) }
	case types.Timestamp, types.TimestampLTZ:
		return timestampText(t, arr, zone)
	case types.IntervalYM:
		values := vec.Values[int32](arr)
		return func(dst []byte, i int) []byte { return appendMonths(dst, values[i]) }
	case types.IntervalDS:
		values := vec.Values[int64](arr)
		return func(dst []byte, i int) []byte { return appendMillis(dst, values[i]) }
	}
	values := vec.TextOf(vec.ColVec(arr))
	return func(dst []byte, i int) []byte { return append(dst, values.Bytes(i)...) }
}

func intText[T int8 | int16 | int32 | int64](values []T) func([]byte, int) []byte {
	return func(dst []byte, i int) []byte { return strconv.AppendInt(dst, int64(values[i]), 10) }
}

func timestampText(t types.Type, arr arrow.Array, zone *time.Location) func([]byte, int) []byte {
	local := t.Kind == types.TimestampLTZ
	if t.Nanos() {
		us, ns := vec.NanosOf(arr)
		return func(dst []byte, i int) []byte {
			if local {
				return AppendTimestamp(dst, LocalMicros(us[i], zone), ns[i], t.Prec)
			}
			return AppendTimestamp(dst, us[i], ns[i], t.Prec)
		}
	}
	values := vec.Values[int64](arr)
	return func(dst []byte, i int) []byte {
		if local {
			return AppendTimestamp(dst, LocalMicros(values[i], zone), 0, t.Prec)
		}
		return AppendTimestamp(dst, values[i], 0, t.Prec)
	}
}

func nestedText(t types.Type, arr arrow.Array, zone *time.Location, printing bool) func([]byte, int) []byte {
	switch a := arr.(type) {
	case *array.List:
		elems := newText(*t.Elem, a.ListValues(), zone, printing)
		return listText('[', ']', a.ValueOffsets, elems.Append)
	case *array.Map:
		key, item := *t.Elem, types.IntType
		if t.Kind == types.Map {
			key, item = *t.Key, *t.Elem
		}
		keys, items := newText(key, vec.MapKeys(a), zone, printing), newText(item, a.Items(), zone, printing)
		return listText('{', '}', a.ValueOffsets, func(dst []byte, i int) []byte {
			return items.Append(append(keys.Append(dst, i), '='), i)
		})
	}
	a := arr.(*array.Struct)
	fields := make([]*Text, len(t.Fields))
	for i, f := range t.Fields {
		fields[i] = newText(f.Type, a.Field(i), zone, printing)
	}
	return func(dst []byte, i int) []byte {
		dst = append(dst, '(')
		for k, f := range fields {
			if k > 0 {
				dst = append(dst, ", "...)
			}
			dst = f.Append(dst, i)
		}
		return append(dst, ')')
	}
}

func listText(start, end byte, span func(int) (int64, int64), elem func([]byte, int) []byte) func([]byte, int) []byte {
	return func(dst []byte, i int) []byte {
		dst = append(dst, start)
		lo, hi := span(i)
		for k := lo; k < hi; k++ {
			if k > lo {
				dst = append(dst, ", "...)
			}
			dst = elem(dst, int(k))
		}
		return append(dst, end)
	}
}

// AppendChangelogValue appends value i as a line of the changelog output has it in JSON: numbers and
// booleans bare, NULL as null, all else as a string of Flink's spelling.
func AppendChangelogValue(dst []byte, t types.Type, arr arrow.Array, i int, zone *time.Location) []byte {
	if arr.IsNull(i) {
		return append(dst, "null"...)
	}
	text := newText(t, arr, zone, true)
	switch {
	case t.Kind == types.Boolean:
		return strconv.AppendBool(dst, vec.BitsOf(arr).At(i))
	case t.IsExact():
		return text.value(dst, i)
	case t.IsFloat():
		start := len(dst)
		dst = text.value(dst, i)
		if c := dst[len(dst)-1]; c == 'N' || c == 'y' { // NaN, Infinity
			return AppendQuoted(dst[:start], string(dst[start:]))
		}
		return dst
	}
	var buf [64]byte
	return AppendQuoted(dst, string(text.value(buf[:0], i)))
}

// AppendQuoted appends a JSON string, escaping only what JSON demands.
func AppendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, s[start:]...), '"')
}
