package sql

import (
	"weir/sql/ast"
)

// expr lowers one expression: operands with operators between, whose precedence TiDB's grammar decides. It ends
// at the first token that goes on with no operator.
func (l *lowerer) expr() {
	l.enter()
	st := exprState{logical: true}
	for {
		l.prefix(&st)
		l.operand()
		if !l.operators(&st) {
			break
		}
	}
	if st.between > 0 {
		l.expected("AND and the upper bound of BETWEEN", "AND")
	}
	l.depth--
}

// exprState is what the operators of one expression have to know of those before.
type exprState struct {
	logical bool // at the start or behind AND, OR, NOT: NOT may stand here
	between int  // BETWEENs which wait for their AND
	// range32 is the last operator of BETWEEN's level not yet followed by one that binds less tightly: two of
	// these in a row have no defined grouping.
	range32 string
	closed  string // the last operator, IS, IN or ESCAPE, takes no operand more: nothing that binds tighter may follow
}

// prefix lowers NOT and signs.
func (l *lowerer) prefix(st *exprState) {
	for {
		t := l.cur()
		switch {
		case t.is(l.src, "NOT"):
			if !st.logical {
				l.fail(t, "put NOT and its operand in parentheses", `unexpected "NOT"`)
			}
			l.emitOp("NOT", "NOT", 1, nil)
		case t.is(l.src, "-"), t.is(l.src, "+"):
			op := l.text(t)
			l.emitOp(op, op, 1, nil)
			st.logical = false
		default:
			return
		}
	}
}

// operators lowers the operators behind an operand; it returns true if another operand must follow.
func (l *lowerer) operators(st *exprState) bool {
	for {
		t := l.cur()
		if t.Kind != Word && t.Kind != Symbol {
			return false
		}
		if t.Kind == Symbol {
			return l.symbolOperator(t, st)
		}
		switch l.upper(t) {
		case "AND", "OR":
			l.logical(st)
			return true
		case "IS":
			if l.isOperator(st) {
				return true
			}
		case "NOT":
			if next := l.peek(1); next.oneOf(l.src, " BETWEEN IN LIKE SIMILAR MEMBER SUBMULTISET ") {
				if l.rangeOperator(st, 1) {
					return true
				}
				continue
			}
			l.i++
			l.expected("BETWEEN, IN or LIKE after NOT", "BETWEEN", "IN", "LIKE")
		case "IN":
			if l.noIn {
				return false
			}
			if !l.rangeOperator(st, 0) {
				continue
			}
			return true
		case "BETWEEN", "LIKE", "SIMILAR", "OVERLAPS", "MEMBER", "SUBMULTISET":
			return l.rangeOperator(st, 0)
		default:
			return false
		}
	}
}

// logical lowers AND and OR, and the AND of a BETWEEN.
func (l *lowerer) logical(st *exprState) {
	and := l.is("AND")
	if st.between > 0 {
		if !and {
			l.expected("AND and the upper bound of BETWEEN")
		}
		st.between--
		l.emit("AND")
		l.i++
		return
	}
	op := "OR"
	if and {
		op = "AND"
	}
	l.emitOp(op, op, 1, nil)
	*st = exprState{logical: true}
}

// comparisons and arithmetic map our operators to TiDB's of the same level. || is on the level of * here, as in
// Calcite; TiDB's own binds tighter.
func arithmetic(op string) string {
	switch op {
	case "+", "-", "*", "/", "%":
		return op
	case "||":
		return "DIV"
	}
	return ""
}

func comparison(op string) string {
	switch op {
	case "=", "<>", "<", "<=", ">", ">=":
		return op
	case "!=":
		return "<>"
	}
	return ""
}

// symbolOperator lowers an arithmetic operator or a comparison.
func (l *lowerer) symbolOperator(t Token, st *exprState) bool {
	op := l.text(t)
	if text := arithmetic(op); text != "" {
		if st.closed != "" {
			l.fail(t, "say with parentheses what is meant", "unexpected %s after %s", l.describe(t), st.closed)
		}
		l.emitOp(text, op, 1, nil)
		st.logical = false
		return true
	}
	text := comparison(op)
	if text == "" {
		if op == "=>" {
			l.fail(t, "", "=> is for named arguments only; a comparison is >= or <=")
		}
		return false
	}
	if st.between > 0 {
		l.expected("AND and the upper bound of BETWEEN", "AND")
	}
	l.emitOp(text, text, 1, nil)
	*st = exprState{}
	if l.isAny("ANY", "SOME", "ALL") && l.isAt(1, "(") {
		l.quantified()
		return l.operators(st)
	}
	return true
}

// quantified lowers ANY (query), SOME (..), ALL (..) behind a comparison.
func (l *lowerer) quantified() {
	start := l.cur().Start
	q := &ast.Quantified{All: l.is("ALL"), Some: l.is("SOME")}
	l.open(q)
	l.i++
	if l.queryInParens(l.i) {
		l.subquery()
	} else {
		l.exprList()
	}
	l.emit(")")
	q.Span = l.from(start)
}

// exprList lowers "(" expr, .. ")" without writing the parentheses.
func (l *lowerer) exprList() {
	l.enter()
	l.expect("(")
	l.exprs()
	l.closeParen()
	l.depth--
}

// exprs lowers expr, expr, ..
func (l *lowerer) exprs() {
	noIn := l.noIn
	l.noIn = false
	for {
		l.expr()
		if !l.is(",") {
			break
		}
		l.emit(",")
		l.i++
	}
	l.noIn = noIn
}

// isOperator lowers IS ..; it returns true for IS DISTINCT FROM, which takes a right operand.
func (l *lowerer) isOperator(st *exprState) bool {
	if st.between > 0 {
		l.expected("AND and the upper bound of BETWEEN", "AND")
	}
	start, n := l.cur().Start, 1
	not := l.isAt(1, "NOT")
	if not {
		n = 2
	}
	if l.isAt(n, "DISTINCT", "FROM") {
		op := "IS DISTINCT FROM"
		if not {
			op = "IS NOT DISTINCT FROM"
		}
		l.emitOp("<=>", op, n+2, nil)
		*st = exprState{}
		return true
	}
	node := &ast.Is{Not: not}
	l.emit("<=>")
	c := l.emitCode(node)
	l.i += n
	what := []string{"NULL", "TRUE", "FALSE", "UNKNOWN", "JSON VALUE", "JSON OBJECT", "JSON ARRAY", "JSON SCALAR", "JSON",
		"A SET", "EMPTY", "NORMALIZED"}
	for _, w := range what {
		if l.accept(words(w)...) {
			node.What = w
			break
		}
	}
	if node.What == "" {
		hint := ""
		if l.cur().Kind == String || l.cur().Kind == Number || l.is("NOT") {
			hint = "use = to compare with a value"
		}
		if h := l.meant(l.cur(), words("NULL TRUE FALSE UNKNOWN DISTINCT JSON NOT")); h != "" {
			hint = h
		}
		l.fail(l.cur(), hint, "expected NULL, TRUE, FALSE or DISTINCT FROM after IS, found %s", l.describe(l.cur()))
	}
	node.Span = l.from(start)
	l.codes[c].piece = l.tail
	*st = exprState{closed: "IS"}
	return false
}

// rangeOperator lowers the operators of BETWEEN's level, all as a BETWEEN: its place in the grammar is the only
// one with a full operand on the right. not is 1 if NOT stands before. It returns true if an operand must follow.
func (l *lowerer) rangeOperator(st *exprState, not int) bool {
	word := l.upper(l.peek(not))
	if st.range32 != "" || st.closed != "" || st.between > 0 {
		before := st.range32
		if st.closed != "" {
			before = st.closed
		}
		if st.between > 0 {
			before = "BETWEEN"
		}
		l.fail(l.cur(), "say with parentheses which comes first", "%s cannot follow %s", word, before)
	}
	st.range32, st.logical = word, false
	switch word {
	case "IN":
		l.in(not == 1)
		st.closed = "IN"
		return false
	case "BETWEEN":
		node := &ast.Between{Not: not == 1}
		l.emitOp(notText(not)+"BETWEEN", "BETWEEN", not+1, node)
		node.Symmetric = l.accept("SYMMETRIC")
		node.Asymmetric = !node.Symmetric && l.accept("ASYMMETRIC")
		st.between++
		return true
	case "LIKE", "SIMILAR":
		if l.like(not, word == "SIMILAR") {
			st.closed = "ESCAPE"
		}
		return l.operators(st)
	}
	op := word
	n := not + 1
	if word != "OVERLAPS" {
		if !l.isAt(n, "OF") {
			l.i += n
			l.expected("OF after "+word, "OF")
		}
		op, n = op+" OF", n+1
	}
	if not == 1 {
		op = "NOT " + op
	}
	l.emitOp("BETWEEN", op, n, &ast.Binary{Op: op})
	l.nothing()
	l.emit("AND")
	return true
}

func notText(not int) string {
	if not == 1 {
		return "NOT "
	}
	return ""
}

// nothing writes an operand which stands for nothing.
func (l *lowerer) nothing() {
	l.open(&partNothing{})
	l.emit(")")
}

// in lowers [NOT] IN (list or query). The first item of the list is the node's code.
func (l *lowerer) in(not bool) {
	node := &ast.In{Not: not}
	n := 1
	if not {
		n = 2
	}
	l.emit(notText(n-1) + "IN")
	l.emit("(")
	c := l.emitCode(node)
	l.i += n
	if !l.is("(") {
		hint := ""
		if k := l.cur().Kind; k != EOF && k != Symbol {
			hint = "put the values in parentheses"
		}
		l.fail(l.cur(), hint, `expected "(" after IN, found %s`, l.describe(l.cur()))
	}
	l.emit(",")
	if l.queryInParens(l.i) {
		l.subquery()
	} else {
		l.exprList()
	}
	l.emit(")")
	node.Span = l.from(0)
	l.codes[c].piece = l.tail
}

// like lowers [NOT] LIKE pattern [ESCAPE e]: x BETWEEN `n`([e]) AND pattern. It returns whether ESCAPE was there.
func (l *lowerer) like(not int, similar bool) bool {
	node := &ast.Like{Not: not == 1, Similar: similar}
	n := not + 1
	if similar {
		if !l.isAt(n, "TO") {
			l.i += n
			l.expected("TO after SIMILAR", "TO")
		}
		n++
	}
	l.emitOp("BETWEEN", "LIKE", n, node)
	l.open(&partNothing{})
	hole := l.tail
	l.emit(")")
	l.emit("AND")
	st := exprState{range32: "LIKE"}
	for {
		l.prefix(&st)
		l.operand()
		t := l.cur()
		text := arithmetic(l.text(t))
		if t.Kind != Symbol || text == "" {
			break
		}
		l.emitOp(text, l.text(t), 1, nil)
	}
	escape := l.accept("ESCAPE")
	if escape {
		tail := l.tail
		l.tail = hole
		l.operand()
		l.tail = tail
	}
	node.Span = l.from(0)
	return escape
}
