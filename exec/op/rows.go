package op

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// rowCodec encodes whole rows as bytes, as state keeps them. Equal rows have equal bytes.
type rowCodec struct {
	schema types.Schema
	enc    *vec.KeyEncoder
	keys   vec.Keys
}

func newRowCodec(s types.Schema) *rowCodec {
	ts := make([]types.Type, len(s))
	for i := range s {
		ts[i] = s[i].Type
	}
	return &rowCodec{schema: s, enc: vec.KeyOf(ts...)}
}

// encode encodes all rows of a batch; the bytes of row i are At(i), valid until the next call.
func (c *rowCodec) encode(b *vec.Batch) *vec.Keys {
	cols := make([]vec.Vec, len(c.schema))
	for i := range cols {
		cols[i] = vec.ColVec(b.Col(i))
	}
	c.enc.Encode(&c.keys, cols, b.Len())
	return &c.keys
}

// batch decodes rows.
func (c *rowCodec) batch(list [][]byte, kinds []types.RowKind) (*vec.Batch, error) {
	cols, err := c.enc.Decode(list)
	if err != nil {
		return nil, err
	}
	return vec.New(c.schema.Arrow(), cols, len(list), kinds), nil
}

// gather collects rows of one schema, from an input batch and from state, and gives their columns.
type gather struct {
	codec *rowCodec
	src   []int32 // a row of the batch; ^i for entry i of list; noRow for NULLs
	list  [][]byte
	arena []byte
}

const noRow = math.MinInt32

func newGather(c *rowCodec) *gather { return &gather{codec: c} }

// row adds row i of the batch.
func (g *gather) row(i int) { g.src = append(g.src, int32(i)) }

// stored adds a row of state, which is copied.
func (g *gather) stored(v []byte) {
	if len(g.arena)+len(v) > cap(g.arena) {
		g.arena = make([]byte, 0, max(1<<12, 2*cap(g.arena), len(v)))
	}
	start := len(g.arena)
	g.arena = append(g.arena, v...)
	g.src = append(g.src, ^int32(len(g.list)))
	g.list = append(g.list, g.arena[start:len(g.arena):len(g.arena)])
}

// kept adds a row by its bytes, which must stay as they are until columns, as those of a rowStore do.
func (g *gather) kept(v []byte) {
	g.src = append(g.src, ^int32(len(g.list)))
	g.list = append(g.list, v)
}

// null adds a row of NULLs.
func (g *gather) null() { g.src = append(g.src, noRow) }

func (g *gather) len() int { return len(g.src) }

// columns gives the collected rows and empties the gather. b may be nil where row was not called.
func (g *gather) columns(b *vec.Batch) ([]arrow.Array, error) {
	stored, err := g.codec.enc.Decode(g.list)
	if err != nil {
		return nil, err
	}
	n := 0
	if b != nil {
		n = b.Len()
	}
	idx := make([]int32, len(g.src))
	for i, s := range g.src {
		switch {
		case s >= 0:
			idx[i] = s
		case s == noRow:
			idx[i] = -1
		default:
			idx[i] = int32(n) + ^s
		}
	}
	out := make([]arrow.Array, len(g.codec.schema))
	for i := range out {
		all := stored[i]
		switch {
		case b != nil && len(g.list) == 0:
			all = b.Col(i)
		case b != nil:
			all = vec.ConcatArrays(b.Col(i), stored[i])
		}
		out[i] = vec.Take(all, idx)
	}
	g.src, g.list, g.arena = g.src[:0], g.list[:0], g.arena[:0]
	return out, nil
}

// changes collects output rows of one schema with their kinds.
type changes struct {
	*gather
	kinds  []types.RowKind
	schema *arrow.Schema
}

func newChanges(c *rowCodec) *changes {
	return &changes{gather: newGather(c), schema: c.schema.Arrow()}
}

func (c *changes) addRow(kind types.RowKind, i int) {
	c.row(i)
	c.kinds = append(c.kinds, kind)
}

// addStored adds a row by its bytes, which must stay as they are until flush.
func (c *changes) addStored(kind types.RowKind, v []byte) {
	c.kept(v)
	c.kinds = append(c.kinds, kind)
}

// flush emits what was collected.
func (c *changes) flush(b *vec.Batch, out Emitter) error {
	n := c.len()
	if n == 0 {
		return nil
	}
	cols, err := c.columns(b)
	if err != nil {
		return err
	}
	kinds := insertsAreNil(c.kinds)
	c.kinds = nil
	return out.Emit(vec.New(c.schema, cols, n, kinds))
}

// insertsAreNil gives nil for kinds that are all +I, which is the fast path of what follows.
func insertsAreNil(kinds []types.RowKind) []types.RowKind {
	for _, k := range kinds {
		if k != types.Insert {
			return kinds
		}
	}
	return nil
}

// allColumns gives all columns of a batch.
func allColumns(b *vec.Batch) []vec.Vec {
	out := make([]vec.Vec, b.Rows.NumCols())
	for i := range out {
		out[i] = vec.ColVec(b.Col(i))
	}
	return out
}
