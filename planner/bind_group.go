package planner

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/fn"
	"weir/sql/types"
)

// maxSets bounds the grouping sets that CUBE and lists of sets multiply to.
const maxSets = 256

// groupBy binds the GROUP BY list: keys, a group window, grouping sets.
func (g *grouping) groupBy() error {
	sets := [][]int{{}}
	many := false
	for _, e := range g.q.GroupBy {
		alt, isSets, err := g.groupItem(e)
		if err != nil {
			return err
		}
		many = many || isSets
		var next [][]int
		for _, a := range sets {
			for _, c := range alt {
				next = append(next, append(slices.Clone(a), c...))
			}
		}
		if sets = next; len(sets) > maxSets {
			return sql.Errorf(e, "GROUP BY makes more than %d grouping sets", maxSets)
		}
	}
	if !many {
		return nil
	}
	seen := map[string]bool{}
	for _, set := range sets {
		has := make([]bool, len(g.keys))
		for _, k := range set {
			has[k] = true
		}
		if seen[fmt.Sprint(has)] {
			if g.q.GroupDistinct {
				continue
			}
			return sql.Errorf(g.q.GroupBy[0], "a grouping set is listed twice").WithHint("list each set once")
		}
		seen[fmt.Sprint(has)] = true
		g.sets = append(g.sets, has)
	}
	return nil
}

// groupItem gives the alternatives of one item of GROUP BY: a plain key has one.
func (g *grouping) groupItem(e ast.Expr) (alt [][]int, sets bool, err error) {
	switch x := ast.Unparen(e).(type) {
	case *ast.GroupingSet:
		alt, err = g.groupSets(x)
		return alt, true, err
	case *ast.Row:
		if !x.Explicit {
			set, err := g.groupRow(x.Items)
			return [][]int{set}, false, err
		}
	case *ast.Call:
		if err := g.tableFuncOnly(x); err != nil {
			return nil, false, err
		}
		if kind, ok := groupWindows[strings.ToUpper(x.Name.Last())]; ok && len(x.Name.Parts) == 1 {
			return [][]int{{}}, false, g.groupWindow(x, kind)
		}
	}
	k, err := g.groupKey(e)
	return [][]int{{k}}, false, err
}

func (g *grouping) groupRow(items []ast.Expr) ([]int, error) {
	set := []int{}
	for _, i := range items {
		k, err := g.groupKey(i)
		if err != nil {
			return nil, err
		}
		set = append(set, k)
	}
	return set, nil
}

// groupSets lists the sets of GROUPING SETS, CUBE and ROLLUP, which may nest.
func (g *grouping) groupSets(x *ast.GroupingSet) ([][]int, error) {
	var parts [][][]int
	for _, i := range x.Items {
		alt, _, err := g.groupItem(i)
		if err != nil {
			return nil, err
		}
		parts = append(parts, alt)
	}
	var out [][]int
	switch x.Kind {
	case "ROLLUP":
		for n := len(parts); n >= 0; n-- {
			out = append(out, joinSets(parts[:n], func(int) bool { return true }))
		}
	case "CUBE":
		if len(parts) > 8 {
			return nil, sql.Errorf(x, "CUBE of %d keys makes too many grouping sets", len(parts))
		}
		for bits := 1<<len(parts) - 1; bits >= 0; bits-- {
			out = append(out, joinSets(parts, func(i int) bool { return bits&(1<<(len(parts)-1-i)) != 0 }))
		}
	default:
		for _, p := range parts {
			out = append(out, p...)
		}
	}
	return out, nil
}

func joinSets(parts [][][]int, take func(int) bool) []int {
	set := []int{}
	for i, p := range parts {
		if take(i) && len(p) > 0 {
			set = append(set, p[0]...)
		}
	}
	return set
}

// groupKey binds a key. Beyond Flink, a number is a place in the select list and a name may be an alias.
func (g *grouping) groupKey(e ast.Expr) (int, error) {
	if call := findAgg(e); call != nil {
		return 0, sql.Errorf(call, "aggregate %s is not allowed in GROUP BY", call.Name.Last())
	}
	g.b.untyped(e)
	x, err := g.b.expr(g.s, e)
	if at := g.selectItem(e, err); at != nil {
		g.b.warn(e, "GROUP BY by number or alias does not run on Flink", "repeat the expression")
		if g.b.place(e) != nil {
			last := &g.b.warnings[len(g.b.warnings)-1]
			last.Fix = []Edit{{Pos: e.Pos(), Len: e.Len(), CopyPos: at.Pos(), CopyLen: at.Len()}}
		}
		x, err = g.b.expr(g.s, at)
	}
	if err != nil {
		return 0, err
	}
	if hasSubquery(e) {
		g.in = g.s.subs.node
		if g.texts == nil {
			g.texts = map[string]int{}
		}
		g.texts[sql.Print(e)] = len(g.keys)
	}
	for i, k := range g.keys {
		if sameExpr(k, x) {
			return i, nil
		}
	}
	g.keys = append(g.keys, x)
	return len(g.keys) - 1, nil
}

// selectItem is the select item that GROUP BY 1 or GROUP BY alias means, or nil.
func (g *grouping) selectItem(e ast.Expr, bindErr error) ast.Expr {
	if l, ok := e.(*ast.Literal); ok && l.Kind == ast.NumberLit {
		if n, err := strconv.Atoi(l.Value); err == nil && n >= 1 && n <= len(g.q.Items) {
			return g.q.Items[n-1].Expr
		}
	}
	if n, ok := e.(*ast.Name); ok && bindErr != nil && len(n.Parts) == 1 {
		for _, it := range g.q.Items {
			if it.Alias != nil && it.Alias.Name == n.Parts[0].Name {
				return it.Expr
			}
		}
	}
	return nil
}

// node makes the aggregation's nodes: a projection of what it reads, the Expand of grouping sets, then
// a window aggregate or a group aggregate.
func (g *grouping) node() (Node, *aggScope, error) {
	agg := &aggScope{in: g.s, keys: g.keys, calls: map[*ast.Call]Expr{}, window: g.window, sets: g.sets, texts: g.texts}
	w := g.window
	if w == nil {
		if w = g.tvfWindow(); w != nil {
			agg.window = w
		}
	}
	if w != nil && w.timeCol != nil {
		g.column(w.timeCol, "$time")
	}
	in, err := g.input()
	if err != nil {
		return nil, nil, err
	}
	keys := g.keyAt
	if g.sets != nil {
		in, keys = g.expand(in)
	}
	g.nullable(len(keys))
	var n Node
	if w != nil {
		n, err = g.windowAgg(agg, w, in, keys)
	} else {
		n = g.groupAgg(agg, in, keys)
	}
	if err != nil {
		return nil, nil, err
	}
	agg.out = func() types.Schema { return n.Info().Out }
	for c, i := range g.calls {
		at := g.aggAt(n, i)
		agg.calls[c] = &ColRef{Index: at, T: n.Info().Out[at].Type}
	}
	return n, agg, nil
}

func (g *grouping) aggAt(n Node, i int) int {
	switch n := n.(type) {
	case *WindowAgg:
		return len(n.Keys) + i
	case *GroupAgg:
		return len(n.Keys) + i
	}
	panic("planner: not an aggregate")
}

// nullable: where a group may have no row (no GROUP BY, an empty grouping set), most aggregates may be NULL.
func (g *grouping) nullable(keys int) {
	if keys > 0 && g.sets == nil || g.window != nil {
		return
	}
	for i := range g.aggs {
		if !fn.NeverNull(g.aggs[i].Func) {
			g.aggs[i].T = g.aggs[i].T.WithNull(true)
		}
	}
}

// input projects what the aggregate reads; nothing where that is the input itself.
func (g *grouping) input() (Node, error) {
	if len(g.pre) == 0 && len(g.in.Info().Out) > 0 {
		// COUNT(*) alone reads no column, but a row needs one to be counted by.
		return project(g.in, nil, nil), nil
	}
	return project(g.in, g.pre, g.names), nil
}

func (g *grouping) groupAgg(agg *aggScope, in Node, keys []int) Node {
	out := plain(in.Info().Out.Select(keys))
	for i, a := range g.aggs {
		out = append(out, types.Column{Name: fmt.Sprintf("$agg%d", i), Type: a.T})
	}
	agg.cols = span(0, len(g.keys))
	agg.id = len(keys) - 1
	return &GroupAgg{Base: newBase(out), Input: in, Keys: keys, Aggs: g.aggs, TTL: g.b.ttlOf(g.q.From)}
}

// expand repeats rows for grouping sets: it gives the node and the places of the keys and of the set's id.
func (g *grouping) expand(in Node) (Node, []int) {
	from := in.Info().Out
	n := len(from)
	out := append(types.Schema(nil), from...)
	keys := make([]int, 0, len(g.keys)+1)
	// Keys get columns of their own, since an aggregate may read a key's column too.
	for i, k := range g.keyAt {
		out = append(out, types.Column{Name: from[k].Name, Type: from[k].Type.WithNull(true)})
		keys = append(keys, n+i)
	}
	out = append(out, types.Column{Name: "$set", Type: types.BigIntType.WithNull(false)})
	keys = append(keys, n+len(g.keys))
	x := &Expand{Base: newBase(out), Input: in}
	for _, has := range g.sets {
		row := refs(from)
		for i, k := range g.keyAt {
			if has[i] {
				row = append(row, &ColRef{Index: k, T: from[k].Type})
			} else {
				row = append(row, NullLit(from[k].Type))
			}
		}
		x.Projects = append(x.Projects, append(row, BigIntLit(setID(has))))
	}
	return x, keys
}

// setID has a bit for each key that a set does not have, the first key highest.
func setID(has []bool) int64 {
	var id int64
	for _, h := range has {
		id <<= 1
		if !h {
			id |= 1
		}
	}
	return id
}

// groupingID binds GROUPING(a, ..) and GROUPING_ID: a bit for each argument that the row's set does not group by.
func (b *binder) groupingID(s *scope, c *ast.Call) (Expr, error) {
	a := s.agg
	var keys []int
	for _, arg := range c.Args {
		inner := *a.in
		x, err := b.plainExpr(&inner, arg)
		if err != nil {
			return nil, err
		}
		at := -1
		for i, k := range a.keys {
			if sameExpr(k, x) {
				at = i
			}
		}
		if at < 0 {
			return nil, sql.Errorf(arg, "%s wants keys of GROUP BY", strings.ToUpper(c.Name.Last()))
		}
		keys = append(keys, at)
	}
	if a.sets == nil {
		return BigIntLit(0), nil
	}
	t := types.BigIntType.WithNull(false)
	id := &ColRef{Index: a.id, T: t}
	out := &Case{T: t, Else: BigIntLit(0)}
	for _, has := range a.sets {
		var bits []bool
		for _, k := range keys {
			bits = append(bits, has[k])
		}
		eq, err := b.invoke(c, "=", []Expr{id, BigIntLit(setID(has))})
		if err != nil {
			return nil, err
		}
		out.Whens = append(out.Whens, When{eq, BigIntLit(setID(bits))})
	}
	return out, nil
}
