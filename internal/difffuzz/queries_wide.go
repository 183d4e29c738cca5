package difffuzz

import (
	"fmt"
	"slices"
	"strings"
)

// rel is a query and the columns it gives.
type rel struct {
	query string
	cols  []col
}

// relation nests operators at random: each may read what changes.
func (g *gen) relation(depth int) rel {
	if depth <= 0 {
		table, cols := g.source()
		return rel{"SELECT * FROM " + table, cols}
	}
	makers := []func(*gen, int) rel{(*gen).relProject, (*gen).relGroup, (*gen).relTop, (*gen).relJoin, (*gen).relSet, (*gen).relFilter, (*gen).relGroup, (*gen).relSemi, (*gen).relUnnest}
	return makers[g.n(len(makers))](g, depth)
}

// keyed are the columns that may be keys.
func keyed(cols []col) []col {
	return slices.DeleteFunc(slices.Clone(cols), func(c col) bool { return c.typ >= scalars })
}

func names(cols []col) string {
	var out []string
	for _, c := range cols {
		out = append(out, c.text)
	}
	return strings.Join(out, ", ")
}

func (g *gen) relProject(depth int) rel {
	in := g.relation(depth - 1)
	s := scope(in.cols)
	var out []string
	var cols []col
	for i := range 2 + g.n(3) {
		t := []typ{tInt, tString, tBig, tDecimal, tBool, tTime, tDate}[g.n(7)]
		name := fmt.Sprintf("p%d", i)
		// The cast keeps declared types equal where arms of set operations and keys of joins meet.
		out = append(out, fmt.Sprintf("CAST(%s AS %s) AS %s", g.expr(s, t, g.n(3)), typeNames[t], name))
		cols = append(cols, col{name, t})
	}
	return rel{"SELECT " + strings.Join(out, ", ") + " FROM (" + in.query + ")", cols}
}

func (g *gen) relFilter(depth int) rel {
	in := g.relation(depth - 1)
	return rel{"SELECT * FROM (" + in.query + ") WHERE " + g.expr(in.cols, tBool, 2), in.cols}
}

func (g *gen) relGroup(depth int) rel {
	in := g.relation(depth - 1)
	s := scope(in.cols)
	keys := keyed(in.cols)
	g.r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	keys = keys[:min(len(keys), 1+g.n(2))]
	if g.chance(20) {
		return rel{"SELECT DISTINCT " + names(keys) + " FROM (" + in.query + ")", keys}
	}
	cols := slices.Clone(keys)
	q := "SELECT " + names(keys)
	for i := range 1 + g.n(3) {
		name, filter := fmt.Sprintf("g%d", i), ""
		if g.chance(20) {
			filter = " FILTER (WHERE " + g.expr(s, tBool, 1) + ")"
		}
		t := []typ{tInt, tBig, tString, tDecimal, tTime}[g.n(5)]
		switch g.n(5) {
		case 0:
			q += ", COUNT(*)" + filter
			t = tBig
		case 1:
			q += ", COUNT(" + g.pick("", "DISTINCT ") + g.expr(s, t, 1) + ")" + filter
			t = tBig
		case 2:
			t = []typ{tInt, tBig, tDecimal}[g.n(3)]
			q += ", CAST(SUM(" + g.expr(s, t, 1) + ")" + filter + " AS " + typeNames[t] + ")"
		default:
			q += ", " + g.pick("MIN", "MAX") + "(" + g.expr(s, t, 1) + ")" + filter
		}
		q += " AS " + name
		cols = append(cols, col{name, t})
	}
	return rel{q + " FROM (" + in.query + ") GROUP BY " + names(keys), cols}
}

// relTop keeps the first rows of each key; the order is total.
func (g *gen) relTop(depth int) rel {
	in := g.relation(depth - 1)
	cols := keyed(in.cols)
	cols = cols[:min(len(cols), 5)]
	order := slices.Clone(cols)
	g.r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var by []string
	for _, c := range order {
		by = append(by, c.text+g.pick("", " DESC", " NULLS LAST", " DESC NULLS LAST"))
	}
	list := strings.Join(by, ", ")
	if g.chance(25) {
		return rel{"SELECT " + names(cols) + " FROM (" + in.query + ") ORDER BY " + list + " LIMIT " + g.pick("1", "3", "6") + g.pick("", " OFFSET 1"), cols}
	}
	part := g.pick("", "PARTITION BY "+cols[g.n(len(cols))].text+" ")
	q := fmt.Sprintf("SELECT %s, ROW_NUMBER() OVER (%sORDER BY %s) AS rn FROM (%s)", names(cols), part, list, in.query)
	out := cols
	if g.chance(40) {
		out = append(slices.Clone(cols), col{"rn", tBig})
	}
	if slices.ContainsFunc(cols, func(c col) bool { return c.text == "rn" }) {
		return in
	}
	return rel{"SELECT " + names(out) + " FROM (" + q + ") WHERE rn " + g.pick("<= 1", "<= 2", "= 1", "= 2", "< 4"), out}
}

// pairing is a condition that some column of each side is equal, or nothing where no types are.
func (g *gen) pairing(a, b []col) string {
	var out []string
	for _, x := range keyed(a) {
		for _, y := range keyed(b) {
			if x.typ == y.typ && x.typ != tDouble {
				out = append(out, "x."+x.text+" = y."+y.text)
			}
		}
	}
	if len(out) == 0 {
		return ""
	}
	cond := out[g.n(len(out))]
	if g.chance(20) {
		cond += " AND " + out[g.n(len(out))]
	}
	return cond
}

func (g *gen) relJoin(depth int) rel {
	a, b := g.relation(depth-1), g.relation(g.n(depth))
	on := g.pairing(a.cols, b.cols)
	if on == "" {
		return a
	}
	if g.chance(35) {
		on += " AND " + g.expr(append(of("x", a.cols), of("y", b.cols)...), tBool, 1)
	}
	var out []string
	var cols []col
	for i, c := range append(of("x", a.cols[:min(len(a.cols), 4)]), of("y", b.cols[:min(len(b.cols), 4)])...) {
		name := fmt.Sprintf("j%d", i)
		out, cols = append(out, c.text+" AS "+name), append(cols, col{name, c.typ})
	}
	return rel{"SELECT " + strings.Join(out, ", ") + " FROM (" + a.query + ") AS x " + g.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT JOIN") + " (" + b.query + ") AS y ON " + on, cols}
}

// relSemi keeps the rows that do, or do not, meet others.
func (g *gen) relSemi(depth int) rel {
	a, b := g.relation(depth-1), g.relation(g.n(depth))
	on := g.pairing(a.cols, b.cols)
	if on == "" {
		return a
	}
	if g.chance(25) {
		on += " AND " + g.expr(append(of("x", a.cols), of("y", b.cols)...), tBool, 1)
	}
	cond := g.pick("", "NOT ") + "EXISTS (SELECT 1 FROM (" + b.query + ") AS y WHERE " + on + ")"
	if i := strings.Index(on, " = "); !strings.Contains(on, " AND ") && g.chance(60) {
		cond = on[:i] + g.pick(" IN ", " IN ", " NOT IN ") + "(SELECT " + on[i+3:] + " FROM (" + b.query + ") AS y)"
	}
	return rel{"SELECT * FROM (" + a.query + ") AS x WHERE " + cond, a.cols}
}

// relSet puts two relations of equal types together.
func (g *gen) relSet(depth int) rel {
	a, b := g.relation(depth-1), g.relation(g.n(depth))
	var left, right []string
	var cols []col
	for i, c := range keyed(a.cols) {
		if i == 3 {
			break
		}
		name := fmt.Sprintf("s%d", i)
		left = append(left, fmt.Sprintf("CAST(%s AS %s) AS %s", c.text, typeNames[c.typ], name))
		right = append(right, fmt.Sprintf("CAST(%s AS %s)", g.column(b.cols, c.typ), typeNames[c.typ]))
		cols = append(cols, col{name, c.typ})
	}
	op := g.pick("UNION ALL", "UNION", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL", "UNION ALL")
	return rel{"SELECT " + strings.Join(left, ", ") + " FROM (" + a.query + ") " + op + " SELECT " + strings.Join(right, ", ") + " FROM (" + b.query + ")", cols}
}

// relUnnest has a row for each element; where there are no arrays, of some columns.
func (g *gen) relUnnest(depth int) rel {
	in := g.relation(depth - 1)
	s := scope(in.cols)
	cols := keyed(in.cols)
	cols = append(slices.Clone(cols[:min(len(cols), 3)]), col{"el", tInt})
	from := "CROSS JOIN UNNEST(%s) AS u(el)"
	if g.chance(40) {
		from = "LEFT JOIN UNNEST(%s) AS u(el) ON TRUE"
	}
	if slices.ContainsFunc(in.cols, func(c col) bool { return c.text == "el" }) {
		return in
	}
	return rel{"SELECT " + names(cols) + " FROM (" + in.query + ") " + fmt.Sprintf(from, "ARRAY["+g.column(s, tInt)+", "+g.column(s, tInt)+"]"), cols}
}

// nested is a query of many operators.
func (g *gen) nested() string {
	r := g.relation(2 + g.n(2))
	if len(r.cols) > 0 && !strings.HasPrefix(r.query, "SELECT DISTINCT") && g.chance(20) {
		g.view("nested", r.query)
		return "SELECT * FROM nested"
	}
	return r.query
}

// batch is a query of many operators, or what only batch mode takes.
func (g *gen) batch() string {
	g.sets = append(g.sets, "SET 'execution.runtime-mode' = 'batch'")
	switch g.n(4) {
	case 0:
		return g.nested()
	case 1:
		table, cols := g.source()
		s := scope(cols)
		return "SELECT k, " + g.aggs(s, false) + " FROM " + table + g.where(s, 30) + g.pick(" GROUP BY k", " GROUP BY ROLLUP (k)", " GROUP BY k HAVING COUNT(*) > 1") + " ORDER BY k"
	case 2:
		return g.group()
	}
	return g.batchOver()
}

// batchOver has frames and functions that streams do not.
func (g *gen) batchOver() string {
	table, cols := g.source()
	s := scope(cols)
	part := g.pick("", "PARTITION BY k ", "PARTITION BY i ")
	order := g.pick("i, id", "id DESC", "k, id", "i DESC NULLS LAST, id", "id")
	var out []string
	for i := range 1 + g.n(3) {
		call, frame := "", ""
		switch g.n(3) {
		case 0:
			call = g.pick("ROW_NUMBER()", "RANK()", "DENSE_RANK()", "LEAD(i)", "LAG(k)", "LEAD(i, 2)", "LAG(i, 1, 99)", "NTILE(3)", "PERCENT_RANK()", "CUME_DIST()")
		case 1:
			call = g.pick("SUM(i)", "COUNT(*)", "MIN(k)", "MAX(i)", "FIRST_VALUE(k)", "LAST_VALUE(i)")
			frame = g.pick(" ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", " ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING", " ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING", " ROWS 2 PRECEDING")
		default:
			call = g.pick("SUM", "AVG", "MAX", "COUNT") + "(" + g.expr(s, []typ{tInt, tBig, tDecimal}[g.n(3)], 1) + ")"
		}
		out = append(out, fmt.Sprintf("%s OVER (%sORDER BY %s%s) AS a%d", call, part, order, frame, i))
	}
	return "SELECT id, k, " + strings.Join(out, ", ") + " FROM " + table + g.where(s, 25)
}
