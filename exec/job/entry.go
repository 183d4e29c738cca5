package job

import (
	"context"
	"encoding/json"
	"time"

	"weir/exec"
)

// Status tells how the job is.
func (e *Entry) Status() Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.record.status()
}

// Program is what the job does. It holds secrets.
func (e *Entry) Program() Program {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.record.Program
}

// Statement is the job's statement without secrets.
func (e *Entry) Statement() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.record.Shown
}

// Plan is the job's plan as JSON, without secrets.
func (e *Entry) Plan() json.RawMessage {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.record.Plan
}

// Prepared gives what the job was prepared to, nil where it could not be since the server started.
func (e *Entry) Prepared() *Prepared {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.prepared
}

// Logs is the job's log.
func (e *Entry) Logs() *Logs { return &e.logs }

// Run is the attempt under way, nil where there is none.
func (e *Entry) Run() Run {
	if j := e.supervisor(); j != nil {
		return j.Run()
	}
	return nil
}

// Job gives the supervisor, nil where the job did not run since the server started.
func (e *Entry) supervisor() *Job {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.job
}

// Cancel ends the job as it is, and does not wait.
func (e *Entry) Cancel() error {
	j := e.supervisor()
	if j == nil {
		return &NotRunningError{e.Status().State}
	}
	return j.Cancel()
}

// Savepoint takes a savepoint into a folder, or where the settings say.
func (e *Entry) Savepoint(ctx context.Context, dir string) (path string, err error) {
	j := e.supervisor()
	if j == nil {
		return "", &NotRunningError{e.Status().State}
	}
	return j.Savepoint(ctx, dir)
}

// Stop ends the job behind a savepoint.
func (e *Entry) Stop(ctx context.Context, dir string, drain bool) (path string, err error) {
	j := e.supervisor()
	if j == nil {
		return "", &NotRunningError{e.Status().State}
	}
	return j.Stop(ctx, dir, drain)
}

// Await waits until the job is in a state that ok takes, or ctx is done.
func (e *Entry) Await(ctx context.Context, ok func(State) bool) (Status, error) {
	j := e.supervisor()
	if j == nil {
		return e.Status(), nil
	}
	return j.Await(ctx, ok)
}

// Checkpoints tells of the checkpoints of the attempts since the server started.
func (e *Entry) Checkpoints() exec.CheckpointStats {
	if j := e.supervisor(); j != nil {
		return j.Checkpoints()
	}
	return exec.CheckpointStats{}
}

// Stats are the counters of the attempt under way, or of the last one.
func (e *Entry) Stats() []exec.NodeStats {
	if j := e.supervisor(); j != nil {
		return j.Stats()
	}
	return nil
}

// Rates are the counters' growth, by node and instance.
func (e *Entry) Rates(now time.Time) map[Counter]Rate {
	stats := e.Stats()
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sampler.rates(now, stats)
}
