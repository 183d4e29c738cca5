// Package op holds the operators, one file each, and what an operator is.
//
// Contract: an Operator is a single-threaded state machine. Its task calls it from one goroutine, so
// it holds no locks, starts no goroutines and reads no clock and no randomness: time and random bits
// come from Context. Tasks align barriers, merge watermarks (minimum over live ports) and forward
// signals; an operator cannot forget to. Batches are immutable once emitted or received; state copies
// bytes and never points into a batch. Event time is types.Time, milliseconds.
//
// The operator of plan node N is made by NewN(n *planner.N, s *planner.Settings) (Operator, error),
// once for each instance. It compiles expressions and binds functions; state comes with Open. The
// ports of Process are the places of the node's Inputs.
package op

import (
	"context"

	"weir/exec/state"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// Operator does the work of a plan node. Embed Base for the methods an operator has no use for.
type Operator interface {
	// Open is called once, before all else; Context.State is already restored.
	Open(*Context) error
	// Process takes a batch of the input at the port.
	Process(port int, b *vec.Batch, out Emitter) error
	// Watermark says that no row earlier than wm follows on any port. It returns the watermark to
	// pass on, at most wm. Rows that it makes complete must be emitted before it returns.
	Watermark(wm types.Time, out Emitter) (types.Time, error)
	// Snapshot moves what memory holds, and has changed, into Context.State.
	Snapshot() error
	// End is called when all inputs have ended, after the watermark MaxTime.
	End(out Emitter) error
	Close() error
}

// Flusher is an Operator that emits all it holds before the barrier of a checkpoint, which so has nothing of it: it is
// there at one parallelism and not at another.
type Flusher interface {
	Flush(out Emitter) error
}

// Ticker is an Operator with processing-time timers.
type Ticker interface {
	// NextTick is when Tick wants to be called, types.MaxTime for never. Asked after each event.
	NextTick() types.Time
	// Tick is called at or after NextTick with the clock.
	Tick(now types.Time, out Emitter) error
}

// Async is an Operator that asks outside while rows flow on, as a lookup join does. It calls Context.Ask, in
// Process or in Open for what a snapshot had pending, and holds its watermark behind the rows that wait.
type Async interface {
	// Complete takes the answer to request id; answers come in any order. Watermark is called again
	// afterwards if the last one was held back.
	Complete(id uint64, answer *vec.Batch, err error, out Emitter) error
	// Pending is the number of requests without an answer. End is called once it is 0.
	Pending() int
	// Full tells that no input should come before an answer has. What its task is in the middle of
	// still does: a batch that a source or an operator before it cuts in parts.
	Full() bool
}

// Emitter takes the rows an operator produces. Emit may block: that is backpressure. It fails only
// when the job is being torn down. The emitter owns the batch afterwards.
type Emitter interface {
	Emit(*vec.Batch) error
}

// Context is what an operator may use of its surroundings.
type Context struct {
	ID          string // of the plan node
	Instance    int    // of Parallelism
	Parallelism int
	// State is the operator's keyed state; only key groups of this instance are seen.
	State *state.State
	// Fn is handed to kernels. The task sets its clock and watermark before each call.
	Fn *fn.Ctx
	// Budget is charged for memory that state holds.
	Budget *Budget
	// Ask has a request made outside the operator's goroutine, so it must not touch the operator. An
	// Async operator bounds the requests it has under way.
	Ask func(id uint64, request func(context.Context) (*vec.Batch, error))
	// Unkept: no checkpoint of the job is kept, so operators whose memory holds all of their state need not
	// write it in Snapshot. Those that move cold state to the store still do.
	Unkept bool
	// Metrics are counters shown to the user.
	Metrics *Metrics
	// Reject, where bad rows need not fail the job, takes one that an expression fails on: with a nil error the
	// operator goes on without it. Nil: they fail the job.
	Reject func(b *vec.Batch, row int, cause error) error
	// LateRow is told of a row that comes too late; operators call DropLate. Nil: nobody asks.
	LateRow func(Late)
	// Interrupted tells whether the job is being torn down; long loops ask now and then.
	Interrupted func() bool
}

// Late is a row that an operator drops because it comes too late. Times that there are not are types.MinTime.
type Late struct {
	Port       int
	Batch      *vec.Batch
	Row        int
	Time       types.Time // of the row
	Start, End types.Time // of the last window that would have taken it
}

// DropLate counts a late row, and hands it over where late rows are kept.
func (c *Context) DropLate(port int, b *vec.Batch, row int, t int64, window ...int64) {
	c.Metrics.LateDropped++
	if c.LateRow == nil {
		return
	}
	l := Late{Port: port, Batch: b, Row: row, Time: types.Time(t), Start: types.MinTime, End: types.MinTime}
	if len(window) == 2 {
		l.Start, l.End = types.Time(window[0]), types.Time(window[1])
	}
	c.LateRow(l)
}

// Metrics are an operator instance's counters; the task reads them between calls.
type Metrics struct {
	LateDropped int64
	Groups      int64
	StateBytes  int64
	// Found and Missed are the rows whose key a table in memory had, and had not.
	Found, Missed int64
}

// Base gives the methods of Operator that do nothing.
type Base struct{}

// Open does nothing.
func (Base) Open(*Context) error { return nil }

// Watermark passes the watermark on.
func (Base) Watermark(wm types.Time, _ Emitter) (types.Time, error) { return wm, nil }

// Snapshot has nothing to save.
func (Base) Snapshot() error { return nil }

// End has nothing to emit.
func (Base) End(Emitter) error { return nil }

// Close has nothing to release.
func (Base) Close() error { return nil }
