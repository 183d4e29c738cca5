package exec

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"weir/connectors"
	"weir/exec/checkpoint"
	"weir/exec/op"
	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// Options are what a job needs besides its plan.
type Options struct {
	// Env is handed to connectors; its clock and randomness are the job's.
	Env *connectors.Env
	// Rows takes the rows of the Collect roots, one call at a time.
	Rows func(*vec.Batch) error
	// JobName and Settings are kept in checkpoints, for people who look at them.
	JobName  string
	Settings map[string]string
	// Restore is the checkpoint to go on from; nil: from the start. The plan must fit it, or Run gives a
	// *checkpoint.Mismatch; with AllowNonRestored what fits is taken up and the rest is left out.
	Restore          *checkpoint.Checkpoint
	AllowNonRestored bool
	// Checkpoints keeps checkpoints; nil: none are kept, and sinks commit as if they were.
	Checkpoints checkpoint.Store
	// Interval is the time between the beginnings of checkpoints; 0: none before the end. MinPause is the
	// least time between the end of one and the beginning of the next.
	Interval, MinPause time.Duration
	// Timeout is how long a checkpoint may take until it has failed; 0: 10 minutes.
	Timeout time.Duration
	// AlignedTimeout is how long a checkpoint waits for what is queued before operators: then it overtakes that, and holds it.
	// 0: for ever.
	AlignedTimeout time.Duration
	// TolerableFailures is how many checkpoints may fail one after the other; one more fails the job.
	// Negative: any number.
	TolerableFailures int
	// WorkDir is a folder for the state of tasks that outgrows memory, best on the device of the checkpoints.
	// What is in it when the job starts is deleted. "": state stays in memory.
	WorkDir string
	// TempDir is where a job without a WorkDir makes a folder for it, at the first need, and removes it at its end.
	// "": it has none.
	TempDir string
	// SpillBytes is the size over which a task's state moves from memory to disk; 0: 16 MB.
	SpillBytes int64
	// Resources are what the stores on disk share; nil: the job has its own.
	Resources *state.Resources
	// FS is the file system of WorkDir; nil: the machine's.
	FS state.FS
	// NewStore makes the store of a task's state; nil: in memory, then in WorkDir.
	NewStore func(task string) (state.Snapshotter, error)
	// Reserve is told what a job with a MemoryLimit takes of Go's memory, garbage and all, and gives what ends that; nil:
	// nobody asks.
	Reserve func(bytes int64) (release func())
	// MemoryLimit is the memory of the job, of which operators' state has a share (sharesOf) before they move it to their
	// store; 0: no bound.
	MemoryLimit int64
	// Rejects keeps bad records and late rows where their tables want that; nil: they are counted, logged and gone.
	Rejects connectors.RejectLog
	// RejectsPerSecond bounds what a task keeps; the rest is counted. 0: 10,000.
	RejectsPerSecond int
	// Rejected is told of bad records and rows that are kept.
	Rejected func(table, message string, record []byte)
}

// runtime is what the tasks of a job share.
type runtime struct {
	env    *connectors.Env
	clock  func() time.Time
	began  int64 // microseconds
	shares shares
	memory memory
	rows   sync.Mutex // serialises Options.Rows
	opts   Options
	// operator makes operators; newOperator but in tests.
	operator func(planner.Node, *planner.Settings) (op.Operator, error)
	collect  func(n *planner.Collect, t *task) connectors.Sink
	// single: the simulator runs the tasks.
	single bool
	// unkept: no checkpoint can be restored, so operators need not write all of their state for one.
	unkept      bool
	startReader func(*source, *splitRun)
	acknowledge func(ack)
	ask         func(request func()) // runs a request of an operator outside its task
	// drainAt is the checkpoint before whose barrier operators give what they hold, as at the end; 0: none.
	drainAt atomic.Int64
	// stopAt is the checkpoint behind whose barrier tasks stop; 0: none.
	stopAt       atomic.Int64
	temporary    bool             // WorkDir is the job's own, and goes with it
	ownResources *state.Resources // made for this job; nil: the process's, or none
	unreserve    func()           // ends what Options.Reserve was told; nil: nothing to end
	mu           sync.Mutex
	alignments   map[string]*alignment
	restored     int64 // checkpoint that the job goes on from; 0: none
}

func newRuntime(opts Options) *runtime {
	env := connectors.Env{}
	if opts.Env != nil {
		env = *opts.Env
	}
	r := &runtime{env: &env, opts: opts, operator: newOperator, alignments: map[string]*alignment{}}
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.Random == nil {
		env.Random = rand.Uint64
	}
	if env.Logger == nil {
		env.Logger = slog.New(slog.DiscardHandler)
	}
	if env.Zone == nil {
		env.Zone = time.UTC
	}
	if env.Stdout == nil {
		var mu sync.Mutex
		env.Stdout = func(line []byte) {
			mu.Lock()
			defer mu.Unlock()
			_, _ = os.Stdout.Write(line) // nobody is left to tell when standard output is gone
		}
	}
	if env.Warn == nil {
		env.Warn = func(string) {}
	}
	r.clock, r.began = env.Now, env.Now().UnixMicro()
	r.collect = func(*planner.Collect, *task) connectors.Sink { return collector{r.give} }
	if r.opts.FS == nil {
		r.opts.FS = state.OS()
	}
	r.shares, r.memory.limit = sharesOf(opts.MemoryLimit), opts.MemoryLimit
	if opts.WorkDir != "" || opts.TempDir != "" {
		r.memory.limit = r.shares.state
	}
	if opts.WorkDir == "" && opts.TempDir != "" {
		r.opts.WorkDir, r.temporary = r.opts.FS.PathJoin(opts.TempDir, fmt.Sprintf("weir-%016x", env.Random())), true
	}
	return r
}

// give hands rows to the session.
func (r *runtime) give(b *vec.Batch) error {
	if r.opts.Rows == nil {
		return nil
	}
	r.rows.Lock()
	defer r.rows.Unlock()
	return r.opts.Rows(b)
}

func (r *runtime) newStore(task string) (state.Snapshotter, error) {
	if r.opts.NewStore != nil {
		return r.opts.NewStore(task)
	}
	if r.opts.WorkDir == "" {
		return state.NewMemory(), nil
	}
	return state.NewGrowing(state.Config{
		FS: r.opts.FS, Dir: r.opts.FS.PathJoin(r.workFolder(), checkpoint.Escape(task)), Resources: r.opts.Resources,
		Bound: r.opts.SpillBytes, Pressed: r.memory.pressed.Load,
	}), nil
}

// release gives back what the job made for itself. Its stores are closed.
func (r *runtime) release() {
	if r.ownResources != nil {
		r.ownResources.Close()
		r.ownResources = nil
	}
	if r.unreserve != nil {
		r.unreserve()
		r.unreserve = nil
	}
}

// workFolder is where the tasks' stores are: of no use to another run.
func (r *runtime) workFolder() string { return r.opts.FS.PathJoin(r.opts.WorkDir, "tasks") }

// clearWork removes what stores left on disk.
func (r *runtime) clearWork() error {
	if r.opts.WorkDir == "" {
		return nil
	}
	folder := r.workFolder()
	if r.temporary {
		folder = r.opts.WorkDir
	}
	if err := r.opts.FS.RemoveAll(folder); err != nil {
		return fmt.Errorf("work folder: %w", err)
	}
	return nil
}

func (r *runtime) alignment(group string) *alignment {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.alignments[group]
	if a == nil {
		a = &alignment{wms: map[*generator]types.Time{}}
		r.alignments[group] = a
	}
	return a
}
