package connectors

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestLatency(t *testing.T) {
	for d := time.Microsecond; d < time.Hour; d = d*21/20 + 1 {
		if got := Latency(latency(d)); got < d*85/100 || got > d*115/100 {
			t.Errorf("%s is counted as %s", d, got)
		}
	}
	if latency(0) != 0 || latency(1000*time.Hour) != latencies-1 {
		t.Errorf("0 is number %d, 1000 h is %d", latency(0), latency(1000*time.Hour))
	}
}

func TestQuantiles(t *testing.T) {
	now := time.UnixMilli(1000)
	m := NewMeter(func() time.Time { return now }, nil)
	for i := range 100 {
		m.Count(now.Add(-time.Duration(i+1)*time.Millisecond), 10, 20, i%10 == 0)
	}
	u := m.Usage()
	f := func(part float64, want time.Duration) {
		t.Helper()
		if got := u.Quantile(part); got < want*9/10 || got > want*11/10 {
			t.Errorf("%v: %s, want about %s", part, got, want)
		}
	}
	f(0.5, 50*time.Millisecond)
	f(0.99, 99*time.Millisecond)
	f(0.01, time.Millisecond)
	if u.Calls != 100 || u.Failures != 10 || u.Sent != 1000 || u.Received != 2000 || u.First != 1000 || u.Last != 1000 {
		t.Errorf("usage: %+v", u)
	}
	sum := Usage{}
	sum.Add(&u)
	sum.Add(&u)
	if sum.Calls != 200 || sum.Quantile(0.5) != u.Quantile(0.5) || (&Usage{}).Quantile(0.5) != 0 {
		t.Errorf("sum: %+v", sum)
	}
}

// TestMeteredRequests: an answer that tells of an error, one that ends early, and none at all have failed.
func TestMeteredRequests(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/bad":
			w.WriteHeader(500)
		case "/cut":
			w.Header().Set("Content-Length", "100")
		}
		fmt.Fprint(w, "hello")
	}))
	defer s.Close()
	m := NewMeter(time.Now, nil)
	m.Waits(func() string { return "rate limit" })
	c := &http.Client{Transport: m.RoundTripper(http.DefaultTransport)}
	ask := func(url string) {
		reply, err := c.Post(url, "text/plain", strings.NewReader("four"))
		if err != nil {
			return
		}
		_, _ = io.ReadAll(reply.Body)
		reply.Body.Close()
	}
	f := func(path string, want string) {
		t.Helper()
		ask(path)
		u := m.Usage()
		if got := fmt.Sprintln(u.Calls, u.Failures, u.Sent, u.Received, u.Status); strings.TrimSpace(got) != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	f(s.URL, "1 0 4 5 rate limit")
	f(s.URL+"/bad", "2 1 8 10 rate limit")
	f(s.URL+"/cut", "3 2 12 15 rate limit")
	f("http://127.0.0.1:1", "4 3 16 15 rate limit")
	var none *Meter
	none.Waits(nil)
	none.Count(time.Now(), 1, 1, true)
	if none.RoundTripper(http.DefaultTransport) != http.DefaultTransport {
		t.Error("a nil meter counts")
	}
}
