package state

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// wanting is a database that waits for merges.
type wanting struct{ waits, ran int }

func (w *wanting) GetAllowedWithoutPermission() int { return 1 }
func (w *wanting) GetWaitingCompaction() (bool, pebble.WaitingCompaction) {
	return w.waits > 0, pebble.WaitingCompaction{}
}
func (w *wanting) Schedule(pebble.CompactionGrantHandle) bool {
	w.waits--
	w.ran++
	return true
}

func TestMerges(t *testing.T) {
	db := &wanting{waits: 2}
	m := newMerges()
	m.Register(2, db)
	for i, c := range []struct {
		name string
		do   func()
		ran  int
	}{
		{"none at first", func() {
			if ok, _ := m.TrySchedule(); ok {
				t.Error("a database merged while it was opened")
			}
		}, 0},
		{"then what waits, one", m.wake, 1},
		{"no other beside it", m.grant, 1},
		{"the next after it", m.Done, 2},
		{"nothing waits", m.Done, 2},
		{"one that can be now", func() {
			if ok, _ := m.TrySchedule(); !ok {
				t.Error("a database could not merge")
			}
			db.waits++
		}, 2},
		{"a first picture", func() { m.Done(); m.flush(100); m.pictured(1); db.waits = 9 }, 3},
		{"none more: a burst earns nothing", m.Done, 3},
		{"less than in the burst was written", func() { m.flush(10); m.grant() }, 3},
		{"twice what is written from picture to picture", func() { m.pictured(1) }, 4},
		{"not all of it is used", func() { m.merged(12); m.Done() }, 5},
		{"more than all is", func() { m.merged(12); m.Done() }, 5},
		{"the excess is paid back", func() { m.flush(4); m.pictured(1) }, 6},
		{"as is more", func() { m.merged(20); m.Done(); m.flush(4); m.pictured(1) }, 6},
		{"too little is left for as much", func() { m.flush(4); m.pictured(1) }, 6},
		{"there is more the next time", func() { m.flush(4); m.pictured(1) }, 7},
		{"more was written than until the last picture", func() { m.merged(30); m.Done(); m.flush(30); m.grant() }, 8},
		{"the files are deep", func() { m.pictured(deepest); m.merged(1 << 40); m.Done() }, 9},
		{"none after the end", func() { m.Unregister(); m.Done() }, 9},
	} {
		if c.do(); db.ran != c.ran {
			t.Errorf("%d, %s: %d merges ran, want %d", i, c.name, db.ran, c.ran)
		}
	}
}

// TestMergesComeLater overwrites keys until a database has more files than it keeps apart: it merges them once it has rested.
func TestMergesComeLater(t *testing.T) {
	p, err := OpenPebbleInMemory()
	must(t, err)
	for range 2 * mergeFiles {
		for k := range 20 {
			must(t, p.Set([]byte{byte(k)}, []byte{1}))
		}
		must(t, p.db.Flush())
	}
	if n := p.db.Metrics().Compact.Count; n != 0 {
		t.Errorf("%d merges while the database rests", n)
	}
	p.merges.wake()
	for deadline := time.Now().Add(10 * time.Second); p.db.Metrics().Compact.Count == 0 || p.db.Metrics().Compact.NumInProgress > 0; {
		if time.Sleep(time.Millisecond); time.Now().After(deadline) {
			t.Fatal("no merge")
		}
	}
	if n := p.db.Metrics().Levels[0].TablesCount; n > mergeFiles {
		t.Errorf("%d files are left to be merged", n)
	}
	must(t, p.Close())
}
