package planner

import (
	"strings"

	"weir/sql/ast"
)

// carried is the window that a node's rows are in: which columns are its start, end and time.
type carried struct {
	Window
	start, end, time int // columns, -1: not there
}

// carriedWindow finds the window of a node's rows, or nil.
func carriedWindow(n Node) *carried {
	switch n := n.(type) {
	case *WindowTVF:
		k := len(n.Out) - 3
		return &carried{n.Window, k, k + 1, k + 2}
	case *WindowAgg:
		if n.Window.Legacy {
			return nil
		}
		c := &carried{n.Window, -1, -1, -1}
		for i, p := range n.Props {
			at := len(n.Keys) + len(n.Aggs) + i
			switch p {
			case WindowStart:
				c.start = at
			case WindowEnd:
				c.end = at
			default:
				c.time = at
			}
		}
		return c
	case *Calc:
		return carriedCalc(n)
	case *WindowTopN:
		return carriedWindow(n.Input)
	case *WindowJoin:
		return carriedWindow(n.Left)
	case *Unnest:
		return carriedWindow(n.Input)
	case *LookupJoin:
		return carriedWindow(n.Input)
	}
	return nil
}

func carriedCalc(n *Calc) *carried {
	in := carriedWindow(n.Input)
	if in == nil {
		return nil
	}
	find := func(col int) int {
		for i, e := range n.Exprs {
			if c, ok := e.(*ColRef); ok && c.Index == col && col >= 0 {
				return i
			}
		}
		return -1
	}
	return &carried{in.Window, find(in.start), find(in.end), find(in.time)}
}

// tvfWindow finds whether GROUP BY names the start and the end of the window that the input's rows are
// in; then the aggregate is one over that window.
func (g *grouping) tvfWindow() *groupWindow {
	c := carriedWindow(g.in)
	if c == nil {
		return nil
	}
	keys := map[int]WindowProp{}
	var start, end bool
	for i, k := range g.keys {
		ref, ok := k.(*ColRef)
		if !ok {
			continue
		}
		switch ref.Index {
		case c.start:
			keys[i], start = WindowStart, true
		case c.end:
			keys[i], end = WindowEnd, true
		case c.time:
			keys[i] = WindowTime
		}
	}
	if !start || !end {
		if len(keys) > 0 {
			g.b.warnings = append(g.b.warnings, Warning{Kind: WindowColumns, Fix: g.otherColumn(start), Msg: "GROUP BY names only one of window_start and window_end, so this is an aggregate without a window: it keeps its state for ever and changes rows it gave before", Hint: "group by both window_start and window_end"}.put(g.b.place(g.q.GroupBy[0])))
		}
		return nil
	}
	w := &groupWindow{Window: c.Window, keys: keys}
	w.timeType = windowTimeType
	if c.time >= 0 {
		w.timeType = g.in.Info().Out[c.time].Type
	}
	if g.pullWindow(w) {
		return w
	}
	w.Start, w.End = g.column(g.ref(c.start), ""), g.column(g.ref(c.end), "")
	w.PartitionBy = nil
	w.TimeCol = -1
	if c.time >= 0 {
		w.timeCol = g.ref(c.time)
	}
	return w
}

// otherColumn adds the column of the window that GROUP BY lacks, named as the one that is there.
func (g *grouping) otherColumn(start bool) []Edit {
	have, want := "window_end", "window_start"
	if start {
		have, want = want, have
	}
	for _, e := range g.q.GroupBy {
		n, ok := e.(*ast.Name)
		if !ok || !strings.EqualFold(n.Last(), have) || g.b.place(n) == nil {
			continue
		}
		last := n.Parts[len(n.Parts)-1]
		end := n.Pos() + n.Len()
		edits := []Edit{{Pos: end, Text: ", "}}
		if len(n.Parts) > 1 {
			edits = append(edits, Edit{Pos: end, CopyPos: n.Pos(), CopyLen: last.Pos() - n.Pos()})
		}
		return append(edits, Edit{Pos: end, Text: want})
	}
	return nil
}

func (g *grouping) ref(col int) Expr {
	return &ColRef{Index: col, T: g.in.Info().Out[col].Type}
}

// pullWindow puts the window into the aggregate, in place of the table function below, so that a row is
// not copied once a window. That is right where nothing between the two, and no aggregate, reads the window.
func (g *grouping) pullWindow(w *groupWindow) bool {
	tvf, exprs, conds := belowCalcs(g.in)
	if tvf == nil || tvf.Window.Kind == Stagger {
		return false
	}
	base := len(tvf.Input.Info().Out)
	isKey := map[int]bool{}
	for i := range w.keys {
		isKey[g.keyAt[i]] = true
	}
	pre := make([]Expr, len(g.pre))
	for i, p := range g.pre {
		if isKey[i] {
			pre[i] = NullLit(p.Type())
			continue
		}
		pre[i] = substitute(p, exprs)
		if readsFrom(pre[i], base) {
			return false
		}
	}
	for _, c := range conds {
		if readsFrom(c, base) {
			return false
		}
	}
	if tvf.Window.Kind == Session && !g.sessionKeys(w, tvf, pre) {
		return false
	}
	w.Start, w.End, w.PartitionBy = -1, -1, nil
	w.timeCol = &ColRef{Index: tvf.Window.TimeCol, T: tvf.Input.Info().Out[tvf.Window.TimeCol].Type}
	g.pre, g.in = pre, tvf.Input
	if len(conds) > 0 {
		g.in = filter(g.in, conjoin(conds))
	}
	return true
}

// sessionKeys: sessions of the table function are those of the aggregate only where both have the same keys.
func (g *grouping) sessionKeys(w *groupWindow, tvf *WindowTVF, pre []Expr) bool {
	var cols []int
	for i := range g.keys {
		if _, isProp := w.keys[i]; isProp {
			continue
		}
		c, ok := pre[g.keyAt[i]].(*ColRef)
		if !ok {
			return false
		}
		cols = append(cols, c.Index)
	}
	return g.sets == nil && sameSet(cols, tvf.Window.PartitionBy)
}

// belowCalcs goes down through projections and filters to a WindowTVF: n's columns as expressions over
// it, and the filters' conditions.
func belowCalcs(n Node) (*WindowTVF, []Expr, []Expr) {
	switch n := n.(type) {
	case *WindowTVF:
		return n, refs(n.Out), nil
	case *Calc:
		tvf, exprs, conds := belowCalcs(n.Input)
		if tvf == nil {
			return nil, nil, nil
		}
		for _, c := range conjuncts(n.Cond) {
			conds = append(conds, substitute(c, exprs))
		}
		out := make([]Expr, len(n.Exprs))
		for i, e := range n.Exprs {
			out[i] = substitute(e, exprs)
		}
		return tvf, out, conds
	}
	return nil, nil, nil
}

// readsFrom tells whether e reads a column at or behind lo.
func readsFrom(e Expr, lo int) bool {
	used := map[int]bool{}
	columnsOf(e, used)
	for c := range used {
		if c >= lo {
			return true
		}
	}
	return false
}
