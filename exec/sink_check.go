package exec

import (
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/vec"
)

// write hands rows to the sink. Rows that it refuses are dealt with as the table wants: those before one are taken, and
// those behind it tried; where it tells only of a batch, the batch is halved until the rows are found.
func (s *sinkLink) write(b *vec.Batch) error {
	for b.Len() > 0 {
		err := s.sink.Write(s.t.ctx, b)
		var bad *connectors.Refusal
		if err == nil || !errors.As(err, &bad) || s.policy.fails() {
			if err == nil {
				s.stats.rowsOut.Add(int64(b.Len()))
			}
			return err
		}
		row := bad.Row
		if row < 0 && b.Len() > 1 {
			half := b.Len() / 2
			if err := s.write(b.Slice(0, half)); err != nil {
				return err
			}
			b = b.Slice(half, b.Len())
			continue
		}
		row = max(row, 0)
		s.stats.rowsOut.Add(int64(row))
		if err := s.reject(b, row, connectors.RejectSink, err); err != nil {
			return err
		}
		b = b.Slice(row+1, b.Len())
	}
	return nil
}

// refused deals with what the sink learned is refused only after it had taken it.
func (s *sinkLink) refused() error {
	if s.refuser == nil {
		return nil
	}
	for _, x := range s.refuser.Refused() {
		err := s.t.reject(s.policy, s.stats, connectors.RejectSink, x.Err, func(r *connectors.Rejected) { r.Record = x.Record })
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *sinkLink) reject(b *vec.Batch, row int, reason string, cause error) error {
	return s.t.reject(s.policy, s.stats, reason, cause, func(r *connectors.Rejected) {
		r.Row, r.EventTime, r.Watermark = rowText(s.out, b, row), rowTime(s.out, b, row), s.t.wm
	})
}

// check enforces NOT NULL and narrows columns to the table's types.
func (s *sinkLink) check(b *vec.Batch) (*vec.Batch, error) {
	for _, c := range s.notNull {
		if b.Col(c).NullN() == 0 {
			continue
		}
		keep := make([]int32, 0, b.Len())
		for i := range b.Len() {
			if !b.Col(c).IsNull(i) {
				keep = append(keep, int32(i))
				continue
			}
			if s.drop {
				continue
			}
			cause := fmt.Errorf("column %q of %s is NOT NULL, but a row has NULL in it", s.columnName(c), s.target())
			if s.policy.fails() {
				return nil, fmt.Errorf("%w; set 'table.exec.sink.not-null-enforcer' = 'DROP' to drop such rows", cause)
			}
			if err := s.reject(b, i, connectors.RejectNotNull, cause); err != nil {
				return nil, err
			}
		}
		b = vec.TakeBatch(b, keep)
	}
	if s.node == nil || len(s.node.Narrow) == 0 || b.Len() == 0 {
		return b, nil
	}
	if !s.policy.fails() {
		var err error
		if b, err = s.inRange(b); err != nil || b.Len() == 0 {
			return b, err
		}
	}
	cols, err := s.narrowed(b)
	if err != nil {
		return nil, err
	}
	return vec.New(s.schema, cols, b.Len(), b.Kinds), nil
}

// inRange rejects the rows with a number that its column does not hold.
func (s *sinkLink) inRange(b *vec.Batch) (*vec.Batch, error) {
	bad := map[int]error{}
	for _, n := range s.node.Narrow {
		for from := 0; from < b.Len(); {
			_, err := narrow(b.Slice(from, b.Len()).Col(n.Column), n.To)
			row := rowAt(err, b.Len()-from)
			if row < 0 {
				break
			}
			bad[from+row] = fmt.Errorf("column %q of %s: %w", s.columnName(n.Column), s.target(), err)
			from += row + 1
		}
	}
	if len(bad) == 0 {
		return b, nil
	}
	keep := make([]int32, 0, b.Len())
	for i := range b.Len() {
		if bad[i] == nil {
			keep = append(keep, int32(i))
			continue
		}
		if err := s.reject(b, i, connectors.RejectRange, bad[i]); err != nil {
			return nil, err
		}
	}
	return vec.TakeBatch(b, keep), nil
}

// narrowed gives the columns in the table's types.
func (s *sinkLink) narrowed(b *vec.Batch) ([]arrow.Array, error) {
	cols := slices.Clone(b.Rows.Columns())
	for _, n := range s.node.Narrow {
		var err error
		if cols[n.Column], err = narrow(cols[n.Column], n.To); err != nil {
			return nil, fmt.Errorf("column %q of %s: %w", s.columnName(n.Column), s.target(), err)
		}
	}
	return cols, nil
}
