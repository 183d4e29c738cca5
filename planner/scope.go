package planner

import (
	"fmt"
	"slices"
	"strings"

	"weir/sql"
	"weir/sql/ast"
	"weir/sql/types"
)

// scope is the columns that names in an expression may mean: those of one node, in order.
type scope struct {
	cols []scopeCol
	// order is the order in which * lists the columns, where that is not their own: those of USING come first.
	order []int
	// using pairs the columns of USING, of a join while it is bound.
	using [][2]int
	// agg is set behind an aggregation: then expressions over groups are looked for first.
	agg *aggScope
	// over collects OVER calls where they are allowed; nil elsewhere.
	over *overScope
	// outer is the scope around a subquery.
	outer *scope
	// values gives columns of outer that the subquery's rows are joined with: their places in cols.
	values map[int]int
	// match is set inside MATCH_RECOGNIZE.
	match *matchScope
	// windows are the named windows of the SELECT.
	windows []*ast.WindowDef
	// subs collects subqueries in expressions; nil where they are not allowed.
	subs *subScope
	// rel is the FROM that the columns come from, where subqueries may ask for its values.
	rel ast.Relation
	// aliases are the items of the select list, which QUALIFY may name.
	aliases []item
}

// scopeCol is a visible column; its place is the column's index in the node.
type scopeCol struct {
	path   []string // of the relation: alias, or catalog, database, table; its last is what t.* names
	name   string
	typ    types.Type
	attr   types.TimeAttr
	hidden bool // found by name only when qualified, and not by *: the right side of USING
}

func (s *scope) ref(i int) *ColRef { return &ColRef{Index: i, T: s.cols[i].typ} }

// scopeOf makes the scope of a relation's node under one name path.
func scopeOf(n Node, path []string) *scope {
	s := &scope{}
	for _, c := range n.Info().Out {
		s.cols = append(s.cols, scopeCol{path: path, name: c.Name, typ: c.Type, attr: c.TimeAttr})
	}
	return s
}

// join puts two scopes side by side, as a join does.
func (s *scope) join(r *scope) *scope {
	out := &scope{cols: append(append([]scopeCol(nil), s.cols...), r.cols...), outer: s.outer}
	if s.order != nil || r.order != nil {
		out.order = s.listed()
		for _, i := range r.listed() {
			out.order = append(out.order, i+len(s.cols))
		}
	}
	return out
}

// listed is the columns in the order of *.
func (s *scope) listed() []int {
	out := slices.Clone(s.order)
	if out == nil {
		out = span(0, len(s.cols))
	}
	for i := range s.cols { // columns that came later
		if !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	return out
}

// first puts columns in front of * .
func (s *scope) first(cols []int) {
	order := slices.Clone(cols)
	for _, i := range s.listed() {
		if !slices.Contains(cols, i) {
			order = append(order, i)
		}
	}
	s.order = order
}

// matches tells whether the name's qualifier means the column's relation: it is a tail of its path.
func (c *scopeCol) matches(qual []ast.Ident) bool {
	if len(qual) == 0 {
		return true
	}
	if len(qual) > len(c.path) {
		return false
	}
	tail := c.path[len(c.path)-len(qual):]
	for i := range qual {
		if qual[i].Name != tail[i] {
			return false
		}
	}
	return true
}

// resolve finds what a dotted name means: the longest qualifier that names a relation first, then a
// column, then fields of it.
func (s *scope) resolve(n *ast.Name) (Expr, error) {
	for q := len(n.Parts) - 1; q >= 0; q-- {
		found := s.find(n.Parts[:q], n.Parts[q].Name)
		if len(found) > 1 {
			return nil, sql.Errorf(n, "column %q is ambiguous", n.Parts[q].Name).WithHint("%s", s.owners(found))
		}
		if len(found) == 1 {
			return s.fields(s.ref(found[0]), n.Parts[q+1:])
		}
	}
	for _, it := range s.aliases {
		if len(n.Parts) == 1 && it.name == n.Parts[0].Name {
			return it.expr, nil
		}
	}
	return nil, s.unknown(n)
}

func (s *scope) find(qual []ast.Ident, name string) []int {
	var out []int
	for i := range s.cols {
		c := &s.cols[i]
		if c.name == name && c.matches(qual) && !(c.hidden && len(qual) == 0) {
			out = append(out, i)
		}
	}
	return out
}

func (s *scope) owners(cols []int) string {
	var names []string
	for _, c := range cols {
		if t := last(s.cols[c].path); t != "" && !slices.Contains(names, t) {
			names = append(names, t)
		}
	}
	if len(names) < 2 {
		return "give one of the columns another name with AS, below"
	}
	return "write " + names[0] + "." + s.cols[cols[0]].name + " or " + names[1] + "." + s.cols[cols[1]].name
}

func last(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}

// fields goes down into a ROW.
func (s *scope) fields(e Expr, parts []ast.Ident) (Expr, error) {
	for i := range parts {
		f, err := fieldOf(e, &parts[i])
		if err != nil {
			return nil, err
		}
		e = f
	}
	return e, nil
}

// fieldOf is a field of a ROW by name; NULL where the row is.
func fieldOf(e Expr, name *ast.Ident) (Expr, error) {
	t := e.Type()
	if t.Kind != types.Row {
		return nil, sql.Errorf(name, "no field %q: the value before it is of type %s, not a ROW", name.Name, t)
	}
	var names []string
	for i, f := range t.Fields {
		if f.Name == name.Name {
			ft := f.Type
			return &Field{X: e, Index: i, T: ft.WithNull(ft.Nullable() || t.Nullable())}, nil
		}
		names = append(names, f.Name)
	}
	err := sql.Errorf(name, "no field %q in %s", name.Name, t.WithNull(true))
	return nil, suggest(err, name.Name, names)
}

// suggest adds the nearest right name to an error.
func suggest(err *sql.Error, name string, names []string) *sql.Error {
	if near := sql.Nearest(name, names); near != "" {
		err.Msg += fmt.Sprintf("; did you mean %q?", near)
	} else if len(names) > 0 && len(names) <= 12 {
		err = err.WithHint("there is %s", strings.Join(names, ", "))
	}
	return err
}

// unknown explains why a name means nothing.
func (s *scope) unknown(n *ast.Name) error {
	at, qual := ast.Node(&n.Parts[0]), n.Parts[:0]
	if len(n.Parts) > 1 && s.relation(n.Parts[:len(n.Parts)-1]) {
		at, qual = &n.Parts[len(n.Parts)-1], n.Parts[:len(n.Parts)-1]
	}
	var names, tables []string
	for i := range s.cols {
		if s.cols[i].matches(qual) {
			names = append(names, s.cols[i].name)
		}
		if t := last(s.cols[i].path); t != "" && (len(tables) == 0 || tables[len(tables)-1] != t) {
			tables = append(tables, t)
		}
	}
	if len(qual) == 0 && len(n.Parts) > 1 {
		err := sql.Errorf(at, "no table or column %q here", n.Parts[0].Name)
		return suggest(err, n.Parts[0].Name, append(tables, names...))
	}
	where := " here"
	if len(qual) > 0 {
		where = " in " + qual[len(qual)-1].Name
	} else if len(tables) == 1 {
		where = " in " + tables[0]
	}
	name := n.Parts[len(qual)].Name
	return suggest(sql.Errorf(at, "no column %q%s", name, where), name, names)
}

// relation tells whether the qualifier names a relation of the scope.
func (s *scope) relation(qual []ast.Ident) bool {
	for i := range s.cols {
		if s.cols[i].matches(qual) {
			return true
		}
	}
	return false
}

// star lists the columns that `*` or `t.*` stands for.
func (s *scope) star(star *ast.Star) ([]int, error) {
	var out []int
	list := span(0, len(s.cols))
	if star.Table == nil && s.order != nil {
		list = s.listed()
	}
	for _, i := range list {
		c := &s.cols[i]
		if star.Table == nil && !c.hidden || star.Table != nil && c.matches(star.Table.Parts) {
			out = append(out, i)
		}
	}
	if len(out) == 0 && star.Table != nil {
		var tables []string
		for i := range s.cols {
			tables = append(tables, last(s.cols[i].path))
		}
		return nil, suggest(sql.Errorf(star.Table, "no table %q here", star.Table.String()), star.Table.Last(), tables)
	}
	return out, nil
}

// refresh takes over types and time attributes from the node, which has the same columns.
func (s *scope) refresh(n Node) {
	for i, c := range n.Info().Out {
		if i < len(s.cols) {
			s.cols[i].typ, s.cols[i].attr = c.Type, c.TimeAttr
		}
	}
}
