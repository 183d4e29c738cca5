package op

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/planner"
	"weir/sql/types"
)

func staggerOf(w planner.Window) func() (Operator, error) {
	return func() (Operator, error) {
		out := append(slices.Clone(events), cols("ws TS", "we TS", "wt TS")...)
		return NewWindowTVF(&planner.WindowTVF{Base: base(types.AppendMode, out), Input: source(events), Window: w}, &planner.Settings{Zone: time.UTC})
	}
}

func TestStagger(t *testing.T) {
	w := planner.Window{Kind: planner.Stagger, Size: 10, TimeCol: 2, PartitionBy: []int{0}, Start: -1, End: -1}
	check(t, staggerOf(w), []types.Schema{events}, `
		+I a|2|3|3|13|12
		+I a|1|5|3|13|12
		+I b|3|4|4|14|13
		+I a|4|13|13|23|22
		+I b|9|14|14|24|23`,
		in("a|1|5", "b|3|4", "a|2|3", "a|4|13"), wm(11), in("a|7|1"), wm(12), in("a|8|12", "a|8|12", "b|9|14"), wm(22), in("a|9|12", "a|9|22"))
}

func TestStaggerOfTheClock(t *testing.T) {
	w := planner.Window{Kind: planner.Stagger, Size: 1000, ProcTime: true, TimeCol: -1, PartitionBy: []int{0}, Start: -1, End: -1}
	check(t, staggerOf(w), []types.Schema{events}, `
		+I a|1|-|250|1250|1249
		+I a|2|-|250|1250|1249
		+I a|3|-|250|1250|1249
		+I b|3|-|700|1700|1699
		+I a|4|-|1250|2250|2249`,
		clock(250), in("a|1|-"), clock(700), in("a|2|-", "b|3|-"), clock(1249), in("a|3|-"), clock(1250), in("a|4|-"), clock(1700), clock(5000))
}

// Whatever the order of arrival within the watermark's delay, windows are cut as if rows came in order.
func TestStaggerRandomOrder(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	w := planner.Window{Kind: planner.Stagger, Size: 20, TimeCol: 2, PartitionBy: []int{0}, Start: -1, End: -1}
	for range 50 {
		var steps []step
		times := map[string][]int{}
		for i := range 60 {
			at, key := i*3+r.Intn(15), string(rune('a'+r.Intn(3)))
			times[key] = append(times[key], at)
			steps = append(steps, in(fmt.Sprintf("%s|%d|%d", key, i, at)), wm(int64(i*3)))
		}
		var want []string
		for key, list := range times {
			slices.Sort(list)
			start := -1 << 30
			for _, at := range list {
				if at >= start+20 {
					start = at
				}
				want = append(want, fmt.Sprintf("%s|%d|%d", key, at, start))
			}
		}
		got, err := run(staggerOf(w), []types.Schema{events}, 4, r.Intn(2) == 0, steps...)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range got {
			f := strings.Split(strings.TrimPrefix(line, "+I "), "|")
			got[i] = f[0] + "|" + f[2] + "|" + f[3]
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := compare(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
}
