package format

import (
	"encoding/binary"

	"weir/sql/types"
)

// timeStyle is how timestamps are written: Flink's 'timestamp-format.standard'.
type timeStyle struct {
	sep byte // between date and time: ' ' or 'T'
	// smart resolves what no calendar has, as Java's SMART style: 24:00 is the next day, February 30 the
	// last of the month. ISO-8601 local timestamps are strict.
	smart bool
	// seconds may be left out.
	short bool
	// offsets as +01:00 are taken for TIMESTAMP_LTZ.
	offset bool
}

var (
	styleSQL    = timeStyle{sep: ' ', smart: true}
	styleISO    = timeStyle{sep: 'T', short: true}
	styleOffset = timeStyle{sep: 'T', short: true, offset: true}
)

const dayMicros = 86400 * 1000000

// days counts days from 1970-01-01 of the proleptic Gregorian calendar (months and days in range).
func days(y, m, d int) int {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

// civil is the inverse of days.
func civil(z int) (y, m, d int) {
	z += 719468
	era := z / 146097
	if z < 0 {
		era = (z - 146096) / 146097
	}
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	m = mp + 3
	y = yoe + era*400
	if m > 12 {
		m -= 12
		y++
	}
	return y, m, d
}

var monthDays = [13]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func monthLen(y, m int) int {
	if m == 2 && y%4 == 0 && (y%100 != 0 || y%400 == 0) {
		return 29
	}
	return monthDays[m]
}

// cursor reads fixed fields from a text.
type cursor struct {
	s  []byte
	p  int
	ok bool
}

// num reads exactly n digits.
func (c *cursor) num(n int) int {
	v := 0
	if c.p+n > len(c.s) {
		c.ok = false
		return 0
	}
	for _, ch := range c.s[c.p : c.p+n] {
		if ch -= '0'; ch > 9 {
			c.ok = false
			return 0
		}
		v = v*10 + int(ch)
	}
	c.p += n
	return v
}

func (c *cursor) lit(ch byte) {
	if c.p >= len(c.s) || c.s[c.p] != ch {
		c.ok = false
		return
	}
	c.p++
}

func (c *cursor) peek(ch byte) bool { return c.p < len(c.s) && c.s[c.p] == ch }

// date reads an ISO date: a year of four digits, or a sign and four to nine.
func (c *cursor) date(smart bool) int {
	year, sign := 0, 1
	if c.peek('+') || c.peek('-') {
		if c.s[c.p] == '-' {
			sign = -1
		}
		c.p++
		n := 0
		for c.p+n < len(c.s) && n < 9 && c.s[c.p+n]-'0' <= 9 {
			n++
		}
		if n < 4 {
			c.ok = false
			return 0
		}
		year = sign * c.num(n)
	} else {
		year = c.num(4)
	}
	c.lit('-')
	m := c.num(2)
	c.lit('-')
	d := c.num(2)
	if !c.ok || m < 1 || m > 12 || d < 1 || d > 31 {
		c.ok = false
		return 0
	}
	if limit := monthLen(year, m); d > limit {
		if !smart {
			c.ok = false
			return 0
		}
		d = limit
	}
	return days(year, m, d)
}

// clock reads a time of day in nanoseconds.
func (c *cursor) clock(smart, short bool) int64 {
	h := c.num(2)
	c.lit(':')
	m := c.num(2)
	s, nanos := 0, 0
	if !short || c.peek(':') {
		c.lit(':')
		s = c.num(2)
		nanos = c.fraction()
	}
	if smart && h == 24 && m == 0 && s == 0 && nanos == 0 {
		return 86400 * 1e9
	}
	if h > 23 || m > 59 || s > 59 {
		c.ok = false
	}
	return int64(h*3600+m*60+s)*1e9 + int64(nanos)
}

// fraction reads a point and up to nine digits, if there is a point.
func (c *cursor) fraction() int {
	if !c.ok || !c.peek('.') {
		return 0
	}
	c.p++
	v, n := 0, 0
	for ; n < 9 && c.p < len(c.s) && c.s[c.p]-'0' <= 9; n++ {
		v = v*10 + int(c.s[c.p]-'0')
		c.p++
	}
	for ; n < 9; n++ {
		v *= 10
	}
	return v
}

// parseDate reads an ISO date in days.
func parseDate(s []byte) (int32, bool) {
	c := cursor{s: s, ok: true}
	d := c.date(false)
	return int32(d), c.ok && c.p == len(s)
}

// parseTime reads "HH:mm:ss[.fraction]" in milliseconds.
func parseTime(s []byte) (int32, bool) {
	c := cursor{s: s, ok: true}
	ns := c.clock(true, false)
	return int32(ns / 1e6 % 86400000), c.ok && c.p == len(s)
}

// parseTimestamp reads a timestamp in the style; one of TIMESTAMP_LTZ must end in Z.
func parseTimestamp(s []byte, style timeStyle, ltz bool) (us int64, ns int16, ok bool) {
	c := cursor{s: s, ok: true}
	smart := style.smart || ltz
	day := c.date(smart)
	if c.p < len(s) && style.sep == 'T' && s[c.p] == 't' && !ltz {
		c.p++
	} else {
		c.lit(style.sep)
	}
	nanos := c.clock(smart, style.short)
	if ltz {
		nanos -= c.zone(style.offset)
	}
	if !c.ok || c.p != len(s) {
		return 0, 0, false
	}
	us = nanos / 1000
	if ns = int16(nanos % 1000); ns < 0 {
		us, ns = us-1, ns+1000
	}
	return int64(day)*dayMicros + us, ns, true
}

// zone reads Z or, where allowed, an offset in nanoseconds.
func (c *cursor) zone(offset bool) int64 {
	if !offset || c.peek('Z') {
		c.lit('Z')
		return 0
	}
	sign := int64(1)
	if c.peek('-') {
		sign = -1
	} else if !c.peek('+') {
		c.ok = false
		return 0
	}
	c.p++
	h, m := c.num(2), 0
	if c.peek(':') {
		c.p++
		m = c.num(2)
	} else if c.p < len(c.s) {
		m = c.num(2)
	}
	if h > 18 || m > 59 {
		c.ok = false
	}
	return sign * int64(h*3600+m*60) * 1e9
}

// dayCache remembers the last date read: streams repeat it.
type dayCache struct {
	key0, key1 uint64
	micros     int64
}

var fractionScale = [7]int64{1000000, 100000, 10000, 1000, 100, 10, 1}

// quoted reads a quoted timestamp "yyyy-MM-dd?HH:mm:ss[.1-6 digits][Z]" at p and gives the place
// behind the closing quote, or -1 for anything else, which the slow way then judges.
func (d *dayCache) quoted(b []byte, p int, style timeStyle, ltz bool) (int64, int) {
	if p+24 > len(b) || b[p] != '"' {
		return 0, -1
	}
	w0, w1 := binary.LittleEndian.Uint64(b[p+1:]), binary.LittleEndian.Uint64(b[p+9:])
	if w0 != d.key0 || w1&0xffffff != d.key1 {
		c := cursor{s: b[p+1 : p+11], ok: true}
		day := c.date(false)
		if !c.ok || b[p+11] != style.sep {
			return 0, -1
		}
		d.key0, d.key1, d.micros = w0, w1&0xffffff, int64(day)*dayMicros
	}
	t := b[p+12 : p+20 : p+20]
	h1, h2, m1, m2, s1, s2 := t[0]-'0', t[1]-'0', t[3]-'0', t[4]-'0', t[6]-'0', t[7]-'0'
	if h1 > 2 || h2 > 9 || m1 > 5 || m2 > 9 || s1 > 5 || s2 > 9 || t[2] != ':' || t[5] != ':' {
		return 0, -1
	}
	h := int64(h1)*10 + int64(h2)
	if h > 23 {
		return 0, -1
	}
	us := d.micros + (h*3600+(int64(m1)*10+int64(m2))*60+int64(s1)*10+int64(s2))*1000000
	q := p + 20
	if b[q] == '.' {
		q++
		v, from := int64(0), q
		for q < len(b) {
			ch := b[q] - '0'
			if ch > 9 {
				break
			}
			v = v*10 + int64(ch)
			q++
		}
		if q-from > 6 {
			return 0, -1
		}
		us += v * fractionScale[q-from]
	}
	if ltz {
		if q >= len(b) || b[q] != 'Z' {
			return 0, -1
		}
		q++
	}
	if q >= len(b) || b[q] != '"' {
		return 0, -1
	}
	return us, q + 1
}

func appendPad(dst []byte, v, width int) []byte {
	var tmp [20]byte
	i := len(tmp)
	for ; v > 0 || width > 0; width-- {
		i--
		tmp[i] = byte('0' + v%10)
		v /= 10
	}
	return append(dst, tmp[i:]...)
}

// appendDate writes an ISO date; years past 9999 have a sign.
func appendDate(dst []byte, day int) []byte {
	y, m, d := civil(day)
	switch {
	case y > 9999:
		dst = appendPad(append(dst, '+'), y, 1)
	case y < 0:
		dst = appendPad(append(dst, '-'), -y, 4)
	default:
		dst = appendPad(dst, y, 4)
	}
	dst = appendPad(append(dst, '-'), m, 2)
	return appendPad(append(dst, '-'), d, 2)
}

// appendClock writes HH:mm:ss and a fraction without trailing zeros.
func appendClock(dst []byte, nanos int64) []byte {
	s := int(nanos / 1e9)
	dst = appendPad(dst, s/3600, 2)
	dst = appendPad(append(dst, ':'), s/60%60, 2)
	dst = appendPad(append(dst, ':'), s%60, 2)
	frac := int(nanos % 1e9)
	if frac == 0 {
		return dst
	}
	dst = appendPad(append(dst, '.'), frac, 9)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendTimestamp writes microseconds and nanoseconds in the style, without trailing zeros.
func appendTimestamp(dst []byte, us int64, ns int16, style timeStyle, ltz bool) []byte {
	day := us / dayMicros
	rest := us % dayMicros
	if rest < 0 {
		rest += dayMicros
		day--
	}
	dst = append(appendDate(dst, int(day)), style.sep)
	dst = appendClock(dst, rest*1000+int64(ns))
	if ltz {
		dst = append(dst, 'Z')
	}
	return dst
}

func isLTZ(t types.Type) bool { return t.Kind == types.TimestampLTZ }
