package op

import (
	"math/rand"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

func groupAggOf(s types.Schema, keys []int, mode types.ChangelogMode, ttl time.Duration, out types.Schema, aggs ...planner.AggCall) func() (Operator, error) {
	return func() (Operator, error) {
		n := &planner.GroupAgg{Base: base(mode, out), Input: source(s), Keys: keys, Aggs: aggs, TTL: ttl}
		return NewGroupAgg(n, &planner.Settings{})
	}
}

func TestGroupAggAppend(t *testing.T) {
	s := cols("k INT", "v DOUBLE", "ok BOOLEAN")
	out := cols("k INT", "c BIGINT", "m DOUBLE")
	check(t, groupAggOf(s, []int{0}, types.RetractMode, 0, out, agg(s, "COUNT"), agg(s, "MAX", 1)), []types.Schema{s}, `
		+I 1|1|5
		-U 1|1|5
		+U 1|2|5
		+I -|1|-
		-U 1|2|5
		+U 1|3|7
		-U -|1|-
		+U -|2|2`, in("1|5|true", "1|3|true", "-|-|true", "1|7|true", "-|2|true"))
}

func TestGroupAggUnchangedIsSilent(t *testing.T) {
	s := cols("k INT", "v DOUBLE", "ok BOOLEAN")
	out := cols("k INT", "m DOUBLE")
	steps := in("1|5|true", "1|3|true", "1|5|false", "1|9|false", "1|9|true")
	check(t, groupAggOf(s, []int{0}, types.RetractMode, 0, out, filtered(agg(s, "MAX", 1), 2)), []types.Schema{s}, `
		+I 1|5
		-U 1|5
		+U 1|9`, steps)
	check(t, groupAggOf(s, []int{0}, types.UpsertMode, time.Hour, out, filtered(agg(s, "MAX", 1), 2)), []types.Schema{s}, `
		+I 1|5
		+U 1|5
		+U 1|5
		+U 1|5
		+U 1|9`, steps)
}

func TestGroupAggFilterOfEmptyGroup(t *testing.T) {
	s := cols("k INT", "v DOUBLE", "ok BOOLEAN")
	out := cols("k INT", "c BIGINT", "j STRING")
	check(t, groupAggOf(s, []int{0}, types.RetractMode, 0, out, filtered(agg(s, "COUNT"), 2), filtered(agg(s, "JSON_ARRAYAGG", 1), 2)),
		[]types.Schema{s}, `
		+I 1|0|[]
		-U 1|0|[]
		+U 1|1|[2.5]`, in("1|5|-", "1|3|false", "1|2.5|true"))
}

func TestGroupAggRetract(t *testing.T) {
	s := cols("k INT", "v DOUBLE", "ok BOOLEAN")
	out := cols("k INT", "c BIGINT", "m DOUBLE", "s DOUBLE")
	aggs := retracts(agg(s, "COUNT"), agg(s, "MAX", 1), agg(s, "SUM", 1))
	check(t, groupAggOf(s, []int{0}, types.RetractMode, 0, out, aggs...), []types.Schema{s}, `
		+I 1|1|5|5
		-D 1|1|5|5
		+I 1|1|3|3
		-U 1|1|3|3
		+U 1|2|9|12
		-U 1|2|9|12
		+U 1|1|3|3
		-U 1|1|3|3
		+U 1|2|4|7
		-U 1|2|4|7
		+U 1|1|4|4
		-D 1|1|4|4`,
		in("-D 2|8|true", "+I 1|5|true", "-D 1|5|true", "-U 1|5|true", "+I 1|3|true", "+I 1|9|true", "-U 1|9|true", "+U 1|4|true", "-D 1|3|true", "-D 1|4|true", "-D 1|4|true"))
}

func TestGroupAggGlobalAndDistinctRows(t *testing.T) {
	s := cols("k INT", "v DOUBLE", "ok BOOLEAN")
	check(t, groupAggOf(s, nil, types.RetractMode, 0, cols("c BIGINT"), agg(s, "COUNT")), []types.Schema{s}, `
		+I 1
		-U 1
		+U 2`, in("1|5|true", "-|-|-"))
	check(t, groupAggOf(s, nil, types.RetractMode, 0, cols("c BIGINT"), agg(s, "COUNT")), []types.Schema{s}, ``)
	check(t, groupAggOf(s, []int{0, 1}, types.RetractMode, 0, cols("k INT", "v DOUBLE")), []types.Schema{s}, `
		+I 1|5
		+I -|5
		+I 1|-`, in("1|5|true", "1|5|false", "-|5|true", "1|-|true", "-|5|true"))
}

func TestDistinctRowsWithTTLOnlyInserts(t *testing.T) {
	s := cols("k INT", "v DOUBLE", "ok BOOLEAN")
	check(t, groupAggOf(s, []int{0}, types.AppendMode, time.Second, cols("k INT")), []types.Schema{s}, "+I 1\n+I 1",
		clock(0), in("1|1|-", "1|1|-"), clock(1000), in("1|1|-"))
}

func TestGroupAggBatchMode(t *testing.T) {
	s := cols("k INT", "v DOUBLE", "ok BOOLEAN")
	make := func(keys []int, out types.Schema) func() (Operator, error) {
		return func() (Operator, error) {
			n := &planner.GroupAgg{Base: base(types.AppendMode, out), Input: source(s), Keys: keys, Aggs: []planner.AggCall{agg(s, "COUNT")}}
			return NewGroupAgg(n, &planner.Settings{Batch: true})
		}
	}
	got, err := run(make([]int{0}, cols("k INT", "c BIGINT")), []types.Schema{s}, 2, false, in("1|5|true", "2|-|-", "1|5|true"))
	if d := compare(lines("+I 1|2\n+I 2|1"), got); d != "" || err != nil {
		t.Fatal(d, err)
	}
	got, err = run(make(nil, cols("c BIGINT")), []types.Schema{s}, 2, false)
	if d := compare(lines("+I 0"), got); d != "" || err != nil {
		t.Fatal(d, err)
	}
}

func TestGroupAggTTL(t *testing.T) {
	s := cols("k INT", "v DOUBLE", "ok BOOLEAN")
	check(t, groupAggOf(s, []int{0}, types.RetractMode, time.Second, cols("k INT", "c BIGINT"), agg(s, "COUNT")), []types.Schema{s}, `
		+I 1|1
		-U 1|1
		+U 1|2
		+I 1|1`, clock(0), in("1|1|-"), clock(999), in("1|1|-"), clock(1999), in("1|1|-"))
}

// TestGroupAggRandom compares with a reference that recomputes each group from its rows.
func TestGroupAggRandom(t *testing.T) {
	s := cols("k INT", "v DOUBLE", "i INT", "s STRING", "ok BOOLEAN")
	out := cols("k INT", "c BIGINT", "a DOUBLE", "mn INT", "d BIGINT", "l STRING", "f BIGINT")
	aggs := retracts(agg(s, "COUNT"), agg(s, "AVG", 1), agg(s, "MIN", 2), distinct(agg(s, "COUNT", 2)), agg(s, "LISTAGG", 3), filtered(distinct(agg(s, "COUNT", 3)), 4))
	for seed := range int64(20) {
		rng := rand.New(rand.NewSource(seed))
		var input []string
		var live []string
		for range 120 {
			if len(live) > 0 && rng.Intn(3) == 0 {
				i := rng.Intn(len(live))
				input = append(input, "-D "+live[i])
				live = append(live[:i], live[i+1:]...)
				continue
			}
			row := strings.Join([]string{strconv.Itoa(rng.Intn(4)), strconv.Itoa(rng.Intn(5)), maybe(rng, 5), []string{"a", "b", "c"}[rng.Intn(3)], []string{"true", "false", "-"}[rng.Intn(3)]}, "|")
			input, live = append(input, "+I "+row), append(live, row)
		}
		check(t, groupAggOf(s, []int{0}, types.RetractMode, 0, out, aggs...), []types.Schema{s}, reference(input), in(input...))
	}
}

func maybe(rng *rand.Rand, n int) string {
	if v := rng.Intn(n); v > 0 {
		return strconv.Itoa(v)
	}
	return "-"
}

// reference is the changelog of the query of TestGroupAggRandom.
func reference(input []string) string {
	groups, texts := map[string][][]string{}, map[string][]string{}
	var out []string
	for _, line := range input {
		f := strings.Split(line[3:], "|")
		k := f[0]
		before, had := refRow(k, groups[k], texts[k]), len(groups[k]) > 0
		if line[:2] == "+I" {
			groups[k] = append(groups[k], f)
			texts[k] = append(texts[k], f[3])
		} else {
			i := slices.Index(texts[k], f[3]) // a text taken away is the first of its kind
			texts[k] = append(append([]string{}, texts[k][:i]...), texts[k][i+1:]...)
			for i, r := range groups[k] {
				if strings.Join(r, "|") == line[3:] {
					groups[k] = append(append([][]string{}, groups[k][:i]...), groups[k][i+1:]...)
					break
				}
			}
		}
		after := refRow(k, groups[k], texts[k])
		switch {
		case !had:
			out = append(out, "+I "+after)
		case len(groups[k]) == 0:
			out = append(out, "-D "+before)
		default:
			out = append(out, "-U "+before, "+U "+after)
		}
	}
	return strings.Join(out, "\n")
}

func refRow(k string, rows [][]string, list []string) string {
	sum, least := 0.0, "-"
	ints, texts := map[string]bool{}, map[string]bool{}
	for _, r := range rows {
		v, _ := strconv.ParseFloat(r[1], 64)
		sum += v
		if r[2] != "-" {
			ints[r[2]] = true
			if least == "-" || r[2] < least {
				least = r[2]
			}
		}
		if r[4] == "true" {
			texts[r[3]] = true
		}
	}
	avg := "-"
	if len(rows) > 0 {
		avg = strconv.FormatFloat(sum/float64(len(rows)), 'g', 12, 64)
	}
	joined := strings.Join(list, ",")
	return strings.Join([]string{k, strconv.Itoa(len(rows)), avg, least, strconv.Itoa(len(ints)), joined, strconv.Itoa(len(texts))}, "|")
}

type discard struct{ rows int }

func (d *discard) Emit(b *vec.Batch) error { d.rows += b.Len(); return nil }

func benchContext() *Context {
	return &Context{ID: "t", Parallelism: 1, State: state.New(state.NewMemory(), "t"), Fn: &fn.Ctx{}, Metrics: &Metrics{}, Interrupted: func() bool { return false }}
}

func BenchmarkGroupAgg(b *testing.B) {
	s := cols("k INT", "v DOUBLE", "ok BOOLEAN")
	rng := rand.New(rand.NewSource(1))
	var batches []*vec.Batch
	for range 16 {
		var in []string
		for range 4096 {
			in = append(in, strconv.Itoa(rng.Intn(10000))+"|"+strconv.Itoa(rng.Intn(100))+"|true")
		}
		batches = append(batches, rows(s, in...))
	}
	op, err := groupAggOf(s, []int{0}, types.RetractMode, 0, cols("k INT", "c BIGINT", "a DOUBLE"), agg(s, "COUNT"), agg(s, "AVG", 1))()
	if err != nil {
		b.Fatal(err)
	}
	if err := op.Open(benchContext()); err != nil {
		b.Fatal(err)
	}
	var d discard
	b.ResetTimer()
	n := 0
	for i := 0; b.Loop(); i++ {
		if err := op.Process(0, batches[i%16], &d); err != nil {
			b.Fatal(err)
		}
		n += 4096
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
