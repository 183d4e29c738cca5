package op

import (
	"math"
	"time"

	"weir/planner"
	"weir/sql/types"
)

// clockZone turns event time into the wall clock of the session's zone and back. Windows over
// TIMESTAMP_LTZ are cut on that clock; for all others the clock is event time itself (loc nil).
type clockZone struct {
	loc *time.Location
	// The last offset that was looked up, and the instants it holds for.
	lo, hi, offset int64
}

func newClockZone(local bool, loc *time.Location) *clockZone {
	z := &clockZone{lo: 1}
	if local && loc != nil && loc != time.UTC && loc.String() != "UTC" {
		z.loc = loc
	}
	return z
}

// offsetAt is the zone's offset, in ms, at an instant.
func (z *clockZone) offsetAt(ms int64) int64 {
	if ms >= z.lo && ms < z.hi {
		return z.offset
	}
	t := time.UnixMilli(ms).In(z.loc)
	_, seconds := t.Zone()
	start, end := t.ZoneBounds()
	z.lo, z.hi, z.offset = math.MinInt64, math.MaxInt64, int64(seconds)*1000
	if !start.IsZero() {
		z.lo = start.UnixMilli()
	}
	if !end.IsZero() {
		z.hi = end.UnixMilli()
	}
	return z.offset
}

// wall is the wall clock at an instant.
func (z *clockZone) wall(ms int64) int64 {
	if z.loc == nil {
		return ms
	}
	return ms + z.offsetAt(ms)
}

// instant is the instant of a wall clock time: the earlier one of an hour that comes twice; a time in
// a skipped hour is moved on by it.
func (z *clockZone) instant(wall int64) int64 {
	if z.loc == nil || wall == math.MaxInt64 {
		return wall
	}
	const day = 24 * 3600 * 1000
	before, after := z.offsetAt(wall-day), z.offsetAt(wall+day)
	first, second := wall-before, wall-after
	if before != after && z.offsetAt(first) != before && z.offsetAt(second) == after {
		return second
	}
	return first
}

// timer is the instant at which a window whose last wall clock time is wall is complete: the later one
// of an hour that comes twice.
func (z *clockZone) timer(wall int64) int64 {
	first := z.instant(wall)
	if z.loc == nil || wall == math.MaxInt64 {
		return first
	}
	const hour = 3600 * 1000
	if next := z.instant(wall + hour); next-first > hour {
		return next - hour
	}
	return first
}

// slicing cuts time into slices such that each window is a run of slices. All times are of the wall
// clock in ms; a window is [start, end).
type slicing struct {
	kind   planner.WindowKind
	width  int64 // of a slice
	size   int64 // of a window
	slide  int64 // between windows' starts (TUMBLE, HOP), or the step of CUMULATE
	offset int64
}

func newSlicing(w planner.Window) slicing {
	s := slicing{kind: w.Kind, size: w.Size, slide: w.Slide, offset: w.Offset, width: w.Size}
	switch w.Kind {
	case planner.Tumble:
		s.slide = w.Size
	case planner.Hop:
		s.width = gcd(w.Size, w.Slide)
	case planner.Cumulate:
		s.width = w.Slide
	}
	return s
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// floorTo is the greatest time at most t of the grid of step that goes through offset.
func floorTo(t, offset, step int64) int64 {
	r := (t - offset) % step
	if r < 0 {
		r += step
	}
	return t - r
}

// sliceStart is the start of the slice that holds t.
func (s *slicing) sliceStart(t int64) int64 { return floorTo(t, s.offset, s.width) }

// lastEnd is the end of the last window that holds the slice that begins at start; ok is false where
// none does, between the windows of a HOP whose slide is larger than its size.
func (s *slicing) lastEnd(start int64) (end int64, ok bool) {
	switch s.kind {
	case planner.Hop:
		first := floorTo(start, s.offset, s.slide)
		return first + s.size, start < first+s.size
	case planner.Cumulate:
		return floorTo(start, s.offset, s.size) + s.size, true
	}
	return start + s.size, true
}

// firstEnd is the end of the first window that holds the slice.
func (s *slicing) firstEnd(start int64) int64 {
	switch s.kind {
	case planner.Hop:
		// The earliest start above start + width - size.
		at := floorTo(start+s.width-s.size, s.offset, s.slide)
		if at < start+s.width-s.size {
			at += s.slide
		}
		return at + s.size
	case planner.Cumulate:
		return start + s.width
	}
	return start + s.size
}

// nextEnd is the end of the window after the one that ends at end.
func (s *slicing) nextEnd(end int64) int64 { return end + s.slide }

// startOf is the start of the window that ends at end.
func (s *slicing) startOf(end int64) int64 {
	if s.kind == planner.Cumulate {
		return floorTo(end-1, s.offset, s.size)
	}
	return end - s.size
}

// micros of a wall clock time, saturating.
func micros(ms int64) int64 { return types.Time(ms).Micros() }
