//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/connectors/kinesis"
	"weir/internal/jobserver"
	"weir/internal/session"
)

// The faults that a relay before the Kinesis server makes.
const (
	noFault int32 = iota
	dropped       // connections are closed without an answer
	expired       // the credentials' token has expired
	denied        // the credentials may not do this
)

// relay stands between a job and the Kinesis server.
type relay struct {
	fault atomic.Int32
	url   string // of the Kinesis server
	to    *httputil.ReverseProxy
}

func (r *relay) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	refuse := func(code, message string) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":%q,"message":%q}`, code, message)
	}
	switch r.fault.Load() {
	case dropped:
		panic(http.ErrAbortHandler)
	case expired:
		refuse("ExpiredTokenException", "The security token included in the request is expired")
	case denied:
		refuse("AccessDeniedException", "User: me is not authorized to perform: kinesis:GetRecords")
	default:
		r.to.ServeHTTP(w, q)
	}
}

// faultRig is a server with a job that copies a stream into files, through a relay.
type faultRig struct {
	t      *testing.T
	dir    string
	relay  *relay
	admin  *kinesis.Admin
	server *process
	client *jobserver.Client
	id     string
	put    int
}

func newFaultRig(t *testing.T, options ...string) *faultRig {
	r, front := newRelayRig(t)
	r.submit(fmt.Sprintf(`
CREATE TABLE src (id BIGINT) WITH ('connector' = 'kinesis', 'stream' = 'in', 'format' = 'json', 'aws.endpoint' = '%s', 'source.init.position' = 'TRIM_HORIZON',
	%s);
CREATE TABLE snk (id BIGINT) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = '%s/out');`, front, strings.Join(append(options, "'source.reader.empty-records-fetch-interval' = '20 ms'"), ", "), r.dir))
	return r
}

// newRelayRig is a server, and a stream behind a relay at a URL.
func newRelayRig(t *testing.T) (r *faultRig, url string) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	r = &faultRig{t: t, dir: t.TempDir()}
	start(t, r.dir, "", "kinesis", "--addr", "127.0.0.1:"+port, "--data", "streams")
	to := &neturl.URL{Scheme: "http", Host: "127.0.0.1:" + port}
	r.relay = &relay{url: to.String(), to: httputil.NewSingleHostReverseProxy(to)}
	front := httptest.NewServer(r.relay)
	t.Cleanup(front.Close)
	if r.admin, err = kinesis.NewAdmin(t.Context(), to.String()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() error { return r.admin.EnsureStream(t.Context(), "in", 1) })
	r.server, r.client = startServer(t, r.dir)
	return r, front.URL
}

// submit starts the job that copies src into snk.
func (r *faultRig) submit(tables string) {
	out, err := r.client.SubmitSQL(r.t.Context(), tables+`
SET 'execution.checkpointing.interval' = '100 ms';
SET 'restart-strategy.type' = 'fixed-delay';
SET 'restart-strategy.fixed-delay.attempts' = '1000';
SET 'restart-strategy.fixed-delay.delay' = '200 ms';
INSERT INTO snk SELECT id FROM src;`, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.id = out.Jobs[0].ID
}

// more puts records, and waits until each is in the output once.
func (r *faultRig) more(n int) {
	r.t.Helper()
	for range n {
		r.put++
		if err := r.admin.Put(r.t.Context(), "in", "k", fmt.Appendf(nil, `{"id":%d}`, r.put)); err != nil {
			r.t.Fatal(err)
		}
	}
	waitFor(r.t, func() error {
		seen := map[string]int{}
		files, _ := filepath.Glob(filepath.Join(r.dir, "out", "[^._]*"))
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			for _, id := range strings.Fields(string(text)) {
				seen[id]++
			}
		}
		for id := 1; id <= r.put; id++ {
			if n := seen[fmt.Sprint(id)]; n != 1 {
				return fmt.Errorf("record %d is there %d times: %v\n%s", id, n, r.details().Failures, r.server.stderr())
			}
		}
		return nil
	})
}

func (r *faultRig) details() jobserver.Details {
	r.t.Helper()
	d, err := r.client.Details(r.t.Context(), r.id)
	if err != nil {
		r.t.Fatalf("%v\n%s", err, r.server.stderr())
	}
	return d
}

// failsWith waits until the job has failed with such a cause, and is being started again.
func (r *faultRig) failsWith(want string) {
	r.t.Helper()
	waitFor(r.t, func() error {
		d := r.details()
		for _, f := range d.Failures {
			if strings.Contains(f.Error, want) {
				r.t.Logf("%s: %s", f.Operator, f.Error)
				return nil
			}
		}
		return fmt.Errorf("no failure with %q, but %v", want, d.Failures)
	})
}

// triesAgain waits until the job's log and DIAGNOSE say that it tries again.
func (r *faultRig) triesAgain(log, diagnosis string) {
	r.t.Helper()
	waitFor(r.t, func() error {
		lines, err := r.client.Logs(r.t.Context(), r.id, 0)
		if err == nil && !strings.Contains(fmt.Sprint(lines), log) {
			err = fmt.Errorf("the log is %v", lines)
		}
		return err
	})
	waitFor(r.t, func() error { // the newest line of the log may be another
		lines, err := r.client.Diagnose(r.t.Context(), r.id)
		if err == nil && !strings.Contains(fmt.Sprint(lines), "ago: "+diagnosis) {
			err = fmt.Errorf("DIAGNOSE says %q", lines)
		}
		return err
	})
}

// TestRevokedCredentials: a job whose credentials are refused after a while is started again and again, says why, and
// goes on where it was once they are good.
func TestRevokedCredentials(t *testing.T) {
	r := newFaultRig(t)
	r.more(5)
	r.relay.fault.Store(expired)
	r.failsWith("expired")
	r.relay.fault.Store(denied)
	r.failsWith("kinesis:GetRecords")
	r.relay.fault.Store(noFault)
	r.more(5)
	if d := r.details(); d.State != session.StateRunning || d.Restarts == 0 {
		t.Errorf("the job is %s after %d restarts", d.State, d.Restarts)
	}
}

// TestDroppedConnectionsForLong: a job whose connections are dropped for longer than it bears is started again, says why, and
// goes on where it was.
func TestDroppedConnectionsForLong(t *testing.T) {
	r := newFaultRig(t, "'outage.timeout' = '2 s'")
	r.more(5)
	r.relay.fault.Store(dropped)
	r.failsWith("('outage.timeout')")
	r.relay.fault.Store(noFault)
	r.more(5)
	if d := r.details(); d.State != session.StateRunning || d.Restarts == 0 {
		t.Errorf("the job is %s after %d restarts", d.State, d.Restarts)
	}
}

// TestDroppedConnections: a job whose connections are dropped tries again, its log and DIAGNOSE say why, and loses nothing.
func TestDroppedConnections(t *testing.T) {
	r := newFaultRig(t)
	r.more(5)
	r.relay.fault.Store(dropped)
	r.triesAgain("read failed, trying again", "kinesis: read failed, trying again (stream=in shard=")
	r.relay.fault.Store(noFault)
	r.more(5)
}

// TestDroppedConnectionsOfSink: a job whose records cannot be put, for connections are dropped, tries again, its log and DIAGNOSE say
// why, and it puts all of them.
func TestDroppedConnectionsOfSink(t *testing.T) {
	r, front := newRelayRig(t)
	const rows = 3_000
	r.submit(fmt.Sprintf(`
CREATE TABLE src (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '%d');
CREATE TABLE snk (id BIGINT) WITH ('connector' = 'kinesis', 'stream' = 'in', 'format' = 'json', 'aws.endpoint' = '%s');`, rows, front))
	time.Sleep(500 * time.Millisecond)
	r.relay.fault.Store(dropped)
	r.triesAgain("write failed, trying again", "kinesis: write failed, trying again (stream=in")
	r.relay.fault.Store(noFault)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := r.client.Wait(ctx, r.id); err != nil {
		t.Fatalf("%v\n%s", err, r.server.stderr())
	}
	seen := map[string]bool{}
	for _, line := range strings.Fields(mustWeir(t, r.dir, "streams", "tail", "in", "--from", "trim", "--once", "-o", "data", "--endpoint", r.relay.url)) {
		seen[line] = true
	}
	if len(seen) != rows {
		t.Errorf("%d records are there, want %d", len(seen), rows)
	}
}

// TestFullDisk: a job server whose disk is full keeps its job, says why it fails, and goes on once there is room.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if text, err := exec.Command("unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: no small disk can be mounted: %v: %s", err, text)
	}
	self, err := exec.LookPath("weir")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command("unshare", "-Urm", "sh", "-c", fmt.Sprintf("mount -t tmpfs -o size=8m tmpfs %s && cd %[1]s && exec %s server --data data --listen 127.0.0.1:0", dir, self))}
	p.cmd.Stderr = p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	var c *jobserver.Client
	waitFor(t, func() error {
		_, rest, ok := strings.Cut(p.stderr(), "url=")
		if !ok || !strings.ContainsAny(rest, " \n") {
			return fmt.Errorf("the server does not start:\n%s", p.stderr())
		}
		c, err = jobserver.NewClient(strings.Fields(rest)[0], "")
		return err
	})
	inside := filepath.Join("/proc", fmt.Sprint(p.cmd.Process.Pid), "root", dir)
	const rows = 20_000
	script := strings.Replace(counted(dir, rows), "'10000'", "'4000'", 1)
	out, err := c.SubmitSQL(t.Context(), strings.Replace(script, "INSERT INTO", "SET 'restart-strategy.type' = 'fixed-delay';\nSET 'restart-strategy.fixed-delay.attempts' = '1000';\nSET 'restart-strategy.fixed-delay.delay' = '100 ms';\nINSERT INTO", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	id := out.Jobs[0].ID
	time.Sleep(500 * time.Millisecond)
	ballast := filepath.Join(inside, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 16<<20), 0o600); err == nil {
		t.Fatal("the disk takes 16 MB")
	}
	waitFor(t, func() error {
		d, err := c.Details(t.Context(), id)
		if err == nil && (len(d.Failures) == 0 || !strings.Contains(d.Failures[0].Error, "no space left on device")) {
			err = fmt.Errorf("the job is %s with %v\n%s", d.State, d.Failures, p.stderr())
		}
		if err == nil {
			t.Logf("%s: %s", d.Failures[0].Operator, d.Failures[0].Error)
		}
		return err
	})
	time.Sleep(time.Second)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Wait(ctx, id); err != nil {
		t.Fatalf("%v\n%s", err, p.stderr())
	}
	checkCounted(t, inside, rows)
}
