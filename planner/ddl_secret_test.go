package planner

import (
	"strings"
	"testing"
)

func TestSecretsAreNotShown(t *testing.T) {
	table := &Table{Path: [3]string{"c", "d", "t"}, secrets: map[string]bool{"key": true},
		Options: map[string]string{"key": "hush", "url": "http://user:pass@host:8080/a", "path": "a:b@c"}}
	shown := DDL(table, false)
	if strings.Contains(shown, "hush") || strings.Contains(shown, "pass@") {
		t.Errorf("a secret shows:\n%s", shown)
	}
	for _, want := range []string{"'http://user:****@host:8080/a'", "'a:b@c'"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%s is not in\n%s", want, shown)
		}
	}
	if kept := DDL(table, true); !strings.Contains(kept, "user:pass@") || !strings.Contains(kept, "hush") {
		t.Errorf("what is kept has lost its secrets:\n%s", kept)
	}
}
