package fn

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

var timeMathFuncs = []*Func{
	{Name: "TIMESTAMPADD", Syntax: "TIMESTAMPADD(unit, count, temporal)",
		Doc:     "Adds a number of units (MICROSECOND, MILLISECOND, SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER, YEAR) to a date, time or timestamp. A day that the new month lacks becomes its last. A unit below a day makes a timestamp of a date.",
		MinArgs: 3, MaxArgs: 3, Bind: bindTimestampAdd,
		Examples: []Example{{"TIMESTAMPADD(MONTH, 1, DATE '2024-01-31')", "2024-02-29"}, {"TIMESTAMPADD(SECOND, -90, TIMESTAMP '2024-01-01 00:00:00')", "2023-12-31 23:58:30"}}},
	{Name: "TIME_SPAN", Syntax: "(time1 - time2) unit",
		Doc:     "The interval between two dates, times or timestamps, of months where the unit is YEAR, QUARTER, MONTH or YEAR TO MONTH, else of milliseconds.",
		MinArgs: 3, MaxArgs: 3, Bind: bindTimeSpan,
		Examples: []Example{{"(TIMESTAMP '2024-01-02 00:00:01' - TIMESTAMP '2024-01-01 00:00:00') SECOND", "+1 00:00:01.000"}, {"(DATE '2024-03-01' - DATE '2023-01-31') MONTH", "+1-01"}}},
	{Name: "TIMESTAMPDIFF", Syntax: "TIMESTAMPDIFF(unit, from, to)",
		Doc:     "Counts the whole units (SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER, YEAR) between two times, towards zero. As in Flink, MILLISECOND and MICROSECOND count whole seconds, in that unit, and the result wraps at 32 bits.",
		MinArgs: 3, MaxArgs: 3, Bind: bindTimestampDiff,
		Examples: []Example{{"TIMESTAMPDIFF(DAY, DATE '2024-01-15', DATE '2024-01-16')", "1"}, {"TIMESTAMPDIFF(MONTH, TIMESTAMP '2024-01-31 00:00:00', TIMESTAMP '2024-02-29 00:00:00')", "1"}}},
	{Name: "OVERLAPS", Syntax: "(start1, end1) OVERLAPS (start2, end2)",
		Doc:     "Tells whether two periods share a moment, their ends included. An end may be an INTERVAL: the length. A period that ends before it starts is turned round.",
		MinArgs: 4, MaxArgs: 4, Bind: bindOverlaps,
		Examples: []Example{{"(DATE '2024-01-01', DATE '2024-02-01') OVERLAPS (DATE '2024-02-01', DATE '2024-03-01')", "TRUE"}, {"(TIME '10:00:00', INTERVAL '1' HOUR) OVERLAPS (TIME '11:30:00', INTERVAL '1' HOUR)", "FALSE"}}},
	{Name: "AT_TIME_ZONE", Syntax: "timestamp AT TIME ZONE zone",
		Doc:     "Reads a TIMESTAMP as the wall clock of the zone and gives the instant (TIMESTAMP_LTZ); of a TIMESTAMP_LTZ it gives the wall clock in the zone (TIMESTAMP). Flink does not have it.",
		MinArgs: 2, MaxArgs: 2, Bind: bindAtTimeZone,
		Examples: []Example{{"TIMESTAMP '2024-03-01 13:02:03' AT TIME ZONE 'Asia/Tokyo'", "2024-03-01 04:02:03"}}},
}

// months is how many months a unit has; 0 for units of fixed length.
func unitMonths(unit string) int64 {
	switch unit {
	case "MONTH":
		return 1
	case "QUARTER":
		return 3
	case "YEAR":
		return 12
	case "DECADE":
		return 120
	case "CENTURY":
		return 1200
	case "MILLENNIUM":
		return 12000
	}
	return 0
}

func bindTimestampAdd(args []Arg) (*Call, error) {
	unit, t := timeUnit(symbol(args, 0)), args[2].Type
	months, size := unitMonths(unit), unitSize[unit]
	if unit == "WEEK" {
		size = 7 * usDay
	}
	if !args[1].Type.IsInteger() && args[1].Type.Kind != types.Null || !t.IsDatetime() && t.Kind != types.Null || months == 0 && size == 0 {
		return nil, fmt.Errorf("TIMESTAMPADD wants a unit, an integer and a date, time or timestamp, got %s, %s and %s", unit, args[1].Type, t)
	}
	if t.Kind == types.Null {
		t = types.TimestampType(3)
	}
	count := args[1].Type
	if count.Kind == types.Null {
		count = types.IntType
	}
	out := addedType(t, unit, size)
	kernel := eval(out, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		n, in := intsOf(a[1]), instantsOf(a[2])
		return instantColumn(out, m, func(i int) (int64, int16, bool) {
			us := in.at(i)
			if t.Kind == types.Time0 {
				return floorMod(us+n.at(i)*size, usDay), 0, true
			}
			if months != 0 {
				return addMonthsMicros(us, n.at(i)*months), in.nanos(i), true
			}
			return us + n.at(i)*size, in.nanos(i), true
		})
	})
	out.NotNull = args[1].Type.NotNull && args[2].Type.NotNull
	return &Call{Args: []types.Type{types.SymbolType, count, t}, Type: out, Eval: kernel}, nil
}

// addedType is the type of t plus some units.
func addedType(t types.Type, unit string, size int64) types.Type {
	switch {
	case t.Kind == types.Date && size != 0 && size < usDay:
		return types.TimestampType(6).WithNull(t.Nullable())
	case t.IsTimestamp() && unit == "MILLISECOND":
		t.Prec = max(t.Prec, 3)
	case t.IsTimestamp() && unit == "MICROSECOND":
		t.Prec = max(t.Prec, 6)
	}
	return t
}

// bindTimeSpan is (to - from) unit as an interval of months or milliseconds.
func bindTimeSpan(args []Arg) (*Call, error) {
	a, b := args[1].Type, args[2].Type
	if !a.IsDatetime() || !b.IsDatetime() || a.Kind != b.Kind {
		return nil, fmt.Errorf("(time1 - time2) unit wants two dates, times or timestamps of the same type, got %s and %s", a, b)
	}
	nullable := !a.NotNull || !b.NotNull
	if symbol(args, 0) == "MONTH" {
		f := timeDifference("MONTH")
		out := types.Type{Kind: types.IntervalYM, Interval: "MONTH"}.WithNull(nullable)
		return &Call{Args: []types.Type{types.SymbolType, a, b}, Type: out, Eval: fixedEval(out, func(v []vec.Vec) func(int) (int32, bool) {
			to, from := instantsOf(v[1]), instantsOf(v[2])
			return func(i int) (int32, bool) { return f(from.at(i), to.at(i)), true }
		})}, nil
	}
	out := types.Type{Kind: types.IntervalDS, Interval: "SECOND(3)"}.WithNull(nullable)
	return &Call{Args: []types.Type{types.SymbolType, a, b}, Type: out, Eval: fixedEval(out, func(v []vec.Vec) func(int) (int64, bool) {
		to, from := instantsOf(v[1]), instantsOf(v[2])
		return func(i int) (int64, bool) { return floorDiv(to.at(i), usMilli) - floorDiv(from.at(i), usMilli), true }
	})}, nil
}

func bindTimestampDiff(args []Arg) (*Call, error) {
	unit := timeUnit(symbol(args, 0))
	a, b := args[1].Type, args[2].Type
	if a.Kind == types.Null {
		a = b
	}
	if b.Kind == types.Null {
		b = a
	}
	if !a.IsDatetime() || !b.IsDatetime() || a.Kind != b.Kind && (a.Kind == types.Time0 || b.Kind == types.Time0) {
		return nil, fmt.Errorf("TIMESTAMPDIFF wants two dates, times or timestamps, got %s and %s", a, b)
	}
	if (a.Kind == types.TimestampLTZ) != (b.Kind == types.TimestampLTZ) {
		return nil, fmt.Errorf("TIMESTAMPDIFF of TIMESTAMP_LTZ wants the same type twice, got %s and %s; write CAST(... AS TIMESTAMP_LTZ(3))", a, b)
	}
	f := timeDifference(unit)
	if f == nil {
		return nil, fmt.Errorf("TIMESTAMPDIFF does not know the unit %q", unit)
	}
	kernel := fixedEval(types.IntType, func(v []vec.Vec) func(int) (int32, bool) {
		from, to := instantsOf(v[1]), instantsOf(v[2])
		return func(i int) (int32, bool) {
			return f(floorDiv(from.at(i), usMilli)*usMilli, floorDiv(to.at(i), usMilli)*usMilli), true
		}
	})
	out := types.IntType.WithNull(!args[1].Type.NotNull || !args[2].Type.NotNull)
	return &Call{Args: []types.Type{types.SymbolType, a, b}, Type: out, Eval: kernel}, nil
}

// timeDifference gives the count of units between two times. Weeks and the units below a second are
// made of 32-bit seconds, as in Flink.
func timeDifference(unit string) func(from, to int64) int32 {
	if months := unitMonths(unit); months != 0 {
		return func(from, to int64) int32 { return int32(monthsBetween(from, to) / months) }
	}
	seconds := func(from, to int64) int32 { return int32((to - from) / usSecond) }
	switch unit {
	case "WEEK":
		return func(from, to int64) int32 { return seconds(from, to) / int32(7*usDay/usSecond) }
	case "MILLISECOND":
		return func(from, to int64) int32 { return seconds(from, to) * 1000 }
	case "MICROSECOND":
		return func(from, to int64) int32 { return seconds(from, to) * 1_000_000 }
	case "DAY", "HOUR", "MINUTE", "SECOND":
		size := unitSize[unit]
		return func(from, to int64) int32 { return int32((to - from) / size) }
	}
	return nil
}

func bindOverlaps(args []Arg) (*Call, error) {
	call := &Call{Type: types.BooleanType.WithNull(false)}
	for i, a := range args {
		ok := a.Type.IsDatetime() || i%2 == 1 && a.Type.IsInterval()
		if !ok && a.Type.Kind != types.Null {
			return nil, fmt.Errorf("OVERLAPS wants dates, times or timestamps (an end may be an interval), got %s", a.Type)
		}
		t := a.Type
		if t.Kind == types.Null {
			t = args[i&^1].Type
		}
		call.Args = append(call.Args, t)
		call.Type.NotNull = call.Type.NotNull && a.Type.NotNull
	}
	ends := [2]types.Type{call.Args[1], call.Args[3]}
	call.Eval = boolEval(func(a []vec.Vec) func(int) (bool, bool) {
		one, two := periodOf(a[0], a[1], ends[0]), periodOf(a[2], a[3], ends[1])
		return func(i int) (bool, bool) {
			lo1, hi1 := one(i)
			lo2, hi2 := two(i)
			return lo1 <= hi2 && lo2 <= hi1, true
		}
	})
	return call, nil
}

func periodOf(start, end vec.Vec, t types.Type) func(i int) (lo, hi int64) {
	from := instantsOf(start)
	to := func(int) int64 { return 0 }
	switch length := intsOf(end); t.Kind {
	case types.IntervalDS:
		to = func(i int) int64 { return from.at(i) + length.at(i)*usMilli }
	case types.IntervalYM:
		to = func(i int) int64 { return addMonthsMicros(from.at(i), length.at(i)) }
	default:
		other := instantsOf(end)
		to = func(i int) int64 { return other.at(i) }
	}
	return func(i int) (int64, int64) {
		a, b := from.at(i), to(i)
		return min(a, b), max(a, b)
	}
}

func bindAtTimeZone(args []Arg) (*Call, error) {
	t := args[0].Type
	if !t.IsTimestamp() || !args[1].Type.IsString() {
		return nil, fmt.Errorf("AT TIME ZONE wants a timestamp and the name of a zone, got %s and %s", t, args[1].Type)
	}
	if name, ok := literalText(args[1]); ok {
		if _, err := ParseZone(name); err != nil {
			return nil, err
		}
	}
	out := types.LTZType(t.Prec)
	if t.Kind == types.TimestampLTZ {
		out = types.TimestampType(t.Prec)
	}
	kernel := eval(out, func(_ *Ctx, a []vec.Vec, m validity, fail *failure) arrow.Array {
		in, zones := instantsOf(a[0]), newZones(a[1], ParseZone)
		return instantColumn(out, m, func(i int) (int64, int16, bool) {
			loc, err := zones.at(i)
			if err != nil {
				fail.at(i, err)
				return 0, 0, false
			}
			if out.Kind == types.TimestampLTZ {
				return UTCMicros(in.at(i), loc), in.nanos(i), true
			}
			return LocalMicros(in.at(i), loc), in.nanos(i), true
		})
	})
	return &Call{Args: []types.Type{t, args[1].Type}, Type: out.WithNull(!t.NotNull || !args[1].Type.NotNull), Eval: kernel}, nil
}
