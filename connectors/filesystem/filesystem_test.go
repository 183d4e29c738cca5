package filesystem

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/connectors"
	"weir/connectors/format"
	"weir/connectors/option"
	"weir/sql/types"
	"weir/sql/vec"
)

var idColumns = types.Schema{{Name: "id", Type: types.IntType}, {Name: "p", Type: types.StringType}}

func configOf(t *testing.T, pairs ...string) *config {
	t.Helper()
	c := new(config)
	values := map[string]option.Value{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = option.Value{Text: pairs[i+1]}
	}
	if _, err := option.Decode(values, c); err != nil {
		t.Fatal(err)
	}
	return c
}

func testEnv() *connectors.Env {
	seed := uint64(1)
	return &connectors.Env{
		Now: func() time.Time { return time.Unix(0, 0) }, JobID: "job",
		Random: func() uint64 { seed = seed*6364136223846793005 + 1442695040888963407; return seed },
		Warn:   func(string) {},
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".gz") {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		z := gzip.NewWriter(f)
		z.Write([]byte(text))
		z.Close()
		f.Close()
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readAll reads all splits and gives a line a row, and checks that reading can go on behind each record.
func readAll(t *testing.T, c *config, table *connectors.TableDesc, scan connectors.Scan) []string {
	t.Helper()
	src, err := c.Source(table, scan, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	splits, err := src.Splits(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, sp := range splits {
		whole, offsets := readSplit(t, src, sp, nil)
		for i, off := range offsets {
			if rest, _ := readSplit(t, src, sp, off.at); fmt.Sprint(rest) != fmt.Sprint(whole[off.rows:]) {
				t.Errorf("%s: behind record %d: got %q, want %q", sp.ID, i, rest, whole[off.rows:])
			}
		}
		rows = append(rows, whole...)
	}
	return rows
}

// place is an offset and the rows before it (empty lines give none).
type place struct {
	at   connectors.Offset
	rows int
}

func readSplit(t *testing.T, src connectors.Source, sp connectors.Split, from connectors.Offset) (rows []string, places []place) {
	t.Helper()
	sr, err := src.Read(context.Background(), sp, from)
	if err != nil {
		t.Fatal(err)
	}
	defer sr.Close()
	dec, err := src.Decoder()
	if err != nil {
		t.Fatal(err)
	}
	var c connectors.Chunk
	var out connectors.Decoded
	for {
		err := sr.(connectors.Reader).Next(context.Background(), &c)
		if err == io.EOF {
			return rows, places
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.Len() {
			if err := dec.Decode(&c, i, i+1, &out); err != nil {
				t.Fatal(err)
			}
			for _, r := range out.Rejects {
				rows = append(rows, c.Describe(i)+": "+r.Err.Error())
			}
			for r := range out.N {
				var parts []string
				for _, a := range append(out.Cols, slices(c.Meta, i)...) {
					parts = append(parts, a.ValueStr(r))
				}
				rows = append(rows, strings.Join(parts, "|"))
			}
			places = append(places, place{c.OffsetAt(i), len(rows)})
		}
	}
}

func slices(cols []arrow.Array, i int) (out []arrow.Array) {
	for _, a := range cols {
		out = append(out, array.NewSlice(a, int64(i), int64(i+1)))
	}
	return out
}

func TestSourceFolder(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"b.jsonl": "{\"id\":2}\r\n{\"id\":3}", "a.jsonl.gz": "{\"id\":1}\n", "_x": "{\"id\":9}", ".y": "{\"id\":9}", "_h/z": "{\"id\":9}", "sub/c.txt": "\n{\"id\":4}\n\n{\"id\":5}\n", "p=1/d": "{\"id\":0}\n",
	} {
		write(t, filepath.Join(dir, name), text)
	}
	table := &connectors.TableDesc{Name: "t", Columns: idColumns}
	got := readAll(t, configOf(t, "path", "file://"+dir, "format", "json"), table, connectors.Scan{Columns: idColumns[:1], Metadata: []string{"file.name"}})
	if want := "1|a.jsonl.gz 2|b.jsonl 3|b.jsonl 0|d 4|c.txt 5|c.txt"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got = readAll(t, configOf(t, "path", dir+"/*.jsonl", "format", "json"), table, connectors.Scan{Columns: idColumns[:1]})
	if strings.Join(got, " ") != "2 3" {
		t.Errorf("pattern: got %q", got)
	}
}

func TestSourcePartitions(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "p=a%2Fb/x"), "{\"id\":1,\"p\":\"no\"}\n{\"id\":2}\n")
	write(t, filepath.Join(dir, "p=__DEFAULT_PARTITION__/x"), "{\"id\":3}\n")
	write(t, filepath.Join(dir, "y"), "{\"id\":4}\n")
	table := &connectors.TableDesc{Name: "t", Columns: idColumns, PartitionedBy: []string{"p"}}
	c := configOf(t, "path", dir, "format", "json")
	for _, x := range []struct {
		cols types.Schema
		want string
	}{
		{idColumns, "3|(null) 1|a/b 2|a/b"},
		{types.Schema{idColumns[1], idColumns[0]}, "(null)|3 a/b|1 a/b|2"},
		{idColumns[1:], "(null) a/b a/b"},
		{idColumns[:1], "3 1 2"},
	} {
		if got := readAll(t, c, table, connectors.Scan{Columns: x.cols}); strings.Join(got, " ") != x.want {
			t.Errorf("got %q, want %q", got, x.want)
		}
	}
}

func TestSourceErrors(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "{\"id\":1}\nnope\n{\"id\":2}\n")
	table := &connectors.TableDesc{Name: "t", Columns: idColumns}
	src, err := configOf(t, "path", filepath.Join(dir, "a"), "format", "json").Source(table, connectors.Scan{Columns: idColumns[:1]}, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	got, _ := readSplit(t, src, connectors.Split{ID: filepath.Join(dir, "a")}, nil)
	want := "1 file " + filepath.Join(dir, "a") + `, line 2: malformed JSON: expected an object, found "nope" 2`
	if strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	src, _ = configOf(t, "path", filepath.Join(dir, "b"), "format", "json").Source(table, connectors.Scan{Columns: idColumns[:1]}, testEnv())
	if _, err := src.Splits(context.Background()); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("a missing path: %v", err)
	}
}

// TestSourceChunks reads a file larger than a chunk, with a record larger than a chunk.
func TestSourceChunks(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	for i := range 30000 {
		fmt.Fprintf(&b, "{\"id\":%d}\n", i)
		if i == 20000 {
			fmt.Fprintf(&b, "{\"id\":-1,\"x\":%q}\n", strings.Repeat("x", 3*readSize))
		}
	}
	write(t, filepath.Join(dir, "a"), b.String())
	table := &connectors.TableDesc{Name: "t", Columns: idColumns}
	src, err := configOf(t, "path", dir, "format", "json").Source(table, connectors.Scan{Columns: idColumns[:1]}, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	sp := connectors.Split{ID: filepath.Join(dir, "a")}
	rows, offsets := readSplit(t, src, sp, nil)
	if len(rows) != 30001 || rows[20001] != "-1" || rows[30000] != "29999" {
		t.Fatalf("%d rows, %q", len(rows), rows[len(rows)-1])
	}
	for _, i := range []int{0, 16383, 16384, 20000, 20001, 29998} {
		rest, _ := readSplit(t, src, sp, offsets[i].at)
		if len(rest) != 30000-i || rest[0] != rows[i+1] {
			t.Errorf("behind %d: %d rows, first %q", i, len(rest), rest[0])
		}
	}
}

func batchOf(t *testing.T, lines ...string) *vec.Batch {
	t.Helper()
	text := strings.Join(lines, "\n")
	c := &connectors.Chunk{Data: []byte(text)}
	at := 0
	for _, l := range lines {
		c.Beg, c.End = append(c.Beg, int32(at)), append(c.End, int32(at+len(l)))
		at += len(l) + 1
	}
	var conf format.Config
	for _, f := range format.List() {
		if f.Name == "json" {
			conf = f.New()
			option.Decode(nil, conf)
		}
	}
	dec, err := conf.Decoder(idColumns, idColumns, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out connectors.Decoded
	if err := dec.Decode(c, 0, c.Len(), &out); err != nil {
		t.Fatal(err)
	}
	return vec.New(idColumns.Arrow(), out.Cols, out.N, nil)
}

// visible lists the shown files' lines by folder.
func visible(t *testing.T, dir string) string {
	t.Helper()
	var out []string
	filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && !strings.HasPrefix(info.Name(), ".") {
			text, _ := os.ReadFile(path)
			rel, _ := filepath.Rel(dir, filepath.Dir(path))
			if len(text) == 0 {
				out = append(out, rel+":"+info.Name())
			}
			for _, l := range strings.Fields(string(text)) {
				out = append(out, rel+":"+l)
			}
		}
		return nil
	})
	sort.Strings(out)
	return strings.Join(out, " ")
}

func hiddenFiles(dir string) (n int) {
	filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && strings.HasPrefix(info.Name(), ".") {
			n++
		}
		return nil
	})
	return n
}

func sinkOf(t *testing.T, c *config, table *connectors.TableDesc) connectors.Sink {
	t.Helper()
	s, err := c.Sink(table, testEnv(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func do[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestSinkCommit(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "out")
	table := &connectors.TableDesc{Name: "t", Columns: idColumns}
	c := configOf(t, "path", dir, "format", "json")
	s := sinkOf(t, c, table)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(s.Write(ctx, batchOf(t, `{"id":1,"p":"a"}`)))
	if got := visible(t, dir); got != "" {
		t.Errorf("visible before the flush: %s", got)
	}
	first := do[[]byte](t)(s.Flush(ctx))
	if got := visible(t, dir); got != "" {
		t.Errorf("visible before the commit: %s", got)
	}
	check(s.Commit(ctx, first))
	check(s.Commit(ctx, first))
	if got, want := visible(t, dir), `.:{"id":1,"p":"a"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// A crash: one staged file that the checkpoint lists, one that it does not, one half written.
	check(s.Write(ctx, batchOf(t, `{"id":2}`)))
	second := do[[]byte](t)(s.Flush(ctx))
	check(s.Write(ctx, batchOf(t, `{"id":3}`)))
	do[[]byte](t)(s.Flush(ctx))
	check(s.Write(ctx, batchOf(t, `{"id":4}`)))
	s = sinkOf(t, c, table)
	check(s.(connectors.Restorer).Restore(ctx, [][]byte{second, nil}))
	if got, want := visible(t, dir), `.:{"id":1,"p":"a"} .:{"id":2,"p":null}`; got != want || hiddenFiles(dir) > 0 {
		t.Errorf("restored: got %s and %d hidden, want %s", got, hiddenFiles(dir), want)
	}
	if tok := do[[]byte](t)(s.Flush(ctx)); tok != nil {
		t.Errorf("a token without output: %s", tok)
	}
}

func TestSinkPartitionsAndOverwrite(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	table := &connectors.TableDesc{Name: "t", Columns: idColumns, PartitionedBy: []string{"p"}}
	run := func(overwrite bool, rows ...string) {
		t.Helper()
		c := configOf(t, "path", dir, "format", "json", "sink.partition-commit.policy.kind", "success-file")
		if overwrite {
			c.Overwrite()
		}
		s := sinkOf(t, c, table)
		if err := s.Write(ctx, batchOf(t, rows...)); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(ctx, do[[]byte](t)(s.Flush(ctx))); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	run(false, `{"id":1,"p":"a b/c=%:é"}`, `{"id":2}`, `{"id":3,"p":""}`, `{"id":4,"p":"x"}`)
	want := `p=__DEFAULT_PARTITION__:_SUCCESS p=__DEFAULT_PARTITION__:{"id":2} p=__DEFAULT_PARTITION__:{"id":3} p=a b%2Fc%3D%25%3Aé:_SUCCESS p=a b%2Fc%3D%25%3Aé:{"id":1} p=x:_SUCCESS p=x:{"id":4}`
	if got := visible(t, dir); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	run(true, `{"id":5,"p":"x"}`)
	if got := visible(t, dir); got != strings.Replace(want, `{"id":4}`, `{"id":5}`, 1) {
		t.Errorf("overwritten: %s", got)
	}
}

// BenchmarkRead reads and decodes a file, as a query's source does.
func BenchmarkRead(b *testing.B) {
	path := os.Getenv("WEIR_BENCH_JSON")
	if path == "" {
		b.Skip("WEIR_BENCH_JSON names no file of sensor readings")
	}
	cols := types.Schema{{Name: "sensor_id", Type: types.IntType}, {Name: "current_temperature", Type: types.DoubleType}, {Name: "status", Type: types.StringType}, {Name: "event_time", Type: types.TimestampType(3)}}
	c := new(config)
	if _, err := option.Decode(map[string]option.Value{"path": {Text: path}, "format": {Text: "json"}, "json.timestamp-format.standard": {Text: "ISO-8601"}}, c); err != nil {
		b.Fatal(err)
	}
	src, err := c.Source(&connectors.TableDesc{Name: "t", Columns: cols}, connectors.Scan{Columns: cols}, testEnv())
	if err != nil {
		b.Fatal(err)
	}
	dec, _ := src.Decoder()
	rows := 0
	for b.Loop() {
		r, err := src.Read(context.Background(), connectors.Split{ID: path}, nil)
		if err != nil {
			b.Fatal(err)
		}
		var chunk connectors.Chunk
		var out connectors.Decoded
		for r.(connectors.Reader).Next(context.Background(), &chunk) == nil {
			for lo := 0; lo < chunk.Len(); lo += 4096 {
				if err := dec.Decode(&chunk, lo, min(lo+4096, chunk.Len()), &out); err != nil {
					b.Fatal(err)
				}
				rows += out.N
			}
		}
		r.Close()
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

// A job may have two sinks over one table: after a crash each deletes its own leftovers, and publishes what it staged.
func TestTwoSinksOfOneTable(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "out")
	table := &connectors.TableDesc{Name: "t", Columns: idColumns}
	c := configOf(t, "path", dir, "format", "json")
	of := testEnv()
	open := func(operator string) connectors.Sink {
		env := *of
		env.Operator = operator
		return do[connectors.Sink](t)(c.Sink(table, &env, 0, 1))
	}
	var tokens [][]byte
	for i, name := range []string{"Sink-1", "Sink-2"} {
		s := open(name)
		if err := s.Write(ctx, batchOf(t, fmt.Sprintf(`{"id":%d}`, i+1))); err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, do[[]byte](t)(s.Flush(ctx)))
	}
	for i, name := range []string{"Sink-1", "Sink-2"} {
		if err := open(name).(connectors.Restorer).Restore(ctx, tokens[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := visible(t, dir), `.:{"id":1,"p":null} .:{"id":2,"p":null}`; got != want || hiddenFiles(dir) > 0 {
		t.Errorf("got %s and %d hidden, want %s", got, hiddenFiles(dir), want)
	}
}
