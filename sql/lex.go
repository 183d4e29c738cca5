package sql

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// maxSource bounds the text of one script, in bytes; a token costs 24 bytes.
const maxSource = 8 << 20

// lexer cuts a text into tokens. Flink's lexical rules: 'it”s' strings without backslash escapes, `names`,
// -- and // and /* */ comments, /*+ hints */, U&'..' and X'..'. A double quote starts nothing.
type lexer struct {
	src      string
	pos      int
	toks     []Token
	comments bool // keep comments
	hint     int  // index of the open hint's token, or -1
	errs     []lexError
}

// lexError says why the Bad token that starts at pos is bad.
type lexError struct {
	pos       int
	msg, hint string
}

// Tokens cuts a text into tokens, comments and Bad ones included, for highlighting and completion.
// Between tokens there is only white space. The last is EOF.
func Tokens(src string) []Token {
	l := lexer{src: src, comments: true, hint: -1}
	l.run()
	return l.toks
}

// lex cuts a text into tokens without comments.
func lex(src string) *lexer {
	l := &lexer{src: src, hint: -1, toks: make([]Token, 0, len(src)/5+8)}
	l.run()
	return l
}

func (l *lexer) run() {
	for l.next() {
	}
	if l.hint >= 0 {
		l.toks[l.hint].Kind = Bad
		l.errs = append(l.errs, lexError{l.toks[l.hint].Start, "this hint has no end", "close it with */"})
	}
	l.toks = append(l.toks, Token{EOF, len(l.src), len(l.src)})
}

// add appends the token that ends at end and goes on there.
func (l *lexer) add(k Kind, end int) {
	l.toks = append(l.toks, Token{k, l.pos, end})
	l.pos = end
}

// bad appends a Bad token and its reason.
func (l *lexer) bad(end int, msg, hint string) {
	l.errs = append(l.errs, lexError{l.pos, msg, hint})
	l.add(Bad, end)
}

// at is the byte at i, or 0 at the end.
func (l *lexer) at(i int) byte {
	if i < len(l.src) {
		return l.src[i]
	}
	return 0
}

// next reads one token or comment; it returns false at the end of the text.
func (l *lexer) next() bool {
	for l.pos < len(l.src) {
		if c := l.src[l.pos]; c > ' ' && c != 0xc2 && c != 0xef {
			break
		}
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		if !unicode.IsSpace(r) && r != '\ufeff' {
			break
		}
		l.pos += n
	}
	if l.pos >= len(l.src) {
		return false
	}
	c, d := l.src[l.pos], l.at(l.pos+1)
	switch {
	case c == '-' && d == '-', c == '/' && d == '/':
		l.lineComment()
	case c == '/' && d == '*':
		l.blockComment()
	case c == '*' && d == '/' && l.hint >= 0:
		l.hint = -1
		l.add(HintClose, l.pos+2)
	case c == '\'':
		l.quoted(String, l.pos+1, '\'', "string")
	case c == '`':
		l.quoted(Quoted, l.pos+1, '`', "name")
	case (c == 'u' || c == 'U') && d == '&' && l.at(l.pos+2) == '\'':
		l.quoted(String, l.pos+3, '\'', "string")
	case (c == 'x' || c == 'X') && d == '\'':
		l.quoted(Binary, l.pos+2, '\'', "binary string")
	case '0' <= c && c <= '9', c == '.' && '0' <= d && d <= '9':
		l.number()
	case c < utf8.RuneSelf && !isWordByte(c):
		l.symbol(c, d)
	default:
		l.word()
	}
	return true
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '$' || '0' <= c && c <= '9'
}

func (l *lexer) lineComment() {
	end := l.pos
	for end < len(l.src) && l.src[end] != '\n' {
		end++
	}
	l.comment(end)
}

func (l *lexer) comment(end int) {
	if l.comments {
		l.add(Comment, end)
	}
	l.pos = end
}

func (l *lexer) blockComment() {
	if l.at(l.pos+2) == '+' {
		if l.hint < 0 {
			l.hint = len(l.toks)
		}
		l.add(HintOpen, l.pos+3)
		return
	}
	for i := l.pos + 2; i+1 < len(l.src); i++ {
		if l.src[i] == '*' && l.src[i+1] == '/' {
			l.comment(i + 2)
			return
		}
	}
	l.bad(len(l.src), "this comment has no end", "close it with */")
}

// quoted reads up to the closing quote; two quotes stand for one.
func (l *lexer) quoted(k Kind, i int, quote byte, what string) {
	for ; i < len(l.src); i++ {
		if l.src[i] != quote {
			continue
		}
		if l.at(i+1) != quote {
			l.add(k, i+1)
			return
		}
		i++
	}
	l.bad(len(l.src), "this "+what+" has no end", fmt.Sprintf("close it with %c", quote))
}

func (l *lexer) number() {
	i := l.pos
	digits := func() {
		for c := l.at(i); '0' <= c && c <= '9'; c = l.at(i) {
			i++
		}
	}
	digits()
	if l.at(i) == '.' {
		i++
		digits()
	}
	if c := l.at(i); c == 'e' || c == 'E' {
		j := i
		i++
		if c := l.at(i); c == '+' || c == '-' {
			i++
		}
		k := i
		if digits(); i == k {
			i = j
		}
	}
	if end := l.wordEnd(i); end > i {
		text := l.src[l.pos:end]
		l.bad(end, fmt.Sprintf("%q is neither a number nor a name", text), "a name that starts with a digit needs backticks: `"+text+"`")
		return
	}
	l.add(Number, i)
}

// wordEnd is the end of the word characters from i on.
func (l *lexer) wordEnd(i int) int {
	for i < len(l.src) {
		if c := l.src[i]; c < utf8.RuneSelf {
			if !isWordByte(c) {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(l.src[i:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) {
			return i
		}
		i += n
	}
	return i
}

func (l *lexer) word() {
	if end := l.wordEnd(l.pos); end > l.pos {
		l.add(Word, end)
		return
	}
	r, n := utf8.DecodeRuneInString(l.src[l.pos:])
	switch r {
	case '‘', '’', '“', '”':
		l.bad(l.pos+n, fmt.Sprintf("unexpected character %q", r), "this is a typographic quote: use ' for strings and ` for names")
	case utf8.RuneError:
		l.bad(l.pos+n, fmt.Sprintf("unexpected byte 0x%x", l.src[l.pos]), "the text must be UTF-8")
	default:
		l.bad(l.pos+n, fmt.Sprintf("unexpected character %q", r), "")
	}
}

func (l *lexer) symbol(c, d byte) {
	switch {
	case c == '<' && (d == '>' || d == '='), c == '>' && d == '=', c == '!' && d == '=',
		c == '|' && d == '|', c == '=' && d == '>':
		l.add(Symbol, l.pos+2)
	case c == '"':
		l.doubleQuoted()
	case c == '#':
		l.bad(l.pos+1, `unexpected "#"`, "comments start with -- or stand between /* and */")
	case c == '!' || c == '@' || c == '&' || c == '~' || c == '\\' || c < ' ' || c == 0x7f:
		l.bad(l.pos+1, fmt.Sprintf("unexpected character %q", rune(c)), "")
	default:
		l.add(Symbol, l.pos+1)
	}
}

func (l *lexer) doubleQuoted() {
	end := l.pos + 1
	for end < len(l.src) && l.src[end] != '"' && l.src[end] != '\n' {
		end++
	}
	if l.at(end) != '"' {
		l.bad(l.pos+1, `unexpected "`, "use `backticks` for a name, 'single quotes' for a string")
		return
	}
	in := l.src[l.pos+1 : end]
	l.bad(end+1, "double quotes mean nothing in this dialect", fmt.Sprintf("use `%s` for a name, '%s' for a string", in, in))
}
