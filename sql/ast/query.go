package ast

// Select is one SELECT.
type Select struct {
	Span
	Hints         []*Hint
	Distinct, All bool
	Items         []*SelectItem
	From          Relation // nil without FROM
	Where         Expr
	GroupBy       []Expr // expressions, Row, GroupingSet
	GroupDistinct bool   // GROUP BY DISTINCT
	Having        Expr
	Windows       []*WindowDef
	Qualify       Expr
}

func (*Select) query() {}
func (s *Select) children(visit func(Node)) {
	each(s.Hints, visit)
	each(s.Items, visit)
	optRelation(s.From, visit)
	optExpr(s.Where, visit)
	eachExpr(s.GroupBy, visit)
	optExpr(s.Having, visit)
	each(s.Windows, visit)
	optExpr(s.Qualify, visit)
}

func optRelation(r Relation, visit func(Node)) {
	if r != nil {
		visit(r)
	}
}

// SelectItem is one item of a select list; Expr may be a Star.
type SelectItem struct {
	Span
	Expr  Expr
	Alias *Ident
}

func (i *SelectItem) children(visit func(Node)) { visit(i.Expr); opt(i.Alias, visit) }

// WindowDef is one definition of the WINDOW clause.
type WindowDef struct {
	Span
	Name Ident
	Spec *WindowSpec
}

func (w *WindowDef) children(visit func(Node)) { visit(&w.Name); visit(w.Spec) }

// SetOp is Left Op Right. INTERSECT binds tighter than UNION and EXCEPT, which group to the left;
// the tree already says so.
type SetOp struct {
	Span
	Op          string // "UNION", "INTERSECT", "EXCEPT"
	All         bool
	Distinct    bool // the word was written; it is the default
	OpSpan      Span
	Left, Right Query
}

func (*SetOp) query()                      {}
func (s *SetOp) children(visit func(Node)) { visit(s.Left); visit(s.Right) }

// Values is VALUES (1, 'a'), (2, 'b'). Each row is a Row, or a bare expression as in VALUES 1, 2.
type Values struct {
	Span
	Rows []Expr
}

func (*Values) query()                      {}
func (v *Values) children(visit func(Node)) { eachExpr(v.Rows, visit) }

// TableQuery is TABLE t as a query.
type TableQuery struct {
	Span
	Table *Name
}

func (*TableQuery) query()                      {}
func (t *TableQuery) children(visit func(Node)) { visit(t.Table) }

// With is WITH .. Body.
type With struct {
	Span
	Recursive bool
	CTEs      []*CTE
	Body      Query
}

func (*With) query()                      {}
func (w *With) children(visit func(Node)) { each(w.CTEs, visit); visit(w.Body) }

// CTE is one named query of WITH.
type CTE struct {
	Span
	Name    Ident
	Columns []Ident
	Query   Query
}

func (c *CTE) children(visit func(Node)) {
	visit(&c.Name)
	idents(c.Columns, visit)
	visit(c.Query)
}

// Sort is Body with ORDER BY, OFFSET and LIMIT (or FETCH), of which at least one is there.
type Sort struct {
	Span
	Body     Query
	OrderBy  []*OrderItem
	Limit    *Literal // a NumberLit; nil if absent
	LimitAll bool     // LIMIT ALL
	Fetch    bool     // the limit was written FETCH FIRST n ROWS ONLY
	Offset   *Literal
}

func (*Sort) query() {}
func (s *Sort) children(visit func(Node)) {
	visit(s.Body)
	each(s.OrderBy, visit)
	opt(s.Limit, visit)
	opt(s.Offset, visit)
}
