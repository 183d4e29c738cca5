package ast

// CreateTable is CREATE TABLE in all its forms.
type CreateTable struct {
	Span
	OrReplace, Temporary, IfNotExists bool

	Name          *Name
	Columns       []*Column
	Watermarks    []*Watermark
	PrimaryKeys   []*PrimaryKey // more than one is the planner's error to report
	Comment       *Literal
	Distribution  *Distribution
	PartitionedBy []Ident
	Options       []*Option
	HasOptions    bool // WITH was written, maybe empty
	Like          *LikeTable
	As            Query
}

func (*CreateTable) statement() {}
func (s *CreateTable) children(visit func(Node)) {
	visit(s.Name)
	each(s.Columns, visit)
	each(s.Watermarks, visit)
	each(s.PrimaryKeys, visit)
	opt(s.Comment, visit)
	opt(s.Distribution, visit)
	idents(s.PartitionedBy, visit)
	each(s.Options, visit)
	opt(s.Like, visit)
	optQuery(s.As, visit)
}

// ColumnKind says where a column's values come from.
type ColumnKind uint8

// The kinds of columns.
const (
	PhysicalColumn ColumnKind = iota + 1 // a INT
	MetadataColumn                       // a INT METADATA FROM 'key' VIRTUAL
	ComputedColumn                       // a AS expr
	NamedColumn                          // a: only a name, in CREATE TABLE .. AS and CREATE VIEW
)

// Column is one column of a table.
type Column struct {
	Span
	Kind    ColumnKind
	Name    Ident
	Type    *TypeName   // physical and metadata
	Expr    Expr        // computed
	From    *Literal    // METADATA FROM 'key'; nil means the column's name
	Virtual bool        // METADATA .. VIRTUAL
	Path    *Literal    // PATH '$.a.b': where in the record the value stands (an extension)
	Key     *PrimaryKey // PRIMARY KEY written at the column; its Columns are empty
	Comment *Literal
	Place   *Place // ALTER TABLE ADD and MODIFY: FIRST, AFTER
}

func (c *Column) children(visit func(Node)) {
	visit(&c.Name)
	opt(c.Type, visit)
	optExpr(c.Expr, visit)
	opt(c.From, visit)
	opt(c.Path, visit)
	opt(c.Key, visit)
	opt(c.Comment, visit)
	opt(c.Place, visit)
}

// Place is FIRST, or AFTER a column.
type Place struct {
	Span
	After *Ident // nil for FIRST
}

func (p *Place) children(visit func(Node)) { opt(p.After, visit) }

// Watermark is WATERMARK FOR column AS expr.
type Watermark struct {
	Span
	Column *Name // may be a nested field
	Expr   Expr
}

func (w *Watermark) children(visit func(Node)) { visit(w.Column); visit(w.Expr) }

// PrimaryKey is [CONSTRAINT name] PRIMARY KEY (a, b) [[NOT] ENFORCED].
type PrimaryKey struct {
	Span
	Constraint *Ident
	Columns    []Ident
	Enforced   string // "ENFORCED", "NOT ENFORCED" or "" as written
}

func (k *PrimaryKey) children(visit func(Node)) { opt(k.Constraint, visit); idents(k.Columns, visit) }

// Distribution is DISTRIBUTED [BY [HASH|RANGE] (a, b)] [INTO n BUCKETS].
type Distribution struct {
	Span
	Method  string // "HASH", "RANGE" or ""
	Columns []Ident
	Buckets *Literal // a NumberLit
}

func (d *Distribution) children(visit func(Node)) { idents(d.Columns, visit); opt(d.Buckets, visit) }

// LikeTable is LIKE table (EXCLUDING ALL, ..).
type LikeTable struct {
	Span
	Table   *Name
	Options []*LikeOption
}

func (l *LikeTable) children(visit func(Node)) { visit(l.Table); each(l.Options, visit) }

// LikeOption is one merging rule: Action is INCLUDING, EXCLUDING or OVERWRITING, What ALL, CONSTRAINTS, DISTRIBUTION,
// GENERATED, METADATA, OPTIONS, PARTITIONS or WATERMARKS.
type LikeOption struct {
	Span
	Action, What string
}

func (*LikeOption) children(func(Node)) {}

// CreateView is CREATE VIEW.
type CreateView struct {
	Span
	OrReplace, Temporary, IfNotExists bool

	Name    *Name
	Columns []*Column // NamedColumn, with Comment
	Comment *Literal
	Query   Query
}

func (*CreateView) statement() {}
func (s *CreateView) children(visit func(Node)) {
	visit(s.Name)
	each(s.Columns, visit)
	opt(s.Comment, visit)
	visit(s.Query)
}

// CreateFunction is CREATE FUNCTION or ALTER FUNCTION: Class is the implementation's name.
type CreateFunction struct {
	Span
	OrReplace, Alter, Temporary, System, IfNotExists, IfExists bool

	Name     *Name
	Class    *Literal
	Language string      // as written, or ""
	Using    []*Resource // USING JAR 's3://..'
	Options  []*Option
}

func (*CreateFunction) statement() {}
func (s *CreateFunction) children(visit func(Node)) {
	visit(s.Name)
	visit(s.Class)
	each(s.Using, visit)
	each(s.Options, visit)
}

// Resource is JAR 'path', FILE 'path' or ARCHIVE 'path'.
type Resource struct {
	Span
	Kind string
	Path *Literal
}

func (r *Resource) children(visit func(Node)) { visit(r.Path) }

// CreateCatalog is CREATE CATALOG.
type CreateCatalog struct {
	Span
	IfNotExists bool
	Name        *Name
	Comment     *Literal
	Options     []*Option
}

func (*CreateCatalog) statement() {}
func (s *CreateCatalog) children(visit func(Node)) {
	visit(s.Name)
	opt(s.Comment, visit)
	each(s.Options, visit)
}

// CreateDatabase is CREATE DATABASE.
type CreateDatabase struct {
	Span
	IfNotExists bool
	Name        *Name
	Comment     *Literal
	Options     []*Option
}

func (*CreateDatabase) statement() {}
func (s *CreateDatabase) children(visit func(Node)) {
	visit(s.Name)
	opt(s.Comment, visit)
	each(s.Options, visit)
}

// CreateModel is CREATE MODEL m INPUT (a STRING) OUTPUT (b STRING) WITH (..).
type CreateModel struct {
	Span
	OrReplace, Temporary, IfNotExists bool

	Name          *Name
	Input, Output []*Column
	Comment       *Literal
	Options       []*Option
	As            Query
}

func (*CreateModel) statement() {}
func (s *CreateModel) children(visit func(Node)) {
	visit(s.Name)
	each(s.Input, visit)
	each(s.Output, visit)
	opt(s.Comment, visit)
	each(s.Options, visit)
	optQuery(s.As, visit)
}

// Drop is DROP of anything. Kind is TABLE, VIEW, FUNCTION, CATALOG, DATABASE, MODEL or "MATERIALIZED TABLE".
type Drop struct {
	Span
	Kind                        string
	Temporary, System, IfExists bool
	Name                        *Name
	Behavior                    string // "CASCADE", "RESTRICT" or ""
}

func (*Drop) statement()                  {}
func (s *Drop) children(visit func(Node)) { visit(s.Name) }

// AlterTable is ALTER TABLE t with one action.
type AlterTable struct {
	Span
	IfExists bool
	Name     *Name
	Action   AlterAction
}

func (*AlterTable) statement()                  {}
func (s *AlterTable) children(visit func(Node)) { visit(s.Name); visit(s.Action) }

// AlterView is ALTER VIEW v RENAME TO v2, or ALTER VIEW v AS query.
type AlterView struct {
	Span
	Name   *Name
	Rename *Name
	As     Query // instead of Rename
}

func (*AlterView) statement() {}
func (s *AlterView) children(visit func(Node)) {
	visit(s.Name)
	opt(s.Rename, visit)
	optQuery(s.As, visit)
}

// AlterObject is ALTER DATABASE, CATALOG or MODEL with SET, RESET, RENAME or COMMENT as its action.
type AlterObject struct {
	Span
	Kind     string
	IfExists bool
	Name     *Name
	Action   AlterAction
}

func (*AlterObject) statement()                  {}
func (s *AlterObject) children(visit func(Node)) { visit(s.Name); visit(s.Action) }

// AlterAction is what ALTER does: SetOptions, ResetOptions, RenameTo, RenameColumn, AddColumns, DropColumns,
// DropPart, SetComment or AlterPartition.
type AlterAction interface {
	Node
	alterAction()
}

// SetOptions is SET ('k' = 'v').
type SetOptions struct {
	Span
	Options []*Option
}

func (*SetOptions) alterAction()                {}
func (a *SetOptions) children(visit func(Node)) { each(a.Options, visit) }

// ResetOptions is RESET ('k').
type ResetOptions struct {
	Span
	Keys []*Literal
}

func (*ResetOptions) alterAction()                {}
func (a *ResetOptions) children(visit func(Node)) { each(a.Keys, visit) }

// RenameTo is RENAME TO t2.
type RenameTo struct {
	Span
	Name *Name
}

func (*RenameTo) alterAction()                {}
func (a *RenameTo) children(visit func(Node)) { visit(a.Name) }

// RenameColumn is RENAME a TO b.
type RenameColumn struct {
	Span
	From *Name
	To   Ident
}

func (*RenameColumn) alterAction()                {}
func (a *RenameColumn) children(visit func(Node)) { visit(a.From); visit(&a.To) }

// AddColumns is ADD or MODIFY, of one column or of a list that may hold keys and watermarks too.
type AddColumns struct {
	Span
	Modify       bool
	Columns      []*Column
	Watermarks   []*Watermark
	PrimaryKeys  []*PrimaryKey
	Distribution *Distribution
}

func (*AddColumns) alterAction() {}
func (a *AddColumns) children(visit func(Node)) {
	each(a.Columns, visit)
	each(a.Watermarks, visit)
	each(a.PrimaryKeys, visit)
	opt(a.Distribution, visit)
}

// DropColumns is DROP a, or DROP (a, b).
type DropColumns struct {
	Span
	Columns []*Name
}

func (*DropColumns) alterAction()                {}
func (a *DropColumns) children(visit func(Node)) { each(a.Columns, visit) }

// DropPart is DROP PRIMARY KEY, DROP CONSTRAINT c, DROP WATERMARK or DROP DISTRIBUTION.
type DropPart struct {
	Span
	What string
	Name *Ident // CONSTRAINT
}

func (*DropPart) alterAction()                {}
func (a *DropPart) children(visit func(Node)) { opt(a.Name, visit) }

// SetComment is COMMENT 'text'.
type SetComment struct {
	Span
	Comment *Literal
}

func (*SetComment) alterAction()                {}
func (a *SetComment) children(visit func(Node)) { visit(a.Comment) }

// AlterPartition is ADD or DROP [IF [NOT] EXISTS] PARTITION (..), each with options when added.
type AlterPartition struct {
	Span
	Drop, If   bool
	Partitions []*PartitionSpec
}

func (*AlterPartition) alterAction()                {}
func (a *AlterPartition) children(visit func(Node)) { each(a.Partitions, visit) }

// PartitionSpec is PARTITION (k = 'v') [WITH (..)].
type PartitionSpec struct {
	Span
	Values  []*PartitionValue
	Options []*Option
}

func (p *PartitionSpec) children(visit func(Node)) { each(p.Values, visit); each(p.Options, visit) }
