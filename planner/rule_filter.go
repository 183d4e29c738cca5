package planner

// Filters go down as far as they may: through projections (mergeCalcs), UNION ALL, window functions and
// joins. They never go into a Scan, so every row still moves the watermark.

// pushCalcUnion puts a Calc into the inputs of a UNION ALL.
func pushCalcUnion(n Node, _ *binder) (Node, bool) {
	c, ok := n.(*Calc)
	if !ok {
		return n, false
	}
	u, ok := c.Input.(*Union)
	if !ok || volatileAny(c) {
		return n, false
	}
	out := &Union{Base: c.Base, Ins: make([]Node, len(u.Ins))}
	for i, in := range u.Ins {
		out.Ins[i] = &Calc{Base: newBase(c.Out), Input: in, Cond: c.Cond, Exprs: c.Exprs}
	}
	return out, true
}

func volatileAny(c *Calc) bool {
	for _, e := range c.Exprs {
		if volatile(e) {
			return true
		}
	}
	return volatile(c.Cond)
}

// splitFilter parts a condition: what can be decided of a row's first columns alone, before the others are there, and what cannot.
func splitFilter(cond Expr, width int) (down, stay []Expr) {
	for _, p := range conjuncts(cond) {
		if len(stay) > 0 || readsFrom(p, width) || volatile(p) { // order decides which condition fails first
			stay = append(stay, p)
		} else {
			down = append(down, p)
		}
	}
	return down, stay
}

// pushFilterTVF filters before rows are copied into windows.
func pushFilterTVF(n Node, _ *binder) (Node, bool) {
	c, ok := n.(*Calc)
	if !ok || c.Cond == nil || readsWatermark(c.Cond) {
		return n, false
	}
	tvf, ok := c.Input.(*WindowTVF)
	if !ok || tvf.Window.byKey() { // a row less may part a session, or begin another window
		return n, false
	}
	down, stay := splitFilter(c.Cond, len(tvf.Input.Info().Out))
	if len(down) == 0 {
		return n, false
	}
	low := &WindowTVF{Base: newBase(tvf.Out), Input: filter(tvf.Input, conjoin(down)), Window: tvf.Window}
	return &Calc{Base: c.Base, Input: low, Cond: conjoin(stay), Exprs: c.Exprs}, true
}

// pushFilterLookup filters the rows that ask before they do: fewer requests, and fewer rows without an answer.
func pushFilterLookup(n Node, _ *binder) (Node, bool) {
	c, ok := n.(*Calc)
	if !ok || c.Cond == nil || readsWatermark(c.Cond) {
		return n, false
	}
	j, ok := c.Input.(*LookupJoin)
	if !ok {
		return n, false
	}
	down, stay := splitFilter(c.Cond, len(j.Input.Info().Out))
	if len(down) == 0 {
		return n, false
	}
	low := *j
	low.Base, low.Input = newBase(j.Out), filter(j.Input, conjoin(down))
	return &Calc{Base: c.Base, Input: &low, Cond: conjoin(stay), Exprs: c.Exprs}, true
}

func readsWatermark(e Expr) bool {
	found := false
	walkExpr(e, func(x Expr) bool {
		if c, ok := x.(*Call); ok && c.Func == "CURRENT_WATERMARK" {
			found = true
		}
		return !found
	})
	return found
}
