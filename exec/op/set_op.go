package op

import (
	"encoding/binary"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// setOp is INTERSECT or EXCEPT: of each row it counts how often each input has it, and from the counts
// how often the result does. NULL equals NULL.
type setOp struct {
	Base
	node   *planner.SetOp
	codec  *rowCodec
	state  *keyed
	counts []int64
}

// NewSetOp makes the operator of a SetOp.
func NewSetOp(n *planner.SetOp, s *planner.Settings) (Operator, error) {
	return inBatch(&setOp{node: n, codec: newRowCodec(n.Out), counts: make([]int64, len(n.Ins))}, nil, n, s)
}

func (s *setOp) Open(ctx *Context) (err error) {
	all := make([]int, len(s.codec.schema))
	for i := range all {
		all[i] = i
	}
	s.state, err = openKeyed(ctx, "counts", columnTypes(s.codec.schema, all), []types.Type{types.BytesType}, s.node.TTL)
	return err
}

// result is how often the result has a row of those counts.
func (s *setOp) result() int64 {
	n := s.counts[0]
	for _, c := range s.counts[1:] {
		if s.node.Except {
			n -= max(c, 0)
		} else {
			n = min(n, c)
		}
	}
	if s.node.All {
		return max(n, 0)
	}
	n = min(max(s.counts[0], 0), 1)
	for _, c := range s.counts[1:] {
		if (c > 0) == s.node.Except {
			n = 0
		}
	}
	return n
}

func (s *setOp) read(v []byte) {
	for i := range s.counts {
		s.counts[i] = 0
		if len(v) > 0 {
			var w int
			s.counts[i], w = binary.Varint(v)
			v = v[w:]
		}
	}
}

// write gives the counts, nothing where all are zero.
func (s *setOp) write(dst []byte) []byte {
	some := false
	for _, c := range s.counts {
		dst = binary.AppendVarint(dst, c)
		some = some || c != 0
	}
	if !some {
		return dst[:0]
	}
	return dst
}

func (s *setOp) Process(port int, b *vec.Batch, out Emitter) error {
	gids, err := s.state.lookup(allColumns(b), b.Len())
	if err != nil {
		return err
	}
	ch := newChanges(s.codec)
	var buf []byte
	for i, gid := range gids {
		s.read(s.state.get(gid))
		before := s.result()
		if types.Adds(b.Kind(i)) {
			s.counts[port]++
		} else {
			s.counts[port]--
		}
		after := s.result()
		for ; before < after; before++ {
			ch.addRow(types.Insert, i)
		}
		for ; before > after; before-- {
			ch.addRow(types.Delete, i)
		}
		buf = s.write(buf[:0])
		s.state.set(gid, buf)
	}
	if err := ch.flush(b, out); err != nil {
		return err
	}
	return s.state.release()
}

func (s *setOp) Snapshot() error { return s.state.snapshot() }

func (s *setOp) Close() error { return s.state.close() }
