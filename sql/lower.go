package sql

import (
	"weir/sql/ast"
)

// query reads a query to the end of what can belong to it.
func (p *parser) query() ast.Query {
	l := newLowerer(p, len(p.toks))
	l.query()
	c := l.grammar()
	q := c.statement()
	c.finish()
	return q
}

// expr reads an expression.
func (p *parser) expr() ast.Expr {
	l := newLowerer(p, 16)
	l.emit("SELECT")
	l.expr()
	c := l.grammar()
	e := c.single()
	c.finish()
	return e
}

// query lowers [WITH ..] body [ORDER BY ..] [LIMIT ..].
func (l *lowerer) query() {
	l.enter()
	noIn, tableArgs := l.noIn, l.tableArgs
	l.noIn, l.tableArgs = false, false
	start := l.cur().Start
	var with *ast.With
	if l.is("WITH") {
		with = l.with()
	}
	body := l.cur().Start
	l.setOperations()
	if l.isAny("ORDER", "LIMIT", "OFFSET", "FETCH") {
		l.sort(body)
	}
	if with != nil {
		with.Span = l.from(start)
	}
	l.noIn, l.tableArgs = noIn, tableArgs
	l.depth--
}

// with lowers WITH [RECURSIVE] name [(columns)] AS (query), .. The first name's code carries the With node.
func (l *lowerer) with() *ast.With {
	w := &ast.With{}
	l.emit("WITH")
	l.i++
	if w.Recursive = l.accept("RECURSIVE"); w.Recursive {
		l.emit("RECURSIVE")
	}
	for {
		start := l.cur().Start
		node := &ast.CTE{Name: l.ident("the name of a common table expression")}
		c := l.emitCode(node)
		l.pieces[l.codes[c].piece].tok--
		if w.CTEs == nil {
			l.codes[c].with = w
		}
		w.CTEs = append(w.CTEs, node)
		if l.is("(") {
			node.Columns = l.idents("a column name")
		}
		if !l.is("AS") {
			l.expected("AS and a query in parentheses", "AS")
		}
		l.emit("AS")
		l.i++
		if !l.is("(") {
			l.expected("a query in parentheses")
		}
		l.subquery()
		node.Span = l.from(start)
		if !l.is(",") {
			break
		}
		l.emit(",")
		l.i++
	}
	return w
}

// subquery lowers "(" query ")", parentheses included.
func (l *lowerer) subquery() {
	l.emit("(")
	l.expect("(")
	if !l.queryAhead() {
		l.expected("a query", "SELECT", "VALUES", "WITH")
	}
	l.query()
	l.closeQuery()
}

// closeQuery writes and reads the ")" behind a query.
func (l *lowerer) closeQuery() {
	if !l.is(")") {
		if l.cur().Kind == EOF {
			l.expected(`")"`)
		}
		l.unexpected()
	}
	l.emit(")")
	l.i++
}

// setOperations lowers queries with UNION, INTERSECT and EXCEPT between. Each operator's node gets the span of
// its two neighbours; the converter widens it.
func (l *lowerer) setOperations() {
	start := l.cur().Start
	l.queryPrimary()
	for l.isAny("UNION", "INTERSECT", "EXCEPT") {
		node := &ast.SetOp{Op: l.upper(l.cur())}
		n := 1
		switch {
		case l.isAt(1, "ALL"):
			node.All, n = true, 2
		case l.isAt(1, "DISTINCT"):
			node.Distinct, n = true, 2
		}
		text := node.Op
		if node.All {
			text += " ALL"
		}
		node.OpSpan = ast.Span{Start: l.cur().Start, End: l.peek(n - 1).End}
		l.emitOp(text, "SETOP", n, node)
		next := l.cur().Start
		if !l.queryAhead() {
			if l.is("(") && node.Op == "EXCEPT" && l.peek(-2).is(l.src, "*") {
				l.fail(l.cur(), "name the columns that are wanted: * stands for all of them", "expected a query after EXCEPT, found %s", l.describe(l.cur()))
			}
			l.expected("a query after "+node.Op, "SELECT", "VALUES", "WITH")
		}
		l.queryPrimary()
		node.Span = l.from(start)
		start = next
	}
	if l.is("MINUS") {
		l.fail(l.cur(), "use EXCEPT", "MINUS is not a set operation here")
	}
}

// queryPrimary lowers SELECT, VALUES, TABLE t or a query in parentheses.
func (l *lowerer) queryPrimary() {
	switch {
	case l.is("("):
		l.emit("(")
		l.i++
		if !l.queryAhead() {
			l.expected("a query", "SELECT", "VALUES", "WITH")
		}
		l.query()
		l.closeQuery()
	case l.is("SELECT"):
		l.selectQuery()
	case l.is("VALUES"):
		l.values()
	case l.is("TABLE"):
		start := l.cur().Start
		l.emit("SELECT")
		node := &ast.TableQuery{}
		l.emitCode(node)
		l.i++
		node.Table = l.name("a table name")
		node.Span = l.from(start)
	default:
		l.expected("a query", "SELECT", "VALUES", "WITH")
	}
}

// values lowers VALUES row, ..: SELECT `n`, row, ..
func (l *lowerer) values() {
	start := l.cur().Start
	node := &ast.Values{}
	l.emit("SELECT")
	l.emitCode(node)
	l.i++
	l.emit(",")
	l.exprs()
	node.Span = l.from(start)
}

// selectQuery lowers a SELECT: its first item is the node's own code, and so knows of hints, DISTINCT and the span.
func (l *lowerer) selectQuery() {
	start := l.cur().Start
	l.refuseStream()
	node := &ast.Select{}
	l.emit("SELECT")
	c := l.emitCode(node)
	l.i++
	node.Hints = l.hints()
	switch {
	case l.accept("DISTINCT"):
		node.Distinct = true
	case l.accept("ALL"):
		node.All = true
	}
	for {
		l.emit(",")
		l.selectItem()
		if !l.accept(",") {
			break
		}
	}
	items := l.tail
	qualify := func() {
		if !l.is("QUALIFY") {
			return
		}
		l.codes[c].flag = true
		tail := l.tail
		l.tail = items
		l.i++
		l.emit(",")
		l.expr()
		l.tail = tail
	}
	if l.is("FROM") {
		l.emit("FROM")
		l.i++
		l.relations()
		l.selectClauses(node)
		qualify()
		l.windowClause()
		qualify()
	} else if l.isAny("WHERE", "GROUP", "HAVING", "WINDOW", "QUALIFY") {
		l.expected("FROM before "+l.upper(l.cur()), "FROM")
	}
	node.Span = l.from(start)
}

func (l *lowerer) selectItem() {
	start := l.cur().Start
	node := &ast.SelectItem{}
	l.open(node)
	l.expr()
	l.emit(")")
	node.Alias = l.alias()
	node.Span = l.from(start)
}

// alias reads [AS] name.
func (l *lowerer) alias() *ast.Ident {
	t := l.cur()
	switch {
	case l.accept("AS"):
	case t.Kind == Quoted || t.Kind == Word && !t.oneOf(l.src, notAlias):
	default:
		return nil
	}
	id := l.ident("an alias")
	return &id
}

// selectClauses lowers WHERE, GROUP BY and HAVING.
func (l *lowerer) selectClauses(node *ast.Select) {
	if l.is("WHERE") {
		l.emit("WHERE")
		l.i++
		l.expr()
	}
	if l.is("GROUP") {
		l.emit("GROUP BY")
		l.i++
		l.expect("BY")
		if node.GroupDistinct = l.is("DISTINCT"); node.GroupDistinct || l.is("ALL") {
			l.i++
		}
		l.exprs()
	}
	if l.is("HAVING") {
		l.emit("HAVING")
		l.i++
		l.expr()
	}
}

// windowClause lowers WINDOW name AS (..), ..: the node of a definition is the code of its name.
func (l *lowerer) windowClause() {
	if !l.is("WINDOW") {
		return
	}
	l.emit("WINDOW")
	l.i++
	for {
		start := l.cur().Start
		node := &ast.WindowDef{Name: l.ident("a window name")}
		c := l.emitCode(node)
		l.pieces[l.codes[c].piece].tok--
		if !l.is("AS", "(") {
			l.expected("AS and a window in parentheses", "AS")
		}
		l.emit("AS")
		l.i++
		l.window()
		node.Span = l.from(start)
		if !l.is(",") {
			return
		}
		l.emit(",")
		l.i++
	}
}

// sort lowers ORDER BY, LIMIT, OFFSET and FETCH. The whole is one node, whose code is the number behind LIMIT.
func (l *lowerer) sort(start int) {
	node := &ast.Sort{}
	if l.accept("ORDER") {
		l.expect("BY")
		l.emit("ORDER BY")
		l.orderItems()
	}
	l.emit("LIMIT")
	l.emitCode(node)
	l.pieces[l.tail].bare = true
	for {
		switch {
		case node.Limit == nil && !node.LimitAll && l.accept("LIMIT"):
			if node.LimitAll = l.accept("ALL"); !node.LimitAll {
				node.Limit = l.count("a number of rows")
			}
			if l.is(",") {
				l.fail(l.cur(), "write LIMIT n OFFSET m", "LIMIT takes one number")
			}
			continue
		case node.Offset == nil && l.accept("OFFSET"):
			node.Offset = l.count("a number of rows")
			_ = l.accept("ROWS") || l.accept("ROW")
			continue
		case node.Limit == nil && !node.LimitAll && l.accept("FETCH"):
			if !l.accept("FIRST") {
				l.expect("NEXT")
			}
			if node.Fetch = true; l.cur().Kind == Number {
				node.Limit = l.count("a number of rows")
			} else {
				at := l.cur().Start
				node.Limit = &ast.Literal{Span: ast.Span{Start: at, End: at}, Kind: ast.NumberLit, Value: "1"}
			}
			if !l.accept("ROWS") {
				l.expect("ROW")
			}
			l.expect("ONLY")
			continue
		}
		break
	}
	node.Span = l.from(start)
}

// count reads a whole number.
func (l *lowerer) count(what string) *ast.Literal {
	t := l.cur()
	if t.Kind != Number || !wholeNumber(l.text(t)) {
		l.expected(what)
	}
	return l.literal()
}

func wholeNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
