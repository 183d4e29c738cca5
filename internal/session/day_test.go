package session

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"weir/connectors"
	"weir/exec"
	"weir/exec/checkpoint"
	"weir/planner"
	"weir/sql/vec"
)

// The whole day: go test ./internal/session -run TestDay -v -hours 24
var dayHours = flag.Int("hours", 5, "how many simulated hours TestDay runs a job for")

// clocked makes a source give rows as its clock goes, however far that jumps.
type clocked struct {
	connectors.Reads
	began time.Time
}

func (c *clocked) Source(t *connectors.TableDesc, scan connectors.Scan, env *connectors.Env) (connectors.Source, error) {
	s, err := c.Reads.Source(t, scan, env)
	if err != nil {
		return nil, err
	}
	g := s.(*connectors.Generated)
	rate := g.Rate
	g.Rate = 0
	return &clockedSource{g, c.began, rate}, nil
}

type clockedSource struct {
	*connectors.Generated
	began time.Time
	rate  float64
}

func (s *clockedSource) Read(ctx context.Context, split connectors.Split, from connectors.Offset) (connectors.SplitReader, error) {
	r, err := s.Generated.Read(ctx, split, from)
	if err != nil {
		return nil, err
	}
	out := &clockedReader{BatchReader: r.(connectors.BatchReader), s: s}
	if from != nil {
		out.row = int64(binary.BigEndian.Uint64(from))
	}
	return out, nil
}

type clockedReader struct {
	connectors.BatchReader
	s   *clockedSource
	row int64
}

func (r *clockedReader) due() int64 {
	rows := int64(r.s.Env.Now().Sub(r.s.began).Seconds() * r.s.rate)
	return min(rows, r.s.Total) - r.row
}

// Waiting tells the simulator that only the clock brings more.
func (r *clockedReader) Waiting() bool { return r.row < r.s.Total && r.due() <= 0 }

func (r *clockedReader) NextBatch(ctx context.Context, limit int) (*vec.Batch, connectors.Offset, error) {
	if r.row == r.s.Total {
		return nil, nil, io.EOF
	}
	if limit = int(min(int64(limit), r.due())); limit <= 0 {
		return nil, nil, nil
	}
	b, off, err := r.BatchReader.NextBatch(ctx, limit)
	if b != nil {
		r.row += int64(b.Len())
	}
	return b, off, err
}

// dayTables are two streams of rows whose keys never end, with times of now.
const dayTables = `
CREATE TABLE orders (id BIGINT, k INT, v BIGINT, ts TIMESTAMP(3), p AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'datagen', 'rows-per-second' = '%[1]d',
	'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '%[2]d', 'fields.k.min' = '1', 'fields.k.max' = '100', 'fields.ts.max-past' = '4 s');
CREATE TABLE payments (id BIGINT, amount BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'datagen', 'rows-per-second' = '%[1]d',
	'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '%[2]d', 'fields.ts.max-past' = '4 s');
CREATE TABLE counted (n BIGINT) WITH ('connector' = 'memory');
CREATE TABLE gone (a BIGINT, b BIGINT) WITH ('connector' = 'blackhole');
SET 'table.exec.state.ttl' = '10 min';
SET 'parallelism.default' = '2';
`

const dayJob = `EXECUTE STATEMENT SET BEGIN
INSERT INTO counted SELECT SUM(n) FROM (SELECT window_start, window_end, window_time, k, COUNT(*) AS n FROM TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end, window_time, k)
	GROUP BY TUMBLE(window_time, INTERVAL '1' HOUR);
INSERT INTO gone SELECT id, COUNT(*) FROM orders GROUP BY id;
INSERT INTO gone SELECT o.id, amount FROM orders o JOIN payments p ON o.id = p.id;
INSERT INTO gone SELECT o.id, amount FROM orders o, payments p WHERE o.id = p.id AND p.ts BETWEEN o.ts - INTERVAL '1' MINUTE AND o.ts + INTERVAL '1' MINUTE;
INSERT INTO gone SELECT k, id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY p) AS nth FROM orders) WHERE nth = 1;
INSERT INTO gone SELECT k, id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY v DESC) AS nth FROM orders) WHERE nth <= 2;
INSERT INTO gone SELECT SUM(v) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW), id FROM orders;
END`

// holds is what a process and its job hold.
type holds struct {
	heap              int64 // bytes
	goroutines, files int   // that are open
	kept              int   // files of checkpoints and state
	keptBytes         int64
	entries           int // of the newest checkpoint's state
}

func holdsNow(t *testing.T, dirs ...string) (h holds) {
	t.Helper()
	runtime.GC()
	runtime.GC() // what finalizers let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h.heap, h.goroutines = int64(m.HeapAlloc), runtime.NumGoroutine()
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		h.files = len(open)
	}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err == nil {
				h.kept++
				h.keptBytes += info.Size()
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// day is a job on its way through simulated time.
type day struct {
	t        *testing.T
	dir      string
	now      time.Duration
	end      time.Duration
	restarts int
	looks    []holds
}

const (
	dayRate = 10 // rows a second
	dayTick = 10 * time.Second
)

// next moves the clock on. Each hour is looked at; the first one, and then every third, ends with a restart.
func (d *day) next() (exec.Move, bool) {
	if d.now >= d.end {
		return exec.Move{}, false
	}
	if d.now += dayTick; d.now%time.Hour != 0 {
		return exec.Move{Advance: dayTick}, true
	}
	h := holdsNow(d.t, filepath.Join(d.dir, "chk"), filepath.Join(d.dir, "work"))
	h.entries = d.entries()
	d.t.Logf("%3.0f h: %5.1f MB of heap, %d goroutines, %d files open, %d files kept of %.1f MB, %d entries of state", d.now.Hours(), float64(h.heap)/1e6, h.goroutines, h.files, h.kept, float64(h.keptBytes)/1e6, h.entries)
	d.looks = append(d.looks, h)
	again := d.now%(3*time.Hour) == time.Hour
	if again {
		d.restarts++
	}
	return exec.Move{Advance: dayTick, Restart: again}, true
}

// entries counts what the newest checkpoint has of state.
func (d *day) entries() (n int) {
	store, err := checkpoint.OpenDir(filepath.Join(d.dir, "chk"), checkpoint.Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := store.Latest(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	for name, task := range c.Tasks {
		if task.State == nil {
			continue
		}
		if err := task.State.Scan(nil, nil, func(_, _ []byte) error { n++; return nil }); err != nil {
			d.t.Fatalf("%s: %v", name, err)
		}
	}
	return n
}

// plan plans the job, its sources by the simulated clock.
func (d *day) plan(s *Session, began time.Time) *planner.Plan {
	stmt, err := ParseOne(dayJob)
	if err != nil {
		d.t.Fatal(err)
	}
	plan, err := s.PlanWith(dayJob, stmt, func(*planner.Settings) {})
	if err != nil {
		d.t.Fatal(err)
	}
	seen := map[planner.Node]bool{}
	var visit func(n planner.Node)
	visit = func(n planner.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if scan, ok := n.(*planner.Scan); ok {
			scan.Config = &clocked{scan.Config.(connectors.Reads), began}
		}
		for _, in := range n.Inputs() {
			visit(in)
		}
	}
	for _, r := range plan.Roots {
		visit(r)
	}
	return plan
}

// TestDay runs a job with windows, GROUP BY, joins, deduplication and OVER through a day of simulated time, over keys without end, with a checkpoint
// every ten minutes and restarts. What it holds does not grow.
func TestDay(t *testing.T) {
	d := &day{t: t, dir: t.TempDir(), end: time.Duration(*dayHours) * time.Hour}
	rows := int(d.end.Seconds()) * dayRate
	began := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	s := ephemeral(t, d.dir)
	must(t, s, fmt.Sprintf(dayTables, dayRate, rows))
	s.settle()
	o := s.ExecOptions(nil)
	o.Interval, o.WorkDir, o.SpillBytes = 10*time.Minute, filepath.Join(d.dir, "work"), 1
	store, err := checkpoint.OpenDir(filepath.Join(d.dir, "chk"), checkpoint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o.Checkpoints = store
	if err := os.MkdirAll(o.WorkDir, 0o755); err != nil {
		t.Fatal(err)
	}
	wall := time.Now()
	stats, err := exec.Simulate(context.Background(), d.plan(s, began), o, exec.SimOptions{Seed: 1, Start: began, MaxCrashes: 100, Quiet: d.next})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d h, %d rows of each stream in %s: %+v", *dayHours, rows, time.Since(wall).Round(time.Second), stats)
	d.check(stats, rows)
	total := 0
	for _, l := range lines(t, s, "SELECT n FROM counted") {
		n := 0
		fmt.Sscan(l, &n)
		total += n
	}
	if total != rows {
		t.Errorf("%d rows are in windows, of %d", total, rows)
	}
}

// check compares the later hours with the first ones.
func (d *day) check(stats exec.SimStats, rows int) {
	if stats.Restores < d.restarts || d.restarts == 0 || stats.Checkpoints < *dayHours*5 {
		d.t.Errorf("%d restarts: %+v", d.restarts, stats)
	}
	var most holds // of the second to the fourth hour
	for _, h := range d.looks[1:4] {
		most.entries = max(most.entries, h.entries)
		most.heap, most.keptBytes = max(most.heap, h.heap), max(most.keptBytes, h.keptBytes)
		most.goroutines, most.files, most.kept = max(most.goroutines, h.goroutines), max(most.files, h.files), max(most.kept, h.kept)
	}
	for i, h := range d.looks[4:] {
		if h.entries > most.entries+most.entries/4 {
			d.t.Errorf("hour %d: %d entries of state; before it were %d", i+5, h.entries, most.entries)
		}
		if h.heap > most.heap+most.heap/4+2<<20 || h.goroutines > most.goroutines+2 || h.files > most.files+8 || h.kept > 2*most.kept || h.keptBytes > 2*most.keptBytes {
			d.t.Errorf("hour %d: %+v; before it was %+v", i+5, h, most)
		}
	}
}
