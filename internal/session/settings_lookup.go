package session

import (
	"strings"

	"weir/planner"
)

// lookupSettings are those of joins that ask a table by key.
func lookupSettings() []Setting {
	return []Setting{
		{Name: "table.exec.async-lookup.buffer-capacity", Default: "100", Doc: "How many requests of a lookup join are under way at a time, in each instance.",
			apply: func(s *planner.Settings, v string) error { return intTo(&s.Lookup.Capacity, v, 1, 1<<16) }},
		{Name: "table.exec.async-lookup.timeout", Default: "3 min", Doc: "How long a request of a lookup join may take, with all its attempts.",
			apply: func(s *planner.Settings, v string) error { return durationTo(&s.Lookup.Timeout, v) }},
		{Name: "table.exec.async-lookup.output-mode", Default: "ORDERED", Doc: "ORDERED: rows leave a lookup join in the order in which they came; ALLOW_UNORDERED: as their answers come, where no changes are joined. Watermarks keep their place.",
			apply: func(s *planner.Settings, v string) error {
				s.Lookup.Unordered = strings.EqualFold(v, "ALLOW_UNORDERED")
				return oneOf("ORDERED", "ALLOW_UNORDERED")(v)
			}},
	}
}
