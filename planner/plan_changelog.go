package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/sql/types"
)

// ToChangelog gives each change of its input as a new row, with the kind of the change in front.
type ToChangelog struct {
	*Base
	Input Node
	// Codes says how a kind is written; kinds without a code are left out.
	Codes map[types.RowKind]string
}

// FromChangelog gives rows whose kind is written in a column, without that column.
type FromChangelog struct {
	*Base
	Input Node
	Op    int // the column of Input
	Codes map[string]types.RowKind
}

// Inputs implements Node.
func (n *ToChangelog) Inputs() []Node { return []Node{n.Input} }

// Inputs implements Node.
func (n *FromChangelog) Inputs() []Node { return []Node{n.Input} }

func (n *ToChangelog) text() string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(n.Codes)) {
		parts = append(parts, changeNames[k]+" "+n.Codes[k])
	}
	return fmt.Sprintf(": %s, as %s", strings.Join(parts, ", "), n.Out[0].Name)
}

func (n *FromChangelog) text(in types.Schema) string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(n.Codes)) {
		parts = append(parts, code+" "+changeNames[n.Codes[code]])
	}
	return fmt.Sprintf(": %s, of %s", strings.Join(parts, ", "), in[n.Op].Name)
}

// mode is the kinds that codes stand for.
func (n *FromChangelog) mode() (out types.ChangelogMode) {
	for _, k := range n.Codes {
		out = out.With(k)
	}
	return out
}
