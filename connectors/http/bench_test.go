package httpconn_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/internal/session"
	"weir/sql"
)

// TestService is the service of the benchmarks, in a process of its own: it answers {"score": 0.5}, or an array of it, after a time.
func TestService(t *testing.T) {
	after, err := time.ParseDuration(os.Getenv("WEIR_BENCH_SERVICE"))
	if err != nil {
		t.Skip("SKIPPED: only benchmarks want it")
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		time.Sleep(after)
		if err != nil || len(body) == 0 || body[0] != '[' {
			io.WriteString(w, `{"score": 0.5}`)
			return
		}
		n := bytes.Count(body, []byte("{"))
		io.WriteString(w, "["+strings.Repeat(`{"score": 0.5},`, n-1)+`{"score": 0.5}]`)
	}))
	fmt.Println(s.URL)
	io.Copy(io.Discard, os.Stdin) // until the benchmark ends
	s.CloseClientConnections()
}

// service starts the service, and gives its URL.
func service(b *testing.B, after time.Duration) string {
	c := exec.Command(os.Args[0], "-test.run", "^TestService$")
	c.Env = append(os.Environ(), "WEIR_BENCH_SERVICE="+after.String())
	in, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); c.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "http://") {
			go io.Copy(io.Discard, out)
			return lines.Text()
		}
	}
	b.Fatal("the service did not start")
	return ""
}

// rows runs an INSERT over b.N rows, and tells how many a second went through it.
func rows(b *testing.B, unit, ddl, insert string) {
	b.Helper()
	s, err := session.Open(session.Options{Ephemeral: true, DataDir: b.TempDir(), Warn: func(string) {}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	ddl += fmt.Sprintf(`
		CREATE TABLE src (id BIGINT, k BIGINT, proc AS PROCTIME()) WITH ('connector' = 'datagen', 'number-of-rows' = '%d', 'rows-per-second' = '100000000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '%d',
			'fields.k.min' = '1', 'fields.k.max' = '1000');
		CREATE TABLE snk (id BIGINT, score DOUBLE) WITH ('connector' = 'blackhole');`, b.N, b.N)
	if _, err := run(s, ddl); err != nil {
		b.Fatal(err)
	}
	stmts, err := sql.Parse(insert)
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	before := cpu(b)
	r, err := s.Execute(context.Background(), insert, stmts[0])
	if err != nil {
		b.Fatal(err)
	}
	q, err := r.Stream(context.Background(), nil)
	if err == nil {
		err = q.Wait()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), unit)
	b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// cpu is the time that this process has used processors.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPredict asks a service that takes 50 ms, a request a row, 100 at a time: calls/s may come near 2000. Run it with -cpu 1.
func BenchmarkPredict(b *testing.B) {
	url := service(b, 50*time.Millisecond)
	rows(b, "calls/s", fmt.Sprintf(`CREATE MODEL m INPUT (x BIGINT) OUTPUT (score DOUBLE) WITH ('provider' = 'http', 'url' = '%s');`, url),
		`INSERT INTO snk SELECT id, score FROM ML_PREDICT(TABLE src, MODEL m, DESCRIPTOR(id), MAP['async', 'true', 'max-concurrent-operations', '100'])`)
}

// BenchmarkBatches is the same with up to 50 rows a request.
func BenchmarkBatches(b *testing.B) {
	url := service(b, 50*time.Millisecond)
	rows(b, "rows/s", fmt.Sprintf(`CREATE MODEL m INPUT (x BIGINT) OUTPUT (score DOUBLE) WITH ('provider' = 'http', 'url' = '%s', 'batch.max-size' = '50');`, url),
		`INSERT INTO snk SELECT id, score FROM ML_PREDICT(TABLE src, MODEL m, DESCRIPTOR(id), MAP['async', 'true', 'max-concurrent-operations', '100'])`)
}

// BenchmarkLookupJoin is BenchmarkPredict as a lookup join.
func BenchmarkLookupJoin(b *testing.B) {
	url := service(b, 50*time.Millisecond)
	rows(b, "calls/s", table(url, ""), `INSERT INTO snk SELECT s.id, t.score FROM src AS s JOIN t FOR SYSTEM_TIME AS OF s.proc ON t.x = s.id`)
}

func table(url, more string) string {
	return fmt.Sprintf(`CREATE TABLE t (x BIGINT, score DOUBLE) WITH ('connector' = 'http', 'url' = '%s', 'lookup-method' = 'POST', 'format' = 'json' %s);`, url, more)
}

// BenchmarkCacheHits joins with answers that are kept, of 1000 keys.
func BenchmarkCacheHits(b *testing.B) {
	url := service(b, 0)
	rows(b, "rows/s", table(url, ", 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '10000'"),
		`INSERT INTO snk SELECT s.id, t.score FROM src AS s JOIN t FOR SYSTEM_TIME AS OF s.proc ON t.x = s.k`)
}

// BenchmarkLocalJoin joins with a table of the same 1000 keys that is held in memory: what BenchmarkCacheHits is measured by.
func BenchmarkLocalJoin(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "{\"x\": %d, \"score\": 0.5}\n", i+1)
	}
	path := filepath.Join(b.TempDir(), "t.jsonl")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	rows(b, "rows/s", fmt.Sprintf(`CREATE TABLE t (x BIGINT, score DOUBLE) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'json');`, path),
		`INSERT INTO snk SELECT s.id, t.score FROM src AS s JOIN t FOR SYSTEM_TIME AS OF s.proc ON t.x = s.k`)
}
