package fn

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

// instants reads a DATE, TIME or timestamp argument of any precision as microseconds (since
// 1970-01-01, or of the day) and the 0-999 nanoseconds below them.
type instants struct {
	us    []int64
	ns    []int16 // nil but for precision 7-9
	small []int32
	unit  int64 // of small, in microseconds
	step  int
}

func instantsOf(v vec.Vec) instants {
	r := instants{step: stepOf(v)}
	switch a := v.Arr.(type) {
	case *array.Date32:
		r.small, r.unit = vec.Values[int32](a), usDay
	case *array.Time32:
		r.small, r.unit = vec.Values[int32](a), usMilli
	case *array.Timestamp:
		r.us = vec.Values[int64](a)
	case *array.Struct:
		r.us, r.ns = vec.Values[int64](a.Field(0)), vec.Values[int16](a.Field(1))
	}
	return r
}

func (r *instants) at(i int) int64 {
	if r.us != nil {
		return r.us[i*r.step]
	}
	return int64(r.small[i*r.step]) * r.unit
}

func (r *instants) nanos(i int) int16 {
	if r.ns == nil {
		return 0
	}
	return r.ns[i*r.step]
}

// instantColumn makes a column of a DATE, TIME or timestamp type: f gives microseconds and nanoseconds.
func instantColumn(t types.Type, m validity, f func(i int) (us int64, ns int16, ok bool)) arrow.Array {
	dt := t.Arrow()
	switch {
	case t.Kind == types.Date || t.Kind == types.Time0:
		unit := usDay
		if t.Kind == types.Time0 {
			unit = usMilli
		}
		return fixedRows(dt, m, func(i int) (int32, bool) {
			us, _, ok := f(i)
			return int32(floorDiv(us, unit)), ok
		})
	case !t.Nanos():
		return fixedRows(dt, m, func(i int) (int64, bool) {
			us, _, ok := f(i)
			return us, ok
		})
	}
	us, ns := make([]int64, m.n), make([]int16, m.n)
	for i := range m.n {
		if m.isNull(i) {
			continue
		}
		var ok bool
		if us[i], ns[i], ok = f(i); !ok {
			m.setNull(i)
		}
	}
	return vec.Nanos(us, ns, m.bits)
}

// truncMicros cuts microseconds to a precision, towards the past.
func truncMicros(us int64, prec int) int64 {
	unit := int64(1)
	for ; prec < 6; prec++ {
		unit *= 10
	}
	return floorDiv(us, unit) * unit
}

var (
	pTimestamp = keep("a timestamp", types.TimestampType(3), types.Type.IsTimestamp)
	pMoment    = keep("a date, time, timestamp or interval", types.TimestampType(3), func(t types.Type) bool { return t.IsDatetime() || t.IsInterval() })
	pWhen      = keep("a timestamp or a string", types.StringType, func(t types.Type) bool { return t.IsTimestamp() || t.IsString() })
)
