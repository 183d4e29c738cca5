package sql

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"weir/internal/spell"
	"weir/sql/ast"
)

// Error is a mistake in a SQL text, with the place it stands at. Pos and Len are bytes in Src, the whole
// text given to the parser; Len may be 0 (the end of the text). Name is a file name shown before the
// position, or "". Hint says what to do next, or is "".
type Error struct {
	Pos, Len  int
	Msg, Hint string
	Src, Name string
}

// Errorf makes an Error at a node of the tree. The caller of the parser adds the source with WithSource.
func Errorf(at ast.Node, format string, args ...any) *Error {
	return &Error{Pos: at.Pos(), Len: at.Len(), Msg: fmt.Sprintf(format, args...)}
}

// WithHint sets the hint and returns the error.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// WithSource sets the text which the positions refer to, where none is set yet.
func (e *Error) WithSource(name, src string) *Error {
	if e.Src == "" {
		e.Name, e.Src = name, src
	}
	return e
}

// Position is the line and column of the error, both counted from 1, the column in characters.
func (e *Error) Position() (line, col int) { return Position(e.Src, e.Pos) }

// Position is the line and column of a byte offset in src, both from 1, the column in characters.
func Position(src string, pos int) (line, col int) {
	pos = min(max(pos, 0), len(src))
	start := strings.LastIndexByte(src[:pos], '\n') + 1
	return strings.Count(src[:start], "\n") + 1, utf8.RuneCountInString(src[start:pos]) + 1
}

// Error renders the error: `line:col: message`, the source line, a caret under the place, the hint.
//
//	1:10: unexpected "t"
//	  SELECT a FORM t
//	           ~~~~
//	  hint: did you mean FROM?
func (e *Error) Error() string {
	var b strings.Builder
	if e.Src == "" {
		b.WriteString(e.Msg)
	} else {
		line, col := e.Position()
		if e.Name != "" {
			b.WriteString(e.Name + ":")
		}
		fmt.Fprintf(&b, "%d:%d: %s", line, col, e.Msg)
		e.snippet(&b)
	}
	if e.Hint != "" {
		b.WriteString("\n  hint: " + e.Hint)
	}
	return b.String()
}

// snippetWidth bounds the part of a long source line that is shown around the error, in bytes.
const snippetWidth = 160

// snippet writes the source line and the underline. Tabs stay tabs in both, so they line up.
func (e *Error) snippet(b *strings.Builder) {
	pos := min(max(e.Pos, 0), len(e.Src))
	start := strings.LastIndexByte(e.Src[:pos], '\n') + 1
	end := len(e.Src)
	if i := strings.IndexByte(e.Src[pos:], '\n'); i >= 0 {
		end = pos + i
	}
	if strings.TrimSpace(e.Src[start:end]) == "" {
		return
	}
	before, after := "", ""
	if pos-start > snippetWidth/2 && end-start > snippetWidth {
		start, before = runeStart(e.Src, pos-snippetWidth/2), "..."
	}
	if end-start > snippetWidth {
		end, after = runeStart(e.Src, max(start+snippetWidth, pos)), "..."
	}
	line := strings.TrimRight(e.Src[start:end], "\r \t")
	fmt.Fprintf(b, "\n  %s%s%s\n  %s", before, line, after, strings.Repeat(" ", len(before)))
	for _, r := range e.Src[start:pos] {
		switch {
		case r == '\t':
			b.WriteByte('\t')
		case wide(r):
			b.WriteString("  ")
		default:
			b.WriteByte(' ')
		}
	}
	b.WriteString(underline(e.Src[pos:min(end, pos+max(e.Len, 0))]))
}

// underline is ^ under one column and ~~~ under more.
func underline(text string) string {
	n := 0
	for _, r := range text {
		n++
		if wide(r) {
			n++
		}
	}
	if n <= 1 {
		return "^"
	}
	return strings.Repeat("~", n)
}

// wide tells whether a terminal shows r in two columns: near enough for a caret.
func wide(r rune) bool {
	return r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 ||
		r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 ||
		r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd)
}

// runeStart is the first byte at or after i that starts a character.
func runeStart(s string, i int) int {
	i = min(i, len(s))
	for i < len(s) && !utf8.RuneStart(s[i]) {
		i++
	}
	return i
}

// maxErrors bounds how many errors one script reports.
const maxErrors = 10

// ErrorList holds the errors of one text in the order found, at most 10; More counts those left out.
type ErrorList struct {
	Errors []*Error
	More   int
}

// Add appends an error, or counts it when the list is full.
func (l *ErrorList) Add(e *Error) {
	if len(l.Errors) >= maxErrors {
		l.More++
		return
	}
	l.Errors = append(l.Errors, e)
}

// Err is nil for an empty list, the error itself for one, else the list.
func (l *ErrorList) Err() error {
	switch {
	case l == nil || len(l.Errors) == 0:
		return nil
	case len(l.Errors) == 1 && l.More == 0:
		return l.Errors[0]
	}
	return l
}

// Error renders all errors, one after the other.
func (l *ErrorList) Error() string {
	var b strings.Builder
	for i, e := range l.Errors {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Error())
	}
	if l.More > 0 {
		fmt.Fprintf(&b, "\n... and %d more", l.More)
	}
	return b.String()
}

// Unwrap gives the single errors to errors.As and errors.Is.
func (l *ErrorList) Unwrap() []error {
	errs := make([]error, len(l.Errors))
	for i, e := range l.Errors {
		errs[i] = e
	}
	return errs
}

// Nearest is the candidate closest to name in spelling, letter case aside, or "" where none is near
// enough to be a typing mistake. It serves the "did you mean" hints of every layer.
func Nearest(name string, candidates []string) string {
	if len(name) < 2 {
		return ""
	}
	best, limit := "", min(max(1, len(name)/3), 3)
	lower := strings.ToLower(name)
	for _, c := range candidates {
		if max(len(name), len(c)) > 64 {
			continue // no typing mistake, and not worth the work
		}
		if d := spell.Distance(lower, strings.ToLower(c), limit); d <= limit && (best == "" || d < limit) {
			if d == 0 && c == name {
				continue
			}
			best, limit = c, d
		}
	}
	return best
}
