package difffuzz

import (
	"fmt"
	"strings"
)

func (g *gen) rank() string {
	table, cols := g.source()
	s := scope(cols)
	part := g.pick("", "PARTITION BY k ", "PARTITION BY i ")
	order := g.expr(s, []typ{tInt, tBig, tDouble, tDecimal, tString}[g.n(5)], 1) + g.pick("", " DESC", " ASC") + g.pick("", ", id", ", b DESC")
	if table == "t3" {
		order = strings.ReplaceAll(order, ", b", ", m")
	}
	cond := g.pick("rn <= 2", "rn < 3", "rn = 1", "rn <= 5", "rn >= 2 AND rn <= 3", "rn BETWEEN 1 AND 2", "rn = 2")
	out := g.pick("id, k, i, rn", "id, k, i", "id, i", "*")
	from := fmt.Sprintf("(SELECT id, k, i, ROW_NUMBER() OVER (%sORDER BY %s) AS rn FROM %s%s)", part, order, table, g.where(s, 25))
	if g.chance(25) { // over a changing input
		from = fmt.Sprintf("(SELECT *, ROW_NUMBER() OVER (%sORDER BY b%s, id) AS rn FROM (SELECT k, i, SUM(%s) AS b, MIN(id) AS id FROM %s GROUP BY k, i))", part, g.pick("", " DESC"), g.expr(s, tInt, 1), table)
	}
	return "SELECT " + out + "\nFROM " + from + " WHERE " + cond
}

func (g *gen) dedup() string {
	table, cols := g.timed()
	part := g.pick("k", "i", "k, i", "s")
	q := fmt.Sprintf("SELECT id, k, i, b, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY %s ORDER BY ts %s) AS rn FROM %s%s) WHERE rn = 1", part, g.pick("ASC", "DESC"), table, g.where(cols, 20))
	if g.chance(30) {
		return "SELECT i, COUNT(*) AS n, SUM(b) AS sb, MAX(ts) AS mt FROM (" + q + ") GROUP BY i"
	}
	return q
}

// on is a condition of a join.
func (g *gen) on(a, b string, both scope) string {
	cond := fmt.Sprintf(g.pick("%s.k = %s.k", "%s.i = %s.i", "%[1]s.k = %[2]s.k AND %[1]s.i = %[2]s.i", "%[1]s.id = %[2]s.i", "%[1]s.i + 1 = %[2]s.i", "%[1]s.k = UPPER(%[2]s.k) OR %[1]s.k = %[2]s.k AND %[1]s.i = %[2]s.i"), a, b)
	if strings.Contains(cond, " OR ") {
		cond = "(" + cond + ") AND " + a + ".i = " + b + ".i"
	}
	if g.chance(40) {
		cond += " AND " + g.expr(both, tBool, 1)
	}
	return cond
}

func (g *gen) join() string {
	ta, ca := g.source()
	tb, cb := g.source()
	both := append(of("x", ca), of("y", cb)...)
	how := g.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL OUTER JOIN", "LEFT JOIN")
	q := fmt.Sprintf("FROM %s AS x %s %s AS y ON %s", ta, how, tb, g.on("x", "y", both))
	if g.chance(25) {
		q += " " + g.pick("JOIN", "LEFT JOIN") + " t3 AS z ON " + g.pick("z.k = y.k", "z.i = x.i")
	}
	q += g.where(both, 30)
	if g.chance(30) {
		key := g.pick("x.k", "y.i", "x.k, y.k")
		return "SELECT " + key + ", " + g.aggs(both, false) + "\n" + q + " GROUP BY " + key
	}
	return "SELECT x.id AS xid, y.id AS yid, " + g.expr(both, g.anyType(), 2) + " AS c1, " + g.expr(both, g.anyType(), 2) + " AS c2\n" + q
}

func (g *gen) intervalJoin() string {
	both := append(of("x", columns1), of("y", columns2)...)
	cond := g.pick("x.k = y.k", "x.i = y.i", "x.k = y.k AND x.i = y.i") + " AND " +
		g.pick("x.ts BETWEEN y.ts - INTERVAL '20' SECOND AND y.ts + INTERVAL '10' SECOND", "x.ts >= y.ts AND x.ts < y.ts + INTERVAL '30' SECOND", "y.ts BETWEEN x.ts AND x.ts + INTERVAL '1' MINUTE", "x.ts = y.ts", "x.ts > y.ts - INTERVAL '15' SECOND AND x.ts <= y.ts - INTERVAL '1' SECOND")
	if g.chance(30) {
		cond += " AND " + g.expr(both, tBool, 1)
	}
	return "SELECT x.id AS xid, y.id AS yid, x.ts AS xt, y.ts AS yt, " + g.expr(both, g.anyType(), 1) + " AS c1\nFROM t1 AS x " + g.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN") + " t2 AS y ON " + cond
}

func (g *gen) windowJoin() string {
	w := g.pick("TUMBLE(TABLE %s, DESCRIPTOR(ts), INTERVAL '1' MINUTE)", "HOP(TABLE %s, DESCRIPTOR(ts), INTERVAL '30' SECOND, INTERVAL '1' MINUTE)", "CUMULATE(TABLE %s, DESCRIPTOR(ts), INTERVAL '20' SECOND, INTERVAL '1' MINUTE)")
	l, r := "(SELECT * FROM TABLE("+fmt.Sprintf(w, "t1")+")) AS x", "(SELECT * FROM TABLE("+fmt.Sprintf(w, "t2")+")) AS y"
	cond := g.pick("x.k = y.k AND ", "x.i = y.i AND ", "x.k = y.k AND x.b > y.b AND ") + "x.window_start = y.window_start AND x.window_end = y.window_end"
	if g.chance(35) {
		in := "y.k = x.k AND x.window_start = y.window_start AND x.window_end = y.window_end"
		return "SELECT x.id, x.window_start, x.window_end FROM " + l + " WHERE " + g.pick("", "NOT ") + "EXISTS (SELECT * FROM " + r + " WHERE " + in + ")"
	}
	return "SELECT x.id AS xid, y.id AS yid, x.window_start AS ws, y.window_end AS we FROM " + l + " " + g.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN") + " " + r + " ON " + cond
}

func (g *gen) temporalJoin() string {
	versions := "SELECT id, k, i, b, ts, s FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS rn FROM t2) WHERE rn = 1"
	g.view("versions", versions)
	return "SELECT x.id AS xid, v.id AS vid, v.b + x.i AS c FROM t1 AS x " + g.pick("JOIN", "LEFT JOIN") + " versions FOR SYSTEM_TIME AS OF x.ts AS v ON x.k = v.k" + g.pick("", " AND x.i < v.b")
}

func (g *gen) setOp() string {
	ta, ca := g.source()
	tb, cb := g.source()
	var types []typ
	for range 1 + g.n(3) {
		types = append(types, g.anyType())
	}
	arm := func(table string, cols []col) string {
		var out []string
		for i, t := range types {
			e := g.expr(scope(cols), t, g.n(2))
			out = append(out, fmt.Sprintf("CAST(%s AS %s) AS c%d", e, typeNames[t], i))
		}
		return "SELECT " + strings.Join(out, ", ") + " FROM " + table + g.where(cols, 30)
	}
	op := func() string {
		return g.pick("UNION ALL", "UNION", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL", "UNION")
	}
	q := "(" + arm(ta, ca) + ")\n" + op() + "\n(" + arm(tb, cb) + ")"
	switch g.n(4) {
	case 0:
		return "(" + q + ")\n" + op() + "\n(" + arm("t3", columns3) + ")"
	case 1:
		return "SELECT c0, COUNT(*) AS n FROM (" + q + ") GROUP BY c0"
	}
	return q
}

func (g *gen) subquery() string {
	ta, ca := g.source()
	tb, cb := g.source()
	a, b := of("x", ca), of("y", cb)
	both := append(append(scope{}, a...), b...)
	t := []typ{tInt, tString, tInt, tString, tBig}[g.n(5)]
	var cond string
	switch g.n(6) {
	case 0, 1:
		cond = g.column(a, t) + g.pick(" IN", " IN", " NOT IN") + " (SELECT " + g.column(b, t) + " FROM " + tb + " AS y" + g.where(b, 60) + ")"
	case 2:
		cond = g.pick("", "NOT ") + "EXISTS (SELECT 1 FROM " + tb + " AS y WHERE " + g.pick("x.k = y.k", "x.i = y.i", "x.id = y.i AND x.k = y.k") + g.pick("", " AND "+g.expr(both, tBool, 1)) + ")"
	case 3:
		cond = g.column(a, tInt) + " " + g.pick(">", "=", "<=") + " (SELECT " + g.pick("MAX", "MIN", "COUNT", "SUM") + "(y.i) FROM " + tb + " AS y" + g.where(b, 30) + ")"
	case 4:
		cond = "x.i " + g.pick(">", "=", "<=") + " (SELECT " + g.pick("MAX", "MIN", "COUNT", "SUM") + "(y.i) FROM " + tb + " AS y WHERE y.k = x.k)"
	default:
		cond = "(x.k, x.i) IN (SELECT y.k, y.i FROM " + tb + " AS y)"
	}
	if g.chance(25) {
		cond += " AND " + g.expr(a, tBool, 1)
	}
	if g.chance(20) {
		return "SELECT x.k, " + g.aggs(a, false) + " FROM " + ta + " AS x WHERE " + cond + " GROUP BY x.k"
	}
	return "SELECT x.id, x.k, x.i, " + g.expr(a, g.anyType(), 1) + " AS c FROM " + ta + " AS x WHERE " + cond
}

func (g *gen) unnest() string {
	s := of("t1", columns1)
	switch g.n(5) {
	case 0:
		return "SELECT id, e, " + g.expr(append(s, col{"u.e", tInt}), tInt, 2) + " AS c FROM t1 CROSS JOIN UNNEST(" + g.pick("arr", "ARRAY[i, id]", "ARRAY_DISTINCT(arr)") + ") AS u(e)" + g.where(append(s, col{"u.e", tInt}), 40)
	case 1:
		return "SELECT id, u.kk, u.vv FROM t1 " + g.pick("CROSS JOIN UNNEST(mp) AS u(kk, vv)", "LEFT JOIN UNNEST(mp) AS u(kk, vv) ON TRUE")
	case 2:
		return "SELECT id, e FROM t1 LEFT JOIN UNNEST(arr) AS u(e) ON TRUE" + g.where(s, 30)
	case 3:
		return "SELECT e, COUNT(*) AS n, SUM(i) AS si FROM t1, UNNEST(arr) AS u(e) GROUP BY e"
	}
	return "SELECT id, e, o FROM t1 CROSS JOIN UNNEST(arr) WITH ORDINALITY AS u(e, o)"
}

func (g *gen) cte() string {
	table, cols := g.timed()
	s := scope(cols)
	inner := "WITH c AS (SELECT k, i, COUNT(*) AS n, SUM(b) AS sb, " + g.agg(s, false) + " AS a FROM " + table + g.where(s, 30) + " GROUP BY k, i)\n"
	switch g.n(4) {
	case 0:
		return inner + "SELECT n, COUNT(*) AS m, MAX(sb) AS ms, SUM(i) AS si FROM c GROUP BY n"
	case 1:
		return inner + "SELECT x.k, x.i, x.n, y.n AS yn FROM c AS x JOIN c AS y ON x.k = y.k AND x.i > y.i"
	case 2:
		return inner + "SELECT k, MIN(n) AS mn, MAX(sb) AS ms, AVG(sb) AS av, COUNT(DISTINCT n) AS dn FROM c WHERE " + g.pick("n > 1", "sb > 0", "i IS NOT NULL") + " GROUP BY k"
	}
	return inner + "SELECT k, i, a, n FROM c WHERE n = (SELECT MAX(n) FROM c)"
}

func (g *gen) limit() string {
	table, cols := g.source()
	s := scope(cols)
	q := "SELECT id, k, " + g.expr(s, g.anyType(), 2) + " AS c FROM " + table + g.where(s, 30)
	return q + " ORDER BY " + g.pick("i, id", "k DESC, id", "i DESC, k, id", "k NULLS LAST, id", "i DESC NULLS LAST, id DESC", "id DESC", "c, id") + " LIMIT " + g.pick("1", "3", "5", "100") + g.pick("", "", " OFFSET 2")
}

func (g *gen) windowMore() string {
	table, cols := g.timed()
	s := scope(cols)
	from := g.tvf(table)
	switch g.n(4) {
	case 0:
		return "SELECT id, window_start, window_end, window_time, " + g.expr(s, g.anyType(), 1) + " AS c FROM " + from + g.where(s, 30)
	case 1: // a window of windows
		g.view("w5", "SELECT k, window_time AS rt, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE "+table+", DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY k, window_start, window_end, window_time")
		return "SELECT window_start, window_end, SUM(n) AS sn, COUNT(*) AS m FROM TABLE(TUMBLE(TABLE w5, DESCRIPTOR(rt), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end"
	case 2:
		return "SELECT window_start, window_end, k, i, GROUPING(k) AS gk, " + g.aggs(s, false) + " FROM " + from + " GROUP BY window_start, window_end, " + g.pick("ROLLUP (k, i)", "GROUPING SETS ((k), (i))", "CUBE (k, i)")
	}
	return "SELECT k, MAX(n) AS mn, COUNT(*) AS c FROM (SELECT k, window_start, COUNT(*) AS n FROM " + from + " GROUP BY k, window_start, window_end) GROUP BY k"
}

func (g *gen) aggJoin() string {
	s := of("x", columns2)
	left := "(SELECT k, COUNT(*) AS n, " + g.agg(of("x", columns1), false) + " AS a FROM t1 AS x GROUP BY k) AS l"
	right := "(SELECT k, SUM(i) AS si, " + g.agg(s, false) + " AS a2 FROM t2 AS x GROUP BY k) AS r"
	return "SELECT l.k, l.n, l.a, r.si, r.a2 FROM " + left + " " + g.pick("JOIN", "LEFT JOIN", "FULL JOIN") + " " + right + " ON l.k = r.k" + g.pick("", " AND l.n > r.si")
}

func (g *gen) windowRank() string {
	table, cols := g.timed()
	s := scope(cols)
	from := g.tvf(table)
	if g.chance(50) {
		return "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end" + g.pick("", ", k") + " ORDER BY n DESC, k, i) AS rn FROM (SELECT window_start, window_end, k, i, " + g.agg(s, false) + " AS a, COUNT(*) AS n FROM " + from + " GROUP BY window_start, window_end, k, i)) WHERE rn <= " + g.pick("1", "2", "3")
	}
	return "SELECT id, window_start, window_end, rn FROM (SELECT id, window_start, window_end, ROW_NUMBER() OVER (PARTITION BY window_start, window_end" + g.pick("", ", k") + " ORDER BY " + g.pick("ts", "ts DESC", "b, id", "i DESC, id") + ") AS rn FROM " + from + ") WHERE rn <= " + g.pick("1", "2")
}

func (g *gen) distinct() string {
	table, cols := g.source()
	s := scope(cols)
	q := "SELECT DISTINCT " + g.expr(s, g.anyType(), 2) + " AS c0, " + g.expr(s, g.anyType(), 1) + " AS c1 FROM " + table + g.where(s, 40)
	if g.chance(40) {
		return "SELECT c0, COUNT(*) AS n, COUNT(DISTINCT c1) AS m FROM (" + q + ") GROUP BY c0"
	}
	return q
}

// scalarSubquery has subqueries among its columns, correlated or not.
func (g *gen) scalarSubquery() string {
	ta, ca := g.source()
	tb, cb := g.source()
	a, b := of("x", ca), of("y", cb)
	one := func() string {
		return "(SELECT " + g.pick("MAX", "MIN", "COUNT", "SUM", "AVG") + "(" + g.expr(b, []typ{tInt, tDecimal, tBig}[g.n(3)], 1) + ") FROM " + tb + " AS y" + g.pick("", " WHERE y.k = x.k", " WHERE y.i = x.i", " WHERE y.id = x.id AND "+g.expr(b, tBool, 1)) + ")"
	}
	q := "SELECT x.id, " + one() + " AS c1, "
	switch g.n(4) {
	case 0:
		q += "EXISTS (SELECT 1 FROM " + tb + " AS y WHERE y.k = x.k) AS c2"
	case 1:
		q += "x.i IN (SELECT y.i FROM " + tb + " AS y) AS c2"
	case 2:
		q += "COALESCE(" + one() + ", 0) AS c2"
	default:
		q += g.expr(a, g.anyType(), 2) + " AS c2"
	}
	return q + " FROM " + ta + " AS x" + g.where(a, 30)
}

// windowUnion has windows over two tables together, and windows of joined rows.
func (g *gen) windowUnion() string {
	g.view("u", "SELECT id, k, i, b, ts FROM t1"+g.where(columns1, 30)+" UNION ALL SELECT id, k, i, b, ts FROM t2"+g.where(columns2, 30))
	s := scope{{"id", tInt}, {"k", tString}, {"i", tInt}, {"b", tBig}}
	key := g.pick("", "k, ")
	return "SELECT " + key + "window_start, window_end, " + g.aggs(s, false) + " FROM " + g.tvf("u") + g.where(s, 20) + " GROUP BY " + key + "window_start, window_end" + g.having(s)
}

// overMore reads OVER results further: in conditions, in groups, on changing rows.
func (g *gen) overMore() string {
	table, cols := g.timed()
	s := scope(cols)
	part := g.pick("PARTITION BY k ", "PARTITION BY i ", "")
	inner := "SELECT id, k, i, b, ts, SUM(" + g.expr(s, tInt, 1) + ") OVER (" + part + "ORDER BY ts) AS run, COUNT(*) OVER (" + part + "ORDER BY ts) AS n FROM " + table + g.where(s, 25)
	switch g.n(3) {
	case 0:
		return "SELECT id, run, n FROM (" + inner + ") WHERE run > i OR n = 1"
	case 1:
		return "SELECT n, COUNT(*) AS c, MAX(run) AS m FROM (" + inner + ") GROUP BY n"
	}
	return "SELECT k, id, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts) AS rn, " + g.pick("SUM(b)", "COUNT(i)", "MAX(i)", "AVG(b)") + " OVER (PARTITION BY k ORDER BY " + "ts) AS x FROM " + table
}
