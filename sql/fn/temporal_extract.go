package fn

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

var extractFuncs = append([]*Func{
	declare("EXTRACT", "EXTRACT(unit FROM temporal)",
		"Gives a part of a date, time, timestamp or interval: MILLENNIUM, CENTURY, DECADE, YEAR, ISOYEAR, QUARTER, MONTH, WEEK (ISO), DAY, DOY, DOW (Sunday is 1), ISODOW (Sunday is 7), HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, NANOSECOND (the last three within the second) or EPOCH (seconds). Parts of a time before 1970 are those of its distance from 1970, as in Flink.",
		sig{in: pp(pSymbol, pMoment), out: returnsBigInt, prep: bindExtract},
		"EXTRACT(YEAR FROM DATE '2024-02-29')", "2024", "EXTRACT(DOW FROM DATE '2024-03-03')", "1", "EXTRACT(MILLISECOND FROM TIMESTAMP '2024-03-01 00:00:01.234')", "234"),
}, partFuncs()...)

// partFuncs are the functions that are EXTRACT with a fixed unit.
func partFuncs() []*Func {
	var out []*Func
	for _, p := range [][4]string{
		{"YEAR", "YEAR", "DATE '2024-02-29'", "2024"}, {"QUARTER", "QUARTER", "DATE '2024-05-29'", "2"},
		{"MONTH", "MONTH", "DATE '2024-02-29'", "2"}, {"WEEK", "WEEK", "DATE '2024-12-30'", "1"},
		{"DAYOFYEAR", "DOY", "DATE '2024-03-03'", "63"}, {"DAYOFMONTH", "DAY", "DATE '2024-03-03'", "3"},
		{"DAYOFWEEK", "DOW", "DATE '2024-03-03'", "1"}, {"HOUR", "HOUR", "TIMESTAMP '2024-03-01 23:59:59'", "23"},
		{"MINUTE", "MINUTE", "TIMESTAMP '2024-03-01 23:59:58'", "59"}, {"SECOND", "SECOND", "TIMESTAMP '2024-03-01 23:59:58'", "58"},
	} {
		unit := p[1]
		bind := func(args []Arg) (Kernel, error) { return extractKernel(unit, args[0].Type) }
		out = append(out, declare(p[0], p[0]+"(temporal)", "Is EXTRACT("+unit+" FROM temporal).",
			sig{in: pp(pMoment), out: returnsBigInt, prep: bind}, p[0]+"("+p[2]+")", p[3]))
	}
	return out
}

func bindExtract(args []Arg) (Kernel, error) {
	inner, err := extractKernel(timeUnit(symbol(args, 0)), args[1].Type)
	if err != nil {
		return nil, err
	}
	return func(c *Ctx, a []vec.Vec, n int) (vec.Vec, error) { return inner(c, a[1:], n) }, nil
}

// timeUnit maps the spellings of a unit to one: SQL_TSI_DAY, DAYS and DAY are DAY.
func timeUnit(s string) string {
	if len(s) > 8 && s[:8] == "SQL_TSI_" {
		s = s[8:]
	}
	switch s {
	case "FRAC_SECOND":
		return "MICROSECOND"
	case "YEARS", "QUARTERS", "MONTHS", "WEEKS", "DAYS", "HOURS", "MINUTES", "SECONDS", "MILLISECONDS", "MICROSECONDS", "NANOSECONDS":
		return s[:len(s)-1]
	}
	return s
}

// part takes a part out of days since 1970 or out of the time since 1970 (or midnight) in
// microseconds and nanoseconds below them; a unit has one of the two.
type part struct {
	days func(days int64) int64
	time func(us int64, ns int16) int64
}

// partOf gives the part for a unit. Division is towards zero, as in Flink: before 1970 the parts of
// the day are negative and the day is the next one.
func partOf(unit string) (part, bool) {
	clock := func(size, of int64) part {
		return part{time: func(us int64, _ int16) int64 { return us / usMilli % (size / usMilli) / (of / usMilli) }}
	}
	if f := datePart(unit); f != nil {
		return part{days: f}, true
	}
	switch unit {
	case "HOUR":
		return clock(usDay, usHour), true
	case "MINUTE":
		return clock(usHour, usMinute), true
	case "SECOND":
		return clock(usMinute, usSecond), true
	case "MILLISECOND":
		return clock(usSecond, usMilli), true
	case "MICROSECOND":
		return part{time: func(us int64, _ int16) int64 { return us % usSecond }}, true
	case "NANOSECOND":
		return part{time: func(us int64, ns int16) int64 { return us%usSecond*1000 + int64(ns) }}, true
	case "EPOCH":
		return part{time: func(us int64, _ int16) int64 { return floorDiv(us, usMilli) / 1000 }}, true
	}
	return part{}, false
}

func datePart(unit string) func(days int64) int64 {
	switch unit {
	case "MILLENNIUM":
		return func(d int64) int64 { return (dateOf(d).year + 999) / 1000 }
	case "CENTURY":
		return func(d int64) int64 { return (dateOf(d).year + 99) / 100 }
	case "DECADE":
		return func(d int64) int64 { return dateOf(d).year / 10 }
	case "YEAR":
		return func(d int64) int64 { return dateOf(d).year }
	case "ISOYEAR":
		return func(d int64) int64 {
			y, _ := isoWeek(d)
			return y
		}
	case "QUARTER":
		return func(d int64) int64 { return int64(dateOf(d).month+2) / 3 }
	case "MONTH":
		return func(d int64) int64 { return int64(dateOf(d).month) }
	case "WEEK":
		return func(d int64) int64 {
			_, w := isoWeek(d)
			return int64(w)
		}
	case "DAY":
		return func(d int64) int64 { return int64(dateOf(d).day) }
	case "DOY":
		return func(d int64) int64 { return int64(dayOfYear(d)) }
	case "DOW":
		return func(d int64) int64 { return int64(dayOfWeek(d)) + 1 }
	case "ISODOW":
		return func(d int64) int64 { return int64(dayOfWeek(d)+6)%7 + 1 }
	}
	return nil
}

func extractKernel(unit string, t types.Type) (Kernel, error) {
	if t.IsInterval() {
		return intervalKernel(unit, t)
	}
	p, ok := partOf(unit)
	if !ok {
		return nil, fmt.Errorf("EXTRACT does not know the unit %q", unit)
	}
	if t.Kind == types.Time0 && (p.days != nil || unit == "EPOCH" || unit == "MICROSECOND" || unit == "NANOSECOND") {
		return nil, fmt.Errorf("EXTRACT cannot take %s out of a TIME", unit)
	}
	ltz, date := t.Kind == types.TimestampLTZ, t.Kind == types.Date
	return eval(types.BigIntType, func(c *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		in := instantsOf(a[0])
		return fixedRows(arrow.PrimitiveTypes.Int64, m, func(i int) (int64, bool) {
			if date && p.days != nil {
				return p.days(int64(in.small[i*in.step])), true
			}
			us := in.at(i)
			if ltz { // EPOCH too, as in Flink
				us = LocalMicros(us, c.Zone)
			}
			if p.days != nil {
				return p.days(floorDiv(us, usMilli) / (usDay / usMilli)), true
			}
			if unit != "MICROSECOND" && unit != "NANOSECOND" {
				us = floorDiv(us, usMilli) * usMilli
			}
			return p.time(us, in.nanos(i)), true
		})
	}), nil
}

func intervalKernel(unit string, t types.Type) (Kernel, error) {
	var div, mod int64
	if t.Kind == types.IntervalYM {
		switch unit {
		case "YEAR":
			div, mod = 12, 1<<62
		case "QUARTER":
			div, mod = 3, 12
		case "MONTH":
			div, mod = 1, 12
		}
	} else {
		switch unit {
		case "DAY":
			div, mod = usDay/usMilli, 1<<62
		case "HOUR":
			div, mod = usHour/usMilli, usDay/usMilli
		case "MINUTE":
			div, mod = usMinute/usMilli, usHour/usMilli
		case "SECOND":
			div, mod = 1000, usMinute/usMilli
		case "MILLISECOND":
			div, mod = 1, 1000
		}
	}
	if div == 0 {
		return nil, fmt.Errorf("EXTRACT cannot take %s out of %s", unit, t)
	}
	plus := int64(0)
	if unit == "QUARTER" {
		plus = 1
	}
	return fixedEval(types.BigIntType, func(a []vec.Vec) func(int) (int64, bool) {
		v := intsOf(a[0])
		return func(i int) (int64, bool) { return v.at(i)%mod/div + plus, true }
	}), nil
}
