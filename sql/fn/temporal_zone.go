package fn

import (
	"errors"
	"math"
	"strings"
	"time"

	"weir/sql/types"
	"weir/sql/vec"
)

// zones gives the time zone of each row: read once for a constant, remembered within bounds for a column.
type zones struct {
	text  vec.Text
	read  func(string) (*time.Location, error)
	last  string
	loc   *time.Location
	err   error
	known bool
}

func newZones(v vec.Vec, read func(string) (*time.Location, error)) *zones {
	return &zones{text: vec.TextOf(v), read: read}
}

func (z *zones) at(i int) (*time.Location, error) {
	name := z.text.String(i)
	if !z.known || name != z.last {
		z.last, z.known = strings.Clone(name), true
		z.loc, z.err = z.read(name)
	}
	return z.loc, z.err
}

// lenientZone reads a zone as Java's TimeZone does: what it does not know is UTC.
func lenientZone(name string) (*time.Location, error) {
	if strings.HasPrefix(name, "UTC") || strings.HasPrefix(name, "UT") || name != "" && (name[0] == '+' || name[0] == '-') {
		return time.UTC, nil
	}
	loc, err := ParseZone(name)
	if err != nil {
		return time.UTC, nil
	}
	return loc, nil
}

func bindUnixTimestamp(args []Arg) (Kernel, error) {
	if len(args) == 0 {
		return nowKernel(types.BigIntType, func(c *Ctx) int64 { return floorDiv(c.NowMicros, usSecond) }), nil
	}
	one, err := literalFormat(args, 1, secondsPattern, true)
	if err != nil {
		return nil, err
	}
	return fixedCtxEval(types.BigIntType, func(c *Ctx, a []vec.Vec, fail *failure) func(int) (int64, bool) {
		s, f := vec.TextOf(a[0]), formatsOf(one, a, 1, true)
		return func(i int) (int64, bool) {
			format, err := f.at(i)
			if err != nil {
				fail.at(i, err)
				return 0, false
			}
			us, ok := readSimple(format, s.String(i), c.Zone)
			if !ok {
				return math.MinInt64, true
			}
			return us / usSecond, true
		}
	}), nil
}

func bindConvertTz(args []Arg) (Kernel, error) {
	format, err := newTimeFormat(secondsPattern, true)
	if err != nil {
		return nil, err
	}
	return textEval(func(a []vec.Vec) textRow {
		s, from, to := vec.TextOf(a[0]), newZones(a[1], lenientZone), newZones(a[2], lenientZone)
		return func(dst []byte, i int) ([]byte, bool) {
			source, _ := from.at(i)
			target, _ := to.at(i)
			us, ok := readSimple(format, s.String(i), source)
			if !ok {
				return nil, false
			}
			dst, err := format.formatZoned(dst, us, target)
			return dst, err == nil
		}
	}), nil
}

// nowKernel gives one value for all rows of a batch.
func nowKernel(t types.Type, f func(c *Ctx) int64) Kernel {
	return func(c *Ctx, _ []vec.Vec, _ int) (vec.Vec, error) {
		v := f(c)
		if t.Kind == types.Date || t.Kind == types.Time0 {
			return vec.ConstFixed(t, int32(v)), nil
		}
		return vec.ConstFixed(t, v), nil
	}
}

// started is the time of CURRENT_TIMESTAMP and the like: of the batch in streaming, of the query's
// beginning otherwise.
func (c *Ctx) started() int64 {
	if c.Streaming {
		return c.NowMicros
	}
	return c.QueryMicros
}

func clockFunc(names, syntax, doc string, t types.Type, f func(c *Ctx) int64) *Func {
	return declare(names, syntax, doc, sig{out: returns(t), null: neverNull, eval: nowKernel(t, f), volatile: true})
}

func localStarted(c *Ctx) int64 { return LocalMicros(c.started(), c.Zone) }

var clockFuncs = []*Func{
	clockFunc("CURRENT_TIMESTAMP|NOW", "CURRENT_TIMESTAMP", "Gives the current time, for each record in streaming and once for the query in batch.", types.LTZType(3),
		func(c *Ctx) int64 { return truncMicros(c.started(), 3) }),
	clockFunc("CURRENT_ROW_TIMESTAMP", "CURRENT_ROW_TIMESTAMP()", "Gives the current time for each record.", types.LTZType(3),
		func(c *Ctx) int64 { return truncMicros(c.NowMicros, 3) }),
	clockFunc("PROCTIME", "PROCTIME()", "Gives the processing time, as a time attribute.", types.LTZType(3),
		func(c *Ctx) int64 { return truncMicros(c.NowMicros, 3) }),
	clockFunc("LOCALTIMESTAMP", "LOCALTIMESTAMP", "Gives the current time on the wall clock of the session's time zone.", types.TimestampType(3),
		func(c *Ctx) int64 { return truncMicros(localStarted(c), 3) }),
	clockFunc("CURRENT_DATE", "CURRENT_DATE", "Gives the current date in the session's time zone.", types.DateType,
		func(c *Ctx) int64 { return floorDiv(localStarted(c), usDay) }),
	clockFunc("CURRENT_TIME|LOCALTIME", "CURRENT_TIME", "Gives the current time of day in the session's time zone.", types.TimeType(0),
		func(c *Ctx) int64 { return floorMod(localStarted(c), usDay) / usSecond * 1000 }),
	declare("CURRENT_WATERMARK", "CURRENT_WATERMARK(rowtime)", "Gives the current watermark, of the type of the rowtime column; NULL before the first.",
		sig{in: pp(pTimestamp), out: likeArg(0), null: mayBeNull, prep: bindWatermark, volatile: true}),
	{Name: "SOURCE_WATERMARK", Syntax: "SOURCE_WATERMARK()", Doc: "Stands in WATERMARK FOR of a CREATE TABLE only: the source's own watermarks.",
		Bind: func([]Arg) (*Call, error) {
			return nil, errors.New("SOURCE_WATERMARK() can stand only in the WATERMARK FOR clause of CREATE TABLE")
		}},
}

func bindWatermark(args []Arg) (Kernel, error) {
	t := args[0].Type
	return func(c *Ctx, _ []vec.Vec, _ int) (vec.Vec, error) {
		if c.Watermark == types.MinTime {
			return vec.ConstNull(t), nil
		}
		if t.Nanos() {
			return vec.ConstNanos(c.Watermark.Micros(), 0), nil
		}
		return vec.ConstFixed(t, c.Watermark.Micros()), nil
	}, nil
}
