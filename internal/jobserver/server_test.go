package jobserver

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"weir/exec/job"
	"weir/internal/session"
	"weir/sql"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/rest.golden anew")

// rig is a server over a manager in a folder.
type rig struct {
	*httptest.Server
	m      *job.Manager
	client *Client
}

func newRig(t *testing.T, dir, token string) *rig {
	t.Helper()
	o := session.Options{DataDir: dir, Logger: slog.New(slog.DiscardHandler), Stdout: io.Discard}
	m, err := job.Open(dir, job.Options{Clock: job.WallClock(), Open: func(p job.Program, at job.Place) (*job.Prepared, error) {
		return session.OpenJob(o, p, at)
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(New(Options{Manager: m, Session: o, Token: token, Hosts: []string{"weir.example"}, Version: "test", Logger: o.Logger, Now: time.Now}))
	t.Cleanup(func() { s.Close(); _ = m.Close(context.Background()) })
	c, err := NewClient(s.URL, token)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{s, m, c}
}

const tables = `
CREATE TABLE src (id BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '5', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '5');
CREATE TABLE live (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100');
CREATE TABLE snk (id BIGINT, n BIGINT) WITH ('connector' = 'blackhole');
`

// TestAccess: who may ask.
func TestAccess(t *testing.T) {
	open, locked := newRig(t, t.TempDir(), ""), newRig(t, t.TempDir(), "sesame")
	for _, tt := range []struct {
		name, host, origin, auth string
		locked                   bool
		path                     string
		want                     int
	}{
		{"plain", "", "", "", false, "/overview", 200},
		{"with v1", "", "", "", false, "/v1/overview", 200},
		{"localhost", "localhost:8081", "", "", false, "/overview", 200},
		{"IPv6", "[::1]:8081", "", "", false, "/overview", 200},
		{"a known name", "weir.example", "", "", false, "/overview", 200},
		{"a rebound name", "evil.example", "", "", false, "/overview", 403},
		{"a rebound name on health", "evil.example", "", "", false, "/healthz", 403},
		{"its own page", "127.0.0.1:8081", "http://127.0.0.1:8081", "", false, "/overview", 200},
		{"another site", "", "https://evil.example", "", false, "/overview", 403},
		{"a sandboxed page", "", "null", "", false, "/overview", 403},
		{"no token", "", "", "", true, "/overview", 401},
		{"a wrong token", "", "", "Bearer sesamf", true, "/overview", 401},
		{"the token", "", "", "Bearer sesame", true, "/overview", 200},
		{"health wants none", "", "", "", true, "/healthz", 200},
		{"metrics want it", "", "", "", true, "/metrics", 401},
		{"nothing there", "", "", "", false, "/nothing", 404},
		{"no job", "", "", "", false, "/jobs/00000000000000000000000000000000", 404},
	} {
		r := open
		if tt.locked {
			r = locked
		}
		req, _ := http.NewRequest("GET", r.URL+tt.path, nil)
		req.Host = tt.host
		for k, v := range map[string]string{"Origin": tt.origin, "Authorization": tt.auth} {
			if v != "" {
				req.Header.Set(k, v)
			}
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, res.StatusCode, tt.want)
		}
	}
}

// ask sends a request and gives status and body.
func (r *rig) ask(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	req, _ := http.NewRequest(method, r.URL+path, strings.NewReader(body))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// TestRefusals: what cannot be done says so.
func TestRefusals(t *testing.T) {
	r := newRig(t, t.TempDir(), "")
	out, err := r.client.SubmitSQL(context.Background(), tables+"INSERT INTO snk SELECT id, 1 FROM src", nil)
	if err != nil {
		t.Fatal(err)
	}
	id := out.Jobs[0].ID
	if err := r.client.Wait(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"POST", "/jars/upload", "", 501, "weir jobs submit"},
		{"POST", "/v1/jobs", "", 501, "weir jobs submit"},
		{"PATCH", "/jobs/" + id + "?mode=cancel", "", 409, "it is FINISHED"},
		{"PATCH", "/jobs/" + id + "?mode=stop", "", 400, "only cancel is there"},
		{"POST", "/jobs/" + id + "/savepoints", "{}", 409, "it is FINISHED"},
		{"POST", "/jobs/" + id + "/stop", "{", 400, "JSON"},
		{"GET", "/jobs/" + id + "/savepoints/00000000000000000000000000000000", "", 404, "no savepoint"},
		{"GET", "/jobs/" + id + "/vertices/nope", "", 404, "no vertex"},
		{"GET", "/jobs/" + id + "/checkpoints/details/x", "", 400, "no checkpoint's number"},
		{"POST", "/api/v1/jobs", "{}", 400, "there is no sql"},
		{"POST", "/api/v1/jobs", `{"sql": "SELEC 1"}`, 400, "SELEC"},
		{"POST", "/api/v1/jobs", `{"sql": "SELECT 1"}`, 400, "a SELECT is no job"},
		{"POST", "/api/v1/jobs", `{"sql": "INSERT INTO snk SELECT id, 1 FROM sorc"}`, 400, `did you mean \"src\"`},
		{"POST", "/api/v1/jobs", `{"sql": "SHOW TABLES", "settings": {"restart-strategy.type": "often"}}`, 400, "none of none, fixed-delay"},
		{"POST", "/api/v1/jobs", strings.Repeat(" ", maxBody+1), 400, "too large"},
		{"DELETE", "/jobs/" + id, "", 404, "there is nothing at DELETE"},
	} {
		code, text := r.ask(t, tt.method, tt.path, tt.body)
		if code != tt.code || !strings.Contains(text, tt.want) {
			t.Errorf("%s %s: %d %s; want %d %q", tt.method, tt.path, code, text, tt.code, tt.want)
		}
	}
}

var (
	idText   = regexp.MustCompile(`[0-9a-f]{32}`)
	bigTimes = regexp.MustCompile(`\b1[789]\d{11}\b`)
	folders  = regexp.MustCompile(`"[^"]*/(chk-\d+)"`)
	volatile = regexp.MustCompile(`"(duration|end_to_end_duration|checkpointed_size|state_size|min|max|avg|p\d+|accumulated-[a-z]+-time|cpuCores|timezone-offset|busyRatio|idleRatio|ratio|value|sum)": (-?[0-9.e+]+|"[^"]*")`)
	names    = regexp.MustCompile(`"(path|timezone-name)": "[^"]*"`)
)

// still makes an answer the same each time.
func still(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		t.Fatalf("no JSON: %s", text)
	}
	out := idText.ReplaceAllString(b.String(), "ID")
	out = bigTimes.ReplaceAllString(out, "TIME")
	out = folders.ReplaceAllString(out, `".../$1"`)
	out = volatile.ReplaceAllString(out, `"$1": 0`)
	return names.ReplaceAllString(out, `"$1": ""`)
}

// TestShapes holds the answers of a finished job against testdata/rest.golden.
func TestShapes(t *testing.T) {
	r := newRig(t, t.TempDir(), "")
	out, err := r.client.SubmitSQL(context.Background(), tables+"INSERT INTO snk SELECT id, COUNT(*) FROM src GROUP BY id", nil)
	if err != nil {
		t.Fatal(err)
	}
	id := out.Jobs[0].ID
	if err := r.client.Wait(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	paths := []string{"/config", "/overview", "/jobs", "/jobs/overview", "/jobs/ID", "/jobs/ID/plan", "/jobs/ID/config", "/jobs/ID/exceptions", "/jobs/ID/checkpoints",
		"/jobs/ID/checkpoints/config", "/jobs/ID/status", "/jobs/ID/metrics", "/jobs/metrics?get=numRestarts", "/taskmanagers", "/jobmanager/logs"}
	v := vertexID("Scan-1")
	for _, x := range []string{"", "/backpressure", "/watermarks", "/metrics", "/metrics?get=0.numRecordsOut", "/subtasks/metrics?get=numRecordsOut&agg=sum", "/subtasktimes", "/taskmanagers"} {
		paths = append(paths, "/jobs/ID/vertices/"+v+x)
	}
	for _, p := range paths {
		code, text := r.ask(t, "GET", strings.Replace(p, "/ID", "/"+id, 1), "")
		fmt.Fprintf(&got, "GET %s -> %d\n%s\n\n", strings.ReplaceAll(p, v, "VERTEX"), code, still(t, text))
	}
	golden := filepath.Join("testdata", "rest.golden")
	if *rewrite {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if g, w := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n"); got.String() != string(want) {
		for i := range min(len(g), len(w)) {
			if g[i] != w[i] {
				t.Fatalf("line %d of %s: got %s, want %s\n(go test ./internal/jobserver -rewrite writes it anew)", i+1, golden, g[i], w[i])
			}
		}
		t.Fatalf("%d lines, want %d", len(g), len(w))
	}
}

// TestOneJob submits by a session of another place, as the prompt does, and follows the job to its end.
func TestOneJob(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, dir, "")
	s, err := session.Open(session.Options{Ephemeral: true, DataDir: t.TempDir(), Jobs: r.client})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	run := func(text string) [][]string {
		t.Helper()
		cells, err := execute(s, text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return cells
	}
	run(tables + "SET 'pipeline.name' = 'one'; SET 'execution.checkpointing.savepoint-dir' = '" + filepath.Join(dir, "sp") + "'")
	run("INSERT INTO snk SELECT id, 1 FROM live")
	jobs := run("SHOW JOBS")
	if len(jobs) != 1 || jobs[0][1] != "one" || jobs[0][2] != "RUNNING" {
		t.Fatalf("SHOW JOBS: %v", jobs)
	}
	id := jobs[0][0]
	if d := run("DIAGNOSE JOB '" + id + "'"); !strings.Contains(fmt.Sprint(d), "the job is RUNNING") {
		t.Errorf("DIAGNOSE JOB: %v", d)
	}
	if p := run("STOP JOB '" + id[:10] + "' WITH SAVEPOINT"); !strings.HasPrefix(p[0][0], filepath.Join(dir, "sp")) {
		t.Errorf("STOP JOB WITH SAVEPOINT: %v", p)
	}
	if d := run("DESCRIBE JOB '" + id + "'"); d[0][2] != "FINISHED" || d[0][9] != "INSERT INTO snk SELECT id, 1 FROM live" {
		t.Errorf("DESCRIBE JOB: %v", d)
	}
	if _, err := execute(s, "STOP JOB '"+id+"'"); err == nil || !strings.Contains(err.Error(), "not running: it is FINISHED") {
		t.Errorf("STOP JOB of what has ended: %v", err)
	}
}

// TestRestartedManager: what a manager knows is there when the folder is opened again; one at a time may.
func TestRestartedManager(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, dir, "")
	out, err := r.client.SubmitSQL(context.Background(), tables+"INSERT INTO snk SELECT id, 1 FROM src; INSERT INTO snk SELECT id, 2 FROM live", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.client.Wait(context.Background(), out.Jobs[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := job.Open(dir, job.Options{Clock: job.WallClock()}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("a second owner: %v", err)
	}
	if err := r.m.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	again := newRig(t, dir, "")
	list, err := again.client.Jobs(context.Background())
	if err != nil || len(list) != 2 || list[0].State != "FINISHED" {
		t.Fatalf("%v %+v", err, list)
	}
	e, err := again.m.Find(list[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if s, err := e.Await(ctx, func(s job.State) bool { return s == job.Running }); err != nil || s.State != job.Running {
		t.Errorf("%v %+v", err, s)
	}
	if again.ask(t, "PATCH", "/jobs/"+e.ID, ""); true {
		if s, err := e.Await(ctx, job.State.Ended); err != nil || s.State != job.Canceled {
			t.Errorf("%v %+v", err, s)
		}
	}
}

func TestMetricNames(t *testing.T) {
	r := newRig(t, t.TempDir(), "")
	out, err := r.client.SubmitSQL(context.Background(), tables+"INSERT INTO snk SELECT id, 1 FROM live", nil)
	if err != nil {
		t.Fatal(err)
	}
	products := filepath.Join(t.TempDir(), "products.json")
	if err := os.WriteFile(products, []byte("{\"id\": 1}\n{\"id\": 2}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	joined, err := r.client.SubmitSQL(context.Background(), "CREATE TABLE products (id BIGINT) WITH ('connector' = 'filesystem', 'format' = 'json', 'path' = '"+products+"');"+
		"INSERT INTO snk SELECT l.id, 1 FROM (SELECT *, PROCTIME() AS proc FROM live) AS l JOIN products FOR SYSTEM_TIME AS OF l.proc AS p ON p.id = l.id", nil)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && !strings.Contains(text, "cache_ageMillis"); time.Sleep(20 * time.Millisecond) {
		_, text = r.ask(t, "GET", "/metrics", "")
	}
	reference := `{job_id="` + joined.Jobs[0].ID + `",job_name="insert-into_default_catalog.default_database.snk",operator_name="LookupJoin-1",subtask_index="0"} `
	for _, want := range []string{
		`flink_taskmanager_job_task_operator_numRecordsOut{job_id="` + out.Jobs[0].ID + `",job_name="insert-into_default_catalog.default_database.snk",operator_name="Scan-1",subtask_index="0"}`,
		"operator_currentOutputWatermark{", "operator_busyTimeMsPerSecond{", "operator_backPressuredTimeMsPerSecond{", "operator_idleTimeMsPerSecond{", "operator_numLateRecordsDropped{",
		"flink_jobmanager_job_numRestarts{", "flink_jobmanager_job_numberOfFailedCheckpoints{", `weir_jobs{state="RUNNING"} 2`, "go_goroutines",
		"operator_cache_numCachedRecords" + reference + "2", "operator_cache_loadCount" + reference + "1", "operator_cache_numLoadFailures" + reference + "0",
		"operator_cache_hitCount" + reference, "operator_cache_missCount" + reference, "operator_cache_ageMillis" + reference,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

// execute runs statements and starts what is to be started; cells are those of the last.
func execute(s *session.Session, text string) (cells [][]string, err error) {
	stmts, err := sql.Parse(text)
	if err != nil {
		return nil, err
	}
	for _, st := range stmts {
		r, err := s.Execute(context.Background(), text, st)
		if err != nil {
			return nil, err
		}
		if r.Kind == session.Insert {
			if _, err := r.Start(context.Background()); err != nil {
				return nil, err
			}
		}
		cells = r.Cells
	}
	return cells, nil
}

// TestFailures: a job that fails is started again with its causes kept, then gives up.
func TestFailures(t *testing.T) {
	r := newRig(t, t.TempDir(), "")
	settings := map[string]string{"restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.attempts": "2", "restart-strategy.fixed-delay.delay": "10 ms"}
	out, err := r.client.SubmitSQL(context.Background(), tables+"INSERT INTO snk SELECT id, 1 / (id - id) FROM live", settings)
	if err != nil && len(out.Jobs) == 0 && !strings.Contains(err.Error(), "zero") {
		t.Fatal(err)
	}
	list, err := r.client.Jobs(context.Background())
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %+v", err, list)
	}
	id := list[0].ID
	if err := r.client.Wait(context.Background(), id); err == nil || !strings.Contains(err.Error(), "zero") {
		t.Errorf("the job's error: %v", err)
	}
	d, err := r.client.Details(context.Background(), id)
	if err != nil || d.State != "FAILED" || d.Restarts != 2 || len(d.Failures) != 3 || !d.Failures[0].Restart || d.Failures[2].Restart {
		t.Errorf("%v %+v", err, d)
	}
	_, text := r.ask(t, "GET", "/jobs/"+id+"/exceptions", "")
	var x struct {
		ExceptionHistory struct {
			Entries []struct{ ExceptionName, TaskName string }
		}
	}
	if err := json.Unmarshal([]byte(text), &x); err != nil || len(x.ExceptionHistory.Entries) != 3 || x.ExceptionHistory.Entries[0].TaskName == "" {
		t.Errorf("%v %s", err, text)
	}
	if lines, err := r.client.Diagnose(context.Background(), id); err != nil || !strings.HasPrefix(lines[0], "the job is FAILED: ") {
		t.Errorf("%v %v", err, lines)
	}
	if log, err := r.client.Logs(context.Background(), id, 0); err != nil || len(log.Lines) < 4 {
		t.Errorf("%v %+v", err, log)
	}
}
