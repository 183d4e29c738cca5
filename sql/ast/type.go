package ast

// TypeName is a data type as written. Name is upper case and canonical in spacing ("DOUBLE" for DOUBLE
// PRECISION), aliases are kept (INTEGER stays INTEGER): package planner resolves it.
//
//	DECIMAL(10, 2)                     Name DECIMAL, Params 10 2
//	TIMESTAMP(3) WITH LOCAL TIME ZONE  Name TIMESTAMP, Params 3, Zone "LOCAL"
//	ARRAY<INT>, INT ARRAY              Name ARRAY, Elem INT
//	MULTISET<INT>                      Name MULTISET, Elem INT
//	MAP<STRING, INT>                   Name MAP, Key STRING, Elem INT
//	ROW<a INT, b STRING>               Name ROW, Fields
//	INTERVAL DAY(3) TO SECOND(3)       Name INTERVAL, Interval
//	RAW('class', 'snapshot')           Name RAW, Args
//	STRUCTURED<'class', a INT>         Name STRUCTURED, Args, Fields
//	cat.db.my_type                     Name "", Path
type TypeName struct {
	Span
	Name     string
	Path     *Name  // a user-defined type
	Params   []int  // length, precision, scale, as many as written
	Zone     string // "" none written, "LOCAL", "WITH" (TIME ZONE), "WITHOUT"
	Elem     *TypeName
	Key      *TypeName
	Fields   []*TypeField
	Interval *IntervalUnit
	Args     []*Literal
	Postfix  bool // written INT ARRAY rather than ARRAY<INT>
	NotNull  bool // NOT NULL was written
	Null     bool // NULL was written
}

func (t *TypeName) children(visit func(Node)) {
	opt(t.Path, visit)
	opt(t.Key, visit)
	opt(t.Elem, visit)
	each(t.Args, visit)
	each(t.Fields, visit)
	opt(t.Interval, visit)
}

// TypeField is one field of a ROW or STRUCTURED type.
type TypeField struct {
	Span
	Name    Ident
	Type    *TypeName
	Comment *Literal
}

func (f *TypeField) children(visit func(Node)) {
	visit(&f.Name)
	visit(f.Type)
	opt(f.Comment, visit)
}

// IntervalUnit is the qualifier of an INTERVAL literal or type: `DAY(3) TO SECOND(3)`.
// Units are upper case and singular (MINUTES is MINUTE); To is "" without TO.
// Precisions are -1 where not written.
type IntervalUnit struct {
	Span
	From, To            string
	Precision, Fraction int
}

func (*IntervalUnit) children(func(Node)) {}
