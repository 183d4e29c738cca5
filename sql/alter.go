package sql

import (
	"weir/sql/ast"
)

// drop reads every DROP.
func (p *parser) drop() ast.Statement {
	start := p.next().Start
	s := &ast.Drop{Temporary: p.accept("TEMPORARY"), System: p.accept("SYSTEM")}
	kinds := words("TABLE VIEW FUNCTION CATALOG DATABASE MODEL")
	switch {
	case p.accept("MATERIALIZED", "TABLE"):
		s.Kind = "MATERIALIZED TABLE"
	case p.isAny("STREAM", "PUMP"):
		p.fail(p.cur(), "use DROP TABLE, or STOP JOB 'id'", "DROP %s belongs to the legacy Kinesis Analytics SQL", p.upper(p.cur()))
	case p.isAny(kinds...):
		s.Kind = p.upper(p.next())
	default:
		p.expected("TABLE, VIEW, FUNCTION, CATALOG, DATABASE or MODEL", kinds...)
	}
	s.IfExists = p.accept("IF", "EXISTS")
	s.Name = p.name("a name")
	if p.isAny("CASCADE", "RESTRICT") {
		if s.Kind != "DATABASE" {
			p.fail(p.cur(), "DROP what reads it first", "DROP %s takes no %s", s.Kind, p.upper(p.cur()))
		}
		s.Behavior = p.upper(p.next())
	}
	s.Span = p.from(start)
	return s
}

// alter reads every ALTER.
func (p *parser) alter() ast.Statement {
	start := p.next().Start
	switch {
	case p.accept("TABLE"):
		s := &ast.AlterTable{IfExists: p.accept("IF", "EXISTS"), Name: p.name("a table name")}
		s.Action = p.alterTableAction()
		s.Span = p.from(start)
		return s
	case p.accept("VIEW"):
		s := &ast.AlterView{Name: p.name("a view name")}
		if p.accept("RENAME") {
			p.expect("TO")
			s.Rename = p.name("a view name")
		} else {
			p.expect("AS")
			s.As = p.queryOr("a query after AS")
		}
		s.Span = p.from(start)
		return s
	case p.isAny("FUNCTION", "TEMPORARY"):
		s := &ast.CreateFunction{Alter: true, Temporary: p.accept("TEMPORARY"), System: p.accept("SYSTEM")}
		p.expect("FUNCTION")
		s.IfExists = p.accept("IF", "EXISTS")
		p.functionBody(s)
		s.Span = p.from(start)
		return s
	case p.isAny("DATABASE", "CATALOG", "MODEL"):
		s := &ast.AlterObject{Kind: p.upper(p.next()), IfExists: p.accept("IF", "EXISTS"), Name: p.name("a name")}
		if s.Kind == "MODEL" && p.is("COMMENT") {
			p.fail(p.cur(), "make it anew with CREATE OR REPLACE MODEL", "the comment of a model cannot be changed")
		}
		if s.Action = p.alterCommon(); s.Action == nil {
			p.expected("SET, RESET or RENAME TO", "SET", "RESET", "RENAME")
		}
		s.Span = p.from(start)
		return s
	}
	p.expected("TABLE, VIEW, FUNCTION, DATABASE, CATALOG or MODEL", words("TABLE VIEW FUNCTION DATABASE CATALOG MODEL")...)
	return nil
}

// alterCommon reads the actions which several kinds of objects share, or returns nil.
func (p *parser) alterCommon() ast.AlterAction {
	start := p.cur().Start
	switch {
	case p.accept("SET"):
		a := &ast.SetOptions{Options: p.options()}
		a.Span = p.from(start)
		return a
	case p.accept("RESET"):
		a := &ast.ResetOptions{}
		p.list(func() { a.Keys = append(a.Keys, p.stringLit("the name of an option")) })
		a.Span = p.from(start)
		return a
	case p.accept("RENAME", "TO"):
		a := &ast.RenameTo{Name: p.name("the new name")}
		a.Span = p.from(start)
		return a
	case p.accept("COMMENT"):
		a := &ast.SetComment{Comment: p.stringLit("a comment")}
		a.Span = p.from(start)
		return a
	}
	return nil
}

func (p *parser) alterTableAction() ast.AlterAction {
	if a := p.alterCommon(); a != nil {
		return a
	}
	start := p.cur().Start
	switch {
	case p.accept("RENAME"):
		a := &ast.RenameColumn{From: p.columnPath()}
		p.expect("TO")
		a.To = p.anyIdent("the new name")
		a.Span = p.from(start)
		return a
	case p.is("ADD", "PARTITION"), p.is("ADD", "IF"), p.is("DROP", "PARTITION"), p.is("DROP", "IF"):
		return p.alterPartition()
	case p.isAny("ADD", "MODIFY"):
		return p.addColumns()
	case p.accept("DROP"):
		return p.dropPart(start)
	}
	p.expected("ADD, MODIFY, DROP, RENAME, SET or RESET", words("ADD MODIFY DROP RENAME SET RESET")...)
	return nil
}

// addColumns reads ADD or MODIFY with one element or a list in parentheses.
func (p *parser) addColumns() ast.AlterAction {
	start := p.cur().Start
	a := &ast.AddColumns{Modify: p.next().is(p.src, "MODIFY")}
	e := elements{&a.Columns, &a.Watermarks, &a.PrimaryKeys}
	switch {
	case p.is("DISTRIBUTION"), p.is("DISTRIBUTED"):
		a.Distribution = p.distribution()
	case p.is("("):
		p.tableElements(e, false)
	default:
		if p.is("COLUMN") && p.peek(1).Kind == Word && !p.isAt(2, ",") && p.peek(2).Kind == Word {
			p.i++
		}
		p.tableElement(e, false)
	}
	a.Span = p.from(start)
	return a
}

// dropPart reads what follows DROP in ALTER TABLE.
func (p *parser) dropPart(start int) ast.AlterAction {
	part := &ast.DropPart{}
	switch {
	case p.accept("PRIMARY", "KEY"):
		part.What = "PRIMARY KEY"
	case p.is("CONSTRAINT") && p.peek(1).Kind != EOF:
		p.i++
		name := p.ident("the name of a constraint")
		part.What, part.Name = "CONSTRAINT", &name
	case p.is("WATERMARK") && p.peek(1).Kind == EOF, p.is("DISTRIBUTION") && p.peek(1).Kind == EOF:
		part.What = p.upper(p.next())
	default:
		a := &ast.DropColumns{}
		if p.is("(") {
			p.list(func() { a.Columns = append(a.Columns, p.columnPath()) })
		} else {
			a.Columns = append(a.Columns, p.columnPath())
		}
		a.Span = p.from(start)
		return a
	}
	part.Span = p.from(start)
	return part
}

// alterPartition reads ADD or DROP [IF [NOT] EXISTS] PARTITION (..) [WITH (..)] ...
func (p *parser) alterPartition() ast.AlterAction {
	start := p.cur().Start
	a := &ast.AlterPartition{Drop: p.next().is(p.src, "DROP")}
	if a.Drop {
		a.If = p.accept("IF", "EXISTS")
	} else {
		a.If = p.accept("IF", "NOT", "EXISTS")
	}
	for first := true; first || p.is("PARTITION"); first = false {
		begin := p.cur().Start
		p.expect("PARTITION")
		s := &ast.PartitionSpec{Values: p.partition()}
		if p.accept("WITH") {
			s.Options = p.options()
		}
		s.Span = p.from(begin)
		a.Partitions = append(a.Partitions, s)
		p.accept(",")
	}
	a.Span = p.from(start)
	return a
}
