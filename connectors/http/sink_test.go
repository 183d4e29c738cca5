package httpconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

const quickSink = "http.sink.retry-strategy.exponential-delay.initial-backoff=2 ms"

// sink makes a sink; "key=id" is a primary key, "url=" the URL with BASE for the server's.
func (g *rig) sink(options ...string) (*sink, error) {
	g.Helper()
	desc, url := &connectors.TableDesc{Name: "t", Columns: table}, g.url
	all := []string{quickSink}
	for _, o := range options {
		if rest, ok := strings.CutPrefix(o, "url="); ok {
			url = strings.ReplaceAll(rest, "BASE", g.url)
		} else if rest, ok := strings.CutPrefix(o, "key="); ok {
			desc.PrimaryKey = strings.Fields(rest)
		} else {
			all = append(all, o)
		}
	}
	c := new(sinkConfig)
	if err := decode(c, url, all...); err != nil {
		g.Fatal(err)
	}
	s, err := c.Sink(desc, g.env(), 0, 1)
	if err != nil {
		return nil, err
	}
	g.Cleanup(func() { s.Close() })
	return s.(*sink), nil
}

func (g *rig) mustSink(options ...string) *sink {
	g.Helper()
	s, err := g.sink(options...)
	if err != nil {
		g.Fatal(err)
	}
	return s
}

// put writes rows and waits for them.
func put(s *sink, kinds []types.RowKind, ids ...int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Write(ctx, rowsOf(kinds, ids...)); err != nil {
		return err
	}
	_, err := s.Flush(ctx)
	return err
}

func row(id int) string {
	return fmt.Sprintf(`{"id":%d,"name":"n %d","score":%v}`, id, id, float64(id)/10)
}

// TestSinkRequests checks what a sink sends.
func TestSinkRequests(t *testing.T) {
	f := func(kinds []types.RowKind, want []string, options ...string) {
		t.Helper()
		g := says(t, 201, "")
		ids := []int64{1, 2, 3}
		if len(kinds) == 0 {
			kinds = nil
		}
		if err := put(g.mustSink(options...), kinds, ids...); err != nil {
			t.Fatal(err)
		}
		got := g.requests()
		sort.Strings(got)
		sort.Strings(want)
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%v:\n got %s\nwant %s", options, got, want)
		}
	}
	insert, update, remove := types.Insert, types.UpdateAfter, types.Delete
	f(nil, []string{"POST / [" + row(1) + "," + row(2) + "," + row(3) + "]"})
	f(nil, []string{"PUT / [" + row(1) + "," + row(2) + "]", "PUT / [" + row(3) + "]"}, "insert-method=PUT", "sink.batch.max-size=2")
	f(nil, []string{"POST / [" + row(1) + "]", "POST / [" + row(2) + "]", "POST / [" + row(3) + "]"}, "sink.flush-buffer.size=10 b")
	f(nil, []string{"POST / " + row(1), "POST / " + row(2), "POST / " + row(3)}, "http.sink.writer.request.mode=single")
	f(nil, []string{"POST /u/1?n=n+1 " + row(1), "POST /u/2?n=n+2 " + row(2), "POST /u/3?n=n+3 " + row(3)}, "url=BASE/u/{id}?n={name}")
	f(nil, []string{"POST / 1,\"n 1\",0.1\n2,\"n 2\",0.2\n3,\"n 3\",0.3"}, "format=csv", "http.sink.writer.request.mode=batch")
	f([]types.RowKind{insert, update, remove}, []string{"POST /u/1 " + row(1), "PUT /u/2 " + row(2), "DELETE /u/3"}, "url=BASE/u/{id}", "update-method=PUT", "key=id")
	f([]types.RowKind{insert, insert, remove}, []string{"POST / [" + row(1) + "," + row(2) + "]", "DELETE / [" + row(3) + "]"}, "key=id")
}

func TestSinkModes(t *testing.T) {
	f := func(want string, key bool, requested types.ChangelogMode, format string) {
		t.Helper()
		c, desc := new(config), &connectors.TableDesc{Columns: table}
		if err := decode(c, "http://h/", "format="+format); err != nil {
			t.Fatal(err)
		}
		if key {
			desc.PrimaryKey = []string{"id"}
		}
		if got, err := c.SinkMode(desc, requested); err != nil || got.String() != want {
			t.Errorf("%s: %s, %v; want %s", format, got, err, want)
		}
	}
	f("I", true, types.AppendMode, "json")
	f("I", false, types.RetractMode, "json")
	f("I,UA,D", true, types.RetractMode, "json")
	f("I,UB,UA,D", true, types.RetractMode, "debezium-json")
}

// TestSinkRetries lets the service fail at first, and ask for a pause.
func TestSinkRetries(t *testing.T) {
	g := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string, n int) {
		switch n {
		case 1:
			w.WriteHeader(500)
		case 2:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(503)
		case 3:
			panic(http.ErrAbortHandler) // the connection ends
		}
	})
	start := time.Now()
	s := g.mustSink()
	if err := put(s, nil, 1); err != nil || g.count() != 4 || time.Since(start) < 900*time.Millisecond {
		t.Errorf("%v after %d requests and %s", err, g.count(), time.Since(start))
	}
	g = says(t, 500, "broken")
	err := put(g.mustSink("http.sink.retry.times=2"), nil, 1)
	wantText(t, err, "POST "+g.url+": status 500", "broken", "tried 3 times; 'http.sink.retry.times'")
	f := func(status int, ok bool, options ...string) {
		t.Helper()
		g := says(t, status, "")
		if err := put(g.mustSink(options...), nil, 1); (err == nil) != ok {
			t.Errorf("status %d, %v: %v", status, options, err)
		}
	}
	f(302, false)
	f(302, true, "http.sink.error.code=4XX,5XX")
	f(404, false, "http.sink.error.code=4XX,5XX")
	f(404, true, "http.sink.error.code.exclude=404")
	f(404, true, "gid.connector.http.sink.error.code=5XX", "http.sink.retry-codes=")
	f(409, true, "http.sink.ignored-response-codes=409")
}

// choosy takes arrays of rows but for odd ids, and remembers what it took.
func choosy(t *testing.T, status int) (*rig, func() string) {
	var mu sync.Mutex
	var taken []int
	g := serve(t, func(w http.ResponseWriter, _ *http.Request, body string, _ int) {
		var rows []struct{ ID int }
		if err := json.Unmarshal([]byte(body), &rows); err != nil {
			rows = append(rows, struct{ ID int }{})
			json.Unmarshal([]byte(body), &rows[0])
		}
		for _, r := range rows {
			if r.ID%2 == 1 {
				w.WriteHeader(status)
				fmt.Fprintf(w, "id %d is odd", r.ID)
				return
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for _, r := range rows {
			taken = append(taken, r.ID)
		}
	})
	return g, func() string {
		mu.Lock()
		defer mu.Unlock()
		sort.Ints(taken)
		return fmt.Sprint(taken)
	}
}

func TestRefusedRows(t *testing.T) {
	f := func(options ...string) {
		t.Helper()
		g, taken := choosy(t, 422)
		s := g.mustSink(options...)
		s.Tolerate()
		if err := put(s, nil, 2, 3, 4, 6, 7, 8, 10); err != nil {
			t.Fatal(err)
		}
		var refused []string
		for _, r := range s.Refused() {
			refused = append(refused, string(r.Record))
			wantText(t, r.Err, "status 422", "is odd")
		}
		sort.Strings(refused)
		if taken() != "[2 4 6 8 10]" || strings.Join(refused, "") != row(3)+row(7) || len(s.Refused()) != 0 {
			t.Errorf("%v: taken %s, refused %s", options, taken(), refused)
		}
	}
	f()
	f("http.sink.writer.request.mode=single")
	g, _ := choosy(t, 422)
	wantText(t, put(g.mustSink(), nil, 2, 3), "status 422", "id 3 is odd") // not tolerated
	g, _ = choosy(t, 403)
	s := g.mustSink()
	s.Tolerate()
	wantText(t, put(s, nil, 3), "status 403", "check the credentials") // no row is to blame
}

// TestRefusedByURL has a row without a value that the URL needs: it is named, and those before it are taken.
func TestRefusedByURL(t *testing.T) {
	g := says(t, 200, "")
	s := g.mustSink("url=BASE/{name}")
	b := rowsOf(nil, 1, 2)
	names := vec.NewTextBuilder()
	names.AppendString("..")
	names.AppendNull()
	b = vec.New(table.Arrow(), []arrow.Array{b.Col(0), names.Array(), b.Col(2)}, 2, nil)
	for row, want := range []string{`column "name": ".." cannot be a part of the URL's path`, `column "name" is NULL`} {
		err := s.Write(context.Background(), b.Slice(row, 2))
		var bad *connectors.Refusal
		if !errors.As(err, &bad) || bad.Row != 0 {
			t.Fatalf("row %d: %v", row, err)
		}
		wantText(t, err, want)
	}
	if g.count() != 0 {
		t.Error(g.asked())
	}
}

// TestSinkOrder writes many changes of few keys: the last request of each key must be its last change.
func TestSinkOrder(t *testing.T) {
	var mu sync.Mutex
	last, busy, most := map[string]string{}, 0, 0
	g := serve(t, func(w http.ResponseWriter, r *http.Request, body string, n int) {
		mu.Lock()
		busy++
		most = max(most, busy)
		mu.Unlock()
		time.Sleep(time.Duration(n*7%5) * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		busy--
		if n%9 == 0 {
			w.WriteHeader(503)
			return
		}
		last[r.URL.Path] = r.Method
	})
	s := g.mustSink("url=BASE/{id}", "key=id", "sink.requests.max-inflight=4", "update-method=PUT")
	ctx := context.Background()
	for i := range 40 {
		kind := types.UpdateAfter
		if i >= 35 {
			kind = types.Delete
		}
		if err := s.Write(ctx, rowsOf([]types.RowKind{kind}, int64(i%5))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if fmt.Sprint(last) != "map[/0:DELETE /1:DELETE /2:DELETE /3:DELETE /4:DELETE]" || most > 4 || most < 2 {
		t.Errorf("the last of each key: %v; %d requests at once", last, most)
	}
}

// TestSinkLingers sends a row that waits by Tick, and stops soon when it is closed while the service hangs.
func TestSinkLingers(t *testing.T) {
	hang := make(chan struct{})
	g := serve(t, func(_ http.ResponseWriter, r *http.Request, _ string, n int) {
		if n > 1 {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}
	})
	defer close(hang)
	s := g.mustSink("sink.flush-buffer.timeout=10 ms")
	ctx := context.Background()
	if err := s.Write(ctx, rowsOf(nil, 1)); err != nil || g.count() != 0 {
		t.Fatalf("%v, %d requests", err, g.count())
	}
	time.Sleep(12 * time.Millisecond)
	if err := s.Tick(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Flush(ctx); err != nil || g.count() != 1 {
		t.Errorf("%v, %d requests", err, g.count())
	}
	if err := s.Write(ctx, rowsOf(nil, 2)); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := s.Flush(short); err != context.DeadlineExceeded {
		t.Errorf("flush of a hanging service: %v", err)
	}
	start := time.Now()
	s.Close()
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("closing took %s", d)
	}
}

func TestSinkSigns(t *testing.T) {
	g := guarded(t)
	for _, options := range [][]string{nil, {"url=BASE/x/{id}/{name}", "key=id"}} {
		if err := put(g.mustSink(append(options, signed...)...), []types.RowKind{types.Insert, types.UpdateAfter, types.Insert}, 1, 2, 3); err != nil {
			t.Error(err)
		}
	}
	if err := put(g.mustSink("http.sink.header.Authorization=Bearer hush-hush"), nil, 1); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("unsigned: %v", err)
	}
}

func TestSinkMistakes(t *testing.T) {
	g := says(t, 200, "")
	f := func(want string, options ...string) {
		t.Helper()
		_, err := g.sink(options...)
		wantText(t, err, want)
	}
	f("sends several rows to one URL", "http.sink.writer.request.mode=batch", "url=BASE/{id}")
	f("is for json and csv, not for 'raw'", "http.sink.writer.request.mode=batch", "format=raw")
	f("{nome} stands for no column", "url=BASE/{nome}")
}
