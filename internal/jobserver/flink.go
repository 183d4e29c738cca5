package jobserver

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"time"

	"weir/exec/job"
)

// errNoGraphs answers what would need Java.
var errNoGraphs = errors.New("weir runs SQL, not job graphs: 'flink run' and JARs have nothing to run on here. Submit SQL with 'weir jobs submit FILE' or POST /api/v1/jobs")

// taskManager is the id of the one process.
const taskManager = "weir"

func (s *Server) flinkRoutes() {
	s.mux.HandleFunc("GET /config", s.config)
	s.mux.HandleFunc("GET /overview", s.overview)
	s.mux.HandleFunc("GET /jobs", s.jobIDs)
	s.mux.HandleFunc("GET /jobs/overview", s.jobsOverview)
	s.mux.HandleFunc("GET /jobs/{id}/status", s.withJob(func(w http.ResponseWriter, _ *http.Request, e *job.Entry) {
		reply(w, http.StatusOK, map[string]string{"status": string(e.Status().State)})
	}))
	s.mux.HandleFunc("GET /jobs/{id}/config", s.withJob(jobConfig))
	s.mux.HandleFunc("GET /jobs/{id}/metrics", s.withJob(func(w http.ResponseWriter, r *http.Request, e *job.Entry) {
		replyMetrics(w, r, jobMetrics(e, e.Status()))
	}))
	s.mux.HandleFunc("GET /jobs/metrics", s.jobsMetrics)
	s.mux.HandleFunc("GET /jobs/{id}/exceptions", s.withJob(exceptions))
	s.mux.HandleFunc("GET /jobs/{id}/checkpoints", s.withJob(checkpoints))
	s.mux.HandleFunc("GET /jobs/{id}/checkpoints/config", s.withJob(checkpointConfig))
	s.mux.HandleFunc("GET /jobs/{id}/checkpoints/details/{c}", s.withJob(checkpointDetails))
	s.mux.HandleFunc("PATCH /jobs/{id}", s.withJob(s.terminate))
	s.mux.HandleFunc("POST /jobs/{id}/savepoints", s.withJob(s.triggerSavepoint))
	s.mux.HandleFunc("POST /jobs/{id}/stop", s.withJob(s.triggerStop))
	s.mux.HandleFunc("POST /jobs/{id}/checkpoints", s.withJob(s.triggerCheckpoint))
	s.mux.HandleFunc("GET /jobs/{id}/savepoints/{trigger}", s.withJob(s.operation))
	s.mux.HandleFunc("GET /jobs/{id}/checkpoints/{trigger}", s.withJob(s.operation))
	s.mux.HandleFunc("GET /taskmanagers", s.taskManagers)
	s.mux.HandleFunc("GET /taskmanagers/{tm}", s.taskManager)
	s.mux.HandleFunc("GET /taskmanagers/{tm}/metrics", processMetrics)
	s.mux.HandleFunc("GET /taskmanagers/metrics", processMetrics)
	s.mux.HandleFunc("GET /jobmanager/config", s.jobManagerConfig)
	s.mux.HandleFunc("GET /jobmanager/metrics", processMetrics)
	s.mux.HandleFunc("GET /jobmanager/logs", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{"logs": []any{}}) // they go to standard error
	})
	for _, pattern := range []string{"POST /jobs", "POST /jars/upload", "POST /jars/{jar}/run", "GET /jars", "PUT /jobs/{id}/resource-requirements", "PATCH /jobs/{id}/rescaling", "POST /savepoint-disposal"} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { fail(w, http.StatusNotImplemented, errNoGraphs) })
	}
}

func (s *Server) config(w http.ResponseWriter, _ *http.Request) {
	zone, offset := s.o.Now().Zone()
	reply(w, http.StatusOK, map[string]any{
		"refresh-interval": 3000, "timezone-name": zone, "timezone-offset": offset * 1000,
		"flink-version": "weir " + s.o.Version, "flink-revision": s.o.Version,
		"features": map[string]bool{"web-submit": false, "web-cancel": true, "web-rescale": false, "web-history": false},
	})
}

func (s *Server) overview(w http.ResponseWriter, _ *http.Request) {
	counts := map[string]int{}
	slots := 0
	for _, e := range s.m.Jobs() {
		switch st := e.Status().State; st {
		case job.Finished:
			counts["finished"]++
		case job.Canceled:
			counts["cancelled"]++
		case job.Failed:
			counts["failed"]++
		default:
			counts["running"]++
			slots += parallelism(e)
		}
	}
	reply(w, http.StatusOK, map[string]any{
		"taskmanagers": 1, "slots-total": slots, "slots-available": 0,
		"jobs-running": counts["running"], "jobs-finished": counts["finished"], "jobs-cancelled": counts["cancelled"], "jobs-failed": counts["failed"],
		"flink-version": "weir " + s.o.Version, "flink-commit": s.o.Version,
	})
}

func parallelism(e *job.Entry) int {
	if p := e.Prepared(); p != nil {
		return p.Parallelism
	}
	return 1
}

func (s *Server) jobIDs(w http.ResponseWriter, _ *http.Request) {
	list := []map[string]string{}
	for _, e := range s.m.Jobs() {
		list = append(list, map[string]string{"id": e.ID, "status": string(e.Status().State)})
	}
	reply(w, http.StatusOK, map[string]any{"jobs": list})
}

// millis is a time as Flink's API has it.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return -1
	}
	return t.UnixMilli()
}

// duration is how long a job ran, in milliseconds.
func duration(st job.Status, now time.Time) int64 {
	end := st.Ended
	if end.IsZero() {
		end = now
	}
	return max(0, end.Sub(st.Started).Milliseconds())
}

func lastModified(st job.Status) int64 {
	last := st.Started
	for _, t := range st.Times {
		if t.After(last) {
			last = t
		}
	}
	return millis(last)
}

func (s *Server) jobsOverview(w http.ResponseWriter, _ *http.Request) {
	list := []map[string]any{}
	for _, e := range s.m.Jobs() {
		st := e.Status()
		tasks := taskCounts(st.State, subtasks(e))
		list = append(list, map[string]any{
			"jid": e.ID, "name": e.Name, "start-time": millis(st.Started), "end-time": millis(st.Ended), "duration": duration(st, s.o.Now()),
			"state": st.State, "last-modification": lastModified(st), "tasks": tasks, "pending-operators": 0, "schedulerType": "Default",
		})
	}
	reply(w, http.StatusOK, map[string]any{"jobs": list})
}

// taskState is the state of a job's tasks, by Flink's name.
func taskState(s job.State) string {
	switch s {
	case job.Running:
		return "RUNNING"
	case job.Finished:
		return "FINISHED"
	case job.Canceled:
		return "CANCELED"
	case job.Cancelling:
		return "CANCELING"
	case job.Failed, job.Failing:
		return "FAILED"
	}
	return "CREATED"
}

// taskCounts is the number of tasks in each state: all are in the same.
func taskCounts(s job.State, n int) map[string]int {
	out := map[string]int{"total": n}
	for _, name := range []string{"CREATED", "SCHEDULED", "DEPLOYING", "INITIALIZING", "RECONCILING", "RUNNING", "CANCELING", "CANCELED", "FINISHED", "FAILED"} {
		out[strings.ToLower(name)] = 0
	}
	out[strings.ToLower(taskState(s))] = n
	return out
}

// upperCounts are the counts under upper-case names and without the total, as other routes have them.
func upperCounts(s job.State, n int) map[string]int {
	out := map[string]int{}
	for k, v := range taskCounts(s, n) {
		if k != "total" {
			out[strings.ToUpper(k)] = v
		}
	}
	return out
}

func jobConfig(w http.ResponseWriter, _ *http.Request, e *job.Entry) {
	strategy, settings := "", map[string]string{}
	if p := e.Prepared(); p != nil {
		strategy, settings = p.Strategy.String(), p.Settings
	}
	reply(w, http.StatusOK, map[string]any{"jid": e.ID, "name": e.Name, "execution-config": map[string]any{
		"execution-mode": "PIPELINED", "restart-strategy": strategy, "job-parallelism": parallelism(e), "object-reuse-mode": true, "user-config": settings,
	}})
}

// exceptions has the newest failure first, as Flink does.
func exceptions(w http.ResponseWriter, _ *http.Request, e *job.Entry) {
	st := e.Status()
	entries := []map[string]any{}
	for i := len(st.Failures) - 1; i >= 0; i-- {
		f := st.Failures[i]
		name, _, _ := strings.Cut(f.Error, "\n")
		entries = append(entries, map[string]any{
			"exceptionName": name, "stacktrace": f.Error, "timestamp": millis(f.Time), "taskName": f.Operator, "endpoint": nil, "location": nil,
			"taskManagerId": taskManager, "failureLabels": map[string]string{}, "concurrentExceptions": []any{},
		})
	}
	out := map[string]any{"all-exceptions": []any{}, "truncated": false, "root-exception": nil, "timestamp": nil,
		"exceptionHistory": map[string]any{"entries": entries, "truncated": st.Restarts > len(st.Failures)}}
	if n := len(st.Failures); n > 0 {
		out["root-exception"], out["timestamp"] = st.Failures[n-1].Error, millis(st.Failures[n-1].Time)
	}
	reply(w, http.StatusOK, out)
}

// jobsMetrics are the metrics of all jobs, or of those of ?jobs=a,b, summed up.
func (s *Server) jobsMetrics(w http.ResponseWriter, r *http.Request) {
	var sum sums
	for _, e := range s.m.Jobs() {
		if of := r.URL.Query().Get("jobs"); of == "" || listed(of, e.ID) {
			sum.add(jobMetrics(e, e.Status()))
		}
	}
	replyAggregated(w, r, sum.list())
}

// terminate is cancel; Flink's "stop" mode went with savepoints long ago.
func (s *Server) terminate(w http.ResponseWriter, r *http.Request, e *job.Entry) {
	if mode := r.URL.Query().Get("mode"); mode != "" && mode != "cancel" {
		fail(w, http.StatusBadRequest, fmt.Errorf("mode %q: only cancel is there; POST /jobs/%s/stop stops with a savepoint", mode, e.ID))
		return
	}
	if err := e.Cancel(); err != nil {
		refuse(w, err)
		return
	}
	reply(w, http.StatusAccepted, struct{}{})
}

func (s *Server) taskManagerView() map[string]any {
	slots := 0
	for _, e := range s.m.Jobs() {
		if !e.Status().State.Ended() {
			slots += parallelism(e)
		}
	}
	host, _ := os.Hostname()
	none := map[string]any{"cpuCores": 0, "taskHeapMemory": 0, "taskOffHeapMemory": 0, "managedMemory": 0, "networkMemory": 0, "extendedResources": map[string]any{}}
	return map[string]any{
		"id": taskManager, "path": host, "dataPort": -1, "jmxPort": -1, "timeSinceLastHeartbeat": millis(s.o.Now()),
		"slotsNumber": slots, "freeSlots": 0, "totalResource": none, "freeResource": none,
		"hardware": map[string]any{"cpuCores": runtime.NumCPU(), "physicalMemory": 0, "freeMemory": 0, "managedMemory": 0},
	}
}

func (s *Server) taskManagers(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{"taskmanagers": []any{s.taskManagerView()}})
}

func (s *Server) taskManager(w http.ResponseWriter, r *http.Request) {
	if id := r.PathValue("tm"); id != taskManager {
		fail(w, http.StatusNotFound, fmt.Errorf("there is no task manager %q: the only one is %q", id, taskManager))
		return
	}
	reply(w, http.StatusOK, s.taskManagerView())
}

func (s *Server) jobManagerConfig(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, []map[string]string{
		{"key": "weir.version", "value": s.o.Version},
		{"key": "weir.data", "value": s.o.Session.DataDir},
		{"key": "web.submit.enable", "value": "false"},
	})
}

// processMetrics are those of the process under the names that Flink's tools ask for.
func processMetrics(w http.ResponseWriter, r *http.Request) {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/sched/goroutines:goroutines"}, {Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(samples)
	list := []metric{
		{"Status.JVM.Memory.Heap.Used", float64(samples[0].Value.Uint64())},
		{"Status.JVM.Memory.Heap.Committed", float64(samples[1].Value.Uint64())},
		{"Status.JVM.Threads.Count", float64(samples[2].Value.Uint64())},
		{"Status.JVM.GarbageCollector.All.Count", float64(samples[3].Value.Uint64())},
		{"taskSlotsTotal", 0}, {"taskSlotsAvailable", 0}, {"numRegisteredTaskManagers", 1},
	}
	replyMetrics(w, r, list)
}

// metric is a value under a name.
type metric struct {
	id    string
	value float64
}

// replyMetrics lists names; with ?get=a,b the values of these.
func replyMetrics(w http.ResponseWriter, r *http.Request, list []metric) {
	get := r.URL.Query().Get("get")
	out := []map[string]string{}
	if get == "" {
		for _, m := range list {
			out = append(out, map[string]string{"id": m.id})
		}
		reply(w, http.StatusOK, out)
		return
	}
	byID := map[string]float64{}
	for _, m := range list {
		byID[m.id] = m.value
	}
	for _, id := range strings.Split(get, ",") {
		if v, ok := byID[id]; ok {
			out = append(out, map[string]string{"id": id, "value": number(v)})
		}
	}
	reply(w, http.StatusOK, out)
}

// number writes whole numbers as such.
func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return fmt.Sprintf("%d", int64(v))
	}
	return fmt.Sprint(v)
}
