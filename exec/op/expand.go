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
	bucket   *planner.Bucket
	enc      *vec.KeyEncoder
	keys     vec.Keys
}

// NewExpand makes the operator of an Expand.
func NewExpand(n *planner.Expand, _ *planner.Settings) (Operator, error) {
	e := &expand{schema: n.Out.Arrow(), bucket: n.Bucket}
	if e.bucket != nil {
		e.enc = vec.KeyOf(n.Input.Info().Out[e.bucket.Col].Type)
	}
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
	if e.bucket != nil {
		return e.spread(b, out)
	}
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

// spread gives each row once, with its bucket as last column.
func (e *expand) spread(b *vec.Batch, out Emitter) error {
	n := b.Len()
	e.enc.Encode(&e.keys, []vec.Vec{vec.ColVec(b.Col(e.bucket.Col))}, n)
	buckets := make([]int64, n)
	for i := range buckets {
		buckets[i] = int64(vec.Hash(e.keys.At(i)) % uint64(e.bucket.Of))
	}
	cols, err := expr.Columns(e.projects[0], e.ctx.Fn, b, nil)
	if err != nil {
		return err
	}
	cols[len(cols)-1] = vec.Int64s(buckets, nil)
	return out.Emit(vec.New(e.schema, cols, n, b.Kinds))
}
