package format

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

// AppendRow writes a row as Java prints it, which is what Flink's print connector shows:
// "+I[1, OK, 2024-05-01T12:00, null]".
func AppendRow(dst []byte, cols types.Schema, b *vec.Batch, i int) []byte {
	dst = append(append(dst, types.KindString(b.Kind(i))...), '[')
	for c, col := range cols {
		if c > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendJava(dst, col.Type, b.Col(c), i)
	}
	return append(dst, ']')
}

func appendJava(dst []byte, t types.Type, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(dst, "null"...)
	}
	switch a := a.(type) {
	case *array.Boolean:
		return strconv.AppendBool(dst, a.Value(i))
	case *array.Float32:
		return appendDouble(dst, float64(a.Value(i)), 32)
	case *array.Float64:
		return appendDouble(dst, a.Value(i), 64)
	case *array.Decimal128:
		return appendJavaDecimal(dst, a.Value(i), t.Scale)
	case *array.String:
		return append(dst, a.Value(i)...)
	case *array.Binary:
		dst = append(dst, '[')
		for j, b := range a.Value(i) {
			if j > 0 {
				dst = append(dst, ", "...)
			}
			dst = strconv.AppendInt(dst, int64(int8(b)), 10)
		}
		return append(dst, ']')
	case *array.Struct:
		if !t.Nanos() {
			dst = append(dst, "+I["...)
			for j, f := range t.Fields {
				if j > 0 {
					dst = append(dst, ", "...)
				}
				dst = appendJava(dst, f.Type, a.Field(j), i)
			}
			return append(dst, ']')
		}
	case *array.Map:
		return appendJavaMap(dst, t, a, i)
	case *array.List:
		lo, hi := a.ValueOffsets(i)
		dst = append(dst, '[')
		for j := lo; j < hi; j++ {
			if j > lo {
				dst = append(dst, ", "...)
			}
			dst = appendJava(dst, *t.Elem, a.ListValues(), int(j))
		}
		return append(dst, ']')
	}
	return appendJavaScalar(dst, t, a, i)
}

func appendJavaMap(dst []byte, t types.Type, a *array.Map, i int) []byte {
	key, item := t.Elem, &types.IntType
	if t.Kind == types.Map {
		key, item = t.Key, t.Elem
	}
	lo, hi := a.ValueOffsets(i)
	dst = append(dst, '{')
	for j := int(lo); j < int(hi); j++ {
		if j > int(lo) {
			dst = append(dst, ", "...)
		}
		dst = append(appendJava(dst, *key, vec.MapKeys(a), j), '=')
		dst = appendJava(dst, *item, a.Items(), j)
	}
	return append(dst, '}')
}

func appendJavaScalar(dst []byte, t types.Type, a arrow.Array, i int) []byte {
	switch t.Kind {
	case types.Date:
		return appendDate(dst, int(vec.IntAt(a, i)))
	case types.Time0:
		return appendJavaClock(dst, vec.IntAt(a, i)*1e6, false)
	case types.Timestamp, types.TimestampLTZ:
		us, ns := int64(0), int64(0)
		if s, ok := a.(*array.Struct); ok {
			us, ns = vec.IntAt(s.Field(0), i), vec.IntAt(s.Field(1), i)
		} else {
			us = vec.IntAt(a, i)
		}
		day := us / dayMicros
		if us%dayMicros < 0 {
			day--
		}
		dst = append(appendDate(dst, int(day)), 'T')
		dst = appendJavaClock(dst, (us-day*dayMicros)*1000+ns, isLTZ(t))
		if isLTZ(t) {
			dst = append(dst, 'Z')
		}
		return dst
	}
	return strconv.AppendInt(dst, vec.IntAt(a, i), 10)
}

// appendJavaClock writes a time of day as Java's LocalTime: without seconds where they are zero
// (unless seconds is true), with three, six or nine digits of a fraction.
func appendJavaClock(dst []byte, nanos int64, seconds bool) []byte {
	s, frac := int(nanos/1e9), int(nanos%1e9)
	dst = appendPad(dst, s/3600, 2)
	dst = appendPad(append(dst, ':'), s/60%60, 2)
	if s%60 == 0 && frac == 0 && !seconds {
		return dst
	}
	dst = appendPad(append(dst, ':'), s%60, 2)
	switch {
	case frac == 0:
	case frac%1e6 == 0:
		dst = appendPad(append(dst, '.'), frac/1e6, 3)
	case frac%1000 == 0:
		dst = appendPad(append(dst, '.'), frac/1000, 6)
	default:
		dst = appendPad(append(dst, '.'), frac, 9)
	}
	return dst
}

// Parse reads the text of one value (of a partition's folder name) as an array of one element.
func Parse(t types.Type, text string) (arrow.Array, error) {
	c := newCol(t)
	c.reset(1)
	f := jsonField{typ: t, c: c}
	tok := token{text: []byte(text), kind: 't'}
	ok := f.set(0, tok, styleISO) || t.IsTimestamp() && f.set(0, tok, styleSQL)
	if day, err := strconv.Atoi(text); !ok && t.Kind == types.Date && err == nil {
		c.i32[0], ok = int32(day), true // Flink names folders by the day's number
		c.mark(0)
	}
	if !ok {
		return nil, fmt.Errorf("cannot read %q as %s", text, t.WithNull(true))
	}
	return c.finish(1), nil
}

// PartitionText is a value as Flink names a partition's folder: dates and times are numbers, NULL is "".
func PartitionText(t types.Type, a arrow.Array, i int) string {
	if a.IsNull(i) {
		return ""
	}
	if t.Kind == types.Date || t.Kind == types.Time0 {
		return strconv.FormatInt(vec.IntAt(a, i), 10)
	}
	text := string(appendJava(nil, t, a, i))
	if isLTZ(t) {
		text = strings.TrimSuffix(text, "Z")
	}
	return text
}
