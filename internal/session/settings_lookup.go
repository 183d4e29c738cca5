package session

import (
	"strings"

	"weir/connectors/recording"
	"weir/planner"
)

// lookupSettings are those of joins that ask a table by key, and of models.
func lookupSettings() []Setting {
	unordered := func(to *bool, v string) error {
		*to = strings.EqualFold(v, "ALLOW_UNORDERED")
		return oneOf("ORDERED", "ALLOW_UNORDERED")(v)
	}
	return []Setting{
		{Name: "weir.calls.recording", Doc: "File in which the answers of lookup tables and models are kept, a line each, and given again instead of asking; empty: all is asked. Tables that are read as a whole are not recorded.",
			check: func(string) error { return nil }},
		{Name: "weir.calls.recording.mode", Default: recording.Auto, Doc: "auto: what the recording lacks is asked, and recorded; record: all is asked and recorded; replay: nobody is asked, and what it lacks is an error.",
			check: oneOf(recording.Modes()...)},
		{Name: "table.exec.async-lookup.buffer-capacity", Default: "100", Doc: "How many requests of a lookup join are under way at a time, in each instance.",
			apply: func(s *planner.Settings, v string) error { return intTo(&s.Lookup.Capacity, v, 1, 1<<16) }},
		{Name: "table.exec.async-lookup.timeout", Default: "3 min", Doc: "How long a request of a lookup join may take, with all its attempts.",
			apply: func(s *planner.Settings, v string) error { return durationTo(&s.Lookup.Timeout, v) }},
		{Name: "table.exec.async-lookup.output-mode", Default: "ORDERED", Doc: "ORDERED: rows leave a lookup join in the order in which they came; ALLOW_UNORDERED: as their answers come, where no changes are joined. Watermarks keep their place.",
			apply: func(s *planner.Settings, v string) error { return unordered(&s.Lookup.Unordered, v) }},
		{Name: "table.exec.async-ml-predict.max-concurrent-operations", Default: "10", Doc: "How many requests of ML_PREDICT are under way at a time, in each instance.",
			apply: func(s *planner.Settings, v string) error { return intTo(&s.Predict.Capacity, v, 1, 1<<16) }},
		{Name: "table.exec.async-ml-predict.timeout", Default: "3 min", Doc: "How long a request of ML_PREDICT may take, with all its attempts.",
			apply: func(s *planner.Settings, v string) error { return durationTo(&s.Predict.Timeout, v) }},
		{Name: "table.exec.async-ml-predict.output-mode", Default: "ORDERED", Doc: "ORDERED: rows leave ML_PREDICT in the order in which they came; ALLOW_UNORDERED: as their answers come, where its table has no changes.",
			apply: func(s *planner.Settings, v string) error { return unordered(&s.Predict.Unordered, v) }},
	}
}
