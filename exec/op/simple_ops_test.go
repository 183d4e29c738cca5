package op

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"weir/planner"
	"weir/sql/types"
)

func col(s types.Schema, i int) planner.Expr { return &planner.ColRef{Index: i, T: s[i].Type} }

func TestCalc(t *testing.T) {
	s := cols("k INT", "ok BOOLEAN")
	make := func(cond planner.Expr, exprs ...planner.Expr) func() (Operator, error) {
		return func() (Operator, error) {
			out := s
			if exprs != nil {
				out = cols("ok BOOLEAN", "k INT")
			}
			return NewCalc(&planner.Calc{Base: base(types.RetractMode, out), Input: source(s), Cond: cond, Exprs: exprs}, &planner.Settings{})
		}
	}
	input := in("+I 1|true", "-U 1|true", "+U 2|false", "-D 3|-", "+I 4|true")
	check(t, make(col(s, 1)), []types.Schema{s}, "+I 1|true\n-U 1|true\n+I 4|true", input)
	check(t, make(nil, col(s, 1), col(s, 0)), []types.Schema{s}, "+I true|1\n-U true|1\n+U false|2\n-D -|3\n+I true|4", input)
	check(t, make(col(s, 1), col(s, 1), col(s, 0)), []types.Schema{s}, "+I true|1\n-U true|1\n+I true|4", input)
}

func TestWindowTVF(t *testing.T) {
	s := cols("k INT", "ts TS")
	out := append(slices.Clone(s), cols("ws TS", "we TS", "wt TS")...)
	make := func(w planner.Window) func() (Operator, error) {
		return func() (Operator, error) {
			w.TimeCol, w.Start, w.End = 1, -1, -1
			return NewWindowTVF(&planner.WindowTVF{Base: base(types.AppendMode, out), Input: source(s), Window: w}, &planner.Settings{})
		}
	}
	check(t, make(planner.Window{Kind: planner.Hop, Size: 10, Slide: 5}), []types.Schema{s}, `
		+I 1|7|5|15|14
		+I 1|7|0|10|9
		-D 2|-1|-5|5|4
		-D 2|-1|-10|0|-1`, in("1|7", "-D 2|-1"))
	check(t, make(planner.Window{Kind: planner.Tumble, Size: 10, Offset: 3}), []types.Schema{s}, `+I 1|2|-7|3|2`, in("1|2"))
	check(t, make(planner.Window{Kind: planner.Cumulate, Size: 15, Slide: 5}), []types.Schema{s}, `
		+I 1|6|0|10|9
		+I 1|6|0|15|14`, in("1|6"))
	check(t, make(planner.Window{Kind: planner.Hop, Size: 2, Slide: 5}), []types.Schema{s}, `+I 1|1|0|2|1`, in("1|1", "1|2"))
}

func TestLimit(t *testing.T) {
	s := cols("k INT")
	make := func(offset, fetch int64) func() (Operator, error) {
		return func() (Operator, error) {
			return NewLimit(&planner.Limit{Base: base(types.AppendMode, s), Input: source(s), Offset: offset, Fetch: fetch}, &planner.Settings{})
		}
	}
	input := in("1", "2", "3", "4", "5")
	check(t, make(1, 3), []types.Schema{s}, "+I 2\n+I 3\n+I 4", input)
	check(t, make(4, -1), []types.Schema{s}, "+I 5", input)
	check(t, make(0, 0), []types.Schema{s}, "", input)
}

func TestExpand(t *testing.T) {
	s := cols("k INT", "v INT")
	null := &planner.Cast{X: col(s, 0), T: types.IntType}
	make := func() (Operator, error) {
		return NewExpand(&planner.Expand{Base: base(types.AppendMode, s), Input: source(s), Projects: [][]planner.Expr{{col(s, 0), col(s, 1)}, {col(s, 1), null}}}, &planner.Settings{})
	}
	check(t, make, []types.Schema{s}, "+I 1|2\n+I 2|1\n-D 3|4\n-D 4|3", in("1|2", "-D 3|4"))
}

func TestChangelogNormalize(t *testing.T) {
	s := cols("k INT", "v STRING")
	make := func(mode types.ChangelogMode, ttl time.Duration) func() (Operator, error) {
		return func() (Operator, error) {
			return NewChangelogNormalize(&planner.ChangelogNormalize{Base: base(mode, s), Input: source(s), Keys: []int{0}, TTL: ttl}, &planner.Settings{})
		}
	}
	input := in("+U 1|a", "-D 2|x", "+U 1|a", "+I 1|b", "+I -|n", "-D 1|-", "-D 1|b", "+U 1|c", "-U 1|c")
	check(t, make(types.RetractMode, 0), []types.Schema{s}, `
		+I 1|a
		-U 1|a
		+U 1|b
		+I -|n
		-D 1|b
		+I 1|c`, input)
	check(t, make(types.UpsertMode, time.Hour), []types.Schema{s}, `
		+I 1|a
		+U 1|a
		+U 1|b
		+I -|n
		-D 1|b
		+I 1|c`, input)
}

func TestSortByTime(t *testing.T) {
	s := cols("ts TS", "v INT")
	make := func() (Operator, error) {
		keys := []planner.SortKey{{Col: 0}, {Col: 1, Desc: true}}
		return NewSort(&planner.Sort{Base: base(types.AppendMode, s), Input: source(s), Keys: keys, Temporal: true}, &planner.Settings{})
	}
	// 6 is behind the watermark, but not behind the last row that left.
	check(t, make, []types.Schema{s}, `
		+I 1|1
		+I 5|3
		+I 5|2
		+I 5|2
		+I 6|9
		+I 9|-`, in("5|2", "1|1", "5|3", "9|-", "5|2"), wm(8), in("6|9", "5|7", "4|0"))
}

func TestSortBatch(t *testing.T) {
	s := cols("ts TS", "v INT")
	make := func() (Operator, error) {
		keys := []planner.SortKey{{Col: 1, Desc: true, NullsLast: true}, {Col: 0}}
		return NewSort(&planner.Sort{Base: base(types.AppendMode, s), Input: source(s), Keys: keys}, &planner.Settings{Batch: true})
	}
	check(t, make, []types.Schema{s}, "+I 1|3\n+I 5|2\n+I 9|2\n+I 4|-", in("9|2", "4|-", "5|2", "1|3"))
}

var sessionWindow = planner.Window{Kind: planner.Session, Gap: 10, TimeCol: 2}

func TestSessions(t *testing.T) {
	make := windowAggOf(events, []int{0}, sessionWindow, eventOut, agg(events, "COUNT"), agg(events, "SUM", 1))
	// Rows exactly one gap apart are one session; a late row lives on in a session that is open.
	check(t, make, []types.Schema{events}, `
		+I b|1|9|15|25|24
		+I a|4|15|0|30|29
		+I b|1|5|40|50|49`,
		in("a|1|0", "a|2|20", "a|4|10", "b|9|15"), wm(24), in("b|7|14", "a|8|12", "b|5|40"), wm(29), in("a|1|19"))
}

// TestSessionsRandom compares with sessions built from sorted times; nothing is late.
func TestSessionsRandom(t *testing.T) {
	for seed := range int64(20) {
		rng := rand.New(rand.NewSource(seed))
		byKey := map[string][][2]int{}
		var lines []string
		for range 60 {
			k, v, ts := string(rune('a'+rng.Intn(3))), rng.Intn(5), rng.Intn(400)
			byKey[k] = append(byKey[k], [2]int{ts, v})
			lines = append(lines, fmt.Sprintf("%s|%d|%d", k, v, ts))
		}
		var want []string
		for k, list := range byKey {
			slices.SortFunc(list, func(a, b [2]int) int { return a[0] - b[0] })
			for i := 0; i < len(list); {
				n, sum, end := 0, 0, list[i][0]
				start := list[i][0]
				for i < len(list) && list[i][0] <= end {
					n, sum, end = n+1, sum+list[i][1], list[i][0]+10
					i++
				}
				want = append(want, fmt.Sprintf("+I %s|%d|%d|%d|%d|%d", k, n, sum, start, end, end-1))
			}
		}
		slices.Sort(want)
		make := windowAggOf(events, []int{0}, sessionWindow, eventOut, agg(events, "COUNT"), agg(events, "SUM", 1))
		checkSorted(t, make, append(want, ""), false, []step{in(lines...)})
	}
}

func TestProcTimeSession(t *testing.T) {
	s := cols("k STRING")
	make := func() (Operator, error) {
		w := planner.Window{Kind: planner.Session, Gap: 100, ProcTime: true, Start: -1, End: -1}
		n := &planner.WindowAgg{Base: base(types.AppendMode, cols("k STRING", "c BIGINT", "ws TS", "we TS")), Input: source(s), Window: w, Keys: []int{0},
			Aggs: []planner.AggCall{agg(s, "COUNT")}, Props: allProps[:2]}
		return NewWindowAgg(n, &planner.Settings{})
	}
	check(t, make, []types.Schema{s}, "+I a|2|0|190\n+I a|1|300|400", clock(0), in("a"), clock(90), in("a"), clock(150), clock(300), in("a"), clock(1000))
}

func TestSessionTVF(t *testing.T) {
	out := append(slices.Clone(events), cols("ws TS", "we TS", "wt TS")...)
	make := func() (Operator, error) {
		w := planner.Window{Kind: planner.Session, Gap: 10, TimeCol: 2, Start: -1, End: -1, PartitionBy: []int{0}}
		return NewWindowTVF(&planner.WindowTVF{Base: base(types.AppendMode, out), Input: source(events), Window: w}, &planner.Settings{})
	}
	check(t, make, []types.Schema{events}, `
		+I a|1|0|0|22|21
		+I a|2|12|0|22|21
		+I a|3|5|0|22|21
		+I b|4|20|20|30|29`, in("a|1|0", "a|2|12", "a|3|5", "b|4|20"), wm(21), in("a|9|3"))
}
