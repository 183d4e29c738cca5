package sql

import (
	"weir/sql/ast"
)

func (p *printer) createTable(s *ast.CreateTable) {
	p.createHead(s.OrReplace, s.Temporary, false, "TABLE", s.IfNotExists, s.Name)
	p.elements(s.Columns, s.Watermarks, s.PrimaryKeys)
	p.str("\nCOMMENT ", s.Comment)
	if s.Distribution != nil {
		p.w("\nDISTRIBUTED")
		p.distribution(s.Distribution)
	}
	if s.PartitionedBy != nil {
		p.w("\nPARTITIONED BY ")
		parens(p, s.PartitionedBy, p.ident)
	}
	if s.HasOptions || s.Options != nil {
		p.w("\nWITH ")
		p.options(s.Options)
	}
	if s.Like != nil {
		p.w("\nLIKE ")
		p.name(s.Like.Table)
		if s.Like.Options != nil {
			p.w(" (")
			for i, o := range s.Like.Options {
				p.when(i > 0, " ")
				p.w(o.Action, " ", o.What)
			}
			p.w(")")
		}
	}
	if s.As != nil {
		p.w("\nAS ")
		p.query(s.As)
	}
}

// createHead prints CREATE up to the name.
func (p *printer) createHead(orReplace, temporary, system bool, kind string, ifNotExists bool, name *ast.Name) {
	p.w("CREATE ")
	p.when(orReplace, "OR REPLACE ")
	p.when(temporary, "TEMPORARY ")
	p.when(system, "SYSTEM ")
	p.w(kind, " ")
	p.when(ifNotExists, "IF NOT EXISTS ")
	p.name(name)
}

// elements prints the columns, watermarks and keys of a table, one a line.
func (p *printer) elements(columns []*ast.Column, watermarks []*ast.Watermark, keys []*ast.PrimaryKey) {
	n := 0
	line := func() {
		if n == 0 {
			p.w(" (\n  ")
		} else {
			p.w(",\n  ")
		}
		n++
	}
	for _, c := range columns {
		line()
		p.column(c)
	}
	for _, w := range watermarks {
		line()
		p.watermark(w)
	}
	for _, k := range keys {
		line()
		p.primaryKey(k)
	}
	p.when(n > 0, "\n)")
}

func (p *printer) column(c *ast.Column) {
	p.ident(c.Name)
	if c.Type != nil {
		p.w(" ")
		p.typeName(c.Type)
	}
	p.clause(" AS ", c.Expr)
	if c.Kind == ast.MetadataColumn {
		p.w(" METADATA")
		p.str(" FROM ", c.From)
		p.when(c.Virtual, " VIRTUAL")
	}
	p.str(" PATH ", c.Path)
	if c.Key != nil {
		p.w(" ")
		p.primaryKey(c.Key)
	}
	p.str(" COMMENT ", c.Comment)
	if c.Place != nil {
		if c.Place.After == nil {
			p.w(" FIRST")
		} else {
			p.w(" AFTER ")
			p.ident(*c.Place.After)
		}
	}
}

func (p *printer) watermark(w *ast.Watermark) {
	p.w("WATERMARK FOR ")
	p.name(w.Column)
	p.clause(" AS ", w.Expr)
}

func (p *printer) primaryKey(k *ast.PrimaryKey) {
	if k.Constraint != nil {
		p.w("CONSTRAINT ")
		p.ident(*k.Constraint)
		p.w(" ")
	}
	p.w("PRIMARY KEY")
	if k.Columns != nil {
		p.w(" ")
		parens(p, k.Columns, p.ident)
	}
	p.when(k.Enforced != "", " "+k.Enforced)
}

func (p *printer) distribution(d *ast.Distribution) {
	if d.Columns != nil {
		p.w(" BY ", d.Method)
		parens(p, d.Columns, p.ident)
	}
	if d.Buckets != nil {
		p.str(" INTO ", d.Buckets)
		p.w(" BUCKETS")
	}
}

func (p *printer) createView(s *ast.CreateView) {
	p.createHead(s.OrReplace, s.Temporary, false, "VIEW", s.IfNotExists, s.Name)
	if s.Columns != nil {
		p.w(" ")
		parens(p, s.Columns, p.column)
	}
	p.str(" COMMENT ", s.Comment)
	p.w(" AS ")
	p.query(s.Query)
}

func (p *printer) createFunction(s *ast.CreateFunction) {
	if s.Alter {
		p.w("ALTER ")
		p.when(s.Temporary, "TEMPORARY ")
		p.when(s.System, "SYSTEM ")
		p.w("FUNCTION ")
		p.when(s.IfExists, "IF EXISTS ")
		p.name(s.Name)
	} else {
		p.createHead(s.OrReplace, s.Temporary, s.System, "FUNCTION", s.IfNotExists, s.Name)
	}
	p.str(" AS ", s.Class)
	p.when(s.Language != "", " LANGUAGE "+s.Language)
	if s.Using != nil {
		p.w(" USING ")
		commas(p, s.Using, func(r *ast.Resource) { p.str(r.Kind+" ", r.Path) })
	}
	if s.Options != nil {
		p.w(" WITH ")
		p.options(s.Options)
	}
}

func (p *printer) createModel(s *ast.CreateModel) {
	p.createHead(s.OrReplace, s.Temporary, false, "MODEL", s.IfNotExists, s.Name)
	if s.Input != nil {
		p.w(" INPUT ")
		parens(p, s.Input, p.column)
	}
	if s.Output != nil {
		p.w(" OUTPUT ")
		parens(p, s.Output, p.column)
	}
	p.str(" COMMENT ", s.Comment)
	if s.Options != nil {
		p.w(" WITH ")
		p.options(s.Options)
	}
	if s.As != nil {
		p.w(" AS ")
		p.query(s.As)
	}
}

func (p *printer) alterAction(a ast.AlterAction) {
	switch a := a.(type) {
	case *ast.SetOptions:
		p.w("SET ")
		p.options(a.Options)
	case *ast.ResetOptions:
		p.w("RESET ")
		parens(p, a.Keys, p.literal)
	case *ast.RenameTo:
		p.w("RENAME TO ")
		p.name(a.Name)
	case *ast.RenameColumn:
		p.w("RENAME ")
		p.name(a.From)
		p.w(" TO ")
		p.ident(a.To)
	case *ast.SetComment:
		p.str("COMMENT ", a.Comment)
	case *ast.AddColumns:
		if a.Modify {
			p.w("MODIFY")
		} else {
			p.w("ADD")
		}
		p.elements(a.Columns, a.Watermarks, a.PrimaryKeys)
		if a.Distribution != nil {
			p.w(" DISTRIBUTION")
			p.distribution(a.Distribution)
		}
	case *ast.DropColumns:
		p.w("DROP ")
		parens(p, a.Columns, p.name)
	case *ast.DropPart:
		p.w("DROP ", a.What)
		if a.Name != nil {
			p.w(" ")
			p.ident(*a.Name)
		}
	case *ast.AlterPartition:
		p.alterPartition(a)
	}
}

func (p *printer) alterPartition(a *ast.AlterPartition) {
	switch {
	case a.Drop && a.If:
		p.w("DROP IF EXISTS")
	case a.Drop:
		p.w("DROP")
	case a.If:
		p.w("ADD IF NOT EXISTS")
	default:
		p.w("ADD")
	}
	for _, s := range a.Partitions {
		p.w(" PARTITION ")
		p.partition(s.Values)
		if s.Options != nil {
			p.w(" WITH ")
			p.options(s.Options)
		}
	}
}

func (p *printer) partition(list []*ast.PartitionValue) {
	parens(p, list, func(v *ast.PartitionValue) {
		p.ident(v.Name)
		p.clause(" = ", v.Value)
	})
}
