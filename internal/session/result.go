package session

import (
	"context"
	"os"
	"path/filepath"

	"weir/connectors"
	"weir/exec"
	"weir/exec/job"
	"weir/planner"
	"weir/sql/ast"
	"weir/sql/types"
	"weir/sql/vec"
)

// ResultKind says what a statement gives.
type ResultKind uint8

// The kinds.
const (
	Done   ResultKind = iota // a message
	Table                    // a few rows of text: SHOW, DESCRIBE, EXPLAIN
	Rows                     // a query: Stream runs it
	Insert                   // a job: Start runs it in the background, Run to its end
)

// Result is what a statement gives.
type Result struct {
	Kind     ResultKind
	Message  string
	Columns  []string
	Cells    [][]string
	Plain    bool // Cells is one text, to be printed as it is
	Schema   types.Schema
	Append   bool // the query only inserts
	Plan     *planner.Plan
	Warnings []planner.Warning

	s    *Session
	text string
	stmt ast.Statement // of Insert
	prog *job.Program  // of Insert, where it is not what the session's catalog makes of stmt
}

// AllWarnings are the statement's and the plan's.
func (r *Result) AllWarnings() []planner.Warning {
	if r.Plan == nil {
		return r.Warnings
	}
	return append(r.Warnings, r.Plan.Warnings...)
}

// Running is a query or a job under way.
type Running struct{ job *exec.Job }

// Wait waits for its end.
func (r *Running) Wait() error { return r.job.Wait() }

// Cancel stops it.
func (r *Running) Cancel() { r.job.Cancel() }

// Stats gives the counters of each node.
func (r *Running) Stats() []exec.NodeStats { return r.job.Stats() }

// Done is closed when it has ended.
func (r *Running) Done() <-chan struct{} { return r.job.Done() }

// Stream starts the query; rows is called with its batches, one at a time, from another goroutine.
// When Stream returns, sources hold the positions where they begin.
func (r *Result) Stream(ctx context.Context, rows func(*vec.Batch) error) (*Running, error) {
	o := r.s.execOptions(rows)
	o.Env.JobID = job.NewID()
	o.Rejects = r.s.rejects.Job(o.Env.JobID)
	job, err := exec.Run(ctx, r.Plan, o)
	if err != nil {
		return nil, err
	}
	return &Running{job}, nil
}

// Start runs an INSERT as a job in the background, or has the server run it.
func (r *Result) Start(ctx context.Context) (*Job, error) {
	s := r.s
	if s.opts.Jobs != nil {
		info, err := s.opts.Jobs.Submit(ctx, r.Program())
		if err != nil {
			return nil, err
		}
		return &Job{ID: info.ID, Name: info.Name, Text: r.text, Started: info.Started, service: s.opts.Jobs}, nil
	}
	j := &Job{ID: job.NewID(), Name: jobName(r.Plan), Text: r.text, hide: newHider(r.Program(), r.Plan), plan: planner.ExplainJSON(r.Plan)}
	o, dir := s.execOptions(nil), filepath.Join(s.opts.DataDir, "jobs", j.ID)
	var err error
	if s.keepsCheckpoints() {
		if o, _, err = s.jobOptions(ctx, j.ID, dir, s.opts.Logger); err != nil {
			return nil, err
		}
		j.store = s.savepointStore(j.ID, "")
	}
	if o.Restore, err = s.recovery(ctx, filepath.Join(dir, "scratch")); err != nil {
		return nil, err
	}
	o.JobName = j.Name
	if o.Rejects == nil {
		o.Env.JobID, o.Env.Calls, o.Rejects = j.ID, s.ledger.Job(j.ID), s.rejects.Job(j.ID)
	}
	if j.run, err = exec.Run(ctx, r.Plan, o); err != nil {
		return nil, unfit(err)
	}
	return s.jobs.add(j), nil
}

// keepsCheckpoints: jobs of this process keep theirs only where a setting says where, since they end with it.
func (s *Session) keepsCheckpoints() bool {
	return s.conf.get("execution.checkpointing.dir") != "" || s.conf.get("execution.checkpointing.savepoint-dir") != ""
}

// Program is all that it takes to run the INSERT elsewhere. It holds secrets of tables.
func (r *Result) Program() job.Program {
	if r.prog != nil {
		return *r.prog
	}
	return r.s.program(r.text, r.stmt)
}

// execOptions are what jobs of the session need. Files and offsets are made visible by checkpoints,
// which jobs take without being asked.
func (s *Session) execOptions(rows func(*vec.Batch) error) exec.Options {
	env := *s.env
	env.Calls = s.ledger.Job("")
	o := exec.Options{Env: &env, Rows: rows, MemoryLimit: s.conf.memory(), Reserve: s.opts.Reserve}
	if o.TempDir = s.conf.get("io.tmp.dirs"); o.TempDir == "" {
		o.TempDir = os.TempDir()
	}
	if rows == nil {
		o.Interval = s.conf.duration("execution.checkpointing.interval")
		o.MinPause = s.conf.duration("execution.checkpointing.min-pause")
		o.Timeout = s.conf.duration("execution.checkpointing.timeout")
		if s.conf.get("execution.checkpointing.unaligned.enabled") == "true" {
			o.AlignedTimeout = max(s.conf.duration("execution.checkpointing.aligned-checkpoint-timeout"), 1)
		}
		o.TolerableFailures = s.conf.number("execution.checkpointing.tolerable-failed-checkpoints")
		o.AllowNonRestored = s.conf.get("execution.state-recovery.ignore-unclaimed-state") == "true"
	}
	return o
}

// Bounded tells whether the query ends by itself: none of its sources goes on for ever.
func (r *Result) Bounded() bool {
	for _, root := range r.Plan.Roots {
		if !r.s.bounded(root) {
			return false
		}
	}
	return true
}

func (s *Session) bounded(n planner.Node) bool {
	if scan, ok := n.(*planner.Scan); ok {
		reads, ok := scan.Config.(connectors.Reads)
		if !ok {
			return false
		}
		src, err := reads.Source(scan.Table.Desc, connectors.Scan{Columns: scan.Columns, Metadata: scan.Meta}, s.env)
		return err == nil && src.Bounded()
	}
	for _, in := range n.Inputs() {
		if !s.bounded(in) {
			return false
		}
	}
	return true
}
