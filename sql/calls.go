package sql

import (
	"slices"
	"strings"

	"weir/sql/ast"
)

// call lowers "(" arguments ")" of a function; the closing parenthesis is written by callTail, since FILTER and
// WITHIN GROUP add operands.
func (l *lowerer) call(node *ast.Call, start int) {
	noIn, tableArgs := l.noIn, l.tableArgs
	l.noIn = false
	sp := specialOf(node.Name)
	if len(node.Name.Parts) == 1 && !node.Name.Parts[0].Quoted && strings.EqualFold(node.Name.Last(), "DESCRIPTOR") {
		l.descriptor(start)
		node.Name = nil
		return
	}
	l.tableArgs = false
	c := l.open(node)
	l.pieces[l.codes[c].piece].tok--
	l.i++
	switch {
	case l.is("*", ")"):
		node.Star = true
		l.i++
	case l.isAny("DISTINCT", "ALL") && !l.isAt(1, ",") && !l.isAt(1, ")"):
		node.Distinct = l.is("DISTINCT")
		node.All = !node.Distinct
		l.i++
	}
	if !l.is(")") {
		l.tableArgs = tableArgs
		l.args(node, sp)
	}
	if !l.accept(")") {
		l.expected(`"," or ")" in the arguments of ` + node.Name.String())
	}
	l.noIn, l.tableArgs = noIn, tableArgs
}

// descriptor lowers DESCRIPTOR(a, b).
func (l *lowerer) descriptor(start int) {
	node := &ast.Descriptor{Columns: l.idents("a column name")}
	node.Span = l.from(start)
	l.leaf(node)
}

// args lowers the arguments between the parentheses.
func (l *lowerer) args(node *ast.Call, sp special) {
	switch {
	case sp.pairs:
		l.jsonPairs(node)
	case sp.json && l.jsonClauseAhead():
	default:
		l.plainArgs(node, sp)
	}
	if l.isAny("IGNORE", "RESPECT") && l.isAt(1, "NULLS") {
		node.Nulls, node.NullsInside = l.upper(l.next()), true
		l.i++
	}
	if l.is("ORDER", "BY") {
		l.emitCommaAfterArg()
		l.i += 2
		l.orderItems()
	}
	if sp.json {
		l.jsonClauses(node)
	}
}

// emitCommaAfterArg writes a comma unless the call has no operand yet.
func (l *lowerer) emitCommaAfterArg() {
	if l.pieces[l.tail].text != "(" || l.pieces[l.tail].written {
		l.emit(",")
	}
}

// plainArgs lowers arguments with commas, or the words of a special syntax, between.
func (l *lowerer) plainArgs(node *ast.Call, sp special) {
	words := sp.seps
	keyword := l.firstKeyword(node, sp)
	for n := 0; ; n++ {
		if n > 0 || keyword {
			if sep := l.separator(node, &words, n, keyword); sep == "" {
				if keyword && len(words) > 0 {
					l.expected("FROM", "FROM")
				}
				return
			} else if sep == "TO" && sp.last {
				l.symbolArg("a unit of time")
				continue
			}
		}
		l.noIn = slices.Contains(words, "IN")
		l.arg()
		l.noIn = false
		node.Seps = append(node.Seps, "")
	}
}

// firstKeyword lowers the unit of EXTRACT or the side of TRIM.
func (l *lowerer) firstKeyword(node *ast.Call, sp special) bool {
	switch {
	case sp.first == "unit" && l.cur().Kind == Word && (l.isAt(1, ",") || l.isAt(1, "FROM")):
		l.symbolArg("a unit of time")
	case sp.first == "side" && l.isAny("BOTH", "LEADING", "TRAILING") && !l.isAt(1, ")") && !l.isAt(1, ","):
		l.symbolArg("BOTH, LEADING or TRAILING")
	default:
		return false
	}
	node.Seps = append(node.Seps, "")
	return true
}

// symbolArg lowers a keyword given as an argument.
func (l *lowerer) symbolArg(what string) {
	t := l.cur()
	if t.Kind != Word {
		l.expected(what)
	}
	l.i++
	name := l.upper(t)
	if u := intervalUnitOf(name); u != "" {
		name = u
	}
	l.leaf(&ast.Symbol{Span: ast.Span{Start: t.Start, End: t.End}, Name: name})
}

// separator reads what stands between two arguments: a comma (","), or the next word of the special syntax.
// It writes the comma for TiDB. It returns "" at the end.
func (l *lowerer) separator(node *ast.Call, words *[]string, n int, keyword bool) string {
	last := len(node.Seps) - 1
	for i, w := range *words {
		if l.is(w) {
			node.Seps[last] = w
			*words = (*words)[i+1:]
			l.emit(",")
			l.i++
			return w
		}
	}
	if l.is(",") {
		l.emit(",")
		l.i++
		return ","
	}
	// TRIM(BOTH ' ' FROM s): no separator behind the side.
	if n == 0 && keyword && len(*words) > 0 && !l.is(")") {
		l.emit(",")
		return " "
	}
	return ""
}

// arg lowers one argument: an expression, name => value, TABLE t, MODEL m, DEFAULT, or a query for a table function.
func (l *lowerer) arg() {
	t, next := l.cur(), l.peek(1)
	switch {
	case next.is(l.src, "=>"):
		node := &ast.NamedArg{Name: l.anyIdent("the name of an argument")}
		l.i--
		l.open(node)
		l.i += 2
		l.inner(l.arg)
		l.emit(")")
		node.Span = l.from(t.Start)
	case t.is(l.src, "TABLE") && (next.Kind == Word || next.Kind == Quoted || next.is(l.src, "(")):
		l.tableArg(t.Start)
	case l.tableArgs && l.queryInParens(l.i):
		l.tableArg(t.Start)
	case t.is(l.src, "MODEL") && (next.Kind == Word || next.Kind == Quoted):
		l.i++
		m := l.name("a model name")
		l.leaf(&ast.ModelArg{Span: l.from(t.Start), Model: m})
	case t.is(l.src, "DEFAULT") && (next.is(l.src, ",") || next.is(l.src, ")")):
		l.i++
		l.leaf(&ast.Symbol{Span: ast.Span{Start: t.Start, End: t.End}, Name: "DEFAULT"})
	default:
		l.expr()
	}
}

// tableArg lowers TABLE t or (query), with PARTITION BY and ORDER BY.
func (l *lowerer) tableArg(start int) {
	node := &ast.TableArg{}
	l.open(node)
	switch {
	case l.is("TABLE") && !l.isAt(1, "("):
		l.i++
		node.Table = l.name("a table name")
	default:
		l.accept("TABLE")
		if !l.queryInParens(l.i) {
			l.expected("a table name or a query")
		}
		l.inner(l.subquery)
	}
	if l.accept("PARTITION", "BY") {
		l.emitCommaAfterArg()
		l.open(&partList{})
		if l.is("(") {
			l.inner(l.exprList)
		} else {
			l.commasWithinArg()
		}
		l.emit(")")
	}
	if l.accept("ORDER", "BY") {
		l.emitCommaAfterArg()
		if l.is("(") {
			l.i++
			l.orderItems()
			l.closeParen()
		} else {
			l.orderItem()
		}
	}
	l.emit(")")
	node.Span = l.from(start)
}

// commasWithinArg lowers the key of PARTITION BY without parentheses: one, for a comma starts the next argument.
func (l *lowerer) commasWithinArg() { l.inner(l.expr) }

// callTail lowers what may follow the arguments, and closes the call: WITHIN GROUP, FILTER, IGNORE NULLS, OVER.
func (l *lowerer) callTail(node *ast.Call, before int32, start int) {
	if node.Name == nil { // DESCRIPTOR: a leaf
		return
	}
	for {
		switch {
		case l.is("WITHIN", "GROUP", "("):
			l.emitCommaAfterArg()
			l.i += 3
			l.open(&partWithin{})
			l.expect("ORDER", "BY")
			l.orderItems()
			l.emit(")")
			l.closeParen()
			continue
		case l.is("FILTER", "("):
			l.emitCommaAfterArg()
			l.i += 2
			l.open(&partFilter{})
			l.expect("WHERE")
			l.inner(l.expr)
			l.emit(")")
			l.closeParen()
			continue
		case l.isAny("IGNORE", "RESPECT") && l.isAt(1, "NULLS") && node.Nulls == "":
			node.Nulls = l.upper(l.next())
			l.i++
			continue
		}
		break
	}
	l.emit(")")
	if l.is("OVER") && (l.isAt(1, "(") || l.peek(1).Kind == Word || l.peek(1).Kind == Quoted) {
		// OVER is legal only behind TiDB's own aggregates, and MAX( must be one token.
		tail := l.tail
		l.tail = before
		l.emit("MAX(")
		l.tail = tail
		l.emit(")")
		l.emit("OVER")
		l.i++
		l.window()
	}
	node.Span = l.from(start)
}

// orderItems lowers the keys of ORDER BY.
func (l *lowerer) orderItems() {
	for {
		l.orderItem()
		if !l.is(",") {
			return
		}
		l.emit(",")
		l.i++
	}
}

func (l *lowerer) orderItem() {
	node := &ast.OrderItem{}
	start := l.cur().Start
	l.open(node)
	l.inner(l.expr)
	l.emit(")")
	if l.isAny("ASC", "DESC") {
		node.Dir = l.upper(l.next())
	}
	if l.is("NULLS") {
		l.i++
		if !l.isAny("FIRST", "LAST") {
			l.expected("FIRST or LAST", "FIRST", "LAST")
		}
		node.Nulls = l.upper(l.next())
	}
	node.Span = l.from(start)
}

// window lowers what follows OVER or a name in WINDOW: a name, or a specification in parentheses. The name of the
// window it builds on carries the code.
func (l *lowerer) window() {
	start := l.cur().Start
	node := &ast.WindowSpec{}
	if !l.is("(") {
		id := l.ident("a window name")
		node.Name, node.Span = &id, id.Span
		c := l.emitCode(node)
		l.pieces[l.codes[c].piece].tok--
		return
	}
	l.enter()
	noIn := l.noIn
	l.noIn = false
	l.emit("(")
	l.emitCode(node)
	l.i++
	if t := l.cur(); (t.Kind == Word && !t.oneOf(l.src, " PARTITION ORDER ROWS RANGE ")) || t.Kind == Quoted {
		id := l.ident("a window name")
		node.Base = &id
	}
	if l.accept("PARTITION") {
		l.expect("BY")
		l.emit("PARTITION BY")
		l.exprs()
	}
	if l.accept("ORDER") {
		l.expect("BY")
		l.emit("ORDER BY")
		l.orderItems()
	}
	if l.isAny("ROWS", "RANGE") {
		node.Frame = l.frame()
	}
	l.emit(")")
	if !l.accept(")") {
		l.expected("PARTITION BY, ORDER BY, ROWS, RANGE or \")\"", words("PARTITION ORDER ROWS RANGE")...)
	}
	node.Span = l.from(start)
	l.noIn = noIn
	l.depth--
}

// frame lowers ROWS or RANGE with its bounds.
func (l *lowerer) frame() *ast.Frame {
	start := l.cur().Start
	f := &ast.Frame{Unit: l.upper(l.cur())}
	l.emit(f.Unit)
	l.i++
	if l.is("BETWEEN") {
		l.emit("BETWEEN")
		l.i++
		f.From = l.frameBound()
		if !l.is("AND") {
			l.expected("AND and the upper bound of the frame", "AND")
		}
		l.emit("AND")
		l.i++
		f.To = l.frameBound()
	} else {
		f.From = l.frameBound()
	}
	f.Span = l.from(start)
	return f
}

func (l *lowerer) frameBound() *ast.FrameBound {
	start := l.cur().Start
	b := &ast.FrameBound{}
	for _, kind := range []string{"UNBOUNDED PRECEDING", "UNBOUNDED FOLLOWING", "CURRENT ROW"} {
		if w := words(kind); l.is(w...) {
			l.emit(kind)
			l.i += 2
			b.Kind, b.Span = kind, l.from(start)
			return b
		}
	}
	// Every offset goes as an interval: TiDB takes nothing else but whole numbers.
	l.emit("INTERVAL")
	l.expr()
	if !l.isAny("PRECEDING", "FOLLOWING") {
		l.expected("PRECEDING or FOLLOWING", "PRECEDING", "FOLLOWING")
	}
	b.Kind = l.upper(l.cur())
	l.emit("SECOND " + b.Kind)
	l.i++
	b.Span = l.from(start)
	return b
}
