package exec

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"

	"weir/planner"
)

// threeSources are sources of unequal length, in time order within a split.
func threeSources() (tables []*table, want string) {
	rng := rand.New(rand.NewPCG(1, 1))
	sums := map[[2]int64][2]int64{}
	for _, lens := range [][]int{{40, 3}, {0}, {17, 25, 9}} {
		t := &table{chunk: 4}
		for _, n := range lens {
			var rows []row
			ts := int64(1000)
			for range n {
				ts += rng.Int64N(40)
				x := row{ts, rng.Int64N(7), rng.Int64N(100)}
				rows = append(rows, x)
				key := [2]int64{(ts/100 + 1) * 100, x.k}
				s := sums[key]
				sums[key] = [2]int64{s[0] + x.v, s[1] + 1}
			}
			t.splits = append(t.splits, rows)
		}
		tables = append(tables, t)
	}
	var lines []string
	for k, s := range sums {
		lines = append(lines, fmt.Sprint(k[0], " ", k[1], " ", s[0], " ", s[1]))
	}
	sort.Strings(lines)
	return tables, strings.Join(lines, "\n")
}

func threeSourcePlan(tables []*table, parallelism, batchRows int) *planner.Plan {
	var scans []planner.Node
	for i, t := range tables {
		scans = append(scans, scanOf(fmt.Sprint("t", i), t))
	}
	root := collect(windowOf(exchange(unionOf(scans...), 1), 100))
	return &planner.Plan{Roots: []planner.Node{root}, Settings: planner.Settings{Parallelism: parallelism, BatchRows: batchRows}}
}

func simulate(t *testing.T, p *planner.Plan, so SimOptions) (string, SimStats) {
	t.Helper()
	var g gather
	r := fakeRuntime(Options{Rows: g.rows}, identity)
	stats, err := newSim(p, r, so).main(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return g.sorted(), stats
}

func TestSimulatedSchedules(t *testing.T) {
	tables, want := threeSources()
	for _, p := range []int{1, 2, 5} {
		for seed := range uint64(60) {
			got, _ := simulate(t, threeSourcePlan(tables, p, int(1+seed%5)), SimOptions{Seed: seed})
			if got != want {
				t.Fatalf("parallelism %d, seed %d: got\n%s\nwant\n%s", p, seed, got, want)
			}
		}
	}
}

func TestSeedReplays(t *testing.T) {
	tables, _ := threeSources()
	so := SimOptions{Seed: 7, Checkpoint: 0.02, Crash: 0.002}
	_, first := simulate(t, threeSourcePlan(tables, 2, 3), so)
	_, second := simulate(t, threeSourcePlan(tables, 2, 3), so)
	if first != second {
		t.Fatalf("the same seed ran differently: %+v, then %+v", first, second)
	}
}

func TestCrashes(t *testing.T) {
	tables, want := threeSources()
	var total SimStats
	for seed := range uint64(300) {
		p := []int{1, 2, 3}[seed%3]
		so := SimOptions{Seed: seed, Checkpoint: 0.05, Crash: 0.005}
		if seed%4 == 0 {
			so.Crash, so.CrashAfterCheckpoint = 0, true
		}
		got, stats := simulate(t, threeSourcePlan(tables, p, 3), so)
		if got != want {
			t.Fatalf("parallelism %d, seed %d, %+v: got\n%s\nwant\n%s", p, seed, stats, got, want)
		}
		total.Crashes += stats.Crashes
		total.Restores += stats.Restores
		total.Checkpoints += stats.Checkpoints
	}
	if total.Crashes < 300 || total.Restores < 200 {
		t.Fatalf("the crash test hardly crashed: %+v", total)
	}
	t.Logf("%+v", total)
}

func TestGoroutines(t *testing.T) {
	tables, want := threeSources()
	for i := range 60 {
		p := []int{1, 2, 5}[i%3]
		var g gather
		r := fakeRuntime(Options{Rows: g.rows}, identity)
		j, err := start(context.Background(), threeSourcePlan(tables, p, 1+i%7), r)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Wait(); err != nil {
			t.Fatal(err)
		}
		if got := g.sorted(); got != want {
			t.Fatalf("parallelism %d: got\n%s\nwant\n%s", p, got, want)
		}
	}
}
