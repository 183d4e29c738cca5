package op

import (
	"fmt"
	"slices"
	"testing"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// into hands what one operator emits to another, and counts the batches of rows that were passed on.
type into struct {
	op     Operator
	passed int
	out    memo
}

func (i *into) Emit(b *vec.Batch) error {
	if b.Rows.Schema().Field(int(b.Rows.NumCols())-1).Name == planner.RowSliceEnd {
		i.passed++
	}
	return i.op.Process(0, b, &i.out)
}

// TestLocalPhasePassesRows has keys that hardly repeat, then keys that do: results are those of one phase, and
// rows are passed on in the former case alone.
func TestLocalPhasePassesRows(t *testing.T) {
	in := cols("k INT", "v INT", "ts TS", "big BOOLEAN")
	out := cols("k INT", "c BIGINT", "s INT", "m INT", "ws TS", "we TS", "wt TS")
	partial := cols("k INT", "c BIGINT", "s INT", "n BIGINT", "m INT", "e BIGINT")
	for _, w := range []planner.Window{{Kind: planner.Tumble, Size: 10}, {Kind: planner.Hop, Size: 20, Slide: 10}, {Kind: planner.Hop, Size: 4, Slide: 10}} {
		for _, keys := range []int{5000, 50} {
			w.TimeCol, w.Start, w.End = 2, -1, -1
			aggs := []planner.AggCall{agg(in, "COUNT"), agg(in, "SUM", 1), agg(in, "MAX", 1)}
			aggs[2].Filter = 3
			rowAggs := slices.Clone(aggs)
			rowAggs[1].Args, rowAggs[2].Args, rowAggs[2].Filter = []int{1}, []int{1}, 2
			globals := slices.Clone(aggs)
			globals[1].Args, globals[2].Args, globals[2].Filter = []int{2, 3}, []int{4}, -1
			globals[0].Args = []int{1}
			node := func(phase planner.Phase, in, out types.Schema, aggs []planner.AggCall) *planner.WindowAgg {
				return &planner.WindowAgg{Base: base(types.AppendMode, out), Input: source(in), Window: w, Keys: []int{0}, Aggs: aggs, Props: allProps, Phase: phase}
			}
			local := node(planner.LocalPhase, in, partial, aggs)
			local.Rows = []int{1, 3}
			global := node(planner.GlobalPhase, partial, out, globals)
			global.RowAggs = rowAggs
			one, two := &memo{}, &into{op: opened(t, global)}
			whole, first := opened(t, node(planner.WholePhase, in, out, aggs)), opened(t, local)
			for at := range 16 {
				var lines []string
				for i := range 5000 {
					lines = append(lines, fmt.Sprintf("%d|%d|%d|%v", (i*7+at)%keys, i%11, at*5+i%3, i%2 == 0))
				}
				b, wm := rows(in, lines...), types.Time(at*5-1)
				must(t, whole.Process(0, b, one), first.Process(0, b, two))
				advance(t, wm, whole, one, first, two)
			}
			advance(t, types.MaxTime, whole, one, first, two)
			slices.Sort(one.lines)
			slices.Sort(two.out.lines)
			if !slices.Equal(one.lines, two.out.lines) || len(one.lines) == 0 {
				t.Errorf("%v, %d keys: %d rows in one phase, %d in two, or their values differ", w, keys, len(one.lines), len(two.out.lines))
			}
			if few := keys == 50; few == (two.passed > 0) {
				t.Errorf("%v, %d keys: %d batches of rows were passed on", w, keys, two.passed)
			}
		}
	}
}

func opened(t *testing.T, n *planner.WindowAgg) Operator {
	o, err := NewWindowAgg(n, &planner.Settings{})
	must(t, err)
	ctx := &Context{ID: "t", Parallelism: 1, State: state.New(state.NewMemory(), "t"), Fn: &fn.Ctx{}, Metrics: &Metrics{}, Interrupted: func() bool { return false }}
	must(t, o.Open(ctx))
	return o
}

func advance(t *testing.T, wm types.Time, whole Operator, one *memo, local Operator, two *into) {
	_, err := whole.Watermark(wm, one)
	_, err2 := local.Watermark(wm, two)
	_, err3 := two.op.Watermark(wm, &two.out)
	must(t, err, err2, err3)
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
