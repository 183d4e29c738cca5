package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"weir/connectors"
)

// looking is a lookup of a table of the fake, by some of its columns.
type looking struct {
	*fake
	cols, keys string // "id BIGINT, name STRING"
	primary    []string
	options    []string
}

func (l looking) lookup() (connectors.Lookup, error) {
	c := configure(l.T, append([]string{"aws.endpoint=" + l.url}, l.options...)...)
	all := schema(l.cols)
	for _, k := range schema(l.keys) {
		if all.Index(k.Name) < 0 {
			all = append(all, k)
		}
	}
	return c.Lookup(&connectors.TableDesc{Name: "c.d.things", Columns: all, PrimaryKey: l.primary},
		connectors.LookupScan{Columns: schema(l.cols), Keys: schema(l.keys)}, l.env())
}

func (l looking) ask(keys ...string) (string, error) {
	l.Helper()
	look, err := l.lookup()
	if err != nil {
		return "", err
	}
	for i := range keys {
		keys[i] = "+I " + keys[i]
	}
	b, of, err := look.Ask(within(l.T, 20*time.Second), rows(schema(l.keys), keys...))
	if err != nil {
		return "", err
	}
	return show(schema(l.cols), b, of), nil
}

func (l looking) finds(want string, keys ...string) {
	l.Helper()
	if got, err := l.ask(keys...); err != nil || got != want {
		l.Errorf("%v: %q, %v; want %q", keys, got, err, want)
	}
}

func (l looking) fails(want string, keys ...string) error {
	l.Helper()
	got, err := l.ask(keys...)
	if err == nil || !strings.Contains(err.Error(), want) {
		l.Errorf("%v: %q, %v; want an error with %q", keys, got, err, want)
	}
	return err
}

// put stores items {"id":{"N":"1"}}.
func (f *fake) put(items ...attrs) {
	for _, it := range items {
		key := f.keyText(it)
		f.order = append(f.order, key)
		f.items[key] = it
	}
}

func n(v any) map[string]any { return map[string]any{"N": fmt.Sprint(v)} }
func s(v any) map[string]any { return map[string]any{"S": fmt.Sprint(v)} }

func TestLookupByPartitionKey(t *testing.T) {
	f := newFake(t, "id:N")
	f.put(attrs{"id": n("1.50"), "name": s("one"), "extra": s("x")}, attrs{"id": n(2), "name": s("two")}, attrs{"id": n(3)})
	l := looking{fake: f, cols: "id DECIMAL, name STRING", keys: "id DECIMAL", primary: []string{"id"}}
	l.finds("0: 1.50, one", "1.5")
	l.finds("", "9")
	if f.called("GetItem") != 2 || f.called("BatchGetItem")+f.called("DescribeTable") != 0 {
		t.Errorf("calls: %v", f.calls)
	}
	l.finds("0: 3.00, -; 1: 2.00, two; 3: 1.50, one", "3", "2", "7", "1.5")
	if f.called("BatchGetItem") != 1 {
		t.Errorf("calls: %v", f.calls)
	}
	l.primary = nil // the service tells
	l.finds("0: 2.00, two", "2")
	if f.called("DescribeTable") != 1 {
		t.Errorf("calls: %v", f.calls)
	}
}

// TestLookupFilters asks by a column that is not in the key: it filters, and one item is asked for once.
func TestLookupFilters(t *testing.T) {
	f := newFake(t, "id:S")
	f.put(attrs{"id": s("a"), "status": s("open")}, attrs{"id": s("b")})
	l := looking{fake: f, cols: "id STRING", keys: "status STRING, id STRING", primary: []string{"id"}}
	l.finds("0: a", "open a", "shut a")
	l.finds("", "open b")
	if f.called("GetItem") != 2 || f.called("BatchGetItem") != 0 {
		t.Errorf("calls: %v", f.calls)
	}
}

// TestLookupAsksNoImpossibleKeys: the service would refuse the whole request for them.
func TestLookupAsksNoImpossibleKeys(t *testing.T) {
	f := newFake(t, "id:S")
	f.put(attrs{"id": s("a")})
	l := looking{fake: f, cols: "id STRING", keys: "id STRING", primary: []string{"id"}}
	l.finds("1: a", "''", "a", strings.Repeat("x", maxPartitionBytes+1))
	l.finds("", "''")
	if f.called("GetItem") != 1 {
		t.Errorf("calls: %v", f.calls)
	}
}

func TestLookupBySortKey(t *testing.T) {
	f := newFake(t, "race:S", "rank:N")
	for race := range 3 {
		for rank := range 7 {
			f.put(attrs{"race": s(fmt.Sprintf("r%d", race)), "rank": n(rank), "who": s(fmt.Sprint(race, rank))})
		}
	}
	l := looking{fake: f, cols: "rank BIGINT, who STRING", keys: "rank BIGINT, race STRING", primary: []string{"race", "rank"}}
	l.finds("0: 3, 1 3; 1: 4, 2 4", "3 r1", "4 r2", "9 r0")
	f.page = 3
	l.keys = "race STRING"
	all := "0: 0, 1 0; 0: 1, 1 1; 0: 2, 1 2; 0: 3, 1 3; 0: 4, 1 4; 0: 5, 1 5; 0: 6, 1 6"
	l.finds(all, "r1")
	if f.called("Query") != 3 {
		t.Errorf("calls: %v", f.calls)
	}
	l.finds("", "r9")
	look, err := l.lookup()
	if err != nil || look.MaxKeys() != 1 {
		t.Errorf("%v", err)
	}
	l.keys, l.cols = "race STRING, who STRING", "rank BIGINT, who STRING"
	l.primary = nil
	if look, err := l.lookup(); err != nil || look.MaxKeys() != 100 {
		t.Errorf("%v", err)
	}
	l.keys = "race STRING"
	l.finds(all+"; "+strings.ReplaceAll(strings.ReplaceAll(all, "1 ", "2 "), "0: ", "1: "), "r1", "r2")
	l.options = []string{"lookup.max-rows-per-key=5"}
	l.fails(`has more than 5 items (or 64 MiB) of key {"race":{"S":"r1"}}: join on the sort key "rank" too`, "r1")
}

// TestLookupAsksAgain: what the service leaves out is asked for again, and throttled calls are made again.
func TestLookupAsksAgain(t *testing.T) {
	f := newFake(t, "id:N")
	var keys []string
	for i := range 100 {
		f.put(attrs{"id": n(i)})
		keys = append(keys, fmt.Sprint(i))
	}
	f.leave = func(op string, n, of int) int { return map[int]int{3: of / 2, 4: of}[n] }
	f.failing(func(op string, n int, in *body, w http.ResponseWriter) bool {
		return op == "BatchGetItem" && n < 3 && throttle(w)
	})
	l := looking{fake: f, cols: "id BIGINT", keys: "id BIGINT", primary: []string{"id"}}
	got, err := l.ask(keys...)
	if rows := strings.Split(got, "; "); err != nil || len(rows) != 100 || rows[99] != "99: 99" || rows[0] != "0: 0" {
		t.Errorf("%q, %v", got, err)
	}
	if n := f.called("BatchGetItem"); n != 5 {
		t.Errorf("%d calls", n)
	}
	if !strings.Contains(f.warnings(), "its requests are throttled") || !strings.Contains(f.warnings(), "takes requests again") {
		t.Errorf("warnings: %s", f.warnings())
	}
}

func TestLookupEndsWithItsContext(t *testing.T) {
	f := newFake(t, "id:N")
	f.failing(func(op string, n int, in *body, w http.ResponseWriter) bool { return throttle(w) })
	l := looking{fake: f, cols: "id BIGINT", keys: "id BIGINT", primary: []string{"id"}}
	for _, keys := range [][]string{{"+I 1"}, {"+I 1", "+I 2"}} {
		look, err := l.lookup()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		start := time.Now()
		_, _, err = look.Ask(ctx, rows(schema(l.keys), keys...))
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "throttled") || time.Since(start) > 2*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	}
}

func TestLookupErrors(t *testing.T) {
	f := newFake(t, "id:N")
	f.put(attrs{"id": n(1), "name": map[string]any{"M": attrs{}}})
	l := looking{fake: f, cols: "id BIGINT, name STRING", keys: "id BIGINT", primary: []string{"id"}}
	answer := func(status int, code, msg string) {
		f.failing(func(op string, n int, in *body, w http.ResponseWriter) bool { return refuse(w, status, code, msg) })
	}
	retryable := func(err error, want bool) {
		t.Helper()
		if connectors.IsRetryable(err) != want {
			t.Errorf("retryable is %v: %v", !want, err)
		}
	}
	retryable(l.fails(`DynamoDB table "t", item {"id":{"N":"1"}}: attribute "name": {"M":{}} is no STRING`, "1"), false)
	answer(400, "ResourceNotFoundException", "Requested resource not found")
	retryable(l.fails(`there is no DynamoDB table "t": create it`, "1"), false)
	answer(400, "AccessDeniedException", "User x is not authorized to perform: dynamodb:GetItem")
	retryable(l.fails(`AWS refuses it: User x is not authorized to perform: dynamodb:GetItem; allow`, "1"), false)
	answer(400, "ValidationException", "The provided key element does not match the schema")
	retryable(l.fails(`declare its partition key, and its sort key if it has one, as PRIMARY KEY`, "1"), false)
	answer(400, "UnrecognizedClientException", "The security token included in the request is invalid.")
	retryable(l.fails(`AWS does not accept the credentials`, "1"), false)
	answer(500, "InternalServerError", "oops")
	retryable(l.fails(`InternalServerError: oops`, "1"), true)
	f.failing(func(op string, n int, in *body, w http.ResponseWriter) bool { fmt.Fprint(w, `{"Item":`); return true })
	l.fails(`DynamoDB table "t", looking up`, "1")
	l.primary = nil
	f.failing(func(op string, n int, in *body, w http.ResponseWriter) bool {
		return op == "DescribeTable" && refuse(w, 400, "AccessDeniedException", "no")
	})
	l.fails(`dynamodb:DescribeTable is not allowed, and no PRIMARY KEY tells its key`, "1")
	f.failing(func(op string, n int, in *body, w http.ResponseWriter) bool { return false })
	l.keys = "name STRING"
	l.fails(`DynamoDB table "t": items are looked up by the partition key: join on "id"`, "x")
	l.cols, l.keys = "id STRING, name STRING", "id STRING"
	l.fails(`has the key (id N), but column "id" is STRING, which is written as S: declare it a number`, "x")
	l.primary = []string{"name"}
	l.fails(`items are looked up by the partition key: join on "name"`, "x")
	l.primary = []string{"id"}
	l.options = []string{"aws.credentials.provider=BASIC", "aws.credentials.basic.accesskeyid=AKIDHIDDEN"}
	err := l.fails("wants 'aws.credentials.basic.accesskeyid' and 'aws.credentials.basic.secretkey'", "x")
	if strings.Contains(err.Error(), "AKIDHIDDEN") {
		t.Errorf("a secret: %v", err)
	}
}

// TestLookupTogether asks from many goroutines before the table is known.
func TestLookupTogether(t *testing.T) {
	f := newFake(t, "id:N")
	f.put(attrs{"id": n(1)}, attrs{"id": n(2)})
	look, err := looking{fake: f, cols: "id BIGINT", keys: "id BIGINT"}.lookup()
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan string)
	for i := range 20 {
		go func() {
			b, of, err := look.Ask(within(t, 10*time.Second), rows(schema("id BIGINT"), fmt.Sprintf("+I %d", i%3)))
			results <- fmt.Sprint(show(schema("id BIGINT"), b, of), err)
		}()
	}
	for range 20 {
		if r := <-results; r != "<nil>" && r != "0: 1<nil>" && r != "0: 2<nil>" {
			t.Error(r)
		}
	}
	if f.called("DescribeTable") != 1 {
		t.Errorf("calls: %v", f.calls)
	}
}

func TestConsistentRead(t *testing.T) {
	f := newFake(t, "id:N", "at:N")
	f.put(attrs{"id": n(1), "at": n(1)})
	for _, want := range []bool{false, true} {
		f.failing(func(op string, n int, in *body, w http.ResponseWriter) bool {
			got := in.ConsistentRead
			if op == "BatchGetItem" {
				got = strings.Contains(string(in.RequestItems), `"ConsistentRead":true`)
			}
			if got != want {
				t.Errorf("%s: ConsistentRead is %v", op, got)
			}
			return false
		})
		l := looking{fake: f, cols: "id BIGINT, at BIGINT", keys: "id BIGINT, at BIGINT", primary: []string{"id", "at"}, options: []string{fmt.Sprintf("lookup.consistent-read=%v", want)}}
		l.finds("0: 1, 1", "1 1")
		l.finds("0: 1, 1", "1 1", "1 2")
		l.keys = "id BIGINT"
		l.finds("0: 1, 1", "1")
	}
}
