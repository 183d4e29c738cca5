package datagen

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

var clock = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

func source(t *testing.T, cols types.Schema, pairs ...string) (connectors.Source, *time.Time, error) {
	t.Helper()
	c := new(config)
	values := map[string]option.Value{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = option.Value{Text: pairs[i+1]}
	}
	if _, err := option.Decode(values, c); err != nil {
		return nil, nil, err
	}
	now := clock
	ticks := 0
	tick := func() time.Time { // microseconds pass, which the values do not show
		ticks++
		return now.Add(time.Duration(ticks) * time.Microsecond)
	}
	env := &connectors.Env{Now: tick, Random: func() uint64 { return 42 }, Zone: time.UTC}
	src, err := c.Source(&connectors.TableDesc{Name: "t", Columns: cols}, connectors.Scan{Columns: cols}, env)
	return src, &now, err
}

func rows(t *testing.T, src connectors.Source, from connectors.Offset, max int) (out []string, last connectors.Offset) {
	t.Helper()
	sr, err := src.Read(context.Background(), connectors.Split{}, from)
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, off, err := sr.(connectors.BatchReader).NextBatch(context.Background(), max)
		if err == io.EOF {
			return out, last
		}
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			continue
		}
		last = off
		for i := range b.Len() {
			out = append(out, line(b, i))
		}
		if len(out) >= 3*max {
			return out, last
		}
	}
}

func line(b *vec.Batch, i int) string {
	var parts []string
	for c := range int(b.Rows.NumCols()) {
		parts = append(parts, b.Col(c).ValueStr(i))
	}
	return strings.Join(parts, "|")
}

func TestSequence(t *testing.T) {
	cols := types.Schema{{Name: "a", Type: types.BigIntType}, {Name: "s", Type: types.StringType}, {Name: "d", Type: types.DoubleType}, {Name: "c", Type: types.DecimalType(10, 2)}, {Name: "ts", Type: types.TimestampType(3)}}
	var opts []string
	for _, f := range []string{"a", "s", "d", "c"} {
		opts = append(opts, "fields."+f+".kind", "sequence", "fields."+f+".start", "3", "fields."+f+".end", "6")
	}
	src, _, err := source(t, cols, append(opts, "number-of-rows", "100", "rows-per-second", "1e12")...)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := rows(t, src, nil, 1000)
	if len(got) != 4 || got[0] != "3|3|3|3|2024-05-01T12:00:00" || got[3] != "6|6|6|6|2024-05-01T12:00:00" {
		t.Errorf("got %q", got)
	}
}

func everyType() types.Schema {
	var cols types.Schema
	for i, typ := range []types.Type{
		types.BooleanType, types.TinyIntType, types.SmallIntType, types.IntType, types.BigIntType, types.FloatType, types.DoubleType,
		types.DecimalType(5, 2), types.DecimalType(38, 10), types.CharType(3), types.VarCharType(7), types.StringType, types.BytesType, types.DateType, types.TimeType(0),
		types.TimestampType(3), types.TimestampType(9), types.LTZType(3), types.ArrayType(types.IntType), types.MapType(types.StringType, types.DoubleType),
		types.MultisetType(types.StringType), types.RowType(types.Field{Name: "x", Type: types.IntType}, types.Field{Name: "y", Type: types.ArrayType(types.StringType)}),
		types.IntervalMonth, types.IntervalMsDS,
	} {
		cols = append(cols, types.Column{Name: fmt.Sprintf("c%d", i), Type: typ})
	}
	return cols
}

// TestResume makes every type, whole and from the middle, in blocks of different sizes.
func TestResume(t *testing.T) {
	src, _, err := source(t, everyType(), "number-of-rows", "30", "rows-per-second", "1e12", "fields.c3.null-rate", "0.5", "fields.c11.length", "10", "fields.c11.var-len", "true", "fields.c18.element.max", "10", "fields.c18.element.min", "0")
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := rows(t, src, nil, 1000)
	parts, off := rows(t, src, nil, 4)
	rest, _ := rows(t, src, off, 7)
	if got := append(parts, rest...); len(whole) != 30 || strings.Join(got, "\n") != strings.Join(whole, "\n") {
		t.Errorf("in parts:\n%s\nwhole:\n%s", strings.Join(got, "\n"), strings.Join(whole, "\n"))
	}
	nulls := strings.Count(strings.Join(whole, "\n"), "(null)")
	if nulls < 5 || nulls > 25 {
		t.Errorf("%d of 30 are NULL at a rate of a half", nulls)
	}
}

func TestRanges(t *testing.T) {
	cols := types.Schema{{Name: "i", Type: types.IntType}, {Name: "d", Type: types.DecimalType(6, 2)}}
	src, _, err := source(t, cols, "number-of-rows", "200", "rows-per-second", "1e12", "fields.i.min", "-2", "fields.i.max", "2", "fields.d.min", "1", "fields.d.max", "1.01")
	if err != nil {
		t.Fatal(err)
	}
	got, _ := rows(t, src, nil, 1000)
	seen := map[string]bool{}
	for _, r := range got {
		for _, v := range strings.Split(r, "|") {
			seen[v] = true
		}
	}
	if len(seen) != 6 || !seen["-2"] || !seen["2"] || !seen["1"] || !seen["1.01"] {
		t.Errorf("saw %v", seen)
	}
}

func TestPace(t *testing.T) {
	src, now, err := source(t, types.Schema{{Name: "i", Type: types.IntType}}, "rows-per-second", "10")
	if err != nil {
		t.Fatal(err)
	}
	sr, _ := src.Read(context.Background(), connectors.Split{}, nil)
	next := func() int {
		b, _, err := sr.(connectors.BatchReader).NextBatch(context.Background(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			return 0
		}
		return b.Len()
	}
	got := []int{next(), next()}
	*now = now.Add(500 * time.Millisecond)
	got = append(got, next(), next())
	*now = now.Add(time.Hour)
	got = append(got, next(), next())
	if fmt.Sprint(got) != "[1 0 5 0 10 0]" {
		t.Errorf("got %v: one at once, five after half a second, a second's worth after a pause", got)
	}
}

func TestMistakes(t *testing.T) {
	cols := types.Schema{{Name: "price", Type: types.IntType}}
	for want, opts := range map[string][]string{
		`option "fields.prize.min" is for no column of table t; did you mean "price"?`:                                       {"fields.prize.min", "1"},
		`option "fields.price.min": "x" is not a whole number`:                                                               {"fields.price.min", "x"},
		`option "fields.price.kind": 'sequenz' is none of 'random', 'sequence'`:                                              {"fields.price.kind", "sequenz"},
		`option "fields.price.end" is missing: a sequence needs both ends`:                                                   {"fields.price.kind", "sequence", "fields.price.start", "1"},
		`column "price": the smallest value 5 is larger than the largest 1; check "fields.price.min" and "fields.price.max"`: {"fields.price.min", "5", "fields.price.max", "1"},
		`option "fields.price.mn" is not known; did you mean "fields.#.min"?`:                                                {"fields.price.mn", "1"},
	} {
		if _, _, err := source(t, cols, opts...); err == nil || err.Error() != want {
			t.Errorf("%v:\n got %v\nwant %s", opts, err, want)
		}
	}
}

func BenchmarkDatagen(b *testing.B) {
	c := new(config)
	option.Decode(map[string]option.Value{"fields.s.length": {Text: "10"}, "rows-per-second": {Text: "1000000000"}}, c)
	cols := types.Schema{{Name: "i", Type: types.IntType}, {Name: "d", Type: types.DoubleType}, {Name: "s", Type: types.StringType}, {Name: "ts", Type: types.TimestampType(3)}}
	env := &connectors.Env{Now: time.Now, Random: func() uint64 { return 1 }, Zone: time.UTC}
	src, err := c.Source(&connectors.TableDesc{Columns: cols}, connectors.Scan{Columns: cols}, env)
	if err != nil {
		b.Fatal(err)
	}
	rows := src.(*connectors.Generated).Rows
	for b.Loop() {
		rows(1, 0, 4096)
	}
	b.ReportMetric(4096*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
