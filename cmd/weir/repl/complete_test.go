package repl

import (
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	w := &Words{
		Keywords:  []string{"SELECT", "SET", "FROM"},
		Functions: []string{"SUM", "SUBSTRING"},
		Settings:  []string{"table.local-time-zone", "table.dml-sync"},
		Commands:  []string{`\d`, `\dt`},
		Relations: func() []string { return []string{"sensor_data", "sensor_state"} },
		Columns: func(r string) []string {
			if r == "sensor_data" {
				return []string{"sensor_id", "status"}
			}
			return nil
		},
		Options: func(c string) []string {
			if c == "" {
				return []string{"kinesis", "print"}
			}
			return []string{"stream", "stream.arn", "format"}
		},
	}
	f := func(text, want string, typed int) {
		t.Helper()
		got, n := w.Complete(text)
		if strings.Join(got, " ") != want || n != typed {
			t.Errorf("%q: got %q %d, want %q %d", text, got, n, want, typed)
		}
	}
	f("sel", "ect", 3)
	f("SEL", "ECT", 3)
	f("select * from s", "ensor_data ensor_state", 1)
	f("SELECT s.st FROM sensor_data s WHERE s.st", "atus", 2)
	f("SELECT d. FROM sensor_data AS d WHERE d.", "sensor_id status", 0)
	f("SELECT su", "bstring m", 2)
	f("SET 'table.l", "ocal-time-zone", 7)
	f("CREATE TABLE t (a INT) WITH ('connector' = 'ki", "nesis", 2)
	f("CREATE TABLE t (a INT) WITH ('connector' = 'kinesis', 'str", "eam eam.arn", 3)
	f(`\d`, " t", 2)
}
