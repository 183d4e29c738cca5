package planner

import (
	"fmt"
	"time"

	"weir/sql"
	"weir/sql/ast"
)

// MiniBatch are table.exec.mini-batch.*: GROUP BY gathers rows and then makes one change a key.
type MiniBatch struct {
	On      bool
	Latency time.Duration
	Size    int64 // rows; -1 where it is not set
}

// Bundle is how many rows an aggregate gathers at most, and until when, before it tells what changed.
type Bundle struct {
	Rows int64 // 0: it tells each change
	Ms   int64 // the clock ends a bundle at multiples of it
}

// checkMiniBatch refuses a mini-batch without bounds, as Flink does.
func (p *Planner) checkMiniBatch(at ast.Node) error {
	m := p.Settings.MiniBatch
	if !m.On || p.Settings.Batch {
		return nil
	}
	if m.Latency < time.Millisecond {
		return sql.Errorf(at, "mini-batches are on without a latency").WithHint("SET 'table.exec.mini-batch.allow-latency' = '1 s', how long a change may wait")
	}
	if m.Size <= 0 {
		return sql.Errorf(at, "mini-batches are on without a size").WithHint("SET 'table.exec.mini-batch.size' = '5000', how many rows are gathered at most")
	}
	return nil
}

func (s *Settings) bundle() Bundle {
	if !s.MiniBatch.On || s.Batch {
		return Bundle{}
	}
	return Bundle{Rows: s.MiniBatch.Size, Ms: s.MiniBatch.Latency.Milliseconds()}
}

func bundleText(b Bundle) string {
	if b.Rows == 0 {
		return ""
	}
	return fmt.Sprintf(", in bundles of %d rows or %s", b.Rows, millisText(b.Ms))
}
