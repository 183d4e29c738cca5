package op

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
)

// spilled runs an operator over rows of many keys with room for some groups, and gives its rows sorted between watermarks, and
// how often it saw groups in the store. apart: FIRST_VALUE, which cannot be merged.
func spilled(t *testing.T, w planner.Window, apart bool, room int64, restarts bool, input []step) ([]string, int) {
	t.Helper()
	pebble, err := state.OpenPebbleInMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer pebble.Close()
	aggs, out := []planner.AggCall{agg(events, "COUNT"), agg(events, "SUM", 1)}, eventOut
	if apart {
		aggs, out = append(aggs, agg(events, "FIRST_VALUE", 0)), cols("k STRING", "c BIGINT", "s INT", "f STRING", "ws TS", "we TS", "wt TS")
	}
	r := &trial{make: windowAggOf(events, []int{0}, w, out, aggs...), inputs: []types.Schema{events}, size: 100, marks: true, store: pebble}
	blocks := 0
	open := func() {
		if err := r.open(0); err != nil {
			t.Fatal(err)
		}
		held := int64(0)
		r.ctx.Budget = NewBudget(func(by, _ int64) bool { held += by; return by <= 0 || held <= room }, nil)
	}
	open()
	for i, s := range append(input, wm(int64(types.MaxTime))) {
		if err := r.do(s); err != nil {
			t.Fatal(err)
		}
		for _, s := range r.op.(*windowAgg).slices {
			for _, size := range s.runs {
				blocks += int(size.blocks)
			}
			if s.evicted {
				blocks++
			}
		}
		if restarts && i%5 == 4 {
			if err := r.op.Snapshot(); err != nil {
				t.Fatal(err)
			}
			open()
		}
	}
	err = pebble.Scan(nil, nil, func(k, _ []byte) error {
		if !strings.Contains(string(k), "watermark") {
			return fmt.Errorf("%q is still in the store", k)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if apart {
		for i, l := range r.out.lines {
			if f := strings.Split(l, "|"); len(f) > 3 {
				r.out.lines[i] = strings.Join(append(f[:3:3], f[4:]...), "|")
			}
		}
	}
	return sortParts(r.out.lines), blocks
}

func TestSpilledWindows(t *testing.T) {
	for _, w := range []planner.Window{
		{Kind: planner.Tumble, Size: 40}, {Kind: planner.Hop, Size: 60, Slide: 20}, {Kind: planner.Cumulate, Size: 60, Slide: 20},
	} {
		w.TimeCol = 2
		rng := rand.New(rand.NewSource(3))
		var input []step
		for at := int64(0); at < 200; at += 10 {
			var lines []string
			for range 300 {
				lines = append(lines, fmt.Sprintf("key %d|%d|%d", rng.Intn(400), rng.Intn(9), at+rng.Int63n(30)-15))
			}
			input = append(input, in(lines...), wm(at))
		}
		want := refWindows(w, input)
		for i := range 12 {
			restarts, apart, room := i%2 > 0, i/2%2 > 0, []int64{1, 20_000, 1 << 30}[i/4]
			got, blocks := spilled(t, w, apart, room, restarts, input)
			if d := compare(want, got); d != "" {
				t.Fatalf("%v, apart %v, room for %d, restarts %v: %.300s", w.Kind, apart, room, restarts, d)
			}
			if (blocks > 0) != (room < 1<<30) {
				t.Fatalf("%v, apart %v, room for %d: %d times in the store", w.Kind, apart, room, blocks)
			}
		}
	}
}

// What is more than memory should have of one key group is merged in parts.
func TestRunsInPasses(t *testing.T) {
	w := planner.Window{Kind: planner.Tumble, Size: 10, TimeCol: 2}
	r := &trial{make: windowAggOf(events, []int{0}, w, eventOut, agg(events, "COUNT"), agg(events, "SUM", 1)), inputs: []types.Schema{events},
		size: 4096, tight: true, store: state.NewMemory()}
	if err := r.open(0); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 500 {
		if err := r.do(in(fmt.Sprintf("%d|1|1", i), fmt.Sprintf("%d|2|2", i/2))); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 500 {
		n, sum := 1, 1
		if i < 250 {
			n, sum = 3, 5
		}
		want = append(want, fmt.Sprintf("+I %d|%d|%d|0|10|9", i, n, sum))
	}
	for _, s := range r.op.(*windowAgg).slices {
		for g := range s.runs {
			s.runs[g].bytes += 3 * passBytes
		}
	}
	if err := r.do(wm(9)); err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	slices.Sort(r.out.lines)
	if d := compare(want, r.out.lines); d != "" {
		t.Fatalf("%.300s", d)
	}
}
