package op

import (
	"bytes"
	"encoding/binary"
	"slices"

	"weir/exec/state"
	"weir/sql/types"
	"weir/sql/vec"
)

// pendingRows keeps rows that wait, with their kinds, in the order in which they came, for the one who restores a snapshot.
type pendingRows struct {
	codec *rowCodec
	table *state.Table
	group uint16
	saved [][]byte
}

// open gives the rows that a snapshot has, nil where there are none. Those of several instances come one after the other.
func (p *pendingRows) open(ctx *Context, in types.Schema) (*vec.Batch, error) {
	p.codec, p.group = newRowCodec(in), firstGroup(ctx)
	p.table = ctx.State.Table(state.Spec{Name: "pending", Key: []string{"BIGINT"}, Value: append([]string{"TINYINT"}, typeNames(columnTypes(in, seqUpTo(len(in))))...)})
	var rows [][]byte
	var kinds []types.RowKind
	type place struct {
		group uint16
		key   []byte
	}
	var old []place
	err := p.table.Scan(func(group uint16, k, v []byte) error {
		old = append(old, place{group, bytes.Clone(k)})
		kinds, rows = append(kinds, types.RowKind(v[0])), append(rows, bytes.Clone(v[1:]))
		return nil
	})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	for _, o := range old {
		if o.group == p.group {
			p.saved = append(p.saved, o.key)
		} else if err := p.table.Delete(o.group, o.key); err != nil {
			return nil, err
		}
	}
	return p.codec.batch(rows, insertsAreNil(kinds))
}

// save writes the rows that wait in place of those written before.
func (p *pendingRows) save(queue []*waiting) error {
	for _, k := range p.saved {
		if err := p.table.Delete(p.group, k); err != nil {
			return err
		}
	}
	p.saved = p.saved[:0]
	n := uint64(0)
	var v []byte
	for _, w := range queue {
		rows := p.codec.encode(w.b)
		for _, row := range w.rows {
			key := binary.BigEndian.AppendUint64(nil, n)
			v = append(append(v[:0], byte(w.b.Kind(int(row)))), rows.At(int(row))...)
			if err := p.table.Set(p.group, key, slices.Clone(v)); err != nil {
				return err
			}
			p.saved = append(p.saved, key)
			n++
		}
	}
	return nil
}
