package fn

import (
	"strconv"
	"strings"
)

// pathFilter tells whether a value passes the filter of a path; root is the whole text's value.
type pathFilter func(v, root *jsonValue) bool

// filterParser reads the expression of [?( ... )].
type filterParser struct{ s string }

// parseFilter reads ( ... ) after the ? and gives what follows.
func parseFilter(s string) (pathFilter, string, error) {
	p := &filterParser{strings.TrimLeft(s, " ")}
	if !p.take("(") {
		return nil, s, errNoPath
	}
	f, ok := p.or()
	if !ok || !p.take(")") {
		return nil, s, errNoPath
	}
	return f, p.s, nil
}

// take passes over a token.
func (p *filterParser) take(token string) bool {
	rest, ok := strings.CutPrefix(strings.TrimLeft(p.s, " "), token)
	if ok {
		p.s = rest
	}
	return ok
}

func (p *filterParser) or() (pathFilter, bool) {
	left, ok := p.and()
	for ok && p.take("||") {
		a := left
		var b pathFilter
		if b, ok = p.and(); ok {
			left = func(v, root *jsonValue) bool { return a(v, root) || b(v, root) }
		}
	}
	return left, ok
}

func (p *filterParser) and() (pathFilter, bool) {
	left, ok := p.not()
	for ok && p.take("&&") {
		a := left
		var b pathFilter
		if b, ok = p.not(); ok {
			left = func(v, root *jsonValue) bool { return a(v, root) && b(v, root) }
		}
	}
	return left, ok
}

func (p *filterParser) not() (pathFilter, bool) {
	switch {
	case p.take("!"):
		f, ok := p.not()
		return func(v, root *jsonValue) bool { return !f(v, root) }, ok
	case p.take("("):
		f, ok := p.or()
		return f, ok && p.take(")")
	}
	return p.comparison()
}

// operand gives a value, or nil where its path leads nowhere.
type operand func(v, root *jsonValue) *jsonValue

func (p *filterParser) comparison() (pathFilter, bool) {
	left, ok := p.operand()
	if !ok {
		return nil, false
	}
	if p.take("=~") {
		re, ok := p.regex()
		return func(v, root *jsonValue) bool {
			x := left(v, root)
			return x != nil && x.kind == jsonString && re(x.text)
		}, ok
	}
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">", "in ", "nin "} {
		if p.take(op) {
			right, ok := p.operand()
			return func(v, root *jsonValue) bool { return compareJSON(op, left(v, root), right(v, root)) }, ok
		}
	}
	return func(v, root *jsonValue) bool { return left(v, root) != nil }, true
}

// regex reads /pattern/ or /pattern/i.
func (p *filterParser) regex() (func(string) bool, bool) {
	s, ok := strings.CutPrefix(strings.TrimLeft(p.s, " "), "/")
	if !ok {
		return nil, false
	}
	end := 0
	for end < len(s) && s[end] != '/' {
		if s[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(s) {
		return nil, false
	}
	text := s[:end]
	if p.s = s[end+1:]; strings.HasPrefix(p.s, "i") {
		p.s, text = p.s[1:], "(?i)"+text
	}
	re, err := compilePattern(`\A(?:` + text + `)\z`)
	if err != nil {
		return nil, false
	}
	return re.matches, true
}

func (p *filterParser) operand() (operand, bool) {
	p.s = strings.TrimLeft(p.s, " ")
	switch {
	case p.s == "":
		return nil, false
	case p.s[0] == '@' || p.s[0] == '$':
		fromRoot := p.s[0] == '$'
		path := &jsonPath{}
		rest, err := path.parseSteps(p.s[1:])
		p.s = rest
		return func(v, root *jsonValue) *jsonValue {
			if fromRoot {
				v = root
			}
			out, err := path.eval(v)
			if err != nil {
				return nil
			}
			return out
		}, err == nil
	case p.s[0] == '\'':
		text, rest, ok := quotedName(p.s)
		p.s = rest
		return constant(&jsonValue{kind: jsonString, text: text}), ok
	}
	json := jsonParser{s: strings.ReplaceAll(p.s, "'", `"`)}
	if p.s[0] != '[' {
		json.s = p.s
	}
	v, err := json.value()
	if err != nil {
		return nil, false
	}
	p.s = p.s[json.i:]
	return constant(v), true
}

func constant(v *jsonValue) operand { return func(_, _ *jsonValue) *jsonValue { return v } }

func compareJSON(op string, a, b *jsonValue) bool {
	switch op {
	case "in ", "nin ":
		found := false
		if a != nil && b != nil {
			for _, item := range b.items {
				found = found || equalJSON(a, item)
			}
		}
		return found == (op == "in ")
	case "==":
		return a != nil && b != nil && equalJSON(a, b)
	case "!=":
		return a == nil || b == nil || !equalJSON(a, b)
	}
	if a == nil || b == nil || a.kind != b.kind || a.kind != jsonNumber && a.kind != jsonString {
		return false
	}
	c := strings.Compare(a.text, b.text)
	if a.kind == jsonNumber {
		x, _ := strconv.ParseFloat(a.text, 64)
		y, _ := strconv.ParseFloat(b.text, 64)
		c = 0
		if x < y {
			c = -1
		} else if x > y {
			c = 1
		}
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func equalJSON(a, b *jsonValue) bool {
	if a.kind != b.kind {
		return false
	}
	if a.kind == jsonNumber {
		x, _ := strconv.ParseFloat(a.text, 64)
		y, _ := strconv.ParseFloat(b.text, 64)
		return x == y
	}
	return string(appendJSON(nil, a)) == string(appendJSON(nil, b))
}
