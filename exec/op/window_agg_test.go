package op

import (
	"fmt"
	"math/rand"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

var allProps = []planner.WindowProp{planner.WindowStart, planner.WindowEnd, planner.WindowTime}

func windowAggOf(s types.Schema, keys []int, w planner.Window, out types.Schema, aggs ...planner.AggCall) func() (Operator, error) {
	return func() (Operator, error) {
		w.Start, w.End = -1, -1
		mode := types.AppendMode
		if len(aggs) > 0 && aggs[0].Retract {
			mode = types.RetractMode
		}
		in := source(s)
		in.Info().Mode = mode
		n := &planner.WindowAgg{Base: base(types.AppendMode, out), Input: in, Window: w, Keys: keys, Aggs: aggs, Props: allProps}
		return NewWindowAgg(n, &planner.Settings{Zone: time.UTC})
	}
}

var (
	events   = cols("k STRING", "v INT", "ts TS")
	eventOut = cols("k STRING", "c BIGINT", "s INT", "ws TS", "we TS", "wt TS")
)

func TestTumble(t *testing.T) {
	w := planner.Window{Kind: planner.Tumble, Size: 10, TimeCol: 2}
	check(t, windowAggOf(events, []int{0}, w, eventOut, agg(events, "COUNT"), agg(events, "SUM", 1)), []types.Schema{events}, `
		+I a|2|3|-10|0|-1
		+I -|1|-|-10|0|-1
		+I a|1|9|0|10|9
		+I b|1|3|0|10|9
		+I a|1|5|10|20|19`,
		in("a|1|-10", "-|-|-1", "a|2|-5", "a|9|0"), wm(-2), in("b|3|9"), wm(-1), in("a|7|-1"), wm(8), in("a|5|10"), wm(9))
}

func TestHopLateRowsCountInOpenWindows(t *testing.T) {
	w := planner.Window{Kind: planner.Hop, Size: 20, Slide: 10, TimeCol: 2}
	check(t, windowAggOf(events, []int{0}, w, eventOut, agg(events, "COUNT"), agg(events, "SUM", 1)), []types.Schema{events}, `
		+I a|1|1|-10|10|9
		+I a|2|3|0|20|19
		+I b|1|4|0|20|19
		+I b|1|4|10|30|29`,
		in("a|1|5"), wm(9), in("a|2|6", "b|4|15"), wm(19), in("a|7|9", "a|7|-3"), wm(40))
}

func TestHopGappedAndNotDividing(t *testing.T) {
	gap := planner.Window{Kind: planner.Hop, Size: 4, Slide: 10, TimeCol: 2, Legacy: true}
	check(t, windowAggOf(events, nil, gap, eventOut[1:], agg(events, "COUNT"), agg(events, "SUM", 1)), []types.Schema{events}, `
		+I 1|1|-10|-6|-7
		+I 2|6|0|4|3`, in("a|1|-7", "a|2|0", "a|4|3", "a|8|4", "a|8|9"))
	odd := planner.Window{Kind: planner.Hop, Size: 7, Slide: 3, TimeCol: 2, Legacy: true}
	check(t, windowAggOf(events, nil, odd, eventOut[1:], agg(events, "COUNT"), agg(events, "SUM", 1)), []types.Schema{events}, `
		+I 1|1|-6|1|0
		+I 2|3|-3|4|3
		+I 2|3|0|7|6
		+I 1|2|3|10|9`, in("a|1|0", "a|2|3"))
}

func TestCumulateRepeatsEmptySteps(t *testing.T) {
	w := planner.Window{Kind: planner.Cumulate, Size: 40, Slide: 10, TimeCol: 2}
	check(t, windowAggOf(events, []int{0}, w, eventOut, agg(events, "COUNT"), agg(events, "SUM", 1)), []types.Schema{events}, `
		+I a|1|1|0|10|9
		+I a|1|1|0|20|19
		+I a|3|7|0|30|29
		+I b|1|8|0|30|29
		+I a|3|7|0|40|39
		+I b|1|8|0|40|39`,
		in("a|1|5"), wm(19), in("a|2|7", "a|4|25", "b|8|11"), wm(29), wm(39), in("a|9|5"))
}

func TestWindowAggRetract(t *testing.T) {
	w := planner.Window{Kind: planner.Tumble, Size: 10, TimeCol: 2}
	aggs := retracts(agg(events, "COUNT"), agg(events, "SUM", 1))
	check(t, windowAggOf(events, []int{0}, w, eventOut, aggs...), []types.Schema{events}, `
		+I b|1|5|0|10|9`, in("+I a|1|1", "+I b|4|2", "-U b|4|2", "+U b|5|2", "-D a|1|1"), wm(9), in("-D b|5|2"))
}

// refWindow is a window that holds a time.
type refWindow struct{ start, end int64 }

func windowsOf(w planner.Window, t int64) []refWindow {
	var out []refWindow
	switch w.Kind {
	case planner.Tumble:
		s := floorTo(t, w.Offset, w.Size)
		out = append(out, refWindow{s, s + w.Size})
	case planner.Hop:
		for s := floorTo(t, w.Offset, w.Slide); s > t-w.Size; s -= w.Slide {
			out = append(out, refWindow{s, s + w.Size})
		}
	case planner.Cumulate:
		s := floorTo(t, w.Offset, w.Size)
		for e := s + w.Slide; e <= s+w.Size; e += w.Slide {
			if t < e {
				out = append(out, refWindow{s, e})
			}
		}
	}
	return out
}

// refWindows is the result of COUNT(*), SUM(v), LISTAGG(k) by key, an empty line after each watermark.
func refWindows(w planner.Window, input []step) []string {
	type group struct {
		win refWindow
		key string
	}
	type sum struct{ n, s int }
	open := map[group]*sum{}
	now := int64(types.MinTime)
	var out []string
	for _, st := range append(input, wm(int64(types.MaxTime))) {
		if st.wm != nil {
			now = int64(*st.wm)
			var part []string
			for g, s := range open {
				if now >= g.win.end-1 {
					part = append(part, fmt.Sprintf("+I %s|%d|%d|%d|%d|%d", g.key, s.n, s.s, g.win.start, g.win.end, g.win.end-1))
					delete(open, g)
				}
			}
			slices.Sort(part)
			out = append(append(out, part...), "")
			continue
		}
		for _, l := range st.lines {
			f := strings.Split(l, "|")
			v, _ := strconv.Atoi(f[1])
			ts, _ := strconv.ParseInt(f[2], 10, 64)
			for _, win := range windowsOf(w, ts) {
				if now >= win.end-1 {
					continue
				}
				if w.Kind == planner.Cumulate { // a key once seen is in all later steps
					for e := win.end; e <= win.start+w.Size; e += w.Slide {
						if g := (group{refWindow{win.start, e}, f[0]}); open[g] == nil {
							open[g] = &sum{}
						}
					}
				}
				g := group{win, f[0]}
				if open[g] == nil {
					open[g] = &sum{}
				}
				open[g].n++
				open[g].s += v
			}
		}
	}
	return out
}

func TestWindowsRandom(t *testing.T) {
	windows := []planner.Window{
		{Kind: planner.Tumble, Size: 7, Offset: 2},
		{Kind: planner.Hop, Size: 12, Slide: 4, Offset: -1},
		{Kind: planner.Hop, Size: 7, Slide: 3},
		{Kind: planner.Hop, Size: 3, Slide: 5},
		{Kind: planner.Cumulate, Size: 12, Slide: 3, Offset: 1},
	}
	for seed := range int64(5) {
		for _, w := range windows {
			w.TimeCol = 2
			rng := rand.New(rand.NewSource(seed))
			var input []step
			at := int64(-20)
			for range 25 {
				var lines []string
				for range rng.Intn(6) {
					lines = append(lines, fmt.Sprintf("%s|%d|%d", string(rune('a'+rng.Intn(4))), rng.Intn(9), at+int64(rng.Intn(20))-8))
				}
				input = append(input, in(lines...), wm(at))
				at += int64(rng.Intn(6))
			}
			want := refWindows(w, input)
			for _, mergeable := range []bool{true, false} {
				aggs := []planner.AggCall{agg(events, "COUNT"), agg(events, "SUM", 1)}
				out := eventOut
				if !mergeable { // FIRST_VALUE keeps the windows from sharing slices
					aggs = append(aggs, agg(events, "FIRST_VALUE", 0))
					out = cols("k STRING", "c BIGINT", "s INT", "f STRING", "ws TS", "we TS", "wt TS")
				}
				checkSorted(t, windowAggOf(events, []int{0}, w, out, aggs...), want, !mergeable, input)
			}
		}
	}
}

// checkSorted is check of output whose order between two watermarks is free. dropFirst leaves out the
// column of FIRST_VALUE(k), which equals the key.
func checkSorted(t *testing.T, make func() (Operator, error), want []string, dropFirst bool, steps []step) {
	t.Helper()
	for i, size := range []int{1, 3, 4096, 1, 3, 4096} {
		for _, restart := range []bool{false, true} {
			r := &trial{make: make, inputs: []types.Schema{events}, size: size, restart: restart, marks: true, tight: i > 2, store: state.NewMemory()}
			if err := r.open(0); err != nil {
				t.Fatal(err)
			}
			for _, s := range append(steps, wm(int64(types.MaxTime))) {
				if err := r.do(s); err != nil {
					t.Fatal(err)
				}
			}
			got := sortParts(r.out.lines)
			if dropFirst {
				for i, l := range got {
					if f := strings.Split(l, "|"); len(f) > 3 {
						got[i] = strings.Join(append(f[:3:3], f[4:]...), "|")
					}
				}
			}
			if d := compare(want, got); d != "" {
				t.Fatalf("batches of %d, restarts %v, tight %v: %s", size, restart, r.tight, d)
			}
		}
	}
}

func sortParts(lines []string) []string {
	var out, part []string
	for _, l := range lines {
		if l != "" {
			part = append(part, l)
			continue
		}
		slices.Sort(part)
		out = append(append(out, part...), "")
		part = nil
	}
	return out
}

func TestTwoPhases(t *testing.T) {
	for _, w := range []planner.Window{{Kind: planner.Tumble, Size: 7}, {Kind: planner.Hop, Size: 12, Slide: 4}, {Kind: planner.Cumulate, Size: 12, Slide: 3}} {
		w.TimeCol, w.Start, w.End = 2, -1, -1
		rng := rand.New(rand.NewSource(5))
		var input []step
		at := int64(0)
		for range 40 {
			var lines []string
			for range rng.Intn(6) {
				lines = append(lines, fmt.Sprintf("%s|%d|%d", string(rune('a'+rng.Intn(4))), rng.Intn(9), at+int64(rng.Intn(20))-8))
			}
			input = append(input, in(lines...), wm(at))
			at += int64(rng.Intn(6))
		}
		partial := cols("k STRING", "c BIGINT", "s INT", "n BIGINT", "e BIGINT")
		aggs := []planner.AggCall{agg(events, "COUNT"), agg(events, "SUM", 1)}
		local := &planner.WindowAgg{Base: base(types.AppendMode, partial), Input: source(events), Window: w, Keys: []int{0}, Aggs: aggs, Phase: planner.LocalPhase}
		global := &planner.WindowAgg{Base: base(types.AppendMode, eventOut), Input: source(partial), Window: w, Keys: []int{0}, Aggs: aggs, Props: allProps, Phase: planner.GlobalPhase}
		for i, restart := range []bool{false, true, false, true} {
			l := &trial{make: func() (Operator, error) { return NewWindowAgg(local, &planner.Settings{}) }, inputs: []types.Schema{events}, size: 3, restart: restart, store: state.NewMemory()}
			g := &trial{make: func() (Operator, error) { return NewWindowAgg(global, &planner.Settings{}) }, inputs: []types.Schema{partial}, size: 2, restart: restart, marks: true, tight: i > 1, store: state.NewMemory()}
			if err := l.open(0); err != nil {
				t.Fatal(err)
			}
			if err := g.open(0); err != nil {
				t.Fatal(err)
			}
			for _, s := range append(input, wm(int64(types.MaxTime))) {
				if err := l.do(s); err != nil {
					t.Fatal(err)
				}
				for _, line := range l.out.lines {
					if err := g.do(in(strings.TrimPrefix(line, "+I "))); err != nil {
						t.Fatal(err)
					}
				}
				l.out.lines = nil
				if s.wm != nil {
					if err := g.do(s); err != nil {
						t.Fatal(err)
					}
				}
			}
			if d := compare(refWindows(w, input), sortParts(g.out.lines)); d != "" {
				t.Fatalf("%v restarts %v: %s", w, restart, d)
			}
		}
	}
}

func TestWindowsFollowTheZone(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Skip("no time zone data on this machine: " + err.Error())
	}
	s := cols("k STRING", "v INT", "ts LTZ")
	out := cols("c BIGINT", "ws TS", "we TS", "wt LTZ")
	make := func() (Operator, error) {
		n := &planner.WindowAgg{Base: base(types.AppendMode, out), Input: source(s), Aggs: []planner.AggCall{agg(s, "COUNT")}, Props: allProps,
			Window: planner.Window{Kind: planner.Tumble, Size: 3600_000, TimeCol: 2, Local: true, Start: -1, End: -1}}
		return NewWindowAgg(n, &planner.Settings{Zone: zone})
	}
	// 2024-11-03: 01:00 comes twice. 05:30Z is 01:30 EDT, 06:30Z is 01:30 EST.
	edt := time.Date(2024, 11, 3, 5, 30, 0, 0, time.UTC).UnixMilli()
	est := edt + 3600_000
	wall := time.Date(2024, 11, 3, 1, 0, 0, 0, time.UTC).UnixMilli()
	row := func(ms int64) step { return in("a|1|" + strconv.FormatInt(ms, 10)) }
	check(t, make, []types.Schema{s}, fmt.Sprintf("+I 2|%d|%d|%d", wall, wall+3600_000, edt+1800_000-1), row(edt), wm(edt+1800_000), row(est), wm(est+1800_000-1))
	// 2024-03-10: 02:00 to 03:00 is skipped.
	est = time.Date(2024, 3, 10, 6, 30, 0, 0, time.UTC).UnixMilli() // 01:30 EST
	wall = time.Date(2024, 3, 10, 1, 0, 0, 0, time.UTC).UnixMilli()
	check(t, make, []types.Schema{s}, fmt.Sprintf("+I 1|%d|%d|%d\n+I 1|%d|%d|%d", wall, wall+3600_000, est+1800_000-1, wall+7200_000, wall+10800_000, est+1800_000+3600_000-1),
		row(est), row(est+3600_000))
}

func TestProcTimeWindow(t *testing.T) {
	s := cols("k STRING", "v INT")
	w := planner.Window{Kind: planner.Tumble, Size: 1000, ProcTime: true}
	make := func() (Operator, error) {
		w.Start, w.End = -1, -1
		n := &planner.WindowAgg{Base: base(types.AppendMode, cols("k STRING", "c BIGINT", "ws TS", "we TS")), Input: source(s), Window: w, Keys: []int{0},
			Aggs: []planner.AggCall{agg(s, "COUNT")}, Props: allProps[:2]}
		return NewWindowAgg(n, &planner.Settings{Zone: time.UTC})
	}
	check(t, make, []types.Schema{s}, `
		+I a|2|0|1000
		+I a|1|1000|2000`, clock(10), in("a|1"), clock(900), in("a|1"), clock(1000), in("a|1"), clock(2500), in("a|1"))
}

func TestAttachedWindow(t *testing.T) {
	s := cols("c BIGINT", "ws TS", "we TS")
	make := func() (Operator, error) {
		n := &planner.WindowAgg{Base: base(types.AppendMode, cols("m BIGINT", "n BIGINT", "ws TS", "we TS")), Input: source(s),
			Window: planner.Window{Kind: planner.Hop, Size: 20, Slide: 10, TimeCol: -1, Start: 1, End: 2},
			Aggs:   []planner.AggCall{agg(s, "MAX", 0), agg(s, "COUNT")}, Props: allProps[:2]}
		return NewWindowAgg(n, &planner.Settings{Zone: time.UTC})
	}
	check(t, make, []types.Schema{s}, `
		+I 5|2|0|20
		+I 4|1|10|30`, in("3|0|20", "4|10|30", "5|0|20"), wm(19), in("9|0|20"))
}

func TestNullTimeFails(t *testing.T) {
	w := planner.Window{Kind: planner.Tumble, Size: 10, TimeCol: 2}
	_, err := run(windowAggOf(events, []int{0}, w, eventOut, agg(events, "COUNT"), agg(events, "SUM", 1)), []types.Schema{events}, 1, false, in("a|1|-"))
	if err == nil || !strings.Contains(err.Error(), "NULL") {
		t.Fatalf("a NULL time attribute: %v", err)
	}
}

func benchWindow(b *testing.B, s types.Schema, w planner.Window, keys []int, line func(rng *rand.Rand, i int) string, aggs ...planner.AggCall) {
	rng := rand.New(rand.NewSource(1))
	const n = 64
	var batches []*vec.Batch
	for i := range n {
		var in []string
		for j := range 4096 {
			in = append(in, line(rng, i*4096+j))
		}
		batches = append(batches, rows(s, in...))
	}
	outCols := append(s.Select(keys), make(types.Schema, len(aggs))...)
	for i := range aggs {
		outCols[len(keys)+i] = types.Column{Name: "a", Type: types.BigIntType}
		if aggs[i].Func == "AVG" {
			outCols[len(keys)+i].Type = types.DoubleType
		}
	}
	outCols = append(outCols, eventOut[3:]...)
	var d discard
	total := 0
	b.ResetTimer()
	for b.Loop() {
		op, err := windowAggOf(s, keys, w, outCols, aggs...)()
		if err != nil {
			b.Fatal(err)
		}
		if err := op.Open(benchContext()); err != nil {
			b.Fatal(err)
		}
		for i, batch := range batches {
			if err := op.Process(0, batch, &d); err != nil {
				b.Fatal(err)
			}
			if _, err := op.Watermark(types.Time((i+1)*4096-1000), &d); err != nil {
				b.Fatal(err)
			}
			total += 4096
		}
		if _, err := op.Watermark(types.MaxTime, &d); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "rows/s")
}

// Rows are 1 ms apart, so a batch is 4 seconds of input.
func BenchmarkTumbleIntKey(b *testing.B) {
	s := cols("k INT", "v DOUBLE", "ts TS")
	benchWindow(b, s, planner.Window{Kind: planner.Tumble, Size: 60_000, TimeCol: 2}, []int{0}, func(rng *rand.Rand, i int) string {
		return fmt.Sprintf("%d|%d|%d", rng.Intn(10000), rng.Intn(100), i-rng.Intn(1000))
	}, agg(s, "COUNT"), agg(s, "AVG", 1))
}

func BenchmarkHopStringKey(b *testing.B) {
	s := cols("k STRING", "v DOUBLE", "ts TS")
	benchWindow(b, s, planner.Window{Kind: planner.Hop, Size: 60_000, Slide: 10_000, TimeCol: 2}, []int{0}, func(rng *rand.Rand, i int) string {
		return fmt.Sprintf("%s|%d|%d", []string{"OK", "WARNING", "ERROR"}[rng.Intn(3)], rng.Intn(100), i-rng.Intn(1000))
	}, agg(s, "COUNT"), agg(s, "AVG", 1))
}

func BenchmarkTumbleDistinct(b *testing.B) {
	s := cols("k STRING", "v INT", "ts TS")
	benchWindow(b, s, planner.Window{Kind: planner.Tumble, Size: 60_000, TimeCol: 2}, []int{0}, func(rng *rand.Rand, i int) string {
		return fmt.Sprintf("%s|%d|%d", []string{"OK", "WARNING", "ERROR"}[rng.Intn(3)], rng.Intn(10000), i-rng.Intn(1000))
	}, agg(s, "COUNT"), distinct(agg(s, "COUNT", 1)))
}
