package types

import "github.com/apache/arrow-go/v18/arrow"

// NanosType is the layout of TIMESTAMP(7-9) and TIMESTAMP_LTZ(7-9): microseconds plus 0-999 nanoseconds.
// arrow's timestamp[ns] ends in the year 2262, SQL's does not.
var NanosType = arrow.StructOf(
	arrow.Field{Name: "us", Type: arrow.PrimitiveTypes.Int64},
	arrow.Field{Name: "ns", Type: arrow.PrimitiveTypes.Int16},
)

// Arrow gives the Arrow type that holds a column of t.
//
//	BOOLEAN bool; TINYINT..BIGINT int8..int64; FLOAT, DOUBLE float32, float64; DECIMAL decimal128;
//	CHAR, VARCHAR string; BINARY, VARBINARY binary; DATE date32; TIME time32[ms];
//	TIMESTAMP(0-6) timestamp[us]; TIMESTAMP_LTZ(0-6) timestamp[us, UTC]; (7-9) NanosType;
//	INTERVAL YEAR TO MONTH int32 months; INTERVAL DAY TO SECOND int64 milliseconds;
//	ARRAY list; MAP map; MULTISET map of element to int32 count; ROW struct; NULL null.
func (t Type) Arrow() arrow.DataType {
	switch t.Kind {
	case Boolean:
		return arrow.FixedWidthTypes.Boolean
	case TinyInt:
		return arrow.PrimitiveTypes.Int8
	case SmallInt:
		return arrow.PrimitiveTypes.Int16
	case Int, IntervalYM:
		return arrow.PrimitiveTypes.Int32
	case BigInt, IntervalDS:
		return arrow.PrimitiveTypes.Int64
	case Float:
		return arrow.PrimitiveTypes.Float32
	case Double:
		return arrow.PrimitiveTypes.Float64
	case Decimal:
		return &arrow.Decimal128Type{Precision: int32(t.Prec), Scale: int32(t.Scale)}
	case Char, VarChar, Symbol:
		return arrow.BinaryTypes.String
	case Binary, VarBinary:
		return arrow.BinaryTypes.Binary
	case Date:
		return arrow.FixedWidthTypes.Date32
	case Time0:
		return arrow.FixedWidthTypes.Time32ms
	case Timestamp, TimestampLTZ:
		return t.timestampArrow()
	case Array:
		return arrow.ListOf(t.Elem.Arrow())
	case Map:
		return MapLayout(t.Key.Arrow(), t.Elem.Arrow())
	case Multiset:
		return MapLayout(t.Elem.Arrow(), arrow.PrimitiveTypes.Int32)
	case Row:
		return t.rowArrow()
	}
	return arrow.Null
}

// MapLayout is the layout of a MAP or MULTISET. A key may be NULL, which Arrow's maps refuse, so a key lies in
// a struct of one field, which is never NULL itself.
func MapLayout(key, item arrow.DataType) *arrow.MapType {
	return arrow.MapOf(arrow.StructOf(arrow.Field{Name: "key", Type: key, Nullable: true}), item)
}

func (t Type) timestampArrow() arrow.DataType {
	switch {
	case t.Prec > 6:
		return NanosType
	case t.Kind == TimestampLTZ:
		return arrow.FixedWidthTypes.Timestamp_us
	}
	return &arrow.TimestampType{Unit: arrow.Microsecond}
}

func (t Type) rowArrow() arrow.DataType {
	fields := make([]arrow.Field, len(t.Fields))
	for i, f := range t.Fields {
		fields[i] = arrow.Field{Name: f.Name, Type: f.Type.Arrow(), Nullable: true}
	}
	return arrow.StructOf(fields...)
}

// Arrow gives the Arrow schema of the columns. All fields are nullable: NOT NULL is checked where
// the plan says so, not by the layout.
func (s Schema) Arrow() *arrow.Schema {
	fields := make([]arrow.Field, len(s))
	for i, c := range s {
		fields[i] = arrow.Field{Name: c.Name, Type: c.Type.Arrow(), Nullable: true}
	}
	return arrow.NewSchema(fields, nil)
}
