package fn

import "strings"

// parseLenient reads yyyy-M-d[ H:m:s[.fraction]] as the values of java.sql are read: blanks around do not
// count, a day that the month lacks is one of the next, and hours, minutes and seconds may be any number.
func parseLenient(s string) (us, ns int64, ok bool) {
	s = strings.TrimSpace(s)
	date, clock, timed := strings.Cut(s, " ")
	year, rest, ok1 := leadingNumber(date, '-')
	month, rest, ok2 := leadingNumber(rest, '-')
	day, left, ok3 := leadingNumber(rest, 0)
	if !ok1 || !ok2 || !ok3 || left != "" || len(rest) > 2 || strings.IndexByte(date, '-') != 4 || month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, 0, false
	}
	us = (ymd{year, int(month), 1}.days() + day - 1) * usDay
	if !timed {
		return us, 0, true
	}
	hour, rest, ok1 := leadingNumber(clock, ':')
	minute, rest, ok2 := leadingNumber(rest, ':')
	whole, frac, hasFrac := strings.Cut(rest, ".")
	second, left, ok3 := leadingNumber(whole, 0)
	if !ok1 || !ok2 || !ok3 || left != "" {
		return 0, 0, false
	}
	us += hour*usHour + minute*usMinute + second*usSecond
	if !hasFrac {
		return us, 0, true
	}
	p := newParsed()
	if frac == "" || len(frac) > 9 {
		return 0, 0, false
	}
	if _, ok := parseFraction(frac, len(frac), p); !ok {
		return 0, 0, false
	}
	return us + p.nanos/1000, p.nanos % 1000, true
}
