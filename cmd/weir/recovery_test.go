//go:build linux

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/internal/jobserver"
)

// go test ./cmd/weir -run TestLargeStateOfServer -timeout 30m -v -state-mb 1024
var stateMB = flag.Int("state-mb", 0, "megabytes of state that TestLargeStateOfServer measures with; 0 skips it")

// largeJob counts by keys of 200 characters: those of the first source come once, fast; the second goes on for ever.
func largeJob(keys, changing int, rate float64, interval string) string {
	return fmt.Sprintf(`
CREATE TABLE once (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100000000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '%d');
CREATE TABLE live (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '%f', 'fields.id.min' = '1', 'fields.id.max' = '%d');
CREATE TABLE counts (k STRING, n BIGINT) WITH ('connector' = 'blackhole');
SET 'execution.checkpointing.interval' = '%s';
INSERT INTO counts SELECT k, COUNT(*) FROM (SELECT SHA512(CAST(id AS STRING)) || SHA256(CAST(id AS STRING)) AS k FROM (SELECT id FROM once UNION ALL SELECT id FROM live)) GROUP BY k;
`, keys, rate, changing, interval)
}

// checkpoints are figures of a job's checkpoints, as Flink's API has them.
type checkpoints struct {
	History []struct {
		ID       int64  `json:"id"`
		Status   string `json:"status"`
		Duration int64  `json:"end_to_end_duration"`
		New      int64  `json:"checkpointed_size"`
		Size     int64  `json:"state_size"`
	} `json:"history"`
}

func checkpointsOf(t *testing.T, c *jobserver.Client, id string) (out checkpoints) {
	t.Helper()
	res, err := http.Get(c.URL + "/jobs/" + id + "/checkpoints")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(readAll(res)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLargeStateOfServer measures a job with much state, of which 1 % changes from one checkpoint to the next: its
// checkpoints, its recovery from kill -9, and how many rows it takes with and without checkpoints.
func TestLargeStateOfServer(t *testing.T) {
	if *stateMB == 0 {
		t.Skip("SKIPPED: a measurement; -state-mb 1024 runs it with 1 GB of state")
	}
	dir := t.TempDir()
	keys := *stateMB << 20 / 230
	p, c := startServer(t, dir)
	out, err := c.SubmitSQL(t.Context(), largeJob(keys, keys, float64(keys)/1000, "10 s"), nil)
	if err != nil {
		t.Fatal(err)
	}
	id := out.Jobs[0].ID
	rows := func() int64 {
		d, err := c.Details(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return d.RowsIn
	}
	began := time.Now()
	for rows() < int64(keys) {
		time.Sleep(200 * time.Millisecond)
	}
	t.Logf("%d groups read in %s", keys, time.Since(began).Round(time.Millisecond))
	large := func(n int) {
		for first := int64(0); n > 0; time.Sleep(500 * time.Millisecond) {
			for _, h := range checkpointsOf(t, c, id).History {
				if h.Status == "COMPLETED" && h.ID > first && rows() > int64(keys) {
					t.Logf("checkpoint %d: %d ms, %d MB, %d MB new", h.ID, h.Duration, h.Size>>20, h.New>>20)
					first = h.ID
					n--
					break
				}
			}
		}
	}
	large(8)
	at := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
	p, c = startServer(t, dir)
	up := time.Since(at)
	for d := (jobserver.Details{}); d.RowsOut == 0; time.Sleep(5 * time.Millisecond) {
		if d, err = c.Details(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("from kill -9 until the server answers %s, until the job's first output %s", up.Round(time.Millisecond), time.Since(at).Round(time.Millisecond))
	t.Logf("RSS %d MB", rss(t, p.cmd.Process.Pid)>>20)
	if _, err := c.Stop(t.Context(), id, false, false); err != nil {
		t.Fatal(err)
	}
}

// TestCheckpointsCostLittle measures how many rows a job takes that changes 1 % of its keys all the time, with a
// checkpoint every 10 s and without.
func TestCheckpointsCostLittle(t *testing.T) {
	if *stateMB == 0 {
		t.Skip("SKIPPED: a measurement; -state-mb 1024 runs it with 1 GB of state")
	}
	keys := *stateMB << 20 / 230
	for _, interval := range []string{"1 h", "10 s", "1 h", "10 s"} {
		dir := t.TempDir()
		p, c := startServer(t, dir)
		out, err := c.SubmitSQL(t.Context(), largeJob(keys, keys/100, 100_000_000, interval), nil)
		if err != nil {
			t.Fatal(err)
		}
		rows := func() int64 {
			d, err := c.Details(t.Context(), out.Jobs[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			return d.RowsIn
		}
		for rows() < 5*int64(keys) || interval != "1 h" && !steady(checkpointsOf(t, c, out.Jobs[0].ID)) {
			time.Sleep(100 * time.Millisecond)
		}
		began, from, cpu := time.Now(), rows(), used(t, p.cmd.Process.Pid)
		time.Sleep(40 * time.Second)
		n := float64(rows() - from)
		t.Logf("checkpoints every %s: %.0f rows a second, %.0f rows a second of CPU", interval, n/time.Since(began).Seconds(), n/(used(t, p.cmd.Process.Pid)-cpu).Seconds())
		for _, h := range checkpointsOf(t, c, out.Jobs[0].ID).History {
			t.Logf("checkpoint %d: %d ms, %d MB, %d MB new", h.ID, h.Duration, h.Size>>20, h.New>>20)
		}
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		_ = os.RemoveAll(dir)
	}
}

// steady tells whether the newest two checkpoints have little new: all keys had come before.
func steady(c checkpoints) bool {
	n := 0
	for _, h := range c.History {
		if h.Status != "COMPLETED" {
			continue
		}
		if h.New > h.Size/12 {
			return false
		}
		if n++; n == 2 {
			return true
		}
	}
	return false
}

// used is the time on CPUs that a process has had.
func used(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	total := time.Duration(0)
	for _, ticks := range strings.Fields(rest)[11:13] {
		n, err := strconv.ParseInt(ticks, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		total += time.Duration(n) * 10 * time.Millisecond
	}
	return total
}

// rss is the memory that a process holds.
func rss(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
