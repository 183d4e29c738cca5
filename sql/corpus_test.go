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
