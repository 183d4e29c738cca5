package jobserver

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"weir/exec/job"
	"weir/sql/types"
)

// metricsHandler serves Prometheus. Names are those of Flink's Prometheus reporter, so that its dashboards work.
func (s *Server) metricsHandler() http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &collector{s})
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg, MaxRequestsInFlight: 4})
}

const (
	taskPrefix = "flink_taskmanager_job_task_operator_"
	jobPrefix  = "flink_jobmanager_job_"
)

var (
	taskLabels = []string{"job_id", "job_name", "operator_name", "subtask_index"}
	jobLabels  = []string{"job_id", "job_name"}
)

// collector reads the jobs when Prometheus asks. The metrics that there are depend on the jobs, so none is
// described beforehand.
type collector struct{ s *Server }

// Describe is part of prometheus.Collector.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect is part of prometheus.Collector. Ended jobs are left out: their counters say nothing new.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	counts := map[job.State]int{}
	for _, e := range c.s.m.Jobs() {
		st := e.Status()
		counts[st.State]++
		if st.State.Ended() {
			continue
		}
		for _, m := range jobMetrics(e, st) {
			out <- gauge(jobPrefix+m.id, m.value, jobLabels, e.ID, e.Name)
		}
		for _, v := range vertices(e, c.s.o.Now()) {
			for i, n := range v.stats {
				for _, m := range v.metrics(i) {
					out <- gauge(taskPrefix+m.id, m.value, taskLabels, e.ID, e.Name, v.node, strconv.Itoa(n.Instance))
				}
			}
			for _, x := range v.splits() {
				labels := append(append([]string{}, taskLabels...), "split")
				values := []string{e.ID, e.Name, v.node, strconv.Itoa(x.Instance), x.ID}
				if x.BehindMillis >= 0 {
					out <- gauge(taskPrefix+"KinesisStreamSource_millisBehindLatest", float64(x.BehindMillis), labels, values...)
				}
				out <- gauge(taskPrefix+"split_watermark", float64(x.Watermark), labels, values...)
			}
		}
	}
	c.calls(out)
	for _, st := range job.States() {
		out <- gauge("weir_jobs", float64(counts[st]), []string{"state"}, string(st))
	}
	out <- gauge("flink_jobmanager_numRunningJobs", float64(counts[job.Running]), nil)
}

// calls tells what services were asked.
func (c *collector) calls(out chan<- prometheus.Metric) {
	if c.s.o.Session.Ledger == nil {
		return
	}
	list, err := c.s.o.Session.Ledger.Entries()
	if err != nil {
		c.s.o.Logger.Warn("metrics of calls", "error", err)
		return
	}
	labels := []string{"job_id", "table_name", "endpoint"}
	for _, e := range list {
		for _, m := range []metric{
			{"calls_total", float64(e.Calls)}, {"call_failures_total", float64(e.Failures)}, {"call_bytes_sent_total", float64(e.Sent)},
			{"call_bytes_received_total", float64(e.Received)}, {"call_p50_seconds", e.Quantile(0.5).Seconds()}, {"call_p99_seconds", e.Quantile(0.99).Seconds()},
		} {
			out <- gauge("weir_"+m.id, m.value, labels, e.Job, e.Table, e.Endpoint)
		}
	}
}

func gauge(name string, value float64, labels []string, values ...string) prometheus.Metric {
	m, err := prometheus.NewConstMetric(prometheus.NewDesc(name, help[name], labels, nil), prometheus.GaugeValue, value, values...)
	if err != nil {
		return prometheus.NewInvalidMetric(prometheus.NewDesc(name, "", nil, nil), err)
	}
	return m
}

// help says what some metrics are; the others are Flink's and known by their names.
var help = map[string]string{
	"weir_jobs":                    "Jobs by state.",
	"weir_calls_total":             "Calls of a service outside, for a table or model.",
	taskPrefix + "split_watermark": "Watermark of a split, in milliseconds since 1970.",

	taskPrefix + "cache_numCachedRecords": "Rows of a table that a lookup join holds in memory.",
	taskPrefix + "cache_ageMillis":        "How long ago they were read.",
	taskPrefix + "cache_latestLoadTime":   "How long reading them took, in milliseconds.",
	taskPrefix + "cache_hitCount":         "Rows of the join whose key the table had.",
	taskPrefix + "cache_missCount":        "Rows of the join whose key the table had not.",
}

// jobMetrics are those of the whole job.
func jobMetrics(e *job.Entry, st job.Status) []metric {
	c := e.Checkpoints()
	list := []metric{
		{"numRestarts", float64(st.Restarts)}, {"fullRestarts", float64(st.Restarts)},
		{"numberOfCompletedCheckpoints", float64(c.Completed)}, {"numberOfFailedCheckpoints", float64(c.Failed)},
		{"numberOfInProgressCheckpoints", float64(c.InProgress)}, {"totalNumberOfCheckpoints", float64(c.Completed + c.Failed + c.InProgress)},
	}
	if last := c.LastCompleted; last != nil {
		list = append(list, metric{"lastCheckpointDuration", float64(last.Duration.Milliseconds())},
			metric{"lastCheckpointSize", float64(last.NewBytes)}, metric{"lastCheckpointFullSize", float64(last.Bytes)},
			metric{"lastCompletedCheckpointId", float64(last.ID)})
	}
	if c.Restored != nil {
		list = append(list, metric{"lastCheckpointRestoreTimestamp", float64(millis(st.Times[job.Running]))})
	}
	return list
}

// splitView is a shard or file of a source. Times are milliseconds.
type splitView struct {
	Source       string     `json:"source"`
	Instance     int        `json:"subtask"`
	ID           string     `json:"split"`
	Watermark    types.Time `json:"watermark"`
	BehindMillis int64      `json:"millisBehindLatest"` // -1: unknown
	Rows         int64      `json:"rows"`
	State        string     `json:"state"` // reading, idle, held (it runs ahead of others), done
}

func (v *vertex) splits() []splitView {
	var out []splitView
	for _, n := range v.stats {
		for _, x := range n.Splits {
			behind := int64(-1)
			if x.Behind >= 0 {
				behind = x.Behind.Milliseconds()
			}
			out = append(out, splitView{v.node, n.Instance, x.ID, x.Watermark, behind, x.Rows, x.State})
		}
	}
	return out
}

func splits(e *job.Entry) []splitView {
	out := []splitView{}
	for _, n := range e.Stats() {
		out = append(out, (&vertex{node: n.ID, stats: append(e.Stats()[:0:0], n)}).splits()...)
	}
	return out
}
