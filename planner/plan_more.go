package planner

import (
	"fmt"
	"time"

	"weir/connectors"
	"weir/sql/ast"
	"weir/sql/types"
)

// Expand repeats each row, once for each of Projects (a grouping set). Out is as each project gives; its
// last column is the grouping id, which keeps rows of different sets in different groups.
type Expand struct {
	*Base
	Input    Node
	Projects [][]Expr
	Bucket   *Bucket // nil: the last column is the grouping id
}

// SortKey is a column to order by.
type SortKey struct {
	Col       int
	Desc      bool
	NullsLast bool
}

// Sort orders rows. In streaming the first key is the row-time attribute, ascending: rows leave when the
// watermark passes them, late ones are dropped (Temporal). In batch it sorts all rows at the end.
type Sort struct {
	*Base
	Input    Node
	Keys     []SortKey
	Temporal bool
}

// TopN keeps rows [Offset, Offset+Fetch) of each partition in the order of Keys; ties keep the earlier
// arrival. With Rank, Out has the row number as a last BIGINT column.
type TopN struct {
	*Base
	Input     Node
	Partition []int
	Keys      []SortKey
	Offset    int64
	Fetch     int64
	// FetchExpr, where set, gives the last row number of a partition in place of Offset + Fetch: it reads
	// partition columns only.
	FetchExpr Expr
	Rank      bool
	TTL       time.Duration
}

// Dedup keeps the first or the last row of each key by a time attribute.
type Dedup struct {
	*Base
	Input    Node
	Keys     []int
	TimeCol  int
	ProcTime bool
	Last     bool
	// Rank appends the row number, which is always 1.
	Rank bool
	TTL  time.Duration
}

// WindowTopN is TopN inside each window that the rows carry; it emits, and frees, when the watermark
// passes the window's end. Window has Start and End set.
type WindowTopN struct {
	*Base
	Input     Node
	Window    Window
	Partition []int // without the window's own columns
	Keys      []SortKey
	Offset    int64
	Fetch     int64
	Rank      bool
}

// Over computes aggregates for each row over a frame of rows before it: Out is the input's columns, then Aggs.
type Over struct {
	*Base
	Input     Node
	Partition []int
	Order     []SortKey
	// TimeCol is the time attribute that orders, or -1: then the order is any column's, and results change.
	TimeCol  int
	ProcTime bool
	Frame    Frame
	Aggs     []AggCall
	TTL      time.Duration

	at ast.Node // the call, for errors
}

// Frame is the frame of an Over. Bounds count rows, or milliseconds of a RANGE; negative is before the
// current row. MinFrame and MaxFrame are unbounded.
type Frame struct {
	Rows   bool
	Lo, Hi int64
}

// The unbounded ends of a Frame.
const (
	MinFrame = -1 << 63
	MaxFrame = 1<<63 - 1
)

// JoinKind is a kind of join.
type JoinKind uint8

// The kinds of joins. Semi and Anti give columns of the left input alone.
const (
	InnerJoin JoinKind = iota
	LeftJoin
	RightJoin
	FullJoin
	SemiJoin
	AntiJoin
)

// JoinKeys is the equalities of a join.
type JoinKeys struct {
	Left, Right []int
	// NullSafe says which pairs hold NULL equal to NULL (IS NOT DISTINCT FROM, set operations).
	NullSafe []bool
}

// Join keeps both inputs for ever, or for TTL. Out is left columns, then right.
type Join struct {
	*Base
	Left, Right Node
	Kind        JoinKind
	Keys        JoinKeys
	Cond        Expr // what is not an equality, over left columns then right; nil: none
	// NullAware is NOT IN: a NULL on the right, or of the left key, is neither in nor out.
	NullAware bool
	// LeftKey and RightKey are how each input's state is kept.
	LeftKey, RightKey StateKey
	// LeftTTL and RightTTL are how long each input is kept; 0 is for ever.
	LeftTTL, RightTTL time.Duration

	settled bool // its conditions are in their places
}

// StateKey is how a join keeps one input.
type StateKey struct {
	// Unique columns identify a row; nil: rows are counted as in a multiset.
	Unique []int
	// InJoinKey: the join key holds the unique columns, so at most one row a join key.
	InJoinKey bool
}

// IntervalJoin joins rows whose times are near: left time in [right + Lower, right + Upper] ms.
type IntervalJoin struct {
	*Base
	Left, Right         Node
	Kind                JoinKind
	Keys                JoinKeys
	LeftTime, RightTime int
	ProcTime            bool
	Lower, Upper        int64
	Cond                Expr
}

// TemporalJoin joins each left row with the right row that was valid at the left row's time.
type TemporalJoin struct {
	*Base
	Left, Right         Node
	Kind                JoinKind
	Keys                JoinKeys
	LeftTime, RightTime int
	Cond                Expr
	TTL                 time.Duration
}

// LookupJoin asks a table for the rows of each left row, in processing time.
type LookupJoin struct {
	*Base
	Input Node
	Table *Table
	Scan  *Scan // what of the table is wanted; it is never read as a source
	Kind  JoinKind
	// Keys pair a column of Scan.Out with an expression over Input.
	Columns []int
	Exprs   []Expr
	Cond    Expr // over Input columns, then Scan.Out
	// Ask says how the table is asked by key; nil: it is held in memory as a whole.
	Ask *LookupAsk `json:",omitempty"`
}

// ChangeKeys are the columns of the input by which changes that wait for answers stay in order, at any parallelism: those that
// identify a row. Nil: rows are only added, or nobody is asked. Empty: there is only one row.
func (n *LookupJoin) ChangeKeys() []int {
	in := n.Input.Info()
	switch {
	case n.Ask == nil || in.Mode.AppendOnly():
		return nil
	case len(in.UpsertKeys) == 0:
		return span(0, len(in.Out))
	case in.UpsertKeys[0] == nil:
		return []int{}
	}
	return in.UpsertKeys[0]
}

// LookupAsk says how a table is asked by key.
type LookupAsk struct {
	// Inputs, of a model, is what Exprs gives it; NULLs too. Nil: Exprs are the values of Columns.
	Inputs    types.Schema
	Unordered bool          // rows leave as their answers come, though not behind a watermark
	Capacity  int           // requests under way at a time, of an instance
	Timeout   time.Duration // of a request, with all its attempts
	Attempts  int           // of a request that fails in passing
	// A key without rows is asked again after MissDelay, MissAttempts times in all; 0: never.
	MissDelay    time.Duration
	MissAttempts int
	OnError      string // fail, null (as a key without rows) or log (the row is rejected)
	Cache        PartialCache
}

// PartialCache says how long answers are kept.
type PartialCache = connectors.PartialCache

// WindowJoin joins rows of the same window.
type WindowJoin struct {
	*Base
	Left, Right   Node
	Kind          JoinKind
	Keys          JoinKeys // without the window columns
	LeftW, RightW Window   // each with Start and End
	Cond          Expr
}

// Unnest gives a row for each element of a collection in the input's row: Out is the input's columns,
// then the element's (a ROW's fields; a MAP's key and value; a MULTISET repeats), then the ordinal.
type Unnest struct {
	*Base
	Input      Node
	Collection Expr
	Outer      bool // LEFT JOIN UNNEST: a row without elements stays, with NULLs
	Ordinality bool
	Cond       Expr // ON, over Out
}

// SetOp is INTERSECT or EXCEPT, by rows.
type SetOp struct {
	*Base
	Ins    []Node
	Except bool
	All    bool
	TTL    time.Duration
}

// UpsertMaterialize puts the rows of a sink's key in order where the query's own key is another: it
// keeps the rows of each key in arrival order and shows the last.
type UpsertMaterialize struct {
	*Base
	Input Node
	Keys  []int
	TTL   time.Duration
}

// Inputs of an Expand, and so on for each node.
func (n *Expand) Inputs() []Node            { return []Node{n.Input} }
func (n *Sort) Inputs() []Node              { return []Node{n.Input} }
func (n *TopN) Inputs() []Node              { return []Node{n.Input} }
func (n *Dedup) Inputs() []Node             { return []Node{n.Input} }
func (n *WindowTopN) Inputs() []Node        { return []Node{n.Input} }
func (n *Over) Inputs() []Node              { return []Node{n.Input} }
func (n *Join) Inputs() []Node              { return []Node{n.Left, n.Right} }
func (n *IntervalJoin) Inputs() []Node      { return []Node{n.Left, n.Right} }
func (n *TemporalJoin) Inputs() []Node      { return []Node{n.Left, n.Right} }
func (n *LookupJoin) Inputs() []Node        { return []Node{n.Input} }
func (n *WindowJoin) Inputs() []Node        { return []Node{n.Left, n.Right} }
func (n *Unnest) Inputs() []Node            { return []Node{n.Input} }
func (n *SetOp) Inputs() []Node             { return n.Ins }
func (n *UpsertMaterialize) Inputs() []Node { return []Node{n.Input} }

// setInput puts a node in the place of input i.
func setInput(n Node, i int, in Node) {
	switch n := n.(type) {
	case *Join:
		*pick(i, &n.Left, &n.Right) = in
	case *IntervalJoin:
		*pick(i, &n.Left, &n.Right) = in
	case *TemporalJoin:
		*pick(i, &n.Left, &n.Right) = in
	case *WindowJoin:
		*pick(i, &n.Left, &n.Right) = in
	case *Union:
		n.Ins[i] = in
	case *SetOp:
		n.Ins[i] = in
	default:
		*singleInput(n) = in
	}
}

func pick(i int, left, right *Node) *Node {
	if i == 0 {
		return left
	}
	return right
}

// singleInput is the place of the input of a node that has one.
func singleInput(n Node) *Node {
	switch n := n.(type) {
	case *Calc:
		return &n.Input
	case *GroupAgg:
		return &n.Input
	case *WindowTVF:
		return &n.Input
	case *WindowAgg:
		return &n.Input
	case *Limit:
		return &n.Input
	case *Exchange:
		return &n.Input
	case *ChangelogNormalize:
		return &n.Input
	case *Sink:
		return &n.Input
	case *Collect:
		return &n.Input
	case *Expand:
		return &n.Input
	case *Sort:
		return &n.Input
	case *TopN:
		return &n.Input
	case *Dedup:
		return &n.Input
	case *WindowTopN:
		return &n.Input
	case *Over:
		return &n.Input
	case *LookupJoin:
		return &n.Input
	case *Unnest:
		return &n.Input
	case *UpsertMaterialize:
		return &n.Input
	case *Match:
		return &n.Input
	case *ToChangelog:
		return &n.Input
	case *FromChangelog:
		return &n.Input
	}
	panic(fmt.Sprintf("planner: %T is not known to have one input", n))
}

// kindName is a node's kind in EXPLAIN and in IDs.
func kindName(n Node) string {
	switch n.(type) {
	case *Scan:
		return "Scan"
	case *Values:
		return "Values"
	case *Calc:
		return "Calc"
	case *GroupAgg:
		return "GroupAgg"
	case *WindowTVF:
		return "WindowTVF"
	case *WindowAgg:
		return "WindowAgg"
	case *Union:
		return "Union"
	case *Limit:
		return "Limit"
	case *Exchange:
		return "Exchange"
	case *ChangelogNormalize:
		return "ChangelogNormalize"
	case *Sink:
		return "Sink"
	case *Collect:
		return "Collect"
	}
	return kindNameMore(n)
}

func kindNameMore(n Node) string {
	switch n.(type) {
	case *Expand:
		return "Expand"
	case *Sort:
		return "Sort"
	case *TopN:
		return "TopN"
	case *Dedup:
		return "Dedup"
	case *WindowTopN:
		return "WindowTopN"
	case *Over:
		return "Over"
	case *Join:
		return "Join"
	case *IntervalJoin:
		return "IntervalJoin"
	case *TemporalJoin:
		return "TemporalJoin"
	case *LookupJoin:
		return "LookupJoin"
	case *WindowJoin:
		return "WindowJoin"
	case *Unnest:
		return "Unnest"
	case *SetOp:
		return "SetOp"
	case *UpsertMaterialize:
		return "UpsertMaterialize"
	case *Match:
		return "Match"
	case *ToChangelog:
		return "ToChangelog"
	case *FromChangelog:
		return "FromChangelog"
	}
	panic("planner: unknown node")
}

// newBase is the base of a node with those columns.
func newBase(out types.Schema) *Base { return &Base{Out: out} }
