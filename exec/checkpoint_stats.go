package exec

import (
	"sync"
	"time"

	"weir/exec/checkpoint"
)

// The states of a checkpoint, as Flink names them.
const (
	CheckpointInProgress = "IN_PROGRESS"
	CheckpointCompleted  = "COMPLETED"
	CheckpointFailed     = "FAILED"
)

// CheckpointInfo is one checkpoint or savepoint, under way or done.
type CheckpointInfo struct {
	ID        int64
	Savepoint bool
	Status    string
	Triggered time.Time
	Duration  time.Duration // until durable, or failed
	// Bytes is the size of all of it, NewBytes of what had to be written for it.
	Bytes, NewBytes int64
	Path            string
	Error           string
	Acked, Tasks    int // tasks whose part is there
}

// CheckpointStats are a job's checkpoints so far.
type CheckpointStats struct {
	Completed, Failed, InProgress, Savepoints int64
	// ConsecutiveFailures since the last one that was completed.
	ConsecutiveFailures int
	// Restored is the one the job began from; nil: it began from the start.
	Restored *CheckpointInfo
	// Recent are the last ones, newest first.
	Recent                                   []CheckpointInfo
	LastCompleted, LastSavepoint, LastFailed *CheckpointInfo
}

// recentCheckpoints is how many a job remembers.
const recentCheckpoints = 20

// checkpointStats is CheckpointStats under a lock.
type checkpointStats struct {
	mu sync.Mutex
	s  CheckpointStats
}

func (c *checkpointStats) restored(from *checkpoint.Checkpoint, tasks int) {
	if from == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Restored = &CheckpointInfo{
		ID: from.ID, Savepoint: from.Savepoint, Status: CheckpointCompleted, Triggered: from.Time, Path: from.Path,
		Acked: len(from.Tasks), Tasks: tasks,
	}
}

func (c *checkpointStats) begin(id int64, savepoint bool, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.s.Recent[:min(len(c.s.Recent), recentCheckpoints-1)]
	c.s.Recent = append([]CheckpointInfo{{ID: id, Savepoint: savepoint, Status: CheckpointInProgress, Triggered: now}}, kept...)
	c.s.InProgress = 1
}

func (c *checkpointStats) acked(n, of int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Recent[0].Acked, c.s.Recent[0].Tasks = n, of
}

// end closes the newest checkpoint.
func (c *checkpointStats) end(now time.Time, saved checkpoint.Saved, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := &c.s.Recent[0]
	i.Duration, c.s.InProgress = now.Sub(i.Triggered), 0
	if err != nil {
		i.Status, i.Error = CheckpointFailed, err.Error()
		c.s.Failed++
		c.s.ConsecutiveFailures++
		failed := *i
		c.s.LastFailed = &failed
		return
	}
	i.Status, i.Path, i.Bytes, i.NewBytes = CheckpointCompleted, saved.Path, saved.Bytes, saved.NewBytes
	done := *i
	if i.Savepoint {
		c.s.Savepoints++
		c.s.LastSavepoint = &done
		return
	}
	c.s.Completed++
	c.s.ConsecutiveFailures = 0
	c.s.LastCompleted = &done
}

// read gives a copy. What it points to never changes.
func (c *checkpointStats) read() CheckpointStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.s
	out.Recent = append([]CheckpointInfo(nil), c.s.Recent...)
	return out
}
