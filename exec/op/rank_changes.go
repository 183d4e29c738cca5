package op

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// rankChanges collects output rows, from state or the batch in hand, with a rank as last column where that
// is wanted.
type rankChanges struct {
	rows   *gather
	kinds  []types.RowKind
	ranks  []int64
	schema *arrow.Schema
	rank   bool
}

func newRankChanges(c *rowCodec, out types.Schema, rank bool) *rankChanges {
	return &rankChanges{rows: newGather(c), schema: out.Arrow(), rank: rank}
}

// add adds a row by its bytes, which must stay as they are until flush.
func (c *rankChanges) add(kind types.RowKind, row []byte, rank int64) {
	c.rows.kept(row)
	c.kinds, c.ranks = append(c.kinds, kind), append(c.ranks, rank)
}

// addInput adds row i of the batch that flush is given.
func (c *rankChanges) addInput(kind types.RowKind, i int, rank int64) {
	c.rows.row(i)
	c.kinds, c.ranks = append(c.kinds, kind), append(c.ranks, rank)
}

// flush emits what was collected; b may be nil where addInput was not called.
func (c *rankChanges) flush(b *vec.Batch, out Emitter) error {
	n := c.rows.len()
	if n == 0 {
		return nil
	}
	cols, err := c.rows.columns(b)
	if err != nil {
		return err
	}
	if c.rank {
		cols = append(cols, vec.Int64s(c.ranks, nil))
	}
	kinds := insertsAreNil(c.kinds)
	c.kinds, c.ranks = nil, nil
	return out.Emit(vec.New(c.schema, cols, n, kinds))
}
