package planner

import "weir/sql/types"

// pruneFields makes Scans decode no more fields of their ROW columns than the Calcs right above read.
func pruneFields(roots []Node) {
	readers, whole := map[*Scan][]*Calc{}, map[*Scan]bool{}
	nodes := postorder(roots)
	for _, n := range nodes {
		for _, in := range n.Inputs() {
			s, ok := in.(*Scan)
			if !ok {
				continue
			}
			if c, ok := n.(*Calc); ok && c.Exprs != nil {
				readers[s] = append(readers[s], c)
			} else {
				whole[s] = true
			}
		}
	}
	for _, n := range nodes {
		if s, ok := n.(*Scan); ok && len(readers[s]) > 0 && !whole[s] {
			pruneScanFields(s, readers[s])
		}
	}
}

// fieldUse is which fields of a value are read.
type fieldUse struct {
	all bool
	sub map[int]*fieldUse
}

func (u *fieldUse) at(i int) *fieldUse {
	if u.sub == nil {
		u.sub = map[int]*fieldUse{}
	}
	if u.sub[i] == nil {
		u.sub[i] = &fieldUse{}
	}
	return u.sub[i]
}

// useOf finds the use of the value that a chain of fields over a column ends in; nil if e is no such chain.
func useOf(e Expr, cols []*fieldUse) *fieldUse {
	switch e := e.(type) {
	case *ColRef:
		return cols[e.Index]
	case *Field:
		if u := useOf(e.X, cols); u != nil {
			return u.at(e.Index)
		}
	}
	return nil
}

// markUses marks every value that e reads whole.
func markUses(e Expr, cols []*fieldUse) {
	walkExpr(e, func(x Expr) bool {
		if u := useOf(x, cols); u != nil {
			u.all = true
			return false
		}
		return true
	})
}

func newUses(n int) []*fieldUse {
	out := make([]*fieldUse, n)
	for i := range out {
		out[i] = &fieldUse{}
	}
	return out
}

// usesOf is which fields of a Scan's source columns are read, by itself and by the Calcs above it.
func usesOf(s *Scan, readers []*Calc) []*fieldUse {
	out := newUses(len(s.Out))
	for _, c := range readers {
		for _, e := range c.Exprs {
			markUses(e, out)
		}
		markUses(c.Cond, out)
	}
	if s.Watermark != nil {
		markUses(s.Watermark.Expr, out)
	}
	src := newUses(len(s.Columns) + len(s.Meta))
	for i, e := range s.Exprs {
		if ref, ok := e.(*ColRef); ok {
			src[ref.Index].merge(out[i])
		} else {
			markUses(e, src)
		}
	}
	return src
}

func pruneScanFields(s *Scan, readers []*Calc) {
	src := usesOf(s, readers)
	changed := false
	maps := make([]*fieldMap, len(src))
	for i := range s.Columns {
		m, t := narrow(s.Columns[i].Type, src[i])
		if m != nil {
			maps[i], changed = m, true
			s.Columns[i].Type = t
		}
	}
	if !changed {
		return
	}
	outMaps := make([]*fieldMap, len(s.Out))
	for i, e := range s.Exprs {
		s.Exprs[i] = renumber(e, maps)
		if ref, ok := e.(*ColRef); ok && maps[ref.Index] != nil {
			outMaps[i] = maps[ref.Index]
			s.Out[i].Type = s.Columns[ref.Index].Type
			s.Exprs[i] = &ColRef{Index: ref.Index, T: s.Columns[ref.Index].Type}
		}
	}
	for _, c := range readers {
		for i, e := range c.Exprs {
			c.Exprs[i] = renumber(e, outMaps)
		}
		c.Cond = renumber(c.Cond, outMaps)
	}
	if s.Watermark != nil {
		s.Watermark.Expr = renumber(s.Watermark.Expr, outMaps)
	}
}

func (u *fieldUse) merge(v *fieldUse) {
	u.all = u.all || v.all
	for i, s := range v.sub {
		u.at(i).merge(s)
	}
}

// fieldMap says where the fields of a narrowed ROW are now.
type fieldMap struct {
	to  map[int]int
	sub map[int]*fieldMap
	typ types.Type
}

// narrow takes the fields away that are not read; nil where the type stays.
func narrow(t types.Type, u *fieldUse) (*fieldMap, types.Type) {
	if t.Kind != types.Row || u.all || len(u.sub) == 0 {
		return nil, t
	}
	m := &fieldMap{to: map[int]int{}, sub: map[int]*fieldMap{}}
	out := t
	out.Fields = nil
	changed := len(u.sub) < len(t.Fields)
	for i, f := range t.Fields {
		use := u.sub[i]
		if use == nil {
			continue
		}
		sub, ft := narrow(f.Type, use)
		if sub != nil {
			m.sub[i], changed = sub, true
		}
		m.to[i] = len(out.Fields)
		out.Fields = append(out.Fields, types.Field{Name: f.Name, Type: ft})
	}
	if !changed {
		return nil, t
	}
	m.typ = out
	return m, out
}

// renumber follows narrowed ROWs in chains of fields.
func renumber(e Expr, cols []*fieldMap) Expr {
	if e == nil {
		return nil
	}
	if x, _, ok := chain(e, cols); ok {
		return x
	}
	switch e := e.(type) {
	case *ColRef, *Literal:
		return e
	case *Field:
		return &Field{X: renumber(e.X, cols), Index: e.Index, T: e.T}
	}
	return mapChildren(e, func(c Expr) Expr { return renumber(c, cols) })
}

// chain rewrites a chain of fields over a narrowed column; ok false if e is none.
func chain(e Expr, cols []*fieldMap) (Expr, *fieldMap, bool) {
	switch e := e.(type) {
	case *ColRef:
		m := cols[e.Index]
		if m == nil {
			return e, nil, false
		}
		return &ColRef{Index: e.Index, T: m.typ}, m, true
	case *Field:
		x, m, ok := chain(e.X, cols)
		if !ok {
			return e, nil, false
		}
		if m == nil {
			return &Field{X: x, Index: e.Index, T: e.T}, nil, true
		}
		t := e.T
		sub := m.sub[e.Index]
		if sub != nil {
			t = sub.typ.WithNull(e.T.Nullable())
		}
		return &Field{X: x, Index: m.to[e.Index], T: t}, sub, true
	}
	return e, nil, false
}

// mapChildren rebuilds e with each operand replaced.
func mapChildren(e Expr, f func(Expr) Expr) Expr {
	all := func(list []Expr) []Expr {
		out := make([]Expr, len(list))
		for i, x := range list {
			out[i] = f(x)
		}
		return out
	}
	switch e := e.(type) {
	case *Call:
		c := *e
		c.Args = all(e.Args)
		return &c
	case *Cast:
		c := *e
		c.X = f(e.X)
		return &c
	case *And:
		return &And{Args: all(e.Args)}
	case *Or:
		return &Or{Args: all(e.Args)}
	case *Not:
		return &Not{X: f(e.X)}
	case *In:
		return &In{X: f(e.X), List: e.List, Neg: e.Neg}
	case *Case:
		out := &Case{T: e.T}
		for _, w := range e.Whens {
			out.Whens = append(out.Whens, When{f(w.Cond), f(w.Then)})
		}
		if e.Else != nil {
			out.Else = f(e.Else)
		}
		return out
	}
	return e
}
