package memory

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

// lookup asks a table: it reads all of its rows at each request, so it is for tests.
type lookup struct {
	table *Table
	cols  []int // wanted, of the table
	keys  []int // asked by, of the table
	want  types.Schema
	enc   *vec.KeyEncoder
}

// lookupKeys is how many keys a request takes.
const lookupKeys = 3

// Lookup implements connectors.LooksUp. A lookup join holds the table instead, unless 'lookup.cache' is NONE or PARTIAL.
func (c *config) Lookup(t *connectors.TableDesc, scan connectors.LookupScan, _ *connectors.Env) (connectors.Lookup, error) {
	l := &lookup{table: c.table(t), want: scan.Columns}
	place := func(list types.Schema) (out []int, err error) {
		for _, col := range list {
			i := t.Columns.Index(col.Name)
			if i < 0 {
				return nil, fmt.Errorf("table %s has no column %q", t.Name, col.Name)
			}
			out = append(out, i)
		}
		return out, nil
	}
	var err error
	if l.cols, err = place(scan.Columns); err != nil {
		return nil, err
	}
	if l.keys, err = place(scan.Keys); err != nil {
		return nil, err
	}
	ts := make([]types.Type, len(scan.Keys))
	for i := range ts {
		ts[i] = scan.Keys[i].Type
	}
	l.enc = vec.KeyOf(ts...)
	return l, nil
}

// MaxKeys implements connectors.Lookup.
func (l *lookup) MaxKeys() int { return lookupKeys }

// Close implements connectors.Lookup.
func (l *lookup) Close() error { return nil }

// Ask implements connectors.Lookup.
func (l *lookup) Ask(ctx context.Context, keys *vec.Batch) (*vec.Batch, []int32, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	all := vec.New(l.want.Arrow(), emptyColumns(l.want), 0, nil)
	found := make([][]int32, keys.Len())
	place := map[string]int{}
	for i, k := range l.encoded(keys, seq(len(l.keys))) {
		place[k] = i
	}
	for _, b := range l.table.Rows() {
		if b.Kinds != nil {
			return nil, nil, fmt.Errorf("it holds changes, not rows")
		}
		for i, k := range l.encoded(b, l.keys) {
			if at, ok := place[k]; ok {
				found[at] = append(found[at], int32(all.Len()+i))
			}
		}
		cols := make([]arrow.Array, len(l.cols))
		for i, c := range l.cols {
			cols[i] = b.Col(c)
		}
		all = vec.Concat(all, vec.New(l.want.Arrow(), cols, b.Len(), nil))
	}
	var rows, of []int32
	for i, list := range found {
		for _, r := range list {
			rows, of = append(rows, r), append(of, int32(i))
		}
	}
	return vec.TakeBatch(all, rows), of, nil
}

func (l *lookup) encoded(b *vec.Batch, cols []int) []string {
	vecs := make([]vec.Vec, len(cols))
	for i, c := range cols {
		vecs[i] = vec.ColVec(b.Col(c))
	}
	var keys vec.Keys
	l.enc.Encode(&keys, vecs, b.Len())
	out := make([]string, b.Len())
	for i := range out {
		out[i] = string(keys.At(i))
	}
	return out
}

func seq(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func emptyColumns(s types.Schema) []arrow.Array {
	out := make([]arrow.Array, len(s))
	for i, c := range s {
		out[i] = vec.NewBuilder(c.Type).Array()
	}
	return out
}
