package repl

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/chzyer/readline"
	"golang.org/x/term"
)

// errInterrupt is Ctrl-C at the prompt.
var errInterrupt = errors.New("interrupted")

// LineEditor reads lines. ReadLine gives io.EOF at the end of the input, errInterrupt at Ctrl-C.
type LineEditor interface {
	ReadLine(prompt string) (string, error)
	// Remember adds a statement to what the arrow keys bring back.
	Remember(statement string)
	Close() error
}

// plainEditor reads a script from a pipe: no editing, and no cost that grows with a line's length.
type plainEditor struct{ in *bufio.Reader }

func (e *plainEditor) ReadLine(string) (string, error) {
	line, err := e.in.ReadString('\n')
	if err == io.EOF && line != "" {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}

func (*plainEditor) Remember(string) {}
func (*plainEditor) Close() error    { return nil }

// ttyEditor is the library's editor on a terminal.
type ttyEditor struct{ rl *readline.Instance }

// completer gives the rest of each word that may stand at the end of text, and how many characters
// of the word are typed.
type completer func(text string) (rests []string, typed int)

// newEditor makes the editor of the standard input.
func newEditor(h *history, complete completer, paint func(string) string) (LineEditor, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return &plainEditor{in: bufio.NewReaderSize(os.Stdin, 1<<16)}, nil
	}
	rl, err := readline.NewEx(&readline.Config{
		Stdin:                  &stdin{in: readline.NewCancelableStdin(os.Stdin)},
		AutoComplete:           completion{complete},
		Painter:                painter{paint},
		HistoryLimit:           maxHistory,
		DisableAutoSaveHistory: true,
		HistorySearchFold:      true,
		InterruptPrompt:        "^C",
		EOFPrompt:              "\n",
	})
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	for _, item := range h.items {
		_ = rl.SaveHistory(oneLine(item)) // in memory only: there is no history file
	}
	fmt.Fprint(os.Stdout, pasteOn)
	return &ttyEditor{rl: rl}, nil
}

func (e *ttyEditor) ReadLine(prompt string) (string, error) {
	e.rl.SetPrompt(prompt)
	line, err := e.rl.Readline()
	if errors.Is(err, readline.ErrInterrupt) {
		return line, errInterrupt
	}
	return line, err
}

func (e *ttyEditor) Remember(statement string) { _ = e.rl.SaveHistory(oneLine(statement)) }

func (e *ttyEditor) Close() error {
	fmt.Fprint(os.Stdout, pasteOff)
	return e.rl.Close()
}

type completion struct{ complete completer }

// Do answers the Tab key.
func (c completion) Do(line []rune, pos int) ([][]rune, int) {
	rests, typed := c.complete(string(line[:pos]))
	out := make([][]rune, len(rests))
	for i, r := range rests {
		out[i] = []rune(r)
	}
	return out, typed
}

type painter struct{ paint func(string) string }

// Paint colours the line; the editor measures it without the colours.
func (p painter) Paint(line []rune, _ int) []rune {
	if p.paint == nil {
		return line
	}
	return []rune(p.paint(string(line)))
}
