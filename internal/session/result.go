package session

import (
	"context"
	"time"

	"weir/connectors"
	"weir/exec"
	"weir/planner"
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
	job, err := exec.Run(ctx, r.Plan, r.s.execOptions(rows))
	if err != nil {
		return nil, err
	}
	return &Running{job}, nil
}

// Start runs an INSERT as a job in the background.
func (r *Result) Start(ctx context.Context) (*Job, error) {
	job, err := exec.Run(ctx, r.Plan, r.s.execOptions(nil))
	if err != nil {
		return nil, err
	}
	name := r.Plan.Settings.JobName
	if name == "" {
		name = oneLine(r.text)
	}
	return r.s.jobs.add(name, r.text, job), nil
}

// execOptions are what jobs of the session need. Files and offsets are made visible by checkpoints,
// which jobs take without being asked.
func (s *Session) execOptions(rows func(*vec.Batch) error) exec.Options {
	env := *s.env
	var every time.Duration
	if rows == nil {
		_ = durationTo(&every, s.conf.get("execution.checkpointing.interval")) // checked when it was set
	}
	return exec.Options{Env: &env, Rows: rows, Interval: every, MemoryLimit: 1 << 30}
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
