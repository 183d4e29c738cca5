package job

import (
	"time"

	"weir/exec"
)

// sampleEvery is the least time over which a rate is taken.
const sampleEvery = 2 * time.Second

// Counter names the counters of a node's instance.
type Counter struct {
	Node     string
	Instance int
}

// Rate is the growth of counters.
type Rate struct {
	In, Out      float64 // rows a second
	Busy         float64 // milliseconds a second
	BackPressure float64 // milliseconds a second
}

// sampler makes rates of counters that are looked at now and then: those since a sample at least
// sampleEvery old.
type sampler struct {
	old, new sample
}

type sample struct {
	at    time.Time
	stats map[Counter]exec.NodeStats
}

func (s *sampler) rates(now time.Time, stats []exec.NodeStats) map[Counter]Rate {
	cur := sample{at: now, stats: make(map[Counter]exec.NodeStats, len(stats))}
	for _, n := range stats {
		cur.stats[Counter{n.ID, n.Instance}] = n
	}
	if s.new.stats == nil {
		s.old, s.new = cur, cur
	} else if now.Sub(s.new.at) >= sampleEvery {
		s.old, s.new = s.new, cur
	}
	out := make(map[Counter]Rate, len(stats))
	seconds := now.Sub(s.old.at).Seconds()
	for k, n := range cur.stats {
		was, ok := s.old.stats[k]
		if !ok || seconds <= 0 || n.RowsIn < was.RowsIn { // a restarted job counts anew
			out[k] = Rate{}
			continue
		}
		out[k] = Rate{In: float64(n.RowsIn-was.RowsIn) / seconds, Out: float64(n.RowsOut-was.RowsOut) / seconds,
			Busy:         min(1000, max(0, float64((n.Busy-was.Busy).Milliseconds())/seconds)),
			BackPressure: min(1000, max(0, float64((n.BackPressured-was.BackPressured).Milliseconds())/seconds))}
	}
	return out
}
