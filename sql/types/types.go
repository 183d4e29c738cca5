// Package types holds weir's SQL types, their Arrow layout, row kinds, event time and schemas.
//
// Contract: everything here is plain immutable data, safe to share between goroutines. Times are
// int64 milliseconds where they are event time (watermarks, windows, timers: Time) and int64
// microseconds inside TIMESTAMP columns of precision 0-6. The package imports only Arrow.
package types

import (
	"fmt"
	"strings"
)

// Kind is the root of a SQL type.
type Kind uint8

// The kinds. Order groups them: numbers, text, bytes, times, intervals, nested.
const (
	Null Kind = iota // the type of an untyped NULL literal
	Boolean
	TinyInt
	SmallInt
	Int
	BigInt
	Float
	Double
	Decimal
	Char
	VarChar
	Binary
	VarBinary
	Date
	Time0 // TIME(p); named so because Time is the event-time type
	Timestamp
	TimestampLTZ
	IntervalYM // INTERVAL YEAR TO MONTH: int32 months
	IntervalDS // INTERVAL DAY TO SECOND: int64 milliseconds
	Array
	Map
	Multiset
	Row
	Symbol // a keyword argument (a time unit, a JSON option); never a column
)

// MaxLength is the length of STRING and BYTES, as in Flink.
const MaxLength = 2147483647

// Type is one SQL type. The zero value is the untyped NULL. Compare with Equal.
type Type struct {
	Kind     Kind
	NotNull  bool    // NOT NULL; the zero value is nullable, as a type written without a suffix is
	Length   int     // CHAR, VARCHAR, BINARY, VARBINARY
	Prec     int     // DECIMAL digits; fractional digits of TIME, TIMESTAMP, TIMESTAMP_LTZ
	Scale    int     // DECIMAL
	Elem     *Type   // ARRAY, MULTISET element; MAP value
	Key      *Type   // MAP key
	Fields   []Field // ROW
	Interval string  // written qualifier of an INTERVAL, as "DAY TO SECOND(3)"; display only
}

// Field is a field of a ROW.
type Field struct {
	Name string
	Type Type
}

// Shorthands of the common nullable types.
var (
	BooleanType   = Type{Kind: Boolean}
	TinyIntType   = Type{Kind: TinyInt}
	SmallIntType  = Type{Kind: SmallInt}
	IntType       = Type{Kind: Int}
	BigIntType    = Type{Kind: BigInt}
	FloatType     = Type{Kind: Float}
	DoubleType    = Type{Kind: Double}
	StringType    = Type{Kind: VarChar, Length: MaxLength}
	BytesType     = Type{Kind: VarBinary, Length: MaxLength}
	DateType      = Type{Kind: Date}
	SymbolType    = Type{Kind: Symbol, NotNull: true}
	NullType      = Type{Kind: Null}
	IntervalMsDS  = Type{Kind: IntervalDS, Interval: "DAY TO SECOND(3)"}
	IntervalMonth = Type{Kind: IntervalYM, Interval: "YEAR TO MONTH"}
)

// DecimalType is DECIMAL(p, s).
func DecimalType(p, s int) Type { return Type{Kind: Decimal, Prec: p, Scale: s} }

// TimestampType is TIMESTAMP(p).
func TimestampType(p int) Type { return Type{Kind: Timestamp, Prec: p} }

// LTZType is TIMESTAMP_LTZ(p).
func LTZType(p int) Type { return Type{Kind: TimestampLTZ, Prec: p} }

// TimeType is TIME(p).
func TimeType(p int) Type { return Type{Kind: Time0, Prec: p} }

// CharType is CHAR(n); VarCharType is VARCHAR(n).
func CharType(n int) Type { return Type{Kind: Char, Length: n} }

// VarCharType is VARCHAR(n).
func VarCharType(n int) Type { return Type{Kind: VarChar, Length: n} }

// ArrayType is ARRAY<elem>.
func ArrayType(elem Type) Type { return Type{Kind: Array, Elem: &elem} }

// MapType is MAP<key, value>.
func MapType(key, value Type) Type { return Type{Kind: Map, Key: &key, Elem: &value} }

// MultisetType is MULTISET<elem>.
func MultisetType(elem Type) Type { return Type{Kind: Multiset, Elem: &elem} }

// RowType is ROW<fields>.
func RowType(fields ...Field) Type { return Type{Kind: Row, Fields: fields} }

// WithNull gives the type with the given nullability.
func (t Type) WithNull(nullable bool) Type { t.NotNull = !nullable; return t }

// Nullable tells whether a value of the type may be NULL.
func (t Type) Nullable() bool { return !t.NotNull }

// IsNumeric tells whether the type is a number.
func (t Type) IsNumeric() bool { return t.Kind >= TinyInt && t.Kind <= Decimal }

// IsInteger tells whether the type is an exact integer.
func (t Type) IsInteger() bool { return t.Kind >= TinyInt && t.Kind <= BigInt }

// IsExact tells whether the type is an exact number.
func (t Type) IsExact() bool { return t.IsInteger() || t.Kind == Decimal }

// IsFloat tells whether the type is FLOAT or DOUBLE.
func (t Type) IsFloat() bool { return t.Kind == Float || t.Kind == Double }

// IsString tells whether the type is CHAR or VARCHAR.
func (t Type) IsString() bool { return t.Kind == Char || t.Kind == VarChar }

// IsBytes tells whether the type is BINARY or VARBINARY.
func (t Type) IsBytes() bool { return t.Kind == Binary || t.Kind == VarBinary }

// IsTimestamp tells whether the type is TIMESTAMP or TIMESTAMP_LTZ.
func (t Type) IsTimestamp() bool { return t.Kind == Timestamp || t.Kind == TimestampLTZ }

// IsDatetime tells whether the type is a date, a time or a timestamp.
func (t Type) IsDatetime() bool { return t.Kind >= Date && t.Kind <= TimestampLTZ }

// IsInterval tells whether the type is an interval of either kind.
func (t Type) IsInterval() bool { return t.Kind == IntervalYM || t.Kind == IntervalDS }

// IsNested tells whether the type holds other types.
func (t Type) IsNested() bool { return t.Kind >= Array && t.Kind <= Row }

// Nanos tells whether the type is a timestamp whose digits need the {us, ns} layout.
func (t Type) Nanos() bool { return t.IsTimestamp() && t.Prec > 6 }

// Equal tells whether the types are the same, nullability included at every depth.
func (t Type) Equal(u Type) bool { return t.NotNull == u.NotNull && t.Same(u) }

// Same tells whether the types are the same but for the nullability of the outermost level.
func (t Type) Same(u Type) bool {
	if t.Kind != u.Kind || t.Length != u.Length || t.Prec != u.Prec || t.Scale != u.Scale || len(t.Fields) != len(u.Fields) {
		return false
	}
	if !samePtr(t.Elem, u.Elem) || !samePtr(t.Key, u.Key) {
		return false
	}
	for i := range t.Fields {
		if t.Fields[i].Name != u.Fields[i].Name || !t.Fields[i].Type.Equal(u.Fields[i].Type) {
			return false
		}
	}
	return true
}

func samePtr(a, b *Type) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// String is the type as Flink's summary writes it: "VARCHAR(6) NOT NULL", "STRING", "ROW<`a` INT>".
func (t Type) String() string {
	if t.NotNull {
		return t.root() + " NOT NULL"
	}
	return t.root()
}

func (t Type) root() string {
	switch t.Kind {
	case Null:
		return "NULL"
	case Decimal:
		return fmt.Sprintf("DECIMAL(%d, %d)", t.Prec, t.Scale)
	case Char:
		return fmt.Sprintf("CHAR(%d)", t.Length)
	case VarChar:
		return sized("VARCHAR", "STRING", t.Length)
	case Binary:
		return fmt.Sprintf("BINARY(%d)", t.Length)
	case VarBinary:
		return sized("VARBINARY", "BYTES", t.Length)
	case Time0:
		return fmt.Sprintf("TIME(%d)", t.Prec)
	case Timestamp:
		return fmt.Sprintf("TIMESTAMP(%d)", t.Prec)
	case TimestampLTZ:
		return fmt.Sprintf("TIMESTAMP_LTZ(%d)", t.Prec)
	case IntervalYM, IntervalDS:
		return "INTERVAL " + t.Interval
	case Array:
		return "ARRAY<" + t.Elem.String() + ">"
	case Multiset:
		return "MULTISET<" + t.Elem.String() + ">"
	case Map:
		return "MAP<" + t.Key.String() + ", " + t.Elem.String() + ">"
	case Row:
		return t.rowString()
	}
	return kindNames[t.Kind]
}

var kindNames = map[Kind]string{
	Boolean: "BOOLEAN", TinyInt: "TINYINT", SmallInt: "SMALLINT", Int: "INT", BigInt: "BIGINT",
	Float: "FLOAT", Double: "DOUBLE", Date: "DATE", Symbol: "SYMBOL",
}

func sized(name, unbounded string, n int) string {
	if n == MaxLength {
		return unbounded
	}
	return fmt.Sprintf("%s(%d)", name, n)
}

func (t Type) rowString() string {
	parts := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		parts[i] = "`" + strings.ReplaceAll(f.Name, "`", "``") + "` " + f.Type.String()
	}
	return "ROW<" + strings.Join(parts, ", ") + ">"
}
