package ast

// LiteralKind says what a Literal is.
type LiteralKind uint8

// The kinds of literals.
const (
	StringLit       LiteralKind = iota + 1 // 'it''s', U&'\263A': Value is the text meant
	NumberLit                              // 1, 1.5, 1e3: Value is the text written
	BinaryLit                              // X'4A': Value is the bytes meant
	BoolLit                                // TRUE, FALSE: Value is "TRUE" or "FALSE"
	NullLit                                // NULL
	UnknownLit                             // UNKNOWN, the boolean
	DateLit                                // DATE '2024-01-01': Value is the text in quotes
	TimeLit                                // TIME '10:11:12'
	TimestampLit                           // TIMESTAMP '2024-01-01 00:00:00'
	TimestampLTZLit                        // TIMESTAMP WITH LOCAL TIME ZONE '..'
)

// Literal is a constant. Text is the source spelling, Value what it means (see LiteralKind).
type Literal struct {
	Span
	Kind  LiteralKind
	Text  string
	Value string
}

func (*Literal) expr()               {}
func (*Literal) children(func(Node)) {}

// Interval is an INTERVAL literal: `INTERVAL -'1 10:00:00' DAY TO SECOND`.
type Interval struct {
	Span
	Negative bool     // a minus before the quotes
	Value    *Literal // a StringLit, or a NumberLit as in INTERVAL 5 MINUTE
	Unit     *IntervalUnit
}

func (*Interval) expr()                       {}
func (i *Interval) children(visit func(Node)) { visit(i.Value); visit(i.Unit) }

// Star is `*` or `t.*` in a select list.
type Star struct {
	Span
	Table *Name // nil for a plain *
}

func (*Star) expr()                       {}
func (s *Star) children(visit func(Node)) { opt(s.Table, visit) }

// Symbol is a keyword given as an argument: the unit of EXTRACT(HOUR FROM x), FLOOR(x TO DAY),
// TIMESTAMPDIFF(SECOND, a, b), the side of TRIM(BOTH ..). Name is upper case, units singular.
type Symbol struct {
	Span
	Name string
}

func (*Symbol) expr()               {}
func (*Symbol) children(func(Node)) {}

// Paren is an expression in parentheses. It means what it holds; see Unparen.
type Paren struct {
	Span
	X Expr
}

func (*Paren) expr()                       {}
func (p *Paren) children(visit func(Node)) { visit(p.X) }

// Unparen takes off any parentheses around e.
func Unparen(e Expr) Expr {
	for {
		p, ok := e.(*Paren)
		if !ok {
			return e
		}
		e = p.X
	}
}

// Unary is a prefix operator: "-", "+" or "NOT".
type Unary struct {
	Span
	Op string
	X  Expr
}

func (*Unary) expr()                       {}
func (u *Unary) children(visit func(Node)) { visit(u.X) }

// Binary is an infix operator. Op is upper case, one of
//
//	AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, ||,
//	OVERLAPS, IS DISTINCT FROM, IS NOT DISTINCT FROM,
//	MEMBER OF, NOT MEMBER OF, SUBMULTISET OF, NOT SUBMULTISET OF
//
// with != given as <> (and OpText "!="). OpSpan is where the operator stands.
type Binary struct {
	Span
	Op     string
	OpText string // the source spelling where it differs from Op
	OpSpan Span
	L, R   Expr
}

func (*Binary) expr()                       {}
func (b *Binary) children(visit func(Node)) { visit(b.L); visit(b.R) }

// Between is X [NOT] BETWEEN [SYMMETRIC|ASYMMETRIC] Lo AND Hi.
type Between struct {
	Span
	X, Lo, Hi  Expr
	Not        bool
	Symmetric  bool
	Asymmetric bool // the word was written; it is the default
}

func (*Between) expr()                       {}
func (b *Between) children(visit func(Node)) { visit(b.X); visit(b.Lo); visit(b.Hi) }

// In is X [NOT] IN (List) or X [NOT] IN (Query).
type In struct {
	Span
	X     Expr
	Not   bool
	List  []Expr
	Query Query // instead of List
}

func (*In) expr() {}
func (i *In) children(visit func(Node)) {
	visit(i.X)
	eachExpr(i.List, visit)
	optQuery(i.Query, visit)
}

// Like is X [NOT] LIKE or SIMILAR TO Pattern [ESCAPE Escape].
type Like struct {
	Span
	X, Pattern, Escape Expr // Escape may be nil
	Not, Similar       bool
}

func (*Like) expr() {}
func (l *Like) children(visit func(Node)) {
	visit(l.X)
	visit(l.Pattern)
	optExpr(l.Escape, visit)
}

// Is is X IS [NOT] What. What is NULL, TRUE, FALSE, UNKNOWN, NORMALIZED, "A SET", EMPTY, JSON, "JSON VALUE",
// "JSON OBJECT", "JSON ARRAY" or "JSON SCALAR". (IS DISTINCT FROM is a Binary.)
type Is struct {
	Span
	X    Expr
	Not  bool
	What string
}

func (*Is) expr()                       {}
func (i *Is) children(visit func(Node)) { visit(i.X) }

// TimeSpan is (a - b) DAY TO SECOND: the interval between two times.
type TimeSpan struct {
	Span
	X    Expr // what is in parentheses
	Unit *IntervalUnit
}

func (*TimeSpan) expr()                       {}
func (t *TimeSpan) children(visit func(Node)) { visit(t.X); visit(t.Unit) }

// AtTimeZone is X AT TIME ZONE Zone.
type AtTimeZone struct {
	Span
	X, Zone Expr
}

func (*AtTimeZone) expr()                       {}
func (a *AtTimeZone) children(visit func(Node)) { visit(a.X); visit(a.Zone) }

// Case is CASE [Operand] WHEN .. THEN .. [ELSE Else] END.
type Case struct {
	Span
	Operand Expr // nil in the searched form
	Whens   []*When
	Else    Expr // nil if absent
}

func (*Case) expr() {}
func (c *Case) children(visit func(Node)) {
	optExpr(c.Operand, visit)
	each(c.Whens, visit)
	optExpr(c.Else, visit)
}

// When is one WHEN .. THEN .. arm.
type When struct {
	Span
	Cond, Then Expr
}

func (w *When) children(visit func(Node)) { visit(w.Cond); visit(w.Then) }

// Exists is EXISTS (Query).
type Exists struct {
	Span
	Query Query
}

func (*Exists) expr()                       {}
func (e *Exists) children(visit func(Node)) { visit(e.Query) }

// Subquery is a query in parentheses used as a value.
type Subquery struct {
	Span
	Query Query
}

func (*Subquery) expr()                       {}
func (s *Subquery) children(visit func(Node)) { visit(s.Query) }

// Quantified is the right side of a comparison: `= ANY (SELECT ..)`, `> ALL (1, 2)`. It stands as R of
// a Binary. All is false for ANY and SOME; Some tells which of the two was written.
type Quantified struct {
	Span
	All, Some bool
	Query     Query
	List      []Expr // instead of Query
}

func (*Quantified) expr() {}
func (q *Quantified) children(visit func(Node)) {
	optQuery(q.Query, visit)
	eachExpr(q.List, visit)
}

// Row is ROW(a, b) or (a, b). In GROUP BY it is a set of keys, `()` being the empty one.
type Row struct {
	Span
	Explicit bool // the word ROW was written
	Items    []Expr
}

func (*Row) expr()                       {}
func (r *Row) children(visit func(Node)) { eachExpr(r.Items, visit) }

// Array is ARRAY[a, b] or ARRAY(SELECT ..).
type Array struct {
	Span
	Items []Expr
	Query Query // instead of Items
}

func (*Array) expr() {}
func (a *Array) children(visit func(Node)) {
	eachExpr(a.Items, visit)
	optQuery(a.Query, visit)
}

// Map is MAP[k, v, ..]: Items alternates keys and values. Their number is even.
type Map struct {
	Span
	Items []Expr
}

func (*Map) expr()                       {}
func (m *Map) children(visit func(Node)) { eachExpr(m.Items, visit) }

// Multiset is MULTISET[a, b].
type Multiset struct {
	Span
	Items []Expr
}

func (*Multiset) expr()                       {}
func (m *Multiset) children(visit func(Node)) { eachExpr(m.Items, visit) }

// Index is X[Index].
type Index struct {
	Span
	X, Index Expr
}

func (*Index) expr()                       {}
func (i *Index) children(visit func(Node)) { visit(i.X); visit(i.Index) }

// Field is X.Name, where X is not a plain name (`f(x).g`, `a[1].b`, `(r).f`).
type Field struct {
	Span
	X    Expr
	Name Ident
}

func (*Field) expr()                       {}
func (f *Field) children(visit func(Node)) { visit(f.X); visit(&f.Name) }

// Cast is CAST(X AS Type) or TRY_CAST(X AS Type).
type Cast struct {
	Span
	Try  bool
	X    Expr
	Type *TypeName
}

func (*Cast) expr()                       {}
func (c *Cast) children(visit func(Node)) { visit(c.X); visit(c.Type) }

// GroupingSet is GROUPING SETS (..), CUBE (..) or ROLLUP (..) in GROUP BY.
type GroupingSet struct {
	Span
	Kind  string // "GROUPING SETS", "CUBE", "ROLLUP"
	Items []Expr
}

func (*GroupingSet) expr()                       {}
func (g *GroupingSet) children(visit func(Node)) { eachExpr(g.Items, visit) }
