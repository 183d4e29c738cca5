package fn

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

// jsonListResults is the text of JSON_ARRAYAGG and JSON_OBJECTAGG.
type jsonListResults struct {
	object bool
	out    *vec.TextBuilder
}

func (r *jsonListResults) null() { r.out.AppendNull() }

func (r *jsonListResults) vec() (vec.Vec, error) { return vec.ColVec(r.out.Array()), nil }

func (r *jsonListResults) add(e entries) error {
	var parts [][]byte
	for len(e) > 0 {
		v, rest, err := nextEntry(e)
		if err != nil {
			return err
		}
		parts = append(parts, v)
		e = rest
	}
	open, end := byte('['), byte(']')
	if r.object {
		open, end = '{', '}'
		slices.SortFunc(parts, func(a, b []byte) int { return bytes.Compare(jsonKeyPart(a), jsonKeyPart(b)) })
		for i := 1; i < len(parts); i++ {
			if bytes.Equal(jsonKeyPart(parts[i-1]), jsonKeyPart(parts[i])) {
				return fmt.Errorf("JSON_OBJECTAGG saw the key %s twice; keys must be unique within a group", jsonKeyPart(parts[i]))
			}
		}
	}
	buf := append(r.out.Scratch(), open)
	for i, p := range parts {
		if i > 0 {
			buf = append(buf, ',')
		}
		if r.object {
			k := jsonKeyPart(p)
			buf = append(append(append(buf, k...), ':'), p[len(k)+1:]...)
			continue
		}
		buf = append(buf, p...)
	}
	r.out.AppendScratch(append(buf, end))
	return nil
}

// jsonKeyPart is the quoted key of an entry "key" 0 value; JSON text holds no raw 0.
func jsonKeyPart(entry []byte) []byte { return entry[:max(bytes.IndexByte(entry, 0), 0)] }

var jsonAggType = types.VarCharType(2000).WithNull(false)

// jsonNulls reads the trailing ON NULL keyword.
func jsonNulls(args []Arg, byDefault bool) bool {
	if len(args) == 0 {
		return byDefault
	}
	word, ok := literalText(args[0])
	if !ok {
		return byDefault
	}
	return !strings.HasPrefix(strings.ToUpper(word), "ABSENT")
}

// bindJSONArrayAgg is JSON_ARRAYAGG(x [NULL | ABSENT ON NULL]); ABSENT is the default.
func bindJSONArrayAgg(args []Arg, _ bool) (*AggCall, error) {
	t := args[0].Type
	nulls := jsonNulls(args[1:], false)
	call := listCall(t, jsonAggType, true, func(aggCodec) *listKind {
		return &listKind{
			name: "JSON_ARRAYAGG", nulls: nulls,
			start: func(args []vec.Vec, _, _ int) (func(i int) ([]byte, error), error) {
				put := newAggJSON(t, args[0].Arr)
				var buf []byte
				return func(i int) ([]byte, error) { buf = put(buf[:0], i); return buf, nil }, nil
			},
			results: func() listResults { return &jsonListResults{out: vec.NewTextBuilder()} },
		}
	})
	for _, a := range args[1:] {
		call.Args = append(call.Args, a.Type)
	}
	return call, nil
}

// bindJSONObjectAgg is JSON_OBJECTAGG(KEY k VALUE v [NULL | ABSENT ON NULL]); NULL is the default.
func bindJSONObjectAgg(args []Arg, _ bool) (*AggCall, error) {
	kt, vt := args[0].Type, args[1].Type
	if !kt.IsString() {
		return nil, fmt.Errorf("JSON_OBJECTAGG wants a string as key, got %s (write CAST(... AS STRING))", kt)
	}
	nulls := jsonNulls(args[2:], true)
	start := func(args []vec.Vec, _, _ int) (func(i int) ([]byte, error), error) {
		key, value := newAggJSON(kt, args[0].Arr), newAggJSON(vt, args[1].Arr)
		var buf []byte
		return func(i int) ([]byte, error) {
			if args[0].Arr.IsNull(i) {
				return nil, fmt.Errorf("JSON_OBJECTAGG saw NULL as a key; filter such rows out")
			}
			if !nulls && args[1].Arr.IsNull(i) {
				return nil, nil
			}
			buf = append(key(buf[:0], i), 0)
			buf = value(buf, i)
			return buf, nil
		}, nil
	}
	call := listCall(kt, jsonAggType, true, func(aggCodec) *listKind {
		return &listKind{
			name: "JSON_OBJECTAGG", nulls: true, start: start,
			results: func() listResults { return &jsonListResults{object: true, out: vec.NewTextBuilder()} },
		}
	})
	for _, a := range args[1:] {
		call.Args = append(call.Args, a.Type)
	}
	return call, nil
}

// aggJSON appends value i of a column as JSON.
type aggJSON = func(dst []byte, i int) []byte

func newAggJSON(t types.Type, a arrow.Array) aggJSON {
	put := newAggJSONValue(t, a)
	nulls := vec.NullsOf(a)
	return func(dst []byte, i int) []byte {
		if nulls.Is(i) {
			return append(dst, "null"...)
		}
		return put(dst, i)
	}
}

func newAggJSONValue(t types.Type, a arrow.Array) aggJSON {
	switch {
	case t.Kind == types.Null:
		return func(dst []byte, _ int) []byte { return append(dst, "null"...) }
	case t.Kind == types.Boolean:
		bits := vec.BitsOf(a)
		return func(dst []byte, i int) []byte { return strconv.AppendBool(dst, bits.At(i)) }
	case t.IsInteger():
		values := intsOf(vec.ColVec(a))
		return func(dst []byte, i int) []byte { return strconv.AppendInt(dst, values.at(i), 10) }
	case t.IsFloat():
		values, bits := aggFloats(t, vec.ColVec(a)), 64
		if t.Kind == types.Float {
			bits = 32
		}
		return func(dst []byte, i int) []byte { return appendJSONFloat(dst, values[i], bits) }
	case t.Kind == types.Decimal:
		values := vec.Dec(vec.ColVec(a))
		return func(dst []byte, i int) []byte { return append(dst, values[i].ToString(int32(t.Scale))...) }
	case t.IsTimestamp():
		return jsonTimestamps(t, a)
	case t.IsNested():
		return newAggJSONNested(t, a)
	}
	return func(dst []byte, i int) []byte { return appendJSONText(dst, a.ValueStr(i)) }
}

func appendJSONFloat(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return appendJSONText(dst, strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64), "+"))
	}
	if f == 0 {
		f = 0 // -0.0 is written as 0.0
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
	if bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

func jsonTimestamps(t types.Type, a arrow.Array) aggJSON {
	layout := "2006-01-02T15:04:05.999999999"
	if t.Kind == types.TimestampLTZ {
		layout += "Z"
	}
	at := func(i int) time.Time { return time.UnixMicro(vec.Values[int64](a)[i]) }
	if t.Nanos() {
		us, ns := vec.NanosOf(a)
		at = func(i int) time.Time { return time.UnixMicro(us[i]).Add(time.Duration(ns[i])) }
	}
	return func(dst []byte, i int) []byte {
		return append(at(i).UTC().AppendFormat(append(dst, '"'), layout), '"')
	}
}

func newAggJSONNested(t types.Type, a arrow.Array) aggJSON {
	switch a := a.(type) {
	case *array.List:
		elem := newAggJSON(*t.Elem, a.ListValues())
		return func(dst []byte, i int) []byte {
			lo, hi := a.ValueOffsets(i)
			dst = append(dst, '[')
			for j := lo; j < hi; j++ {
				if j > lo {
					dst = append(dst, ',')
				}
				dst = elem(dst, int(j))
			}
			return append(dst, ']')
		}
	case *array.Map:
		kt, vt := types.StringType, types.IntType
		if t.Kind == types.Map {
			kt, vt = *t.Key, *t.Elem
		}
		keys, items := newAggJSON(kt, a.Keys()), newAggJSON(vt, a.Items())
		return func(dst []byte, i int) []byte {
			lo, hi := a.ValueOffsets(i)
			dst = append(dst, '{')
			for j := lo; j < hi; j++ {
				if j > lo {
					dst = append(dst, ',')
				}
				dst = items(append(keys(dst, int(j)), ':'), int(j))
			}
			return append(dst, '}')
		}
	case *array.Struct:
		fields := make([]aggJSON, len(t.Fields))
		for f := range fields {
			fields[f] = newAggJSON(t.Fields[f].Type, a.Field(f))
		}
		return func(dst []byte, i int) []byte {
			dst = append(dst, '{')
			for f, put := range fields {
				if f > 0 {
					dst = append(dst, ',')
				}
				dst = put(append(appendJSONText(dst, t.Fields[f].Name), ':'), i)
			}
			return append(dst, '}')
		}
	}
	panic("fn: no JSON form of " + t.String())
}

// appendJSONText appends a quoted string.
func appendJSONText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < 0x20:
			dst = fmt.Appendf(dst, "\\u%04x", c)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
