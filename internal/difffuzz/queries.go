package difffuzz

import (
	"fmt"
	"strings"
)

// kind is a kind of query.
type kind struct {
	name    string
	meets   bool // several inputs ordered by time meet
	make    func(*gen) string
	streams bool // not to be asked in batch mode
}

var kinds = []kind{
	{"project", false, (*gen).project, false},
	{"group", false, (*gen).group, false},
	{"window", false, (*gen).window, false},
	{"over", false, (*gen).over, false},
	{"join", false, (*gen).join, false},
	{"rank", false, (*gen).rank, false},
	{"subquery", false, (*gen).subquery, false},
	{"sets", false, (*gen).groupingSets, false},
	{"project", false, (*gen).project, false},
	{"setop", false, (*gen).setOp, false},
	{"legacy", false, (*gen).legacyWindow, false},
	{"unnest", false, (*gen).unnest, false},
	{"interval", true, (*gen).intervalJoin, false},
	{"windowjoin", true, (*gen).windowJoin, false},
	{"temporal", true, (*gen).temporalJoin, true},
	{"cte", false, (*gen).cte, false},
	{"limit", false, (*gen).limit, false},
	{"dedup", false, (*gen).dedup, true},
	{"windowmore", false, (*gen).windowMore, false},
	{"aggjoin", false, (*gen).aggJoin, false},
	{"windowrank", false, (*gen).windowRank, false},
	{"scalar", false, (*gen).scalarSubquery, false},
	{"windowunion", true, (*gen).windowUnion, false},
	{"overmore", false, (*gen).overMore, false},
	{"distinct", false, (*gen).distinct, false},
	{"nested", false, (*gen).nested, false},
	{"match", false, (*gen).match, true},
	{"cascade", true, (*gen).cascade, false},
	{"nested", false, (*gen).nested, false},
	{"lateral", false, (*gen).lateral, false},
	{"changes", false, (*gen).changes, true},
	{"versions", true, (*gen).changedVersions, true},
	{"batch", false, (*gen).batch, true},
	{"overchanging", false, (*gen).overChanging, false},
	{"types", false, (*gen).manyTypes, false},
	{"nested", false, (*gen).nested, false},
	{"typesgroup", false, (*gen).typesGroup, false},
}

// anyType picks a type that all clauses take: as keys, in DISTINCT, in joins.
func (g *gen) anyType() typ { return typ(g.n(int(scalars))) }

func (g *gen) source() (string, []col) {
	switch g.n(10) {
	case 0, 1:
		return "t2", columns2
	case 2:
		return "t3", columns3
	}
	return "t1", columns1
}

// timed is a table with a watermark.
func (g *gen) timed() (string, []col) {
	if g.chance(30) {
		return "t2", columns2
	}
	return "t1", columns1
}

func (g *gen) project() string {
	table, cols := g.source()
	s := scope(cols)
	out := []string{"id"}
	for i := range 8 {
		t := typ(g.n(len(typeNames)))
		out = append(out, fmt.Sprintf("%s AS c%d", g.expr(s, t, 3), i))
	}
	return "SELECT " + strings.Join(out, ",\n  ") + "\nFROM " + table + g.where(s, 40)
}

// agg is an aggregate that does not depend on the order of its rows, unless one source gives them in order.
func (g *gen) agg(s scope, inOrder bool) string {
	t := []typ{tInt, tBig, tDouble, tDecimal}[g.n(4)]
	x := g.expr(s, t, 1)
	distinct := ""
	if g.chance(25) {
		distinct = "DISTINCT "
	}
	var out string
	switch n := g.n(16); {
	case n == 0:
		out = "COUNT(*)"
	case n <= 2:
		out = "COUNT(" + distinct + g.expr(s, g.anyType(), 1) + ")"
	case n <= 5:
		out = "SUM(" + distinct + x + ")"
	case n <= 7:
		out = g.pick("MIN", "MAX") + "(" + g.expr(s, g.anyType(), 1) + ")"
	case n == 8:
		out = "AVG(" + distinct + x + ")"
	case n == 9:
		out = g.pick("STDDEV_POP", "VAR_POP", "STDDEV_SAMP", "VAR_SAMP") + "(NULLIF(" + g.expr(s, tDouble, 0) + ", 77E0))" // never declared NOT NULL: Flink then has -1 for NULL
	case n == 10 && inOrder:
		out = g.pick("FIRST_VALUE", "LAST_VALUE") + "(" + g.expr(s, g.anyType(), 0) + ")"
	case n == 11 && inOrder:
		out = "LISTAGG(" + g.expr(s, tString, 1) + ")"
	case n == 12 && inOrder:
		out = "ARRAY_AGG(" + distinct + g.expr(s, tInt, 0) + ")"
	case n == 13 && inOrder:
		out = "COLLECT(" + g.expr(s, tString, 0) + ")"
	default:
		out = g.pick("SUM", "MIN", "MAX", "COUNT") + "(" + x + ")"
	}
	if g.chance(20) {
		out += " FILTER (WHERE " + g.expr(s, tBool, 1) + ")"
	}
	return out
}

// aggs is a list of aggregates named a0, a1 and so on.
func (g *gen) aggs(s scope, inOrder bool) string {
	var out []string
	for i := range 1 + g.n(4) {
		out = append(out, fmt.Sprintf("%s AS a%d", g.agg(s, inOrder), i))
	}
	return strings.Join(out, ",\n  ")
}

func (g *gen) having(s scope) string {
	if !g.chance(25) {
		return ""
	}
	return " HAVING " + g.pick("COUNT(*) > 1", "SUM(i) > 0", "MAX(b) IS NOT NULL", "COUNT(DISTINCT i) < 3", "MIN(i) <> MAX(i) OR COUNT(*) = 1")
}

// keysOf are expressions to group by.
func (g *gen) keysOf(s scope, most int) []string {
	var out []string
	for range g.n(most + 1) {
		if g.chance(60) {
			out = append(out, g.column(s, []typ{tString, tInt}[g.n(2)]))
		} else {
			out = append(out, g.expr(s, g.anyType(), 1))
		}
	}
	seen := map[string]bool{}
	var distinct []string
	for _, k := range out {
		if !seen[k] {
			seen[k] = true
			distinct = append(distinct, k)
		}
	}
	return distinct
}

func named(keys []string) string {
	var b strings.Builder
	for i, k := range keys {
		fmt.Fprintf(&b, "%s AS k%d, ", k, i)
	}
	return b.String()
}

func (g *gen) group() string {
	table, cols := g.timed()
	s := scope(cols)
	keys := g.keysOf(s, 2)
	q := "SELECT " + named(keys) + g.aggs(s, true) + "\nFROM " + table + g.where(s, 30)
	if len(keys) > 0 {
		q += " GROUP BY " + strings.Join(keys, ", ")
	}
	return q + g.having(s)
}

func (g *gen) groupingSets() string {
	table, cols := g.timed()
	s := scope(cols)
	sets := g.pick("ROLLUP (k, i)", "CUBE (k, i)", "GROUPING SETS ((k), (i), ())", "GROUPING SETS ((k, i), (k))", "GROUPING SETS ((k, i), (f))", "ROLLUP (k, i, s)", "k, ROLLUP (i)")
	if table == "t2" {
		sets = strings.ReplaceAll(sets, "(f)", "(s)")
	}
	more := g.pick("", "GROUPING(k) AS g1, GROUPING(i) AS g2, ", "GROUPING_ID(k, i) AS gi, ")
	return "SELECT k, i, " + more + g.aggs(s, true) + "\nFROM " + table + g.where(s, 25) + " GROUP BY " + sets + g.having(s)
}

// tvf is a window table function over a table.
func (g *gen) tvf(table string) string {
	w := g.pick("TUMBLE(%s, INTERVAL '1' MINUTE)", "TUMBLE(%s, INTERVAL '7' SECOND)", "TUMBLE(%s, INTERVAL '1' MINUTE, INTERVAL '10' SECOND)", "HOP(%s, INTERVAL '30' SECOND, INTERVAL '1' MINUTE)", "HOP(%s, INTERVAL '20' SECOND, INTERVAL '1' MINUTE)",
		"CUMULATE(%s, INTERVAL '20' SECOND, INTERVAL '1' MINUTE)", "CUMULATE(%s, INTERVAL '1' MINUTE, INTERVAL '1' HOUR)", "HOP(%s, INTERVAL '10' SECOND, INTERVAL '40' SECOND)", "TUMBLE(%s, INTERVAL '1' DAY)")
	return "TABLE(" + fmt.Sprintf(w, "TABLE "+table+", DESCRIPTOR(ts)") + ")"
}

func (g *gen) session(table string) (string, string) {
	gap := g.pick("5", "10", "30")
	if g.chance(60) {
		return fmt.Sprintf("TABLE(SESSION(TABLE %s PARTITION BY k, DESCRIPTOR(ts), INTERVAL '%s' SECOND))", table, gap), "k"
	}
	return fmt.Sprintf("TABLE(SESSION(TABLE %s, DESCRIPTOR(ts), INTERVAL '%s' SECOND))", table, gap), ""
}

func (g *gen) window() string {
	table, cols := g.timed()
	s := scope(cols)
	from, key := g.tvf(table), g.pick("", "k", "i", "k, i")
	if g.chance(25) {
		from, key = g.session(table)
	}
	if key != "" {
		key += ", "
	}
	q := "SELECT " + key + g.pick("window_start, window_end, ", "window_end, window_time, ", "") + g.aggs(s, strings.Contains(from, "TUMBLE")) + "\nFROM " + from + g.where(s, 25) + " GROUP BY " + key + g.pick("window_start, window_end", "window_start, window_end, window_time")
	if strings.Contains(q, "window_end, window_time, ") && !strings.HasSuffix(q, "window_time") {
		q += ", window_time"
	}
	return q + g.having(s)
}

func (g *gen) legacyWindow() string {
	table, cols := g.timed()
	s := scope(cols)
	name, args := "TUMBLE", g.pick("INTERVAL '1' MINUTE", "INTERVAL '9' SECOND", "INTERVAL '1' HOUR")
	inOrder := true
	switch g.n(3) {
	case 1:
		inOrder = false // rows of a window come from several slices
		name, args = "HOP", g.pick("INTERVAL '30' SECOND, INTERVAL '1' MINUTE", "INTERVAL '20' SECOND, INTERVAL '50' SECOND", "INTERVAL '40' SECOND, INTERVAL '20' SECOND")
	case 2:
		name, args = "SESSION", g.pick("INTERVAL '5' SECOND", "INTERVAL '20' SECOND")
	}
	call := "(ts, " + args + ")"
	key := g.pick("", "k, ", "i, ")
	return "SELECT " + key + name + "_START" + call + " AS ws, " + name + "_END" + call + " AS we, " + g.pick("", name+"_ROWTIME"+call+" AS wr, ") + g.aggs(s, inOrder) + "\nFROM " + table + g.where(s, 25) + " GROUP BY " + key + name + call + g.having(s)
}

func (g *gen) over() string {
	table, cols := g.timed()
	s := scope(cols)
	part := g.pick("", "PARTITION BY k ", "PARTITION BY i ", "PARTITION BY k, i ")
	frame := g.pick("", "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", "RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW", "RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW")
	var out []string
	for i := range 1 + g.n(3) {
		t := []typ{tInt, tBig, tDouble, tDecimal}[g.n(4)]
		f := g.pick("SUM", "COUNT", "AVG", "MIN", "MAX", "SUM", "FIRST_VALUE", "LAST_VALUE")
		if frame == "" && g.chance(20) {
			out = append(out, fmt.Sprintf("%s OVER w AS a%d", g.pick("ROW_NUMBER()", "RANK()", "DENSE_RANK()", "LAG(i)", "LAG(b, 2)"), i))
			continue
		}
		arg := g.expr(s, t, 1)
		if f == "COUNT" && g.chance(30) {
			arg = g.pick("*", "DISTINCT i", "DISTINCT s")
		}
		out = append(out, fmt.Sprintf("%s(%s) OVER w AS a%d", f, arg, i))
	}
	return "SELECT id, k, ts, " + strings.Join(out, ",\n  ") + "\nFROM " + table + g.where(s, 25) + " WINDOW w AS (" + part + "ORDER BY ts " + frame + ")"
}
