package session

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"weir/connectors/option"
	"weir/exec/job"
)

// jobSettings are those of running jobs: checkpoints, recovery and restarts.
func jobSettings() []Setting {
	list := []Setting{
		{Name: "execution.checkpointing.dir", Doc: "Folder of checkpoints: a path, or s3://bucket/path. A job has a folder in it, by its id. Jobs of a server without it keep theirs in its data folder; those of a prompt or a script keep none.", check: isFolder},
		{Name: "execution.checkpointing.savepoint-dir", Doc: "Folder of savepoints that name none: a path, or s3://bucket/path.", check: isFolder},
		{Name: "execution.checkpointing.num-retained", Default: "1", Doc: "Checkpoints of a job that are kept.", check: atLeast(1)},
		{Name: "execution.checkpointing.min-pause", Default: "0 ms", Doc: "Time at least between the end of a checkpoint and the beginning of the next.", check: isDuration},
		{Name: "execution.checkpointing.timeout", Default: "10 min", Doc: "A checkpoint that takes longer has failed.", check: isDuration},
		{Name: "execution.checkpointing.unaligned.enabled", Default: "true", Doc: "true: a checkpoint whose barriers are held up by rows that queue up before a slow operator goes ahead of them, and holds them; it can be restored at the same parallelism only. false: it waits. Savepoints always wait.", check: oneOf("true", "false")},
		{Name: "execution.checkpointing.aligned-checkpoint-timeout", Default: "10 s", Doc: "How long a checkpoint waits before it goes ahead of what is queued.", check: isDuration},
		{Name: "execution.checkpointing.tolerable-failed-checkpoints", Default: "0", Doc: "Checkpoints in a row that may fail before the job does.", check: atLeast(0)},
		{Name: "execution.state-recovery.path", Doc: "Savepoint or checkpoint that new jobs go on from, at any parallelism.", check: isFolder},
		{Name: "taskmanager.memory.managed.size", Default: "1 gb", Doc: "Memory of a job: its state, caches and all that goes with them. Operators move state to disk so that a process with one job takes at most a quarter more, from `128 mb` on.", check: isMemory},
		{Name: "s3.endpoint", Doc: "URL of the object store behind s3://, where it is not AWS's. For checkpoints and savepoints, whose credentials and region are those of the environment, and for tables without `aws.endpoint`.", check: isURL},
		{Name: "execution.state-recovery.ignore-unclaimed-state", Default: "false", Doc: "true: state of a savepoint that the new plan has no operator for is left behind, and operators without state begin anew; false: the job is refused, with what differs.", check: oneOf("true", "false")},
	}
	list = append(list, Setting{Name: "io.tmp.dirs", Doc: "Folder for the state of jobs that keep no checkpoints, where it outgrows memory; by default that of the system."})
	list = append(list, Setting{Name: "table.plan.force-recompile", Default: "false", Doc: "true: COMPILE PLAN writes over a plan that is there.", check: oneOf("true", "false")})
	for _, k := range job.StrategyKeys {
		list = append(list, Setting{Name: k[0], Default: k[1], Doc: k[2], check: strategyValue(k[0])})
	}
	return list
}

// settingAliases are former names of settings, which Flink takes too.
var settingAliases = map[string]string{
	"state.checkpoints.dir":                      "execution.checkpointing.dir",
	"state.savepoints.dir":                       "execution.checkpointing.savepoint-dir",
	"state.checkpoints.num-retained":             "execution.checkpointing.num-retained",
	"execution.savepoint.path":                   "execution.state-recovery.path",
	"execution.savepoint.ignore-unclaimed-state": "execution.state-recovery.ignore-unclaimed-state",
	"restart-strategy":                           "restart-strategy.type",
}

// settingName is the name of a setting today.
func settingName(name string) string {
	if now, ok := settingAliases[name]; ok {
		return now
	}
	return name
}

// strategyValue checks one value of a restart strategy by itself: others may still be to come.
func strategyValue(key string) func(string) error {
	return func(v string) error {
		kind, _, _ := strings.Cut(strings.TrimPrefix(key, "restart-strategy."), ".")
		_, err := job.ParseStrategy(func(k string) string {
			switch {
			case k == key:
				return v
			case k == "restart-strategy.type":
				return kind
			case strings.HasSuffix(k, ".max-backoff"):
				return "24000 d" // its order with initial-backoff is checked when the job begins
			case strings.HasSuffix(k, ".initial-backoff") && strings.HasSuffix(key, ".max-backoff"):
				return "0 ms"
			}
			return ""
		}, nil)
		if err != nil {
			return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "setting '"+key+"': "))
		}
		return nil
	}
}

func atLeast(lo int) func(string) error {
	return func(v string) error { var n int; return intTo(&n, v, lo, 1<<31-1) }
}

func isMemory(v string) error {
	if n, err := option.ParseMemory(v); err != nil || n < 1 {
		return fmt.Errorf("'%s' is no size, as '512 mb'", v)
	}
	return nil
}

// memory is the bytes that a job's state may hold.
func (c conf) memory() int64 {
	n, _ := option.ParseMemory(c.get("taskmanager.memory.managed.size")) // checked when it was set
	return n
}

func (c conf) duration(name string) time.Duration {
	d, _ := option.ParseDuration(c.get(name)) // checked when it was set
	return d
}

func (c conf) number(name string) int {
	n, _ := strconv.Atoi(strings.TrimSpace(c.get(name))) // checked when it was set
	return n
}
