package exec

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"
	"time"

	"weir/exec/op"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// runJob runs a plan with goroutines and gives its rows, sorted, or its error.
func runJob(t *testing.T, p *planner.Plan, o Options) (string, error) {
	t.Helper()
	var g gather
	if o.Rows == nil {
		o.Rows = g.rows
	}
	j, err := start(context.Background(), p, fakeRuntime(o, identity))
	if err != nil {
		t.Fatal(err)
	}
	err = j.Wait()
	return g.sorted(), err
}

// lateRows are rows out of order, and what windows of 100 ms keep of them when the watermark follows each row.
func lateRows(n int) (rows []row, want string, late int) {
	rng := rand.New(rand.NewPCG(3, 3))
	sums := map[[2]int64][2]int64{}
	wm := int64(0)
	for i := range n {
		x := row{1000 + int64(i)*7 - rng.Int64N(150), rng.Int64N(3), rng.Int64N(100)}
		rows = append(rows, x)
		end := (x.ts/100 + 1) * 100
		if end-1 <= wm {
			late++
		} else {
			s := sums[[2]int64{end, x.k}]
			sums[[2]int64{end, x.k}] = [2]int64{s[0] + x.v, s[1] + 1}
		}
		wm = max(wm, x.ts)
	}
	var lines []string
	for k, s := range sums {
		lines = append(lines, fmt.Sprint(k[0], " ", k[1], " ", s[0], " ", s[1]))
	}
	sort.Strings(lines)
	return rows, strings.Join(lines, "\n"), late
}

func TestLateRowsAtAnyBatchSize(t *testing.T) {
	rows, want, late := lateRows(500)
	if late == 0 {
		t.Fatal("no row is late")
	}
	for _, batch := range []int{1, 3, 4096} {
		for _, chunk := range []int{1, 10, 1000} {
			for _, files := range []bool{false, true} {
				tab := &table{splits: [][]row{rows}, chunk: chunk, files: files}
				p := &planner.Plan{
					Roots:    []planner.Node{collect(windowOf(exchange(scanOf("t", tab), 1), 100))},
					Settings: planner.Settings{Parallelism: 2, BatchRows: batch},
				}
				if got, err := runJob(t, p, Options{}); err != nil || got != want {
					t.Fatalf("batch %d, chunk %d, files %v: %v, got\n%s\nwant\n%s", batch, chunk, files, err, got, want)
				}
			}
		}
	}
}

// trace notes the batches and watermarks that reach it.
type trace struct {
	op.Base
	log *[]string
}

func (t trace) Process(_ int, b *vec.Batch, out op.Emitter) error {
	var ts []string
	for _, us := range vec.Values[int64](b.Col(0)) {
		ts = append(ts, fmt.Sprint(us/1000))
	}
	*t.log = append(*t.log, "["+strings.Join(ts, " ")+"]")
	return out.Emit(b)
}

func (t trace) Watermark(wm types.Time, _ op.Emitter) (types.Time, error) {
	if wm == types.MaxTime {
		*t.log = append(*t.log, "end")
	} else {
		*t.log = append(*t.log, fmt.Sprint(wm))
	}
	return wm, nil
}

func traceOf(t *testing.T, scan *planner.Scan, s planner.Settings) (string, error) {
	t.Helper()
	var log []string
	r := fakeRuntime(Options{}, identity)
	r.operator = func(planner.Node, *planner.Settings) (op.Operator, error) { return trace{log: &log}, nil }
	calc := &planner.Calc{Base: &planner.Base{ID: "trace", Out: rowSchema}, Input: scan}
	j, err := start(context.Background(), &planner.Plan{Roots: []planner.Node{collect(calc)}, Settings: s}, r)
	if err != nil {
		t.Fatal(err)
	}
	err = j.Wait()
	return strings.Join(log, " "), err
}

func TestWatermarks(t *testing.T) {
	at := func(ts ...int64) (rows []row) {
		for _, x := range ts {
			rows = append(rows, row{ts: x})
		}
		return rows
	}
	for _, c := range []struct {
		name   string
		splits [][]row
		change func(*planner.Scan, *planner.Settings)
		want   string
	}{
		{"in order: one batch", [][]row{at(1, 2, 3)}, nil, "[1 2 3] 3 end"},
		{"late against its own batch: cut", [][]row{at(1, 5, 3, 6)}, nil, "[1 5] 5 [3 6] 6 end"},
		{"two late in a row: one cut", [][]row{at(5, 3, 4)}, nil, "[5] 5 [3 4] end"},
		{"equal times are late", [][]row{at(5, 5)}, nil, "[5] 5 [5] end"},
		{"before 1970, live", [][]row{at(-9, -5)}, nil, "[-9 -5] -5 end"},
		{"before 1970, files", [][]row{at(-9, -5, 2)}, func(s *planner.Scan, _ *planner.Settings) { s.Config.(*table).files = true }, "[-9 -5 2] 2 end"},
		{"files: one generator, in order", [][]row{at(1, 9), at(3, 10)}, func(s *planner.Scan, _ *planner.Settings) { s.Config.(*table).files = true }, "[1 9] 9 [3 10] 10 end"},
		{"each row", [][]row{at(1, 2, 2, 3)}, func(s *planner.Scan, _ *planner.Settings) { s.Watermark.EachRow = true }, "[1] 1 [2] 2 [2 3] 3 end"},
		{"null row time dropped", [][]row{at(1, nullTime, 3)}, func(s *planner.Scan, _ *planner.Settings) { s.Common.NullRowTime = "drop" }, "[1 3] 3 end"},
		{"gap", [][]row{at(1, 40, 30, 200, 190)}, func(_ *planner.Scan, s *planner.Settings) { s.WatermarkGap = 100 * time.Millisecond }, "[1 40 30 200] 200 [190] end"},
		{"limit", [][]row{at(1, 2, 3, 4)}, func(s *planner.Scan, _ *planner.Settings) { s.Limit = 2 }, "[1 2] 2 end"},
		{"children after parents", [][]row{at(5, 6), at(1, 2)}, func(s *planner.Scan, _ *planner.Settings) {
			s.Config.(*table).parents = map[int][]string{0: {"split-01"}}
		}, "[1 2] 2 [5 6] 6 end"},
	} {
		s := planner.Settings{Parallelism: 1}
		scan := scanOf("t", &table{splits: c.splits, chunk: 100})
		if c.change != nil {
			c.change(scan, &s)
		}
		got, err := traceOf(t, scan, s)
		if c.name == "gap" { // the first watermark may pass when the processing clock says so
			got = strings.Replace(got, "[1] 1 [40 30 200]", "[1 40 30 200]", 1)
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %v, got %s, want %s", c.name, err, got, c.want)
		}
	}
}

func TestFutureRowsDoNotMoveTheWatermark(t *testing.T) {
	now := time.Now().UnixMilli()
	scan := scanOf("t", &table{splits: [][]row{{{ts: 5}, {ts: now + 1e9}, {ts: 7}}}, chunk: 10})
	scan.Common.MaxFutureSkew = time.Minute
	got, err := traceOf(t, scan, planner.Settings{})
	if want := fmt.Sprintf("[5 %d 7] 7 end", now+1e9); err != nil || got != want {
		t.Errorf("%v, got %s, want %s", err, got, want)
	}
}

func TestRecordPolicies(t *testing.T) {
	rows := []row{{1, 1, 1}, {2, 2, 13}, {nullTime, 3, 3}}
	for _, c := range []struct {
		mode, null string
		rows       int
		fails      string
	}{
		{"", "drop", 0, "split-00, row 1: no such value"},
		{"fail", "drop", 0, "split-00, row 1: no such value"},
		{"ignore", "drop", 1, ""},
		{"log", "drop", 1, ""},
		{"ignore", "", 1, ""},
		{"log", "", 1, ""},
		{"fail", "", 0, "split-00, row 1: no such value"},
	} {
		scan := scanOf("t", &table{splits: [][]row{rows}, chunk: 10, bad: 13})
		scan.Common.ErrorMode, scan.Common.NullRowTime = c.mode, c.null
		var logged []string
		o := Options{Rejected: func(table, message string, _ []byte) { logged = append(logged, table+": "+message) }}
		got, err := runJob(t, &planner.Plan{Roots: []planner.Node{collect(scan)}}, o)
		if c.fails == "" {
			if err != nil || len(strings.Fields(got)) != 3*c.rows {
				t.Errorf("%+v: %v, got %s", c, err, got)
			}
		} else if err == nil || !strings.Contains(err.Error(), c.fails) || !strings.Contains(err.Error(), `source "t"`) {
			t.Errorf("%+v: got error %v", c, err)
		}
		if want := `[t: split-00, row 1: no such value t: split-00, row 2: the row-time column "ts" is NULL]`; c.mode == "log" && fmt.Sprint(logged) != want {
			t.Errorf("logged %s, want %s", logged, want)
		}
	}
}

func TestIdleSplitHoldsNothingBack(t *testing.T) {
	busy := &table{splits: [][]row{{{100, 1, 1}, {350, 1, 1}}}, chunk: 1, live: true, pause: time.Millisecond}
	idle := &table{splits: [][]row{{}}, live: true, pause: time.Millisecond}
	left, right := scanOf("busy", busy), scanOf("idle", idle)
	left.Common.IdleTimeout, right.Common.IdleTimeout = time.Hour, 10*time.Millisecond
	p := &planner.Plan{Roots: []planner.Node{collect(windowOf(exchange(unionOf(left, right), 1), 100))}, Settings: planner.Settings{Parallelism: 2}}
	fired := make(chan string, 10)
	o := Options{Rows: func(b *vec.Batch) error {
		fired <- b.Col(0).ValueStr(0)
		return nil
	}}
	j, err := start(context.Background(), p, fakeRuntime(o, identity))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		j.Cancel()
		<-j.Done()
	}()
	select {
	case end := <-fired:
		if end != "200" {
			t.Errorf("window %s fired, want 200", end)
		}
	case <-time.After(5 * time.Second):
		t.Error("no window fired: the idle split holds the watermark back")
	}
}
