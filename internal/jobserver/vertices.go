package jobserver

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"time"

	"weir/exec"
	"weir/exec/job"
	"weir/sql/types"
)

// vertex is a node of a job's plan, with what it has done. Exchanges are edges, not vertices.
type vertex struct {
	node    string // id of the plan node
	id      string // as Flink's: 32 hexadecimal digits
	name    string
	inputs  []edge
	stats   []exec.NodeStats // by instance
	rates   []job.Rate
	input   types.Time // least watermark that comes in
	output  types.Time
	chained bool // it runs in its input's task
	now     time.Time
}

type edge struct {
	from string // plan node
	ship string
}

// planNode is what is read back of a plan.
type planNode struct {
	ID           string   `json:"id"`
	Kind         string   `json:"kind"`
	Does         string   `json:"does"`
	Inputs       []string `json:"inputs"`
	Table        string   `json:"table"`
	Distribution *struct {
		Kind string `json:"kind"`
	} `json:"distribution"`
}

// vertexID makes an id of Flink's form.
func vertexID(node string) string {
	sum := md5.Sum([]byte(node)) // a name, not a proof
	return hex.EncodeToString(sum[:])
}

// vertices are a job's, inputs first.
func vertices(e *job.Entry, now time.Time) []*vertex {
	var plan struct {
		Nodes []planNode `json:"nodes"`
	}
	if json.Unmarshal(e.Plan(), &plan) != nil {
		return nil // there is none: it could never be planned
	}
	nodes := map[string]planNode{}
	for _, n := range plan.Nodes {
		nodes[n.ID] = n
	}
	byNode := map[string][]exec.NodeStats{}
	for _, s := range e.Stats() {
		byNode[s.ID] = append(byNode[s.ID], s)
	}
	rates := e.Rates(now)
	made := map[string]*vertex{}
	var out []*vertex
	for _, n := range plan.Nodes {
		if n.Kind == "Exchange" {
			continue
		}
		v := &vertex{node: n.ID, id: vertexID(n.ID), name: n.ID, stats: byNode[n.ID], now: now}
		if n.Does != "" {
			v.name += ": " + n.Does
		}
		for _, in := range n.Inputs {
			v.inputs = append(v.inputs, through(nodes, in))
		}
		v.watermarks(made)
		v.count(made, rates)
		made[n.ID] = v
		out = append(out, v)
	}
	return out
}

// through gives the vertex behind an input, and how its rows come.
func through(nodes map[string]planNode, in string) edge {
	ship := "FORWARD"
	for nodes[in].Kind == "Exchange" && len(nodes[in].Inputs) == 1 {
		ship = "REBALANCE"
		if d := nodes[in].Distribution; d != nil {
			ship = map[string]string{"hash": "HASH", "single": "GLOBAL"}[d.Kind]
		}
		in = nodes[in].Inputs[0]
	}
	return edge{in, ship}
}

func (v *vertex) watermarks(made map[string]*vertex) {
	v.output, v.input = types.MaxTime, types.MaxTime
	for _, s := range v.stats {
		v.output = min(v.output, s.Watermark)
	}
	for _, in := range v.inputs {
		if from := made[in.from]; from != nil {
			v.input = min(v.input, from.output)
		}
	}
	if len(v.stats) == 0 {
		v.output = types.MinTime
	}
	if len(v.inputs) == 0 {
		v.input = v.output
	}
}

// count finds the rates. A task's time is counted on its first node, and is that of the nodes behind it too.
func (v *vertex) count(made map[string]*vertex, rates map[job.Counter]job.Rate) {
	var head *vertex
	if len(v.inputs) == 1 && v.inputs[0].ship == "FORWARD" {
		if head = made[v.inputs[0].from]; head != nil && len(head.stats) == len(v.stats) {
			v.chained = true
		}
	}
	for i, s := range v.stats {
		r := rates[job.Counter{Node: s.ID, Instance: s.Instance}]
		if v.chained {
			r.Busy, r.BackPressure = head.rates[i].Busy, head.rates[i].BackPressure
		}
		v.rates = append(v.rates, r)
	}
}

// subtasks is the number of instances of all vertices.
func subtasks(e *job.Entry) int {
	stats := e.Stats()
	if len(stats) == 0 {
		return parallelism(e)
	}
	return len(stats)
}

func (s *Server) vertexRoutes() {
	s.mux.HandleFunc("GET /jobs/{id}", s.withJob(s.jobDetails))
	s.mux.HandleFunc("GET /jobs/{id}/plan", s.withJob(func(w http.ResponseWriter, _ *http.Request, e *job.Entry) {
		reply(w, http.StatusOK, map[string]any{"plan": planView(e, vertices(e, s.o.Now()))})
	}))
	s.mux.HandleFunc("GET /jobs/{id}/vertices/{v}", s.withVertex(s.vertexDetails))
	s.mux.HandleFunc("GET /jobs/{id}/vertices/{v}/backpressure", s.withVertex(s.backPressure))
	s.mux.HandleFunc("GET /jobs/{id}/vertices/{v}/watermarks", s.withVertex(func(w http.ResponseWriter, _ *http.Request, _ *job.Entry, v *vertex) {
		out := []map[string]string{}
		for i := range v.stats {
			out = append(out, map[string]string{"id": fmt.Sprintf("%d.currentInputWatermark", i), "value": fmt.Sprint(int64(v.input))})
		}
		reply(w, http.StatusOK, out)
	}))
	s.mux.HandleFunc("GET /jobs/{id}/vertices/{v}/metrics", s.withVertex(func(w http.ResponseWriter, r *http.Request, _ *job.Entry, v *vertex) {
		var list []metric
		for i := range v.stats {
			for _, m := range v.metrics(i) {
				list = append(list, metric{fmt.Sprintf("%d.%s", i, m.id), m.value})
			}
		}
		replyMetrics(w, r, list)
	}))
	s.mux.HandleFunc("GET /jobs/{id}/vertices/{v}/subtasks/metrics", s.withVertex(func(w http.ResponseWriter, r *http.Request, _ *job.Entry, v *vertex) {
		replyAggregated(w, r, v.aggregated())
	}))
	s.mux.HandleFunc("GET /jobs/{id}/vertices/{v}/subtasktimes", s.withVertex(s.subtaskTimes))
	s.mux.HandleFunc("GET /jobs/{id}/vertices/{v}/taskmanagers", s.withVertex(s.vertexTaskManagers))
}

func (s *Server) withVertex(f func(w http.ResponseWriter, r *http.Request, e *job.Entry, v *vertex)) http.HandlerFunc {
	return s.withJob(func(w http.ResponseWriter, r *http.Request, e *job.Entry) {
		want := r.PathValue("v")
		for _, v := range vertices(e, s.o.Now()) {
			if v.id == want || v.node == want {
				f(w, r, e, v)
				return
			}
		}
		fail(w, http.StatusNotFound, fmt.Errorf("job %s has no vertex %q: GET /jobs/%s lists them", e.ID, want, e.ID))
	})
}

func (s *Server) jobDetails(w http.ResponseWriter, _ *http.Request, e *job.Entry) {
	st, now := e.Status(), s.o.Now()
	list := vertices(e, now)
	views := []map[string]any{}
	for _, v := range list {
		n := max(1, len(v.stats))
		views = append(views, map[string]any{
			"id": v.id, "slotSharingGroupId": vertexID("default"), "name": v.name, "maxParallelism": 128, "parallelism": n, "status": taskState(st.State),
			"start-time": millis(st.Started), "end-time": millis(st.Ended), "duration": duration(st, now), "tasks": upperCounts(st.State, n), "metrics": v.io(),
		})
	}
	times := map[string]int64{"INITIALIZING": 0, "SUSPENDED": 0, "RECONCILING": 0}
	for _, name := range job.States() {
		times[string(name)] = 0
		if t := st.Times[name]; !t.IsZero() {
			times[string(name)] = t.UnixMilli()
		}
	}
	reply(w, http.StatusOK, map[string]any{
		"jid": e.ID, "name": e.Name, "isStoppable": true, "state": st.State, "job-type": "STREAMING", "start-time": millis(st.Started), "end-time": millis(st.Ended),
		"duration": duration(st, now), "maxParallelism": 128, "now": millis(now), "timestamps": times, "vertices": views,
		"status-counts": upperCounts(st.State, len(list)), "plan": planView(e, list), "pending-operators": 0, "schedulerType": "Default",
	})
}

func planView(e *job.Entry, list []*vertex) map[string]any {
	nodes := []map[string]any{}
	for _, v := range list {
		ins := []map[string]any{}
		for i, in := range v.inputs {
			ins = append(ins, map[string]any{"num": i, "id": vertexID(in.from), "ship_strategy": in.ship, "exchange": "pipelined_bounded"})
		}
		nodes = append(nodes, map[string]any{"id": v.id, "parallelism": max(1, len(v.stats)), "operator": "", "operator_strategy": "",
			"description": v.name, "inputs": ins, "optimizer_properties": map[string]any{}})
	}
	return map[string]any{"jid": e.ID, "name": e.Name, "type": "STREAMING", "nodes": nodes}
}

// io are the counters of all instances.
func (v *vertex) io() map[string]any {
	var in, out, busy, blocked int64
	for _, s := range v.stats {
		in, out = in+s.RowsIn, out+s.RowsOut
		busy, blocked = busy+s.Busy.Milliseconds(), blocked+s.BackPressured.Milliseconds()
	}
	return map[string]any{
		"read-bytes": 0, "read-bytes-complete": true, "write-bytes": 0, "write-bytes-complete": true,
		"read-records": in, "read-records-complete": true, "write-records": out, "write-records-complete": true,
		"accumulated-backpressured-time": blocked, "accumulated-idle-time": 0, "accumulated-busy-time": busy,
	}
}

func (s *Server) vertexDetails(w http.ResponseWriter, _ *http.Request, e *job.Entry, v *vertex) {
	st, now := e.Status(), s.o.Now()
	subs := []map[string]any{}
	for i := range v.stats {
		one := &vertex{stats: v.stats[i : i+1]}
		subs = append(subs, map[string]any{"subtask": i, "status": taskState(st.State), "attempt": max(0, st.Attempt-1), "endpoint": "localhost",
			"start-time": millis(st.Times[job.Running]), "start_time": millis(st.Times[job.Running]), "end-time": millis(st.Ended), "duration": duration(st, now),
			"metrics": one.io(), "taskmanager-id": taskManager, "status-duration": map[string]any{}, "other-concurrent-attempts": nil})
	}
	reply(w, http.StatusOK, map[string]any{"id": v.id, "name": v.name, "parallelism": max(1, len(v.stats)), "maxParallelism": 128, "now": millis(now),
		"subtasks": subs, "aggregated": map[string]any{"metrics": map[string]any{}, "status-duration": map[string]any{}}})
}

// level names a ratio of back-pressure as Flink does.
func level(ratio float64) string {
	switch {
	case ratio > 0.5:
		return "high"
	case ratio > 0.1:
		return "low"
	}
	return "ok"
}

func (s *Server) backPressure(w http.ResponseWriter, _ *http.Request, _ *job.Entry, v *vertex) {
	subs, worst := []map[string]any{}, 0.0
	for i, r := range v.rates {
		blocked, busy := r.BackPressure/1000, r.Busy/1000
		worst = max(worst, blocked)
		subs = append(subs, map[string]any{"subtask": i, "attempt-number": 0, "backpressureLevel": level(blocked), "ratio": blocked,
			"idleRatio": max(0, 1-blocked-busy), "busyRatio": busy, "other-concurrent-attempts": nil})
	}
	reply(w, http.StatusOK, map[string]any{"status": "ok", "backpressureLevel": level(worst), "end-timestamp": millis(s.o.Now()), "subtasks": subs})
}

func (s *Server) subtaskTimes(w http.ResponseWriter, _ *http.Request, e *job.Entry, v *vertex) {
	st, now := e.Status(), s.o.Now()
	subs := []map[string]any{}
	for i := range v.stats {
		subs = append(subs, map[string]any{"subtask": i, "host": "localhost", "endpoint": "localhost", "duration": duration(st, now),
			"timestamps": map[string]int64{"CREATED": millis(st.Started), "RUNNING": millis(st.Times[job.Running])}})
	}
	reply(w, http.StatusOK, map[string]any{"id": v.id, "name": v.name, "now": millis(now), "subtasks": subs})
}

func (s *Server) vertexTaskManagers(w http.ResponseWriter, _ *http.Request, e *job.Entry, v *vertex) {
	st, now := e.Status(), s.o.Now()
	reply(w, http.StatusOK, map[string]any{"id": v.id, "name": v.name, "now": millis(now), "taskmanagers": []map[string]any{{
		"endpoint": "localhost", "status": taskState(st.State), "start-time": millis(st.Times[job.Running]), "end-time": millis(st.Ended), "duration": duration(st, now),
		"metrics": v.io(), "status-counts": upperCounts(st.State, len(v.stats)), "taskmanager-id": taskManager, "aggregated": map[string]any{},
	}}})
}

// metrics are those of one instance, under Flink's names.
func (v *vertex) metrics(i int) []metric {
	s, r := v.stats[i], v.rates[i]
	list := []metric{
		{"numRecordsIn", float64(s.RowsIn)}, {"numRecordsOut", float64(s.RowsOut)},
		{"numRecordsInPerSecond", r.In}, {"numRecordsOutPerSecond", r.Out},
		{"currentInputWatermark", float64(v.input)}, {"currentOutputWatermark", float64(s.Watermark)},
		{"numLateRecordsDropped", float64(s.Late)}, {"numRecordsInErrors", float64(s.Rejected)},
		{"busyTimeMsPerSecond", r.Busy}, {"backPressuredTimeMsPerSecond", r.BackPressure}, {"idleTimeMsPerSecond", max(0, 1000-r.Busy-r.BackPressure)},
		{"stateSize", float64(s.StateBytes)}, {"stateGroups", float64(s.Groups)},
	}
	if r := s.Reference; r != nil && !r.Loaded.IsZero() {
		list = append(list, metric{"cache_numCachedRecords", float64(r.Rows)}, metric{"cache_loadCount", float64(r.Loads)}, metric{"cache_numLoadFailures", float64(r.Failures)},
			metric{"cache_latestLoadTime", float64(r.Took.Milliseconds())}, metric{"cache_ageMillis", float64(max(0, v.now.Sub(r.Loaded)).Milliseconds())},
			metric{"cache_hitCount", float64(r.Found)}, metric{"cache_missCount", float64(r.Missed)})
	}
	if s.Behind >= 0 && len(v.inputs) == 0 {
		list = append(list, metric{"millisBehindLatest", float64(s.Behind.Milliseconds())})
	}
	return list
}

// aggregate is a metric over instances.
type aggregate struct {
	id            string
	min, max, sum float64
	n             int
}

// sums gathers aggregates by name.
type sums struct{ byID map[string]*aggregate }

func (s *sums) add(list []metric) {
	if s.byID == nil {
		s.byID = map[string]*aggregate{}
	}
	for _, m := range list {
		a := s.byID[m.id]
		if a == nil {
			a = &aggregate{id: m.id, min: m.value, max: m.value}
			s.byID[m.id] = a
		}
		a.min, a.max, a.sum, a.n = min(a.min, m.value), max(a.max, m.value), a.sum+m.value, a.n+1
	}
}

func (s *sums) list() []aggregate {
	out := make([]aggregate, 0, len(s.byID))
	for _, a := range s.byID {
		out = append(out, *a)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].id < out[j].id })
	return out
}

func (v *vertex) aggregated() []aggregate {
	var s sums
	for i := range v.stats {
		s.add(v.metrics(i))
	}
	return s.list()
}

// replyAggregated lists names; with ?get=a,b their aggregates, of which ?agg=min,sum picks some.
func replyAggregated(w http.ResponseWriter, r *http.Request, list []aggregate) {
	get, agg := r.URL.Query().Get("get"), r.URL.Query().Get("agg")
	out := []map[string]any{}
	for _, a := range list {
		if get == "" {
			out = append(out, map[string]any{"id": a.id})
			continue
		}
		if !listed(get, a.id) {
			continue
		}
		one := map[string]any{"id": a.id}
		for name, value := range map[string]float64{"min": a.min, "max": a.max, "avg": a.sum / float64(a.n), "sum": a.sum} {
			if agg == "" || listed(agg, name) {
				one[name] = value
			}
		}
		out = append(out, one)
	}
	reply(w, http.StatusOK, out)
}

func listed(list, name string) bool {
	for _, x := range strings.Split(list, ",") {
		if x == name {
			return true
		}
	}
	return false
}
