package kinesis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/connectors"
	"weir/connectors/kinesis/local"
	"weir/sql/types"
	"weir/sql/vec"
)

var twoColumns = types.Schema{{Name: "k", Type: types.StringType}, {Name: "v", Type: types.IntType}}

func (r *rig) sink(partitionedBy []string, options ...string) *sink {
	r.Helper()
	c := configure(r.T, append([]string{"stream=s", "format=json"}, options...)...)
	s, err := c.Sink(&connectors.TableDesc{Name: "t", Columns: twoColumns, PartitionedBy: partitionedBy}, r.env(), 3, 4)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { s.Close() })
	return s.(*sink)
}

// pairs is rows (key, number): "a 1", "b 2"; an empty key is NULL.
func pairs(rows ...string) *vec.Batch {
	keys, nums := vec.NewTextBuilder(), make([]int32, len(rows))
	for i, row := range rows {
		key, n, _ := strings.Cut(row, " ")
		if key == "" {
			keys.AppendNull()
		} else {
			keys.AppendString(key)
		}
		fmt.Sscan(n, &nums[i])
	}
	return vec.New(twoColumns.Arrow(), []vecArray{keys.Array(), vec.Int32s(nums, nil)}, len(rows), nil)
}

func (r *rig) write(s *sink, b *vec.Batch) {
	r.Helper()
	if err := s.Write(context.Background(), b); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) flush(s *sink) {
	r.Helper()
	if _, err := s.Flush(context.Background()); err != nil {
		r.Fatal(err)
	}
}

func TestPartitionKeys(t *testing.T) {
	f := func(want string, by []string, options ...string) {
		t.Helper()
		r := newRig(t, local.Options{})
		r.stream("s", 1)
		s := r.sink(by, options...)
		r.write(s, pairs("a 1", " 2"))
		if n := len(r.contents("s")); n != 0 {
			t.Errorf("%d records before Flush", n)
		}
		r.flush(s)
		if got := strings.Join(r.contents("s"), " "); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f(`a={"k":"a","v":1} null={"k":null,"v":2}`, []string{"k"})
	f(`1|a={"k":"a","v":1} 2|null={"k":null,"v":2}`, []string{"v", "k"})
	f(`1-a={"k":"a","v":1} 2-null={"k":null,"v":2}`, []string{"v", "k"}, "sink.partitioner-field-delimiter=-")
	f(`3={"k":"a","v":1} 3={"k":null,"v":2}`, nil, "sink.partitioner=fixed")

	r := newRig(t, local.Options{})
	r.stream("s", 1)
	s := r.sink(nil)
	r.write(s, pairs("a 1", "a 2", strings.Repeat("long", 100)+" 3"))
	r.flush(s)
	seen := map[string]bool{}
	for _, rec := range r.contents("s") {
		key, _, _ := strings.Cut(rec, "=")
		seen[key] = true
		if len(key) != 32 {
			t.Errorf("random key %q", key)
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d random keys of 3 records", len(seen))
	}
	if got := truncateKey(strings.Repeat("ä", 300)); got != strings.Repeat("ä", 256) {
		t.Errorf("a long key is cut to %d bytes", len(got))
	}
	for _, c := range []struct{ partitioner, want string }{{"com.example.Mine", "weir runs no Java classes"}, {"fixed", "exclude each other"}} {
		c2 := configure(t, "stream=s", "sink.partitioner="+c.partitioner)
		_, err := c2.Sink(&connectors.TableDesc{Columns: oneColumn, PartitionedBy: []string{"v"}}, r.env(), 0, 1)
		wantText(t, err, c.want)
	}
}

// Refused records alone are sent again, and none is lost.
func TestRefusedRecords(t *testing.T) {
	r := newRig(t, local.Options{EnforceLimits: true}) // 1000 records a second for a shard
	r.stream("s", 1)
	s := r.sink([]string{"k"}, "sink.batch.max-size=400")
	var in []string
	for i := range 1500 {
		in = append(in, fmt.Sprintf("k%d %d", i%7, i))
	}
	r.write(s, pairs(in...))
	r.flush(s)
	got := r.contents("s")
	if len(got) != len(in) {
		t.Fatalf("%d records of %d", len(got), len(in))
	}
	if n := r.called("PutRecords"); n < 5 {
		t.Errorf("%d requests: nothing was refused", n)
	}
	seen := map[string]bool{}
	for _, rec := range got {
		seen[rec] = true
	}
	if len(seen) != len(in) {
		t.Errorf("%d different records of %d", len(seen), len(in))
	}
}

func TestWritePassingFailures(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	r.failing(func(op string, n int, w http.ResponseWriter) bool {
		switch n {
		case 1:
			return refuse(w, 500, "InternalFailure", "oops")
		case 2:
			return refuse(w, 400, "ThrottlingException", "Rate exceeded")
		case 3:
			panic(http.ErrAbortHandler)
		}
		return false
	})
	s := r.sink([]string{"k"})
	r.write(s, pairs("a 1", "a 2"))
	r.flush(s)
	if got := strings.Join(r.contents("s"), " "); got != `a={"k":"a","v":1} a={"k":"a","v":2}` {
		t.Error(got)
	}
}

// Errors that stay surface at the next call, whichever it is; nothing is sent behind them.
func TestWriteErrors(t *testing.T) {
	calls := map[string]func(*sink) error{
		"Write": func(s *sink) error { return s.Write(context.Background(), pairs("b 2")) },
		"Flush": func(s *sink) error { _, err := s.Flush(context.Background()); return err },
		"Tick":  func(s *sink) error { return s.Tick(context.Background()) },
	}
	for name, call := range calls {
		r := newRig(t, local.Options{})
		s := r.sink(nil, "sink.batch.max-size=1")
		r.write(s, pairs("a 1")) // starts a request for a stream that is not there
		_ = s.Wait(context.Background())
		wantText(t, call(s), `there is no stream "s"`)
		if n := r.called("PutRecords"); n != 1 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	r.failing(func(op string, n int, w http.ResponseWriter) bool {
		fmt.Fprint(w, `{"FailedRecordCount":1,"Records":[{"ErrorCode":"InternalFailure","ErrorMessage":"oops"}]}`)
		return true
	})
	s := r.sink(nil, "sink.fail-on-error=true")
	r.write(s, pairs("a 1"))
	_, err := s.Flush(context.Background())
	wantText(t, err, `'sink.fail-on-error' = 'true'`, "InternalFailure: oops")
}

func TestLargeRows(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	s := r.sink(nil)
	err := s.Write(context.Background(), pairs(strings.Repeat("x", maxRecordBytes)+" 1"))
	wantText(t, err, `stream "s"`, "a record of 10485806 bytes", `it begins with {"k":"xxx`)
	r.write(s, pairs(strings.Repeat("y", 2<<20)+" 1"))
	_, err = s.Flush(context.Background())
	wantText(t, err, `stream "s", writing`, "a record of 2097", "UpdateMaxRecordSize", `it begins with {"k":"yyy`)
}

// Where the table allows it, records that are too large are left out, and those beside them are written once.
func TestLargeRowsAreLeftOut(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	s := r.sink([]string{"v"})
	s.Tolerate()
	rows := []string{"a 1", "b 2", strings.Repeat("y", 2<<20) + " 3", "c 4", strings.Repeat("z", 1<<20) + " 5", "d 6", "e 7"}
	r.write(s, pairs(rows...))
	err := s.Write(context.Background(), pairs("f 8", strings.Repeat("x", maxRecordBytes)+" 9"))
	var bad *connectors.Refusal
	if !errors.As(err, &bad) || bad.Row != 1 {
		t.Errorf("got %v", err)
	}
	r.flush(s)
	var got []string
	for _, rec := range r.contents("s") {
		got = append(got, rec[:1])
	}
	if all := strings.Join(got, " "); all != "1 2 4 6 7 8" {
		t.Errorf("got %s", all)
	}
	refused := s.Refused()
	if len(refused) != 2 || !strings.HasPrefix(string(refused[0].Record), `{"k":"yyy`) || !strings.HasPrefix(string(refused[1].Record), `{"k":"zzz`) || len(s.Refused()) != 0 {
		t.Fatalf("%d refused", len(refused))
	}
	wantText(t, refused[0].Err, "UpdateMaxRecordSize", "a record of 2097")
}

// Requests stay within 500 records and 5 MiB, and rows leave without waiting for more than the linger.
func TestRequestLimits(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	most, bytes := 0, 0
	next := r.bodies(func(n, size int) { most, bytes = max(most, n), max(bytes, size) })
	s := next.sink(nil)
	var in []string
	for i := range 1200 {
		in = append(in, fmt.Sprint("k ", i))
	}
	next.write(s, pairs(in...))
	next.flush(s)
	large := make([]string, 20)
	for i := range large {
		large[i] = strings.Repeat("x", 900_000) + " 1"
	}
	next.write(s, pairs(large...))
	next.flush(s)
	if most != 500 || bytes > maxRequestBytes || bytes < maxRequestBytes/2 {
		t.Errorf("at most %d records and %d bytes in a request", most, bytes)
	}
	if n := len(r.contents("s")); n != 1220 {
		t.Errorf("%d records", n)
	}
}

// bodies is a rig whose front tells the records and bytes of each PutRecords.
func (r *rig) bodies(tell func(n, size int)) *rig {
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		var in struct {
			Records []struct {
				Data         []byte
				PartitionKey string
			}
		}
		_ = json.Unmarshal(body, &in)
		size := 0
		for _, rec := range in.Records {
			size += len(rec.Data) + len(rec.PartitionKey)
		}
		r.mu.Lock()
		tell(len(in.Records), size)
		r.mu.Unlock()
		again, _ := http.NewRequest(q.Method, r.url, strings.NewReader(string(body)))
		again.Header = q.Header
		reply, err := http.DefaultClient.Do(again)
		if err != nil {
			w.WriteHeader(500)
			return
		}
		defer reply.Body.Close()
		w.WriteHeader(reply.StatusCode)
		_, _ = io.Copy(w, reply.Body)
	})}
	out := &rig{T: r.T, Client: r.Client, calls: map[string]int{}}
	out.url = listen(r.T, server)
	return out
}

// Records of a key stay in order, although requests run side by side and some are slow.
func TestOrderWithinKeys(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 2)
	var inside, most atomic.Int64
	r.failing(func(op string, n int, w http.ResponseWriter) bool {
		if op == "PutRecords" {
			most.Store(max(most.Load(), inside.Add(1)))
			time.Sleep(time.Duration(20-n%3*10) * time.Millisecond)
			inside.Add(-1)
			if n%4 == 0 {
				return refuse(w, 500, "InternalFailure", "oops")
			}
		}
		return false
	})
	s := r.sink([]string{"k"}, "sink.batch.max-size=3")
	var in []string
	for i := range 200 {
		in = append(in, fmt.Sprintf("k%d %d", i*i%11*7+i/60, i)) // some keys come often, some seldom
	}
	r.write(s, pairs(in...))
	r.flush(s)
	last := map[string]int{}
	got := r.contents("s")
	for _, rec := range got {
		var v struct {
			K string
			V int
		}
		_, data, _ := strings.Cut(rec, "=")
		if err := json.Unmarshal([]byte(data), &v); err != nil {
			t.Fatal(err)
		}
		if v.V < last[v.K] {
			t.Errorf("%s: %d after %d", v.K, v.V, last[v.K])
		}
		last[v.K] = v.V
	}
	if len(got) != len(in) {
		t.Errorf("%d records of %d", len(got), len(in))
	}
	if most.Load() < 2 {
		t.Error("requests never ran side by side")
	}
	if n := s.Held(); n != 0 {
		t.Errorf("%d keys are remembered after all was written", n)
	}
}

// A server that takes nothing holds the writer back; memory stays bounded, and cancelling ends it at once.
func TestBackpressureAndCancel(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	r.failing(func(op string, n int, w http.ResponseWriter) bool {
		return refuse(w, 400, "ProvisionedThroughputExceededException", "Rate exceeded")
	})
	s := r.sink([]string{"k"}, "sink.batch.max-size=10", "sink.requests.max-inflight=3")
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	start, wrote := time.Now(), 0
	var err error
	for err == nil {
		if err = s.Write(ctx, pairs(fmt.Sprint("k", wrote, " 1"))); err == nil {
			wrote++
		}
	}
	if wrote > 41 || wrote < 30 {
		t.Errorf("%d rows were taken, of which none was written", wrote)
	}
	if n := r.called("PutRecords"); n > 40 {
		t.Errorf("%d requests in a second", n)
	}
	s.Close()
	if took := time.Since(start); took > 1500*time.Millisecond {
		t.Errorf("ended after %s", took)
	}
}

func TestCancelOfDeadEndpoint(t *testing.T) {
	for _, endpoint := range []string{"http://127.0.0.1:1", silent(t)} {
		r := &rig{T: t, url: endpoint}
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		start := time.Now()
		s := r.sink(nil)
		if err := s.Write(ctx, pairs("a 1")); err != nil {
			t.Error(err)
		}
		if _, err := s.Flush(ctx); err == nil {
			t.Error("flushed to nobody")
		}
		s.Close()
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s: ended after %s", endpoint, took)
		}
		cancel()
	}
	if n := runtime.NumGoroutine(); n > 200 {
		t.Errorf("%d goroutines", n)
	}
}

// Rows wait for company for the linger, and then go.
func TestLinger(t *testing.T) {
	r := newRig(t, local.Options{})
	r.stream("s", 1)
	s := r.sink(nil, "sink.flush-buffer.timeout=50 ms")
	r.write(s, pairs("a 1"))
	if err := s.Tick(context.Background()); err != nil || r.called("PutRecords") != 0 {
		t.Error("sent before its time", err)
	}
	time.Sleep(s.FlushInterval())
	if err := s.Tick(context.Background()); err != nil {
		t.Error(err)
	}
	_ = s.Wait(context.Background())
	got := r.contents("s")
	sort.Strings(got)
	if len(got) != 1 {
		t.Errorf("%v", got)
	}
}
