package planner

import "weir/connectors"

// pushLimit tells a source how many rows are needed of it, where every row it gives counts.
func pushLimit(root Node) {
	for _, n := range postorder([]Node{root}) {
		l, ok := n.(*Limit)
		if !ok || l.Fetch < 0 {
			continue
		}
		in := l.Input
		for {
			c, ok := in.(*Calc)
			if !ok || c.Cond != nil {
				break
			}
			in = c.Input
		}
		if s, ok := in.(*Scan); ok && appendOnly(s) {
			s.Limit = l.Offset + l.Fetch
		}
	}
}

func appendOnly(s *Scan) bool {
	r, ok := s.Config.(connectors.Reads)
	if !ok {
		return true
	}
	mode, err := r.SourceMode(s.Table.Desc)
	return err == nil && mode.AppendOnly()
}
