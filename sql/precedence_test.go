package sql

import (
	"math/rand/v2"
	"strings"
	"testing"

	"weir/sql/ast"
)

// The reference: an operator-precedence parser over the generator's own tokens, with Flink's levels. It shares
// nothing with the parser under test.

type refNode struct {
	op   string
	args []*refNode
}

func (n *refNode) String() string {
	if len(n.args) == 0 {
		return n.op
	}
	parts := make([]string, len(n.args))
	for i, a := range n.args {
		parts[i] = a.String()
	}
	return "(" + n.op + " " + strings.Join(parts, " ") + ")"
}

var refLevels = map[string]int{"OR": 1, "AND": 2, "=": 4, "<>": 4, "<": 4, ">=": 4, "IS DISTINCT FROM": 4, "IS NULL": 4, "IS NOT TRUE": 4,
	"BETWEEN": 5, "NOT LIKE": 5, "LIKE": 5, "SIMILAR TO": 5, "IN": 5, "+": 6, "-": 6, "*": 7, "/": 7, "%": 7, "||": 7}

type refParser struct {
	toks []string
	i    int
}

func (p *refParser) peek() string {
	if p.i < len(p.toks) {
		return p.toks[p.i]
	}
	return ""
}

func (p *refParser) next() string { p.i++; return p.toks[p.i-1] }

// parse reads operators of at least the level.
func (p *refParser) parse(level int) *refNode {
	var left *refNode
	switch t := p.next(); t {
	case "NOT":
		left = &refNode{"NOT", []*refNode{p.parse(3)}}
	case "-", "+":
		left = &refNode{"u" + t, []*refNode{p.parse(8)}}
	case "(":
		left = &refNode{"()", []*refNode{p.parse(1)}}
		p.next()
	default:
		left = &refNode{op: t}
	}
	for {
		op := p.peek()
		l, ok := refLevels[op]
		if !ok || l < level {
			return left
		}
		p.next()
		switch op {
		case "IS NULL", "IS NOT TRUE":
			left = &refNode{op, []*refNode{left}}
		case "BETWEEN":
			lo := p.parse(6)
			p.next()
			left = &refNode{op, []*refNode{left, lo, p.parse(6)}}
		case "IN":
			p.next()
			item := p.parse(1)
			p.next()
			left = &refNode{op, []*refNode{left, item}}
		default:
			left = &refNode{op, []*refNode{left, p.parse(l + 1)}}
		}
	}
}

// generate writes a random expression that Flink's grammar groups in one way only. level is the lowest level
// of operators it may use without parentheses.
func generate(r *rand.Rand, depth, level int) []string {
	if depth <= 0 || r.IntN(8) == 0 {
		return []string{[]string{"a", "b", "c.d", "1", "'s'"}[r.IntN(5)]}
	}
	sub := func(level int) []string { return generate(r, depth-1, level) }
	join := func(parts ...[]string) []string {
		var all []string
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	one := func(s string) []string { return []string{s} }
	choice := max(level, 1+r.IntN(8))
	switch choice {
	case 1:
		return join(sub(1), one("OR"), sub(2))
	case 2:
		return join(sub(2), one("AND"), sub(3))
	case 3:
		return join(one("NOT"), sub(3))
	case 4:
		ops := []string{"=", "<>", "<", ">=", "IS DISTINCT FROM", "IS NULL", "IS NOT TRUE"}
		op := ops[r.IntN(len(ops))]
		if strings.HasSuffix(op, "NULL") || strings.HasSuffix(op, "TRUE") {
			return join(sub(4), one(op))
		}
		return join(sub(4), one(op), sub(5))
	case 5:
		switch r.IntN(3) {
		case 0:
			return join(sub(6), one("BETWEEN"), sub(6), one("AND"), sub(6))
		case 1:
			return join(sub(6), one("IN"), one("("), sub(1), one(")"))
		}
		return join(sub(6), one([]string{"LIKE", "NOT LIKE", "SIMILAR TO"}[r.IntN(3)]), sub(6))
	case 6:
		return join(sub(6), one([]string{"+", "-"}[r.IntN(2)]), sub(7))
	case 7:
		return join(sub(7), one([]string{"*", "/", "%", "||"}[r.IntN(4)]), sub(8))
	}
	if r.IntN(3) == 0 {
		return join(one([]string{"-", "+"}[r.IntN(2)]), sub(9))
	}
	return join(one("("), sub(1), one(")"))
}

// shape writes our tree in the reference's notation.
func shape(e ast.Expr) *refNode {
	node := func(op string, args ...ast.Expr) *refNode {
		n := &refNode{op: op}
		for _, a := range args {
			n.args = append(n.args, shape(a))
		}
		return n
	}
	switch e := e.(type) {
	case *ast.Binary:
		return node(e.Op, e.L, e.R)
	case *ast.Unary:
		if e.Op == "NOT" {
			return node("NOT", e.X)
		}
		return node("u"+e.Op, e.X)
	case *ast.Paren:
		return node("()", e.X)
	case *ast.Is:
		if e.Not {
			return node("IS NOT "+e.What, e.X)
		}
		return node("IS "+e.What, e.X)
	case *ast.Between:
		return node("BETWEEN", e.X, e.Lo, e.Hi)
	case *ast.In:
		return node("IN", append([]ast.Expr{e.X}, e.List...)...)
	case *ast.Like:
		switch {
		case e.Similar:
			return node("SIMILAR TO", e.X, e.Pattern)
		case e.Not:
			return node("NOT LIKE", e.X, e.Pattern)
		}
		return node("LIKE", e.X, e.Pattern)
	}
	return &refNode{op: Print(e)}
}

// TestPrecedence compares the grouping of random expressions with the reference.
func TestPrecedence(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	n := 5000
	if testing.Short() {
		n = 500
	}
	for range n {
		toks := generate(r, 5, 1)
		src := strings.Join(toks, " ")
		want := (&refParser{toks: toks}).parse(1).String()
		e, err := ParseExpr(src)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if got := shape(e).String(); got != want {
			t.Fatalf("%s\n got %s\nwant %s", src, got, want)
		}
	}
}
