// Package fn holds the function tables of weir: scalar, aggregate, table and window functions. A
// function is declared once, with its documentation and runnable examples; the planner resolves
// names from here, exec calls the kernels, the REPL completes and describes from here, and
// docs/functions.md and the example tests are derived.
//
// Contract: tables are immutable after start; kernels are pure functions of their arguments and of
// Ctx, keep nothing after return, and never write to their arguments. All Vecs given to a kernel
// stand for n rows. Times inside Ctx are microseconds UTC.
package fn

import (
	"time"

	"weir/sql/types"
	"weir/sql/vec"
)

// Ctx is what a running kernel may know besides its arguments.
type Ctx struct {
	Zone      *time.Location // table.local-time-zone
	NowMicros int64          // processing time of this batch, UTC microseconds
	// QueryMicros is the time the query began: CURRENT_TIMESTAMP and the like in batch mode.
	QueryMicros int64
	Streaming   bool
	// Watermark is the current watermark of the task (types.MinTime before the first).
	Watermark types.Time
	// Database is the session's current database.
	Database string
	// Random gives uniform random bits; seeded in simulation.
	Random func() uint64
}

// Kernel computes a function for n rows. An error should be a *RowError where one row is at fault.
type Kernel func(c *Ctx, args []vec.Vec, n int) (vec.Vec, error)

// RowError is a run-time error of one row, as a division by zero.
type RowError struct {
	Row int // within the batch given to the kernel
	Err error
}

// Error is the cause's text; the caller adds the row's origin.
func (e *RowError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *RowError) Unwrap() error { return e.Err }

// Arg is one argument as the binder sees it.
type Arg struct {
	Type types.Type
	// Lit is the argument's value (one element) where it is a constant, else nil.
	Lit *vec.Vec
	// Call is the name of the function whose result the argument is, "" for other expressions:
	// JSON_OBJECT and JSON_ARRAY put the results of JSON functions in as they are.
	Call string
}

// Call is a function resolved for certain argument types.
type Call struct {
	// Args are the types the kernel wants; the binder casts each argument to them (implicitly).
	Args []types.Type
	Type types.Type // of the result, nullability included
	Eval Kernel
	// Volatile: not a function of the arguments alone (RAND, UUID, NOW): never folded.
	Volatile bool
}

// Func is a scalar function.
type Func struct {
	Name     string   // upper case, or an operator's sign as "+"
	Aliases  []string // other names
	Group    string   // heading in the docs: "string", "temporal", ...
	Syntax   string   // as "LPAD(string, length, pad)"
	Doc      string   // full sentences: what it gives, NULL and error behaviour
	Examples []Example
	MinArgs  int
	MaxArgs  int // -1: any number
	// Bind resolves the function for the arguments, or says why they do not fit.
	Bind func(args []Arg) (*Call, error)
}

// Example is a runnable example: an expression and its value as CAST(... AS STRING) spells it.
type Example struct {
	SQL  string
	Want string // "NULL" for NULL; "error: ..." for an error whose text contains the rest
}

// AggFunc is an aggregate function.
type AggFunc struct {
	Name     string
	Aliases  []string
	Syntax   string
	Doc      string
	Examples []Example
	MinArgs  int
	MaxArgs  int
	// Bind resolves the aggregate for the arguments. retract says that rows may also be taken away.
	Bind func(args []Arg, retract bool) (*AggCall, error)
}

// AggCall is an aggregate resolved for certain argument types.
type AggCall struct {
	Args []types.Type // what the accumulator wants
	Type types.Type
	// New makes an accumulator with room for no group. Each instance belongs to one operator.
	New func() Accumulator
	// State is the types of the accumulator's state columns, as Save writes and Load and Merge read.
	State []types.Type
	// Mergeable: Merge works, so the aggregate can be split into local and global, or into window slices.
	Mergeable bool
}

// Accumulator is the state of one aggregate for many groups, in columns indexed by dense group
// numbers. It is single-threaded. Group numbers grow from 0; a freed group is Reset before reuse.
type Accumulator interface {
	// Resize makes room for groups [0, n); new groups are empty.
	Resize(n int)
	// Update folds rows [lo, hi) of args: row i goes to groups[i] (a negative group: the row is
	// skipped). kinds is nil when all rows add; else -U and -D rows are taken away.
	Update(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) error
	// Running is Update for rows [lo, hi) that also gives the aggregate's value after each row.
	Running(groups []int32, args []vec.Vec, kinds []types.RowKind, lo, hi int) (vec.Vec, error)
	// Values gives the result of each listed group.
	Values(groups []int32) (vec.Vec, error)
	// Save gives the state of each listed group as columns of AggCall.State.
	Save(groups []int32) ([]vec.Vec, error)
	// Load sets the state of the listed groups from what Save gave.
	Load(groups []int32, state []vec.Vec) error
	// Merge adds saved state, row i into groups[i]; only where AggCall.Mergeable.
	Merge(groups []int32, state []vec.Vec) error
	// Reset empties a group.
	Reset(group int32)
	// Bytes estimates the memory held.
	Bytes() int64
}
