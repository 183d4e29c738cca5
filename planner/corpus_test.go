package planner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/sql"
)

// corpusTables are tables that some statements of the corpus name.
const corpusTables = `
CREATE TABLE t (a INT, b INT, c STRING, k INT, v INT, u STRING, id INT, x INT, y STRING, ts TIMESTAMP(3), p AS PROCTIME(), arr ARRAY<INT>, m MAP<STRING, INT>, r ROW<x INT, y ROW<z INT>>, WATERMARK FOR ts AS ts) WITH ('connector' = 'fake');
CREATE TABLE s (a INT, b INT, c STRING, k INT, v INT, x INT, y STRING, id INT, name STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'cdc');
CREATE TABLE Bid (auction BIGINT, bidder BIGINT, item STRING, price DECIMAL(10, 2), supplier_id STRING, bidtime TIMESTAMP(3), a INT, b INT, WATERMARK FOR bidtime AS bidtime - INTERVAL '1' SECOND) WITH ('connector' = 'fake');
CREATE TABLE Orders (user_id INT, product STRING, amount INT, order_time TIMESTAMP(3), rowtime TIMESTAMP(3), id INT, currency STRING, proctime AS PROCTIME(), WATERMARK FOR order_time AS order_time) WITH ('connector' = 'fake');
`

// FuzzPlan plans any text over some tables: it gives a plan or an error, and never panics.
func FuzzPlan(f *testing.F) {
	for _, s := range corpus() {
		f.Add(s)
	}
	f.Add("SELECT a, COUNT(*) FROM t GROUP BY a")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			t.Skip()
		}
		p := newPlanner()
		if _, err := run(p, corpusTables); err != nil {
			t.Fatal(err)
		}
		plan, err := run(p, text)
		if err == nil && plan != nil {
			if Explain(plan) == "" || ExplainJSON(plan) == "" {
				t.Fatal("a plan prints as nothing")
			}
		}
	})
}

// corpus lists the statements of the shared corpus of Flink's dialect.
func corpus() []string {
	files, _ := filepath.Glob("../../shared/corpus/*.sql")
	var out []string
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for _, piece := range sql.Split(string(data)) {
			out = append(out, strings.TrimSpace(piece.Text))
		}
	}
	return out
}
