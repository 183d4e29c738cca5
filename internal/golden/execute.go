package golden

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"

	"weir/exec"
	"weir/exec/lab"
	"weir/exec/state"
	"weir/planner"
	"weir/sql/vec"
)

// maxCrashes bounds the crashes of one run, and so what it costs.
const maxCrashes = 4

var seedNote = regexp.MustCompile(` \(seed \d+\)$`)

// plans gives the plan of a query for a parallelism.
type plans func(parallel int) (*planner.Plan, error)

// wrap puts the file's faults before the sources of a plan.
func (r *runner) wrap(plan *planner.Plan) {
	done := map[planner.Node]bool{}
	var visit func(planner.Node)
	visit = func(n planner.Node) {
		if done[n] {
			return
		}
		done[n] = true
		if scan, ok := n.(*planner.Scan); ok {
			scan.Config = r.faults.Wrap(scan.Config)
		}
		for _, in := range n.Inputs() {
			visit(in)
		}
	}
	for _, root := range plan.Roots {
		visit(root)
	}
}

// arrival are the aggregates whose results depend on the order in which rows come.
var arrival = []string{"ARRAY_AGG", "FIRST_VALUE", "JSON_ARRAYAGG", "JSON_OBJECTAGG", "LAST_VALUE", "LISTAGG"}

// orderly tells whether rows must come in order. At a parallelism those of splits that follow each other do not: the second may be
// read by another instance, while rows of the first are still on their way. One split has a watermark of its own, too.
func orderly(plan *planner.Plan) bool {
	has := func(aggs []planner.AggCall) bool {
		return slices.ContainsFunc(aggs, func(a planner.AggCall) bool { return slices.Contains(arrival, a.Func) })
	}
	var visit func(planner.Node) bool
	visit = func(n planner.Node) bool {
		switch n := n.(type) {
		case *planner.Scan:
			return n.Watermark != nil
		case *planner.GroupAgg:
			if has(n.Aggs) {
				return true
			}
		case *planner.WindowAgg:
			if has(n.Aggs) {
				return true
			}
		case *planner.Over:
			if has(n.Aggs) {
				return true
			}
		}
		return slices.ContainsFunc(n.Inputs(), visit)
	}
	return slices.ContainsFunc(plan.Roots, visit)
}

// execute runs a plan to its end, within the time a run may take.
func (r *runner) execute(of plans, how Run, rows func(*vec.Batch) error) error {
	plan, err := of(how.Parallel)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.ctx, r.opts.Timeout)
	defer cancel()
	r.report.Runs++
	opts := r.s.ExecOptions(rows)
	opts.Interval = 0
	if how.Pebble {
		opts.NewStore, opts.MemoryLimit = newLazyPebble, 1 // everything spills
	}
	*r.faults = lab.Faults{}
	if how.Goroutines {
		var job *exec.Job
		if job, err = exec.Run(ctx, plan, opts); err == nil {
			err = job.Wait()
		}
	} else {
		err = r.simulate(ctx, of, plan, how, opts)
	}
	if err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("internal error: the run has not ended after %s", r.opts.Timeout)
	}
	return errors.New(seedNote.ReplaceAllString(err.Error(), ""))
}

func (r *runner) simulate(ctx context.Context, of plans, plan *planner.Plan, how Run, opts exec.Options) error {
	so := exec.SimOptions{Seed: how.Seed, CrashAfterCheckpoint: how.Crash, MaxCrashes: maxCrashes}
	if how.Pebble || how.Crash {
		so.Checkpoint = 0.1
	}
	parallel := how.Parallel
	so.Plan = func(int) (*planner.Plan, error) { return of(parallel) }
	if how.Faults {
		m := newMachine(how.Seed)
		m.breakThings(&so, &opts, r.faults)
		if (how.Parallel > 1 || m.rescales) && orderly(plan) {
			r.faults.Generations = 0
		}
		if m.rescales || len(r.story) > 0 {
			so.Overtake = 0 // a checkpoint that did is for one parallelism
		}
		so.Plan = func(life int) (*planner.Plan, error) {
			if life > 0 && m.rescales {
				parallel = 1 + m.rng.IntN(3)
			}
			return of(parallel)
		}
		opts.NewStore, opts.WorkDir, opts.FS = nil, "work", state.NewDisk(how.Seed)
		if how.Pebble {
			opts.SpillBytes = 1
			so.Checkpoint /= 3 // they cost most of the time
		}
	}
	if len(r.story) > 0 {
		if r.faults.Rand == nil {
			r.faults.Rand = rand.New(rand.NewPCG(how.Seed, 11))
		}
		told := r.tell(&parallel)
		defer told.end()
		so.Quiet, r.faults.Limit = told.next, told.limit
	}
	stats, err := exec.Simulate(ctx, plan, opts, so)
	r.report.Crashes += stats.Crashes
	r.report.Restores += stats.Restores
	r.report.Checkpoints += stats.Checkpoints
	if how.Faults {
		r.report.Faulty++
	}
	return err
}
