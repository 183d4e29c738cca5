package planner

import (
	"slices"
	"strings"

	"weir/sql/ast"
)

// notOnFlink names what an OVER window does here and Flink refuses while streaming.
func notOnFlink(o *Over, batch bool) []Warning {
	var out []Warning
	add := func(what, instead string) {
		out = append(out, Warning{Kind: NotOnFlink, Msg: what + " does not run on Flink", Hint: instead})
	}
	if slices.ContainsFunc(o.Aggs, func(a AggCall) bool { return a.Filter >= 0 }) {
		add("FILTER of an OVER call", "there, aggregate a CASE without ELSE")
	}
	switch {
	case batch:
	case len(o.Order) > 1:
		add("OVER ordered by more than one column while streaming", "there, order by one column")
	case len(o.Order) == 1 && o.Order[0].Desc:
		add("OVER ordered descending while streaming", "there, order ascending")
	}
	return out
}

// typesNull are the functions that take an untyped NULL on Flink: they have its type from the others.
var typesNull = []string{"COALESCE", "IFNULL", "NULLIF"}

// untyped warns, once a statement, of NULLs that Flink refuses because nothing gives them a type.
func (b *binder) untyped(list ...ast.Expr) {
	for _, e := range list {
		l, ok := ast.Unparen(e).(*ast.Literal)
		if !ok || l.Kind != ast.NullLit || b.toldNull {
			continue
		}
		b.toldNull = true
		b.warn(e, "an untyped NULL here does not run on Flink", "write CAST(NULL AS type)")
	}
}

func (b *binder) untypedArgs(c *ast.Call) {
	if !slices.Contains(typesNull, strings.ToUpper(c.Name.Last())) {
		b.untyped(c.Args...)
	}
}
