package op

import (
	"bytes"
	"encoding/binary"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// upsertMaterialize keeps the rows of each key of a sink in order of arrival and shows the last: where a
// query's own key is another than the sink's, several of its rows may go to one of the sink.
type upsertMaterialize struct {
	Base
	node   *planner.UpsertMaterialize
	codec  *rowCodec
	before bool
	state  *keyed
}

// NewUpsertMaterialize makes the operator of an UpsertMaterialize.
func NewUpsertMaterialize(n *planner.UpsertMaterialize, _ *planner.Settings) (Operator, error) {
	return &upsertMaterialize{node: n, codec: newRowCodec(n.Input.Info().Out), before: n.Mode.Has(types.UpdateBefore)}, nil
}

func (u *upsertMaterialize) Open(ctx *Context) (err error) {
	keys := columnTypes(u.codec.schema, u.node.Keys)
	u.state, err = openKeyed(ctx, "rows", keys, []types.Type{types.BytesType}, u.node.TTL)
	return err
}

func (u *upsertMaterialize) Process(_ int, b *vec.Batch, out Emitter) error {
	gids, err := u.state.lookup(columnVecs(b, u.node.Keys), b.Len())
	if err != nil {
		return err
	}
	rows, ch := u.codec.encode(b), newChanges(u.codec)
	for i, gid := range gids {
		if types.Adds(b.Kind(i)) {
			u.add(ch, gid, i, rows.At(i))
		} else {
			u.take(ch, gid, rows.At(i))
		}
	}
	if err := ch.flush(b, out); err != nil {
		return err
	}
	return u.state.release()
}

func (u *upsertMaterialize) add(ch *changes, gid int32, i int, row []byte) {
	list := u.state.get(gid)
	if list == nil {
		ch.addRow(types.Insert, i)
	} else {
		if u.before {
			ch.addStored(types.UpdateBefore, lastOf(list))
		}
		ch.addRow(types.UpdateAfter, i)
	}
	u.state.set(gid, appendRow(list, row))
}

// take removes the first equal row. Only the last row shows, so the removal of another changes nothing.
func (u *upsertMaterialize) take(ch *changes, gid int32, row []byte) {
	list := u.state.get(gid)
	at := 0
	for at < len(list) && !bytes.Equal(rowAt(list, at), row) {
		at += 4 + len(rowAt(list, at))
	}
	if at >= len(list) {
		return
	}
	end := at + 4 + len(rowAt(list, at))
	wasLast := end == len(list)
	rest := append(bytes.Clone(list[:at]), list[end:]...)
	switch {
	case len(rest) == 0:
		ch.addStored(types.Delete, row)
	case wasLast:
		if u.before {
			ch.addStored(types.UpdateBefore, row)
		}
		ch.addStored(types.UpdateAfter, lastOf(rest))
	}
	u.state.set(gid, rest)
}

func (u *upsertMaterialize) Snapshot() error { return u.state.snapshot() }

func (u *upsertMaterialize) Close() error { return u.state.close() }

// appendRow appends a row, its length before it, to a list of rows.
func appendRow(list, row []byte) []byte {
	return append(binary.BigEndian.AppendUint32(list, uint32(len(row))), row...)
}

// rowAt is the row at a place of a list of rows.
func rowAt(list []byte, at int) []byte {
	n := int(binary.BigEndian.Uint32(list[at:]))
	return list[at+4 : at+4+n]
}

// lastOf is the last row of a list.
func lastOf(list []byte) []byte {
	at := 0
	for {
		row := rowAt(list, at)
		if at += 4 + len(row); at >= len(list) {
			return row
		}
	}
}
