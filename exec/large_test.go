package exec

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/exec/checkpoint"
	"weir/exec/op"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// largeKey is the size of a key of the large state.
const largeKey = 200

// growing is a table that gets more splits.
type growing struct {
	*table
	mu sync.Mutex
}

func (g *growing) Source(*connectors.TableDesc, connectors.Scan, *connectors.Env) (connectors.Source, error) {
	return g, nil
}

func (g *growing) Splits(ctx context.Context) ([]connectors.Split, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.table.Splits(ctx)
}

func (g *growing) Read(ctx context.Context, s connectors.Split, from connectors.Offset) (connectors.SplitReader, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.table.Read(ctx, s, from)
}

func (g *growing) add(rows []row) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.splits = append(g.splits, rows)
}

// large is a job with GROUP BY over keys of text, made from the numbers of its source.
func large(tab *growing) (*planner.Plan, func(*vec.Batch, op.Emitter) error) {
	schema := types.Schema{{Name: "s", Type: types.StringType}, {Name: "v", Type: types.BigIntType}}
	arrowSchema := schema.Arrow()
	text := func(b *vec.Batch, out op.Emitter) error {
		var keys []byte
		ends := make([]int32, 1, b.Len()+1)
		pad := make([]byte, largeKey)
		for _, k := range vec.Values[int64](b.Col(1)) {
			h := uint64(k)*0x9e3779b97f4a7c15 + 1
			for j := range pad {
				if j%8 == 0 {
					h ^= h << 13
					h ^= h >> 7
					h ^= h << 17
				}
				pad[j] = 'a' + byte(h>>(j%8*8))%26
			}
			keys = append(strconv.AppendInt(keys, k, 36), pad...)
			ends = append(ends, int32(len(keys)))
		}
		return out.Emit(vec.New(arrowSchema, []arrow.Array{vec.Strings(ends, keys, nil), b.Col(2)}, b.Len(), nil))
	}
	scan := scanOf("t", tab.table)
	scan.Config = tab
	scan.Watermark = nil
	calc := calcOf(scan)
	calc.Out = schema
	big := types.BigIntType
	agg := &planner.GroupAgg{
		Base:  &planner.Base{ID: "agg", Out: types.Schema{{Name: "s", Type: types.StringType}, {Name: "sum", Type: big}}},
		Input: calc, Keys: []int{0},
		Aggs: []planner.AggCall{{Func: "SUM", Name: "SUM", Args: []int{1}, Filter: -1, T: big, ArgTypes: []types.Type{big}}},
	}
	return &planner.Plan{Roots: []planner.Node{collect(agg)}}, text
}

// step is n rows with every by-th key.
func step(n, by int) (rows []row) {
	for i := range n {
		rows = append(rows, row{0, int64(i * by), 1})
	}
	return rows
}

// measured is a job with much state, and what came of it.
type measured struct {
	t    *testing.T
	dir  string
	tab  *growing
	plan *planner.Plan
	text func(*vec.Batch, op.Emitter) error
	got  atomic.Int64 // rows given
	j    *Job
}

// newMeasured is a job that reads n keys, then those that are added.
func newMeasured(t *testing.T, n int) *measured {
	m := &measured{t: t, dir: t.TempDir(), tab: &growing{table: &table{splits: [][]row{step(n, 1)}, chunk: 4096, live: true, pause: time.Millisecond, discovery: 50 * time.Millisecond}}}
	m.plan, m.text = large(m.tab)
	return m
}

// scan is where the job reads.
func (m *measured) scan() *planner.Scan {
	n := m.plan.Roots[0]
	for {
		if s, ok := n.(*planner.Scan); ok {
			return s
		}
		n = n.Inputs()[0]
	}
}

func (m *measured) open() *checkpoint.Dir {
	d, err := checkpoint.OpenDir(filepath.Join(m.dir, "chk"), checkpoint.Options{})
	if err != nil {
		m.t.Fatal(err)
	}
	return d
}

// start starts the job, from a checkpoint if there is one.
func (m *measured) start(store checkpoint.Store, from *checkpoint.Checkpoint) {
	o := Options{Checkpoints: store, Restore: from, WorkDir: filepath.Join(m.dir, "work"), Rows: func(b *vec.Batch) error { m.got.Add(int64(b.Len())); return nil }}
	var err error
	if m.j, err = start(context.Background(), m.plan, fakeRuntime(o, m.text)); err != nil {
		m.t.Fatal(err)
	}
}

// await waits until that many rows came.
func (m *measured) await(rows int64) {
	for m.got.Load() < rows {
		time.Sleep(time.Millisecond)
	}
}

func (m *measured) save(what string) {
	began := time.Now()
	if err := m.j.Checkpoint(); err != nil {
		m.t.Fatal(err)
	}
	s := m.j.CheckpointStats().LastCompleted
	m.t.Logf("%s: checkpoint in %v, %d MB, %d MB new", what, time.Since(began).Round(time.Millisecond), s.Bytes>>20, s.NewBytes>>20)
}

func (m *measured) cancel() {
	m.j.Cancel()
	<-m.j.Done()
}

// TestLargeState measures checkpoints and restores of a GROUP BY whose state has WEIR_STATE_MB megabytes.
func TestLargeState(t *testing.T) {
	mb, _ := strconv.Atoi(os.Getenv("WEIR_STATE_MB"))
	if mb == 0 {
		t.Skip("SKIPPED: a measurement; WEIR_STATE_MB=1024 runs it with 1 GB of state")
	}
	n := mb << 20 / (largeKey + 20)
	m := newMeasured(t, n)
	m.start(m.open(), nil)
	began := time.Now()
	m.await(int64(n))
	t.Logf("%d groups read in %v", n, time.Since(began).Round(time.Millisecond))
	m.save("all of it is new")
	m.save("nothing changed")
	for round := range 16 {
		before := m.got.Load()
		m.tab.add(step(n/100, 97+round))
		m.await(before + int64(n/100))
		m.save("1 % changed")
	}
	m.cancel()
	for round := range 3 {
		m.got.Store(0)
		m.tab.add(step(10, 5+round))
		began = time.Now()
		store := m.open()
		from, err := store.Latest(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		verified := time.Since(began)
		m.start(store, from)
		started := time.Since(began)
		m.await(1)
		t.Logf("restored in %v: verified after %v, started after %v", time.Since(began).Round(time.Millisecond), verified.Round(time.Millisecond), started.Round(time.Millisecond))
		m.save("after the restore")
		m.cancel()
	}
}
