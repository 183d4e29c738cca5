package exec

import (
	"context"
	"io"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/exec/expr"
	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// values is a bounded source of literal rows: one split, one batch.
type values struct{ rows *vec.Batch }

func newValues(n *planner.Values, c *fn.Ctx) (*values, error) {
	one := vec.New(types.Schema{}.Arrow(), nil, 1, nil)
	cols := make([]arrow.Array, len(n.Out))
	for i := range cols {
		cells := make([]arrow.Array, len(n.Rows))
		for r, row := range n.Rows {
			e, err := expr.Compile(row[i])
			if err != nil {
				return nil, err
			}
			v, err := e.Eval(c, one, nil)
			if err != nil {
				return nil, err
			}
			if v.Arr.DataType().ID() == arrow.NULL {
				v = vec.ConstNull(n.Out[i].Type)
			}
			cells[r] = v.Column(1)
		}
		if len(cells) == 0 {
			cols[i] = vec.NullColumn(n.Out[i].Type, 0)
			continue
		}
		cols[i] = vec.ConcatArrays(cells...)
	}
	return &values{vec.New(n.Out.Arrow(), cols, len(n.Rows), nil)}, nil
}

func (v *values) Splits(context.Context) ([]connectors.Split, error) {
	return []connectors.Split{{ID: "values"}}, nil
}
func (v *values) Discovery() time.Duration             { return 0 }
func (v *values) Bounded() bool                        { return true }
func (v *values) PerSplitWatermarks() bool             { return true }
func (v *values) Immediate() bool                      { return true }
func (v *values) Decoder() (connectors.Decoder, error) { return nil, nil }

func (v *values) Read(_ context.Context, _ connectors.Split, from connectors.Offset) (connectors.SplitReader, error) {
	return &valuesReader{v.rows, from != nil}, nil
}

type valuesReader struct {
	rows *vec.Batch
	done bool
}

func (r *valuesReader) NextBatch(context.Context, int) (*vec.Batch, connectors.Offset, error) {
	if r.done {
		return nil, nil, io.EOF
	}
	r.done = true
	return r.rows, connectors.Offset("end"), nil
}

func (r *valuesReader) Close() error { return nil }
