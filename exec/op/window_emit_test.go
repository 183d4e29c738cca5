package op

import (
	"testing"
	"time"

	"weir/planner"
	"weir/sql/types"
)

func windowEmitOf(w planner.Window, e planner.WindowEmit, mode types.ChangelogMode, aggs ...planner.AggCall) func() (Operator, error) {
	return func() (Operator, error) {
		w.Start, w.End = -1, -1
		n := &planner.WindowAgg{Base: base(mode, eventOut), Input: source(events), Window: w, Keys: []int{0}, Aggs: aggs, Props: allProps, Emit: &e}
		n.Input.Info().Mode = types.RetractMode
		return NewWindowAgg(n, &planner.Settings{Zone: time.UTC})
	}
}

func countAndSum() []planner.AggCall { return retracts(agg(events, "COUNT"), agg(events, "SUM", 1)) }

// A window's early results come at a distance from its first row, and stop with its end; late ones from the
// first late row on. A window that had no row at its end gives a result at once.
func TestWindowEmitByTheClock(t *testing.T) {
	w := planner.Window{Kind: planner.Tumble, Size: 10, TimeCol: 2}
	e := planner.WindowEmit{Early: 100, Late: 1000, Lateness: 20}
	check(t, windowEmitOf(w, e, types.RetractMode, countAndSum()...), []types.Schema{events}, `
		+I a|1|1|0|10|9
		+I b|1|2|0|10|9
		-U a|1|1|0|10|9
		+U a|2|4|0|10|9
		-U a|2|4|0|10|9
		+U a|3|8|0|10|9
		+I c|1|1|0|10|9
		-U c|1|1|0|10|9
		+U c|2|2|0|10|9
		-U a|3|8|0|10|9
		+U a|4|13|0|10|9
		-D b|1|2|0|10|9`,
		clock(1000), in("a|1|1"), clock(1050), in("b|2|2"), clock(1099), clock(1100), // a, at 1100
		clock(1150), in("a|3|3"), clock(1200), // b at 1150, a at 1200
		clock(1300), in("a|4|4"), wm(9), // its end
		clock(5000), in("a|5|5", "c|1|6", "c|1|7", "-D b|2|2"), clock(5500), clock(6000),
		clock(9000), in("a|9|9"), wm(29), clock(10000), in("a|9|9")) // the lateness is over before the next result
}

func TestWindowEmitUpserts(t *testing.T) {
	w := planner.Window{Kind: planner.Hop, Size: 10, Slide: 5, TimeCol: 2}
	check(t, windowEmitOf(w, planner.WindowEmit{Early: 0, Late: -1}, types.UpsertMode, countAndSum()...), []types.Schema{events}, `
		+I a|1|1|5|15|14
		+I a|1|1|0|10|9
		+U a|2|1|0|10|9
		+I a|1|0|-5|5|4
		-D a|1|1|5|15|14
		+U a|1|0|0|10|9
		+I a|1|1|5|15|14
		+U a|2|1|0|10|9
		-D a|1|1|5|15|14`,
		in("a|1|7", "a|0|2", "-D a|1|7", "a|1|7"), wm(9), in("-D a|1|7"))
}

func TestWindowEmitOfTheClock(t *testing.T) {
	w := planner.Window{Kind: planner.Tumble, Size: 1000, ProcTime: true}
	check(t, windowEmitOf(w, planner.WindowEmit{Early: 300, Late: -1}, types.RetractMode, countAndSum()...), []types.Schema{events}, `
		+I a|1|1|0|1000|999
		-U a|1|1|0|1000|999
		+U a|2|3|0|1000|999
		+I b|1|5|1000|2000|1999`,
		clock(100), in("a|1|-"), clock(400), clock(500), in("a|2|-"), clock(1000), clock(1100), in("b|5|-"), clock(2500))
}
