package planner

import (
	"encoding/json"

	"weir/sql/types"
)

// jsonPlan is the JSON of a plan: version 1. Nodes are listed inputs first and refer to one another by
// ID, so a source that is read twice is there once.
type jsonPlan struct {
	Version     int        `json:"version"`
	Roots       []string   `json:"roots"`
	Parallelism int        `json:"parallelism"`
	Nodes       []jsonNode `json:"nodes"`
	Warnings    []string   `json:"warnings,omitempty"`
}

type jsonNode struct {
	ID            string            `json:"id"`
	Kind          string            `json:"kind"`
	Inputs        []string          `json:"inputs,omitempty"`
	Does          string            `json:"does,omitempty"`
	Columns       []jsonColumn      `json:"columns"`
	ChangelogMode string            `json:"changelogMode"`
	UpsertKeys    [][]string        `json:"upsertKeys,omitempty"`
	Distribution  *jsonDist         `json:"distribution,omitempty"`
	State         string            `json:"state,omitempty"`
	Table         string            `json:"table,omitempty"`
	Options       map[string]string `json:"options,omitempty"`
}

type jsonColumn struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	TimeAttr string `json:"timeAttribute,omitempty"`
}

type jsonDist struct {
	Kind string   `json:"kind"`
	Keys []string `json:"keys,omitempty"`
}

// ExplainJSON gives the plan as JSON, stable for the same statement. Secrets are masked.
func ExplainJSON(p *Plan) string {
	out := jsonPlan{Version: 1, Parallelism: max(p.Settings.Parallelism, 1)}
	for _, r := range p.Roots {
		out.Roots = append(out.Roots, r.Info().ID)
	}
	for _, n := range postorder(p.Roots) {
		out.Nodes = append(out.Nodes, nodeJSON(n))
	}
	for _, w := range p.Warnings {
		out.Warnings = append(out.Warnings, w.Msg)
	}
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		panic(err) // strings and lists of them always marshal
	}
	return string(data) + "\n"
}

func nodeJSON(n Node) jsonNode {
	info := n.Info()
	out := jsonNode{ID: info.ID, Kind: kindName(n), ChangelogMode: info.Mode.String(), State: stateText(n)}
	if text := nodeText(n); len(text) > 2 {
		out.Does = text[2:]
	}
	for _, in := range n.Inputs() {
		out.Inputs = append(out.Inputs, in.Info().ID)
	}
	for _, c := range info.Out {
		attr := map[types.TimeAttr]string{types.RowTime: "ROWTIME", types.ProcTime: "PROCTIME"}[c.TimeAttr]
		out.Columns = append(out.Columns, jsonColumn{c.Name, c.Type.String(), attr})
	}
	for _, k := range info.UpsertKeys {
		out.UpsertKeys = append(out.UpsertKeys, info.Out.Select(k).Names())
	}
	switch info.Dist.Kind {
	case DistHash:
		out.Distribution = &jsonDist{"hash", info.Out.Select(info.Dist.Keys).Names()}
	case DistSingle:
		out.Distribution = &jsonDist{Kind: "single"}
	}
	switch n := n.(type) {
	case *Scan:
		out.Table, out.Options = pathText(n.Table.Path), n.Table.shown()
	case *Sink:
		out.Table, out.Options = pathText(n.Table.Path), n.Table.shown()
	}
	return out
}

// shown is the table's options with secrets masked.
func (t *Table) shown() map[string]string {
	out := map[string]string{}
	for k := range t.Options {
		out[k] = t.shownValue(k)
	}
	return out
}

// Masked stands for the value of a secret.
const Masked = "****"

const masked = Masked
