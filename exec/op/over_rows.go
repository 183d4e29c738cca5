package op

import (
	"bytes"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// overRows is OVER in streaming, ordered by columns that are no time: a row may come in anywhere, and
// changes the results of the rows behind it. It keeps all rows, each with its results.
type overRows struct {
	Base
	ctx    *Context
	node   *planner.Over
	codec  *rowCodec
	order  *vec.KeyEncoder
	result *vec.KeyEncoder
	keys   vec.Keys
	types  []types.Type
	set    *aggSet
	peers  []bool
	before bool
	state  *keyed
	out    *changes
}

// overRow is a row with its place in the order and its results.
type overRow struct{ key, row, result []byte }

func newOverRows(n *planner.Over) (Operator, error) {
	if n.Frame.Lo != planner.MinFrame {
		return nil, errors.New("an OVER frame that is not ordered by time begins at UNBOUNDED PRECEDING in streaming")
	}
	in := n.Input.Info().Out
	o := &overRows{node: n, codec: newRowCodec(in), order: orderEncoder(in, n.Order), types: columnTypes(in, n.Partition), before: n.Mode.Has(types.UpdateBefore)}
	var err error
	if o.set, o.peers, err = newOverSet(n, false); err != nil {
		return nil, err
	}
	results := make([]types.Type, len(n.Aggs))
	for i := range results {
		results[i] = n.Out[len(in)+i].Type
	}
	o.result = vec.KeyOf(results...)
	o.out = newChanges(newRowCodec(n.Out))
	return o, nil
}

func (o *overRows) Open(ctx *Context) (err error) {
	o.ctx = ctx
	o.state, err = openKeyed(ctx, "rows", o.types, []types.Type{types.BytesType}, o.node.TTL)
	return err
}

func (o *overRows) Process(_ int, b *vec.Batch, out Emitter) error {
	gids, err := o.state.lookup(columnVecs(b, o.node.Partition), b.Len())
	if err != nil {
		return err
	}
	o.order.Encode(&o.keys, sortColumns(b, o.node.Order), b.Len())
	rows := o.codec.encode(b)
	for i, gid := range gids {
		list := readOverRows(o.state.get(gid))
		at, ok := 0, false
		if types.Adds(b.Kind(i)) {
			list, at = insertOver(list, overRow{key: bytes.Clone(o.keys.At(i)), row: bytes.Clone(rows.At(i))})
		} else if list, at, ok = o.take(list, o.keys.At(i), rows.At(i)); !ok {
			continue
		}
		if err := o.again(list, at); err != nil {
			return err
		}
		o.state.set(gid, writeOverRows(list))
	}
	if err := o.out.flush(nil, out); err != nil {
		return err
	}
	return o.state.release()
}

// insertOver puts a row behind those of equal key.
func insertOver(list []overRow, r overRow) ([]overRow, int) {
	at := len(list)
	for at > 0 && bytes.Compare(list[at-1].key, r.key) > 0 {
		at--
	}
	list = append(list, overRow{})
	copy(list[at+1:], list[at:])
	list[at] = r
	return list, at
}

// take takes the first equal row away and emits that it is gone.
func (o *overRows) take(list []overRow, key, row []byte) ([]overRow, int, bool) {
	for at := range list {
		if bytes.Equal(list[at].key, key) && bytes.Equal(list[at].row, row) {
			o.out.addStored(types.Delete, o.joined(list[at]))
			return append(list[:at:at], list[at+1:]...), at, true
		}
	}
	return list, 0, false
}

// joined is a row and its results as one row of the output.
func (o *overRows) joined(r overRow) []byte {
	return append(bytes.Clone(r.row), r.result...)
}

// again computes the results of a partition anew and emits those that changed.
func (o *overRows) again(list []overRow, _ int) error {
	if len(list) == 0 {
		return nil
	}
	values, err := o.results(list)
	if err != nil {
		return err
	}
	cols := make([]vec.Vec, len(values))
	for i := range cols {
		cols[i] = vec.ColVec(values[i])
	}
	var results vec.Keys
	o.result.Encode(&results, cols, len(list))
	for i := range list {
		now := bytes.Clone(results.At(i))
		old := list[i]
		if bytes.Equal(old.result, now) {
			continue
		}
		list[i].result = now
		if old.result == nil {
			o.out.addStored(types.Insert, o.joined(list[i]))
			continue
		}
		if o.before {
			o.out.addStored(types.UpdateBefore, o.joined(old))
		}
		o.out.addStored(types.UpdateAfter, o.joined(list[i]))
	}
	return nil
}

// results computes the aggregates of each row of a partition.
func (o *overRows) results(list []overRow) ([]arrow.Array, error) {
	raw, gids, last := make([][]byte, len(list)), make([]int32, len(list)), make([]int32, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		raw[i] = list[i].row
		last[i] = int32(i)
		if i+1 < len(list) && bytes.Equal(list[i].key, list[i+1].key) {
			last[i] = last[i+1]
		}
	}
	b, err := o.codec.batch(raw, nil)
	if err != nil {
		return nil, err
	}
	o.set.resize(1)
	o.set.reset(0)
	out := make([]arrow.Array, len(o.set.runs))
	for i := range out {
		if out[i], err = o.set.runs[i].runningOf(b, gids); err != nil {
			return nil, err
		}
		if o.peers[i] {
			out[i] = vec.Take(out[i], last)
		}
	}
	return out, nil
}

func readOverRows(v []byte) []overRow {
	var out []overRow
	for at := 0; at < len(v); {
		var part [3][]byte
		for i := range part {
			part[i] = rowAt(v, at)
			at += 4 + len(part[i])
		}
		out = append(out, overRow{part[0], part[1], part[2]})
	}
	return out
}

func writeOverRows(list []overRow) []byte {
	var v []byte
	for _, r := range list {
		v = appendRow(appendRow(appendRow(v, r.key), r.row), r.result)
	}
	return v
}

func (o *overRows) Snapshot() error { return o.state.snapshot() }

func (o *overRows) Close() error { return o.state.close() }
