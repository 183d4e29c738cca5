package planner

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"weir/sql/fn"
)

// TestNullArguments calls each function with an untyped NULL in each place: an answer or an error, no panic.
func TestNullArguments(t *testing.T) {
	calls, planned := 0, 0
	plan := func(query string) {
		defer func() {
			if r := recover(); r != nil {
				t.Errorf("%s: panic: %v", query, r)
			}
		}()
		if _, err := run(newPlanner(), "CREATE TABLE t (id INT, s STRING) WITH ('connector' = 'fake', 'topic' = 'x');\n"+query); err == nil {
			planned++
		}
	}
	for _, f := range fn.All() {
		if !unicode.IsLetter(rune(f.Name[0])) {
			continue
		}
		for n := f.MinArgs; n <= max(f.MinArgs, f.MaxArgs, 1) && n < 5; n++ {
			for at := range n {
				for _, other := range []string{"'a'", "1", "s"} {
					args := make([]string, n)
					for k := range args {
						args[k] = other
					}
					args[at] = "NULL"
					q := fmt.Sprintf("SELECT %s(%s) FROM t", f.Name, strings.Join(args, ", "))
					plan(q)
					calls++
				}
			}
		}
	}
	for _, q := range []string{
		"SELECT s LIKE NULL FROM t", "SELECT s SIMILAR TO NULL FROM t", "SELECT s LIKE 'a' ESCAPE NULL FROM t", "SELECT id BETWEEN NULL AND 3 FROM t",
		"SELECT EXTRACT(YEAR FROM NULL) FROM t", "SELECT NULL IN (NULL, 1) FROM t", "SELECT s || NULL FROM t", "SELECT CAST(NULL AS INT) FROM t",
	} {
		plan(q)
	}
	if calls < 500 || planned < 100 {
		t.Errorf("only %d calls, %d planned", calls, planned)
	}
}
