package golden

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFiles runs every .test file of the repository.
func TestFiles(t *testing.T) {
	root := filepath.Join("..", "..")
	files, err := Find(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("there are no .test files")
	}
	seed := uint64(time.Now().UnixNano() % 1_000_000)
	for _, path := range files {
		rel, _ := filepath.Rel(root, path)
		t.Run(rel, func(t *testing.T) {
			t.Parallel()
			r, err := RunFile(context.Background(), path, Options{Seed: seed, Full: os.Getenv("WEIR_TEST_FULL") != ""})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range r.Failures {
				t.Error(f)
			}
			if r.Blocks == 0 {
				t.Error("the file has no blocks")
			}
		})
	}
}

// run runs a text as a file and gives its failures.
func run(t *testing.T, text string, o Options) (*Report, string, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.test")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	r, err := RunFile(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return r, strings.Join(r.Failures, "\n"), string(after)
}

const table = "sql\nCREATE TABLE t (a INT) WITH ('connector' = 'memory');\n----\n\nfeed t csv\n1\n2\n----\n\n"

func TestFailures(t *testing.T) {
	for _, c := range []struct{ block, want string }{
		{"query\nSELECT a FROM t\n----\nkind  a\n+I    1\n+I    2\n", ""},
		{"query\nSELECT a FROM t\n----\nkind  a\n+I    2\n+I    1\n", "query gives\n    kind  a\n    +I    1\n    +I    2\nexpected is"},
		{"query\nSELECT a FROM t\n----\nkind  a\n+I    1\n", "expected is"},
		{"query sorted\nSELECT a FROM t\n----\nkind  a\n+I    2\n+I    1\n", ""},
		{"query final\nSELECT a FROM t\n----\na\n2\n1\n", ""},
		{"query final\nSELECT a FROM t\n----\na\n2\n2\n", "expected is"},
		{"query final\nSELECT a FROM t\n----\nb\n2\n1\n", "expected is"},
		{"query\nSELECT a FROM t\n----\nerror: x\n", "expected is"},
		{"query\nSELECT b FROM t\n----\nkind  b\n", "error: "},
		{"query todo\nSELECT a FROM t\n----\nkind  a\n+I    1\n+I    2\n", "passes now"},
		{"query todo\nSELECT a FROM t\n----\nkind  a\n+I    3\n", ""},
		{"query\nSELECT a FROM t UNION ALL SELECT a FROM t\n----\nkind  a\n", "chance"},
		{"sql\nSELECT a FROM t\n----\n", "write it as a block of query"},
		{"feed t csv\nx\n----\n", "line 11"},
		{"feed u csv\nx\n----\n", `"u"`},
		{"sql\nSET 'a' = \n----\n", "error: 1:"},
	} {
		_, got, _ := run(t, table+c.block, Options{Seed: 1})
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s\ngot %s\nwant %s", c.block, got, c.want)
		}
	}
}

func TestRewrite(t *testing.T) {
	text := table + "# kept\nquery\nSELECT a FROM t\n----\nold\n\n\n# the end\nquery final todo\nSELECT a FROM t\n----\nleft\n"
	_, failures, after := run(t, text, Options{Seed: 1, Rewrite: true})
	want := strings.Replace(text, "old\n", "kind  a\n+I    1\n+I    2\n", 1)
	if failures != "" || after != want {
		t.Errorf("failures %s, file %s", failures, after)
	}
	r, failures, again := run(t, after, Options{Seed: 1, Rewrite: true})
	if failures != "" || again != after || r.Changed {
		t.Errorf("rewritten twice: failures %s, file %s", failures, again)
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"nonsense\n----\n":            `1: there is no command "nonsense"`,
		"# c\n\nquery\nSELECT 1\n":    "3: \"query\" has no line ----",
		"query upside\nSELECT\n----":  "final, sorted or turns",
		"feed\n----\n":                "arguments",
		"feed t xml\n----\n":          `"xml" cannot be fed`,
		"sql\n----\n\nquery 1 2\n---": `"query" has no line`,
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestCells(t *testing.T) {
	for _, r := range []row{{"a", "b c", "1"}, {""}, {"  x", "y  z", "NULL", `"q"`}, {"line\nfeed", `back\slash`, "é", "\u00a0"}} {
		var quoted row
		for _, v := range r {
			quoted = append(quoted, quote(v))
		}
		got, err := cells(lines(quoted, nil)[0])
		if err != nil || got.key() != quoted.key() {
			t.Errorf("%q: got %q, %v", quoted, got, err)
		}
	}
	if quote("NULL") == "NULL" || quote("plain text") != "plain text" {
		t.Error("NULL the text is quoted, plain text is not")
	}
}

// TestPairs makes sure that each pair of choices that can go together is in a run.
func TestPairs(t *testing.T) {
	picked := pairwise()
	if len(everyRun()) != 48 || len(picked) > 10 {
		t.Errorf("%d runs in all, %d picked", len(everyRun()), len(picked))
	}
	for _, parallel := range parallels {
		for _, batch := range batches {
			for _, crash := range []string{"none", "crash", "faults"} {
				found := [3]bool{}
				for _, r := range picked {
					found[0] = found[0] || r.Parallel == parallel && r.Batch == batch
					found[1] = found[1] || r.Batch == batch && r.Crash == (crash == "crash") && r.Faults == (crash == "faults")
					found[2] = found[2] || r.Parallel == parallel && r.Crash == (crash == "crash") && r.Faults == (crash == "faults")
				}
				if found != [3]bool{true, true, true} {
					t.Errorf("-parallel %d -batch %d, %s: %v", parallel, batch, crash, found)
				}
			}
		}
	}
}
