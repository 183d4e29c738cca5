package sql

import (
	"strings"

	"weir/sql/ast"
)

// settingText reads the key or value of SET and RESET: a string, or bare words up to "=" or the end.
func (p *parser) settingText(what string, stopAtEquals bool) *ast.Literal {
	first := p.cur()
	if first.Kind == String {
		return p.literal()
	}
	for p.cur().Kind != EOF && !(stopAtEquals && p.is("=")) {
		p.i++
	}
	s := p.from(first.Start)
	if s.End <= s.Start || p.peek(-1) == first && first.Kind == EOF {
		p.expected(what)
	}
	if strings.ContainsAny(p.src[s.Start:s.End], " \t\r\n") {
		p.failAt(s, "put it in single quotes", "%s holds white space", what)
	}
	text := p.src[s.Start:s.End]
	return &ast.Literal{Span: s, Kind: ast.StringLit, Text: text, Value: text}
}

func (p *parser) set() ast.Statement {
	start := p.next().Start
	s := &ast.Set{}
	if p.cur().Kind != EOF {
		s.Key = p.settingText("the name of a setting", true)
		p.expect("=")
		s.Value = p.settingText("the value of a setting", false)
	}
	s.Span = p.from(start)
	return s
}

func (p *parser) reset() ast.Statement {
	start := p.next().Start
	s := &ast.Reset{}
	if p.cur().Kind != EOF {
		s.Key = p.settingText("the name of a setting", false)
	}
	s.Span = p.from(start)
	return s
}

// showKinds are the things SHOW can list; those of showNamed take a name.
var (
	showKinds = []string{"TABLES", "VIEWS", "FUNCTIONS", "USER FUNCTIONS", "CATALOGS", "DATABASES", "CURRENT CATALOG",
		"CURRENT DATABASE", "JOBS", "JARS", "MODULES", "FULL MODULES", "MODELS", "CONNECTORS", "PROCEDURES",
		"MATERIALIZED TABLES", "COLUMNS", "PARTITIONS", "CREATE TABLE", "CREATE VIEW", "CREATE CATALOG", "CREATE MODEL",
		"CREATE FUNCTION", "CREATE DATABASE"}
	showNamed = words("PARTITIONS CREATE")
)

func (p *parser) show() ast.Statement {
	start := p.next().Start
	s := &ast.Show{}
	for _, kind := range showKinds {
		if p.accept(words(kind)...) {
			s.What = kind
			break
		}
	}
	if s.What == "" {
		var first []string
		for _, k := range showKinds {
			first = append(first, words(k)...)
		}
		if p.isAny("CREATE", "CURRENT", "FULL", "USER") {
			p.i++
		}
		p.expected("what to show, such as TABLES or JOBS", first...)
	}
	for _, w := range showNamed {
		if s.What == w || strings.HasPrefix(s.What, w+" ") {
			s.Name = p.name("a name")
		}
	}
	if s.What == "PARTITIONS" && p.accept("PARTITION") {
		s.Partition = p.partition()
	}
	if p.isAny("FROM", "IN") {
		s.In = p.next().is(p.src, "IN")
		s.Scope = p.name("a name")
	} else if s.What == "COLUMNS" {
		p.expected("FROM and a table name", "FROM")
	}
	s.Not = p.is("NOT") && (p.isAt(1, "LIKE") || p.isAt(1, "ILIKE")) && p.accept("NOT")
	if p.isAny("LIKE", "ILIKE") {
		s.Like = p.upper(p.next())
		s.Pattern = p.stringLit("a pattern")
	}
	s.Span = p.from(start)
	return s
}

// describeStatement reads DESCRIBE [CATALOG | DATABASE | FUNCTION | CONNECTOR | MODEL | JOB] [EXTENDED] name.
func (p *parser) describeStatement() ast.Statement {
	start := p.next().Start
	s := &ast.Describe{}
	next := p.peek(1)
	if p.isAny("CATALOG", "DATABASE", "FUNCTION", "CONNECTOR", "MODEL", "JOB", "TABLE") && next.Kind != EOF && !p.isAt(1, ".") {
		if s.Kind = p.upper(p.next()); s.Kind == "TABLE" {
			s.Kind = ""
		}
	}
	if p.is("EXTENDED") && p.peek(1).Kind != EOF && !p.isAt(1, ".") {
		s.Extended = true
		p.i++
	}
	if p.cur().Kind == String && (s.Kind == "JOB" || s.Kind == "CONNECTOR") {
		s.Text = p.literal()
	} else {
		s.Name = p.name("a name")
	}
	s.Span = p.from(start)
	return s
}

func (p *parser) use() ast.Statement {
	start := p.next().Start
	s := &ast.Use{Kind: "DATABASE"}
	switch {
	case p.is("CATALOG") && p.peek(1).Kind != EOF:
		p.i++
		s.Kind = "CATALOG"
	case p.is("MODULES") && p.peek(1).Kind != EOF:
		p.i++
		s.Kind = "MODULES"
		p.commas(func() { s.Names = append(s.Names, p.name("a module name")) })
	}
	if s.Names == nil {
		s.Names = []*ast.Name{p.name("the name of a " + strings.ToLower(s.Kind))}
	}
	s.Span = p.from(start)
	return s
}

func (p *parser) stopJob() ast.Statement {
	start := p.next().Start
	p.expect("JOB")
	s := &ast.StopJob{ID: p.stringLit("the id of a job")}
	for p.accept("WITH") {
		switch {
		case !s.Savepoint && p.accept("SAVEPOINT"):
			s.Savepoint = true
		case !s.Drain && p.accept("DRAIN"):
			s.Drain = true
		default:
			p.expected("SAVEPOINT or DRAIN", "SAVEPOINT", "DRAIN")
		}
	}
	s.Span = p.from(start)
	return s
}

// retry reads RETRY FROM t$errors, then INTO a table, or an INSERT behind the condition.
func (p *parser) retry() ast.Statement {
	start := p.next().Start
	p.expect("FROM")
	s := &ast.Retry{From: p.name("a table name")}
	if p.accept("INTO") {
		s.Into = p.name("a table name")
	}
	if p.accept("WHERE") {
		s.Where = p.expr()
	}
	if s.Into == nil {
		if !p.is("INSERT") {
			p.expected("INTO and a table, or an INSERT", "INTO", "INSERT", "WHERE")
		}
		s.Insert = p.insert()
	}
	s.Span = p.from(start)
	return s
}

func (p *parser) analyze() ast.Statement {
	start := p.next().Start
	p.expect("TABLE")
	s := &ast.Analyze{Table: p.name("a table name")}
	if p.accept("PARTITION") {
		s.Partition = p.partition()
	}
	p.expect("COMPUTE", "STATISTICS")
	if p.accept("FOR") {
		if s.AllColumns = p.accept("ALL", "COLUMNS"); !s.AllColumns {
			p.expect("COLUMNS")
			p.commas(func() { s.Columns = append(s.Columns, p.anyIdent("a column name")) })
		}
	}
	s.Span = p.from(start)
	return s
}

// options reads ('key' = 'value', ..), which may be empty.
func (p *parser) options() []*ast.Option {
	var list []*ast.Option
	p.expect("(")
	if p.accept(")") {
		return nil
	}
	p.commas(func() {
		start := p.cur().Start
		o := &ast.Option{Key: p.stringLit("the name of an option")}
		p.expect("=")
		o.Value = p.stringLit("the value of an option")
		o.Span = p.from(start)
		list = append(list, o)
	})
	p.closeParen()
	return list
}

// hints reads /*+ HINT('k'='v'), OTHER(a, b) */ if it is next.
func (p *parser) hints() []*ast.Hint {
	if p.cur().Kind != HintOpen {
		return nil
	}
	p.i++
	var list []*ast.Hint
	for p.cur().Kind != HintClose {
		start := p.cur().Start
		h := &ast.Hint{Name: p.ident("the name of a hint")}
		if p.is("(") {
			p.hintArgs(h)
		}
		h.Span = p.from(start)
		list = append(list, h)
		if !p.accept(",") && p.cur().Kind != HintClose && p.cur().Kind != Word {
			p.expected(`"," or the end of the hint`)
		}
	}
	p.i++
	return list
}

func (p *parser) hintArgs(h *ast.Hint) {
	if p.peek(1).Kind == String && p.isAt(2, "=") {
		h.Options = p.options()
		return
	}
	if p.isAt(1, ")") {
		p.i += 2
		return
	}
	p.list(func() {
		switch p.cur().Kind {
		case String, Number:
			h.Args = append(h.Args, p.literal())
		default:
			h.Args = append(h.Args, p.name("a name, a number or a string"))
		}
	})
}
