package exec

import (
	"sync"
	"time"
)

// Credits of an edge.
const (
	maxEvents = 64
	maxRows   = 4 * defaultBatchRows
	maxBytes  = 8 << 20
)

// inbox is a task's queue. It needs no bound of its own: what edges, readers and the runner may have in it is
// bounded by them, so a push never waits.
type inbox struct {
	mu     sync.Mutex
	queue  []event
	head   int
	notify chan struct{} // holds a token when something was pushed
}

func newInbox() *inbox { return &inbox{notify: make(chan struct{}, 1)} }

func (b *inbox) push(e event) {
	b.mu.Lock()
	b.queue = append(b.queue, e)
	b.mu.Unlock()
	select {
	case b.notify <- struct{}{}:
	default:
	}
}

func (b *inbox) pop() (e event, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.head == len(b.queue) {
		return event{}, false
	}
	e = b.queue[b.head]
	b.queue[b.head] = event{}
	if b.head++; b.head == len(b.queue) {
		b.queue, b.head = b.queue[:0], 0
	} else if b.head >= 256 && b.head*2 >= len(b.queue) {
		n := copy(b.queue, b.queue[b.head:])
		clear(b.queue[n:])
		b.queue, b.head = b.queue[:n], 0
	}
	return e, true
}

func (b *inbox) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.head == len(b.queue)
}

// edge joins one sending task to one port of a receiving task, and holds the credits between them.
type edge struct {
	to   *task
	port int
	// free: a send never waits (the simulator, which does not step a task while an output is full).
	free bool

	mu      sync.Mutex
	events  int
	rows    int
	bytes   int64
	waiting bool
	wake    chan struct{}
}

func newEdge(to *task, port int, free bool) *edge {
	return &edge{to: to, port: port, free: free, wake: make(chan struct{}, 1)}
}

// full tells whether there is no credit left for another event.
func (e *edge) full() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.events >= maxEvents || e.rows >= maxRows || e.bytes >= maxBytes
}

// send hands an event over, once there is credit for it. An event larger than all credit passes alone.
func (e *edge) send(from *task, m event) error {
	m.port = e.port
	for !e.take(&m) {
		began := time.Now()
		select {
		case <-e.wake:
		case <-from.ctx.Done():
			return errStopped
		}
		from.blocked += time.Since(began)
	}
	e.to.in.push(m)
	return nil
}

func (e *edge) take(m *event) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	fits := e.events < maxEvents && e.rows+m.rows <= maxRows && e.bytes+m.bytes <= maxBytes
	if !e.free && e.events > 0 && !fits {
		e.waiting = true
		return false
	}
	e.events++
	e.rows += m.rows
	e.bytes += m.bytes
	return true
}

// release gives an event's credit back, when the receiver has handled it.
func (e *edge) release(m *event) {
	e.mu.Lock()
	e.events--
	e.rows -= m.rows
	e.bytes -= m.bytes
	wake := e.waiting
	e.waiting = false
	e.mu.Unlock()
	if wake {
		select {
		case e.wake <- struct{}{}:
		default:
		}
	}
}
