package sql

import (
	"fmt"
	"strings"

	"weir/sql/ast"
)

// maxNesting bounds how deep parentheses, calls, subqueries and types may nest.
const maxNesting = 400

// Parse reads a whole script. Where statements are wrong it still reads the others: the error then is an
// *Error or an *ErrorList, one a bad statement, and the statements returned are the good ones.
func Parse(src string) ([]ast.Statement, error) {
	var stmts []ast.Statement
	var errs ErrorList
	if len(src) > maxSource {
		return nil, &Error{Msg: fmt.Sprintf("the script is too large: %d bytes, the limit is %d", len(src), maxSource)}
	}
	l := lex(src)
	for _, s := range split(src, l.toks) {
		stmt, err := parseTokens(l, s.toks, (*parser).statement)
		if err != nil {
			errs.Add(err)
			continue
		}
		stmts = append(stmts, stmt)
	}
	return stmts, errs.Err()
}

// ParseStatement reads a text of exactly one statement; a closing semicolon is allowed.
func ParseStatement(src string) (ast.Statement, error) {
	if len(src) > maxSource {
		return nil, &Error{Msg: fmt.Sprintf("the statement is too large: %d bytes, the limit is %d", len(src), maxSource)}
	}
	l := lex(src)
	list := split(src, l.toks)
	if len(list) == 0 {
		return nil, &Error{Src: src, Pos: len(src), Msg: "expected a statement, found nothing"}
	}
	if len(list) > 1 {
		t := list[1].toks[0]
		return nil, &Error{Src: src, Pos: t.Start, Len: t.End - t.Start, Msg: "expected one statement, found another"}
	}
	stmt, err := parseTokens(l, list[0].toks, (*parser).statement)
	if err != nil {
		return nil, err
	}
	return stmt, nil
}

// ParseExpr reads a text of one expression, such as that of a computed column.
func ParseExpr(src string) (ast.Expr, error) {
	l := lex(src)
	e, err := parseTokens(l, l.toks[:len(l.toks)-1], (*parser).expr)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// ParseType reads a text of one data type, such as the target of a catalog's column.
func ParseType(src string) (*ast.TypeName, error) {
	l := lex(src)
	t, err := parseTokens(l, l.toks[:len(l.toks)-1], (*parser).typeName)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// parseTokens runs one production over the tokens of a statement, which it must use up.
func parseTokens[T any](l *lexer, toks []Token, production func(*parser) T) (result T, err *Error) {
	for _, t := range toks {
		if t.Kind == Bad {
			return result, l.reason(t)
		}
	}
	end := len(l.src)
	if len(toks) > 0 {
		end = toks[len(toks)-1].End
	}
	p := &parser{src: l.src, toks: toks, eof: Token{EOF, end, end}}
	defer func() {
		if r := recover(); r != nil {
			b, ok := r.(bailout)
			if !ok {
				panic(r)
			}
			err = b.err
			err.Src = l.src
		}
	}()
	result = production(p)
	if p.cur().Kind != EOF {
		p.unexpected()
	}
	return result, nil
}

// reason is the error of a Bad token.
func (l *lexer) reason(t Token) *Error {
	e := &Error{Pos: t.Start, Len: t.End - t.Start, Src: l.src, Msg: "unexpected text"}
	for _, le := range l.errs {
		if le.pos == t.Start {
			e.Msg, e.Hint = le.msg, le.hint
		}
	}
	if i := strings.IndexByte(l.src[t.Start:t.End], '\n'); i >= 0 {
		e.Len = i
	}
	return e
}

// bailout carries the first error of a statement out of the recursive descent.
type bailout struct{ err *Error }

// parser reads the tokens of one statement. Its methods leave the parser behind what they have read;
// on an error they panic with a bailout, which parseTokens recovers.
type parser struct {
	src   string
	toks  []Token
	eof   Token // what stands behind the last token
	i     int
	depth int
	match []int32 // for each "(" the index of its ")", else -1; made on first use
}

func (p *parser) cur() Token { return p.peek(0) }

// peek is the token n places ahead.
func (p *parser) peek(n int) Token {
	if p.i+n >= len(p.toks) || p.i+n < 0 {
		return p.eof
	}
	return p.toks[p.i+n]
}

// next returns the current token and steps over it.
func (p *parser) next() Token {
	t := p.cur()
	p.i++
	return t
}

// lastEnd is where the last token read ended.
func (p *parser) lastEnd() int {
	if p.i == 0 {
		return 0
	}
	return p.peek(-1).End
}

// from is the span from a byte offset to the last token read.
func (p *parser) from(start int) ast.Span { return ast.Span{Start: start, End: p.lastEnd()} }

func (p *parser) text(t Token) string { return p.src[t.Start:t.End] }

// upper is the upper-case text of a bare word, "" for any other token.
func (p *parser) upper(t Token) string {
	if t.Kind != Word {
		return ""
	}
	return strings.ToUpper(p.text(t))
}

// isAt tells whether the tokens from n on are the given words and symbols.
func (p *parser) isAt(n int, want ...string) bool {
	for k, w := range want {
		if !p.peek(n+k).is(p.src, w) {
			return false
		}
	}
	return true
}

// is tells whether the next tokens are the given words and symbols.
func (p *parser) is(want ...string) bool { return p.isAt(0, want...) }

// isAny tells whether the next token is one of some words and symbols.
func (p *parser) isAny(want ...string) bool {
	for _, w := range want {
		if p.cur().is(p.src, w) {
			return true
		}
	}
	return false
}

// accept steps over the given words if they are next.
func (p *parser) accept(want ...string) bool {
	if !p.is(want...) {
		return false
	}
	p.i += len(want)
	return true
}

// expect steps over the given words, which must be next.
func (p *parser) expect(want ...string) {
	for _, w := range want {
		if !p.accept(w) {
			p.expected(w, w)
		}
	}
}

// describe names a token in a message.
func (p *parser) describe(t Token) string {
	switch t.Kind {
	case EOF:
		return "the end of the statement"
	case HintOpen, HintClose:
		return "a hint"
	}
	text := p.text(t)
	if t.Kind == String {
		if len(text) > 30 {
			return "a string"
		}
		return text
	}
	if len(text) > 60 {
		text = text[:runeStart(text, 60)] + "..."
	}
	return `"` + text + `"`
}

// failAt stops the statement with an error at a span.
func (p *parser) failAt(s ast.Span, hint, format string, args ...any) {
	panic(bailout{&Error{Pos: s.Start, Len: s.End - s.Start, Msg: fmt.Sprintf(format, args...), Hint: hint}})
}

// fail stops the statement with an error at a token.
func (p *parser) fail(t Token, hint, format string, args ...any) {
	p.failAt(ast.Span{Start: t.Start, End: t.End}, hint, format, args...)
}

const commaHint = "there is a comma too many before it"

// expected stops with "expected what, found ..". The words are what could stand here, for the hint.
func (p *parser) expected(what string, words ...string) {
	t := p.cur()
	hint := p.instead(t)
	if hint == "" {
		hint = p.meant(t, words)
	}
	if p.peek(-1).is(p.src, ",") && t.is(p.src, ")") {
		hint = commaHint
	}
	p.fail(t, hint, "expected %s, found %s", what, p.describe(t))
}

// instead is what to write for a word of other dialects that means nothing here, or "".
func (p *parser) instead(t Token) string {
	if t.is(p.src, ":") && (p.peek(1).is(p.src, ":") || p.peek(-1).is(p.src, ":")) {
		return "write CAST(x AS type)"
	}
	if t.Kind != Word {
		return ""
	}
	switch p.upper(t) {
	case "TABLESAMPLE":
		return "there is no sampling; a condition as RAND() < 0.1 thins rows out"
	case "PIVOT":
		return "write an aggregate for each column, as SUM(x) FILTER (WHERE k = 'a') AS a"
	case "UNPIVOT":
		return "write a query for each column, joined by UNION ALL"
	case "COLLATE":
		return "texts are compared by their characters alone; UPPER or LOWER puts case aside"
	case "ILIKE":
		return "write LOWER(x) LIKE 'pattern'"
	case "SEMI":
		return "write WHERE EXISTS (SELECT ...) or x IN (SELECT ...)"
	case "ANTI":
		return "write WHERE NOT EXISTS (SELECT ...)"
	case "APPLY":
		return "write CROSS JOIN LATERAL (SELECT ...), or CROSS JOIN UNNEST(array)"
	case "TIES", "PERCENT":
		return "write FETCH FIRST n ROWS ONLY, or number the rows with ROW_NUMBER() and compare that"
	case "RETURNING":
		return "SELECT from the table in a query of its own"
	case "AUTO_INCREMENT":
		return "a source numbers nothing; ROW_NUMBER() does"
	case "DIV":
		return "write a / b: of integers it is an integer"
	}
	switch next := p.upper(p.peek(1)); {
	case t.is(p.src, "EXCLUDE") && p.peek(1).is(p.src, "("):
		return "name the columns that are wanted"
	case t.oneOf(p.src, " EXCLUDE GROUPS "):
		return "a frame is ROWS or RANGE, BETWEEN ... PRECEDING AND CURRENT ROW"
	case t.is(p.src, "FOR") && next == "UPDATE":
		return "rows are not locked: leave it out"
	case t.is(p.src, "LATERAL") && next == "VIEW":
		return "write CROSS JOIN UNNEST(array) AS t(x)"
	case t.is(p.src, "ON") && (next == "CONFLICT" || next == "DUPLICATE"):
		return "declare a PRIMARY KEY on the table: rows of a key then replace each other"
	case t.is(p.src, "WITH") && next == "TIES":
		return "number the rows with RANK(), and compare that"
	case t.is(p.src, "WITH") && (next == "ROLLUP" || next == "CUBE"):
		return "write GROUP BY " + next + " (...)"
	}
	return ""
}

// meant is the hint for a misspelt keyword, or "".
func (p *parser) meant(t Token, words []string) string {
	if t.Kind == Word && t.End-t.Start > 2 && len(words) > 0 && !IsKeyword(p.text(t)) {
		if near := Nearest(p.text(t), words); near != "" {
			return "did you mean " + near + "?"
		}
	}
	return ""
}

// unexpected stops at a token that continues nothing. A keyword misspelt just before it was likely taken for an
// alias (`SELECT a FORM t`), so that one is looked at too.
func (p *parser) unexpected() {
	t, before := p.cur(), p.peek(-1)
	for _, at := range []Token{t, before} {
		if hint := p.instead(at); hint != "" {
			p.fail(at, hint, "unexpected %s", p.describe(at))
		}
	}
	candidates := words(clauseWords)
	if hint := p.meant(t, candidates); hint != "" {
		p.fail(t, hint, "unexpected %s", p.describe(t))
	}
	if hint := p.meant(before, candidates); hint != "" {
		p.fail(before, hint, "unexpected %s", p.describe(before))
	}
	hint := ""
	switch {
	case t.is(p.src, ")"):
		hint = "there is no \"(\" for it"
	case t.oneOf(p.src, " SELECT INSERT CREATE DROP ALTER EXPLAIN SHOW SET EXECUTE "):
		hint = "if a new statement starts here, end the one before with ;"
	case before.is(p.src, "TOP") && t.Kind == Number:
		hint = "write LIMIT " + p.text(t) + " at the end of the query"
	}
	p.fail(t, hint, "unexpected %s", p.describe(t))
}

// enter counts a level of nesting; leave it with p.depth--.
func (p *parser) enter() {
	p.depth++
	if p.depth > maxNesting {
		p.fail(p.cur(), "split it, with views or WITH", "this nests more than %d levels deep", maxNesting)
	}
}

// closing is the index of the ")" for the "(" at token index i, or -1.
func (p *parser) closing(i int) int {
	if p.match == nil {
		p.match = make([]int32, len(p.toks))
		var open []int32
		for k, t := range p.toks {
			p.match[k] = -1
			switch {
			case t.is(p.src, "("):
				open = append(open, int32(k))
			case t.is(p.src, ")") && len(open) > 0:
				p.match[open[len(open)-1]] = int32(k)
				open = open[:len(open)-1]
			}
		}
	}
	if i >= len(p.match) {
		return -1
	}
	return int(p.match[i])
}

// list reads "(" item, .. ")" with at least one item.
func (p *parser) list(item func()) {
	p.expect("(")
	p.commas(item)
	p.closeParen()
}

// commas reads item, item, ..
func (p *parser) commas(item func()) {
	for {
		item()
		if !p.accept(",") {
			return
		}
	}
}

// closeParen steps over ")".
func (p *parser) closeParen() {
	if !p.accept(")") {
		p.expected(`"," or ")"`)
	}
}

// unquote takes the quotes off, doubled quotes becoming one.
func unquote(text string, quote string) string {
	text = text[1 : len(text)-1]
	if strings.Contains(text, quote) {
		text = strings.ReplaceAll(text, quote+quote, quote)
	}
	return text
}

// toIdent makes a name of a Word or Quoted token.
func (p *parser) toIdent(t Token) ast.Ident {
	id := ast.Ident{Span: ast.Span{Start: t.Start, End: t.End}, Name: p.text(t)}
	if t.Kind == Quoted {
		id.Name, id.Quoted = unquote(id.Name, "`"), true
	}
	return id
}

// ident reads one name. what says of what, for the message.
func (p *parser) ident(what string) ast.Ident {
	t := p.cur()
	if t.Kind != Word && t.Kind != Quoted {
		hint := ""
		if t.Kind == String {
			hint = "a name stands bare or in `backticks`, not in single quotes"
		}
		p.fail(t, hint, "expected %s, found %s", what, p.describe(t))
	}
	if t.oneOf(p.src, notName) {
		p.fail(t, "a keyword used as a name needs backticks: `"+p.text(t)+"`", "expected %s, found %s", what, p.describe(t))
	}
	if t.Kind == Quoted && t.End-t.Start == 2 {
		p.fail(t, "", "a name cannot be empty")
	}
	p.i++
	return p.toIdent(t)
}

// anyIdent reads a name in a place where every word is one: behind a dot, or of a column in DDL.
func (p *parser) anyIdent(what string) ast.Ident {
	if t := p.cur(); t.Kind == Word {
		p.i++
		return p.toIdent(t)
	}
	return p.ident(what)
}

// name reads a dotted name.
func (p *parser) name(what string) *ast.Name {
	start := p.cur().Start
	n := &ast.Name{Parts: []ast.Ident{p.ident(what)}}
	for p.is(".") && !p.isAt(1, "*") {
		p.i++
		n.Parts = append(n.Parts, p.anyIdent("a name after the dot"))
	}
	n.Span = p.from(start)
	return n
}

// idents reads "(" name, .. ")".
func (p *parser) idents(what string) []ast.Ident {
	var list []ast.Ident
	p.list(func() { list = append(list, p.anyIdent(what)) })
	return list
}

// stringLit reads a string literal.
func (p *parser) stringLit(what string) *ast.Literal {
	t := p.cur()
	if t.Kind != String {
		hint := ""
		if t.Kind == Word || t.Kind == Quoted {
			hint = "put it in single quotes: '" + p.toIdent(t).Name + "'"
		}
		p.fail(t, hint, "expected %s in single quotes, found %s", what, p.describe(t))
	}
	return p.literal()
}

// optComment reads COMMENT 'text' if it is next.
func (p *parser) optComment() *ast.Literal {
	if p.is("COMMENT") && p.peek(1).Kind == String {
		p.i++
		return p.literal()
	}
	return nil
}
