package session

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/exec"
	"weir/sql"
)

// hangRows are more rows than may wait; answered is the key from which on the service hangs, as it does where a key is asked for again.
const (
	hangRows = 300_000
	answered = 7
)

// TestServiceHangs: while a service takes requests and does not answer, the job reads no further than what may wait, its watermark
// stays, and DIAGNOSE JOB says why. When the service answers again no row is missing, and none comes twice.
func TestServiceHangs(t *testing.T) {
	for name, c := range map[string]struct {
		key, hint string
		mostWait  int64 // rows
	}{
		"a key of its own for each row": {"n", "'output-mode' = 'ordered'", 5_000},
		"few keys":                      {"MOD(n, 7)", "'output-mode' = 'ordered'", 70_000},
		"few keys, unordered":           {"MOD(n, 7)", "'output-mode' = 'allow_unordered'", 70_000},
	} {
		t.Run(name, func(t *testing.T) {
			gate := make(chan struct{})
			var asked atomic.Int64
			var known [answered]atomic.Bool
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				if id, err := strconv.Atoi(r.URL.Query().Get("id")); err != nil || id >= answered || known[id].Swap(true) {
					select {
					case <-gate:
					case <-r.Context().Done():
						return
					}
				}
				fmt.Fprintf(w, `{"name": "n%s"}`, r.URL.Query().Get("id"))
			}))
			defer server.Close()
			dir := t.TempDir()
			s := ephemeral(t, dir)
			rows := hangRows
			if c.mostWait < 10_000 {
				rows = 12_000 // each is a request
			}
			must(t, s, fmt.Sprintf(`CREATE TABLE o (n BIGINT, id AS %s, proc AS PROCTIME(), ts AS TO_TIMESTAMP_LTZ(n, 3), WATERMARK FOR ts AS ts)
				WITH ('connector' = 'datagen', 'rows-per-second' = '10000000', 'number-of-rows' = '%d', 'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '%[2]d');
				CREATE TABLE names (id BIGINT, name STRING) WITH ('connector' = 'http', 'url' = '%s', 'format' = 'json', 'http.source.lookup.request.timeout' = '2 min');
				CREATE TABLE out (n BIGINT, name STRING) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'csv');`, c.key, rows, server.URL, filepath.Join(dir, "out")))
			j := startJob(t, s, "INSERT INTO out SELECT /*+ LOOKUP('table' = 'names', "+c.hint+") */ o.n, name FROM o JOIN names FOR SYSTEM_TIME AS OF o.proc ON names.id = o.id")
			defer j.Stop(false)
			for end := time.Now().Add(20 * time.Second); asked.Load() <= answered && time.Now().Before(end); {
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(1500 * time.Millisecond)
			before := lookupStats(t, j)
			time.Sleep(300 * time.Millisecond)
			after := lookupStats(t, j)
			if after.RowsIn != before.RowsIn || after.RowsIn-after.RowsOut > c.mostWait || after.RowsOut == 0 || after.RowsOut != before.RowsOut || after.Watermark != before.Watermark {
				t.Errorf("%d rows came, then %d: at most %d may wait; %d went on, then %d; the watermark is at %d, then at %d",
					before.RowsIn, after.RowsIn, c.mostWait, before.RowsOut, after.RowsOut, before.Watermark, after.Watermark)
			}
			if after.StateBytes > 64<<20 {
				t.Errorf("%d MB are held", after.StateBytes>>20)
			}
			waitShown(t, s, j, "DIAGNOSE JOB", "LookupJoin-1", "requests are under way, the oldest for ", "the watermark stays at ", " and sources wait until answers come")
			var m runtime.MemStats
			runtime.GC()
			if runtime.ReadMemStats(&m); m.HeapAlloc > 200<<20 {
				t.Errorf("%d MB of heap", m.HeapAlloc>>20)
			}
			close(gate)
			if err := j.Wait(); err != nil {
				t.Fatal(err)
			}
			wantEachOnce(t, filepath.Join(dir, "out"), rows)
		})
	}
}

func startJob(t *testing.T, s *Session, text string) *Job {
	t.Helper()
	stmts, err := sql.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Execute(context.Background(), text, stmts[0])
	if err != nil {
		t.Fatal(err)
	}
	j, err := r.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func lookupStats(t *testing.T, j *Job) exec.NodeStats {
	t.Helper()
	for _, n := range j.Stats() {
		if n.ID == "LookupJoin-1" {
			return n
		}
	}
	t.Fatal("the job has no lookup join")
	return exec.NodeStats{}
}

// wantEachOnce wants lines "0,...", "1,..." and so on in the files of a folder, each once.
func wantEachOnce(t *testing.T, dir string, rows int) {
	t.Helper()
	seen := make([]int, rows)
	files, err := filepath.Glob(filepath.Join(dir, "part-*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		for line := range strings.Lines(string(text)) {
			var n int
			if _, err := fmt.Sscanf(line, "%d,n", &n); err != nil || n < 0 || n >= rows {
				t.Fatalf("line %q", line)
			}
			seen[n]++
		}
	}
	wrong := 0
	for n, times := range seen {
		if times != 1 {
			if wrong++; wrong < 5 {
				t.Errorf("row %d is there %d times", n, times)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d rows are wrong", wrong, rows)
	}
}
