package difffuzz

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/internal/session"
	"weir/sql"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// flinkSQL runs scripts on Flink, beside the repository; lockFile lets one of them run at a time.
const (
	flinkSQL = "../../../shared/flink/flinksql"
	lockFile = "flink.lock"
)

func toText(v any) string { return fmt.Sprint(v) }

// TestFlink compares queries with Flink, many in one run of it. It takes about a second a query.
func TestFlink(t *testing.T) {
	if *flinkFlag == 0 {
		t.Skip("NOT COMPARED WITH FLINK: ask for a number of queries with -difffuzz.flink")
	}
	if _, err := os.Stat(flinkSQL); err != nil {
		t.Skipf("NOT COMPARED WITH FLINK: %v", err)
	}
	root := *keepFlag
	if root == "" {
		root = t.TempDir()
	}
	var cases []*Case
	var dirs []string
	for i := range *flinkFlag {
		c := caseOf(*seedFlag + uint64(i))
		dir := filepath.Join(root, fmt.Sprint(c.Seed))
		cases, dirs = append(cases, c), append(dirs, dir)
		if _, err := os.Stat(filepath.Join(dir, "query.sql")); err != nil || !*reuseFlag {
			writeCase(t, c, dir)
		}
	}
	if !*reuseFlag {
		runFlink(t, dirs)
	}
	count := map[string]int{}
	for i, c := range cases {
		verdict, detail := judge(dirs[i])
		count[verdict]++
		query := queryOf(t, dirs[i])
		switch verdict {
		case "same", "both refuse":
		case "Flink refuses":
			t.Logf("seed %d (%s): %s\n%s\n%s", c.Seed, c.Kind, verdict, query, detail)
		default:
			t.Errorf("seed %d (%s): %s\n%s\n%s", c.Seed, c.Kind, verdict, query, detail)
		}
	}
	t.Logf("%d queries: %v", len(cases), count)
}

func writeCase(t *testing.T, c *Case, dir string) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"query.sql": c.Script(), "case.test": c.Test()}
	for _, table := range c.Tables {
		files[table.Name+".json"] = strings.Join(table.Lines, "\n") + "\n"
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// queryOf is the query of a folder: the seed's own may have changed since it was kept.
func queryOf(t *testing.T, dir string) string {
	data, err := os.ReadFile(filepath.Join(dir, "query.sql"))
	if err != nil {
		t.Fatal(err)
	}
	at := max(strings.LastIndex(string(data), ");\n"), 0)
	return string(data)[at:]
}

func runFlink(t *testing.T, dirs []string) {
	args := append([]string{filepath.Join(os.TempDir(), lockFile), flinkSQL, "--batch"}, dirs...)
	begun := time.Now()
	out, err := exec.Command("flock", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("Flink took %s with the wait for others", time.Since(begun).Round(time.Second))
}

// judge runs a case of a folder, and compares with what Flink has left there.
func judge(dir string) (verdict, detail string) {
	flinkErr, err := os.ReadFile(filepath.Join(dir, "error.txt"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "no answer of Flink", err.Error()
	}
	names, got, err := runWeir(dir)
	if err != nil && strings.Contains(err.Error(), "internal error") {
		return "internal error", err.Error()
	}
	if len(flinkErr) > 0 {
		causes := strings.Split(strings.TrimSpace(string(flinkErr)), "\n")
		causes = causes[max(0, len(causes)-3):]
		if err != nil {
			return "both refuse", err.Error()
		}
		return "Flink refuses", strings.Join(causes, "\n")
	}
	if err != nil {
		return "weir refuses", err.Error()
	}
	cols, want, err := readFlink(dir)
	if err != nil {
		return "no answer of Flink", err.Error()
	}
	var flinkNames, kinds []string
	for _, c := range cols {
		flinkNames, kinds = append(flinkNames, c.Name), append(kinds, c.Type)
	}
	if !slices.Equal(flinkNames, names) {
		return "columns differ", fmt.Sprintf("Flink %v, weir %v", flinkNames, names)
	}
	missing, extra := differences(want, got, kinds)
	if len(missing)+len(extra) == 0 {
		return "same", ""
	}
	return "rows differ", fmt.Sprintf("%v\n  Flink only: %s\n  weir only:  %s", cols, show(missing, extra), show(extra, missing))
}

// show spells the rows that one side lacks, where there is one on each side only in the columns that differ.
func show(rows, others [][]string) string {
	var out []string
	for _, r := range rows[:min(4, len(rows))] {
		out = append(out, fmt.Sprintf("%q", r))
	}
	if len(rows) != len(others) {
		out = append(out, fmt.Sprintf("(%d rows)", len(rows)))
	}
	return strings.Join(out, "\n              ")
}

type flinkColumn struct{ Name, Type string }

// readFlink gives the table that Flink's changelog amounts to.
func readFlink(dir string) (cols []flinkColumn, rows [][]string, err error) {
	data, err := os.ReadFile(filepath.Join(dir, "schema.json"))
	if err == nil {
		err = json.Unmarshal(data, &cols)
	}
	if err != nil {
		return nil, nil, err
	}
	if data, err = os.ReadFile(filepath.Join(dir, "changelog.jsonl")); err != nil {
		return nil, nil, err
	}
	var f folder
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		if line == "" {
			continue
		}
		var c struct {
			Op  string
			Row map[string]any
		}
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&c); err != nil {
			return nil, nil, err
		}
		row := make([]string, len(cols))
		for i, col := range cols {
			row[i] = flinkText(c.Row[col.Name], col.Type)
		}
		f.add(c.Op, row)
	}
	return cols, f.table, nil
}

func flinkText(v any, typ string) string {
	text := "NULL"
	if v != nil {
		text = fmt.Sprint(v)
	}
	return plain(text, typ)
}

var entries = regexp.MustCompile(`\{[^{}]*\}`)

// plain spells values of a type in the same way, however they were computed.
func plain(text, typ string) string {
	switch {
	case text == "NULL":
	case strings.HasPrefix(typ, "BOOLEAN"):
		return strings.ToLower(text)
	case strings.HasPrefix(typ, "DECIMAL"):
		if r, ok := new(big.Rat).SetString(text); ok {
			return r.RatString()
		}
	case strings.Contains(typ, "MAP") || strings.Contains(typ, "MULTISET"):
		return entries.ReplaceAllStringFunc(text, func(m string) string {
			list := strings.Split(m[1:len(m)-1], ", ")
			sort.Strings(list)
			return "{" + strings.Join(list, ", ") + "}"
		})
	}
	return text
}

// folder applies changes to a table.
type folder struct{ table [][]string }

func (f *folder) add(op string, row []string) {
	if op == "+I" || op == "+U" {
		f.table = append(f.table, row)
		return
	}
	for i := len(f.table) - 1; i >= 0; i-- {
		if slices.Equal(f.table[i], row) {
			f.table = slices.Delete(f.table, i, i+1)
			return
		}
	}
}

// differences gives the rows that only one side has.
func differences(want, got [][]string, typs []string) (missing, extra [][]string) {
	extra = slices.Clone(got)
	for _, w := range want {
		i := slices.IndexFunc(extra, func(g []string) bool { return slices.Equal(w, g) })
		if i < 0 {
			i = slices.IndexFunc(extra, func(g []string) bool { return near(w, g, typs) })
		}
		if i < 0 {
			missing = append(missing, w)
		} else {
			extra = slices.Delete(extra, i, i+1)
		}
	}
	return missing, extra
}

func near(a, b []string, typs []string) bool {
	for i := range a {
		if a[i] == b[i] {
			continue
		}
		x, errX := strconv.ParseFloat(a[i], 64)
		y, errY := strconv.ParseFloat(b[i], 64)
		if !strings.HasPrefix(typs[i], "DOUBLE") || errX != nil || errY != nil || !(math.Abs(x-y) <= 1e-9*max(math.Abs(x), math.Abs(y)) || math.Abs(x-y) < 1e-300) {
			return false
		}
	}
	return true
}

// runWeir runs the script of a folder: the columns, and the table that its query amounts to.
func runWeir(dir string) (names []string, rows [][]string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("internal error: panic: %v", r)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	data, err := os.ReadFile(filepath.Join(dir, "query.sql"))
	if err != nil {
		return nil, nil, err
	}
	text := strings.ReplaceAll(string(data), "${DIR}", dir)
	s, err := session.Open(session.Options{DataDir: filepath.Join(dir, ".weir"), Ephemeral: true, Stdout: io.Discard})
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	stmts, err := sql.Parse(text)
	if err != nil {
		return nil, nil, err
	}
	var f folder
	for _, st := range stmts {
		r, err := s.Execute(ctx, text, st)
		if err != nil {
			return nil, nil, err
		}
		if r.Kind != session.Rows {
			continue
		}
		names = r.Schema.Names()
		running, err := r.Stream(ctx, func(b *vec.Batch) error { return f.batch(b, r.Schema, r.Plan.Settings.Zone) })
		if err == nil {
			err = running.Wait()
		}
		if err == nil && ctx.Err() != nil {
			err = errors.New("internal error: the query does not end")
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return names, f.table, nil
}

func (f *folder) batch(b *vec.Batch, schema types.Schema, zone *time.Location) error {
	for i := range b.Len() {
		row := make([]string, len(schema))
		for c, col := range schema {
			row[c] = "NULL"
			if a := b.Col(c); !a.IsNull(i) {
				row[c] = string(fn.AppendText(nil, col.Type, a, i, zone))
			}
			if bytes, ok := b.Col(c).(*array.Binary); ok && !bytes.IsNull(i) {
				row[c] = fmt.Sprintf("x'%x'", bytes.Value(i))
			}
			row[c] = plain(row[c], col.Type.String())
		}
		f.add(types.KindString(b.Kind(i)), row)
	}
	return nil
}
