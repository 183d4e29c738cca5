package planner

import (
	"slices"

	"weir/sql/ast"
	"weir/sql/types"
)

// byValues tells whether a lateral query reads the left side elsewhere than in equalities of its WHERE, where
// these are needed: to group its rows or to find the first of them.
func (sub *inner) byValues(ls *scope, perKey bool) bool {
	for _, c := range sub.conds {
		if _, _, ok := outerEquality(c); perKey && !ok {
			return true
		}
	}
	return len(outerReads(sub.sel, sub.s, ls, false)) > 0
}

// outerReads are the columns of the scope around that a SELECT reads, ascending; where says whether in its WHERE too.
func outerReads(sel *ast.Select, s, around *scope, where bool) []int {
	list := append(outputs(sel, nil), sel.GroupBy...)
	if where && sel.Where != nil {
		list = append(list, sel.Where)
	}
	used := map[int]bool{}
	for _, e := range list {
		ast.Walk(e, func(n ast.Node) bool {
			name, ok := n.(*ast.Name)
			if ok {
				if _, err := s.resolve(name); err != nil {
					if x, err := around.resolve(name); err == nil {
						columnsOf(x, used)
					}
				}
			}
			_, query := n.(ast.Query)
			return !query
		})
	}
	return inOrder(used)
}

func inOrder(set map[int]bool) []int {
	var out []int
	for k := range set {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// lateralValues binds FROM and WHERE of a lateral query joined with the distinct values that it reads of the
// left side, which its rows then belong to. As in Flink, a left row with a NULL among these has no rows.
func (b *binder) lateralValues(j *ast.Join, ls *scope, sel *ast.Select) (*inner, error) {
	warned := len(b.warnings)
	left, vs, err := b.relation(j.Left, ls.outer) // once more: rules change nodes in place, so two uses share none
	if err != nil {
		return nil, err
	}
	left = b.settle(left, nil)
	vs.refresh(left)
	ttls, err := b.selectHints(sel)
	if err != nil {
		return nil, err
	}
	keep := b.ttls
	b.ttls = ttls
	rows, s, err := b.from(sel.From, ls)
	b.ttls, b.warnings = keep, b.warnings[:warned]
	if err != nil {
		return nil, err
	}
	own := &scope{outer: ls, values: map[int]int{}}
	var list []Expr
	var names []string
	for i, c := range outerReads(sel, s, ls, true) {
		own.values[c] = i
		own.cols = append(own.cols, scopeCol{typ: vs.cols[c].typ, hidden: true})
		list, names = append(list, vs.ref(c)), append(names, "$left")
	}
	values := distinct(project(left, list, uniquify(names)), b.p.Settings.StateTTL)
	out := joinColumns(values.Info().Out, rows.Info().Out, InnerJoin)
	n := &Join{Base: newBase(out), Left: values, Right: rows, Kind: InnerJoin, LeftTTL: b.p.Settings.StateTTL, RightTTL: b.ttlOf(sel.From)}
	full := own.join(s)
	full.values, full.windows = own.values, sel.Windows
	full.refresh(n)
	sub := &inner{s: full, sel: sel}
	if sub.node, err = b.where(n, full, sel.Where); err != nil {
		return nil, err
	}
	for c, i := range own.values {
		eq := &Call{Func: "=", Args: []Expr{&outerRef{c, ls.cols[c].typ}, full.ref(i)}, T: types.BooleanType}
		sub.conds = append(sub.conds, eq)
	}
	slices.SortFunc(sub.conds, func(x, y Expr) int {
		return x.(*Call).Args[1].(*ColRef).Index - y.(*Call).Args[1].(*ColRef).Index
	})
	return sub, nil
}
