package planner

import (
	"fmt"
	"strings"
)

// Match is MATCH_RECOGNIZE: rows of a partition, in time order, matched by a pattern of variables.
// Out is the partition's columns, then the measures. It gives one row for each match.
type Match struct {
	*Base
	Input     Node
	Partition []int
	TimeCol   int
	ProcTime  bool
	Order     []SortKey // after the time
	Vars      []string  // pattern variables, in order of first use
	Pattern   *Pattern
	Define    []MatchExpr // one a variable; Expr nil: always true
	Measures  []MatchExpr
	WithinMs  int64 // between the first and the last row of a match, below this; 0: no limit
	Skip      MatchSkip
	SkipVar   int // variable of Vars, where Skip names one
}

// Pattern is a node of a row pattern: a variable, or a sequence of patterns, repeated.
type Pattern struct {
	Var      int        // index in Match.Vars, or -1
	Seq      []*Pattern // where Var is -1
	Min, Max int        // repetitions; Max -1: unbounded
	Lazy     bool       // as few as possible
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

// MatchExpr is an expression over values taken from the rows matched so far: its column references are
// to Navs.
type MatchExpr struct {
	Expr Expr
	Navs []MatchNav
}

// MatchNav is one such value. In DEFINE the row being tried counts as matched to its variable.
type MatchNav struct {
	Func NavFunc
	Var  int  // variable whose rows count, or -1: all rows of the match
	Arg  Expr // over the input's columns; nil: COUNT(*), and NavRowTime
	Back int  // rows after the first, or before the last
	// Agg is the aggregate of a NavAgg; its Args is [0], the value of Arg.
	Agg *AggCall
}

// NavFunc is how a MatchNav picks its value.
type NavFunc uint8

// The navigations.
const (
	NavLast    NavFunc = iota // LAST(A.x, n), and A.x itself
	NavFirst                  // FIRST(A.x, n)
	NavAgg                    // an aggregate over the rows
	NavRowTime                // MATCH_ROWTIME(): the time when the match is known, mostly of its last row
)

// patternText spells a pattern.
func (n *Match) patternText(p *Pattern) string {
	var text string
	if p.Var >= 0 {
		text = n.Vars[p.Var]
	} else {
		parts := make([]string, len(p.Seq))
		for i, x := range p.Seq {
			parts[i] = n.patternText(x)
		}
		text = "(" + strings.Join(parts, " ") + ")"
	}
	switch {
	case p.Min == 1 && p.Max == 1:
	case p.Max < 0:
		text += fmt.Sprintf("{%d,}", p.Min)
	default:
		text += fmt.Sprintf("{%d,%d}", p.Min, p.Max)
	}
	if p.Lazy {
		text += "?"
	}
	return text
}

// Inputs of a Match.
func (n *Match) Inputs() []Node { return []Node{n.Input} }
