package session

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"weir/planner"
)

// aggregateSettings are those of GROUP BY and of windows.
func aggregateSettings() []Setting {
	return []Setting{
		{Name: "table.optimizer.agg-phase-strategy", Default: "AUTO", Doc: "AUTO and TWO_PHASE aggregate before rows change instance where that is possible; ONE_PHASE does not.",
			apply: func(s *planner.Settings, v string) error {
				s.TwoPhase = !strings.EqualFold(v, "ONE_PHASE")
				return oneOf("AUTO", "TWO_PHASE", "ONE_PHASE")(v)
			}},
		{Name: "table.exec.emit.early-fire.enabled", Default: "false", Doc: "true: TUMBLE and HOP in GROUP BY give results before the window's end, which later ones replace.",
			apply: func(s *planner.Settings, v string) error { return boolTo(&s.Emit.Early, v) }},
		{Name: "table.exec.emit.early-fire.delay", Default: "", Doc: "Time between a window's first row, and then between its early results; 0 s gives one after each row.",
			apply: func(s *planner.Settings, v string) error { return optionalTo(&s.Emit.EarlyDelay, v) }},
		{Name: "table.exec.emit.late-fire.enabled", Default: "false", Doc: "true: TUMBLE and HOP in GROUP BY take rows behind the window's end, and give a new result for them; false: they are dropped.",
			apply: func(s *planner.Settings, v string) error { return boolTo(&s.Emit.Late, v) }},
		{Name: "table.exec.emit.late-fire.delay", Default: "", Doc: "Time between the first late row of a window, and then between its late results; 0 s gives one after each row.",
			apply: func(s *planner.Settings, v string) error { return optionalTo(&s.Emit.LateDelay, v) }},
		{Name: "table.exec.emit.allow-lateness", Default: "", Doc: "How long behind its end a window takes late rows, where late-fire is on; unset: table.exec.state.ttl.",
			apply: func(s *planner.Settings, v string) error { return optionalTo(&s.Emit.Lateness, v) }},
		{Name: "table.exec.mini-batch.enabled", Default: "false", Doc: "true: GROUP BY gathers rows and makes one change a key for all of them; it needs a latency and a size. (In Flink some joins and deduplications do too.)",
			apply: func(s *planner.Settings, v string) error { return boolTo(&s.MiniBatch.On, v) }},
		{Name: "table.exec.mini-batch.allow-latency", Default: "0 ms", Doc: "How long rows are gathered at most: the clock ends mini-batches at multiples of it.",
			apply: func(s *planner.Settings, v string) error { return durationTo(&s.MiniBatch.Latency, v) }},
		{Name: "table.exec.mini-batch.size", Default: "-1", Doc: "How many rows an aggregate gathers at most.",
			apply: func(s *planner.Settings, v string) error { return int64To(&s.MiniBatch.Size, v, -1) }},
		{Name: "table.optimizer.distinct-agg.split.enabled", Default: "false", Doc: "true: GROUP BY with DISTINCT aggregates first aggregates by a part of the hash of their argument too, so that a key with many rows is worked on by several instances.",
			apply: func(s *planner.Settings, v string) error {
				on := false
				err := boolTo(&on, v)
				if s.SplitDistinct = 0; on {
					s.SplitDistinct = defaultBuckets
				}
				return err
			}},
		{Name: "table.optimizer.distinct-agg.split.bucket-num", Default: strconv.Itoa(defaultBuckets), Doc: "In how many parts.",
			apply: func(s *planner.Settings, v string) error {
				n := int64(0)
				err := int64To(&n, v, 1)
				if err == nil && s.SplitDistinct > 0 {
					s.SplitDistinct = n
				}
				return err
			}},
	}
}

const defaultBuckets = 1024

func boolTo(to *bool, v string) error {
	*to = strings.EqualFold(v, "true")
	return oneOf("true", "false")(v)
}

// optionalTo reads a duration that may be unset, as -1.
func optionalTo(to *time.Duration, v string) error {
	if *to = -1; v == "" {
		return nil
	}
	return durationTo(to, v)
}

func int64To(to *int64, v string, lo int64) error {
	n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
	if err != nil || n < lo {
		return fmt.Errorf("'%s' is not a whole number from %d on", v, lo)
	}
	*to = n
	return nil
}
