package exec

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"weir/exec/checkpoint"
	"weir/exec/op"
	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// machine is a disk that dies now and then, and the checkpoints on it.
type machine struct {
	disk          *state.Disk
	rng           *rand.Rand
	lives, deaths int
	keep          int
	works         *runtime // has its work folder on the disk, too
}

func newMachine(seed uint64, deaths int) *machine {
	return &machine{disk: state.NewDisk(seed), rng: rand.New(rand.NewPCG(seed, 5)), deaths: deaths, keep: 1 + int(seed%2)}
}

// reopen is what starts after the machine has.
func (m *machine) reopen() (checkpoint.Store, error) {
	if m.disk.Dead() {
		m.disk = m.disk.Restart()
	}
	if m.works != nil {
		m.works.opts.FS = m.disk
	}
	if m.lives++; m.lives <= m.deaths {
		m.disk.DieAt(m.disk.Writes() + 1 + m.rng.IntN(120))
	}
	return checkpoint.OpenDir("jobs/a", checkpoint.Options{FS: m.disk, Keep: m.keep})
}

// TestMachineDies runs a job whose machine dies at any write of a checkpoint, several times in a run, with
// state in memory and on the same disk: each result comes once.
func TestMachineDies(t *testing.T) {
	tables, want := threeSources()
	restores, crashes := 0, 0
	for seed := range uint64(150) {
		m := newMachine(seed, 6)
		var g gather
		o := Options{Rows: g.rows, WorkDir: "work", FS: state.NewDisk(seed), SpillBytes: 1 << 20}
		if seed%3 == 0 {
			o.SpillBytes = 1
		}
		r := fakeRuntime(o, identity)
		if seed%6 == 0 {
			m.works = r // what it writes in the background depends on the machine that runs the test
		}
		so := SimOptions{Seed: seed, Checkpoint: 0.03, Reopen: m.reopen, Crashed: func() bool { return m.disk.Dead() }}
		p := threeSourcePlan(tables, 1+int(seed%3), 3)
		stats, err := newSim(p, r, so).main(context.Background())
		if err != nil || g.sorted() != want {
			t.Fatalf("seed %d: %v, %+v, got\n%s\nwant\n%s", seed, err, stats, g.sorted(), want)
		}
		restores, crashes = restores+stats.Restores, crashes+stats.Crashes
	}
	t.Logf("%d crashes, %d restores", crashes, restores)
	if crashes < 300 || restores < 150 {
		t.Errorf("only %d crashes and %d restores", crashes, restores)
	}
}

// TestFullDisk fails checkpoints for a while: the job goes on, and its result is the same.
func TestFullDisk(t *testing.T) {
	tables, want := threeSources()
	failed := int64(0)
	for seed := range uint64(40) {
		disk := state.NewDisk(seed)
		d, err := checkpoint.OpenDir("jobs/a", checkpoint.Options{FS: disk})
		if err != nil {
			t.Fatal(err)
		}
		disk.FullFor(disk.Writes()+10+int(seed), 30+20*int(seed%5))
		var g gather
		so := SimOptions{Seed: seed, Checkpoint: 0.05, Crash: 0.001, Passing: func(err error) bool { return errors.Is(err, syscall.ENOSPC) }}
		s := newSim(threeSourcePlan(tables, 2, 3), fakeRuntime(Options{Rows: g.rows, Checkpoints: d, TolerableFailures: -1}, identity), so)
		if _, err := s.main(context.Background()); err != nil || g.sorted() != want {
			t.Fatalf("seed %d: %v, got\n%s\nwant\n%s", seed, err, g.sorted(), want)
		}
		failed += s.over.stats.read().Failed
	}
	if failed < 40 {
		t.Errorf("only %d checkpoints failed", failed)
	}
}

// broken is a store that fails.
type broken struct{ fails int }

func (b *broken) Save(_ context.Context, c *checkpoint.Checkpoint) (checkpoint.Saved, error) {
	c.Close()
	if b.fails--; b.fails >= 0 {
		return checkpoint.Saved{}, errors.New("no space left")
	}
	return checkpoint.Saved{Path: fmt.Sprint("chk-", c.ID), Bytes: 10, NewBytes: 3}, nil
}

func (b *broken) Latest(context.Context) (*checkpoint.Checkpoint, error) { return nil, nil }

func TestTolerableFailures(t *testing.T) {
	for _, c := range []struct {
		fails, tolerable int
		ok               bool
	}{{0, 0, true}, {1, 0, false}, {1, 1, true}, {3, 2, false}, {3, -1, true}} {
		tab := &table{splits: [][]row{manyRows(10)}, chunk: 3, live: true, pause: time.Hour}
		o := Options{Checkpoints: &broken{c.fails}, TolerableFailures: c.tolerable}
		j, err := start(context.Background(), &planner.Plan{Roots: []planner.Node{collect(windowOf(exchange(scanOf("t", tab), 1), 10))}}, fakeRuntime(o, identity))
		if err != nil {
			t.Fatal(err)
		}
		for range c.fails {
			if err := j.Checkpoint(); err == nil || err.Error() != "no space left" && err != errEnded {
				t.Errorf("%+v: got %v", c, err)
			}
		}
		if c.ok {
			if err := j.Checkpoint(); err != nil {
				t.Errorf("%+v: got %v", c, err)
			}
			s := j.CheckpointStats()
			if s.Failed != int64(c.fails) || s.Completed != 1 || s.ConsecutiveFailures != 0 || s.LastCompleted.Bytes != 10 ||
				s.Recent[0].Status != CheckpointCompleted || s.Recent[0].Acked != s.Recent[0].Tasks || c.fails > 0 && s.Recent[1].Error != "no space left" {
				t.Errorf("%+v: stats are %+v", c, s)
			}
			j.Cancel()
		}
		if err := j.Wait(); c.ok != errors.Is(err, context.Canceled) || !c.ok && err.Error() != "checkpoint: no space left" {
			t.Errorf("%+v: the job ended with %v", c, err)
		}
	}
}

// slow is a store that waits until it is let go, or the time is up.
type slow struct {
	broken
	gate chan struct{}
}

func (s *slow) Save(ctx context.Context, c *checkpoint.Checkpoint) (checkpoint.Saved, error) {
	select {
	case <-s.gate:
		return s.broken.Save(ctx, c)
	case <-ctx.Done():
		c.Close()
		return checkpoint.Saved{}, ctx.Err()
	}
}

// TestSavingHoldsNobody lets rows through while a checkpoint is being written.
func TestSavingHoldsNobody(t *testing.T) {
	tab := &table{splits: [][]row{manyRows(10), manyRows(20)[10:]}, chunk: 3, live: true, pause: time.Hour, discovery: 30 * time.Millisecond}
	store := &slow{gate: make(chan struct{})}
	came := make(chan struct{}, 1000)
	rows := 0
	o := Options{Checkpoints: store, Rows: func(b *vec.Batch) error {
		for range b.Len() {
			came <- struct{}{}
		}
		return nil
	}}
	scan := scanOf("t", tab)
	j, err := start(context.Background(), &planner.Plan{Roots: []planner.Node{collect(calcOf(exchange(scan, 1)))}}, fakeRuntime(o, identity))
	if err != nil {
		t.Fatal(err)
	}
	saved := make(chan error, 1)
	go func() { saved <- j.Checkpoint() }()
	for rows < 20 { // the second split comes later
		select {
		case <-came:
			rows++
		case <-time.After(5 * time.Second):
			t.Fatalf("%d rows of 20 came while a checkpoint was written", rows)
		}
	}
	store.gate <- struct{}{}
	if err := <-saved; err != nil {
		t.Error(err)
	}
	j.Cancel()
	<-j.Done()
}

// TestCheckpointsTimeOut has one checkpoint that cannot be written in time, then one whose barrier is held back.
func TestCheckpointsTimeOut(t *testing.T) {
	tab := &table{splits: [][]row{manyRows(10)}, chunk: 3, live: true, pause: time.Hour}
	p := &planner.Plan{Roots: []planner.Node{collect(calcOf(exchange(scanOf("t", tab), 1)))}}
	var late atomic.Int64 // how far the job's clock has come
	began := time.Now().Add(-2 * time.Hour)
	run := func(store checkpoint.Store, calc func(b *vec.Batch, out op.Emitter) error) *Job {
		r := fakeRuntime(Options{Checkpoints: store, Timeout: time.Hour, TolerableFailures: 1}, calc)
		r.clock = func() time.Time { return began.Add(time.Duration(late.Load())) }
		j, err := start(context.Background(), p, r)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	j := run(&slow{}, identity)
	if err := j.Checkpoint(); !errors.Is(err, context.DeadlineExceeded) { // what is written goes by the machine's clock
		t.Errorf("got %v", err)
	}
	j.Cancel()
	<-j.Done()
	gate, entered := make(chan struct{}), make(chan struct{}, 100)
	j = run(&broken{}, func(b *vec.Batch, out op.Emitter) error {
		entered <- struct{}{}
		<-gate
		return out.Emit(b)
	})
	<-entered
	first, next := make(chan error, 1), make(chan error, 1)
	go func() { first <- j.Checkpoint() }()
	for s := j.CheckpointStats(); len(s.Recent) == 0 || s.Recent[0].Acked < 1; s = j.CheckpointStats() {
		time.Sleep(time.Millisecond)
	}
	late.Store(int64(time.Hour))
	go func() { next <- j.Checkpoint() }()
	if err := <-first; err == nil || !strings.HasPrefix(err.Error(), "it took longer than 1h0m0s: 1 of 2 tasks") {
		t.Errorf("got %v", err)
	}
	close(gate)
	if err := <-next; err != nil {
		t.Errorf("the next one: %v", err)
	}
	j.Cancel()
	<-j.Done()
}

// sums is a plan of a real operator. Its chains depend on the parallelism: with one instance all is one.
func sums(tables []*table, parallelism, arg int) *planner.Plan {
	var scans []planner.Node
	for i, x := range tables {
		scans = append(scans, scanOf(fmt.Sprint("t", i), x))
	}
	in := scans[0]
	if len(scans) > 1 {
		in = unionOf(scans...)
	}
	if parallelism > 1 {
		in = exchange(in, 1)
	}
	big := types.BigIntType
	agg := &planner.GroupAgg{
		Base:  &planner.Base{ID: "agg", Out: types.Schema{{Name: "k", Type: big}, {Name: "sum", Type: big}}},
		Input: in, Keys: []int{1},
		Aggs: []planner.AggCall{{Func: "SUM", Name: "SUM", Args: []int{arg}, Filter: -1, T: big, ArgTypes: []types.Type{big}}},
	}
	return &planner.Plan{Roots: []planner.Node{collect(agg)}, Settings: planner.Settings{Parallelism: parallelism, BatchRows: 3}}
}

// last gives the last of the sums that came for each key.
type last struct{ sum map[string]string }

func (l *last) rows(b *vec.Batch) error {
	for i := range b.Len() {
		if b.Kinds == nil || types.Adds(b.Kinds[i]) {
			l.sum[b.Col(0).ValueStr(i)] = b.Col(1).ValueStr(i)
		}
	}
	return nil
}

// untilSum waits until the sums say that all rows so far have come.
func untilSum(t *testing.T, mu *sync.Mutex, l *last, want map[string]string) {
	t.Helper()
	for range 500 {
		mu.Lock()
		same := maps.Equal(l.sum, want)
		mu.Unlock()
		if same {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("sums are %v, want %v", l.sum, want)
}

// TestSavepoints stops a live job with a savepoint and goes on from it at another parallelism, over and over, with
// state in memory and on disk: as if it had never stopped.
func TestSavepoints(t *testing.T) {
	for _, spill := range []int64{1, 1 << 20} {
		dir := t.TempDir()
		var mu sync.Mutex
		got := &last{sum: map[string]string{}}
		want := map[string]string{}
		var rows []row
		var from *checkpoint.Checkpoint
		for round, parallelism := range []int{1, 3, 3, 2, 1, 1} {
			for i := range 40 {
				rows = append(rows, row{int64(len(rows)), int64(i % 7), int64(i)})
			}
			total := [7]int64{}
			for _, r := range rows {
				total[r.k] += r.v
			}
			for k, v := range total {
				want[fmt.Sprint(k)] = fmt.Sprint(v)
			}
			tab := &table{splits: [][]row{rows}, chunk: 3, live: true, pause: time.Hour}
			store, err := checkpoint.OpenDir(filepath.Join(dir, "chk"), checkpoint.Options{})
			if err != nil {
				t.Fatal(err)
			}
			o := Options{Checkpoints: store, Restore: from, WorkDir: filepath.Join(dir, "work"), SpillBytes: spill, Interval: 3 * time.Millisecond,
				Rows: func(b *vec.Batch) error { mu.Lock(); defer mu.Unlock(); return got.rows(b) }}
			j, err := Run(context.Background(), sums([]*table{tab}, parallelism, 2), o)
			if err != nil {
				t.Fatal(err)
			}
			untilSum(t, &mu, got, want)
			points := checkpoint.Savepoints(filepath.Join(dir, "points"), "abc", checkpoint.Options{})
			first, err := j.Savepoint(context.Background(), points)
			if err != nil {
				t.Fatal(err)
			}
			second, err := j.StopWithSavepoint(context.Background(), points, false)
			if err != nil {
				t.Fatal(err)
			}
			if s := j.CheckpointStats(); s.Savepoints != 2 || s.LastSavepoint.Path != second.Path || round > 0 && s.Restored == nil {
				t.Errorf("stats are %+v", s)
			}
			path := []string{first.Path, second.Path}[round%2]
			if from, err = checkpoint.Load(context.Background(), path, checkpoint.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		if names, err := os.ReadDir(filepath.Join(dir, "work")); spill == 1 && err != nil || len(names) > 0 {
			t.Errorf("%v, left %v in the work folder", err, names)
		}
	}
}

// TestStopAndDrain compares what sinks have published after both kinds of stop.
func TestStopAndDrain(t *testing.T) {
	for _, drained := range []bool{false, true} {
		tab := &table{splits: [][]row{manyRows(25)}, chunk: 3, live: true, pause: time.Hour}
		out := &outbox{}
		plan := &planner.Plan{Roots: []planner.Node{sinkOf(windowOf(calcOf(scanOf("t", tab)), 10), out)}}
		var seen atomic.Int64
		all := make(chan struct{})
		j, err := start(context.Background(), plan, fakeRuntime(Options{Checkpoints: &checkpoint.Memory{}}, func(b *vec.Batch, out op.Emitter) error {
			if err := out.Emit(b); err != nil {
				return err
			}
			if seen.Add(int64(b.Len())) == 25 {
				close(all)
			}
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		<-all
		store := &checkpoint.Memory{}
		if _, err := j.StopWithSavepoint(context.Background(), store, drained); err != nil {
			t.Fatal(err)
		}
		// Windows [0, 10) and [10, 20) are complete; the last one is only when drained.
		writes := strings.Count(strings.Join(out.log, "|"), "write")
		tail := strings.Join(out.log[writes:], "|")
		if n := strings.Count(strings.Join(out.log, ","), " 1 "); tail != "flush 1|commit 1|close" {
			t.Errorf("drained %v: %d, got %v", drained, n, out.log)
		}
		at := strings.Contains(strings.Join(out.log, "|"), "30 ")
		if at != drained {
			t.Errorf("drained %v: got %v", drained, out.log)
		}
		if c, _ := store.Latest(context.Background()); !c.Savepoint || c.Ended() || string(c.Tasks["t/0"].Splits[0].Offset[7:]) != "\x19" {
			t.Errorf("drained %v: savepoint %+v", drained, c.Tasks["t/0"])
		}
	}
}

// TestStopThatFails goes on as if nothing had been asked; until then nothing moves.
func TestStopThatFails(t *testing.T) {
	tab := &growing{table: &table{splits: [][]row{manyRows(10)}, chunk: 3, live: true, pause: time.Hour, discovery: 5 * time.Millisecond}}
	scan := scanOf("t", tab.table)
	scan.Config = tab
	came := make(chan struct{}, 100)
	store := &slow{broken: broken{1}, gate: make(chan struct{})}
	o := Options{Checkpoints: &checkpoint.Memory{}, Rows: func(b *vec.Batch) error {
		for range b.Len() {
			came <- struct{}{}
		}
		return nil
	}}
	j, err := start(context.Background(), &planner.Plan{Roots: []planner.Node{collect(calcOf(exchange(scan, 1)))}}, fakeRuntime(o, identity))
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() {
		_, err := j.StopWithSavepoint(context.Background(), store, false)
		stopped <- err
	}()
	for s := j.CheckpointStats(); s.InProgress == 0 || s.Recent[0].Acked < 2; s = j.CheckpointStats() {
		time.Sleep(time.Millisecond)
	}
	before := len(came)
	tab.add(manyRows(20)[10:])
	time.Sleep(60 * time.Millisecond)
	if len(came) != before {
		t.Errorf("%d rows came behind the barrier of a stop", len(came)-before)
	}
	store.gate <- struct{}{}
	if err := <-stopped; err == nil || err.Error() != "no space left" {
		t.Errorf("got %v", err)
	}
	for range 20 {
		select {
		case <-came:
		case <-time.After(5 * time.Second):
			t.Fatal("the job does not go on")
		}
	}
	j.Cancel()
	<-j.Done()
}

// TestRestoreChecksThePlan goes on from a checkpoint with other queries.
func TestRestoreChecksThePlan(t *testing.T) {
	tab := &table{splits: [][]row{manyRows(20)}, chunk: 3, live: true, pause: time.Hour}
	store := &checkpoint.Memory{}
	j, err := Run(context.Background(), sums([]*table{tab}, 2, 2), Options{Checkpoints: store})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	j.Cancel()
	<-j.Done()
	from, _ := store.Latest(context.Background())
	for _, c := range []struct {
		name string
		plan *planner.Plan
		want string
	}{
		{"the same", sums([]*table{tab}, 2, 2), ""},
		{"another parallelism", sums([]*table{tab}, 1, 2), ""},
		{"another sum", sums([]*table{tab}, 2, 1), "~ agg: was by (k) [SUM(v)], is by (k) [SUM(k)]"},
		{"no sum, another source", &planner.Plan{Roots: []planner.Node{collect(scanOf("u", tab))}}, "- agg: by (k) [SUM(v)]\n  - t0: table \"c.d.t0\"\n  + u: table \"c.d.u\""},
	} {
		for _, allow := range []bool{false, true} {
			j, err := Run(context.Background(), c.plan, Options{Checkpoints: store, Restore: from, AllowNonRestored: allow})
			if j != nil {
				j.Cancel()
				<-j.Done()
			}
			var m *checkpoint.Mismatch
			if refused := c.want != "" && !allow; refused != errors.As(err, &m) || refused && !strings.Contains(err.Error(), c.want) || !refused && err != nil {
				t.Errorf("%s, allowed %v: got %v", c.name, allow, err)
			}
		}
	}
}
