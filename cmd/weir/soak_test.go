//go:build linux

package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"weir/connectors/kinesis"
	"weir/internal/jobserver"
	"weir/internal/session"
)

// An hour of 1,000 records a second: go test ./cmd/weir -run TestSoak -timeout 30m -v -soak 3600000
var (
	soakRecords = flag.Int("soak", 0, "records that TestSoak has jobs work through; 0 skips it")
	soakRate    = flag.Int("soak-rate", 20_000, "records a second that TestSoak makes")
)

// soakJob makes records of keys without end, and reads them with every kind of state that expires.
func soakJob(url string, records, rate int) string {
	return fmt.Sprintf(`
CREATE TABLE events (id BIGINT, k INT, v BIGINT, ts TIMESTAMP(3), p AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'kinesis',
	'stream' = 'events', 'format' = 'json', 'aws.endpoint' = '%s', 'source.init.position' = 'TRIM_HORIZON', 'source.reader.empty-records-fetch-interval' = '50 ms');
CREATE TABLE made (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '%d', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '%d');
CREATE TABLE gone (a BIGINT, b BIGINT) WITH ('connector' = 'blackhole');
CREATE TABLE windows (start TIMESTAMP(3), k INT, n BIGINT, total BIGINT) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = 'out');
SET 'execution.checkpointing.interval' = '2 s';
INSERT INTO events SELECT id, CAST(MOD(id * 7919, 500) AS INT), MOD(id * 104729, 10007), TO_TIMESTAMP_LTZ(id * 1000 / %[2]d * 20, 3) FROM made;
SET 'table.exec.state.ttl' = '15 s';
EXECUTE STATEMENT SET BEGIN
INSERT INTO windows SELECT window_start, k, COUNT(*), SUM(v) FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end, k;
INSERT INTO gone SELECT id, COUNT(*) FROM events GROUP BY id;
INSERT INTO gone SELECT a.id, b.v FROM events a JOIN events b ON a.id = b.id WHERE MOD(a.id, 4) = 0 AND MOD(b.id, 4) = 0;
INSERT INTO gone SELECT k, id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY p) AS nth FROM events) WHERE nth = 1;
END;
`, url, rate, records)
}

// look is what a process holds at one moment.
type look struct {
	rss          int64
	fds, threads int
	files        int // of checkpoints and state
}

func lookAt(t *testing.T, pid int, dir string) (l look) {
	t.Helper()
	l.rss = rss(t, pid)
	for name, n := range map[string]*int{"fd": &l.fds, "task": &l.threads} {
		open, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), name))
		if err != nil {
			t.Fatal(err)
		}
		*n = len(open)
	}
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error { // files go while it walks
		if err == nil && !d.IsDir() {
			l.files++
		}
		return nil
	})
	return l
}

// halfway is the median of what looks have.
func halfway(looks []look, of func(look) int64) int64 {
	all := make([]int64, len(looks))
	for i, l := range looks {
		all[i] = of(l)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// TestSoak has jobs work through an hour's records as fast as they go, over keys without end. What the process holds in
// the last third of that time is what it held in the second.
func TestSoak(t *testing.T) {
	if *soakRecords == 0 {
		t.Skip("SKIPPED: a measurement; -soak 3600000 runs it for some minutes")
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	dir, url := t.TempDir(), "http://127.0.0.1:"+port
	start(t, dir, "", "kinesis", "--addr", "127.0.0.1:"+port, "--data", "streams")
	admin, err := kinesis.NewAdmin(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() error { return admin.EnsureStream(t.Context(), "events", 4) })
	p, c := startServer(t, dir)
	out, err := c.SubmitSQL(t.Context(), soakJob(url, *soakRecords, *soakRate), nil)
	if err != nil || len(out.Jobs) != 2 {
		t.Fatalf("%d jobs are there, want 2: %v", len(out.Jobs), err)
	}
	ids := []string{out.Jobs[0].ID, out.Jobs[1].ID}
	began := time.Now()
	var looks []look
	for last := began; ; time.Sleep(500 * time.Millisecond) {
		if made, done := soaked(t, p, c, ids); done {
			break
		} else if l := lookAt(t, p.cmd.Process.Pid, filepath.Join(dir, "data")); time.Since(last) > 10*time.Second {
			last = time.Now()
			t.Logf("%4.0f s: %8d records, RSS %3d MB, %d files open, %d threads, %d files of checkpoints and state", time.Since(began).Seconds(), made, l.rss>>20, l.fds, l.threads, l.files)
		}
		looks = append(looks, lookAt(t, p.cmd.Process.Pid, filepath.Join(dir, "data")))
	}
	t.Logf("%d records in %s", *soakRecords, time.Since(began).Round(time.Second))
	if _, err := c.Stop(t.Context(), ids[1], false, false); err != nil {
		t.Fatalf("%v\n%s", err, p.stderr())
	}
	third := len(looks) / 3
	for _, c := range []struct {
		what string
		of   func(look) int64
		more int64 // that may be
	}{
		{"MB of RSS", func(l look) int64 { return l.rss >> 20 }, 24},
		{"open files", func(l look) int64 { return int64(l.fds) }, 16},
		{"threads", func(l look) int64 { return int64(l.threads) }, 4},
		{"files of checkpoints and state", func(l look) int64 { return int64(l.files) }, 40},
	} {
		then, now := halfway(looks[third:2*third], c.of), halfway(looks[2*third:], c.of)
		t.Logf("%s: %d in the second third, %d in the last (medians)", c.what, then, now)
		if now > then+then/10+c.more {
			t.Errorf("%s grew from %d to %d", c.what, then, now)
		}
	}
}

// soaked is how many records a job has made, and whether that is all and the other has read them.
func soaked(t *testing.T, p *process, c *jobserver.Client, ids []string) (made int64, done bool) {
	t.Helper()
	for _, id := range ids {
		d, err := c.Details(t.Context(), id)
		if err != nil || d.Error != "" {
			t.Fatalf("%v, the job is %s: %s", err, d.State, d.Error)
		}
		if id == ids[0] {
			made, done = d.RowsIn, d.State == session.StateFinished
		}
	}
	return made, done && (&killRun{t: t, server: p, client: c, ids: ids}).caughtUp(t.Context())
}
