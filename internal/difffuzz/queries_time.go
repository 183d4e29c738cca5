package difffuzz

import (
	"fmt"
	"strings"
)

// match looks for rows that follow each other.
func (g *gen) match() string {
	table, _ := g.timed()
	shape := [][2]string{
		{"A B", "b"}, {"A B C", "bc"}, {"A B+ C", "bc"}, {"A B* C", "c"}, {"A B? C", "c"}, {"A B{2} C", "bc"}, {"A B{1,2} C", "bc"}, {"A B+? C", "bc"}, {"A B*? C", "c"}, {"A+ B", "b"}, {"A{2,3} B", "b"}, {"A B{0,2} C", "c"}, {"A B{2,} C", "bc"}, {"A C", "c"},
	}[g.n(14)]
	pattern, sure := shape[0], shape[1]
	vars := []string{"A", "B", "C"}
	measures := []string{"FIRST(A.id) AS m0"}
	var define []string
	for _, v := range vars {
		if !strings.Contains(pattern, v) {
			continue
		}
		m := g.pick("LAST(%s.id)", "FIRST(%s.i)", "COUNT(%s.id)", "SUM(%s.i)", "MIN(%s.b)", "MAX(%s.k)", "%s.ts", "LAST(%s.id, 1)", "AVG(%s.b)", "%s.s", "CAST(LAST(%s.ts) AS STRING)", "COALESCE(LAST(%s.i), 0) + 1")
		measures = append(measures, fmt.Sprintf(m+" AS m"+v, v))
		if v != "A" || g.chance(50) {
			cond := g.pick("%s.i > 0", "%s.b > A.b", "%s.k = 'a'", "%s.i <= 1", "%s.b > 100", "%s.k <> 'c'", "%[1]s.i > LAST(%[1]s.i, 1) OR LAST(%[1]s.i, 1) IS NULL", "%s.id > A.id", "%s.i IS NOT NULL")
			if v == "A" {
				cond = g.pick("%s.i > 0", "%s.k = 'a'", "%s.b > 50", "%s.i < 2")
			}
			define = append(define, fmt.Sprintf("%s AS "+cond, v, v))
		}
	}
	if len(define) == 0 {
		define = []string{"A AS A.i > 0"}
	}
	if g.chance(20) {
		measures = append(measures, "MATCH_ROWTIME() AS mt")
	}
	skip := []string{"SKIP PAST LAST ROW", "SKIP TO NEXT ROW"}
	for _, v := range sure {
		skip = append(skip, "SKIP TO LAST "+strings.ToUpper(string(v)))
	}
	within := g.pick("", "", " WITHIN INTERVAL '30' SECOND", " WITHIN INTERVAL '2' MINUTE")
	return "SELECT * FROM " + table + " MATCH_RECOGNIZE (" + g.pick("", "PARTITION BY k ", "PARTITION BY i ") + "ORDER BY ts MEASURES " + strings.Join(measures, ", ") +
		" ONE ROW PER MATCH AFTER MATCH " + g.pick(skip...) + " PATTERN (" + pattern + ")" + within + " DEFINE " + strings.Join(define, ", ") + ")"
}

// cascade has windows over windows, joins of windows, and the first rows of windows.
func (g *gen) cascade() string {
	first := func(table string, s scope) string {
		return "SELECT k, window_start, window_end, window_time AS rt, COUNT(*) AS n, CAST(" + g.pick("SUM(i)", "MAX(i)", "COUNT(DISTINCT i)", "MIN(b)") + " AS BIGINT) AS v FROM TABLE(TUMBLE(TABLE " + table + ", DESCRIPTOR(ts), INTERVAL '10' SECOND))" + g.where(s, 20) + " GROUP BY k, window_start, window_end, window_time"
	}
	g.view("w1", first("t1", columns1))
	g.view("w2", first("t2", columns2))
	s := scope{{"k", tString}, {"n", tBig}, {"v", tBig}}
	switch g.n(6) {
	case 0: // the same in another spelling
		return "SELECT k, TUMBLE_START(rt, INTERVAL '1' MINUTE) AS ws, TUMBLE_ROWTIME(rt, INTERVAL '1' MINUTE) AS wr, SUM(v) AS sv, COUNT(*) AS c FROM w1 GROUP BY k, TUMBLE(rt, INTERVAL '1' MINUTE)"
	case 1:
		w := g.pick("HOP(TABLE w1, DESCRIPTOR(rt), INTERVAL '20' SECOND, INTERVAL '1' MINUTE)", "CUMULATE(TABLE w1, DESCRIPTOR(rt), INTERVAL '30' SECOND, INTERVAL '2' MINUTE)", "TUMBLE(TABLE w1, DESCRIPTOR(rt), INTERVAL '30' SECOND)", "SESSION(TABLE w1 PARTITION BY k, DESCRIPTOR(rt), INTERVAL '15' SECOND)")
		key := g.pick("", "k, ")
		if strings.HasPrefix(w, "SESSION") {
			key = "k, "
		}
		return "SELECT " + key + "window_start, window_end, SUM(v) AS sv, MAX(n) AS mn, " + g.agg(s, false) + " AS a FROM TABLE(" + strings.ReplaceAll(w, "w1", "w1x") + ") GROUP BY " + key + "window_start, window_end" + g.renameRows("w1x", "w1")
	case 2:
		return "SELECT x.k, x.window_start AS ws, x.n, y.n AS yn, x.v, y.v AS yv FROM w1 AS x " + g.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN") + " w2 AS y ON x.k = y.k AND x.window_start = y.window_start AND x.window_end = y.window_end" + g.pick("", " AND x.n > y.n", " WHERE x.v > 0")
	case 3:
		return "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY " + g.pick("n DESC, k", "v, n, k", "v DESC NULLS LAST, k") + ") AS rn FROM w1) WHERE rn <= " + g.pick("1", "2", "3")
	case 4:
		return "SELECT k, COUNT(*) AS c, SUM(n) AS sn, MAX(v) AS mv FROM (SELECT * FROM w1 UNION ALL SELECT * FROM w2) GROUP BY k"
	}
	return "SELECT x.k, x.rt AS xt, y.rt AS yt, x.n, y.v FROM w1 AS x " + g.pick("JOIN", "LEFT JOIN") + " w2 AS y ON x.k = y.k AND x.rt BETWEEN y.rt - INTERVAL '20' SECOND AND y.rt + INTERVAL '20' SECOND"
}

// renameRows declares a view that reads another, without its window columns: a second window makes its own.
func (g *gen) renameRows(name, of string) string {
	g.view(name, "SELECT k, n, v, rt FROM "+of)
	return ""
}

// lateral has a subquery for each row.
func (g *gen) lateral() string {
	ta, ca := g.source()
	tb, _ := g.source()
	a := of("x", ca)
	where := g.pick("y.k = x.k", "y.i = x.i", "y.k = x.k AND y.i = x.i")
	out := "x.id, " + g.expr(a, g.anyType(), 1) + " AS c, "
	switch g.n(4) {
	case 0:
		return "SELECT " + out + "z.yid, z.yi FROM " + ta + " AS x, LATERAL (SELECT y.id AS yid, y.i AS yi FROM " + tb + " AS y WHERE " + where + " ORDER BY y.i" + g.pick("", " DESC") + ", y.id LIMIT " + g.pick("1", "2") + ") AS z"
	case 1:
		return "SELECT " + out + "z.v FROM " + ta + " AS x CROSS JOIN LATERAL (SELECT y.id AS v FROM " + tb + " AS y WHERE " + where + ") AS z"
	case 2:
		return "SELECT " + out + "z.yk, z.n FROM " + ta + " AS x, LATERAL (SELECT y.k AS yk, COUNT(*) AS n FROM " + tb + " AS y WHERE " + where + " GROUP BY y.k) AS z"
	}
	join, on := "CROSS JOIN", ""
	if g.chance(50) {
		join, on = "LEFT JOIN", " ON TRUE"
	}
	return "SELECT " + out + "e FROM " + ta + " AS x " + join + " UNNEST(SPLIT(" + g.expr(a, tString, 1) + ", ',')) AS u(e)" + on + g.where(a, 20)
}

// changes reads rows that a database has changed.
func (g *gen) changes() string {
	g.tables = append(g.tables, g.cdcTable("t5", false))
	s := of("x", columns5)
	switch g.n(8) {
	case 0:
		return "SELECT x.k, " + g.aggs(s, false) + " FROM t5 AS x" + g.where(s, 30) + " GROUP BY x.k"
	case 1:
		return "SELECT * FROM t5 AS x" + g.where(s, 60)
	case 2:
		return "SELECT " + g.pick("pk, k, rn", "pk, k") + " FROM (SELECT pk, k, ROW_NUMBER() OVER (" + g.pick("PARTITION BY k ", "") + "ORDER BY v" + g.pick("", " DESC") + ", pk) AS rn FROM t5) WHERE rn <= " + g.pick("1", "2", "3")
	case 3:
		b := of("y", columns3)
		return "SELECT x.pk, x.k, y.id, y.i FROM t5 AS x " + g.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN") + " t3 AS y ON " + g.pick("x.k = y.k", "x.pk = y.id", "x.v = y.i") + g.pick("", " AND "+g.expr(append(s, b...), tBool, 1))
	case 4:
		return "SELECT y.id, y.k FROM t3 AS y WHERE y.k" + g.pick(" IN", " NOT IN") + " (SELECT x.k FROM t5 AS x" + g.where(s, 50) + ")"
	case 5:
		return "SELECT x.pk, x.v FROM t5 AS x WHERE " + g.pick("", "NOT ") + "EXISTS (SELECT 1 FROM t3 AS y WHERE y.k = x.k)"
	case 6:
		return "SELECT n, COUNT(*) AS c, SUM(m) AS sm FROM (SELECT x.k, COUNT(*) AS n, " + g.pick("SUM", "MIN", "MAX") + "(x.v) AS m FROM t5 AS x GROUP BY x.k) GROUP BY n"
	}
	return "SELECT pk, v FROM t5 " + g.pick("UNION", "EXCEPT", "INTERSECT", "UNION ALL", "EXCEPT ALL") + " SELECT id, i FROM t3"
}

// changedVersions asks a table with versions for what it was.
func (g *gen) changedVersions() string {
	g.tables = append(g.tables, g.cdcTable("t6", true))
	return "SELECT x.id, x.k, v.pk, v.v FROM t1 AS x " + g.pick("JOIN", "LEFT JOIN") + " t6 FOR SYSTEM_TIME AS OF x.ts AS v ON " + g.pick("x.i = v.pk", "x.id = v.pk") + g.pick("", " AND x.b > v.v")
}

// overChanging orders rows by what is no time: the answer changes.
func (g *gen) overChanging() string {
	table, cols := g.source()
	s := scope(cols)
	part := g.pick("", "PARTITION BY k ", "PARTITION BY i ")
	frame := g.pick("", " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW")
	order := g.pick("id", "id DESC")
	if frame == "" && g.chance(30) {
		order = g.pick("i", "k") // peers share a value
	}
	return "SELECT id, k, " + g.pick("SUM", "COUNT", "MAX", "MIN", "AVG") + "(" + g.expr(s, []typ{tInt, tBig}[g.n(2)], 1) + ") OVER (" + part + "ORDER BY " + order + frame + ") AS a FROM " + table + g.where(s, 25)
}
