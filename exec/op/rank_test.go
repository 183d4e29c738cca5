package op

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
)

var (
	scored = cols("k STRING", "v INT", "n INT")
	ranks  = cols("k STRING", "v INT", "n INT", "rn BIGINT")
)

func topNOf(in types.ChangelogMode, offset, fetch int64, rank bool) func() (Operator, error) {
	return func() (Operator, error) {
		src, out := source(scored), scored
		src.Info().Mode = in
		if rank {
			out = ranks
		}
		n := &planner.TopN{Base: base(types.RetractMode, out), Input: src, Partition: []int{0}, Keys: []planner.SortKey{{Col: 1, Desc: true, NullsLast: true}}, Offset: offset, Fetch: fetch, Rank: rank}
		return NewTopN(n, &planner.Settings{})
	}
}

func TestTopNAppend(t *testing.T) {
	input := in("a|3|1", "a|5|2", "a|5|3", "b|1|4", "a|9|5", "a|1|6", "a|-|7")
	check(t, topNOf(types.AppendMode, 0, 2, false), []types.Schema{scored}, `
		+I a|3|1
		+I a|5|2
		-D a|3|1
		+I a|5|3
		+I b|1|4
		-D a|5|3
		+I a|9|5`, input)
	check(t, topNOf(types.AppendMode, 0, 2, true), []types.Schema{scored}, `
		+I a|3|1|1
		-U a|3|1|1
		+U a|5|2|1
		+I a|3|1|2
		-U a|3|1|2
		+U a|5|3|2
		+I b|1|4|1
		-U a|5|2|1
		+U a|9|5|1
		-U a|5|3|2
		+U a|5|2|2`, input)
	check(t, topNOf(types.AppendMode, 1, 1, false), []types.Schema{scored}, `
		+I a|3|1
		-U a|3|1
		+U a|5|3
		-U a|5|3
		+U a|5|2`, input)
}

func TestTopNRetract(t *testing.T) {
	input := in("+I a|3|1", "+I a|5|2", "+I a|4|3", "-D a|5|2", "-D a|9|9", "-U a|3|1", "+U a|6|1", "-D a|4|3", "-D a|6|1")
	check(t, topNOf(types.RetractMode, 0, 2, false), []types.Schema{scored}, `
		+I a|3|1
		+I a|5|2
		-D a|3|1
		+I a|4|3
		-D a|5|2
		+I a|3|1
		-D a|3|1
		+I a|6|1
		-D a|4|3
		-D a|6|1`, input)
	check(t, topNOf(types.RetractMode, 0, 2, true), []types.Schema{scored}, `
		+I a|3|1|1
		-U a|3|1|1
		+U a|5|2|1
		+I a|3|1|2
		-U a|3|1|2
		+U a|4|3|2
		-U a|5|2|1
		+U a|4|3|1
		-U a|4|3|2
		+U a|3|1|2
		-D a|3|1|2
		-U a|4|3|1
		+U a|6|1|1
		+I a|4|3|2
		-D a|4|3|2
		-D a|6|1|1`, input)
}

// fold applies a changelog; a row taken away that is not there is an error.
func fold(t *testing.T, table map[string]int, lines []string) {
	t.Helper()
	for _, l := range lines {
		if l == "" {
			continue
		}
		if kind, row := l[:2], l[3:]; kind == "+I" || kind == "+U" {
			table[row]++
		} else if table[row]--; table[row] < 0 {
			t.Fatalf("%s takes away a row that is not there", l)
		} else if table[row] == 0 {
			delete(table, row)
		}
	}
}

func tableText(table map[string]int) string {
	var out []string
	for row, n := range table {
		for range n {
			out = append(out, row)
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// stepwise runs rows one by one and hands the folded output to want after each; then all batch sizes,
// and restarts, must give the same changelog.
func stepwise(t *testing.T, make func() (Operator, error), inputs []types.Schema, steps []step, want func(done []step) string) {
	t.Helper()
	r := &trial{make: make, inputs: inputs, size: 1, store: state.NewMemory()}
	if err := r.open(0); err != nil {
		t.Fatal(err)
	}
	table, seen := map[string]int{}, 0
	for i, s := range steps {
		if err := r.do(s); err != nil {
			t.Fatal(err)
		}
		fold(t, table, r.out.lines[seen:])
		seen = len(r.out.lines)
		if got, want := tableText(table), want(steps[:i+1]); got != want {
			t.Fatalf("after step %d, %v: want\n%s\ngot\n%s", i, s.lines, want, got)
		}
	}
	check(t, make, inputs, strings.Join(r.out.lines, "\n"), merged(steps)...)
}

// merged joins neighbouring rows of one port to one step.
func merged(steps []step) []step {
	var out []step
	for _, s := range steps {
		if n := len(out); n > 0 && s.lines != nil && out[n-1].lines != nil && out[n-1].port == s.port {
			out[n-1].lines = append(slices.Clone(out[n-1].lines), s.lines...)
			continue
		}
		out = append(out, s)
	}
	return out
}

func TestTopNRandom(t *testing.T) {
	for seed := range int64(10) {
		for _, rank := range []bool{true, false} {
			rng := rand.New(rand.NewSource(seed))
			var steps []step
			var live []string
			for i := range 150 {
				if len(live) > 0 && rng.Intn(3) == 0 {
					at := rng.Intn(len(live))
					steps = append(steps, in("-D "+live[at]))
					live = slices.Delete(live, at, at+1)
					continue
				}
				row := fmt.Sprintf("%s|%d|%d", string(rune('a'+rng.Intn(2))), rng.Intn(9), i)
				live = append(live, row)
				steps = append(steps, in("+I "+row))
			}
			offset, fetch := int64(seed%3), int64(1+seed%4)
			stepwise(t, topNOf(types.RetractMode, offset, fetch, rank), []types.Schema{scored}, steps, func(done []step) string {
				return refTopN(done, int(offset), int(fetch), rank)
			})
		}
	}
}

func refTopN(done []step, offset, fetch int, rank bool) string {
	parts := map[string][]string{}
	for _, s := range done {
		row := s.lines[0][3:]
		k := row[:1]
		if s.lines[0][0] == '-' {
			at := slices.Index(parts[k], row)
			parts[k] = slices.Delete(slices.Clone(parts[k]), at, at+1)
			continue
		}
		parts[k] = append(slices.Clone(parts[k]), row)
	}
	table := map[string]int{}
	for _, rows := range parts {
		slices.SortStableFunc(rows, func(a, b string) int { return int(b[2]) - int(a[2]) })
		for i := offset; i < min(offset+fetch, len(rows)); i++ {
			row := rows[i]
			if rank {
				row += fmt.Sprintf("|%d", i+1)
			}
			table[row]++
		}
	}
	return tableText(table)
}

func dedupOf(last, proc, rank bool, mode types.ChangelogMode, ttl time.Duration) func() (Operator, error) {
	return func() (Operator, error) {
		out := events
		if rank {
			out = append(slices.Clone(events), types.Column{Name: "rn", Type: types.BigIntType})
		}
		n := &planner.Dedup{Base: base(mode, out), Input: source(events), Keys: []int{0}, TimeCol: 2, ProcTime: proc, Last: last, Rank: rank, TTL: ttl}
		return NewDedup(n, &planner.Settings{})
	}
}

func TestDedup(t *testing.T) {
	input := []step{in("a|1|5", "a|2|3", "b|3|9", "a|2|3", "a|4|8"), wm(4), in("a|6|1", "c|1|4", "c|2|3"), wm(9), in("d|1|9")}
	check(t, dedupOf(false, false, true, types.AppendMode, 0), []types.Schema{events}, `
		+I a|2|3|1
		+I c|1|4|1
		+I b|3|9|1
		+I d|1|9|1`, input...)
	check(t, dedupOf(true, false, false, types.RetractMode, 0), []types.Schema{events}, `
		+I a|1|5
		+I b|3|9
		-U a|1|5
		+U a|4|8
		+I c|1|4
		+I d|1|9`, input...)
	check(t, dedupOf(false, true, false, types.AppendMode, 0), []types.Schema{events}, "+I a|1|5\n+I b|3|9\n+I c|1|4\n+I d|1|9", input...)
	check(t, dedupOf(true, true, false, types.UpsertMode, 0), []types.Schema{events}, `
		+I a|1|5
		+U a|2|3
		+I b|3|9
		+U a|4|8
		+U a|6|1
		+I c|1|4
		+U c|2|3
		+I d|1|9`, in("a|1|5", "a|2|3", "a|2|3", "b|3|9", "a|4|8", "a|6|1", "c|1|4", "c|2|3", "d|1|9"))
	check(t, dedupOf(true, true, false, types.RetractMode, time.Second), []types.Schema{events}, "+I a|1|5\n-U a|1|5\n+U a|1|5\n+I a|1|5",
		clock(1), in("a|1|5", "a|1|5"), clock(1001), in("a|1|5"))
	check(t, dedupOf(true, true, false, types.RetractMode, 0), []types.Schema{events}, "+I a|1|5\n-D a|1|5\n+I a|2|6",
		in("+I a|1|5", "-U a|1|5", "+U a|2|6"))
	check(t, dedupOf(true, false, false, types.RetractMode, 0), []types.Schema{events}, "+I a|1|5\n-U a|1|5\n+U a|1|5\n-U a|1|5\n+U a|2|5", in("a|1|5", "a|1|5", "a|2|5"))
}
