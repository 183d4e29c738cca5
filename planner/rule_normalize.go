package planner

import (
	"fmt"

	"weir/connectors"
	"weir/sql/types"
)

// normalized puts a ChangelogNormalize above a source that gives changes by key alone, so that what is
// above knows the old row, and above one whose changes may come twice.
func (b *binder) normalized(s *Scan) Node {
	keys := upsertSource(s)
	if keys == nil && b.p.Settings.Duplicates && !b.p.Settings.Batch && updating(s) {
		if all := scanKeys(s); len(all) > 0 {
			keys = all[0]
		} else {
			b.collect(fmt.Errorf("'table.exec.source.cdc-events-duplicate' needs a primary key to put changes right, and table %q has none: declare PRIMARY KEY (...) NOT ENFORCED", s.Table.Path[2]))
		}
	}
	if keys == nil {
		return s
	}
	return &ChangelogNormalize{Base: newBase(s.Out), Input: s, Keys: keys, TTL: b.p.Settings.StateTTL}
}

// limitChanges puts a Top-N without an order in place of a LIMIT over changing rows: when a row that
// was counted goes, another takes its place.
func limitChanges(root Node, b *binder) {
	for _, n := range postorder([]Node{root}) {
		for i, in := range n.Inputs() {
			if l, ok := in.(*Limit); ok && l.Fetch >= 0 && !b.p.Settings.Batch && updating(l.Input) {
				setInput(n, i, &TopN{Base: newBase(l.Out), Input: l.Input, Offset: l.Offset, Fetch: l.Fetch, TTL: b.p.Settings.StateTTL})
			}
		}
	}
}

// upsertSource gives the key of a source that emits +U and -D without -U.
func upsertSource(s *Scan) []int {
	r, ok := s.Config.(connectors.Reads)
	if !ok {
		return nil
	}
	mode, err := r.SourceMode(s.Table.Desc)
	if err != nil || mode.AppendOnly() || mode.Has(types.UpdateBefore) {
		return nil
	}
	if keys := scanKeys(s); len(keys) > 0 {
		return keys[0]
	}
	return nil
}

// updating tells whether a node may emit more than inserts.
func updating(n Node) bool {
	for _, x := range postorder([]Node{n}) {
		mode, err := emits(x)
		if err != nil {
			return false
		}
		x.Info().Mode = mode
	}
	return !n.Info().Mode.AppendOnly()
}
