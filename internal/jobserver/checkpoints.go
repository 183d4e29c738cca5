package jobserver

import (
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"time"

	"weir/connectors/option"
	"weir/exec"
	"weir/exec/job"
)

// spread is the distribution of a number over checkpoints, as Flink sums it up.
type spread struct {
	Min int64   `json:"min"`
	Max int64   `json:"max"`
	Avg int64   `json:"avg"`
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	All float64 `json:"p999"`
}

func spreadOf(list []int64) spread {
	if len(list) == 0 {
		return spread{}
	}
	sort.Slice(list, func(i, j int) bool { return list[i] < list[j] })
	sum := int64(0)
	for _, v := range list {
		sum += v
	}
	at := func(p float64) float64 { return float64(list[min(len(list)-1, int(p*float64(len(list))))]) }
	return spread{list[0], list[len(list)-1], sum / int64(len(list)), at(.5), at(.9), at(.95), at(.99), at(.999)}
}

func checkpoints(w http.ResponseWriter, _ *http.Request, e *job.Entry) {
	c := e.Checkpoints()
	history := []map[string]any{}
	var sizes, whole, took []int64
	for _, i := range c.Recent {
		history = append(history, checkpointView(i))
		if i.Status == exec.CheckpointCompleted {
			sizes, whole, took = append(sizes, i.NewBytes), append(whole, i.Bytes), append(took, i.Duration.Milliseconds())
		}
	}
	restored := 0
	if c.Restored != nil {
		restored = e.Status().Restarts + 1
	}
	latest := map[string]any{"completed": viewOf(c.LastCompleted), "savepoint": viewOf(c.LastSavepoint), "failed": viewOf(c.LastFailed), "restored": nil}
	if r := c.Restored; r != nil {
		latest["restored"] = map[string]any{"id": r.ID, "restore_timestamp": millis(e.Status().Times[job.Running]), "is_savepoint": r.Savepoint, "external_path": r.Path}
	}
	done := c.Completed + c.Savepoints
	reply(w, http.StatusOK, map[string]any{
		"counts": map[string]int64{"restored": int64(restored), "total": done + c.Failed + c.InProgress, "in_progress": c.InProgress, "completed": done, "failed": c.Failed},
		"summary": map[string]any{"checkpointed_size": spreadOf(sizes), "state_size": spreadOf(whole), "end_to_end_duration": spreadOf(took),
			"alignment_buffered": spread{}, "processed_data": spread{}, "persisted_data": spread{}},
		"latest": latest, "history": history,
	})
}

func viewOf(i *exec.CheckpointInfo) any {
	if i == nil {
		return nil
	}
	return checkpointView(*i)
}

func checkpointView(i exec.CheckpointInfo) map[string]any {
	kind, class := "CHECKPOINT", map[string]string{exec.CheckpointCompleted: "completed", exec.CheckpointFailed: "failed", exec.CheckpointInProgress: "in_progress"}[i.Status]
	if i.Savepoint {
		kind = "SAVEPOINT"
	}
	out := map[string]any{
		"className": class, "id": i.ID, "status": i.Status, "is_savepoint": i.Savepoint, "savepointFormat": nil, "trigger_timestamp": millis(i.Triggered),
		"latest_ack_timestamp": millis(i.Triggered.Add(i.Duration)), "checkpointed_size": i.NewBytes, "state_size": i.Bytes, "end_to_end_duration": i.Duration.Milliseconds(),
		"alignment_buffered": 0, "processed_data": 0, "persisted_data": 0, "num_subtasks": i.Tasks, "num_acknowledged_subtasks": i.Acked,
		"checkpoint_type": kind, "tasks": map[string]any{},
	}
	switch i.Status {
	case exec.CheckpointCompleted:
		out["external_path"], out["discarded"] = i.Path, false
	case exec.CheckpointFailed:
		out["failure_timestamp"], out["failure_message"] = millis(i.Triggered.Add(i.Duration)), i.Error
	}
	return out
}

func checkpointDetails(w http.ResponseWriter, r *http.Request, e *job.Entry) {
	id, err := strconv.ParseInt(r.PathValue("c"), 10, 64)
	if err != nil {
		fail(w, http.StatusBadRequest, fmt.Errorf("%q is no checkpoint's number", r.PathValue("c")))
		return
	}
	for _, i := range e.Checkpoints().Recent {
		if i.ID == id {
			reply(w, http.StatusOK, checkpointView(i))
			return
		}
	}
	fail(w, http.StatusNotFound, fmt.Errorf("job %s has no checkpoint %d, or it is too long ago", e.ID, id))
}

func checkpointConfig(w http.ResponseWriter, _ *http.Request, e *job.Entry) {
	get := func(key, otherwise string) string {
		if p := e.Prepared(); p != nil && p.Settings[key] != "" {
			return p.Settings[key]
		}
		return otherwise
	}
	ms := func(key, otherwise string) int64 {
		d, err := option.ParseDuration(get(key, otherwise))
		if err != nil {
			d = 0 // it was checked when it was set
		}
		return int64(d / time.Millisecond)
	}
	tolerable, _ := strconv.Atoi(get("execution.checkpointing.tolerable-failed-checkpoints", "0"))
	reply(w, http.StatusOK, map[string]any{
		"mode": "exactly_once", "interval": ms("execution.checkpointing.interval", "10 s"), "timeout": ms("execution.checkpointing.timeout", "10 min"),
		"min_pause": ms("execution.checkpointing.min-pause", "0 ms"), "max_concurrent": 1,
		"externalization": map[string]bool{"enabled": true, "delete_on_cancellation": false},
		"state_backend":   "weir", "checkpoint_storage": get("execution.checkpointing.dir", "data folder"), "unaligned_checkpoints": get("execution.checkpointing.unaligned.enabled", "true") == "true",
		"tolerable_failed_checkpoints": tolerable, "aligned_checkpoint_timeout": ms("execution.checkpointing.aligned-checkpoint-timeout", "10 s"), "checkpoints_after_tasks_finish": true,
		"state_changelog_enabled": false, "changelog_periodic_materialization_interval": 0, "changelog_storage": "",
	})
}
