package fn

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// bindRoundTime binds FLOOR(x TO unit) and CEIL(x TO unit) of a date, time or timestamp.
func bindRoundTime(name string, args []Arg, up bool) (*Call, error) {
	t := args[0].Type
	if len(args) != 2 {
		return nil, fmt.Errorf("%s of %s wants a unit: %s(x TO HOUR)", name, t, name)
	}
	unit := timeUnit(symbol(args, 1))
	f, ok := roundTo(unit, up, t)
	if !ok {
		return nil, fmt.Errorf("%s of %s does not know the unit %q", name, t, unit)
	}
	kernel := eval(t, func(c *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		in := instantsOf(a[0])
		ltz := t.Kind == types.TimestampLTZ
		return instantColumn(t, m, func(i int) (int64, int16, bool) {
			us, off := in.at(i), int64(0)
			if ltz {
				off = zoneOffset(us, c.Zone)
			}
			us, ns := f(us+off, in.nanos(i))
			return us - off, ns, true
		})
	})
	return &Call{Args: []types.Type{t, types.SymbolType}, Type: t, Eval: kernel}, nil
}

// roundTo gives the rounding for a unit. Units of a week and more look at the day only, which
// before 1970 is the next one, as in Flink; a ceiling to a decade, century or millennium always
// gives the next.
func roundTo(unit string, up bool, t types.Type) (func(us int64, ns int16) (int64, int16), bool) {
	if size, ok := unitSize[unit]; ok {
		if t.Kind == types.Date || t.Kind == types.Time0 && size == usDay {
			return func(us int64, ns int16) (int64, int16) { return us, ns }, true
		}
		return roundClock(size, up), true
	}
	f := roundDate(unit, up)
	if f == nil {
		return nil, false
	}
	if t.Kind == types.Time0 {
		return func(us int64, ns int16) (int64, int16) { return us, ns }, true
	}
	return func(us int64, _ int16) (int64, int16) {
		return f(floorDiv(us, usMilli)/(usDay/usMilli)) * usDay, 0
	}, true
}

// unitSize is the length of the units of fixed length below a week, in microseconds.
var unitSize = map[string]int64{
	"DAY": usDay, "HOUR": usHour, "MINUTE": usMinute, "SECOND": usSecond, "MILLISECOND": usMilli, "MICROSECOND": 1,
}

func roundClock(size int64, up bool) func(us int64, ns int16) (int64, int16) {
	return func(us int64, ns int16) (int64, int16) {
		if size >= usSecond {
			us, ns = floorDiv(us, usMilli)*usMilli, 0
		}
		down := floorDiv(us, size) * size
		if up && (us != down || ns != 0) {
			down += size
		}
		return down, 0
	}
}

// roundDate gives the rounding of days for a unit of a week or more; nil for another unit.
func roundDate(unit string, up bool) func(days int64) int64 {
	step, always := int64(0), false
	var start func(d ymd) ymd
	years := func(n, first int64) func(d ymd) ymd {
		return func(d ymd) ymd { return ymd{floorDiv(d.year-first, n)*n + first, 1, 1} }
	}
	switch unit {
	case "WEEK":
		return func(days int64) int64 {
			down := days - int64(dayOfWeek(days))
			if up && down != days {
				down += 7
			}
			return down
		}
	case "MONTH":
		step, start = 1, func(d ymd) ymd { return ymd{d.year, d.month, 1} }
	case "QUARTER":
		step, start = 3, func(d ymd) ymd { return ymd{d.year, (d.month-1)/3*3 + 1, 1} }
	case "YEAR":
		step, start = 12, years(1, 0)
	case "DECADE":
		step, start, always = 120, years(10, 0), true
	case "CENTURY":
		step, start, always = 1200, years(100, 1), true
	case "MILLENNIUM":
		step, start, always = 12000, years(1000, 1), true
	default:
		return nil
	}
	return func(days int64) int64 {
		d := start(dateOf(days))
		down := d.days()
		if up && (always || down != days) {
			return d.addMonths(step).days()
		}
		return down
	}
}
