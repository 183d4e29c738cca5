package job

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"weir/connectors/option"
)

// Strategy says whether a job starts again after a failure. It is used by one goroutine.
type Strategy interface {
	// Failed counts a failure at a time: again tells whether to start again, after delay.
	Failed(now time.Time) (delay time.Duration, again bool)
	// String says what the strategy is, as people read it.
	String() string
}

// StrategyKeys lists the settings of restart strategies with their defaults and what they do.
var StrategyKeys = [][3]string{
	{"restart-strategy.type", "exponential-delay", "What happens to a job that fails: none, fixed-delay, exponential-delay or failure-rate."},
	{"restart-strategy.fixed-delay.attempts", "1", "Restarts at most, of fixed-delay."},
	{"restart-strategy.fixed-delay.delay", "1 s", "Time before each restart, of fixed-delay."},
	{"restart-strategy.failure-rate.max-failures-per-interval", "1", "Failures that an interval may have, of failure-rate."},
	{"restart-strategy.failure-rate.failure-rate-interval", "1 min", "The interval in which failures count, of failure-rate."},
	{"restart-strategy.failure-rate.delay", "1 s", "Time before each restart, of failure-rate."},
	{"restart-strategy.exponential-delay.initial-backoff", "1 s", "Time before the first restart, of exponential-delay."},
	{"restart-strategy.exponential-delay.max-backoff", "1 min", "Time before a restart at most, of exponential-delay."},
	{"restart-strategy.exponential-delay.backoff-multiplier", "1.5", "How much longer each restart waits than the one before, of exponential-delay."},
	{"restart-strategy.exponential-delay.reset-backoff-threshold", "1 h", "Time without a failure after which the wait is the first one again, of exponential-delay."},
	{"restart-strategy.exponential-delay.jitter-factor", "0.1", "Part of the wait that is left to chance, of exponential-delay."},
	{"restart-strategy.exponential-delay.attempts-before-reset-backoff", "infinite", "Restarts in a row at most, of exponential-delay."},
}

const strategyPrefix = "restart-strategy."

// ParseStrategy makes the strategy that settings name. get gives a setting's value, empty for its default; random
// gives numbers in [0, 1).
func ParseStrategy(get func(key string) string, random func() float64) (Strategy, error) {
	r := keyReader{get: get}
	kind := strings.ToLower(r.text("type"))
	var s Strategy
	switch strings.ReplaceAll(kind, "-", "") {
	case "none", "off", "disable":
		return never{}, nil
	case "fixeddelay":
		s = &fixedDelay{attempts: r.count("fixed-delay.attempts"), delay: r.duration("fixed-delay.delay")}
	case "failurerate":
		s = &failureRate{most: r.count("failure-rate.max-failures-per-interval"), interval: r.duration("failure-rate.failure-rate-interval"),
			delay: r.duration("failure-rate.delay")}
	case "exponentialdelay":
		e := &exponentialDelay{random: random,
			initial: r.duration("exponential-delay.initial-backoff"), most: r.duration("exponential-delay.max-backoff"),
			factor: r.number("exponential-delay.backoff-multiplier", 1, 1000), reset: r.duration("exponential-delay.reset-backoff-threshold"),
			jitter: r.number("exponential-delay.jitter-factor", 0, 1), attempts: r.count("exponential-delay.attempts-before-reset-backoff")}
		if r.err == nil && e.most < e.initial {
			r.err = fmt.Errorf("setting '%sexponential-delay.max-backoff': %s is less than initial-backoff, %s", strategyPrefix, e.most, e.initial)
		}
		s = e
	default:
		return nil, fmt.Errorf("setting '%stype': '%s' is none of none, fixed-delay, exponential-delay, failure-rate", strategyPrefix, kind)
	}
	return s, r.err
}

// keyReader reads settings and keeps the first error.
type keyReader struct {
	get func(string) string
	err error
}

func (r *keyReader) text(key string) string {
	key = strategyPrefix + key
	if v := strings.TrimSpace(r.get(key)); v != "" {
		return v
	}
	for _, k := range StrategyKeys {
		if k[0] == key {
			return k[1]
		}
	}
	return ""
}

func (r *keyReader) fail(key, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("setting '%s%s': '%s' is not %s", strategyPrefix, key, r.text(key), want)
	}
}

func (r *keyReader) duration(key string) time.Duration {
	d, err := option.ParseDuration(r.text(key))
	if err != nil || d < 0 {
		r.fail(key, "a duration, as '10 s'")
	}
	return d
}

func (r *keyReader) count(key string) int {
	if strings.EqualFold(r.text(key), "infinite") {
		return math.MaxInt
	}
	n, err := strconv.Atoi(r.text(key))
	if err != nil || n < 0 {
		r.fail(key, "a whole number")
	}
	return n
}

func (r *keyReader) number(key string, lo, hi float64) float64 {
	f, err := strconv.ParseFloat(r.text(key), 64)
	if err != nil || !(f >= lo && f <= hi) {
		r.fail(key, fmt.Sprintf("a number from %g to %g", lo, hi))
	}
	return f
}

// never starts nothing again.
type never struct{}

func (never) Failed(time.Time) (time.Duration, bool) { return 0, false }
func (never) String() string                         { return "none: the first failure ends the job" }

// fixedDelay starts again a number of times.
type fixedDelay struct {
	attempts, used int
	delay          time.Duration
}

// Failed counts towards the job's attempts.
func (s *fixedDelay) Failed(time.Time) (time.Duration, bool) {
	if s.used >= s.attempts {
		return 0, false
	}
	s.used++
	return s.delay, true
}

func (s *fixedDelay) String() string {
	return fmt.Sprintf("fixed-delay: %s restarts, each after %s", countText(s.attempts), s.delay)
}

// failureRate starts again while an interval has few failures.
type failureRate struct {
	most            int
	interval, delay time.Duration
	failures        []time.Time // in the interval
}

// Failed forgets failures older than the interval first.
func (s *failureRate) Failed(now time.Time) (time.Duration, bool) {
	kept := s.failures[:0]
	for _, at := range s.failures {
		if now.Sub(at) <= s.interval {
			kept = append(kept, at)
		}
	}
	s.failures = kept
	if len(s.failures) >= s.most {
		return 0, false
	}
	s.failures = append(s.failures, now)
	return s.delay, true
}

func (s *failureRate) String() string {
	return fmt.Sprintf("failure-rate: %s failures in %s, each restart after %s", countText(s.most), s.interval, s.delay)
}

// exponentialDelay waits longer before each restart, and begins anew after a time without failures.
type exponentialDelay struct {
	initial, most, reset time.Duration
	factor, jitter       float64
	attempts             int
	random               func() float64

	used    int
	last    time.Time // of the last failure
	backoff time.Duration
}

// Failed makes the wait longer unless the job had run long enough. The wait itself does not count as a
// time without failures.
func (s *exponentialDelay) Failed(now time.Time) (time.Duration, bool) {
	if s.used == 0 || now.Sub(s.last) >= s.reset+s.backoff {
		s.used, s.backoff = 0, s.initial
	} else {
		s.backoff = min(s.most, time.Duration(float64(s.backoff)*s.factor))
	}
	if s.last = now; s.used >= s.attempts {
		return 0, false
	}
	s.used++
	chance := time.Duration(float64(s.backoff) * s.jitter * (2*s.random() - 1))
	return max(s.initial, min(s.most, s.backoff+chance)), true
}

func (s *exponentialDelay) String() string {
	return fmt.Sprintf("exponential-delay: after %s, then %g times longer each, at most %s; %s restarts in a row", s.initial, s.factor, s.most, countText(s.attempts))
}

func countText(n int) string {
	if n == math.MaxInt {
		return "any number of"
	}
	return strconv.Itoa(n)
}
