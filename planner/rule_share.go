package planner

import (
	"fmt"
	"slices"

	"weir/sql/types"
)

// shareScans makes one Scan of all that read the same table with the same options: it reads what any
// of them wants, and each consumer takes its columns.
func shareScans(roots []Node) {
	groups := map[string][]*Scan{}
	var order []string
	for _, n := range postorder(roots) {
		s, ok := n.(*Scan)
		if !ok {
			continue
		}
		key := fmt.Sprintf("%q %q", s.Table.Path, s.hints)
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], s)
	}
	for _, key := range order {
		if g := groups[key]; len(g) > 1 {
			mergeScans(roots, g)
		}
	}
}

// mergeScans puts one Scan in the place of several, with a projection above it where the columns differ.
func mergeScans(roots []Node, group []*Scan) {
	one := unite(group)
	by := map[Node]Node{}
	for _, s := range group {
		by[s] = selectFrom(one, s.Out)
	}
	for _, n := range postorder(roots) {
		for i, in := range n.Inputs() {
			if got := by[in]; got != nil {
				setInput(n, i, got)
			}
		}
	}
	for _, n := range postorder(roots) {
		c, ok := n.(*Calc)
		if !ok {
			continue
		}
		if low, ok := c.Input.(*Calc); ok && low.Input == Node(one) && low.Cond == nil {
			c.Exprs, c.Cond, c.Input = substituteAll(c.Exprs, low.Exprs), substitute(c.Cond, low.Exprs), one
		}
	}
}

func substituteAll(list, by []Expr) []Expr {
	out := make([]Expr, len(list))
	for i, e := range list {
		out[i] = substitute(e, by)
	}
	return out
}

func selectFrom(one *Scan, want types.Schema) Node {
	exprs := make([]Expr, len(want))
	same := len(want) == len(one.Out)
	for i, c := range want {
		at := one.Out.Index(c.Name)
		exprs[i] = &ColRef{Index: at, T: c.Type}
		same = same && at == i
	}
	if same {
		return one
	}
	return project(one, exprs, want.Names())
}

// unite makes the Scan of all columns that the group reads. ROWs are still whole here.
func unite(group []*Scan) *Scan {
	first := group[0]
	one := &Scan{Base: newBase(nil), Table: first.Table, Config: first.Config, Common: first.Common, ErrorTarget: first.ErrorTarget, LateTarget: first.LateTarget, hints: first.hints}
	for _, c := range first.Table.Columns {
		if c.Kind == Physical {
			if s := findColumn(group, c.Name); s != nil {
				one.Columns = append(one.Columns, *s)
			}
		}
	}
	for _, s := range group {
		one.Limit = max(one.Limit, s.Limit)
		for _, k := range s.Meta {
			if !slices.Contains(one.Meta, k) {
				one.Meta = append(one.Meta, k)
			}
		}
	}
	for _, s := range group {
		if s.Limit == 0 {
			one.Limit = 0
		}
	}
	for _, c := range first.Table.Columns {
		for _, s := range group {
			if i := s.Out.Index(c.Name); i >= 0 {
				one.Out = append(one.Out, s.Out[i])
				one.Exprs = append(one.Exprs, moveSource(s.Exprs[i], s, one))
				break
			}
		}
	}
	if w := first.Watermark; w != nil {
		to := make([]int, len(first.Out))
		for i, c := range first.Out {
			to[i] = one.Out.Index(c.Name)
		}
		one.Watermark = &Watermark{Column: to[w.Column], Expr: remap(w.Expr, to), EachRow: w.EachRow}
	}
	return one
}

func findColumn(group []*Scan, name string) *types.Column {
	for _, s := range group {
		if i := s.Columns.Index(name); i >= 0 {
			return &s.Columns[i]
		}
	}
	return nil
}

// moveSource makes an expression over one Scan's source columns one over another's.
func moveSource(e Expr, from, to *Scan) Expr {
	n := len(from.Columns)
	at := make([]int, n+len(from.Meta))
	for i := range at {
		if i < n {
			at[i] = to.Columns.Index(from.Columns[i].Name)
		} else {
			at[i] = len(to.Columns) + slices.Index(to.Meta, from.Meta[i-n])
		}
	}
	return remap(e, at)
}
