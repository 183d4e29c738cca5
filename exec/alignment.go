package exec

import (
	"sync"
	"time"

	"weir/sql/types"
)

// alignmentPause is how long a reader that runs ahead waits before it looks again.
const alignmentPause = 10 * time.Millisecond

// alignment is a group of splits, of any number of sources, that are read at about the same event time:
// a split further ahead than its drift waits. A nil alignment does nothing.
type alignment struct {
	mu  sync.Mutex
	wms map[*generator]types.Time
}

func (a *alignment) move(g *generator, wm types.Time) {
	if a == nil {
		return
	}
	a.mu.Lock()
	a.wms[g] = wm
	a.mu.Unlock()
}

// leave takes a split that is idle, or ended, out of the group.
func (a *alignment) leave(g *generator) {
	if a == nil {
		return
	}
	a.mu.Lock()
	delete(a.wms, g)
	a.mu.Unlock()
}

func (a *alignment) ahead(g *generator, drift time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	wm, ok := a.wms[g]
	if !ok || wm == types.MinTime {
		return false
	}
	for _, other := range a.wms {
		if int64(wm)-drift.Milliseconds() > int64(other) {
			return true
		}
	}
	return false
}
