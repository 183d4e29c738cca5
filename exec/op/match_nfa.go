package op

import (
	"fmt"

	"weir/planner"
)

// automaton is a row pattern made ready to run. A state has edges; an edge takes the row as a variable,
// or passes on to another state with the same row. A greedy variable closes the edges behind it to rows
// that it could take itself.
type automaton struct {
	states []matchState
	start  int
	names  []string
	skip   planner.MatchSkip
	skipTo int // the variable that skip names
	within int64
}

type matchState struct {
	final bool
	edges []matchEdge
	asks  uint64 // variables whose conditions decide what comes next
}

// matchEdge is open for a row that fits take, if that is a variable, and none of not.
type matchEdge struct {
	take int // -1: passes on
	to   int
	not  uint64
}

// passes is the take of an edge that takes no row.
const passes = -1

// maxVars is how many variables a pattern may have: sets of them are bits of a word.
const maxVars = 64

func newAutomaton(n *planner.Match) (*automaton, error) {
	a := &automaton{names: n.Vars, skip: n.Skip, skipTo: n.SkipVar, within: n.WithinMs}
	if len(n.Vars) > maxVars {
		return nil, fmt.Errorf("a pattern of MATCH_RECOGNIZE has at most %d variables, this one has %d", maxVars, len(n.Vars))
	}
	vars, err := flatPattern(n.Pattern, nil)
	if err != nil {
		return nil, err
	}
	sink := a.add(matchState{final: true})
	for i := len(vars) - 1; i >= 0; i-- {
		sink = a.variable(vars[i], sink)
	}
	a.start = sink
	for i := range a.states {
		a.states[i].asks = a.asked(i)
	}
	return a, nil
}

// flatPattern lists the variables of a pattern with their quantifiers.
func flatPattern(p *planner.Pattern, out []*planner.Pattern) ([]*planner.Pattern, error) {
	if p.Var >= 0 {
		return append(out, p), nil
	}
	if p.Min != 1 || p.Max != 1 {
		return nil, fmt.Errorf("a pattern of MATCH_RECOGNIZE cannot repeat a group of variables")
	}
	for _, x := range p.Seq {
		var err error
		if out, err = flatPattern(x, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *automaton) add(s matchState) int {
	a.states = append(a.states, s)
	return len(a.states) - 1
}

func (a *automaton) link(from int, e matchEdge) {
	a.states[from].edges = append(a.states[from].edges, e)
}

// variable adds the states of a variable with its quantifier, before the state that follows.
func (a *automaton) variable(p *planner.Pattern, next int) int {
	lo, hi := max(p.Min, 1), p.Max
	optional := p.Min == 0
	// Of one row or none, the shorter match is always tried too.
	greedy := !p.Lazy && p.Min != p.Max && !(p.Min == 0 && p.Max == 1)
	if greedy {
		for i := range a.states[next].edges {
			a.states[next].edges[i].not |= 1 << p.Var
		}
	}
	last := next
	if hi < 0 {
		last = a.add(matchState{})
		a.link(last, matchEdge{take: passes, to: next})
		a.link(last, matchEdge{take: p.Var, to: last})
		hi = lo
	}
	for range hi - lo {
		last = a.single(p.Var, last, next, true)
	}
	for range lo - 1 {
		last = a.single(p.Var, last, next, false)
	}
	return a.single(p.Var, last, next, optional)
}

// single adds a state that takes one row, or passes on if it is optional.
func (a *automaton) single(v, to, next int, optional bool) int {
	s := a.add(matchState{edges: []matchEdge{{take: v, to: to}}})
	if optional {
		a.link(s, matchEdge{take: passes, to: next})
	}
	return s
}

// asked collects the variables on the edges that a row can come to from a state, and on those that pass
// on behind a row that was taken.
func (a *automaton) asked(from int) uint64 {
	set := uint64(0)
	seen := make([]bool, len(a.states))
	var visit func(int, bool)
	visit = func(s int, ahead bool) {
		if seen[s] && !ahead {
			return
		}
		seen[s] = seen[s] || !ahead
		for _, e := range a.states[s].edges {
			if e.take == passes {
				set |= e.not
				visit(e.to, ahead)
			} else if !ahead {
				set |= e.not | 1<<e.take
				visit(e.to, true)
			}
		}
	}
	visit(from, false)
	return set
}

func (e *matchEdge) open(fits uint64) bool {
	return (e.take == passes || fits>>e.take&1 != 0) && e.not&fits == 0
}

// takes gives the edges that take a row of which fits tells the variables it could be.
func (a *automaton) takes(state int, fits uint64) []*matchEdge {
	var out []*matchEdge
	stack := []int{state}
	for len(stack) > 0 {
		s := &a.states[stack[len(stack)-1]]
		stack = stack[:len(stack)-1]
		for i := range s.edges {
			e := &s.edges[i]
			switch {
			case !e.open(fits):
			case e.take == passes:
				stack = append(stack, e.to)
			default:
				out = append(out, e)
			}
		}
	}
	return out
}

// complete tells whether a match may end in a state: it passes on to the end.
func (a *automaton) complete(state int, fits uint64) bool {
	for i := range a.states[state].edges {
		e := &a.states[state].edges[i]
		if e.take == passes && e.open(fits) && (a.states[e.to].final || a.complete(e.to, fits)) {
			return true
		}
	}
	return false
}

// partial is a match under way, or one that is complete.
type partial struct {
	state int
	start *matchRow // nil: no row yet
	last  *matchNode
	accs  [][]byte // running aggregates over its rows; nil: of no rows
}

// matchPart is the matches of one partition. One of open has no row yet: it begins a match at each row.
type matchPart struct {
	open partials
	done partials // complete, but a match that began before may still come
	due  int64    // when a time limit is looked at, 0: there is none
	seen int64    // matches as of the last count
}

// count gives how many matches there are more than at the last count; none are under way in an idle part.
func (p *matchPart) count() int64 {
	n := int64(len(p.open) + len(p.done))
	if p.idle() {
		n = 0
	}
	more := n - p.seen
	p.seen = n
	return more
}

func (a *automaton) newPart() *matchPart {
	return &matchPart{open: partials{{state: a.start}}}
}

// idle tells whether the part is as a new one is.
func (p *matchPart) idle() bool { return len(p.open) == 1 && len(p.done) == 0 }

// step moves the matches of a partition on by a row; fits[i] tells which variables the row could be
// behind open[i]. It gives the matches that are found and the partial matches that took the row.
func (a *automaton) step(p *matchPart, row *matchRow, fits []uint64) (found, grown []*partial, err error) {
	var open, ended partials
	for i, x := range p.open {
		for _, e := range a.takes(x.state, fits[i]) {
			next := &partial{state: e.to, start: x.start, last: x.last.grow(row, e.take), accs: x.accs}
			if next.start == nil {
				next.start = row
			}
			if a.states[e.to].final {
				ended.push(next)
				continue
			}
			grown = append(grown, next)
			open.push(next)
			if a.complete(e.to, fits[i]) {
				ended.push(&partial{state: e.to, start: next.start, last: next.last})
			}
		}
		if x.start == nil {
			open.push(x)
		}
	}
	p.open = open
	for _, x := range ended {
		p.done.push(x)
	}
	found, err = a.release(p)
	return found, grown, err
}

// expire ends the partial matches that began too long ago, and gives the matches that waited for them.
func (a *automaton) expire(p *matchPart, now int64) ([]*partial, error) {
	if x := p.open[0]; a.within == 0 || x.start == nil || now-x.start.time < a.within {
		return nil, nil
	}
	var open partials
	for _, x := range p.open {
		if x.start == nil || now-x.start.time < a.within {
			open.push(x)
		}
	}
	p.open = open
	return a.release(p)
}

// release gives the complete matches, the earliest first, as long as no match that began before may still
// come. Each takes away those that its AFTER MATCH SKIP passes over.
func (a *automaton) release(p *matchPart) ([]*partial, error) {
	var found []*partial
	for len(p.done) > 0 && !p.open[0].before(p.done[0]) {
		x := p.done.pop()
		limit, err := a.limit(x)
		if err != nil {
			return nil, err
		}
		p.open.prune(limit)
		p.done.prune(limit)
		found = append(found, x)
	}
	return found, nil
}

// limit is the place of the row where the next match may begin at the earliest.
func (a *automaton) limit(x *partial) (int64, error) {
	switch a.skip {
	case planner.SkipPastLast:
		return x.last.row.seq + 1, nil
	case planner.SkipToNext:
		return x.start.seq + 1, nil
	}
	to, how := x.last.lastOf(a.skipTo, 0), "LAST"
	if a.skip == planner.SkipToFirst {
		to, how = x.last.firstOf(a.skipTo, 0), "FIRST"
	}
	name := a.names[a.skipTo]
	if to == nil {
		return 0, fmt.Errorf("AFTER MATCH SKIP TO %s %q: a match has no row of %q; skip to a variable that every match has", how, name, name)
	}
	if to.row == x.start {
		return 0, fmt.Errorf("AFTER MATCH SKIP TO %s %q: that is the first row of a match, so matching would not get on; skip to a later one", how, name)
	}
	return to.row.seq, nil
}
