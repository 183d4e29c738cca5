package op

import (
	"fmt"
	"strings"
	"testing"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
)

// matchPattern reads "A B+ C*? D{1,3}"; variables get numbers in order.
func matchPattern(text string) (*planner.Pattern, []string) {
	out := &planner.Pattern{Var: -1, Min: 1, Max: 1}
	var vars []string
	for i, f := range strings.Fields(text) {
		p := &planner.Pattern{Var: i, Min: 1, Max: 1}
		vars = append(vars, f[:1])
		q := f[1:]
		if len(q) > 1 && strings.HasSuffix(q, "?") {
			p.Lazy, q = true, q[:len(q)-1]
		}
		switch {
		case q == "*":
			p.Min, p.Max = 0, -1
		case q == "+":
			p.Max = -1
		case q == "?":
			p.Min = 0
		case strings.HasSuffix(q, ",}"):
			_, _ = fmt.Sscanf(q, "{%d,}", &p.Min)
			p.Max = -1
		case q != "":
			_, _ = fmt.Sscanf(q, "{%d,%d}", &p.Min, &p.Max)
		}
		out.Seq = append(out.Seq, p)
	}
	return out, vars
}

// TestAutomaton runs patterns over rows a second apart, each written as the variables that it could be.
// A match is the places of its rows; a blank parts variables.
func TestAutomaton(t *testing.T) {
	for _, c := range []struct {
		pattern string
		skip    planner.MatchSkip
		to      string
		within  int64
		rows    string
		want    string
	}{
		{pattern: "A B", rows: "A B A A B", want: "A0 B1; A3 B4"},
		{pattern: "A B C", rows: "A B B C A B C", want: "A4 B5 C6"},
		{pattern: "A+ B", rows: "A A B A", want: "A0 A1 B2"},
		{pattern: "A+ B", rows: "A AB B", want: "A0 A1 B2"},
		{pattern: "A+? B", rows: "A AB B", want: "A0 B1"},
		{pattern: "A B* C", rows: "A C A B BC C", want: "A0 C1; A2 B3 B4 C5"},
		{pattern: "A B*? C", rows: "A C A B BC C", want: "A0 C1; A2 B3 C4"},
		{pattern: "A B? C", rows: "A BC C", want: "A0 C1"},
		{pattern: "A{2,2} B", rows: "A A A B", want: "A1 A2 B3"},
		{pattern: "A{2,} B", rows: "A B A A A B", want: "A2 A3 A4 B5"},
		{pattern: "A{1,2} B", rows: "A AB B", want: "A0 A1 B2"},
		{pattern: "A{0,2} B", rows: "B A B A A A B", want: "B0; A1 B2; A4 A5 B6"},
		{pattern: "A B+?", rows: "A B B", want: "A0 B1"},
		{pattern: "A B{2,3}?", rows: "A B B B", want: "A0 B1 B2"},
		{pattern: "A B", skip: planner.SkipToNext, rows: "AB AB B", want: "A0 B1; A1 B2"},
		{pattern: "A+ B", skip: planner.SkipToNext, rows: "A A B", want: "A0 A1 B2; A1 B2"},
		{pattern: "A B+ C", skip: planner.SkipToFirst, to: "B", rows: "A AB B C", want: "A0 B1 B2 C3; A1 B2 C3"},
		{pattern: "A B+ C", skip: planner.SkipToLast, to: "B", rows: "A AB B C", want: "A0 B1 B2 C3"},
		{pattern: "A B", skip: planner.SkipToFirst, to: "A", rows: "A B", want: `AFTER MATCH SKIP TO FIRST "A": that is the first row of a match`},
		{pattern: "A B? C", skip: planner.SkipToLast, to: "B", rows: "A C", want: `AFTER MATCH SKIP TO LAST "B": a match has no row of "B"`},
		{pattern: "A B+ C", within: 3, rows: "A B B C A B C", want: "A4 B5 C6"},
		// Of two ways to match at once, the one found first.
		{pattern: "A{1,2}? B{1,2}? C", rows: "A AB BC C", want: "A0 B1 C2"},
	} {
		p, vars := matchPattern(c.pattern)
		n := &planner.Match{Vars: vars, Pattern: p, Skip: c.skip, WithinMs: c.within * 1000, SkipVar: strings.Index(strings.Join(vars, ""), c.to)}
		if got := runAutomaton(t, n, strings.Fields(c.rows)); !strings.HasPrefix(got, c.want) || c.want == "" || (len(got) > len(c.want) && !strings.HasPrefix(c.want, "AFTER")) {
			t.Errorf("%s over %s: got %q, want %q", c.pattern, c.rows, got, c.want)
		}
	}
}

func runAutomaton(t *testing.T, n *planner.Match, rows []string) string {
	t.Helper()
	a, err := newAutomaton(n)
	if err != nil {
		t.Fatal(err)
	}
	p := a.newPart()
	var out []string
	for i, vars := range rows {
		row := &matchRow{seq: int64(i), time: int64(i) * 1000}
		for v, name := range n.Vars {
			if strings.Contains(vars, name) {
				row.fits |= 1 << v
			}
		}
		found, err := a.expire(p, row.time)
		if err == nil {
			fits := make([]uint64, len(p.open))
			for j := range fits {
				fits[j] = row.fits
			}
			var more []*partial
			more, _, err = a.step(p, row, fits)
			found = append(found, more...)
		}
		if err != nil {
			return err.Error()
		}
		for _, x := range found {
			var parts []string
			for y := x.last; y != nil; y = y.prev {
				parts = append([]string{fmt.Sprint(n.Vars[y.v], y.row.seq)}, parts...)
			}
			out = append(out, strings.ReplaceAll(strings.Join(parts, "|"), " ", ""))
		}
	}
	return strings.ReplaceAll(strings.Join(out, "; "), "|", " ")
}

// summing makes a Match over k STRING, x BIGINT, ts: A+ B, SUM(A.x) < 10, with two measures.
func summing(in types.Schema) *planner.Match {
	p, vars := matchPattern("A+ B")
	x := &planner.ColRef{Index: 1, T: types.BigIntType}
	sum := agg(in, "SUM", 1)
	sum.Args, sum.T = []int{0}, types.BigIntType
	nav := planner.MatchNav{Func: planner.NavAgg, Var: 0, Arg: x, Agg: &sum}
	less := &planner.Call{Func: "<", Args: []planner.Expr{&planner.ColRef{Index: 0, T: types.BigIntType}, planner.BigIntLit(10)}, T: types.BooleanType}
	out := cols("k STRING", "total BIGINT", "last BIGINT")
	return &planner.Match{
		Base: base(types.AppendMode, out), Input: source(in), Partition: []int{0}, TimeCol: 2, Vars: vars, Pattern: p, SkipVar: -1, WithinMs: 60_000,
		Define: []planner.MatchExpr{{Expr: less, Navs: []planner.MatchNav{nav}}, {}},
		Measures: []planner.MatchExpr{
			{Expr: &planner.ColRef{Index: 0, T: types.BigIntType}, Navs: []planner.MatchNav{nav}},
			{Expr: &planner.ColRef{Index: 0, T: types.BigIntType}, Navs: []planner.MatchNav{{Func: planner.NavLast, Var: 1, Arg: x}}},
		},
	}
}

// TestMatch: partial matches with running aggregates survive a restart after each batch; late rows are
// dropped; NULL is a partition; a match that takes a minute ends.
func TestMatch(t *testing.T) {
	in1 := cols("k STRING", "x BIGINT", "ts TS")
	make := func() (Operator, error) { return NewMatch(summing(in1), &planner.Settings{}) }
	check(t, make, []types.Schema{in1}, `
		+I a|9|3
		+I -|7|5
		+I a|8|2
	`,
		in("a|4|1000", "a|5|3000", "-|7|2000", "a|3|4000"), wm(2500),
		in("a|1|2000", "-|5|5000"), wm(5000), restart,
		in("b|1|6000", "a|8|70000", "b|1|70000"), wm(70000), restart,
		in("a|2|71000"),
	)
}

// TestMatchFrees: a partition without matches under way is forgotten.
func TestMatchFrees(t *testing.T) {
	in1 := cols("k STRING", "x BIGINT", "ts TS")
	op, err := NewMatch(summing(in1), &planner.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	r := &trial{make: func() (Operator, error) { return op, nil }, inputs: []types.Schema{in1}, size: 10}
	r.store = state.NewMemory()
	if err := r.open(0); err != nil {
		t.Fatal(err)
	}
	for _, s := range []step{in("a|1|1000", "b|50|2000", "c|2|3000"), wm(3000)} {
		if err := r.do(s); err != nil {
			t.Fatal(err)
		}
	}
	m := op.(*matcher)
	if got := m.state.groups.Len(); got != 2 {
		t.Errorf("%d partitions are kept, want a and c", got)
	}
	if err := r.do(wm(62_999)); err != nil {
		t.Fatal(err)
	}
	if got := m.state.groups.Len(); got != 1 {
		t.Errorf("%d partitions are kept after a's limit, want c", got)
	}
	if err := r.do(wm(63_000)); err != nil {
		t.Fatal(err)
	}
	if got := m.state.groups.Len(); got != 0 {
		t.Errorf("%d partitions are kept after all limits, want none", got)
	}
}
