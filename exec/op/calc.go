package op

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/expr"
	"weir/planner"
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

func (c *calc) Process(_ int, b *vec.Batch, out Emitter) error {
	var sel []int32
	if c.cond != nil {
		rows, all, err := expr.EvalFilter(c.cond, c.ctx.Fn, b, nil)
		if err != nil {
			return err
		}
		if !all {
			sel = rows
			if len(sel) == 0 {
				return nil
			}
		}
	}
	return c.project(b, sel, out)
}

func (c *calc) project(b *vec.Batch, sel []int32, out Emitter) error {
	if c.exprs == nil {
		if sel != nil {
			b = vec.TakeBatch(b, sel)
		}
		return out.Emit(b)
	}
	cols, err := expr.Columns(c.exprs, c.ctx.Fn, b, sel)
	if err != nil {
		return err
	}
	n, kinds := b.Len(), b.Kinds
	if sel != nil {
		n, kinds = len(sel), vec.TakeKinds(b.Kinds, sel)
	}
	return out.Emit(vec.New(c.schema, cols, n, kinds))
}
