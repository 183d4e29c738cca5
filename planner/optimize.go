package planner

// optimize applies the rules. The bound tree has a Scan of all columns for each mention of a table;
// behind the rules a table that is read twice with the same options is one node.
func optimize(roots []Node, b *binder) []Node {
	for i, r := range roots {
		r = rewriteUp(r, b)
		r = rewriteUp(r, b, topN) // the row number's use is known once projections are merged
		pruneRoot(r)
		roots[i] = rewriteUp(r, b)
		pushLimit(roots[i])
		limitChanges(roots[i], b)
		dropReorders(roots[i])
		if b.p.Settings.SplitDistinct > 0 && !b.p.Settings.Batch {
			roots[i] = splitDistinct(roots[i], b)
		}
	}
	shareScans(roots)
	pruneFields(roots) // a ROW is narrowed for all that read it: narrowed for each, they could not share the Scan
	for _, n := range postorder(roots) {
		if s, ok := n.(*Scan); ok {
			s.Exprs = trivialExprs(s)
			if s.Watermark != nil {
				s.Watermark.EachRow = b.readsWatermark
			}
		}
	}
	return roots
}

// rule rewrites a node whose inputs are rewritten, or tells that it does not apply.
type rule func(Node, *binder) (Node, bool)

// rewriteUp rewrites inputs first, then the node, until no rule changes it.
func rewriteUp(n Node, b *binder, more ...rule) Node {
	for i, in := range n.Inputs() {
		if got := rewriteUp(in, b, more...); got != in {
			setInput(n, i, got)
		}
	}
	for _, apply := range append([]rule{mergeCalcs, pushCalcUnion, pushFilterTVF, pushFilterLookup, dropCalc}, more...) {
		if got, changed := apply(n, b); changed {
			return rewriteUp(got, b, more...)
		}
	}
	return n
}

// trivialExprs is nil where the Scan gives its columns and metadata as they are.
func trivialExprs(s *Scan) []Expr {
	if len(s.Exprs) != len(s.Columns)+len(s.Meta) {
		return s.Exprs
	}
	for i, e := range s.Exprs {
		c, ok := e.(*ColRef)
		if !ok || c.Index != i {
			return s.Exprs
		}
	}
	return nil
}
