package main

import (
	"math"
	"runtime"
	"testing"
)

const mb = 1 << 20

func TestGarbagePercent(t *testing.T) {
	for _, c := range []struct {
		alive, looked, reserved int64
		want                    int
	}{
		{0, 0, 0, 100}, {usualGarbage, 0, 0, 100}, {2 * usualGarbage, 0, 0, 50}, {300 * mb, mb, 0, 22}, {1 << 40, mb, 0, 5},
		{300 * mb, 300 * mb, 0, 100}, {1000 * mb, 500 * mb, 0, 50},
		// A job that takes 172 MB leaves the rest of them, and of what is always there, for garbage, but never too little.
		{160 * mb, mb, 172 * mb, 26}, {100 * mb, mb, 172 * mb, 64}, {40 * mb, mb, 172 * mb, 100}, {190 * mb, mb, 172 * mb, 8}, {400 * mb, mb, 172 * mb, 5},
		{160 * mb, 160 * mb, 172 * mb, 26}, {400 * mb, 200 * mb, 172 * mb, 14},
	} {
		if got := garbagePercent(c.alive, c.looked, c.reserved); got != c.want {
			t.Errorf("%d bytes alive, %d to look at, %d reserved: %d percent, want %d", c.alive, c.looked, c.reserved, got, c.want)
		}
	}
	runtime.GC()
	if alive, looked := heapBytes(); alive == 0 || looked == 0 {
		t.Errorf("the runtime tells %d bytes alive, %d to look at", alive, looked)
	}
}

// TestMemoryLimit: the runtime's limit is what jobs take, and never so low that the collector would run for what is alive.
func TestMemoryLimit(t *testing.T) {
	for _, c := range []struct{ alive, reserved, want int64 }{
		{500 * mb, 0, math.MaxInt64}, {50 * mb, 172 * mb, 212 * mb}, {160 * mb, 172 * mb, 212 * mb}, {400 * mb, 172 * mb, 436 * mb},
	} {
		if got := memoryLimit(c.alive, c.reserved); got != c.want {
			t.Errorf("%d bytes alive, %d reserved: a limit of %d, want %d", c.alive, c.reserved, got, c.want)
		}
	}
	p := &pacer{percent: 100, limit: math.MaxInt64}
	one, two := p.reserve(10), p.reserve(20)
	one()
	if got := p.reserved.Load(); got != 20 {
		t.Errorf("%d bytes are reserved, want 20", got)
	}
	if two(); p.reserved.Load() != 0 {
		t.Errorf("%d bytes are reserved by nobody", p.reserved.Load())
	}
}
