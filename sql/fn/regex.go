package fn

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"

	"weir/sql/vec"
)

// matchLimit bounds the time one pattern may spend on one text when it needs backtracking.
const matchLimit = 2 * time.Second

// pattern is a compiled Java regular expression: on Go's engine, which takes linear time, where its
// syntax means the same there, else on a backtracking engine with a time limit.
type pattern struct {
	fast *regexp.Regexp
	slow *regexp2.Regexp
	size int // number of groups
	// Where both engines are there: Go's differs on a text that ends in a line end, after which Java's
	// $ matches too (dollar), and on all matches of a pattern which matches the empty text (empty).
	dollar, empty bool
}

// compilePattern reads a regular expression as Java does.
func compilePattern(p string) (*pattern, error) {
	out := &pattern{}
	if !needsJava(p) {
		if re, err := regexp.Compile(p); err == nil {
			out.fast, out.size = re, re.NumSubexp()
			out.dollar, out.empty = strings.Contains(p, "$"), re.MatchString("")
			if !out.dollar && !out.empty {
				return out, nil
			}
		}
	}
	re, err := regexp2.Compile(forRegexp2(plainClasses(p)), regexp2.None)
	if err != nil && out.fast == nil {
		return nil, err
	}
	if err == nil {
		re.MatchTimeout = matchLimit
		out.slow, out.size = re, len(re.GetGroupNumbers())-1
	}
	return out, nil
}

// quick tells whether Go's engine gives Java's answer for the text.
func (p *pattern) quick(s string) bool {
	if p.slow == nil {
		return true
	}
	return p.fast != nil && (!p.dollar || s == "" || !strings.ContainsRune("\n\r\u0085\u2028\u2029", lastRune(s)))
}

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}

// needsJava tells whether the pattern holds something that Go's engine lacks or reads in another
// way: look-around, back references, possessive quantifiers, atomic groups, class intersection.
func needsJava(p string) bool {
	if strings.Contains(p, "(?") {
		re, err := syntax.Parse(p, syntax.Perl)
		if err != nil || re == nil {
			return true
		}
	}
	inClass := false
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\\' && i+1 < len(p):
			i++
			if strings.IndexByte("0123456789kRGXhvuexZNc", p[i]) >= 0 {
				return true
			}
		case c == '[':
			if inClass {
				return true // a union of classes
			}
			inClass = true
		case c == ']':
			inClass = false
		case c == '&' && inClass && strings.HasPrefix(p[i:], "&&"):
			return true
		case c == '+' && i > 0 && strings.IndexByte("*+?}", p[i-1]) >= 0 && !inClass:
			return true
		}
	}
	return strings.Contains(p, `\p{`) && !goClasses(p)
}

// goClasses tells whether Go knows each class name of the pattern.
func goClasses(p string) bool {
	_, err := regexp.Compile(p)
	return err == nil
}

// forRegexp2 rewrites what the backtracking engine spells or reads in another way than Java: class
// names and the ASCII meaning of \d, \w and \s; quotes; possessive quantifiers.
func forRegexp2(p string) string {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(p); i++ {
		rest := p[i:]
		switch {
		case strings.HasPrefix(rest, `\Q`):
			lit, _, _ := strings.Cut(rest[2:], `\E`)
			b.WriteString(regexp.QuoteMeta(lit))
			i += 2 + len(lit) + 1
		case strings.HasPrefix(rest, `\p{`) || strings.HasPrefix(rest, `\P{`):
			end := strings.IndexByte(rest, '}')
			if end < 0 {
				return p
			}
			b.WriteString(javaClass(rest[:end+1], inClass))
			i += end
		case p[i] == '\\' && i+1 < len(p):
			b.WriteString(javaEscape(p[i+1], inClass))
			i++
		case !inClass && possessive(p, i):
			// the quantifier before stays; backtracking into it is the only difference
		default:
			if p[i] == '[' {
				inClass = true
			} else if p[i] == ']' {
				inClass = false
			}
			b.WriteByte(p[i])
		}
	}
	return b.String()
}

func possessive(p string, i int) bool {
	return p[i] == '+' && i > 1 && strings.IndexByte("*+?}", p[i-1]) >= 0 && p[i-2] != '\\'
}

// javaEscape gives the ASCII meaning that Java's classes have by default.
func javaEscape(c byte, inClass bool) string {
	set := ""
	switch c {
	case 'd', 'D':
		set = "0-9"
	case 'w', 'W':
		set = "a-zA-Z_0-9"
	case 's', 'S':
		set = ` \t\n\x0B\f\r`
	case 'h':
		set = ` \t\u00A0`
	}
	switch {
	case c == 'R':
		return `(?:\r\n|[\n\r\u000b\u000c\u0085\u2028\u2029])`
	case set == "" || inClass && c < 'a':
		return `\` + string(c)
	case inClass:
		return set
	case c < 'a':
		return "[^" + set + "]"
	}
	return "[" + set + "]"
}

func javaClass(name string, inClass bool) string {
	set := ""
	switch name[3 : len(name)-1] {
	case "Alpha":
		set = "a-zA-Z"
	case "Digit":
		set = "0-9"
	case "Alnum":
		set = "a-zA-Z0-9"
	case "Lower":
		set = "a-z"
	case "Upper":
		set = "A-Z"
	case "Punct":
		set = "!-/:-@\\[-`{-~"
	case "Space":
		set = ` \t\n\x0B\f\r`
	case "XDigit":
		set = "0-9a-fA-F"
	case "ASCII":
		set = `\x00-\x7F`
	case "Graph":
		set = "!-~"
	case "Print":
		set = " -~"
	case "Blank":
		set = ` \t`
	case "Cntrl":
		set = `\x00-\x1F\x7F`
	case "IsAlphabetic", "IsLetter":
		set = `\p{L}`
	case "IsDigit":
		set = `\p{Nd}`
	case "IsUppercase":
		set = `\p{Lu}`
	case "IsLowercase":
		set = `\p{Ll}`
	default:
		return name
	}
	switch {
	case inClass && name[1] == 'p':
		return set
	case name[1] == 'P':
		return "[^" + set + "]"
	}
	return "[" + set + "]"
}

// find gives the byte spans of the first match: whole match, then groups (-1 where a group took no
// part); nil for no match.
func (p *pattern) find(s string) []int {
	if p.quick(s) {
		return p.fast.FindStringSubmatchIndex(s)
	}
	m, err := p.slow.FindStringMatch(s)
	if err != nil || m == nil {
		return nil
	}
	return p.spans(s, m)
}

// spans maps rune positions to byte positions.
func (p *pattern) spans(s string, m *regexp2.Match) []int {
	out := make([]int, 0, 2*(p.size+1))
	for _, g := range m.Groups() {
		if len(g.Captures) == 0 {
			out = append(out, -1, -1)
			continue
		}
		lo := runeOffset(s, g.Index)
		out = append(out, lo, lo+runeOffset(s[lo:], g.Length))
	}
	return out
}

// all gives the spans of every match, in order.
func (p *pattern) all(s string) [][]int {
	if p.quick(s) && !p.empty {
		return p.fast.FindAllStringSubmatchIndex(s, -1)
	}
	var out [][]int
	m, err := p.slow.FindStringMatch(s)
	for err == nil && m != nil {
		out = append(out, p.spans(s, m))
		m, err = p.slow.FindNextMatch(m)
	}
	return out
}

// matches tells whether the pattern occurs in s.
func (p *pattern) matches(s string) bool {
	if p.quick(s) {
		return p.fast.MatchString(s)
	}
	ok, err := p.slow.MatchString(s)
	return ok && err == nil
}

// patterns gives the compiled pattern of each row: compiled once for a constant, remembered within
// bounds for a column. A bad pattern is nil.
type patterns struct {
	konst   bool
	one     *pattern
	compile func(string) (*pattern, error)
	text    vec.Text
	cache   map[string]*pattern
}

// maxPatterns bounds the compiled patterns that one batch keeps.
const maxPatterns = 128

func newPatterns(v vec.Vec, one *pattern, compile func(string) (*pattern, error)) *patterns {
	p := &patterns{konst: v.Const, one: one, compile: compile, text: vec.TextOf(v)}
	if p.konst && one == nil && !v.IsNull(0) {
		p.one, _ = compile(p.text.String(0))
	}
	return p
}

func (p *patterns) at(i int) *pattern {
	if p.konst {
		return p.one
	}
	text := p.text.String(i)
	if c, ok := p.cache[text]; ok {
		return c
	}
	c, _ := p.compile(text)
	if p.cache == nil || len(p.cache) >= maxPatterns {
		p.cache = map[string]*pattern{}
	}
	p.cache[strings.Clone(text)] = c
	return c
}

// literalPattern compiles a constant pattern argument once, when the call is bound.
func literalPattern(a Arg, compile func(string) (*pattern, error)) *pattern {
	text, ok := literalText(a)
	if !ok {
		return nil
	}
	p, _ := compile(text)
	return p
}
