package session

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/sql"
)

// TestReferenceTable: a table in memory is loaded anew beside the rows; where that fails the old rows are used, and how
// it is shows in DESCRIBE JOB and DIAGNOSE JOB.
func TestReferenceTable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "products.json")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	put(`{"id": 0, "name": "first"}` + "\n" + `{"id": 1, "name": "one"}` + "\n")
	s := ephemeral(t, dir)
	must(t, s, `CREATE TABLE items (n BIGINT, id AS MOD(n, 4), proc AS PROCTIME()) WITH ('connector' = 'datagen', 'rows-per-second' = '400', 'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '100000000');
		CREATE TABLE products (id BIGINT, name STRING) WITH ('connector' = 'filesystem', 'path' = '`+file+`', 'format' = 'json', 'lookup.full-cache.periodic-reload.interval' = '20 ms');
		CREATE TABLE seen (name STRING) WITH ('connector' = 'blackhole');`)
	text := "INSERT INTO seen SELECT p.name FROM items AS i JOIN products FOR SYSTEM_TIME AS OF i.proc AS p ON p.id = i.id"
	stmts, err := sql.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Execute(context.Background(), text, stmts[0])
	if err != nil {
		t.Fatal(err)
	}
	j, err := r.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer j.Stop(false)
	shows := func(statement string, parts ...string) {
		t.Helper()
		waitShown(t, s, j, statement, parts...)
	}
	shows("DESCRIBE JOB", `table "products" has 2 rows, loaded `, " rows had no match in it")
	shows("DIAGNOSE JOB", `table "products" has 2 rows, loaded `, "the job is RUNNING: ")
	put("{\"id\": 0, \"name\": \"again\"}\n")
	shows("DESCRIBE JOB", `table "products" has 1 rows, loaded `)
	put("{\"id\": oops}\n")
	shows("DESCRIBE JOB", `table "products" has 1 rows, loaded `, `; it could not be loaded anew: file `, "malformed JSON")
	shows("DIAGNOSE JOB", `table "products" could not be loaded anew, so rows of `, "malformed JSON")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	shows("DIAGNOSE JOB", `could not be loaded anew`, "does not exist")
	put("{\"id\": 0}\n{\"id\": 1}\n{\"id\": 2}\n{\"id\": 3}\n")
	shows("DESCRIBE JOB", `table "products" has 4 rows, loaded `)
	if got := shown(t, s, j, "DESCRIBE JOB"); strings.Contains(got, "loaded anew") {
		t.Errorf("what is over is still shown: %s", got)
	}
	put("")
	shows("DIAGNOSE JOB", `table "products" has no rows`)
	for _, r := range References(j.Stats()) {
		if r.Found < 3 || r.Missed < 3 || r.Loads < 4 || r.Failures < 2 || r.Error != "" {
			t.Errorf("%+v", r)
		}
	}
}

// shown is the last column of what a statement tells of a job.
func shown(t *testing.T, s *Session, j *Job, statement string) string {
	t.Helper()
	var lines []string
	for _, row := range must(t, s, statement+" '"+j.ID+"'").Cells {
		lines = append(lines, row[len(row)-1])
	}
	return strings.Join(lines, "\n")
}

// waitShown waits until a statement tells all of these of a running job.
func waitShown(t *testing.T, s *Session, j *Job, statement string, parts ...string) {
	t.Helper()
	got := ""
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		got = shown(t, s, j, statement)
		missing := false
		for _, p := range parts {
			missing = missing || !strings.Contains(got, p)
		}
		if !missing {
			return
		}
	}
	if state, err := j.State(); state != StateRunning {
		t.Fatalf("the job is %s: %v", state, err)
	}
	t.Fatalf("%s gives\n%s\nwant %q", statement, got, parts)
}
