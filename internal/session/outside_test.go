package session

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/connectors/models/modelstest"
	"weir/sql"
	"weir/sql/vec"
)

// failing is a way in which a service outside fails: what it does, what the table is declared with besides, and what users
// are told.
type failing struct {
	name    string
	answer  http.HandlerFunc // nil: nobody listens
	options []string         // "key=value"
	says    []string
	problem []string // told in the metadata column, where that is something else
}

func failures() []failing {
	slow := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body) // only then is it noticed that the client goes
		<-r.Context().Done()
	}
	return []failing{
		{name: "a wrong URL", says: []string{"connection refused", "check host and port in 'url'"}},
		{name: "a 500", answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "out of order", 500) }, says: []string{"status 500 Internal Server Error", "out of order"}},
		{name: "a slow answer", answer: slow, options: []string{"http.source.lookup.request.timeout=50 ms"}, says: []string{"no answer within 50ms", "http.source.lookup.request.timeout"}},
		{name: "malformed JSON", answer: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"name": "n`) },
			says: []string{`cannot be read as 'json'`, `it begins with {"name": "n`}, problem: []string{"UNABLE_TO_DESERIALIZE_RESPONSE", `{"name": "n`}},
		{name: "an expired signature", answer: func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if bad := modelstest.CheckSignature(r, string(body), "eu-west-1", "execute-api", time.Now().Add(10*time.Minute)); bad != "" {
				http.Error(w, bad, 403)
			}
		}, options: append(modelstest.Signed("eu-west-1"), "aws.sigv4.service=execute-api"), says: []string{"status 403", "Signature expired: 20", "check the clock of this machine"}},
	}
}

// TestServiceFails: each failure of a service does what the table declares of it, is counted, and is told of; no text has a secret.
func TestServiceFails(t *testing.T) {
	for _, f := range failures() {
		t.Run(f.name, func(t *testing.T) {
			server := httptest.NewServer(f.answer)
			t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
			if f.answer == nil {
				server.Close()
			}
			s := ephemeral(t, t.TempDir())
			r := &outside{T: t, s: s, texts: map[string]string{}}
			must(t, s, `CREATE TABLE o (id BIGINT, proc AS PROCTIME()) WITH ('connector' = 'datagen', 'number-of-rows' = '3', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '3', 'error-handling.mode' = 'log');
				CREATE TABLE out (id BIGINT, name STRING) WITH ('connector' = 'blackhole');`)
			table := func(name, more string) {
				options := ""
				for _, o := range f.options {
					k, v, _ := strings.Cut(o, "=")
					options += fmt.Sprintf(", '%s' = '%s'", k, v)
				}
				must(t, s, fmt.Sprintf(`CREATE TABLE %s (id BIGINT, name STRING, state STRING METADATA FROM 'http-completion-state' VIRTUAL, problem STRING METADATA FROM 'error-string' VIRTUAL)
					WITH ('connector' = 'http', 'url' = '%s/x', 'format' = 'json', 'lookup-method' = 'POST', 'http.source.lookup.header.X-Key' = 'hush-header', 'http.security.query.sig' = 'hush-query',
					'http.source.lookup.retry-strategy.fixed-delay.delay' = '1 ms', 'lookup.max-retries' = '1' %s %s)`, name, server.URL, options, more))
			}
			join := func(name, columns string) string {
				return "SELECT o.id, " + columns + " FROM o LEFT JOIN " + name + " FOR SYSTEM_TIME AS OF o.proc AS t ON t.id = o.id"
			}
			table("failing_t", "")
			r.wantError("INSERT INTO out "+join("failing_t", "t.name"), f.says...)
			table("null_t", ", 'lookup.on-error' = 'null'")
			r.wantRows(join("null_t", "t.name"), "1 (null)", "2 (null)", "3 (null)")
			table("going_t", ", 'http.source.lookup.continue-on-error' = 'true'")
			for _, row := range r.rows(join("going_t", "t.name, t.state, t.problem")) {
				problem := f.says
				if f.problem != nil {
					problem = f.problem
				}
				wantAll(t, row, append([]string{"(null)"}, problem...)...)
			}
			table("log_t", ", 'lookup.on-error' = 'log'")
			must(t, s, "INSERT INTO out "+join("log_t", "t.name"))
			rejected := r.rows("SELECT reason, message, data_row FROM o$errors /*+ OPTIONS('scan.bounded.mode' = 'latest') */")
			if len(rejected) != 3 {
				t.Errorf("%d rows were rejected: %q", len(rejected), rejected)
			}
			for _, row := range rejected {
				wantAll(t, row, append([]string{"lookup ", `lookup table "log_t"`, `"id":`}, f.says...)...)
			}
			for _, name := range []string{"failing_t", "null_t", "going_t", "log_t"} {
				counted := r.rows("SELECT SUM(calls) > 0 AND SUM(calls) = SUM(failures) FROM sys.calls WHERE table_name = 'default_catalog.default_database." + name + "'")
				if len(counted) != 1 || counted[0] != "true" {
					t.Errorf("%s: counted is %q: %q", name, counted, r.rows("SELECT * FROM sys.calls"))
				}
				r.keep("SHOW CREATE TABLE " + name)
				r.keep("EXPLAIN " + join(name, "t.name"))
			}
			r.keep("SHOW JOBS")
			r.holdsNoSecret("hush-header", "hush-query", modelstest.SecretKey, modelstest.SessionToken)
		})
	}
}

// outside runs statements and keeps all that they show.
type outside struct {
	*testing.T
	s     *Session
	texts map[string]string
}

// rows are those of a query.
func (o *outside) rows(query string) (rows []string) {
	o.Helper()
	stmts, err := sql.Parse(query)
	if err != nil {
		o.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	res, err := o.s.Execute(ctx, query, stmts[0])
	if err != nil {
		o.Fatalf("%s: %v", query, err)
	}
	running, err := res.Stream(ctx, func(b *vec.Batch) error {
		for i := range b.Len() {
			var cells []string
			for _, c := range b.Rows.Columns() {
				cells = append(cells, c.ValueStr(i))
			}
			rows = append(rows, strings.Join(cells, " "))
		}
		return nil
	})
	if err == nil {
		err = running.Wait()
	}
	if err != nil {
		o.Fatalf("%s: %v", query, err)
	}
	o.texts[query] = strings.Join(rows, "\n")
	return rows
}

func (o *outside) wantRows(query string, want ...string) {
	o.Helper()
	if got := o.rows(query); strings.Join(got, "\n") != strings.Join(want, "\n") {
		o.Errorf("%s: got %q, want %q", query, got, want)
	}
}

// wantError runs a statement that fails, and looks at what is told of its job.
func (o *outside) wantError(statement string, parts ...string) {
	o.Helper()
	_, err := exec1(o.T, o.s, statement)
	if err == nil {
		o.Fatalf("%s: no error", statement)
	}
	wantAll(o.T, err.Error(), parts...)
	o.texts[statement] = err.Error()
	id := must(o.T, o.s, "SHOW JOBS").Cells[0][0]
	wantAll(o.T, o.keep("DIAGNOSE JOB '"+id+"'"), append([]string{"the job is FAILED"}, parts...)...)
	wantAll(o.T, o.keep("DESCRIBE JOB '"+id+"'"), "FAILED")
}

// keep keeps what a statement shows, and gives it.
func (o *outside) keep(statement string) string {
	o.Helper()
	text := fmt.Sprint(must(o.T, o.s, statement).Cells)
	o.texts[statement] = text
	return text
}

func (o *outside) holdsNoSecret(secrets ...string) {
	o.Helper()
	for statement, text := range o.texts {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				o.Errorf("%s shows %q: %s", statement, s, text)
			}
		}
	}
}

func wantAll(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is missing in %s", p, text)
		}
	}
}

// throttling is DynamoDB with a table "names" of the key "id:N" that has no capacity while it is not open. It counts the items written.
func throttling(open *atomic.Bool, written *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Key          map[string]map[string]string
			RequestItems map[string]json.RawMessage
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		switch op := r.Header.Get("X-Amz-Target"); {
		case !open.Load():
			w.WriteHeader(400)
			io.WriteString(w, `{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "The level of configured provisioned throughput for the table was exceeded."}`)
		case strings.HasSuffix(op, ".GetItem"):
			fmt.Fprintf(w, `{"Item": {"id": {"N": %q}, "name": {"S": "n%[1]s"}}}`, in.Key["id"]["N"])
		case strings.HasSuffix(op, ".BatchGetItem"):
			var asked struct {
				Keys []map[string]map[string]string
			}
			_ = json.Unmarshal(in.RequestItems["names"], &asked)
			var items []string
			for _, k := range asked.Keys {
				items = append(items, fmt.Sprintf(`{"id": {"N": %q}, "name": {"S": "n%[1]s"}}`, k["id"]["N"]))
			}
			fmt.Fprintf(w, `{"Responses": {"names": [%s]}, "UnprocessedKeys": {}}`, strings.Join(items, ","))
		case strings.HasSuffix(op, ".BatchWriteItem"):
			var puts []any
			_ = json.Unmarshal(in.RequestItems["names"], &puts)
			written.Add(int64(len(puts)))
			io.WriteString(w, `{"UnprocessedItems": {}}`)
		case strings.HasSuffix(op, ".DescribeTable"):
			io.WriteString(w, `{"Table": {"TableName": "names", "TableStatus": "ACTIVE", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "N"}]}}`)
		default:
			w.WriteHeader(500)
		}
	}
}

// TestTableIsThrottled: requests to a throttled table of DynamoDB wait, which is told and counted. They end with the time limit as
// the table declares, or get through once there is capacity again; then nothing is missing.
func TestTableIsThrottled(t *testing.T) {
	var open atomic.Bool
	var written atomic.Int64
	server := httptest.NewServer(throttling(&open, &written))
	t.Cleanup(server.Close)
	var warned atomic.Pointer[string]
	s, err := Open(Options{Ephemeral: true, DataDir: t.TempDir(), Warn: func(text string) { warned.Store(&text) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	r := &outside{T: t, s: s, texts: map[string]string{}}
	must(t, s, `CREATE TABLE o (id BIGINT, proc AS PROCTIME()) WITH ('connector' = 'datagen', 'number-of-rows' = '3', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '3');
		CREATE TABLE names (id BIGINT, name STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'dynamodb', 'table-name' = 'names', 'aws.endpoint' = '`+server.URL+`',
		'aws.credentials.provider' = 'BASIC', 'aws.credentials.basic.accesskeyid' = 'AKIDHUSH', 'aws.credentials.basic.secretkey' = 'hush-secret');
		SET 'table.exec.async-lookup.timeout' = '300 ms';`)
	const join = "SELECT o.id, t.name FROM o LEFT JOIN names /*+ OPTIONS('lookup.on-error' = '%s') */ FOR SYSTEM_TIME AS OF o.proc AS t ON t.id = o.id"
	must(t, s, "CREATE TABLE out (id BIGINT, name STRING) WITH ('connector' = 'blackhole')")
	r.wantError("INSERT INTO out "+fmt.Sprintf(join, "fail"), `no answer within 300ms (table.exec.async-lookup.timeout)`, "throttled")
	r.wantRows(fmt.Sprintf(join, "null"), "1 (null)", "2 (null)", "3 (null)")
	if text := warned.Load(); text == nil || !strings.Contains(*text, `DynamoDB table "names": its requests are throttled`) {
		t.Errorf("warned of %v", text)
	}
	if got := r.rows("SELECT failures > 1 AND failures = calls FROM sys.calls WHERE table_name = 'default_catalog.default_database.names'"); len(got) != 2 || got[0] != "true" || got[1] != "true" { // the job's, and the query's
		t.Errorf("counted: %q", r.rows("SELECT * FROM sys.calls"))
	}
	must(t, s, "SET 'table.exec.async-lookup.timeout' = '20 s'")
	time.AfterFunc(300*time.Millisecond, func() { open.Store(true) })
	r.wantRows(fmt.Sprintf(join, "fail"), "1 n1", "2 n2", "3 n3")
	open.Store(false)
	time.AfterFunc(300*time.Millisecond, func() { open.Store(true) })
	must(t, s, "INSERT INTO names SELECT id, 'x' FROM o")
	if n := written.Load(); n != 3 {
		t.Errorf("%d items were written", n)
	}
	r.keep("SHOW CREATE TABLE names")
	r.keep("SHOW JOBS")
	r.holdsNoSecret("AKIDHUSH", "hush-secret")
}
