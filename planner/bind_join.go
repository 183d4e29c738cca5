package planner

import (
	"fmt"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// join binds a join of FROM. What kind of join it becomes (of windows, within an interval, of everything)
// depends on its condition, to which WHERE belongs too, so a Join stays unsettled until settle.
func (b *binder) join(j *ast.Join, outer *scope) (Node, *scope, error) {
	left, ls, err := b.relation(j.Left, outer)
	if err != nil {
		return nil, nil, err
	}
	ls.outer = outer
	if n, s, done, err := b.lateral(j, left, ls, outer); done || err != nil {
		return n, s, err
	}
	right, rs, err := b.relation(j.Right, outer)
	if err != nil {
		return nil, nil, err
	}
	kind := joinKind(j.Kind)
	on, subs := b.onSubqueries(j)
	switch {
	case len(subs) > 0 && kind == LeftJoin:
		right, err = b.filterSide(right, rs, j.Right, subs)
	case len(subs) > 0 && kind == RightJoin:
		left, err = b.filterSide(left, ls, j.Left, subs)
	case len(subs) > 0 && kind == FullJoin:
		err = notYet(subs[0], "a subquery in ON of a FULL JOIN")
	}
	if err != nil {
		return nil, nil, err
	}
	s := ls.join(rs)
	n := &Join{Base: newBase(joinColumns(left.Info().Out, right.Info().Out, kind)), Left: left, Right: right, Kind: kind, LeftTTL: b.ttlOf(j.Left), RightTTL: b.ttlOf(j.Right)}
	s.refresh(n)
	for i := range s.cols { // the condition sees time attributes as they are below
		s.cols[i].attr = append(append(types.Schema(nil), left.Info().Out...), right.Info().Out...)[i].TimeAttr
	}
	if len(subs) > 0 {
		n.Cond, err = b.conditions(s, on)
	} else {
		n.Cond, err = b.joinCond(j, s, len(ls.cols))
	}
	if err != nil {
		return nil, nil, err
	}
	if len(subs) > 0 && kind == InnerJoin {
		return b.filterJoin(j, n, s, subs)
	}
	if kind == FullJoin && j.On == nil {
		return b.either(j, n, s)
	}
	return n, s, nil
}

func (b *binder) conditions(s *scope, list []ast.Expr) (Expr, error) {
	var out []Expr
	for _, c := range list {
		x, err := b.condition(s, c)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return conjoin(out), nil
}

// either gives a FULL JOIN with USING its columns of both sides: the value of the side that has a row.
func (b *binder) either(j *ast.Join, n *Join, s *scope) (Node, *scope, error) {
	settled := b.settle(n, nil)
	s.refresh(settled)
	exprs, names := refs(settled.Info().Out), settled.Info().Out.Names()
	var front []int
	for _, u := range s.using {
		l, r := u[0], u[1]
		x, err := b.invoke(j, "COALESCE", []Expr{s.ref(l), s.ref(r)})
		if err != nil {
			return nil, nil, err
		}
		front = append(front, len(exprs))
		exprs, names = append(exprs, x), append(names, s.cols[l].name)
		s.cols = append(s.cols, scopeCol{name: s.cols[l].name, typ: x.Type()})
	}
	s.first(front)
	out := project(settled, exprs, uniquify(names))
	return out, s, nil
}

func joinKind(k ast.JoinKind) JoinKind {
	switch k {
	case ast.LeftJoin:
		return LeftJoin
	case ast.RightJoin:
		return RightJoin
	case ast.FullJoin:
		return FullJoin
	}
	return InnerJoin
}

// joinColumns are a join's columns: those of a side that may be padded are nullable.
func joinColumns(left, right types.Schema, kind JoinKind) types.Schema {
	if kind == SemiJoin || kind == AntiJoin {
		return append(types.Schema(nil), left...)
	}
	out := append(append(types.Schema(nil), left...), right...)
	for i := range out {
		if i < len(left) && (kind == RightJoin || kind == FullJoin) || i >= len(left) && (kind == LeftJoin || kind == FullJoin) {
			out[i].Type = out[i].Type.WithNull(true)
		}
	}
	return out
}

// joinCond binds ON, USING or NATURAL over both sides' columns.
func (b *binder) joinCond(j *ast.Join, s *scope, width int) (Expr, error) {
	if j.On != nil {
		return b.condition(s, j.On)
	}
	names := j.Using
	if j.Natural {
		names = commonNames(s, width)
	}
	var conds []Expr
	var front []int
	for i := range names {
		l, r := findIn(s, 0, width, names[i].Name), findIn(s, width, len(s.cols), names[i].Name)
		if l < 0 || r < 0 {
			return nil, sql.Errorf(&names[i], "column %q of USING must be on both sides, once on each", names[i].Name)
		}
		eq, err := b.compare(&names[i], "=", s.ref(l), s.ref(r))
		if err != nil {
			return nil, err
		}
		s.using = append(s.using, [2]int{l, r})
		conds = append(conds, eq)
	}
	for _, u := range s.using {
		show, hide := u[0], u[1]
		if j.Kind == ast.RightJoin {
			show, hide = hide, show
		}
		s.cols[hide].hidden = true
		if j.Kind == ast.FullJoin {
			s.cols[show].hidden = true
		}
		front = append(front, show)
	}
	if len(front) > 0 {
		s.first(front)
	}
	return conjoin(conds), nil
}

func commonNames(s *scope, width int) []ast.Ident {
	var out []ast.Ident
	for i := 0; i < width; i++ {
		if findIn(s, width, len(s.cols), s.cols[i].name) >= 0 {
			out = append(out, ast.Ident{Name: s.cols[i].name})
		}
	}
	return out
}

// findIn finds the only visible column of that name in a part of the scope, or -1.
func findIn(s *scope, lo, hi int, name string) int {
	at := -1
	for i := lo; i < hi; i++ {
		if s.cols[i].name == name && !s.cols[i].hidden {
			if at >= 0 {
				return -1
			}
			at = i
		}
	}
	return at
}

// settle makes the joins of FROM what their conditions make them, conds included, which are over n's
// columns: each goes as far down as it may.
func (b *binder) settle(n Node, conds []Expr) Node {
	j, ok := n.(*Join)
	if !ok || j.settled {
		if len(conds) == 0 {
			return n
		}
		return filter(n, conjoin(conds))
	}
	j.settled = true
	width := len(j.Left.Info().Out)
	var left, right, on, above []Expr
	place := func(c Expr, isOn bool) {
		side := sideOf(c, width)
		switch {
		case volatile(c):
			if isOn {
				on = append(on, c)
			} else {
				above = append(above, c)
			}
		case side == leftSide && mayPush(j.Kind, isOn, true):
			left = append(left, c)
		case side == rightSide && mayPush(j.Kind, isOn, false):
			right = append(right, shift(c, -width))
		case isOn || j.Kind == InnerJoin:
			on = append(on, c)
		default:
			above = append(above, c)
		}
	}
	for _, c := range conjuncts(j.Cond) {
		place(c, true)
	}
	for _, c := range conds {
		place(c, false)
	}
	j.Left, j.Right = b.settle(j.Left, left), b.settle(j.Right, right)
	out := b.classify(j, on)
	if len(above) > 0 {
		out = filter(out, conjoin(above))
	}
	return out
}

// Sides of a condition.
const (
	noSide = iota
	leftSide
	rightSide
	bothSides
)

// sideOf tells which side's columns a condition reads.
func sideOf(e Expr, width int) int {
	used := map[int]bool{}
	columnsOf(e, used)
	side := noSide
	for c := range used {
		if c < width {
			side |= leftSide
		} else {
			side |= rightSide
		}
	}
	return side
}

// mayPush tells whether a condition on one side alone may filter that side before the join.
func mayPush(kind JoinKind, isOn, left bool) bool {
	switch kind {
	case InnerJoin, SemiJoin:
		return true
	case LeftJoin:
		return left != isOn
	case RightJoin:
		return left == isOn
	case AntiJoin:
		return !left || !isOn
	}
	return false
}

// shift renumbers column references by a distance.
func shift(e Expr, by int) Expr {
	return mapExpr(e, func(x Expr) Expr {
		if c, ok := x.(*ColRef); ok {
			return &ColRef{Index: c.Index + by, T: c.T}
		}
		return x
	})
}

// classify finds the equalities of a join and what kind of join it is.
func (b *binder) classify(j *Join, on []Expr) Node {
	before := joinColumns(j.Left.Info().Out, j.Right.Info().Out, j.Kind)
	width := len(j.Left.Info().Out)
	bounds, on := timeBounds(j, on)
	var lx, rx []Expr
	var rest []Expr
	for _, c := range on {
		l, r, nullSafe, ok := equality(c, width)
		if !ok {
			rest = append(rest, c)
			continue
		}
		lx, rx = append(lx, l), append(rx, shift(r, -width))
		j.Keys.NullSafe = append(j.Keys.NullSafe, nullSafe)
	}
	var lt, rt []int
	j.Left, j.Keys.Left, lt = keyColumns(j.Left, lx)
	j.Right, j.Keys.Right, rt = keyColumns(j.Right, rx)
	now := len(j.Left.Info().Out)
	to := append([]int(nil), lt...)
	for _, c := range rt {
		to = append(to, c+now)
	}
	j.Cond = remap(conjoin(rest), to)
	j.Out = joinColumns(j.Left.Info().Out, j.Right.Info().Out, j.Kind)
	var n Node = j
	switch {
	case windowKeys(j) != nil:
		n = windowKeys(j)
	case bounds.ok():
		n = intervalJoin(j, bounds, lt, rt)
	default:
		j.Out = plain(j.Out)
	}
	return restore(n, before, to)
}

// keyColumns gives the columns that key expressions are, with a projection where they are computed; to
// tells where the old columns are.
func keyColumns(n Node, keys []Expr) (Node, []int, []int) {
	from := n.Info().Out
	exprs, names := refs(from), from.Names()
	cols := make([]int, len(keys))
	for i, k := range keys {
		if c, ok := k.(*ColRef); ok {
			cols[i] = c.Index
			continue
		}
		cols[i] = len(exprs)
		exprs, names = append(exprs, k), append(names, fmt.Sprintf("$join%d", i))
	}
	if len(exprs) > len(from) {
		n = project(n, exprs, names)
	}
	return n, cols, span(0, len(from))
}

// restore gives the columns that the join had before computed keys were added.
func restore(n Node, want types.Schema, to []int) Node {
	out := n.Info().Out
	if len(out) == len(want) {
		return n
	}
	exprs := make([]Expr, len(want))
	for i := range want {
		exprs[i] = &ColRef{Index: to[i], T: out[to[i]].Type}
	}
	return project(n, exprs, want.Names())
}

// equality splits `left = right` into the two sides, brought to one type.
func equality(c Expr, width int) (l, r Expr, nullSafe, ok bool) {
	call, is := c.(*Call)
	if !is || call.Func != "=" && call.Func != "IS NOT DISTINCT FROM" {
		return nil, nil, false, false
	}
	l, r = call.Args[0], call.Args[1]
	if sideOf(l, width) == rightSide && sideOf(r, width) == leftSide {
		l, r = r, l
	}
	if sideOf(l, width) != leftSide || sideOf(r, width) != rightSide {
		return nil, nil, false, false
	}
	lt, rt := l.Type(), r.Type()
	if !lt.Same(rt) && !(lt.IsString() && rt.IsString()) {
		t, fits := commonType([]types.Type{lt, rt})
		if !fits {
			return nil, nil, false, false
		}
		l, r = castTo(l, t), castTo(r, t)
	}
	return l, r, call.Func != "=", true
}

// windowKeys makes a window join of a join whose keys hold both sides' window start and end, else nil.
func windowKeys(j *Join) Node {
	lw, rw := carriedWindow(j.Left), carriedWindow(j.Right)
	if lw == nil || rw == nil {
		return nil
	}
	var start, end bool
	keys := JoinKeys{}
	for i := range j.Keys.Left {
		l, r := j.Keys.Left[i], j.Keys.Right[i]
		switch {
		case l == lw.start && r == rw.start:
			start = true
		case l == lw.end && r == rw.end:
			end = true
		default:
			keys.Left, keys.Right, keys.NullSafe = append(keys.Left, l), append(keys.Right, r), append(keys.NullSafe, j.Keys.NullSafe[i])
		}
	}
	if !start || !end {
		return nil
	}
	return &WindowJoin{Base: j.Base, Left: j.Left, Right: j.Right, Kind: j.Kind, Keys: keys, Cond: j.Cond, LeftW: lw.attached(), RightW: rw.attached()}
}

// attached is the window as a property of rows that carry it.
func (c *carried) attached() Window {
	w := c.Window
	w.Start, w.End, w.TimeCol, w.PartitionBy = c.start, c.end, c.time, nil
	return w
}
