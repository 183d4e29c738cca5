package connectors

import (
	"io"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Meter counts what one endpoint is asked for one table of one job. It is safe for concurrent use; a nil Meter counts nothing.
type Meter struct {
	now                             func() time.Time
	calls, failures, sent, received atomic.Int64
	first, last                     atomic.Int64 // milliseconds; 0: none
	took                            [latencies]atomic.Int64
	counted                         func() // told after each call

	mu     sync.Mutex
	status func() string
}

// NewMeter makes a meter; counted, if any, is called after each call.
func NewMeter(now func() time.Time, counted func()) *Meter { return &Meter{now: now, counted: counted} }

// Usage is what an endpoint was asked so far.
type Usage struct {
	Calls    int64 // attempts: each of them may cost
	Failures int64 // of them, without an answer, or with one that tells of an error or cannot be read
	Sent     int64 // bytes of bodies
	Received int64
	// First and Last are when calls ended, in milliseconds since 1970; 0: there was none.
	First, Last int64
	// Took counts the calls by Latency's numbers.
	Took map[int]int64
	// Status is why requests wait now; "": they do not.
	Status string
}

// latencies bound the time of a call: number n is up to a microsecond times 2^(n/8), so within 9 %.
const latencies = 8 * 32

// latency is the number of a time.
func latency(d time.Duration) int {
	n := int(8 * math.Log2(max(float64(d)/float64(time.Microsecond), 1)))
	return min(n, latencies-1)
}

// Latency is the time that a number of Usage.Took stands for.
func Latency(n int) time.Duration {
	return time.Duration(math.Exp2((float64(n)+0.5)/8) * float64(time.Microsecond))
}

// Quantile is the time within which a part of the calls ended; 0 without calls.
func (u *Usage) Quantile(part float64) time.Duration {
	total, last := int64(0), 0
	for _, c := range u.Took {
		total += c
	}
	want := int64(math.Ceil(part * float64(total)))
	for n := 0; n < latencies && want > 0; n++ {
		if c := u.Took[n]; c > 0 {
			want, last = want-c, n
		}
	}
	if total == 0 {
		return 0
	}
	return Latency(last)
}

// Add sums up. The status is that of who has one.
func (u *Usage) Add(v *Usage) {
	u.Calls, u.Failures, u.Sent, u.Received = u.Calls+v.Calls, u.Failures+v.Failures, u.Sent+v.Sent, u.Received+v.Received
	if u.First == 0 || v.First != 0 && v.First < u.First {
		u.First = v.First
	}
	u.Last = max(u.Last, v.Last)
	if u.Took == nil {
		u.Took = map[int]int64{}
	}
	for n, c := range v.Took {
		u.Took[n] += c
	}
	if u.Status == "" {
		u.Status = v.Status
	}
}

// Usage is what was counted so far.
func (m *Meter) Usage() Usage {
	u := Usage{Calls: m.calls.Load(), Failures: m.failures.Load(), Sent: m.sent.Load(), Received: m.received.Load(),
		First: m.first.Load(), Last: m.last.Load(), Took: map[int]int64{}}
	for n := range m.took {
		if c := m.took[n].Load(); c > 0 {
			u.Took[n] = c
		}
	}
	m.mu.Lock()
	status := m.status
	m.mu.Unlock()
	if status != nil {
		u.Status = status()
	}
	return u
}

// Waits has Usage tell why requests wait.
func (m *Meter) Waits(status func() string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status = status
}

// Count counts a call that began at a time and has ended.
func (m *Meter) Count(began time.Time, sent, received int64, failed bool) {
	if m == nil {
		return
	}
	now := m.now()
	m.took[latency(now.Sub(began))].Add(1)
	m.calls.Add(1)
	if failed {
		m.failures.Add(1)
	}
	m.sent.Add(max(sent, 0))
	m.received.Add(received)
	m.first.CompareAndSwap(0, now.UnixMilli())
	m.last.Store(now.UnixMilli())
	if m.counted != nil {
		m.counted()
	}
}

// Unreadable counts a call that was counted as good as a failure: its answer is not what was asked for.
func (m *Meter) Unreadable() {
	if m != nil {
		m.failures.Add(1)
	}
}

// RoundTripper counts the requests that next makes. A call ends with its answer's body.
func (m *Meter) RoundTripper(next http.RoundTripper) http.RoundTripper {
	if m == nil {
		return next
	}
	return metered{m, next}
}

type metered struct {
	m    *Meter
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t metered) RoundTrip(r *http.Request) (*http.Response, error) {
	began := t.m.now()
	reply, err := t.next.RoundTrip(r)
	if err != nil {
		t.m.Count(began, r.ContentLength, 0, true)
		return nil, err
	}
	reply.Body = &meteredBody{ReadCloser: reply.Body, m: t.m, began: began, sent: r.ContentLength, failed: reply.StatusCode >= 400}
	return reply, nil
}

// CloseIdleConnections gives back connections that nobody uses.
func (t metered) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

type meteredBody struct {
	io.ReadCloser
	m          *Meter
	began      time.Time
	sent, read int64
	failed     bool
	ended      sync.Once
}

func (b *meteredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if err != nil {
		b.end(err != io.EOF)
	}
	return n, err
}

func (b *meteredBody) Close() error {
	b.end(false)
	return b.ReadCloser.Close()
}

func (b *meteredBody) end(broken bool) {
	b.ended.Do(func() { b.m.Count(b.began, b.sent, b.read, b.failed || broken) })
}
