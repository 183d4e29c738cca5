package session

import (
	"strings"
	"testing"
	"time"

	"weir/exec"
	"weir/exec/job"
	"weir/sql/types"
)

const diagnosedPlan = `{"nodes": [
	{"id": "Scan-1", "kind": "Scan", "does": "orders"}, {"id": "Calc-1", "kind": "Calc", "does": "[v] where v > 10", "inputs": ["Scan-1"]},
	{"id": "Exchange-1", "kind": "Exchange", "inputs": ["Calc-1"]},
	{"id": "WindowAgg-1", "kind": "WindowAgg", "does": "TUMBLE", "inputs": ["Exchange-1"]}, {"id": "Sink-1", "kind": "Sink", "does": "out", "inputs": ["WindowAgg-1"]}]}`

const joinPlan = `{"nodes": [{"id": "Scan-1", "kind": "Scan"}, {"id": "Scan-2", "kind": "Scan"}, {"id": "Join-1", "kind": "Join", "does": "a = b", "inputs": ["Scan-1", "Scan-2"]},
	{"id": "Sink-1", "kind": "Sink", "inputs": ["Join-1"]}]}`

// at is a watermark in seconds.
func at(seconds int64) types.Time { return types.Time(seconds * 1000) }

// TestDiagnosis: what is said first, of each thing that holds a job back.
func TestDiagnosis(t *testing.T) {
	split := func(id string, wm types.Time, state string) exec.SplitStats {
		return exec.SplitStats{ID: id, Watermark: wm, State: state}
	}
	scan := func(out int64, splits ...exec.SplitStats) exec.NodeStats {
		return exec.NodeStats{ID: "Scan-1", RowsIn: out, RowsOut: out, Watermark: at(100), Splits: splits}
	}
	calc := func(in, out int64) exec.NodeStats {
		return exec.NodeStats{ID: "Calc-1", RowsIn: in, RowsOut: out, Watermark: at(100)}
	}
	tests := []struct {
		name string
		d    diagnosis
		want string
	}{
		{"failed", diagnosis{state: "FAILED", cause: "Scan-1: no such stream"}, "the job is FAILED: Scan-1: no such stream"},
		{"restarting", diagnosis{state: "RESTARTING", cause: "credentials have expired"}, "RESTARTING: credentials have expired"},
		{"canceled", diagnosis{state: "CANCELED"}, "CANCELED"},
		{"nothing read", diagnosis{stats: []exec.NodeStats{scan(0, split("shard-0", types.MinTime, exec.SplitReading))}}, "Scan-1 (orders) has read no record"},
		{"no shard", diagnosis{stats: []exec.NodeStats{scan(0)}}, "has nothing to read"},
		{"all rejected", diagnosis{stats: []exec.NodeStats{{ID: "Scan-1", Rejected: 7, Reasons: map[string]int64{"decode": 5, "null-rowtime": 2}}}}, "all of its 7 records were rejected (decode 5, null-rowtime 2): they"},
		{"rejected by the sink", diagnosis{stats: []exec.NodeStats{scan(50), calc(50, 50), {ID: "WindowAgg-1", RowsIn: 50, RowsOut: 50}, {ID: "Sink-1", RowsIn: 50, Rejected: 2, Reasons: map[string]int64{"not-null": 2}}}}, "Sink-1 (out): 2 rows were rejected (not-null 2)"},
		{"filter", diagnosis{stats: []exec.NodeStats{scan(50), calc(50, 0)}}, "Calc-1 ([v] where v > 10) lets none of 50 rows pass"},
		{"window", diagnosis{stats: []exec.NodeStats{scan(50), calc(50, 5), {ID: "WindowAgg-1", RowsIn: 5, Groups: 2}}}, "holds 2 groups: it gives rows once the watermark, which is at 1970-01-01 00:01:40.000 in Calc-1"},
		{"late", diagnosis{stats: []exec.NodeStats{scan(50), calc(50, 5), {ID: "WindowAgg-1", RowsIn: 5, Late: 5}}}, "5 of 5 rows came behind the watermark"},
		{"silent shard", diagnosis{stats: []exec.NodeStats{scan(50, split("shard-0", at(100), exec.SplitReading), split("shard-1", types.MinTime, exec.SplitReading))}},
			`split "shard-1" has had no row yet and holds back the watermark, others are at 1970-01-01 00:01:40.000`},
		{"slow shard", diagnosis{stats: []exec.NodeStats{scan(50, split("shard-0", at(100), exec.SplitReading), split("shard-1", at(40), exec.SplitReading))}}, `split "shard-1" is at 1970-01-01 00:00:40.000 and holds back the watermark; the furthest is 1m0s ahead`},
		{"idle shard", diagnosis{stats: []exec.NodeStats{scan(50, split("shard-0", at(100), exec.SplitReading), split("shard-1", types.MinTime, exec.SplitIdle)), calc(50, 0)}}, "Calc-1"},
		{"join without a side", diagnosis{plan: joinPlan, stats: []exec.NodeStats{scan(50), {ID: "Scan-2", Splits: []exec.SplitStats{split("f", 0, "done")}}, {ID: "Join-1", RowsIn: 50}}}, "Scan-2 has read no record"},
		{"join without a match", diagnosis{plan: joinPlan, stats: []exec.NodeStats{scan(50), {ID: "Scan-2", RowsOut: 3}, {ID: "Join-1", RowsIn: 53}}}, "50 rows of Scan-1 and 3 of Scan-2, and no two of them match"},
		{"slow sink", diagnosis{stats: []exec.NodeStats{scan(50), calc(50, 50), {ID: "WindowAgg-1", RowsIn: 50, RowsOut: 50}, {ID: "Sink-1", RowsIn: 50}},
			rates: map[job.Counter]job.Rate{{Node: "Scan-1"}: {BackPressure: 900}, {Node: "Sink-1"}: {Busy: 950}}}, "Scan-1 (orders) waits 90 % of its time for Sink-1 (out), which is slower"},
		{"checkpoints fail", diagnosis{stats: []exec.NodeStats{scan(50), calc(50, 50), {ID: "WindowAgg-1", RowsIn: 50, RowsOut: 50}},
			checkpoints: exec.CheckpointStats{ConsecutiveFailures: 2, LastFailed: &exec.CheckpointInfo{Error: "disk full"}}}, "the last 2 checkpoints failed, and files become visible with one: disk full"},
		{"service hangs", diagnosis{stats: []exec.NodeStats{scan(50), {ID: "Calc-1", RowsIn: 50, RowsOut: 50, Watermark: at(100), Asks: exec.AskStats{UnderWay: 3, Since: time.Unix(990, 0), Status: "the circuit breaker is open"}}}},
			"Calc-1 ([v] where v > 10) waits for answers: 3 requests are under way, the oldest for 10s; the circuit breaker is open; the watermark stays at 1970-01-01 00:01:40.000"},
		{"service answers", diagnosis{stats: []exec.NodeStats{scan(50), {ID: "Calc-1", RowsIn: 50, Asks: exec.AskStats{UnderWay: 3, Since: time.Unix(999, 9e8)}}}}, "Calc-1 ([v] where v > 10) lets none of 50 rows pass"},
		{"no checkpoint yet", diagnosis{stats: []exec.NodeStats{scan(50), calc(50, 50), {ID: "WindowAgg-1", RowsIn: 50, RowsOut: 50}, {ID: "Sink-1", RowsIn: 50}}}, "become visible with the first checkpoint"},
		{"fine", diagnosis{stats: []exec.NodeStats{scan(50), calc(50, 50), {ID: "WindowAgg-1", RowsIn: 50, RowsOut: 5}, {ID: "Sink-1", RowsIn: 5}}, checkpoints: exec.CheckpointStats{Completed: 1}},
			"the job is RUNNING: 50 rows read, 5 given; nothing holds it back"},
	}
	for _, tt := range tests {
		d := tt.d
		if d.plan == "" {
			d.plan = diagnosedPlan
		}
		if d.state == "" {
			d.state = "RUNNING"
		}
		d.now = time.Unix(1000, 0)
		if got := d.lines(); len(got) == 0 || !strings.Contains(got[0], tt.want) {
			t.Errorf("%s: got\n%s\nwant %q first", tt.name, strings.Join(got, "\n"), tt.want)
		}
	}
}

func TestDiagnoseStatement(t *testing.T) {
	s := ephemeral(t, t.TempDir())
	must(t, s, someTables)
	for in, want := range map[string]string{
		"DIAGNOSE SELECT id FROM src WHERE id > 100": "lets none of 5 rows pass",
		"DIAGNOSE VALUES (1)":                        "1 rows read, 1 given; nothing holds it back",
		"DIAGNOSE JOB 'nope'":                        `there is no job "nope"`,
		"DIAGNOSE INSERT INTO snk SELECT 1":          "DIAGNOSE takes a query, or JOB 'id'",
	} {
		r, err := exec1(t, s, in)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			for _, c := range r.Cells {
				got += c[0] + "\n"
			}
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %q", in, got, want)
		}
	}
}
