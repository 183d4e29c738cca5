package exec

import (
	"context"
	"errors"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/exec/op"
	"weir/planner"
	"weir/sql/vec"
)

func manyRows(n int) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = row{int64(i), int64(i % 10), 1}
	}
	return rows
}

func calcOf(in planner.Node) *planner.Calc {
	return &planner.Calc{Base: &planner.Base{ID: "calc", Out: in.Info().Out}, Input: in}
}

func TestBackpressureBoundsWhatIsRead(t *testing.T) {
	const n = 200_000
	tab := &table{splits: [][]row{manyRows(n)}, chunk: 100}
	gate := make(chan struct{})
	p := &planner.Plan{Roots: []planner.Node{collect(calcOf(exchange(scanOf("t", tab), 1)))}, Settings: planner.Settings{Parallelism: 2}}
	total := 0
	o := Options{Rows: func(b *vec.Batch) error { total += b.Len(); return nil }}
	j, err := start(context.Background(), p, fakeRuntime(o, func(b *vec.Batch, out op.Emitter) error {
		<-gate
		return out.Emit(b)
	}))
	if err != nil {
		t.Fatal(err)
	}
	read := int64(-1)
	for last := int64(-2); read != last; { // until it stands still
		last = read
		time.Sleep(20 * time.Millisecond)
		read = j.Stats()[0].RowsOut
	}
	if read <= 0 || read > 4*maxRows {
		t.Errorf("%d rows were read while the sink stood still; want at most %d", read, 4*maxRows)
	}
	close(gate)
	if err := j.Wait(); err != nil || total != n {
		t.Errorf("%v, %d rows of %d", err, total, n)
	}
}

func TestCancelLeavesNothingBehind(t *testing.T) {
	before := goruntime.NumGoroutine()
	var opened atomic.Int64
	tab := &table{splits: [][]row{manyRows(100), {}, manyRows(7)}, chunk: 3, live: true, pause: time.Hour, opened: &opened}
	p := &planner.Plan{Roots: []planner.Node{collect(windowOf(exchange(scanOf("t", tab), 1), 10))}, Settings: planner.Settings{Parallelism: 3}}
	j, err := start(context.Background(), p, fakeRuntime(Options{Interval: time.Millisecond}, identity))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	j.Cancel()
	if err := j.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := opened.Load(); n != 0 {
		t.Errorf("%d readers are still open", n)
	}
	for range 100 {
		if goruntime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, goruntime.NumGoroutine())
}

func TestFailuresStopTheJob(t *testing.T) {
	for _, c := range []struct {
		name string
		calc func(*vec.Batch, op.Emitter) error
		want string
	}{
		{"error", func(*vec.Batch, op.Emitter) error { return errors.New("division by zero") }, `Calc "calc": division by zero`},
		{"panic", func(*vec.Batch, op.Emitter) error { panic("no such column") }, `Calc "calc": internal error: no such column`},
		{"downstream of it is not blamed", func(b *vec.Batch, out op.Emitter) error { return out.Emit(b) }, `Collect "collect": the session is gone`},
	} {
		live := &table{splits: [][]row{manyRows(10)}, chunk: 3, live: true, pause: time.Hour}
		p := &planner.Plan{Roots: []planner.Node{collect(calcOf(exchange(scanOf("t", live), 1)))}, Settings: planner.Settings{Parallelism: 2}}
		o := Options{Rows: func(*vec.Batch) error { return errors.New("the session is gone") }}
		j, err := start(context.Background(), p, fakeRuntime(o, c.calc))
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-j.Done():
			if err := j.Wait(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%s: got %v, want %s", c.name, err, c.want)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: the job goes on", c.name)
		}
	}
}

func TestDrainEndsALiveJobWithNewSplits(t *testing.T) {
	tab := &table{splits: [][]row{manyRows(50), manyRows(100)[50:]}, chunk: 100, live: true, pause: time.Hour, discovery: 5 * time.Millisecond}
	var g gather
	seen := make(chan struct{}, 100)
	calc := func(b *vec.Batch, out op.Emitter) error { seen <- struct{}{}; return out.Emit(b) }
	p := &planner.Plan{Roots: []planner.Node{collect(windowOf(exchange(calcOf(scanOf("t", tab))), 1000))}}
	j, err := start(context.Background(), p, fakeRuntime(Options{Rows: g.rows}, calc))
	if err != nil {
		t.Fatal(err)
	}
	<-seen
	<-seen // of the split that was found later
	j.Drain()
	if err := j.Wait(); err != nil || len(g.lines) != 10 {
		t.Errorf("%v, got %v", err, g.lines)
	}
}

func TestRowsFlowSoon(t *testing.T) {
	tab := &table{splits: [][]row{manyRows(1)}, chunk: 1, live: true, pause: time.Hour}
	scan := scanOf("t", tab)
	scan.Watermark = nil
	p := &planner.Plan{Roots: []planner.Node{collect(calcOf(exchange(scan, 1)))}, Settings: planner.Settings{Parallelism: 2}}
	came := make(chan struct{}, 1)
	began := time.Now()
	j, err := start(context.Background(), p, fakeRuntime(Options{Rows: func(*vec.Batch) error { came <- struct{}{}; return nil }}, identity))
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-came:
		t.Logf("first row after %v", time.Since(began))
	case <-time.After(2 * time.Second):
		t.Error("a lone row waits in the exchange")
	}
	j.Cancel()
	<-j.Done()
}

func TestNodeWithTwoConsumersRunsOnce(t *testing.T) {
	tab := &table{splits: [][]row{manyRows(50)}, chunk: 7}
	scan := scanOf("t", tab)
	p := &planner.Plan{Roots: []planner.Node{collect(scan), collect(windowOf(exchange(scan, 1), 1000))}, Settings: planner.Settings{Parallelism: 2}}
	got, err := runJob(t, p, Options{})
	if n := strings.Count(got, "\n") + 1; err != nil || n != 60 {
		t.Errorf("%v, %d rows, want 50 and 10", err, n)
	}
}

func TestCheckpointsWhileRunning(t *testing.T) {
	tables, want := threeSources()
	for _, x := range tables {
		x.chunk = 1
	}
	var g gather
	j, err := start(context.Background(), threeSourcePlan(tables, 2, 1), fakeRuntime(Options{Rows: g.rows, Interval: 50 * time.Microsecond}, identity))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Wait(); err != nil || g.sorted() != want {
		t.Errorf("%v, got\n%s\nwant\n%s", err, g.sorted(), want)
	}
}

func TestPlansThatCannotStart(t *testing.T) {
	scan := scanOf("t", &table{splits: [][]row{manyRows(3)}, chunk: 3})
	for _, c := range []struct {
		root planner.Node
		want string
	}{
		{collect(&planner.Match{Base: &planner.Base{ID: "m", Out: rowSchema}, Input: scan}), `Match "m": there is no operator`},
		{sinkOf(scan, scan.Config), `table "out" cannot be written`},
	} {
		r := fakeRuntime(Options{}, identity)
		r.operator = func(planner.Node, *planner.Settings) (op.Operator, error) {
			return nil, errors.New("there is no operator")
		}
		_, err := start(context.Background(), &planner.Plan{Roots: []planner.Node{c.root}}, r)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}
