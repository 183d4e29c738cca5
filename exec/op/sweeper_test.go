package op

import (
	"fmt"
	"testing"
	"time"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
)

// Keys which expired while only the store had them are deleted there, though nothing asks for them again.
func TestExpiredLeaveTheStore(t *testing.T) {
	s := cols("k INT", "v STRING")
	for name, c := range map[string]struct {
		make       func() (Operator, error)
		inputs     []types.Schema
		first      []step
		later      []step
		keepsFirst bool
	}{
		"group":            {groupAggOf(s, []int{0}, types.RetractMode, time.Second, cols("k INT", "c BIGINT"), agg(s, "COUNT")), []types.Schema{s}, []step{in("1|a", "2|b", "3|b")}, []step{in("9|x")}, false},
		"group that stays": {groupAggOf(s, []int{0}, types.RetractMode, 0, cols("k INT", "c BIGINT"), agg(s, "COUNT")), []types.Schema{s}, []step{in("1|a", "2|b", "3|b")}, []step{in("9|x")}, true},
		"text keys":        {groupAggOf(s, []int{1, 0}, types.RetractMode, time.Second, cols("v STRING", "k INT", "c BIGINT", "m STRING"), agg(s, "COUNT"), agg(s, "MAX", 1)), []types.Schema{s}, []step{in("1|a", "2|b", "3|-")}, []step{in("9|x")}, false},
		"deduplication":    {dedupOf(false, true, false, types.AppendMode, time.Second), []types.Schema{events}, []step{in("a|1|5", "b|3|9")}, []step{in("z|1|1")}, false},
		"top-n":            {topNTTL(time.Second), []types.Schema{scored}, []step{in("a|3|1", "b|5|2", "a|4|9")}, []step{in("z|1|3")}, false},
		"join":             {joinOf(joinSpec{kind: planner.InnerJoin, ttl: time.Second}), joinInputs, []step{at(0, "1|x", "2|y", "1|z"), at(1, "1|r|true", "4|q|true")}, []step{at(0, "9|x"), at(1, "9|r|true")}, false},
	} {
		left := func(first ...step) (n int) {
			store := state.NewMemory()
			r := &trial{make: c.make, inputs: c.inputs, size: 100, store: store}
			if err := r.open(1000); err != nil {
				t.Fatal(err)
			}
			steps := append(append([]step{clock(1000)}, first...), restart)
			for ms := int64(1000); ms < 4000; ms += 8 {
				steps = append(append(steps, clock(ms)), c.later...)
			}
			for _, s := range append(steps, restart) {
				if err := r.do(s); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			if err := store.Scan(nil, nil, func(_, _ []byte) error { n++; return nil }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		with, without := left(c.first...), left()
		if (with > without) != c.keepsFirst {
			t.Errorf("%s: %d entries are left, %d without what expired", name, with, without)
		}
	}
}

// A key that comes back between being found and being deleted stays.
func TestSweeperKeepsWhatComesBack(t *testing.T) {
	s := cols("k INT", "v STRING")
	var steps []step
	steps = append(steps, clock(1000), in("1|a", "2|b"), restart)
	for ms := int64(1000); ms < 5000; ms += 8 {
		steps = append(steps, clock(ms), in("9|x"))
		if ms == 4000 {
			steps = append(steps, in("1|a"), restart, in("1|a"))
		}
	}
	r := &trial{make: groupAggOf(s, []int{0}, types.RetractMode, time.Second, cols("k INT", "c BIGINT"), agg(s, "COUNT")), inputs: []types.Schema{s}, size: 100, store: state.NewMemory()}
	if err := r.open(1000); err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if err := r.do(s); err != nil {
			t.Fatal(err)
		}
	}
	n := map[string]int{}
	for _, l := range r.out.lines {
		n[l]++
	}
	if n["+I 1|1"] != 2 || n["+U 1|2"] != 1 {
		t.Errorf("key 1 gave %d times +I 1|1 and %d times +U 1|2, want 2 and 1", n["+I 1|1"], n["+U 1|2"])
	}
}

// However fast keys come, about as many stay in memory as live.
func TestExpiredDoNotPileUp(t *testing.T) {
	s := cols("k INT", "v STRING")
	const each = 500 // keys that come in 100 ms
	for name, c := range map[string]struct {
		make   func() (Operator, error)
		inputs []types.Schema
		row    string
		port   int
	}{
		"group":         {groupAggOf(s, []int{0}, types.RetractMode, time.Second, cols("k INT", "c BIGINT"), agg(s, "COUNT")), []types.Schema{s}, "%d|x", 0},
		"deduplication": {dedupOf(false, true, false, types.AppendMode, time.Second), []types.Schema{events}, "k%d|1|1", 0},
		"top-n":         {topNTTL(time.Second), []types.Schema{scored}, "k%d|1|1", 0},
		"over":          {overTTL(true, planner.Frame{Lo: planner.MinFrame}, time.Second), []types.Schema{overCols}, "%d|1|a|0", 0},
		"join":          {joinOf(joinSpec{kind: planner.InnerJoin, ttl: time.Second}), joinInputs, "%d|x", 0},
		"temporal join": {temporalTTL(time.Second), probeIn, "+I %d|p|1", 1},
	} {
		r := &trial{make: c.make, inputs: c.inputs, size: each, store: state.NewMemory()}
		if err := r.open(1000); err != nil {
			t.Fatal(err)
		}
		if j, ok := r.op.(*join); ok { // with snapshots it is those that free
			r.ctx.Unkept, j.sides[0].unkept, j.sides[1].unkept = true, true, true
		}
		most := int64(0)
		for i := range 100 {
			lines := make([]string, each)
			for j := range lines {
				lines[j] = fmt.Sprintf(c.row, i*each+j)
			}
			for _, s := range []step{clock(1000 + int64(i)*100), at(c.port, lines...)} {
				if err := r.do(s); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			most = max(most, r.ctx.Metrics.Groups)
		}
		if live := int64(10 * each); most < live || most > 3*live {
			t.Errorf("%s: up to %d keys were there, of which %d lived", name, most, live)
		}
	}
}
