package planner

// reachable drops the arguments of COALESCE behind the first that is never NULL: they are not evaluated,
// so what would fail in them does not. All before it are evaluated, whichever counts.
func reachable(e *Call) Expr {
	for i, a := range e.Args {
		if !a.Type().NotNull {
			continue
		}
		if i == 0 {
			return castTo(a, e.T)
		}
		short := *e
		short.Args = e.Args[:i+1]
		return &short
	}
	return e
}
