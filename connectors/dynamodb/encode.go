package dynamodb

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	dtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// value is one attribute of an item.
type value = dtypes.AttributeValue

// item is a row as DynamoDB has it.
type item = map[string]value

var null value = &dtypes.AttributeValueMemberNULL{Value: true}

// encode gives value i of a column as an attribute, with the types that Flink's connector writes: times are ISO 8601
// texts in Java's short form, for keys must be the same whoever writes them.
func encode(t types.Type, a arrow.Array, i int) (value, error) {
	if a.IsNull(i) {
		return null, nil
	}
	switch a := a.(type) {
	case *array.Boolean:
		return &dtypes.AttributeValueMemberBOOL{Value: a.Value(i)}, nil
	case *array.String:
		return &dtypes.AttributeValueMemberS{Value: a.Value(i)}, nil
	case *array.Binary:
		return &dtypes.AttributeValueMemberB{Value: a.Value(i)}, nil
	case *array.List:
		lo, hi := a.ValueOffsets(i)
		return encodeList(*t.Elem, a.ListValues(), int(lo), int(hi))
	case *array.Map:
		if t.Kind == types.Multiset {
			return encodeMultiset(t, a, i)
		}
		return encodeMap(t, a, i)
	case *array.Struct:
		if !t.Nanos() {
			return encodeRow(t, a, i)
		}
	}
	if t.IsDatetime() {
		return &dtypes.AttributeValueMemberS{Value: string(appendTemporal(nil, t, a, i))}, nil
	}
	if t.Kind == types.IntervalYM {
		return &dtypes.AttributeValueMemberS{Value: period(vec.IntAt(a, i))}, nil
	}
	text, err := number(t, a, i)
	if err != nil {
		return nil, err
	}
	return &dtypes.AttributeValueMemberN{Value: text}, nil
}

// The magnitudes that a number of DynamoDB has.
const (
	maxNumber = 9.9999999999999999999999999999999999999e125
	minNumber = 1e-130
)

func number(t types.Type, a arrow.Array, i int) (string, error) {
	bits, f := 64, 0.0
	switch a := a.(type) {
	case *array.Decimal128:
		return string(fn.AppendDecimal(nil, a.Value(i), t.Scale)), nil
	case *array.Float32:
		bits, f = 32, float64(a.Value(i))
	case *array.Float64:
		f = a.Value(i)
	default:
		n := vec.IntAt(a, i)
		if t.Kind == types.IntervalDS { // as Java's durations: seconds
			return strconv.FormatFloat(float64(n)/1000, 'f', -1, 64), nil
		}
		return strconv.FormatInt(n, 10), nil
	}
	switch size := math.Abs(f); {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return "", fmt.Errorf("DynamoDB has no number %s: leave such rows out, or write NULL", fn.AppendDouble(nil, f))
	case size == 0:
		return "0", nil // -0.0 too: DynamoDB knows one zero
	case size > maxNumber || size < minNumber:
		return "", fmt.Errorf("the number %s is beyond what DynamoDB takes (1E-130 to 9.99E+125)", fn.AppendDouble(nil, f))
	}
	return strconv.FormatFloat(f, 'g', -1, bits), nil
}

func encodeList(elem types.Type, a arrow.Array, lo, hi int) (value, error) {
	out := &dtypes.AttributeValueMemberL{Value: make([]value, 0, hi-lo)}
	for j := lo; j < hi; j++ {
		v, err := encode(elem, a, j)
		if err != nil {
			return nil, err
		}
		out.Value = append(out.Value, v)
	}
	return out, nil
}

// encodeMultiset writes each element as often as it is there.
func encodeMultiset(t types.Type, a *array.Map, i int) (value, error) {
	keys, counts := vec.MapKeys(a), a.Items()
	lo, hi := a.ValueOffsets(i)
	out := &dtypes.AttributeValueMemberL{Value: []value{}}
	for j := int(lo); j < int(hi); j++ {
		v, err := encode(*t.Elem, keys, j)
		if err != nil {
			return nil, err
		}
		n := int(vec.IntAt(counts, j))
		if len(out.Value)+n > maxItemBytes { // each takes a byte at least
			return nil, fmt.Errorf("a MULTISET has %d elements, more than an item of %d bytes holds", len(out.Value)+n, maxItemBytes)
		}
		for range n {
			out.Value = append(out.Value, v)
		}
	}
	return out, nil
}

func encodeMap(t types.Type, a *array.Map, i int) (value, error) {
	keys, items := vec.MapKeys(a), a.Items()
	lo, hi := a.ValueOffsets(i)
	out := &dtypes.AttributeValueMemberM{Value: make(item, hi-lo)}
	for j := int(lo); j < int(hi); j++ {
		if keys.IsNull(j) {
			return nil, errors.New("a MAP has a NULL key, which DynamoDB cannot hold")
		}
		key, err := encode(*t.Key, keys, j)
		if err != nil {
			return nil, err
		}
		name, ok := plainText(key)
		if !ok {
			return nil, fmt.Errorf("DynamoDB names the entries of a MAP by texts; %s is none", t.Key)
		}
		if out.Value[name], err = encode(*t.Elem, items, j); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// plainText is a scalar's text.
func plainText(v value) (string, bool) {
	switch v := v.(type) {
	case *dtypes.AttributeValueMemberS:
		return v.Value, true
	case *dtypes.AttributeValueMemberN:
		return v.Value, true
	case *dtypes.AttributeValueMemberBOOL:
		return strconv.FormatBool(v.Value), true
	}
	return "", false
}

func encodeRow(t types.Type, a *array.Struct, i int) (value, error) {
	out := &dtypes.AttributeValueMemberM{Value: make(item, len(t.Fields))}
	for f, field := range t.Fields {
		v, err := encode(field.Type, a.Field(f), i)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", field.Name, err)
		}
		out.Value[field.Name] = v
	}
	return out, nil
}

// appendTemporal writes "2024-02-29", "12:34:56.5", "2024-02-29T12:34" or "2024-02-29T12:34:00Z".
func appendTemporal(dst []byte, t types.Type, a arrow.Array, i int) []byte {
	switch t.Kind {
	case types.Date:
		return fn.AppendDate(dst, int32(vec.IntAt(a, i)))
	case types.Time0:
		ms := vec.IntAt(a, i)
		return appendClock(dst, ms/1000, truncate(ms%1000*1e6, t.Prec), false)
	}
	us, ns := int64(0), int64(0)
	if s, ok := a.(*array.Struct); ok {
		us, ns = vec.IntAt(s.Field(0), i), vec.IntAt(s.Field(1), i)
	} else {
		us = vec.IntAt(a, i)
	}
	at := time.UnixMicro(us).UTC()
	seconds := int64(at.Hour()*3600 + at.Minute()*60 + at.Second())
	nanos := truncate(int64(at.Nanosecond())+ns, t.Prec)
	dst = fn.AppendDate(dst, int32(floorDiv(us, 86_400_000_000)))
	dst = appendClock(append(dst, 'T'), seconds, nanos, t.Kind == types.TimestampLTZ)
	if t.Kind == types.TimestampLTZ {
		dst = append(dst, 'Z')
	}
	return dst
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// truncate cuts nanoseconds to a precision: a key has the digits that its type declares.
func truncate(nanos int64, prec int) int64 {
	unit := int64(1)
	for range 9 - min(max(prec, 0), 9) {
		unit *= 10
	}
	return nanos / unit * unit
}

// appendClock writes a time of day as Java does: seconds where they are not 0 (or always), and 3, 6 or 9 digits of
// fraction where they are.
func appendClock(dst []byte, seconds, nanos int64, always bool) []byte {
	dst = fmt.Appendf(dst, "%02d:%02d", seconds/3600, seconds/60%60)
	if seconds%60 == 0 && nanos == 0 && !always {
		return dst
	}
	dst = fmt.Appendf(dst, ":%02d", seconds%60)
	switch {
	case nanos == 0:
		return dst
	case nanos%1e6 == 0:
		return fmt.Appendf(dst, ".%03d", nanos/1e6)
	case nanos%1e3 == 0:
		return fmt.Appendf(dst, ".%06d", nanos/1e3)
	}
	return fmt.Appendf(dst, ".%09d", nanos)
}

// period writes months as Java's periods: "P1Y2M".
func period(months int64) string {
	years, rest := months/12, months%12
	switch {
	case years == 0 && rest == 0:
		return "P0D"
	case years == 0:
		return fmt.Sprintf("P%dM", rest)
	case rest == 0:
		return fmt.Sprintf("P%dY", years)
	}
	return fmt.Sprintf("P%dY%dM", years, rest)
}
