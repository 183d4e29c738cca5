package fn

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/sql/vec"
)

func evalExample(sql string) (string, string, error) {
	n, err := readSQL(sql)
	if err != nil {
		return "", "", err
	}
	v, err := (&sqlEnv{ctx: newTestCtx(), n: 1}).eval(n)
	if err != nil {
		return "", "", err
	}
	return v.typ.String(), v.show(0), nil
}

func TestExamples(t *testing.T) {
	for _, f := range All() {
		if f.Group == "" || f.Syntax == "" || f.Doc == "" {
			t.Errorf("%s lacks group, syntax or doc", f.Name)
		}
		for _, e := range f.Examples {
			_, got, err := evalExample(e.SQL)
			if want, isErr := strings.CutPrefix(e.Want, "error: "); isErr {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: want error %q, got %q, %v", e.SQL, want, got, err)
				}
				continue
			}
			if err != nil || got != e.Want {
				t.Errorf("%s: want %q, got %q, %v", e.SQL, e.Want, got, err)
			}
		}
	}
}

func TestLookup(t *testing.T) {
	for _, name := range []string{"upper", "Char_Length", "CHARACTER_LENGTH", "||", "ceiling"} {
		if _, ok := Lookup(name); !ok {
			t.Errorf("no function %q", name)
		}
	}
	for name, want := range map[string]string{"UPER": "UPPER", "SUBSRTING": "SUBSTRING", "JSON_VALEU": "JSON_VALUE", "ZZZZZZZZ": ""} {
		if got := Nearest(name); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

// columnsOf makes the constants of an example columns of n rows: a value or NULL by a rhythm of its
// own for each constant, and cut out of a longer column so that the offset is not 0.
func columnsOf(n int) func(*sqlNode) (vec.Vec, bool) {
	return func(c *sqlNode) (vec.Vec, bool) {
		idx := make([]int32, n+3)
		for i := range idx {
			if (i+2*c.num)%7 == 5 {
				idx[i] = -1
			}
		}
		return vec.ColVec(vec.Take(c.lit.Arr, idx)).Slice(3, n+3), true
	}
}

// TestExamplesAsColumns evaluates each example over columns and row by row; both must agree.
func TestExamplesAsColumns(t *testing.T) {
	ran := 0
	for _, f := range All() {
		for _, e := range f.Examples {
			if strings.HasPrefix(e.Want, "error: ") {
				continue
			}
			n, err := readSQL(e.SQL)
			if err != nil {
				t.Fatal(err)
			}
			for _, rows := range []int{0, 1, 3, 1024} {
				if !checkColumns(t, e.SQL, n, rows) {
					break
				}
				ran++
			}
		}
	}
	if ran < 400 {
		t.Errorf("only %d runs: most examples should work on columns", ran)
	}
}

func checkColumns(t *testing.T, sql string, n *sqlNode, rows int) bool {
	consts := columnsOf(rows)
	all, err := (&sqlEnv{ctx: newTestCtx(), n: rows, consts: consts}).eval(n)
	if errors.Is(err, errNullKey) {
		return true
	}
	if err != nil {
		if rows == 0 {
			return false // it wants a constant
		}
		t.Errorf("%s over %d rows: %v", sql, rows, err)
		return false
	}
	for i := range min(rows, 40) {
		one, err := (&sqlEnv{ctx: newTestCtx(), n: 1, consts: func(c *sqlNode) (vec.Vec, bool) {
			v, ok := consts(c)
			return v.Slice(i, i+1), ok
		}}).eval(n)
		if err != nil {
			t.Errorf("%s row %d of %d: %v", sql, i, rows, err)
			return false
		}
		if got, want := all.show(i), one.show(0); got != want {
			t.Errorf("%s row %d of %d: as a column %q, alone %q", sql, i, rows, got, want)
			return false
		}
	}
	return true
}

// flinkAnswer is what the real Flink gave for a constant expression.
type flinkAnswer struct {
	Expr  string
	Type  string
	Value json.RawMessage
	Error string
}

func readAnswers(t *testing.T, path string) []flinkAnswer {
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("no answers of Flink here: %v", err)
	}
	defer f.Close()
	var out []flinkAnswer
	for s := bufio.NewScanner(f); s.Scan(); {
		var a flinkAnswer
		if err := json.Unmarshal(s.Bytes(), &a); err != nil {
			t.Fatalf("%s: %v", s.Text(), err)
		}
		out = append(out, a)
	}
	return out
}

// answerText spells an expected value as AppendText does.
func answerText(raw json.RawMessage) string {
	var s string
	switch text := string(raw); {
	case text == "null":
		return "NULL"
	case text == "true" || text == "false":
		return strings.ToUpper(text)
	case text[0] != '"':
		return text
	case json.Unmarshal(raw, &s) != nil:
		return text
	}
	return s
}

func TestFlinkAnswers(t *testing.T) {
	for _, path := range []string{"testdata/flink_scalars.jsonl", "../../../shared/golden/scalar_exprs/expected.jsonl"} {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			for _, a := range readAnswers(t, path) {
				if deviates(a.Expr) {
					continue
				}
				typ, got, err := evalExample(a.Expr)
				if a.Error != "" {
					if err == nil && !strings.HasPrefix(a.Error, "EnforcerException") {
						t.Errorf("%s: want an error as %q, got %q", a.Expr, a.Error, got)
					}
					continue
				}
				want := answerText(a.Value)
				if err != nil || got != want {
					t.Errorf("%s: want %q, got %q, %v", a.Expr, want, got, err)
				}
				if err == nil && typ != a.Type {
					t.Errorf("%s: want type %s, got %s", a.Expr, a.Type, typ)
				}
			}
		})
	}
}
