package fn

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"weir/sql/types"
	"weir/sql/vec"
)

// castFromString reads text as a value of the type.
func castFromString(to types.Type) castFunc {
	switch to.Kind {
	case types.Boolean:
		return parseBools
	case types.TinyInt:
		return parseFixed(to, func(s string) (int8, string) { return parseSmall[int8](s, 8) })
	case types.SmallInt:
		return parseFixed(to, func(s string) (int16, string) { return parseSmall[int16](s, 16) })
	case types.Int:
		return parseFixed(to, func(s string) (int32, string) { return parseSmall[int32](s, 32) })
	case types.BigInt:
		return parseFixed(to, func(s string) (int64, string) { return parseInteger(s, 64) })
	case types.Float:
		return parseFixed(to, func(s string) (float32, string) {
			f, ok := ParseFloat(s, 32)
			return float32(f), noNumber(ok)
		})
	case types.Double:
		return parseFixed(to, func(s string) (float64, string) {
			f, ok := ParseFloat(s, 64)
			return f, noNumber(ok)
		})
	case types.Decimal:
		return parseFixed(to, func(s string) (decimal128.Num, string) {
			v, state := parseDecimal(s, to.Prec, to.Scale)
			return v, [...]string{"", "it is no number", "overflow"}[state]
		})
	case types.Date:
		return parseFixed(to, func(s string) (int32, string) {
			days, ok := ParseDate(s)
			return days, unless(ok, "the format is yyyy-MM-dd")
		})
	case types.Time0:
		return parseFixed(to, func(s string) (int32, string) {
			ms, ok := ParseTime(s)
			return truncMillis(ms, to.Prec), unless(ok, "the format is HH:mm:ss[.fff]")
		})
	}
	return parseTimestamps(to)
}

func noNumber(ok bool) string { return unless(ok, "it is no number") }

func unless(ok bool, reason string) string {
	if ok {
		return ""
	}
	return reason
}

// parseError says that a text cannot be cast, why, and what else there is.
func parseError(s string, to types.Type, reason string) error {
	return fmt.Errorf("cannot cast '%s' to '%s': %s; TRY_CAST gives NULL instead", s, to.WithNull(true), reason)
}

// parseFixed reads each text by a function that gives the reason where it cannot.
func parseFixed[D arrow.FixedWidthType](to types.Type, parse func(string) (D, string)) castFunc {
	layout := to.Arrow()
	return func(r *castRun, in arrow.Array) arrow.Array {
		text, out, valid := vec.TextOf(vec.ColVec(in)), make([]D, in.Len()), copyValid(in)
		for i := range out {
			if !valid.Get(i) {
				continue
			}
			v, reason := parse(text.String(i))
			if reason != "" {
				r.fail(i, parseError(text.String(i), to, reason))
			}
			out[i] = v
		}
		return vec.Fixed(layout, out, valid)
	}
}

func parseBools(r *castRun, in arrow.Array) arrow.Array {
	text, bits, valid := vec.TextOf(vec.ColVec(in)), vec.NewBitmap(in.Len()), copyValid(in)
	for i := range in.Len() {
		if !valid.Get(i) {
			continue
		}
		v, ok := parseBool(text.String(i))
		if !ok {
			r.fail(i, parseError(text.String(i), types.BooleanType, "use 'true' or 'false'"))
		}
		if v {
			bits.Set(i)
		}
	}
	return vec.Bools(bits, in.Len(), valid)
}

func parseBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "t", "true", "y", "yes", "1":
		return true, true
	case "f", "false", "n", "no", "0":
		return false, true
	}
	return false, false
}

func parseSmall[T anyInteger](s string, bits int) (T, string) {
	v, reason := parseInteger(s, bits)
	return T(v), reason
}

// parseInteger reads an integer of so many bits as Flink does: blanks around it, a sign, digits, and
// perhaps a fraction that is cut off.
func parseInteger(s string, bits int) (v int64, reason string) {
	s = strings.Trim(s, " ")
	if s == "" {
		return 0, "it is empty"
	}
	s, neg := cutSign(s)
	if s == "" {
		return 0, "it is no number"
	}
	limit := uint64(1) << (bits - 1)
	if !neg {
		limit--
	}
	var m uint64
	for i := range len(s) {
		c := s[i]
		if c == '.' {
			if !allDigits(s[i+1:]) {
				return 0, "it is no number"
			}
			break
		}
		if c < '0' || c > '9' {
			return 0, "it is no number"
		}
		if m > (limit-uint64(c-'0'))/10 {
			if reason == "" {
				reason = "overflow"
			}
			continue
		}
		m = m*10 + uint64(c-'0')
	}
	if neg {
		return -int64(m), reason
	}
	return int64(m), reason
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// ParseFloat reads a FLOAT (32 bits) or DOUBLE as Java does: blanks around it, NaN and Infinity, a
// type letter after it ("1.5d"), hexadecimal with an exponent ("0x1p3").
func ParseFloat(s string, bits int) (float64, bool) {
	s, neg := cutSign(trimSpace(s))
	f, ok := 0.0, true
	switch s {
	case "NaN":
		f = math.NaN()
	case "Infinity":
		f = math.Inf(1)
	default:
		f, ok = parseJavaFloat(s, bits)
	}
	if neg {
		f = -f
	}
	return f, ok
}

func parseJavaFloat(s string, bits int) (float64, bool) {
	hex := len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x'
	if s == "" || hex && !strings.ContainsAny(s, "pP") {
		return 0, false
	}
	if strings.IndexByte("fFdD", s[len(s)-1]) >= 0 {
		s = s[:len(s)-1]
	}
	for i := range len(s) {
		if c := s[i]; !hex && strings.IndexByte("0123456789.eE+-", c) < 0 || c == '_' {
			return 0, false
		}
	}
	if s == "" || s[0] == '+' || s[0] == '-' {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, bits)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// ParseDate reads a DATE as Flink does: "2024-2-9", also "2024-2", "2024" and a date before a blank.
func ParseDate(s string) (days int32, ok bool) {
	if blank := strings.IndexByte(s, ' '); blank > 0 {
		s = s[:blank]
	}
	y, rest, hasMonth := strings.Cut(s, "-")
	m, d := "1", "1"
	if hasMonth {
		var hasDay bool
		if m, d, hasDay = strings.Cut(rest, "-"); !hasDay {
			d = "1"
		}
	}
	year, okY := parseCount(y)
	month, okM := parseCount(m)
	day, okD := parseCount(d)
	if !okY || !okM || !okD || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month) {
		return 0, false
	}
	return int32(epochDays(year, month, day)), true
}

// parseCount reads digits with blanks around them.
func parseCount(s string) (int, bool) {
	s = trimSpace(s)
	if s == "" || len(s) > 9 || !allDigits(s) {
		return 0, false
	}
	n, _ := strconv.Atoi(s)
	return n, true
}

// ParseTime reads a TIME in milliseconds as Flink does: "12:34:56.789", also "12:34", "12", and with a
// distance from UTC that is added.
func ParseTime(s string) (ms int32, ok bool) {
	shift := 0
	if at := strings.IndexAny(s, "+-"); at >= 0 {
		h, m, found := strings.Cut(s[at+1:], ":")
		if !found {
			m = "0"
		}
		hour, okH := parseCount(h)
		minute, okM := parseCount(m)
		if !okH || !okM {
			return 0, false
		}
		shift = (hour*60 + minute) * 60_000
		if s[at] == '-' {
			shift = -shift
		}
		s = s[:at]
	}
	clock, ok := parseClock(s)
	clock += shift
	return int32(clock), ok && clock >= 0 && clock < millisPerDay
}

func parseClock(s string) (ms int, ok bool) {
	parts := strings.SplitN(s, ":", 4)
	fraction := ""
	if len(parts) == 3 {
		parts[2], fraction, _ = strings.Cut(parts[2], ".")
	}
	var v [3]int
	for i, p := range parts {
		if i == 3 {
			return 0, false
		}
		if v[i], ok = parseCount(p); !ok {
			return 0, false
		}
	}
	if v[0] > 23 || v[1] > 59 || v[2] > 59 {
		return 0, false
	}
	return ((v[0]*60+v[1])*60+v[2])*1000 + fractionMillis(fraction), true
}

// fractionMillis rounds a fraction to milliseconds; what is no digit counts as zero.
func fractionMillis(s string) int {
	ms, unit := 0, 100
	for i := 0; i < len(s) && unit > 0; i++ {
		if s[i] >= '0' && s[i] <= '9' {
			ms += unit * int(s[i]-'0')
		}
		if unit == 1 && i+1 < len(s) && s[i+1] >= '5' {
			ms++
		}
		unit /= 10
	}
	return ms
}
