package golden

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"weir/connectors/memory"
	"weir/exec/lab"
	"weir/internal/session"
	"weir/planner"
	"weir/sql"
	"weir/sql/ast"
)

// runner runs the blocks of one file.
type runner struct {
	ctx    context.Context
	opts   Options
	report *Report
	s      *session.Session
	dir    string
	faults *lab.Faults            // of the run under way
	tables map[*memory.Table]bool // that were fed
	story  []step
}

func (r *runner) open() (err error) {
	r.s, err = session.Open(session.Options{DataDir: filepath.Join(r.dir, ".weir"), Ephemeral: true, Stdout: io.Discard})
	return err
}

// expand puts the folder's name into a text. Errors and results spell it ${DIR} again.
func (r *runner) expand(text string) string { return strings.ReplaceAll(text, "${DIR}", r.dir) }

func (r *runner) shrink(text string) string { return strings.ReplaceAll(text, r.dir, "${DIR}") }

func (r *runner) parse(src string) (ast.Statement, error) {
	stmt, err := session.ParseOne(src)
	return stmt, withSource(err, src)
}

// withSource gives errors of the parser the text they speak of.
func withSource(err error, src string) error {
	var list *sql.ErrorList
	var one *sql.Error
	switch {
	case errors.As(err, &list):
		for _, e := range list.Errors {
			e.WithSource("", src)
		}
	case errors.As(err, &one):
		return one.WithSource("", src)
	}
	return err
}

func (r *runner) block(b *block) {
	if r.opts.Line != 0 && r.opts.Line != b.line && (b.command == "query" || b.command == "explain") {
		return
	}
	r.report.Blocks++
	got, failure := r.run(b)
	if failure == "" && (!r.opts.Rewrite || b.todo) {
		failure = compare(b, got)
	}
	switch {
	case b.todo && failure != "":
		r.report.Todo++
	case b.todo:
		r.report.Failures = append(r.report.Failures, fmt.Sprintf("%s:%d: %s passes now: take the word todo away", r.report.Path, b.line, b.command))
	case failure != "":
		r.report.Failures = append(r.report.Failures, fmt.Sprintf("%s:%d: %s", r.report.Path, b.line, failure))
	}
	if r.opts.Rewrite && !b.todo && !slices.Equal(normal(b.want), normal(got)) {
		b.got = append([]string{}, got...)
	}
}

// run runs a block: the lines that came, and what is wrong besides.
func (r *runner) run(b *block) (got []string, failure string) {
	var err error
	switch b.command {
	case "sql":
		got, err = r.sql(b)
	case "feed":
		err = r.feed(b)
	case "reshard":
		err = r.reshard(b)
	case "crash", "restore", "advance", "throttle":
		err = r.happens(b)
	case "file":
		err = r.file(b)
	case "output":
		got, err = r.output(b)
	case "explain":
		got, err = r.explain(b)
	case "query":
		return r.query(b)
	}
	if err != nil {
		got = r.errorLines(err)
	}
	return got, bug(err)
}

// bug tells of errors that no file may expect.
func bug(err error) string {
	if err != nil && strings.Contains(err.Error(), "internal error:") {
		return err.Error()
	}
	return ""
}

func (r *runner) errorLines(err error) []string {
	return nonBlank("error: " + r.shrink(err.Error()))
}

func nonBlank(text string) []string {
	var out []string
	for _, l := range strings.Split(text, "\n") {
		if l = strings.TrimRight(l, " \t\r"); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// normal makes lines comparable: blanks between columns, and at ends, do not count.
func normal(text []string) []string {
	out := make([]string, len(text))
	for i, l := range text {
		if c, err := cells(l); err == nil {
			l = strings.Join(c, "  ")
		}
		out[i] = l
	}
	return out
}

// compare tells how the lines differ from those expected; "" if they do not.
func compare(b *block, got []string) string {
	want := b.want
	if b.command == "query" && len(b.args) == 1 && len(want) > 1 && !b.wantsError() {
		want = slices.Clone(want)
		w, g := normal(want[1:]), normal(got[min(1, len(got)):])
		sort.Strings(w)
		sort.Strings(g)
		if slices.Equal(normal(want[:1]), normal(got[:min(1, len(got))])) && slices.Equal(w, g) {
			return ""
		}
	}
	if slices.Equal(normal(want), normal(got)) {
		return ""
	}
	return b.command + " gives\n" + indent(got) + "expected is\n" + indent(want)
}

func indent(text []string) string {
	if len(text) == 0 {
		return "    (nothing)\n"
	}
	var b strings.Builder
	for i, l := range text {
		if i == 40 {
			fmt.Fprintf(&b, "    ... and %d more\n", len(text)-i)
			break
		}
		b.WriteString("    " + l + "\n")
	}
	return b.String()
}

// sql runs statements one by one.
func (r *runner) sql(b *block) (got []string, err error) {
	src := r.expand(b.text())
	stmts, err := sql.Parse(src)
	if err != nil {
		return nil, withSource(err, src)
	}
	for _, stmt := range stmts {
		res, err := r.s.Execute(r.ctx, src, stmt)
		if err != nil {
			return got, err
		}
		for _, w := range res.AllWarnings() {
			got = append(got, nonBlank("warning: "+w.Msg)...)
		}
		switch res.Kind {
		case session.Rows:
			return got, errors.New("a query in a block of sql: write it as a block of query")
		case session.Insert:
			if err := r.insert(src, stmt, res.Plan); err != nil {
				return got, err
			}
		case session.Table:
			got = append(got, tableLines(res)...)
		}
	}
	return got, nil
}

// insert runs an INSERT.
func (r *runner) insert(src string, stmt ast.Statement, plan *planner.Plan) error {
	r.wrap(plan)
	of := func(parallel int) (*planner.Plan, error) {
		if parallel == r.opts.first().Parallel {
			return plan, nil
		}
		other, err := r.s.PlanWith(src, stmt, func(s *planner.Settings) { s.Parallelism = parallel })
		if err == nil {
			r.wrap(other)
		}
		return other, err
	}
	return r.execute(of, r.opts.first(), nil)
}

func tableLines(res *session.Result) []string {
	if res.Plain {
		return nonBlank(res.Cells[0][0])
	}
	var rows []row
	for _, c := range res.Cells {
		var out row
		for _, v := range c {
			out = append(out, quote(v))
		}
		rows = append(rows, out)
	}
	return lines(res.Columns, rows)
}

func (r *runner) explain(b *block) ([]string, error) {
	src := r.expand(b.text())
	stmt, err := r.parse(src)
	if err != nil {
		return nil, err
	}
	plan, err := r.s.PlanWith(src, stmt, func(*planner.Settings) {})
	if err != nil {
		return nil, err
	}
	return nonBlank(r.shrink(planner.Explain(plan))), nil
}

func (r *runner) file(b *block) error {
	path, err := r.inside(b.args[0])
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(b.text()+"\n"), 0o666)
}

func (r *runner) inside(name string) (string, error) {
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("%q is not inside ${DIR}", name)
	}
	return filepath.Join(r.dir, name), nil
}

// output gives the lines of the files below a folder, or of one file.
func (r *runner) output(b *block) ([]string, error) {
	root, err := r.inside(b.args[0])
	if err != nil {
		return nil, err
	}
	var out []string
	err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") {
			return err
		}
		data, err := os.ReadFile(path)
		prefix := ""
		if rel, _ := filepath.Rel(root, filepath.Dir(path)); rel != "." && rel != ".." {
			prefix = rel + ": "
		}
		for _, l := range nonBlank(string(data)) {
			out = append(out, prefix+l)
		}
		return err
	})
	sort.Strings(out)
	return out, err
}
