package planner

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// flinkGolden holds cases that real Flink answered, beside the repository.
const flinkGolden = "../../shared/golden"

// schemaDiffers lists the cases whose columns are known to differ from Flink's, and why.
var schemaDiffers = map[string]string{}

// mayBeNull are the columns that Flink types NOT NULL and reads NULLs of as something else (docs/flink-differences.md).
var mayBeNull = map[string]bool{"o_lag_default.p1": true}

// TestFlinkSchemas binds the query of each case and compares names, types and nullability of its
// columns with what Flink gave.
func TestFlinkSchemas(t *testing.T) {
	files, _ := filepath.Glob(flinkGolden + "/*/schema.json")
	if len(files) == 0 {
		t.Skip("no golden cases of Flink in " + flinkGolden)
	}
	sort.Strings(files)
	bound, unbound := 0, []string{}
	for _, f := range files {
		name := filepath.Base(filepath.Dir(f))
		want, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		script, err := os.ReadFile(filepath.Join(filepath.Dir(f), "query.sql"))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := run(goldenPlanner(), string(script))
		if err != nil || plan == nil {
			unbound = append(unbound, name+": "+firstLine(err))
			continue
		}
		bound++
		var cols []struct{ Name, Type string }
		if err := json.Unmarshal(want, &cols); err != nil {
			t.Fatal(err)
		}
		wants := make([]string, len(cols))
		for i, c := range cols {
			wants[i] = c.Name + " " + c.Type
			if mayBeNull[name+"."+c.Name] {
				wants[i] = strings.TrimSuffix(wants[i], " NOT NULL")
			}
		}
		compareSchema(t, name, plan, wants)
	}
	t.Logf("%d of %d cases bind", bound, len(files))
	for _, u := range unbound {
		t.Log("does not bind: " + u)
	}
}

func compareSchema(t *testing.T, name string, plan *Plan, want []string) {
	t.Helper()
	out := Columns(plan)
	got := make([]string, len(out))
	for i, c := range out {
		got[i] = c.Name + " " + ColumnType(c)
	}
	// Flink shows *ROWTIME* on values computed from a time attribute too, which then are none.
	same := len(got) == len(want)
	for i := range got {
		same = same && (got[i] == want[i] || got[i]+" *ROWTIME*" == want[i] || got[i]+" *PROCTIME*" == want[i])
	}
	if !same && schemaDiffers[name] == "" {
		t.Errorf("%s:\n got  %s\n want %s", name, strings.Join(got, ", "), strings.Join(want, ", "))
	}
	if same && schemaDiffers[name] != "" {
		t.Errorf("%s: listed as different, but it is the same", name)
	}
}

func goldenPlanner() *Planner {
	p := newPlanner()
	p.Connectors["filesystem"] = looseConnector()
	return p
}

func firstLine(err error) string {
	if err == nil {
		return "no query"
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
