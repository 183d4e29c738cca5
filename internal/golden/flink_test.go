package golden

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"weir/internal/render"
	"weir/internal/session"
	"weir/sql"
	"weir/sql/vec"
)

// flinkCases are inputs, queries, and what Flink printed for them, beside the repository.
const flinkCases = "../../../shared/golden"

// TestFlink runs each case of flinkCases. not_passing.txt lists those that do not pass yet; it may only shrink.
// A case of expressions has a line for each expression: folder, colon, expression.
func TestFlink(t *testing.T) {
	dirs, err := os.ReadDir(flinkCases)
	if err != nil {
		t.Skipf("THE CASES OF REAL FLINK ARE NOT CHECKED: %v", err)
	}
	open := notPassing(t) // with WEIR_SHRINK=1, those that pass are taken off
	var results []outcome
	done := make(chan []outcome)
	limit := make(chan struct{}, 2)
	n := 0
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		n++
		go func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			done <- flinkCase(t, filepath.Join(flinkCases, d.Name()), d.Name())
		}()
	}
	for range n {
		results = append(results, <-done...)
	}
	sort.Slice(results, func(i, j int) bool { return results[i].name < results[j].name })
	var failing strings.Builder
	for _, o := range results {
		listed := open[o.name]
		delete(open, o.name)
		if o.why != "" {
			fmt.Fprintf(&failing, "%s\t%s\n", o.name, strings.Join(strings.Fields(o.why), " "))
		}
		switch {
		case o.why == "" && listed:
			t.Errorf("%s passes now: delete its line in not_passing.txt (WEIR_SHRINK=1 does)", o.name)
		case o.why != "" && !listed:
			t.Errorf("%s: %s", o.name, o.why)
		}
	}
	shrink(t, results)
	for name := range open {
		t.Errorf("not_passing.txt lists %q: there is no such case", name)
	}
	if path := os.Getenv("WEIR_FLINK_REPORT"); path != "" {
		if err := os.WriteFile(path, []byte(failing.String()), 0o666); err != nil {
			t.Error(err)
		}
	}
}

// shrink takes the cases that pass off not_passing.txt, where WEIR_SHRINK is set.
func shrink(t *testing.T, results []outcome) {
	if os.Getenv("WEIR_SHRINK") == "" {
		return
	}
	data, err := os.ReadFile("not_passing.txt")
	if err != nil {
		t.Fatal(err)
	}
	text := "\n" + string(data)
	for _, o := range results {
		if o.why == "" {
			text = strings.Replace(text, "\n"+o.name+"\n", "\n", 1)
		}
	}
	if err := os.WriteFile("not_passing.txt", []byte(text[1:]), 0o666); err != nil {
		t.Fatal(err)
	}
}

func notPassing(t *testing.T) map[string]bool {
	data, err := os.ReadFile("not_passing.txt")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	open := map[string]bool{}
	for _, line := range strings.Split(string(data), "\n") {
		if line != "" && !strings.HasPrefix(line, "#") {
			open[line] = true
		}
	}
	return open
}

// outcome is what came of a case; why is empty where it passed.
type outcome struct{ name, why string }

func flinkCase(t *testing.T, dir, name string) []outcome {
	work := filepath.Join(t.TempDir(), name)
	if err := copyCase(dir, work); err != nil {
		return []outcome{{name, err.Error()}}
	}
	if _, err := os.Stat(filepath.Join(dir, "exprs.txt")); err == nil {
		return expressions(dir, work, name)
	}
	return []outcome{{name, wholeCase(dir, work)}}
}

// copyCase copies a case without its answers.
func copyCase(from, to string) error {
	if err := os.Mkdir(to, 0o777); err != nil {
		return err
	}
	files, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, f := range files {
		switch f.Name() {
		case "expected.jsonl", "changelog.jsonl", "error.txt", "out":
			continue
		}
		data, err := os.ReadFile(filepath.Join(from, f.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, f.Name()), data, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// script runs a text as `weir run -o changelog` does.
func script(dir, text string) (out string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if text, err = session.Substitute(text, map[string]string{"DIR": dir}); err != nil {
		return "", err
	}
	s, err := session.Open(session.Options{DataDir: filepath.Join(dir, ".weir"), Ephemeral: true, Stdout: io.Discard})
	if err != nil {
		return "", err
	}
	defer s.Close()
	stmts, err := sql.Parse(text)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	for _, st := range stmts {
		r, err := s.Execute(ctx, text, st)
		if err != nil {
			return "", err
		}
		switch r.Kind {
		case session.Rows:
			err = runQuery(ctx, r, &b)
		case session.Insert:
			var job *session.Job
			if job, err = r.Start(ctx); err == nil {
				err = job.Wait()
			}
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func runQuery(ctx context.Context, r *session.Result, out io.Writer) error {
	w, err := render.New("changelog", out, r.Schema, render.Options{Zone: r.Plan.Settings.Zone})
	if err != nil {
		return err
	}
	running, err := r.Stream(ctx, func(b *vec.Batch) error { return w.Write(b) })
	if err != nil {
		return err
	}
	if err := running.Wait(); err != nil {
		return err
	}
	return w.Close(nil)
}

// meta is what meta.json says that matters here.
type meta struct {
	Kind       string
	ErrorClass string `json:"error_class"`
	Compare    map[string]string
}

// wholeCase runs a case with one script and tells why it does not pass.
func wholeCase(dir, work string) string {
	var m meta
	if err := readJSON(filepath.Join(dir, "meta.json"), &m); err != nil {
		return err.Error()
	}
	text, err := os.ReadFile(filepath.Join(work, "query.sql"))
	if err != nil {
		return err.Error()
	}
	out, err := script(work, string(text))
	if m.Kind == "error" {
		switch {
		case err == nil && m.ErrorClass != "not supported by Flink":
			return "should fail, but does not"
		case err != nil && (strings.Contains(err.Error(), "panic") || strings.Contains(err.Error(), "internal error")):
			return err.Error()
		}
		return ""
	}
	if err != nil {
		return err.Error()
	}
	expected, err := os.ReadFile(filepath.Join(dir, "expected.jsonl"))
	if err != nil {
		return err.Error()
	}
	wanted := strings.Split(strings.TrimSpace(string(expected)), "\n")
	if wanted[0] == "" {
		wanted = nil
	}
	if m.Kind == "sink" {
		return compareSink(wanted, filepath.Join(work, "out"))
	}
	var cols []column
	if err := readJSON(filepath.Join(dir, "schema.json"), &cols); err != nil {
		return err.Error()
	}
	return compareRows(wanted, out, cols, m.Compare)
}

func readJSON(path string, to any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, to)
}

func compareRows(wanted []string, out string, cols []column, how map[string]string) string {
	var want []tuple
	for _, line := range wanted {
		v, err := decode(line)
		if err != nil {
			return err.Error()
		}
		t, err := tupleOf(v.(*object), cols, how)
		if err != nil {
			return err.Error()
		}
		want = append(want, t)
	}
	got, err := materialise(out, cols, how)
	if err != nil {
		return err.Error()
	}
	missing, extra := subtract(want, got)
	if len(missing)+len(extra) == 0 {
		return ""
	}
	var names []string
	for _, c := range cols {
		names = append(names, c.Name)
	}
	why := fmt.Sprintf("%d rows expected, %d given", len(want), len(got))
	if len(missing) > 0 {
		why += "; missing " + missing[0].show(names)
	}
	if len(extra) > 0 {
		why += "; extra " + extra[0].show(names)
	}
	return why
}

func compareSink(wanted []string, root string) string {
	count := map[string]int{}
	for _, line := range wanted {
		var w struct{ Dir, Line string }
		if err := json.Unmarshal([]byte(line), &w); err != nil {
			return err.Error()
		}
		count[sinkKey(w.Dir, w.Line)]++
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") {
			return err
		}
		data, err := os.ReadFile(path)
		dir, _ := filepath.Rel(root, filepath.Dir(path))
		if dir == "." {
			dir = ""
		}
		for _, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
			count[sinkKey(dir, line)]--
		}
		return err
	})
	if err != nil {
		return err.Error()
	}
	var wrong []string
	for k, n := range count {
		if n != 0 {
			wrong = append(wrong, fmt.Sprintf("%+d %q", -n, k))
		}
	}
	sort.Strings(wrong)
	return strings.Join(wrong[:min(4, len(wrong))], "; ")
}

// exprCase is an expression and what Flink makes of it.
type exprCase struct {
	Expr, Type, Error, Compare string
	Value                      json.RawMessage
	Values                     []json.RawMessage
}

// expressions runs a folder of scalar expressions, many in one query, fewer where one of them fails.
func expressions(dir, work, name string) (out []outcome) {
	data, err := os.ReadFile(filepath.Join(dir, "expected.jsonl"))
	if err != nil {
		return []outcome{{name, err.Error()}}
	}
	table, _ := os.ReadFile(filepath.Join(work, "table.sql")) // absent: expressions of literals alone
	var good, bad []exprCase
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		var c exprCase
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			return []outcome{{name, err.Error()}}
		}
		if c.Error != "" {
			bad = append(bad, c)
		} else {
			good = append(good, c)
		}
	}
	x := &exprRun{work: work, table: string(table), name: name}
	for len(good) > 0 {
		n := min(25, len(good))
		x.some(good[:n])
		good = good[n:]
	}
	for _, c := range bad {
		x.some([]exprCase{c})
	}
	return x.out
}

type exprRun struct {
	work, table, name string
	out               []outcome
}

func (x *exprRun) add(c exprCase, why string) {
	x.out = append(x.out, outcome{x.name + ": " + c.Expr, why})
}

// some evaluates expressions, halving their number until those that fail are alone.
func (x *exprRun) some(cases []exprCase) {
	rows, err := x.evaluate(cases)
	switch {
	case err != nil && len(cases) > 1:
		x.some(cases[:len(cases)/2])
		x.some(cases[len(cases)/2:])
	case err != nil && cases[0].Error != "":
		why := ""
		if strings.Contains(err.Error(), "panic") || strings.Contains(err.Error(), "internal error") {
			why = err.Error()
		}
		x.add(cases[0], why)
	case err != nil:
		x.add(cases[0], err.Error())
	default:
		for i, c := range cases {
			x.add(c, c.judge(rows, fmt.Sprintf("e%d", i)))
		}
	}
}

func (x *exprRun) evaluate(cases []exprCase) (rows []*object, err error) {
	var b strings.Builder
	from := "FROM (VALUES (1)) AS lit(x);"
	b.WriteString(x.table + "SELECT ")
	if x.table != "" {
		b.WriteString("rid, ")
		from = "FROM t;"
	}
	for i, c := range cases {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "%s AS e%d", c.Expr, i)
	}
	out, err := script(x.work, b.String()+" "+from)
	if err != nil {
		return nil, err
	}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		v, err := decode(line)
		if err != nil {
			return nil, err
		}
		r, _ := v.(*object).get("row")
		rows = append(rows, r.(*object))
	}
	sort.SliceStable(rows, func(i, j int) bool {
		a, _ := rows[i].get("rid")
		b, _ := rows[j].get("rid")
		return fmt.Sprint(a) < fmt.Sprint(b)
	})
	return rows, nil
}

func (c *exprCase) judge(rows []*object, name string) string {
	if c.Error != "" {
		return "should fail: " + c.Error
	}
	want := c.Values
	if want == nil {
		want = []json.RawMessage{c.Value}
	}
	if len(want) != len(rows) {
		return fmt.Sprintf("%d rows, expected %d", len(rows), len(want))
	}
	for i, w := range want {
		v, err := decode(string(w))
		if err != nil {
			return err.Error()
		}
		got, _ := rows[i].get(name)
		if !comparable(v, c.Type, c.Compare).near(comparable(got, c.Type, c.Compare)) {
			return fmt.Sprintf("expected %s, got %s (%s)", spell(v), spell(got), c.Type)
		}
	}
	return ""
}
