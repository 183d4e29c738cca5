package exec

import (
	"sync/atomic"
	"time"
)

// lookupBoard are the counters of a join with a table in memory, written by its task and read by anyone.
type lookupBoard struct {
	table         *cachedTable // set before the run; nil: the node is no such join
	found, missed atomic.Int64
}

// ReferenceStats is the table that a lookup join holds in memory, and what one instance of the join found in it.
type ReferenceStats struct {
	Table string
	Rows  int64
	// Loaded is when the rows were read, by the job's clock; zero: not yet.
	Loaded time.Time
	Took   time.Duration // reading them
	Loads  int64
	// Failures are the loads that failed. Rows of an earlier one are used on; Error is why, while that is so.
	Failures int64
	Error    string
	// Found and Missed are the rows of the join whose key the table had, and had not.
	Found, Missed int64
}

func (b *lookupBoard) reference() *ReferenceStats {
	if b.table == nil {
		return nil
	}
	r := b.table.stats()
	r.Found, r.Missed = b.found.Load(), b.missed.Load()
	return &r
}
