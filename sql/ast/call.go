package ast

// Call is a function call in any of its syntaxes. Args holds the operands in the order written:
//
//	EXTRACT(HOUR FROM ts)         Args Symbol HOUR, ts            Seps FROM
//	FLOOR(ts TO DAY), CEIL        Args ts, Symbol DAY             Seps TO
//	TRIM(BOTH ' ' FROM s)         Args Symbol BOTH, ' ', s        Seps "", FROM
//	TRIM(LEADING FROM s)          Args Symbol LEADING, s          Seps FROM
//	TRIM(' ' FROM s)              Args ' ', s                     Seps FROM
//	SUBSTRING(s FROM 2 FOR 3)     Args s, 2, 3                    Seps FROM, FOR
//	OVERLAY(a PLACING b FROM 1)   Args a, b, 1                    Seps PLACING, FROM
//	POSITION(a IN b)              Args a, b                       Seps IN
//	TIMESTAMPDIFF(SECOND, a, b)   Args Symbol SECOND, a, b
//	JSON_OBJECT(KEY k VALUE v)    Args k, v, ...                  (always pairs)
//	CURRENT_DATE                  no Args, NoParens
//	f(a => 1)                     Args NamedArg
//	f(TABLE t PARTITION BY k)     Args TableArg
type Call struct {
	Span
	Name        *Name
	Args        []Expr
	Seps        []string // what stands after Args[i]: a keyword, or "" for a comma; nil if all are commas
	NoParens    bool     // CURRENT_TIMESTAMP and its like, without ()
	Star        bool     // COUNT(*)
	Distinct    bool
	All         bool         // f(ALL x)
	OrderBy     []*OrderItem // ARRAY_AGG(x ORDER BY y)
	WithinGroup []*OrderItem
	Filter      Expr
	Nulls       string // "IGNORE", "RESPECT" or "": IGNORE NULLS
	NullsInside bool   // IGNORE NULLS was written inside the parentheses
	Match       string // "FINAL", "RUNNING" or "": before FIRST and LAST in MATCH_RECOGNIZE
	Over        *WindowSpec
	JSON        *JSONOptions
}

func (*Call) expr() {}
func (c *Call) children(visit func(Node)) {
	visit(c.Name)
	eachExpr(c.Args, visit)
	opt(c.JSON, visit)
	each(c.OrderBy, visit)
	each(c.WithinGroup, visit)
	optExpr(c.Filter, visit)
	opt(c.Over, visit)
}

// NamedArg is `name => value`.
type NamedArg struct {
	Span
	Name  Ident
	Value Expr
}

func (*NamedArg) expr()                       {}
func (a *NamedArg) children(visit func(Node)) { visit(&a.Name); visit(a.Value) }

// Descriptor is DESCRIPTOR(a, b): column names given to a table function.
type Descriptor struct {
	Span
	Columns []Ident
}

func (*Descriptor) expr()                       {}
func (d *Descriptor) children(visit func(Node)) { idents(d.Columns, visit) }

// TableArg is a table given to a table function: TABLE t or (query), with its partition and order.
type TableArg struct {
	Span
	Table       *Name // TABLE t
	Query       Query // (SELECT ..), instead of Table
	PartitionBy []Expr
	OrderBy     []*OrderItem
}

func (*TableArg) expr() {}
func (t *TableArg) children(visit func(Node)) {
	opt(t.Table, visit)
	optQuery(t.Query, visit)
	eachExpr(t.PartitionBy, visit)
	each(t.OrderBy, visit)
}

// ModelArg is MODEL m, given to ML_PREDICT and its like.
type ModelArg struct {
	Span
	Model *Name
}

func (*ModelArg) expr()                       {}
func (m *ModelArg) children(visit func(Node)) { visit(m.Model) }

// JSONOptions are the clauses of the SQL/JSON functions. Absent ones are zero.
type JSONOptions struct {
	Span
	Returning *TypeName
	Wrapper   string // JSON_QUERY: "WITHOUT ARRAY", "WITH CONDITIONAL ARRAY", "WITH UNCONDITIONAL ARRAY"
	OnEmpty   *JSONBehavior
	OnError   *JSONBehavior
	OnNull    string // JSON_OBJECT, JSON_ARRAY: "NULL" or "ABSENT"
}

func (j *JSONOptions) children(visit func(Node)) {
	opt(j.Returning, visit)
	opt(j.OnEmpty, visit)
	opt(j.OnError, visit)
}

// JSONBehavior is what a SQL/JSON function does ON EMPTY or ON ERROR: Kind is NULL, ERROR, DEFAULT,
// "EMPTY ARRAY", "EMPTY OBJECT", TRUE, FALSE or UNKNOWN.
type JSONBehavior struct {
	Span
	Kind    string
	Default Expr
}

func (b *JSONBehavior) children(visit func(Node)) { optExpr(b.Default, visit) }

// OrderItem is one key of ORDER BY.
type OrderItem struct {
	Span
	Expr  Expr
	Dir   string // "ASC", "DESC" or "" as written
	Nulls string // "FIRST", "LAST" or "" as written
}

func (o *OrderItem) children(visit func(Node)) { visit(o.Expr) }

// Desc tells whether the order is descending.
func (o *OrderItem) Desc() bool { return o.Dir == "DESC" }

// WindowSpec is what follows OVER, or a definition in WINDOW. OVER w has only Name.
type WindowSpec struct {
	Span
	Name        *Ident // OVER w, without parentheses
	Base        *Ident // OVER (w ORDER BY ..)
	PartitionBy []Expr
	OrderBy     []*OrderItem
	Frame       *Frame
}

func (w *WindowSpec) children(visit func(Node)) {
	opt(w.Name, visit)
	opt(w.Base, visit)
	eachExpr(w.PartitionBy, visit)
	each(w.OrderBy, visit)
	opt(w.Frame, visit)
}

// Frame is ROWS or RANGE with its bounds. To is nil without BETWEEN.
type Frame struct {
	Span
	Unit     string // "ROWS" or "RANGE"
	From, To *FrameBound
}

func (f *Frame) children(visit func(Node)) { visit(f.From); opt(f.To, visit) }

// FrameBound is one bound of a frame. Kind is "UNBOUNDED PRECEDING", "PRECEDING", "CURRENT ROW",
// "FOLLOWING" or "UNBOUNDED FOLLOWING"; Offset is set with PRECEDING and FOLLOWING alone.
type FrameBound struct {
	Span
	Kind   string
	Offset Expr
}

func (b *FrameBound) children(visit func(Node)) { optExpr(b.Offset, visit) }
