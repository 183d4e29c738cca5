//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/internal/jobserver"
	"weir/internal/session"
)

// startServer runs a server in a folder and gives a client of it.
func startServer(t *testing.T, dir string, args ...string) (*process, *jobserver.Client) {
	t.Helper()
	p := start(t, dir, "", append([]string{"server", "--data", "data", "--listen", "127.0.0.1:0"}, args...)...)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, rest, ok := strings.Cut(p.stderr(), "url="); ok && strings.ContainsAny(rest, " \n") {
			c, err := jobserver.NewClient(strings.Fields(rest)[0], "")
			if err != nil {
				t.Fatal(err)
			}
			return p, c
		}
	}
	t.Fatalf("the server does not start:\n%s", p.stderr())
	return nil, nil
}

// counted is a job whose output says whether each row was counted once: ids 1 to n, each with the number of its kind so far.
func counted(dir string, n int) string {
	return fmt.Sprintf(`
CREATE TABLE src (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '%d');
CREATE TABLE snk (id BIGINT, n BIGINT) WITH ('connector' = 'filesystem', 'path' = '%s/out', 'format' = 'csv');
SET 'execution.checkpointing.interval' = '100 ms';
INSERT INTO snk SELECT id, ROW_NUMBER() OVER (PARTITION BY id %% 10 ORDER BY p) FROM (SELECT id, PROCTIME() AS p FROM src);`, n, dir)
}

// checkCounted reads the output.
func checkCounted(t *testing.T, dir string, n int) {
	t.Helper()
	seen := map[string]int{}
	err := filepath.WalkDir(filepath.Join(dir, "out"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, line := range strings.Fields(string(text)) {
			seen[line]++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for id := 1; id <= n; id++ {
		row := fmt.Sprintf("%d,%d", id, (id+9)/10)
		if seen[row] != 1 {
			if wrong++; wrong < 5 {
				t.Errorf("row %s is there %d times", row, seen[row])
			}
		}
	}
	if wrong > 0 || len(seen) != n {
		t.Errorf("%d rows are wrong, %d different ones are there, want %d", wrong, len(seen), n)
	}
}

// TestServerSurvivesKill: a job whose server is killed again and again gives each row once.
func TestServerSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	const rows = 25_000
	p, c := startServer(t, dir)
	out, err := c.SubmitSQL(context.Background(), counted(dir, rows), nil)
	if err != nil {
		t.Fatal(err)
	}
	id := out.Jobs[0].ID
	for _, wait := range []time.Duration{450, 130, 700} {
		time.Sleep(wait * time.Millisecond)
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = p.cmd.Wait() // it was killed
		p, c = startServer(t, dir)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.Wait(ctx, id); err != nil {
		t.Fatalf("%v\n%s", err, p.stderr())
	}
	checkCounted(t, dir, rows)
}

// TestServerStopsGently: SIGTERM suspends jobs behind a last checkpoint, and they go on; one process alone has the folder.
func TestServerStopsGently(t *testing.T) {
	dir := t.TempDir()
	const rows = 12_000
	p, c := startServer(t, dir)
	out, err := c.SubmitSQL(context.Background(), strings.Replace(counted(dir, rows), "100 ms", "1 h", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("weir", "server", "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0").CombinedOutput()
	if want := fmt.Sprintf("is owned by process %d", p.cmd.Process.Pid); err == nil || !strings.Contains(string(text), want) {
		t.Errorf("a second server: %v, %s; want %q", err, text, want)
	}
	time.Sleep(400 * time.Millisecond)
	p.interrupt(0)
	p, c = startServer(t, dir)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.Wait(ctx, out.Jobs[0].ID); err != nil {
		t.Fatalf("%v\n%s", err, p.stderr())
	}
	checkCounted(t, dir, rows)
}

// TestJobsCommands goes through the life of a job from the command line.
func TestJobsCommands(t *testing.T) {
	dir := t.TempDir()
	if text, err := weir(dir, "jobs", "list", "--server", "127.0.0.1:1"); err == nil || !strings.Contains(text, "there is no server at http://127.0.0.1:1: start one with 'weir server'") {
		t.Errorf("without a server: %v %s", err, text)
	}
	startServer(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "job.sql"), []byte(counted("${DIR}", 1_000_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	text := mustWeir(t, dir, "jobs", "submit", "job.sql", "-D", "pipeline.name=counting")
	id := strings.Fields(text)[1]
	sp := filepath.Join(dir, "sp")
	for _, tt := range []struct{ args, want string }{
		{"jobs list", "counting"},
		{"jobs show " + id[:8], "exponential-delay"},
		{"jobs diagnose " + id, "RUNNING"},
		{"jobs savepoint " + id + " -p " + sp, "Savepoint completed. Path: " + sp},
		{"jobs stop " + id + " -p " + sp, "Savepoint completed. Path: " + sp},
		{"jobs list -a -o csv", "FINISHED"},
		{"jobs restart " + id, "is RUNNING"},
		{"jobs cancel " + id, "has been canceled"},
		{"jobs logs " + id, "job is running"},
	} {
		if got := mustWeir(t, dir, strings.Fields(tt.args)...); !strings.Contains(got, tt.want) {
			t.Errorf("weir %s: got %s, want %q", tt.args, got, tt.want)
		}
	}
	for args, want := range map[string]string{
		"jobs show nothing":          `there is no job "nothing"`,
		"jobs stop " + id:            "not running: it is CANCELED",
		"jobs submit job.sql":        `"src" exists already`,
		"jobs savepoint " + id[:12]:  "not running",
		"jobs submit no-such-file":   "no-such-file",
		"jobs stop":                  "accepts 1 arg",
		"server --listen nonsense":   "--listen nonsense",
		"server --log xml":           "want text or json",
		"jobs list --server http://": "is no address of a server",
	} {
		if text, err := weir(dir, strings.Fields(args)...); err == nil || !strings.Contains(text, want) {
			t.Errorf("weir %s: %v, %s; want %q", args, err, text, want)
		}
	}
}

func weir(dir string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "weir", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "WEIR_DATA=data")
	text, err := c.CombinedOutput()
	return string(text), err
}

func mustWeir(t *testing.T, dir string, args ...string) string {
	t.Helper()
	text, err := weir(dir, args...)
	if err != nil {
		t.Fatalf("weir %v: %v\n%s", args, err, text)
	}
	return text
}

// TestSecretsAreNeverShown asks for every page there is about a job with secrets.
func TestSecretsAreNeverShown(t *testing.T) {
	dir := t.TempDir()
	p, c := startServer(t, dir, "--log-level", "debug")
	out, err := c.SubmitSQL(context.Background(), `
CREATE TABLE src (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
CREATE TABLE snk (id BIGINT) WITH ('connector' = 'kinesis', 'stream.arn' = 'arn:aws:kinesis:us-east-1:000000000000:stream/s', 'format' = 'json', 'aws.region' = 'us-east-1',
	'aws.endpoint' = 'http://me:url-xyzzy@127.0.0.1:1', 'aws.credentials.provider' = 'BASIC', 'aws.credentials.basic.accesskeyid' = 'AK', 'aws.credentials.basic.secretkey' = 'table-xyzzy');
INSERT INTO snk /*+ OPTIONS('aws.credentials.basic.secretkey' = 'hint-xyzzy') */ SELECT id FROM src`,
		map[string]string{"metrics.reporter.x.password": "set-xyzzy", "execution.checkpointing.interval": "100 ms"})
	if err != nil && strings.Contains(err.Error(), "xyzzy") {
		t.Errorf("the answer to submit: %v", err)
	}
	list, err := c.Jobs(context.Background())
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %d jobs, submit said %+v", err, len(list), out)
	}
	id := list[0].ID
	time.Sleep(500 * time.Millisecond)
	for _, path := range pages(t, c, id) {
		res, err := http.Get(c.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body := readAll(res)
		if strings.Contains(body, "xyzzy") {
			t.Errorf("GET %s shows a secret:\n%s", path, body)
		}
		if res.StatusCode >= 500 && res.StatusCode != http.StatusNotImplemented {
			t.Errorf("GET %s: %s %s", path, res.Status, body)
		}
	}
	for _, args := range []string{"jobs show " + id, "jobs show -o json " + id, "jobs list -a", "jobs logs " + id, "jobs diagnose " + id} {
		if text, _ := weir(dir, strings.Fields(args)...); strings.Contains(text, "xyzzy") {
			t.Errorf("weir %s shows a secret:\n%s", args, text)
		}
	}
	if log := p.stderr(); strings.Contains(log, "xyzzy") {
		t.Errorf("the log shows a secret:\n%s", log)
	}
	info, err := os.Stat(filepath.Join(dir, "data", "jobs", id, "job.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("job.json: %v, %v", err, info)
	}
}

// pages lists what there is to GET about a job.
func pages(t *testing.T, c *jobserver.Client, id string) []string {
	t.Helper()
	out := []string{"/config", "/overview", "/jobs", "/jobs/overview", "/jobs/metrics", "/taskmanagers", "/jobmanager/config", "/jobmanager/metrics", "/jobmanager/logs", "/metrics", "/healthz", "/readyz", "/api/v1/jobs"}
	for _, x := range []string{"", "/plan", "/config", "/exceptions", "/checkpoints", "/checkpoints/config", "/checkpoints/details/1", "/metrics", "/status"} {
		out = append(out, "/jobs/"+id+x, "/v1/jobs/"+id+x)
	}
	for _, x := range []string{"", "/logs", "/splits", "/diagnosis"} {
		out = append(out, "/api/v1/jobs/"+id+x)
	}
	res, err := http.Get(c.URL + "/jobs/" + id)
	if err != nil {
		t.Fatal(err)
	}
	var j struct {
		Vertices []struct{ ID string }
	}
	if err := json.Unmarshal([]byte(readAll(res)), &j); err != nil {
		t.Fatal(err)
	}
	for _, v := range j.Vertices {
		for _, x := range []string{"", "/backpressure", "/watermarks", "/metrics", "/metrics?get=0.numRecordsIn", "/subtasks/metrics?get=numRecordsIn", "/subtasktimes", "/taskmanagers"} {
			out = append(out, "/jobs/"+id+"/vertices/"+v.ID+x)
		}
	}
	return out
}

func readAll(res *http.Response) string {
	defer res.Body.Close()
	var b strings.Builder
	_, _ = fmt.Fprint(&b, res.Status, " ")
	buf := make([]byte, 1<<20)
	for {
		n, err := res.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			_, rest, _ := strings.Cut(b.String(), res.Status+" ")
			return rest
		}
	}
}

// TestFlinkCommand has the real flink command list, savepoint, stop and cancel jobs.
func TestFlinkCommand(t *testing.T) {
	home, _ := os.UserHomeDir()
	flink := filepath.Join(home, ".cache", "flink-oracle")
	dist, _ := filepath.Glob(filepath.Join(flink, "lib", "flink-dist-*.jar"))
	java, err := exec.LookPath("java")
	if len(dist) == 0 || err != nil {
		t.Skipf("the flink command is not here: no %s/lib/flink-dist-*.jar, or no java", flink)
	}
	if testing.Short() {
		t.Skip("five runs of Java take long")
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "conf") // the installed one names a target of its own
	if err := os.MkdirAll(conf, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(conf, "config.yaml"), []byte("jobmanager.rpc.address: 127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, c := startServer(t, dir)
	run := func(args ...string) string {
		t.Helper()
		action, rest := args[0], args[1:]
		all := append([]string{"-cp", dist[0] + ":" + filepath.Join(flink, "lib", "*"), "org.apache.flink.client.cli.CliFrontend", action, "-m", strings.TrimPrefix(c.URL, "http://")}, rest...)
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, java, all...)
		cmd.Env = append(os.Environ(), "FLINK_CONF_DIR="+conf)
		text, _ := cmd.CombinedOutput() // what it says is looked at
		return string(text)
	}
	out, err := c.SubmitSQL(context.Background(), counted(dir, 100_000_000), nil)
	if err != nil {
		t.Fatal(err)
	}
	id := out.Jobs[0].ID
	sp := filepath.Join(dir, "sp")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"list"}, id + " : insert-into_default_catalog.default_database.snk (RUNNING)"},
		{[]string{"savepoint", id, sp}, "Savepoint completed. Path: " + sp + "/savepoint-" + id[:6]},
		{[]string{"savepoint", id, "s9://nowhere"}, "Caused by: java.lang.Exception: "},
		{[]string{"stop", "-p", sp, id}, "Savepoint completed. Path: " + sp + "/savepoint-" + id[:6]},
		{[]string{"list", "-a"}, "(FINISHED)"},
	} {
		if got := run(tt.args...); !strings.Contains(got, tt.want) {
			t.Errorf("flink %v says\n%s\nwant %q", tt.args, got, tt.want)
		}
	}
	if _, err := c.Restart(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	if got := run("cancel", id); !strings.Contains(got, "Cancelled job "+id) {
		t.Errorf("flink cancel says\n%s", got)
	}
	j, err := c.Job(context.Background(), id)
	for end := time.Now().Add(10 * time.Second); err == nil && j.State != session.StateCanceled && time.Now().Before(end); j, err = c.Job(context.Background(), id) {
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil || j.State != session.StateCanceled {
		t.Errorf("after flink cancel: %+v, %v", j, err)
	}
}
