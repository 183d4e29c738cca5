package fn

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// timeField is one element of a date pattern: a letter with its count, or text.
type timeField struct {
	letter byte // 0: text; '[' and ']' bound an optional part
	count  int
	text   string
	pad    int // width to fill with blanks, of DateTimeFormatter's p
}

// timeFormat is a compiled date pattern, of Java's DateTimeFormatter or of its older SimpleDateFormat,
// which differ in letters and in how strictly they read.
type timeFormat struct {
	fields []timeField
	simple bool
}

const (
	formatterLetters = "GuyDMLdQqYwWEecFaBhKkHmsSAnNVvzOXxZ"
	simpleLetters    = "GyYMLwWDdFEuaHkKhmsSzZX"
)

// newTimeFormat compiles a pattern. simple chooses SimpleDateFormat.
func newTimeFormat(pattern string, simple bool) (*timeFormat, error) {
	f := &timeFormat{simple: simple}
	depth := 0
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case c == '\'':
			text, n, err := quotedText(pattern[i:])
			if err != nil {
				return nil, err
			}
			f.addText(text)
			i += n
			continue
		case isLetterByte(c):
			n := 1
			for i+n < len(pattern) && pattern[i+n] == c {
				n++
			}
			if err := f.addLetter(c, n, pattern); err != nil {
				return nil, err
			}
			i += n
			continue
		case !simple && (c == '[' || c == ']'):
			if depth += int('\\') - int(c); depth < 0 { // '[' is one before '\', ']' one after
				return nil, fmt.Errorf("date pattern %q closes a ] that is not open", pattern)
			}
			f.fields = append(f.fields, timeField{letter: c})
		case !simple && (c == '{' || c == '}' || c == '#'):
			return nil, fmt.Errorf("date pattern %q holds the reserved character %q", pattern, c)
		default:
			f.addText(string(c))
		}
		i++
	}
	return f, nil
}

func isLetterByte(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// quotedText reads '...' at the start of p, in which ” is one quote; alone ” is a quote too.
func quotedText(p string) (text string, n int, err error) {
	if strings.HasPrefix(p, "''") {
		return "'", 2, nil
	}
	var b strings.Builder
	for i := 1; i < len(p); i++ {
		if p[i] != '\'' {
			b.WriteByte(p[i])
			continue
		}
		if i+1 < len(p) && p[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), i + 1, nil
	}
	return "", 0, fmt.Errorf("date pattern ends inside the quote %s", p)
}

func (f *timeFormat) addText(s string) {
	if n := len(f.fields); n > 0 && f.fields[n-1].letter == 0 {
		f.fields[n-1].text += s
		return
	}
	f.fields = append(f.fields, timeField{text: s})
}

func (f *timeFormat) addLetter(c byte, n int, pattern string) error {
	letters := formatterLetters
	if f.simple {
		letters = simpleLetters
	}
	if c == 'p' && !f.simple {
		f.fields = append(f.fields, timeField{letter: 'p', pad: n})
		return nil
	}
	if strings.IndexByte(letters, c) < 0 {
		return fmt.Errorf("date pattern %q: %q is not a pattern letter; put text in single quotes", pattern, c)
	}
	if !f.simple && n > maxLetters(c) {
		return fmt.Errorf("date pattern %q has too many %q", pattern, c)
	}
	if f.simple && c == 'X' && n > 3 {
		return fmt.Errorf("date pattern %q has too many %q", pattern, c)
	}
	field := timeField{letter: c, count: n}
	if k := len(f.fields); k > 0 && f.fields[k-1].letter == 'p' {
		field.pad = f.fields[k-1].pad
		f.fields[k-1] = field
		return nil
	}
	f.fields = append(f.fields, field)
	return nil
}

// maxLetters is how often DateTimeFormatter lets a letter stand in a row.
func maxLetters(c byte) int {
	switch c {
	case 'd', 'h', 'H', 'k', 'K', 'm', 's', 'w':
		return 2
	case 'D':
		return 3
	case 'W', 'F', 'a':
		return 1
	case 'S':
		return 9
	case 'u', 'y', 'Y', 'n', 'N', 'A':
		return 19
	case 'z':
		return 4
	}
	return 5
}

// moment is a point of time taken apart for printing.
type moment struct {
	days   int64
	date   ymd
	micros int64 // of the day
	nanos  int64 // of the second
	loc    *time.Location
	offset int64 // seconds
	zoned  bool
}

// momentOf takes a wall clock apart: us in microseconds, ns the 0-999 nanoseconds below them.
func momentOf(us int64, ns int64) moment {
	days := floorDiv(us, usDay)
	m := moment{days: days, date: dateOf(days), micros: us - days*usDay}
	m.nanos = m.micros%usSecond*1000 + ns
	return m
}

// formatZoned prints an instant in a zone.
func (f *timeFormat) formatZoned(dst []byte, us int64, loc *time.Location) ([]byte, error) {
	off := zoneOffset(us, loc)
	m := momentOf(us+off, 0)
	m.loc, m.offset, m.zoned = loc, off/usSecond, true
	return f.format(dst, &m)
}

// format appends the moment as the pattern wants it.
func (f *timeFormat) format(dst []byte, m *moment) ([]byte, error) {
	for i := range f.fields {
		fd := &f.fields[i]
		switch {
		case fd.letter == 0:
			dst = append(dst, fd.text...)
		case fd.letter == '[' || fd.letter == ']':
		default:
			at := len(dst)
			out, ok := f.appendField(dst, fd, m)
			if !ok {
				return dst, fmt.Errorf("the pattern letter %q needs a time zone, which the value does not have", fd.letter)
			}
			dst = out
			if n := len(dst) - at; fd.pad > n {
				dst = append(dst[:at], strings.Repeat(" ", fd.pad-n)+string(dst[at:])...)
			}
		}
	}
	return dst, nil
}

var (
	monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
	dayNames   = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
	quarters   = [...]string{"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"}
)

// nameOf picks the short (3), full (4) or narrow (5) form.
func nameOf(name string, count int) string {
	switch {
	case count == 5:
		return name[:1]
	case count == 4 || len(name) < 3:
		return name
	}
	return name[:3]
}

// appendNumber pads with zeros to the width.
func appendNumber(dst []byte, v int64, width int) []byte {
	if v < 0 {
		dst = append(dst, '-')
		v = -v
	}
	for p := int64(10); width > 1; width-- {
		if v < p {
			return strconv.AppendInt(append(dst, "00000000000000000000"[:width-1]...), v, 10)
		}
		p *= 10
	}
	return strconv.AppendInt(dst, v, 10)
}

func (f *timeFormat) appendField(dst []byte, fd *timeField, m *moment) ([]byte, bool) {
	if f.simple {
		return f.appendSimple(dst, fd, m), true
	}
	n := fd.count
	switch fd.letter {
	case 'e', 'c':
		if n >= 3 {
			return append(dst, nameOf(dayNames[dayOfWeek(m.days)], n)...), true
		}
		return appendNumber(dst, int64(dayOfWeek(m.days))+1, n), true
	case 'y', 'u', 'Y':
		return appendYear(dst, m.yearFor(fd.letter), n), true
	case 'S':
		digits := appendNumber(nil, m.nanos, 9)
		return append(dst, digits[:n]...), true
	case 'B':
		return append(dst, dayPeriod(m.micros/usMinute)...), true
	case 'Q', 'q':
		return appendQuarter(dst, int64(m.date.month-1)/3, n), true
	case 'V', 'v', 'z', 'O', 'X', 'x', 'Z':
		if !m.zoned {
			return dst, false
		}
		return appendZone(dst, fd, m), true
	}
	return appendCommon(dst, fd, m), true
}

// yearFor gives the number that a year letter prints.
func (m *moment) yearFor(letter byte) int64 {
	switch letter {
	case 'Y':
		y, _ := usWeek(m.days)
		return y
	case 'y':
		if m.date.year <= 0 {
			return 1 - m.date.year
		}
	}
	return m.date.year
}

func appendYear(dst []byte, y int64, n int) []byte {
	switch {
	case n == 2:
		return appendNumber(dst, floorMod(y, 100), 2)
	case n >= 4 && y > 9999 && n < 5:
		dst = append(dst, '+')
	}
	return appendNumber(dst, y, n)
}

func appendQuarter(dst []byte, q int64, n int) []byte {
	switch n {
	case 3:
		return appendNumber(append(dst, 'Q'), q+1, 1)
	case 4:
		return append(dst, quarters[q]...)
	case 5:
		n = 1
	}
	return appendNumber(dst, q+1, n)
}

// dayPeriod is the part of the day, by the minute.
func dayPeriod(minute int64) string {
	switch {
	case minute == 0:
		return "midnight"
	case minute == 720:
		return "noon"
	case minute < 360 || minute >= 1260:
		return "at night"
	case minute < 720:
		return "in the morning"
	case minute < 1080:
		return "in the afternoon"
	}
	return "in the evening"
}

// appendCommon prints the letters on which both kinds of pattern agree.
func appendCommon(dst []byte, fd *timeField, m *moment) []byte {
	n, hour := fd.count, m.micros/usHour
	switch fd.letter {
	case 'G':
		return append(dst, era(m.date.year, n)...)
	case 'M', 'L':
		if n >= 3 {
			return append(dst, nameOf(monthNames[m.date.month-1], n)...)
		}
		return appendNumber(dst, int64(m.date.month), n)
	case 'd':
		return appendNumber(dst, int64(m.date.day), n)
	case 'D':
		return appendNumber(dst, int64(dayOfYear(m.days)), n)
	case 'E':
		return append(dst, nameOf(dayNames[dayOfWeek(m.days)], max(n, 3))...)
	case 'w':
		_, w := usWeek(m.days)
		return appendNumber(dst, int64(w), n)
	case 'W':
		first := m.days - int64(m.date.day-1)
		return appendNumber(dst, int64((m.date.day-1+dayOfWeek(first))/7+1), n)
	case 'F':
		return appendNumber(dst, int64((m.date.day-1)/7+1), n)
	case 'a':
		if hour < 12 {
			return append(dst, "AM"...)
		}
		return append(dst, "PM"...)
	case 'H':
		return appendNumber(dst, hour, n)
	case 'k':
		return appendNumber(dst, (hour+23)%24+1, n)
	case 'K':
		return appendNumber(dst, hour%12, n)
	case 'h':
		return appendNumber(dst, (hour+11)%12+1, n)
	case 'm':
		return appendNumber(dst, m.micros/usMinute%60, n)
	case 's':
		return appendNumber(dst, m.micros/usSecond%60, n)
	case 'A':
		return appendNumber(dst, m.micros/usMilli, n)
	case 'n':
		return appendNumber(dst, m.nanos, n)
	case 'N':
		return appendNumber(dst, m.micros/usSecond*1_000_000_000+m.nanos, n)
	}
	return dst
}

func era(year int64, n int) string {
	names := [...]string{"BC", "Before Christ", "B"}
	if year > 0 {
		names = [...]string{"AD", "Anno Domini", "A"}
	}
	return names[max(0, n-3)]
}

// appendSimple prints the letters that SimpleDateFormat reads in its own way.
func (f *timeFormat) appendSimple(dst []byte, fd *timeField, m *moment) []byte {
	n := fd.count
	switch fd.letter {
	case 'y', 'Y':
		if y := m.yearFor(fd.letter); n != 2 {
			return appendNumber(dst, y, n)
		} else {
			return appendNumber(dst, floorMod(y, 100), 2)
		}
	case 'M', 'L', 'E':
		return appendCommon(dst, &timeField{letter: fd.letter, count: min(n, 4)}, m)
	case 'G':
		return append(dst, era(m.date.year, 1)...)
	case 'u':
		return appendNumber(dst, int64((dayOfWeek(m.days)+6)%7+1), n)
	case 'S':
		return appendNumber(dst, m.nanos/1_000_000, n)
	case 'z', 'Z', 'X':
		return appendZone(dst, fd, m)
	}
	return appendCommon(dst, fd, m)
}

func appendZone(dst []byte, fd *timeField, m *moment) []byte {
	switch fd.letter {
	case 'V':
		return append(dst, m.loc.String()...)
	case 'v', 'z':
		name, _ := time.Unix(m.days*86400+m.micros/usSecond-m.offset, 0).In(m.loc).Zone()
		return append(dst, name...)
	case 'X':
		if m.offset == 0 {
			return append(dst, 'Z')
		}
		return appendOffset(dst, m.offset, fd.count >= 2, fd.count == 3 || fd.count == 5)
	case 'x':
		return appendOffset(dst, m.offset, fd.count >= 2, fd.count == 3 || fd.count == 5)
	case 'O':
		dst = append(dst, "GMT"...)
		if m.offset == 0 {
			return dst
		}
		return appendOffset(dst, m.offset, true, true)
	}
	if fd.count == 5 && m.offset == 0 {
		return append(dst, 'Z')
	}
	return appendOffset(dst, m.offset, true, fd.count == 5)
}

func appendOffset(dst []byte, off int64, minutes, colon bool) []byte {
	sign := byte('+')
	if off < 0 {
		sign, off = '-', -off
	}
	dst = appendNumber(append(dst, sign), off/3600, 2)
	if !minutes && off%3600 == 0 {
		return dst
	}
	if colon {
		dst = append(dst, ':')
	}
	return appendNumber(dst, off/60%60, 2)
}
