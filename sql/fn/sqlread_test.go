package fn

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/sql/types"
	"weir/sql/vec"
)

// A small reader and evaluator of SQL expressions, so that examples and Flink's answers can be
// checked in this package, which may not import the parser.

// sqlNode is an expression: a constant, a column, a cast or a call.
type sqlNode struct {
	call string
	args []*sqlNode
	lit  *vec.Vec
	typ  types.Type // of a constant, or the target of a cast
	col  string
	try  bool
	num  int // numbers the constants of an expression
}

type sqlToken struct {
	kind byte // i name, n number, s string, o sign, e end
	text string
	raw  string
}

func sqlTokens(s string) ([]sqlToken, error) {
	var out []sqlToken
	for i := 0; i < len(s); {
		c := s[i]
		start := i
		switch {
		case c == ' ' || c == '\n' || c == '\t':
			i++
			continue
		case isLetterByte(c) || c == '_' || c == '$':
			for i < len(s) && (isLetterByte(s[i]) || isDigitByte(s[i]) || s[i] == '_' || s[i] == '$') {
				i++
			}
			out = append(out, sqlToken{'i', strings.ToUpper(s[start:i]), s[start:i]})
			continue
		case isDigitByte(c):
			for i < len(s) && (isDigitByte(s[i]) || s[i] == '.' || s[i] == 'e' || s[i] == 'E' || (s[i] == '-' || s[i] == '+') && (s[i-1] == 'e' || s[i-1] == 'E')) {
				i++
			}
			out = append(out, sqlToken{'n', s[start:i], s[start:i]})
			continue
		case c == '\'':
			text, n, err := quotedSQL(s[i:])
			if err != nil {
				return nil, err
			}
			i += n
			out = append(out, sqlToken{'s', text, text})
			continue
		}
		n := 1
		for _, op := range []string{"||", "<>", "<=", ">=", "!="} {
			if strings.HasPrefix(s[i:], op) {
				n = 2
			}
		}
		i += n
		out = append(out, sqlToken{'o', s[start:i], s[start:i]})
	}
	return append(out, sqlToken{kind: 'e'}), nil
}

func quotedSQL(s string) (string, int, error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] == '\'' {
			if i+1 < len(s) && s[i+1] == '\'' {
				i++
			} else {
				return b.String(), i + 1, nil
			}
		}
		b.WriteByte(s[i])
	}
	return "", 0, errors.New("open string")
}

type sqlReader struct {
	toks []sqlToken
	i    int
	nums int
}

func readSQL(s string) (n *sqlNode, err error) {
	toks, err := sqlTokens(s)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(error)
			if !ok || !errors.Is(e, errSQL) {
				panic(r)
			}
			err = e
		}
	}()
	p := &sqlReader{toks: toks}
	n = p.expr(0)
	if p.peek().kind != 'e' {
		p.fail("unexpected " + p.peek().text)
	}
	return n, nil
}

var errSQL = errors.New("syntax")

func (p *sqlReader) fail(msg string) { panic(fmt.Errorf("%w: %s", errSQL, msg)) }

func (p *sqlReader) peek() sqlToken { return p.toks[p.i] }

func (p *sqlReader) next() sqlToken {
	t := p.toks[p.i]
	p.i++
	return t
}

// accept passes over words or signs, all or none.
func (p *sqlReader) accept(words ...string) bool {
	for k, w := range words {
		t := p.toks[min(p.i+k, len(p.toks)-1)]
		if t.kind == 's' || t.kind == 'e' || t.text != w {
			return false
		}
	}
	p.i += len(words)
	return true
}

func (p *sqlReader) want(words ...string) {
	if !p.accept(words...) {
		p.fail(fmt.Sprintf("want %v, got %q", words, p.peek().text))
	}
}

func call(name string, args ...*sqlNode) *sqlNode { return &sqlNode{call: name, args: args} }

func sym(text string) *sqlNode {
	v := vec.ConstString(text)
	return &sqlNode{lit: &v, typ: types.SymbolType, num: -1}
}

func (p *sqlReader) constant(v vec.Vec, t types.Type) *sqlNode {
	p.nums++
	return &sqlNode{lit: &v, typ: t.WithNull(false), num: p.nums}
}

func (p *sqlReader) text(s string) *sqlNode {
	return p.constant(vec.ConstString(s), types.CharType(len([]rune(s))))
}

var sqlPower = map[string]int{"OR": 1, "AND": 2, "=": 4, "<>": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "IS": 4, "LIKE": 4, "SIMILAR": 4, "BETWEEN": 4, "IN": 4, "NOT": 4, "OVERLAPS": 4, "+": 6, "-": 6, "||": 6, "*": 7, "/": 7, "%": 7, "[": 9, ".": 9, "AT": 8, "SECOND": 8, "MONTH": 8}

func (p *sqlReader) expr(power int) *sqlNode {
	left := p.prefix()
	for {
		t := p.peek()
		pw := sqlPower[t.text]
		if pw == 0 || pw <= power || t.kind == 's' || t.kind == 'e' {
			return left
		}
		p.next()
		left = p.infix(left, t.text, pw)
	}
}

func (p *sqlReader) infix(left *sqlNode, op string, power int) *sqlNode {
	switch op {
	case "[":
		right := p.expr(0)
		p.want("]")
		return call("ITEM", left, right)
	case ".":
		return call("FIELD", left, sym(p.next().raw))
	case "IS":
		return p.is(left)
	case "AT":
		p.want("TIME", "ZONE")
		return call("AT_TIME_ZONE", left, p.expr(power))
	case "SECOND", "MONTH":
		return call("TIME_SPAN", sym(op), left.args[0], left.args[1])
	case "NOT":
		op := p.next().text
		return call("NOT", p.infix(left, op, power))
	case "OVERLAPS":
		right := p.expr(power)
		return call("OVERLAPS", append(append([]*sqlNode{}, left.args...), right.args...)...)
	case "LIKE", "SIMILAR":
		p.accept("TO")
		args := []*sqlNode{left, p.expr(power)}
		if p.accept("ESCAPE") {
			args = append(args, p.expr(power))
		}
		return call(op, args...)
	case "BETWEEN":
		p.accept("ASYMMETRIC")
		both := p.accept("SYMMETRIC")
		lo := p.expr(5)
		p.want("AND")
		if hi := p.expr(5); both {
			return call("AND", call(">=", left, call("LEAST", lo, hi)), call("<=", left, call("GREATEST", lo, hi)))
		} else {
			return call("AND", call(">=", left, lo), call("<=", left, hi))
		}
	case "IN":
		p.want("(")
		var out *sqlNode
		for _, a := range p.list(")") {
			if eq := call("=", left, a); out == nil {
				out = eq
			} else {
				out = call("OR", out, eq)
			}
		}
		return out
	}
	return call(op, left, p.expr(power))
}

func (p *sqlReader) is(left *sqlNode) *sqlNode {
	not := p.accept("NOT")
	var out *sqlNode
	switch {
	case p.accept("JSON"):
		kind := "VALUE"
		for _, k := range []string{"VALUE", "SCALAR", "ARRAY", "OBJECT"} {
			if p.accept(k) {
				kind = k
			}
		}
		out = call("IS_JSON", left, sym(kind))
	case p.accept("DISTINCT", "FROM"):
		name := "IS DISTINCT FROM"
		if not {
			name = "IS NOT DISTINCT FROM"
		}
		return call(name, left, p.expr(4))
	default:
		name := "IS "
		if not {
			name = "IS NOT "
		}
		return call(name+p.next().text, left)
	}
	if not {
		return call("NOT", out)
	}
	return out
}

// list reads expressions up to a closing sign.
func (p *sqlReader) list(end string) []*sqlNode {
	var out []*sqlNode
	for !p.accept(end) {
		if len(out) > 0 {
			p.want(",")
		}
		out = append(out, p.expr(0))
	}
	return out
}

func (p *sqlReader) prefix() *sqlNode {
	t := p.next()
	switch {
	case t.kind == 'n':
		return p.number(t.text)
	case t.kind == 's':
		return p.text(t.text)
	case t.text == "-":
		if n := p.peek(); n.kind == 'n' {
			p.next()
			return p.number("-" + n.text)
		}
		return call("-", p.expr(8))
	case t.text == "(":
		args := p.list(")")
		if len(args) == 1 {
			return args[0]
		}
		return call("ROW", args...)
	case t.kind != 'i':
		p.fail("unexpected " + t.text)
	}
	switch t.text {
	case "NOT":
		return call("NOT", p.expr(3))
	case "NULL":
		v := vec.ConstVec(array.NewNull(1))
		return &sqlNode{lit: &v, typ: types.NullType, num: -1}
	case "TRUE", "FALSE":
		return p.constant(vec.ConstBool(t.text == "TRUE"), types.BooleanType)
	case "CAST", "TRY_CAST":
		p.want("(")
		x := p.expr(0)
		p.want("AS")
		to := p.typeName()
		p.want(")")
		return &sqlNode{args: []*sqlNode{x}, typ: to, try: t.text == "TRY_CAST"}
	case "CASE":
		return p.caseOf()
	case "INTERVAL":
		return p.interval()
	case "X":
		if p.peek().kind == 's' {
			b, _ := hex.DecodeString(p.next().text)
			return p.constant(vec.ConstBytes(b), types.Type{Kind: types.Binary, Length: len(b)})
		}
	case "DATE", "TIME", "TIMESTAMP":
		if p.peek().kind == 's' {
			return p.datetime(t.text, p.next().text)
		}
	case "ARRAY", "MAP":
		if p.accept("[") {
			return call(t.text, p.list("]")...)
		}
	}
	return p.name(t)
}

func (p *sqlReader) name(t sqlToken) *sqlNode {
	if !p.accept("(") {
		switch t.text {
		case "CURRENT_TIMESTAMP", "LOCALTIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIME", "PI":
			return call(t.text)
		}
		return &sqlNode{col: t.raw}
	}
	switch t.text {
	case "EXTRACT":
		unit := p.next().text
		p.want("FROM")
		return call(t.text, append([]*sqlNode{sym(unit)}, p.list(")")...)...)
	case "FLOOR", "CEIL", "CEILING":
		args := []*sqlNode{p.expr(0)}
		if p.accept("TO") {
			args = append(args, sym(p.next().text))
		}
		p.want(")")
		return call(t.text, args...)
	case "TIMESTAMPADD", "TIMESTAMPDIFF":
		unit := p.next().text
		p.want(",")
		return call(t.text, append([]*sqlNode{sym(unit)}, p.list(")")...)...)
	case "TRIM":
		return p.trim()
	case "SUBSTRING", "OVERLAY", "POSITION":
		args := []*sqlNode{p.expr(5)}
		for !p.accept(")") {
			if !p.accept("FROM") && !p.accept("FOR") && !p.accept("PLACING") && !p.accept("IN") {
				p.want(",")
			}
			args = append(args, p.expr(5))
		}
		return call(t.text, args...)
	case "JSON_VALUE", "JSON_QUERY", "JSON_EXISTS":
		return p.jsonCall(t.text)
	case "JSON_OBJECT", "JSON_ARRAY":
		return p.jsonMake(t.text)
	}
	return call(t.text, p.list(")")...)
}

func (p *sqlReader) trim() *sqlNode {
	side := "BOTH"
	for _, s := range []string{"BOTH", "LEADING", "TRAILING"} {
		if p.accept(s) {
			side = s
		}
	}
	chars := p.text(" ")
	var s *sqlNode
	if p.accept("FROM") {
		s = p.expr(0)
	} else if s = p.expr(0); p.accept("FROM") {
		chars, s = s, p.expr(0)
	}
	p.want(")")
	return call("TRIM", sym(side), chars, s)
}

func (p *sqlReader) jsonCall(name string) *sqlNode {
	args := []*sqlNode{p.expr(5)}
	p.want(",")
	args = append(args, p.expr(5))
	returning, wrapper := "STRING", "WITHOUT"
	modes := map[string]string{"EMPTY": "NULL", "ERROR": "NULL"}
	null := vec.ConstVec(array.NewNull(1))
	defaults := map[string]*sqlNode{"EMPTY": {lit: &null, num: -1}, "ERROR": {lit: &null, num: -1}}
	if name == "JSON_EXISTS" {
		modes["ERROR"] = "FALSE"
	}
	for !p.accept(")") {
		switch {
		case p.accept("RETURNING"):
			returning = p.typeName().String()
			if returning == "INT" {
				returning = "INTEGER"
			}
		case p.accept("WITHOUT"):
			p.accept("ARRAY")
			p.want("WRAPPER")
		case p.accept("WITH"):
			if wrapper = "UNCONDITIONAL"; p.accept("CONDITIONAL") {
				wrapper = "CONDITIONAL"
			}
			p.accept("UNCONDITIONAL")
			p.accept("ARRAY")
			p.want("WRAPPER")
		default:
			mode := p.next().text
			var def *sqlNode
			if mode == "DEFAULT" {
				def = p.expr(5)
			} else if mode == "EMPTY" {
				mode = "EMPTY " + p.next().text
			}
			p.want("ON")
			on := p.next().text
			if modes[on] = mode; def != nil {
				defaults[on] = def
			}
		}
	}
	switch name {
	case "JSON_VALUE":
		return call(name, append(args, sym(returning), sym(modes["EMPTY"]), defaults["EMPTY"], sym(modes["ERROR"]), defaults["ERROR"])...)
	case "JSON_QUERY":
		return call(name, append(args, sym(returning), sym(wrapper), sym(modes["EMPTY"]), sym(modes["ERROR"]))...)
	}
	return call(name, append(args, sym(modes["ERROR"]))...)
}

func (p *sqlReader) jsonMake(name string) *sqlNode {
	clause := "ABSENT"
	if name == "JSON_OBJECT" {
		clause = "NULL"
	}
	var args []*sqlNode
	for !p.accept(")") {
		switch {
		case p.accept("NULL", "ON", "NULL"):
			clause = "NULL"
		case p.accept("ABSENT", "ON", "NULL"):
			clause = "ABSENT"
		case p.accept(","), p.accept("VALUE"), p.accept(":"), p.accept("KEY"):
		default:
			args = append(args, p.expr(5))
		}
	}
	return call(name, append([]*sqlNode{sym(clause)}, args...)...)
}

func (p *sqlReader) caseOf() *sqlNode {
	var subject *sqlNode
	if !p.accept("WHEN") {
		subject = p.expr(0)
		p.want("WHEN")
	}
	var args []*sqlNode
	for {
		cond := p.expr(0)
		if subject != nil {
			cond = call("=", subject, cond)
		}
		p.want("THEN")
		args = append(args, cond, p.expr(0))
		if !p.accept("WHEN") {
			break
		}
	}
	if p.accept("ELSE") {
		args = append(args, p.expr(0))
	}
	p.want("END")
	return call("CASE", args...)
}
