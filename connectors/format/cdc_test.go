package format

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

var cdcColumns = types.Schema{{Name: "id", Type: types.IntType}, {Name: "x", Type: types.IntType}, {Name: "n", Type: types.StringType}}

// TestCDC compares with what Flink 2.3 gave for the same records.
func TestCDC(t *testing.T) {
	check := func(format string, records []string, want string, options ...string) {
		t.Helper()
		conf := configOf(t, format, append(options, "ignore-parse-errors", "true")...)
		rows, rejects := decodeAll(t, conf, cdcColumns, records...)
		if got := strings.Join(rows, "\n"); got != want || len(rejects) > 0 {
			t.Errorf("%s:\n got %q %q\nwant %q", format, got, rejects, want)
		}
	}
	changes := []string{
		`{"before":null,"after":{"id":1,"x":5},"op":"c"}`, `{"before":{"id":1,"x":5},"after":{"id":1,"x":6},"op":"u","ts_ms":5,"source":{"db":"d"}}`,
		`{"before":{"id":1,"x":6},"after":null,"op":"d"}`, `{"op":"r","after":{"id":2}}`, `{"after":{"id":3,"x":"7"},"op":"t"}`, ``,
		`{"op":"u","before":null,"after":{"id":9}}`, `null`, `{"schema":{},"payload":{"op":"c","after":{"id":4}}}`,
	}
	check("debezium-json", changes, "+I|1|5|NULL\n-U|1|5|NULL\n+U|1|6|NULL\n-D|1|6|NULL\n+I|2|NULL|NULL")
	check("debezium-json", changes, "+I|4|NULL|NULL", "schema-include", "true")
	check("debezium-json", []string{`{"op":"u","after":{"id":1,"x":6},"before":{"id":1,"x":5}}`, `{"op":"c","after":{"id":"z"},"before":{"id":7}}`},
		"-U|1|5|NULL\n+U|1|6|NULL\n+I|NULL|NULL|NULL")
	check("maxwell-json", []string{
		`{"database":"d","table":"t","type":"insert","data":{"id":1,"x":5,"n":"a"}}`, `{"database":"d","table":"t","type":"update","data":{"id":1,"x":6,"n":"a"},"old":{"x":5}}`,
		`{"type":"update","data":{"id":1,"x":7,"n":null},"old":{"x":6,"n":"a"}}`, `{"type":"update","data":{"id":1,"x":7,"n":"b"},"old":{"n":null}}`,
		`{"type":"delete","data":{"id":1,"x":7,"n":"b"}}`, `{"type":"bootstrap-insert","data":{"id":2}}`, ``,
	}, "+I|1|5|a\n-U|1|5|a\n+U|1|6|a\n-U|1|6|a\n+U|1|7|NULL\n-U|1|7|NULL\n+U|1|7|b\n-D|1|7|b")
	queries := []string{
		`{"type":"INSERT","data":[{"id":"1","x":"5"},{"id":"2","x":"6"}],"old":null,"database":"d","table":"t"}`,
		`{"type":"UPDATE","data":[{"id":"1","x":"7","n":"q"},{"id":"2","x":"8"}],"old":[{"x":"5","n":null},{"x":"6"}],"database":"d","table":"t"}`,
		`{"type":"DELETE","data":[{"id":"1","x":"7"}],"database":"d2","table":"t"}`, `{"type":"CREATE","data":null,"isDdl":true,"sql":"create"}`,
		`{"type":"QUERY","data":[]}`, `{"type":"INSERT","data":null}`,
	}
	check("canal-json", queries, "+I|1|5|NULL\n+I|2|6|NULL\n-U|1|5|NULL\n+U|1|7|q\n-U|2|6|NULL\n+U|2|8|NULL\n-D|1|7|NULL")
	check("canal-json", queries, "-D|1|7|NULL", "database.include", "d2")
	check("ogg-json", []string{
		`{"op_type":"I","after":{"id":1,"x":5}}`, `{"op_type":"U","before":{"id":1,"x":5},"after":{"id":1,"x":6}}`, `{"op_type":"D","before":{"id":1,"x":6}}`,
		`{"op_type":"T"}`, `{"op_type":"U","after":{"id":1,"x":6}}`, `{"op_type":"I","after":{"id":1,"x":`,
	}, "+I|1|5|NULL\n-U|1|5|NULL\n+U|1|6|NULL\n-D|1|6|NULL")
}

func TestCDCRejects(t *testing.T) {
	for record, want := range map[string]string{
		`{"op":"u","before":null,"after":{"id":9}}`: `Debezium record: an update or delete has no "before" row; a PostgreSQL table needs REPLICA IDENTITY FULL`,
		`{"after":{"id":3},"op":"t"}`:               `Debezium record: "op" is "t", which is not known`,
		`{"after":{"id":3}}`:                        `Debezium record: there is no "op"`,
		`{"after":{"id":"x"},"op":"c"}`:             `Debezium record: field "id": cannot read "x" as INT`,
		`{"after":5,"op":"c"}`:                      `Debezium record: malformed JSON: expected an object, found "5,\"op\":\"c\"}"`,
	} {
		rows, rejects := decodeAll(t, configOf(t, "debezium-json"), cdcColumns, `{"after":{"id":1},"op":"c"}`, record, `{"after":{"id":2},"op":"c"}`)
		if strings.Join(rejects, "\n") != want || strings.Join(rows, " ") != "+I|1|NULL|NULL +I|2|NULL|NULL" {
			t.Errorf("%s:\n got %q %q\nwant %s", record, rows, rejects, want)
		}
	}
}

func TestCDCEncode(t *testing.T) {
	cols := cdcColumns[:2]
	valid := vec.NewBitmap(2)
	valid.Set(0)
	b := vec.New(cols.Arrow(), []arrow.Array{vec.Int32s([]int32{1, 2}, nil), vec.Int32s([]int32{5, 0}, valid)}, 2, []types.RowKind{types.UpdateBefore, types.UpdateAfter})
	for format, want := range map[string]string{
		"debezium-json": `{"before":{"id":1,"x":5},"after":null,"op":"d"}{"before":null,"after":{"id":2,"x":null},"op":"c"}`,
		"canal-json":    `{"data":[{"id":1,"x":5}],"type":"DELETE"}{"data":[{"id":2,"x":null}],"type":"INSERT"}`,
		"maxwell-json":  `{"data":{"id":1,"x":5},"type":"delete"}{"data":{"id":2,"x":null},"type":"insert"}`,
		"ogg-json":      `{"before":{"id":1,"x":5},"after":null,"op_type":"D"}{"before":null,"after":{"id":2,"x":null},"op_type":"I"}`,
	} {
		enc, err := configOf(t, format).Encoder(cols, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		for i := range 2 {
			if got, err = enc.Encode(got, b, i); err != nil {
				t.Fatal(err)
			}
		}
		if string(got) != want {
			t.Errorf("%s:\n got %s\nwant %s", format, got, want)
		}
	}
}

// TestCDCGolden reads the CDC inputs of the golden cases, in which every record is sound.
func TestCDCGolden(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/golden/*/input_products.jsonl")
	if len(files) == 0 {
		t.Skip("../shared/golden is not here")
	}
	cols := types.Schema{{Name: "id", Type: types.IntType}, {Name: "name", Type: types.StringType}, {Name: "category", Type: types.StringType}, {Name: "price", Type: types.DecimalType(10, 2)}, {Name: "stock", Type: types.IntType}}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := "debezium-json"
		if strings.Contains(string(data), `"op_type"`) {
			name = "ogg-json"
		} else if !strings.Contains(string(data), `"op"`) {
			continue
		}
		dec, err := configOf(t, name).Decoder(cols, cols, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := chunkOf(data)
		var out connectors.Decoded
		if err := dec.Decode(c, 0, c.Len(), &out); err != nil || len(out.Rejects) > 0 || out.N < c.Len() {
			t.Errorf("%s: %d records gave %d rows, %v %v", file, c.Len(), out.N, err, out.Rejects)
		}
	}
}

func FuzzCDC(f *testing.F) {
	f.Add(`{"op":"u","after":{"id":1,"x":6},"before":{"id":1,"x":5}}`, `{"type":"UPDATE","data":[{"id":"1"}],"old":[{"x":"5","n":null}]}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a)+len(b) > 1<<14 {
			return
		}
		for _, format := range cdcFormats() {
			conf := configOf(t, format.Name, "ignore-parse-errors", "true")
			alone, _ := decodeAll(t, conf, cdcColumns, a)
			both, _ := decodeAll(t, conf, cdcColumns, b, a)
			if len(both) < len(alone) || strings.Join(both[len(both)-len(alone):], "\n") != strings.Join(alone, "\n") {
				t.Fatalf("%s: %q alone gives %q, behind %q %q", format.Name, a, alone, b, both)
			}
		}
	})
}
