//go:build linux

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/jobserver"
)

// TestHangingServiceAndKill has a service hang that a job asks for each row, and then kills the server. Its memory does not grow
// while nothing is answered, and once the service answers each row is written once.
func TestHangingServiceAndKill(t *testing.T) {
	const rows = 40_000
	var hangs atomic.Bool
	var asked atomic.Int64
	release := make(chan struct{})
	service := httptest.NewServer(hanging(&hangs, &asked, release))
	defer service.Close()
	dir := t.TempDir()
	server, client := startServer(t, dir)
	out, err := client.SubmitSQL(t.Context(), fmt.Sprintf(`
CREATE TABLE src (n BIGINT, id AS MOD(n, 200), proc AS PROCTIME()) WITH ('connector' = 'datagen', 'rows-per-second' = '8000', 'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '%d');
CREATE TABLE names (id BIGINT, name STRING) WITH ('connector' = 'http', 'url' = '%s', 'format' = 'json');
CREATE TABLE snk (n BIGINT, name STRING) WITH ('connector' = 'filesystem', 'path' = '%s/out', 'format' = 'csv');
SET 'execution.checkpointing.interval' = '200 ms';
INSERT INTO snk SELECT src.n, name FROM src JOIN names FOR SYSTEM_TIME AS OF src.proc ON names.id = src.id;`, rows-1, service.URL, dir), nil)
	if err != nil {
		t.Fatal(err)
	}
	id := out.Jobs[0].ID
	waitFor(t, func() error {
		d, err := client.Details(t.Context(), id)
		if err == nil && (d.Checkpoint == "" || d.RowsOut < 2000) {
			err = fmt.Errorf("%d rows written, checkpoint %q", d.RowsOut, d.Checkpoint)
		}
		return err
	})
	hangs.Store(true)
	diagnosed(t, client, id, "requests are under way, the oldest for ")
	before := rss(t, server.cmd.Process.Pid)
	time.Sleep(3 * time.Second)
	if grown := rss(t, server.cmd.Process.Pid) - before; grown > 48<<20 {
		t.Errorf("the memory grows by %d MB in 3 s of which nothing comes", grown>>20)
	}
	if err := server.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.cmd.Wait() // it was killed
	was := asked.Load()
	_, client = startServer(t, dir)
	waitFor(t, func() error {
		if asked.Load() == was {
			return fmt.Errorf("what waited is not asked for again")
		}
		return nil
	})
	diagnosed(t, client, id, "requests are under way, the oldest for ")
	hangs.Store(false)
	close(release)
	if err := client.Wait(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	eachOnce(t, filepath.Join(dir, "out"), rows)
}

// eachOnce wants the lines "0,n0", "1,n1" and so on in the files of a folder, each once; names repeat every 200.
func eachOnce(t *testing.T, dir string, rows int) {
	t.Helper()
	seen := make([]int, rows)
	files, err := filepath.Glob(filepath.Join(dir, "part-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var n, name int
			if _, err := fmt.Sscanf(line, "%d,n%d", &n, &name); err != nil || n < 0 || n >= rows || name != n%200 {
				t.Fatalf("line %q", line)
			}
			seen[n]++
		}
	}
	for n, times := range seen {
		if times != 1 {
			t.Fatalf("row %d is there %d times", n, times)
		}
	}
}

// hanging answers with a name for each id, or not before it is released while it hangs. It counts what it is asked.
func hanging(hangs *atomic.Bool, asked *atomic.Int64, release chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if hangs.Load() {
			select {
			case <-release:
			case <-r.Context().Done():
				return
			}
		}
		fmt.Fprintf(w, `{"name": "n%s"}`, r.URL.Query().Get("id"))
	}
}

// diagnosed waits until DIAGNOSE JOB tells something.
func diagnosed(t *testing.T, client *jobserver.Client, id, want string) {
	t.Helper()
	waitFor(t, func() error {
		lines, err := client.Diagnose(t.Context(), id)
		if text := strings.Join(lines, "\n"); err == nil && !strings.Contains(text, want) {
			err = fmt.Errorf("DIAGNOSE JOB gives %s", text)
		}
		return err
	})
}
