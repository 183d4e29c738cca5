package op

import (
	"testing"
	"time"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
)

// TestTopNWithoutMarks: partitions of a state from before they were marked are all found, at the second restart too.
func TestTopNWithoutMarks(t *testing.T) {
	r := &trial{inputs: []types.Schema{scored}, size: 100, store: state.NewMemory(), make: func() (Operator, error) {
		src := source(scored)
		src.Info().Mode = types.AppendMode
		return NewTopN(&planner.TopN{
			Base: base(types.RetractMode, scored), Input: src, Partition: []int{0}, Fetch: 1, TTL: time.Hour,
			Keys: []planner.SortKey{{Col: 1, Desc: true, NullsLast: true}},
		}, &planner.Settings{})
	}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(r.open(0))
	must(r.do(clock(1)))
	must(r.do(in("a|9|1", "b|9|1")))
	must(r.op.Snapshot())
	parts := r.op.(*topN).parts
	marks := map[string]uint16{}
	must(parts.Scan(func(group uint16, key, _ []byte) error { marks[string(key)] = group; return nil }))
	for key, group := range marks {
		must(parts.Delete(group, []byte(key)))
	}
	must(r.open(0))
	must(r.do(in("c|10|2")))
	must(r.do(restart))
	r.out.lines = nil
	if must(r.do(in("b|1|3"))); len(r.out.lines) > 0 || len(marks) != 2 {
		t.Errorf("%d marks, and a row behind the first one of b shows %v", len(marks), r.out.lines)
	}
}
