package difffuzz

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"time"
)

// typ is a type that expressions are made of.
type typ uint8

const (
	tInt typ = iota
	tBig
	tDouble
	tDecimal
	tString
	tBool
	tTime
	tDate
	tArray  // ARRAY<INT>
	tMap    // MAP<STRING, INT>
	tRow    // ROW<a INT, s STRING>
	scalars = tArray
)

var typeNames = [...]string{"INT", "BIGINT", "DOUBLE", "DECIMAL(10, 2)", "STRING", "BOOLEAN", "TIMESTAMP(3)", "DATE", "ARRAY<INT>", "MAP<STRING, INT>", "ROW<a INT, s STRING>"}

// col is something that expressions may name.
type col struct {
	text string
	typ  typ
}

// gen makes one case.
type gen struct {
	r      *rand.Rand
	late   bool // rows may be late
	base   time.Time
	tables []Table
	views  []string
	sets   []string
}

func (g *gen) n(n int) int { return g.r.IntN(n) }

func (g *gen) chance(percent int) bool { return g.n(100) < percent }

func (g *gen) pick(of ...string) string { return of[g.n(len(of))] }

// view declares a view that the query reads.
func (g *gen) view(name, query string) {
	g.views = append(g.views, "CREATE VIEW "+name+" AS "+query)
}

// The columns of the tables. t1 and t2 have a watermark on ts.
var (
	columns1 = []col{{"id", tInt}, {"k", tString}, {"i", tInt}, {"b", tBig}, {"d", tDouble}, {"m", tDecimal}, {"f", tBool}, {"s", tString}, {"dt", tDate}, {"ts", tTime}, {"arr", tArray}, {"mp", tMap}, {"rw", tRow}}
	columns2 = []col{{"id", tInt}, {"k", tString}, {"i", tInt}, {"b", tBig}, {"ts", tTime}, {"s", tString}}
	columns3 = []col{{"id", tInt}, {"k", tString}, {"i", tInt}, {"m", tDecimal}, {"d", tDouble}, {"f", tBool}}
)

func (g *gen) makeTables() {
	base := time.Date(2024, 2, 29, 23, 58, 0, 0, time.UTC)
	if g.chance(20) && g.late { // where inputs meet, chance decides which rows from just before 1970 are kept
		base = time.Date(1969, 12, 31, 23, 58, 30, 0, time.UTC)
	}
	g.base = base
	g.tables = []Table{
		g.table("t1", columns1, base, 4+g.n(22)),
		g.table("t2", columns2, base, 3+g.n(14)),
		g.table("t3", columns3, base, 2+g.n(9)),
	}
}

func (g *gen) table(name string, cols []col, base time.Time, rows int) Table {
	times := make([]int64, rows) // after the base
	unit := int64([]int{1000, 500, 5000, 10_000, 1}[g.n(5)])
	span := int64(60_000 * (1 + g.n(5)))
	for i := range times {
		times[i] = g.r.Int64N(span/unit) * unit
	}
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	for range g.n(rows + 1) { // out of order, near by
		i := g.n(rows)
		j := min(rows-1, i+g.n(4))
		times[i], times[j] = times[j], times[i]
	}
	delay, top := int64(0), times[0]
	for _, t := range times {
		delay, top = max(delay, top-t), max(top, t)
	}
	seconds := (delay + 1000) / 1000
	if g.late {
		seconds = int64(g.n(int(seconds) + 1))
	}
	t := Table{Name: name}
	var ddl []string
	timed := false
	for _, c := range cols {
		ddl = append(ddl, "  "+c.text+" "+typeNames[c.typ])
		timed = timed || c.typ == tTime
	}
	if timed {
		ddl = append(ddl, fmt.Sprintf("  WATERMARK FOR ts AS ts - INTERVAL '%d' SECOND(3)", seconds))
	}
	t.DDL = strings.Join(ddl, ",\n")
	for i := range rows {
		var fields []string
		for _, c := range cols {
			v := ""
			switch {
			case c.text == "id":
				v = fmt.Sprint(i + 1)
			case c.typ == tTime:
				v = base.Add(time.Duration(times[i]) * time.Millisecond).Format(`"2006-01-02 15:04:05.999"`)
			case g.chance(15):
				v = "null"
			default:
				v = g.json(c.typ)
			}
			fields = append(fields, fmt.Sprintf("%q: %s", c.text, v))
		}
		t.Lines = append(t.Lines, "{"+strings.Join(fields, ", ")+"}")
	}
	return t
}

var texts = []string{"a", "b", "c", "A b", "", "ä€x", "12", "-7.50", "a,b,c", "2024-02-29", "x%_y", "  pad "}

// json makes a value of a type as it stands in a file.
func (g *gen) json(t typ) string {
	switch t {
	case tInt:
		if g.chance(3) {
			return g.pick("2147483647", "-2147483648")
		}
		return fmt.Sprint(g.n(10) - 4)
	case tBig:
		if g.chance(3) {
			return g.pick("9223372036854775807", "-9223372036854775808", "4294967296")
		}
		return fmt.Sprint(g.n(2000) - 500)
	case tDouble:
		return g.pick("0.0", "1.5", "-2.25", "3.0", "1e7", "-0.125", "1234.75", "2.5")
	case tDecimal:
		return g.pick("0.00", "1.50", "-2.25", "99999999.99", "10.05", "0.01", "-7.00")
	case tString:
		if g.chance(60) {
			return `"` + texts[g.n(3)] + `"`
		}
		return `"` + texts[g.n(len(texts))] + `"`
	case tBool:
		return g.pick("true", "false")
	case tDate:
		return g.pick(`"2024-02-29"`, `"1969-12-31"`, `"2023-01-01"`, `"2024-12-30"`, `"1970-01-01"`)
	case tArray:
		return g.pick("[]", "[1]", "[3,1,2]", "[1,null,1]", "[5,5]")
	case tMap:
		return g.pick("{}", `{"a":1}`, `{"a":1,"b":2}`, `{"c":null}`)
	case tRow:
		return g.pick(`{"a":1,"s":"x"}`, `{"a":null,"s":"y"}`, `{"a":2,"s":null}`)
	}
	panic("no such type")
}
