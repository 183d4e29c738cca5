package dynamodb

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	dtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// decode appends an attribute to a column of type t; one that is not there is NULL. Nothing is appended where it is an
// error. A table has no schema but for its key, so texts that are written as numbers are taken for numbers.
func decode(b vec.Builder, t types.Type, v value) error {
	if _, isNull := v.(*dtypes.AttributeValueMemberNULL); isNull || v == nil {
		b.AppendNull()
		return nil
	}
	switch t.Kind {
	case types.Boolean:
		return decodeBool(b.(*vec.BoolBuilder), v)
	case types.Char, types.VarChar:
		if text, ok := plainText(v); ok {
			b.(*vec.TextBuilder).AppendString(text)
			return nil
		}
	case types.Binary, types.VarBinary:
		if bin, ok := v.(*dtypes.AttributeValueMemberB); ok {
			b.(*vec.TextBuilder).Append(bin.Value)
			return nil
		}
	case types.Array:
		return decodeList(b.(*vec.ListBuilder), t, v)
	case types.Multiset:
		return decodeMultiset(b.(*vec.MapBuilder), t, v)
	case types.Map:
		return decodeMap(b.(*vec.MapBuilder), t, v)
	case types.Row:
		return decodeRow(b.(*vec.StructBuilder), t, v)
	case types.Null:
		b.AppendNull()
		return nil
	default:
		if text, ok := plainText(v); ok && decodeText(b, t, text) {
			return nil
		}
	}
	return mismatch(t, v)
}

func mismatch(t types.Type, v value) error {
	text := string(appendJSON(nil, v))
	if len(text) > 80 {
		text = strings.ToValidUTF8(text[:80], "?") + "..."
	}
	hint := ""
	if _, isNumber := v.(*dtypes.AttributeValueMemberN); isNumber && t.IsTimestamp() {
		hint = ": declare the column BIGINT, and make a time of it with TO_TIMESTAMP_LTZ"
	}
	return fmt.Errorf("%s is no %s%s", text, t.WithNull(true), hint)
}

func decodeBool(b *vec.BoolBuilder, v value) error {
	if yes, ok := v.(*dtypes.AttributeValueMemberBOOL); ok {
		b.Append(yes.Value)
		return nil
	}
	text, ok := plainText(v)
	switch strings.ToLower(text) {
	case "true":
		b.Append(true)
	case "false":
		b.Append(false)
	default:
		ok = false
	}
	if !ok {
		return mismatch(types.BooleanType, v)
	}
	return nil
}

// decodeText reads a number or a time.
func decodeText(b vec.Builder, t types.Type, text string) bool {
	switch b := b.(type) {
	case *vec.FixedBuilder[int8]:
		return appendInt(b, text, math.MinInt8, math.MaxInt8)
	case *vec.FixedBuilder[int16]:
		return appendInt(b, text, math.MinInt16, math.MaxInt16)
	case *vec.FixedBuilder[int32]:
		return decode32(b, t, text)
	case *vec.FixedBuilder[int64]:
		return decode64(b, t, text)
	case *vec.FixedBuilder[float32]:
		f, ok := fn.ParseFloat(text, 32)
		return ok && put(b, float32(f))
	case *vec.FixedBuilder[float64]:
		f, ok := fn.ParseFloat(text, 64)
		return ok && put(b, f)
	case *vec.FixedBuilder[decimal128.Num]:
		d, ok := fn.ParseDecimal(text, t.Prec, t.Scale)
		return ok && put(b, d)
	case *vec.NanosBuilder:
		us, ns, ok := parseTimestamp(t, text)
		if ok {
			b.Append(us, int16(truncate(int64(ns), t.Prec)))
		}
		return ok
	}
	return false
}

func decode32(b *vec.FixedBuilder[int32], t types.Type, text string) bool {
	switch t.Kind {
	case types.Date:
		day, _, _ := strings.Cut(text, "T")
		days, ok := fn.ParseDate(day)
		return ok && put(b, days)
	case types.Time0:
		ms, ok := fn.ParseTime(text)
		return ok && put(b, int32(truncate(int64(ms)*1e6, t.Prec)/1e6))
	case types.IntervalYM:
		months, ok := parsePeriod(text)
		return ok && put(b, months)
	}
	return appendInt(b, text, math.MinInt32, math.MaxInt32)
}

func decode64(b *vec.FixedBuilder[int64], t types.Type, text string) bool {
	switch {
	case t.IsTimestamp():
		us, _, ok := parseTimestamp(t, text)
		return ok && put(b, floorDiv(us, 1e6)*1e6+truncate((us-floorDiv(us, 1e6)*1e6)*1000, t.Prec)/1000)
	case t.Kind == types.IntervalDS:
		d, ok := fn.ParseDecimal(text, 18, 3)
		return ok && put(b, int64(d.LowBits()))
	}
	return appendInt(b, text, math.MinInt64, math.MaxInt64)
}

func put[T int8 | int16 | int32 | int64 | float32 | float64 | decimal128.Num](b *vec.FixedBuilder[T], v T) bool {
	b.Append(v)
	return true
}

// appendInt takes whole numbers, also as "1E2" or "100.0".
func appendInt[T int8 | int16 | int32 | int64](b *vec.FixedBuilder[T], text string, lo, hi int64) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		var ok bool
		if n, ok = parseWhole(text); !ok {
			return false
		}
	}
	return n >= lo && n <= hi && put(b, T(n))
}

// parseWhole reads a whole number that has a point or an exponent. DynamoDB's numbers have at most 38 digits, and
// exponents of three.
func parseWhole(text string) (int64, bool) {
	_, exp, _ := strings.Cut(strings.ToUpper(text), "E")
	if len(text) > 160 || len(exp) > 4 || strings.Trim(text, "0123456789.+-eE") != "" {
		return 0, false
	}
	exact, ok := new(big.Rat).SetString(text)
	if !ok || !exact.IsInt() || !exact.Num().IsInt64() {
		return 0, false
	}
	return exact.Num().Int64(), true
}

// parseTimestamp reads ISO 8601 and SQL's spelling, with a distance from UTC or without; without one it is UTC.
func parseTimestamp(t types.Type, text string) (us int64, ns int16, ok bool) {
	clock, shift := text, int64(0)
	if at := strings.IndexAny(text, "T "); at > 0 {
		body := text[at+1:]
		if z := strings.IndexAny(body, "Z+-"); z >= 0 {
			if shift, ok = parseShift(body[z:]); !ok {
				return 0, 0, false
			}
			body = body[:z]
		}
		if strings.Count(body, ":") == 1 {
			body += ":00"
		}
		clock = text[:at] + " " + body
	}
	us, ns, ok = fn.ParseTimestamp(clock)
	if t.Kind == types.TimestampLTZ {
		us -= shift
	}
	return us, ns, ok
}

// parseShift reads a distance from UTC in microseconds: "Z", "+02:00", "-0530".
func parseShift(text string) (int64, bool) {
	if text == "Z" {
		return 0, true
	}
	digits := strings.ReplaceAll(text[1:], ":", "")
	if len(digits) == 2 {
		digits += "00"
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || len(digits) != 4 || n%100 > 59 {
		return 0, false
	}
	shift := int64(n/100*60+n%100) * int64(time.Minute/time.Microsecond)
	if text[0] == '-' {
		shift = -shift
	}
	return shift, true
}

// parsePeriod reads "P1Y2M" as months.
func parsePeriod(text string) (int32, bool) {
	rest, ok := strings.CutPrefix(text, "P")
	if !ok || rest == "" {
		return 0, false
	}
	if rest == "0D" {
		return 0, true
	}
	months := int64(0)
	for _, part := range []struct {
		unit string
		size int64
	}{{"Y", 12}, {"M", 1}} {
		digits, after, found := strings.Cut(rest, part.unit)
		if !found {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 32)
		if err != nil {
			return 0, false
		}
		months, rest = months+n*part.size, after
	}
	return int32(months), rest == "" && months == int64(int32(months))
}

// elements gives the parts of a list or a set.
func elements(v value) ([]value, bool) {
	var out []value
	switch v := v.(type) {
	case *dtypes.AttributeValueMemberL:
		return v.Value, true
	case *dtypes.AttributeValueMemberSS:
		for _, s := range v.Value {
			out = append(out, &dtypes.AttributeValueMemberS{Value: s})
		}
	case *dtypes.AttributeValueMemberNS:
		for _, n := range v.Value {
			out = append(out, &dtypes.AttributeValueMemberN{Value: n})
		}
	case *dtypes.AttributeValueMemberBS:
		for _, b := range v.Value {
			out = append(out, &dtypes.AttributeValueMemberB{Value: b})
		}
	default:
		return nil, false
	}
	return out, true
}

func decodeList(b *vec.ListBuilder, t types.Type, v value) error {
	list, ok := elements(v)
	if !ok {
		return mismatch(t, v)
	}
	before := b.Elem.Len()
	for _, e := range list {
		if err := decode(b.Elem, *t.Elem, e); err != nil {
			b.Elem.Truncate(before)
			return err
		}
	}
	b.Append()
	return nil
}

func decodeMultiset(b *vec.MapBuilder, t types.Type, v value) error {
	list, ok := elements(v)
	if !ok {
		return mismatch(t, v)
	}
	counts, order := map[string]int32{}, []value(nil)
	for _, e := range list {
		key := string(appendJSON(nil, e))
		if counts[key]++; counts[key] == 1 {
			order = append(order, e)
		}
	}
	before := b.Keys.Len()
	for _, e := range order {
		if err := decode(b.Keys, *t.Elem, e); err != nil {
			b.Keys.Truncate(before)
			b.Items.Truncate(before)
			return err
		}
		b.Items.(*vec.FixedBuilder[int32]).Append(counts[string(appendJSON(nil, e))])
	}
	b.Append()
	return nil
}

func decodeMap(b *vec.MapBuilder, t types.Type, v value) error {
	m, ok := v.(*dtypes.AttributeValueMemberM)
	if !ok {
		return mismatch(t, v)
	}
	before := b.Keys.Len()
	for _, name := range sortedNames(m.Value) {
		err := decode(b.Keys, *t.Key, &dtypes.AttributeValueMemberS{Value: name})
		if err == nil {
			err = decode(b.Items, *t.Elem, m.Value[name])
		}
		if err != nil {
			b.Keys.Truncate(before)
			b.Items.Truncate(before)
			return fmt.Errorf("entry %q: %w", name, err)
		}
	}
	b.Append()
	return nil
}

func decodeRow(b *vec.StructBuilder, t types.Type, v value) error {
	m, ok := v.(*dtypes.AttributeValueMemberM)
	if !ok {
		return mismatch(t, v)
	}
	before := b.Len()
	for f, field := range t.Fields {
		if err := decode(b.Fields[f], field.Type, m.Value[field.Name]); err != nil {
			for g := range f {
				b.Fields[g].Truncate(before)
			}
			return fmt.Errorf("field %q: %w", field.Name, err)
		}
	}
	b.Append()
	return nil
}
