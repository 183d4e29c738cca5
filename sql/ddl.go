package sql

import (
	"weir/sql/ast"
)

// create reads every CREATE.
func (p *parser) create() ast.Statement {
	start := p.next().Start
	orReplace := p.accept("OR", "REPLACE")
	temporary := p.accept("TEMPORARY")
	system := p.accept("SYSTEM")
	t := p.cur()
	kind := p.upper(t)
	p.i++
	ifNot := false
	if kind != "STREAM" && kind != "PUMP" {
		ifNot = p.accept("IF", "NOT", "EXISTS")
	}
	if system && kind != "FUNCTION" {
		p.i--
		p.expected("FUNCTION", "FUNCTION")
	}
	switch kind {
	case "TABLE":
		s := &ast.CreateTable{OrReplace: orReplace, Temporary: temporary, IfNotExists: ifNot}
		p.createTable(s)
		s.Span = p.from(start)
		return s
	case "VIEW":
		s := &ast.CreateView{OrReplace: orReplace, Temporary: temporary, IfNotExists: ifNot}
		p.createView(s)
		s.Span = p.from(start)
		return s
	case "FUNCTION":
		s := &ast.CreateFunction{OrReplace: orReplace, Temporary: temporary, System: system, IfNotExists: ifNot}
		p.functionBody(s)
		s.Span = p.from(start)
		return s
	case "MODEL":
		s := &ast.CreateModel{OrReplace: orReplace, Temporary: temporary, IfNotExists: ifNot}
		p.createModel(s)
		s.Span = p.from(start)
		return s
	case "CATALOG":
		s := &ast.CreateCatalog{IfNotExists: ifNot, Name: p.name("a catalog name")}
		s.Comment = p.optComment()
		p.expect("WITH")
		s.Options = p.options()
		s.Span = p.from(start)
		return s
	case "DATABASE":
		s := &ast.CreateDatabase{IfNotExists: ifNot, Name: p.name("a database name")}
		s.Comment = p.optComment()
		if p.accept("WITH") {
			s.Options = p.options()
		}
		s.Span = p.from(start)
		return s
	}
	p.i--
	p.refuseCreate(kind)
	return nil
}

// refuseCreate explains what CREATE cannot create.
func (p *parser) refuseCreate(kind string) {
	t := p.cur()
	switch kind {
	case "STREAM":
		p.fail(t, "use CREATE TABLE with 'connector' = 'kinesis' for a stream, CREATE VIEW for a step in between",
			"CREATE STREAM belongs to the legacy Kinesis Analytics SQL")
	case "PUMP":
		p.fail(t, "use INSERT INTO table SELECT ..: it runs as a continuous job",
			"CREATE PUMP belongs to the legacy Kinesis Analytics SQL")
	case "MATERIALIZED":
		p.fail(t, "use CREATE TABLE and INSERT INTO, or CREATE TABLE .. AS", "materialized tables are not supported")
	}
	p.expected("TABLE, VIEW, FUNCTION, CATALOG, DATABASE or MODEL", words("TABLE VIEW FUNCTION CATALOG DATABASE MODEL TEMPORARY")...)
}

func (p *parser) createTable(s *ast.CreateTable) {
	s.Name = p.name("a table name")
	if p.is("(") {
		p.tableElements(elements{&s.Columns, &s.Watermarks, &s.PrimaryKeys}, true)
	}
	s.Comment = p.optComment()
	for {
		switch {
		case p.is("DISTRIBUTED"):
			s.Distribution = p.distribution()
		case p.accept("PARTITIONED", "BY"):
			s.PartitionedBy = p.idents("a column name")
		case p.accept("WITH"):
			s.Options, s.HasOptions = p.options(), true
		case p.is("COMMENT"):
			s.Comment = p.optComment()
			if s.Comment == nil {
				p.i++
				p.stringLit("a comment")
			}
		case p.is("LIKE"):
			s.Like = p.likeTable()
			return
		case p.accept("AS"):
			p.refuseStream()
			s.As = p.queryOr("a query after AS")
			return
		case p.cur().Kind == EOF:
			return
		default:
			p.expected("WITH, PARTITIONED BY, LIKE, AS or the end", words("WITH PARTITIONED DISTRIBUTED LIKE AS COMMENT")...)
		}
	}
}

// queryOr reads a query which must be there.
func (p *parser) queryOr(what string) ast.Query {
	if !p.queryAhead() {
		p.expected(what, "SELECT", "WITH", "VALUES")
	}
	return p.query()
}

// elements are the lists which the elements of a table go to.
type elements struct {
	columns    *[]*ast.Column
	watermarks *[]*ast.Watermark
	keys       *[]*ast.PrimaryKey
}

// tableElements reads (column, WATERMARK .., PRIMARY KEY .., ..). In CREATE TABLE a column may be a bare name (for AS).
func (p *parser) tableElements(e elements, bare bool) {
	p.list(func() { p.tableElement(e, bare) })
}

func (p *parser) tableElement(e elements, bare bool) {
	switch {
	case p.is("WATERMARK", "FOR"):
		start := p.cur().Start
		p.i += 2
		w := &ast.Watermark{Column: p.columnPath()}
		p.expect("AS")
		w.Expr = p.expr()
		w.Span = p.from(start)
		*e.watermarks = append(*e.watermarks, w)
	case p.is("PRIMARY", "KEY"), p.is("CONSTRAINT") && (p.isAt(2, "PRIMARY") || p.isAt(2, "UNIQUE")):
		*e.keys = append(*e.keys, p.primaryKey(true))
	case p.is("UNIQUE", "("):
		p.fail(p.cur(), "use PRIMARY KEY (..) NOT ENFORCED", "UNIQUE is not supported")
	default:
		*e.columns = append(*e.columns, p.column(bare))
	}
}

// columnPath reads the dotted name of a column; any word will do.
func (p *parser) columnPath() *ast.Name {
	start := p.cur().Start
	n := &ast.Name{Parts: []ast.Ident{p.anyIdent("a column name")}}
	for p.accept(".") {
		n.Parts = append(n.Parts, p.anyIdent("a name after the dot"))
	}
	n.Span = p.from(start)
	return n
}

// primaryKey reads [CONSTRAINT c] PRIMARY KEY [(a, b)] [[NOT] ENFORCED].
func (p *parser) primaryKey(columns bool) *ast.PrimaryKey {
	start := p.cur().Start
	k := &ast.PrimaryKey{}
	if p.accept("CONSTRAINT") {
		c := p.ident("the name of a constraint")
		k.Constraint = &c
	}
	if p.is("UNIQUE") {
		p.fail(p.cur(), "use PRIMARY KEY (..) NOT ENFORCED", "UNIQUE is not supported")
	}
	p.expect("PRIMARY", "KEY")
	if columns {
		k.Columns = p.idents("a column name")
	}
	switch {
	case p.accept("NOT", "ENFORCED"):
		k.Enforced = "NOT ENFORCED"
	case p.accept("ENFORCED"):
		k.Enforced = "ENFORCED"
	}
	k.Span = p.from(start)
	return k
}

// column reads one column of any kind.
func (p *parser) column(bare bool) *ast.Column {
	start := p.cur().Start
	if p.cur().Kind != Word && p.cur().Kind != Quoted {
		p.expected("a column name")
	}
	c := &ast.Column{Name: p.anyIdent("a column name"), Kind: ast.PhysicalColumn}
	switch {
	case p.accept("AS"):
		c.Kind, c.Expr = ast.ComputedColumn, p.expr()
	case bare && p.isAny(",", ")"):
		c.Kind = ast.NamedColumn
	default:
		c.Type = p.typeName()
	}
	for p.columnClause(c) {
	}
	c.Span = p.from(start)
	return c
}

// columnClause reads one clause behind the type of a column; it returns false where there is none.
func (p *parser) columnClause(c *ast.Column) bool {
	start := p.cur().Start
	switch {
	case c.Kind == ast.PhysicalColumn && p.accept("METADATA"):
		c.Kind = ast.MetadataColumn
		if p.accept("FROM") {
			c.From = p.stringLit("a metadata key")
		}
		c.Virtual = p.accept("VIRTUAL")
	case c.Path == nil && p.is("PATH") && p.peek(1).Kind == String:
		p.i++
		c.Path = p.literal()
	case c.Key == nil && p.isAny("PRIMARY", "CONSTRAINT"):
		c.Key = p.primaryKey(false)
	case p.is("UNIQUE"):
		p.fail(p.cur(), "use PRIMARY KEY (..) NOT ENFORCED", "UNIQUE is not supported")
	case c.Comment == nil && p.is("COMMENT"):
		p.i++
		c.Comment = p.stringLit("a comment")
	case c.Place == nil && p.accept("FIRST"):
		c.Place = &ast.Place{Span: p.from(start)}
	case c.Place == nil && p.accept("AFTER"):
		after := p.anyIdent("a column name")
		c.Place = &ast.Place{Span: p.from(start), After: &after}
	default:
		return false
	}
	return true
}

func (p *parser) distribution() *ast.Distribution {
	start := p.next().Start
	d := &ast.Distribution{}
	if p.accept("BY") {
		if p.isAny("HASH", "RANGE") {
			d.Method = p.upper(p.next())
		}
		d.Columns = p.idents("a column name")
	}
	if p.accept("INTO") {
		if p.cur().Kind != Number {
			p.expected("a number of buckets")
		}
		d.Buckets = p.literal()
		p.expect("BUCKETS")
	}
	d.Span = p.from(start)
	return d
}

func (p *parser) likeTable() *ast.LikeTable {
	start := p.next().Start
	l := &ast.LikeTable{Table: p.name("a table name")}
	if p.accept("(") {
		for !p.accept(")") {
			first := p.cur()
			if !p.isAny("INCLUDING", "EXCLUDING", "OVERWRITING") {
				p.expected("INCLUDING, EXCLUDING or OVERWRITING", "INCLUDING", "EXCLUDING", "OVERWRITING")
			}
			p.i++
			what := words("ALL CONSTRAINTS DISTRIBUTION GENERATED METADATA OPTIONS PARTITIONS WATERMARKS")
			if !p.isAny(what...) {
				p.expected("ALL, OPTIONS, WATERMARKS or another part of a table", what...)
			}
			o := &ast.LikeOption{Action: p.upper(first), What: p.upper(p.next())}
			o.Span = p.from(first.Start)
			l.Options = append(l.Options, o)
		}
	}
	l.Span = p.from(start)
	return l
}

func (p *parser) createView(s *ast.CreateView) {
	s.Name = p.name("a view name")
	if p.is("(") {
		p.list(func() {
			start := p.cur().Start
			c := &ast.Column{Kind: ast.NamedColumn, Name: p.anyIdent("a column name"), Comment: p.optComment()}
			c.Span = p.from(start)
			s.Columns = append(s.Columns, c)
		})
	}
	s.Comment = p.optComment()
	p.expect("AS")
	p.refuseStream()
	s.Query = p.queryOr("a query after AS")
}

// functionBody reads what follows CREATE or ALTER FUNCTION.
func (p *parser) functionBody(s *ast.CreateFunction) {
	s.Name = p.name("a function name")
	p.expect("AS")
	s.Class = p.stringLit("the name of the implementation")
	if p.accept("LANGUAGE") {
		lang := p.ident("a language")
		s.Language = lang.Name
	}
	if p.accept("USING") {
		p.commas(func() {
			start := p.cur().Start
			if !p.isAny("JAR", "FILE", "ARCHIVE") {
				p.expected("JAR", "JAR", "FILE", "ARCHIVE")
			}
			r := &ast.Resource{Kind: p.upper(p.next()), Path: p.stringLit("a path")}
			r.Span = p.from(start)
			s.Using = append(s.Using, r)
		})
	}
	if p.accept("WITH") {
		s.Options = p.options()
	}
}

func (p *parser) createModel(s *ast.CreateModel) {
	s.Name = p.name("a model name")
	columns := func(to *[]*ast.Column) {
		p.list(func() { *to = append(*to, p.column(false)) })
	}
	for {
		switch {
		case s.Input == nil && p.accept("INPUT"):
			columns(&s.Input)
		case s.Output == nil && p.accept("OUTPUT"):
			columns(&s.Output)
		case s.Comment == nil && p.is("COMMENT"):
			p.i++
			s.Comment = p.stringLit("a comment")
		case s.Options == nil && p.accept("WITH"):
			s.Options = p.options()
		case p.accept("AS"):
			s.As = p.queryOr("a query after AS")
			return
		case p.cur().Kind == EOF:
			return
		default:
			p.expected("INPUT, OUTPUT or WITH", "INPUT", "OUTPUT", "WITH")
		}
	}
}
