package exec

import (
	"sync"
	"sync/atomic"
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
	// ahead is the checkpoint whose barrier is to be passed on before what is queued; 0: none.
	ahead atomic.Int64
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
	return b.head == len(b.queue) && !b.isOvertaken()
}

// overtake has the task pass the barrier of a checkpoint on at once.
func (b *inbox) overtake(id int64) {
	b.ahead.Store(id)
	select {
	case b.notify <- struct{}{}:
	default:
	}
}

// overtaking gives the checkpoint that overtake named, once; 0: none.
func (b *inbox) overtaking() int64 {
	if !b.isOvertaken() {
		return 0
	}
	return b.ahead.Swap(0)
}

// isOvertaken tells whether overtaking has something to give.
func (b *inbox) isOvertaken() bool { return b.ahead.Load() != 0 }

// each visits what is queued, in order.
func (b *inbox) each(visit func(*event)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := b.head; i < len(b.queue); i++ {
		visit(&b.queue[i])
	}
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

// send hands an event over, once there is credit for it. An event larger than all credit passes alone; one of a barrier that
// overtakes, and of the few rows that go before it, waits for none.
func (e *edge) send(from *task, m event) error {
	m.port = e.port
	for !e.take(&m, from.urgent) {
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

func (e *edge) take(m *event, urgent bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	fits := e.events < maxEvents && e.rows+m.rows <= maxRows && e.bytes+m.bytes <= maxBytes
	if !e.free && !urgent && e.events > 0 && !fits {
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
