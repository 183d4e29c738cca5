package op

import (
	"slices"
	"testing"
	"time"

	"weir/planner"
	"weir/sql/types"
)

var (
	probes  = cols("k INT", "a STRING", "ts TS")
	builds  = cols("k INT", "b STRING", "ts TS")
	probed  = append(slices.Clone(probes), builds...)
	probeIn = []types.Schema{probes, builds}
)

func TestIntervalJoin(t *testing.T) {
	make := func(kind planner.JoinKind, cond planner.Expr) func() (Operator, error) {
		return func() (Operator, error) {
			n := &planner.IntervalJoin{Base: base(types.AppendMode, probed), Left: source(probes), Right: source(builds), Kind: kind,
				Keys: planner.JoinKeys{Left: []int{0}, Right: []int{0}}, LeftTime: 2, RightTime: 2, Lower: -5, Upper: 10, Cond: cond}
			return NewIntervalJoin(n, &planner.Settings{})
		}
	}
	// Left time - right time is in [-5, 10]; both ends count.
	steps := []step{
		at(0, "1|x|20", "1|y|9", "-|n|20"), at(1, "1|p|10", "1|q|25", "1|r|26", "-|m|20", "2|s|20"), wm(25),
		at(0, "1|z|36", "1|late|15"), wm(26), wm(40),
	}
	check(t, make(planner.InnerJoin, nil), probeIn, `
		+I 1|y|9|1|p|10
		+I 1|x|20|1|p|10
		+I 1|x|20|1|q|25
		+I 1|z|36|1|r|26`, steps...)
	check(t, make(planner.FullJoin, nil), probeIn, `
		+I -|n|20|-|-|-
		+I 1|y|9|1|p|10
		+I 1|x|20|1|p|10
		+I 1|x|20|1|q|25
		+I -|-|-|-|m|20
		+I 1|z|36|1|r|26
		+I 1|late|14|-|-|-
		+I -|-|-|2|s|20`, slices.Concat(steps[:3], []step{at(0, "1|z|36"), wm(30), at(0, "1|late|14"), wm(31)})...)
	check(t, make(planner.LeftJoin, &planner.Not{X: &planner.In{X: col(probed, 4), List: []planner.Expr{lit("q")}}}), probeIn, `
		+I -|n|20|-|-|-
		+I 1|y|9|1|p|10
		+I 1|x|20|1|p|10
		+I 1|z|36|1|r|26
		+I 1|late|15|-|-|-`, slices.Concat(steps[:3], []step{wm(36), at(0, "1|z|36", "1|late|15")})...)
}

// lit is a STRING literal.
func lit(s string) planner.Expr {
	return &planner.Literal{T: types.StringType, Val: rows(cols("x STRING"), s).Col(0)}
}

func TestIntervalJoinHoldsTheWatermark(t *testing.T) {
	n := &planner.IntervalJoin{Base: base(types.AppendMode, probed), Left: source(probes), Right: source(builds),
		Keys: planner.JoinKeys{Left: []int{0}, Right: []int{0}}, LeftTime: 2, RightTime: 2, Lower: -5, Upper: 10}
	op, err := NewIntervalJoin(n, &planner.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	if err := op.Open(benchContext()); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]types.Time{{100, 90}, {types.MaxTime, types.MaxTime}} {
		if got, err := op.Watermark(c[0], &discard{}); err != nil || got != c[1] {
			t.Fatalf("watermark %d: passed on %d, want %d (%v)", c[0], got, c[1], err)
		}
	}
}

func TestTemporalJoin(t *testing.T) {
	make := func(kind planner.JoinKind, cond planner.Expr) func() (Operator, error) {
		return func() (Operator, error) {
			n := &planner.TemporalJoin{Base: base(types.AppendMode, probed), Left: source(probes), Right: source(builds), Kind: kind,
				Keys: planner.JoinKeys{Left: []int{0}, Right: []int{0}}, LeftTime: 2, RightTime: 2, Cond: cond}
			return NewTemporalJoin(n, &planner.Settings{})
		}
	}
	steps := []step{
		at(0, "1|x|5", "1|w|12", "1|v|3", "2|u|6", "-|n|6"), at(1, "+I 1|p|4", "+U 1|q|10", "+I -|m|1"), wm(8),
		at(1, "-D 1|q|20"), at(0, "1|t|20", "1|s|19"), wm(30), at(1, "+I 1|r|25"), at(0, "1|o|40"), wm(50), at(0, "1|z|60"), wm(60),
	}
	check(t, make(planner.LeftJoin, nil), probeIn, `
		+I 1|x|5|1|p|4
		+I 1|v|3|-|-|-
		+I 2|u|6|-|-|-
		+I -|n|6|-|m|1
		+I 1|w|12|1|q|10
		+I 1|t|20|-|-|-
		+I 1|s|19|1|q|10
		+I 1|o|40|1|r|25
		+I 1|z|60|1|r|25`, steps...)
	check(t, make(planner.InnerJoin, &planner.In{X: col(probed, 4), List: []planner.Expr{lit("p"), lit("r")}}), probeIn, `
		+I 1|x|5|1|p|4
		+I 1|o|40|1|r|25
		+I 1|z|60|1|r|25`, steps...)
}

var (
	inWindow  = cols("k INT", "v INT", "ws TS", "we TS")
	winJoined = append(slices.Clone(inWindow), inWindow...)
	attached  = planner.Window{Kind: planner.Tumble, Size: 10, TimeCol: -1, Start: 2, End: 3}
)

func TestWindowJoin(t *testing.T) {
	make := func(kind planner.JoinKind) func() (Operator, error) {
		return func() (Operator, error) {
			out := winJoined
			if kind >= planner.SemiJoin {
				out = inWindow
			}
			n := &planner.WindowJoin{Base: base(types.AppendMode, out), Left: source(inWindow), Right: source(inWindow), Kind: kind,
				Keys: planner.JoinKeys{Left: []int{0}, Right: []int{0}}, LeftW: attached, RightW: attached,
				Cond: &planner.Not{X: &planner.In{X: col(winJoined, 5), List: []planner.Expr{intLit("9")}}}}
			return NewWindowJoin(n, &planner.Settings{Zone: time.UTC})
		}
	}
	steps := []step{
		at(0, "1|1|0|10", "1|2|10|20", "-|3|0|10", "2|4|0|10"), at(1, "1|5|0|10", "1|9|0|10", "-|6|0|10", "1|7|10|20", "3|8|0|10"),
		wm(9), at(0, "1|1|0|10"), at(1, "2|2|0|10"), wm(19),
	}
	for kind, want := range map[planner.JoinKind]string{
		planner.InnerJoin: "+I 1|1|0|10|1|5|0|10\n+I 1|2|10|20|1|7|10|20",
		planner.FullJoin: `
			+I 1|1|0|10|1|5|0|10
			+I -|-|-|-|1|9|0|10
			+I -|3|0|10|-|-|-|-
			+I -|-|-|-|-|6|0|10
			+I 2|4|0|10|-|-|-|-
			+I -|-|-|-|3|8|0|10
			+I 1|2|10|20|1|7|10|20`,
		planner.SemiJoin: "+I 1|1|0|10\n+I 1|2|10|20",
		planner.AntiJoin: "+I -|3|0|10\n+I 2|4|0|10",
	} {
		check(t, make(kind), []types.Schema{inWindow, inWindow}, want, steps...)
	}
}

func intLit(n string) planner.Expr {
	return &planner.Literal{T: types.IntType, Val: rows(cols("x INT"), n).Col(0)}
}

func TestWindowTopN(t *testing.T) {
	make := func(offset int64, rank bool) func() (Operator, error) {
		return func() (Operator, error) {
			out := inWindow
			if rank {
				out = append(slices.Clone(inWindow), cols("rn BIGINT")...)
			}
			n := &planner.WindowTopN{Base: base(types.AppendMode, out), Input: source(inWindow), Window: attached, Partition: []int{0},
				Keys: []planner.SortKey{{Col: 1, Desc: true, NullsLast: true}}, Offset: offset, Fetch: 2, Rank: rank}
			return NewWindowTopN(n, &planner.Settings{Zone: time.UTC})
		}
	}
	var many []string
	for range 30 {
		many = append(many, "1|0|0|10")
	}
	steps := []step{in(many...), in("1|3|0|10", "1|5|0|10", "2|1|0|10", "1|4|0|10", "1|7|10|20"), in(many...), wm(9), in("1|9|0|10")}
	check(t, make(0, true), []types.Schema{inWindow}, "+I 1|5|0|10|1\n+I 1|4|0|10|2\n+I 2|1|0|10|1\n+I 1|7|10|20|1", steps...)
	check(t, make(1, false), []types.Schema{inWindow}, "+I 1|4|0|10\n+I 1|3|0|10", steps...)
}
