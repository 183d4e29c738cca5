package ast

// QueryStatement is a query by itself.
type QueryStatement struct {
	Span
	Query Query
}

func (*QueryStatement) statement()                  {}
func (s *QueryStatement) children(visit func(Node)) { visit(s.Query) }

// Insert is INSERT INTO or INSERT OVERWRITE, maybe after the word EXECUTE.
type Insert struct {
	Span
	Execute   bool
	Overwrite bool
	Table     *Name
	Hints     []*Hint
	Partition []*PartitionValue
	Columns   []Ident
	Query     Query
}

func (*Insert) statement() {}
func (s *Insert) children(visit func(Node)) {
	visit(s.Table)
	each(s.Hints, visit)
	each(s.Partition, visit)
	idents(s.Columns, visit)
	visit(s.Query)
}

// PartitionValue is one item of PARTITION (dt = '2024-01-01', hr); Value is nil for hr.
type PartitionValue struct {
	Span
	Name  Ident
	Value Expr
}

func (p *PartitionValue) children(visit func(Node)) { visit(&p.Name); optExpr(p.Value, visit) }

// Update is UPDATE t SET a = 1 WHERE ...
type Update struct {
	Span
	Table *Name
	Set   []*Assignment
	Where Expr
}

func (*Update) statement() {}
func (s *Update) children(visit func(Node)) {
	visit(s.Table)
	each(s.Set, visit)
	optExpr(s.Where, visit)
}

// Assignment is Column = Value.
type Assignment struct {
	Span
	Column *Name
	Value  Expr
}

func (a *Assignment) children(visit func(Node)) { visit(a.Column); visit(a.Value) }

// Delete is DELETE FROM t WHERE ...
type Delete struct {
	Span
	Table *Name
	Where Expr
}

func (*Delete) statement()                  {}
func (s *Delete) children(visit func(Node)) { visit(s.Table); optExpr(s.Where, visit) }

// StatementSet is a block of INSERTs which run as one job, in any of its spellings
// (EXECUTE STATEMENT SET BEGIN .. END, BEGIN STATEMENT SET; .. END).
type StatementSet struct {
	Span
	Execute bool // EXECUTE STATEMENT SET
	Begin   bool // BEGIN STATEMENT SET;
	Inserts []*Insert
}

func (*StatementSet) statement()                  {}
func (s *StatementSet) children(visit func(Node)) { each(s.Inserts, visit) }

// Explain is EXPLAIN [PLAN FOR | details] stmt. Details are upper case: CHANGELOG_MODE, ESTIMATED_COST,
// JSON_EXECUTION_PLAN, PLAN_ADVICE, JSON, STATE; which are known is for the planner to say.
type Explain struct {
	Span
	PlanFor bool
	Details []Symbol
	Stmt    Statement
}

func (*Explain) statement() {}
func (s *Explain) children(visit func(Node)) {
	for i := range s.Details {
		visit(&s.Details[i])
	}
	visit(s.Stmt)
}

// Lint is LINT stmt: say what is risky in a statement without running it.
type Lint struct {
	Span
	Stmt Statement
}

func (*Lint) statement()                  {}
func (s *Lint) children(visit func(Node)) { visit(s.Stmt) }

// Diagnose is DIAGNOSE JOB 'id', or DIAGNOSE stmt: say what a job, or a query, waits for.
type Diagnose struct {
	Span
	Job  *Literal
	Stmt Statement // instead of Job
}

func (*Diagnose) statement() {}
func (s *Diagnose) children(visit func(Node)) {
	opt(s.Job, visit)
	if s.Stmt != nil {
		visit(s.Stmt)
	}
}

// Execute is EXECUTE stmt where stmt is a query, or EXECUTE PLAN 'path'.
type Execute struct {
	Span
	Stmt Statement
	Plan *Literal // instead of Stmt
}

func (*Execute) statement() {}
func (s *Execute) children(visit func(Node)) {
	if s.Stmt != nil {
		visit(s.Stmt)
	}
	opt(s.Plan, visit)
}

// CompilePlan is COMPILE [AND EXECUTE] PLAN 'path' [IF NOT EXISTS] FOR stmt.
type CompilePlan struct {
	Span
	AndExecute  bool
	Path        *Literal
	IfNotExists bool
	Stmt        Statement
}

func (*CompilePlan) statement()                  {}
func (s *CompilePlan) children(visit func(Node)) { visit(s.Path); visit(s.Stmt) }

// Set is SET, or SET 'key' = 'value'. Key is nil for plain SET. Bare keys and values keep their text.
type Set struct {
	Span
	Key, Value *Literal
}

func (*Set) statement()                  {}
func (s *Set) children(visit func(Node)) { opt(s.Key, visit); opt(s.Value, visit) }

// Reset is RESET, or RESET 'key'.
type Reset struct {
	Span
	Key *Literal
}

func (*Reset) statement()                  {}
func (s *Reset) children(visit func(Node)) { opt(s.Key, visit) }

// Show is SHOW What [FROM|IN Scope] [[NOT] LIKE|ILIKE Pattern]. What is upper case: TABLES, VIEWS, FUNCTIONS,
// "USER FUNCTIONS", CATALOGS, DATABASES, "CURRENT CATALOG", "CURRENT DATABASE", COLUMNS, PARTITIONS, JOBS, JARS,
// MODULES, "FULL MODULES", MODELS, CONNECTORS, PROCEDURES, "MATERIALIZED TABLES", "CREATE TABLE", "CREATE VIEW",
// "CREATE CATALOG", "CREATE MODEL", "CREATE FUNCTION".
type Show struct {
	Span
	What      string
	Name      *Name  // SHOW CREATE TABLE t, SHOW PARTITIONS t
	Scope     *Name  // FROM or IN
	In        bool   // IN was written
	Like      string // "LIKE", "ILIKE" or ""
	Not       bool
	Pattern   *Literal
	Partition []*PartitionValue
}

func (*Show) statement() {}
func (s *Show) children(visit func(Node)) {
	opt(s.Name, visit)
	opt(s.Scope, visit)
	opt(s.Pattern, visit)
	each(s.Partition, visit)
}

// Describe is DESCRIBE [kind] [EXTENDED] name. Kind is "" for a table, else CATALOG, DATABASE, FUNCTION,
// CONNECTOR, MODEL or JOB. A job and a connector may be given as a string: then Text is set, not Name.
type Describe struct {
	Span
	Kind     string
	Extended bool
	Name     *Name
	Text     *Literal
}

func (*Describe) statement()                  {}
func (s *Describe) children(visit func(Node)) { opt(s.Name, visit); opt(s.Text, visit) }

// Use is USE db, USE CATALOG c or USE MODULES a, b. Kind is "DATABASE", "CATALOG" or "MODULES".
type Use struct {
	Span
	Kind  string
	Names []*Name
}

func (*Use) statement()                  {}
func (s *Use) children(visit func(Node)) { each(s.Names, visit) }

// StopJob is STOP JOB 'id' [WITH SAVEPOINT] [WITH DRAIN].
type StopJob struct {
	Span
	ID               *Literal
	Savepoint, Drain bool
}

func (*StopJob) statement()                  {}
func (s *StopJob) children(visit func(Node)) { visit(s.ID) }

// Retry is RETRY FROM t$errors INTO target [WHERE cond], or RETRY FROM t$errors [WHERE cond] INSERT INTO ...
type Retry struct {
	Span
	From   *Name
	Into   *Name   // nil: Insert is there
	Where  Expr    // nil: all
	Insert *Insert // what is run, with t's rejected records as the rows of t
}

func (*Retry) statement() {}
func (s *Retry) children(visit func(Node)) {
	visit(s.From)
	opt(s.Into, visit)
	if s.Where != nil {
		visit(s.Where)
	}
	opt(s.Insert, visit)
}

// Jar is ADD JAR 'path' or REMOVE JAR 'path'.
type Jar struct {
	Span
	Remove bool
	Path   *Literal
}

func (*Jar) statement()                  {}
func (s *Jar) children(visit func(Node)) { visit(s.Path) }

// Module is LOAD MODULE m [WITH (..)] or UNLOAD MODULE m.
type Module struct {
	Span
	Unload  bool
	Name    *Name
	Options []*Option
}

func (*Module) statement()                  {}
func (s *Module) children(visit func(Node)) { visit(s.Name); each(s.Options, visit) }

// Analyze is ANALYZE TABLE t [PARTITION(..)] COMPUTE STATISTICS [FOR COLUMNS a, b | FOR ALL COLUMNS].
type Analyze struct {
	Span
	Table      *Name
	Partition  []*PartitionValue
	Columns    []Ident
	AllColumns bool
}

func (*Analyze) statement() {}
func (s *Analyze) children(visit func(Node)) {
	visit(s.Table)
	each(s.Partition, visit)
	idents(s.Columns, visit)
}

// Truncate is TRUNCATE TABLE t.
type Truncate struct {
	Span
	Table *Name
}

func (*Truncate) statement()                  {}
func (s *Truncate) children(visit func(Node)) { visit(s.Table) }

// CallProcedure is CALL name(args).
type CallProcedure struct {
	Span
	Name *Name
	Args []Expr
}

func (*CallProcedure) statement()                  {}
func (s *CallProcedure) children(visit func(Node)) { visit(s.Name); eachExpr(s.Args, visit) }
