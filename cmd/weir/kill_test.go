//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"hash/maphash"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/connectors/kinesis"
	"weir/internal/jobserver"
	"weir/internal/session"
)

// The whole run: go test ./cmd/weir -run TestJobsSurviveKills -timeout 1h -v -kills 50 -records 5000000 -rate 25000
var (
	killCount   = flag.Int("kills", 5, "how often TestJobsSurviveKills kills a process")
	killRecords = flag.Int("records", 60_000, "records that go through its jobs")
	killRate    = flag.Int("rate", 7_500, "records a second that are made")
	killSeed    = flag.Uint64("seed", 0, "seed of when and what it kills; 0: a new one")
)

// killRun is a run of jobs whose processes are killed again and again.
type killRun struct {
	t       *testing.T
	dir     string
	rng     *rand.Rand
	port    string // of the Kinesis server, which stays the same
	streams *process
	server  *process
	client  *jobserver.Client
	url     string

	ids   []string // of the jobs: what makes records, what reads them
	kills map[string]int
	up    []time.Duration // from a kill until the jobs run again
	first []time.Duration // from a kill until there is new output
}

// TestJobsSurviveKills has one job put records into a stream and another read them into three tables, while kill -9
// meets the job server and the Kinesis server at random times. What the tables then hold is what a batch query makes
// of the stream, row for row.
func TestJobsSurviveKills(t *testing.T) {
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d -kills %d -records %d -rate %d", seed, *killCount, *killRecords, *killRate)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	r := &killRun{t: t, dir: t.TempDir(), rng: rand.New(rand.NewPCG(seed, 5)), port: port, url: "http://127.0.0.1:" + port, kills: map[string]int{}}
	r.startStreams()
	admin, err := kinesis.NewAdmin(t.Context(), r.url)
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() error { return admin.EnsureStream(t.Context(), "events", 4) })
	r.server, r.client = startServer(t, r.dir)
	r.submit()
	began := time.Now()
	for range *killCount {
		r.round(time.Duration(*killRecords) * time.Second / time.Duration(*killRate) / time.Duration(*killCount))
	}
	r.finish()
	t.Logf("%d records through in %s; killed: %v", *killRecords, time.Since(began).Round(time.Second), r.kills)
	t.Logf("from kill -9 until jobs run: %s; until there is new output: %s", spread(r.up), spread(r.first))
	r.compare()
}

func (r *killRun) startStreams() {
	r.streams = start(r.t, r.dir, "", "kinesis", "--addr", "127.0.0.1:"+r.port, "--data", "streams")
}

// tables are the stream and three outputs below a folder. mode bounds the stream.
func (r *killRun) tables(out, mode string) string {
	return fmt.Sprintf(`
CREATE TABLE events (id BIGINT, k INT, v BIGINT, ts TIMESTAMP(3), p AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '%d' SECOND) WITH ('connector' = 'kinesis',
	'stream' = 'events', 'format' = 'json', 'aws.endpoint' = '%s', 'source.init.position' = 'TRIM_HORIZON', 'source.reader.empty-records-fetch-interval' = '50 ms'%s);
CREATE TABLE plain (id BIGINT, twice BIGINT, name STRING, at TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = '%[4]s/plain');
CREATE TABLE windows (start TIMESTAMP(3), k INT, n BIGINT, total BIGINT, top BIGINT, ids BIGINT) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = '%[4]s/windows');
CREATE TABLE totals (k INT, n BIGINT, total BIGINT) WITH ('connector' = 'filesystem', 'format' = 'debezium-json', 'path' = '%[4]s/totals');
`, 5**killRate/20, r.url, mode, out)
}

// copies are the statements whose results are compared: computed columns, a window by event time, and a changelog of
// counts of rows of which each counts once.
const copies = `
EXECUTE STATEMENT SET BEGIN
INSERT INTO plain SELECT id, v * 2, 'key ' || CAST(k AS STRING) || UPPER(SUBSTRING(MD5(CAST(id AS STRING)) FROM 1 FOR 4)), ts FROM events WHERE MOD(id, 10) <> 3;
INSERT INTO windows SELECT window_start, k, COUNT(*), SUM(v), MAX(id), COUNT(DISTINCT id) FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end, k;
INSERT INTO totals SELECT k, COUNT(*), SUM(v) FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY p) AS nth FROM events) WHERE nth = 1 GROUP BY k;
END;
`

func (r *killRun) submit() {
	script := r.tables(r.dir+"/out", "") + fmt.Sprintf(`
CREATE TABLE made (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '%d', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '%d');
SET 'execution.checkpointing.interval' = '400 ms';
SET 'restart-strategy.type' = 'fixed-delay';
SET 'restart-strategy.fixed-delay.attempts' = '1000000';
SET 'restart-strategy.fixed-delay.delay' = '50 ms';
INSERT INTO events SELECT id, CAST(MOD(id * 7919, 500) AS INT), MOD(id * 104729, 10007), TO_TIMESTAMP_LTZ(id * 50, 3) FROM made;
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '300 ms';
SET 'table.exec.mini-batch.size' = '5000';
SET 'parallelism.default' = '1';
`, *killRate, *killRecords) + copies
	out, err := r.client.SubmitSQL(r.t.Context(), script, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, j := range out.Jobs {
		r.ids = append(r.ids, j.ID)
	}
	if len(r.ids) != 2 {
		r.t.Fatalf("%d jobs are there, want 2", len(r.ids))
	}
}

// round lets the jobs run for about as long as a round has, then kills.
func (r *killRun) round(each time.Duration) {
	time.Sleep(time.Duration(r.rng.Float64() * 1.4 * float64(each)))
	at := time.Now()
	switch x := r.rng.IntN(10); {
	case x < 2:
		r.kill("kinesis", r.streams)
		r.startStreams()
		return
	case x < 3:
		r.kill("kinesis", r.streams)
		r.kill("server", r.server)
		r.startStreams()
	default:
		r.kill("server", r.server)
	}
	for r.rng.IntN(4) == 0 { // again, while it starts
		p := start(r.t, r.dir, "", "server", "--data", "data", "--listen", "127.0.0.1:0")
		time.Sleep(time.Duration(r.rng.IntN(400)) * time.Millisecond)
		r.kill("starting server", p)
		at = time.Now()
	}
	before := r.checkpoint()
	r.server, r.client = startServer(r.t, r.dir)
	waitFor(r.t, func() error {
		j, err := r.client.Job(r.t.Context(), r.ids[1])
		if err == nil && j.State != session.StateRunning {
			err = fmt.Errorf("the job is %s: %s", j.State, j.Error)
		}
		return err
	})
	r.up = append(r.up, time.Since(at))
	waitFor(r.t, func() error {
		if now := r.checkpoint(); now == before {
			return fmt.Errorf("no checkpoint after %s\n%s", before, r.server.stderr())
		}
		return nil
	})
	r.first = append(r.first, time.Since(at))
}

// checkpoint names the newest checkpoint of the job that reads.
func (r *killRun) checkpoint() string {
	found, _ := filepath.Glob(filepath.Join(r.dir, "data", "jobs", r.ids[1], "checkpoints", "chk-*"))
	sort.Slice(found, func(i, j int) bool {
		return len(found[i]) < len(found[j]) || len(found[i]) == len(found[j]) && found[i] < found[j]
	})
	if len(found) == 0 {
		return ""
	}
	return filepath.Base(found[len(found)-1])
}

func (r *killRun) kill(what string, p *process) {
	r.kills[what]++
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		r.t.Fatal(err)
	}
	_ = p.cmd.Wait() // it was killed
}

// finish waits until all is made and read, then drains the job that reads.
func (r *killRun) finish() {
	ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Minute)
	defer cancel()
	if err := r.client.Wait(ctx, r.ids[0]); err != nil {
		r.t.Fatalf("%v\n%s", err, r.server.stderr())
	}
	for read := 0; read < 3; time.Sleep(100 * time.Millisecond) {
		if read++; !r.caughtUp(ctx) {
			read = 0
		}
	}
	if _, err := r.client.Stop(ctx, r.ids[1], true, true); err != nil {
		r.t.Fatalf("%v\n%s", err, r.server.stderr())
	}
	d, err := r.client.Details(ctx, r.ids[1])
	if err != nil || d.State != session.StateFinished || d.LateRows > 0 || d.Rejected > 0 {
		r.t.Errorf("the job ended as %s with %d late rows and %d rejected: %v", d.State, d.LateRows, d.Rejected, err)
	}
}

// caughtUp tells whether the job that reads has read all there is.
func (r *killRun) caughtUp(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, "GET", r.client.URL+"/api/v1/jobs/"+r.ids[1]+"/splits", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatalf("%v\n%s", err, r.server.stderr())
	}
	var out struct {
		Splits []struct {
			Behind int64 `json:"millisBehindLatest"`
		}
	}
	if err := json.Unmarshal([]byte(readAll(res)), &out); err != nil {
		r.t.Fatal(err)
	}
	for _, s := range out.Splits {
		if s.Behind != 0 {
			return false
		}
	}
	return len(out.Splits) >= 4
}

// compare has a batch query read the stream, and compares what it writes with what the job wrote.
func (r *killRun) compare() {
	script := r.tables(r.dir+"/want", ", 'scan.bounded.mode' = 'latest'") + "SET 'execution.runtime-mode' = 'batch';\n" + copies
	if err := os.WriteFile(filepath.Join(r.dir, "batch.sql"), []byte(script), 0o600); err != nil {
		r.t.Fatal(err)
	}
	began := time.Now()
	p := start(r.t, r.dir, "", "run", "batch.sql")
	if err := p.cmd.Wait(); err != nil {
		r.t.Fatalf("the batch query: %v\n%s", err, p.stderr())
	}
	r.t.Logf("the batch query took %s", time.Since(began).Round(time.Millisecond))
	for _, name := range []string{"plain", "windows", "totals"} {
		diff := map[string]int{}
		seed := maphash.MakeSeed()
		counts := map[uint64]int32{}
		got := r.count(filepath.Join(r.dir, "out", name), seed, counts, 1)
		want := r.count(filepath.Join(r.dir, "want", name), seed, counts, -1)
		for h, n := range counts {
			if n == 0 {
				delete(counts, h)
			}
		}
		if len(counts) > 0 {
			r.explain(filepath.Join(r.dir, "out", name), seed, counts, diff)
			r.explain(filepath.Join(r.dir, "want", name), seed, counts, diff)
			r.t.Errorf("%s: %d rows differ, as more (+) or fewer (-) than batch has: %v", name, len(counts), diff)
		}
		if got != want || got == 0 {
			r.t.Errorf("%s: the job wrote %d rows, batch %d", name, got, want)
		}
		r.t.Logf("%s: %d rows are the same", name, got)
	}
}

// count adds the rows in a folder's files to counts, by hash, and gives how many there are. Of a changelog,
// rows taken back count against those given.
func (r *killRun) count(dir string, seed maphash.Seed, counts map[uint64]int32, sign int32) (rows int) {
	r.lines(dir, func(row string, n int32) {
		rows += int(n)
		counts[maphash.String(seed, row)] += n * sign
	})
	return rows
}

// explain names some rows of the folder whose count is not 0.
func (r *killRun) explain(dir string, seed maphash.Seed, counts map[uint64]int32, diff map[string]int) {
	r.lines(dir, func(row string, _ int32) {
		if n := counts[maphash.String(seed, row)]; n != 0 && len(diff) < 20 {
			diff[row] = int(n)
		}
	})
}

// lines gives the rows in a folder's files; -1 for one that a changelog takes back.
func (r *killRun) lines(dir string, each func(row string, n int32)) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			row, n := lines.Text(), int32(1)
			if before, gone := strings.CutPrefix(row, `{"before":{`); gone {
				row, _, _ = strings.Cut(before, "}")
				n = -1
			} else if after, there := strings.CutPrefix(row, `{"before":null,"after":{`); there {
				row, _, _ = strings.Cut(after, "}")
			}
			each(row, n)
		}
		return lines.Err()
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// spread tells of times: the middle, and the longest.
func spread(times []time.Duration) string {
	if len(times) == 0 {
		return "none"
	}
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	ms := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	return fmt.Sprintf("median %s, 90 %% %s, longest %s", ms(times[len(times)/2]), ms(times[len(times)*9/10]), ms(times[len(times)-1]))
}
