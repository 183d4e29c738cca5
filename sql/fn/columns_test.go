package fn

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"os"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

// goldenTable is the table of shared/golden/col_exprs as columns.
func goldenTable(t *testing.T, dir string) (cols map[string]sqlValue, rows int) {
	f, err := os.Open(dir + "/input.jsonl")
	if err != nil {
		t.Skipf("no golden cases here: %v", err)
	}
	defer f.Close()
	var recs []map[string]json.RawMessage
	for s := bufio.NewScanner(f); s.Scan(); {
		var r map[string]json.RawMessage
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		recs = append(recs, r)
	}
	row := types.RowType(types.Field{Name: "x", Type: types.IntType}, types.Field{Name: "y", Type: types.StringType})
	cols = map[string]sqlValue{}
	for name, typ := range map[string]types.Type{
		"rid": types.IntType, "i": types.IntType, "j": types.IntType, "b": types.BigIntType, "d": types.DoubleType, "f": types.FloatType,
		"dc": types.DecimalType(10, 3), "s": types.StringType, "s2": types.StringType, "bo": types.BooleanType, "dt": types.DateType,
		"tm": types.TimeType(0), "ts": types.TimestampType(3), "ts6": types.TimestampType(6), "lz": types.LTZType(3), "js": types.StringType,
		"a": types.ArrayType(types.IntType), "sa": types.ArrayType(types.StringType), "m": types.MapType(types.StringType, types.IntType), "r": row, "byt": types.BytesType,
	} {
		b := vec.NewBuilder(typ)
		for _, r := range recs {
			appendGolden(t, b, typ, r[name])
		}
		cols[name] = sqlValue{typ, vec.ColVec(b.Array())}
	}
	return cols, len(recs)
}

// appendGolden appends a JSON value; numbers and times go by the cast from text.
func appendGolden(t *testing.T, b vec.Builder, typ types.Type, raw json.RawMessage) {
	if string(raw) == "null" {
		b.AppendNull()
		return
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	switch typ.Kind {
	case types.VarChar:
		b.(*vec.TextBuilder).AppendString(text)
		return
	case types.VarBinary:
		v, _ := base64.StdEncoding.DecodeString(text)
		b.(*vec.TextBuilder).Append(v)
		return
	case types.Array, types.Row, types.Map:
		appendGoldenNested(t, b, typ, raw)
		return
	case types.Timestamp, types.TimestampLTZ:
		text = strings.TrimSuffix(strings.Replace(text, "T", " ", 1), "Z")
	}
	k, err := Cast(types.StringType, typ, false)
	if err != nil {
		t.Fatal(err)
	}
	v, err := k(newTestCtx(), []vec.Vec{vec.ConstString(text)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	b.AppendFrom(v.Arr, 0)
}

func appendGoldenNested(t *testing.T, b vec.Builder, typ types.Type, raw json.RawMessage) {
	switch b := b.(type) {
	case *vec.ListBuilder:
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			t.Fatal(err)
		}
		for _, it := range items {
			appendGolden(t, b.Elem, *typ.Elem, it)
		}
		b.Append()
	case *vec.MapBuilder:
		dec := json.NewDecoder(strings.NewReader(string(raw)))
		dec.Token()
		for dec.More() {
			key, _ := dec.Token()
			var v json.RawMessage
			if err := dec.Decode(&v); err != nil {
				t.Fatal(err)
			}
			b.Keys.(*vec.TextBuilder).AppendString(key.(string))
			appendGolden(t, b.Items, *typ.Elem, v)
		}
		b.Append()
	case *vec.StructBuilder:
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(raw, &fields); err != nil {
			t.Fatal(err)
		}
		for k, f := range typ.Fields {
			appendGolden(t, b.Fields[k], f.Type, fields[f.Name])
		}
		b.Append()
	}
}

// TestGoldenColumns evaluates the expressions of shared/golden/col_exprs over its table, as it is and
// cut out of a longer one, and compares with what Flink gave for each row.
func TestGoldenColumns(t *testing.T) {
	dir := "../../../shared/golden/col_exprs"
	cols, rows := goldenTable(t, dir)
	sliced := map[string]sqlValue{}
	for name, v := range cols {
		long := vec.ConcatArrays(v.vec.Arr, v.vec.Arr)
		sliced[name] = sqlValue{v.typ, vec.ColVec(array.NewSlice(long, int64(rows), int64(2*rows)))}
	}
	f, err := os.Open(dir + "/expected.jsonl")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var want struct {
			Expr, Type, Error, Compare string
			Values                     []json.RawMessage
		}
		if err := json.Unmarshal(s.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		if deviates(want.Expr) {
			continue
		}
		n, err := readSQL(want.Expr)
		if err != nil {
			t.Errorf("%s: %v", want.Expr, err)
			continue
		}
		for _, c := range []map[string]sqlValue{cols, sliced} {
			v, err := (&sqlEnv{ctx: newTestCtx(), n: rows, cols: c}).eval(n)
			switch {
			case want.Error != "":
				if err == nil {
					t.Errorf("%s: want an error as %q", want.Expr, want.Error)
				}
			case err != nil:
				t.Errorf("%s: %v", want.Expr, err)
			default:
				if v.typ.String() != want.Type {
					t.Errorf("%s: want type %s, got %s", want.Expr, want.Type, v.typ)
				}
				checkGolden(t, want.Expr, want.Compare, v, want.Values)
			}
		}
	}
}

func checkGolden(t *testing.T, expr, compare string, v sqlValue, want []json.RawMessage) {
	for i, w := range want {
		got, text := v.show(i), answerText(w)
		same := got == text
		switch {
		case same:
		case compare == "json":
			var a, b any
			same = json.Unmarshal([]byte(got), &a) == nil && json.Unmarshal([]byte(text), &b) == nil && reflect.DeepEqual(a, b)
		case v.typ.Kind == types.Map:
			same = sortedEntries(got) == sortedEntries(text)
		}
		if !same {
			t.Errorf("%s row %d: want %q, got %q", expr, i+1, text, got)
		}
	}
}

// sortedEntries makes the text of a map comparable, whose entries come in any order.
func sortedEntries(s string) string {
	parts := strings.Split(strings.Trim(s, "{}"), ", ")
	sort.Strings(parts)
	return strings.Join(parts, ", ")
}
