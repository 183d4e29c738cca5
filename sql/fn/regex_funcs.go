package fn

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

var regexFuncs = []*Func{
	declare("REGEXP|RLIKE", "REGEXP(string, pattern)", "Tells whether the regular expression occurs in the text. FALSE where either is empty or the pattern is not one.",
		sig{in: pp(pText, pText), out: returnsBool, prep: bindRegexp}, "REGEXP('abc', '^a')", "TRUE", "REGEXP('abc', '')", "FALSE"),
	declare("REGEXP_EXTRACT", "REGEXP_EXTRACT(string, pattern[, group])", "Gives what the group (by default 0, all of it) of the first match caught; NULL where there is no match or no such group.",
		sig{in: pp(pText, pText, pInt), opt: 1, out: returnsString, null: mayBeNull, prep: regexEval(types.StringType, extractColumn)},
		"REGEXP_EXTRACT('foothebar', 'foo(.*?)(bar)', 2)", "bar", "REGEXP_EXTRACT('x', 'y')", "NULL"),
	declare("REGEXP_REPLACE", "REGEXP_REPLACE(string, pattern, replacement)", "Replaces each match of the regular expression by the replacement, which is taken as it is. NULL where the pattern is not one.",
		sig{in: pp(pText, pText, pText), out: returnsString, prep: regexEval(types.StringType, regexReplaceColumn)}, "REGEXP_REPLACE('foobar', 'oo|ar', '')", "fb"),
	declare("REGEXP_COUNT", "REGEXP_COUNT(string, pattern)", "Counts the matches of the regular expression. NULL where the pattern is not one.",
		sig{in: pp(pText, pText), out: returnsInt, null: mayBeNull, prep: regexEval(types.IntType, regexCountColumn)}, "REGEXP_COUNT('abcabc', 'b')", "2"),
	declare("REGEXP_INSTR", "REGEXP_INSTR(string, pattern)", "Gives the place, counted from 1, of the first match; 0 for none. NULL where the pattern is not one.",
		sig{in: pp(pText, pText), out: returnsInt, null: mayBeNull, prep: regexEval(types.IntType, regexInstrColumn)}, "REGEXP_INSTR('abcabc', 'c')", "3"),
	declare("REGEXP_SUBSTR", "REGEXP_SUBSTR(string, pattern)", "Gives the first match; NULL for none or where the pattern is not a regular expression.",
		sig{in: pp(pText, pText), out: returnsString, null: mayBeNull, prep: regexEval(types.StringType, extractColumn)}, "REGEXP_SUBSTR('abc123', '[0-9]+')", "123"),
	declare("REGEXP_EXTRACT_ALL", "REGEXP_EXTRACT_ALL(string, pattern[, group])", "Gives what the group (by default 1) of each match caught. NULL where there is no such group or the pattern is not a regular expression.",
		sig{in: pp(pText, pText, pInt), opt: 1, out: returns(stringArray), null: mayBeNull, prep: regexEval(stringArray, extractAllColumn)},
		`REGEXP_EXTRACT_ALL('a1b2', '([a-z])([0-9])', 2)`, "[1, 2]"),
	declare("LIKE", "string LIKE pattern [ESCAPE character]", "Tells whether the text matches the pattern, in which % stands for any characters and _ for one.",
		sig{in: pp(pText, pText, pText), opt: 1, out: returnsBool, prep: bindLike}, "'abc' LIKE 'a%'", "TRUE", "'abc' LIKE 'a_'", "FALSE"),
	declare("SIMILAR", "string SIMILAR TO pattern [ESCAPE character]", "Tells whether all of the text matches the SQL regular expression, in which % stands for any characters and _ for one.",
		sig{in: pp(pText, pText, pText), opt: 1, out: returnsBool, prep: bindSimilar}, "'abc' SIMILAR TO 'a(b|c)*'", "TRUE"),
}

func bindRegexp(args []Arg) (Kernel, error) {
	one := literalPattern(args[1], compilePattern)
	return boolEval(func(a []vec.Vec) func(int) (bool, bool) {
		s, p := vec.TextOf(a[0]), newPatterns(a[1], one, compilePattern)
		return func(i int) (bool, bool) {
			v, re := s.String(i), p.at(i)
			return v != "" && re != nil && p.text.String(i) != "" && re.matches(v), true
		}
	}), nil
}

type regexColumn = func(s vec.Text, p *patterns, a []vec.Vec, m validity) arrow.Array

// regexEval binds a function of a text and a pattern, which is compiled here where it is a constant.
func regexEval(t types.Type, column regexColumn) func([]Arg) (Kernel, error) {
	return func(args []Arg) (Kernel, error) {
		one := literalPattern(args[1], compilePattern)
		return eval(t, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
			return column(vec.TextOf(a[0]), newPatterns(a[1], one, compilePattern), a, m)
		}), nil
	}
}

func extractColumn(s vec.Text, p *patterns, a []vec.Vec, m validity) arrow.Array {
	group := groupArg(a, 0)
	return textColumn(types.StringType, m, func(dst []byte, i int) ([]byte, bool) {
		re, g := p.at(i), group(i)
		if re == nil || g < 0 || g > int64(re.size) {
			return nil, false
		}
		v := s.String(i)
		span := re.find(v)
		if span == nil || span[2*g] < 0 {
			return nil, false
		}
		return append(dst, v[span[2*g]:span[2*g+1]]...), true
	})
}

func groupArg(a []vec.Vec, def int64) func(i int) int64 {
	if len(a) < 3 {
		return func(int) int64 { return def }
	}
	r := intsOf(a[2])
	return r.at
}

func regexReplaceColumn(s vec.Text, p *patterns, a []vec.Vec, m validity) arrow.Array {
	by := vec.TextOf(a[2])
	return textColumn(types.StringType, m, func(dst []byte, i int) ([]byte, bool) {
		re := p.at(i)
		if re == nil {
			return nil, false
		}
		v, at := s.String(i), 0
		for _, span := range re.all(v) {
			dst = append(append(dst, v[at:span[0]]...), by.Bytes(i)...)
			at = span[1]
		}
		return append(dst, v[at:]...), true
	})
}

func regexCountColumn(s vec.Text, p *patterns, _ []vec.Vec, m validity) arrow.Array {
	return fixedRows(arrow.PrimitiveTypes.Int32, m, func(i int) (int32, bool) {
		re := p.at(i)
		if re == nil {
			return 0, false
		}
		return int32(len(re.all(s.String(i)))), true
	})
}

func regexInstrColumn(s vec.Text, p *patterns, _ []vec.Vec, m validity) arrow.Array {
	return fixedRows(arrow.PrimitiveTypes.Int32, m, func(i int) (int32, bool) {
		re := p.at(i)
		if re == nil {
			return 0, false
		}
		v := s.String(i)
		span := re.find(v)
		if span == nil {
			return 0, true
		}
		return int32(utf8.RuneCountInString(v[:span[0]]) + 1), true
	})
}

func extractAllColumn(s vec.Text, p *patterns, a []vec.Vec, m validity) arrow.Array {
	group := groupArg(a, 1)
	b := newTextLists(m.n)
	for i := range m.n {
		if !m.isNull(i) {
			re, g := p.at(i), group(i)
			if re == nil || g < 0 || g > int64(re.size) {
				m.setNull(i)
			} else {
				v := s.String(i)
				for _, span := range re.all(v) {
					if span[2*g] >= 0 {
						b.add(v[span[2*g]:span[2*g+1]])
					}
				}
			}
		}
		b.end()
	}
	return b.array(m.bits)
}

// bindLike compiles a constant pattern once; patterns of the forms a%, %a, %a% and a need no
// regular expression.
func bindLike(args []Arg) (Kernel, error) {
	return bindMatcher(args, compileLike)
}

func bindSimilar(args []Arg) (Kernel, error) {
	return bindMatcher(args, compileSimilar)
}

type matcher = func(s string) bool

// bindMatcher makes the kernel of LIKE or SIMILAR TO. A bad constant pattern is refused at once, a
// bad pattern of a row is that row's error.
func bindMatcher(args []Arg, compile func(pattern string, escape rune) (matcher, error)) (Kernel, error) {
	var one matcher
	if p, ok := literalText(args[1]); ok {
		esc, err := escapeArg(args)
		if err != nil {
			return nil, err
		}
		if one, err = compile(p, esc); err != nil {
			return nil, err
		}
	}
	return eval(types.BooleanType, func(_ *Ctx, a []vec.Vec, m validity, fail *failure) arrow.Array {
		s, p := vec.TextOf(a[0]), vec.TextOf(a[1])
		match, last := one, ""
		return boolRows(m, func(i int) (bool, bool) {
			if one == nil {
				if text := p.String(i); match == nil || text != last {
					esc, err := escapeRow(a, i)
					if err == nil {
						match, err = compile(text, esc)
					}
					if last = text; err != nil {
						fail.at(i, err)
						match = nil
						return false, false
					}
				}
			}
			return match(s.String(i)), true
		})
	}), nil
}

func escapeArg(args []Arg) (rune, error) {
	if len(args) < 3 {
		return 0, nil
	}
	text, ok := literalText(args[2])
	if !ok {
		return 0, nil
	}
	return escapeRune(text)
}

func escapeRow(a []vec.Vec, i int) (rune, error) {
	if len(a) < 3 {
		return 0, nil
	}
	t := vec.TextOf(a[2])
	return escapeRune(t.String(i))
}

func escapeRune(text string) (rune, error) {
	r, w := utf8.DecodeRuneInString(text)
	if text == "" {
		return 0, nil
	}
	if w != len(text) {
		return 0, fmt.Errorf("ESCAPE wants one character or none, got %q", text)
	}
	return r, nil
}

// likePart is a piece of a LIKE pattern between % signs.
type likePart struct {
	text string
	any  []bool // rune i of text stands for any character; nil where none does
}

func compileLike(pattern string, escape rune) (matcher, error) {
	parts, err := splitLike(pattern, escape)
	if err != nil {
		return nil, err
	}
	plain := true
	for _, p := range parts {
		plain = plain && p.any == nil
	}
	first, last := parts[0].text, parts[len(parts)-1].text
	switch {
	case plain && len(parts) == 1:
		return func(s string) bool { return s == first }, nil
	case plain && len(parts) == 2:
		return func(s string) bool {
			return len(s) >= len(first)+len(last) && strings.HasPrefix(s, first) && strings.HasSuffix(s, last)
		}, nil
	case plain && len(parts) == 3 && first == "" && last == "":
		return func(s string) bool { return strings.Contains(s, parts[1].text) }, nil
	}
	return func(s string) bool { return matchParts(s, parts) }, nil
}

// splitLike cuts a pattern at its % signs.
func splitLike(pattern string, escape rune) ([]likePart, error) {
	parts := []likePart{{}}
	var b strings.Builder
	var wild []bool
	hasWild := false
	flush := func() {
		p := &parts[len(parts)-1]
		if p.text = b.String(); hasWild {
			p.any = wild
		}
		b.Reset()
		wild, hasWild = nil, false
	}
	escaped := false
	for i, r := range pattern {
		switch {
		case escaped && r != '%' && r != '_' && r != escape:
			return nil, fmt.Errorf("LIKE pattern %q: the escape character at %d stands before none of %%, _ and itself", pattern, i)
		case !escaped && escape != 0 && r == escape:
			escaped = true
			continue
		case !escaped && r == '%':
			flush()
			parts = append(parts, likePart{})
			continue
		}
		any := !escaped && r == '_'
		hasWild = hasWild || any
		wild = append(wild, any)
		b.WriteRune(r)
		escaped = false
	}
	if escaped {
		return nil, fmt.Errorf("LIKE pattern %q ends in its escape character", pattern)
	}
	flush()
	return parts, nil
}

// matchParts matches the parts greedily from the left; only the last must reach the end.
func matchParts(s string, parts []likePart) bool {
	n, ok := parts[0].prefix(s)
	if !ok {
		return false
	}
	if len(parts) == 1 {
		return n == len(s)
	}
	s = s[n:]
	for _, p := range parts[1 : len(parts)-1] {
		at, width := p.index(s)
		if at < 0 {
			return false
		}
		s = s[at+width:]
	}
	return parts[len(parts)-1].suffix(s)
}

// prefix tells how many bytes of s the part takes.
func (p *likePart) prefix(s string) (int, bool) {
	if p.any == nil {
		return len(p.text), strings.HasPrefix(s, p.text)
	}
	at, i := 0, 0
	for _, want := range p.text {
		if at >= len(s) {
			return 0, false
		}
		r, w := utf8.DecodeRuneInString(s[at:])
		if !p.any[i] && r != want {
			return 0, false
		}
		at += w
		i++
	}
	return at, true
}

func (p *likePart) index(s string) (at, width int) {
	if p.any == nil {
		return strings.Index(s, p.text), len(p.text)
	}
	for at <= len(s) {
		if w, ok := p.prefix(s[at:]); ok {
			return at, w
		}
		_, w := utf8.DecodeRuneInString(s[at:])
		at += max(w, 1)
	}
	return -1, 0
}

func (p *likePart) suffix(s string) bool {
	if p.any == nil {
		return strings.HasSuffix(s, p.text)
	}
	at := runeOffsetBack(s, len(p.any))
	w, ok := p.prefix(s[at:])
	return ok && at+w == len(s)
}

// compileSimilar rewrites a SQL regular expression as Java's.
func compileSimilar(p string, escape rune) (matcher, error) {
	var b strings.Builder
	b.WriteString(`(?s)\A(?:`)
	escaped, inClass := false, false
	for i, r := range p {
		switch {
		case escaped:
			b.WriteString(quoteRune(r))
			escaped = false
		case escape != 0 && r == escape:
			escaped = true
		case r == '[' && !(inClass && strings.HasPrefix(p[i:], "[:")):
			inClass = true
			b.WriteRune(r)
		case r == ']':
			inClass = inClass && strings.HasSuffix(p[:i], ":")
			b.WriteRune(r)
		case inClass:
			b.WriteRune(r)
		case r == '%':
			b.WriteString(".*")
		case r == '_':
			b.WriteString(".")
		case r == '\\' || r == '$':
			b.WriteString(quoteRune(r))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteString(`)\z`)
	if re, err := regexp.Compile(b.String()); err == nil {
		return re.MatchString, nil // SQL's class names are Go's too
	}
	re, err := compilePattern(b.String())
	if err != nil {
		return nil, fmt.Errorf("SIMILAR TO pattern %q: %w", p, err)
	}
	return re.matches, nil
}

func quoteRune(r rune) string {
	if strings.ContainsRune(`\.+*?()|[]{}^$`, r) {
		return `\` + string(r)
	}
	return string(r)
}

// bindStrToMap splits with the separators as regular expressions.
func bindStrToMap(args []Arg) (Kernel, error) {
	seps := [2]string{",", "="}
	return eval(stringMap, func(_ *Ctx, a []vec.Vec, m validity, _ *failure) arrow.Array {
		s := vec.TextOf(a[0])
		var pats [2]*patterns
		for j := range pats {
			v := vec.ConstString(seps[j])
			if len(a) > j+1 {
				v = a[j+1]
			}
			pats[j] = newPatterns(v, nil, compilePattern)
		}
		return strToMapColumn(s, pats, m)
	}), nil
}

func strToMapColumn(s vec.Text, pats [2]*patterns, m validity) arrow.Array {
	keys := newTextLists(m.n)
	items := vec.NewTextBuilder()
	for i := range m.n {
		pair, kv := pats[0].at(i), pats[1].at(i)
		if m.isNull(i) || pair == nil || kv == nil {
			m.setNull(i)
			keys.end()
			continue
		}
		appendPairs(keys, items, s.String(i), pair, kv)
		keys.end()
	}
	return vec.Maps(keys.offsets, vec.Strings(keys.texts, keys.data, nil), items.Array(), m.bits)
}

func appendPairs(keys *textLists, items *vec.TextBuilder, s string, pair, kv *pattern) {
	if s == "" {
		return
	}
	type entry struct {
		key, value string
		null       bool
	}
	var entries []entry
	for _, part := range javaSplit(pair, s, 0) {
		e := entry{null: true}
		if both := javaSplit(kv, part, 2); len(both) == 2 {
			e = entry{key: both[0], value: both[1]}
		} else if len(both) == 1 {
			e.key = both[0]
		}
		at := -1
		for j := range entries {
			if entries[j].key == e.key {
				at = j
			}
		}
		if at >= 0 {
			entries[at] = e
		} else {
			entries = append(entries, e)
		}
	}
	for _, e := range entries {
		keys.add(e.key)
		if e.null {
			items.AppendNull()
		} else {
			items.AppendString(e.value)
		}
	}
}

// javaSplit splits as Java's String.split: no empty part before a match of no width at the start;
// limit 0 also drops empty parts at the end.
func javaSplit(p *pattern, s string, limit int) []string {
	var parts []string
	at := 0
	for _, span := range p.all(s) {
		if limit > 0 && len(parts) == limit-1 {
			break
		}
		if span[1] == 0 {
			continue
		}
		parts = append(parts, s[at:span[0]])
		at = span[1]
	}
	if at == 0 && len(parts) == 0 {
		return []string{s}
	}
	parts = append(parts, s[at:])
	for limit == 0 && len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	return parts
}
