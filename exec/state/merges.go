package state

import (
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// restTime is how long a database merges no files after it was opened, or until its first picture is made. A job that
// was restored is to go on at once, and a database that merges while it is opened waits until that is done.
const restTime = 10 * time.Second

// earned is how many bytes merges may write for each that was written by the task.
const earned = 2

// deepest is how many files a key may be in before merges may write what they want.
const deepest = 64

// merges decides when a database merges files: one merge at a time, and none at first. Between one picture and the next they
// may write about what they have earned, since all of it is new to the picture: twice what is written from picture to
// picture. A burst earns nothing before the picture after it.
type merges struct {
	db      pebble.DBForCompaction
	rest    *time.Timer
	mu      sync.Mutex
	resting bool
	closed  bool
	running int
	// paced: a picture was made. flushed is what was written since then, and before what was until then; left is
	// what merges may write, and last what the newest did: the next one will write about as much.
	paced                       bool
	flushed, before, left, last int64
	// grants is held while the database is asked what it waits for. The database's own locks may be taken under
	// it, and mu under these.
	grants sync.Mutex
}

func newMerges() *merges { return &merges{resting: true} }

// Register implements pebble.CompactionScheduler.
func (m *merges) Register(_ int, db pebble.DBForCompaction) {
	m.db = db
	m.rest = time.AfterFunc(restTime, m.wake)
}

func (m *merges) wake() {
	m.mu.Lock()
	m.resting = false
	m.mu.Unlock()
	m.grant()
}

// pictured is told that a picture was made, and in how many files a key is at most.
func (m *merges) pictured(depth int) {
	m.mu.Lock()
	by := earned * min(m.flushed, m.before)
	m.left = min(m.left+by, max(by, m.last))
	m.paced, m.before, m.flushed = depth < deepest, m.flushed, 0
	m.mu.Unlock()
	m.wake()
}

// flush is told of bytes written by the task.
func (m *merges) flush(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	had := max(m.flushed-m.before, 0)
	m.flushed += n
	m.left += earned * (max(m.flushed-m.before, 0) - had)
}

// merged is told of bytes written by merges.
func (m *merges) merged(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last = n; m.paced {
		m.left -= n
	}
}

// Unregister implements pebble.CompactionScheduler: the database is not asked again.
func (m *merges) Unregister() {
	if m.rest != nil {
		m.rest.Stop()
	}
	m.grants.Lock()
	defer m.grants.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
}

// TrySchedule implements pebble.CompactionScheduler. Who is refused is granted its merge when the reason ends.
func (m *merges) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.busy() {
		return false, nil
	}
	m.running++
	return true, m
}

func (m *merges) busy() bool {
	return m.resting || m.closed || m.paced && m.left <= m.last/4 || m.running >= m.db.GetAllowedWithoutPermission()
}

// UpdateGetAllowedWithoutPermission implements pebble.CompactionScheduler. What is allowed never changes.
func (m *merges) UpdateGetAllowedWithoutPermission() {}

// grant lets the merge run that the database waits for.
func (m *merges) grant() {
	m.grants.Lock()
	defer m.grants.Unlock()
	m.mu.Lock()
	busy := m.busy()
	m.mu.Unlock()
	if busy {
		return
	}
	if waiting, _ := m.db.GetWaitingCompaction(); waiting && m.db.Schedule(m) {
		m.mu.Lock()
		m.running++ // Done may have come already
		m.mu.Unlock()
	}
}

// Done implements pebble.CompactionGrantHandle: a merge has ended.
func (m *merges) Done() {
	m.mu.Lock()
	m.running--
	m.mu.Unlock()
	m.grant()
}

// Started implements pebble.CompactionGrantHandle.
func (m *merges) Started() {}

// MeasureCPU implements pebble.CompactionGrantHandle.
func (m *merges) MeasureCPU(pebble.CompactionGoroutineKind) {}

// CumulativeStats implements pebble.CompactionGrantHandle.
func (m *merges) CumulativeStats(pebble.CompactionGrantHandleStats) {}
