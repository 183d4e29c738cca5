package dynamodb

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	dtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

func s1(v string) value                        { return &dtypes.AttributeValueMemberS{Value: v} }
func n1(v string) value                        { return &dtypes.AttributeValueMemberN{Value: v} }
func b1(v string) value                        { return &dtypes.AttributeValueMemberB{Value: []byte(v)} }
func yes(v bool) value                         { return &dtypes.AttributeValueMemberBOOL{Value: v} }
func l1(v ...value) value                      { return &dtypes.AttributeValueMemberL{Value: v} }
func m1(v item) value                          { return &dtypes.AttributeValueMemberM{Value: v} }
func field(n string, t types.Type) types.Field { return types.Field{Name: n, Type: t} }

// checkValue reads an attribute into a column, shows it as SQL does, and writes it: back is what comes then, "" where it
// is the same.
func checkValue(t *testing.T, typ types.Type, in value, sql, back string) {
	t.Helper()
	b := vec.NewBuilder(typ)
	if err := decode(b, typ, in); err != nil {
		t.Errorf("%s: %v", typ, err)
		return
	}
	a := b.Array()
	got := "NULL"
	if !a.IsNull(0) {
		got = string(fn.AppendText(nil, typ, a, 0, time.UTC))
	}
	out, err := encode(typ, a, 0)
	if err != nil {
		t.Errorf("%s: %v", typ, err)
		return
	}
	if back == "" {
		back = string(appendJSON(nil, in))
	}
	if wrote := string(appendJSON(nil, out)); got != sql || wrote != back {
		t.Errorf("%s of %s: %q, written as %s; want %q, %s", typ, appendJSON(nil, in), got, wrote, sql, back)
	}
}

// TestValues reads scalars and writes them.
func TestValues(t *testing.T) {
	f := func(typ types.Type, in value, sql, back string) { t.Helper(); checkValue(t, typ, in, sql, back) }
	str := types.StringType
	f(str, s1(`a "ü" 😀`), `a "ü" 😀`, "")
	f(str, s1(""), "", "")
	f(str, n1("12.50"), "12.50", `{"S":"12.50"}`)
	f(str, null, "NULL", "")
	f(str, nil, "NULL", `{"NULL":true}`)
	f(types.BooleanType, yes(true), "TRUE", "")
	f(types.BooleanType, s1("false"), "FALSE", `{"BOOL":false}`)
	f(types.BytesType, b1("\x00x\xff"), "\x00x\uFFFD", "")
	f(types.TinyIntType, n1("-128"), "-128", "")
	f(types.SmallIntType, n1("3E2"), "300", `{"N":"300"}`)
	f(types.IntType, s1("7"), "7", `{"N":"7"}`)
	f(types.BigIntType, n1("-9223372036854775808"), "-9223372036854775808", "")
	f(types.BigIntType, n1("9223372036854775807"), "9223372036854775807", "")
	f(types.FloatType, n1("1.1"), "1.1", "")
	f(types.DoubleType, n1("0.1"), "0.1", "")
	f(types.DoubleType, n1("1e+100"), "1.0E100", "")
	f(types.DoubleType, n1("-0"), "-0.0", `{"N":"0"}`)
	f(types.DecimalType(38, 10), n1("1234567890123456789012345678.0123456789"), "1234567890123456789012345678.0123456789", "")
	f(types.DecimalType(10, 2), n1("1.5"), "1.50", `{"N":"1.50"}`)
	f(types.DecimalType(38, 38), n1("1E-38"), "0.00000000000000000000000000000000000001", `{"N":"0.00000000000000000000000000000000000001"}`)
	f(types.DateType, s1("2024-02-29"), "2024-02-29", "")
	f(types.DateType, s1("2024-02-29T01:02:03Z"), "2024-02-29", `{"S":"2024-02-29"}`)
	f(types.TimeType(0), s1("12:34"), "12:34:00", "")
	f(types.TimeType(3), s1("12:34:56.700"), "12:34:56.7", "")
	f(types.TimestampType(3), s1("2024-02-29T12:34"), "2024-02-29 12:34:00.000", "")
	f(types.TimestampType(3), s1("2024-02-29 12:34:56.7894"), "2024-02-29 12:34:56.789", `{"S":"2024-02-29T12:34:56.789"}`)
	f(types.TimestampType(6), s1("1969-12-31T23:59:59.999999"), "1969-12-31 23:59:59.999999", "")
	f(types.TimestampType(9), s1("2024-02-29T12:34:56.000000001"), "2024-02-29 12:34:56.000000001", "")
	f(types.TimestampType(9), s1("9999-12-31T23:59:59.123"), "9999-12-31 23:59:59.123000000", "")
	f(types.LTZType(3), s1("2024-02-29T12:34:00Z"), "2024-02-29 12:34:00.000", "")
	f(types.LTZType(3), s1("2024-02-29T12:34:56.500+02:00"), "2024-02-29 10:34:56.500", `{"S":"2024-02-29T10:34:56.500Z"}`)
	f(types.LTZType(0), s1("2024-02-29T12:34:56-0530"), "2024-02-29 18:04:56", `{"S":"2024-02-29T18:04:56Z"}`)
	f(types.IntervalMonth, s1("P1Y2M"), "+1-02", "")
	f(types.IntervalMsDS, n1("90061.5"), "+1 01:01:01.500", "")
}

// TestNestedValues does the same with lists, maps and rows.
func TestNestedValues(t *testing.T) {
	f := func(typ types.Type, in value, sql, back string) { t.Helper(); checkValue(t, typ, in, sql, back) }
	str, row := types.StringType, types.RowType(field("a", types.IntType), field("b c", types.ArrayType(types.StringType)))
	f(types.ArrayType(types.IntType), l1(n1("1"), null, n1("3")), "[1, NULL, 3]", "")
	f(types.ArrayType(types.IntType), l1(), "[]", "")
	f(types.ArrayType(str), &dtypes.AttributeValueMemberSS{Value: []string{"a", "b"}}, "[a, b]", "")
	f(types.ArrayType(types.BigIntType), &dtypes.AttributeValueMemberNS{Value: []string{"1", "2"}}, "[1, 2]", "")
	f(types.ArrayType(types.BytesType), &dtypes.AttributeValueMemberBS{Value: [][]byte{{1}}}, "[\x01]", "")
	f(types.MultisetType(str), l1(s1("a"), s1("b"), s1("a")), "{a=2, b=1}", `{"L":[{"S":"a"},{"S":"a"},{"S":"b"}]}`)
	f(types.MapType(str, types.IntType), m1(item{"b": n1("2"), "a": null}), "{a=NULL, b=2}", "")
	f(types.MapType(types.IntType, str), m1(item{"10": s1("x")}), "{10=x}", "")
	f(row, m1(item{"a": n1("1"), "b c": l1(s1("x"))}), "(1, [x])", "")
	f(row, m1(item{"other": n1("1")}), "(NULL, NULL)", `{"M":{"a":{"NULL":true},"b c":{"NULL":true}}}`)
	f(types.ArrayType(row), l1(m1(item{"a": n1("1"), "b c": null})), "[(1, NULL)]", "")
}

// TestRefusedValues reads attributes that a column cannot hold: the column stays as it was.
func TestRefusedValues(t *testing.T) {
	f := func(typ types.Type, in value, want string) {
		t.Helper()
		b := vec.NewBuilder(typ)
		err := decode(b, typ, in)
		if err == nil || !strings.Contains(err.Error(), want) || b.Len() != 0 {
			t.Errorf("%s of %s: %v, %d values; want %q", typ, appendJSON(nil, in), err, b.Len(), want)
		}
		if b.AppendNull(); b.Array().Len() != 1 {
			t.Errorf("%s: the column is broken", typ)
		}
	}
	f(types.IntType, n1("1.5"), `{"N":"1.5"} is no INT`)
	f(types.IntType, n1("2147483648"), "is no INT")
	f(types.TinyIntType, n1("128"), "is no TINYINT")
	f(types.BigIntType, n1("1E125"), "is no BIGINT")
	f(types.BigIntType, s1("x"), `{"S":"x"} is no BIGINT`)
	f(types.BigIntType, l1(), "is no BIGINT")
	f(types.BigIntType, s1("4/2"), "is no BIGINT")
	f(types.BigIntType, s1("0x10"), "is no BIGINT")
	f(types.BigIntType, s1("1E999999999"), "is no BIGINT")
	f(types.BigIntType, n1("1E-130"), "is no BIGINT")
	f(types.DecimalType(3, 1), n1("1234"), "is no DECIMAL(3, 1)")
	f(types.BooleanType, n1("1"), "is no BOOLEAN")
	f(types.BytesType, s1("x"), "is no BYTES")
	f(types.StringType, m1(item{}), "is no STRING")
	f(types.TimestampType(3), s1("yesterday"), "is no TIMESTAMP(3)")
	f(types.TimestampType(3), s1("2024-02-29T25:00:00+99:99"), "is no TIMESTAMP(3)")
	f(types.LTZType(3), n1("1700000000"), "declare the column BIGINT")
	f(types.ArrayType(types.IntType), l1(n1("1"), s1("x")), "is no INT")
	f(types.ArrayType(types.IntType), s1("x"), "is no ARRAY<INT>")
	f(types.MapType(types.StringType, types.IntType), m1(item{"a": n1("1"), "b": s1("x")}), `entry "b": {"S":"x"} is no INT`)
	f(types.RowType(field("a", types.IntType), field("b", types.IntType)), m1(item{"a": n1("1"), "b": s1("x")}), `field "b": {"S":"x"} is no INT`)
	f(types.MultisetType(types.IntType), l1(n1("1"), s1("x")), "is no INT")
}

// TestUnwritable writes values that DynamoDB has no number for.
func TestUnwritable(t *testing.T) {
	f := func(v float64, want string) {
		t.Helper()
		if _, err := encode(types.DoubleType, vec.Fixed(types.DoubleType.Arrow(), []float64{v}, nil), 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v; want %q", v, err, want)
		}
	}
	f(math.NaN(), "no number NaN")
	f(math.Inf(-1), "no number -Infinity")
	f(1e200, "beyond what DynamoDB takes")
	f(1e-200, "beyond what DynamoDB takes")
	m := vec.NewBuilder(types.MapType(types.StringType, types.IntType)).(*vec.MapBuilder)
	m.Keys.AppendNull()
	m.Items.AppendNull()
	m.Append()
	if _, err := encode(types.MapType(types.StringType, types.IntType), m.Array(), 0); err == nil || !strings.Contains(err.Error(), "NULL key") {
		t.Errorf("a NULL key: %v", err)
	}
}

func TestItemSize(t *testing.T) {
	f := func(it item, size int) {
		t.Helper()
		if got, _ := itemSize(it); got != size {
			t.Errorf("%s: %d, want %d", itemJSON(it), got, size)
		}
	}
	f(item{"id": s1("abc")}, 5)
	f(item{"id": s1("ü")}, 4)
	f(item{"n": n1("12345")}, 1+4)
	f(item{"n": n1("1000000")}, 1+2) // zeros at the end weigh nothing
	f(item{"n": n1("0.0001")}, 1+2)
	f(item{"b": b1("xyz")}, 4)
	f(item{"x": null}, 2)
	f(item{"l": l1(n1("1"), s1("ab"))}, 1+3+1+2+1+2)
	f(item{"m": m1(item{"k": s1("v")})}, 1+3+1+2)
}

// FuzzNumber compares what becomes of any text with what it means.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.5", "1e5", "9223372036854775808", "1E-130", "0x10", "1/2", "+7", "1_000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b := vec.NewBuilder(types.DecimalType(38, 0)).(*vec.FixedBuilder[decimal128.Num])
		i := vec.NewBuilder(types.BigIntType)
		errD, errI := decode(b, types.DecimalType(38, 0), n1(text)), decode(i, types.BigIntType, n1(text))
		if errD != nil || errI != nil {
			return
		}
		d, _ := encode(types.DecimalType(38, 0), b.Array(), 0)
		n, _ := encode(types.BigIntType, i.Array(), 0)
		if string(appendJSON(nil, d)) != string(appendJSON(nil, n)) {
			t.Errorf("%q is %s and %s", text, appendJSON(nil, d), appendJSON(nil, n))
		}
	})
}
