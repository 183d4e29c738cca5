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

// TestLargeState measures checkpoints and restores of a GROUP BY whose state has WEIR_STATE_MB megabytes.
func TestLargeState(t *testing.T) {
	mb, _ := strconv.Atoi(os.Getenv("WEIR_STATE_MB"))
	if mb == 0 {
		t.Skip("SKIPPED: a measurement; WEIR_STATE_MB=1024 runs it with 1 GB of state")
	}
	dir := t.TempDir()
	n := mb << 20 / (largeKey + 20)
	// Splits after the first are found by and by: 1 % of the keys each.
	tab := &growing{table: &table{splits: [][]row{step(n, 1)}, chunk: 4096, live: true, pause: time.Millisecond, discovery: 50 * time.Millisecond}}
	open := func() *checkpoint.Dir {
		d, err := checkpoint.OpenDir(filepath.Join(dir, "chk"), checkpoint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	plan, text := large(tab)
	var got atomic.Int64
	o := Options{Checkpoints: open(), WorkDir: filepath.Join(dir, "work"), Rows: func(b *vec.Batch) error { got.Add(int64(b.Len())); return nil }}
	await := func(rows int64) {
		for got.Load() < rows {
			time.Sleep(time.Millisecond)
		}
	}
	j, err := start(context.Background(), plan, fakeRuntime(o, text))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	await(int64(n))
	t.Logf("%d groups read in %v", n, time.Since(began).Round(time.Millisecond))
	save := func(what string) {
		began := time.Now()
		if err := j.Checkpoint(); err != nil {
			t.Fatal(err)
		}
		s := j.CheckpointStats().LastCompleted
		t.Logf("%s: checkpoint in %v, %d MB, %d MB new", what, time.Since(began).Round(time.Millisecond), s.Bytes>>20, s.NewBytes>>20)
	}
	save("all of it is new")
	save("nothing changed")
	for round := range 6 {
		before := got.Load()
		tab.add(step(n/100, 97+round))
		await(before + int64(n/100))
		save("1 % changed")
	}
	j.Cancel()
	<-j.Done()
	got.Store(0)
	tab.add(step(10, 5))
	began = time.Now()
	store := open()
	from, err := store.Latest(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	verified := time.Since(began)
	o.Checkpoints, o.Restore = store, from
	if j, err = start(context.Background(), plan, fakeRuntime(o, text)); err != nil {
		t.Fatal(err)
	}
	started := time.Since(began)
	await(1)
	t.Logf("restored in %v: verified after %v, started after %v", time.Since(began).Round(time.Millisecond), verified.Round(time.Millisecond), started.Round(time.Millisecond))
	save("after the restore")
	j.Cancel()
	<-j.Done()
}
