package op

import (
	"fmt"
	"testing"
	"time"

	"weir/planner"
	"weir/sql/types"
)

func bundledAggOf(s types.Schema, rows int64, mode types.ChangelogMode, ttl time.Duration, out types.Schema, aggs ...planner.AggCall) func() (Operator, error) {
	return func() (Operator, error) {
		in := source(s)
		in.Info().Mode = types.RetractMode
		n := &planner.GroupAgg{Base: base(mode, out), Input: in, Keys: []int{0}, Aggs: aggs, TTL: ttl, Bundle: planner.Bundle{Rows: rows, Ms: 100}}
		return NewGroupAgg(n, &planner.Settings{})
	}
}

func TestGroupBundle(t *testing.T) {
	s, out := cols("k STRING", "v INT"), cols("k STRING", "m INT", "c BIGINT")
	aggs := func() []planner.AggCall { return retracts(agg(s, "MAX", 1), agg(s, "COUNT")) }
	steps := []step{in("a|1", "b|5", "-U a|1", "+U a|2", "-D b|5", "a|4", "c|7", "-D c|7", "-D a|2", "+I a|9", "-D a|9", "-D x|1")}
	check(t, bundledAggOf(s, 4, types.RetractMode, 0, out, aggs()...), []types.Schema{s}, `
		+I a|2|1
		+I b|5|1
		-D b|5|1
		-U a|2|1
		+U a|4|2
		-U a|4|2
		+U a|4|1`, steps...)
	check(t, bundledAggOf(s, 2, types.UpsertMode, 0, out, aggs()...), []types.Schema{s}, `
		+I a|1|1
		+I b|5|1
		+U a|2|1
		-D b|5|1
		+U a|4|2
		+U a|9|2
		+U a|4|1`, steps...)
	check(t, bundledAggOf(s, 100, types.RetractMode, 0, out, aggs()...), []types.Schema{s}, `+I a|4|1`, steps...)
}

// The clock ends a bundle at multiples of the latency. With state that expires, equal values are told too.
func TestGroupBundleByTheClock(t *testing.T) {
	s, out := cols("k STRING", "v INT"), cols("k STRING", "m INT")
	steps := []step{clock(150), in("a|1"), clock(199), in("a|3"), clock(200), clock(350), in("a|2", "b|1"), clock(400), clock(20_000), in("a|1"), clock(20_100)}
	check(t, bundledAggOf(s, 100, types.RetractMode, 0, out, agg(s, "MAX", 1)), []types.Schema{s}, `
		+I a|3
		+I b|1`, steps...)
	check(t, bundledAggOf(s, 100, types.RetractMode, 10*time.Second, out, agg(s, "MAX", 1)), []types.Schema{s}, `
		+I a|3
		-U a|3
		+U a|3
		+I b|1
		+I a|1`, steps...)
}

func TestGroupLocal(t *testing.T) {
	s := cols("k STRING", "v INT")
	calls := []planner.AggCall{agg(s, "SUM", 1), agg(s, "MIN", 1)}
	set, err := newAggSet(calls)
	if err != nil {
		t.Fatal(err)
	}
	partial := types.Schema{s[0]}
	for _, ty := range set.state {
		partial = append(partial, types.Column{Name: "s", Type: ty})
	}
	local := func() (Operator, error) {
		return NewGroupAgg(&planner.GroupAgg{Base: base(types.AppendMode, partial), Input: source(s), Keys: []int{0}, Aggs: calls, Phase: planner.LocalPhase, Bundle: planner.Bundle{Rows: 3, Ms: 100}}, &planner.Settings{})
	}
	out := cols("k STRING", "s INT", "m INT")
	global := append([]planner.AggCall(nil), calls...)
	at := 1
	for i := range global {
		n := len(set.runs[i].call.State)
		global[i].Args = nil
		for j := range n {
			global[i].Args = append(global[i].Args, at+j)
		}
		at += n
	}
	for _, size := range []int{1, 3, 4096} {
		for _, again := range []bool{false, true} {
			got, err := throughBoth(local, s, partial, func() (Operator, error) {
				return NewGroupAgg(&planner.GroupAgg{Base: base(types.RetractMode, out), Input: source(partial), Keys: []int{0}, Aggs: global, Phase: planner.GlobalPhase, Bundle: planner.Bundle{Rows: 3, Ms: 100}}, &planner.Settings{})
			}, size, again, in("a|1", "a|2", "b|5", "a|10", "c|1", "-|3", "a|4"))
			if err != nil {
				t.Fatal(err)
			}
			if again { // a checkpoint ends a bundle
				last := map[string]string{}
				for _, line := range got {
					last[line[3:4]] = line[3:]
				}
				if s := fmt.Sprint(last); s != "map[-:-|3|3 a:a|17|1 b:b|5|5 c:c|1|1]" {
					t.Fatalf("batches of %d, restarts: %s", size, s)
				}
				continue
			}
			// Bundles of rows: (a a b) (a c -) (a); of parts: (a b a) (c - a).
			if diff := compare(lines(`
				+I a|13|1
				+I b|5|5
				+I c|1|1
				+I -|3|3
				-U a|13|1
				+U a|17|1`), got); diff != "" {
				t.Fatalf("batches of %d, restarts %v: %s", size, again, diff)
			}
		}
	}
}

// throughBoth runs a local phase, and a global one over what it emits.
func throughBoth(local func() (Operator, error), s, partial types.Schema, global func() (Operator, error), size int, again bool, steps ...step) ([]string, error) {
	parts, err := run(local, []types.Schema{s}, size, again, steps...)
	if err != nil {
		return nil, err
	}
	return run(global, []types.Schema{partial}, size, again, in(parts...))
}
