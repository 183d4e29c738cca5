package golden

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"

	"weir/exec"
	"weir/exec/checkpoint"
	"weir/exec/lab"
	"weir/exec/state"
	"weir/planner"
)

// machine is what a faulty run runs on: a disk or an object store for its checkpoints that dies in the middle of a
// write, is full for a while or fails. The seed decides all of it.
type machine struct {
	rng      *rand.Rand
	disk     *state.Disk
	scratch  state.FS
	cloud    *lab.Cloud // nil: checkpoints are on disk
	keep     int
	lives    int
	rescales bool
}

// maxDeaths bounds how often the machine of one run dies.
const maxDeaths = 6

func newMachine(seed uint64) *machine {
	m := &machine{rng: rand.New(rand.NewPCG(seed, 9)), disk: state.NewDisk(seed), scratch: state.NewDisk(seed), keep: 1 + int(seed%2)}
	m.rescales = m.rng.IntN(2) == 0
	if m.rng.IntN(3) == 0 {
		m.cloud = lab.NewCloud(seed)
		m.cloud.Fail, m.cloud.Lose = 0.05, 0.02
	} else if m.rng.IntN(3) == 0 {
		m.disk.FullFor(20+m.rng.IntN(100), 20+m.rng.IntN(60))
	}
	return m
}

// breakThings sets a simulation up to run on the machine.
func (m *machine) breakThings(so *exec.SimOptions, opts *exec.Options, f *lab.Faults) {
	so.Checkpoint, so.CrashAfterCheckpoint, so.MaxCrashes = 0.15, m.rng.IntN(2) == 0, maxCrashes
	if m.rng.IntN(4) == 0 {
		so.Crash = 0.01
	}
	so.Crashed, so.Reopen, so.Passing = m.dead, m.reopen, passing
	opts.TolerableFailures = -1
	if m.rng.IntN(3) == 0 {
		so.Overtake = 0.2
	}
	f.Rand = rand.New(rand.NewPCG(so.Seed, 10))
	switch m.rng.IntN(4) {
	case 0:
		f.Throttle, f.Short = 0.3, 0.5
	case 1:
		f.Reopen, f.Break, f.Breaks = 0.2, 0.05, 3
	case 2:
		f.Generations, f.Short = m.rng.IntN(4), 0.3
	}
}

// passing are the errors after which a job restarts.
func passing(err error) bool {
	return errors.Is(err, lab.ErrPassing) || errors.Is(err, lab.ErrUnavailable) || errors.Is(err, syscall.ENOSPC)
}

func (m *machine) dead() bool {
	if m.cloud != nil {
		return m.cloud.Stopped()
	}
	return m.disk.Dead()
}

// reopen is what starts after the machine has.
func (m *machine) reopen() (checkpoint.Store, error) {
	m.lives++
	dies := m.lives <= maxDeaths
	if m.cloud != nil {
		m.cloud.Restart()
		if dies {
			m.cloud.StopAt(m.cloud.Calls() + 1 + m.rng.IntN(30))
		}
		return checkpoint.OpenObjects(context.Background(), m.cloud, "jobs/a", checkpoint.Options{FS: m.scratch, Scratch: "scratch", Keep: m.keep, Transfers: 1})
	}
	if m.disk.Dead() {
		m.disk = m.disk.Restart()
	}
	if dies {
		m.disk.DieAt(m.disk.Writes() + 1 + m.rng.IntN(150))
	}
	return checkpoint.OpenDir("jobs/a", checkpoint.Options{FS: m.disk, Keep: m.keep})
}

// faulty picks runs over faults of the query at a line.
func (o *Options) faulty(line int) (out []Run) {
	rng := rand.New(rand.NewPCG(o.Seed, uint64(line)))
	for range o.Faulty {
		out = append(out, Run{
			Seed: 1 + rng.Uint64N(1<<32), Faults: true, Parallel: 1 + rng.IntN(3), Batch: batches[rng.IntN(len(batches))], Pebble: rng.IntN(2) == 0,
		})
	}
	return out
}

// note counts the kinds of operators in a faulty run.
func (r *runner) note(plan *planner.Plan, how Run) {
	if !how.Faults {
		return
	}
	if r.report.Kinds == nil {
		r.report.Kinds = map[string]int{}
	}
	for kind := range kindsOf(plan) {
		r.report.Kinds[kind]++
	}
}

// kindsOf is the set of a plan's kinds of nodes.
func kindsOf(plan *planner.Plan) map[string]bool {
	kinds := map[string]bool{}
	var visit func(planner.Node)
	visit = func(n planner.Node) {
		kinds[strings.TrimPrefix(fmt.Sprintf("%T", n), "*planner.")] = true
		for _, in := range n.Inputs() {
			visit(in)
		}
	}
	for _, root := range plan.Roots {
		visit(root)
	}
	return kinds
}
