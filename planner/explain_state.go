package planner

import (
	"fmt"
	"strings"
	"time"

	"weir/sql/types"
)

// NodeState says what an operator keeps.
type NodeState struct {
	ID   string `json:"id"`
	Does string `json:"does,omitempty"`
	// Keeps is what it keeps; Grows is what makes that more, "" where nothing does.
	Keeps string `json:"keeps"`
	Grows string `json:"growsWith,omitempty"`
	// Freed is what frees it, "" where nothing does.
	Freed string `json:"freedBy,omitempty"`
	// Bounded: it does not grow for ever, given that event time moves on.
	Bounded bool `json:"bounded"`
}

// States lists what the operators of a plan keep, inputs first.
func States(p *Plan) []NodeState {
	var out []NodeState
	for _, n := range postorder(p.Roots) {
		s, ok := stateOf(n)
		if !ok {
			continue
		}
		s.ID = n.Info().ID
		s.Does = strings.TrimPrefix(nodeText(n), ": ")
		if p.Settings.Batch {
			s.Bounded, s.Freed = true, "the end of the input"
		}
		out = append(out, s)
	}
	return out
}

// StateText is what EXPLAIN STATE adds to a plan.
func StateText(p *Plan) string {
	states := States(p)
	if len(states) == 0 {
		return "state: none\n"
	}
	var b strings.Builder
	open := 0
	for _, s := range states {
		word := "bounded"
		if !s.Bounded {
			word = "unbounded"
			open++
		}
		fmt.Fprintf(&b, "state of %s: %s; %s", s.ID, word, s.Keeps)
		if s.Grows != "" {
			b.WriteString("; grows with " + s.Grows)
		}
		if s.Freed == "" {
			b.WriteString("; never freed\n")
		} else {
			b.WriteString("; freed by " + s.Freed + "\n")
		}
	}
	fmt.Fprintf(&b, "state in all: %s, %d unbounded\n", countWord(len(states), "operator"), open)
	return b.String()
}

// stateOf says what a node keeps; ok is false where it keeps nothing.
func stateOf(n Node) (s NodeState, ok bool) {
	in := types.Schema(nil)
	if ins := n.Inputs(); len(ins) > 0 {
		in = ins[0].Info().Out
	}
	switch n := n.(type) {
	case *GroupAgg:
		return groupState(n, in), true
	case *WindowAgg:
		return windowState(n, in), true
	case *WindowTVF:
		if !n.Window.byKey() {
			return s, false
		}
		return NodeState{Keeps: "the rows of open windows", Grows: "rows in a window", Freed: windowEnd(n.Window.ProcTime), Bounded: true}, true
	case *WindowTopN:
		return NodeState{Keeps: fmt.Sprintf("%d rows%s of each open window", n.Offset+n.Fetch, forEach(n.Partition, in)), Grows: distinctOf(n.Partition, in), Freed: windowEnd(false), Bounded: true}, true
	case *WindowJoin:
		return NodeState{Keeps: "the rows of open windows, of both inputs", Grows: "rows in a window", Freed: windowEnd(false), Bounded: true}, true
	case *Dedup:
		return lasting(NodeState{Keeps: "1 row for each (" + colNames(in, n.Keys) + ")", Grows: distinctOf(n.Keys, in)}, n.TTL), true
	case *TopN:
		return topNState(n, in), true
	case *Join:
		return joinState(n), true
	case *SetOp:
		return lasting(NodeState{Keeps: "a count for each row", Grows: "distinct rows"}, n.TTL), true
	case *ChangelogNormalize:
		return lasting(NodeState{Keeps: "1 row for each (" + colNames(in, n.Keys) + ")", Grows: distinctOf(n.Keys, in)}, n.TTL), true
	case *UpsertMaterialize:
		return lasting(NodeState{Keeps: "the rows of each (" + colNames(in, n.Keys) + ")", Grows: "rows that were not taken back"}, n.TTL), true
	}
	return stateInTime(n, in)
}

// stateInTime is that of nodes which event time frees.
func stateInTime(n Node, in types.Schema) (s NodeState, ok bool) {
	switch n := n.(type) {
	case *IntervalJoin:
		return NodeState{Keeps: "the rows within " + millisText(n.Upper-n.Lower) + ", of both inputs", Grows: "rows in that time", Freed: clockWord(n.ProcTime), Bounded: true}, true
	case *TemporalJoin:
		right := n.Right.Info().Out
		s = NodeState{Keeps: "the left rows ahead of the watermark, and the versions of each (" + colNames(right, n.Keys.Right) + ") on the right", Grows: distinctOf(n.Keys.Right, right), Freed: "the watermark, but for the newest version of each"}
		if n.TTL > 0 {
			s.Freed, s.Bounded = "the watermark, and all of a key by its TTL, "+spanText(n.TTL)+" after the last write", true
		}
		return s, true
	case *Sort:
		if !n.Temporal {
			return NodeState{Keeps: "all rows", Grows: "rows", Freed: "the end of the input"}, true
		}
		return NodeState{Keeps: "the rows ahead of the watermark", Grows: "the watermark's delay", Freed: "the watermark", Bounded: true}, true
	case *Over:
		return overState(n, in), true
	case *Match:
		s = NodeState{Keeps: "the partial matches" + forEach(n.Partition, in), Grows: "rows that begin a match", Freed: "their end"}
		if n.WithinMs > 0 {
			s.Freed, s.Bounded = "their end, or "+millisText(n.WithinMs)+" of event time", true
		}
		return s, true
	case *Limit:
		return NodeState{Keeps: "a count of rows", Bounded: true}, true
	}
	return s, false
}

func groupState(n *GroupAgg, in types.Schema) NodeState {
	if n.Phase == LocalPhase {
		return NodeState{Keeps: fmt.Sprintf("1 row%s of a bundle", forEach(n.Keys, in)), Grows: distinctOf(n.Keys, in), Freed: fmt.Sprintf("its end, %d rows or %s", n.Bundle.Rows, millisText(n.Bundle.Ms)), Bounded: true}
	}
	s := NodeState{Keeps: "1 row" + forEach(n.Keys, in), Grows: distinctOf(n.Keys, in)}
	if values := keptValues(n.Aggs, in); values != "" {
		s.Keeps += " with " + values
		if s.Grows != "" {
			s.Grows += ", and "
		}
		s.Grows += "those values"
	}
	return lasting(s, n.TTL)
}

// keptValues names the values that aggregates keep one by one.
func keptValues(aggs []AggCall, in types.Schema) string {
	var parts []string
	for _, a := range aggs {
		all := "all values of "
		switch {
		case a.Distinct:
			all = "the distinct values of "
		case a.Func == "LISTAGG" || a.Func == "COLLECT" || a.Func == "ARRAY_AGG" || strings.HasPrefix(a.Func, "JSON_"):
		case a.Retract && (a.Func == "MIN" || a.Func == "MAX" || a.Func == "FIRST_VALUE" || a.Func == "LAST_VALUE"):
		default:
			continue
		}
		if a.Args != nil {
			parts = append(parts, all+colNames(in, a.Args))
		}
	}
	return strings.Join(parts, " and ")
}

func windowState(n *WindowAgg, in types.Schema) NodeState {
	s := NodeState{Keeps: "1 row" + forEach(n.Keys, in) + " in each open window", Grows: distinctOf(n.Keys, in), Freed: windowEnd(n.Window.ProcTime), Bounded: true}
	if n.Phase == LocalPhase {
		s.Keeps, s.Freed = "1 row"+forEach(n.Keys, in)+" in each open slice", "the watermark"
	}
	if n.Emit != nil && n.Emit.Lateness > 0 {
		s.Freed += " and " + millisText(n.Emit.Lateness)
	}
	if values := keptValues(n.Aggs, in); values != "" && n.Phase != GlobalPhase {
		s.Keeps += " with " + values
	}
	return s
}

func topNState(n *TopN, in types.Schema) NodeState {
	inserts := n.Input.Info().Mode.AppendOnly()
	if !inserts || n.FetchExpr != nil {
		return lasting(NodeState{Keeps: "all rows" + forEach(n.Partition, in), Grows: "rows that were not taken back"}, n.TTL)
	}
	s := NodeState{Keeps: countWord(int(n.Offset+n.Fetch), "row") + forEach(n.Partition, in), Grows: distinctOf(n.Partition, in)}
	return lasting(s, n.TTL)
}

func joinState(n *Join) NodeState {
	s := NodeState{Keeps: "all rows of both inputs", Grows: "rows that were not taken back"}
	if n.LeftTTL == n.RightTTL || n.LeftTTL == 0 || n.RightTTL == 0 {
		return lasting(s, min(n.LeftTTL, n.RightTTL))
	}
	s.Freed, s.Bounded = fmt.Sprintf("time: the left rows %s after their last write, the right ones %s", spanText(n.LeftTTL), spanText(n.RightTTL)), true
	return s
}

func overState(n *Over, in types.Schema) NodeState {
	if n.TimeCol < 0 {
		return lasting(NodeState{Keeps: "all rows" + forEach(n.Partition, in), Grows: "rows that were not taken back"}, n.TTL)
	}
	switch {
	case n.Frame.Lo == MinFrame:
		return lasting(NodeState{Keeps: "1 row" + forEach(n.Partition, in), Grows: distinctOf(n.Partition, in)}, n.TTL)
	case n.Frame.Rows:
		return lasting(NodeState{Keeps: countWord(int(1-n.Frame.Lo), "row") + forEach(n.Partition, in), Grows: distinctOf(n.Partition, in)}, n.TTL)
	}
	return NodeState{Keeps: "the rows of " + millisText(-n.Frame.Lo) + forEach(n.Partition, in), Grows: "rows in that time", Freed: clockWord(n.ProcTime), Bounded: true}
}

// lasting is state that only a TTL frees. What does not grow is bounded anyway.
func lasting(s NodeState, ttl time.Duration) NodeState {
	if ttl > 0 {
		s.Freed, s.Bounded = "its TTL, "+spanText(ttl)+" after the last write", true
	}
	if s.Grows == "" {
		s.Bounded = true
	}
	return s
}

func windowEnd(proc bool) string { return clockWord(proc) + " passing the window's end" }

func clockWord(proc bool) string {
	return map[bool]string{false: "the watermark", true: "the clock"}[proc]
}

func forEach(cols []int, in types.Schema) string {
	if len(cols) == 0 {
		return ""
	}
	return " for each (" + colNames(in, cols) + ")"
}

func distinctOf(cols []int, in types.Schema) string {
	if len(cols) == 0 {
		return ""
	}
	return "distinct (" + colNames(in, cols) + ")"
}
