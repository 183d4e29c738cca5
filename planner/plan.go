package planner

import (
	"time"

	"weir/connectors"
	"weir/sql/types"
)

// Node is a plan node: data that prints as EXPLAIN, saves as JSON and never runs. exec/build.go
// makes the operator of each kind in one switch. Nodes form a DAG: a source used twice is one node.
type Node interface {
	// Info holds what all nodes have.
	Info() *Base
	// Inputs lists the inputs, in port order.
	Inputs() []Node
}

// Base is what every node has. The planner's last passes fill Mode, UpsertKeys and ID.
type Base struct {
	// ID names the node's state, metrics and JSON reference: kind, path and state schema. Stable for
	// the same statement.
	ID string
	// Out is the columns of the rows the node emits.
	Out types.Schema
	// Mode is the changelog that the node emits, after what its consumers need is taken into account.
	Mode types.ChangelogMode
	// UpsertKeys are the column sets each of which identifies a row of the node's changing table.
	UpsertKeys [][]int
	// Dist says how the node's rows are spread over parallel instances.
	Dist Distribution
	// Parallelism of the node's instances; 0 is the job's.
	Parallelism int
}

// Info gives the base of an embedding node.
func (b *Base) Info() *Base { return b }

// Distribution says which instance a row is at.
type Distribution struct {
	Kind DistKind
	Keys []int // DistHash: columns of Out
}

// DistKind is a kind of distribution.
type DistKind uint8

// The distributions.
const (
	DistAny    DistKind = iota // no promise
	DistHash                   // rows of equal keys are at one instance
	DistSingle                 // all rows are at instance 0
)

// Scan reads a table: it decodes the wanted columns, computes the declared ones, and generates the
// watermark, a generator a split or reader.
type Scan struct {
	*Base
	Table *Table
	// Hints are the options of the query's OPTIONS hint, already in Config.
	Config  connectors.Config
	Columns types.Schema // wanted physical columns, ROWs pruned to wanted fields
	Meta    []string     // wanted metadata keys; they follow Columns
	// Exprs, over Columns+Meta, give the Out columns (computed columns and casts of metadata included);
	// nil when Out is Columns+Meta itself.
	Exprs     []Expr
	Watermark *Watermark // nil: no event time
	Limit     int64      // rows needed of each reader; 0: all
	Common    connectors.Common
	// The tables that take bad records and late rows, where the table names them; nil: its $errors and $late do.
	ErrorTarget, LateTarget *RejectTarget

	hints string // the options in effect: scans of one table with the same ones can be one
}

// Watermark generates event time over the Out columns of a Scan.
type Watermark struct {
	Column int  // the row-time column of Out
	Expr   Expr // the watermark of a row, a timestamp; NULL is ignored
	// EachRow: the query reads CURRENT_WATERMARK, so the watermark must move between rows, not between batches.
	EachRow bool
}

// Values is literal rows.
type Values struct {
	*Base
	Rows [][]Expr // literals, or expressions without column references
}

// Calc filters and projects: rows for which Cond is TRUE (nil: all), as Exprs.
type Calc struct {
	*Base
	Input Node
	Cond  Expr
	Exprs []Expr
}

// Phase is a part of an aggregation split in two.
type Phase uint8

// The phases: the whole, or a local aggregate before the exchange and a global one behind it. A local
// one emits its keys, then the state columns of each aggregate as fn.AggCall.State lists them, then for a
// window the end of the slice as BIGINT milliseconds; it holds nothing over a watermark. In the global
// one Args are those state columns, ArgTypes still the types the aggregate was resolved with, and the
// window's TimeCol the slice's end.
const (
	WholePhase Phase = iota
	LocalPhase
	GlobalPhase
)

// GroupAgg is GROUP BY without a window: Out is Keys, then Aggs. It keeps a group for ever, or for TTL.
type GroupAgg struct {
	*Base
	Input Node
	Keys  []int
	Aggs  []AggCall
	Phase Phase
	TTL   time.Duration
	// Bundle is what it gathers before it tells changes.
	Bundle Bundle
}

// WindowKind is a kind of window.
type WindowKind uint8

// The windows.
const (
	Tumble WindowKind = iota
	Hop
	Cumulate
	Session
	// Stagger windows begin with a key's first row, and have a size. They are a table function only.
	Stagger
)

// Window says how rows are put into windows. Times are milliseconds.
type Window struct {
	Kind   WindowKind
	Size   int64
	Slide  int64 // HOP slide, CUMULATE step
	Gap    int64 // SESSION
	Offset int64
	// TimeCol is the time attribute, a column of the input; ProcTime when it is the processing clock.
	TimeCol  int
	ProcTime bool
	// Local: the time is TIMESTAMP_LTZ, so windows are cut on the session zone's wall clock.
	Local bool
	// Start, End >= 0: the input already carries its window in these columns (a window TVF with
	// something between it and the aggregate); TimeCol is then the window_time column, or -1.
	Start, End int
	// PartitionBy of a SESSION or STAGGER table function.
	PartitionBy []int
	// Legacy: a group window (GROUP BY HOP(...)), whose HOP may not divide.
	Legacy bool
}

// WindowProp is a property of a window that an aggregate puts out.
type WindowProp uint8

// The window properties.
const (
	WindowStart WindowProp = iota
	WindowEnd
	WindowTime // end - 1 ms, the new row-time attribute
	WindowProc // processing time
)

// WindowTVF appends window_start, window_end and window_time to each row, once a window.
type WindowTVF struct {
	*Base
	Input  Node
	Window Window
}

// WindowAgg aggregates each window and key: Out is Keys, then Aggs, then Props. It emits when the
// watermark (or the clock) passes a window's end, and frees the window then.
type WindowAgg struct {
	*Base
	Input  Node
	Window Window
	Keys   []int
	Aggs   []AggCall
	Props  []WindowProp
	Phase  Phase
	// Where it reduces little, a local phase may pass rows on as they are: Keys, then the columns Rows, then
	// the end of the slice in a column named RowSliceEnd, by which the global phase knows them. RowAggs are the
	// aggregates over such rows, of a global phase; nil: rows are never passed on.
	Rows    []int
	RowAggs []AggCall
	// Emit, where set, has windows give results beside their end; then the output changes rows it gave.
	Emit *WindowEmit
}

// WindowEmit is when a group window gives results beside its end. Times are milliseconds.
type WindowEmit struct {
	// Early is how long after the first row of a window, and then between two results of it, they come
	// before the end; 0: after each row; -1: never. Late is the same behind the end.
	Early, Late int64
	// Lateness is how long behind its end a window takes rows.
	Lateness int64
}

// RowSliceEnd is the last column of rows that a local phase passed on without aggregating them.
const RowSliceEnd = "$row_slice_end"

// Union is UNION ALL.
type Union struct {
	*Base
	Ins []Node
}

// Limit passes Fetch rows after skipping Offset, in arrival order.
type Limit struct {
	*Base
	Input  Node
	Offset int64
	Fetch  int64 // -1: all
}

// Exchange moves rows between the instances of two tasks by Dist.
type Exchange struct {
	*Base
	Input Node
}

// ChangelogNormalize turns an upsert stream keyed by Keys into a full changelog.
type ChangelogNormalize struct {
	*Base
	Input Node
	Keys  []int
	TTL   time.Duration
}

// Sink writes into a table. Its Input has the table's columns in order.
type Sink struct {
	*Base
	Input     Node
	Table     *Table
	Config    connectors.Config
	Overwrite bool
	// Takes is the row kinds the table takes; where -U is missing, rows are upserted by Key.
	Takes types.ChangelogMode
	// Key is the columns of the declared primary key.
	Key []int
	// NotNull lists columns declared NOT NULL, checked at run time by table.exec.sink.not-null-enforcer.
	NotNull []int
	// Narrow lists columns whose value may not fit the declared type: a checked cast at run time.
	Narrow []NarrowCheck
	Common connectors.Common
	// ErrorTarget takes rows that are refused, where the table names one; nil: its $errors does.
	ErrorTarget *RejectTarget
}

// NarrowCheck is a checked narrowing of an integer column into a sink.
type NarrowCheck struct {
	Column int
	From   types.Type
	To     types.Type
}

// Collect gives the rows of a SELECT to the session.
type Collect struct {
	*Base
	Input Node
}

// Inputs of a Scan (none), and so on for each node.
func (n *Scan) Inputs() []Node               { return nil }
func (n *Values) Inputs() []Node             { return nil }
func (n *Calc) Inputs() []Node               { return []Node{n.Input} }
func (n *GroupAgg) Inputs() []Node           { return []Node{n.Input} }
func (n *WindowTVF) Inputs() []Node          { return []Node{n.Input} }
func (n *WindowAgg) Inputs() []Node          { return []Node{n.Input} }
func (n *Union) Inputs() []Node              { return n.Ins }
func (n *Limit) Inputs() []Node              { return []Node{n.Input} }
func (n *Exchange) Inputs() []Node           { return []Node{n.Input} }
func (n *ChangelogNormalize) Inputs() []Node { return []Node{n.Input} }
func (n *Sink) Inputs() []Node               { return []Node{n.Input} }
func (n *Collect) Inputs() []Node            { return []Node{n.Input} }

// Plan is what runs: one or more roots (Sink or Collect), and the settings fixed at planning.
type Plan struct {
	Roots    []Node
	Settings Settings
	// Warnings are things the user should know: narrowing, idle-source risk.
	Warnings []Warning
}

// Warning is something that does not stop a statement.
type Warning struct {
	Pos, Len int // in the statement's text; Len 0: no place
	Msg      string
	Hint     string
	Kind     string // one of the constants, "" for a note
	Fix      []Edit // what would put it right, where a machine can
}
