package planner

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/connectors"
	"weir/connectors/option"
	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

var rewrite = flag.Bool("rewrite", false, "write what the tests get into their files")

// fakeTable is a connector for tests: it takes every option a test writes.
type fakeTable struct {
	source types.ChangelogMode
	sink   types.ChangelogMode
	rest   map[string]string
	secret string
}

func (f *fakeTable) Options(o *option.Set) {
	o.String(&f.secret, "password", "", "A secret.").Secret()
	o.String(new(string), "topic", "", "A topic.")
	o.String(new(string), "path", "", "A path.")
	o.String(new(string), "format", "", "A format.")
	o.Map(&f.rest, "x.*", "Anything.")
}

type fakeSource struct{ fakeTable }

func (f *fakeSource) Source(*connectors.TableDesc, connectors.Scan, *connectors.Env) (connectors.Source, error) {
	return bounded{}, nil
}

// bounded is a source with an end; it does not run.
type bounded struct{ connectors.Source }

// Bounded tells that it ends.
func (bounded) Bounded() bool { return true }

func (f *fakeSource) Metadata() []connectors.MetadataKey {
	return []connectors.MetadataKey{
		{Key: "timestamp", Type: types.LTZType(3).WithNull(false)},
		{Key: "shard-id", Type: types.VarCharType(128).WithNull(false)},
		{Key: "sequence-number", Type: types.VarCharType(128).WithNull(false)},
	}
}

func (f *fakeSource) SourceMode(*connectors.TableDesc) (types.ChangelogMode, error) {
	return f.source, nil
}

type fakeBoth struct{ fakeSource }

func (f *fakeBoth) SinkMode(_ *connectors.TableDesc, requested types.ChangelogMode) (types.ChangelogMode, error) {
	return requested & f.sink, nil
}

func (f *fakeBoth) Sink(*connectors.TableDesc, *connectors.Env, int, int) (connectors.Sink, error) {
	return nil, errors.New("a fake does not run")
}

func (f *fakeBoth) WritableMetadata() []connectors.MetadataKey {
	return []connectors.MetadataKey{{Key: "timestamp", Type: types.LTZType(3)}}
}

func fakes() map[string]connectors.Connector {
	out := map[string]connectors.Connector{}
	add := func(name string, source, sink types.ChangelogMode) {
		out[name] = connectors.Connector{Name: name, New: func() connectors.Config {
			f := &fakeBoth{}
			f.source, f.sink = source, sink
			return f
		}}
	}
	add("fake", types.AppendMode, types.AppendMode)
	add("filesystem", types.AppendMode, types.AppendMode)
	add("upsert", types.UpsertMode, types.UpsertMode)
	add("cdc", types.RetractMode, types.RetractMode)
	out["source"] = connectors.Connector{Name: "source", New: func() connectors.Config {
		f := &fakeSource{}
		f.source = types.AppendMode
		return f
	}}
	return out
}

func newPlanner() *Planner {
	return &Planner{Catalog: NewCatalog(), Connectors: fakes(), Env: &connectors.Env{}, Settings: Settings{Zone: time.UTC, Parallelism: 1}}
}

// run runs DDL and gives the plan of the last query or insert of a script.
func run(p *Planner, script string) (*Plan, error) {
	stmts, err := sql.Parse(script)
	if err != nil {
		return nil, err
	}
	var plan *Plan
	for _, s := range stmts {
		got, err := runOne(p, s, script)
		if err != nil {
			var e *sql.Error
			var l *sql.ErrorList
			if errors.As(err, &l) {
				for _, one := range l.Errors {
					one.WithSource("", script)
				}
			} else if errors.As(err, &e) {
				e.WithSource("", script)
			}
			return nil, err
		}
		if got != nil {
			plan = got
		}
	}
	return plan, nil
}

func runOne(p *Planner, s ast.Statement, src string) (*Plan, error) {
	switch s := s.(type) {
	case *ast.CreateTable:
		if s.As != nil {
			return p.CreateTableAs(s, src)
		}
		return nil, p.CreateTable(s, src)
	case *ast.CreateView:
		return nil, p.CreateView(s, src)
	case *ast.Drop:
		return nil, p.Catalog.Drop(s)
	case *ast.Use:
		return nil, p.Catalog.Use(s)
	case *ast.AlterTable:
		return nil, p.AlterTable(s, src)
	case *ast.AlterView:
		return nil, p.AlterView(s, src)
	case *ast.CreateDatabase:
		return nil, p.Catalog.CreateDatabase(s)
	case *ast.Set:
		if s.Key != nil && s.Key.Value == "execution.runtime-mode" {
			p.Settings.Batch = s.Value.Value == "batch"
		}
		if s.Key != nil && s.Key.Value == "parallelism.default" {
			_, _ = fmt.Sscan(s.Value.Value, &p.Settings.Parallelism)
			p.Settings.TwoPhase = true
		}
		return nil, nil
	case *ast.QueryStatement:
		return p.PlanQuery(s.Query)
	case *ast.Insert:
		return p.PlanInsert(s)
	case *ast.StatementSet:
		return p.PlanStatementSet(s)
	}
	return nil, fmt.Errorf("the test runs no %T", s)
}

// TestGolden runs testdata/*.plan: cases of command, input, "----" and what is expected, parted by
// empty lines. Commands: setup (DDL for the cases below it), explain (of the last statement), ddl
// (SHOW CREATE of each table made).
func TestGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.plan")
	if len(files) == 0 {
		t.Fatal("no testdata/*.plan")
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) { goldenFile(t, f) })
	}
}

func goldenFile(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	setup := ""
	for _, c := range splitCases(string(data)) {
		if c.command == "" {
			out.WriteString(c.comment)
			continue
		}
		got := runCase(c, &setup)
		fmt.Fprintf(&out, "%s%s\n%s\n----\n%s\n", c.comment, c.command, c.input, got)
		if got != c.want && !*rewrite {
			t.Errorf("%s: %s\ngot:\n%s\nwant:\n%s", path, c.input, got, c.want)
		}
	}
	if *rewrite {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func runCase(c testCase, setup *string) string {
	p := newPlanner()
	switch c.command {
	case "setup":
		*setup = c.input + "\n"
		if _, err := run(p, *setup); err != nil {
			return "error: " + err.Error() + "\n"
		}
		return ""
	case "explain":
		if _, err := run(p, *setup); err != nil {
			return "error in setup: " + err.Error() + "\n"
		}
		plan, err := run(p, c.input)
		if err != nil {
			return "error: " + err.Error() + "\n"
		}
		if plan == nil {
			return "ok\n"
		}
		return Explain(plan)
	}
	if _, err := run(p, *setup); err != nil {
		return "error in setup: " + err.Error() + "\n"
	}
	plan, err := run(p, c.input)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	switch c.command {
	case "ddl":
		return lastDDL(p, c.input)
	case "json":
		return ExplainJSON(plan)
	case "lint":
		var b strings.Builder
		for _, w := range Lint(plan) {
			fmt.Fprintf(&b, "%s; %s\n", w.Msg, w.Hint)
		}
		return b.String()
	}
	return "unknown command\n"
}

// lastDDL prints the table or view that the last statement made, then reads its print again: that must
// print the same.
func lastDDL(p *Planner, script string) string {
	stmts, _ := sql.Parse(script)
	var name *ast.Name
	switch s := stmts[len(stmts)-1].(type) {
	case *ast.CreateTable:
		name = s.Name
	case *ast.CreateView:
		name = s.Name
	case *ast.AlterTable:
		name = s.Name
		if r, ok := s.Action.(*ast.RenameTo); ok {
			name = r.Name
		}
	case *ast.AlterView:
		name = s.Name
	default:
		return "ok\n"
	}
	path, _ := p.Catalog.Path(name)
	t, v := p.Catalog.Lookup(path)
	if v != nil {
		return ViewDDL(v)
	}
	again := newPlanner()
	if _, err := run(again, strings.Join(p.Catalog.PersistentDDL(), ";\n")); err != nil {
		return "the DDL does not read: " + err.Error() + "\n" + DDL(t, true)
	}
	if t2, _ := again.Catalog.Lookup(path); DDL(t2, true) != DDL(t, true) {
		return "its DDL reads as another:\n" + DDL(t2, true)
	}
	return DDL(t, false)
}

type testCase struct{ comment, command, input, want string }

// splitCases reads a test file. A case ends before the next command line that follows an empty line.
func splitCases(text string) []testCase {
	var out []testCase
	for _, block := range strings.Split("\n"+text, "\n\n") {
		block = strings.TrimPrefix(block, "\n")
		if strings.TrimSpace(block) == "" {
			continue
		}
		c := testCase{}
		for strings.HasPrefix(block, "#") {
			line, rest, _ := strings.Cut(block, "\n")
			c.comment += line + "\n"
			block = rest
		}
		head, want, ok := strings.Cut(block, "\n----")
		if !ok {
			if len(out) > 0 && c.comment == "" { // an empty line inside what is expected
				out[len(out)-1].want += "\n" + strings.TrimSuffix(block, "\n") + "\n"
				continue
			}
			c.comment += block
			out = append(out, c)
			continue
		}
		c.command, c.input, _ = strings.Cut(head, "\n")
		c.want = strings.TrimPrefix(want, "\n")
		if c.want != "" {
			c.want = strings.TrimSuffix(c.want, "\n") + "\n"
		}
		out = append(out, c)
	}
	return out
}

// looseTable takes any option; its format says whether it gives changes.
type looseTable struct {
	fakeBoth
	format string
}

func (f *looseTable) Options(o *option.Set) {
	o.String(&f.format, "format", "", "A format.")
	o.Map(&f.rest, "*", "Anything.")
}

func (f *looseTable) SourceMode(*connectors.TableDesc) (types.ChangelogMode, error) {
	switch f.format {
	case "debezium-json", "canal-json", "maxwell-json", "ogg-json":
		return types.RetractMode, nil
	}
	return types.AppendMode, nil
}

func (f *looseTable) SinkMode(_ *connectors.TableDesc, requested types.ChangelogMode) (types.ChangelogMode, error) {
	if m, _ := f.SourceMode(nil); !m.AppendOnly() {
		return requested, nil
	}
	return types.AppendMode, nil
}

func looseConnector() connectors.Connector {
	return connectors.Connector{Name: "filesystem", New: func() connectors.Config { return &looseTable{} }}
}
