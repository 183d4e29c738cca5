package fn

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones must work where the machine has no zone files
)

// Units of time in microseconds.
const (
	usSecond = int64(1_000_000)
	usMilli  = int64(1_000)
	usMinute = 60 * usSecond
	usHour   = 60 * usMinute
	usDay    = 24 * usHour
)

func floorDiv(a, b int64) int64 {
	q, _ := divFloor(a, b)
	return q
}

func floorMod(a, b int64) int64 {
	_, r := divFloor(a, b)
	return r
}

// ymd is a date of the proleptic Gregorian calendar.
type ymd struct {
	year       int64
	month, day int
}

// dateOf gives the date of a day, counted from 1970-01-01.
func dateOf(days int64) ymd {
	y, m, d := civilDate(days)
	return ymd{int64(y), m, d}
}

// days counts the days from 1970-01-01; a month or day beyond its range runs over.
func (d ymd) days() int64 {
	y, m := divFloor(int64(d.month-1), 12)
	return epochDays(int(d.year+y), int(m)+1, 1) + int64(d.day) - 1
}

func monthDays(y int64, m int) int { return daysInMonth(int(y), m) }

// addMonths adds months to a date; a day that the new month lacks becomes its last.
func (d ymd) addMonths(n int64) ymd {
	m := d.year*12 + int64(d.month-1) + n
	out := ymd{year: floorDiv(m, 12), month: int(floorMod(m, 12)) + 1}
	out.day = min(d.day, monthDays(out.year, out.month))
	return out
}

func addMonthsDays(days, n int64) int64 { return dateOf(days).addMonths(n).days() }

func addMonthsMicros(us, n int64) int64 {
	day := floorDiv(us, usDay)
	return addMonthsDays(day, n)*usDay + us - day*usDay
}

// monthsBetween counts the whole months from a to b, towards zero.
func monthsBetween(a, b int64) int64 {
	if b < a {
		return -monthsBetween(b, a)
	}
	da, db := dateOf(floorDiv(a, usDay)), dateOf(floorDiv(b, usDay))
	n := (db.year-da.year)*12 + int64(db.month-da.month)
	for n > 0 && addMonthsMicros(a, n) > b {
		n--
	}
	return n
}

// dayOfWeek is 0 for Sunday to 6.
func dayOfWeek(days int64) int { return int(floorMod(days+4, 7)) }

func dayOfYear(days int64) int { return int(days-ymd{dateOf(days).year, 1, 1}.days()) + 1 }

// isoWeek gives the ISO 8601 week and the year it belongs to.
func isoWeek(days int64) (year int64, week int) {
	thursday := days - int64((dayOfWeek(days)+6)%7) + 3
	year = dateOf(thursday).year
	return year, int(thursday-ymd{year, 1, 1}.days())/7 + 1
}

// usWeek gives the week and its year where weeks start on Sunday and week 1 holds January 1.
func usWeek(days int64) (year int64, week int) {
	saturday := days + int64(6-dayOfWeek(days))
	year = dateOf(saturday).year
	return year, int(saturday-ymd{year, 1, 1}.days())/7 + 1
}

// laterInstant is UTCMicros, but takes the second of an hour that the clock repeats, as Java's older
// calendar does.
func laterInstant(wall int64, loc *time.Location) int64 {
	last := wall - min(zoneOffset(wall-usDay, loc), zoneOffset(wall+usDay, loc))
	if LocalMicros(last, loc) == wall {
		return last
	}
	return UTCMicros(wall, loc)
}

// javaShortZones are the three-letter zone names that Java still knows.
var javaShortZones = map[string]string{
	"ACT": "Australia/Darwin", "AET": "Australia/Sydney", "AGT": "America/Argentina/Buenos_Aires", "ART": "Africa/Cairo",
	"AST": "America/Anchorage", "BET": "America/Sao_Paulo", "BST": "Asia/Dhaka", "CAT": "Africa/Harare", "CNT": "America/St_Johns",
	"CST": "America/Chicago", "CTT": "Asia/Shanghai", "EAT": "Africa/Addis_Ababa", "ECT": "Europe/Paris", "IET": "America/Indiana/Indianapolis",
	"IST": "Asia/Kolkata", "JST": "Asia/Tokyo", "MIT": "Pacific/Apia", "NET": "Asia/Yerevan", "NST": "Pacific/Auckland", "PLT": "Asia/Karachi",
	"PNT": "America/Phoenix", "PRT": "America/Puerto_Rico", "PST": "America/Los_Angeles", "SST": "Pacific/Guadalcanal", "VST": "Asia/Ho_Chi_Minh",
}

// ParseZone reads a time zone as Java does: a region ("Europe/Berlin"), "UTC", an offset ("GMT+8",
// "+05:30") or one of Java's three-letter names.
func ParseZone(name string) (*time.Location, error) {
	if z, ok := javaShortZones[name]; ok {
		name = z
	}
	switch name {
	case "", "Local":
	case "Z", "UTC", "GMT", "UT":
		return time.UTC, nil
	default:
		rest := name
		for _, p := range []string{"UTC", "GMT", "UT"} {
			rest = strings.TrimPrefix(rest, p)
		}
		if off, ok := parseOffset(rest); ok {
			return time.FixedZone(name, off), nil
		}
		if loc, err := time.LoadLocation(name); err == nil {
			return loc, nil
		}
	}
	return nil, fmt.Errorf("%q is not a time zone; write one as 'Europe/Berlin', 'UTC' or 'GMT+05:30'", name)
}

// parseOffset reads +h, +hh, +hmm, +hhmm, +hh:mm and +hh:mm:ss as seconds.
func parseOffset(s string) (int, bool) {
	if len(s) < 2 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	digits := strings.ReplaceAll(s[1:], ":", "")
	n, err := strconv.Atoi(digits)
	if err != nil || len(digits) > 6 || digits[0] == '+' || digits[0] == '-' {
		return 0, false
	}
	switch len(digits) {
	case 1, 2:
		n *= 10000
	case 3, 4:
		n *= 100
	}
	sec := n/10000*3600 + n/100%100*60 + n%100
	if sec > 18*3600 {
		return 0, false
	}
	if s[0] == '-' {
		sec = -sec
	}
	return sec, true
}
