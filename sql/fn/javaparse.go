package fn

import (
	"strings"
	"time"
	"unicode/utf8"
)

// parsed is what a text gave for each field of a pattern; has says which were there.
type parsed struct {
	year, month, day, dayOfYear, weekday int64
	hour, hour12, minute, second, nanos  int64
	pm, era                              int64 // 1 for PM, for BC
	zone                                 *time.Location
	has                                  fieldSet
}

// fieldSet is a set of pattern letters.
type fieldSet uint64

func (f *fieldSet) add(letter byte) { *f |= 1 << (letter - 'A') }

func (f fieldSet) has(letter byte) bool { return f&(1<<(letter-'A')) != 0 }

func newParsed() *parsed {
	return &parsed{year: 1970, month: 1, day: 1}
}

// parse reads a text with the pattern. All of the text must be read, but for SimpleDateFormat, which
// leaves the rest.
func (f *timeFormat) parse(s string) (*parsed, bool) {
	p := newParsed()
	rest, ok := f.parseFields(s, f.fields, p)
	if !ok || rest != "" && !f.simple {
		return nil, false
	}
	return p, true
}

func (f *timeFormat) parseFields(s string, fields []timeField, p *parsed) (string, bool) {
	for i := 0; i < len(fields); i++ {
		fd := &fields[i]
		switch fd.letter {
		case 0:
			if !strings.HasPrefix(s, fd.text) {
				return s, false
			}
			s = s[len(fd.text):]
		case '[':
			end := closing(fields, i)
			if rest, ok := f.parseFields(s, fields[i+1:end], p); ok {
				s = rest
			}
			i = end
		case ']':
		default:
			rest, ok := f.parseField(s, fields, i, p)
			if !ok {
				return s, false
			}
			s = rest
		}
	}
	return s, true
}

// closing finds the end of the optional part that begins at i.
func closing(fields []timeField, i int) int {
	for depth := 0; i < len(fields); i++ {
		switch fields[i].letter {
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return i
}

func (f *timeFormat) parseField(s string, fields []timeField, i int, p *parsed) (string, bool) {
	fd := &fields[i]
	if fd.pad > 0 || f.simple && strings.IndexByte("GEazZX", fd.letter) < 0 {
		s = strings.TrimLeft(s, " \t")
	}
	switch fd.letter {
	case 'M', 'L':
		if fd.count >= 3 {
			return f.parseName(s, monthNames[:], fd.count, func(n int64) { p.set('M', &p.month, n+1) })
		}
	case 'E':
		return f.parseName(s, dayNames[:], fd.count, func(n int64) { p.set('E', &p.weekday, n) })
	case 'e', 'c':
		if fd.count >= 3 {
			return f.parseName(s, dayNames[:], fd.count, func(n int64) { p.set('E', &p.weekday, n) })
		}
	case 'a':
		return f.parseName(s, []string{"AM", "PM"}, 4, func(n int64) { p.set('a', &p.pm, n) })
	case 'G':
		return f.parseName(s, []string{"AD", "BC"}, 4, func(n int64) { p.set('G', &p.era, n) })
	case 'V', 'v', 'z', 'O', 'X', 'x', 'Z':
		return parseZoneText(s, p)
	case 'S':
		if !f.simple {
			return parseFraction(s, fd.count, p)
		}
	}
	digits, rest := f.digits(s, fields, i)
	if digits == "" {
		return s, false
	}
	n := number(digits)
	if !f.store(fd, n, len(strings.TrimLeft(digits, "+-")), p) {
		return s, false
	}
	return rest, true
}

func (p *parsed) set(key byte, field *int64, n int64) {
	p.has.add(key)
	*field = n
}

// parseName reads one of the names, full or short. SimpleDateFormat takes either in any case.
func (f *timeFormat) parseName(s string, names []string, count int, set func(int64)) (string, bool) {
	for i, name := range names {
		forms := []string{nameOf(name, count)}
		if f.simple {
			forms = []string{name, nameOf(name, 3)}
		}
		for _, form := range forms {
			if len(s) >= len(form) && (s[:len(form)] == form || f.simple && strings.EqualFold(s[:len(form)], form)) {
				set(int64(i))
				return s[len(form):], true
			}
		}
	}
	return s, false
}

func isDigitByte(c byte) bool { return c >= '0' && c <= '9' }

// digits cuts the number of field i off s, with its sign where it may have one.
func (f *timeFormat) digits(s string, fields []timeField, i int) (digits, rest string) {
	low, high := f.width(fields, i)
	n := 0
	if n < len(s) && (s[n] == '-' && (f.simple || fields[i].letter == 'u') || s[n] == '+' && !f.simple && high == 19) {
		n++
	}
	sign := n
	for n < len(s) && n-sign < high && isDigitByte(s[n]) {
		n++
	}
	if n-sign < low || n == sign {
		return "", s
	}
	if !f.simple && low == 4 && n-sign > 4 && s[0] != '+' {
		return "", s // more digits than the pattern shows need a sign
	}
	return s[:n], s[n:]
}

// width is the least and the greatest number of digits of field i. Numbers without text between
// them have just their count of letters, but for the first, which takes what is left.
func (f *timeFormat) width(fields []timeField, i int) (low, high int) {
	fd := &fields[i]
	adjacent := i+1 < len(fields) && isNumberField(&fields[i+1])
	if f.simple {
		if adjacent {
			return 1, fd.count
		}
		return 1, 18
	}
	switch fd.letter {
	case 'y', 'u', 'Y':
		if fd.count == 2 || adjacent {
			return fd.count, max(fd.count, 1)
		}
		return fd.count, 19
	case 'A', 'n', 'N':
		return fd.count, 18
	case 'D':
		if fd.count < 3 && !adjacent {
			return fd.count, 3
		}
		return fd.count, fd.count
	}
	if fd.count == 1 && !adjacent {
		return 1, 19
	}
	return fd.count, fd.count
}

func isNumberField(fd *timeField) bool {
	switch fd.letter {
	case 0, '[', ']', 'E', 'a', 'B', 'G', 'V', 'v', 'z', 'O', 'X', 'x', 'Z':
		return false
	case 'M', 'L', 'e', 'c', 'Q', 'q':
		return fd.count < 3
	}
	return true
}

func number(digits string) int64 {
	neg := digits[0] == '-'
	n := int64(0)
	for i := 0; i < len(digits); i++ {
		if isDigitByte(digits[i]) {
			n = n*10 + int64(digits[i]-'0')
		}
	}
	if neg {
		return -n
	}
	return n
}

func parseFraction(s string, count int, p *parsed) (string, bool) {
	if len(s) < count {
		return s, false
	}
	n := int64(0)
	for i := range 9 {
		d := byte('0')
		if i < count {
			if d = s[i]; !isDigitByte(d) {
				return s, false
			}
		}
		n = n*10 + int64(d-'0')
	}
	p.set('S', &p.nanos, n)
	return s[count:], true
}

// store keeps the number of a field; DateTimeFormatter refuses one out of range.
func (f *timeFormat) store(fd *timeField, n int64, digits int, p *parsed) bool {
	in := func(lo, hi int64) bool { return f.simple || n >= lo && n <= hi }
	switch fd.letter {
	case 'y', 'u':
		if f.simple && fd.letter == 'u' {
			return true
		}
		if fd.count == 2 && digits == 2 {
			n = twoDigitYear(n, f.simple)
		}
		p.set('y', &p.year, n)
	case 'M', 'L':
		p.set('M', &p.month, n)
		return in(1, 12)
	case 'd':
		p.set('d', &p.day, n)
		return in(1, 31)
	case 'D':
		p.set('D', &p.dayOfYear, n)
		return in(1, 366)
	case 'H':
		p.set('H', &p.hour, n)
		return in(0, 24)
	case 'k':
		p.set('H', &p.hour, n%24)
		return in(1, 24)
	case 'K':
		p.set('h', &p.hour12, n)
		return in(0, 11)
	case 'h':
		p.set('h', &p.hour12, n%12)
		return in(1, 12)
	case 'm':
		p.set('m', &p.minute, n)
		return in(0, 59)
	case 's':
		p.set('s', &p.second, n)
		return in(0, 59)
	case 'S':
		p.set('S', &p.nanos, n*1_000_000)
	case 'A':
		p.setMicros(n * usMilli)
	case 'N':
		p.setMicros(n / 1000)
	case 'n':
		p.set('S', &p.nanos, n)
	}
	return true
}

func (p *parsed) setMicros(us int64) {
	p.set('H', &p.hour, us/usHour)
	p.minute, p.second, p.nanos = us/usMinute%60, us/usSecond%60, us%usSecond*1000
}

// twoDigitYear puts yy into 2000-2099, or, for SimpleDateFormat, from 80 years ago on (counted from
// 2026, so that a query gives the same on every day).
func twoDigitYear(n int64, simple bool) int64 {
	if simple && n > 46 {
		return 1900 + n
	}
	return 2000 + n
}

// parseZoneText reads an offset or the name of a zone.
func parseZoneText(s string, p *parsed) (string, bool) {
	n := 0
	for n < len(s) {
		r, w := utf8.DecodeRuneInString(s[n:])
		if !(isLetterByte(s[n]) || isDigitByte(s[n]) || strings.ContainsRune("+-:/_", r)) {
			break
		}
		n += w
	}
	loc, err := ParseZone(s[:n])
	if err != nil || n == 0 {
		return s, false
	}
	p.has.add('z')
	p.zone = loc
	return s[n:], true
}

// wall gives the wall clock in microseconds, and the nanoseconds below, of what was read. It fails
// where a strict pattern read a date that cannot be.
func (p *parsed) wall(simple bool) (us, ns int64, ok bool) {
	if p.era == 1 {
		p.year = 1 - p.year
	}
	d := ymd{p.year, int(p.month), int(p.day)}
	if !simple {
		d.day = min(d.day, monthDays(d.year, d.month))
	}
	days := d.days()
	if p.has.has('D') && !p.has.has('d') {
		days = ymd{p.year, 1, 1}.days() + p.dayOfYear - 1
	}
	if !simple && p.has.has('E') && p.has.has('d') && int64(dayOfWeek(days)) != p.weekday {
		return 0, 0, false
	}
	hour := p.hour
	switch {
	case p.has.has('h') && !p.has.has('H') && (p.has.has('a') || simple):
		if hour = p.hour12; p.pm == 1 {
			hour += 12
		}
	case !simple && p.has.has('H') && p.has.has('a') && (hour >= 12) != (p.pm == 1):
		return 0, 0, false
	}
	if !simple && hour == 24 && (p.minute != 0 || p.second != 0 || p.nanos != 0) {
		return 0, 0, false
	}
	us = days*usDay + hour*usHour + p.minute*usMinute + p.second*usSecond + p.nanos/1000
	return us, p.nanos % 1000, true
}

// parseDefault reads yyyy-M-d[ H:m:s[.fraction]], the form of a timestamp without a pattern. A day
// that the month lacks is its last; 24:00:00 is the next day.
func parseDefault(s string) (us, ns int64, ok bool) {
	date, clock, timed := strings.Cut(s, " ")
	year, rest, ok1 := leadingNumber(date, '-')
	month, rest, ok2 := leadingNumber(rest, '-')
	day, rest, ok3 := leadingNumber(rest, 0)
	if !ok1 || !ok2 || !ok3 || rest != "" || month < 1 || month > 12 || day < 1 || day > 31 || year > 9999 {
		return 0, 0, false
	}
	d := ymd{year, int(month), min(int(day), monthDays(year, int(month)))}
	us = d.days() * usDay
	if !timed {
		return us, 0, true
	}
	hour, rest, ok1 := leadingNumber(clock, ':')
	minute, rest, ok2 := leadingNumber(rest, ':')
	whole, frac, hasFrac := strings.Cut(rest, ".")
	second, rest, ok3 := leadingNumber(whole, 0)
	if !ok1 || !ok2 || !ok3 || rest != "" || minute > 59 || second > 59 || hour > 24 || hour == 24 && minute+second > 0 {
		return 0, 0, false
	}
	p := newParsed()
	if hasFrac {
		if frac == "" || len(frac) > 9 {
			return 0, 0, false
		}
		if _, ok := parseFraction(frac, len(frac), p); !ok {
			return 0, 0, false
		}
	}
	return us + hour*usHour + minute*usMinute + second*usSecond + p.nanos/1000, p.nanos % 1000, true
}

// leadingNumber cuts digits and the separator after them (0: none) off s.
func leadingNumber(s string, sep byte) (n int64, rest string, ok bool) {
	i := 0
	for i < len(s) && i < 10 && isDigitByte(s[i]) {
		i++
	}
	if i == 0 || sep != 0 && (i >= len(s) || s[i] != sep) {
		return 0, s, false
	}
	n = number(s[:i])
	if sep != 0 {
		i++
	}
	return n, s[i:], true
}
