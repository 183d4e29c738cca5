package exec

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/op"
	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// outsider passes each batch on when a request about it is answered, in any order, at most three at a time.
type outsider struct {
	op.Base
	ctx     *op.Context
	table   *state.Table
	pending map[uint64]*vec.Batch
	next    uint64
	passed  types.Time
	most    *int
}

func (a *outsider) Open(c *op.Context) error {
	a.ctx, a.pending, a.passed = c, map[uint64]*vec.Batch{}, types.MinTime
	a.table = c.State.Table(state.Spec{Name: "pending"})
	return a.table.Scan(func(_ uint16, _, value []byte) error {
		var cols [3][]int64
		for i := 0; i < len(value); i += 8 {
			cols[i/8%3] = append(cols[i/8%3], int64(binary.BigEndian.Uint64(value[i:])))
		}
		arrs := []arrow.Array{vec.Timestamps(rowSchema[0].Type, cols[0], nil), vec.Int64s(cols[1], nil), vec.Int64s(cols[2], nil)}
		a.ask(vec.New(rowSchema.Arrow(), arrs, len(cols[0]), nil))
		return nil
	})
}

func (a *outsider) ask(b *vec.Batch) {
	a.next++
	a.pending[a.next] = b
	*a.most = max(*a.most, len(a.pending))
	a.ctx.Ask(a.next, func(context.Context) (*vec.Batch, error) { return b, nil })
}

func (a *outsider) Process(_ int, b *vec.Batch, _ op.Emitter) error {
	a.ask(b)
	return nil
}

func (a *outsider) Complete(id uint64, answer *vec.Batch, err error, out op.Emitter) error {
	delete(a.pending, id)
	if err != nil {
		return err
	}
	return out.Emit(answer)
}

func (a *outsider) Pending() int { return len(a.pending) }
func (a *outsider) Full() bool   { return len(a.pending) >= 3 }

func (a *outsider) Watermark(wm types.Time, _ op.Emitter) (types.Time, error) {
	if len(a.pending) == 0 {
		a.passed = wm
	}
	return a.passed, nil
}

func (a *outsider) Snapshot() error {
	for i := range uint64(1000) {
		if err := a.table.Delete(0, binary.BigEndian.AppendUint64(nil, i)); err != nil {
			return err
		}
	}
	i := uint64(0)
	for _, b := range a.pending {
		var value []byte
		for r := range b.Len() {
			for c := range 3 {
				value = binary.BigEndian.AppendUint64(value, uint64(vec.Values[int64](b.Col(c))[r]))
			}
		}
		if err := a.table.Set(0, binary.BigEndian.AppendUint64(nil, i), value); err != nil {
			return err
		}
		i++
	}
	return nil
}

func TestAsync(t *testing.T) {
	tables, want := threeSources()
	for seed := range uint64(60) {
		most := 0
		plan := threeSourcePlan(tables, 1+int(seed%2), 3)
		union := plan.Roots[0].(*planner.Collect).Input.(*planner.WindowAgg).Input.(*planner.Exchange)
		if seed%3 == 0 { // behind each source, else behind the union
			ins := union.Input.(*planner.Union).Ins
			for i := range ins {
				ins[i] = calcOf(ins[i])
				ins[i].Info().ID = fmt.Sprint("calc", i)
			}
		} else {
			union.Input = calcOf(union.Input)
		}
		var g gather
		r := fakeRuntime(Options{Rows: g.rows}, identity)
		plain := r.operator
		r.operator = func(n planner.Node, s *planner.Settings) (op.Operator, error) {
			if _, ok := n.(*planner.Calc); ok {
				return &outsider{most: &most}, nil
			}
			return plain(n, s)
		}
		if seed < 40 {
			so := SimOptions{Seed: seed, Checkpoint: 0.05, Crash: 0.005}
			if _, err := newSim(plan, r, so).main(context.Background()); err != nil {
				t.Fatal(err)
			}
		} else {
			most = -1 << 30 // counted by several tasks at once
			r.operator = func(n planner.Node, s *planner.Settings) (op.Operator, error) {
				if _, ok := n.(*planner.Calc); ok {
					return &outsider{most: new(int)}, nil
				}
				return plain(n, s)
			}
			j, err := start(context.Background(), plan, r)
			if err != nil {
				t.Fatal(err)
			}
			if err := j.Wait(); err != nil {
				t.Fatal(err)
			}
		}
		if got := g.sorted(); got != want || most > 6 { // 3, and the parts of a batch
			t.Fatalf("seed %d, %d requests at a time: got\n%s\nwant\n%s", seed, most, got, want)
		}
	}
}
