package session

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"weir/connectors/option"
	"weir/planner"
)

// Setting is a setting of the session: declared once, with everything that SET, completion, docs
// and planning need of it.
type Setting struct {
	Name    string
	Default string
	Doc     string
	// apply checks a value and puts it into the planner's settings; nil where only the session reads it.
	apply func(s *planner.Settings, value string) error
	check func(value string) error
}

// Settings is THE list of settings.
func Settings() []Setting {
	return slices.Concat(engineSettings(), aggregateSettings(), lookupSettings(), sinkSettings(), jobSettings(), displaySettings())
}

func engineSettings() []Setting {
	return []Setting{
		{Name: "execution.runtime-mode", Default: "streaming", Doc: "streaming, or batch: then a query gives only its final rows.",
			apply: func(s *planner.Settings, v string) error {
				err := oneOf("streaming", "batch", "automatic")(v)
				s.Batch = strings.EqualFold(v, "batch")
				return err
			}},
		{Name: "parallelism.default", Default: "1", Doc: "Parallel instances of each operator.",
			apply: func(s *planner.Settings, v string) error { return intTo(&s.Parallelism, v, 1, 1024) }},
		{Name: "table.local-time-zone", Default: "UTC", Doc: "The session's time zone: how TIMESTAMP_LTZ is shown, and where its days begin.",
			apply: setZone},
		{Name: "table.exec.state.ttl", Default: "0 ms", Doc: "How long state is kept after its last write; 0 keeps it for ever.",
			apply: func(s *planner.Settings, v string) error { return durationTo(&s.StateTTL, v) }},
		{Name: "table.exec.source.idle-timeout", Default: "0 ms", Doc: "A split without records for this long stops holding back the watermark; 0: never.",
			apply: func(s *planner.Settings, v string) error { return durationTo(&s.IdleTimeout, v) }},
		{Name: "table.exec.source.idle-advance", Default: "0 ms", Doc: "A split without records for this long has its watermark move on with the clock, so that the last windows end; 0: never. (Not in Flink.)",
			apply: func(s *planner.Settings, v string) error { return durationTo(&s.IdleAdvance, v) }},
		{Name: "table.exec.source.cdc-events-duplicate", Default: "false", Doc: "true: change records of a source may come more than once, or out of step; they are put right by its primary key.",
			apply: func(s *planner.Settings, v string) error {
				s.Duplicates = strings.EqualFold(v, "true")
				return oneOf("true", "false")(v)
			}},
		{Name: "pipeline.auto-watermark-interval", Default: "0 ms", Doc: "The least advance between two watermarks; 0 gives one a row, so that late rows do not depend on timing. (Flink's default is 200 ms.)",
			apply: func(s *planner.Settings, v string) error { return durationTo(&s.WatermarkGap, v) }},
		{Name: "pipeline.name", Default: "", Doc: "The name of the jobs started from here.",
			apply: func(s *planner.Settings, v string) error { s.JobName = v; return nil }},
		{Name: "weir.batch.rows", Default: "4096", Doc: "Rows that a source gathers at most before it hands them on. Answers do not depend on it.",
			apply: func(s *planner.Settings, v string) error { return intTo(&s.BatchRows, v, 1, 1<<20) }},
		{Name: "execution.checkpointing.interval", Default: "10 s", Doc: "Time between two checkpoints of a job.", check: isDuration},
	}
}

func sinkSettings() []Setting {
	return []Setting{
		{Name: "table.exec.sink.not-null-enforcer", Default: "ERROR", Doc: "A NULL for a NOT NULL column of a sink: ERROR fails the job, DROP drops the row and counts it.",
			apply: func(s *planner.Settings, v string) error {
				s.NotNullDrop = strings.EqualFold(v, "DROP")
				return oneOf("ERROR", "DROP")(v)
			}},
		{Name: "table.exec.sink.type-length-enforcer", Default: "IGNORE", Doc: "IGNORE writes strings longer than the declared length as they are.", check: oneOf("IGNORE")},
		{Name: "table.exec.sink.upsert-materialize", Default: "AUTO", Doc: "Whether updates that arrive out of order are put right before an upsert sink.", check: oneOf("AUTO", "NONE", "FORCE")},
		{Name: "table.dml-sync", Default: "false", Doc: "true: INSERT waits for its job to end.", check: oneOf("true", "false")},
	}
}

func displaySettings() []Setting {
	return []Setting{
		{Name: "sql-client.execution.result-mode", Default: "table", Doc: "How SELECT shows its rows: table (live), changelog, or tableau (printed as they come).", check: oneOf("table", "changelog", "tableau")},
		{Name: "sql-client.execution.max-table-result.rows", Default: "1000000", Doc: "Rows kept at most by the table mode.", check: isInt},
		{Name: "sql-client.display.max-column-width", Default: "30", Doc: "Characters shown of a value at most.", check: isInt},
		{Name: "sql-client.verbose", Default: "false", Doc: "true: errors print their whole chain.", check: oneOf("true", "false")},
	}
}

// conf is the values that were SET; names without a value have their default.
type conf map[string]string

// Known Flink settings that weir takes and has no use for: scripts that set them run as they are.
var ignoredPrefixes = []string{
	"table.exec.async-", "table.optimizer.", "table.exec.resource.", "table.exec.sink.",
	"table.exec.spill-", "table.exec.deduplicate", "table.exec.rank.", "table.exec.source.", "table.exec.window-agg.",
	"table.exec.legacy-", "table.exec.simplify", "table.exec.uid", "table.exec.shuffle", "table.plan.", "table.display.", "table.generated-code.",
	"execution.", "pipeline.", "parallelism.", "state.", "restart-strategy", "taskmanager.", "jobmanager.", "rest.", "akka.",
	"heartbeat.", "sql-client.", "sql-gateway.", "metrics.", "security.", "web.", "high-availability", "cluster.", "yarn.", "kubernetes.", "env.", "python.", "table.builtin-", "table.sql-dialect", "table.resources.", "table.column-expansion-strategy", "table.rtas-", "table.dynamic-table-options.",
}

// knownSetting refuses names of settings that there are not.
func knownSetting(name string) error {
	name = settingName(name)
	for _, s := range Settings() {
		if s.Name == name {
			return nil
		}
	}
	for _, p := range ignoredPrefixes {
		if strings.HasPrefix(name, p) {
			return nil
		}
	}
	return fmt.Errorf("there is no setting '%s'%s", name, didYouMean(name))
}

// set checks and stores a setting. It tells whether the engine uses it.
func (c conf) set(name, value string) (used bool, err error) {
	name = settingName(name)
	for _, s := range Settings() {
		if s.Name != name {
			continue
		}
		if err := s.try(value); err != nil {
			return false, fmt.Errorf("setting '%s': %w", name, err)
		}
		c[name] = value
		return true, nil
	}
	if err := knownSetting(name); err != nil {
		return false, err
	}
	c[name] = value
	return false, nil
}

func (s Setting) try(value string) error {
	if s.apply != nil {
		return s.apply(new(planner.Settings), value)
	}
	if s.check != nil {
		return s.check(value)
	}
	return nil
}

func didYouMean(name string) string {
	var names []string
	for _, s := range Settings() {
		names = append(names, s.Name)
	}
	if near := option.Near(name, names); near != "" {
		return "; did you mean '" + near + "'?"
	}
	return "; SET lists those there are"
}

// get is the value of a setting, or its default.
func (c conf) get(name string) string {
	name = settingName(name)
	if v, ok := c[name]; ok {
		return v
	}
	for _, s := range Settings() {
		if s.Name == name {
			return s.Default
		}
	}
	return ""
}

// planner resolves the values for planning.
func (c conf) planner() planner.Settings {
	out := planner.Settings{TwoPhase: true}
	for _, s := range Settings() {
		if s.apply != nil {
			_ = s.apply(&out, c.get(s.Name)) // checked when it was set; defaults are checked by a test
		}
	}
	return out
}

// list gives every setting with its value, by name.
func (c conf) list() [][2]string {
	values := map[string]string{}
	for _, s := range Settings() {
		values[s.Name] = s.Default
	}
	for k, v := range c {
		values[k] = v
	}
	var out [][2]string
	for k, v := range values {
		out = append(out, [2]string{k, v})
	}
	sort.Slice(out, func(i, j int) bool { return out[i][0] < out[j][0] })
	return out
}

func oneOf(values ...string) func(string) error {
	return func(v string) error {
		for _, x := range values {
			if strings.EqualFold(v, x) {
				return nil
			}
		}
		return fmt.Errorf("'%s' is none of %s", v, strings.Join(values, ", "))
	}
}

func isInt(v string) error { var n int; return intTo(&n, v, 0, 1<<31-1) }

func isDuration(v string) error { var d time.Duration; return durationTo(&d, v) }

func intTo(to *int, v string, lo, hi int) error {
	n, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil || n < lo || n > hi {
		return fmt.Errorf("'%s' is not a whole number from %d to %d", v, lo, hi)
	}
	*to = n
	return nil
}

func durationTo(to *time.Duration, v string) error {
	d, err := option.ParseDuration(v)
	if err != nil {
		return fmt.Errorf("'%s' %w", v, err)
	}
	*to = d
	return nil
}

func setZone(s *planner.Settings, v string) error {
	loc, err := loadZone(v)
	if err != nil {
		return err
	}
	s.Zone, s.DefaultTZ = loc, v
	return nil
}

// loadZone takes IANA names and fixed offsets as "GMT+08:00" or "+01:00".
func loadZone(name string) (*time.Location, error) {
	if loc, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
		return loc, nil
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(name), "GMT"), "UTC")
	t, err := time.Parse("-07:00", rest)
	if err != nil {
		return nil, fmt.Errorf("'%s' is no time zone: give a name as 'Europe/Berlin', or an offset as 'GMT+01:00'", name)
	}
	_, seconds := t.Zone()
	return time.FixedZone(name, seconds), nil
}
