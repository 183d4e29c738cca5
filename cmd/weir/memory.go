package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"

	"weir/exec"
)

// headroom is memory that is asked for and never touched, so the system does not provide it, but the garbage
// collector paces itself by it: where little is alive it may wait for this much garbage more. Batches live so
// briefly that it would else run many times a second.
const headroom = 16 << 20

// Where much is alive, in state, it lies in large pieces without pointers, which the collector need not look at.
// To let as much garbage gather as is alive, as it does unless told otherwise, would double the memory and save
// little work. So it gathers as much as there is to look at, which bounds the work, but at least usualGarbage; where
// jobs have said what they take, no more than brings the process there, but at least leastGarbage and a quarter of what
// there is to look at.
const (
	usualGarbage = exec.UsualGarbage
	leastGarbage = exec.LeastGarbage
	leastPercent = 5
	// alwaysAlive is what the process has alive without a job.
	alwaysAlive = headroom + 12<<20
	// overhead is what the runtime needs beside objects.
	overhead = 12 << 20
)

// pacer bounds the garbage of the process, unless GOGC says how. It is safe for concurrent use.
type pacer struct {
	headroom []byte
	reserved atomic.Int64 // what jobs have said that they take
	percent  int          // as the collector was told last
	limit    int64        // as the runtime was told last
}

func newPacer() *pacer {
	p := &pacer{headroom: make([]byte, headroom), percent: 100, limit: math.MaxInt64}
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		p.next()
	}
	return p
}

// reserve adds what a job takes, its garbage and all, until release is called.
func (p *pacer) reserve(bytes int64) (release func()) {
	p.reserved.Add(bytes)
	return func() { p.reserved.Add(-bytes) }
}

// next has the collector paced after each of its runs: then an object that nothing refers to is gone.
func (p *pacer) next() {
	type canary struct{ _ [16]byte }
	runtime.AddCleanup(&canary{}, func(p *pacer) {
		p.pace()
		p.next()
	}, p)
}

// pace tells the collector what it has found changes.
func (p *pacer) pace() {
	alive, looked := heapBytes()
	reserved := p.reserved.Load()
	if percent := garbagePercent(alive, looked, reserved); percent != p.percent {
		debug.SetGCPercent(percent)
		p.percent = percent
	}
	if limit := memoryLimit(alive, reserved); limit != p.limit {
		debug.SetMemoryLimit(limit)
		p.limit = limit
	}
}

// memoryLimit is what the runtime may have of the system's memory before it gives back what it does not use, which it
// else keeps a part of. It never makes the collector run for what is alive. Small steps are left out.
func memoryLimit(alive, reserved int64) int64 {
	if reserved == 0 {
		return math.MaxInt64
	}
	const step = 4 << 20
	return (max(reserved+alwaysAlive, alive+2*leastGarbage) + overhead + step - 1) / step * step
}

// heapBytes is what the collector found alive, and how much of that it has to look at.
func heapBytes() (alive, looked int64) {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/heap:bytes"}}
	metrics.Read(s)
	for i := range s {
		if s[i].Value.Kind() != metrics.KindUint64 {
			return 0, 0
		}
	}
	return int64(s[0].Value.Uint64()), int64(s[1].Value.Uint64())
}

// garbagePercent is how much garbage may gather, in percent of what is alive. Small steps are left out, for each
// stops the world.
func garbagePercent(alive, looked, reserved int64) int {
	garbage := max(usualGarbage, looked)
	if reserved > 0 {
		garbage = min(garbage, max(reserved+alwaysAlive-alive, leastGarbage, looked/4))
	}
	if alive <= garbage {
		return 100
	}
	const step = 2
	return max(int((100*garbage+step*alive-1)/(step*alive))*step, leastPercent)
}
