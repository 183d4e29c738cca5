package planner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"weir/sql/ast"
)

// The kinds of warnings.
const (
	UnboundedState  = "unbounded-state"
	IntegerDivision = "integer-division"
	WindowColumns   = "window-columns"
	IdleSource      = "idle-source"
	Volatile        = "non-deterministic"
	NotOnFlink      = "not-on-flink"
	ReservedWord    = "reserved-word"
	OtherAdvice     = "note"
)

// Edit replaces Len bytes of a statement's text by Text, or by a copy of other bytes of it.
type Edit struct {
	Pos, Len int
	Text     string
	// CopyPos and CopyLen, where CopyLen is above 0, are the bytes to copy.
	CopyPos, CopyLen int
}

// Fix is what a warning's edits come to: one replacement.
type Fix struct {
	Pos  int    `json:"offset"`
	Len  int    `json:"length"`
	Text string `json:"text"`
}

// Start stands for the place where the statement begins.
const Start = -1

// FixOf makes one replacement of a warning's edits of the text src, whose statement begins at start; nil
// where it has none.
func FixOf(w Warning, src string, start int) *Fix {
	if len(w.Fix) == 0 {
		return nil
	}
	edits := slices.Clone(w.Fix)
	for i := range edits {
		if edits[i].Pos == Start {
			edits[i].Pos = start
		}
	}
	slices.SortStableFunc(edits, func(a, b Edit) int { return a.Pos - b.Pos })
	last := edits[len(edits)-1]
	f := &Fix{Pos: edits[0].Pos, Len: last.Pos + last.Len - edits[0].Pos}
	if f.Pos+f.Len > len(src) {
		return nil // the places are of another text
	}
	at := f.Pos
	for _, e := range edits {
		text := e.Text
		if e.CopyLen > 0 {
			text = src[e.CopyPos : e.CopyPos+e.CopyLen]
		}
		f.Text += src[at:e.Pos] + text
		at = e.Pos + e.Len
	}
	return f
}

// before sets a setting ahead of the statement.
func before(name, value string) []Edit {
	return []Edit{{Pos: Start, Text: fmt.Sprintf("SET '%s' = '%s';\n", name, value)}}
}

// jsonAdvice is a warning in JSON. Offsets are bytes of the statement's text.
type jsonAdvice struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Offset  *int   `json:"offset,omitempty"`
	Length  int    `json:"length,omitempty"`
	Fix     *Fix   `json:"fix,omitempty"`
}

// AdviceJSON gives warnings as a JSON list; src is the text that their places are of, start where the statement
// begins in it.
func AdviceJSON(list []Warning, src string, start int) json.RawMessage {
	out := []jsonAdvice{}
	for _, w := range list {
		a := jsonAdvice{Kind: w.kind(), Message: w.Msg, Hint: w.Hint, Length: w.Len, Fix: FixOf(w, src, start)}
		if w.Len > 0 {
			a.Offset = &w.Pos
		}
		out = append(out, a)
	}
	data, err := json.MarshalIndent(out, "  ", "  ")
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return data
}

// kind is the warning's kind; what only says that it does not run on Flink has no other.
func (w *Warning) kind() string {
	switch {
	case w.Kind != "":
		return w.Kind
	case strings.Contains(w.Msg, "does not run on Flink"):
		return NotOnFlink
	}
	return OtherAdvice
}

// KindOf is the kind of a warning, one of the constants above.
func KindOf(w Warning) string { return w.kind() }

// ExplainJSONWith is ExplainJSON with what its operators keep, and with advice; src is the text that holds the
// statement, which begins at start.
func ExplainJSONWith(p *Plan, src string, start int, state, advice bool) string {
	text := ExplainJSON(p)
	if !state && !advice {
		return text
	}
	text = strings.TrimSuffix(strings.TrimRight(text, "\n"), "\n}")
	if state {
		data, err := json.MarshalIndent(States(p), "  ", "  ")
		if err != nil {
			panic(err)
		}
		text += ",\n  \"state\": " + string(data)
	}
	if advice {
		text += ",\n  \"advice\": " + string(AdviceJSON(Lint(p), src, start))
	}
	return text + "\n}\n"
}

// place is where a node stands in the statement; nil for the text of a view, which is another.
func (b *binder) place(at ast.Node) ast.Node {
	if len(b.views) > 0 {
		return nil
	}
	return at
}

// put gives a warning a place.
func (w Warning) put(at ast.Node) Warning {
	if at != nil {
		w.Pos, w.Len = at.Pos(), at.Len()
	}
	return w
}

// castLeft has the left side of a division be a DOUBLE.
func castLeft(at ast.Node) []Edit {
	d, ok := at.(*ast.Binary)
	if !ok {
		return nil
	}
	return []Edit{{Pos: d.L.Pos(), Text: "CAST("}, {Pos: d.L.Pos() + d.L.Len(), Text: " AS DOUBLE)"}}
}

// volatileAt is the place of the first call in e that gives another value each time.
func volatileAt(e Expr) ast.Node {
	var at ast.Node
	walkExpr(e, func(x Expr) bool {
		if c, ok := x.(*Call); ok && at == nil && volatileCall(c) {
			at = c.at
		}
		return at == nil
	})
	return at
}

// changingKeys: rows whose key is another each time they are computed do not meet.
func changingKeys(n Node) []Warning {
	var out []Warning
	for port, in := range n.Inputs() {
		c, ok := in.(*Calc)
		if !ok {
			continue
		}
		var keys []int
		switch n := n.(type) {
		case *GroupAgg:
			keys = n.Keys
		case *WindowAgg:
			keys = n.Keys
		case *TopN:
			keys = n.Partition
		case *Dedup:
			keys = n.Keys
		case *Join:
			keys = [2][]int{n.Keys.Left, n.Keys.Right}[port]
		case *Sink:
			keys = n.Key
		}
		for _, k := range keys {
			if k < len(c.Exprs) && volatile(c.Exprs[k]) {
				out = append(out, Warning{Kind: Volatile, Msg: fmt.Sprintf("%s is a key, and gives another value each time", toldText(c.Exprs[k], c.Input)), Hint: "take a column of the table for it"}.put(volatileAt(c.Exprs[k])))
			}
		}
	}
	return out
}
