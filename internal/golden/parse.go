package golden

import (
	"fmt"
	"strings"
)

const separator = "----"

// block is a command of a file.
type block struct {
	line    int // of the command, from 1
	command string
	args    []string
	todo    bool
	input   []string
	want    []string
	got     []string // replaces want when the file is rewritten; nil: want stays
	from    int      // lines[from:to] of the file are want
	to      int
	bare    bool // without a line ----
}

// file is a parsed .test file.
type file struct {
	lines  []string
	blocks []*block
}

// parse takes a file apart. Errors begin with the line's number.
func parse(text string) (*file, error) {
	f := &file{lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")}
	for i := 0; i < len(f.lines); {
		line := strings.TrimSpace(f.lines[i])
		if line == "" || strings.HasPrefix(line, "#") {
			i++
			continue
		}
		words := strings.Fields(line)
		b := &block{line: i + 1, command: words[0]}
		for _, w := range words[1:] {
			if w == "todo" {
				b.todo = true
			} else {
				b.args = append(b.args, w)
			}
		}
		begin := i + 1
		if happening[b.command] && (begin == len(f.lines) || f.lines[begin] != separator) {
			b.from, b.to, b.bare, i = begin, begin, true, begin
			if err := b.check(); err != nil {
				return nil, fmt.Errorf("%d: %w", b.line, err)
			}
			f.blocks = append(f.blocks, b)
			continue
		}
		for i = begin; i < len(f.lines) && f.lines[i] != separator; i++ {
		}
		if i == len(f.lines) {
			return nil, fmt.Errorf("%d: %q has no line %s behind its input", b.line, b.command, separator)
		}
		b.input = f.lines[begin:i]
		b.from = i + 1
		for i = b.from; i < len(f.lines) && strings.TrimSpace(f.lines[i]) != ""; i++ {
		}
		b.to = i
		b.want = f.lines[b.from:b.to]
		if err := b.check(); err != nil {
			return nil, fmt.Errorf("%d: %w", b.line, err)
		}
		f.blocks = append(f.blocks, b)
	}
	return f, nil
}

// arguments is how many each command takes, and which words may be among them.
var arguments = map[string]struct {
	min, max int
	words    string
}{
	"sql": {}, "explain": {}, "query": {0, 1, "final sorted turns"}, "feed": {1, 2, ""}, "file": {1, 1, ""}, "output": {1, 1, ""},
	"crash": {}, "restore": {0, 1, ""}, "advance": {1, 2, ""}, "reshard": {1, 2, ""}, "throttle": {1, 2, ""},
}

// happening are the commands without input, which need no line ----.
var happening = map[string]bool{"crash": true, "restore": true, "advance": true, "reshard": true, "throttle": true}

func (b *block) check() error {
	a, ok := arguments[b.command]
	switch {
	case !ok:
		return fmt.Errorf("there is no command %q: use sql, feed, file, output, query, explain, crash, restore, advance, reshard or throttle", b.command)
	case len(b.args) < a.min || len(b.args) > a.max:
		return fmt.Errorf("%q takes %d to %d arguments", b.command, a.min, a.max)
	case b.command == "query" && len(b.args) == 1 && !strings.Contains(a.words, b.args[0]):
		return fmt.Errorf("%q is no way to compare a query: use final, sorted or turns", b.args[0])
	case b.command == "feed" && len(b.args) == 2 && b.args[1] != "csv" && b.args[1] != "json":
		return fmt.Errorf("%q cannot be fed: use csv or json", b.args[1])
	}
	return nil
}

func (b *block) has(arg string) bool { return len(b.args) == 1 && b.args[0] == arg }

func (b *block) text() string { return strings.Join(b.input, "\n") }

// wantsError tells whether the block expects an error.
func (b *block) wantsError() bool { return len(b.want) > 0 && strings.HasPrefix(b.want[0], "error:") }

// text is the file with what came in the place of what was expected.
func (f *file) text() string {
	var out []string
	at := 0
	for _, b := range f.blocks {
		out = append(out, f.lines[at:b.from]...)
		if b.bare && len(b.got) > 0 {
			out = append(out, separator)
		}
		if b.got != nil {
			out = append(out, b.got...)
		} else {
			out = append(out, b.want...)
		}
		at = b.to
	}
	return strings.Join(append(out, f.lines[at:]...), "\n")
}
