package connectors

import (
	"context"
	"iter"
	"sync"
	"time"
)

// Requests are the requests of a sink that writes to a service. They run side by side, at most so many, but one that holds a key
// waits for the one before it that holds the key too, so what is written of a key stays in order. The first failure stops
// those that have not begun.
//
// A sink embeds them, which makes it a Refuser; its goroutine alone calls Open, Start, Wait and Stop. What a request runs may call Refuse, Tolerant and Err.
type Requests struct {
	ctx      context.Context // of the requests, which outlive the call that starts them
	cancel   context.CancelFunc
	places   chan struct{}
	wg       sync.WaitGroup
	tolerant bool

	mu     sync.Mutex
	err    error // the first failure
	bad    []RefusedRecord
	latest map[string]*underWay // of each key
}

// underWay is a request that has not ended.
type underWay struct {
	after []*underWay // that hold one of its keys, and go first
	done  chan struct{}
}

// NewRequests makes room for so many requests at once.
func NewRequests(most int) *Requests {
	return &Requests{places: make(chan struct{}, most), latest: map[string]*underWay{}}
}

// Open lets requests begin, which end with ctx. It may be called again.
func (r *Requests) Open(ctx context.Context) {
	if r.ctx == nil {
		r.ctx, r.cancel = context.WithCancel(ctx)
	}
}

// Start has a request run, once there is a place for it; ctx bounds the wait for that. keys are what it holds, in any order, and
// are gone through twice; nil: its place among the others is all the same.
func (r *Requests) Start(ctx context.Context, keys iter.Seq[string], run func(context.Context) error) error {
	if err := r.take(ctx); err != nil {
		return err
	}
	if keys == nil {
		keys = func(func(string) bool) {}
	}
	u := r.queue(keys)
	r.wg.Add(1)
	go func() {
		defer r.wg.Done()
		r.end(u, keys, r.turn(u, run))
	}()
	return nil
}

func (r *Requests) take(ctx context.Context) error {
	select {
	case r.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// queue puts a request behind those under way that hold one of its keys.
func (r *Requests) queue(keys iter.Seq[string]) *underWay {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := &underWay{done: make(chan struct{})}
	seen := map[*underWay]bool{u: true}
	for key := range keys {
		if before := r.latest[key]; before != nil && !seen[before] {
			seen[before] = true
			u.after = append(u.after, before)
		}
		r.latest[key] = u
	}
	return u
}

// turn waits for a request's turn, and runs it.
func (r *Requests) turn(u *underWay, run func(context.Context) error) error {
	for _, before := range u.after {
		select {
		case <-before.done:
		case <-r.ctx.Done():
			return r.ctx.Err()
		}
	}
	u.after = nil
	if r.Err() != nil {
		return nil
	}
	return run(r.ctx)
}

func (r *Requests) end(u *underWay, keys iter.Seq[string], err error) {
	r.mu.Lock()
	if r.err == nil {
		r.err = err
	}
	for key := range keys {
		if r.latest[key] == u {
			delete(r.latest, key)
		}
	}
	r.mu.Unlock()
	close(u.done)
	<-r.places
}

// Err is the first failure of a request.
func (r *Requests) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Held is how many keys requests under way hold.
func (r *Requests) Held() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.latest)
}

// Wait waits until all requests have ended: until each place is free.
func (r *Requests) Wait(ctx context.Context) error {
	taken := 0
	defer func() {
		for range taken {
			<-r.places
		}
	}()
	for range cap(r.places) {
		if err := r.take(ctx); err != nil {
			return err
		}
		taken++
	}
	return r.Err()
}

// Stop gives up what is under way, and waits until it has ended.
func (r *Requests) Stop() {
	if r.cancel != nil {
		r.cancel()
	}
	r.wg.Wait()
}

// Tolerate implements Refuser.
func (r *Requests) Tolerate() { r.tolerant = true }

// Tolerant tells whether rows that the service does not take are no error.
func (r *Requests) Tolerant() bool { return r.tolerant }

// Refuse notes a record that the service does not take.
func (r *Requests) Refuse(record []byte, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bad = append(r.bad, RefusedRecord{Record: record, Err: err})
}

// Refused implements Refuser.
func (r *Requests) Refused() []RefusedRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.bad
	r.bad = nil
	return out
}

// Sleep waits, or gives the context's error.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
