package exec

import (
	"sort"
	"sync"
	"time"

	"weir/sql/types"
)

// SplitStats is how a source is with a split.
type SplitStats struct {
	ID        string
	Watermark types.Time // types.MinTime before the first
	// Behind is how far it was behind its tip at the last read; negative: unknown.
	Behind time.Duration
	Rows   int64
	State  string // SplitReading and so on
}

// What becomes of a split.
const (
	SplitReading = "reading"
	SplitIdle    = "idle" // it does not hold back the watermark
	SplitHeld    = "held" // it is ahead of its alignment group and waits
	SplitDone    = "done"
)

// maxSplitStats bounds the splits of a task that are told of: the oldest done ones are forgotten first.
const maxSplitStats = 1000

// splitBoard is the SplitStats of a task, written by it and read by anyone.
type splitBoard struct {
	mu    sync.Mutex
	byID  map[string]*SplitStats
	order []string
}

// change changes what is known of a split.
func (b *splitBoard) change(id string, f func(*SplitStats)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byID == nil {
		b.byID = map[string]*SplitStats{}
	}
	s := b.byID[id]
	if s == nil {
		s = &SplitStats{ID: id, Watermark: types.MinTime, Behind: -1, State: SplitReading}
		b.byID[id] = s
		b.order = append(b.order, id)
		b.trim()
	}
	f(s)
}

func (b *splitBoard) trim() {
	for i := 0; len(b.order) > maxSplitStats && i < len(b.order); i++ {
		if b.byID[b.order[i]].State == SplitDone {
			delete(b.byID, b.order[i])
			b.order = append(b.order[:i], b.order[i+1:]...)
			return
		}
	}
}

func (b *splitBoard) read() []SplitStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.byID) == 0 {
		return nil
	}
	out := make([]SplitStats, 0, len(b.byID))
	for _, s := range b.byID {
		out = append(out, *s)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// note tells of a split what has become of it.
func (s *source) note(r *splitRun, state string) {
	s.stats.splits.change(r.ID, func(x *SplitStats) {
		x.State, x.Watermark = state, r.Watermark
		if r.gen != nil {
			x.Watermark = max(x.Watermark, r.gen.wm)
		}
	})
}

func (s *source) noteBehind(r *splitRun) {
	s.stats.splits.change(r.ID, func(x *SplitStats) { x.Behind = time.Duration(r.chunk.MillisBehind) * time.Millisecond })
}

// noteRows counts rows of a split, which is awake by them.
func (s *source) noteRows(r *splitRun, n int) {
	s.stats.splits.change(r.ID, func(x *SplitStats) {
		x.Rows += int64(n)
		x.State = SplitReading
		if r.gen != nil {
			x.Watermark = max(x.Watermark, r.gen.wm)
		}
	})
}

// noteIdle tells of the splits of a generator that has become idle.
func (s *source) noteIdle(g *generator) {
	for _, r := range s.running {
		if r.gen == g {
			s.note(r, SplitIdle)
		}
	}
}
