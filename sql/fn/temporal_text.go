package fn

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// secondsPattern is the form of times without a pattern.
const secondsPattern = "yyyy-MM-dd HH:mm:ss"

var timeTextFuncs = []*Func{
	declare("DATE_FORMAT", "DATE_FORMAT(timestamp, pattern)", "Prints a timestamp (or a text of the form yyyy-MM-dd HH:mm:ss) by a pattern of Java's DateTimeFormatter. TIMESTAMP_LTZ is printed in the session's time zone.",
		sig{in: pp(pWhen, pText), out: returnsString, null: mayBeNull, prep: bindDateFormat},
		"DATE_FORMAT(TIMESTAMP '2024-03-01 01:02:03.456', 'EEE MMM d')", "Fri Mar 1", "DATE_FORMAT('2024-03-01 01:02:03', 'dd/MM/yy')", "01/03/24"),
	declare("TO_TIMESTAMP", "TO_TIMESTAMP(string[, pattern])", "Reads a TIMESTAMP(3) by a pattern of Java's DateTimeFormatter, by default yyyy-MM-dd HH:mm:ss with an optional fraction; NULL where the text does not fit. Parts that are not there are those of 1970-01-01 00:00:00; a zone is passed over.",
		sig{in: pp(pText, pText), opt: 1, out: returns(types.TimestampType(3)), null: mayBeNull, prep: bindToTimestamp},
		"TO_TIMESTAMP('2024-03-01 01:02:03')", "2024-03-01 01:02:03.000", "TO_TIMESTAMP('01/03/2024 05', 'dd/MM/yyyy HH')", "2024-03-01 05:00:00.000", "TO_TIMESTAMP('bad')", "NULL"),
	{Name: "TO_TIMESTAMP_LTZ", Syntax: "TO_TIMESTAMP_LTZ(number[, precision]) or TO_TIMESTAMP_LTZ(string[, pattern[, zone]])",
		Doc:     "Makes a TIMESTAMP_LTZ of a number of seconds (precision 0), milliseconds (3, the default), microseconds (6) or nanoseconds (9) since 1970-01-01 00:00:00 UTC, or of a text, read as the wall clock of the zone (by default UTC). NULL outside of the years 0 to 9999; a text that cannot be read fails.",
		MinArgs: 1, MaxArgs: 3, Bind: bindToLTZ,
		Examples: []Example{{"TO_TIMESTAMP_LTZ(1709254923, 0)", "2024-03-01 01:02:03.000"}, {"TO_TIMESTAMP_LTZ('2024-03-01 01:02:03', 'yyyy-MM-dd HH:mm:ss', 'Asia/Shanghai')", "2024-02-29 17:02:03.000"}}},
	declare("TO_DATE", "TO_DATE(string[, pattern])", "Reads a DATE by a pattern of Java's SimpleDateFormat, by default yyyy-MM-dd; NULL where the text does not fit.",
		sig{in: pp(pText, pText), opt: 1, out: returns(types.DateType), null: mayBeNull, prep: bindToDate},
		"TO_DATE('2024-03-01')", "2024-03-01", "TO_DATE('01/03/2024', 'dd/MM/yyyy')", "2024-03-01", "TO_DATE('2024-02-30')", "NULL"),
	declare("FROM_UNIXTIME", "FROM_UNIXTIME(seconds[, pattern])", "Prints seconds since 1970-01-01 00:00:00 UTC in the session's time zone by a pattern of Java's SimpleDateFormat, by default yyyy-MM-dd HH:mm:ss.",
		sig{in: pp(pInt, pText), opt: 1, out: returnsString, null: mayBeNull, prep: bindFromUnixtime},
		"FROM_UNIXTIME(1709254923)", "2024-03-01 01:02:03", "FROM_UNIXTIME(1709254923, 'yyyy')", "2024"),
	declare("UNIX_TIMESTAMP", "UNIX_TIMESTAMP([string[, pattern]])", "Gives the seconds since 1970-01-01 00:00:00 UTC: now, or of a text read in the session's time zone by a pattern of Java's SimpleDateFormat, by default yyyy-MM-dd HH:mm:ss. A text that does not fit gives the least BIGINT, as in Flink.",
		sig{in: pp(pText, pText), opt: 2, out: returnsBigInt, prep: bindUnixTimestamp, clock: true},
		"UNIX_TIMESTAMP('2024-03-01 01:02:03')", "1709254923", "UNIX_TIMESTAMP('1970/01/02', 'yyyy/MM/dd')", "86400"),
	declare("CONVERT_TZ", "CONVERT_TZ(string, from, to)", "Moves a time of the form yyyy-MM-dd HH:mm:ss from one time zone to another. NULL where the text does not fit; a zone that is not known counts as UTC.",
		sig{in: pp(pText, pText, pText), out: returnsString, null: mayBeNull, prep: bindConvertTz},
		"CONVERT_TZ('1970-01-01 00:00:00', 'UTC', 'America/Los_Angeles')", "1969-12-31 16:00:00"),
}

// formats gives the compiled date pattern of each row: compiled once for a constant, remembered
// within bounds for a column.
type formats struct {
	one    *timeFormat
	text   vec.Text
	simple bool
	cache  map[string]*timeFormat
}

// literalFormat compiles a constant pattern when the call is bound; a column's gives nil.
func literalFormat(args []Arg, i int, def string, simple bool) (*timeFormat, error) {
	if i >= len(args) {
		return newTimeFormat(def, simple)
	}
	p, ok := literalText(args[i])
	if !ok {
		return nil, nil
	}
	return newTimeFormat(p, simple)
}

func formatsOf(one *timeFormat, a []vec.Vec, i int, simple bool) *formats {
	f := &formats{one: one, simple: simple}
	if one == nil {
		f.text = vec.TextOf(a[i])
	}
	return f
}

func (f *formats) at(i int) (*timeFormat, error) {
	if f.one != nil {
		return f.one, nil
	}
	p := f.text.String(i)
	if c := f.cache[p]; c != nil {
		return c, nil
	}
	c, err := newTimeFormat(p, f.simple)
	if err != nil {
		return nil, err
	}
	if f.cache == nil || len(f.cache) >= maxPatterns {
		f.cache = map[string]*timeFormat{}
	}
	f.cache[strings.Clone(p)] = c
	return c, nil
}

func bindDateFormat(args []Arg) (Kernel, error) {
	one, err := literalFormat(args, 1, "", false)
	if err != nil {
		return nil, err
	}
	text, ltz := args[0].Type.IsString(), args[0].Type.Kind == types.TimestampLTZ
	return textCtxEval(types.StringType, func(c *Ctx, a []vec.Vec, fail *failure) textRow {
		f := formatsOf(one, a, 1, false)
		var s vec.Text
		var in instants
		if text {
			s = vec.TextOf(a[0])
		} else {
			in = instantsOf(a[0])
		}
		return func(dst []byte, i int) ([]byte, bool) {
			var us int64
			var ns int16
			if text {
				var ok bool
				if us, ok = parseSeconds(s.String(i)); !ok {
					return nil, false
				}
			} else if us, ns = in.at(i), in.nanos(i); ltz {
				us = LocalMicros(us, c.Zone)
			}
			format, err := f.at(i)
			if err == nil {
				m := momentOf(us, int64(ns))
				dst, err = format.format(dst, &m)
			}
			if err != nil {
				fail.at(i, err)
			}
			return dst, err == nil
		}
	}), nil
}

// parseSeconds reads yyyy-MM-dd HH:mm:ss; a fraction is passed over, a date alone does not fit.
func parseSeconds(s string) (us int64, ok bool) {
	if !strings.Contains(s, " ") {
		return 0, false
	}
	us, _, ok = parseDefault(s)
	return floorDiv(us, usSecond) * usSecond, ok
}

func bindToTimestamp(args []Arg) (Kernel, error) {
	pattern, err := readPattern(args)
	if err != nil {
		return nil, err
	}
	t := types.TimestampType(3)
	return eval(t, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		s, f := vec.TextOf(a[0]), pattern.formats(a)
		return instantColumn(t, m, func(i int) (int64, int16, bool) {
			if pattern.bad {
				return 0, 0, false
			}
			us, _, ok := readTimestamp(s.String(i), f, i)
			return truncMicros(us, 3), 0, ok
		})
	}), nil
}

// timePattern is an optional pattern argument as Bind sees it: none is the default form.
type timePattern struct {
	one  *timeFormat
	none bool
	bad  bool // it cannot be read, and so no text fits
}

func readPattern(args []Arg) (timePattern, error) {
	if len(args) < 2 {
		return timePattern{none: true}, nil
	}
	one, err := literalFormat(args, 1, "", false)
	return timePattern{one: one, bad: err != nil}, nil
}

func (p timePattern) formats(a []vec.Vec) *formats {
	if p.none || p.bad {
		return nil
	}
	return formatsOf(p.one, a, 1, false)
}

// readTimestamp reads by the pattern and, failing that, leniently; without a pattern, by the default form.
func readTimestamp(s string, f *formats, i int) (us, ns int64, ok bool) {
	if f != nil {
		format, err := f.at(i)
		if err == nil {
			if p, ok := format.parse(s); ok {
				if us, ns, ok := p.wall(false); ok {
					return us, ns, true
				}
			}
		}
		return parseLenient(s)
	}
	return parseDefault(s)
}

func bindToLTZ(args []Arg) (*Call, error) {
	t := args[0].Type
	switch {
	case t.IsString():
		return bindTextToLTZ(args)
	case t.IsNumeric() || t.Kind == types.Null:
		return bindNumberToLTZ(args)
	}
	return nil, fmt.Errorf("TO_TIMESTAMP_LTZ wants a number or a string, got %s", t)
}

func bindTextToLTZ(args []Arg) (*Call, error) {
	pattern, err := readPattern(args)
	if err != nil {
		return nil, err
	}
	t := types.LTZType(3)
	call := &Call{Type: t}
	for _, a := range args {
		if !a.Type.IsString() && a.Type.Kind != types.Null {
			return nil, fmt.Errorf("TO_TIMESTAMP_LTZ of a string wants strings for pattern and zone, got %s", a.Type)
		}
		call.Args = append(call.Args, pText.want(a.Type))
	}
	call.Eval = eval(t, func(_ *Ctx, a []vec.Vec, m validity, fail *failure) arrow.Array {
		s, f := vec.TextOf(a[0]), pattern.formats(a)
		var zones *zones
		if len(a) > 2 {
			zones = newZones(a[2], ParseZone)
		}
		return instantColumn(t, m, func(i int) (int64, int16, bool) {
			us, _, ok := readTimestamp(s.String(i), f, i)
			if !ok {
				fail.at(i, fmt.Errorf("TO_TIMESTAMP_LTZ cannot read %q", s.String(i)))
				return 0, 0, false
			}
			if zones != nil {
				loc, err := zones.at(i)
				if err != nil {
					fail.at(i, err)
					return 0, 0, false
				}
				us = UTCMicros(us, loc)
			}
			return truncMicros(us, 3), 0, true
		})
	})
	return call, nil
}

func bindNumberToLTZ(args []Arg) (*Call, error) {
	prec := 3
	call := &Call{Args: []types.Type{types.BigIntType}}
	if len(args) > 2 {
		return nil, fmt.Errorf("TO_TIMESTAMP_LTZ of a number takes a precision only")
	}
	if len(args) > 1 {
		if args[1].Lit == nil || !args[1].Type.IsInteger() || args[1].Lit.IsNull(0) {
			return nil, fmt.Errorf("TO_TIMESTAMP_LTZ wants a constant precision from 0 to 9, got %s", args[1].Type)
		}
		lit := intsOf(*args[1].Lit)
		if prec = int(lit.at(0)); prec < 0 || prec > 9 {
			return nil, fmt.Errorf("TO_TIMESTAMP_LTZ wants a precision from 0 to 9, got %d", prec)
		}
		call.Args = append(call.Args, args[1].Type)
	}
	scale := int64(math.Pow10(prec)) // units of a second
	call.Type = types.LTZType(max(prec, 3))
	if args[0].Type.IsFloat() {
		call.Args[0] = types.DoubleType
		call.Eval = doubleToLTZ(call.Type, float64(scale))
		return call, nil
	}
	call.Eval = eval(call.Type, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		in := intsOf(a[0])
		return instantColumn(call.Type, m, func(i int) (int64, int16, bool) {
			sec := floorDiv(in.at(i), scale)
			nanos := floorMod(in.at(i), scale) * (1_000_000_000 / scale)
			return sec*usSecond + nanos/1000, int16(nanos % 1000), sec >= firstSecond && sec < endSecond
		})
	})
	return call, nil
}

// The seconds of the years 0 to 9999.
const (
	firstSecond = -62167219200
	endSecond   = 253402300800
)

func doubleToLTZ(t types.Type, scale float64) Kernel {
	return eval(t, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		in := columnOf[float64](a[0])
		return instantColumn(t, m, func(i int) (int64, int16, bool) {
			sec := in.at(i) / scale
			return int64(math.Floor(math.Trunc(sec*1000))) * usMilli, 0, sec >= firstSecond && sec < endSecond
		})
	})
}

func bindToDate(args []Arg) (Kernel, error) {
	var one *timeFormat
	if len(args) > 1 {
		var err error
		if one, err = literalFormat(args, 1, "", true); err != nil {
			return nil, err
		}
	}
	return fixedCtxEval(types.DateType, func(_ *Ctx, a []vec.Vec, fail *failure) func(int) (int32, bool) {
		s := vec.TextOf(a[0])
		if len(a) < 2 {
			return func(i int) (int32, bool) { return parseDay(s.String(i)) }
		}
		f := formatsOf(one, a, 1, true)
		return func(i int) (int32, bool) {
			format, err := f.at(i)
			if err != nil {
				fail.at(i, err)
				return 0, false
			}
			us, ok := readSimple(format, s.String(i), time.UTC)
			return int32(floorDiv(us, usDay)), ok
		}
	}), nil
}

// parseDay reads yyyy[-M[-d]]; blanks around its parts, and what is behind the first blank, are passed over,
// but a blank before it all makes the next ones count.
func parseDay(s string) (int32, bool) {
	if i := strings.IndexByte(s, ' '); i > 0 {
		s = s[:i]
	}
	d := ymd{0, 1, 1}
	for i, text := range strings.Split(s, "-") {
		n, rest, ok := leadingNumber(strings.TrimSpace(text), 0)
		if !ok || rest != "" || i > 2 {
			return 0, false
		}
		switch i {
		case 0:
			d.year = n
		case 1:
			d.month = int(n)
		case 2:
			d.day = int(n)
		}
	}
	if d.month < 1 || d.month > 12 || d.day < 1 || d.day > monthDays(d.year, d.month) || d.year > 9999 {
		return 0, false
	}
	return int32(d.days()), true
}

// readSimple reads a text as SimpleDateFormat does and gives the instant in microseconds.
func readSimple(f *timeFormat, s string, loc *time.Location) (int64, bool) {
	p, ok := f.parse(s)
	if !ok {
		return 0, false
	}
	us, _, ok := p.wall(true)
	if p.has.has('z') {
		loc = p.zone
	}
	return laterInstant(us, loc), ok
}

func bindFromUnixtime(args []Arg) (Kernel, error) {
	one, err := literalFormat(args, 1, secondsPattern, true)
	if err != nil {
		return nil, err
	}
	return textCtxEval(types.StringType, func(c *Ctx, a []vec.Vec, fail *failure) textRow {
		sec, f := intsOf(a[0]), formatsOf(one, a, 1, true)
		return func(dst []byte, i int) ([]byte, bool) {
			format, err := f.at(i)
			if err == nil {
				dst, err = format.formatSeconds(dst, sec.at(i), c.Zone)
			}
			if err != nil {
				fail.at(i, err)
			}
			return dst, err == nil
		}
	}), nil
}

// formatSeconds prints an instant in seconds, of which microseconds may not fit an int64.
func (f *timeFormat) formatSeconds(dst []byte, sec int64, loc *time.Location) ([]byte, error) {
	off := int64(0)
	if loc != nil {
		_, o := time.Unix(sec, 0).In(loc).Zone()
		off = int64(o)
	}
	days, rest := divFloor(sec+off, usDay/usSecond)
	m := momentOf(rest*usSecond, 0)
	m.days, m.date = days, dateOf(days)
	m.loc, m.offset, m.zoned = loc, off, true
	return f.format(dst, &m)
}
