package sql

import (
	"weir/sql/ast"
)

// matchRecognize lowers MATCH_RECOGNIZE (..) behind the relation written since before, as
// ( SELECT `m` ( partition(..), keys.., measures.., defines.. ) FROM relation ) AS `n`.
func (l *lowerer) matchRecognize(before int32, start int) {
	tok := l.i
	node := &ast.MatchRecognize{}
	end := l.tail
	l.tail = before
	l.emit("(")
	first := l.tail
	l.emit("SELECT")
	l.enter()
	l.open(&partList{})
	l.i++
	l.expect("(")
	l.matchClauses(node)
	l.closeParen()
	l.depth--
	l.emit(")")
	l.emit("FROM")
	l.tail = end
	l.emit(")")
	node.Span = l.from(start)
	l.emit("AS")
	c := l.emitCode(node)
	l.codes[c].piece = first
	l.pieces[l.tail].tok = int32(tok)
	l.codes[c].node = l.aliased(node, start)
}

func (l *lowerer) matchClauses(m *ast.MatchRecognize) {
	if l.accept("PARTITION", "BY") {
		l.open(&partList{})
		l.exprs()
		l.emit(")")
	}
	if l.accept("ORDER", "BY") {
		l.emitCommaAfterArg()
		l.orderItems()
	}
	if l.accept("MEASURES") {
		l.commas(func() {
			l.emitCommaAfterArg()
			l.measure()
		})
	}
	switch {
	case l.accept("ONE", "ROW", "PER", "MATCH"):
		m.RowsWritten = true
	case l.accept("ALL", "ROWS", "PER", "MATCH"):
		m.RowsWritten, m.AllRows = true, true
	}
	if l.is("AFTER") {
		m.Skip = l.matchSkip()
	}
	if !l.accept("PATTERN") {
		l.expected("PATTERN", "PATTERN", "MEASURES", "AFTER", "ONE", "ORDER", "PARTITION")
	}
	l.expect("(")
	m.Pattern = l.pattern()
	l.closeParen()
	if l.accept("WITHIN") {
		if !l.is("INTERVAL") {
			l.expected("INTERVAL", "INTERVAL")
		}
		m.Within = l.interval()
	}
	if l.accept("SUBSET") {
		l.commas(func() {
			start := l.cur().Start
			s := &ast.MatchSubset{Name: l.ident("the name of a subset")}
			l.expect("=")
			s.Variables = l.parser.idents("a pattern variable")
			s.Span = l.from(start)
			m.Subsets = append(m.Subsets, s)
		})
	}
	if !l.accept("DEFINE") {
		l.expected("DEFINE", "DEFINE", "WITHIN", "SUBSET")
	}
	l.commas(func() {
		l.emitCommaAfterArg()
		l.define()
	})
}

func (l *lowerer) measure() {
	start := l.cur().Start
	node := &ast.SelectItem{}
	l.open(node)
	l.inner(l.expr)
	l.emit(")")
	if !l.accept("AS") {
		l.expected("AS and a name for the measure", "AS")
	}
	id := l.anyIdent("a name for the measure")
	node.Alias = &id
	node.Span = l.from(start)
}

func (l *lowerer) define() {
	start := l.cur().Start
	node := &ast.MatchDefine{Variable: l.ident("a pattern variable")}
	l.expect("AS")
	l.open(node)
	l.inner(l.expr)
	l.emit(")")
	node.Span = l.from(start)
}

// matchSkip reads AFTER MATCH SKIP ..
func (l *lowerer) matchSkip() *ast.MatchSkip {
	start := l.cur().Start
	l.expect("AFTER", "MATCH", "SKIP")
	s := &ast.MatchSkip{}
	switch {
	case l.accept("PAST", "LAST", "ROW"):
		s.Kind = "PAST LAST ROW"
	case l.accept("TO", "NEXT", "ROW"):
		s.Kind = "TO NEXT ROW"
	case l.is("TO"):
		l.i++
		s.Kind = "TO"
		if l.isAny("FIRST", "LAST") && (l.peek(1).Kind == Word || l.peek(1).Kind == Quoted) && !l.isAt(1, "PATTERN") {
			s.Kind += " " + l.upper(l.next())
		}
		id := l.ident("a pattern variable")
		s.Variable = &id
	default:
		l.expected("PAST LAST ROW or TO ..", "PAST", "TO")
	}
	s.Span = l.from(start)
	return s
}

// pattern reads alternatives of sequences.
func (p *parser) pattern() ast.Pattern {
	p.enter()
	defer func() { p.depth-- }()
	start := p.cur().Start
	first := p.patternSequence()
	if !p.is("|") {
		return first
	}
	alt := &ast.PatternAlt{Items: []ast.Pattern{first}}
	for p.accept("|") {
		alt.Items = append(alt.Items, p.patternSequence())
	}
	alt.Span = p.from(start)
	return alt
}

func (p *parser) patternSequence() ast.Pattern {
	start := p.cur().Start
	items := []ast.Pattern{p.patternRepeat()}
	for p.cur().Kind == Word || p.cur().Kind == Quoted || p.isAny("(", "{") {
		items = append(items, p.patternRepeat())
	}
	if len(items) == 1 {
		return items[0]
	}
	return &ast.PatternSeq{Span: p.from(start), Items: items}
}

// patternRepeat reads an element with its quantifier.
func (p *parser) patternRepeat() ast.Pattern {
	start := p.cur().Start
	x := p.patternElement()
	r := &ast.PatternRepeat{X: x}
	switch {
	case p.accept("*"):
		r.Max = -1
	case p.accept("+"):
		r.Min, r.Max = 1, -1
	case p.accept("?"):
		r.Max = 1
	case p.is("{") && !p.isAt(1, "-"):
		p.patternBounds(r)
	default:
		return x
	}
	r.Reluctant = p.accept("?")
	r.Span = p.from(start)
	if p.isAny("*", "+", "?") || p.is("{") && !p.isAt(1, "-") {
		p.fail(p.cur(), "put the part before it in parentheses", "a second quantifier")
	}
	return r
}

// patternBounds reads {n}, {n,}, {n,m} and {,m}.
func (p *parser) patternBounds(r *ast.PatternRepeat) {
	p.i++
	r.Max = -1
	if first := p.cur(); first.Kind == Number {
		r.Min = p.int()
		r.Max = r.Min
	} else if !p.is(",") {
		p.expected("a number of repetitions")
	}
	if p.accept(",") {
		if r.Max = -1; p.cur().Kind == Number {
			at := p.cur()
			if r.Max = p.int(); r.Max < r.Min {
				p.fail(at, "", "the upper bound %d is below the lower bound %d", r.Max, r.Min)
			}
		}
	}
	if !p.accept("}") {
		p.expected(`"}"`)
	}
}

func (p *parser) patternElement() ast.Pattern {
	start := p.cur().Start
	switch {
	case p.accept("("):
		x := p.pattern()
		p.closeParen()
		return x
	case p.accept("{", "-"):
		x := p.pattern()
		p.expectPair("-", "}")
		return &ast.PatternExclude{Span: p.from(start), X: x}
	case p.is("PERMUTE", "("):
		p.i++
		node := &ast.PatternPermute{}
		p.list(func() { node.Items = append(node.Items, p.pattern()) })
		node.Span = p.from(start)
		return node
	}
	if p.cur().is(p.src, "$") || p.cur().is(p.src, "^") {
		p.fail(p.cur(), "a stream has no first and no last row: leave it out", "anchors in a pattern are not supported; Flink takes them, and leaves them out")
	}
	if t := p.cur(); t.Kind != Word && t.Kind != Quoted {
		p.expected("a pattern variable")
	}
	id := p.ident("a pattern variable")
	return &ast.PatternVar{Span: id.Span, Name: id}
}

func (p *parser) expectPair(a, b string) {
	if !p.accept(a, b) {
		p.expected(`"` + a + b + `"`)
	}
}
