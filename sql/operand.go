package sql

import (
	"strings"

	"weir/sql/ast"
)

// spanUnits are the units behind (a - b); they are no names.
const spanUnits = " YEAR QUARTER MONTH WEEK DAY HOUR MINUTE SECOND "

// operand lowers one operand with what is attached to it: [i], .field, AT TIME ZONE.
func (l *lowerer) operand() {
	before, first := l.tail, l.cur()
	start := first.Start
	if first.Kind == Number {
		l.leaf(l.literal())
		return
	}
	l.primary()
	depth := 0
	for {
		switch {
		case l.is("["):
			node := &ast.Index{}
			l.wrap(before, node)
			l.emit(",")
			l.i++
			l.inner(l.expr)
			l.expectSymbol("]")
			l.emit(")")
			node.Span = l.from(start)
		case l.is(".") && (l.peek(1).Kind == Word || l.peek(1).Kind == Quoted):
			node := &ast.Field{}
			l.wrap(before, node)
			l.i++
			node.Name = l.anyIdent("a field name")
			l.emit(")")
			node.Span = l.from(start)
		case l.is("AT", "TIME", "ZONE"):
			node := &ast.AtTimeZone{}
			l.wrap(before, node)
			l.emit(",")
			l.i += 3
			l.inner(l.operand)
			l.emit(")")
			node.Span = l.from(start)
		case depth == 0 && first.is(l.src, "(") && l.cur().oneOf(l.src, spanUnits):
			node := &ast.TimeSpan{}
			l.wrap(before, node)
			node.Unit = l.intervalUnit()
			l.emit(")")
			node.Span = l.from(start)
		default:
			l.depth -= depth
			return
		}
		depth++
		l.enter()
	}
}

// inner runs a production inside brackets, where IN is an operator again, one level deeper.
func (l *lowerer) inner(production func()) {
	noIn := l.noIn
	l.noIn = false
	l.enter()
	production()
	l.depth--
	l.noIn = noIn
}

func (l *lowerer) expectSymbol(s string) {
	if !l.accept(s) {
		l.expected(`"` + s + `"`)
	}
}

// leaf writes a complete node; its tokens have been read.
func (l *lowerer) leaf(node ast.Expr) {
	c := l.emitCode(node)
	l.pieces[l.codes[c].piece].tok = int32(l.i - 1)
}

// primary lowers an operand without what may be attached to it.
func (l *lowerer) primary() {
	t := l.cur()
	switch t.Kind {
	case String, Binary:
		l.leaf(l.literal())
		return
	case Quoted:
		l.nameOrCall()
		return
	case Symbol:
		switch l.text(t) {
		case "(":
			l.inner(l.parens)
			return
		case "*":
			l.i++
			l.leaf(&ast.Star{Span: ast.Span{Start: t.Start, End: t.End}})
			return
		}
	case Word:
		if !l.keywordOperand(t) {
			if t.oneOf(l.src, notOperand) && !(l.isAt(1, "(") && t.oneOf(l.src, " LEFT RIGHT ")) && !l.isAt(1, ".") {
				l.expectedOperand(t)
			}
			l.nameOrCall()
		}
		return
	}
	l.expectedOperand(t)
}

// expectedOperand stops where an expression is missing.
func (l *lowerer) expectedOperand(t Token) {
	hint := ""
	switch before := l.peek(-1); {
	case before.is(l.src, ","):
		hint = commaHint
	case before.is(l.src, "=") && t.is(l.src, "="):
		hint = "equality is a single ="
	}
	if t.Kind == Word && t.oneOf(l.src, " ORDER GROUP TABLE VALUES WINDOW PARTITION ") && hint == "" {
		hint = "a keyword used as a name needs backticks: `" + l.text(t) + "`"
	}
	l.fail(t, hint, "expected an expression, found %s", l.describe(t))
}

// parens lowers (expr), (a, b), () and (query).
func (l *lowerer) parens() {
	start := l.cur().Start
	if l.queryInParens(l.i) {
		node := &ast.Subquery{}
		l.open(node)
		l.subquery()
		l.emit(")")
		node.Span = l.from(start)
		return
	}
	c := l.open(nil)
	l.i++
	n := 0
	if !l.is(")") {
		for n = 1; ; n++ {
			l.expr()
			if !l.is(",") {
				break
			}
			l.emit(",")
			l.i++
		}
	}
	l.emit(")")
	l.closeParen()
	if n == 1 {
		l.codes[c].node = &ast.Paren{Span: l.from(start)}
	} else {
		l.codes[c].node = &ast.Row{Span: l.from(start)}
	}
}

// queryInParens tells whether the "(" at token i opens a query, and not an expression or a join that starts
// with a query in parentheses: `((SELECT 1) + 1)` does not, `((SELECT 1) UNION SELECT 2)` does.
func (l *lowerer) queryInParens(i int) bool {
	if !l.tokAt(int32(i)).is(l.src, "(") {
		return false
	}
	n := i
	for l.tokAt(int32(n)).is(l.src, "(") {
		n++
	}
	t := l.tokAt(int32(n))
	if !t.is(l.src, "SELECT") && !t.is(l.src, "WITH") && !t.is(l.src, "VALUES") &&
		!(t.is(l.src, "TABLE") && !l.tokAt(int32(n+1)).is(l.src, "(")) {
		return false
	}
	for n--; n > i; n-- {
		end := l.closing(n)
		if end < 0 {
			return true // the error is found when reading it
		}
		after := l.tokAt(int32(end + 1))
		if !after.is(l.src, ")") && !after.oneOf(l.src, " UNION INTERSECT EXCEPT ORDER LIMIT OFFSET FETCH ") {
			return false
		}
	}
	return true
}

// keywordOperand lowers the operands that start with a keyword; it returns false for any other word.
func (l *lowerer) keywordOperand(t Token) bool {
	next := l.peek(1)
	word := l.upper(t)
	bracket, paren, str := next.is(l.src, "["), next.is(l.src, "("), next.Kind == String
	switch word {
	case "NULL", "TRUE", "FALSE", "UNKNOWN":
		if next.is(l.src, ".") || paren || word == "UNKNOWN" && l.isAt(1, "ON") {
			return false
		}
		l.i++
		kinds := map[string]ast.LiteralKind{"NULL": ast.NullLit, "TRUE": ast.BoolLit, "FALSE": ast.BoolLit, "UNKNOWN": ast.UnknownLit}
		l.leaf(&ast.Literal{Span: ast.Span{Start: t.Start, End: t.End}, Kind: kinds[word], Text: l.text(t), Value: word})
	case "DATE", "TIME", "TIMESTAMP":
		return l.timeLiteral(word, str)
	case "INTERVAL":
		if !str && next.Kind != Number && !((next.is(l.src, "-") || next.is(l.src, "+")) && l.peek(2).Kind == String) {
			return false
		}
		l.leaf(l.interval())
	case "CASE":
		if next.is(l.src, ".") {
			return false
		}
		l.inner(l.caseExpr)
	case "CAST", "TRY_CAST", "SAFE_CAST":
		if !paren {
			return false
		}
		l.inner(l.cast)
	case "EXISTS":
		if !paren || !l.queryInParens(l.i+1) {
			return false
		}
		node := &ast.Exists{}
		l.open(node)
		l.i++
		l.inner(l.subquery)
		l.emit(")")
		node.Span = l.from(t.Start)
	case "ARRAY", "MAP", "MULTISET":
		if !bracket && !(paren && word == "ARRAY" && l.queryInParens(l.i+1)) {
			return false
		}
		l.inner(l.collection)
	case "ROW", "GROUPING", "CUBE", "ROLLUP":
		return l.rowOrSets(word, t, paren)
	case "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP":
		if paren || next.is(l.src, ".") {
			return false
		}
		id := l.toIdent(l.next())
		l.leaf(&ast.Call{Span: id.Span, Name: &ast.Name{Span: id.Span, Parts: []ast.Ident{id}}, NoParens: true})
	default:
		return false
	}
	return true
}

// timeLiteral lowers DATE '..', TIME '..', TIMESTAMP '..' and TIMESTAMP WITH LOCAL TIME ZONE '..'.
func (l *lowerer) timeLiteral(word string, str bool) bool {
	start := l.cur().Start
	kinds := map[string]ast.LiteralKind{"DATE": ast.DateLit, "TIME": ast.TimeLit, "TIMESTAMP": ast.TimestampLit}
	kind := kinds[word]
	switch {
	case str:
		l.i++
	case word == "TIMESTAMP" && l.isAt(1, "WITH", "LOCAL", "TIME", "ZONE") && l.peek(5).Kind == String:
		kind = ast.TimestampLTZLit
		l.i += 5
	default:
		return false
	}
	value := l.literal()
	s := l.from(start)
	l.leaf(&ast.Literal{Span: s, Kind: kind, Text: l.src[s.Start:s.End], Value: value.Value})
	return true
}

// interval reads an INTERVAL literal.
func (l *lowerer) interval() *ast.Interval {
	start := l.next().Start
	node := &ast.Interval{}
	if l.isAny("-", "+") {
		node.Negative = l.next().is(l.src, "-")
	}
	if l.cur().Kind != String && l.cur().Kind != Number {
		l.expected("a number in single quotes")
	}
	node.Value = l.literal()
	node.Unit = l.intervalUnit()
	node.Span = l.from(start)
	return node
}

func (l *lowerer) caseExpr() {
	start := l.cur().Start
	node := &ast.Case{}
	c := l.open(node)
	l.i++
	comma := false
	operand := func(production func()) {
		if comma {
			l.emit(",")
		}
		comma = true
		production()
	}
	if !l.is("WHEN") {
		l.codes[c].flag = true
		operand(l.expr)
	}
	for l.is("WHEN") {
		w := &ast.When{}
		begin := l.next().Start
		operand(l.expr)
		l.expect("THEN")
		operand(l.expr)
		w.Span = l.from(begin)
		node.Whens = append(node.Whens, w)
	}
	if len(node.Whens) == 0 {
		l.expected("WHEN", "WHEN")
	}
	if l.accept("ELSE") {
		l.codes[c].other = true
		operand(l.expr)
	}
	if !l.accept("END") {
		l.expected("WHEN, ELSE or END", "WHEN", "ELSE", "END")
	}
	l.emit(")")
	node.Span = l.from(start)
}

func (l *lowerer) cast() {
	start := l.cur().Start
	node := &ast.Cast{Try: !l.is("CAST")}
	if l.is("SAFE_CAST") {
		l.fail(l.cur(), "use TRY_CAST", "SAFE_CAST is not supported")
	}
	l.open(node)
	l.i += 2
	l.expr()
	if !l.accept("AS") {
		l.expected("AS and a data type", "AS")
	}
	node.Type = l.typeName()
	l.closeParen()
	l.emit(")")
	node.Span = l.from(start)
}

// collection lowers ARRAY[..], ARRAY(query), MAP[..] and MULTISET[..].
func (l *lowerer) collection() {
	start := l.cur().Start
	word := l.upper(l.next())
	c := l.open(nil)
	if l.is("(") {
		l.subquery()
		l.emit(")")
		l.codes[c].node = &ast.Array{Span: l.from(start)}
		return
	}
	l.i++
	if !l.is("]") {
		l.exprs()
	}
	if !l.accept("]") {
		l.expected(`"," or "]"`)
	}
	l.emit(")")
	switch s := l.from(start); word {
	case "ARRAY":
		l.codes[c].node = &ast.Array{Span: s}
	case "MAP":
		l.codes[c].node = &ast.Map{Span: s}
	default:
		l.codes[c].node = &ast.Multiset{Span: s}
	}
}

// rowOrSets lowers ROW(..), GROUPING SETS (..), CUBE (..) and ROLLUP (..).
func (l *lowerer) rowOrSets(word string, t Token, paren bool) bool {
	var sets *ast.GroupingSet
	switch {
	case word == "ROW" && paren:
		node := &ast.Row{Explicit: true}
		l.open(node)
		l.i += 2
		if !l.is(")") {
			l.inner(l.exprs)
		}
		l.closeParen()
		l.emit(")")
		node.Span = l.from(t.Start)
		return true
	case word == "GROUPING" && l.isAt(1, "SETS", "("):
		sets = &ast.GroupingSet{Kind: "GROUPING SETS"}
		l.i += 2
	case (word == "CUBE" || word == "ROLLUP") && paren:
		sets = &ast.GroupingSet{Kind: word}
		l.i++
	default:
		return false
	}
	l.open(sets)
	l.inner(l.exprList)
	l.emit(")")
	sets.Span = l.from(t.Start)
	return true
}

// nameOrCall lowers a dotted name, `t.*`, or a call.
func (l *lowerer) nameOrCall() {
	before := l.tail
	start := l.cur().Start
	match := ""
	if l.isAny("FINAL", "RUNNING") && l.peek(1).Kind == Word && l.isAt(2, "(") {
		match = l.upper(l.next())
	}
	first := l.cur()
	n := &ast.Name{Parts: []ast.Ident{l.toIdent(l.next())}}
	if first.Kind == Quoted && first.End-first.Start == 2 {
		l.fail(first, "", "a name cannot be empty")
	}
	for l.is(".") && (l.peek(1).Kind == Word || l.peek(1).Kind == Quoted) {
		l.i++
		if t := l.cur(); t.oneOf(l.src, notName) {
			l.ident("a name after the dot")
		}
		n.Parts = append(n.Parts, l.anyIdent("a name"))
	}
	n.Span = ast.Span{Start: first.Start, End: l.lastEnd()}
	switch {
	case l.is(".", "*"):
		l.i += 2
		l.leaf(&ast.Star{Span: l.from(start), Table: n})
	case l.is(".") && l.peek(1).Kind != Number:
		l.i++
		l.expected("a name or * after the dot")
	case l.is("("):
		node := &ast.Call{Name: n, Match: match}
		l.enter()
		l.call(node, start)
		l.callTail(node, before, start)
		l.depth--
	default:
		l.leaf(n)
	}
}

// special tells how a function with syntax of its own is written.
type special struct {
	first string   // a keyword argument that comes first: "unit", "side"
	seps  []string // the words that may stand instead of a comma, in order
	last  bool     // behind the last separator comes a unit
	json  bool     // SQL/JSON clauses may follow
	pairs bool     // KEY k VALUE v
}

// specialOf looks up the syntax of a function.
func specialOf(n *ast.Name) special {
	if len(n.Parts) > 1 || n.Parts[0].Quoted {
		return special{}
	}
	switch strings.ToUpper(n.Parts[0].Name) {
	case "EXTRACT":
		return special{first: "unit", seps: []string{"FROM"}}
	case "TIMESTAMPADD", "TIMESTAMPDIFF":
		return special{first: "unit"}
	case "FLOOR", "CEIL", "CEILING":
		return special{seps: []string{"TO"}, last: true}
	case "TRIM":
		return special{first: "side", seps: []string{"FROM"}}
	case "SUBSTRING":
		return special{seps: []string{"FROM", "FOR"}}
	case "OVERLAY":
		return special{seps: []string{"PLACING", "FROM", "FOR"}}
	case "POSITION":
		return special{seps: []string{"IN"}}
	case "JSON_VALUE", "JSON_QUERY", "JSON_EXISTS", "JSON_ARRAY", "JSON_ARRAYAGG":
		return special{json: true}
	case "JSON_OBJECT", "JSON_OBJECTAGG":
		return special{json: true, pairs: true}
	}
	return special{}
}
