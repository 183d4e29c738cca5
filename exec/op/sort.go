package op

import (
	"bytes"
	"encoding/binary"
	"slices"

	"weir/exec/state"
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
	heap  sortHeap
	seq   int64
	last  *savedTime // of the last row that left
	rows  *state.Table
	gone  [][]byte
}

// sortRow is a row that waits.
type sortRow struct {
	time, seq int64
	key, row  []byte
	saved     bool
}

func (a *sortRow) before(b *sortRow) bool {
	if a.time != b.time {
		return a.time < b.time
	}
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c < 0
	}
	return a.seq < b.seq
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

func (s *sorter) Open(ctx *Context) error {
	s.ctx = ctx
	s.rows = ctx.State.Table(state.Spec{Name: "rows", Key: []string{"BIGINT", "BIGINT"}, Value: []string{"BYTES", "BYTES"}})
	var err error
	if s.last, err = openSavedTime(ctx, "last"); err != nil {
		return err
	}
	return s.rows.Scan(func(_ uint16, k, v []byte) error {
		r := &sortRow{time: int64(binary.BigEndian.Uint64(k) ^ 1<<63), seq: int64(binary.BigEndian.Uint64(k[8:])), saved: true}
		n := binary.BigEndian.Uint32(v)
		r.key, r.row = slices.Clone(v[4:4+n]), slices.Clone(v[4+n:])
		s.heap.push(r)
		s.seq = max(s.seq, r.seq)
		return nil
	})
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
	for i, t := range times {
		if s.node.Temporal && t <= s.last.at {
			s.ctx.Metrics.LateDropped++
			continue
		}
		s.seq++
		s.heap.push(&sortRow{time: t, seq: s.seq, key: bytes.Clone(s.keys.At(i)), row: bytes.Clone(rows.At(i))})
	}
	return nil
}

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
	for len(s.heap) > 0 && s.heap[0].time <= upTo {
		r := s.heap.pop()
		s.last.advance(r.time)
		if r.saved {
			s.gone = append(s.gone, r.place())
		}
		ch.addStored(types.Insert, r.row)
		if ch.len() == emitRows {
			if err := ch.flush(nil, out); err != nil {
				return err
			}
		}
	}
	return ch.flush(nil, out)
}

// place is the row's place in the store.
func (a *sortRow) place() []byte {
	k := binary.BigEndian.AppendUint64(nil, uint64(a.time)^1<<63)
	return binary.BigEndian.AppendUint64(k, uint64(a.seq))
}

func (s *sorter) Snapshot() error {
	group := firstGroup(s.ctx)
	for _, k := range s.gone {
		if err := s.rows.Delete(group, k); err != nil {
			return err
		}
	}
	s.gone = s.gone[:0]
	var v []byte
	for _, r := range s.heap {
		if r.saved {
			continue
		}
		v = binary.BigEndian.AppendUint32(v[:0], uint32(len(r.key)))
		v = append(append(v, r.key...), r.row...)
		if err := s.rows.Set(group, r.place(), v); err != nil {
			return err
		}
		r.saved = true
	}
	return s.last.save(s.ctx)
}

// sortHeap is a heap of waiting rows.
type sortHeap []*sortRow

func (h *sortHeap) push(r *sortRow) {
	*h = append(*h, r)
	s := *h
	for i := len(s) - 1; i > 0 && s[i].before(s[(i-1)/2]); i = (i - 1) / 2 {
		s[i], s[(i-1)/2] = s[(i-1)/2], s[i]
	}
}

func (h *sortHeap) pop() *sortRow {
	s := *h
	top := s[0]
	n := len(s) - 1
	s[0], s[n] = s[n], nil
	*h = s[:n]
	for i := 0; ; {
		down := 2*i + 1
		if down >= n {
			return top
		}
		if down+1 < n && s[down+1].before(s[down]) {
			down++
		}
		if !s[down].before(s[i]) {
			return top
		}
		s[i], s[down] = s[down], s[i]
		i = down
	}
}
