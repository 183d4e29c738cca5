// Package exec runs plans: it cuts a plan into tasks, each a chain of operators behind one goroutine,
// joined by queues, and moves batches, watermarks and checkpoint barriers along them.
//
//	planner.Plan ── graph.go (cut at exchanges and at nodes of several inputs) ──> stages
//	             ── build.go (THE switch: node -> operator) ──> tasks
//	             ── run.go (goroutines) or sim.go (one seeded thread, virtual time) ──> rows
//
// Contract: a task is single-threaded; everything of its chain belongs to its goroutine. Between
// tasks flow events, in order: batches, watermarks, idleness, barriers, the end. Queues are bounded by
// credits in events, rows and bytes; one event is always admitted, however large. Watermarks are
// types.Time (milliseconds), never regress on an edge, and are the minimum over live ports that are
// not idle. An aligned barrier parts the rows before a checkpoint from those after it, at every task.
// Both runners drive the same tasks; only waiting differs.
package exec

import (
	"weir/connectors"
	"weir/exec/checkpoint"
	"weir/sql/types"
	"weir/sql/vec"
)

// eventKind is a kind of event.
type eventKind uint8

// The events. Those from batchEvent to endEvent flow along edges; the others come to a task from
// its runner or its readers.
const (
	batchEvent     eventKind = iota
	watermarkEvent           // no row earlier than time follows
	idleEvent                // nothing to wait for, until the next event
	barrierEvent             // rows before it are in checkpoint id, rows after it are not
	turnEvent                // a turn of the sender ends; see turns.go
	endEvent                 // nothing follows
	// For sources: start the barrier of checkpoint id; a read came back; look for new splits; stop reading.
	triggerEvent
	readEvent
	splitsEvent
	drainEvent
	// For an operator: the answer to a request.
	answerEvent
	// For sinks: checkpoint id is durable.
	commitEvent
	// For a task that stopped behind a barrier: go on.
	resumeEvent
)

// event is what a task handles.
type event struct {
	kind  eventKind
	port  int // of the receiving task
	batch *vec.Batch
	rows  int
	bytes int64
	time  types.Time
	id    int64
	read  *read
	reply *reply
	// last, of a commit: the job is done.
	last bool
	// stop, of a trigger: whether the source stops behind the barrier.
	stop stopMode
}

// read is what came of one read of a split.
type read struct {
	split  *splitRun
	batch  *vec.Batch // of a BatchReader; else the split's chunk holds the records
	offset connectors.Offset
	err    error // io.EOF at the end
}

// reply is the answer to an operator's request.
type reply struct {
	to    *opLink
	id    uint64
	batch *vec.Batch
	err   error
}

// ack is what a task tells the coordinator.
type ack struct {
	task  string
	id    int64
	state *checkpoint.Task
}
