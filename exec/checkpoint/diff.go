package checkpoint

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"weir/exec/state"
)

// What became of an operator between two plans.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// Change is one operator in which two plans differ.
type Change struct {
	ID, Kind string
	What     string // Added, Removed or Changed
	Was, Is  string // what it did and does; empty where it was or is not there
	// State: the checkpoint holds something of the operator, or should, so that the change matters to a restore.
	State bool
	// Lost: its state cannot be taken up: the operator is gone, or keeps its tables in another way.
	Lost bool
}

// String is the change as a line.
func (c Change) String() string {
	switch c.What {
	case Added:
		return fmt.Sprintf("+ %s: %s", c.ID, c.Is)
	case Removed:
		return fmt.Sprintf("- %s: %s", c.ID, c.Was)
	}
	return fmt.Sprintf("~ %s: was %s, is %s", c.ID, c.Was, c.Is)
}

// Diff lists the operators in which a plan differs from the one a checkpoint was made with, by their IDs.
func Diff(was, is []Operator) (out []Change) {
	old := map[string]Operator{}
	for _, o := range was {
		old[o.ID] = o
	}
	now := map[string]bool{}
	for _, n := range is {
		now[n.ID] = true
		o, ok := old[n.ID]
		if !ok {
			out = append(out, Change{ID: n.ID, Kind: n.Kind, What: Added, Is: n.Text, State: n.keeps()})
			continue
		}
		if c, differs := change(o, n); differs {
			out = append(out, c)
		}
	}
	for _, o := range was {
		if !now[o.ID] {
			out = append(out, Change{ID: o.ID, Kind: o.Kind, What: Removed, Was: o.Text, State: o.keeps(), Lost: o.keeps()})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// keeps tells whether a checkpoint has something of the operator.
func (o Operator) keeps() bool { return len(o.Tables) > 0 || o.Role != Inner }

func change(o, n Operator) (Change, bool) {
	c := Change{ID: n.ID, Kind: n.Kind, What: Changed, Was: o.Text, Is: n.Text, State: o.keeps() || n.keeps()}
	switch {
	case o.Kind != n.Kind || o.Role != n.Role:
		c.Was, c.Is = o.Kind+": "+o.Text, n.Kind+": "+n.Text
		c.Lost = o.keeps()
	case !slices.EqualFunc(o.Tables, n.Tables, sameTable):
		c.Lost = true
		if c.Was == c.Is {
			c.Was, c.Is = tablesText(o.Tables), tablesText(n.Tables)
		}
	case o.Text == n.Text:
		return c, false
	}
	c.Lost = c.Lost || o.Role != Inner // another table's place, or output
	return c, true
}

// sameTable tells whether a table's entries can be read as another's. TTL may change: it is stamped in values.
func sameTable(a, b state.Spec) bool {
	return a.Name == b.Name && a.Version == b.Version && slices.Equal(a.Key, b.Key) && slices.Equal(a.Value, b.Value) && (a.TTL > 0) == (b.TTL > 0)
}

func tablesText(tables []state.Spec) string {
	if len(tables) == 0 {
		return "no state"
	}
	parts := make([]string, len(tables))
	for i, t := range tables {
		parts[i] = fmt.Sprintf("%s (%s) -> (%s)", t.Name, strings.Join(t.Key, ", "), strings.Join(t.Value, ", "))
		if t.Version > 0 {
			parts[i] += fmt.Sprintf(" version %d", t.Version)
		}
		if t.TTL > 0 {
			parts[i] += " with TTL"
		}
	}
	return strings.Join(parts, "; ")
}

// OneParallelism is why a checkpoint that did not wait for what was queued before operators cannot be restored.
type OneParallelism struct {
	Checkpoint  int64
	Operator    string // that rows were on their way to
	Parallelism int    // that it can be restored at
}

// Error says what to do.
func (e *OneParallelism) Error() string {
	return fmt.Sprintf("checkpoint %d did not wait for slow operators and holds rows that were on their way to %s at parallelism %d: it can be restored with that alone, and with the same plan; "+
		"a savepoint can be restored at any", e.Checkpoint, e.Operator, e.Parallelism)
}

// Mismatch is the error of a restore whose plan does not fit the checkpoint.
type Mismatch struct {
	Checkpoint int64
	Path       string
	Diff       []Change
}

// Error shows the operators that differ.
func (m *Mismatch) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "checkpoint %d", m.Checkpoint)
	if m.Path != "" {
		fmt.Fprintf(&b, " in %q", m.Path)
	}
	b.WriteString(" was made by another query; these operators differ (- was there, + is there, ~ changed):")
	for _, c := range m.Diff {
		if c.State {
			b.WriteString("\n  " + c.String())
		}
	}
	b.WriteString("\nstart the job without it, or allow non-restored state to take up only what still fits")
	return b.String()
}
