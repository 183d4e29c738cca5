package sql

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSharedCorpus parses the collected Flink statements: all but two lexical refusals.
func TestSharedCorpus(t *testing.T) {
	files, _ := filepath.Glob("../../shared/corpus/*.sql")
	if len(files) == 0 {
		t.Skip("../shared/corpus is absent: the collected Flink statements are not tested")
	}
	refused := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range Split(string(b)) {
			_, err := ParseStatement(p.Text)
			if err == nil {
				continue
			}
			if strings.HasSuffix(f, "lexical.sql") && (strings.Contains(p.Text, `"abc"`) || strings.Contains(p.Text, "#")) {
				refused++
				continue
			}
			t.Errorf("%s: %v", filepath.Base(f), err)
		}
	}
	if refused != 2 {
		t.Errorf("%d statements refused, want 2", refused)
	}
}

// TestOwnCorpus parses the statements of testdata.
func TestOwnCorpus(t *testing.T) {
	files, _ := filepath.Glob("testdata/corpus/*.sql")
	n := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		stmts, err := Parse(string(b))
		if err != nil {
			t.Errorf("%s: %v", f, err)
		}
		if pieces := Split(string(b)); len(pieces) != len(stmts) {
			t.Errorf("%s: %d statements in %d pieces", f, len(stmts), len(pieces))
		}
		n += len(stmts)
	}
	if n < 200 {
		t.Errorf("only %d statements", n)
	}
}

// TestGoldenQueries parses the queries of the cases made with Flink, but for the one that is a syntax error.
func TestGoldenQueries(t *testing.T) {
	files, _ := filepath.Glob("../../shared/golden/*/query.sql")
	if len(files) == 0 {
		t.Skip("../shared/golden is absent: the queries of the Flink cases are not tested")
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Parse(strings.ReplaceAll(string(b), "${DIR}", filepath.Dir(f)))
		if bad := strings.Contains(f, "e_syntax"); bad != (err != nil) {
			t.Errorf("%s: %v", f, err)
		}
	}
}
