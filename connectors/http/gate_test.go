package httpconn

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestRateLimit(t *testing.T) {
	g := says(t, 200, one)
	c := g.configure("http.rate-limit=100")
	desc := g.mustLookup("id", nil).table
	var wg sync.WaitGroup
	start := time.Now()
	for range 4 { // tasks of one job
		l, err := c.Lookup(desc, g.scan("id"), g.env())
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				g.want(l.(*lookup), "0:7,seven,0.5", 7)
			}()
		}
	}
	wg.Wait()
	if d := time.Since(start); d < 120*time.Millisecond { // 20 requests, of which 5 may catch up
		t.Errorf("20 requests at 100 a second took %s", d)
	}
	l := g.mustLookup("id", nil, "http.rate-limit=0.01")
	for range 2 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_, err := ask(ctx, l, 7)
		cancel()
		if err != nil {
			wantText(t, err, "'http.rate-limit'", "no time")
			return
		}
	}
	t.Error("a request every 100 seconds is allowed, and two went at once")
}

// TestBreaker lets a service fail and come back.
func TestBreaker(t *testing.T) {
	var well atomic.Bool
	g := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string, _ int) {
		if !well.Load() {
			w.WriteHeader(503)
			return
		}
		io.WriteString(w, one)
	})
	l := g.mustLookup("id", nil, retriesKey+"=0", "http.circuit-breaker.failures=3", "http.circuit-breaker.wait=300 ms")
	for range 3 {
		g.wantError(l, "status 503")
	}
	if s := l.Status(); !strings.Contains(s, "open after 3 failures in a row, the last: GET "+g.url) {
		t.Errorf("status %q", s)
	}
	if !strings.Contains(g.logged(), "the circuit breaker has opened") {
		t.Errorf("log: %s", g.logged())
	}
	// A request without the time to wait fails at once, and is not sent.
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	start := time.Now()
	_, err := ask(ctx, l, 7)
	cancel()
	wantText(t, err, "the circuit breaker is open after 3 failures in a row", "status 503")
	if time.Since(start) > 90*time.Millisecond || g.count() != 3 {
		t.Errorf("after %s, %d requests", time.Since(start), g.count())
	}
	// The others wait for the one that tries.
	well.Store(true)
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			g.want(l, "0:7,seven,0.5", 7)
		}()
	}
	wg.Wait()
	if d := time.Since(start); d < 250*time.Millisecond || g.count() != 11 || l.Status() != "" {
		t.Errorf("after %s, %d requests, status %q", d, g.count(), l.Status())
	}
}

// TestGate checks the breaker alone: one request tries, and a cancelled one leaves room for the next.
func TestGate(t *testing.T) {
	g := newGate(0, 1, time.Millisecond)
	enter := func(timeout time.Duration) (bool, error) {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		return g.enter(ctx)
	}
	if probe, err := enter(time.Second); probe || err != nil {
		t.Fatal(probe, err)
	}
	g.leave(false, bad, "down")
	time.Sleep(2 * time.Millisecond)
	if probe, err := enter(time.Second); !probe || err != nil {
		t.Fatalf("nobody tries: %v %v", probe, err)
	}
	if _, err := enter(20 * time.Millisecond); err == nil {
		t.Error("a second request went while the first tries")
	}
	g.leave(true, neutral, "")
	if probe, err := enter(time.Second); !probe || err != nil {
		t.Errorf("nobody tries after one that was given up: %v %v", probe, err)
	}
	g.leave(true, good, "")
	if probe, err := enter(time.Second); probe || err != nil || g.status() != "" {
		t.Errorf("closed, but %v %v %q", probe, err, g.status())
	}
}

func TestDelay(t *testing.T) {
	f := func(strategy string, attempt int, random uint64, want time.Duration) {
		t.Helper()
		r := retryOptions{strategy: strategy, fixed: 100 * time.Millisecond, initial: 100 * time.Millisecond, longest: time.Second, factor: 2}
		if got := r.delay(attempt, func() uint64 { return random }); got != want {
			t.Errorf("%s, attempt %d: %s, want %s", strategy, attempt, got, want)
		}
	}
	f("fixed-delay", 0, 0, 50*time.Millisecond)
	f("fixed-delay", 9, uint64(50*time.Millisecond)-1, 100*time.Millisecond-1)
	f("exponential-delay", 0, 0, 50*time.Millisecond)
	f("exponential-delay", 2, 0, 200*time.Millisecond)
	f("exponential-delay", 900, 0, 500*time.Millisecond)
	now := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-1": 0, "x": 0, "Wed, 01 May 2024 12:00:30 GMT": 30 * time.Second, "Wed, 01 May 2024 11:00:00 GMT": 0} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("Retry-After %q: %s, want %s", text, got, want)
		}
	}
}

func TestCodes(t *testing.T) {
	f := func(list string, status int, want bool) {
		t.Helper()
		var c codes
		if err := c.set(list); err != nil || c.has(status) != want {
			t.Errorf("%q has %d: %v, %v", list, status, c.has(status), err)
		}
	}
	f("2XX, 404,!203", 200, true)
	f("2XX, 404,!203", 203, false)
	f("2xx,404,!203", 404, true)
	f("2XX", 500, false)
	f("", 200, false)
	f("5XX", 999, false)
}
