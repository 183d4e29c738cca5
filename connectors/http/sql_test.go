package httpconn_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/session"
	"weir/sql"
	"weir/sql/vec"
)

// run executes statements, and gives the rows of the last one, sorted; or its text.
func run(s *session.Session, script string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	list, err := sql.Parse(script)
	if err != nil {
		return "", err
	}
	var out []string
	for _, stmt := range list {
		r, err := s.Execute(ctx, script, stmt)
		if err != nil {
			return "", err
		}
		out = nil
		switch r.Kind {
		case session.Done, session.Table:
			for _, c := range r.Cells {
				out = append(out, strings.Join(c, " "))
			}
			continue
		}
		q, err := r.Stream(ctx, func(b *vec.Batch) error {
			for i := range b.Len() {
				var cells []string
				for _, c := range b.Rows.Columns() {
					cells = append(cells, c.ValueStr(i))
				}
				out = append(out, strings.Join(cells, " "))
			}
			return nil
		})
		if err == nil {
			err = q.Wait()
		}
		if err != nil {
			return "", err
		}
	}
	sort.Strings(out)
	return strings.Join(out, "\n"), nil
}

// TestSQL joins with a service and writes to it by SQL; what is shown of the tables holds no secret.
func TestSQL(t *testing.T) {
	var mu sync.Mutex
	var taken []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		id := r.URL.Query().Get("id")
		switch {
		case r.Header.Get("X-Auth") != "hush-header":
			w.WriteHeader(401)
		case strings.HasPrefix(r.URL.Path, "/fail"):
			w.WriteHeader(500)
			fmt.Fprintf(w, "sent %v", r.Header)
		case strings.HasPrefix(r.URL.Path, "/to"):
			mu.Lock()
			taken = append(taken, r.Method+" "+r.URL.Path+" "+string(body))
			mu.Unlock()
		case id == "3":
			w.WriteHeader(404)
		default:
			fmt.Fprintf(w, `{"name": "n%s"}`, id)
		}
	}))
	defer server.Close()
	s, err := session.Open(session.Options{Ephemeral: true, DataDir: t.TempDir(), Warn: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := func(script, want string) {
		t.Helper()
		if got, err := run(s, script); err != nil || got != want {
			t.Errorf("%s\n got %s, %v\nwant %s", script, got, err, want)
		}
	}
	ddl := func(name, path, more string) string {
		return fmt.Sprintf(`CREATE TABLE %s (id BIGINT, name STRING, st INT METADATA FROM 'http-status-code' VIRTUAL, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'http', 'url' = '%s%s', 'format' = 'json',
			'http.source.lookup.header.X-Auth' = 'hush-header', 'http.sink.header.X-Auth' = 'hush-header', 'http.source.lookup.ignored-response-codes' = '404', 'lookup.max-retries' = '0' %s);`, name, server.URL, path, more)
	}
	want(`CREATE TABLE o (id BIGINT, proc AS PROCTIME()) WITH ('connector' = 'datagen', 'number-of-rows' = '4', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '4');`+
		ddl("c", "/x", "")+`SELECT o.id, c.name, c.st FROM o JOIN c FOR SYSTEM_TIME AS OF o.proc ON c.id = o.id;`, "1 n1 200\n2 n2 200\n3 (null) 404\n4 n4 200")
	want(`SELECT o.id, c.name FROM o JOIN c FOR SYSTEM_TIME AS OF o.proc ON c.id = o.id WHERE c.name IS NOT NULL;`, "1 n1\n2 n2\n4 n4")
	want(ddl("d", "/to/{id}", ", 'update-method' = 'PUT'")+`INSERT INTO d SELECT id / 3, CAST(COUNT(*) AS STRING) FROM o GROUP BY id / 3;`, "")
	mu.Lock()
	if got := taken[len(taken)-1]; len(taken) != 4 || got != `PUT /to/1 {"id":1,"name":"2"}` && got != `PUT /to/0 {"id":0,"name":"2"}` {
		t.Errorf("the service got %q", taken)
	}
	mu.Unlock()
	_, err = run(s, ddl("f", "/fail", "")+`SELECT o.id, f.name FROM o JOIN f FOR SYSTEM_TIME AS OF o.proc ON f.id = o.id;`)
	if err == nil || !strings.Contains(err.Error(), "status 500") || strings.Contains(err.Error(), "hush") {
		t.Errorf("error %v", err)
	}
	base := "default_catalog.default_database."
	want(`SELECT table_name, endpoint, calls, failures, bytes_sent > 0, p99_ms >= p50_ms AND p50_ms > 0, last_call >= first_call, job_id FROM sys.calls WHERE table_name <> '`+base+`f';`,
		base+"c "+server.URL+"/x 8 2 false true true (null)\n"+base+"d "+server.URL+"/to/{id} 4 0 true true true (null)")
	want(`SELECT SUM(calls) = SUM(failures), SUM(calls) > 0 FROM sys.calls WHERE endpoint LIKE '%/fail';`, "true true")
	want(`SHOW TABLES FROM sys;`, "calls")
	for _, script := range []string{"SHOW CREATE TABLE f;", "EXPLAIN SELECT o.id, f.name FROM o JOIN f FOR SYSTEM_TIME AS OF o.proc ON f.id = o.id;", "EXPLAIN INSERT INTO f SELECT id, 'a' FROM o;"} {
		if got, err := run(s, script); err != nil || len(got) < 50 || strings.Contains(got, "hush") {
			t.Errorf("%s\n%s, %v", script, got, err)
		}
	}
}
