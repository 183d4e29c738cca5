// Package checkpoint keeps what a job needs to go on after a crash: for each task its keyed state,
// its place in each split and the tokens of what its sinks have staged.
//
// Contract: a checkpoint is immutable once complete, and complete once every task has acknowledged its
// barrier or had ended before. The coordinator is a plain state machine: its caller owns the lock,
// the clock and the sending of barriers, so that goroutines and the simulator drive the same one.
package checkpoint

import (
	"context"
	"sync"

	"weir/exec/state"
	"weir/sql/types"
)

// Checkpoint is a consistent picture of a job.
type Checkpoint struct {
	ID    int64
	Tasks map[string]*Task // by the task's name: stage, instance
}

// Ended tells whether every task had ended: the job's result.
func (c *Checkpoint) Ended() bool {
	for _, t := range c.Tasks {
		if !t.Ended {
			return false
		}
	}
	return true
}

// Task is what one task contributes.
type Task struct {
	// Ended: the task had nothing more to do; restored, it ends at once.
	Ended bool
	// Watermark is the last one the task passed on.
	Watermark types.Time
	// State is the task's store, nil when it holds nothing.
	State state.Snapshot
	// Splits is where a source task stands.
	Splits []Split
	// Tokens are what each sink of the task staged, in the order of the task's sinks; published when
	// the checkpoint is complete.
	Tokens []Token
	// Read is the number of rows a source task has given, where its query limits them.
	Read int64
}

// Split is how far a source task is with a split.
type Split struct {
	ID        string
	Parents   []string
	Size      int64
	Offset    []byte // opaque: the source's own
	Watermark types.Time
	Done      bool
}

// Token is what one sink staged.
type Token struct {
	Sink  string // the plan node's ID
	Bytes []byte
}

// Store keeps complete checkpoints.
type Store interface {
	// Save makes a checkpoint durable; only then may its tokens be committed.
	Save(ctx context.Context, c *Checkpoint) error
	// Latest is the newest durable checkpoint, nil when there is none.
	Latest(ctx context.Context) (*Checkpoint, error)
}

// Memory is a Store in memory that keeps the newest checkpoint. It is safe for concurrent use.
type Memory struct {
	mu     sync.Mutex
	latest *Checkpoint
	saved  int
}

// Save keeps the checkpoint.
func (m *Memory) Save(_ context.Context, c *Checkpoint) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.latest = c
	m.saved++
	return nil
}

// Latest gives the newest checkpoint.
func (m *Memory) Latest(context.Context) (*Checkpoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.latest, nil
}

// Saved is the number of checkpoints saved so far.
func (m *Memory) Saved() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.saved
}
