package fn

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// castTime casts between DATE, TIME, TIMESTAMP and TIMESTAMP_LTZ. A TIMESTAMP_LTZ is shown to and read
// from the others as the session zone's wall clock.
func castTime(from, to types.Type) castFunc {
	switch {
	case from.Kind == to.Kind && from.Kind == types.Date:
		return nil
	case from.Kind == types.Time0 && to.Kind == types.Time0:
		if from.Prec <= to.Prec {
			return nil
		}
		return fixedCast(to, func(out, in []int32) {
			for i, ms := range in {
				out[i] = truncMillis(ms, to.Prec)
			}
		})
	case from.Kind == to.Kind && from.Nanos() == to.Nanos() && from.Prec <= to.Prec:
		return nil
	}
	return func(r *castRun, in arrow.Array) arrow.Array {
		us, ns := wallClock(r, from, to, in)
		if from.Kind == types.TimestampLTZ && to.Kind == types.Date {
			return vec.Fixed(to.Arrow(), localDays(us), copyValid(in))
		}
		return fromWallClock(r, to, us, ns, copyValid(in))
	}
}

// localDays are the days of wall clocks. Before 1970 too it is the day of the clock, which in Flink is so for
// TIMESTAMP_LTZ alone.
func localDays(us []int64) []int32 {
	days := make([]int32, len(us))
	for i, v := range us {
		d, _ := divFloor(v, microsPerDay)
		days[i] = int32(d)
	}
	return days
}

// wallClock reads times as fresh microseconds of wall clock, and nanoseconds where they have them. A
// cast from TIMESTAMP_LTZ to itself stays in UTC.
func wallClock(r *castRun, from, to types.Type, in arrow.Array) (us []int64, ns []int16) {
	us = make([]int64, in.Len())
	switch {
	case from.Kind == types.Date:
		for i, days := range vec.Values[int32](in) {
			us[i] = int64(days) * microsPerDay
		}
	case from.Kind == types.Time0:
		for i, ms := range vec.Values[int32](in) {
			us[i] = int64(ms) * 1000
		}
	case from.Nanos():
		var raw []int64
		raw, ns = vec.NanosOf(in)
		copy(us, raw)
	default:
		copy(us, vec.Values[int64](in))
	}
	if from.Kind == types.TimestampLTZ && to.Kind != types.TimestampLTZ {
		for i, v := range us {
			us[i] = LocalMicros(v, r.zone)
		}
	}
	if to.Kind == types.TimestampLTZ && from.Kind != types.TimestampLTZ {
		for i, v := range us {
			us[i] = UTCMicros(v, r.zone)
		}
	}
	return us, ns
}

// fromWallClock makes a column of the type; it may write to us.
func fromWallClock(_ *castRun, to types.Type, us []int64, ns []int16, valid vec.Bitmap) arrow.Array {
	switch to.Kind {
	case types.Date:
		days := make([]int32, len(us))
		for i, v := range us {
			ms, _ := divFloor(v, 1000)
			days[i] = int32(ms / millisPerDay) // toward zero, as in Flink: just before 1970 is 1970
		}
		return vec.Fixed(to.Arrow(), days, valid)
	case types.Time0:
		clock := make([]int32, len(us))
		for i, v := range us {
			_, rest := divFloor(truncTimestamp(v, min(to.Prec, 3)), microsPerDay)
			clock[i] = int32(rest / 1000)
		}
		return vec.Fixed(to.Arrow(), clock, valid)
	}
	if to.Nanos() {
		if ns == nil {
			ns = make([]int16, len(us))
		}
		return vec.Nanos(us, truncNanos(ns, to.Prec), valid)
	}
	if to.Prec < 6 {
		for i, v := range us {
			us[i] = truncTimestamp(v, to.Prec)
		}
	}
	return vec.Timestamps(to, us, valid)
}

// truncTimestamp cuts microseconds to some digits of a second as Flink does: digits of the millisecond
// toward minus infinity, longer ones toward zero.
func truncTimestamp(us int64, prec int) int64 {
	if prec >= 6 {
		return us
	}
	ms, rest := divFloor(us, 1000)
	if prec > 3 {
		unit := int64(pow10u(6 - prec))
		return ms*1000 + rest/unit*unit
	}
	unit := int64(pow10u(3 - prec))
	return ms / unit * unit * 1000
}

// truncNanos cuts the nanoseconds within a microsecond to the digits of a precision of 7 to 9.
func truncNanos(ns []int16, prec int) []int16 {
	unit := int16(pow10u(9 - prec))
	if unit == 1 {
		return ns
	}
	out := make([]int16, len(ns))
	for i, v := range ns {
		out[i] = v / unit * unit
	}
	return out
}

// truncMillis cuts a TIME to some digits of a second.
func truncMillis(ms int32, prec int) int32 {
	if prec >= 3 {
		return ms
	}
	unit := int32(pow10u(3 - prec))
	return ms / unit * unit
}

// parseTimestamps reads text as TIMESTAMP or TIMESTAMP_LTZ.
func parseTimestamps(to types.Type) castFunc {
	return func(r *castRun, in arrow.Array) arrow.Array {
		text, valid := vec.TextOf(vec.ColVec(in)), copyValid(in)
		us, ns := make([]int64, in.Len()), make([]int16, in.Len())
		for i := range us {
			if !valid.Get(i) {
				continue
			}
			var ok bool
			if us[i], ns[i], ok = ParseTimestamp(text.String(i)); !ok {
				r.fail(i, parseError(text.String(i), to, "the format is yyyy-MM-dd[ HH:mm:ss[.fffffffff]]"))
			}
			if to.Prec < 6 { // digits past the precision are cut downward before the zone applies
				us[i], _ = divFloor(us[i], int64(pow10u(6-to.Prec)))
				us[i] *= int64(pow10u(6 - to.Prec))
			}
			if to.Kind == types.TimestampLTZ {
				us[i] = UTCMicros(us[i], r.zone)
			}
		}
		if to.Nanos() {
			return vec.Nanos(us, truncNanos(ns, to.Prec), valid)
		}
		return vec.Timestamps(to, us, valid)
	}
}

// ParseTimestamp reads "yyyy-M-d[ H:m:s[.n]]" as microseconds of wall clock and nanoseconds 0-999. A
// day past the end of its month is the last of the month, 24:00:00 is the next day's start.
func ParseTimestamp(s string) (us int64, ns int16, ok bool) {
	year, s, ok := parseYear(s)
	if !ok {
		return 0, 0, false
	}
	month, s, okM := parsePart(s, '-')
	day, s, okD := parsePart(s, '-')
	if !okM || !okD || month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, 0, false
	}
	us = epochDays(year, month, min(day, daysInMonth(year, month))) * microsPerDay
	if s == "" {
		return us, 0, true
	}
	hour, s, okH := parsePart(s, ' ')
	minute, s, okM := parsePart(s, ':')
	second, s, okS := parsePart(s, ':')
	nanos, okN := parseNanos(s)
	if !okH || !okM || !okS || !okN || minute > 59 || second > 59 || hour > 24 || hour == 24 && minute+second+nanos > 0 {
		return 0, 0, false
	}
	us += int64((hour*60+minute)*60+second)*microsPerSecond + int64(nanos/1000)
	return us, int16(nanos % 1000), true
}

// parseYear reads four digits, or more after a plus sign.
func parseYear(s string) (year int, rest string, ok bool) {
	signed := s != "" && s[0] == '+'
	s, neg := cutSign(s)
	n := 0
	for n < len(s) && n < 6 && s[n] >= '0' && s[n] <= '9' {
		year = year*10 + int(s[n]-'0')
		n++
	}
	return year, s[n:], (n == 4 || n > 4 && signed) && !neg && year > 0
}

// parsePart reads a separator and one or two digits.
func parsePart(s string, separator byte) (v int, rest string, ok bool) {
	if len(s) < 2 || s[0] != separator || s[1] < '0' || s[1] > '9' {
		return 0, s, false
	}
	v = int(s[1] - '0')
	if len(s) > 2 && s[2] >= '0' && s[2] <= '9' {
		return v*10 + int(s[2]-'0'), s[3:], true
	}
	return v, s[2:], true
}

// parseNanos reads the rest of a timestamp: nothing, or a point and up to nine digits.
func parseNanos(s string) (nanos int, ok bool) {
	if s == "" {
		return 0, true
	}
	if s[0] != '.' || len(s) > 10 || !allDigits(s[1:]) {
		return 0, false
	}
	for i := range 9 {
		nanos *= 10
		if i+1 < len(s) {
			nanos += int(s[i+1] - '0')
		}
	}
	return nanos, true
}
