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

// shares is how the memory of a job is divided.
type shares struct {
	state   int64 // what operators may hold; 0: no bound
	cache   int64 // of the stores on disk
	objects int64 // what the job has of Go's memory with its garbage; 0: no bound
}

// A process that has one job takes no more than a quarter over the job's limit: so all that it takes is counted.
const (
	// programBytes is what the process has without a job: above all the program, of which the system has most in memory.
	programBytes = 86 << 20
	// workBytes is for batches, and for what goes to disk or comes from there.
	workBytes = 16 << 20
	// LeastGarbage is what must gather, or the collector would run without end; UsualGarbage is what may where memory is not short.
	LeastGarbage = 12 << 20
	UsualGarbage = 64 << 20
	leastState   = 12 << 20
	leastCache   = 8 << 20
	mostCache    = 256 << 20
	defaultCache = 64 << 20
)

// sharesOf divides a limit. The cache has a sixth: it must hold the filters of what is on disk, or each lookup would read
// them again; with memtables and holes it takes half as much again. State has what is left of a quarter over the limit: at most the limit
// without the cache, and so much at least that the job can work, which is too much where the limit is below 128 MB.
func sharesOf(limit int64) shares {
	if limit == 0 {
		return shares{cache: defaultCache}
	}
	all := limit + limit/4 - programBytes
	cache := min(max(limit/6, min(leastCache, limit/2)), mostCache)
	garbage := min(max(all/8, LeastGarbage), UsualGarbage)
	rest := all - cache*3/2 - garbage - workBytes
	held := max(min(rest, limit-cache), min(limit/4, leastState), 1)
	return shares{state: held, cache: cache, objects: held + garbage + workBytes}
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
