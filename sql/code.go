package sql

import (
	"strconv"
	"strings"

	"weir/sql/ast"
)

// A query is given to TiDB's grammar as a chain of pieces, one a line. A piece is either structure (SELECT, "(",
// AND, ..) or the number of a code in backticks, which TiDB takes for a name. A code stands for a node of our
// tree: a leaf such as a literal or a name, complete, or a node whose operands TiDB's grammar will find: it is written as a
// function call on them. Converting back, the code's node is given its operands. So TiDB never sees a name, a
// literal or any syntax of Flink's, and every node knows its exact place.

// none is the absent index of a piece or code.
const none = int32(-1)

// piece is one line of the text for TiDB.
type piece struct {
	text       string // structure; unused if code is written
	op         string // what the piece means in our tree, for operators
	tok        int32  // the source token it comes from
	end        int32  // the last source token of an operator of several words
	code       int32  // the code which the piece writes, or which belongs to an operator
	written    bool   // the piece's text is the code
	bare       bool   // the code is written as a number, not as a name
	prev, next int32
}

// code is what a number in the text stands for.
type code struct {
	node  any       // our node: an ast.Expr, *ast.Select, *partFilter, ..
	with  *ast.With // the WITH that starts at this code, the first CTE's
	piece int32     // the first piece of what the code stands for
	used  bool      // the converter has taken the node: each is taken once
	flag  bool      // Case: has an operand; Select: the last item is QUALIFY
	other bool      // Case: has an ELSE
}

// Parts of a node that are wrapped into codes of their own on the way through TiDB.
type (
	partFilter  struct{}                             // FILTER (WHERE x)
	partWithin  struct{}                             // WITHIN GROUP (ORDER BY ..)
	partList    struct{}                             // some expressions
	partDefault struct{ behavior *ast.JSONBehavior } // DEFAULT x ON ..
	partNothing struct{}                             // fills a place the grammar needs
)

// lowerer builds the pieces of one query or expression. It reads the tokens of its parser.
type lowerer struct {
	*parser
	pieces []piece
	codes  []code
	tail   int32 // where the next piece goes: behind this one; 0 is an empty first piece

	noIn      bool // IN ends the expression: POSITION(a IN b)
	tableArgs bool // the arguments being read are those of a table function
}

// newLowerer starts at the parser's place. expect is how many tokens it may have to read, to size its lists.
func newLowerer(p *parser, expect int) *lowerer {
	l := &lowerer{parser: p}
	n := min(len(p.toks)-p.i, expect)
	l.pieces = make([]piece, 1, 2*n+8)
	l.codes = make([]code, 0, n+4)
	l.pieces[0] = piece{prev: none, next: none, code: none}
	return l
}

// put links a piece behind the tail and makes it the tail.
func (l *lowerer) put(p piece) int32 {
	i := int32(len(l.pieces))
	p.prev, p.next = l.tail, l.pieces[l.tail].next
	l.pieces[l.tail].next = i
	if p.next != none {
		l.pieces[p.next].prev = i
	}
	l.pieces = append(l.pieces, p)
	l.tail = i
	return i
}

// emit writes structure; its source is the current token.
func (l *lowerer) emit(text string) int32 {
	return l.put(piece{text: text, tok: int32(l.i), code: none})
}

// emitOp writes an operator read from n tokens, and steps over them. node is its node or nil.
func (l *lowerer) emitOp(text, op string, n int, node any) int32 {
	c := none
	if node != nil {
		c = l.newCode(node)
	}
	i := l.put(piece{text: text, op: op, tok: int32(l.i), end: int32(l.i + n - 1), code: c})
	l.i += n
	if c != none {
		l.codes[c].piece = i
	}
	return i
}

// newCode makes a code which no piece writes yet.
func (l *lowerer) newCode(node any) int32 {
	l.codes = append(l.codes, code{node: node, piece: none})
	return int32(len(l.codes) - 1)
}

// emitCode makes a code for a node and writes it.
func (l *lowerer) emitCode(node any) int32 {
	c := l.newCode(node)
	l.codes[c].piece = l.put(piece{tok: int32(l.i), code: c, written: true})
	return c
}

// open writes a code as the start of a call: `n` ( ; the operands and emit(")") follow.
func (l *lowerer) open(node any) int32 {
	c := l.emitCode(node)
	l.emit("(")
	return c
}

// wrap makes what was written behind piece before an operand of a new code: `n` ( .. . More operands and emit(")")
// follow.
func (l *lowerer) wrap(before int32, node any) int32 {
	tail := l.tail
	l.tail = before
	tok := l.pieces[l.pieces[before].next].tok
	c := l.open(node)
	l.pieces[l.codes[c].piece].tok, l.pieces[l.tail].tok = tok, tok
	l.tail = tail
	return c
}

// render writes the text for TiDB and numbers its lines: order[i] is the piece of line i+1.
func (l *lowerer) render() (text string, order []int32) {
	var b strings.Builder
	b.Grow(10 * len(l.pieces))
	order = make([]int32, 0, len(l.pieces))
	var buf [16]byte
	for i := l.pieces[0].next; i != none; i = l.pieces[i].next {
		p := &l.pieces[i]
		switch {
		case p.written && p.bare:
			b.Write(strconv.AppendInt(buf[:0], int64(p.code), 10))
		case p.written:
			b.WriteByte('`')
			b.Write(strconv.AppendInt(buf[:0], int64(p.code), 10))
			b.WriteByte('`')
		default:
			b.WriteString(p.text)
		}
		b.WriteByte('\n')
		order = append(order, i)
	}
	return b.String(), order
}

// span is the source range of a piece's tokens.
func (l *lowerer) span(i int32) ast.Span {
	p := &l.pieces[i]
	return ast.Span{Start: l.tokAt(p.tok).Start, End: l.tokAt(max(p.tok, p.end)).End}
}

func (l *lowerer) tokAt(i int32) Token {
	if int(i) >= len(l.toks) {
		return l.eof
	}
	return l.toks[i]
}
