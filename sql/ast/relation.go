package ast

// Table is a named table, maybe as of a time: t /*+ OPTIONS(..) */ FOR SYSTEM_TIME AS OF e.
type Table struct {
	Span
	Name  *Name
	Hints []*Hint
	AsOf  Expr
}

func (*Table) relation() {}
func (t *Table) children(visit func(Node)) {
	visit(t.Name)
	each(t.Hints, visit)
	optExpr(t.AsOf, visit)
}

// Aliased is Input AS Name(Columns). The relation below has no other name.
type Aliased struct {
	Span
	Input   Relation
	Name    Ident
	Columns []Ident
}

func (*Aliased) relation() {}
func (a *Aliased) children(visit func(Node)) {
	visit(a.Input)
	visit(&a.Name)
	idents(a.Columns, visit)
}

// Derived is (query), or LATERAL (query).
type Derived struct {
	Span
	Lateral bool
	Query   Query
}

func (*Derived) relation()                   {}
func (d *Derived) children(visit func(Node)) { visit(d.Query) }

// TableFunc is TABLE(f(..)), LATERAL TABLE(f(..)), or f(..) alone.
type TableFunc struct {
	Span
	Lateral bool
	Wrapped bool // written TABLE(..)
	Call    *Call
}

func (*TableFunc) relation()                   {}
func (t *TableFunc) children(visit func(Node)) { visit(t.Call) }

// Unnest is UNNEST(e, ..) [WITH ORDINALITY].
type Unnest struct {
	Span
	Lateral    bool
	Args       []Expr
	Ordinality bool
}

func (*Unnest) relation()                   {}
func (u *Unnest) children(visit func(Node)) { eachExpr(u.Args, visit) }

// JoinKind is the kind of a Join.
type JoinKind uint8

// The kinds of joins. Comma is `a, b`; it means Cross but binds less tightly.
const (
	InnerJoin JoinKind = iota + 1
	LeftJoin
	RightJoin
	FullJoin
	CrossJoin
	CommaJoin
)

// String is the word for the kind.
func (k JoinKind) String() string {
	return [...]string{"?", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", ","}[k]
}

// Join joins two relations. It has On or Using, or neither (CROSS, comma, NATURAL).
type Join struct {
	Span
	Kind        JoinKind
	Natural     bool
	OpSpan      Span // the words between the two inputs
	Left, Right Relation
	On          Expr
	Using       []Ident
}

func (*Join) relation() {}
func (j *Join) children(visit func(Node)) {
	visit(j.Left)
	visit(j.Right)
	optExpr(j.On, visit)
	idents(j.Using, visit)
}

// MatchRecognize is Input MATCH_RECOGNIZE (..).
type MatchRecognize struct {
	Span
	Input       Relation
	PartitionBy []Expr
	OrderBy     []*OrderItem
	Measures    []*SelectItem // each has an Alias
	AllRows     bool          // ALL ROWS PER MATCH
	RowsWritten bool          // ONE ROW or ALL ROWS PER MATCH was written
	Skip        *MatchSkip    // nil if not written
	Pattern     Pattern
	Within      *Interval
	Subsets     []*MatchSubset
	Defines     []*MatchDefine
}

func (*MatchRecognize) relation() {}
func (m *MatchRecognize) children(visit func(Node)) {
	visit(m.Input)
	eachExpr(m.PartitionBy, visit)
	each(m.OrderBy, visit)
	each(m.Measures, visit)
	opt(m.Skip, visit)
	visit(m.Pattern)
	opt(m.Within, visit)
	each(m.Subsets, visit)
	each(m.Defines, visit)
}

// MatchSkip is AFTER MATCH SKIP ... Kind is "PAST LAST ROW", "TO NEXT ROW", "TO FIRST", "TO LAST" or
// "TO" (which means TO LAST); the last three have a Variable.
type MatchSkip struct {
	Span
	Kind     string
	Variable *Ident
}

func (s *MatchSkip) children(visit func(Node)) { opt(s.Variable, visit) }

// MatchSubset is S = (A, B).
type MatchSubset struct {
	Span
	Name      Ident
	Variables []Ident
}

func (s *MatchSubset) children(visit func(Node)) { visit(&s.Name); idents(s.Variables, visit) }

// MatchDefine is A AS condition.
type MatchDefine struct {
	Span
	Variable Ident
	Cond     Expr
}

func (d *MatchDefine) children(visit func(Node)) { visit(&d.Variable); visit(d.Cond) }

// Pattern is a row pattern: PatternVar, PatternSeq, PatternAlt, PatternRepeat, PatternExclude or PatternPermute.
// Parentheses only group and leave no node.
type Pattern interface {
	Node
	pattern()
}

// PatternVar is a pattern variable.
type PatternVar struct {
	Span
	Name Ident
}

func (*PatternVar) pattern()                    {}
func (p *PatternVar) children(visit func(Node)) { visit(&p.Name) }

// PatternSeq is A B C: one after the other. It has at least two items.
type PatternSeq struct {
	Span
	Items []Pattern
}

func (*PatternSeq) pattern()                    {}
func (p *PatternSeq) children(visit func(Node)) { each(p.Items, visit) }

// PatternAlt is A | B. It has at least two items.
type PatternAlt struct {
	Span
	Items []Pattern
}

func (*PatternAlt) pattern()                    {}
func (p *PatternAlt) children(visit func(Node)) { each(p.Items, visit) }

// PatternRepeat is X with a quantifier: *, +, ?, {n}, {n,}, {n,m}, {,m}. Max is -1 without limit.
type PatternRepeat struct {
	Span
	X         Pattern
	Min, Max  int
	Reluctant bool // a trailing ?
}

func (*PatternRepeat) pattern()                    {}
func (p *PatternRepeat) children(visit func(Node)) { visit(p.X) }

// PatternExclude is {- X -}.
type PatternExclude struct {
	Span
	X Pattern
}

func (*PatternExclude) pattern()                    {}
func (p *PatternExclude) children(visit func(Node)) { visit(p.X) }

// PatternPermute is PERMUTE(A, B).
type PatternPermute struct {
	Span
	Items []Pattern
}

func (*PatternPermute) pattern()                    {}
func (p *PatternPermute) children(visit func(Node)) { each(p.Items, visit) }
