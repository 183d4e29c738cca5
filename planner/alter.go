package planner

import (
	"slices"
	"strings"

	"weir/connectors/option"
	"weir/sql"
	"weir/sql/ast"
)

// AlterTable changes a table: the change is checked as CREATE TABLE would, and nothing changes on a mistake.
func (p *Planner) AlterTable(s *ast.AlterTable, src string) error {
	o, err := p.Catalog.find(s.Name)
	if err != nil {
		if s.IfExists {
			return nil
		}
		return err
	}
	if o.table == nil {
		return sql.Errorf(s.Name, "%q is a view, not a table", s.Name.String()).WithHint("write ALTER VIEW")
	}
	if r, ok := s.Action.(*ast.RenameTo); ok {
		return p.Catalog.rename(o, s.Name, r.Name)
	}
	d := p.edit(o.table, s.Name, src)
	if err := d.alter(s.Action); err != nil {
		return err
	}
	if err := d.resolve(); err != nil {
		return err
	}
	o.table = d.t
	return nil
}

// edit makes a copy of a table that can be changed and resolved again.
func (p *Planner) edit(t *Table, at *ast.Name, src string) *tableDef {
	c := *t
	c.Columns, c.PrimaryKey, c.PartitionBy = slices.Clone(t.Columns), slices.Clone(t.PrimaryKey), slices.Clone(t.PartitionBy)
	c.RowTime = ""
	d := &tableDef{p: p, src: src, at: &ast.CreateTable{Span: at.Span, Name: at}, t: &c, values: map[string]option.Value{}, places: map[string]ast.Node{}}
	for k, v := range t.optionValues() {
		d.values[k] = v
	}
	return d
}

func (d *tableDef) alter(a ast.AlterAction) error {
	switch a := a.(type) {
	case *ast.SetOptions:
		for _, o := range a.Options {
			d.values[o.Key.Value] = option.Value{Text: o.Value.Value, KeyPos: o.Key.Pos(), ValuePos: o.Value.Pos()}
		}
	case *ast.ResetOptions:
		for _, k := range a.Keys {
			if k.Value == "connector" {
				return sql.Errorf(k, "option %q cannot be taken away", k.Value)
			}
			delete(d.values, k.Value)
		}
	case *ast.SetComment:
		d.t.Comment = textOf(a.Comment)
	case *ast.AddColumns:
		return d.alterColumns(a)
	case *ast.DropColumns:
		for _, n := range a.Columns {
			if err := d.dropColumn(n); err != nil {
				return err
			}
		}
	case *ast.RenameColumn:
		return d.renameColumn(a)
	case *ast.DropPart:
		return d.dropPart(a)
	default:
		return notYet(a, "this change of a table")
	}
	return nil
}

// alterColumns is ADD and MODIFY.
func (d *tableDef) alterColumns(a *ast.AddColumns) error {
	for _, c := range a.Columns {
		at := d.t.index(c.Name.Name)
		if a.Modify != (at >= 0) {
			if a.Modify {
				return suggest(sql.Errorf(&c.Name, "no column %q in table %q", c.Name.Name, d.t.Path[2]), c.Name.Name, d.t.names())
			}
			return sql.Errorf(&c.Name, "column %q exists already", c.Name.Name).WithHint("write MODIFY to change it")
		}
		old := slices.Clone(d.t.Columns)
		if at >= 0 {
			d.t.Columns = slices.Delete(d.t.Columns, at, at+1)
		}
		d.column(c)
		if err := d.errs.Err(); err != nil {
			d.t.Columns = old
			return err
		}
		if err := d.place(c, at); err != nil {
			return err
		}
	}
	for _, w := range a.Watermarks {
		if (d.t.watermark != nil) != a.Modify {
			word := map[bool]string{true: "MODIFY", false: "ADD"}[!a.Modify]
			return sql.Errorf(w, "the table has %s WATERMARK", map[bool]string{true: "no", false: "already a"}[a.Modify]).WithHint("write %s", word)
		}
		d.t.watermark = w
	}
	if len(a.PrimaryKeys) > 0 {
		if a.Modify {
			d.t.PrimaryKey = nil
		}
		d.primaryKeys(a.PrimaryKeys)
	}
	return d.errs.Err()
}

func (t *Table) index(name string) int {
	return slices.IndexFunc(t.Columns, func(c TableColumn) bool { return c.Name == name })
}

// place moves the last column to where FIRST, AFTER or its old place say.
func (d *tableDef) place(c *ast.Column, old int) error {
	at := len(d.t.Columns) - 1
	col := d.t.Columns[at]
	rest := d.t.Columns[:at]
	switch {
	case c.Place != nil && c.Place.After == nil:
		at = 0
	case c.Place != nil:
		i := slices.IndexFunc(rest, func(x TableColumn) bool { return x.Name == c.Place.After.Name })
		if i < 0 {
			return suggest(sql.Errorf(c.Place.After, "no column %q in table %q", c.Place.After.Name, d.t.Path[2]), c.Place.After.Name, d.t.names())
		}
		at = i + 1
	case old >= 0:
		at = old
	}
	d.t.Columns = slices.Insert(slices.Clone(rest), at, col)
	return nil
}

func (d *tableDef) dropColumn(n *ast.Name) error {
	name := n.Last()
	i := d.t.index(name)
	if i < 0 {
		return suggest(sql.Errorf(n, "no column %q in table %q", name, d.t.Path[2]), name, d.t.names())
	}
	if used := d.usedBy(name); used != "" {
		return sql.Errorf(n, "column %q is used by %s", name, used)
	}
	d.t.Columns = slices.Delete(d.t.Columns, i, i+1)
	return nil
}

// usedBy tells what needs a column.
func (d *tableDef) usedBy(name string) string {
	switch {
	case slices.Contains(d.t.PrimaryKey, name):
		return "the primary key"
	case slices.Contains(d.t.PartitionBy, name):
		return "PARTITIONED BY"
	case d.t.watermark != nil && d.t.watermark.Column.Last() == name:
		return "the watermark"
	}
	for _, c := range d.t.Columns {
		if c.expr != nil && c.Name != name && names(c.expr, name) {
			return "the computed column \"" + c.Name + "\""
		}
	}
	return ""
}

// names tells whether an expression names a column.
func names(e ast.Expr, column string) bool {
	found := false
	ast.Walk(e, func(n ast.Node) bool {
		if x, ok := n.(*ast.Name); ok && x.Parts[0].Name == column {
			found = true
		}
		return !found
	})
	return found
}

func (d *tableDef) renameColumn(a *ast.RenameColumn) error {
	name := a.From.Last()
	i := d.t.index(name)
	if i < 0 {
		return suggest(sql.Errorf(a.From, "no column %q in table %q", name, d.t.Path[2]), name, d.t.names())
	}
	if d.t.index(a.To.Name) >= 0 {
		return sql.Errorf(&a.To, "column %q exists already", a.To.Name)
	}
	if used := d.usedBy(name); used != "" && !strings.HasPrefix(used, "the primary") && used != "PARTITIONED BY" {
		return sql.Errorf(a.From, "column %q is used by %s", name, used)
	}
	if c := &d.t.Columns[i]; c.Kind == Metadata && c.Key == name {
		c.Key = name // METADATA without FROM keeps the key it had
	}
	d.t.Columns[i].Name = a.To.Name
	for _, list := range [][]string{d.t.PrimaryKey, d.t.PartitionBy} {
		for k := range list {
			if list[k] == name {
				list[k] = a.To.Name
			}
		}
	}
	return nil
}

func (d *tableDef) dropPart(a *ast.DropPart) error {
	switch a.What {
	case "PRIMARY KEY", "CONSTRAINT":
		if d.t.PrimaryKey == nil {
			return sql.Errorf(a, "table %q has no primary key", d.t.Path[2])
		}
		d.t.PrimaryKey = nil
	case "WATERMARK":
		if d.t.watermark == nil {
			return sql.Errorf(a, "table %q has no watermark", d.t.Path[2])
		}
		d.t.watermark = nil
	default:
		return notYet(a, "DROP "+a.What)
	}
	return nil
}

// AlterView renames a view or gives it another query.
func (p *Planner) AlterView(s *ast.AlterView, src string) error {
	o, err := p.Catalog.find(s.Name)
	if err != nil {
		return err
	}
	if o.view == nil {
		return sql.Errorf(s.Name, "%q is a table, not a view", s.Name.String())
	}
	if s.Rename != nil {
		return p.Catalog.rename(o, s.Name, s.Rename)
	}
	_, temp := p.Catalog.temp[o.path]
	return p.CreateView(&ast.CreateView{Span: s.Span, OrReplace: true, Temporary: temp, Name: s.Name, Query: s.As}, src)
}

// rename moves an object to another name of the same database.
func (c *Catalog) rename(o *object, from, to *ast.Name) error {
	path := [3]string{o.path[0], o.path[1], to.Last()}
	if len(to.Parts) > 1 {
		var err error
		if path, err = c.Path(to); err != nil {
			return err
		}
		if path[0] != o.path[0] || path[1] != o.path[1] {
			return sql.Errorf(to, "a table is renamed within its database only")
		}
	}
	if c.get(path) != nil {
		return existsError(to, false)
	}
	if c.temp[o.path] == o {
		delete(c.temp, o.path)
		c.temp[path] = o
	} else {
		db := c.database(o.path)
		delete(db.objects, o.path[2])
		db.objects[path[2]] = o
	}
	o.path = path
	if o.table != nil {
		t := *o.table
		t.Path = path
		t.Desc = t.desc()
		t.Desc.Options = t.Options
		o.table = &t
	} else {
		v := *o.view
		v.Path = path
		o.view = &v
	}
	return nil
}
