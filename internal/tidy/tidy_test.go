package tidy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The bounds. Tables, typed kernels and the two type switches are excepted by name in longNames.
const (
	maxFuncLines = 70
	maxFileLines = 500
)

// longNames are functions and files that may be longer, each because it is one table or one type
// switch that would be harder to read in pieces. The list may only shrink.
var longNames = map[string]string{}

type source struct {
	path string // from the root, with slashes
	fset *token.FileSet
	file *ast.File
	test bool
}

// sources parses every Go file of the repository.
func sources(t *testing.T) []source {
	t.Helper()
	root := filepath.Join("..", "..")
	var out []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		out = append(out, source{filepath.ToSlash(rel), fset, f, strings.HasSuffix(name, "_test.go")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 10 {
		t.Fatalf("only %d Go files found under %s", len(out), root)
	}
	return out
}

func TestSizes(t *testing.T) {
	used := map[string]bool{}
	for _, s := range sources(t) {
		if lines := s.fset.Position(s.file.FileEnd).Line; lines > maxFileLines && !excepted(s.path, used) {
			t.Errorf("%s has %d lines; at most %d", s.path, lines, maxFileLines)
		}
		for _, d := range s.file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			lines := s.fset.Position(fn.End()).Line - s.fset.Position(fn.Pos()).Line + 1
			if lines > maxFuncLines && !excepted(s.path+":"+fn.Name.Name, used) {
				t.Errorf("%s: %s has %d lines; at most %d", s.fset.Position(fn.Pos()), fn.Name.Name, lines, maxFuncLines)
			}
		}
	}
	for name := range longNames {
		if !used[name] {
			t.Errorf("%s is excepted but short enough: take it off the list", name)
		}
	}
}

func excepted(name string, used map[string]bool) bool {
	if _, ok := longNames[name]; !ok {
		return false
	}
	used[name] = true
	return true
}

// walls says which of our own packages a package may import, by prefix of its folder. The first
// match of the longest prefix counts; tests may import more.
var walls = []struct {
	pkg   string
	allow []string
}{
	{"sql/types", nil},
	{"sql/ast", nil},
	{"sql/vec", []string{"sql/types"}},
	{"sql/fn", []string{"sql/types", "sql/vec", "internal/spell"}},
	{"sql", []string{"sql/types", "sql/ast", "internal/spell"}},
	{"connectors/option", []string{"internal/spell"}},
	{"connectors/format", []string{"sql/types", "sql/vec", "sql/fn", "connectors", "connectors/option"}},
	{"connectors/kinesis/local", nil},
	{"connectors/all", []string{"connectors"}},
	{"connectors/models", []string{"sql/types", "sql/vec", "sql/fn", "connectors", "connectors/option", "connectors/format", "connectors/http", "connectors/models"}},
	{"connectors", []string{"sql/types", "sql/vec", "sql/fn", "connectors", "connectors/option", "connectors/format", "connectors/aws"}},
	{"planner", []string{"sql", "sql/ast", "sql/types", "sql/vec", "sql/fn", "connectors", "connectors/option", "exec/expr"}},
	{"exec/state", []string{"sql/types", "sql/vec"}},
	{"exec/expr", []string{"sql/types", "sql/vec", "sql/fn", "planner"}},
	{"exec/op", []string{"sql/types", "sql/vec", "sql/fn", "planner", "exec/state", "exec/expr"}},
	{"exec/checkpoint", []string{"sql/types", "exec/state"}},
	{"exec", []string{"sql/types", "sql/vec", "sql/fn", "planner", "connectors", "exec"}},
	{"internal/session", []string{"sql", "planner", "exec", "connectors", "internal/buildinfo"}},
	{"internal/jobserver", []string{"sql", "planner", "exec", "connectors", "internal/session"}},
	{"internal/golden", []string{"sql", "planner", "exec", "connectors", "internal/session"}},
	{"internal/render", []string{"sql/types", "sql/vec", "sql/fn"}},
	{"internal", nil},
	{"notebooks", []string{"sql", "internal/session"}},
	{"cmd", []string{"sql", "planner", "exec", "connectors", "internal", "notebooks", "cmd"}},
	{"examples", []string{"sql", "connectors", "internal/session", "internal/render", "examples"}},
}

// prefixWalls are packages whose whole subtree is allowed when the name itself is.
var prefixWalls = map[string]bool{"cmd": true, "internal/session": true, "internal/jobserver": true, "internal/golden": true, "exec": true, "connectors/all": true, "notebooks": true, "examples": true}

// foreign says which packages alone may import a module.
var foreign = []struct {
	module string
	only   []string
}{
	{"github.com/pingcap/", []string{"sql"}},
	{"github.com/aws/", []string{"connectors/aws", "connectors/kinesis", "connectors/dynamodb"}},
	{"github.com/cockroachdb/pebble", []string{"exec/state", "connectors/kinesis/local"}},
	{"github.com/chzyer/readline", []string{"cmd/weir/repl"}},
	{"github.com/prometheus/client_golang", []string{"internal/jobserver"}},
	{"github.com/spf13/cobra", []string{"cmd/weir"}},
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		pkg := filepath.ToSlash(filepath.Dir(s.path))
		for _, imp := range s.file.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			pos := s.fset.Position(imp.Pos())
			if own, ok := strings.CutPrefix(path, "weir/"); ok && !mayImport(pkg, own) {
				t.Errorf("%s: %s must not import %s (docs/ARCHITECTURE.md, walls)", pos, pkg, own)
			}
			for _, f := range foreign {
				if strings.HasPrefix(path, f.module) && !contains(f.only, pkg) {
					t.Errorf("%s: only %v may import %s", pos, f.only, f.module)
				}
			}
		}
	}
}

func mayImport(pkg, own string) bool {
	for _, w := range walls {
		if pkg != w.pkg && !strings.HasPrefix(pkg, w.pkg+"/") {
			continue
		}
		for _, a := range w.allow {
			if own == a || prefixWalls[w.pkg] && strings.HasPrefix(own, a+"/") {
				return true
			}
		}
		return own == pkg || pkg == w.pkg && strings.HasPrefix(own, pkg+"/") && prefixWalls[w.pkg] || strings.HasPrefix(pkg, "connectors/") && strings.HasPrefix(own, pkg+"/")
	}
	return false
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// TestBans keeps clocks, goroutines and randomness out of operators, and init functions and
// reference counting out of everything.
func TestBans(t *testing.T) {
	for _, s := range sources(t) {
		inOp := strings.HasPrefix(s.path, "exec/op/") && !s.test
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Name.Name == "init" && n.Recv == nil {
					t.Errorf("%s: no init functions: things are listed, not registered", s.fset.Position(n.Pos()))
				}
			case *ast.GoStmt:
				if inOp {
					t.Errorf("%s: an operator starts no goroutine", s.fset.Position(n.Pos()))
				}
			case *ast.CallExpr:
				banCall(t, s, n, inOp)
			}
			return true
		})
		for _, imp := range s.file.Imports {
			if inOp && strings.HasPrefix(imp.Path.Value, `"math/rand`) {
				t.Errorf("%s: an operator has no randomness", s.fset.Position(imp.Pos()))
			}
		}
	}
}

func banCall(t *testing.T, s source, call *ast.CallExpr, inOp bool) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	pos := s.fset.Position(call.Pos())
	if x, ok := sel.X.(*ast.Ident); ok && inOp && x.Name == "time" && (sel.Sel.Name == "Now" || sel.Sel.Name == "Sleep" || sel.Sel.Name == "After") {
		t.Errorf("%s: an operator reads no clock: use Context", pos)
	}
	if !s.test && len(call.Args) == 0 && (sel.Sel.Name == "Retain" || sel.Sel.Name == "Release") && !strings.HasPrefix(s.path, "sql/vec/") {
		t.Errorf("%s: no reference counting on Arrow: the garbage collector owns it", pos)
	}
}

// TestDocs wants a comment on every package and every exported name.
func TestDocs(t *testing.T) {
	hasDoc := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		dir := filepath.Dir(s.path)
		hasDoc[dir] = hasDoc[dir] || s.file.Doc != nil
		for _, d := range s.file.Decls {
			undocumented(t, s, d)
		}
	}
	for dir, ok := range hasDoc {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

func undocumented(t *testing.T, s source, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || exportedRecv(d)) && !groupedMethod(s, d) {
			t.Errorf("%s: %s has no comment", s.fset.Position(d.Pos()), d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.IsExported() && ts.Doc == nil && d.Doc == nil {
				t.Errorf("%s: %s has no comment", s.fset.Position(ts.Pos()), ts.Name.Name)
			}
		}
	}
}

func exportedRecv(d *ast.FuncDecl) bool {
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

// groupedMethod allows one comment over a block of one-line methods of the same name or kind (the
// methods that every node of a closed set has).
func groupedMethod(s source, d *ast.FuncDecl) bool {
	return d.Recv != nil && s.fset.Position(d.Pos()).Line == s.fset.Position(d.End()).Line
}

func TestReadmeCommandsRunInCI(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	ci, err := os.ReadFile("../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	const command = "go test ./..."
	if !strings.Contains(string(readme), command) || !strings.Contains(string(ci), command) {
		t.Errorf("README.md and .ci/run must both name the test command %q", command)
	}
}
