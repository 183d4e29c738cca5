package planner

// Match is MATCH_RECOGNIZE: rows of a partition, in time order, matched by a pattern of variables.
// Out is the partition's columns, then the measures.
type Match struct {
	*Base
	Input     Node
	Partition []int
	TimeCol   int
	Order     []SortKey // after the time
	Vars      []string  // pattern variables, in order of first use
	Pattern   *Pattern
	Define    []MatchExpr // one a variable; Expr nil: always true
	Measures  []MatchExpr
	WithinMs  int64 // 0: no limit
	Skip      MatchSkip
	SkipVar   int // variable of Vars, where Skip names one
}

// Pattern is a node of a row pattern.
type Pattern struct {
	Var      int // leaf: index in Match.Vars, or -1
	Seq      []*Pattern
	Min, Max int // repetitions; Max -1: unbounded
	Lazy     bool
	Exclude  bool
}

// MatchSkip is where matching goes on after a match.
type MatchSkip uint8

// The skips.
const (
	SkipPastLast MatchSkip = iota
	SkipToNext
	SkipToFirst
	SkipToLast
)

// MatchExpr is an expression over what a match navigates to: its column references are to Navs.
type MatchExpr struct {
	Expr Expr
	Navs []MatchNav
}

// MatchNav is one value taken from the rows matched so far.
type MatchNav struct {
	Func string // "LAST", "FIRST", "PREV", or an aggregate
	Var  int    // variable, or -1: all rows
	Arg  Expr   // over the input's columns; nil: COUNT(*)
	Back int    // FIRST and LAST: rows on, or back
	Agg  *AggCall
}

// Inputs of a Match.
func (n *Match) Inputs() []Node { return []Node{n.Input} }
