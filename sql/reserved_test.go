package sql

import (
	"slices"
	"testing"
)

// TestReservedNames: what a promotion to Flink would have to quote.
func TestReservedNames(t *testing.T) {
	f := func(src string, want ...string) {
		t.Helper()
		s, err := ParseStatement(src)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, id := range ReservedNames(s) {
			if src[id.Start:id.End] != id.Name {
				t.Errorf("%s: %s is not at %d", src, id.Name, id.Start)
			}
			got = append(got, id.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", src, got, want)
		}
	}
	f("SELECT t.value, key, `value`, COUNT(*) AS one, LEFT(s, 1), CURRENT_DATE, status FROM raw AS t", "value", "one", "raw")
	f("CREATE TABLE t (timestamp TIMESTAMP(3), `order` INT, WATERMARK FOR timestamp AS timestamp)", "timestamp", "timestamp", "timestamp")
	f("SELECT HOP_START(a, INTERVAL '1' DAY, INTERVAL '1' DAY) AS start FROM t WHERE year > 1", "start", "year")
}
