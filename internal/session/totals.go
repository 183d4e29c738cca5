package session

import (
	"strings"
	"time"

	"weir/exec"
	"weir/sql/types"
)

// Totals sums up the counters of a job.
type Totals struct {
	Read     int64 // rows that came from sources
	Given    int64 // rows handed to sinks, or shown
	Late     int64
	Rejected int64
	Groups   int64 // held by window and group aggregates
	// Watermark is the least of the sources': types.MinTime before the first, types.MaxTime at the end.
	Watermark types.Time
	// Behind is how far the slowest source is behind its tip.
	Behind time.Duration
}

// Sum sums up counters.
func Sum(stats []exec.NodeStats) Totals {
	t := Totals{Watermark: types.MaxTime}
	for _, n := range stats {
		kind, _, _ := strings.Cut(n.ID, "-")
		switch kind {
		case "Scan":
			t.Read += n.RowsOut
			t.Watermark = min(t.Watermark, n.Watermark)
			t.Behind = max(t.Behind, n.Behind)
		case "Values":
			t.Read += n.RowsOut
		case "Sink", "Collect":
			t.Given += n.RowsIn
		}
		t.Late += n.Late
		t.Rejected += n.Rejected
		t.Groups += n.Groups
	}
	return t
}
