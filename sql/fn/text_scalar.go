package fn

import (
	"math/bits"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, "TRUE"...)
	}
	return append(dst, "FALSE"...)
}

func appendHex(dst, b []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, "x'"...)
	for _, c := range b {
		dst = append(dst, hex[c>>4], hex[c&15])
	}
	return append(dst, '\'')
}

// appendUTF8 appends bytes as text, with U+FFFD in place of what is not UTF-8.
func appendUTF8(dst, b []byte) []byte {
	if utf8.Valid(b) {
		return append(dst, b...)
	}
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		dst = utf8.AppendRune(dst, r)
		b = b[n:]
	}
	return dst
}

// AppendDecimal appends an unscaled DECIMAL value in plain digits with all of its scale.
func AppendDecimal(dst []byte, v decimal128.Num, scale int) []byte {
	hi, lo := uint64(v.HighBits()), v.LowBits()
	if v.HighBits() < 0 {
		dst = append(dst, '-')
		lo = -lo
		hi = ^hi
		if lo == 0 {
			hi++
		}
	}
	var buf [48]byte
	at := len(buf)
	for digit := 0; digit <= scale || hi|lo != 0; digit++ {
		if digit == scale && scale > 0 {
			at--
			buf[at] = '.'
		}
		var rest uint64
		if hi == 0 {
			lo, rest = lo/10, lo%10
		} else {
			hi, rest = hi/10, hi%10
			lo, rest = bits.Div64(rest, lo, 10)
		}
		at--
		buf[at] = byte('0' + rest)
	}
	return append(dst, buf[at:]...)
}

const (
	microsPerSecond = 1_000_000
	microsPerDay    = 86_400 * microsPerSecond
	millisPerDay    = 86_400_000
)

// civilDate gives year, month and day of a number of days since 1970-01-01.
func civilDate(days int64) (year, month, day int) {
	z := days + 719_468 // from 0000-03-01, so that leap days end the year
	era := z / 146_097
	if z < 0 {
		era = (z - 146_096) / 146_097
	}
	inEra := z - era*146_097
	inEraYear := (inEra - inEra/1460 + inEra/36_524 - inEra/146_096) / 365
	inYear := inEra - (365*inEraYear + inEraYear/4 - inEraYear/100)
	shifted := (5*inYear + 2) / 153
	day = int(inYear - (153*shifted+2)/5 + 1)
	month = int(shifted) + 3
	year = int(inEraYear + era*400)
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

// epochDays is the inverse of civilDate.
func epochDays(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	if year < 0 {
		era = (year - 399) / 400
	}
	inEra := year - era*400
	inYear := (153*(month-3)+2)/5 + day - 1
	return int64(era)*146_097 + int64(inEra*365+inEra/4-inEra/100+inYear) - 719_468
}

// daysInMonth is the number of days of a month.
func daysInMonth(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// divFloor divides, rounding down, and gives the rest, which is never negative.
func divFloor(a, b int64) (quotient, rest int64) {
	quotient, rest = a/b, a%b
	if rest < 0 {
		return quotient - 1, rest + b
	}
	return quotient, rest
}

// appendPadded appends a number of at least the given width.
func appendPadded(dst []byte, v, width int) []byte {
	if v < 0 {
		dst = append(dst, '-')
		v = -v
	}
	for limit := 10; width > 1; width-- {
		if v < limit {
			for k := 1; k < width; k++ {
				dst = append(dst, '0')
			}
			break
		}
		limit *= 10
	}
	return strconv.AppendInt(dst, int64(v), 10)
}

// AppendDate appends days since 1970-01-01 as "2024-02-29". Like Flink it shows the last four digits
// of the year.
func AppendDate(dst []byte, days int32) []byte { return appendDay(dst, int64(days)) }

func appendDay(dst []byte, days int64) []byte {
	y, m, d := civilDate(days)
	dst = append(appendPadded(dst, y%10_000, 4), '-')
	dst = append(appendPadded(dst, m, 2), '-')
	return appendPadded(dst, d, 2)
}

func appendClock(dst []byte, seconds int) []byte {
	dst = append(appendPadded(dst, seconds/3600, 2), ':')
	dst = append(appendPadded(dst, seconds/60%60, 2), ':')
	return appendPadded(dst, seconds%60, 2)
}

// AppendTime appends a TIME in milliseconds; of its fraction at most prec digits, without trailing
// zeros but for a first one: "12:34:56.0".
func AppendTime(dst []byte, ms int32, prec int) []byte {
	dst = appendClock(dst, int(ms/1000))
	if prec <= 0 {
		return dst
	}
	dst = append(dst, '.')
	for rest := ms % 1000; ; rest = rest % 100 * 10 {
		dst = append(dst, byte('0'+rest/100))
		if prec--; prec == 0 || rest%100 == 0 {
			return dst
		}
	}
}

// AppendTimestamp appends microseconds and nanoseconds (0-999) of wall clock with exactly prec digits
// of fraction: "2024-02-29 12:34:56.120".
func AppendTimestamp(dst []byte, us int64, ns int16, prec int) []byte {
	days, rest := divFloor(us, microsPerDay)
	dst = append(appendDay(dst, days), ' ')
	dst = appendClock(dst, int(rest/microsPerSecond))
	if prec <= 0 {
		return dst
	}
	dst = append(dst, '.')
	start := len(dst)
	dst = appendPadded(dst, int(rest%microsPerSecond)*1000+int(ns), 9)
	return dst[:start+min(prec, 9)]
}

// appendMonths appends a year-month interval as "+1-02".
func appendMonths(dst []byte, months int32) []byte {
	v, sign := int64(months), byte('+')
	if v < 0 {
		v, sign = -v, '-'
	}
	dst = strconv.AppendInt(append(dst, sign), v/12, 10)
	return appendPadded(append(dst, '-'), int(v%12), 2)
}

// appendMillis appends a day-time interval as "+1 02:03:04.567".
func appendMillis(dst []byte, ms int64) []byte {
	v, sign := uint64(ms), byte('+')
	if ms < 0 {
		v, sign = -v, '-'
	}
	dst = strconv.AppendUint(append(dst, sign), v/millisPerDay, 10)
	rest := int(v % millisPerDay)
	dst = appendClock(append(dst, ' '), rest/1000)
	return appendPadded(append(dst, '.'), rest%1000, 3)
}

// zoneOffset is the zone's distance from UTC in microseconds at a UTC instant.
func zoneOffset(us int64, zone *time.Location) int64 {
	if zone == time.UTC || zone == nil {
		return 0
	}
	_, offset := time.UnixMicro(us).In(zone).Zone()
	return int64(offset) * microsPerSecond
}

// LocalMicros turns a UTC instant into the zone's wall clock.
func LocalMicros(us int64, zone *time.Location) int64 { return us + zoneOffset(us, zone) }

// UTCMicros turns the zone's wall clock into a UTC instant. Of a doubled hour it takes the first; a
// time in a skipped hour moves on by the hour.
func UTCMicros(local int64, zone *time.Location) int64 {
	before, after := zoneOffset(local-microsPerDay, zone), zoneOffset(local+microsPerDay, zone)
	if before == after || zoneOffset(local-before, zone) == before {
		return local - before
	}
	if zoneOffset(local-after, zone) == after {
		return local - after
	}
	return local - before
}
