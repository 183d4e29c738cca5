package op

import (
	"testing"

	"weir/planner"
	"weir/sql/types"
)

var overCols = cols("k INT", "v INT", "s STRING", "ts TS")

// overInput is the input of the answers below, which are Flink's: the watermark is 2 behind.
func overInput() []step {
	var out []step
	max := int64(-1 << 40)
	for _, r := range []struct {
		row string
		ts  int64
	}{
		{"1|5|a|1", 1}, {"1|3|b|1", 1}, {"2|9|c|2", 2}, {"1|5|d|3", 3}, {"1|1|e|1", 1}, {"1|-|f|3", 3}, {"2|9|g|2", 2},
		{"1|7|h|9", 9}, {"1|8|late|3", 3}, {"1|5|i|8", 8}, {"2|4|j|20", 20}, {"1|6|k|21", 21},
	} {
		out = append(out, in(r.row))
		if r.ts-2 > max {
			max = r.ts - 2
			out = append(out, wm(max))
		}
	}
	return out
}

type overSpec struct {
	timeCol int
	proc    bool
	batch   bool
	order   int
	frame   planner.Frame
}

func overOf(s overSpec, out string, aggs ...planner.AggCall) func() (Operator, error) {
	return func() (Operator, error) {
		schema := append(append(types.Schema{}, overCols...), cols(out)...)
		n := &planner.Over{Base: base(types.RetractMode, schema), Input: source(overCols), Partition: []int{0},
			Order: []planner.SortKey{{Col: s.order}}, TimeCol: s.timeCol, ProcTime: s.proc, Frame: s.frame, Aggs: aggs}
		return NewOver(n, &planner.Settings{Batch: s.batch})
	}
}

func lag(offset int64, def bool) planner.AggCall {
	a := planner.AggCall{Func: "LAG", Args: []int{1}, ArgTypes: []types.Type{types.IntType}, Consts: []*planner.Literal{nil}, Filter: -1}
	one := func(n int64) *planner.Literal {
		return &planner.Literal{T: types.IntType, Val: rows(cols("x INT"), []string{"-1", "0", "1", "2"}[n+1]).Col(0)}
	}
	if offset != 1 || def {
		a.Args, a.ArgTypes, a.Consts = append(a.Args, 1), append(a.ArgTypes, types.IntType), append(a.Consts, one(offset))
	}
	if def {
		a.Args, a.ArgTypes, a.Consts = append(a.Args, 1), append(a.ArgTypes, types.IntType), append(a.Consts, one(-1))
	}
	return a
}

// answers makes changelog lines of "a 8, b 8": the row named s and its result.
func answers(pairs ...string) string {
	full := map[string]string{}
	for _, st := range overInput() {
		for _, l := range st.lines {
			f := splitRow(l)
			full[f[2]] = l
		}
	}
	out := ""
	for i := 0; i+1 < len(pairs); i += 2 {
		out += "+I " + full[pairs[i]] + "|" + pairs[i+1] + "\n"
	}
	return out
}

func splitRow(l string) []string {
	var out []string
	for field := ""; ; {
		i := 0
		for i < len(l) && l[i] != '|' {
			i++
		}
		field = l[:i]
		out = append(out, field)
		if i == len(l) {
			return out
		}
		l = l[i+1:]
	}
}

func TestOverByTime(t *testing.T) {
	sum := agg(overCols, "SUM", 1)
	rank := planner.AggCall{Func: "RANK", Filter: -1}
	number := planner.AggCall{Func: "ROW_NUMBER", Filter: -1}
	all := planner.Frame{Lo: planner.MinFrame}
	allRows := planner.Frame{Lo: planner.MinFrame, Rows: true}
	for _, c := range []struct {
		name  string
		frame planner.Frame
		out   string
		agg   planner.AggCall
		want  string
	}{
		{"range", all, "r INT", sum, answers("a", "8", "b", "8", "c", "18", "g", "18", "d", "13", "f", "13", "i", "18", "h", "25", "j", "22", "k", "31")},
		{"rows", allRows, "r INT", sum, answers("a", "5", "b", "8", "c", "9", "g", "18", "d", "13", "f", "13", "i", "18", "h", "25", "j", "22", "k", "31")},
		{"rows 1", planner.Frame{Lo: -1, Rows: true}, "r INT", sum, answers("a", "5", "b", "8", "c", "9", "g", "18", "d", "8", "f", "5", "i", "5", "h", "12", "j", "13", "k", "13")},
		{"range 2", planner.Frame{Lo: -2}, "r INT", sum, answers("a", "8", "b", "8", "c", "18", "g", "18", "d", "13", "f", "13", "i", "5", "h", "12", "j", "4", "k", "6")},
		{"rank", allRows, "r BIGINT", rank, answers("a", "2", "b", "2", "c", "2", "g", "2", "d", "4", "f", "4", "i", "5", "h", "6", "j", "3", "k", "7")},
		{"row_number", allRows, "r BIGINT", number, answers("a", "1", "b", "2", "c", "1", "g", "2", "d", "3", "f", "4", "i", "5", "h", "6", "j", "3", "k", "7")},
		{"lag", allRows, "r INT", lag(1, false), answers("a", "5", "b", "5", "c", "9", "g", "9", "d", "5", "f", "5", "i", "-", "h", "5", "j", "9", "k", "7")},
		{"lag 2 default", allRows, "r INT", lag(2, true), answers("a", "-1", "b", "-1", "c", "-1", "g", "-1", "d", "3", "f", "3", "i", "5", "h", "-", "j", "9", "k", "5")},
	} {
		t.Run(c.name, func(t *testing.T) {
			check(t, overOf(overSpec{timeCol: 3, order: 3, frame: c.frame}, c.out, c.agg), []types.Schema{overCols}, c.want, overInput()...)
		})
	}
}

func TestOverFilter(t *testing.T) {
	s := cols("k INT", "v INT", "ok BOOLEAN", "ts TS")
	make := func(lo int64) func() (Operator, error) {
		return func() (Operator, error) {
			n := &planner.Over{Base: base(types.AppendMode, append(append(types.Schema{}, s...), cols("c BIGINT")...)), Input: source(s), Partition: []int{0},
				TimeCol: 3, Order: []planner.SortKey{{Col: 3}}, Frame: planner.Frame{Lo: lo, Rows: true}, Aggs: []planner.AggCall{filtered(agg(s, "COUNT"), 2)}}
			return NewOver(n, &planner.Settings{})
		}
	}
	input := in("1|1|false|1", "1|2|true|2", "2|9|true|3", "1|3|-|4", "1|4|true|5", "1|5|false|6")
	check(t, make(planner.MinFrame), []types.Schema{s}, "+I 1|1|false|1|0\n+I 1|2|true|2|1\n+I 2|9|true|3|1\n+I 1|3|-|4|1\n+I 1|4|true|5|2\n+I 1|5|false|6|2", input)
	check(t, make(-1), []types.Schema{s}, "+I 1|1|false|1|0\n+I 1|2|true|2|1\n+I 2|9|true|3|1\n+I 1|3|-|4|1\n+I 1|4|true|5|1\n+I 1|5|false|6|1", input)
}

func TestOverProcTime(t *testing.T) {
	var steps []step
	for _, s := range overInput() {
		if s.lines != nil {
			steps = append(steps, s)
		}
	}
	want := answers("a", "5", "b", "8", "c", "9", "d", "8", "e", "6", "f", "1", "g", "18", "h", "7", "late", "15", "i", "13", "j", "13", "k", "11")
	check(t, overOf(overSpec{timeCol: 3, proc: true, order: 3, frame: planner.Frame{Lo: -1, Rows: true}}, "r INT", agg(overCols, "SUM", 1)), []types.Schema{overCols}, want, steps...)
}

func TestOverNotByTime(t *testing.T) {
	rangeFrame, rowsFrame := planner.Frame{Lo: planner.MinFrame}, planner.Frame{Lo: planner.MinFrame, Rows: true}
	input := in("1|5|a|0", "1|3|b|0", "2|9|c|0", "1|5|d|0", "1|1|e|0", "1|-|f|0")
	check(t, overOf(overSpec{timeCol: -1, order: 1, frame: rangeFrame}, "r INT", agg(overCols, "SUM", 1)), []types.Schema{overCols}, `
		+I 1|5|a|0|5
		+I 1|3|b|0|3
		-U 1|5|a|0|5
		+U 1|5|a|0|8
		+I 2|9|c|0|9
		-U 1|5|a|0|8
		+U 1|5|a|0|13
		+I 1|5|d|0|13
		+I 1|1|e|0|1
		-U 1|3|b|0|3
		+U 1|3|b|0|4
		-U 1|5|a|0|13
		+U 1|5|a|0|14
		-U 1|5|d|0|13
		+U 1|5|d|0|14
		+I 1|-|f|0|-`, input)
	check(t, overOf(overSpec{timeCol: -1, order: 1, frame: rowsFrame}, "r BIGINT", planner.AggCall{Func: "ROW_NUMBER", Filter: -1}), []types.Schema{overCols}, `
		+I 1|5|a|0|1
		+I 1|3|b|0|1
		-U 1|5|a|0|1
		+U 1|5|a|0|2
		-D 1|3|b|0|1
		-U 1|5|a|0|2
		+U 1|5|a|0|1`, in("+I 1|5|a|0", "+I 1|3|b|0", "-D 1|3|b|0", "-D 1|3|b|0"))
}

func TestOverBatch(t *testing.T) {
	order := []string{"f", "e", "b", "a", "d", "i", "k", "h", "late", "j", "c", "g"}
	with := func(results ...string) string {
		var pairs []string
		for i, s := range order {
			pairs = append(pairs, s, results[i])
		}
		return answers(pairs...)
	}
	sum := agg(overCols, "SUM", 1)
	fn := func(name string) planner.AggCall { return planner.AggCall{Func: name, Filter: -1} }
	lead := lag(1, false)
	lead.Func = "LEAD"
	ntile := planner.AggCall{Func: "NTILE", Filter: -1, Args: []int{1}, ArgTypes: []types.Type{types.IntType},
		Consts: []*planner.Literal{{T: types.IntType, Val: rows(cols("x INT"), "2").Col(0)}}}
	rowsFrame := planner.Frame{Lo: planner.MinFrame, Rows: true}
	for _, c := range []struct {
		name  string
		frame planner.Frame
		out   string
		agg   planner.AggCall
		want  string
	}{
		{"rank", rowsFrame, "r BIGINT", fn("RANK"), with("1", "2", "3", "4", "4", "4", "7", "8", "9", "1", "2", "2")},
		{"dense_rank", rowsFrame, "r BIGINT", fn("DENSE_RANK"), with("1", "2", "3", "4", "4", "4", "5", "6", "7", "1", "2", "2")},
		{"row_number", rowsFrame, "r BIGINT", fn("ROW_NUMBER"), with("1", "2", "3", "4", "5", "6", "7", "8", "9", "1", "2", "3")},
		{"percent_rank", rowsFrame, "r DOUBLE", fn("PERCENT_RANK"), with("0", "0.125", "0.25", "0.375", "0.375", "0.375", "0.75", "0.875", "1", "0", "0.5", "0.5")},
		{"cume_dist", rowsFrame, "r DOUBLE", fn("CUME_DIST"), with("0.111111111111", "0.222222222222", "0.333333333333", "0.666666666667", "0.666666666667", "0.666666666667", "0.777777777778", "0.888888888889", "1", "0.333333333333", "1", "1")},
		{"ntile", rowsFrame, "r BIGINT", ntile, with("1", "1", "1", "1", "1", "2", "2", "2", "2", "1", "1", "2")},
		{"lag", rowsFrame, "r INT", lag(1, false), with("-", "-", "1", "3", "5", "5", "5", "6", "7", "-", "4", "9")},
		{"lag 2 default", rowsFrame, "r INT", lag(2, true), with("-1", "-1", "-", "1", "3", "5", "5", "5", "6", "-1", "-1", "4")},
		{"lead", rowsFrame, "r INT", lead, with("1", "3", "5", "5", "5", "6", "7", "8", "-", "9", "9", "-")},
		{"range", planner.Frame{Lo: planner.MinFrame}, "r INT", sum, with("-", "1", "4", "19", "19", "19", "25", "32", "40", "4", "22", "22")},
		{"range -2 +1", planner.Frame{Lo: -2, Hi: 1}, "r INT", sum, with("-", "1", "4", "24", "24", "24", "28", "36", "21", "4", "18", "18")},
		{"rows +1 +2", planner.Frame{Lo: 1, Hi: 2, Rows: true}, "r INT", sum, with("4", "8", "10", "10", "11", "13", "15", "8", "-", "18", "9", "-")},
		{"all", planner.Frame{Lo: planner.MinFrame, Hi: planner.MaxFrame}, "r INT", sum, with("40", "40", "40", "40", "40", "40", "40", "40", "40", "22", "22", "22")},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := run(overOf(overSpec{timeCol: -1, batch: true, order: 1, frame: c.frame}, c.out, c.agg), []types.Schema{overCols}, 3, false, overInput()...)
			if err != nil {
				t.Fatal(err)
			}
			if d := compare(lines(c.want), got); d != "" {
				t.Fatal(d)
			}
		})
	}
}
