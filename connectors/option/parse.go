package option

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

func parseInt(text string, bits int) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, bits)
	if err == nil {
		return n, nil
	}
	if e, ok := err.(*strconv.NumError); ok && e.Err == strconv.ErrRange {
		return 0, fmt.Errorf("is out of range")
	}
	return 0, fmt.Errorf("is not a whole number")
}

func parseNumber(text string) (float64, error) {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(n) {
		return 0, fmt.Errorf("is not a number")
	}
	return n, nil
}

func trimFloat(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

var durationUnits = []struct {
	names []string
	unit  time.Duration
}{
	{[]string{"d", "day", "days"}, 24 * time.Hour},
	{[]string{"h", "hour", "hours"}, time.Hour},
	{[]string{"min", "m", "minute", "minutes"}, time.Minute},
	{[]string{"s", "sec", "secs", "second", "seconds"}, time.Second},
	{[]string{"ms", "milli", "millis", "millisecond", "milliseconds"}, time.Millisecond},
	{[]string{"µs", "us", "micro", "micros", "microsecond", "microseconds"}, time.Microsecond},
	{[]string{"ns", "nano", "nanos", "nanosecond", "nanoseconds"}, time.Nanosecond},
}

// ParseDuration reads a span of time: a number and a unit ("5 s", "1min"), a bare number of
// milliseconds, or ISO 8601 ("PT1H30M").
func ParseDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("is not a duration; write a number and a unit, as '5 s', '1 min' or '250 ms'")
	t := strings.ToLower(strings.TrimSpace(text))
	if strings.HasPrefix(t, "p") {
		return parseISODuration(t[1:], bad)
	}
	i := digits(t)
	n, err := strconv.ParseInt(t[:i], 10, 64)
	if err != nil {
		return 0, bad
	}
	unit := strings.TrimSpace(t[i:])
	if unit == "" {
		unit = "ms"
	}
	for _, u := range durationUnits {
		for _, name := range u.names {
			if name == unit {
				if n > math.MaxInt64/int64(u.unit) {
					return 0, fmt.Errorf("is too long a duration")
				}
				return time.Duration(n) * u.unit, nil
			}
		}
	}
	return 0, bad
}

func digits(t string) int {
	i := 0
	for i < len(t) && t[i] >= '0' && t[i] <= '9' {
		i++
	}
	return i
}

func parseISODuration(t string, bad error) (time.Duration, error) {
	day, clock, hasClock := strings.Cut(t, "t")
	var total time.Duration
	if day != "" {
		n, err := strconv.ParseInt(strings.TrimSuffix(day, "d"), 10, 32)
		if err != nil || !strings.HasSuffix(day, "d") {
			return 0, bad
		}
		total = time.Duration(n) * 24 * time.Hour
	}
	if clock != "" {
		d, err := time.ParseDuration(clock)
		if err != nil || strings.Trim(clock, "0123456789.hms") != "" {
			return 0, bad
		}
		total += d
	}
	if total < 0 || (day == "" && clock == "") || (hasClock && clock == "") {
		return 0, bad
	}
	return total, nil
}

// FormatDuration is a duration in its largest whole unit: "5 s", "250 ms".
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0 ms"
	}
	for _, u := range durationUnits {
		if d%u.unit == 0 {
			return fmt.Sprintf("%d %s", d/u.unit, u.names[0])
		}
	}
	return d.String()
}

var memoryUnits = []struct {
	names []string
	unit  int64
}{
	{[]string{"tb", "t", "tebibytes"}, 1 << 40},
	{[]string{"gb", "g", "gibibytes"}, 1 << 30},
	{[]string{"mb", "m", "mebibytes"}, 1 << 20},
	{[]string{"kb", "k", "kibibytes"}, 1 << 10},
	{[]string{"b", "bytes"}, 1},
}

// ParseMemory reads a number of bytes: "1 mb", "64kb", "1024".
func ParseMemory(text string) (int64, error) {
	bad := fmt.Errorf("is not a memory size; write a number and a unit, as '64 kb' or '128 mb'")
	t := strings.ToLower(strings.TrimSpace(text))
	i := digits(t)
	n, err := strconv.ParseInt(t[:i], 10, 64)
	if err != nil {
		return 0, bad
	}
	unit := strings.TrimSpace(t[i:])
	if unit == "" {
		return n, nil
	}
	for _, u := range memoryUnits {
		for _, name := range u.names {
			if name == unit {
				if n > math.MaxInt64/u.unit {
					return 0, fmt.Errorf("is too large")
				}
				return n * u.unit, nil
			}
		}
	}
	return 0, bad
}

// FormatMemory is a number of bytes in its largest whole unit.
func FormatMemory(n int64) string {
	for _, u := range memoryUnits {
		if n != 0 && n%u.unit == 0 {
			return fmt.Sprintf("%d %s", n/u.unit, u.names[0])
		}
	}
	return fmt.Sprintf("%d b", n)
}

// ParseTimestamp reads a moment: ISO 8601, "yyyy-MM-dd HH:mm:ss" (UTC where no zone is given), or
// a number since 1970 in seconds (with a fraction, or below 10^11) or milliseconds.
func ParseTimestamp(text string) (time.Time, error) {
	t := strings.TrimSpace(text)
	if n, err := strconv.ParseFloat(t, 64); err == nil && !math.IsNaN(n) && math.Abs(n) < 1e14 {
		if strings.Contains(t, ".") || math.Abs(n) < 1e11 {
			return time.UnixMicro(int64(math.Round(n * 1e6))).UTC(), nil
		}
		return time.UnixMilli(int64(n)).UTC(), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999",
		"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02"} {
		if v, err := time.Parse(layout, t); err == nil {
			return v.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("is not a timestamp; write it as '2024-05-01T12:00:00Z'")
}
