package op

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// windowTVF repeats each row once for each window that holds it, with the window's start, end and time.
// It drops nothing: lateness is for what aggregates.
type windowTVF struct {
	Base
	ctx     *Context
	node    *planner.WindowTVF
	schema  *arrow.Schema
	slicing slicing
	zone    *clockZone
}

// NewWindowTVF makes the operator of a WindowTVF.
func NewWindowTVF(n *planner.WindowTVF, s *planner.Settings) (Operator, error) {
	if n.Window.Kind == planner.Session {
		return newSessionTVF(n, s)
	}
	if n.Window.Kind == planner.Stagger {
		return newStaggerTVF(n, s), nil
	}
	return &windowTVF{
		node: n, schema: n.Out.Arrow(), slicing: newSlicing(n.Window),
		zone: newClockZone(n.Window.Local || n.Window.ProcTime, s.Zone),
	}, nil
}

func (w *windowTVF) Open(ctx *Context) error {
	w.ctx = ctx
	return nil
}

func (w *windowTVF) Process(_ int, b *vec.Batch, out Emitter) error {
	times, err := wallTimes(b, w.node.Window, w.zone, w.ctx)
	if err != nil {
		return err
	}
	var rows []int32
	var starts, ends, marks []int64
	for i, t := range times {
		start := w.slicing.sliceStart(t)
		last, ok := w.slicing.lastEnd(start)
		if !ok {
			continue
		}
		first := w.slicing.firstEnd(start)
		for n := (last-first)/w.slicing.slide + 1; n > 0; n-- {
			end := last - (n-1)*w.slicing.slide // CUMULATE: shortest first
			if w.slicing.kind == planner.Hop {
				end = first + (n-1)*w.slicing.slide // latest first
			}
			rows = append(rows, int32(i))
			starts, ends = append(starts, micros(w.slicing.startOf(end))), append(ends, micros(end))
			marks = append(marks, micros(w.zone.instant(end-1)))
		}
	}
	if len(rows) == 0 {
		return nil
	}
	cols := make([]arrow.Array, 0, len(w.node.Out))
	for i := range int(b.Rows.NumCols()) {
		cols = append(cols, vec.Take(b.Col(i), rows))
	}
	for _, times := range [][]int64{starts, ends, marks} {
		cols = append(cols, timeColumn(w.schema.Field(len(cols)).Type, times))
	}
	return out.Emit(vec.New(w.schema, cols, len(rows), vec.TakeKinds(b.Kinds, rows)))
}

// timeColumn is a timestamp column from microseconds.
func timeColumn(dt arrow.DataType, us []int64) arrow.Array {
	if dt.ID() == arrow.STRUCT {
		return vec.Nanos(us, make([]int16, len(us)), nil)
	}
	return vec.Fixed(dt, us, nil)
}

// wallTimes gives the time of each row in ms of the wall clock that windows are cut on.
func wallTimes(b *vec.Batch, w planner.Window, zone *clockZone, ctx *Context) ([]int64, error) {
	out := make([]int64, b.Len())
	if w.ProcTime {
		now := zone.wall(ctx.Fn.NowMicros / 1000)
		for i := range out {
			out[i] = now
		}
		return out, nil
	}
	col := b.Col(w.TimeCol)
	if col.NullN() > 0 {
		return nil, errNullTime
	}
	millisOf(col, out)
	if zone.loc != nil {
		for i := range out {
			out[i] = zone.wall(out[i])
		}
	}
	return out, nil
}

// millisOf floors a timestamp column to milliseconds.
func millisOf(col arrow.Array, out []int64) {
	var us []int64
	if col.DataType().ID() == arrow.STRUCT {
		us, _ = vec.NanosOf(col)
	} else {
		us = vec.Values[int64](col)
	}
	for i := range out {
		out[i] = int64(types.FromMicros(us[i]))
	}
}
