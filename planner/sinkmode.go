package planner

import (
	"fmt"
	"strings"

	"weir/connectors"
	"weir/sql/types"
)

// modeError is a sink that cannot take what its query emits. The session shows it at the INSERT's target.
type modeError struct {
	msg, hint string
	root      int // of the plan
}

// Error is the message and the remedy.
func (e *modeError) Error() string { return e.msg + "; " + e.hint }

// negotiate asks the sink's table which of its input's row kinds it takes.
func negotiate(s *Sink) error {
	w, ok := s.Config.(connectors.Writes)
	if !ok {
		return &modeError{msg: fmt.Sprintf("table %q cannot be written", s.Table.Path[2]), hint: "its connector is a source only"}
	}
	want := s.Input.Info().Mode
	takes, err := w.SinkMode(s.Table.Desc, want)
	if err != nil {
		return &modeError{msg: err.Error(), hint: remedy(s)}
	}
	s.Takes = takes
	missing := want &^ takes
	// A sink that takes +U without -U may do without a key, as blackhole does: a connector that
	// writes by key asks for it in SinkMode.
	if missing&^types.ChangelogMode(0).With(types.UpdateBefore) == 0 {
		return nil
	}
	return &modeError{msg: fmt.Sprintf("table %q takes %s only, but the query changes rows it gave before (%s)",
		s.Table.Path[2], kindWords(takes), changer(s.Input)), hint: remedy(s)}
}

func kindWords(m types.ChangelogMode) string {
	if m.AppendOnly() {
		return "inserts"
	}
	return "[" + m.String() + "]"
}

// changer names the topmost node that makes an updating stream of its inputs.
func changer(n Node) string {
	for {
		next := Node(nil)
		for _, in := range n.Inputs() {
			if !in.Info().Mode.AppendOnly() {
				next = in
			}
		}
		switch n.(type) {
		case *GroupAgg, *TopN, *Dedup, *Join, *SetOp:
			return describe(n)
		case *WindowAgg:
			if next == nil {
				return describe(n)
			}
		}
		if next == nil {
			return describe(n)
		}
		n = next
	}
}

func describe(n Node) string {
	in := types.Schema(nil)
	if ins := n.Inputs(); len(ins) > 0 {
		in = ins[0].Info().Out
	}
	switch n := n.(type) {
	case *GroupAgg:
		if len(n.Keys) == 0 {
			return "an aggregate over all rows"
		}
		return "GROUP BY " + colNames(in, n.Keys) + " without a window"
	case *WindowAgg:
		return "the early or late results of a window"
	case *TopN:
		return "Top-N or LIMIT over changing rows"
	case *Dedup:
		return "the last row of each key"
	case *Join:
		return "a join without a time bound"
	case *Scan:
		return "the changes of table " + n.Table.Path[2]
	}
	return kindName(n)
}

// remedy says what would make the INSERT legal: a key to declare where the sink takes keys, else a window.
func remedy(s *Sink) string {
	var key []string
	for _, k := range s.Input.Info().UpsertKeys {
		for _, c := range k {
			key = append(key, "`"+s.Out[c].Name+"`")
		}
		break
	}
	if len(key) > 0 && len(s.Key) == 0 {
		return fmt.Sprintf("declare PRIMARY KEY (%s) NOT ENFORCED on a table whose connector or format takes changes (a CDC format as 'debezium-json' does), or %s",
			strings.Join(key, ", "), finalRemedy(s.Input))
	}
	return "use a connector or format that takes changes (a CDC format as 'debezium-json' does), or " + finalRemedy(s.Input)
}

func colNames(s types.Schema, cols []int) string {
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = s[c].Name
	}
	return strings.Join(names, ", ")
}

// materializeSinks puts an UpsertMaterialize below each sink that writes by a key that is not the query's
// own: several rows of the query may go to one of the sink, and the last to arrive must win. It tells
// whether it did.
func (b *binder) materializeSinks(roots []Node) bool {
	done := false
	for _, n := range roots {
		s, ok := n.(*Sink)
		if !ok || len(s.Key) == 0 || s.Takes.Has(types.UpdateBefore) {
			continue
		}
		in := s.Input.Info()
		if in.Mode.AppendOnly() || hasKey(in.UpsertKeys, s.Key) {
			continue
		}
		s.Input = &UpsertMaterialize{Base: newBase(in.Out), Input: s.Input, Keys: s.Key, TTL: b.p.Settings.StateTTL}
		done = true
	}
	return done
}

func hasKey(keys [][]int, key []int) bool {
	for _, k := range keys {
		if sameSet(k, key) {
			return true
		}
	}
	return false
}

// finalRemedy says what makes a query's rows final.
func finalRemedy(n Node) string {
	for _, in := range postorder([]Node{n}) {
		if w, ok := in.(*WindowAgg); ok && w.Emit != nil {
			return "SET 'table.exec.emit.early-fire.enabled' and 'table.exec.emit.late-fire.enabled' to 'false', so that a window gives one row"
		}
	}
	return "add a window to the query so that each row is final"
}
