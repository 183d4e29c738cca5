package exec

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"weir/connectors"
	"weir/exec/checkpoint"
	"weir/sql/types"
)

// board deals the splits of one Scan to its parallel instances, in turn, and holds a split back until its
// parents are read. It is shared by the instances' tasks, so it is locked.
type board struct {
	src     connectors.Source
	p       int
	tell    []*inbox // of the instances, told of new splits
	mu      sync.Mutex
	known   map[string]*placed
	order   []*placed
	refresh chan struct{} // asks for a new listing
	// begun: the splits where the job begins are known. Later ones were born since, also while the job
	// was down, and are read from their beginning.
	begun bool
}

// placed is a split with where it goes and how far it is.
type placed struct {
	checkpoint.Split
	instance int
	taken    bool
}

func newBoard(src connectors.Source, p int) *board {
	return &board{src: src, p: p, known: map[string]*placed{}, refresh: make(chan struct{}, 1)}
}

// restore puts splits back where a checkpoint left them. It comes before the first list.
func (b *board) restore(splits []checkpoint.Split) {
	splits = slices.Clone(splits)
	slices.SortFunc(splits, func(x, y checkpoint.Split) int { return strings.Compare(x.ID, y.ID) })
	for _, s := range splits {
		b.add(&placed{Split: s})
	}
	b.begun = b.begun || len(splits) > 0
}

func (b *board) add(s *placed) {
	if b.known[s.ID] != nil {
		return
	}
	s.instance = len(b.order) % b.p
	b.known[s.ID] = s
	b.order = append(b.order, s)
}

// list asks the source for its splits, and fixes where new ones begin.
func (b *board) list(ctx context.Context) error {
	splits, err := b.src.Splits(ctx)
	if err != nil {
		return err
	}
	splits = slices.Clone(splits)
	slices.SortFunc(splits, func(x, y connectors.Split) int { return strings.Compare(x.ID, y.ID) })
	pos, _ := b.src.(connectors.Positioner)
	for _, s := range splits {
		b.mu.Lock()
		known := b.known[s.ID] != nil
		b.mu.Unlock()
		if known {
			continue
		}
		p := &placed{Split: checkpoint.Split{ID: s.ID, Parents: s.Parents, Size: s.Size, Watermark: types.MinTime}}
		if pos != nil && !b.begun {
			if p.Offset, err = pos.Position(ctx, s); err != nil {
				return err
			}
		}
		b.mu.Lock()
		b.add(p)
		b.mu.Unlock()
	}
	b.begun = true
	return nil
}

// watch lists splits again every so often until ctx is done, and when a split was read to its end.
func (b *board) watch(ctx context.Context, every time.Duration) error {
	timer := time.NewTicker(every)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-b.refresh:
		}
		before := len(b.order)
		if err := b.list(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if len(b.order) > before {
			b.wakeAll()
		}
	}
}

func (b *board) wakeAll() {
	for _, in := range b.tell {
		in.push(event{kind: splitsEvent})
	}
}

// take gives the splits of the instance that may be read now and were not taken before.
func (b *board) take(instance int) (ready []*placed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.order {
		if s.instance == instance && !s.taken && !s.Done && b.parentsDone(s) {
			s.taken = true
			ready = append(ready, s)
		}
	}
	return ready
}

// pending tells whether splits of the instance wait for their parents.
func (b *board) pending(instance int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.order {
		if s.instance == instance && !s.taken && !s.Done {
			return true
		}
	}
	return false
}

// empty tells whether the instance has nothing to read.
func (b *board) empty(instance int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.order {
		if s.instance == instance && !s.Done {
			return false
		}
	}
	return true
}

// others gives the splits of the instance that are not among those being read.
func (b *board) others(instance int, running []checkpoint.Split) (out []checkpoint.Split) {
	reading := make(map[string]bool, len(running))
	for _, r := range running {
		reading[r.ID] = true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.order {
		if s.instance == instance && !reading[s.ID] {
			out = append(out, s.Split)
		}
	}
	return out
}

// parentsDone tells whether all known parents of a split are read; then it inherits the least of their
// watermarks. A parent nobody lists has expired.
func (b *board) parentsDone(s *placed) bool {
	wm := types.MaxTime
	for _, id := range s.Parents {
		p := b.known[id]
		if p == nil {
			continue
		}
		if !p.Done {
			return false
		}
		wm = min(wm, p.Watermark)
	}
	if wm != types.MaxTime {
		s.Watermark = max(s.Watermark, wm)
	}
	return true
}

// done notes that a split was read to its end, and wakes the instances: children may be ready.
func (b *board) done(id string, wm types.Time) {
	b.mu.Lock()
	s := b.known[id]
	s.Done, s.Watermark = true, wm
	children := false
	for _, c := range b.order {
		children = children || slices.Contains(c.Parents, id)
	}
	b.mu.Unlock()
	if children {
		b.wakeAll()
	}
	select {
	case b.refresh <- struct{}{}:
	default:
	}
}
