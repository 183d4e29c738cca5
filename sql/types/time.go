package types

import "math"

// Time is event time: milliseconds since 1970-01-01 00:00:00, floored. TIMESTAMP columns count it
// in their own wall clock, TIMESTAMP_LTZ columns in UTC; a watermark never mixes the two.
type Time int64

// The ends of event time. A watermark of MaxTime says that no row will follow.
const (
	MinTime Time = math.MinInt64
	MaxTime Time = math.MaxInt64
)

// FromMicros floors microseconds to event time.
func FromMicros(us int64) Time {
	ms := us / 1000
	if us%1000 < 0 {
		ms--
	}
	return Time(ms)
}

// Micros is t in microseconds, saturating at the ends.
func (t Time) Micros() int64 {
	if t > math.MaxInt64/1000 {
		return math.MaxInt64
	}
	if t < math.MinInt64/1000 {
		return math.MinInt64
	}
	return int64(t) * 1000
}

// RowKind says what a row of a changelog does.
type RowKind = int8

// The row kinds, in Flink's order.
const (
	Insert       RowKind = 0 // +I
	UpdateBefore RowKind = 1 // -U
	UpdateAfter  RowKind = 2 // +U
	Delete       RowKind = 3 // -D
)

// KindString is the short form of a row kind: "+I", "-U", "+U" or "-D".
func KindString(k RowKind) string {
	return [...]string{"+I", "-U", "+U", "-D"}[k]
}

// Adds tells whether a row of the kind adds to the table it changes (+I, +U), rather than taking away.
func Adds(k RowKind) bool { return k == Insert || k == UpdateAfter }
