package exec

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// sinkLink writes a chain's rows into a sink, after the checks the table asks for.
type sinkLink struct {
	t        *task
	id, name string
	node     *planner.Sink // nil for a Collect
	out      types.Schema
	notNull  []int // columns that may not hold a NULL
	drop     bool  // rows with a NULL in a NOT NULL column are dropped
	sink     connectors.Sink
	linger   connectors.Lingerer // nil: the sink does not buffer by time
	tickAt   int64
	token    []byte // staged at the last barrier
	schema   *arrow.Schema
	stats    *nodeStats
	policy   *policy            // nil: errors fail the job
	refuser  connectors.Refuser // nil: what the sink refuses fails the job
}

func (s *sinkLink) process(_ int, b *vec.Batch) error {
	before := s.t.at
	s.t.at = s.name
	s.stats.rowsIn.Add(int64(b.Len()))
	b, err := s.check(b)
	if err == nil && b.Len() > 0 {
		err = s.write(b)
	}
	if err == nil {
		err = s.refused()
	}
	if err != nil {
		return s.fault(err)
	}
	if s.linger != nil && s.tickAt == never {
		s.tickAt = s.t.after(s.linger.FlushInterval())
	}
	s.t.at = before
	return nil
}

func (s *sinkLink) fault(err error) error {
	if s.t.ctx.Err() != nil {
		return errStopped
	}
	s.t.at = s.name
	return s.t.blame(err)
}

// notNull lists the columns of a query's result that hold no NULL by their types. As in Flink the promise
// is kept: a value that could not be computed, as a DECIMAL that overflows, fails the query.
func notNull(out types.Schema) (cols []int) {
	for i, c := range out {
		if c.Type.NotNull {
			cols = append(cols, i)
		}
	}
	return cols
}

// target names what the rows go to.
func (s *sinkLink) target() string {
	if s.node == nil {
		return "the result"
	}
	return fmt.Sprintf("table %q", s.node.Table.Path[2])
}

func (s *sinkLink) columnName(i int) string {
	if s.node == nil {
		return s.out[i].Name
	}
	if cols := s.node.Table.Desc.Columns; i < len(cols) {
		return cols[i].Name
	}
	return s.node.Out[i].Name
}

func (s *sinkLink) watermark(wm types.Time) error {
	s.stats.watermark.Store(int64(wm))
	return nil
}

func (s *sinkLink) idle() error { return nil }

func (s *sinkLink) barrier(int64) error {
	token, err := s.sink.Flush(s.t.ctx)
	if err == nil {
		err = s.refused()
	}
	if err != nil {
		return s.fault(err)
	}
	s.token, s.tickAt = token, never
	return nil
}

func (s *sinkLink) end() error { return s.barrier(0) }

// tick lets a sink send what has lingered.
func (s *sinkLink) tick(time.Time) error {
	s.tickAt = s.t.after(s.linger.FlushInterval())
	err := s.linger.Tick(s.t.ctx)
	if err == nil {
		err = s.refused()
	}
	if err != nil {
		return s.fault(err)
	}
	return nil
}

// narrow casts an integer column to a smaller type, and fails on a value that does not fit.
func narrow(a arrow.Array, to types.Type) (arrow.Array, error) {
	switch a.DataType().ID() {
	case arrow.INT64:
		return narrowFrom[int64](a, to)
	case arrow.INT32:
		return narrowFrom[int32](a, to)
	case arrow.INT16:
		return narrowFrom[int16](a, to)
	}
	return nil, fmt.Errorf("cannot narrow %s to %s", a.DataType(), to)
}

func narrowFrom[F int64 | int32 | int16](a arrow.Array, to types.Type) (arrow.Array, error) {
	switch to.Kind {
	case types.Int:
		return narrowTo[F, int32](a, to)
	case types.SmallInt:
		return narrowTo[F, int16](a, to)
	case types.TinyInt:
		return narrowTo[F, int8](a, to)
	}
	return nil, fmt.Errorf("cannot narrow %s to %s", a.DataType(), to)
}

func narrowTo[F int64 | int32 | int16, T int32 | int16 | int8](a arrow.Array, to types.Type) (arrow.Array, error) {
	in := vec.Values[F](a)
	out := make([]T, len(in))
	var valid vec.Bitmap
	if a.NullN() > 0 {
		valid = vec.NewBitmap(len(in))
	}
	for i, v := range in {
		if valid != nil {
			if a.IsNull(i) {
				continue
			}
			valid.Set(i)
		}
		if out[i] = T(v); F(out[i]) != v {
			return nil, &fn.RowError{Row: i, Err: fmt.Errorf("the value %d does not fit type %s; declare the column with a larger type or CAST in the query",
				v, to.WithNull(true))}
		}
	}
	return vec.Fixed(to.Arrow(), out, valid), nil
}

// collector is the sink of a Collect: it hands rows to the session.
type collector struct {
	give func(*vec.Batch) error
}

func (c collector) Write(_ context.Context, b *vec.Batch) error { return c.give(b) }
func (collector) Flush(context.Context) ([]byte, error)         { return nil, nil }
func (collector) Commit(context.Context, []byte) error          { return nil }
func (collector) Close() error                                  { return nil }
