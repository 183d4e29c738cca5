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

// watermarked tells whether a source of the plan has a watermark.
func watermarked(plan *planner.Plan) bool {
	var visit func(planner.Node) bool
	visit = func(n planner.Node) bool {
		if scan, ok := n.(*planner.Scan); ok && scan.Watermark != nil {
			return true
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
		if (how.Parallel > 1 || m.rescales) && watermarked(plan) {
			r.faults.Generations = 0 // the watermark of splits that follow on each other is chance, and with it which rows are late
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
