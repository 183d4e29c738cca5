package repl

import (
	"strings"

	"weir/sql"
)

// Colours of the kinds of words, as ANSI sequences.
const (
	colourKeyword = "\x1b[1;34m"
	colourString  = "\x1b[32m"
	colourNumber  = "\x1b[36m"
	colourComment = "\x1b[90m"
	colourOff     = "\x1b[0m"
)

// paintSQL colours a line by the parser's own tokens. The text stays the same but for the sequences.
func paintSQL(line string) string {
	var b strings.Builder
	last := 0
	for _, t := range sql.Tokens(line) {
		if t.Start < last || t.End > len(line) || t.Kind == sql.EOF {
			continue
		}
		b.WriteString(line[last:t.Start])
		text := t.Text(line)
		if colour := colourOf(t.Kind, text); colour != "" {
			text = colour + text + colourOff
		}
		b.WriteString(text)
		last = t.End
	}
	b.WriteString(line[last:])
	return b.String()
}

func colourOf(kind sql.Kind, text string) string {
	switch kind {
	case sql.Word:
		if sql.IsKeyword(strings.ToUpper(text)) {
			return colourKeyword
		}
	case sql.String, sql.Binary:
		return colourString
	case sql.Number:
		return colourNumber
	case sql.Comment, sql.HintOpen, sql.HintClose:
		return colourComment
	}
	return ""
}
