package op

import (
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// sorter is ORDER BY. Temporal: rows leave when the watermark reaches their time, in order of time, the
// other keys, arrival; a row no later than the last one that left is late. Else, in batch mode, all rows
// leave in order at the end.
type sorter struct {
	Base
	ctx   *Context
	node  *planner.Sort
	codec *rowCodec
	order *vec.KeyEncoder
	keys  vec.Keys
	buf   *timeBuffer
	last  *savedTime // of the last row that left
}

// NewSort makes the operator of a Sort.
func NewSort(n *planner.Sort, _ *planner.Settings) (Operator, error) {
	in := n.Input.Info().Out
	return &sorter{node: n, codec: newRowCodec(in), order: orderEncoder(in, n.Keys)}, nil
}

// orderEncoder makes keys whose bytes are in the order of the sort keys.
func orderEncoder(s types.Schema, keys []planner.SortKey) *vec.KeyEncoder {
	cols := make([]vec.KeyCol, len(keys))
	for i, k := range keys {
		cols[i] = vec.KeyCol{Type: s[k.Col].Type, Order: vec.Order{Desc: k.Desc, NullsLast: k.NullsLast}}
	}
	return vec.NewKeyEncoder(cols)
}

// sortColumns gives the columns of the sort keys.
func sortColumns(b *vec.Batch, keys []planner.SortKey) []vec.Vec {
	out := make([]vec.Vec, len(keys))
	for i, k := range keys {
		out[i] = vec.ColVec(b.Col(k.Col))
	}
	return out
}

func (s *sorter) Open(ctx *Context) (err error) {
	s.ctx = ctx
	if s.last, err = openSavedTime(ctx, "last"); err != nil {
		return err
	}
	s.buf, err = openTimeBuffer(ctx, "rows")
	return err
}

func (s *sorter) Process(_ int, b *vec.Batch, _ Emitter) error {
	n := b.Len()
	times := make([]int64, n)
	if s.node.Temporal {
		col := b.Col(s.node.Keys[0].Col)
		if col.NullN() > 0 {
			return errNullTime
		}
		millisOf(col, times)
	}
	s.order.Encode(&s.keys, sortColumns(b, s.node.Keys), n)
	rows := s.codec.encode(b)
	group := firstGroup(s.ctx)
	for i, t := range times {
		if s.node.Temporal && t <= s.last.at {
			s.ctx.DropLate(0, b, i, t)
			continue
		}
		s.buf.push(t, s.keys.At(i), rows.At(i), group)
	}
	s.ctx.holds(s.buf.bytes())
	return nil
}

// Close gives the memory back.
func (s *sorter) Close() error { return s.ctx.releases() }

func (s *sorter) Watermark(wm types.Time, out Emitter) (types.Time, error) {
	if !s.node.Temporal {
		return wm, nil
	}
	return wm, s.leave(int64(wm), out)
}

func (s *sorter) End(out Emitter) error { return s.leave(int64(types.MaxTime), out) }

// leave emits the rows up to a time.
func (s *sorter) leave(upTo int64, out Emitter) error {
	ch := newChanges(s.codec)
	for {
		row, at, ok := s.buf.pop(upTo)
		if !ok {
			s.ctx.holds(s.buf.bytes())
			return ch.flush(nil, out)
		}
		s.last.advance(at)
		ch.addStored(types.Insert, row)
		if ch.len() == emitRows {
			if err := ch.flush(nil, out); err != nil {
				return err
			}
		}
	}
}

func (s *sorter) Snapshot() error {
	if err := s.last.save(s.ctx); err != nil {
		return err
	}
	return s.buf.snapshot()
}
