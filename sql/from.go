package sql

import (
	"weir/sql/ast"
)

// relations lowers what follows FROM: relations with commas between.
func (l *lowerer) relations() {
	start := l.cur().Start
	l.joins()
	for l.is(",") {
		node := &ast.Join{Kind: ast.CommaJoin, OpSpan: ast.Span{Start: l.cur().Start, End: l.cur().End}}
		l.emitOp(",", "JOIN", 1, node)
		next := l.cur().Start
		l.joins()
		node.Span = l.from(start)
		start = next
	}
}

// joins lowers relations with JOIN between. Each join's node gets the span of its two neighbours and its
// condition; the converter widens it.
func (l *lowerer) joins() {
	l.enter()
	start := l.cur().Start
	l.relation()
	for {
		node, n := l.joinOperator()
		if node == nil {
			l.depth--
			return
		}
		node.OpSpan = ast.Span{Start: l.cur().Start, End: l.peek(n - 1).End}
		l.emitOp("JOIN", "JOIN", n, node)
		next := l.cur().Start
		l.relation()
		l.joinCondition(node)
		node.Span = l.from(start)
		start = next
	}
}

// joinOperator recognises a join's words: its node and the number of words.
func (l *lowerer) joinOperator() (node *ast.Join, n int) {
	node = &ast.Join{Kind: ast.InnerJoin}
	if l.is("NATURAL") {
		node.Natural, n = true, 1
	}
	switch {
	case l.isAt(n, "JOIN"):
		return node, n + 1
	case l.isAt(n, "INNER", "JOIN"):
		return node, n + 2
	case l.isAt(n, "CROSS", "JOIN") && !node.Natural:
		node.Kind = ast.CrossJoin
		return node, n + 2
	case l.isAt(n, "LEFT"):
		node.Kind = ast.LeftJoin
	case l.isAt(n, "RIGHT"):
		node.Kind = ast.RightJoin
	case l.isAt(n, "FULL"):
		node.Kind = ast.FullJoin
	default:
		if l.isAny("INNER", "CROSS", "NATURAL", "OUTER") {
			l.i++
			l.expected("JOIN", "JOIN")
		}
		return nil, 0
	}
	n++
	if l.isAt(n, "OUTER") {
		n++
	}
	if !l.isAt(n, "JOIN") {
		l.i += n
		l.expected("JOIN", "JOIN", "OUTER")
	}
	return node, n + 1
}

// joinCondition lowers ON and USING. Every join gets an ON for TiDB: without one its grammar groups joins in
// ways of its own.
func (l *lowerer) joinCondition(node *ast.Join) {
	what := ""
	if node.Natural {
		what = "NATURAL"
	} else if node.Kind == ast.CrossJoin {
		what = "CROSS"
	}
	if what != "" && l.isAny("ON", "USING") {
		l.fail(l.cur(), "leave the condition out, or say JOIN without "+what, "a %s JOIN has no condition", what)
	}
	l.emit("ON")
	if l.accept("ON") {
		l.expr()
		return
	}
	if l.accept("USING") {
		node.Using = l.parser.idents("a column name")
	} else if what == "" {
		t := l.cur()
		if hint := l.meant(t, []string{"ON", "USING"}); hint != "" {
			l.fail(t, hint, "expected ON or USING, found %s", l.describe(t))
		}
		l.failAt(node.OpSpan, "add ON condition or USING (columns), or say CROSS JOIN", "this JOIN has no condition")
	}
	l.emitCode(&partNothing{})
}

// relation lowers one relation with its MATCH_RECOGNIZE and alias.
func (l *lowerer) relation() {
	before, start := l.tail, l.cur().Start
	lateral := l.is("LATERAL")
	if lateral {
		l.i++
	}
	t := l.cur()
	switch {
	case t.is(l.src, "(") && !l.queryInParens(l.i):
		if lateral {
			l.expected("a query in parentheses, or TABLE(function(..))")
		}
		l.emit("(")
		l.i++
		l.relations()
		if !l.is(")") {
			l.unexpected()
		}
		l.emit(")")
		l.i++
		if a := l.cur(); l.is("AS") || a.Kind == Quoted || a.Kind == Word && !a.oneOf(l.src, notAlias) {
			l.fail(a, "name the tables inside instead", "a join in parentheses takes no alias")
		}
		return
	case t.is(l.src, "("):
		node := &ast.Derived{Lateral: lateral}
		l.subquery()
		node.Span = l.from(start)
		l.source(before, start, node)
	case t.is(l.src, "UNNEST") && l.isAt(1, "("):
		l.unnest(before, start, lateral)
	case t.is(l.src, "TABLE") && l.isAt(1, "("), t.Kind == Word && l.isAt(1, "("),
		(t.Kind == Word || t.Kind == Quoted) && l.callAhead():
		l.tableFunction(before, start, lateral)
	default:
		if lateral {
			l.expected("a query in parentheses, or TABLE(function(..))")
		}
		l.table(before, start)
	}
}

// callAhead tells whether a dotted name with "(" behind it comes next.
func (l *lowerer) callAhead() bool {
	n := 1
	for l.isAt(n, ".") && (l.peek(n+1).Kind == Word || l.peek(n+1).Kind == Quoted) {
		n += 2
	}
	return l.isAt(n, "(")
}

// table lowers a named table: its code holds everything but the time of FOR SYSTEM_TIME AS OF.
func (l *lowerer) table(before int32, start int) {
	t := l.cur()
	if t.Kind == Word && t.oneOf(l.src, notOperand) {
		l.fail(t, l.meant(t, nil), "expected a table, found %s", l.describe(t))
	}
	node := &ast.Table{}
	c := l.emitCode(node)
	node.Name = l.name("a table name")
	node.Hints = l.hints()
	if l.is("FOR", "SYSTEM_TIME") {
		l.emit("AS OF TIMESTAMP")
		l.i += 2
		l.expect("AS", "OF")
		l.expr()
	}
	node.Span = l.from(start)
	if l.is("MATCH_RECOGNIZE") {
		l.matchRecognize(before, start)
		return
	}
	l.codes[c].node = l.aliased(node, start)
}

// source writes the code of a relation that stands in parentheses, MATCH_RECOGNIZE and alias included.
func (l *lowerer) source(before int32, start int, node ast.Relation) {
	l.emit("AS")
	c := l.emitCode(node)
	l.codes[c].piece = l.pieces[before].next
	if l.is("MATCH_RECOGNIZE") {
		l.matchRecognize(before, start)
		return
	}
	l.codes[c].node = l.aliased(node, start)
}

// aliased reads [AS] name [(columns)] and puts it around node.
func (l *lowerer) aliased(node ast.Relation, start int) ast.Relation {
	name := l.alias()
	if name == nil {
		return node
	}
	a := &ast.Aliased{Input: node, Name: *name}
	if l.is("(") {
		a.Columns = l.idents("a column name")
	}
	a.Span = l.from(start)
	return a
}

// unnest lowers UNNEST(..) [WITH ORDINALITY] as ( SELECT `n` (args) ) AS `m`.
func (l *lowerer) unnest(before int32, start int, lateral bool) {
	node := &ast.Unnest{Lateral: lateral}
	l.emit("(")
	l.emit("SELECT")
	l.open(&partList{})
	l.i++
	l.inner(l.exprList)
	l.emit(")")
	l.emit(")")
	node.Ordinality = l.accept("WITH", "ORDINALITY")
	node.Span = l.from(start)
	l.source(before, start, node)
}

// tableFunction lowers TABLE(f(..)) and f(..) as ( SELECT call ) AS `m`.
func (l *lowerer) tableFunction(before int32, start int, lateral bool) {
	node := &ast.TableFunc{Lateral: lateral}
	l.emit("(")
	l.emit("SELECT")
	node.Wrapped = l.is("TABLE", "(")
	if node.Wrapped {
		l.i += 2
	}
	if t := l.cur(); !(t.Kind == Word || t.Kind == Quoted) || !l.callAhead() {
		hint := ""
		if node.Wrapped && t.Kind != EOF && l.isAt(1, ")") {
			hint = "for a table write FROM " + l.text(t)
		}
		l.fail(t, hint, "expected a table function, found %s", l.describe(t))
	}
	l.enter()
	callBefore, callStart := l.tail, l.cur().Start
	n := l.name("a function name")
	call := &ast.Call{Name: n}
	tableArgs := l.tableArgs
	l.tableArgs = true
	l.call(call, callStart)
	l.callTail(call, callBefore, callStart)
	l.tableArgs = tableArgs
	if call.Name == nil {
		l.failAt(n.Span, "", "DESCRIPTOR is not a table function")
	}
	if node.Wrapped {
		l.closeParen()
	}
	l.depth--
	l.emit(")")
	node.Span = l.from(start)
	l.source(before, start, node)
}
