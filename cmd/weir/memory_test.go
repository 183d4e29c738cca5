package main

import (
	"runtime"
	"testing"
)

func TestGarbagePercent(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		alive, looked uint64
		want          int
	}{
		{0, 0, 100}, {garbageLeast, 0, 100}, {2 * garbageLeast, 0, 50}, {300 * mb, mb, 20}, {1 << 40, mb, 5},
		{300 * mb, 300 * mb, 100}, {1000 * mb, 500 * mb, 50},
	} {
		if got := garbagePercent(c.alive, c.looked); got != c.want {
			t.Errorf("%d bytes alive, %d to look at: %d percent, want %d", c.alive, c.looked, got, c.want)
		}
	}
	runtime.GC()
	if alive, looked := heapBytes(); alive == 0 || looked == 0 {
		t.Errorf("the runtime tells %d bytes alive, %d to look at", alive, looked)
	}
}
