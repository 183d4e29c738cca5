package sql

import (
	"strings"
	"testing"
	"time"
)

// TestLargeInputs parses large statements in about linear time, and refuses what nests too deep.
func TestLargeInputs(t *testing.T) {
	accept := func(name, src string) {
		t.Helper()
		start := time.Now()
		if _, err := ParseStatement(src); err != nil {
			t.Errorf("%s: %.300s", name, err)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%s: %v", name, d)
		} else {
			t.Logf("%s: %v", name, d)
		}
	}
	refuse := func(name, src, want string) {
		t.Helper()
		_, err := ParseStatement(src)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %.300v, want %s", name, err, want)
		}
	}
	rep := strings.Repeat
	accept("10k items of IN", "SELECT 1 FROM t WHERE a IN (0"+rep(", 1", 10000)+")")
	accept("100k rows", "INSERT INTO t VALUES (0, 'x')"+rep(", (1, 'y')", 100000))
	accept("9k ANDs", "SELECT 1 FROM t WHERE a"+rep(" AND a = 1", 9000))
	accept("5k unions", "SELECT 1"+rep(" UNION ALL SELECT 1", 5000))
	accept("3k joins", "SELECT 1 FROM t"+rep(" JOIN t ON a = b", 3000))
	accept("10k columns", "SELECT a"+rep(", a AS b", 10000)+" FROM t")
	accept("200 indexes", "SELECT a"+rep("[1]", 200)+" FROM t")
	accept("10k calls", "SELECT f(a)"+rep(", f(a[1]) OVER (ORDER BY b)", 10000)+" FROM t")
	accept("100 parentheses", "SELECT "+rep("(", 100)+"1"+rep(")", 100))
	accept("100 subqueries", rep("SELECT * FROM (", 100)+"SELECT 1"+rep(")", 100))
	accept("10k columns of a table", "CREATE TABLE t (a INT"+rep(", b AS a + 1", 10000)+")")
	for _, nested := range []string{"(", "f(", "-(", "ARRAY[", "CASE WHEN ", "a[", "CAST(", "EXISTS (SELECT ", "(SELECT ", "a IN (", "ROW("} {
		refuse(nested, "SELECT "+rep(nested, 100000), "nests more than")
	}
	refuse("types", "SELECT CAST(a AS "+rep("ARRAY<", 100000), "nests more than")
	refuse("postfix types", "SELECT CAST(a AS INT"+rep(" ARRAY", 100000)+")", "nests more than")
	refuse("patterns", "SELECT * FROM t MATCH_RECOGNIZE (PATTERN ("+rep("(", 100000), "nests more than")
	refuse("relations", "SELECT * FROM "+rep("(", 100000), "nests more than")
	refuse("queries", rep("(", 100000)+"SELECT 1", "nests more than")
	refuse("explain", rep("EXPLAIN ", 100000)+"SELECT 1", "")
	refuse("indexes", "SELECT a"+rep("[1]", 100000), "nests more than")
	refuse("ANDs", "SELECT a"+rep(" AND a", 200000), "levels deep")
	refuse("NOTs", "SELECT "+rep("NOT ", 200000)+"a", "levels deep")
	refuse("unions", "SELECT 1"+rep(" UNION SELECT 1", 50000), "more than")
	refuse("size", rep(" ", maxSource+1), "too large")
}

// BenchmarkParse is a statement of the mean size of the corpus.
func BenchmarkParse(b *testing.B) {
	const src = `SELECT state, COUNT(*) AS n, AVG(heat) AS h, HOP_ROWTIME(at, INTERVAL '10' SECOND, INTERVAL '1' MINUTE) AS hop
FROM laps WHERE heat > 10 GROUP BY HOP(at, INTERVAL '10' SECOND, INTERVAL '1' MINUTE), state`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseStatement(src); err != nil {
			b.Fatal(err)
		}
	}
}
