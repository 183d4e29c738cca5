package exec

import (
	"fmt"
	"sync/atomic"

	"weir/connectors/option"
	"weir/exec/op"
)

// memory is what the operators of a job hold in state.
type memory struct {
	limit   int64 // 0: none
	used    atomic.Int64
	holders atomic.Int64
	pressed atomic.Bool // used is above limit
}

// Of the memory of a job, the cache of its stores on disk gets a quarter within these bounds.
const (
	leastCache   = 8 << 20
	mostCache    = 256 << 20
	defaultCache = 64 << 20
)

func cacheOf(limit int64) int64 {
	if limit == 0 {
		return defaultCache
	}
	return min(max(limit/4, min(leastCache, limit/2)), mostCache)
}

// budget makes the budget of one operator. While all of them hold too much, those that hold more than an equal share
// should move state to disk.
func (r *runtime) budget(name string, over *atomic.Bool) *op.Budget {
	m, holder := &r.memory, false
	grow := func(by, held int64) bool {
		if !holder && held > 0 {
			holder = true
			m.holders.Add(1)
		}
		used := m.used.Add(by)
		if m.limit == 0 {
			return true
		}
		m.pressed.Store(used > m.limit)
		return by <= 0 || used <= m.limit || held <= m.limit/max(m.holders.Load(), 1)
	}
	return op.NewBudget(grow, func(held int64) {
		over.Store(true)
		r.env.Warn(fmt.Sprintf("%s holds %s of state in memory and cannot move it to disk, but the job has %s: "+
			"raise 'taskmanager.memory.managed.size', or keep less (shorter windows and intervals, 'table.exec.state.ttl')",
			name, option.FormatMemory(max(held>>20, 1)<<20), option.FormatMemory(r.opts.MemoryLimit)))
	})
}
