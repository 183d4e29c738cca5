package planner

// dropReorders takes away projections that only pick and order columns below an aggregate, which finds
// its columns by number anyway.
func dropReorders(root Node) {
	for _, n := range postorder([]Node{root}) {
		switch n := n.(type) {
		case *GroupAgg:
			if to, in := picks(n.Input); in != nil {
				n.Input, n.Keys, n.Aggs = in, remapCols(n.Keys, to), remapAggs(n.Aggs, to)
			}
		case *WindowAgg:
			if to, in := picks(n.Input); in != nil {
				n.Input, n.Keys, n.Aggs = in, remapCols(n.Keys, to), remapAggs(n.Aggs, to)
				remapWindow(&n.Window, to)
			}
		}
	}
}

// picks tells which column of the input each column of a pure projection is; nil if n is none.
func picks(n Node) ([]int, Node) {
	c, ok := n.(*Calc)
	if !ok || c.Cond != nil {
		return nil, nil
	}
	to := make([]int, len(c.Exprs))
	for i, e := range c.Exprs {
		ref, ok := e.(*ColRef)
		if !ok {
			return nil, nil
		}
		to[i] = ref.Index
	}
	return to, c.Input
}
