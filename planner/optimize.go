package planner

// optimize applies the rules. The bound tree has a Scan of all columns for each mention of a table;
// behind the rules a table that is read twice with the same options is one node.
func optimize(roots []Node, b *binder) []Node {
	for i, r := range roots {
		r = rewriteUp(r, b)
		pruneRoot(r)
		roots[i] = rewriteUp(r, b)
		pruneFields(roots[i])
		pushLimit(roots[i])
		limitChanges(roots[i], b)
		dropReorders(roots[i])
	}
	shareScans(roots)
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

// rewriteUp rewrites inputs first, then the node, until no rule changes it.
func rewriteUp(n Node, b *binder) Node {
	for i, in := range n.Inputs() {
		if got := rewriteUp(in, b); got != in {
			setInput(n, i, got)
		}
	}
	for _, rule := range []func(Node, *binder) (Node, bool){mergeCalcs, pushCalcUnion, pushFilterTVF, pushFilterJoin, dropCalc} {
		if got, changed := rule(n, b); changed {
			return rewriteUp(got, b)
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
