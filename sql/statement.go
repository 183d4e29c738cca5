package sql

import (
	"weir/sql/ast"
)

// statement reads one statement: it dispatches on the first words.
func (p *parser) statement() ast.Statement {
	start := p.cur().Start
	p.enter()
	defer func() { p.depth-- }()
	if p.queryAhead() {
		p.refuseStream()
		q := p.query()
		return &ast.QueryStatement{Span: p.from(start), Query: q}
	}
	switch p.upper(p.cur()) {
	case "INSERT", "UPSERT":
		return p.insert()
	case "UPDATE":
		return p.update()
	case "DELETE":
		return p.delete()
	case "CREATE":
		return p.create()
	case "ALTER":
		return p.alter()
	case "DROP":
		return p.drop()
	case "EXPLAIN":
		return p.explain()
	case "DIAGNOSE":
		start := p.next().Start
		if p.accept("JOB") {
			id := p.stringLit("the id of a job")
			return &ast.Diagnose{Span: p.from(start), Job: id}
		}
		stmt := p.statement()
		return &ast.Diagnose{Span: p.from(start), Stmt: stmt}
	case "LINT":
		p.i++
		stmt := p.statement()
		return &ast.Lint{Span: p.from(start), Stmt: stmt}
	case "SHOW":
		return p.show()
	case "DESCRIBE", "DESC":
		return p.describeStatement()
	case "USE":
		return p.use()
	case "SET":
		return p.set()
	case "RESET":
		return p.reset()
	case "EXECUTE":
		return p.execute()
	case "COMPILE":
		return p.compile()
	case "BEGIN", "STATEMENT":
		return p.statementSet()
	case "STOP":
		return p.stopJob()
	case "RETRY":
		return p.retry()
	}
	return p.rareStatement()
}

// rareStatement reads the statements about jars, modules and the like.
func (p *parser) rareStatement() ast.Statement {
	start := p.cur().Start
	switch p.upper(p.cur()) {
	case "ADD", "REMOVE":
		s := &ast.Jar{Remove: p.is("REMOVE")}
		p.i++
		p.expect("JAR")
		s.Path = p.stringLit("the path of a jar")
		s.Span = p.from(start)
		return s
	case "LOAD", "UNLOAD":
		s := &ast.Module{Unload: p.is("UNLOAD")}
		p.i++
		p.expect("MODULE")
		s.Name = p.name("a module name")
		if p.accept("WITH") {
			s.Options = p.options()
		}
		s.Span = p.from(start)
		return s
	case "ANALYZE":
		return p.analyze()
	case "TRUNCATE":
		p.i++
		p.expect("TABLE")
		t := p.name("a table name")
		return &ast.Truncate{Span: p.from(start), Table: t}
	case "CALL":
		p.i++
		s := &ast.CallProcedure{Name: p.name("a procedure name")}
		p.expect("(")
		if !p.is(")") {
			p.commas(func() { s.Args = append(s.Args, p.expr()) })
		}
		p.closeParen()
		s.Span = p.from(start)
		return s
	}
	t := p.cur()
	if t.Kind == Word {
		p.fail(t, p.meant(t, words(statementWords)), "unknown statement %s", p.describe(t))
	}
	p.fail(t, "", "expected a statement, found %s", p.describe(t))
	return nil
}

// queryAhead tells whether a query starts here, looking through parentheses.
func (p *parser) queryAhead() bool {
	n := 0
	for p.isAt(n, "(") {
		n++
	}
	return p.queryStart(n)
}

// queryStart tells whether the token n ahead starts a query.
func (p *parser) queryStart(n int) bool {
	t := p.peek(n)
	return t.is(p.src, "SELECT") || t.is(p.src, "WITH") || t.is(p.src, "VALUES") || t.is(p.src, "TABLE")
}

// refuseStream refuses SELECT STREAM of the older Kinesis SQL dialect.
func (p *parser) refuseStream() {
	next := p.peek(2)
	if p.is("SELECT", "STREAM") && next.Kind != EOF && !next.is(p.src, ",") && !next.is(p.src, "FROM") &&
		!next.is(p.src, "AS") && !next.is(p.src, ".") && !next.is(p.src, "(") {
		p.fail(p.peek(1), "leave out STREAM: every SELECT over a stream is continuous",
			"SELECT STREAM belongs to the legacy Kinesis Analytics SQL")
	}
}

// insert reads INSERT [INTO | OVERWRITE] t [hints] [PARTITION (..)] [(a, b)] query.
func (p *parser) insert() *ast.Insert {
	s := &ast.Insert{}
	start := p.cur().Start
	s.Execute = p.accept("EXECUTE")
	if p.is("UPSERT") {
		p.fail(p.cur(), "declare a PRIMARY KEY on the table and use INSERT INTO", "UPSERT is not a statement here")
	}
	p.expect("INSERT")
	if s.Overwrite = p.accept("OVERWRITE"); !s.Overwrite && !p.accept("INTO") {
		p.expected("INTO", "INTO", "OVERWRITE")
	}
	p.accept("TABLE")
	s.Table = p.name("a table name")
	s.Hints = p.hints()
	if p.accept("PARTITION") {
		s.Partition = p.partition()
	}
	if p.is("(") && !p.queryAhead() {
		s.Columns = p.idents("a column name")
	}
	if !p.queryAhead() {
		p.expected("a query or VALUES", "SELECT", "VALUES", "WITH", "PARTITION")
	}
	p.refuseStream()
	s.Query = p.query()
	s.Span = p.from(start)
	return s
}

// partition reads (dt = '2024-01-01', hr).
func (p *parser) partition() []*ast.PartitionValue {
	var list []*ast.PartitionValue
	p.list(func() {
		start := p.cur().Start
		v := &ast.PartitionValue{Name: p.anyIdent("a partition column")}
		if p.accept("=") {
			v.Value = p.expr()
		}
		v.Span = p.from(start)
		list = append(list, v)
	})
	return list
}

func (p *parser) update() ast.Statement {
	start := p.next().Start
	s := &ast.Update{Table: p.name("a table name")}
	p.expect("SET")
	p.commas(func() {
		start := p.cur().Start
		a := &ast.Assignment{Column: p.name("a column name")}
		p.expect("=")
		a.Value = p.expr()
		a.Span = p.from(start)
		s.Set = append(s.Set, a)
	})
	if p.accept("WHERE") {
		s.Where = p.expr()
	}
	s.Span = p.from(start)
	return s
}

func (p *parser) delete() ast.Statement {
	start := p.next().Start
	p.expect("FROM")
	s := &ast.Delete{Table: p.name("a table name")}
	if p.accept("WHERE") {
		s.Where = p.expr()
	}
	s.Span = p.from(start)
	return s
}

// statementSet reads the spellings of a block of INSERTs: STATEMENT SET BEGIN .. END, maybe after EXECUTE,
// and BEGIN STATEMENT SET; .. END.
func (p *parser) statementSet() ast.Statement {
	start := p.cur().Start
	s := &ast.StatementSet{Execute: p.accept("EXECUTE")}
	if !s.Execute {
		s.Begin = p.accept("BEGIN")
	}
	p.expect("STATEMENT", "SET")
	if s.Begin {
		p.expect(";")
	} else {
		p.expect("BEGIN")
	}
	for !p.accept("END") {
		if !p.is("INSERT") {
			p.expected("INSERT or END", "INSERT", "END")
		}
		s.Inserts = append(s.Inserts, p.insert())
		if !p.accept(";") {
			p.unexpected()
		}
	}
	s.Span = p.from(start)
	return s
}

// explain reads EXPLAIN [PLAN FOR | details] stmt.
func (p *parser) explain() ast.Statement {
	start := p.next().Start
	s := &ast.Explain{PlanFor: p.accept("PLAN", "FOR")}
	for !s.PlanFor && p.cur().Kind == Word && !p.statementAhead() {
		t := p.next()
		s.Details = append(s.Details, ast.Symbol{Span: ast.Span{Start: t.Start, End: t.End}, Name: p.upper(t)})
		if !p.accept(",") && !p.statementAhead() {
			if p.peek(-2).is(p.src, "EXPLAIN") {
				p.i--
				p.expected("a statement to explain", words(statementWords)...)
			}
			p.expected("a statement to explain", words(statementWords)...)
		}
	}
	s.Stmt = p.statement()
	s.Span = p.from(start)
	return s
}

// statementAhead tells whether a statement starts at the next token.
func (p *parser) statementAhead() bool {
	return p.queryAhead() || p.is("STATEMENT") || wordIn(" "+statementWords+" ", p.upper(p.cur()))
}

// execute reads EXECUTE STATEMENT SET, EXECUTE INSERT, EXECUTE PLAN 'path' and EXECUTE query.
func (p *parser) execute() ast.Statement {
	switch {
	case p.isAt(1, "STATEMENT"):
		return p.statementSet()
	case p.isAt(1, "INSERT"):
		return p.insert()
	}
	s := &ast.Execute{}
	start := p.next().Start
	if p.accept("PLAN") {
		s.Plan = p.stringLit("the path of a plan")
	} else {
		s.Stmt = p.statement()
	}
	s.Span = p.from(start)
	return s
}

func (p *parser) compile() ast.Statement {
	start := p.next().Start
	s := &ast.CompilePlan{AndExecute: p.accept("AND", "EXECUTE")}
	p.expect("PLAN")
	s.Path = p.stringLit("the path of a plan")
	s.IfNotExists = p.accept("IF", "NOT", "EXISTS")
	p.expect("FOR")
	s.Stmt = p.statement()
	s.Span = p.from(start)
	return s
}
