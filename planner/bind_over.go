package planner

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/fn"
	"weir/sql/types"
)

// overScope holds the OVER calls of a SELECT, each a column of the node below its list.
type overScope struct{ calls map[*ast.Call]int }

// hasOver tells whether a SELECT computes OVER windows.
func hasOver(q *ast.Select) bool { return len(overCalls(q, nil)) > 0 }

func overCalls(q *ast.Select, order []*ast.OrderItem) []*ast.Call {
	var out []*ast.Call
	for _, e := range outputs(q, order) {
		walkShallow(e, func(c *ast.Call) {
			if c.Over != nil {
				out = append(out, c)
			}
		})
	}
	return out
}

// overs binds every OVER call of the list and puts Over nodes below it, one for each different window.
func (b *binder) overs(q *ast.Select, order []*ast.OrderItem, in Node, s *scope) (Node, error) {
	calls := overCalls(q, order)
	if len(calls) == 0 {
		return in, nil
	}
	g := &overGroup{b: b, s: s, exprs: refs(in.Info().Out), names: in.Info().Out.Names(), at: map[*ast.Call][2]int{}}
	var errs sql.ErrorList
	for _, c := range calls {
		if err := g.add(c); err != nil {
			addError(&errs, err)
		}
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	n := Node(project(in, g.exprs, uniquify(g.names)))
	s.over = &overScope{calls: map[*ast.Call]int{}}
	var start []int
	for _, o := range g.nodes {
		start = append(start, len(n.Info().Out))
		out := append(types.Schema(nil), n.Info().Out...)
		for i, a := range o.Aggs {
			out = append(out, types.Column{Name: fmt.Sprintf("$over%d_%d", len(start), i), Type: a.T})
		}
		o.Base, o.Input = newBase(out), n
		n = o
	}
	for c, at := range g.at {
		s.over.calls[c] = start[at[0]] + at[1]
	}
	out := n.Info().Out
	for i := len(s.cols); i < len(out); i++ {
		s.cols = append(s.cols, scopeCol{typ: out[i].Type, hidden: true})
	}
	return n, nil
}

// overCall is the column of an OVER call.
func (b *binder) overCall(s *scope, c *ast.Call) (Expr, error) {
	if s.over != nil {
		if i, ok := s.over.calls[c]; ok {
			return s.ref(i), nil
		}
	}
	return nil, sql.Errorf(c, "OVER is not allowed here").WithHint("compute it in a subquery")
}

// overGroup gathers the OVER calls of a SELECT.
type overGroup struct {
	b     *binder
	s     *scope
	exprs []Expr // columns that the windows read: the input's, then computed ones
	names []string
	nodes []*Over
	keys  []string
	at    map[*ast.Call][2]int // node and aggregate of each call
}

func (g *overGroup) column(x Expr) int {
	for i, e := range g.exprs {
		if sameExpr(e, x) {
			return i
		}
	}
	g.exprs, g.names = append(g.exprs, x), append(g.names, fmt.Sprintf("$w%d", len(g.exprs)))
	return len(g.exprs) - 1
}

func (g *overGroup) add(c *ast.Call) error {
	spec, err := g.spec(c.Over)
	if err != nil {
		return err
	}
	o := &Over{TimeCol: -1, TTL: g.b.p.Settings.StateTTL, at: c}
	for _, e := range spec.PartitionBy {
		x, err := g.b.expr(g.s, e)
		if err != nil {
			return err
		}
		o.Partition = append(o.Partition, g.column(x))
	}
	for i, k := range spec.OrderBy {
		x, err := g.b.expr(g.s, k.Expr)
		if err != nil {
			return err
		}
		col := g.column(x)
		o.Order = append(o.Order, sortKey(k, col))
		if i == 0 && len(spec.OrderBy) == 1 && !k.Desc() {
			g.timeOrder(o, x)
		}
	}
	call, err := g.call(c)
	if err != nil {
		return err
	}
	if o.Frame, err = g.frame(spec, o, call.Func); err != nil {
		return err
	}
	call.at = c
	g.put(c, o, call)
	return nil
}

// timeOrder notes that the order is a time attribute.
func (g *overGroup) timeOrder(o *Over, x Expr) {
	if isProcTime(x) {
		o.TimeCol, o.ProcTime = o.Order[0].Col, true
		return
	}
	c, ok := x.(*ColRef)
	if !ok || c.Index >= len(g.s.cols) || g.s.cols[c.Index].attr == types.NotTime {
		return
	}
	o.TimeCol, o.ProcTime = c.Index, g.s.cols[c.Index].attr == types.ProcTime
}

// put adds the call to the node of the same window.
func (g *overGroup) put(c *ast.Call, o *Over, call *AggCall) {
	key := fmt.Sprint(o.Partition, o.Order, o.Frame)
	for i, k := range g.keys {
		if k == key {
			g.at[c] = [2]int{i, len(g.nodes[i].Aggs)}
			g.nodes[i].Aggs = append(g.nodes[i].Aggs, *call)
			return
		}
	}
	if first := g.nodes; len(first) > 0 && !g.b.p.Settings.Batch && fmt.Sprint(first[0].Partition, first[0].Order) != fmt.Sprint(o.Partition, o.Order) {
		g.b.warn(c, "OVER of another partition or order than the one before does not run on Flink while streaming", "there, compute each in a query of its own")
	}
	o.Aggs = []AggCall{*call}
	g.at[c] = [2]int{len(g.nodes), 0}
	g.nodes, g.keys = append(g.nodes, o), append(g.keys, key)
}

// spec resolves a named window, or one that begins with a name.
func (g *overGroup) spec(w *ast.WindowSpec) (*ast.WindowSpec, error) {
	name := w.Name
	if name == nil {
		name = w.Base
	}
	if name == nil {
		return w, nil
	}
	for i, d := range g.s.windows {
		if d.Name.Name != name.Name {
			continue
		}
		before := *g.s // a definition reads only those before it
		before.windows = before.windows[:i]
		base, err := (&overGroup{b: g.b, s: &before}).spec(d.Spec)
		if err != nil || w.Name != nil {
			return base, err
		}
		out := *base
		if len(w.PartitionBy) > 0 {
			out.PartitionBy = w.PartitionBy
		}
		if len(w.OrderBy) > 0 {
			out.OrderBy = w.OrderBy
		}
		if w.Frame != nil {
			out.Frame = w.Frame
		}
		return &out, nil
	}
	var names []string
	for _, d := range g.s.windows {
		names = append(names, d.Name.Name)
	}
	return nil, suggest(sql.Errorf(name, "no window %q in the WINDOW clause", name.Name), name.Name, names)
}

// namedWindows checks the definitions of the WINDOW clause, used or not.
func (b *binder) namedWindows(s *scope) error {
	seen := map[string]bool{}
	g := &overGroup{b: b, s: s}
	var errs sql.ErrorList
	for _, d := range s.windows {
		if seen[d.Name.Name] {
			addError(&errs, sql.Errorf(&d.Name, "window %q is defined twice", d.Name.Name))
			continue
		}
		seen[d.Name.Name] = true
		spec, err := g.spec(d.Spec)
		if err != nil {
			addError(&errs, err)
			continue
		}
		list := slices.Clone(spec.PartitionBy)
		for _, o := range spec.OrderBy {
			list = append(list, o.Expr)
		}
		for _, e := range list {
			if findAgg(e) != nil {
				continue // of a SELECT that groups: seen where the window is used
			}
			if _, err := b.expr(s, e); err != nil {
				addError(&errs, err)
			}
		}
	}
	return errs.Err()
}

// rankFuncs number rows; the frame has no say in them.
var rankFuncs = map[string]bool{"ROW_NUMBER": true, "RANK": true, "DENSE_RANK": true, "NTILE": true, "PERCENT_RANK": true, "CUME_DIST": true}

// call resolves the function of an OVER call; LAG, LEAD and ranks are functions of Over alone.
func (g *overGroup) call(c *ast.Call) (*AggCall, error) {
	name := strings.ToUpper(c.Name.Last())
	bigint := types.BigIntType.WithNull(false)
	if rankFuncs[name] || name == "LAG" || name == "LEAD" {
		if err := g.plainCall(c, name); err != nil {
			return nil, err
		}
	}
	switch {
	case name == "PERCENT_RANK" || name == "CUME_DIST":
		return &AggCall{Func: name, Filter: -1, T: types.DoubleType.WithNull(false), Name: name}, nil
	case rankFuncs[name]:
		call := &AggCall{Func: name, Filter: -1, T: bigint, Name: name}
		return call, g.args(call, c)
	case name == "LAG" || name == "LEAD":
		return g.lag(c, name)
	case !isAgg(name) && slices.Contains(fn.Names(), name):
		return nil, sql.Errorf(c, "%s is not an aggregate, so it takes no OVER", name)
	case !isAgg(name):
		return nil, g.b.unknownFunc(c, name)
	}
	call, args, filter, err := g.b.aggCall(g.s, c)
	if err != nil {
		return nil, err
	}
	for _, a := range args {
		call.Args = append(call.Args, g.column(a))
	}
	if filter != nil {
		call.Filter = g.column(filter)
	}
	return call, nil
}

// plainCall refuses what functions of OVER alone do not take.
func (g *overGroup) plainCall(c *ast.Call, name string) error {
	switch {
	case c.Distinct || c.All || c.Filter != nil || c.Star || len(c.OrderBy)+len(c.WithinGroup) > 0:
		return sql.Errorf(c, "%s takes no DISTINCT, ALL, FILTER, ORDER BY or *", name)
	case rankFuncs[name] && c.Nulls != "":
		return sql.Errorf(c, "%s takes no %s NULLS", name, c.Nulls)
	case rankFuncs[name] && name != "NTILE" && len(c.Args) > 0:
		return sql.Errorf(c, "%s takes no arguments", name)
	case name == "NTILE" && len(c.Args) != 1:
		return sql.Errorf(c, "NTILE takes 1 argument, got %d", len(c.Args))
	case c.Nulls == "IGNORE":
		g.b.warn(c, "IGNORE NULLS of "+name+" has no effect, as in Flink", "filter NULLs out below, or leave it out")
	}
	return nil
}

func (g *overGroup) args(call *AggCall, c *ast.Call) error {
	args, err := g.b.exprs(g.s, c.Args...)
	if err != nil {
		return err
	}
	for _, a := range args {
		call.Args = append(call.Args, g.column(a))
		call.ArgTypes = append(call.ArgTypes, a.Type())
		l, _ := a.(*Literal)
		call.Consts = append(call.Consts, l)
	}
	return nil
}

// lag is LAG(x [, offset [, default]]). Where x may be NULL, so may the result, whatever the default: Flink types it
// NOT NULL then, and reads -1, an empty text or a failure out of a NULL.
func (g *overGroup) lag(c *ast.Call, name string) (*AggCall, error) {
	if len(c.Args) < 1 || len(c.Args) > 3 {
		return nil, sql.Errorf(c, "%s takes 1 to 3 arguments, got %d", name, len(c.Args))
	}
	call := &AggCall{Func: name, Filter: -1, Name: name}
	if err := g.args(call, c); err != nil {
		return nil, err
	}
	if len(c.Args) > 1 && (call.Consts[1] == nil || !call.ArgTypes[1].IsInteger()) {
		return nil, sql.Errorf(c.Args[1], "%s wants its offset as a constant integer", name)
	}
	call.T = call.ArgTypes[0].WithNull(true)
	if len(c.Args) < 3 {
		return call, nil
	}
	t, ok := fn.LeastRestrictive(call.ArgTypes[0], call.ArgTypes[2])
	if !ok {
		return nil, sql.Errorf(c.Args[2], "the default of %s is %s, and the value %s", name, call.ArgTypes[2], call.ArgTypes[0])
	}
	nullable := call.ArgTypes[0].Nullable() || call.ArgTypes[2].Nullable()
	for _, i := range []int{0, 2} {
		x := g.b.fold(castTo(g.exprs[call.Args[i]], t))
		call.Args[i], call.ArgTypes[i] = g.column(x), x.Type()
		call.Consts[i], _ = x.(*Literal)
	}
	call.T = t.WithNull(nullable)
	return call, nil
}

// frame reads ROWS or RANGE; without one it is everything up to the row and its peers.
func (g *overGroup) frame(spec *ast.WindowSpec, o *Over, name string) (Frame, error) {
	f := Frame{Rows: rankFuncs[name] || name == "LAG" || name == "LEAD", Lo: MinFrame}
	if len(spec.OrderBy) == 0 {
		f.Hi = MaxFrame
	}
	if spec.Frame == nil || f.Rows {
		return f, nil
	}
	f.Rows = spec.Frame.Unit == "ROWS"
	// A distance is a number of rows, or of what the order counts in: whole numbers, or else time.
	numbers := f.Rows || len(o.Order) == 1 && g.exprs[o.Order[0].Col].Type().IsInteger()
	var err error
	if f.Lo, err = g.bound(spec.Frame.From, numbers); err != nil {
		return f, err
	}
	f.Hi = 0
	if spec.Frame.To != nil {
		f.Hi, err = g.bound(spec.Frame.To, numbers)
	}
	if err == nil && f.Lo > f.Hi {
		return f, sql.Errorf(spec.Frame, "the frame ends before it starts")
	}
	return f, err
}

func (g *overGroup) bound(fb *ast.FrameBound, number bool) (int64, error) {
	switch fb.Kind {
	case "UNBOUNDED PRECEDING":
		return MinFrame, nil
	case "UNBOUNDED FOLLOWING":
		return MaxFrame, nil
	case "CURRENT ROW":
		return 0, nil
	}
	var n int64
	if number {
		x, err := g.b.expr(g.s, fb.Offset)
		if err != nil {
			return 0, err
		}
		l, ok := x.(*Literal)
		if !ok || !l.T.IsInteger() || int64Of(l) < 0 {
			return 0, sql.Errorf(fb.Offset, "this must be a constant whole number")
		}
		n = int64Of(l)
	} else {
		var err error
		if n, err = g.b.millis(g.s, fb.Offset); err != nil {
			return 0, err
		}
	}
	if n > math.MaxInt64/2 {
		return 0, sql.Errorf(fb.Offset, "the frame is too large")
	}
	if fb.Kind == "PRECEDING" {
		return -n, nil
	}
	return n, nil
}
