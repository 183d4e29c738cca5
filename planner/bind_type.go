package planner

import (
	"fmt"
	"strings"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// resolveType makes a type of a written one, with Flink's limits.
func resolveType(t *ast.TypeName) (types.Type, error) {
	out, err := resolveRoot(t)
	if err != nil {
		return types.Type{}, err
	}
	return out.WithNull(!t.NotNull), nil
}

// plainTypes are the types without parameters.
var plainTypes = map[string]types.Type{
	"BOOLEAN": types.BooleanType, "BOOL": types.BooleanType, "TINYINT": types.TinyIntType, "SMALLINT": types.SmallIntType,
	"INT": types.IntType, "INTEGER": types.IntType, "BIGINT": types.BigIntType, "FLOAT": types.FloatType,
	"DOUBLE": types.DoubleType, "DOUBLE PRECISION": types.DoubleType, "STRING": types.StringType, "BYTES": types.BytesType,
	"DATE": types.DateType, "NULL": types.NullType,
}

// typeNames are the names a misspelt type is compared with.
var typeNames = []string{"BOOLEAN", "TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "STRING", "BYTES", "DATE", "DECIMAL",
	"NUMERIC", "CHAR", "VARCHAR", "BINARY", "VARBINARY", "TIME", "TIMESTAMP", "TIMESTAMP_LTZ", "INTERVAL", "ARRAY", "MAP", "MULTISET", "ROW"}

func resolveRoot(t *ast.TypeName) (types.Type, error) {
	if p, ok := plainTypes[t.Name]; ok {
		if len(t.Params) > 0 {
			return types.Type{}, sql.Errorf(t, "type %s takes no parameter", t.Name)
		}
		return p, nil
	}
	switch t.Name {
	case "DECIMAL", "NUMERIC", "DEC":
		return decimalOf(t)
	case "CHAR", "CHARACTER":
		n, err := lengthOf(t, 1)
		return types.CharType(n), err
	case "VARCHAR", "CHARACTER VARYING", "CHAR VARYING":
		n, err := lengthOf(t, types.MaxLength)
		return types.VarCharType(n), err
	case "BINARY":
		n, err := lengthOf(t, 1)
		return types.Type{Kind: types.Binary, Length: n}, err
	case "VARBINARY", "BINARY VARYING":
		n, err := lengthOf(t, types.MaxLength)
		return types.Type{Kind: types.VarBinary, Length: n}, err
	case "TIME":
		p, err := precisionOf(t, 0)
		return types.TimeType(p), err
	case "TIMESTAMP", "TIMESTAMP_LTZ":
		return timestampOf(t)
	case "INTERVAL":
		return intervalOf(t)
	}
	return resolveNested(t)
}

func decimalOf(t *ast.TypeName) (types.Type, error) {
	p, s := 10, 0
	if len(t.Params) > 0 {
		p = t.Params[0]
	}
	if len(t.Params) > 1 {
		s = t.Params[1]
	}
	if p < 1 || p > 38 {
		return types.Type{}, sql.Errorf(t, "DECIMAL precision %d is not between 1 and 38", p)
	}
	if s < 0 || s > p {
		return types.Type{}, sql.Errorf(t, "DECIMAL scale %d is not between 0 and the precision %d", s, p)
	}
	return types.DecimalType(p, s), nil
}

func lengthOf(t *ast.TypeName, def int) (int, error) {
	n := def
	if len(t.Params) > 0 {
		n = t.Params[0]
	}
	if n < 1 || n > types.MaxLength {
		return 0, sql.Errorf(t, "%s length %d is not between 1 and %d", t.Name, n, types.MaxLength)
	}
	return n, nil
}

func precisionOf(t *ast.TypeName, def int) (int, error) {
	p := def
	if len(t.Params) > 0 {
		p = t.Params[0]
	}
	if p < 0 || p > 9 {
		return 0, sql.Errorf(t, "%s precision %d is not between 0 and 9", t.Name, p)
	}
	return p, nil
}

func timestampOf(t *ast.TypeName) (types.Type, error) {
	p, err := precisionOf(t, 6)
	if err != nil {
		return types.Type{}, err
	}
	if t.Name == "TIMESTAMP_LTZ" || t.Zone == "LOCAL" {
		return types.LTZType(p), nil
	}
	if t.Zone == "WITH" {
		return types.Type{}, sql.Errorf(t, "type TIMESTAMP WITH TIME ZONE is not supported").WithHint("use TIMESTAMP_LTZ(%d), a moment shown in the session's zone", p)
	}
	return types.TimestampType(p), nil
}

func intervalOf(t *ast.TypeName) (types.Type, error) {
	if t.Interval == nil {
		return types.Type{}, sql.Errorf(t, "type INTERVAL wants a unit, as INTERVAL DAY or INTERVAL YEAR TO MONTH")
	}
	return intervalType(t.Interval), nil
}

// intervalType is the type of an interval with the unit. The qualifier is shown as Flink shows it.
func intervalType(u *ast.IntervalUnit) types.Type {
	switch u.From {
	case "YEAR", "QUARTER", "MONTH":
		return types.Type{Kind: types.IntervalYM, Interval: unitText(u, "")}
	}
	return types.Type{Kind: types.IntervalDS, Interval: unitText(u, "(3)")}
}

func unitText(u *ast.IntervalUnit, seconds string) string {
	from, to := u.From, u.To
	if to == "" {
		if from == "SECOND" {
			return "SECOND" + seconds
		}
		return from
	}
	if to == "SECOND" {
		to += seconds
	}
	return from + " TO " + to
}

func resolveNested(t *ast.TypeName) (types.Type, error) {
	switch t.Name {
	case "ARRAY", "MULTISET":
		elem, err := resolveType(t.Elem)
		if err != nil {
			return types.Type{}, err
		}
		if t.Name == "ARRAY" {
			return types.ArrayType(elem), nil
		}
		return types.MultisetType(elem), nil
	case "MAP":
		key, err := resolveType(t.Key)
		if err != nil {
			return types.Type{}, err
		}
		value, err := resolveType(t.Elem)
		return types.MapType(key, value), err
	case "ROW":
		return resolveRow(t)
	}
	name := t.Name
	if t.Path != nil {
		name = t.Path.String()
	}
	err := sql.Errorf(t, "type %q is not known", name)
	if near := sql.Nearest(name, typeNames); near != "" {
		err = err.WithHint("did you mean %s?", near)
	}
	return types.Type{}, err
}

func resolveRow(t *ast.TypeName) (types.Type, error) {
	fields := make([]types.Field, len(t.Fields))
	seen := map[string]bool{}
	for i, f := range t.Fields {
		ft, err := resolveType(f.Type)
		if err != nil {
			return types.Type{}, err
		}
		if seen[f.Name.Name] {
			return types.Type{}, sql.Errorf(&f.Name, "field %q is declared twice in the ROW", f.Name.Name)
		}
		seen[f.Name.Name] = true
		fields[i] = types.Field{Name: f.Name.Name, Type: ft}
	}
	return types.RowType(fields...), nil
}

// quoteIdent writes a name in backticks.
func quoteIdent(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// quoteText writes a string literal.
func quoteText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// countWord is "1 column", "2 columns".
func countWord(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
