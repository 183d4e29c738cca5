package op

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/expr"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// expand gives each row once for each grouping set, set by set for a row, as Flink does.
type expand struct {
	Base
	ctx      *Context
	projects [][]expr.Eval
	schema   *arrow.Schema
}

// NewExpand makes the operator of an Expand.
func NewExpand(n *planner.Expand, _ *planner.Settings) (Operator, error) {
	e := &expand{schema: n.Out.Arrow()}
	for _, p := range n.Projects {
		evals, err := expr.CompileAll(p)
		if err != nil {
			return nil, err
		}
		e.projects = append(e.projects, evals)
	}
	return e, nil
}

func (e *expand) Open(ctx *Context) error {
	e.ctx = ctx
	return nil
}

func (e *expand) Process(_ int, b *vec.Batch, out Emitter) error {
	n, sets := b.Len(), len(e.projects)
	parts := make([][]arrow.Array, sets)
	for i, p := range e.projects {
		cols, err := expr.Columns(p, e.ctx.Fn, b, nil)
		if err != nil {
			return err
		}
		parts[i] = cols
	}
	order := make([]int32, 0, n*sets)
	for row := range n {
		for set := range sets {
			order = append(order, int32(set*n+row))
		}
	}
	cols := make([]arrow.Array, len(parts[0]))
	column := make([]arrow.Array, sets)
	for c := range cols {
		for set := range parts {
			column[set] = parts[set][c]
		}
		cols[c] = vec.Take(vec.ConcatArrays(column...), order)
	}
	var kinds []types.RowKind
	if b.Kinds != nil {
		kinds = make([]types.RowKind, len(order))
		for i, at := range order {
			kinds[i] = b.Kinds[int(at)%n]
		}
	}
	return out.Emit(vec.New(e.schema, cols, len(order), kinds))
}
