package session

import (
	"fmt"
	"strings"
	"time"

	"weir/exec"
)

// Reference is a table that a lookup join of a job holds in memory.
type Reference struct {
	Table    string    `json:"table"`
	Rows     int64     `json:"rows"`
	Loaded   time.Time `json:"loaded,omitzero"`
	Loads    int64     `json:"loads"`
	Failures int64     `json:"failures,omitempty"`
	Error    string    `json:"error,omitempty"` // why it could not be loaded anew
	Found    int64     `json:"found"`           // rows whose key it had
	Missed   int64     `json:"missed"`          // and had not
}

// References gives the reference tables of a job from its counters, one for each lookup join.
func References(stats []exec.NodeStats) []Reference {
	var out []Reference
	at := map[string]int{}
	for _, s := range stats {
		r := s.Reference
		if r == nil {
			continue
		}
		i, ok := at[s.ID]
		if !ok {
			i, at[s.ID] = len(out), len(out)
			out = append(out, Reference{Table: r.Table, Rows: r.Rows, Loaded: r.Loaded, Loads: r.Loads, Failures: r.Failures, Error: r.Error})
		}
		out[i].Found += r.Found
		out[i].Missed += r.Missed
	}
	return out
}

// Text is what a person is told of the table.
func (r Reference) Text(now time.Time) string {
	text := fmt.Sprintf("table %q is not loaded yet", r.Table)
	if !r.Loaded.IsZero() {
		text = fmt.Sprintf("table %q has %d rows, loaded %s ago; %d of %d rows had no match in it", r.Table, r.Rows, age(r.Loaded, now), r.Missed, r.Found+r.Missed)
	}
	if r.Error != "" {
		text += "; it could not be loaded anew: " + r.Error
	}
	return text
}

func referenceTexts(list []Reference, now time.Time) string {
	lines := make([]string, len(list))
	for i, r := range list {
		lines[i] = r.Text(now)
	}
	return strings.Join(lines, "; ")
}

func age(t, now time.Time) time.Duration {
	d := max(0, now.Sub(t))
	if d > time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(100 * time.Millisecond)
}

// referring tells what is wrong with the table that a lookup join holds in memory.
func (d *diagnosis) referring(n *diagnosed) []string {
	r := n.reference
	switch {
	case r == nil || r.Loaded.IsZero():
		return nil
	case r.Error != "":
		return []string{fmt.Sprintf("%s: table %q could not be loaded anew, so rows of %s ago are used: %s", n.name(), r.Table, age(r.Loaded, d.now), r.Error)}
	case r.Rows == 0 && n.in > 0:
		return []string{fmt.Sprintf("%s: table %q has no rows", n.name(), r.Table)}
	case r.Found == 0 && r.Missed > 0:
		return []string{fmt.Sprintf("%s: none of %d rows had a match in table %q, which has %d rows", n.name(), r.Missed, r.Table, r.Rows)}
	}
	return nil
}

// references tells how the reference tables are, whether that explains anything or not.
func (d *diagnosis) references(nodes []*diagnosed) (out []string) {
	for _, n := range nodes {
		if r := n.reference; r != nil && r.Error == "" {
			out = append(out, n.ID+": "+Reference{Table: r.Table, Rows: r.Rows, Loaded: r.Loaded, Found: r.Found, Missed: r.Missed}.Text(d.now))
		}
	}
	return out
}

// addReference adds what another instance of a join found in the same table.
func addReference(sum, r *exec.ReferenceStats) *exec.ReferenceStats {
	if r == nil || sum == nil {
		return r
	}
	both := *sum
	both.Found, both.Missed = sum.Found+r.Found, sum.Missed+r.Missed
	return &both
}
