package planner

import (
	"fmt"
	"slices"
	"strings"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// groupWindows are the windows of GROUP BY.
var groupWindows = map[string]WindowKind{"TUMBLE": Tumble, "HOP": Hop, "SESSION": Session}

type windowFunc struct {
	kind WindowKind
	prop WindowProp
}

// windowFuncs are the auxiliary functions of group windows.
var windowFuncs = map[string]windowFunc{
	"TUMBLE_START": {Tumble, WindowStart}, "TUMBLE_END": {Tumble, WindowEnd}, "TUMBLE_ROWTIME": {Tumble, WindowTime}, "TUMBLE_PROCTIME": {Tumble, WindowProc},
	"HOP_START": {Hop, WindowStart}, "HOP_END": {Hop, WindowEnd}, "HOP_ROWTIME": {Hop, WindowTime}, "HOP_PROCTIME": {Hop, WindowProc},
	"SESSION_START": {Session, WindowStart}, "SESSION_END": {Session, WindowEnd}, "SESSION_ROWTIME": {Session, WindowTime}, "SESSION_PROCTIME": {Session, WindowProc},
}

// groupWindow is the window of an aggregation.
type groupWindow struct {
	Window
	timeCol  Expr // over the aggregation's input; nil where rows carry their window and no time
	timeType types.Type
	call     *ast.Call // of a group window
	// keys, for a window of a table function, are the group keys that are properties of it.
	keys map[int]WindowProp
	node *WindowAgg
}

// windowTimeType is the type of window_start and window_end.
var windowTimeType = types.TimestampType(3).WithNull(false)

// groupWindow binds TUMBLE, HOP or SESSION in GROUP BY.
func (g *grouping) groupWindow(c *ast.Call, kind WindowKind) error {
	if g.window != nil {
		return sql.Errorf(c, "GROUP BY takes one window only")
	}
	want := map[WindowKind]int{Tumble: 2, Hop: 3, Session: 2}[kind]
	name := strings.ToUpper(c.Name.Last())
	if len(c.Args) != want && !(len(c.Args) == want+1 && kind != Session) {
		return sql.Errorf(c, "%s in GROUP BY takes %d arguments, got %d", name, want, len(c.Args)).WithHint("the form is %s", windowForms[kind])
	}
	t, err := g.b.expr(g.s, c.Args[0])
	if err != nil {
		return err
	}
	w := &groupWindow{call: c, timeCol: t, timeType: t.Type()}
	w.Kind, w.Legacy, w.Start, w.End = kind, true, -1, -1
	if err := g.b.windowTime(&w.Window, c.Args[0], t, g.s, g.in); err != nil {
		return err
	}
	if len(c.Args) == want+1 {
		if w.Offset, err = g.b.timeOffset(g.s, c.Args[want]); err != nil {
			return err
		}
	}
	if err := g.b.windowSizes(&w.Window, g.s, c.Args[1:want]); err != nil {
		return err
	}
	g.window = w
	return nil
}

// tableFuncOnly refuses a window in GROUP BY that is a table function only.
func (g *grouping) tableFuncOnly(c *ast.Call) error {
	name := strings.ToUpper(c.Name.Last())
	kind, is := windowTVFs[name]
	if _, both := groupWindows[name]; !is || both || len(c.Name.Parts) != 1 {
		return nil
	}
	return sql.Errorf(c.Name, "%s is a table function, no window of GROUP BY", name).
		WithHint("write FROM TABLE(%s) GROUP BY window_start, window_end", windowForms[kind])
}

var windowForms = map[WindowKind]string{
	Tumble: "TUMBLE(time, size)", Hop: "HOP(time, slide, size)", Session: "SESSION(time, gap)", Cumulate: "CUMULATE(TABLE t, DESCRIPTOR(time), step, size)",
	Stagger: "STAGGER(TABLE t PARTITION BY key, DESCRIPTOR(time), size)",
}

// windowTime checks that a window is over a time attribute.
func (b *binder) windowTime(w *Window, at ast.Node, x Expr, s *scope, in Node) error {
	attr := types.NotTime
	if c, ok := x.(*ColRef); ok {
		attr = in.Info().Out[c.Index].TimeAttr
	}
	if isProcTime(x) {
		attr = types.ProcTime
	}
	if attr == types.NotTime {
		if b.p.Settings.Batch && x.Type().IsTimestamp() {
			w.Local = x.Type().Kind == types.TimestampLTZ
			return nil
		}
		err := sql.Errorf(at, "a window wants a time attribute, and %s is none", exprText(x, in.Info().Out))
		for _, c := range s.cols {
			if c.attr == types.RowTime {
				return err.WithHint("use %q, the column with the WATERMARK", c.name)
			}
		}
		if x.Type().IsTimestamp() {
			return err.WithHint("declare WATERMARK FOR it in its CREATE TABLE; a computed or cast time is no time attribute any more")
		}
		return err.WithHint("declare a TIMESTAMP(3) column with WATERMARK FOR in the CREATE TABLE")
	}
	w.ProcTime = attr == types.ProcTime
	w.Local = x.Type().Kind == types.TimestampLTZ
	return nil
}

// windowSizes reads size; slide and size; or gap.
func (b *binder) windowSizes(w *Window, s *scope, args []ast.Expr) error {
	ms := make([]int64, len(args))
	for i, a := range args {
		var err error
		if ms[i], err = b.millis(s, a); err != nil {
			return err
		}
		if ms[i] <= 0 {
			return sql.Errorf(a, "an interval of a window must be longer than zero")
		}
	}
	switch w.Kind {
	case Tumble, Stagger:
		w.Size = ms[0]
	case Session:
		w.Gap = ms[0]
	default:
		w.Slide, w.Size = ms[0], ms[1]
		if w.Kind == Cumulate && w.Size%w.Slide != 0 {
			return sql.Errorf(args[1], "the window's size (%s) is no multiple of its step (%s)", millisText(w.Size), millisText(w.Slide)).
				WithHint("the order is step, size")
		}
	}
	return nil
}

// millis is a constant interval of time in milliseconds.
func (b *binder) millis(s *scope, e ast.Expr) (int64, error) {
	x, err := b.expr(s, e)
	if err != nil {
		return 0, err
	}
	l, ok := x.(*Literal)
	if !ok || l.T.Kind != types.IntervalDS {
		return 0, sql.Errorf(e, "this must be a constant INTERVAL of days to seconds, as INTERVAL '10' SECOND")
	}
	return int64Of(l), nil
}

// timeOffset is TIME '00:00:10' or an interval, in milliseconds.
func (b *binder) timeOffset(s *scope, e ast.Expr) (int64, error) {
	x, err := b.expr(s, e)
	if err != nil {
		return 0, err
	}
	if l, ok := x.(*Literal); ok && l.T.Kind == types.Time0 {
		return int64Of(l), nil
	}
	return b.millis(s, e)
}

// windowProp gives the column of a group window's property, which it adds to the aggregate.
func (b *binder) windowProp(s *scope, c *ast.Call, f windowFunc) (Expr, error) {
	w := s.agg.window
	name := strings.ToUpper(c.Name.Last())
	if w == nil || w.call == nil || w.Kind != f.kind {
		return nil, sql.Errorf(c, "%s goes with GROUP BY %s(...)", name, name[:strings.IndexByte(name, '_')])
	}
	inner := *s.agg.in
	for i, a := range c.Args {
		x, err := b.plainExpr(&inner, a)
		if err != nil {
			return nil, err
		}
		y, err := b.plainExpr(&inner, w.call.Args[min(i, len(w.call.Args)-1)])
		if err == nil && (len(c.Args) != len(w.call.Args) || !sameExpr(x, y)) {
			return nil, sql.Errorf(c, "%s has other arguments than the window in GROUP BY", name).WithHint("repeat the arguments of %s(...)", strings.ToUpper(w.call.Name.Last()))
		}
	}
	if f.prop == WindowTime && w.ProcTime {
		return nil, sql.Errorf(c, "%s wants event time, and this window is over processing time", name).WithHint("use %s_PROCTIME", name[:strings.IndexByte(name, '_')])
	}
	at := w.prop(f.prop)
	return &ColRef{Index: at, T: w.node.Out[at].Type}, nil
}

// prop gives the column of a property of the window aggregate; it is added where it is not there yet.
func (w *groupWindow) prop(p WindowProp) int {
	n := w.node
	base := len(n.Keys) + len(n.Aggs)
	for i, have := range n.Props {
		if have == p {
			return base + i
		}
	}
	n.Props = append(n.Props, p)
	n.Out = append(n.Out, w.propColumn(p))
	return len(n.Out) - 1
}

func (w *groupWindow) propColumn(p WindowProp) types.Column {
	switch {
	case p == WindowStart:
		return types.Column{Name: "window_start", Type: windowTimeType}
	case p == WindowEnd:
		return types.Column{Name: "window_end", Type: windowTimeType}
	case p == WindowProc || w.ProcTime:
		return types.Column{Name: "window_proctime", Type: procTimeType, TimeAttr: types.ProcTime}
	}
	return types.Column{Name: "window_time", Type: w.timeType, TimeAttr: types.RowTime}
}

// windowAgg makes the aggregate over a window.
func (g *grouping) windowAgg(agg *aggScope, w *groupWindow, in Node, keys []int) (Node, error) {
	if w.Kind == Hop && !w.Legacy && w.Size%w.Slide != 0 {
		return nil, sql.Errorf(g.q.GroupBy[0], "the window's size (%s) is no multiple of its slide (%s), and an aggregate shares the parts of its windows", millisText(w.Size), millisText(w.Slide)).
			WithHint("the order is slide, size; GROUP BY HOP(time, slide, size) takes any slide, and the table function without an aggregate too")
	}
	if w.timeCol != nil {
		w.TimeCol = g.column(w.timeCol, "$time")
	}
	if w.keys == nil {
		w.keys = map[int]WindowProp{}
	}
	n := &WindowAgg{Base: newBase(nil), Input: in, Window: w.Window, Aggs: g.aggs}
	w.node = n
	var err error
	if n.Emit, err = g.b.windowEmit(w, g.q); err != nil {
		return nil, err
	}
	g.warnUnmerged(w)
	from := in.Info().Out
	agg.cols = make([]int, len(g.keys))
	for i, k := range keys {
		if i < len(g.keys) {
			if _, isProp := w.keys[i]; isProp {
				continue
			}
			agg.cols[i] = len(n.Keys)
		} else {
			agg.id = len(n.Keys)
		}
		n.Keys = append(n.Keys, k)
	}
	n.Out = plain(from.Select(n.Keys))
	for i, a := range g.aggs {
		n.Out = append(n.Out, types.Column{Name: fmt.Sprintf("$agg%d", i), Type: a.T})
	}
	for i := range g.keys {
		if p, isProp := w.keys[i]; isProp {
			agg.cols[i] = w.prop(p)
		}
	}
	return n, nil
}

// unmerged are aggregates that Flink has in TUMBLE, and not where windows are merged from parts.
var unmerged = map[string]bool{"FIRST_VALUE": true, "LAST_VALUE": true, "JSON_OBJECTAGG": true, "JSON_ARRAYAGG": true}

func (g *grouping) warnUnmerged(w *groupWindow) {
	if w.Kind == Tumble || w.Kind == Stagger || w.Start >= 0 {
		return
	}
	var calls []*ast.Call
	for c := range g.calls {
		if unmerged[strings.ToUpper(c.Name.Last())] {
			calls = append(calls, c)
		}
	}
	slices.SortFunc(calls, func(a, b *ast.Call) int { return a.Pos() - b.Pos() })
	for _, c := range calls {
		g.b.warn(c, strings.ToUpper(c.Name.Last())+" in HOP, CUMULATE or SESSION does not run on Flink, which has no way to merge it", "there, use TUMBLE, or MIN or MAX")
	}
}

// millisText is a span of time for people.
func millisText(ms int64) string {
	for _, u := range []struct {
		name string
		ms   int64
	}{{"d", 86_400_000}, {"h", 3_600_000}, {"min", 60_000}, {"s", 1000}} {
		if ms != 0 && ms%u.ms == 0 {
			return fmt.Sprintf("%d %s", ms/u.ms, u.name)
		}
	}
	return fmt.Sprintf("%d ms", ms)
}
