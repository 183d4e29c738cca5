// Package ast holds the tree of a SQL script: statements, queries, relations and expressions as the
// user wrote them.
//
// Contract. The nodes are plain data. They hold names and literals in the user's spelling and nothing
// that is resolved: no table, no column, no type is looked up here (the planner does that). A node is
// built once by package sql and is not changed afterwards, so any number of readers may share it.
// Each node carries a Span: byte offsets into the source text that was given to the parser, so that
// source[node.Pos():node.Pos()+node.Len()] is the node's own text. Lists are nil when absent; an
// optional node is a nil pointer (or nil interface). The set of node types is closed.
package ast

// Span is the half-open byte range [Start, End) of a node in the source text.
type Span struct{ Start, End int }

// Pos is the byte offset of the node's first byte.
func (s Span) Pos() int { return s.Start }

// Len is the number of bytes of the node's text.
func (s Span) Len() int { return s.End - s.Start }

// Range is the span itself; with it every node answers where it stands.
func (s Span) Range() Span { return s }

// Node is anything in the tree.
type Node interface {
	Pos() int
	Len() int
	Range() Span
	// children calls visit for each direct child, in source order as far as the node's own layout allows.
	children(visit func(Node))
}

// Statement is one statement of a script.
type Statement interface {
	Node
	statement()
}

// Query is a SELECT, a set operation, VALUES, or one of these under WITH, ORDER BY or LIMIT.
type Query interface {
	Node
	query()
}

// Relation is what may stand in FROM.
type Relation interface {
	Node
	relation()
}

// Expr is a scalar expression, or an argument that only some calls take (a table, a descriptor, a unit).
type Expr interface {
	Node
	expr()
}

// Walk visits n and its descendants, parents first. It does not enter the children of a node for
// which visit returns false. A nil node is not visited.
func Walk(n Node, visit func(Node) bool) {
	if n == nil || !visit(n) {
		return
	}
	n.children(func(c Node) { Walk(c, visit) })
}

// Ident is one written name.
type Ident struct {
	Span
	Name   string // without backticks, `` resolved
	Quoted bool   // written in backticks
}

func (*Ident) children(func(Node)) {}

// Name is a dotted name: of a table, a function, or, as an expression, of a column or a field of one
// (`a.b.c`: which part is the table is for the planner to find out).
type Name struct {
	Span
	Parts []Ident
}

func (*Name) expr() {}
func (n *Name) children(visit func(Node)) {
	for i := range n.Parts {
		visit(&n.Parts[i])
	}
}

// Last is the last part of the name as written.
func (n *Name) Last() string { return n.Parts[len(n.Parts)-1].Name }

// String joins the parts with dots, without quotes: for messages.
func (n *Name) String() string {
	s := n.Parts[0].Name
	for _, p := range n.Parts[1:] {
		s += "." + p.Name
	}
	return s
}

// Hint is one optimizer or table hint: `OPTIONS('a'='b')`, `STATE_TTL('o'='3d')`, `BROADCAST(t)`.
// It has either Options or Args (names, numbers and strings as written).
type Hint struct {
	Span
	Name    Ident
	Options []*Option
	Args    []Expr // *Name or *Literal
}

func (h *Hint) children(visit func(Node)) {
	visit(&h.Name)
	each(h.Options, visit)
	eachExpr(h.Args, visit)
}

// Option is one 'key' = 'value' pair of WITH, SET (..) or a hint. Key and Value are string literals;
// their own spans let an error point at either.
type Option struct {
	Span
	Key, Value *Literal
}

func (o *Option) children(visit func(Node)) { visit(o.Key); visit(o.Value) }

// each visits the nodes of a list of pointers.
func each[T Node](list []T, visit func(Node)) {
	for _, n := range list {
		visit(n)
	}
}

// eachExpr visits a list of expressions, leaving out absent ones.
func eachExpr(list []Expr, visit func(Node)) {
	for _, e := range list {
		if e != nil {
			visit(e)
		}
	}
}

// idents visits a list of names.
func idents(list []Ident, visit func(Node)) {
	for i := range list {
		visit(&list[i])
	}
}

// opt visits an optional pointer node.
func opt[T any, P interface {
	*T
	Node
}](p P, visit func(Node)) {
	if p != nil {
		visit(p)
	}
}

// optExpr, optQuery and optRelation visit an optional interface node.
func optExpr(e Expr, visit func(Node)) {
	if e != nil {
		visit(e)
	}
}

func optQuery(q Query, visit func(Node)) {
	if q != nil {
		visit(q)
	}
}
