package format

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

// configOf makes the configuration of a format with options, as a table has it.
func configOf(t testing.TB, name string, pairs ...string) Config {
	t.Helper()
	values := map[string]option.Value{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = option.Value{Text: pairs[i+1]}
	}
	for _, f := range List() {
		if f.Name == name {
			c := f.New()
			if _, err := option.Decode(values, c); err != nil {
				t.Fatal(err)
			}
			return c
		}
	}
	t.Fatalf("no format %q", name)
	return nil
}

// decodeAll decodes records and gives the rows as text and the rejects' messages.
func decodeAll(t testing.TB, c Config, cols types.Schema, records ...string) (rows []string, rejects []string) {
	t.Helper()
	chunk := &connectors.Chunk{}
	for _, r := range records {
		chunk.Beg = append(chunk.Beg, int32(len(chunk.Data)))
		chunk.Data = append(chunk.Data, r...)
		chunk.End = append(chunk.End, int32(len(chunk.Data)))
	}
	dec, err := c.Decoder(cols, cols, &connectors.Env{})
	if err != nil {
		t.Fatal(err)
	}
	var out connectors.Decoded
	if err := dec.Decode(chunk, 0, chunk.Len(), &out); err != nil {
		t.Fatal(err)
	}
	for r := range out.N {
		var parts []string
		if out.Kinds != nil {
			parts = append(parts, types.KindString(out.Kinds[r]))
		}
		for i, a := range out.Cols {
			if a.Len() != out.N {
				t.Fatalf("column %q has %d rows, want %d", cols[i].Name, a.Len(), out.N)
			}
			parts = append(parts, show(cols[i].Type, a, r))
		}
		rows = append(rows, strings.Join(parts, "|"))
	}
	for _, r := range out.Rejects {
		rejects = append(rejects, r.Err.Error())
	}
	return rows, rejects
}

// show writes a value as CAST(... AS STRING) does, near enough to compare.
func show(t types.Type, a arrow.Array, i int) string {
	if a.IsNull(i) {
		return "NULL"
	}
	switch a := a.(type) {
	case *array.String:
		return a.Value(i)
	case *array.Binary:
		return fmt.Sprintf("x'%x'", a.Value(i))
	case *array.Boolean:
		return fmt.Sprint(a.Value(i))
	case *array.Float32:
		return string(appendDouble(nil, float64(a.Value(i)), 32))
	case *array.Float64:
		return string(appendDouble(nil, a.Value(i), 64))
	case *array.Decimal128:
		return string(appendDecimal(nil, a.Value(i), t.Scale, true))
	case *array.Map:
		lo, hi := a.ValueOffsets(i)
		var parts []string
		for j := int(lo); j < int(hi); j++ {
			parts = append(parts, show(*t.Key, vec.MapKeys(a), j)+"="+show(*t.Elem, a.Items(), j))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case *array.List:
		lo, hi := a.ValueOffsets(i)
		var parts []string
		for j := int(lo); j < int(hi); j++ {
			parts = append(parts, show(*t.Elem, a.ListValues(), j))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *array.Struct:
		if !t.Nanos() {
			var parts []string
			for j, f := range t.Fields {
				parts = append(parts, show(f.Type, a.Field(j), i))
			}
			return "(" + strings.Join(parts, ", ") + ")"
		}
	}
	if t.IsTimestamp() {
		return showTimestamp(t, a, i)
	}
	if t.IsDatetime() {
		return string(appendTemporal(nil, t, a, i, styleSQL))
	}
	return fmt.Sprint(vec.IntAt(a, i))
}

func showTimestamp(t types.Type, a arrow.Array, i int) string {
	text := strings.TrimSuffix(string(appendTemporal(nil, t, a, i, styleSQL)), "Z")
	whole, frac, _ := strings.Cut(text, ".")
	frac += strings.Repeat("0", 9)
	return whole + "." + frac[:max(t.Prec, 6)]
}

var matrixColumns = types.Schema{
	{Name: "b", Type: types.BooleanType}, {Name: "ti", Type: types.TinyIntType}, {Name: "si", Type: types.SmallIntType},
	{Name: "i", Type: types.IntType}, {Name: "bi", Type: types.BigIntType}, {Name: "f", Type: types.FloatType},
	{Name: "d", Type: types.DoubleType}, {Name: "dc", Type: types.DecimalType(6, 2)}, {Name: "dd", Type: types.DecimalType(38, 18)},
	{Name: "di", Type: types.DecimalType(5, 0)}, {Name: "s", Type: types.StringType}, {Name: "s3", Type: types.VarCharType(3)},
	{Name: "c3", Type: types.CharType(3)}, {Name: "dt", Type: types.DateType}, {Name: "t", Type: types.TimeType(0)},
	{Name: "t3", Type: types.TimeType(3)}, {Name: "ts", Type: types.TimestampType(3)}, {Name: "t9", Type: types.TimestampType(9)},
	{Name: "lz", Type: types.LTZType(9)}, {Name: "by", Type: types.BytesType}, {Name: "b2", Type: types.Type{Kind: types.Binary, Length: 2}},
	{Name: "ar", Type: types.ArrayType(types.IntType)}, {Name: "mp", Type: types.MapType(types.StringType, types.IntType)},
	{Name: "rw", Type: types.RowType(types.Field{Name: "a", Type: types.IntType}, types.Field{Name: "b", Type: types.ArrayType(types.StringType)})},
}

// TestJSONMatrix reads many values into columns of every type and compares with what Flink 2.3 gave,
// which testdata holds.
func TestJSONMatrix(t *testing.T) {
	for file, standard := range map[string]string{"json_sql.jsonl": "SQL", "json_iso.jsonl": "ISO-8601"} {
		f, err := os.Open("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		conf := configOf(t, "json", "ignore-parse-errors", "true", "timestamp-format.standard", standard)
		cases := 0
		for s := bufio.NewScanner(f); s.Scan(); cases++ {
			var c struct {
				In   string
				Want map[string]string
			}
			if err := json.Unmarshal(s.Bytes(), &c); err != nil {
				t.Fatal(err)
			}
			for _, col := range matrixColumns {
				got, _ := decodeAll(t, conf, types.Schema{col}, `{"`+col.Name+`":`+c.In+`}`, `{"`+col.Name+`":`+c.In+`}`)
				want, ok := c.Want[col.Name]
				if !ok {
					want = "NULL"
				}
				if len(got) != 2 || got[0] != got[1] || !sameText(col.Type, got[0], want) {
					t.Errorf("%s: %s as %s: got %q, want %q", standard, c.In, col.Type, got, want)
				}
			}
		}
		if cases < 30 {
			t.Errorf("%s: only %d cases", file, cases)
		}
	}
}

// sameText allows for the spellings in which the test's own text differs from CAST's.
func sameText(t types.Type, got, want string) bool {
	switch {
	case t.IsTimestamp() && len(want) > 20:
		return strings.HasPrefix(got, want[:min(len(want), len(got))])
	case t.Kind == types.Time0:
		whole := func(s string) string { return strings.TrimSuffix(s, ".0") }
		return whole(got) == whole(want) || t.Prec == 0 && strings.HasPrefix(got, want)
	}
	return got == want
}

func TestJSONStructure(t *testing.T) {
	cols := types.Schema{
		{Name: "id", Type: types.IntType}, {Name: "x", Type: types.IntType}, {Name: "s", Type: types.StringType},
		{Name: "r", Type: types.RowType(types.Field{Name: "a", Type: types.IntType}, types.Field{Name: "b", Type: types.ArrayType(types.IntType)})},
		{Name: "m", Type: types.MapType(types.StringType, types.IntType)},
		{Name: "a", Type: types.ArrayType(types.RowType(types.Field{Name: "p", Type: types.IntType}))},
	}
	ignore := configOf(t, "json", "ignore-parse-errors", "true")
	strict := configOf(t, "json")
	for _, c := range []struct{ in, ignored, failing string }{
		{`{"id":1,"x":1,"x":2}`, "1|2|NULL|NULL|NULL|NULL", ""},
		{`{"id":1,"x":1,"x":null}`, "1|NULL|NULL|NULL|NULL|NULL", ""},
		{`{"s":"abc","id":1,"s":"d"}`, "1|NULL|d|NULL|NULL|NULL", ""},
		{`{"id":2,"X":1,"x":3}`, "2|3|NULL|NULL|NULL|NULL", ""},
		{`[{"id":3,"x":1},{"id":4,"x":2}]`, "3|1|NULL|NULL|NULL|NULL\n4|2|NULL|NULL|NULL|NULL", ""},
		{`{"id":5,"x":1} trailing`, "5|1|NULL|NULL|NULL|NULL", ""},
		{`{"id":6,"x":1}{"id":7}`, "6|1|NULL|NULL|NULL|NULL", ""},
		{``, "", ""}, {`[]`, "", ""}, {`{}`, "NULL|NULL|NULL|NULL|NULL|NULL", ""},
		{`   `, "", "malformed JSON: expected an object, found the end of the record"},
		{`null`, "", `malformed JSON: expected an object, found "null"`},
		{`5`, "", `malformed JSON: expected an object, found "5"`},
		{`[{"id":9},1,{"id":10}]`, "9|NULL|NULL|NULL|NULL|NULL", `malformed JSON: expected an object, found "1,{\"id\":10}]"`},
		{`{"id":12,"x":1`, "", "malformed JSON: expected ',' or '}', found the end of the record"},
		{`{"id":14,"u":{"a":[1,{"b":tru}]},"x":1}`, "", `malformed JSON: expected a value, found "{\"a\":[1,{\"b\":tru}]},\"x\":1}"`},
		{`{"id":15,"x":01}`, "", `malformed JSON: expected a value, found "01}"`},
		{`{"id":17,"x":1,}`, "", `malformed JSON: expected a key in double quotes, found "}"`},
		{"{\"id\":19,\"s\":\"\xff\xfe\"}", "", `malformed JSON: expected a string in UTF-8, found "\"\xff\xfe\"}"`},
		{"{\"id\":20,\"s\":\"a\tb\"}", "20|NULL|a\tb|NULL|NULL|NULL", ""},
		{`{"id":21,"s":"a\qb"}`, "", `malformed JSON: expected a string with valid escapes and a closing quote, found "\"a\\qb\"}"`},
		{"\xef\xbb\xbf{\"id\":23,\"x\":1}", "23|1|NULL|NULL|NULL|NULL", ""},
		{`{"id":25,"x":NaN}`, "", `malformed JSON: expected a value, found "NaN}"`},
		{`{"id":30,"u":.5,"x":1}`, "", `malformed JSON: expected a value, found ".5,\"x\":1}"`},
		{"  {\"id\" : 31 , \"x\" :\t1 }  ", "31|1|NULL|NULL|NULL|NULL", ""},
		{`{"id":32,"r":{"a":"x","b":[1,"y",2]},"x":1}`, "32|1|NULL|(NULL, [1, NULL, 2])|NULL|NULL", `field "r.a": cannot read "x" as INT`},
		{`{"id":33,"r":5,"x":1}`, "33|1|NULL|NULL|NULL|NULL", "field \"r\": cannot read 5 as ROW<`a` INT, `b` ARRAY<INT>>"},
		{`{"id":34,"m":{"a":1,"b":"z","a":2},"x":1}`, "34|1|NULL|NULL|{b=NULL, a=2}|NULL", `field "m[]": cannot read "z" as INT`},
		{`{"id":36,"r":{"a":1,"q":5},"r":null}`, "36|NULL|NULL|NULL|NULL|NULL", ""},
		{`{"\u0069d":37,"x":1}`, "37|1|NULL|NULL|NULL|NULL", ""},
		{`{"id":45,"x":[1,2],"s":"k"}`, "45|NULL|k|NULL|NULL|NULL", `field "x": cannot read [1,2] as INT`},
		{`{"id":48,"r":{"a":{"z":1},"b":["q"]},"s":"k"}`, "48|NULL|k|(NULL, [NULL])|NULL|NULL", `field "r.a": cannot read {"z":1} as INT`},
		{`{"id":52,"a":[{"p":"x"},5,{"p":2}],"s":"k"}`, "52|NULL|k|NULL|NULL|[(NULL), NULL, (2)]", `field "a[].p": cannot read "x" as INT`},
		{`{"id":53,"s":{"a":1,"b":[1,2.0,"x\u00e9"],"c":1.50,"f":1e400,"a":-0}}`, `53|NULL|{"a":0,"b":[1,2.0,"xé"],"c":1.5,"f":"Infinity"}|NULL|NULL|NULL`, ""},
	} {
		// The same record twice, so that the second is read by the template of the first.
		rows, rejects := decodeAll(t, ignore, cols, c.in, `{"id":0}`, c.in, c.in)
		want := strings.TrimPrefix(strings.Join([]string{c.ignored, "0|NULL|NULL|NULL|NULL|NULL", c.ignored, c.ignored}, "\n"), "\n")
		if c.ignored == "" {
			want = "0|NULL|NULL|NULL|NULL|NULL"
		}
		if got := strings.Join(rows, "\n"); got != want || len(rejects) > 0 {
			t.Errorf("%q, errors ignored:\n got %q %q\nwant %q", c.in, got, rejects, want)
		}
		if rows, rejects = decodeAll(t, strict, cols, c.in); strings.Join(rejects, "\n") != c.failing || c.failing != "" && len(rows) > 0 {
			t.Errorf("%q:\n got %q %q\nwant the reject %q", c.in, rows, rejects, c.failing)
		}
	}
}

// TestJSONTemplate mixes layouts: what the template of one record reads must not differ from what the
// general parser reads.
func TestJSONTemplate(t *testing.T) {
	layouts := []string{
		`{"sensor_id": %d, "current_temperature": 1.5, "status": "OK", "event_time": "2021-05-19T11:20:00.000", "location": "x"}`,
		`{"sensor_id":%d,"status":null,"event_time":"2021-05-19T11:20:00Z","current_temperature":"2"}`,
		`{"status":"a\"b","sensor_id":%d}`,
		`{"location": {"a":[1,2]}, "sensor_id": %d, "current_temperature": -1e-3, "status": "é", "event_time": "2021-05-19T23:59:59.123456789"}`,
		`{"sensor_id": %d, "current_temperature": 12345678901234567890, "status": 5`,
		`[{"sensor_id": %d}, {"sensor_id": 7}]`, ``, `{"sensor_id": "%d"}`,
	}
	want := []string{"|1.5|OK|2021-05-19 11:20:00.000000", "|2.0|NULL|NULL", `|NULL|a"b|NULL`, "|-0.001|é|2021-05-19 23:59:59.123456"}
	conf := configOf(t, "json", "ignore-parse-errors", "true", "timestamp-format.standard", "ISO-8601")
	var records, rows []string
	seed := uint32(1)
	for i := range 3000 {
		seed = seed*1664525 + 1013904223
		k := int(seed>>16) % len(layouts)
		if i < 1000 { // runs of one layout first
			k = i / 125
		}
		r := layouts[k]
		if strings.Contains(r, "%d") {
			r = fmt.Sprintf(r, i)
		}
		records = append(records, r)
		switch {
		case k < 4:
			rows = append(rows, fmt.Sprint(i)+want[k])
		case k == 5:
			rows = append(rows, fmt.Sprint(i)+"|NULL|NULL|NULL", "7|NULL|NULL|NULL")
		case k == 7:
			rows = append(rows, fmt.Sprint(i)+"|NULL|NULL|NULL")
		}
	}
	got, _ := decodeAll(t, conf, sensorColumns, records...)
	for i := range rows {
		if i >= len(got) || got[i] != rows[i] {
			t.Fatalf("row %d: got %q, want %q", i, got[min(i, len(got)-1)], rows[i])
		}
	}
	if len(got) != len(rows) {
		t.Errorf("%d rows, want %d", len(got), len(rows))
	}
}

func TestJSONFailOnMissing(t *testing.T) {
	conf := configOf(t, "json", "fail-on-missing-field", "true")
	cols := types.Schema{{Name: "a", Type: types.IntType}, {Name: "r", Type: types.RowType(types.Field{Name: "b", Type: types.IntType})}}
	rows, rejects := decodeAll(t, conf, cols, `{"a":1,"r":{"b":2}}`, `{"a":null,"r":{"b":null}}`, `{"a":1}`, `{"a":1,"r":{}}`, `{"r":{"b":1}}`)
	want := `["1|(2)" "NULL|(NULL)"] ["field \"r\" is missing, and 'fail-on-missing-field' is true" "field \"r.b\" is missing, and 'fail-on-missing-field' is true" "field \"a\" is missing, and 'fail-on-missing-field' is true"]`
	if got := fmt.Sprintf("%q %q", rows, rejects); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestFastFloat compares the exact fast way with the slow one.
func TestFastFloat(t *testing.T) {
	for _, s := range []string{"0", "-0", "1", "0.1", "119.58", "123456789.123456", "9007199254740992", "9007199254740993", "0.000000000000001", "99999999999999999.9", "12.", "1.5e3", "00.5", "-"} {
		got, p := fastFloat([]byte(s), 0)
		if p < 0 {
			continue
		}
		want, ok := parseJavaFloat([]byte(s[:p]), 64)
		if !ok || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%s: got %v, want %v", s, got, want)
		}
	}
}

// FuzzJSON checks that the decoder never panics, and that a record decodes alike alone, behind others,
// and by a template learnt from itself.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"i":1,"s":"a","ts":"2024-01-01T00:00:00.5","d":1.5,"ar":[1],"mp":{"a":1},"rw":{"a":1,"b":["x"]}}`, `[{"i":1},{"i":"2"}]`, `{"mp":{"a":1,"a":2}}`, "{\"s\":\"\\ud83d\"}", `{"u":{"a":[1e5,-0.5,true,null]},"dc":"1.5"}`} {
		f.Add([]byte(s))
	}
	conf := configOf(f, "json", "ignore-parse-errors", "true", "timestamp-format.standard", "ISO-8601")
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 1<<16 {
			return
		}
		start := time.Now()
		alone, _ := decodeAll(t, conf, matrixColumns, string(in))
		all, _ := decodeAll(t, conf, matrixColumns, string(in), string(in), `{"i":1}`, string(in))
		n := len(alone)
		if len(all) != 3*n+1 || strings.Join(all[n:2*n], "\n") != strings.Join(alone, "\n") || strings.Join(all[2*n+1:], "\n") != strings.Join(alone, "\n") {
			t.Fatalf("%q: alone %q, in company %q", in, alone, all)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Fatalf("took %v", d)
		}
	})
}

func BenchmarkJSONEncode(b *testing.B) {
	dec, _ := (&jsonConfig{standard: "ISO-8601"}).Decoder(sensorColumns, sensorColumns, nil)
	c := chunkOf(sensorLines(4096))
	var out connectors.Decoded
	dec.Decode(c, 0, c.Len(), &out)
	batch := vec.New(sensorColumns.Arrow(), out.Cols, out.N, nil)
	enc, _ := (&jsonConfig{}).Encoder(sensorColumns, nil)
	var dst []byte
	for b.Loop() {
		dst = dst[:0]
		for i := range batch.Len() {
			dst, _ = enc.Encode(dst, batch, i)
		}
	}
	b.ReportMetric(float64(batch.Len())*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
