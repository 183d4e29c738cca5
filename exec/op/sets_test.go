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

func TestSetOps(t *testing.T) {
	s := cols("k INT", "v STRING")
	for seed := range int64(8) {
		for _, c := range []struct{ except, all bool }{{false, false}, {false, true}, {true, false}, {true, true}} {
			make := func() (Operator, error) {
				return NewSetOp(&planner.SetOp{Base: base(types.RetractMode, s), Ins: []planner.Node{source(s), source(s), source(s)}, Except: c.except, All: c.all}, &planner.Settings{})
			}
			rng := rand.New(rand.NewSource(seed))
			counts := map[string][]int{}
			var steps []step
			var wants []string
			for range 60 {
				row, port := maybe(rng, 2)+"|"+string(rune('a'+rng.Intn(2))), rng.Intn(3)
				if counts[row] == nil {
					counts[row] = []int{0, 0, 0}
				}
				line := "+I " + row
				if counts[row][port] > 0 && rng.Intn(3) == 0 {
					line = "-D " + row
					counts[row][port]--
				} else {
					counts[row][port]++
				}
				steps = append(steps, at(port, line))
				wants = append(wants, refSets(counts, c.except, c.all))
			}
			stepwise(t, make, []types.Schema{s, s, s}, steps, func(done []step) string { return wants[len(done)-1] })
		}
	}
}

func refSets(counts map[string][]int, except, all bool) string {
	table := map[string]int{}
	for row, c := range counts {
		n := c[0]
		for _, o := range c[1:] {
			switch {
			case except && all:
				n = max(n-o, 0)
			case except:
				if o > 0 {
					n = 0
				}
			default:
				n = min(n, o)
			}
		}
		if !all {
			n = min(n, 1)
		}
		if n > 0 {
			table[row] = n
		}
	}
	return tableText(table)
}

func TestUpsertMaterialize(t *testing.T) {
	s := cols("k INT", "v STRING")
	make := func(mode types.ChangelogMode) func() (Operator, error) {
		return func() (Operator, error) {
			return NewUpsertMaterialize(&planner.UpsertMaterialize{Base: base(mode, s), Input: source(s), Keys: []int{0}}, &planner.Settings{})
		}
	}
	input := in("+I 1|a", "+U 1|b", "+I 1|c", "-D 1|b", "-U 1|c", "-D 1|x", "-D 1|a", "-D 1|a", "+I 1|d")
	check(t, make(types.UpsertMode), []types.Schema{s}, "+I 1|a\n+U 1|b\n+U 1|c\n+U 1|a\n-D 1|a\n+I 1|d", input)
	check(t, make(types.RetractMode), []types.Schema{s}, "+I 1|a\n-U 1|a\n+U 1|b\n-U 1|b\n+U 1|c\n-U 1|c\n+U 1|a\n-D 1|a\n+I 1|d", input)
}

// TestUnnest takes its arrays from ARRAY_AGG, its multisets from COLLECT.
func TestUnnest(t *testing.T) {
	s := cols("k INT", "v STRING")
	for _, c := range []struct {
		name, agg string
		outer     bool
		ord       bool
		cond      planner.Expr
		want      string
	}{
		{"array", "ARRAY_AGG", false, true, nil, "[1 a 1] [1 b 2] [1 a 3] [2 - 1]"},
		{"multiset", "COLLECT", false, false, nil, "[1 a] [1 a] [1 b]"},
		{"left", "COLLECT", true, true, nil, "[1 a 1] [1 a 2] [1 b 3] [2 - -] [3 - -]"},
		{"left with condition", "ARRAY_AGG", true, false, &planner.In{X: &planner.ColRef{Index: 2, T: types.StringType}, List: []planner.Expr{lit("b")}}, "[1 b] [2 -] [3 -]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := unnested(s, c.agg, c.outer, c.ord, c.cond)
			if err != nil || got != c.want {
				t.Fatalf("want %s, got %s (%v)", c.want, got, err)
			}
		})
	}
}

func unnested(s types.Schema, fn string, outer, ord bool, cond planner.Expr) (string, error) {
	a := filtered(agg(s, fn, 1), 2)
	set, err := newAggSet([]planner.AggCall{a})
	if err != nil {
		return "", err
	}
	set.resize(3)
	in := rows(cols("k INT", "v STRING", "ok BOOLEAN"), "1|a|true", "1|b|true", "1|a|true", "2|-|true", "3|x|false")
	if err := set.update([]int32{0, 0, 0, 1, 2}, in); err != nil {
		return "", err
	}
	lists, err := set.values([]int32{0, 1, 2})
	if err != nil {
		return "", err
	}
	list := set.runs[0].call.Type
	schema := types.Schema{{Name: "k", Type: types.IntType}, {Name: "l", Type: list}}
	out := append(slices.Clone(schema), cols("v STRING")...)
	if ord {
		out = append(out, cols("o INT")...)
	}
	op, err := NewUnnest(&planner.Unnest{Base: base(types.AppendMode, out), Input: source(schema), Collection: &planner.ColRef{Index: 1, T: list}, Outer: outer, Ordinality: ord, Cond: cond}, &planner.Settings{})
	if err != nil {
		return "", err
	}
	if err := op.Open(benchContext()); err != nil {
		return "", err
	}
	var m lastBatch
	b := rows(cols("k INT"), "1", "2", "3")
	if err := op.Process(0, batchOf(schema, b.Col(0), lists[0]), &m); err != nil {
		return "", err
	}
	text := ""
	for i := range m.b.Len() {
		line := showValue(m.b.Col(0), i)
		for c := 2; c < int(m.b.Rows.NumCols()); c++ {
			line += " " + showValue(m.b.Col(c), i)
		}
		text += fmt.Sprintf("[%s] ", line)
	}
	return text[:max(len(text)-1, 0)], nil
}

// TestBatchModeShowsTheEnd: operators that change their output show only what is there at the end.
func TestBatchModeShowsTheEnd(t *testing.T) {
	s := &planner.Settings{Batch: true}
	for name, c := range map[string]struct {
		make   func() (Operator, error)
		inputs []types.Schema
		want   string
		steps  []step
	}{
		"left join": {func() (Operator, error) {
			return NewJoin(&planner.Join{Base: base(types.AppendMode, bothCols), Left: source(leftCols), Right: source(rightCols), Kind: planner.LeftJoin,
				Keys: planner.JoinKeys{Left: []int{0}, Right: []int{0}}}, s)
		}, joinInputs, "+I 2|y|-|-|-\n+I 1|x|1|p|true", []step{at(0, "1|x", "2|y"), at(1, "1|p|true")}},
		"top": {func() (Operator, error) {
			return NewTopN(&planner.TopN{Base: base(types.AppendMode, ranks), Input: source(scored), Partition: []int{0}, Keys: []planner.SortKey{{Col: 1}}, Fetch: 1, Rank: true}, s)
		}, []types.Schema{scored}, "+I a|1|2|1\n+I b|5|3|1", []step{in("a|3|1", "a|1|2", "b|5|3")}},
		"last": {func() (Operator, error) {
			return NewDedup(&planner.Dedup{Base: base(types.AppendMode, events), Input: source(events), Keys: []int{0}, TimeCol: 2, Last: true}, s)
		}, []types.Schema{events}, "+I a|2|9", []step{in("a|1|5", "a|2|9", "a|3|7")}},
	} {
		got, err := run(c.make, c.inputs, 2, false, c.steps...)
		if d := compare(lines(c.want), got); d != "" || err != nil {
			t.Fatalf("%s: %s (%v)", name, d, err)
		}
	}
}

// The counts of a row expire when it was not written for the TTL.
func TestSetOpExpires(t *testing.T) {
	s := cols("k INT")
	make := func() (Operator, error) {
		return NewSetOp(&planner.SetOp{Base: base(types.RetractMode, s), Ins: []planner.Node{source(s), source(s)}, TTL: 10 * time.Second}, &planner.Settings{})
	}
	check(t, make, []types.Schema{s, s}, `+I 1`,
		clock(1000), at(0, "1", "2"), clock(10_999), at(1, "1"), clock(11_000), at(1, "2"))
}
