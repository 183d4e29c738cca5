package httpconn

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// gate is where requests wait: for the rate limit, for a pause that the server asked for, and while the circuit
// breaker is open. Its clock is real time. It is safe for concurrent use.
type gate struct {
	interval time.Duration // between requests; 0: no limit
	limit    int           // failures in a row that open the breaker; 0: it never opens
	wait     time.Duration // how long it stays open

	mu       sync.Mutex
	next     time.Time // when the next request may go
	failures int
	until    time.Time     // the breaker is open until then; a single request tries afterwards
	probing  bool          // that one is under way
	changed  chan struct{} // closed when a request has ended
	last     string        // the last failure
}

// outcome of a request, as the breaker sees it.
type outcome uint8

const (
	neutral outcome = iota // says nothing about the service: it was given up, or throttled
	good
	bad
)

// slack is how far behind its schedule a rate may catch up: timers are late.
const slack = 50 * time.Millisecond

func newGate(rate float64, limit int, wait time.Duration) *gate {
	g := &gate{limit: limit, wait: wait, changed: make(chan struct{})}
	if rate > 0 {
		g.interval = time.Duration(float64(time.Second) / rate)
	}
	return g
}

// enter waits for a request's turn. Where the context would end first it fails at once, with what is waited for. Each
// enter without error is followed by a leave, which is told whether the request is the one that tries.
func (g *gate) enter(ctx context.Context) (probe bool, err error) {
	for {
		at, wake, probe, reason := g.ask(ctx)
		err := wait(ctx, at, wake)
		if errors.Is(err, errNoTime) {
			if reason == "" {
				reason = "the rate limit ('http.rate-limit'), or a pause that the server asked for, leaves no time for the request"
			}
			err = &waitError{reason}
		}
		if wake != nil && err == nil {
			continue
		}
		if wake == nil && err != nil {
			g.leave(probe, neutral, "")
		}
		return probe, err
	}
}

// ask reserves a turn at a time; or says why there is none, and what to wait for: the end of a request, or a time.
func (g *gate) ask(ctx context.Context) (at time.Time, wake chan struct{}, probe bool, reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.open() {
		reason = g.reason()
		switch {
		case now.Before(g.until):
			return g.until, g.changed, false, reason
		case g.probing:
			return time.Time{}, g.changed, false, reason
		}
		g.probing, probe = true, true
	}
	if g.interval > 0 && g.next.Before(now.Add(-slack)) {
		g.next = now.Add(-slack)
	}
	at = g.next
	if end, ok := ctx.Deadline(); !ok || at.Before(end) { // else the request will not go
		g.next = g.next.Add(g.interval)
	}
	return at, nil, probe, ""
}

func (g *gate) open() bool { return g.limit > 0 && g.failures >= g.limit }

func (g *gate) reason() string {
	return fmt.Sprintf("the circuit breaker is open after %d failures in a row, the last: %s", g.failures, g.last)
}

var errNoTime = errors.New("no time")

// wait waits until a time, unless it is zero, or until wake is closed. errNoTime says that the context ends before.
func wait(ctx context.Context, at time.Time, wake chan struct{}) error {
	var timer <-chan time.Time
	switch d := time.Until(at); {
	case ctx.Err() != nil:
		return ctx.Err()
	case at.IsZero() && wake == nil, !at.IsZero() && d <= 0:
		return nil
	case !at.IsZero():
		if end, ok := ctx.Deadline(); ok && end.Before(at) {
			return errNoTime
		}
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer:
	case <-wake:
	}
	return nil
}

// waitError says what a request waits for, longer than it may.
type waitError struct{ text string }

func (e *waitError) Error() string { return e.text }

// leave reports how a request ended, and tells whether that has opened the breaker.
func (g *gate) leave(probe bool, o outcome, reason string) (opened bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch o {
	case good:
		g.failures, g.last = 0, ""
	case bad:
		wasOpen := g.open()
		g.failures++
		g.last = reason
		opened = g.open() && !wasOpen
		if g.open() && (probe || !wasOpen) {
			g.until = time.Now().Add(g.wait)
		}
	}
	if probe {
		g.probing = false
	}
	close(g.changed)
	g.changed = make(chan struct{})
	return opened
}

// pause lets no request go for a while.
func (g *gate) pause(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at := time.Now().Add(d); g.next.Before(at) {
		g.next = at
	}
}

// status says why requests wait; "" where they do not.
func (g *gate) status() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.open():
		return g.reason()
	case g.failures > 0:
		return fmt.Sprintf("%d failures in a row; the last: %s", g.failures, g.last)
	}
	return ""
}
