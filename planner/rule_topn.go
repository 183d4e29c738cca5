package planner

import (
	"math"
	"slices"

	"weir/sql/types"
)

// topN makes a Top-N of a filter on a row number, a deduplication where only the first row in time
// counts, and both within a window where the rows carry one.
func topN(n Node, b *binder) (Node, bool) {
	c, ok := n.(*Calc)
	if !ok || c.Cond == nil {
		return n, false
	}
	o, ok := c.Input.(*Over)
	if !ok || len(o.Aggs) != 1 || o.Aggs[0].Func != "ROW_NUMBER" || len(o.Order) == 0 {
		return n, false
	}
	rn := len(o.Out) - 1
	lo, hi, rest := rankBounds(conjuncts(c.Cond), rn)
	var bound Expr
	if hi == math.MaxInt64 {
		if bound, rest = rankExpr(rest, rn, o.Partition); bound == nil {
			return n, false
		}
	}
	used := map[int]bool{}
	for _, e := range append(slices.Clone(c.Exprs), rest...) {
		columnsOf(e, used)
	}
	rank := used[rn] && lo != hi
	low := rankNode(o, lo, hi, rank, b)
	if t, ok := low.(*TopN); ok && bound != nil {
		t.FetchExpr, t.Fetch = bound, -1
	} else if bound != nil {
		return n, false
	}
	exprs, cond := c.Exprs, conjoin(rest)
	if used[rn] && !rank { // the one row number that passes is a constant
		by := refs(o.Out)
		by[rn] = BigIntLit(lo)
		exprs, cond = substituteAll(exprs, by), substitute(cond, by)
	}
	return &Calc{Base: c.Base, Input: low, Cond: cond, Exprs: exprs}, true
}

// rankBounds takes the bounds of the row number out of the conditions.
func rankBounds(conds []Expr, rn int) (lo, hi int64, rest []Expr) {
	lo, hi = 1, math.MaxInt64
	for _, c := range conds {
		op, k, ok := rankTerm(c, rn)
		switch {
		case ok && op == "=":
			lo, hi = max(lo, k), min(hi, k)
		case ok && op == "<":
			hi = min(hi, k-1)
		case ok && op == "<=":
			hi = min(hi, k)
		case ok && op == ">":
			lo = max(lo, k+1)
		case ok && op == ">=":
			lo = max(lo, k)
		default:
			rest = append(rest, c)
		}
	}
	return lo, hi, rest
}

// rankExpr takes `row number <= x` out of the conditions, where x reads partition columns only.
func rankExpr(conds []Expr, rn int, partition []int) (Expr, []Expr) {
	for i, c := range conds {
		call, ok := c.(*Call)
		if !ok || len(call.Args) != 2 || call.Func != "<=" && call.Func != ">=" {
			continue
		}
		l, r := call.Args[0], call.Args[1]
		if call.Func == ">=" {
			l, r = r, l
		}
		used := map[int]bool{}
		columnsOf(r, used)
		ref, isRef := l.(*ColRef)
		if isRef && ref.Index == rn && len(used) > 0 && subset(sortedSet(used), partition) {
			return r, append(slices.Clone(conds[:i]), conds[i+1:]...)
		}
	}
	return nil, conds
}

// rankTerm reads a comparison of the row number with a constant, the row number on the left.
func rankTerm(c Expr, rn int) (op string, k int64, ok bool) {
	call, is := c.(*Call)
	if !is || len(call.Args) != 2 {
		return "", 0, false
	}
	op = call.Func
	l, r := call.Args[0], call.Args[1]
	if _, lit := l.(*Literal); lit {
		l, r = r, l
		if turned, ok := map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<="}[op]; ok {
			op = turned
		}
	}
	ref, isRef := l.(*ColRef)
	lit, isLit := r.(*Literal)
	if !isRef || !isLit || ref.Index != rn || !lit.T.IsInteger() || isNullLit(lit) {
		return "", 0, false
	}
	return op, int64Of(lit), op == "=" || op == "<" || op == "<=" || op == ">" || op == ">="
}

// rankNode is the node in the place of the Over and its filter.
func rankNode(o *Over, lo, hi int64, rank bool, b *binder) Node {
	out := o.Out
	if !rank {
		out = out[:len(out)-1]
	}
	base := newBase(slices.Clone(out))
	in := o.Input
	if w := carriedWindow(in); w != nil && w.start >= 0 && w.end >= 0 && slices.Contains(o.Partition, w.start) && slices.Contains(o.Partition, w.end) {
		var part []int
		for _, p := range o.Partition {
			if p != w.start && p != w.end {
				part = append(part, p)
			}
		}
		return &WindowTopN{Base: base, Input: in, Window: w.attached(), Partition: part, Keys: o.Order, Offset: lo - 1, Fetch: max(hi-lo+1, 0), Rank: rank}
	}
	if t, ok := dedupTime(o, in); ok && lo == 1 && hi == 1 {
		return &Dedup{Base: base, Input: in, Keys: o.Partition, TimeCol: t, ProcTime: in.Info().Out[t].TimeAttr == types.ProcTime, Last: o.Order[0].Desc, TTL: b.p.Settings.StateTTL}
	}
	return &TopN{Base: base, Input: in, Partition: o.Partition, Keys: o.Order, Offset: lo - 1, Fetch: max(hi-lo+1, 0), Rank: rank, TTL: b.p.Settings.StateTTL}
}

// dedupTime is the time attribute that is the only order.
func dedupTime(o *Over, in Node) (int, bool) {
	if len(o.Order) != 1 || in.Info().Out[o.Order[0].Col].TimeAttr == types.NotTime {
		return 0, false
	}
	return o.Order[0].Col, true
}
