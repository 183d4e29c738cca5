// Package checkpoint keeps what a job needs to go on after a crash: for each task its keyed state,
// its place in each split and the tokens of what its sinks have staged.
//
// Contract: a checkpoint is immutable once complete, and complete once every task has acknowledged its
// barrier or had ended before. The coordinator is a plain state machine: its caller owns the lock,
// the clock and the sending of barriers, so that goroutines and the simulator drive the same one.
// A Store may be used by one job at a time; its methods may be called from any goroutine, one by one.
package checkpoint

import (
	"context"
	"sync"
	"time"

	"weir/exec/state"
	"weir/sql/types"
)

// Checkpoint is a consistent picture of a job.
type Checkpoint struct {
	ID int64
	// Job is the job's name, and Settings are what it ran with: for people who look at it later.
	Job      string
	Settings map[string]string
	// Time is when it was begun.
	Time time.Time
	// Savepoint: it was asked for, is kept until somebody deletes it, and publishes no tokens.
	Savepoint bool
	// Operators are the plan's, so that a restore can tell whether its state fits another plan.
	Operators []Operator
	Tasks     map[string]*Task // by the task's name: stage, instance
	// Path is where it is stored, of one that was.
	Path string
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

// Close lets go of the pictures of state.
func (c *Checkpoint) Close() {
	for _, t := range c.Tasks {
		t.Close()
	}
}

// Operator is a node of the plan that a checkpoint was made with.
type Operator struct {
	ID          string       `json:"id"`   // stable: the plan node's
	Kind        string       `json:"kind"` // of node
	Text        string       `json:"text"` // what it does, as EXPLAIN says
	Role        Role         `json:"role,omitempty"`
	Stage       string       `json:"stage"` // names its tasks, which are shared with what is chained to it
	Parallelism int          `json:"parallelism"`
	Tables      []state.Spec `json:"tables,omitempty"`
}

// Role says what a checkpoint has of an operator besides tables.
type Role string

// The roles.
const (
	Inner  Role = ""
	Source Role = "source" // its splits
	Sink   Role = "sink"   // its tokens
)

// Task is what one task contributes.
type Task struct {
	// Ended: the task had nothing more to do; restored, it ends at once.
	Ended bool
	// Watermark is the last one the task passed on.
	Watermark types.Time
	// Held is the watermark that operators of the task have had, by plan node, where one before them in its chain held back
	// the task's: at another parallelism they may be the first of their own.
	Held map[string]types.Time
	// Flight is what was on its way to the task, where the checkpoint did not wait for it: it becomes the state of a task of its
	// own, with FlightSuffix behind the name. Nil: nothing was.
	Flight state.Snapshot
	// State is the task's store, nil when it holds nothing.
	State state.Snapshot
	// Splits is where a source task stands.
	Splits []Split
	// Tokens are what each sink of the task staged and has not published, oldest first; published when
	// the checkpoint is complete.
	Tokens []Token
	// Read is the number of rows a source task has given, where its query limits them.
	Read int64
}

// FlightSuffix ends the names of tasks that stand for what was on its way.
const FlightSuffix = "~flight"

// Close lets go of the picture of state.
func (t *Task) Close() {
	if t.Flight != nil {
		_ = t.Flight.Close() // it is in memory
	}
	if t.State != nil {
		_ = t.State.Close() // a link in the work folder that stays is removed when the job starts again
	}
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
	// Save makes a checkpoint durable; only then may its tokens be committed. It takes the checkpoint
	// over, and closes it also when it fails.
	Save(ctx context.Context, c *Checkpoint) (Saved, error)
	// Latest is the newest durable checkpoint, nil when there is none. Its files are there until the next Save.
	Latest(ctx context.Context) (*Checkpoint, error)
}

// Saved is what Save made.
type Saved struct {
	Path string
	// Bytes is the size of the whole checkpoint; NewBytes is what had to be written for it.
	Bytes, NewBytes int64
}

// Memory is a Store in memory that keeps the newest checkpoint. It is safe for concurrent use.
type Memory struct {
	mu     sync.Mutex
	latest *Checkpoint
	saved  int
}

// Save keeps the checkpoint.
func (m *Memory) Save(_ context.Context, c *Checkpoint) (Saved, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.latest != nil {
		m.latest.Close()
	}
	m.latest = c
	m.saved++
	return Saved{}, nil
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
