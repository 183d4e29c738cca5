package session

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/sql"
)

// exec runs the statements of a text, and gives the last result.
func exec1(t *testing.T, s *Session, text string) (*Result, error) {
	t.Helper()
	stmts, err := sql.Parse(text)
	if err != nil {
		return nil, err
	}
	var r *Result
	for _, st := range stmts {
		if r, err = s.Execute(context.Background(), text, st); err != nil {
			return nil, err
		}
		if r.Kind == Insert {
			j, err := r.Start(context.Background())
			if err != nil {
				return nil, err
			}
			if err := j.Wait(); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

func must(t *testing.T, s *Session, text string) *Result {
	t.Helper()
	r, err := exec1(t, s, text)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return r
}

func ephemeral(t *testing.T, dir string) *Session {
	t.Helper()
	s, err := Open(Options{Ephemeral: true, DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

const someTables = `
CREATE TABLE src (id BIGINT, name STRING) WITH ('connector' = 'datagen', 'number-of-rows' = '5', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '5');
CREATE TABLE other (x INT) WITH ('connector' = 'blackhole');
CREATE VIEW v AS SELECT id, name FROM src WHERE id > 1;
CREATE VIEW vv AS SELECT id FROM v;
CREATE TABLE snk (id BIGINT) WITH ('connector' = 'blackhole');
`

// TestProgram: a job takes along what it uses, in an order that works, and nothing else.
func TestProgram(t *testing.T) {
	s := ephemeral(t, t.TempDir())
	must(t, s, someTables+"CREATE DATABASE d2; CREATE TABLE d2.`odd ``name` (id BIGINT) WITH ('connector' = 'blackhole');")
	for _, tt := range []struct{ statement, want string }{
		{"INSERT INTO snk SELECT id FROM src", "snk src"},
		{"INSERT INTO snk SELECT id FROM vv", "snk src v vv"},
		{"INSERT INTO d2.`odd ``name` SELECT id FROM (SELECT * FROM v) x JOIN src USING (id)", "d2 odd`name src v"},
		{"STATEMENT SET BEGIN INSERT INTO snk SELECT 1; INSERT INTO snk SELECT id FROM vv; END", "snk src v vv"},
		{"INSERT INTO snk WITH other AS (SELECT id FROM src) SELECT id FROM other", "snk other src"},
	} {
		stmts, err := sql.Parse(tt.statement)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Execute(context.Background(), tt.statement, stmts[0])
		if err != nil {
			t.Fatal(err)
		}
		p := r.Program()
		var names []string
		for _, d := range p.Definitions {
			line, _, _ := strings.Cut(d, "(")
			names = append(names, line[strings.LastIndex(strings.TrimRight(line, "` "), ".`")+1:])
		}
		got := strings.NewReplacer("``", "`", "`", "", " ", "").Replace(strings.Join(names, "|"))
		for _, w := range strings.Fields(tt.want) {
			if !strings.Contains("|"+strings.ReplaceAll(got, "`", "")+"|", strings.ReplaceAll(w, "`", "")) {
				t.Errorf("%s: got %s, want %s", tt.statement, got, tt.want)
			}
		}
		if n := len(strings.Fields(tt.want)); len(p.Definitions) != n {
			t.Errorf("%s: %d definitions, want %d: %s", tt.statement, len(p.Definitions), n, got)
		}
		inner, stmt, err := openProgram(Options{DataDir: t.TempDir()}, p)
		if err != nil {
			t.Fatalf("%s: %v", tt.statement, err)
		}
		if _, err := inner.jobPlan(p.Statement, stmt); err != nil {
			t.Errorf("%s: it cannot be planned again: %v", tt.statement, err)
		}
		inner.Close()
	}
}

// TestCreateAsIsAnInsert: CREATE TABLE AS makes the table once; its job can be planned again.
func TestCreateAsIsAnInsert(t *testing.T) {
	s := ephemeral(t, t.TempDir())
	must(t, s, someTables)
	text := "CREATE TABLE made WITH ('connector' = 'blackhole') AS SELECT id AS `the id`, name FROM src"
	stmts, _ := sql.Parse(text)
	r, err := s.Execute(context.Background(), text, stmts[0])
	if err != nil {
		t.Fatal(err)
	}
	p := r.Program()
	inner, stmt, err := openProgram(Options{DataDir: t.TempDir()}, p)
	if err != nil {
		t.Fatalf("%v\n%+v", err, p)
	}
	defer inner.Close()
	if _, err := inner.jobPlan(p.Statement, stmt); err != nil {
		t.Errorf("%s: %v", p.Statement, err)
	}
}

func TestJobName(t *testing.T) {
	s := ephemeral(t, t.TempDir())
	must(t, s, someTables)
	for in, want := range map[string]string{
		"INSERT INTO snk SELECT id FROM src":                                            "insert-into_default_catalog.default_database.snk",
		"STATEMENT SET BEGIN INSERT INTO snk SELECT 1; INSERT INTO other SELECT 2; END": "insert-into_default_catalog.default_database.snk,default_catalog.default_database.other",
		"SET 'pipeline.name' = 'orders'; INSERT INTO snk SELECT id FROM src":            "orders",
	} {
		var name string
		stmts, _ := sql.Parse(in)
		for _, st := range stmts {
			r, err := s.Execute(context.Background(), in, st)
			if err != nil {
				t.Fatal(err)
			}
			if r.Kind == Insert {
				name = jobName(r.Plan)
			}
		}
		if name != want {
			t.Errorf("%s: got %s, want %s", in, name, want)
		}
		must(t, s, "RESET 'pipeline.name'")
	}
}

// TestCompilePlan writes plans, runs them, and changes them.
func TestCompilePlan(t *testing.T) {
	dir := t.TempDir()
	s := ephemeral(t, dir)
	must(t, s, someTables)
	file := filepath.Join(dir, "p.json")
	compile := fmt.Sprintf("COMPILE PLAN '%s' FOR INSERT INTO snk SELECT id FROM vv", file)
	must(t, s, compile)
	if _, err := exec1(t, s, compile); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a second COMPILE PLAN: %v", err)
	}
	must(t, s, fmt.Sprintf("COMPILE PLAN '%s' IF NOT EXISTS FOR INSERT INTO snk SELECT id FROM vv", file))
	must(t, s, fmt.Sprintf("EXECUTE PLAN '%s'", file))
	must(t, ephemeral(t, dir), fmt.Sprintf("EXECUTE PLAN 'file://%s'", file)) // the file has the tables
	must(t, s, fmt.Sprintf("COMPILE AND EXECUTE PLAN '%s' FOR STATEMENT SET BEGIN INSERT INTO snk SELECT id FROM v; INSERT INTO other SELECT 1; END", filepath.Join(dir, "q.json")))
	must(t, s, "SET 'table.plan.force-recompile' = 'true';"+compile)

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "FROM vv", "FROM vv WHERE id > 3", 1)
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = exec1(t, s, fmt.Sprintf("EXECUTE PLAN '%s'", file))
	if err == nil || !strings.Contains(err.Error(), "is planned otherwise") || !strings.Contains(err.Error(), "+ ") && !strings.Contains(err.Error(), "~ ") {
		t.Errorf("a changed statement: %v", err)
	}
	for content, want := range map[string]string{"{": "this is no plan", `{"weirPlan": 9}`: "format 9"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := exec1(t, s, fmt.Sprintf("EXECUTE PLAN '%s'", file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", content, err, want)
		}
	}
	if _, err := exec1(t, s, "EXECUTE PLAN '/no/such/file'"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: %v", err)
	}
}

const secretTable = `CREATE TABLE snk (id BIGINT) WITH ('connector' = 'kinesis', 'stream.arn' = 'arn:aws:kinesis:us-east-1:000000000000:stream/s', 'format' = 'json',
	'aws.region' = 'us-east-1', 'aws.credentials.provider' = 'BASIC', 'aws.credentials.basic.accesskeyid' = 'AKIDxyzzy', 'aws.credentials.basic.secretkey' = 'pass''xyzzy');`

// TestPlanFilesHoldNoSecrets: what runs a plan file must know them.
func TestPlanFilesHoldNoSecrets(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "p.json")
	s := ephemeral(t, dir)
	must(t, s, someTables+"DROP TABLE snk;"+secretTable+fmt.Sprintf("COMPILE PLAN '%s' FOR INSERT INTO snk SELECT id FROM src", file))
	text, _ := os.ReadFile(file)
	if strings.Contains(string(text), "xyzzy") {
		t.Errorf("the plan file has a secret:\n%s", text)
	}
	plan := func(s *Session) error {
		src := fmt.Sprintf("EXECUTE PLAN '%s'", file)
		stmts, _ := sql.Parse(src)
		r, err := s.Execute(context.Background(), src, stmts[0])
		if err == nil && !strings.Contains(strings.Join(r.Program().Definitions, "\n"), "pass''xyzzy") {
			return fmt.Errorf("the secret did not come back: %s", r.Program().Definitions)
		}
		return err
	}
	if err := plan(s); err != nil {
		t.Error(err)
	}
	if err := plan(ephemeral(t, dir)); err == nil || !strings.Contains(err.Error(), "is a secret, which plan files do not hold") {
		t.Errorf("without the table: %v", err)
	}
}

// TestHider takes secrets out of texts by name and by value.
func TestHider(t *testing.T) {
	s := ephemeral(t, t.TempDir())
	must(t, s, someTables+"DROP TABLE snk;"+secretTable)
	text := "INSERT INTO snk /*+ OPTIONS('aws.credentials.basic.secretkey' = 'hint-xyzzy') */ SELECT id FROM src"
	stmts, _ := sql.Parse(text)
	r, err := s.Execute(context.Background(), text, stmts[0])
	if err != nil {
		t.Fatal(err)
	}
	p := r.Program()
	p.Settings = map[string]string{"metrics.reporter.password": "set-xyzzy"}
	hide := newHider(p, r.Plan)
	for _, in := range []string{p.Statement, strings.Join(p.Definitions, "\n"), "the server said: pass'xyzzy is wrong", "hint-xyzzy", "set-xyzzy", "https://me:url-xyzzy@host/"} {
		if out := hide(in); strings.Contains(out, "xyzzy") && !strings.Contains(out, "AKID") {
			t.Errorf("%q became %q", in, out)
		}
	}
}

func TestJobSettings(t *testing.T) {
	for in, want := range map[string]string{
		"'restart-strategy.type' = 'fixed-delay'":                         "",
		"'restart-strategy' = 'none'":                                     "",
		"'restart-strategy.type' = 'often'":                               "'often' is none of none",
		"'restart-strategy.fixed-delay.attempts' = 'x'":                   "'x' is not a whole number",
		"'restart-strategy.exponential-delay.max-backoff' = '5 s'":        "",
		"'restart-strategy.exponential-delay.initial-backoff' = '2 min'":  "",
		"'taskmanager.memory.managed.size' = '64 mb'":                     "",
		"'taskmanager.memory.managed.size' = 'much'":                      "is no size",
		"'state.checkpoints.dir' = 'hdfs://x/y'":                          "not in hdfs",
		"'state.checkpoints.dir' = 'file:///x'":                           "",
		"'execution.checkpointing.num-retained' = '0'":                    "from 1 to",
		"'execution.checkpointing.tolerable-failed-checkpoints' = '0'":    "",
		"'execution.state-recovery.ignore-unclaimed-state' = 'sometimes'": "none of true, false",
	} {
		s := ephemeral(t, t.TempDir())
		_, err := exec1(t, s, "SET "+in)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", in, err, want)
		}
	}
	s := ephemeral(t, t.TempDir())
	must(t, s, "SET 'state.checkpoints.dir' = '/x'")
	if got := s.Setting("execution.checkpointing.dir"); got != "/x" {
		t.Errorf("a former name sets %q", got)
	}
	must(t, s, "RESET 'state.checkpoints.dir'")
	if got := s.Setting("execution.checkpointing.dir"); got != "" {
		t.Errorf("a former name resets %q", got)
	}
}

// TestSavepointInProcess stops a job of this process with a savepoint, and another goes on from it at another parallelism.
func TestSavepointInProcess(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	s := ephemeral(t, dir)
	must(t, s, fmt.Sprintf(`
CREATE TABLE src (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '2000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '3000');
CREATE TABLE snk (id BIGINT, n BIGINT) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'csv');
SET 'execution.checkpointing.savepoint-dir' = '%s';`, out, filepath.Join(dir, "sp")))
	insert := "INSERT INTO snk SELECT id, id * 2 FROM src"
	stmts, _ := sql.Parse(insert)
	r, err := s.Execute(context.Background(), insert, stmts[0])
	if err != nil {
		t.Fatal(err)
	}
	j, err := r.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for Sum(j.Stats()).Read == 0 {
		time.Sleep(time.Millisecond)
	}
	res := must(t, s, "STOP JOB '"+j.ID+"' WITH SAVEPOINT")
	path := res.Cells[0][0]
	if path == "" {
		t.Fatal("no savepoint")
	}
	if state, err := j.State(); state != StateFinished && j.Wait() != nil {
		t.Errorf("the job is %s, %v", state, err)
	}
	must(t, s, fmt.Sprintf("SET 'execution.state-recovery.path' = '%s'; SET 'parallelism.default' = '3'; %s", path, insert))
	seen := map[string]int{}
	_ = filepath.WalkDir(out, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(filepath.Base(p), ".") && !strings.HasPrefix(filepath.Base(p), "_") {
			text, _ := os.ReadFile(p)
			for _, line := range strings.Fields(string(text)) {
				seen[line]++
			}
		}
		return nil
	})
	if len(seen) != 3000 {
		t.Errorf("%d rows, want 3000", len(seen))
	}
	for line, n := range seen {
		if n != 1 {
			t.Errorf("row %s is there %d times", line, n)
		}
	}
	_, err = exec1(t, s, "INSERT INTO snk SELECT id, COUNT(*) FROM (SELECT id FROM src) GROUP BY id")
	if err == nil {
		t.Error("another query took the savepoint")
	}
}

// TestSavepointInS3 keeps checkpoints and a savepoint in a bucket, and goes on from it.
func TestSavepointInS3(t *testing.T) {
	const moto = "127.0.0.1:5000" // an S3 server of somebody else's, started by ../shared/kinesis/servers/start moto
	c, err := net.DialTimeout("tcp", moto, time.Second)
	if err != nil {
		t.Skipf("SKIPPED: no S3 server on %s; start one with ../shared/kinesis/servers/start moto", moto)
	}
	_ = c.Close()
	bucket := fmt.Sprintf("weir-session-%d", time.Now().UnixNano())
	put, _ := http.NewRequest("PUT", "http://"+moto+"/"+bucket, nil)
	if res, err := http.DefaultClient.Do(put); err != nil || res.StatusCode != 200 {
		t.Fatalf("make bucket: %v %+v", err, res)
	}
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"} {
		t.Setenv(k, v)
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	s := ephemeral(t, dir)
	must(t, s, fmt.Sprintf(`
CREATE TABLE src (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '2000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '3000');
CREATE TABLE snk (id BIGINT, n BIGINT) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'csv');
SET 's3.endpoint' = 'http://%s';
SET 'execution.checkpointing.interval' = '100 ms';
SET 'execution.checkpointing.dir' = 's3://%[3]s/chk';
SET 'execution.checkpointing.savepoint-dir' = 's3://%[3]s/sp';`, out, moto, bucket))
	insert := "INSERT INTO snk SELECT id, id * 2 FROM src"
	stmts, _ := sql.Parse(insert)
	r, err := s.Execute(context.Background(), insert, stmts[0])
	if err != nil {
		t.Fatal(err)
	}
	j, err := r.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for j.run.CheckpointStats().Completed == 0 && j.run.CheckpointStats().Failed == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	path := must(t, s, "STOP JOB '"+j.ID+"' WITH SAVEPOINT").Cells[0][0]
	must(t, s, fmt.Sprintf("SET 'execution.state-recovery.path' = '%s'; %s", path, insert))
	rows := 0
	_ = filepath.WalkDir(out, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), ".") && !strings.HasPrefix(d.Name(), "_") {
			text, _ := os.ReadFile(p)
			rows += len(strings.Fields(string(text)))
		}
		return nil
	})
	if rows != 3000 {
		t.Errorf("%d rows, want 3000", rows)
	}
}
