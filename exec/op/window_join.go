package op

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/expr"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// windowJoin joins rows of the same window and key when the watermark passes the window's end.
type windowJoin struct {
	Base
	ctx    *Context
	node   *planner.WindowJoin
	codecs [2]*rowCodec
	keys   [2][]int
	wins   [2]planner.Window
	cond   expr.Eval
	both   *arrow.Schema
	schema *arrow.Schema
	buf    *windowBuffer
	out    storedJoin
}

// storedJoin collects joined rows, both of whose sides come from state.
type storedJoin struct {
	left, right *gather
	n           int
	oneSide     bool
}

// NewWindowJoin makes the operator of a WindowJoin.
func NewWindowJoin(n *planner.WindowJoin, s *planner.Settings) (Operator, error) {
	left, right := n.Left.Info().Out, n.Right.Info().Out
	w := &windowJoin{
		node: n, codecs: [2]*rowCodec{newRowCodec(left), newRowCodec(right)}, keys: [2][]int{n.Keys.Left, n.Keys.Right},
		wins: [2]planner.Window{n.LeftW, n.RightW}, schema: n.Out.Arrow(),
		both: append(append(types.Schema{}, left...), right...).Arrow(),
	}
	w.buf = newWindowBuffer(n.LeftW, s, columnTypes(left, n.Keys.Left))
	w.out = storedJoin{left: newGather(w.codecs[0]), right: newGather(w.codecs[1]), oneSide: n.Kind == planner.SemiJoin || n.Kind == planner.AntiJoin}
	var err error
	if n.Cond != nil {
		w.cond, err = expr.Compile(n.Cond)
	}
	return w, err
}

func (w *windowJoin) Open(ctx *Context) error {
	w.ctx = ctx
	return w.buf.open(ctx)
}

func (w *windowJoin) Process(port int, b *vec.Batch, _ Emitter) error {
	gids, err := w.buf.lookup(b, w.keys[port], w.wins[port])
	if err != nil {
		return err
	}
	null := nullKeys(b, w.keys[port], w.node.Keys.NullSafe)
	rows := w.codecs[port].encode(b)
	for i, gid := range gids {
		if gid >= 0 {
			w.buf.put(gid, &windowRow{port: port, row: bytes.Clone(rows.At(i)), null: null != nil && null[i]})
		}
	}
	return nil
}

// nullKeys tells which rows have a NULL in a key that is not NULL-safe; nil: none.
func nullKeys(b *vec.Batch, keys []int, safe []bool) []bool {
	var out []bool
	for k, c := range keys {
		nulls := vec.NullsOf(b.Col(c))
		if k < len(safe) && safe[k] || !nulls.Any() {
			continue
		}
		if out == nil {
			out = make([]bool, b.Len())
		}
		for i := range out {
			out[i] = out[i] || nulls.Is(i)
		}
	}
	return out
}

func (w *windowJoin) Watermark(wm types.Time, out Emitter) (types.Time, error) {
	err := w.buf.fire(wm, func(rows []*windowRow) error { return w.join(rows, out) })
	if err != nil {
		return wm, err
	}
	return wm, w.flush(out)
}

// join joins the rows of one window and key.
func (w *windowJoin) join(rows []*windowRow, out Emitter) error {
	var side [2][]*windowRow
	for _, r := range rows {
		side[r.port] = append(side[r.port], r)
	}
	hit := make([]bool, len(side[1]))
	for _, l := range side[0] {
		matches, err := w.matches(l, side[1])
		if err != nil {
			return err
		}
		for _, m := range matches {
			hit[m] = true
			if w.node.Kind < planner.SemiJoin {
				w.out.add(l.row, side[1][m].row)
			}
		}
		switch k := w.node.Kind; {
		case len(matches) == 0 && (k == planner.LeftJoin || k == planner.FullJoin || k == planner.AntiJoin),
			len(matches) > 0 && k == planner.SemiJoin:
			w.out.add(l.row, nil)
		}
		if w.out.n >= emitRows {
			if err := w.flush(out); err != nil {
				return err
			}
		}
	}
	if w.node.Kind == planner.RightJoin || w.node.Kind == planner.FullJoin {
		for i, r := range side[1] {
			if !hit[i] {
				w.out.add(nil, r.row)
			}
		}
	}
	return nil
}

// matches lists the rows that join l.
func (w *windowJoin) matches(l *windowRow, others []*windowRow) ([]int, error) {
	var out []int
	if l.null {
		return nil, nil
	}
	for i, r := range others {
		if !r.null {
			out = append(out, i)
		}
	}
	if w.cond == nil || len(out) == 0 {
		return out, nil
	}
	pairs := storedJoin{left: newGather(w.codecs[0]), right: newGather(w.codecs[1])}
	for _, i := range out {
		pairs.add(l.row, others[i].row)
	}
	b, err := pairs.batch(w.both)
	if err != nil {
		return nil, err
	}
	sel, all, err := expr.EvalFilter(w.cond, w.ctx.Fn, b, nil)
	if err != nil || all {
		return out, err
	}
	pass := make([]int, len(sel))
	for i, at := range sel {
		pass[i] = out[at]
	}
	return pass, nil
}

func (w *windowJoin) flush(out Emitter) error {
	if w.out.n == 0 {
		return nil
	}
	b, err := w.out.batch(w.schema)
	if err != nil {
		return err
	}
	return out.Emit(b)
}

func (w *windowJoin) Snapshot() error { return w.buf.snapshot() }

// add adds a joined row; nil is a side of NULLs.
func (s *storedJoin) add(left, right []byte) {
	s.n++
	put := func(g *gather, row []byte) {
		if row == nil {
			g.null()
		} else {
			g.stored(row)
		}
	}
	put(s.left, left)
	if !s.oneSide {
		put(s.right, right)
	}
}

// batch gives the collected rows and empties the collection.
func (s *storedJoin) batch(schema *arrow.Schema) (*vec.Batch, error) {
	n := s.n
	s.n = 0
	cols, err := s.left.columns(nil)
	if err != nil || s.oneSide {
		return vec.New(schema, cols, n, nil), err
	}
	right, err := s.right.columns(nil)
	if err != nil {
		return nil, err
	}
	return vec.New(schema, append(cols, right...), n, nil), nil
}
