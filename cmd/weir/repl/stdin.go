// Package repl is weir's prompt: line editing, history, completion, highlighting and the commands
// that start with a backslash. It is a client of internal/session and knows no plan.
//
// Contract: one goroutine runs the prompt; queries run under a context that Ctrl-C cancels. The line
// editor is behind LineEditor, so that the library under it can be replaced.
package repl

import (
	"bytes"
	"io"
)

// stdin mends what the line editor does not understand in a terminal's input: it swallows the marks of
// a bracketed paste and makes tabs inside it spaces (a pasted tab must not complete), and translates
// the Home, End and Ctrl-arrow keys of tmux, screen and xterm.
type stdin struct {
	in      io.ReadCloser
	raw     []byte // read, not yet translated
	out     []byte // translated, not yet given
	pasting bool
}

// keys are sequences and what the editor gets instead. The editor knows ^A, ^E, ESC b and ESC f.
var keys = []struct{ from, to string }{
	{"\x1b[1~", "\x01"}, {"\x1b[7~", "\x01"}, {"\x1bOH", "\x01"},
	{"\x1b[4~", "\x05"}, {"\x1b[8~", "\x05"}, {"\x1bOF", "\x05"},
	{"\x1b[1;5D", "\x1bb"}, {"\x1b[1;3D", "\x1bb"}, {"\x1b[5D", "\x1bb"},
	{"\x1b[1;5C", "\x1bf"}, {"\x1b[1;3C", "\x1bf"}, {"\x1b[5C", "\x1bf"},
}

const (
	pasteOn    = "\x1b[?2004h"
	pasteOff   = "\x1b[?2004l"
	pasteBegin = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
)

// Read gives translated bytes.
func (s *stdin) Read(p []byte) (int, error) {
	for len(s.out) == 0 {
		buf := make([]byte, 4096)
		n, err := s.in.Read(buf)
		s.raw = append(s.raw, buf[:n]...)
		s.translate(err != nil)
		if err != nil && len(s.out) == 0 {
			return 0, err
		}
	}
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

// Close leaves the terminal's own input open: it is the process's.
func (s *stdin) Close() error { return nil }

// translate moves raw to out, but for the beginning of a sequence whose rest has not come.
func (s *stdin) translate(last bool) {
	for len(s.raw) > 0 {
		if s.raw[0] != 0x1b {
			s.plain(s.raw[0])
			s.raw = s.raw[1:]
			continue
		}
		if s.special() {
			continue
		}
		if !last && len(s.raw) > 1 && isPrefix(s.raw) {
			return // a lone ESC is a key of its own and goes through at once
		}
		s.out = append(s.out, s.raw[0])
		s.raw = s.raw[1:]
	}
}

func (s *stdin) plain(b byte) {
	if s.pasting && b == '\t' {
		s.out = append(s.out, "    "...)
		return
	}
	s.out = append(s.out, b)
}

// special takes one known sequence off raw.
func (s *stdin) special() bool {
	if rest, ok := bytes.CutPrefix(s.raw, []byte(pasteBegin)); ok {
		s.raw, s.pasting = rest, true
		return true
	}
	if rest, ok := bytes.CutPrefix(s.raw, []byte(pasteEnd)); ok {
		s.raw, s.pasting = rest, false
		return true
	}
	for _, k := range keys {
		if rest, ok := bytes.CutPrefix(s.raw, []byte(k.from)); ok {
			s.raw = rest
			s.out = append(s.out, k.to...)
			return true
		}
	}
	return false
}

func isPrefix(raw []byte) bool {
	if bytes.HasPrefix([]byte(pasteBegin), raw) || bytes.HasPrefix([]byte(pasteEnd), raw) {
		return true
	}
	for _, k := range keys {
		if bytes.HasPrefix([]byte(k.from), raw) {
			return true
		}
	}
	return false
}
