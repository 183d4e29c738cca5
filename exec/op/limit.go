package op

import (
	"encoding/binary"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/vec"
)

// limit passes Fetch rows after Offset others, in order of arrival. Its input only inserts; where rows
// may be taken away, LIMIT is a Top-N without an order.
type limit struct {
	Base
	ctx   *Context
	node  *planner.Limit
	seen  int64
	table *state.Table
}

// NewLimit makes the operator of a Limit.
func NewLimit(n *planner.Limit, s *planner.Settings) (Operator, error) {
	if m := n.Input.Info().Mode; m != 0 && !m.AppendOnly() {
		return NewTopN(&planner.TopN{Base: n.Base, Input: n.Input, Offset: n.Offset, Fetch: n.Fetch}, s)
	}
	return &limit{node: n}, nil
}

func (l *limit) Open(ctx *Context) error {
	l.ctx = ctx
	l.table = ctx.State.Table(state.Spec{Name: "count", Value: []string{"BIGINT"}, Version: 1})
	return l.table.Scan(func(_ uint16, _, v []byte) error {
		l.seen = max(l.seen, int64(binary.BigEndian.Uint64(v)))
		return nil
	})
}

func (l *limit) Process(_ int, b *vec.Batch, out Emitter) error {
	n := int64(b.Len())
	lo := min(max(l.node.Offset-l.seen, 0), n)
	hi := n
	if l.node.Fetch >= 0 {
		hi = min(max(l.node.Offset+l.node.Fetch-l.seen, lo), n)
	}
	l.seen += n
	if lo == hi {
		return nil
	}
	return out.Emit(b.Slice(int(lo), int(hi)))
}

func (l *limit) Snapshot() error {
	return saveInAll(l.table, l.ctx, binary.BigEndian.AppendUint64(nil, uint64(l.seen)))
}
