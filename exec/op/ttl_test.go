package op

import (
	"testing"
	"time"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
)

func overTTL(proc bool, frame planner.Frame, ttl time.Duration) func() (Operator, error) {
	return func() (Operator, error) {
		schema := append(append(types.Schema{}, overCols...), cols("r INT")...)
		n := &planner.Over{Base: base(types.AppendMode, schema), Input: source(overCols), Partition: []int{0}, Order: []planner.SortKey{{Col: 3}},
			TimeCol: 3, ProcTime: proc, Frame: frame, Aggs: []planner.AggCall{agg(overCols, "SUM", 1)}, TTL: ttl}
		return NewOver(n, &planner.Settings{})
	}
}

// A partition of OVER expires when no row came to it for the TTL, but not while one of its rows waits.
func TestOverTTL(t *testing.T) {
	all := planner.Frame{Lo: planner.MinFrame}
	steps := []step{
		clock(1), in("1|5|a|1", "2|9|b|1"), wm(1), clock(500), in("1|3|c|2"), wm(2), clock(1200), in("2|1|d|3", "1|1|e|3"), wm(3),
		clock(9000), in("3|4|f|10"), clock(20000), in("3|1|g|11"), wm(20), clock(22000), in("4|7|h|21", "3|2|i|21"),
	}
	check(t, overTTL(false, all, time.Second), []types.Schema{overCols}, `
		+I 1|5|a|1|5
		+I 2|9|b|1|9
		+I 1|3|c|2|8
		+I 2|1|d|3|1
		+I 1|1|e|3|9
		+I 3|4|f|10|4
		+I 3|1|g|11|5
		+I 4|7|h|21|7
		+I 3|2|i|21|2`, steps...)
	check(t, overTTL(false, planner.Frame{Lo: -1, Rows: true}, time.Second), []types.Schema{overCols}, `
		+I 1|5|a|1|5
		+I 2|9|b|1|9
		+I 1|3|c|2|8
		+I 2|1|d|3|1
		+I 1|1|e|3|4
		+I 3|4|f|10|4
		+I 3|1|g|11|5
		+I 4|7|h|21|7
		+I 3|2|i|21|2`, steps...)
	check(t, overTTL(true, planner.Frame{Lo: -1, Rows: true}, time.Second), []types.Schema{overCols}, "+I 1|5|a|0|5\n+I 1|3|b|0|8\n+I 1|4|c|0|4",
		clock(1), in("1|5|a|0"), clock(1000), in("1|3|b|0"), clock(2000), in("1|4|c|0"))
	check(t, overTTL(true, planner.Frame{Lo: -100}, 0), []types.Schema{overCols}, "+I 1|5|a|0|5\n+I 1|3|b|0|8\n+I 1|4|c|0|7\n+I 1|1|d|0|1",
		clock(1), in("1|5|a|0"), clock(101), in("1|3|b|0"), clock(201), in("1|4|c|0"), clock(302), in("1|1|d|0"))
}

// A key of a temporal join expires when nothing happened to it for the TTL.
func TestTemporalJoinTTL(t *testing.T) {
	check(t, temporalTTL(time.Second), probeIn, `
		+I 1|x|5|1|p|4
		+I 2|w|5|2|q|4
		+I 1|y|9|1|p|4
		+I 2|z|9|-|-|-`,
		clock(1), at(1, "+I 1|p|4", "+I 2|q|4"), clock(500), at(0, "1|x|5", "2|w|5"), wm(6), clock(1400), at(0, "1|y|9"), clock(1600), at(0, "2|z|9"), wm(10))
}

func temporalTTL(ttl time.Duration) func() (Operator, error) {
	return func() (Operator, error) {
		n := &planner.TemporalJoin{Base: base(types.AppendMode, probed), Left: source(probes), Right: source(builds), Kind: planner.LeftJoin,
			Keys: planner.JoinKeys{Left: []int{0}, Right: []int{0}}, LeftTime: 2, RightTime: 2, TTL: ttl}
		return NewTemporalJoin(n, &planner.Settings{})
	}
}

// A partition of Top-N expires as a whole, across restarts too.
func TestTopNTTL(t *testing.T) {
	check(t, topNTTL(time.Second), []types.Schema{scored}, `
		+I a|3|1
		-U a|3|1
		+U a|5|2
		-U a|5|2
		+U a|9|3
		+I a|1|4`,
		clock(1), in("a|3|1"), clock(900), in("a|5|2"), clock(1500), in("a|9|3"), clock(2500), in("a|1|4"))
}

func topNTTL(ttl time.Duration) func() (Operator, error) {
	return func() (Operator, error) {
		src := source(scored)
		src.Info().Mode = types.AppendMode
		n := &planner.TopN{Base: base(types.RetractMode, scored), Input: src, Partition: []int{0}, Keys: []planner.SortKey{{Col: 1, Desc: true, NullsLast: true}}, Fetch: 1, TTL: ttl}
		return NewTopN(n, &planner.Settings{})
	}
}

// What has expired is forgotten though nothing asks for it again.
func TestExpiredIsFreed(t *testing.T) {
	for name, c := range map[string]struct {
		make   func() (Operator, error)
		inputs []types.Schema
		first  step
		later  step
		want   int64
	}{
		"over":               {overTTL(false, planner.Frame{Lo: planner.MinFrame}, time.Second), []types.Schema{overCols}, in("1|1|a|1", "2|1|a|1", "3|1|a|1"), in("4|1|a|9"), 1},
		"over without a TTL": {overTTL(false, planner.Frame{Lo: planner.MinFrame}, 0), []types.Schema{overCols}, in("1|1|a|1", "2|1|a|1", "3|1|a|1"), in("4|1|a|9"), 3},
		"over by the clock":  {overTTL(true, planner.Frame{Lo: -100}, 0), []types.Schema{overCols}, in("1|1|a|1", "2|1|a|1", "3|1|a|1"), in("4|1|a|9"), 1},
		"top-n":              {topNTTL(time.Second), []types.Schema{scored}, in("a|3|1", "b|5|2"), in("c|1|3"), 1},
		"temporal join":      {temporalTTL(time.Second), probeIn, at(1, "+I 1|p|1", "+I 2|p|1"), at(1, "+I 3|p|1"), 1},
		"without a TTL":      {temporalTTL(0), probeIn, at(1, "+I 1|p|1", "+I 2|p|1"), at(1, "+I 3|p|1"), 3},
	} {
		r := &trial{make: c.make, inputs: c.inputs, size: 100, store: state.NewMemory()}
		if err := r.open(0); err != nil {
			t.Fatal(err)
		}
		for _, s := range []step{clock(1), c.first, wm(5), clock(5000), c.later} {
			if err := r.do(s); err != nil {
				t.Fatal(err)
			}
		}
		if got := r.ctx.Metrics.Groups; got != c.want {
			t.Errorf("%s: %d keys, want %d", name, got, c.want)
		}
	}
}
