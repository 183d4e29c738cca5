package job

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestStrategies has jobs fail at given times: each delay until the strategy gives up, which is "no".
func TestStrategies(t *testing.T) {
	tests := []struct {
		name, settings string
		fails          string // seconds at which the job fails
		want           string
	}{
		{"none", "type=none", "0", "no"},
		{"off", "type=off", "0", "no"},
		{"default is exponential", "", "0 10 20", "1s 1.5s 2.25s"},
		{"fixed", "type=fixed-delay fixed-delay.attempts=2 fixed-delay.delay=3s", "0 1000 2000", "3s 3s no"},
		{"fixed default", "type=fixeddelay", "0 1", "1s no"},
		{"fixed forever", "type=fixed-delay fixed-delay.attempts=infinite", "0 1 2 3", "1s 1s 1s 1s"},
		{"rate within", "type=failure-rate failure-rate.max-failures-per-interval=2 failure-rate.failure-rate-interval=10s", "0 5 11 16 22", "1s 1s 1s 1s 1s"},
		{"rate exceeded", "type=failure-rate failure-rate.max-failures-per-interval=2 failure-rate.failure-rate-interval=10s", "0 5 9", "1s 1s no"},
		{"rate at the edge", "type=failure-rate failure-rate.failure-rate-interval=10s", "0 10", "1s no"},
		{"rate past the edge", "type=failure-rate failure-rate.failure-rate-interval=10s", "0 11", "1s 1s"},
		{"exponential is bounded", "exponential-delay.max-backoff=4s exponential-delay.backoff-multiplier=2", "0 1 2 3 4", "1s 2s 4s 4s 4s"},
		{"exponential resets", "exponential-delay.reset-backoff-threshold=60s exponential-delay.backoff-multiplier=2", "0 1 2 65 200", "1s 2s 4s 8s 1s"},
		{"wait is no quiet time", "exponential-delay.reset-backoff-threshold=10s", "0 10 21.4", "1s 1.5s 2.25s"},
		{"quiet time", "exponential-delay.reset-backoff-threshold=10s", "0 11", "1s 1s"},
		{"exponential gives up", "exponential-delay.attempts-before-reset-backoff=2", "0 1 2", "1s 1.5s no"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := ParseStrategy(settings(tt.settings), func() float64 { return 0.5 })
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, at := range strings.Fields(tt.fails) {
				var seconds float64
				fmt.Sscan(at, &seconds)
				d, again := s.Failed(time.Unix(0, 0).Add(time.Duration(seconds * float64(time.Second))))
				if !again {
					got = append(got, "no")
					break
				}
				got = append(got, d.String())
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("failing at %s: got %s, want %s", tt.fails, g, tt.want)
			}
		})
	}
}

func settings(text string) func(string) string {
	m := map[string]string{}
	for _, kv := range strings.Fields(text) {
		k, v, _ := strings.Cut(kv, "=")
		m[strategyPrefix+k] = v
	}
	return func(key string) string { return m[key] }
}

func TestJitter(t *testing.T) {
	for _, tt := range []struct {
		random float64
		want   time.Duration
	}{{0, 9 * time.Second}, {0.5, 10 * time.Second}, {0.999999999, 11 * time.Second}} {
		s, err := ParseStrategy(settings("exponential-delay.initial-backoff=5s exponential-delay.backoff-multiplier=2"), func() float64 { return tt.random })
		if err != nil {
			t.Fatal(err)
		}
		if first, _ := s.Failed(time.Unix(0, 0)); first < 5*time.Second {
			t.Errorf("the first wait is %s, less than the initial one", first)
		}
		if got, _ := s.Failed(time.Unix(1, 0)); (got - tt.want).Abs() > time.Millisecond {
			t.Errorf("random %v: got %s, want %s", tt.random, got, tt.want)
		}
	}
}

func TestStrategyErrors(t *testing.T) {
	for in, want := range map[string]string{
		"type=often": "'often' is none of none, fixed-delay",
		"type=fixed-delay fixed-delay.attempts=x":      "'x' is not a whole number",
		"type=fixed-delay fixed-delay.delay=soon":      "fixed-delay.delay': 'soon' is not a duration",
		"exponential-delay.backoff-multiplier=0.5":     "'0.5' is not a number from 1 to 1000",
		"exponential-delay.jitter-factor=NaN":          "'NaN' is not a number",
		"exponential-delay.max-backoff=10ms":           "less than initial-backoff",
		"type=failure-rate failure-rate.delay=forever": "'forever' is not a duration",
	} {
		if _, err := ParseStrategy(settings(in), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", in, err, want)
		}
	}
}
