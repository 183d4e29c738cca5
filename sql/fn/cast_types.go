package fn

import (
	"strings"

	"weir/sql/types"
)

// castable tells whether CAST takes a value of one type to the other.
func castable(from, to types.Type) bool {
	switch {
	case from.Kind == types.Null:
		return to.Kind != types.Symbol
	case to.IsString():
		return from.Kind != types.Symbol
	case from.IsNested() || to.IsNested():
		return nestedCastable(from, to)
	case to.IsInterval() && from.IsExact():
		return !strings.Contains(to.Interval, " TO ")
	}
	switch {
	case from.Kind == types.Boolean:
		return to.Kind == types.Boolean || to.IsNumeric()
	case from.IsNumeric():
		return to.Kind == types.Boolean || to.IsNumeric()
	case from.IsString():
		return to.Kind == types.Boolean || to.IsNumeric() || to.IsBytes() || to.IsDatetime()
	case from.IsBytes():
		return to.IsBytes()
	case from.IsTimestamp():
		return to.IsDatetime()
	case from.Kind == types.Date, from.Kind == types.Time0:
		return to.Kind == from.Kind || to.IsTimestamp()
	}
	return from.Kind == to.Kind && from.IsInterval()
}

func nestedCastable(from, to types.Type) bool {
	if from.Kind != to.Kind || len(from.Fields) != len(to.Fields) {
		return false
	}
	for i := range from.Fields {
		if !castable(from.Fields[i].Type, to.Fields[i].Type) {
			return false
		}
	}
	return (from.Elem == nil || castable(*from.Elem, *to.Elem)) && (from.Key == nil || castable(*from.Key, *to.Key))
}

// ImplicitCast tells whether a value of one type stands in for another without CAST. It does not look
// at nullability.
func ImplicitCast(from, to types.Type) bool {
	switch {
	case from.Kind == types.Null:
		return true
	case from.IsNested() || to.IsNested():
		return nestedImplicit(from, to)
	case from.Kind == to.Kind:
		return true
	}
	switch to.Kind {
	case types.VarChar:
		return from.Kind == types.Char
	case types.VarBinary:
		return from.Kind == types.Binary
	case types.SmallInt, types.Int, types.BigInt:
		return from.IsInteger() && from.Kind < to.Kind
	case types.Float:
		return from.IsExact()
	case types.Decimal, types.Double:
		return from.IsNumeric()
	case types.Date, types.Time0:
		return from.Kind == types.Timestamp
	case types.Timestamp:
		return from.Kind == types.TimestampLTZ
	case types.TimestampLTZ:
		return from.Kind == types.Timestamp
	}
	return false
}

func nestedImplicit(from, to types.Type) bool {
	if from.Kind != to.Kind || len(from.Fields) != len(to.Fields) {
		return false
	}
	for i := range from.Fields {
		if !ImplicitCast(from.Fields[i].Type, to.Fields[i].Type) {
			return false
		}
	}
	return (from.Elem == nil || ImplicitCast(*from.Elem, *to.Elem)) && (from.Key == nil || ImplicitCast(*from.Key, *to.Key))
}

// CommonType gives the type that COALESCE, GREATEST, ARRAY[...] and the like bring their arguments to.
// FLOAT with DOUBLE is DOUBLE; DECIMAL after FLOAT is DOUBLE, FLOAT after DECIMAL is FLOAT.
func CommonType(ts ...types.Type) (types.Type, bool) { return mergeAll(ts, mergeFlink) }

// LeastRestrictive gives the type that operators, CASE, IF, VALUES and UNION bring their arguments to.
// It differs from CommonType for approximate numbers: of FLOAT and DOUBLE the first wins, and DECIMAL
// with either is DOUBLE.
func LeastRestrictive(ts ...types.Type) (types.Type, bool) { return mergeAll(ts, mergeCalcite) }

// merging names one of the two sets of rules in Flink.
type merging uint8

const (
	mergeFlink merging = iota
	mergeCalcite
)

func mergeAll(ts []types.Type, how merging) (types.Type, bool) {
	var out types.Type
	nullable := false
	for _, t := range ts {
		nullable = nullable || t.Nullable()
		if t.Kind == types.Null {
			continue
		}
		if out.Kind == types.Null {
			out = t.WithNull(true)
			continue
		}
		merged, ok := how.merge(out, t.WithNull(true))
		if !ok {
			return types.Type{}, false
		}
		out = merged
	}
	return out.WithNull(nullable), out.Kind != types.Null
}

func (how merging) merge(a, b types.Type) (types.Type, bool) {
	switch {
	case a.Equal(b):
		return a, true
	case a.IsNested():
		return how.mergeNested(a, b)
	case a.IsString() && b.IsString():
		return mergeSized(a, b, types.Char, types.VarChar), true
	case a.IsBytes() && b.IsBytes():
		return mergeSized(a, b, types.Binary, types.VarBinary), true
	case a.IsNumeric() && b.IsNumeric():
		return how.mergeNumbers(a, b), true
	case a.Kind == types.Time0 && b.Kind == types.Time0:
		return types.TimeType(max(a.Prec, b.Prec)), true
	case a.IsTimestamp() && b.IsTimestamp():
		if b.Kind == types.TimestampLTZ {
			a.Kind = b.Kind
		}
		a.Prec = max(a.Prec, b.Prec)
		return a, true
	case a.Kind == b.Kind && a.IsInterval():
		if a.Interval != b.Interval {
			a.Interval = wideInterval(a.Kind)
		}
		return a, true
	case a.Kind == b.Kind:
		return a, true
	case how == mergeFlink && ImplicitCast(a, b):
		return b, true
	case how == mergeFlink && ImplicitCast(b, a):
		return a, true
	}
	return types.Type{}, false
}

func wideInterval(k types.Kind) string {
	if k == types.IntervalYM {
		return types.IntervalMonth.Interval
	}
	return types.IntervalMsDS.Interval
}

// mergeSized keeps a fixed length only where both have it.
func mergeSized(a, b types.Type, fixed, variable types.Kind) types.Type {
	out := types.Type{Kind: variable, Length: max(a.Length, b.Length)}
	if a.Kind == fixed && b.Kind == fixed && a.Length == b.Length {
		out.Kind = fixed
	}
	return out
}

func (how merging) mergeNumbers(a, b types.Type) types.Type {
	switch {
	case a.IsFloat() && b.IsFloat():
		if how == mergeFlink && b.Kind == types.Double {
			return b
		}
		return a
	case a.IsFloat():
		if b.Kind == types.Decimal {
			return types.DoubleType
		}
		return a
	case b.IsFloat():
		if how == mergeCalcite && a.Kind == types.Decimal {
			return types.DoubleType
		}
		return b
	case a.IsInteger() && b.IsInteger():
		if b.Kind > a.Kind {
			return b
		}
		return a
	}
	a, b = exactType(a), exactType(b)
	whole := min(38, max(a.Prec-a.Scale, b.Prec-b.Scale))
	scale := min(max(a.Scale, b.Scale), 38-whole)
	return types.DecimalType(whole+scale, scale)
}

// exactType is an exact number as the DECIMAL that holds it.
func exactType(t types.Type) types.Type {
	switch t.Kind {
	case types.TinyInt:
		return types.DecimalType(3, 0)
	case types.SmallInt:
		return types.DecimalType(5, 0)
	case types.Int:
		return types.DecimalType(10, 0)
	case types.BigInt:
		return types.DecimalType(19, 0)
	}
	return t
}

func (how merging) mergeNested(a, b types.Type) (types.Type, bool) {
	if a.Kind != b.Kind || len(a.Fields) != len(b.Fields) {
		return types.Type{}, false
	}
	if a.Key != nil {
		key, ok := mergeAll([]types.Type{*a.Key, *b.Key}, how)
		if !ok {
			return types.Type{}, false
		}
		a.Key = &key
	}
	if a.Elem != nil {
		elem, ok := mergeAll([]types.Type{*a.Elem, *b.Elem}, how)
		if !ok {
			return types.Type{}, false
		}
		a.Elem = &elem
	}
	fields := make([]types.Field, len(a.Fields))
	for i, f := range a.Fields {
		t, ok := mergeAll([]types.Type{f.Type, b.Fields[i].Type}, how)
		if !ok {
			return types.Type{}, false
		}
		fields[i] = types.Field{Name: f.Name, Type: t}
	}
	if a.Kind == types.Row {
		a.Fields = fields
	}
	return a, true
}
