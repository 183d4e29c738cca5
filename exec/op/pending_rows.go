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
// Changes are in the key group of what identifies their row, so that at another parallelism those of a row stay together.
type pendingRows struct {
	codec *rowCodec
	table *state.Table
	keys  []int           // that identify a row; nil: rows are only added
	enc   *vec.KeyEncoder // of keys
	group uint16          // of rows that are only added
	saved []pendingPlace
}

// pendingPlace is where a row is in the store.
type pendingPlace struct {
	group uint16
	key   []byte
}

// open gives the rows that a snapshot has, nil where there are none. Those of several instances come one after the other,
// or mixed; those of one are in order.
func (p *pendingRows) open(ctx *Context, in types.Schema, keys []int) (*vec.Batch, error) {
	p.codec, p.group, p.keys = newRowCodec(in), firstGroup(ctx), keys
	p.enc = vec.KeyOf(columnTypes(in, keys)...)
	p.table = ctx.State.Table(state.Spec{Name: "pending", Key: []string{"BIGINT"}, Value: append([]string{"TINYINT"}, typeNames(columnTypes(in, seqUpTo(len(in))))...)})
	type row struct {
		pendingPlace
		kind  types.RowKind
		bytes []byte
	}
	var found []row
	err := p.table.Scan(func(group uint16, k, v []byte) error {
		found = append(found, row{pendingPlace{group, bytes.Clone(k)}, types.RowKind(v[0]), bytes.Clone(v[1:])})
		return nil
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b row) int { return bytes.Compare(a.key, b.key) })
	rows, kinds := make([][]byte, len(found)), make([]types.RowKind, len(found))
	for i, f := range found {
		rows[i], kinds[i] = f.bytes, f.kind
		p.saved = append(p.saved, f.pendingPlace)
	}
	return p.codec.batch(rows, insertsAreNil(kinds))
}

// save writes the rows that wait in place of those written before.
func (p *pendingRows) save(queue []*waiting) error {
	for _, at := range p.saved {
		if err := p.table.Delete(at.group, at.key); err != nil {
			return err
		}
	}
	p.saved = p.saved[:0]
	n := uint64(0)
	var v []byte
	for _, w := range queue {
		rows, groups := p.codec.encode(w.b), p.groups(w.b)
		for _, row := range w.rows {
			at := pendingPlace{p.group, binary.BigEndian.AppendUint64(nil, n)}
			if groups != nil {
				at.group = groups[row]
			}
			v = append(append(v[:0], byte(w.b.Kind(int(row)))), rows.At(int(row))...)
			if err := p.table.Set(at.group, at.key, slices.Clone(v)); err != nil {
				return err
			}
			p.saved = append(p.saved, at)
			n++
		}
	}
	return nil
}

// groups are the key groups of changes; nil: all are in one.
func (p *pendingRows) groups(b *vec.Batch) []uint16 {
	if p.keys == nil {
		return nil
	}
	cols := make([]vec.Vec, len(p.keys))
	for i, c := range p.keys {
		cols[i] = vec.ColVec(b.Col(c))
	}
	var keys vec.Keys
	p.enc.Encode(&keys, cols, b.Len())
	out := make([]uint16, b.Len())
	for i := range out {
		out[i] = state.Group(vec.Hash(keys.At(i)))
	}
	return out
}
