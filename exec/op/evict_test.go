package op

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"testing"
	"time"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
)

var evictSeeds = flag.Uint64("evict.seeds", 5, "inputs of each operator that TestEvict tries")

// evictCase is an operator and what makes its input.
type evictCase struct {
	make   func() (Operator, error)
	inputs []types.Schema
	steps  func(r *rand.Rand) []step
}

// evictWay is a way to run an operator: with what memory, and what happens to it.
type evictWay struct {
	tight    float64 // how often what the operator has does not fit
	snapshot bool
	restart  bool // after each snapshot
	unkept   bool
	disk     bool
}

var evictWays = map[string]evictWay{
	"snapshots": {snapshot: true}, "restarts": {snapshot: true, restart: true},
	"evicts": {tight: 1}, "evicts at times": {tight: 0.3}, "evicts to disk": {tight: 1, disk: true},
	"evicts, snapshots": {tight: 1, snapshot: true}, "evicts at times, snapshots": {tight: 0.3, snapshot: true},
	"evicts, unkept": {tight: 1, snapshot: true, unkept: true}, "evicts at times, unkept": {tight: 0.3, snapshot: true, unkept: true},
	"evicts, restarts": {tight: 1, snapshot: true, restart: true}, "evicts at times, restarts": {tight: 0.3, snapshot: true, restart: true},
}

// TestEvict: operators give the same rows whether keys leave memory or not, and whatever else happens: snapshots, restarts, jobs
// that keep nothing, expiry.
func TestEvict(t *testing.T) {
	for name, c := range evictCases() {
		for seed := range *evictSeeds {
			steps := c.steps(rand.New(rand.NewPCG(seed, 1)))
			want, err := c.run(evictWay{}, steps, seed)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for way, w := range evictWays {
				got, err := c.run(w, steps, seed)
				if err != nil {
					t.Errorf("%s, %s, seed %d: %v", name, way, seed, err)
				} else if diff := compare(sortParts(want), sortParts(got)); diff != "" {
					t.Errorf("%s, %s, seed %d: %s", name, way, seed, diff)
				}
			}
		}
	}
}

// beforeOpen prepares an operator's context.
type beforeOpen struct {
	Operator
	prepare func(*Context)
}

func (b beforeOpen) Open(c *Context) error { b.prepare(c); return b.Operator.Open(c) }

// evictRun is an operator that runs in a way.
type evictRun struct {
	*trial
	way evictWay
	rnd *rand.Rand
}

func (c evictCase) run(w evictWay, steps []step, seed uint64) (lines []string, err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("panic: %v\n%s", x, debug.Stack())
		}
	}()
	var store state.Store = state.NewMemory()
	if w.disk {
		p, err := state.OpenPebbleInMemory()
		if err != nil {
			return nil, err
		}
		defer p.Close()
		store = p
	}
	r := evictRun{&trial{make: c.make, inputs: c.inputs, size: 4096, store: store, marks: true}, w, rand.New(rand.NewPCG(seed, 77))}
	if err := r.begin(c.make, 0); err != nil {
		return nil, err
	}
	for _, st := range steps {
		if st.restart {
			err = r.snapshot(c.make)
		} else {
			err = r.do(st)
		}
		if err != nil {
			return nil, err
		}
	}
	if _, err := r.op.Watermark(types.MaxTime, &r.out); err != nil {
		return nil, err
	}
	if err := r.op.End(&r.out); err != nil {
		return nil, err
	}
	return r.out.lines, r.op.Close()
}

// begin opens a new operator over the store.
func (r evictRun) begin(make func() (Operator, error), now int64) error {
	op, err := make()
	if err != nil {
		return err
	}
	r.make = func() (Operator, error) {
		return beforeOpen{op, func(c *Context) {
			r.ctx, c.Unkept = c, r.way.unkept
			if r.way.tight > 0 {
				c.Budget = NewBudget(func(by, _ int64) bool { return by <= 0 || r.rnd.Float64() >= r.way.tight }, nil)
			}
		}}, nil
	}
	err = r.open(now)
	r.op = op
	return err
}

func (r evictRun) snapshot(make func() (Operator, error)) error {
	if !r.way.snapshot {
		return nil
	}
	if f, ok := r.op.(Flusher); ok {
		if err := f.Flush(&r.out); err != nil {
			return err
		}
	}
	if err := r.op.Snapshot(); err != nil || !r.way.restart {
		return err
	}
	wm := r.ctx.Fn.Watermark
	err := r.begin(make, r.ctx.Fn.NowMicros)
	r.ctx.Fn.Watermark = wm
	return err
}

// evictSteps mixes batches with watermarks, the clock, and places for a snapshot.
func evictSteps(r *rand.Rand, batch func(wm int64) step) []step {
	now, at := int64(1), int64(0)
	out := []step{clock(now)}
	for range 150 {
		switch r.IntN(10) {
		case 0, 1:
			at += r.Int64N(8)
			out = append(out, wm(at))
		case 2:
			out = append(out, restart)
		case 3, 4:
			if r.IntN(6) == 0 {
				now += 600
			}
			now += r.Int64N(120)
			out = append(out, clock(now))
		default:
			out = append(out, batch(at))
		}
	}
	return out
}

func evictCases() map[string]evictCase {
	out := map[string]evictCase{}
	for _, ttl := range []time.Duration{0, 300 * time.Millisecond} {
		of := fmt.Sprintf(" with a TTL of %v", ttl)
		out["OVER from the beginning"+of] = evictOver(false, planner.Frame{Lo: planner.MinFrame}, ttl)
		out["OVER rows from the beginning"+of] = evictOver(false, planner.Frame{Lo: planner.MinFrame, Rows: true}, ttl)
		out["OVER two rows"+of] = evictOver(false, planner.Frame{Lo: -2, Rows: true}, ttl)
		out["OVER an interval"+of] = evictOver(false, planner.Frame{Lo: -10}, ttl)
		out["OVER two rows, processing time"+of] = evictOver(true, planner.Frame{Lo: -2, Rows: true}, ttl)
		out["OVER an interval, processing time"+of] = evictOver(true, planner.Frame{Lo: -200}, ttl)
		out["temporal join"+of] = evictTemporal(ttl, 1)
		out["temporal join, late rows"+of] = evictTemporal(ttl, -5)
		for _, ranked := range []bool{true, false} {
			out[fmt.Sprintf("first of inserts, rank %v", ranked)+of] = evictTopN(types.AppendMode, 0, 1, ranked, ttl)
			out[fmt.Sprintf("Top-2 of inserts, rank %v", ranked)+of] = evictTopN(types.AppendMode, 0, 2, ranked, ttl)
			out[fmt.Sprintf("Top-2 of changes, rank %v", ranked)+of] = evictTopN(types.RetractMode, 0, 2, ranked, ttl)
			out[fmt.Sprintf("second and third of changes, rank %v", ranked)+of] = evictTopN(types.RetractMode, 1, 2, ranked, ttl)
		}
		out["first row, processing time"+of] = evictDedup(true, false, ttl)
		out["last row"+of] = evictDedup(false, true, ttl)
		out["normalisation"+of] = evictNormalize(ttl)
	}
	out["first row"] = evictDedup(false, false, 0)
	return out
}

func evictOver(proc bool, frame planner.Frame, ttl time.Duration) evictCase {
	schema := append(append(types.Schema{}, overCols...), cols("r INT", "c BIGINT", "m INT", "d BIGINT", "f INT", "l STRING")...)
	aggs := []planner.AggCall{agg(overCols, "SUM", 1), agg(overCols, "COUNT"), agg(overCols, "MAX", 1), distinct(agg(overCols, "COUNT", 1)), agg(overCols, "FIRST_VALUE", 1), agg(overCols, "LAST_VALUE", 2)}
	make := func() (Operator, error) {
		n := &planner.Over{Base: base(types.AppendMode, schema), Input: source(overCols), Partition: []int{0}, Order: []planner.SortKey{{Col: 3}}, TimeCol: 3, ProcTime: proc, Frame: frame, Aggs: aggs, TTL: ttl}
		return NewOver(n, &planner.Settings{})
	}
	return evictCase{make, []types.Schema{overCols}, func(r *rand.Rand) []step {
		return evictSteps(r, func(wm int64) step {
			return some(r, func() string {
				return fmt.Sprintf("%d|%d|s%d|%d", r.IntN(12), r.IntN(4), r.IntN(50), wm+6+r.Int64N(12))
			})
		})
	}}
}

// some is a batch of one to three rows.
func some(r *rand.Rand, row func() string) step {
	var l []string
	for range 1 + r.IntN(3) {
		l = append(l, row())
	}
	return in(l...)
}

func evictTemporal(ttl time.Duration, after int64) evictCase {
	make := func() (Operator, error) {
		n := &planner.TemporalJoin{Base: base(types.AppendMode, probed), Left: source(probes), Right: source(builds), Kind: planner.LeftJoin, Keys: planner.JoinKeys{Left: []int{0}, Right: []int{0}}, LeftTime: 2, RightTime: 2, TTL: ttl}
		return NewTemporalJoin(n, &planner.Settings{})
	}
	return evictCase{make, probeIn, func(r *rand.Rand) []step {
		seq := 0
		return evictSteps(r, func(wm int64) step {
			kinds, port := []string{"+I"}, r.IntN(2)
			if port == 1 {
				kinds = []string{"-D", "-U", "-U", "+I", "+I"}
			}
			s := some(r, func() string {
				seq++
				return fmt.Sprintf("%s %d|r%d|%d", kinds[r.IntN(len(kinds))], r.IntN(10), seq, wm+after+r.Int64N(12))
			})
			s.port = port
			return s
		})
	}}
}

func evictTopN(mode types.ChangelogMode, offset, fetch int64, ranked bool, ttl time.Duration) evictCase {
	make := func() (Operator, error) {
		src, out := source(scored), scored
		if src.Info().Mode = mode; ranked {
			out = ranks
		}
		n := &planner.TopN{Base: base(types.RetractMode, out), Input: src, Partition: []int{0}, Keys: []planner.SortKey{{Col: 1, Desc: true, NullsLast: true}}, Offset: offset, Fetch: fetch, Rank: ranked, TTL: ttl}
		return NewTopN(n, &planner.Settings{})
	}
	return evictCase{make, []types.Schema{scored}, func(r *rand.Rand) []step {
		var have []string
		return evictSteps(r, func(int64) step {
			return some(r, func() string {
				if i := len(have) - 1; mode != types.AppendMode && i >= 0 && r.IntN(2) == 0 {
					at := r.IntN(len(have))
					row := have[at]
					have[at], have = have[i], have[:i]
					return "-D " + row
				}
				row := fmt.Sprintf("k%d|%d|%d", r.IntN(10), r.IntN(6), r.IntN(3))
				have = append(have, row)
				return "+I " + row
			})
		})
	}}
}

func evictDedup(proc, last bool, ttl time.Duration) evictCase {
	mode := types.AppendMode
	if last {
		mode = types.RetractMode
	}
	make := func() (Operator, error) {
		n := &planner.Dedup{Base: base(mode, events), Input: source(events), Keys: []int{0}, TimeCol: 2, ProcTime: proc, Last: last, TTL: ttl}
		return NewDedup(n, &planner.Settings{})
	}
	return evictCase{make, []types.Schema{events}, func(r *rand.Rand) []step {
		return evictSteps(r, func(wm int64) step {
			return some(r, func() string {
				return fmt.Sprintf("k%d|%d|%d", r.IntN(12), r.IntN(100), wm-3+r.Int64N(12))
			})
		})
	}}
}

func evictNormalize(ttl time.Duration) evictCase {
	make := func() (Operator, error) {
		n := &planner.ChangelogNormalize{Base: base(types.RetractMode, scored), Input: source(scored), Keys: []int{0}, TTL: ttl}
		return NewChangelogNormalize(n, &planner.Settings{})
	}
	return evictCase{make, []types.Schema{scored}, func(r *rand.Rand) []step {
		kinds := []string{"-D", "+I", "+I"}
		return evictSteps(r, func(int64) step {
			return some(r, func() string { return fmt.Sprintf("%s k%d|%d|1", kinds[r.IntN(3)], r.IntN(12), r.IntN(4)) })
		})
	}}
}
