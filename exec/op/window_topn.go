package op

import (
	"bytes"
	"slices"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// windowTopN shows the first rows, in an order, of each partition of the window that rows carry, when the
// watermark passes the window's end. It keeps no more rows than it may show.
type windowTopN struct {
	Base
	node  *planner.WindowTopN
	codec *rowCodec
	order *vec.KeyEncoder
	keys  vec.Keys
	buf   *windowBuffer
	out   *rankChanges
}

// NewWindowTopN makes the operator of a WindowTopN.
func NewWindowTopN(n *planner.WindowTopN, s *planner.Settings) (Operator, error) {
	in := n.Input.Info().Out
	w := &windowTopN{node: n, codec: newRowCodec(in), order: orderEncoder(in, n.Keys)}
	w.buf = newWindowBuffer(n.Window, s, columnTypes(in, n.Partition))
	w.out = newRankChanges(w.codec, n.Out, n.Rank)
	return w, nil
}

func (w *windowTopN) Open(ctx *Context) error { return w.buf.open(ctx) }

func (w *windowTopN) Process(_ int, b *vec.Batch, _ Emitter) error {
	gids, err := w.buf.lookup(0, b, w.node.Partition, w.node.Window)
	if err != nil {
		return err
	}
	w.order.Encode(&w.keys, sortColumns(b, w.node.Keys), b.Len())
	rows := w.codec.encode(b)
	limit := int(w.node.Offset + w.node.Fetch)
	for i, gid := range gids {
		if gid < 0 {
			continue
		}
		if bound := w.buf.keys[gid].bound; bound != nil && bytes.Compare(w.keys.At(i), bound) >= 0 {
			continue // there are enough better rows
		}
		w.buf.put(gid, &windowRow{key: bytes.Clone(w.keys.At(i)), row: bytes.Clone(rows.At(i))})
		if k := w.buf.keys[gid]; len(k.rows) >= 2*limit+16 && w.node.Fetch >= 0 {
			w.trim(gid, k, limit)
		}
	}
	w.buf.measure()
	return nil
}

// Close gives the memory back.
func (w *windowTopN) Close() error { return w.buf.ctx.releases() }

// trim drops the rows that cannot show.
func (w *windowTopN) trim(gid int32, k *windowKey, limit int) {
	slices.SortStableFunc(k.rows, byOrder)
	for _, r := range k.rows[limit:] {
		w.buf.forget(gid, r)
	}
	clear(k.rows[limit:])
	k.rows = k.rows[:limit]
	if limit > 0 {
		k.bound = k.rows[limit-1].key
	}
}

func byOrder(a, b *windowRow) int {
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c
	}
	return cmpInt(a.seq, b.seq)
}

func (w *windowTopN) Watermark(wm types.Time, out Emitter) (types.Time, error) {
	err := w.buf.fire(wm, func(rows []*windowRow) error {
		slices.SortStableFunc(rows, byOrder)
		hi := len(rows)
		if w.node.Fetch >= 0 {
			hi = min(hi, int(w.node.Offset+w.node.Fetch))
		}
		for i := int(w.node.Offset); i < hi; i++ {
			w.out.add(types.Insert, rows[i].row, int64(i+1))
		}
		if w.out.rows.len() < emitRows {
			return nil
		}
		return w.out.flush(nil, out)
	})
	if err != nil {
		return wm, err
	}
	return wm, w.out.flush(nil, out)
}

func (w *windowTopN) Snapshot() error { return w.buf.snapshot() }
