package exec

import (
	"sync"
	"time"
)

// askBoard is the requests of a node that are under way, written by its task and those who ask, read by anyone.
type askBoard struct {
	mu     sync.Mutex
	begun  map[uint64]time.Time
	status func() string // why requests wait; nil: nobody knows
}

func (b *askBoard) begin(id uint64, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.begun == nil {
		b.begun = map[uint64]time.Time{}
	}
	b.begun[id] = now
}

func (b *askBoard) end(id uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.begun, id)
}

func (b *askBoard) read() (out AskStats) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out.UnderWay = len(b.begun)
	for _, at := range b.begun {
		if out.Since.IsZero() || at.Before(out.Since) {
			out.Since = at
		}
	}
	if b.status != nil {
		out.Status = b.status()
	}
	return out
}

// AskStats is what a node waits for from outside.
type AskStats struct {
	UnderWay int       // requests without an answer
	Since    time.Time // when the oldest of them was made
	// Status is why requests wait: a rate limit, or a service that fails. "": they do not, or nobody knows.
	Status string
}
