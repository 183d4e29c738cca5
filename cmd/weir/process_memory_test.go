package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

var memoryRows = flag.Int("memory-rows", 600_000, "rows that each query of TestProcessMemory reads, of keys that hardly come again")

// TestProcessMemory: a process takes at most a quarter more memory than its job may have, program and all, while its state is many
// times that. With -memory-rows 8000000 it is ten times that.
func TestProcessMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: the peak of a process's memory is read as Linux tells it")
	}
	const limit = 128 // MB
	const order = "SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM src"
	for name, query := range map[string]string{
		"GROUP BY": "SELECT k, COUNT(*), AVG(v) FROM src GROUP BY k",
		"join":     "SELECT a.k, a.v, b.v FROM src a JOIN src b ON a.k = b.k AND a.v < b.v",
		"window":   "SELECT window_start, k, COUNT(*), AVG(v) FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, k",
		"Top-N":    "SELECT k, v, rn FROM (" + order + ") WHERE rn <= 3",
		"OVER":     "SELECT k, v, SUM(v) OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM src",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "job.sql")
			script := fmt.Sprintf(`
CREATE TABLE src (k BIGINT, v DOUBLE, n BIGINT, ts AS TO_TIMESTAMP_LTZ(n / 1000, 3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'datagen', 'number-of-rows' = '%d', 'rows-per-second' = '1000000000', 'fields.k.min' = '0', 'fields.k.max' = '1000000000000',
	'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '1000000000');
CREATE TABLE gone WITH ('connector' = 'blackhole') AS %s;`, *memoryRows, query)
			if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
				t.Fatal(err)
			}
			c := exec.Command("weir", "run", "-p", "1", "-D", fmt.Sprintf("taskmanager.memory.managed.size=%dm", limit), file)
			out, err := c.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if strings.Contains(string(out), "warning") {
				t.Errorf("%s", out)
			}
			if most := c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10; most > limit*5/4 {
				t.Errorf("the process took %d MB, want at most %d", most, limit*5/4)
			} else {
				t.Logf("%d MB", most)
			}
		})
	}
}
