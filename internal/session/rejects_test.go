package session

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"weir/exec"
	"weir/planner"
	"weir/sql/vec"
)

// lines runs a query and gives its rows, sorted.
func lines(t *testing.T, s *Session, query string) []string {
	t.Helper()
	r := must(t, s, query)
	var out []string
	run, err := r.Stream(context.Background(), func(b *vec.Batch) error {
		out = append(out, textRows(b)...)
		return nil
	})
	if err == nil {
		err = run.Wait()
	}
	if err != nil {
		t.Fatalf("%s\n%v", query, err)
	}
	sort.Strings(out)
	return out
}

func textRows(b *vec.Batch) (out []string) {
	for i := range b.Len() {
		var cells []string
		for _, c := range b.Rows.Columns() {
			cells = append(cells, c.ValueStr(i))
		}
		out = append(out, strings.Join(cells, " "))
	}
	return out
}

// badFiles writes files of which each third record is bad, and each tenth late.
func badFiles(t *testing.T, dir string, files, records int) (bad []string) {
	t.Helper()
	for f := range files {
		var b strings.Builder
		for i := range records {
			switch {
			case i%3 == 2:
				bad = append(bad, fmt.Sprintf("f%d.json %d", f, i+1))
				b.WriteString("{\"id\": oops\n")
			case i%10 == 9:
				fmt.Fprintf(&b, "{\"id\": %d, \"ts\": \"2024-01-01 00:00:00\"}\n", i)
			default:
				fmt.Fprintf(&b, "{\"id\": %d, \"ts\": \"2024-01-01 00:%02d:%02d\"}\n", i, 1+i/60, i%60)
			}
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%d.json", f)), []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	sort.Strings(bad)
	return bad
}

const badTable = `CREATE TABLE t (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'json',
	'error-handling.mode' = 'log', 'late-handling.mode' = 'log');
CREATE TABLE x (n BIGINT) WITH ('connector' = 'memory');`

const insertCounts = `INSERT INTO x SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end`

// TestRejectsSurviveCrashes: whatever happens to a job, each bad record and each late row is there once.
func TestRejectsSurviveCrashes(t *testing.T) {
	dir := t.TempDir()
	bad := badFiles(t, filepath.Join(dir, "in"), 3, 60)
	crashes, restores, dropped := 0, 0, 0
	for seed := range uint64(60) {
		s := ephemeral(t, dir)
		must(t, s, fmt.Sprintf(badTable, filepath.Join(dir, "in")))
		from := "t$errors /*+ OPTIONS('scan.bounded.mode' = 'latest') */"
		if seed%2 == 1 { // a table of one's own
			from = "dead"
			must(t, s, "CREATE TABLE dead (split_id STRING, sequence_number STRING) WITH ('connector' = 'memory'); ALTER TABLE t SET ('error-handling.log.target' = 'dead');")
		}
		s.conf["parallelism.default"] = fmt.Sprint(1 + seed%3)
		s.settle()
		stmt, err := ParseOne(insertCounts)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := s.PlanWith(insertCounts, stmt, func(*planner.Settings) {})
		if err != nil {
			t.Fatal(err)
		}
		plan.Settings.BatchRows = int(1 + seed%7)
		o := s.ExecOptions(nil)
		o.Interval = 0
		stats, err := exec.Simulate(context.Background(), plan, o, exec.SimOptions{Seed: seed, Checkpoint: 0.05, Crash: 0.02, MaxCrashes: 5})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		crashes, restores = crashes+stats.Crashes, restores+stats.Restores
		got := lines(t, s, "SELECT REGEXP_REPLACE(split_id, '.*/', ''), sequence_number FROM "+from)
		if fmt.Sprint(got) != fmt.Sprint(bad) {
			t.Fatalf("seed %d: %d bad records are kept of %d: %v", seed, len(got), len(bad), got)
		}
		total := 0
		for _, l := range lines(t, s, "SELECT n FROM x") {
			n := 0
			fmt.Sscan(l, &n)
			total += n
		}
		late := lines(t, s, "SELECT id FROM t$late /*+ OPTIONS('scan.bounded.mode' = 'latest') */")
		dropped += len(late)
		if total+len(late) != 3*60-len(bad) {
			t.Fatalf("seed %d: %d rows are in windows and %d late, of %d", seed, total, len(late), 3*60-len(bad))
		}
	}
	if crashes < 60 || restores < 20 || dropped < 100 {
		t.Errorf("%d crashes, %d restores and %d late rows are too few to show anything", crashes, restores, dropped)
	}
}

// TestRejectsOnDisk: what a job rejected is there for the next session, and is seen while it comes.
func TestRejectsOnDisk(t *testing.T) {
	dir := t.TempDir()
	bad := badFiles(t, filepath.Join(dir, "in"), 1, 9)
	open := func() *Session {
		s, err := Open(Options{DataDir: filepath.Join(dir, "data")})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	must(t, s, fmt.Sprintf(badTable, filepath.Join(dir, "in")))
	live := make(chan string, 100)
	r := must(t, s, "SELECT REGEXP_REPLACE(split_id, '.*/', ''), sequence_number FROM t$errors")
	run, err := r.Stream(context.Background(), func(b *vec.Batch) error {
		for _, l := range textRows(b) {
			live <- l
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	must(t, s, insertCounts)
	for _, want := range bad {
		select {
		case got := <-live:
			if got != want {
				t.Errorf("live: got %s, want %s", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s did not come", want)
		}
	}
	run.Cancel()
	<-run.Done()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	defer s.Close()
	if got := lines(t, s, "SELECT REGEXP_REPLACE(split_id, '.*/', ''), sequence_number FROM t$errors /*+ OPTIONS('scan.bounded.mode' = 'latest') */"); fmt.Sprint(got) != fmt.Sprint(bad) {
		t.Errorf("after a restart: %v, want %v", got, bad)
	}
}

func TestRejectTablesAreDescribed(t *testing.T) {
	s := ephemeral(t, t.TempDir())
	must(t, s, fmt.Sprintf(badTable, "/tmp/none"))
	r := must(t, s, "DESCRIBE t$late")
	var names []string
	for _, row := range r.Cells {
		names = append(names, row[0]+" "+row[1])
	}
	if got, want := strings.Join(names, ", "), "id STRING, late_time TIMESTAMP_LTZ(3), table_name STRING, operator STRING, data_row STRING, event_time TIMESTAMP(3), watermark TIMESTAMP(3), window_start TIMESTAMP(3), window_end TIMESTAMP(3), job_id STRING"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := must(t, s, "SHOW CREATE TABLE t$errors").Cells[0][0]; !strings.Contains(got, "`raw_record` VARBINARY") {
		t.Errorf("got %s", got)
	}
	shown := fmt.Sprint(must(t, s, "SHOW TABLES").Cells)
	if shown != "[[t] [t$errors] [t$late] [x]]" {
		t.Errorf("SHOW TABLES gives %s", shown)
	}
	// A job that reads them takes the table along, and one that writes to a target the target.
	must(t, s, "CREATE TABLE dead (message STRING) WITH ('connector' = 'blackhole'); ALTER TABLE t SET ('error-handling.log.target' = 'dead');")
	stmt, err := ParseOne("INSERT INTO x SELECT record_size FROM t$errors")
	if err != nil {
		t.Fatal(err)
	}
	p := s.program("INSERT INTO x SELECT record_size FROM t$errors", stmt)
	if text := strings.Join(p.Definitions, "\n"); !strings.Contains(text, "`dead`") || strings.Contains(text, "$errors") {
		t.Errorf("the program has %s", text)
	}
	if shown := fmt.Sprint(must(t, s, "SHOW TABLES").Cells); shown != "[[dead] [t] [t$late] [x]]" {
		t.Errorf("SHOW TABLES gives %s", shown)
	}
}
