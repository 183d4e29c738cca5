package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// headroom is memory that is asked for and never touched, so the system does not provide it, but the garbage
// collector paces itself by it: where little is alive it may wait for this much garbage more. Batches live so
// briefly that it would else run many times a second.
const headroom = 16 << 20

// Where much is alive, in state, it lies in large pieces without pointers, which the collector need not look at.
// To let as much garbage gather as is alive, as it does unless told otherwise, would double the memory and save
// little work. So it gathers as much as there is to look at, which bounds the work, but at least garbageLeast.
const (
	garbageLeast = 64 << 20
	leastPercent = 5
)

// paceCollector bounds the garbage, unless GOGC says how. It gives the headroom, to be kept alive.
func paceCollector() []byte {
	if os.Getenv("GOGC") == "" {
		percent := 100
		paceNext(&percent)
	}
	return make([]byte, headroom)
}

// paceNext has the collector paced after each of its runs: then an object that nothing refers to is gone.
func paceNext(percent *int) {
	type canary struct{ _ [16]byte }
	runtime.AddCleanup(&canary{}, func(percent *int) {
		if p := garbagePercent(heapBytes()); p != *percent {
			debug.SetGCPercent(p)
			*percent = p
		}
		paceNext(percent)
	}, percent)
}

// heapBytes is what the collector found alive, and how much of that it has to look at.
func heapBytes() (alive, looked uint64) {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/heap:bytes"}}
	metrics.Read(s)
	for i := range s {
		if s[i].Value.Kind() != metrics.KindUint64 {
			return 0, 0
		}
	}
	return s[0].Value.Uint64(), s[1].Value.Uint64()
}

// garbagePercent is how much garbage may gather, in percent of what is alive. Small steps are left out, for each
// stops the world.
func garbagePercent(alive, looked uint64) int {
	garbage := max(garbageLeast, looked)
	if alive <= garbage {
		return 100
	}
	return max(int(100*garbage/alive)/5*5, leastPercent)
}
