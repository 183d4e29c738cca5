package format

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"weir/connectors"
	"weir/sql/types"
)

// csvRecords cuts a file into records.
func csvRecords(c Config, data string) (records []string) {
	f := c.Framing()
	for p := 0; p < len(data); {
		end, next := f.Next([]byte(data), p, true)
		if end >= 0 {
			records = append(records, data[p:end])
		}
		if next <= p {
			panic("framing stands still")
		}
		p = next
	}
	return records
}

// TestCSVMatrix reads many values into columns of every type and compares with what Flink 2.3 gave.
func TestCSVMatrix(t *testing.T) {
	f, err := os.Open("testdata/csv.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	conf := configOf(t, "csv", "ignore-parse-errors", "true", "field-delimiter", ";", "array-element-delimiter", "#")
	cases := 0
	for s := bufio.NewScanner(f); s.Scan(); cases++ {
		var c struct {
			In   string
			Want map[string]string
		}
		if err := json.Unmarshal(s.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		for _, col := range matrixColumns[:22] {
			got, _ := decodeAll(t, conf, types.Schema{col}, c.In)
			want, ok := c.Want[col.Name]
			if !ok {
				want = "NULL"
			}
			if len(got) != 1 || !sameText(col.Type, got[0], want) {
				t.Errorf("%q as %s: got %q, want %q", c.In, col.Type, got, want)
			}
		}
	}
	if cases < 100 {
		t.Errorf("only %d cases", cases)
	}
}

func TestCSVStructure(t *testing.T) {
	cols := types.Schema{{Name: "id", Type: types.IntType}, {Name: "x", Type: types.StringType}, {Name: "y", Type: types.StringType}}
	check := func(data, want string, options ...string) {
		t.Helper()
		conf := configOf(t, "csv", options...)
		rows, rejects := decodeAll(t, conf, cols, csvRecords(conf, data)...)
		if got := strings.Join(append(rows, rejects...), "\n"); got != want {
			t.Errorf("%q:\n got %q\nwant %q", data, got, want)
		}
	}
	ignore := []string{"ignore-parse-errors", "true"}
	check("1,a,b\n2,\"a,b\",c\n3,\"multi\nline\",c\r\n4,\"q\"\"q\",c\n5,a\"b,c\n6,\"a\"b,c\n7, \"a\" ,c\n8,\"a\" ,c\n9,a,b,c,d\n10,a\n\n \n11,,\n12,\"\",\"\"\n13, a , b \n#14,a,b\n15,'a,b',c\n16,\"unterminated,c\n17,x,y\n",
		"1|a|b\n2|a,b|c\n3|multi\nline|c\n4|q\"q|c\n5|a\"b|c\n7| \"a\" |c\n8|a|c\n10|a|NULL\nNULL|NULL|NULL\nNULL|NULL|NULL\n11||\n12||\n13| a | b \nNULL|a|b", ignore...)
	check("1,'a,b',c\n2,'a\\'b',c\n3,a\\,b,c\n#4,a,b\n #5,a,b\n6,a\\nb,c\n7,'it''s',c\n8,\"a\",b\n",
		"1|a,b|c\n2|a'b|c\n3|a,b|c\n6|a\nb|c\n7|it's|c\n8|\"a\"|b", append(ignore, "quote-character", "'", "escape-character", `\`, "allow-comments", "true")...)
	check("1,\"a,b\n2,a\"b,c\r\n3,\"a\",b\n", "1|\"a|b\n2|a\"b|c\n3|\"a\"|b", "disable-quote-character", "true")
	check("id;name;amt\n1;\"a;b\";nil\n# comment\n", "NULL|name|amt\n1|a;b|NULL", append(ignore, "field-delimiter", ";", "allow-comments", "true", "null-literal", "nil")...)
	check("1,a,b,\n2\n\n,a,b\n1,\"a\"x,b\n1,a,b,c\n", "1|a|b\ntoo few values: expected 3, found 1\ntoo few values: expected 3, found 1\nfield \"id\": cannot read \"\" as INT\nmalformed CSV: a quoted value has no end, or text behind it: \"\\\"a\\\"x,b\"\ntoo many values: expected 3, found more: \"c\"")
	check("", "")
}

func TestCSVNested(t *testing.T) {
	cols := types.Schema{
		{Name: "id", Type: types.IntType}, {Name: "r", Type: types.RowType(types.Field{Name: "a", Type: types.IntType}, types.Field{Name: "b", Type: types.StringType})},
		{Name: "a", Type: types.ArrayType(types.IntType)}, {Name: "z", Type: types.BooleanType}, {Name: "e", Type: types.DoubleType}, {Name: "e2", Type: types.StringType},
	}
	rows, _ := decodeAll(t, configOf(t, "csv", "ignore-parse-errors", "true"), cols, "1,5;x,1;2;3,true,1.5,x", "2,,,,,", "3,5,7,false,,", "4,x;y,1;x,1,,", `5,"1;q","4;5",TRUE,,`)
	want := []string{"1|(5, x)|[1, 2, 3]|true|1.5|x", "2|NULL|[]|false|NULL|", "3|(5, NULL)|[7]|false|NULL|", "4|(NULL, y)|[1, NULL]|false|NULL|", "5|(1, q)|[4, 5]|true|NULL|"}
	if fmt.Sprintf("%q", rows) != fmt.Sprintf("%q", want) {
		t.Errorf("got  %q\nwant %q", rows, want)
	}
	if _, err := configOf(t, "csv").Decoder(matrixColumns, matrixColumns, nil); err == nil || !strings.Contains(err.Error(), `column "mp": CSV has no place for MAP<STRING, INT>`) {
		t.Errorf("a MAP: %v", err)
	}
}

func TestCSVProjection(t *testing.T) {
	all := types.Schema{{Name: "id", Type: types.IntType}, {Name: "x", Type: types.IntType}, {Name: "y", Type: types.StringType}}
	dec, err := configOf(t, "csv").Decoder(types.Schema{all[2]}, all, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out connectors.Decoded
	dec.Decode(chunkOf([]byte("1,abc,q\nx,2,r\n")), 0, 2, &out)
	if out.N != 2 || show(types.StringType, out.Cols[0], 0)+show(types.StringType, out.Cols[0], 1) != "qr" {
		t.Errorf("got %v", out.Cols[0])
	}
}

// FuzzCSV checks that framing and decoding never panic or stand still, and that they do not depend on
// how much of the file has been read.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"1,a,b\n", "\"a\"\"b\",\"c\nd\"\r\n#x\n1;2,,", "\\\",a\n\"", ",,,\n\n"} {
		f.Add(s)
	}
	conf := configOf(f, "csv", "ignore-parse-errors", "true", "escape-character", `\`, "allow-comments", "true")
	f.Fuzz(func(t *testing.T, in string) {
		if len(in) > 1<<14 {
			return
		}
		records := csvRecords(conf, in)
		decodeAll(t, conf, matrixColumns[:22], records...)
		framing := conf.Framing()
		for cut := range len(in) {
			if end, next := framing.Next([]byte(in[:cut]), 0, false); next >= 0 {
				if e, n := framing.Next([]byte(in), 0, true); e != end || n != next {
					t.Fatalf("%q: of %d bytes the record ends at %d and the next begins at %d, of all at %d and %d", in, cut, end, next, e, n)
				}
			}
		}
	})
}

func BenchmarkCSVDecode(b *testing.B) {
	var text strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&text, "%d,%d.%02d,%s,2021-05-19 11:%02d:%02d.000,site-059/building-01/floor-8\n", i%5000, i%200, i%100, []string{"OK", "ERROR", "WARNING"}[i%3], i/60%60, i%60)
	}
	c := chunkOf([]byte(text.String()))
	dec, err := configOf(b, "csv").Decoder(sensorColumns, append(sensorColumns[:4:4], types.Column{Name: "location", Type: types.StringType}), nil)
	if err != nil {
		b.Fatal(err)
	}
	var out connectors.Decoded
	for b.Loop() {
		for lo := 0; lo < c.Len(); lo += 4096 {
			if dec.Decode(c, lo, min(lo+4096, c.Len()), &out); len(out.Rejects) > 0 {
				b.Fatal(out.Rejects[0].Err)
			}
		}
	}
	b.ReportMetric(float64(c.Len())*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
