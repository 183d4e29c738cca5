package sql

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"weir/sql/ast"
)

// literal reads a string, binary or number token.
func (p *parser) literal() *ast.Literal {
	t := p.next()
	l := &ast.Literal{Span: ast.Span{Start: t.Start, End: t.End}, Text: p.text(t)}
	switch {
	case t.Kind == Number:
		l.Kind, l.Value = ast.NumberLit, l.Text
	case t.Kind == Binary:
		b, err := hex.DecodeString(l.Text[2 : len(l.Text)-1])
		if err != nil {
			p.fail(t, "write pairs of the digits 0-9 and A-F", "%s is not a binary string", l.Text)
		}
		l.Kind, l.Value = ast.BinaryLit, string(b)
	case l.Text[0] != '\'':
		p.unicodeString(t, l)
	default:
		l.Kind, l.Value = ast.StringLit, unquote(l.Text, "'")
	}
	return l
}

// unicodeString reads U&'..' with an optional UESCAPE 'c': \263A and \+01F600 are code points.
func (p *parser) unicodeString(t Token, l *ast.Literal) {
	escape := byte('\\')
	if p.is("UESCAPE") && p.peek(1).Kind == String {
		c := p.peek(1)
		if c.End-c.Start != 3 {
			p.fail(c, "", "UESCAPE takes a string of one character")
		}
		escape = p.src[c.Start+1]
		p.i += 2
		l.Span.End, l.Text = c.End, p.src[t.Start:c.End]
	}
	in := unquote(p.text(t)[2:], "'")
	var b strings.Builder
	for i := 0; i < len(in); {
		if in[i] != escape {
			b.WriteByte(in[i])
			i++
			continue
		}
		if i+1 < len(in) && in[i+1] == escape {
			b.WriteByte(escape)
			i += 2
			continue
		}
		from, n := i+1, 4
		if i+1 < len(in) && in[i+1] == '+' {
			from, n = i+2, 6
		}
		if from+n > len(in) {
			p.fail(t, "", "the string ends inside a code point")
		}
		r, err := strconv.ParseUint(in[from:from+n], 16, 32)
		if err != nil || !utf8.ValidRune(rune(r)) {
			p.fail(t, "", "%q is not a code point", in[i:from+n])
		}
		b.WriteRune(rune(r))
		i = from + n
	}
	l.Kind, l.Value = ast.StringLit, b.String()
}

// intervalUnits maps the units of intervals, singular and plural, to the singular.
var intervalUnits = words(`SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR`)

// intervalUnitOf is the singular of a unit of intervals, or "".
func intervalUnitOf(upper string) string {
	for _, u := range intervalUnits {
		if upper == u || upper == u+"S" {
			return u
		}
	}
	return ""
}

// intervalUnit reads `DAY(3) TO SECOND(3)`.
func (p *parser) intervalUnit() *ast.IntervalUnit {
	start := p.cur().Start
	u := &ast.IntervalUnit{Precision: -1, Fraction: -1, From: p.unit()}
	if p.is("(") {
		args := p.ints()
		u.Precision = args[0]
		if len(args) > 1 {
			u.Fraction = args[1]
		}
	}
	if p.is("TO") && intervalUnitOf(p.upper(p.peek(1))) != "" {
		p.i++
		u.To = p.unit()
		if p.is("(") {
			u.Fraction = p.ints()[0]
		}
	}
	u.Span = p.from(start)
	return u
}

func (p *parser) unit() string {
	u := intervalUnitOf(p.upper(p.cur()))
	if u == "" {
		p.expected("a unit of time such as SECOND or DAY", intervalUnits...)
	}
	p.i++
	return u
}

// ints reads "(" n [, n] ")".
func (p *parser) ints() []int {
	var list []int
	p.list(func() { list = append(list, p.int()) })
	return list
}

func (p *parser) int() int {
	t := p.cur()
	n, err := strconv.Atoi(p.text(t))
	if t.Kind != Number || err != nil || n > 1<<31-1 {
		p.fail(t, "", "expected a whole number, found %s", p.describe(t))
	}
	p.i++
	return n
}

// typeName reads a data type with its NOT NULL.
func (p *parser) typeName() *ast.TypeName {
	p.enter()
	start := p.cur().Start
	t := p.baseType()
	t.Span = p.from(start)
	for {
		switch {
		case p.accept("NOT", "NULL"):
			t.NotNull = true
		case p.is("NULL") && !p.isAt(1, "ON"):
			p.i++
			t.Null = true
		case p.isAny("ARRAY", "MULTISET"):
			t = &ast.TypeName{Name: p.upper(p.next()), Elem: t, Postfix: true}
			p.enter() // a chain of these nests too
		default:
			for e := t; e.Postfix; e = e.Elem {
				p.depth--
			}
			p.depth--
			return t
		}
		t.Span = p.from(start)
	}
}

func (p *parser) baseType() *ast.TypeName {
	tok := p.cur()
	if tok.Kind != Word || p.isAt(1, ".") {
		return &ast.TypeName{Path: p.name("a data type")}
	}
	if tok.oneOf(p.src, notName) {
		p.expected("a data type")
	}
	p.i++
	t := &ast.TypeName{Name: p.upper(tok)}
	switch t.Name {
	case "ARRAY", "MULTISET":
		p.expect("<")
		t.Elem = p.typeName()
		p.closeAngle()
	case "MAP":
		p.expect("<")
		t.Key = p.typeName()
		p.expect(",")
		t.Elem = p.typeName()
		p.closeAngle()
	case "ROW":
		p.rowFields(t)
	case "STRUCTURED":
		p.expect("<")
		t.Args = append(t.Args, p.stringLit("a class name"))
		for p.accept(",") {
			t.Fields = append(t.Fields, p.typeField())
		}
		p.closeAngle()
	case "RAW":
		if p.is("(") {
			p.list(func() { t.Args = append(t.Args, p.stringLit("a class name or snapshot")) })
		}
	case "INTERVAL":
		t.Interval = p.intervalUnit()
	case "DOUBLE":
		p.accept("PRECISION")
	case "CHAR", "CHARACTER", "BINARY":
		if p.accept("VARYING") {
			t.Name += " VARYING"
		}
		p.typeParams(t)
	default:
		p.typeParams(t)
	}
	return t
}

// typeParams reads (10, 2) and the words about the time zone.
func (p *parser) typeParams(t *ast.TypeName) {
	if p.is("(") {
		t.Params = p.ints()
	}
	switch {
	case p.accept("WITH", "LOCAL", "TIME", "ZONE"):
		t.Zone = "LOCAL"
	case p.accept("WITH", "TIME", "ZONE"):
		t.Zone = "WITH"
	case p.accept("WITHOUT", "TIME", "ZONE"):
		t.Zone = "WITHOUT"
	}
}

func (p *parser) closeAngle() {
	if !p.accept(">") {
		p.expected(`">"`)
	}
}

// rowFields reads ROW<a INT, b STRING 'comment'> and ROW(a INT).
func (p *parser) rowFields(t *ast.TypeName) {
	if p.accept("<>") {
		return
	}
	field := func() { t.Fields = append(t.Fields, p.typeField()) }
	if p.is("(") {
		p.list(field)
		return
	}
	p.expect("<")
	if !p.is(">") {
		p.commas(field)
	}
	p.closeAngle()
}

func (p *parser) typeField() *ast.TypeField {
	start := p.cur().Start
	f := &ast.TypeField{Name: p.anyIdent("a field name")}
	f.Type = p.typeName()
	if p.cur().Kind == String {
		f.Comment = p.literal()
	}
	f.Span = p.from(start)
	return f
}
