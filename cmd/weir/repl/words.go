package repl

import (
	"sort"

	"weir/connectors/option"
	"weir/internal/session"
	"weir/sql"
)

// sessionWords is what a session's prompt completes. Names are asked for at each Tab, so they are new.
func sessionWords(s *session.Session) *Words {
	w := &Words{Keywords: sql.Keywords(), Functions: session.FunctionNames(), Commands: commandNames()}
	for _, st := range session.Settings() {
		w.Settings = append(w.Settings, st.Name)
	}
	w.Relations = s.Relations
	w.Columns = s.ColumnNames
	w.Options = func(connector string) []string { return connectorOptions(s, connector) }
	return w
}

func connectorOptions(s *session.Session, connector string) []string {
	var out []string
	all := s.Planner().Connectors
	if connector == "" {
		for name := range all {
			out = append(out, name)
		}
		sort.Strings(out)
		return out
	}
	if c, ok := all[connector]; ok {
		for _, o := range option.Describe(c.New()) {
			if !o.Unused {
				out = append(out, o.Key)
			}
		}
	}
	return append(out, "connector")
}
