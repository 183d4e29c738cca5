package models_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"
	"testing"
	"time"

	"weir/connectors/models/modelstest"
	"weir/internal/session"
	"weir/sql"
	"weir/sql/vec"
)

// run executes statements, and gives the rows of the last one, sorted.
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
		if out = nil; r.Kind == session.Done || r.Kind == session.Table {
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

func open(t testing.TB) *session.Session {
	t.Helper()
	s, err := session.Open(session.Options{Ephemeral: true, DataDir: t.TempDir(), Warn: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

const reviews = `CREATE TEMPORARY VIEW reviews AS SELECT * FROM (VALUES (1, 'love it'), (2, 'hate it'), (3, CAST(NULL AS STRING)), (4, 'secret plan')) AS v (id, review);`

// TestChat asks for texts and embeddings by SQL; what fails is handled as declared.
func TestChat(t *testing.T) {
	s := modelstest.Serve(t, func(w http.ResponseWriter, r *http.Request, body string, _ int) {
		var q struct {
			Messages []struct{ Content string }
			Input    string
		}
		if err := json.Unmarshal([]byte(body), &q); err != nil || r.Header.Get("Authorization") != "Bearer hush-key" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/embeddings") {
			fmt.Fprintf(w, `{"data":[{"index":0,"embedding":[%d,0.5]}]}`, len(q.Input))
			return
		}
		mood, reason := "good", "stop"
		switch text := q.Messages[1].Content; {
		case strings.Contains(text, "secret"):
			mood, reason = "", "content_filter"
		case strings.Contains(text, "hate"):
			mood = "bad"
		}
		fmt.Fprintf(w, `{"choices":[{"message":{"content":"{\"mood\": \"%s\", \"sure\": 0.5}"},"finish_reason":%q}]}`, mood, reason)
	})
	db := open(t)
	ddl := func(name, more string) string {
		return fmt.Sprintf(`CREATE MODEL %s INPUT (review STRING) OUTPUT (mood STRING, sure DOUBLE) WITH ('provider' = 'openai', 'task' = 'TEXT_GENERATION', 'endpoint' = '%s/v1/chat/completions',
			'api-key' = 'hush-key', 'model' = 'gpt' %s);`, name, s.URL, more)
	}
	want := func(script, want string) {
		t.Helper()
		if got, err := run(db, script); err != nil || got != want {
			t.Errorf("%s\n got %s, %v\nwant %s", script, got, err, want)
		}
	}
	ask := `SELECT id, mood, sure FROM ML_PREDICT(TABLE reviews, MODEL %s, DESCRIPTOR(review), MAP['async', 'true', 'output-mode', 'ALLOW_UNORDERED']);`
	want(reviews+ddl("ignoring", ", 'error-handling-strategy' = 'ignore'")+fmt.Sprintf(ask, "ignoring"), "1 good 0.5\n2 bad 0.5")
	want(ddl("nulls", ", 'on-error' = 'null'")+fmt.Sprintf(ask, "nulls"), "1 good 0.5\n2 bad 0.5\n3 (null) (null)\n4 (null) (null)")
	_, err := run(db, ddl("failing", "")+fmt.Sprintf(ask, "failing"))
	if err == nil || !strings.Contains(err.Error(), "a content filter withheld it") || strings.Contains(err.Error(), "hush") {
		t.Errorf("error %v", err)
	}
	want(fmt.Sprintf(`CREATE MODEL e INPUT (x STRING) OUTPUT (v ARRAY<FLOAT>) WITH ('provider' = 'openai', 'endpoint' = '%s/v1/embeddings', 'api-key' = 'hush-key', 'model' = 'emb');
		SELECT id, v FROM ML_PREDICT(TABLE reviews, MODEL e, DESCRIPTOR(review)) WHERE id < 3;`, s.URL), "1 [7,0.5]\n2 [7,0.5]")
	if got, err := run(db, "SHOW CREATE MODEL e;"); err != nil || strings.Contains(got, "hush") {
		t.Errorf("%s, %v", got, err)
	}
	want(`SELECT DISTINCT table_name, endpoint FROM sys.calls WHERE calls > 0 AND table_name LIKE '%.e';`, "default_catalog.default_database.e "+s.URL+"/v1/embeddings")
	// A model that was altered is asked as it is now.
	want(`ALTER MODEL failing SET ('error-handling-strategy' = 'ignore', 'prompt' = 'hate {{review}}');`+fmt.Sprintf(ask, "failing"), "1 bad 0.5\n2 bad 0.5")
}

// TestBatches has requests carry what came together; all rows get their own answers, each input is asked for once.
func TestBatches(t *testing.T) {
	s := modelstest.Serve(t, func(w http.ResponseWriter, r *http.Request, body string, _ int) {
		if why := modelstest.CheckSignature(r, body, "us-east-1", "sagemaker", time.Now()); why != "" {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, why)
			return
		}
		for _, line := range strings.Split(body, "\n") {
			var n int
			fmt.Sscan(line, &n)
			fmt.Fprintln(w, 2*n)
		}
	})
	db := open(t)
	credentials := ""
	for _, o := range modelstest.Signed("us-east-1") {
		k, v, _ := strings.Cut(o, "=")
		credentials += fmt.Sprintf(", '%s' = '%s'", k, v)
	}
	got, err := run(db, fmt.Sprintf(`CREATE TABLE n (id INT) WITH ('connector' = 'datagen', 'number-of-rows' = '2000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '2000');
		CREATE MODEL twice INPUT (x INT) OUTPUT (y INT) WITH ('provider' = 'sagemaker', 'endpoint-name' = 'twice', 'content-type' = 'text/csv', 'batch.max-size' = '50', 'batch.linger' = '50 ms', 'aws.endpoint' = '%s' %s);
		CREATE TEMPORARY VIEW some AS SELECT id, id / 2 AS half FROM n;
		SELECT id, y FROM ML_PREDICT(TABLE some, MODEL twice, DESCRIPTOR(half)) WHERE y <> 2 * (id / 2) OR id = 2000;`, s.URL, credentials))
	if err != nil || got != "2000 2000" {
		t.Errorf("got %s, %v", got, err)
	}
	inputs := 0
	for _, q := range s.Seen() {
		inputs += strings.Count(q.Body, "\n") + 1
	}
	if n := len(s.Seen()); n > 45 || inputs < 1001 {
		t.Errorf("%d inputs in %d requests; want 1001, maybe some more, in about 21", inputs, n)
	}
}

// TestRefused has a service refuse requests for the sake of one input: that one has no answer, the others have theirs.
func TestRefused(t *testing.T) {
	s := modelstest.Serve(t, func(w http.ResponseWriter, _ *http.Request, body string, _ int) {
		for _, line := range strings.Split(body, "\n") {
			if line == "13" {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
		}
		io.WriteString(w, body)
	})
	for _, linger := range []string{"0 ms", "20 ms"} {
		got, err := run(open(t), fmt.Sprintf(`CREATE TABLE n (id INT) WITH ('connector' = 'datagen', 'number-of-rows' = '500', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '500');
			CREATE MODEL same INPUT (x INT) OUTPUT (y INT) WITH ('provider' = 'sagemaker', 'endpoint-name' = 'same', 'content-type' = 'text/csv', 'batch.max-size' = '100', 'batch.linger' = '%s', 'on-error' = 'null', 'aws.endpoint' = '%s');
			SELECT id, y FROM ML_PREDICT(TABLE n, MODEL same, DESCRIPTOR(id)) WHERE y IS NULL OR y <> id OR id = 500;`, linger, s.URL))
		if err != nil || got != "13 (null)\n500 500" {
			t.Errorf("batch.linger %s: got %s, %v", linger, got, err)
		}
	}
	if n := len(s.Seen()); n > 300 {
		t.Errorf("%d requests", n)
	}
}
