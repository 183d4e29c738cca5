package format

import (
	"bytes"
	"os"
	"testing"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

var encodeColumns = types.Schema{
	{Name: "id", Type: types.IntType}, {Name: "d", Type: types.DoubleType}, {Name: "f", Type: types.FloatType},
	{Name: "dc", Type: types.DecimalType(10, 2)}, {Name: "s", Type: types.StringType}, {Name: "ts", Type: types.TimestampType(9)},
	{Name: "t", Type: types.TimeType(0)}, {Name: "dt", Type: types.DateType}, {Name: "b", Type: types.BooleanType},
	{Name: "by", Type: types.BytesType}, {Name: "a", Type: types.ArrayType(types.IntType)},
	{Name: "m", Type: types.MapType(types.StringType, types.IntType)},
	{Name: "r", Type: types.RowType(types.Field{Name: "a", Type: types.IntType}, types.Field{Name: "b", Type: types.StringType})},
	{Name: "lz", Type: types.LTZType(9)}, {Name: "t3", Type: types.TimeType(3)}, {Name: "c5", Type: types.CharType(5)},
	{Name: "ti", Type: types.TinyIntType}, {Name: "bi", Type: types.BigIntType},
}

// readBatch decodes a JSON file of testdata into a batch.
func readBatch(t *testing.T, file string, cols types.Schema) *vec.Batch {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	c := chunkOf(data)
	dec, err := configOf(t, "json").Decoder(cols, cols, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out connectors.Decoded
	if err := dec.Decode(c, 0, c.Len(), &out); err != nil || len(out.Rejects) > 0 {
		t.Fatal(err, out.Rejects)
	}
	return vec.New(cols.Arrow(), out.Cols, out.N, nil)
}

// TestEncode writes rows in each format and compares with the files that Flink 2.3 wrote of them.
func TestEncode(t *testing.T) {
	withoutMap := append(append(types.Schema{}, encodeColumns[:11]...), encodeColumns[12:]...)
	for _, c := range []struct {
		file, format string
		cols         types.Schema
		options      []string
	}{
		{"encode_json.jsonl", "json", encodeColumns, nil},
		{"encode_json_iso.jsonl", "json", encodeColumns, []string{"timestamp-format.standard", "ISO-8601", "encode.ignore-null-fields", "true", "encode.decimal-as-plain-number", "true"}},
		{"encode_csv.csv", "csv", withoutMap, nil},
		{"encode_csv_bare.csv", "csv", withoutMap, []string{"disable-quote-character", "true", "field-delimiter", "|"}},
		{"encode_csv_escape.csv", "csv", withoutMap, []string{"null-literal", "nil", "quote-character", "'", "escape-character", `\`}},
	} {
		want, err := os.ReadFile("testdata/" + c.file)
		if err != nil {
			t.Fatal(err)
		}
		batch := readBatch(t, "encode_in.jsonl", c.cols)
		enc, err := configOf(t, c.format, c.options...).Encoder(c.cols, nil)
		if err != nil {
			t.Fatal(err)
		}
		rest := want
		for i := range batch.Len() {
			got, err := enc.Encode(nil, batch, i)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			if !bytes.HasPrefix(rest, got) {
				line, _, _ := bytes.Cut(rest, []byte("\n"))
				t.Errorf("%s row %d:\n got %s\nwant %s", c.file, i+1, got, line)
				_, rest, _ = bytes.Cut(rest, []byte("\n"))
				continue
			}
			rest = rest[len(got):]
		}
		if len(rest) > 0 {
			t.Errorf("%s: not written: %q", c.file, rest)
		}
	}
}

// TestAppendRow compares with the lines that Flink's print connector wrote of the first rows.
func TestAppendRow(t *testing.T) {
	rest, err := os.ReadFile("testdata/encode_print.txt")
	if err != nil {
		t.Fatal(err)
	}
	batch := readBatch(t, "encode_in.jsonl", encodeColumns)
	for i := 0; len(rest) > 0; i++ {
		got := append(AppendRow(nil, encodeColumns, batch, i), '\n')
		if !bytes.HasPrefix(rest, got) {
			t.Fatalf("row %d: got %swant %s", i+1, got, rest[:min(len(rest), len(got)+40)])
		}
		rest = rest[len(got):]
	}
}
