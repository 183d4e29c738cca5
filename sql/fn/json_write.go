package fn

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

// jsonWriter appends value i of a column as JSON.
type jsonWriter func(dst []byte, i int) []byte

// checkJSON refuses types that have no JSON form.
func checkJSON(t types.Type) error {
	switch t.Kind {
	case types.IntervalYM, types.IntervalDS, types.Symbol:
		return fmt.Errorf("%s has no JSON form", t)
	case types.Map:
		if !t.Key.IsString() {
			return fmt.Errorf("%s has no JSON form: the key must be a string", t)
		}
		return checkJSON(*t.Elem)
	case types.Multiset:
		if !t.Elem.IsString() {
			return fmt.Errorf("%s has no JSON form: the element must be a string", t)
		}
	case types.Array:
		return checkJSON(*t.Elem)
	case types.Row:
		for _, f := range t.Fields {
			if err := checkJSON(f.Type); err != nil {
				return err
			}
		}
	}
	return nil
}

// newJSONWriter makes the writer of a column of the type.
func newJSONWriter(t types.Type, a arrow.Array) jsonWriter {
	if a.DataType().ID() == arrow.NULL {
		return func(dst []byte, _ int) []byte { return append(dst, "null"...) }
	}
	put, nulls := valueJSONWriter(t, a), vec.NullsOf(a)
	return func(dst []byte, i int) []byte {
		if nulls.Is(i) {
			return append(dst, "null"...)
		}
		return put(dst, i)
	}
}

func valueJSONWriter(t types.Type, a arrow.Array) jsonWriter {
	switch {
	case t.Kind == types.Boolean:
		bits := vec.BitsOf(a)
		return func(dst []byte, i int) []byte { return strconv.AppendBool(dst, bits.At(i)) }
	case t.IsInteger():
		values := intsOf(vec.ColVec(a))
		return func(dst []byte, i int) []byte { return strconv.AppendInt(dst, values.at(i), 10) }
	case t.Kind == types.Float:
		values := vec.Values[float32](a)
		return func(dst []byte, i int) []byte { // as a DOUBLE, as in Flink: 0.1 has the digits that a FLOAT has behind it
			return appendJSONNumber(dst, AppendDouble(nil, float64(values[i])))
		}
	case t.Kind == types.Double:
		values := vec.Values[float64](a)
		return func(dst []byte, i int) []byte { return appendJSONNumber(dst, AppendDouble(nil, values[i])) }
	case t.IsString():
		values := vec.TextOf(vec.ColVec(a))
		return func(dst []byte, i int) []byte { return appendJSONString(dst, values.String(i)) }
	case t.IsBytes():
		values := vec.TextOf(vec.ColVec(a))
		return func(dst []byte, i int) []byte {
			return append(base64.StdEncoding.AppendEncode(append(dst, '"'), values.Bytes(i)), '"')
		}
	case t.IsTimestamp():
		return timestampJSONWriter(t, a)
	case t.IsNested():
		return nestedJSONWriter(t, a)
	case t.Kind == types.Decimal:
		return func(dst []byte, i int) []byte { return appendBigDecimal(dst, string(AppendText(nil, t, a, i, nil))) }
	}
	return func(dst []byte, i int) []byte { return appendJSONString(dst, string(AppendText(nil, t, a, i, nil))) }
}

// appendJSONNumber writes a number that Java spells so; NaN and the infinities are texts.
func appendJSONNumber(dst, spelled []byte) []byte {
	if last := spelled[len(spelled)-1]; last == 'N' || last == 'y' {
		return append(append(append(dst, '"'), spelled...), '"')
	}
	return appendBigDecimal(dst, string(spelled))
}

// timestampJSONWriter writes yyyy-MM-ddTHH:mm:ss with what fraction there is, and Z for instants.
func timestampJSONWriter(t types.Type, a arrow.Array) jsonWriter {
	in := instantsOf(vec.ColVec(a))
	return func(dst []byte, i int) []byte {
		m := momentOf(in.at(i), int64(in.nanos(i)))
		dst = append(AppendDate(append(dst, '"'), int32(m.days)), 'T')
		dst = appendNumber(dst, m.micros/usHour, 2)
		dst = appendNumber(append(dst, ':'), m.micros/usMinute%60, 2)
		dst = appendNumber(append(dst, ':'), m.micros/usSecond%60, 2)
		if m.nanos != 0 {
			dst = appendNumber(append(dst, '.'), m.nanos, 9)
			for dst[len(dst)-1] == '0' {
				dst = dst[:len(dst)-1]
			}
		}
		if t.Kind == types.TimestampLTZ {
			dst = append(dst, 'Z')
		}
		return append(dst, '"')
	}
}

func nestedJSONWriter(t types.Type, a arrow.Array) jsonWriter {
	switch a := a.(type) {
	case *array.List:
		put := newJSONWriter(*t.Elem, a.ListValues())
		return func(dst []byte, i int) []byte {
			lo, hi := a.ValueOffsets(i)
			dst = append(dst, '[')
			for j := lo; j < hi; j++ {
				if j > lo {
					dst = append(dst, ',')
				}
				dst = put(dst, int(j))
			}
			return append(dst, ']')
		}
	case *array.Map:
		key, item := t.Key, types.IntType
		if t.Kind == types.Multiset {
			key = t.Elem
		} else {
			item = *t.Elem
		}
		keys, items := newJSONWriter(*key, vec.MapKeys(a)), newJSONWriter(item, a.Items())
		return func(dst []byte, i int) []byte {
			lo, hi := a.ValueOffsets(i)
			names, order := make([]string, hi-lo), make([]int, hi-lo)
			for j := range names {
				names[j], order[j] = string(keys(nil, int(lo)+j)), j
			}
			slices.SortStableFunc(order, func(x, y int) int { return strings.Compare(names[x], names[y]) })
			dst = append(dst, '{')
			for n, j := range order {
				if n > 0 {
					dst = append(dst, ',')
				}
				dst = items(append(append(dst, names[j]...), ':'), int(lo)+j)
			}
			return append(dst, '}')
		}
	}
	s := a.(*array.Struct)
	fields := make([]jsonWriter, len(t.Fields))
	for k, f := range t.Fields {
		fields[k] = newJSONWriter(f.Type, s.Field(k))
	}
	order := make([]int, len(fields)) // fields and keys come in order of their names, as in Flink
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(x, y int) int { return strings.Compare(t.Fields[x].Name, t.Fields[y].Name) })
	return func(dst []byte, i int) []byte {
		dst = append(dst, '{')
		for n, k := range order {
			if n > 0 {
				dst = append(dst, ',')
			}
			dst = fields[k](append(appendJSONString(dst, t.Fields[k].Name), ':'), i)
		}
		return append(dst, '}')
	}
}

// noNullKeys fails rows in whose maps a key is NULL, which a JSON object cannot have.
func noNullKeys(kernel Kernel) Kernel {
	return func(c *Ctx, args []vec.Vec, n int) (vec.Vec, error) {
		for _, v := range args {
			if row := nullKey(v.Arr); row >= 0 && n > 0 {
				return vec.Vec{}, &RowError{Row: row, Err: errNullKey}
			}
		}
		return kernel(c, args, n)
	}
}

// nullKey is the first row in whose maps, at any depth, a key is NULL; -1: none.
func nullKey(a arrow.Array) int {
	switch a := a.(type) {
	case *array.Map:
		keys := vec.MapKeys(a)
		bad, deep := keys.NullN() > 0, nullKey(a.Items())
		for i := 0; i < a.Len() && (bad || deep >= 0); i++ {
			lo, hi := a.ValueOffsets(i)
			for k := lo; k < hi && !a.IsNull(i); k++ {
				if keys.IsNull(int(k)) || int(k) == deep {
					return i
				}
			}
		}
	case *array.List:
		deep := nullKey(a.ListValues())
		for i := 0; i < a.Len() && deep >= 0; i++ {
			if lo, hi := a.ValueOffsets(i); int64(deep) >= lo && int64(deep) < hi {
				return i
			}
		}
	case *array.Struct:
		for k := range a.NumField() {
			if row := nullKey(a.Field(k)); row >= 0 {
				return row
			}
		}
	}
	return -1
}
