package sql

// Piece is the text of one statement of a script: script[Start:End], without leading comments and the
// closing semicolon.
type Piece struct {
	Start, End int
	Text       string
	// Terminated tells that the statement ended with a semicolon. Only the last piece may not: a prompt
	// then asks for another line.
	Terminated bool
}

// Split cuts a script into its statements, by tokens: a semicolon in a string or a comment does not count,
// and a block of STATEMENT SET .. END is one statement. Empty statements are left out.
func Split(script string) []Piece {
	var pieces []Piece
	for _, s := range split(script, lex(script).toks) {
		first, last := s.toks[0], s.toks[len(s.toks)-1]
		pieces = append(pieces, Piece{first.Start, last.End, script[first.Start:last.End], s.terminated})
	}
	return pieces
}

// span of tokens of one statement, without its semicolon and without EOF; never empty.
type statementTokens struct {
	toks       []Token
	terminated bool
}

func split(src string, toks []Token) []statementTokens {
	var list []statementTokens
	for i := 0; i < len(toks)-1; {
		end, ok := statementEnd(src, toks[i:])
		if end > 0 {
			list = append(list, statementTokens{toks[i : i+end], ok})
		}
		i += end + 1
	}
	return list
}

// statementEnd is the index of the semicolon (or of EOF) that ends the statement at toks[0].
// In a STATEMENT SET block only the semicolon after END counts, and END counts only where a statement could start
// (the END of a CASE cannot).
func statementEnd(src string, toks []Token) (end int, terminated bool) {
	block := false
	start := 0 // where the current statement of the block starts
	for i := 0; toks[i].Kind != EOF; i++ {
		t := toks[i]
		switch {
		case t.is(src, "STATEMENT") && toks[i+1].is(src, "SET") && !block:
			switch {
			case toks[i+2].is(src, "BEGIN"):
				block, start = true, i+3
				i += 2
			case i == 1 && toks[0].is(src, "BEGIN") && toks[i+2].is(src, ";"):
				block, start = true, i+3
				i += 2
			}
		case t.is(src, ";"):
			if !block || i == start+1 && toks[start].is(src, "END") {
				return i, true
			}
			start = i + 1
		}
	}
	return len(toks) - 1, false
}
