package op

import (
	"math/rand"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/planner"
	"weir/sql/types"
)

var (
	leftCols  = cols("k INT", "a STRING")
	rightCols = cols("k INT", "b STRING", "ok BOOLEAN")
	bothCols  = append(slices.Clone(leftCols), rightCols...)
)

type joinSpec struct {
	kind      planner.JoinKind
	cond      bool // the right row's ok
	nullSafe  bool
	nullAware bool
	unique    bool
	ttl       time.Duration
}

func joinOf(s joinSpec) func() (Operator, error) {
	return func() (Operator, error) {
		out := bothCols
		if s.kind == planner.SemiJoin || s.kind == planner.AntiJoin {
			out = leftCols
		}
		n := &planner.Join{Base: base(types.RetractMode, out), Left: source(leftCols), Right: source(rightCols), Kind: s.kind,
			Keys: planner.JoinKeys{Left: []int{0}, Right: []int{0}, NullSafe: []bool{s.nullSafe}}, NullAware: s.nullAware, LeftTTL: s.ttl, RightTTL: s.ttl}
		if s.cond {
			n.Cond = col(bothCols, 4)
		}
		if s.unique {
			n.RightKey = planner.StateKey{Unique: []int{0}, InJoinKey: true}
		}
		return NewJoin(n, &planner.Settings{})
	}
}

var joinInputs = []types.Schema{leftCols, rightCols}

func TestJoinInnerKeepsKinds(t *testing.T) {
	check(t, joinOf(joinSpec{kind: planner.InnerJoin}), joinInputs, `
		+I 1|x|1|p|true
		+U 1|y|1|p|true
		+I 1|x|1|q|false
		+I 1|y|1|q|false
		-U 1|x|1|p|true
		-U 1|x|1|q|false`,
		at(0, "+I 1|x", "+I -|n"), at(1, "+I 1|p|true", "+I -|m|true"), at(0, "+U 1|y"), at(1, "+I 1|q|false"), at(0, "-U 1|x"))
}

func TestJoinLeft(t *testing.T) {
	check(t, joinOf(joinSpec{kind: planner.LeftJoin, cond: true}), joinInputs, `
		+I 1|x|-|-|-
		+I -|n|-|-|-
		-D 1|x|-|-|-
		+I 1|x|1|q|true
		-D 1|x|1|q|true
		+I 1|x|-|-|-
		-D -|n|-|-|-
		-D 1|x|-|-|-`,
		at(0, "+I 1|x", "+I -|n"), at(1, "+I 1|p|false"), at(1, "+I 1|q|true"), at(1, "-U 1|q|true"), at(0, "-D -|n"), at(0, "-D 1|x"))
}

func TestJoinFullBothOuter(t *testing.T) {
	check(t, joinOf(joinSpec{kind: planner.FullJoin}), joinInputs, `
		+I -|-|1|p|true
		+I -|-|1|q|true
		-D -|-|1|p|true
		-D -|-|1|q|true
		+I 1|x|1|p|true
		+I 1|x|1|q|true
		-D 1|x|1|p|true
		-D 1|x|1|q|true
		+I -|-|1|p|true
		+I -|-|1|q|true`,
		at(1, "+I 1|p|true", "+I 1|q|true"), at(0, "+I 1|x"), at(0, "-D 1|x"))
}

func TestJoinReplacesByUniqueKey(t *testing.T) {
	check(t, joinOf(joinSpec{kind: planner.InnerJoin, unique: true}), joinInputs, `
		+I 1|x|1|p|true
		+U 1|x|1|q|true
		+I 1|y|1|q|true`,
		at(0, "+I 1|x"), at(1, "+I 1|p|true"), at(1, "+U 1|q|true"), at(0, "+I 1|y"))
}

func TestJoinTTL(t *testing.T) {
	check(t, joinOf(joinSpec{kind: planner.InnerJoin, ttl: time.Second}), joinInputs, "+I 1|x|1|p|true\n+I 1|z|1|r|true",
		clock(1), at(0, "+I 1|x"), clock(1000), at(1, "+I 1|p|true"), clock(1001), at(1, "+I 1|q|true"), clock(3000), at(1, "+I 1|r|true"), at(0, "+I 1|z"))
}

// TestJoinOfInserts: inputs that only insert are kept without looking for equal rows.
func TestJoinOfInserts(t *testing.T) {
	make := func() (Operator, error) {
		left, right := source(leftCols), source(rightCols)
		left.Info().Mode, right.Info().Mode = types.AppendMode, types.AppendMode
		return NewJoin(&planner.Join{Base: base(types.RetractMode, bothCols), Left: left, Right: right, Kind: planner.LeftJoin,
			Keys: planner.JoinKeys{Left: []int{0}, Right: []int{0}}}, &planner.Settings{})
	}
	check(t, make, joinInputs, `
		+I 1|x|-|-|-
		+I 1|x|-|-|-
		-D 1|x|-|-|-
		+I 1|x|1|p|true
		-D 1|x|-|-|-
		+I 1|x|1|p|true
		+I 1|x|1|p|true
		+I 1|x|1|p|true
		+I 1|y|1|p|true
		+I 1|y|1|p|true`, at(0, "1|x", "1|x"), at(1, "1|p|true", "1|p|true"), at(0, "1|y"))
}

func TestNotIn(t *testing.T) {
	check(t, joinOf(joinSpec{kind: planner.AntiJoin, nullAware: true}), joinInputs, `
		+I 1|x
		+I -|n
		-D -|n
		-D 1|x
		+I 1|x`,
		at(0, "+I 1|x", "+I -|n"), at(1, "+I 2|p|true"), at(0, "+I 2|y"), at(1, "+I -|q|true"), at(0, "+I 3|z"), at(0, "-D 3|z"), at(1, "-D -|q|true"))
}

func TestJoinRandom(t *testing.T) {
	var specs []joinSpec
	for _, kind := range []planner.JoinKind{planner.InnerJoin, planner.LeftJoin, planner.RightJoin, planner.FullJoin, planner.SemiJoin, planner.AntiJoin} {
		specs = append(specs, joinSpec{kind: kind}, joinSpec{kind: kind, cond: true}, joinSpec{kind: kind, nullSafe: true})
	}
	specs = append(specs, joinSpec{kind: planner.AntiJoin, nullAware: true}, joinSpec{kind: planner.AntiJoin, nullAware: true, cond: true})
	for seed := range int64(3) {
		for _, spec := range specs {
			rng := rand.New(rand.NewSource(seed))
			var steps []step
			live := [2][]string{}
			for range 80 {
				port := rng.Intn(2)
				if n := len(live[port]); n > 0 && rng.Intn(3) == 0 {
					i := rng.Intn(n)
					steps = append(steps, at(port, "-D "+live[port][i]))
					live[port] = slices.Delete(slices.Clone(live[port]), i, i+1)
					continue
				}
				row := maybe(rng, 4) + "|" + string(rune('a'+rng.Intn(2)))
				if port == 1 {
					row += "|" + strconv.FormatBool(rng.Intn(3) > 0)
				}
				live[port] = append(live[port], row)
				steps = append(steps, at(port, "+I "+row))
			}
			stepwise(t, joinOf(spec), joinInputs, steps, func(done []step) string { return refJoin(done, spec) })
		}
	}
}

func refJoin(done []step, spec joinSpec) string {
	side := [2][]string{}
	for _, s := range done {
		row := s.lines[0][3:]
		if s.lines[0][0] == '+' {
			side[s.port] = append(side[s.port], row)
		} else {
			i := slices.Index(side[s.port], row)
			side[s.port] = slices.Delete(slices.Clone(side[s.port]), i, i+1)
		}
	}
	match := func(l, r string) bool {
		lk, rk := strings.Split(l, "|")[0], strings.Split(r, "|")[0]
		if spec.cond && !strings.HasSuffix(r, "true") {
			return false
		}
		if spec.nullAware && (lk == "-" || rk == "-") {
			return true
		}
		return lk == rk && (lk != "-" || spec.nullSafe)
	}
	table := map[string]int{}
	rightHit := make([]bool, len(side[1]))
	for _, l := range side[0] {
		hit := false
		for i, r := range side[1] {
			if !match(l, r) {
				continue
			}
			hit, rightHit[i] = true, true
			if spec.kind < planner.SemiJoin {
				table[l+"|"+r]++
			}
		}
		switch {
		case !hit && (spec.kind == planner.LeftJoin || spec.kind == planner.FullJoin):
			table[l+"|-|-|-"]++
		case spec.kind == planner.SemiJoin && hit, spec.kind == planner.AntiJoin && !hit:
			table[l]++
		}
	}
	for i, r := range side[1] {
		if !rightHit[i] && (spec.kind == planner.RightJoin || spec.kind == planner.FullJoin) {
			table["-|-|"+r]++
		}
	}
	return tableText(table)
}
