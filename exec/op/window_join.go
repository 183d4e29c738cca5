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
	// left and right are the joined rows of the window in hand; -1 is a row of NULLs.
	left, right []int32
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
	gids, err := w.buf.lookup(port, b, w.keys[port], w.wins[port])
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
	w.buf.measure()
	return nil
}

// Close gives the memory back.
func (w *windowJoin) Close() error { return w.ctx.releases() }

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
	return wm, w.buf.fire(wm, func(rows []*windowRow) error { return w.join(rows, out) })
}

// join joins the rows of one window and key.
func (w *windowJoin) join(rows []*windowRow, out Emitter) error {
	var side [2]windowSide
	for _, r := range rows {
		s := &side[r.port]
		s.rows, s.null = append(s.rows, r.row), append(s.null, r.null)
	}
	for p := range side {
		var err error
		if side[p].cols, err = w.codecs[p].enc.Decode(side[p].rows); err != nil {
			return err
		}
	}
	hit := make([]bool, len(side[1].rows))
	for lo := 0; lo < len(side[0].rows); {
		hi, err := w.part(&side, lo, hit, out)
		if err != nil {
			return err
		}
		lo = hi
	}
	if w.node.Kind == planner.RightJoin || w.node.Kind == planner.FullJoin {
		for i := range hit {
			if !hit[i] {
				w.emit(-1, int32(i))
			}
		}
	}
	return w.flush(&side, out)
}

// windowSide is the rows of one input in a window.
type windowSide struct {
	rows [][]byte
	null []bool
	cols []arrow.Array
}

// part joins left rows from lo on, until there are many pairs; it gives the row to go on with.
func (w *windowJoin) part(side *[2]windowSide, lo int, hit []bool, out Emitter) (hi int, err error) {
	var left, right []int32
	for hi = lo; hi < len(side[0].rows) && len(left) < 4*emitRows; hi++ {
		if side[0].null[hi] {
			continue
		}
		for r, null := range side[1].null {
			if !null {
				left, right = append(left, int32(hi)), append(right, int32(r))
			}
		}
	}
	if w.cond != nil && len(left) > 0 {
		b := vec.New(w.both, append(takeAll(side[0].cols, left), takeAll(side[1].cols, right)...), len(left), nil)
		sel, all, err := expr.EvalFilter(w.cond, w.ctx.Fn, b, nil)
		if err != nil {
			return hi, err
		}
		if !all {
			for i, at := range sel {
				left[i], right[i] = left[at], right[at]
			}
			left, right = left[:len(sel)], right[:len(sel)]
		}
	}
	at := 0
	for l := lo; l < hi; l++ {
		from := at
		for ; at < len(left) && left[at] == int32(l); at++ {
			hit[right[at]] = true
			if w.node.Kind < planner.SemiJoin {
				w.emit(int32(l), right[at])
			}
		}
		switch k := w.node.Kind; {
		case from == at && (k == planner.LeftJoin || k == planner.FullJoin || k == planner.AntiJoin),
			from < at && k == planner.SemiJoin:
			w.emit(int32(l), -1)
		}
	}
	if len(w.left) < emitRows {
		return hi, nil
	}
	return hi, w.flush(side, out)
}

func (w *windowJoin) emit(left, right int32) {
	w.left, w.right = append(w.left, left), append(w.right, right)
}

// takeAll takes rows of columns; a negative row is NULL.
func takeAll(cols []arrow.Array, idx []int32) []arrow.Array {
	out := make([]arrow.Array, len(cols))
	for i, c := range cols {
		out[i] = vec.Take(c, idx)
	}
	return out
}

// flush emits the joined rows of a window and key.
func (w *windowJoin) flush(side *[2]windowSide, out Emitter) error {
	n := len(w.left)
	if n == 0 {
		return nil
	}
	cols := takeAll(side[0].cols, w.left)
	if w.node.Kind < planner.SemiJoin {
		cols = append(cols, takeAll(side[1].cols, w.right)...)
	}
	w.left, w.right = w.left[:0], w.right[:0]
	return out.Emit(vec.New(w.schema, cols, n, nil))
}

func (w *windowJoin) Snapshot() error { return w.buf.snapshot() }
