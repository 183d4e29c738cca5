package exec

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/connectors/option"
	"weir/exec/op"
	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// row is a row of the test tables: ts TIMESTAMP(3) in milliseconds, k and v BIGINT.
type row struct{ ts, k, v int64 }

var rowSchema = types.Schema{
	{Name: "ts", Type: types.TimestampType(3), TimeAttr: types.RowTime},
	{Name: "k", Type: types.BigIntType},
	{Name: "v", Type: types.BigIntType},
}

// table is a source over rows in memory: one list a split.
type table struct {
	splits  [][]row
	parents map[int][]string
	chunk   int  // records a read
	live    bool // never ends: reads give nothing after the last row
	files   bool // one generator for all splits
	bad     int64
	opened  *atomic.Int64
	// discovery is how often splits are listed; those from the second on appear only at the second listing.
	discovery time.Duration
	listed    int
	pause     time.Duration // of a live reader that has nothing
}

func (t *table) Options(*option.Set)                {}
func (t *table) Metadata() []connectors.MetadataKey { return nil }
func (t *table) SourceMode(*connectors.TableDesc) (types.ChangelogMode, error) {
	return types.AppendMode, nil
}
func (t *table) Source(*connectors.TableDesc, connectors.Scan, *connectors.Env) (connectors.Source, error) {
	return t, nil
}
func (t *table) Splits(context.Context) (out []connectors.Split, err error) {
	t.listed++
	for i := range t.splits {
		if i > 0 && t.discovery > 0 && t.listed == 1 {
			break
		}
		out = append(out, connectors.Split{ID: fmt.Sprintf("split-%02d", i), Parents: t.parents[i]})
	}
	return out, nil
}
func (t *table) Discovery() time.Duration             { return t.discovery }
func (t *table) Bounded() bool                        { return !t.live }
func (t *table) PerSplitWatermarks() bool             { return !t.files }
func (t *table) Decoder() (connectors.Decoder, error) { return &rowDecoder{t.bad}, nil }

func (t *table) Read(_ context.Context, s connectors.Split, from connectors.Offset) (connectors.SplitReader, error) {
	var i int
	if _, err := fmt.Sscanf(s.ID, "split-%d", &i); err != nil {
		return nil, err
	}
	r := &rowReader{t: t, id: s.ID, rows: t.splits[i]}
	if from != nil {
		r.at = int(binary.BigEndian.Uint64(from))
	}
	if t.opened != nil {
		t.opened.Add(1)
	}
	return r, nil
}

type rowReader struct {
	t    *table
	id   string
	rows []row
	at   int
}

func (r *rowReader) Next(ctx context.Context, c *connectors.Chunk) error {
	c.Data, c.Beg, c.End = c.Data[:0], c.Beg[:0], c.End[:0]
	if r.at == len(r.rows) {
		if !r.t.live {
			return io.EOF
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(r.t.pause):
			return nil
		}
	}
	first := r.at
	for ; r.at < len(r.rows) && r.at-first < max(1, r.t.chunk); r.at++ {
		x := r.rows[r.at]
		c.Beg = append(c.Beg, int32(len(c.Data)))
		for _, v := range []int64{x.ts, x.k, x.v} {
			c.Data = binary.BigEndian.AppendUint64(c.Data, uint64(v))
		}
		c.End = append(c.End, int32(len(c.Data)))
	}
	c.OffsetAt = func(i int) connectors.Offset {
		return binary.BigEndian.AppendUint64(nil, uint64(first+i+1))
	}
	c.Describe = func(i int) string { return fmt.Sprintf("%s, row %d", r.id, first+i) }
	return nil
}

func (r *rowReader) Close() error {
	if r.t.opened != nil {
		r.t.opened.Add(-1)
	}
	return nil
}

const nullTime = -1 << 40

type rowDecoder struct{ bad int64 }

func (d *rowDecoder) Decode(c *connectors.Chunk, lo, hi int, out *connectors.Decoded) error {
	var cols [3][]int64
	valid := vec.FullBitmap(hi - lo)
	n := 0
	out.Record, out.Rejects = []int32{}, nil
	for i := lo; i < hi; i++ {
		rec := c.Record(i)
		v := int64(binary.BigEndian.Uint64(rec[16:]))
		if d.bad != 0 && v == d.bad {
			out.Rejects = append(out.Rejects, connectors.Reject{Record: i, Err: errors.New("no such value")})
			continue
		}
		if int64(binary.BigEndian.Uint64(rec)) == nullTime {
			valid.Clear(n)
		}
		cols[0] = append(cols[0], int64(binary.BigEndian.Uint64(rec))*1000)
		cols[1] = append(cols[1], int64(binary.BigEndian.Uint64(rec[8:])))
		cols[2] = append(cols[2], v)
		out.Record = append(out.Record, int32(i))
		n++
	}
	out.N = n
	out.Cols = []arrow.Array{vec.Timestamps(rowSchema[0].Type, cols[0], valid), vec.Int64s(cols[1], nil), vec.Int64s(cols[2], nil)}
	return nil
}

// scanOf reads a table; its watermark is the time itself.
func scanOf(id string, t *table) *planner.Scan {
	return &planner.Scan{
		Base:      &planner.Base{ID: id, Out: rowSchema},
		Table:     &planner.Table{Path: [3]string{"c", "d", id}},
		Config:    t,
		Columns:   rowSchema,
		Watermark: &planner.Watermark{Expr: &planner.ColRef{Index: 0, T: rowSchema[0].Type}},
	}
}

var windowSchema = types.Schema{
	{Name: "end", Type: types.BigIntType}, {Name: "k", Type: types.BigIntType},
	{Name: "sum", Type: types.BigIntType}, {Name: "n", Type: types.BigIntType},
}

// windowOf sums v by k in windows of size milliseconds.
func windowOf(in planner.Node, size int64) *planner.WindowAgg {
	return &planner.WindowAgg{Base: &planner.Base{ID: "window", Out: windowSchema}, Input: in, Window: planner.Window{Size: size}, Keys: []int{1}}
}

func exchange(in planner.Node, keys ...int) *planner.Exchange {
	kind := planner.DistHash
	if keys == nil {
		kind = planner.DistSingle
	}
	return &planner.Exchange{Base: &planner.Base{ID: "exchange", Out: in.Info().Out, Dist: planner.Distribution{Kind: kind, Keys: keys}}, Input: in}
}

func collect(in planner.Node) *planner.Collect {
	return &planner.Collect{Base: &planner.Base{ID: "collect", Out: in.Info().Out}, Input: in}
}

func unionOf(ins ...planner.Node) *planner.Union {
	return &planner.Union{Base: &planner.Base{ID: "union", Out: ins[0].Info().Out}, Ins: ins}
}

// windowOp keeps sums in memory and moves them to state at a snapshot. Rows whose window has fired are late.
type windowOp struct {
	op.Base
	size  int64
	ctx   *op.Context
	table *state.Table
	sums  map[[2]int64][2]int64 // end, k -> sum, n
	wm    types.Time
}

func (w *windowOp) Open(c *op.Context) error {
	w.ctx, w.wm, w.sums = c, types.MinTime, map[[2]int64][2]int64{}
	w.table = c.State.Table(state.Spec{Name: "sums"})
	return w.table.Scan(func(_ uint16, key, value []byte) error {
		k, v := ints2(key), ints2(value)
		w.sums[k] = v
		return nil
	})
}

func ints2(b []byte) [2]int64 {
	return [2]int64{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))}
}

func bytes2(v [2]int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(v[0])), uint64(v[1]))
}

func (w *windowOp) Process(_ int, b *vec.Batch, _ op.Emitter) error {
	ts, k, v := vec.Values[int64](b.Col(0)), vec.Values[int64](b.Col(1)), vec.Values[int64](b.Col(2))
	for i := range ts {
		end := (ts[i]/1000/w.size + 1) * w.size
		if end-1 <= int64(w.wm) {
			w.ctx.Metrics.LateDropped++
			continue
		}
		s := w.sums[[2]int64{end, k[i]}]
		w.sums[[2]int64{end, k[i]}] = [2]int64{s[0] + v[i], s[1] + 1}
	}
	return nil
}

func (w *windowOp) Watermark(wm types.Time, out op.Emitter) (types.Time, error) {
	w.wm = wm
	var done [][2]int64
	for key := range w.sums {
		if key[0]-1 <= int64(wm) {
			done = append(done, key)
		}
	}
	sort.Slice(done, func(i, j int) bool {
		return done[i][0] < done[j][0] || done[i][0] == done[j][0] && done[i][1] < done[j][1]
	})
	var cols [4][]int64
	for _, key := range done {
		s := w.sums[key]
		delete(w.sums, key)
		for c, v := range []int64{key[0], key[1], s[0], s[1]} {
			cols[c] = append(cols[c], v)
		}
	}
	if len(done) == 0 {
		return wm, nil
	}
	return wm, out.Emit(intBatch(windowSchema, cols[:]...))
}

func intBatch(schema types.Schema, cols ...[]int64) *vec.Batch {
	arrs := make([]arrow.Array, len(cols))
	for i, c := range cols {
		arrs[i] = vec.Int64s(c, nil)
	}
	return vec.New(schema.Arrow(), arrs, len(cols[0]), nil)
}

func (w *windowOp) Snapshot() error {
	var old [][]byte
	var groups []uint16
	_ = w.table.Scan(func(g uint16, key, _ []byte) error {
		old, groups = append(old, append([]byte(nil), key...)), append(groups, g)
		return nil
	})
	for i, key := range old {
		if err := w.table.Delete(groups[i], key); err != nil {
			return err
		}
	}
	enc := vec.KeyOf(types.BigIntType)
	for key, s := range w.sums {
		var keys vec.Keys
		enc.Encode(&keys, []vec.Vec{vec.ColVec(vec.Int64s([]int64{key[1]}, nil))}, 1)
		if err := w.table.Set(state.Group(vec.Hash(keys.At(0))), bytes2(key), bytes2(s)); err != nil {
			return err
		}
	}
	return nil
}

// funcOp calls a function for each batch.
type funcOp struct {
	op.Base
	process func(b *vec.Batch, out op.Emitter) error
}

func (f funcOp) Process(_ int, b *vec.Batch, out op.Emitter) error { return f.process(b, out) }

// fakeRuntime runs plans of the test's own operators.
func fakeRuntime(o Options, calc func(b *vec.Batch, out op.Emitter) error) *runtime {
	r := newRuntimeAt(o, SimOptions{})
	r.env.Now = time.Now
	r.clock = time.Now
	r.operator = func(n planner.Node, s *planner.Settings) (op.Operator, error) {
		switch n := n.(type) {
		case *planner.WindowAgg:
			return &windowOp{size: n.Window.Size}, nil
		case *planner.Calc:
			return funcOp{process: calc}, nil
		}
		return newOperator(n, s)
	}
	return r
}

func identity(b *vec.Batch, out op.Emitter) error { return out.Emit(b) }

// gather collects rows as text; sorted gives them in order.
type gather struct{ lines []string }

func (g *gather) rows(b *vec.Batch) error {
	for i := range b.Len() {
		var cells []string
		for _, c := range b.Rows.Columns() {
			cells = append(cells, c.ValueStr(i))
		}
		g.lines = append(g.lines, strings.Join(cells, " "))
	}
	return nil
}

func (g *gather) sorted() string {
	sort.Strings(g.lines)
	return strings.Join(g.lines, "\n")
}
