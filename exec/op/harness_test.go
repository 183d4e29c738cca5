package op

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// source is a plan node that stands for an input in tests.
func source(s types.Schema) planner.Node { return &planner.Values{Base: &planner.Base{Out: s}} }

func base(mode types.ChangelogMode, out types.Schema) *planner.Base {
	return &planner.Base{ID: "t", Out: out, Mode: mode}
}

// cols makes a schema of "name TYPE" pairs.
func cols(specs ...string) types.Schema {
	var s types.Schema
	for _, spec := range specs {
		name, kind, _ := strings.Cut(spec, " ")
		t := map[string]types.Type{
			"INT": types.IntType, "BIGINT": types.BigIntType, "DOUBLE": types.DoubleType, "STRING": types.StringType,
			"BOOLEAN": types.BooleanType, "TS": types.TimestampType(3), "LTZ": types.LTZType(3), "DEC": types.DecimalType(10, 2),
			"TINYINT": types.TinyIntType, "DATE": types.DateType, "BYTES": types.BytesType,
		}[kind]
		c := types.Column{Name: name, Type: t}
		if t.IsTimestamp() {
			c.TimeAttr = types.RowTime
		}
		s = append(s, c)
	}
	return s
}

var kindOf = map[string]types.RowKind{"+I": types.Insert, "-U": types.UpdateBefore, "+U": types.UpdateAfter, "-D": types.Delete}

// rows makes a batch of lines "+I a|b|c"; the kind may be left out, and "-" is NULL.
func rows(s types.Schema, lines ...string) *vec.Batch {
	builders := make([]vec.Builder, len(s))
	for i := range s {
		builders[i] = vec.NewBuilder(s[i].Type)
	}
	kinds, plain := make([]types.RowKind, 0, len(lines)), true
	for _, line := range lines {
		kind := types.Insert
		if len(line) > 3 && line[2] == ' ' {
			if k, ok := kindOf[line[:2]]; ok {
				kind, line = k, line[3:]
			}
		}
		kinds, plain = append(kinds, kind), plain && kind == types.Insert
		for i, f := range strings.Split(line, "|") {
			put(builders[i], s[i].Type, f)
		}
	}
	arrs := make([]arrow.Array, len(s))
	for i := range s {
		arrs[i] = builders[i].Array()
	}
	if plain {
		kinds = nil
	}
	return vec.New(s.Arrow(), arrs, len(lines), kinds)
}

func put(b vec.Builder, t types.Type, f string) {
	if f == "-" {
		b.AppendNull()
		return
	}
	n, _ := strconv.ParseInt(f, 10, 64)
	x, _ := strconv.ParseFloat(f, 64)
	switch b := b.(type) {
	case *vec.FixedBuilder[int8]:
		b.Append(int8(n))
	case *vec.FixedBuilder[int32]:
		b.Append(int32(n))
	case *vec.FixedBuilder[int64]:
		if t.IsTimestamp() {
			n *= 1000
		}
		b.Append(n)
	case *vec.FixedBuilder[float64]:
		b.Append(x)
	case *vec.TextBuilder:
		b.AppendString(f)
	case *vec.BoolBuilder:
		b.Append(f == "true")
	default:
		panic("test: no builder")
	}
}

// show spells a batch as changelog lines; timestamps are milliseconds.
func show(b *vec.Batch) []string {
	var out []string
	for i := range b.Len() {
		parts := make([]string, b.Rows.NumCols())
		for c := range parts {
			parts[c] = showValue(b.Col(c), i)
		}
		out = append(out, types.KindString(b.Kind(i))+" "+strings.Join(parts, "|"))
	}
	return out
}

func showValue(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return "-"
	}
	switch a := a.(type) {
	case *array.Timestamp:
		return strconv.FormatInt(int64(a.Value(i))/1000, 10)
	case *array.Float64:
		return strconv.FormatFloat(a.Value(i), 'g', 12, 64)
	}
	return a.ValueStr(i)
}

// memo collects what an operator emits.
type memo struct{ lines []string }

func (m *memo) Emit(b *vec.Batch) error {
	m.lines = append(m.lines, show(b)...)
	return nil
}

// step is a piece of input: rows at a port, a watermark, a clock, or a restart from a snapshot.
type step struct {
	port    int
	lines   []string
	wm      *types.Time
	clock   *int64 // processing time, ms; fires timers
	restart bool
}

func at(port int, lines ...string) step { return step{port: port, lines: lines} }
func in(lines ...string) step           { return step{lines: lines} }
func wm(t int64) step                   { x := types.Time(t); return step{wm: &x} }
func clock(ms int64) step               { return step{clock: &ms} }

var restart = step{restart: true}

// trial runs an operator over steps.
type trial struct {
	make    func() (Operator, error)
	inputs  []types.Schema
	size    int // rows a batch
	restart bool
	marks   bool // an empty line after each watermark
	tight   bool // nothing fits the budget
	store   state.Store
	ctx     *Context
	op      Operator
	out     memo
}

func (r *trial) open(now int64) error {
	var err error
	if r.op, err = r.make(); err != nil {
		return err
	}
	r.ctx = &Context{
		ID: "t", Parallelism: 1, State: state.New(r.store, "t"),
		Fn: &fn.Ctx{NowMicros: now, Watermark: types.MinTime, Streaming: true}, Metrics: &Metrics{},
		Interrupted: func() bool { return false },
	}
	if r.tight {
		r.ctx.Budget = NewBudget(func(by, _ int64) bool { return by <= 0 }, nil)
	}
	return r.op.Open(r.ctx)
}

// again snapshots the operator and continues with another over the same store.
func (r *trial) again() error {
	if f, ok := r.op.(Flusher); ok {
		if err := f.Flush(&r.out); err != nil {
			return err
		}
	}
	if err := r.op.Snapshot(); err != nil {
		return err
	}
	return r.open(r.ctx.Fn.NowMicros)
}

func (r *trial) do(s step) error {
	switch {
	case s.wm != nil:
		r.ctx.Fn.Watermark = *s.wm
		_, err := r.op.Watermark(*s.wm, &r.out)
		if r.marks {
			r.out.lines = append(r.out.lines, "")
		}
		return err
	case s.clock != nil:
		r.ctx.Fn.NowMicros = *s.clock * 1000
		if t, ok := r.op.(Ticker); ok && t.NextTick() <= types.Time(*s.clock) {
			return t.Tick(types.Time(*s.clock), &r.out)
		}
		return nil
	case s.restart:
		return r.again()
	}
	for lines := s.lines; len(lines) > 0; {
		n := min(r.size, len(lines))
		if err := r.op.Process(s.port, rows(r.inputs[s.port], lines[:n]...), &r.out); err != nil {
			return err
		}
		lines = lines[n:]
		if r.restart {
			if err := r.again(); err != nil {
				return err
			}
		}
	}
	return nil
}

// run gives the changelog of an operator over the steps, then MaxTime and the end.
func run(make func() (Operator, error), inputs []types.Schema, size int, restart bool, steps ...step) ([]string, error) {
	return runOn(state.NewMemory(), make, inputs, size, restart, steps...)
}

func runOn(store state.Store, make func() (Operator, error), inputs []types.Schema, size int, restart bool, steps ...step) ([]string, error) {
	r := &trial{make: make, inputs: inputs, size: size, restart: restart, store: store}
	if err := r.open(0); err != nil {
		return nil, err
	}
	for _, s := range steps {
		if err := r.do(s); err != nil {
			return r.out.lines, err
		}
	}
	if _, err := r.op.Watermark(types.MaxTime, &r.out); err != nil {
		return r.out.lines, err
	}
	if err := r.op.End(&r.out); err != nil {
		return r.out.lines, err
	}
	return r.out.lines, r.op.Close()
}

// check runs an operator at several batch sizes, with and without restarts after each batch, and with its
// state in Pebble: each must give want.
func check(t *testing.T, make func() (Operator, error), inputs []types.Schema, want string, steps ...step) {
	t.Helper()
	for _, size := range []int{1, 3, 4096} {
		for _, restart := range []bool{false, true} {
			got, err := run(make, inputs, size, restart, steps...)
			if err != nil {
				t.Fatalf("batches of %d, restarts %v: %v", size, restart, err)
			}
			if diff := compare(lines(want), got); diff != "" {
				t.Fatalf("batches of %d, restarts %v: %s", size, restart, diff)
			}
		}
	}
	if strings.Contains(t.Name(), "Random") {
		return // a database each is slow
	}
	pebble, err := state.OpenPebbleInMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer pebble.Close()
	got, err := runOn(pebble, make, inputs, 3, true, steps...)
	if diff := compare(lines(want), got); diff != "" || err != nil {
		t.Fatalf("state in Pebble: %s (%v)", diff, err)
	}
}

func lines(s string) []string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

func compare(want, got []string) string {
	for i := range max(len(want), len(got)) {
		w, g := "nothing", "nothing"
		if i < len(want) {
			w = want[i]
		}
		if i < len(got) {
			g = got[i]
		}
		if w != g {
			return fmt.Sprintf("line %d: want %s, got %s\nall: %s", i+1, w, g, strings.Join(got, "\n"))
		}
	}
	return ""
}

// agg makes a call of an aggregate over columns.
func agg(s types.Schema, name string, args ...int) planner.AggCall {
	a := planner.AggCall{Func: name, Args: args, Filter: -1}
	for _, c := range args {
		a.ArgTypes = append(a.ArgTypes, s[c].Type)
	}
	return a
}

func filtered(a planner.AggCall, col int) planner.AggCall { a.Filter = col; return a }
func distinct(a planner.AggCall) planner.AggCall          { a.Distinct = true; return a }
func retracts(aggs ...planner.AggCall) []planner.AggCall {
	for i := range aggs {
		aggs[i].Retract = true
	}
	return aggs
}

// batchOf makes a batch of inserts from columns.
func batchOf(s types.Schema, columns ...arrow.Array) *vec.Batch {
	return vec.New(s.Arrow(), columns, columns[0].Len(), nil)
}
