package op

import (
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/expr"
	"weir/planner"
	"weir/sql/fn"
	"weir/sql/vec"
)

// calc filters and projects. Rows keep their kinds: of an update whose one side is filtered out, the
// other stays as it is, as in Flink.
type calc struct {
	Base
	ctx    *Context
	cond   expr.Eval
	exprs  []expr.Eval
	schema *arrow.Schema
}

// NewCalc makes the operator of a Calc.
func NewCalc(n *planner.Calc, _ *planner.Settings) (Operator, error) {
	c := &calc{schema: n.Out.Arrow()}
	var err error
	if n.Cond != nil {
		if c.cond, err = expr.Compile(n.Cond); err != nil {
			return nil, err
		}
	}
	if n.Exprs != nil {
		c.exprs, err = expr.CompileAll(n.Exprs)
	}
	return c, err
}

func (c *calc) Open(ctx *Context) error {
	c.ctx = ctx
	return nil
}

// Process works around rows that fail, where they may: those before one leave, then those behind it.
func (c *calc) Process(port int, b *vec.Batch, out Emitter) error {
	made, err := c.eval(b)
	var bad *fn.RowError
	switch {
	case err == nil && made == nil:
		return nil
	case err == nil:
		return out.Emit(made)
	case c.ctx.Reject == nil || !errors.As(err, &bad) || bad.Row < 0 || bad.Row >= b.Len():
		return err
	}
	row := bad.Row
	if row > 0 {
		if err := c.Process(port, b.Slice(0, row), out); err != nil {
			return err
		}
	}
	if err := c.ctx.Reject(b, row, bad.Err); err != nil || row+1 == b.Len() {
		return err
	}
	return c.Process(port, b.Slice(row+1, b.Len()), out)
}

// eval gives the rows that pass; nil: none.
func (c *calc) eval(b *vec.Batch) (*vec.Batch, error) {
	var sel []int32
	if c.cond != nil {
		rows, all, err := expr.EvalFilter(c.cond, c.ctx.Fn, b, nil)
		if err != nil {
			return nil, err
		}
		if !all {
			sel = rows
			if len(sel) == 0 {
				return nil, nil
			}
		}
	}
	if c.exprs == nil {
		if sel != nil {
			b = vec.TakeBatch(b, sel)
		}
		return b, nil
	}
	cols, err := expr.Columns(c.exprs, c.ctx.Fn, b, sel)
	if err != nil {
		return nil, err
	}
	n, kinds := b.Len(), b.Kinds
	if sel != nil {
		n, kinds = len(sel), vec.TakeKinds(b.Kinds, sel)
	}
	return vec.New(c.schema, cols, n, kinds), nil
}
