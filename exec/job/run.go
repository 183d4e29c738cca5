package job

import (
	"context"

	"weir/exec"
	"weir/exec/checkpoint"
)

// execRun is a run of the engine.
type execRun struct {
	*exec.Job
	store func(dir string) (checkpoint.Store, error)
}

// NewRun makes a Run of the engine's. store gives the store of savepoints in a folder; for the empty folder, where
// the job's settings say.
func NewRun(j *exec.Job, store func(dir string) (checkpoint.Store, error)) Run {
	return &execRun{j, store}
}

// Savepoint writes a savepoint.
func (r *execRun) Savepoint(ctx context.Context, dir string) (string, error) {
	to, err := r.store(dir)
	if err != nil {
		return "", err
	}
	saved, err := r.Job.Savepoint(ctx, to)
	return saved.Path, err
}

// StopWithSavepoint writes a savepoint and ends the run.
func (r *execRun) StopWithSavepoint(ctx context.Context, dir string, drain bool) (string, error) {
	to, err := r.store(dir)
	if err != nil {
		return "", err
	}
	saved, err := r.Job.StopWithSavepoint(ctx, to, drain)
	return saved.Path, err
}

// maxRecent bounds the checkpoints that are remembered over attempts.
const maxRecent = 20

// addCheckpoints counts an attempt's checkpoints on top of those of the attempts before.
func addCheckpoints(past, now exec.CheckpointStats) exec.CheckpointStats {
	now.Completed += past.Completed
	now.Failed += past.Failed
	now.Savepoints += past.Savepoints
	now.Recent = append(now.Recent[:len(now.Recent):len(now.Recent)], past.Recent...)
	now.Recent = now.Recent[:min(len(now.Recent), maxRecent)]
	now.LastCompleted = newer(now.LastCompleted, past.LastCompleted)
	now.LastSavepoint = newer(now.LastSavepoint, past.LastSavepoint)
	now.LastFailed = newer(now.LastFailed, past.LastFailed)
	if now.Restored == nil {
		now.Restored = past.Restored
	}
	return now
}

func newer(now, past *exec.CheckpointInfo) *exec.CheckpointInfo {
	if now != nil {
		return now
	}
	return past
}
