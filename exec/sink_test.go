package exec

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"weir/connectors"
	"weir/connectors/option"
	"weir/exec/checkpoint"
	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// outbox is a transactional sink table: what happens to it goes to a log.
type outbox struct {
	log    []string
	staged int
	fail   error
}

func (o *outbox) Options(*option.Set) {}
func (o *outbox) SinkMode(_ *connectors.TableDesc, m types.ChangelogMode) (types.ChangelogMode, error) {
	return m, nil
}
func (o *outbox) WritableMetadata() []connectors.MetadataKey { return nil }
func (o *outbox) Sink(*connectors.TableDesc, *connectors.Env, int, int) (connectors.Sink, error) {
	return o, nil
}
func (o *outbox) Write(_ context.Context, b *vec.Batch) error {
	var g gather
	_ = g.rows(b)
	o.log = append(o.log, "write "+strings.Join(g.lines, ", "))
	return o.fail
}
func (o *outbox) Flush(context.Context) ([]byte, error) {
	o.staged++
	o.log = append(o.log, fmt.Sprint("flush ", o.staged))
	return []byte(fmt.Sprint(o.staged)), nil
}
func (o *outbox) Commit(_ context.Context, token []byte) error {
	o.log = append(o.log, "commit "+string(token))
	return nil
}
func (o *outbox) Close() error {
	o.log = append(o.log, "close")
	return nil
}

// lingering is an outbox that buffers by time.
type lingering struct {
	outbox
	ticked chan struct{}
}

func (l *lingering) FlushInterval() time.Duration { return time.Millisecond }
func (l *lingering) Tick(context.Context) error {
	select {
	case l.ticked <- struct{}{}:
	default:
	}
	return nil
}
func (l *lingering) Sink(*connectors.TableDesc, *connectors.Env, int, int) (connectors.Sink, error) {
	return l, nil
}

func sinkOf(in planner.Node, cfg connectors.Config) *planner.Sink {
	desc := &connectors.TableDesc{Name: "out", Columns: in.Info().Out}
	return &planner.Sink{
		Base: &planner.Base{ID: "sink", Out: in.Info().Out}, Input: in, Config: cfg,
		Table: &planner.Table{Path: [3]string{"c", "d", "out"}, Desc: desc},
	}
}

func TestBoundedJobFlushesAndCommits(t *testing.T) {
	out := &outbox{}
	scan := scanOf("t", &table{splits: [][]row{{{1, 2, 3}}}, chunk: 10})
	if _, err := runJob(t, &planner.Plan{Roots: []planner.Node{sinkOf(scan, out)}}, Options{}); err != nil {
		t.Fatal(err)
	}
	want := "write 1970-01-01T00:00:00.001 2 3|flush 1|commit 1|close"
	if got := strings.Join(out.log, "|"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSinkChecks(t *testing.T) {
	for _, c := range []struct {
		rows   []row
		drop   bool
		narrow bool
		want   string
	}{
		{[]row{{nullTime, 1, 2}}, false, false, `error: sink "out": column "ts" of table "out" is NOT NULL, but a row has NULL in it`},
		{[]row{{nullTime, 1, 2}, {1, 3, 4}}, true, false, "write 1970-01-01T00:00:00.001 3 4"},
		{[]row{{1, 3, 300}}, false, true, `error: sink "out": column "v" of table "out": the value 300 does not fit type TINYINT`},
		{[]row{{1, 3, -128}}, false, true, "write 1970-01-01T00:00:00.001 3 -128"},
	} {
		out := &outbox{}
		scan := scanOf("t", &table{splits: [][]row{c.rows}, chunk: 10})
		scan.Watermark = nil
		sink := sinkOf(scan, out)
		sink.NotNull = []int{0}
		if c.narrow {
			sink.Narrow = []planner.NarrowCheck{{Column: 2, From: types.BigIntType, To: types.TinyIntType}}
		}
		p := &planner.Plan{Roots: []planner.Node{sink}, Settings: planner.Settings{NotNullDrop: c.drop}}
		_, err := runJob(t, p, Options{})
		got := out.log[0]
		if err != nil {
			got = "error: " + err.Error()
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestSinkErrorNamesTheSink(t *testing.T) {
	out := &outbox{fail: errors.New("disk full")}
	scan := scanOf("t", &table{splits: [][]row{{{1, 2, 3}}}, chunk: 10})
	_, err := runJob(t, &planner.Plan{Roots: []planner.Node{sinkOf(scan, out)}}, Options{})
	if err == nil || err.Error() != `sink "out": disk full` {
		t.Errorf("got %v", err)
	}
	for _, line := range out.log {
		if strings.HasPrefix(line, "commit") {
			t.Errorf("a failed job committed: %v", out.log)
		}
	}
}

func TestCheckpointOnDemandCommits(t *testing.T) {
	out := &lingering{ticked: make(chan struct{}, 1)}
	tab := &table{splits: [][]row{{{1, 2, 3}}}, chunk: 10, live: true, pause: time.Millisecond}
	kept := &checkpoint.Memory{}
	p := &planner.Plan{Roots: []planner.Node{sinkOf(scanOf("t", tab), out)}}
	j, err := start(context.Background(), p, fakeRuntime(Options{Checkpoints: kept}, identity))
	if err != nil {
		t.Fatal(err)
	}
	<-out.ticked // the row was written
	if err := j.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	j.Drain()
	if err := j.Wait(); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(out.log[1:], "|")
	if want := "flush 1|commit 1|flush 2|commit 2|close"; got != want || kept.Saved() != 2 {
		t.Errorf("got %s and %d checkpoints, want %s and 2", got, kept.Saved(), want)
	}
}

func TestRestoreCommitsAgain(t *testing.T) {
	scan := scanOf("t", &table{splits: [][]row{{{1, 2, 3}, {2, 3, 4}}}, chunk: 1})
	from := &checkpoint.Checkpoint{ID: 7, Tasks: map[string]*checkpoint.Task{"t/0": {
		Watermark: 1, Tokens: []checkpoint.Token{{Sink: "sink", Bytes: []byte("old")}},
		Splits: []checkpoint.Split{{ID: "split-00", Offset: []byte{0, 0, 0, 0, 0, 0, 0, 1}, Watermark: 1}},
	}}}
	out := &outbox{}
	if _, err := runJob(t, &planner.Plan{Roots: []planner.Node{sinkOf(scan, out)}}, Options{Restore: from}); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(out.log, "|"), "commit old|write 1970-01-01T00:00:00.002 3 4|flush 1|commit 1|close"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestRestoreElsewhere goes on from checkpoints of a running job, at another parallelism and with state on disk.
func TestRestoreElsewhere(t *testing.T) {
	tables, want := threeSources()
	pebbles := func(string) (state.Snapshotter, error) { return state.OpenPebbleInMemory() }
	for seed := range uint64(20) {
		kept := &every{}
		var g gather
		r := fakeRuntime(Options{Rows: g.rows, Checkpoints: kept, NewStore: pebbles}, identity)
		so := SimOptions{Seed: seed, Checkpoint: 0.05}
		s := newSim(threeSourcePlan(tables, 2, 3), r, so)
		r.collect = func(*planner.Collect, *task) connectors.Sink { return &stagedRows{s: s} }
		if _, err := s.main(context.Background()); err != nil {
			t.Fatal(err)
		}
		var before gather // what the checkpoints before had committed
		committed := map[string]bool{}
		for _, from := range kept.all {
			var rest gather
			rest.lines = append(rest.lines, before.lines...)
			p := threeSourcePlan(tables, 1+int(seed%4), 2)
			r := fakeRuntime(Options{Rows: rest.rows, Restore: from, NewStore: pebbles}, identity)
			s2 := newSim(p, r, SimOptions{Seed: seed})
			s2.staged, s2.given = maps.Clone(s.staged), maps.Clone(committed)
			r.collect = func(*planner.Collect, *task) connectors.Sink { return &stagedRows{s: s2} }
			if _, err := s2.main(context.Background()); err != nil {
				t.Fatal(err)
			}
			for _, part := range from.Tasks {
				for _, token := range part.Tokens {
					if committed[string(token.Bytes)] {
						continue // of a task that had ended before
					}
					committed[string(token.Bytes)] = true
					for _, b := range s.staged[string(token.Bytes)] {
						_ = before.rows(b)
					}
				}
			}
			if got := rest.sorted(); got != want {
				t.Fatalf("seed %d, checkpoint %d at parallelism %d: got\n%s\nwant\n%s", seed, from.ID, p.Settings.Parallelism, got, want)
			}
		}
	}
}

// every keeps all checkpoints.
type every struct{ all []*checkpoint.Checkpoint }

func (e *every) Save(_ context.Context, c *checkpoint.Checkpoint) (checkpoint.Saved, error) {
	e.all = append(e.all, c)
	return checkpoint.Saved{}, nil
}

func (e *every) Latest(context.Context) (*checkpoint.Checkpoint, error) { return nil, nil }
