package planner

import (
	"errors"
	"slices"

	"weir/connectors"
	"weir/sql/types"
)

// The changelog pass says for each node which row kinds it emits and which columns identify its rows.
//
// First, bottom up, the kinds each node can emit given its inputs, always with -U. Then, top down, who
// needs -U: a node whose consumers can all do without (they upsert by key) leaves it out.

// changelog fills Mode and UpsertKeys of every node under the roots.
func changelog(roots []Node, batch bool) error {
	for _, n := range postorder(roots) {
		info := n.Info()
		info.UpsertKeys = upsertKeys(n)
		if j, ok := n.(*Join); ok {
			j.LeftKey, j.RightKey = stateKey(j.Left, j.Keys.Left), stateKey(j.Right, j.Keys.Right)
		}
		mode, err := emits(n)
		if err != nil {
			return err
		}
		if batch && finalRows(n) {
			mode = types.AppendMode // its rows come once, at the end
		}
		info.Mode = mode
		if s, ok := n.(*Sink); ok {
			if err := negotiate(s); err != nil {
				var m *modeError
				if errors.As(err, &m) {
					m.root = slices.Index(roots, n)
				}
				return err
			}
		}
	}
	needs := map[Node]bool{}
	order := postorder(roots)
	for i := len(order) - 1; i >= 0; i-- {
		n := order[i]
		need := needs[n]
		switch n.(type) {
		case *Sink, *Collect:
			need = true
		}
		for port, in := range n.Inputs() {
			if needsUpdateBefore(n, port, need) {
				needs[in] = true
			}
		}
	}
	for _, n := range order {
		info := n.Info()
		if info.Mode.Has(types.UpdateBefore) && !needs[n] && !keepsUpdateBefore(n) {
			info.Mode = info.Mode.Without(types.UpdateBefore)
		}
	}
	if batch {
		return nil
	}
	return checkInserts(roots)
}

// finalRows tells whether a node shows in batch mode what is there at the end, and nothing before.
func finalRows(n Node) bool {
	switch n := n.(type) {
	case *GroupAgg, *TopN, *Dedup, *Over, *SetOp:
		return true
	case *Join:
		return n.Kind != InnerJoin
	}
	return false
}

// keepsUpdateBefore: what a sink writes and a query shows is what reaches it; a source emits what its format says.
func keepsUpdateBefore(n Node) bool {
	switch n := n.(type) {
	case *Scan, *FromChangelog:
		return true
	case *Sink, *Collect, *Calc, *Union, *Exchange, *WindowTVF, *Expand, *Unnest, *LookupJoin:
		// They pass kinds on: -U stays where an input has it.
		for _, in := range n.Inputs() {
			if in.Info().Mode.Has(types.UpdateBefore) {
				return true
			}
		}
	}
	return false
}

// postorder lists the nodes under the roots, inputs before their consumers, each once.
func postorder(roots []Node) []Node {
	var out []Node
	seen := map[Node]bool{}
	var visit func(Node)
	visit = func(n Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, in := range n.Inputs() {
			visit(in)
		}
		out = append(out, n)
	}
	for _, r := range roots {
		visit(r)
	}
	return out
}

// emits gives the kinds a node can emit.
func emits(n Node) (types.ChangelogMode, error) {
	in := types.AppendMode
	for _, i := range n.Inputs() {
		in |= i.Info().Mode
	}
	switch n := n.(type) {
	case *Scan:
		return sourceMode(n)
	case *WindowAgg:
		return retractIf(n.Emit != nil, types.AppendMode|emptied(n, in)), nil
	case *FromChangelog:
		return n.mode(), nil
	case *Values, *WindowTopN, *WindowJoin, *IntervalJoin, *Match, *ToChangelog:
		return types.AppendMode, nil
	case *GroupAgg:
		if len(n.Aggs) == 0 && in.AppendOnly() && n.TTL == 0 {
			return types.AppendMode, nil // DISTINCT: a group appears once
		}
		mode := types.AppendMode.With(types.UpdateBefore, types.UpdateAfter)
		if !in.AppendOnly() {
			mode = mode.With(types.Delete)
		}
		return mode, nil
	case *TopN:
		if n.Rank {
			return retractIf(true, in), nil
		}
		return types.RetractMode, nil
	case *Dedup:
		return dedupMode(n, in), nil
	case *Over:
		if n.TimeCol < 0 {
			return types.RetractMode, nil
		}
		return in, nil
	case *Join:
		return joinMode(n), nil
	case *TemporalJoin:
		return n.Left.Info().Mode, nil
	case *SetOp, *ChangelogNormalize, *UpsertMaterialize:
		return types.RetractMode, nil
	}
	return in, nil
}

// emptied is what a window aggregate that gives early or late results does of its input's kinds: it takes a
// result back whose rows were all taken away. Without them it looks at a window once.
func emptied(n *WindowAgg, in types.ChangelogMode) types.ChangelogMode {
	if n.Emit == nil {
		return 0
	}
	return in
}

func retractIf(update bool, in types.ChangelogMode) types.ChangelogMode {
	mode := types.AppendMode
	if update {
		mode = mode.With(types.UpdateBefore, types.UpdateAfter)
	}
	if !in.AppendOnly() {
		mode = mode.With(types.Delete)
	}
	return mode
}

func dedupMode(n *Dedup, in types.ChangelogMode) types.ChangelogMode {
	if !n.Last && in.AppendOnly() {
		return types.AppendMode
	}
	return retractIf(true, in)
}

func joinMode(n *Join) types.ChangelogMode {
	left, right := n.Left.Info().Mode, n.Right.Info().Mode
	switch n.Kind {
	case InnerJoin:
		return left | right
	case SemiJoin:
		if right.AppendOnly() {
			return left
		}
		return left.With(types.Delete)
	}
	// Outer joins take padded rows back; anti joins rows that found a match.
	mode := (left | right).With(types.Delete)
	return mode
}

// sourceMode is what a table's rows are; a table that is only written has none, and Scan refuses it earlier.
func sourceMode(n *Scan) (types.ChangelogMode, error) {
	r, ok := n.Config.(connectors.Reads)
	if !ok {
		return types.AppendMode, nil
	}
	return r.SourceMode(n.Table.Desc)
}

// needsUpdateBefore tells whether n needs -U rows of the input at the port; own says whether n's consumers
// need n's.
func needsUpdateBefore(n Node, port int, own bool) bool {
	in := n.Inputs()[port].Info()
	if !in.Mode.Has(types.UpdateBefore) {
		return false
	}
	switch n := n.(type) {
	case *Sink:
		return n.Takes.Has(types.UpdateBefore)
	case *Collect:
		return true
	case *Calc:
		// A filter may pass the old row and stop the new one, so the old one has to be taken back,
		// unless it looks at the key alone.
		return own || n.Cond != nil && !filtersKey(n, in)
	case *Exchange, *Union, *WindowTVF, *Unnest, *LookupJoin:
		return own
	case *ChangelogNormalize:
		return false
	case *ToChangelog:
		_, wanted := n.Codes[types.UpdateBefore]
		return wanted
	case *TemporalJoin:
		return port == 0 && own
	case *Join:
		return joinNeeds(n, port, own)
	}
	return true
}

func filtersKey(n *Calc, in *Base) bool {
	used := map[int]bool{}
	columnsOf(n.Cond, used)
	cols := make([]int, 0, len(used))
	for c := range used {
		cols = append(cols, c)
	}
	for _, key := range in.UpsertKeys {
		if subset(cols, key) {
			return true
		}
	}
	return false
}

// joinNeeds: where the join key is an input's upsert key, a +U replaces the row by key. With more columns in the join
// key than that, the old row may be under another join key.
func joinNeeds(n *Join, port int, own bool) bool {
	keys := n.Keys.Left
	if port == 1 {
		keys = n.Keys.Right
	}
	for _, k := range n.Inputs()[port].Info().UpsertKeys {
		if subset(k, keys) && subset(keys, k) {
			return own
		}
	}
	return true
}

// stateKey says how a join keeps an input: by its shortest key, one that the join key holds first.
func stateKey(in Node, joinKey []int) StateKey {
	var out StateKey
	for _, k := range in.Info().UpsertKeys {
		inKey := subset(k, joinKey)
		if out.Unique == nil || inKey && !out.InJoinKey || inKey == out.InJoinKey && len(k) < len(out.Unique) {
			out = StateKey{Unique: k, InJoinKey: inKey}
		}
	}
	return out
}
