package exec

import (
	"sync/atomic"
	"time"

	"weir/sql/types"
)

// nodeStats are the counters of one plan node in one task, written by the task and read by anyone.
type nodeStats struct {
	id, name   string
	instance   int
	rowsIn     atomic.Int64
	rowsOut    atomic.Int64
	watermark  atomic.Int64
	late       atomic.Int64
	groups     atomic.Int64
	stateBytes atomic.Int64
	diskBytes  atomic.Int64
	overBudget atomic.Bool
	rejected   atomic.Int64
	reasons    reasonBoard
	busy       atomic.Int64 // nanoseconds of the task, on its first node
	blocked    atomic.Int64 // nanoseconds the task waited for credit, on its first node
	behind     atomic.Int64 // milliseconds behind the tip, of a source; -1 unknown
	splits     splitBoard   // of a source
	asks       askBoard     // of a lookup join
	lookup     lookupBoard  // of a lookup join
}

// NodeStats is what a plan node has done so far in one parallel instance.
type NodeStats struct {
	ID, Name  string
	Instance  int
	RowsIn    int64
	RowsOut   int64
	Watermark types.Time // last passed on; types.MinTime before the first
	Late      int64      // rows dropped as late
	Rejected  int64      // records and rows that were bad
	Groups    int64
	// StateBytes is the state in memory; DiskBytes that of the node's task on disk, on its first node with state.
	StateBytes, DiskBytes int64
	// OverBudget: the node holds more state than it should, and cannot move it to disk.
	OverBudget bool
	// Reasons counts those rejected by why (connectors.RejectDecode and so on), and as "not stored" what of them, and of
	// late rows, came too fast to be kept.
	Reasons map[string]int64
	// Busy is how long the task that the node heads was not waiting; 0 for nodes chained behind another.
	Busy time.Duration
	// BackPressured is how long that task waited because what comes behind it was slower.
	BackPressured time.Duration
	// Behind is how far a source was behind its tip at the last read; negative: unknown.
	Behind time.Duration
	// Splits is what a source reads.
	Splits []SplitStats
	// Asks is what a lookup join, or a model, waits for.
	Asks AskStats
	// Reference is the table that a lookup join holds in memory; nil: it is none, or asks.
	Reference *ReferenceStats
}

func newNodeStats(id, name string, instance int) *nodeStats {
	s := &nodeStats{id: id, name: name, instance: instance}
	s.watermark.Store(int64(types.MinTime))
	s.behind.Store(-1)
	return s
}

func (s *nodeStats) read() NodeStats {
	return NodeStats{
		ID: s.id, Name: s.name, Instance: s.instance,
		RowsIn: s.rowsIn.Load(), RowsOut: s.rowsOut.Load(), Watermark: types.Time(s.watermark.Load()),
		Late: s.late.Load(), Rejected: s.rejected.Load(), Groups: s.groups.Load(), StateBytes: s.stateBytes.Load(),
		DiskBytes: s.diskBytes.Load(), OverBudget: s.overBudget.Load(),
		Busy: time.Duration(s.busy.Load()), BackPressured: time.Duration(s.blocked.Load()), Behind: time.Duration(s.behind.Load()) * time.Millisecond,
		Splits: s.splits.read(), Reasons: s.reasons.read(), Asks: s.asks.read(),
		Reference: s.lookup.reference(),
	}
}
