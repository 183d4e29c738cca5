package op

import (
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// final runs an operator in batch mode: what it changes on its way does not show, only the rows that are
// there at the end, as inserts, in order of their last coming.
type final struct {
	Operator
	codec *rowCodec
	rows  map[string]*finalRow
	order []*finalRow
}

type finalRow struct {
	row   []byte
	count int
}

// inBatch wraps an operator whose output changes, in batch mode.
func inBatch(op Operator, err error, n planner.Node, s *planner.Settings) (Operator, error) {
	if err != nil || !s.Batch {
		return op, err
	}
	return &final{Operator: op, codec: newRowCodec(n.Info().Out), rows: map[string]*finalRow{}}, nil
}

// wantsBefore tells whether an operator must emit -U: someone needs it, or final does, to find the row.
func wantsBefore(n planner.Node, s *planner.Settings) bool {
	return s.Batch || n.Info().Mode.Has(types.UpdateBefore)
}

func (f *final) Process(port int, b *vec.Batch, _ Emitter) error {
	return f.Operator.Process(port, b, f)
}

func (f *final) Watermark(wm types.Time, _ Emitter) (types.Time, error) {
	return f.Operator.Watermark(wm, f)
}

// Emit folds what the operator emits.
func (f *final) Emit(b *vec.Batch) error {
	rows := f.codec.encode(b)
	for i := range b.Len() {
		key := string(rows.At(i))
		r := f.rows[key]
		switch adds := types.Adds(b.Kind(i)); {
		case !adds && r == nil:
		case !adds:
			if r.count--; r.count == 0 {
				delete(f.rows, key)
			}
		case r == nil:
			r = &finalRow{row: []byte(key), count: 1}
			f.rows[key] = r
			f.order = append(f.order, r)
		default:
			r.count++
		}
	}
	return nil
}

func (f *final) End(out Emitter) error {
	if err := f.Operator.End(f); err != nil {
		return err
	}
	ch := newChanges(f.codec)
	for _, r := range f.order {
		for range r.count {
			ch.addStored(types.Insert, r.row)
			if ch.len() < emitRows {
				continue
			}
			if err := ch.flush(nil, out); err != nil {
				return err
			}
		}
	}
	f.rows, f.order = nil, nil
	return ch.flush(nil, out)
}
