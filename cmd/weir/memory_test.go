package main

import "testing"

func TestGarbagePercent(t *testing.T) {
	for alive, want := range map[uint64]int{0: 100, garbageMax: 100, 2 * garbageMax: 50, 300 << 20: 25, 1 << 40: 20} {
		if got := garbagePercent(alive); got != want {
			t.Errorf("%d bytes alive: %d percent, want %d", alive, got, want)
		}
	}
}
