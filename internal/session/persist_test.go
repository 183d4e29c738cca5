package session

import (
	"testing"
)

// TestTemporaryHides has temporary objects hide kept ones of the same name, which must be there the next time.
func TestTemporaryHides(t *testing.T) {
	dir := t.TempDir()
	open := func() *Session {
		s, err := Open(Options{DataDir: dir, Warn: func(string) {}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ddl := func(temporary, col string) string {
		return `CREATE ` + temporary + ` TABLE t (` + col + ` INT) WITH ('connector' = 'blackhole');
			CREATE ` + temporary + ` VIEW v AS SELECT 1 AS ` + col + `;
			CREATE ` + temporary + ` MODEL m INPUT (` + col + ` STRING) OUTPUT (y STRING) WITH ('provider' = 'openai', 'endpoint' = 'https://x/v1/chat/completions', 'api-key' = 'k', 'model' = 'g');`
	}
	s := open()
	must(t, s, ddl("", "kept"))
	must(t, s, ddl("TEMPORARY", "temp"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	defer s.Close()
	for _, what := range []string{"t", "v", "MODEL m"} {
		if got := must(t, s, "DESCRIBE "+what+";").Cells[0][0]; got != "kept" {
			t.Errorf("%s: column %s", what, got)
		}
	}
}
