package planner

import "weir/sql"

// onlyInserts names the nodes that cannot take rows back: what they gave for a row is final. Empty: the node
// takes changes.
func onlyInserts(n Node) string {
	switch n := n.(type) {
	case *Over:
		if n.TimeCol >= 0 {
			return "OVER ordered by time"
		}
	case *IntervalJoin:
		return "a join bounded in time"
	case *WindowJoin:
		return "a join of windows"
	case *WindowTopN:
		return "Top-N in windows"
	case *Match:
		return "MATCH_RECOGNIZE"
	case *FromChangelog:
		return "FROM_CHANGELOG"
	case *Sort:
		if n.Temporal {
			return "ORDER BY time"
		}
	case *WindowTVF:
		if n.Window.byKey() {
			return "a table function of SESSION or STAGGER"
		}
	}
	return ""
}

// checkInserts refuses changes where only inserts can be taken, as Flink does: the rows that were taken back
// would count as more rows.
func checkInserts(roots []Node) error {
	for i, root := range roots {
		for _, n := range postorder([]Node{root}) {
			what := onlyInserts(n)
			if what == "" {
				continue
			}
			for _, in := range n.Inputs() {
				if in.Info().Mode.AppendOnly() {
					continue
				}
				msg := what + " takes rows that are only inserted, but its input changes rows it gave before (" + changer(in) + ")"
				if o, ok := n.(*Over); ok && o.at != nil {
					return sql.Errorf(o.at, "%s", msg).WithHint("%s", insertsRemedy(n))
				}
				return &modeError{msg: msg, hint: insertsRemedy(n), root: i}
			}
		}
	}
	return nil
}

func insertsRemedy(n Node) string {
	switch n.(type) {
	case *Over, *Sort:
		return "order by a column that is no time attribute, as CAST(time AS TIMESTAMP(3)), or do it before rows change"
	case *IntervalJoin, *WindowJoin:
		return "join without the bound in time, or before rows change"
	}
	return "do it before rows change, or aggregate them in a window first"
}
