package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/connectors"
	"weir/sql/types"
)

// putting is a sink into the table of the fake.
type putting struct {
	*fake
	cols    string
	primary []string
	parts   []string
	options []string
}

func (p putting) sink() *sink {
	p.Helper()
	c := configure(p.T, append([]string{"aws.endpoint=" + p.url}, p.options...)...)
	k, err := c.Sink(&connectors.TableDesc{Name: "c.d.things", Columns: schema(p.cols), PrimaryKey: p.primary, PartitionedBy: p.parts}, p.env(), 0, 1)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { k.Close() })
	return k.(*sink)
}

// do writes rows as one batch and flushes.
func (p putting) do(lines ...string) error {
	p.Helper()
	k := p.sink()
	ctx := within(p.T, 20*time.Second)
	if err := k.Write(ctx, rows(schema(p.cols), lines...)); err != nil {
		return err
	}
	_, err := k.Flush(ctx)
	return err
}

func (p putting) leaves(want string, lines ...string) {
	p.Helper()
	if err := p.do(lines...); err != nil || p.content() != want {
		p.Errorf("%v: %v\n%s\nwant\n%s", lines, err, p.content(), want)
	}
}

func (p putting) refuses(want string, lines ...string) {
	p.Helper()
	if err := p.do(lines...); err == nil || !strings.Contains(err.Error(), want) {
		p.Errorf("%v: %v; want an error with %q", lines, err, want)
	}
}

func TestSinkWritesByKey(t *testing.T) {
	p := putting{fake: newFake(t, "id:N"), cols: "id BIGINT, name STRING, price DECIMAL", primary: []string{"id"}}
	p.leaves(`{"id":{"N":"1"},"name":{"S":"a"},"price":{"N":"1.50"}}
{"id":{"N":"2"},"name":{"NULL":true},"price":{"NULL":true}}`, "+I 1 a 1.5", "+I 2 - -")
	p.leaves(`{"id":{"N":"2"},"name":{"S":"b"},"price":{"N":"2.00"}}`, "-U 2 - -", "+U 2 b 2", "-D 1 a 1.5")
	p.options = []string{"sink.ignore-nulls=true"}
	p.leaves(`{"id":{"N":"2"},"price":{"N":"0.00"}}`, "+I 2 - 0")
}

// TestSinkLastChangeWins: a request holds a key once.
func TestSinkLastChangeWins(t *testing.T) {
	p := putting{fake: newFake(t, "id:S", "at:N"), cols: "at BIGINT, id STRING, v INT", primary: []string{"at", "id"}}
	p.leaves(`{"at":{"N":"1"},"id":{"S":"a"},"v":{"N":"3"}}
{"at":{"N":"1"},"id":{"S":"c"},"v":{"N":"6"}}`, "+I 1 a 1", "+U 1 a 2", "+I 1 b 4", "-D 1 c 5", "+U 1 a 3", "-D 1 b 4", "+I 1 c 6")
	if p.writes() != "put a|1, del b|1, put c|1" {
		t.Error(p.writes())
	}
	for _, parts := range [][]string{{"id", "at"}, {"id"}} { // without a PRIMARY KEY too; the table's own key counts
		p := putting{fake: newFake(t, "id:S", "at:N"), cols: "at BIGINT, id STRING, v INT", parts: parts}
		p.leaves(`{"at":{"N":"1"},"id":{"S":"a"},"v":{"N":"3"}}
{"at":{"N":"2"},"id":{"S":"a"},"v":{"N":"2"}}`, "+I 1 a 1", "+I 2 a 2", "+I 1 a 3")
		if warned := strings.Contains(p.warnings(), "not by PARTITIONED BY (id)"); warned != (len(parts) == 1) {
			t.Errorf("warnings: %q", p.warnings())
		}
	}
}

// TestSinkKeepsOrder writes a key in many requests at once, of which some are throttled, delayed or left undone in part.
func TestSinkKeepsOrder(t *testing.T) {
	p := putting{fake: newFake(t, "id:N"), cols: "id BIGINT, v BIGINT", primary: []string{"id"}, options: []string{"sink.batch.max-size=3"}}
	p.leave = func(op string, n, of int) int { return []int{0, of, of - 1}[n%3] }
	p.failing(func(op string, n int, in *body, w http.ResponseWriter) bool {
		time.Sleep(time.Duration(n*7%5) * time.Millisecond)
		return op == "BatchWriteItem" && n%7 == 3 && throttle(w)
	})
	var lines []string
	want := map[string]string{}
	for i := range 45 {
		id := fmt.Sprint(i * 31 % 8)
		lines = append(lines, fmt.Sprintf("+U %s %d", id, i))
		want[id] = fmt.Sprint(i)
	}
	if err := p.do(lines...); err != nil {
		t.Fatal(err)
	}
	for id, v := range want {
		if it := p.items[id]; it == nil || it["v"]["N"] != v {
			t.Errorf("item %s is %v, want %s", id, it, v)
		}
	}
}

// TestSinkWaitsWhileThrottled: nothing is lost, the user is told, and Flush waits for all of it.
func TestSinkWaitsWhileThrottled(t *testing.T) {
	p := putting{fake: newFake(t, "id:N"), cols: "id BIGINT", primary: []string{"id"}, options: []string{"sink.batch.max-size=2", "sink.requests.max-inflight=1"}}
	var open atomic.Bool
	p.failing(func(op string, n int, in *body, w http.ResponseWriter) bool {
		return op == "BatchWriteItem" && !open.Load() && throttle(w)
	})
	k := p.sink()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	s := schema(p.cols)
	if err := k.open(within(t, 20*time.Second)); err != nil { // its requests outlive the call below
		t.Fatal(err)
	}
	if err := k.Write(ctx, rows(s, "+I 1", "+I 2")); err != nil {
		t.Fatal(err)
	}
	if err := k.Write(ctx, rows(s, "+I 3", "+I 4")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("there is room for one request only, but: %v", err)
	}
	if !strings.Contains(p.warnings(), `DynamoDB table "t": its requests are throttled`) {
		t.Errorf("warnings: %q", p.warnings())
	}
	open.Store(true)
	if _, err := k.Flush(within(t, 20*time.Second)); err != nil {
		t.Fatal(err)
	}
	if len(p.items) != 4 {
		t.Errorf("items: %s", p.content())
	}
	if !strings.Contains(p.warnings(), "takes requests again") {
		t.Errorf("warnings: %q", p.warnings())
	}
}

func TestSinkEndsWhileThrottled(t *testing.T) {
	p := putting{fake: newFake(t, "id:N"), cols: "id BIGINT", primary: []string{"id"}}
	p.failing(func(op string, n int, in *body, w http.ResponseWriter) bool {
		return op == "BatchWriteItem" && throttle(w)
	})
	k := p.sink()
	if err := k.Write(within(t, 20*time.Second), rows(schema(p.cols), "+I 1")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := k.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	start := time.Now()
	if k.Close(); time.Since(start) > 2*time.Second {
		t.Errorf("Close took %s", time.Since(start))
	}
	p.options = []string{"sink.fail-on-error=true"}
	p.refuses("ProvisionedThroughputExceededException", "+I 1")
	p.failing(func(op string, n int, in *body, w http.ResponseWriter) bool { return false })
	p.leave = func(op string, n, of int) int { return of }
	p.refuses("left 1 items undone ('sink.fail-on-error' = 'true')", "+I 1")
}

func TestSinkRefusesRows(t *testing.T) {
	p := putting{fake: newFake(t, "id:S"), cols: "id STRING, v DOUBLE, b BYTES", primary: []string{"id"}}
	f := func(row int, want string, lines ...string) {
		t.Helper()
		err := p.do(lines...)
		var bad *connectors.Refusal
		if !errors.As(err, &bad) || bad.Row != row || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v; want row %d, %q", lines, err, row, want)
		}
	}
	f(1, `key column "id" is NULL`, "+I a 1 -", "+I - 1 -")
	f(0, `key column "id" is empty`, "+I '' 1 -")
	f(0, `key column "id" has 2049 bytes, more than the 2048 that a key takes`, "+I "+strings.Repeat("k", 2049)+" 1 -")
	f(2, `column "v": DynamoDB has no number NaN`, "+I a 1 -", "+I b 1 -", "+I a NaN -")
	f(0, `item {"id":{"S":"a"}} has 409601 bytes, more than the 409600 (400 KiB) that DynamoDB takes`, "+I a 1 "+strings.Repeat("x", 400<<10-7+1))
	p.leaves(`{"b":{"NULL":true},"id":{"S":"a"},"v":{"NULL":true}}`, "+I a - -")
}

// TestSinkLeavesBadItemsOut: what the service finds fault with is not the others' fault.
func TestSinkLeavesBadItemsOut(t *testing.T) {
	p := putting{fake: newFake(t, "id:N"), cols: "id BIGINT, v STRING", primary: []string{"id"}}
	p.failing(func(op string, n int, in *body, w http.ResponseWriter) bool {
		return op == "BatchWriteItem" && strings.Contains(string(in.RequestItems), `"bad"`) &&
			refuse(w, 400, "ValidationException", "One or more parameter values were invalid: Type mismatch for Index Key v Expected: S Actual: NULL IndexName: i")
	})
	var lines []string
	for i := range 40 {
		v := "good"
		if i == 7 || i == 30 {
			v = "bad"
		}
		lines = append(lines, fmt.Sprintf("+I %d %s", i, v))
	}
	k := p.sink()
	k.Tolerate()
	ctx := within(t, 20*time.Second)
	if err := k.Write(ctx, rows(schema(p.cols), lines...)); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if len(p.items) != 38 {
		t.Errorf("%d items", len(p.items))
	}
	var got []string
	for _, r := range k.Refused() {
		got = append(got, string(r.Record)+" "+r.Err.Error())
	}
	slices.Sort(got)
	if len(got) != 2 || !strings.HasPrefix(got[0], `{"id":{"N":"30"},"v":{"S":"bad"}} DynamoDB table "t", writing item {"id":{"N":"30"}}: ValidationException: One or more`) || len(k.Refused()) != 0 {
		t.Errorf("refused: %q", got)
	}
	p.items = map[string]attrs{}
	p.refuses(`writing item {"id":{"N":"7"}}: ValidationException`, lines[:20]...)
	if len(p.items) != 19 {
		t.Errorf("%d items beside the bad one", len(p.items))
	}
}

func TestSinkErrors(t *testing.T) {
	p := putting{fake: newFake(t, "race:S", "rank:N"), cols: "race STRING, rank BIGINT", primary: []string{"race", "rank"}}
	answer := func(at, code, msg string) {
		p.failing(func(op string, n int, in *body, w http.ResponseWriter) bool {
			return op == at && refuse(w, 400, code, msg)
		})
	}
	answer("DescribeTable", "ResourceNotFoundException", "Requested resource not found: Table: t not found")
	p.refuses(`there is no DynamoDB table "t": create it (aws dynamodb create-table), or correct 'table-name', 'aws.region'`, "+I a 1")
	answer("BatchWriteItem", "AccessDeniedException", "User x is not authorized to perform: dynamodb:BatchWriteItem")
	p.refuses(`AWS refuses it: User x is not authorized to perform: dynamodb:BatchWriteItem; allow the action`, "+I a 1")
	answer("BatchWriteItem", "ValidationException", "The provided key element does not match the schema")
	p.refuses(`its key is another`, "+I a 1")
	answer("DescribeTable", "AccessDeniedException", "no")
	p.leaves(`{"race":{"S":"a"},"rank":{"N":"1"}}`, "+I a 1") // the declared key does
	p.primary = nil
	p.refuses("declare it as PRIMARY KEY", "+I a 1")
	p.parts = []string{"race", "rank"}
	p.leaves(`{"race":{"S":"a"},"rank":{"N":"1"}}`, "+I a 1")
	answer("", "", "")
	p.primary, p.parts = []string{"race"}, nil
	p.refuses(`has the key (race S, rank N), but PRIMARY KEY of c.d.things is (race): declare the table's own`, "+I a 1")
	p.primary, p.cols = nil, "race STRING"
	p.refuses(`has the key (race S, rank N), but there is no column "rank": declare it`, "+I a")
	p.cols = "race STRING, rank STRING"
	p.refuses(`but column "rank" is STRING, which is written as S: declare it a number`, "+I a 1")
	p.cols = "race STRING, rank BOOLEAN"
	p.refuses(`column "rank" is BOOLEAN, which cannot be in a key`, "+I a true")
}

func TestSinkMode(t *testing.T) {
	c := configure(t)
	desc := &connectors.TableDesc{Name: "c.d.things", Columns: schema("id BIGINT")}
	if _, err := c.SinkMode(desc, types.UpsertMode); err == nil || !strings.Contains(err.Error(), `"c.d.things" has no PRIMARY KEY`) {
		t.Error(err)
	}
	if m, err := c.SinkMode(desc, types.AppendMode); err != nil || m != types.UpsertMode {
		t.Error(m, err)
	}
	desc.PrimaryKey = []string{"id"}
	if m, err := c.SinkMode(desc, types.RetractMode); err != nil || m != types.UpsertMode {
		t.Error(m, err)
	}
}

// TestSinkBoundsRequests: a request stays within items and bytes, as they are sent.
func TestSinkBoundsRequests(t *testing.T) {
	f := func(text string, n int, options ...string) {
		t.Helper()
		p := putting{fake: newFake(t, "id:N"), cols: "id BIGINT, v STRING", primary: []string{"id"}, options: options}
		most := 0
		p.failing(func(op string, n int, in *body, w http.ResponseWriter) bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			most = max(most, len(in.RequestItems))
			return false
		})
		var lines []string
		for i := range n {
			lines = append(lines, fmt.Sprintf("+I %d %s", i, text))
		}
		if err := p.do(lines...); err != nil || len(p.items) != n {
			t.Errorf("%v, %d items", err, len(p.items))
		}
		limit := maxRequestBytes
		if len(options) > 0 {
			limit = 3000
		}
		if most == 0 || most > limit {
			t.Errorf("a request has %d bytes", most)
		}
	}
	f(strings.Repeat("x", 1000), 10, "sink.flush-buffer.size=2500b")
	f(strings.Repeat("<", 390<<10), 25) // a byte of the item, six of the request
	f("x", 60)
}

// TestSinkTick sends what has waited long enough.
func TestSinkTick(t *testing.T) {
	p := putting{fake: newFake(t, "id:N"), cols: "id BIGINT", primary: []string{"id"}, options: []string{"sink.flush-buffer.timeout=1 min"}}
	k := p.sink()
	now := time.Now()
	k.env.Now = func() time.Time { return now }
	ctx := within(t, 20*time.Second)
	if err := k.Write(ctx, rows(schema(p.cols), "+I 1")); err != nil {
		t.Fatal(err)
	}
	for _, step := range []time.Duration{59 * time.Second, time.Second} {
		now = now.Add(step)
		if err := k.Tick(ctx); err != nil {
			t.Fatal(err)
		}
		if sent := len(k.buf) == 0; sent != (step == time.Second) {
			t.Errorf("sent after %s: %v", step, sent)
		}
	}
	if _, err := k.Flush(ctx); err != nil || len(p.items) != 1 {
		t.Error(err, p.content())
	}
}

// TestSinkHoldsBack writes a key that changes often once in a while, in the order of its changes.
func TestSinkHoldsBack(t *testing.T) {
	p := putting{fake: newFake(t, "id:N"), cols: "id BIGINT, v BIGINT", primary: []string{"id"},
		options: []string{"sink.buffer-flush.interval=1 min", "sink.buffer-flush.max-rows=40", "sink.flush-buffer.timeout=1 s"}}
	k := p.sink()
	now := time.Now()
	k.env.Now = func() time.Time { return now }
	ctx := within(t, 20*time.Second)
	put := func(from, to int) {
		t.Helper()
		var lines []string
		for i := from; i < to; i++ {
			lines = append(lines, fmt.Sprintf("+U %d %d", i%39, i))
		}
		if err := k.Write(ctx, rows(schema(p.cols), lines...)); err != nil {
			t.Fatal(err)
		}
	}
	put(0, 1000)
	now = now.Add(59 * time.Second)
	if err := k.Tick(ctx); err != nil || p.called("BatchWriteItem") != 0 {
		t.Errorf("%d requests, %v", p.called("BatchWriteItem"), err)
	}
	now = now.Add(time.Second)
	if err := k.Tick(ctx); err != nil || len(k.buf) != 0 || len(k.index) != 0 || k.bytes != 0 || k.wire != 0 {
		t.Errorf("%d left, %v", len(k.buf), err)
	}
	put(1000, 2000)
	if _, err := k.Flush(ctx); err != nil || p.called("BatchWriteItem") != 4 || len(p.log) != 78 {
		t.Errorf("%d requests of %d changes, %v", p.called("BatchWriteItem"), len(p.log), err)
	}
	for i := 2000 - 39; i < 2000; i++ {
		if got := fmt.Sprint(p.items[fmt.Sprint(i%39)]["v"]["N"]); got != fmt.Sprint(i) {
			t.Errorf("item %d is %s, want %d", i%39, got, i)
		}
	}
	for i := range 50 { // more keys than may be held
		if err := k.Write(ctx, rows(schema(p.cols), fmt.Sprintf("+I %d 0", 100+i))); err != nil {
			t.Fatal(err)
		}
	}
	if len(k.buf) != 10 {
		t.Errorf("%d held back", len(k.buf))
	}
}

// TestSinkServerDown waits for a server that does not answer.
func TestSinkServerDown(t *testing.T) {
	p := putting{fake: newFake(t, "id:N"), cols: "id BIGINT", primary: []string{"id"}}
	p.failing(func(op string, n int, in *body, w http.ResponseWriter) bool {
		if n > 3 || op != "BatchWriteItem" && n > 1 {
			return false
		}
		if n%2 == 1 {
			panic(http.ErrAbortHandler)
		}
		return refuse(w, 500, "InternalServerError", "oops")
	})
	p.leaves(`{"id":{"N":"1"}}`, "+I 1")
	p.failing(func(op string, n int, in *body, w http.ResponseWriter) bool {
		if op != "BatchWriteItem" {
			return false
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"UnprocessedItems": map[string]any{"t": []any{map[string]any{"PutRequest": map[string]any{"Item": attrs{"id": {"N": "77"}}}}}}})
		return true
	})
	p.refuses("the server left items undone that it was not given", "+I 1")
}
