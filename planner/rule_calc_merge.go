package planner

import "weir/sql/fn"

// mergeCalcs makes one Calc of two, the upper's expressions put over the lower's input, unless that
// would compute something twice or draw two random numbers for one.
func mergeCalcs(n Node, _ *binder) (Node, bool) {
	up, ok := n.(*Calc)
	if !ok {
		return n, false
	}
	low, ok := up.Input.(*Calc)
	if !ok || !mayInline(up, low) {
		return n, false
	}
	conds := conjuncts(low.Cond)
	for _, c := range conjuncts(up.Cond) {
		conds = append(conds, substitute(c, low.Exprs))
	}
	exprs := make([]Expr, len(up.Exprs))
	for i, e := range up.Exprs {
		exprs[i] = substitute(e, low.Exprs)
	}
	return &Calc{Base: up.Base, Input: low.Input, Cond: conjoin(conds), Exprs: exprs}, true
}

// mayInline tells whether each computed column of low is used once at most.
func mayInline(up, low *Calc) bool {
	uses := make([]int, len(low.Exprs))
	count := func(e Expr) {
		walkExpr(e, func(x Expr) bool {
			if c, ok := x.(*ColRef); ok {
				uses[c.Index]++
			}
			return true
		})
	}
	for _, e := range up.Exprs {
		count(e)
	}
	count(up.Cond)
	for i, e := range low.Exprs {
		if uses[i] > 1 && !cheap(e) || uses[i] > 0 && volatile(e) && up.Cond != nil {
			return false
		}
	}
	return true
}

// cheap: to read it twice costs nothing.
func cheap(e Expr) bool {
	switch e := e.(type) {
	case *ColRef, *Literal:
		return true
	case *Field:
		return cheap(e.X)
	}
	return isProcTime(e)
}

// volatile tells whether an expression may give something else each time.
func volatile(e Expr) bool {
	found := false
	walkExpr(e, func(x Expr) bool {
		if c, ok := x.(*Call); ok && !isProcTime(c) {
			found = found || volatileCall(c)
		}
		return !found
	})
	return found
}

func volatileCall(c *Call) bool {
	f, ok := fn.Lookup(c.Func)
	if !ok {
		return false
	}
	args := make([]fn.Arg, len(c.Args))
	for i, a := range c.Args {
		args[i] = fn.Arg{Type: a.Type(), Lit: constOf(a)}
	}
	call, err := f.Bind(args)
	return err == nil && call.Volatile
}

// dropCalc takes away a Calc that changes nothing.
func dropCalc(n Node, _ *binder) (Node, bool) {
	c, ok := n.(*Calc)
	if !ok {
		return n, false
	}
	if v, ok := truthOf(c.Cond); ok && v {
		return &Calc{Base: c.Base, Input: c.Input, Exprs: c.Exprs}, true
	}
	in := c.Input.Info().Out
	if c.Cond != nil || len(c.Exprs) != len(in) {
		return n, false
	}
	for i, e := range c.Exprs {
		ref, ok := e.(*ColRef)
		if !ok || ref.Index != i || in[i].Name != c.Out[i].Name || in[i].TimeAttr != c.Out[i].TimeAttr || !in[i].Type.Equal(c.Out[i].Type) {
			return n, false
		}
	}
	return c.Input, true
}
