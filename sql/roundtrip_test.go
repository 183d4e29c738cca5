package sql

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"weir/sql/ast"
)

// corpus gathers the statements of the testdata and, where it is there, of the collected corpus next to the
// repository; those the lexer must refuse are left out.
func corpus(t testing.TB) []string {
	t.Helper()
	var list []string
	for _, pattern := range []string{"testdata/corpus/*.sql", "../../shared/corpus/*.sql"} {
		files, _ := filepath.Glob(pattern)
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range Split(string(b)) {
				if !strings.Contains(p.Text, `"abc"`) && !strings.Contains(p.Text, "SELECT # ") {
					list = append(list, p.Text)
				}
			}
		}
	}
	return list
}

// TestRoundTrip prints what was parsed and parses it again: the tree is the same, spans aside.
func TestRoundTrip(t *testing.T) {
	for _, src := range corpus(t) {
		first, err := ParseStatement(src)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		text := Print(first)
		second, err := ParseStatement(text)
		if err != nil {
			t.Errorf("%s\nprinted as\n%s\n%v", src, text, err)
			continue
		}
		a, b := withoutSpans(first), withoutSpans(second)
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s\nprinted as\n%s\nis another tree", src, text)
		}
		if again := Print(second); again != text {
			t.Errorf("printed as\n%s\nand then as\n%s", text, again)
		}
	}
}

// withoutSpans zeroes every span of a freshly parsed tree.
func withoutSpans(n ast.Node) ast.Node {
	clearSpans(reflect.ValueOf(n))
	return n
}

func clearSpans(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			clearSpans(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			clearSpans(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[ast.Span]() {
			v.SetZero()
			return
		}
		for i := range v.NumField() {
			clearSpans(v.Field(i))
		}
	}
}

// TestSpans takes the text of each node out of the source, parses that alone, and finds the same node.
func TestSpans(t *testing.T) {
	checked := 0
	for _, src := range corpus(t) {
		stmt, err := ParseStatement(src)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		starts, ends := map[int]bool{}, map[int]bool{}
		for _, tok := range lex(src).toks {
			starts[tok.Start], ends[tok.End] = true, true
		}
		ast.Walk(stmt, func(n ast.Node) bool {
			s := n.Range()
			if s.Len() <= 0 && !strings.Contains(src, "FIRST ROW ONLY") || s.End > len(src) {
				t.Fatalf("%s\n%T has no span: %v", src, n, s)
			}
			if s.Len() > 0 && (!starts[s.Start] || !ends[s.End]) {
				t.Errorf("%s\n%T %q does not end where tokens do", src, n, src[s.Start:s.End])
			}
			checked++
			checkText(t, n, src[s.Start:s.End])
			return true
		})
	}
	if checked < 3000 {
		t.Errorf("only %d nodes checked", checked)
	}
}

func checkText(t *testing.T, n ast.Node, text string) {
	t.Helper()
	var again ast.Node
	var err error
	switch n := n.(type) {
	case *ast.Symbol, *ast.TableArg, *ast.NamedArg, *ast.ModelArg, *ast.Quantified:
		return
	case ast.Expr:
		if l, ok := n.(*ast.Literal); ok && !strings.HasPrefix(l.Text, "'") {
			return // a bare setting, or FETCH without a number
		}
		if text == "LEFT" || text == "RIGHT" {
			return // names only in front of "("
		}
		again, err = ParseExpr(text)
	case ast.Statement:
		again, err = ParseStatement(text)
	case ast.Query:
		again, err = ParseStatement(text)
		if q, ok := again.(*ast.QueryStatement); ok {
			again = q.Query
		}
	case ast.Relation:
		again, err = ParseStatement("SELECT * FROM " + text)
		if q, ok := again.(*ast.QueryStatement); ok {
			if s, ok := q.Query.(*ast.Select); ok {
				again = s.From
			}
		}
	case *ast.TypeName:
		again, err = ParseType(text)
	default:
		return
	}
	if err != nil {
		t.Errorf("%T %q: %v", n, text, err)
		return
	}
	if a, b := Print(n), Print(again); a != b {
		t.Errorf("%T %q: its text is\n%s\nbut it is\n%s", n, text, b, a)
	}
}

// TestChildrenInside checks that each node's span holds those of its children.
func TestChildrenInside(t *testing.T) {
	for _, src := range corpus(t) {
		stmt, err := ParseStatement(src)
		if err != nil {
			continue
		}
		var visit func(parent ast.Node) func(ast.Node) bool
		visit = func(parent ast.Node) func(ast.Node) bool {
			return func(n ast.Node) bool {
				if n == parent {
					return true
				}
				p, s := parent.Range(), n.Range()
				if s.Start < p.Start || s.End > p.End {
					t.Errorf("%s\n%T %v is not inside its %T %v", src, n, s, parent, p)
				}
				ast.Walk(n, visit(n))
				return false
			}
		}
		ast.Walk(stmt, visit(stmt))
	}
}
