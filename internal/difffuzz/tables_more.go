package difffuzz

import (
	"fmt"
	"strings"
	"time"
)

// columns5 are those of the tables of changes.
var columns5 = []col{{"pk", tInt}, {"k", tString}, {"v", tInt}, {"s", tString}}

// cdcTable is a table of changes: rows are inserted, updated and deleted. With versions, it has a key and times.
func (g *gen) cdcTable(name string, versions bool) Table {
	t := Table{Name: name, CDC: true, DDL: "  pk INT,\n  k STRING,\n  v INT,\n  s STRING"}
	if versions {
		t.DDL += ",\n  vt TIMESTAMP(3),\n  PRIMARY KEY (pk) NOT ENFORCED,\n  WATERMARK FOR vt AS vt - INTERVAL '5' SECOND(3)"
	}
	at := g.base
	row := func(pk int) string {
		out := fmt.Sprintf(`{"pk": %d, "k": %s, "v": %s, "s": %s`, pk, g.jsonOrNull(tString), g.jsonOrNull(tInt), g.json(tString))
		if versions {
			at = at.Add(time.Duration(g.n(20)) * time.Second)
			out += `, "vt": ` + at.Format(`"2006-01-02 15:04:05"`)
		}
		return out + "}"
	}
	live := map[int]string{}
	for range 4 + g.n(16) {
		pk := g.n(6) - 1
		old, ok := live[pk]
		switch {
		case !ok:
			live[pk] = row(pk)
			t.Lines = append(t.Lines, fmt.Sprintf(`{"before": null, "after": %s, "op": %q}`, live[pk], g.pick("c", "r")))
		case g.chance(70):
			live[pk] = row(pk)
			t.Lines = append(t.Lines, fmt.Sprintf(`{"before": %s, "after": %s, "op": "u"}`, old, live[pk]))
		default:
			if versions { // a version ends when it is deleted
				next := row(pk)
				old = old[:strings.LastIndex(old, `"vt"`)] + next[strings.LastIndex(next, `"vt"`):]
			}
			delete(live, pk)
			t.Lines = append(t.Lines, fmt.Sprintf(`{"before": %s, "after": null, "op": "d"}`, old))
		}
	}
	return t
}

func (g *gen) jsonOrNull(t typ) string {
	if g.chance(12) {
		return "null"
	}
	return g.json(t)
}

// wide are columns of types that expressions seldom make, and what a record may hold for them.
var wide = []struct {
	name, typ string
	values    []string
}{
	{"ti", "TINYINT", []string{"1", "-3", "127", "-128", "0"}},
	{"sm", "SMALLINT", []string{"1", "-300", "32767", "0"}},
	{"fl", "FLOAT", []string{"1.5", "0.1", "-2.25", "0.0", "3.4e10"}},
	{"tm", "TIME", []string{`"00:00:00"`, `"23:59:59"`, `"12:34:56"`}},
	{"lz", "TIMESTAMP_LTZ(3)", []string{`"2024-02-29 23:59:58.5Z"`, `"1969-12-31 23:00:00Z"`, `"2024-03-10 07:30:00Z"`}},
	{"t9", "TIMESTAMP(9)", []string{`"2024-02-29 23:59:58.123456789"`, `"1969-12-31 23:59:59.999999999"`, `"2024-03-01 00:00:00"`}},
	{"bt", "BYTES", []string{`"YWJj"`, `""`, `"AP8="`}},
	{"d38", "DECIMAL(38, 10)", []string{"1.5", "-12345678901234567890.0123456789", "0", "0.0000000001"}},
	{"d5", "DECIMAL(5, 0)", []string{"1", "-99999", "0"}},
	{"sa", "ARRAY<STRING>", []string{`["a","b"]`, `[]`, `[null,"x"]`}},
	{"im", "MAP<STRING, DOUBLE>", []string{`{"a":1.5}`, `{}`, `{"a":0.0,"b":null}`}},
	{"ar", "ARRAY<ROW<x INT, y STRING>>", []string{`[{"x":1,"y":"p"},{"x":null,"y":"q"}]`, `[]`, `[{"x":3,"y":null}]`}},
	{"rr", "ROW<p INT, q ROW<z STRING, w ARRAY<INT>>>", []string{`{"p":1,"q":{"z":"a","w":[1,2]}}`, `{"p":null,"q":null}`}},
	{"ch", "CHAR(3)", []string{`"abc"`, `"xyz"`}},
	{"vc", "VARCHAR(5)", []string{`"abc"`, `""`, `"hello"`}},
	{"nn", "INT NOT NULL", []string{"1", "2", "-5"}},
}

// wideTable has a column of each type of wide.
func (g *gen) wideTable() {
	t := Table{Name: "t7", DDL: "  id INT"}
	for _, c := range wide {
		t.DDL += ",\n  " + c.name + " " + c.typ
	}
	for i := range 3 + g.n(6) {
		line := fmt.Sprintf(`{"id": %d`, i+1)
		for _, c := range wide {
			v := g.pick(c.values...)
			if g.chance(12) && c.name != "nn" {
				v = "null"
			}
			line += fmt.Sprintf(", %q: %s", c.name, v)
		}
		t.Lines = append(t.Lines, line+"}")
	}
	g.tables = append(g.tables, t)
}

// wideExprs are over the columns of wide.
var wideExprs = []string{
	"ti + sm", "ti * ti", "sm / nn", "-ti", "ABS(ti)", "ti + nn", "ti % 3", "MOD(sm, 7)", "fl + ti", "fl * fl", "fl / 3", "fl + 1.5", "fl * CAST(2 AS DECIMAL(3, 1))", "ROUND(fl, 1)", "CAST(fl AS STRING)", "CAST(fl AS DOUBLE)", "CAST(fl AS INT)", "CAST(fl AS DECIMAL(10, 3))", "FLOOR(fl)", "ABS(fl)", "fl = 0.1", "fl > d5", "POWER(ti, 2)", "SQRT(sm)",
	"CAST(tm AS STRING)", "HOUR(tm)", "EXTRACT(MINUTE FROM tm)", "tm + INTERVAL '1' HOUR", "tm - INTERVAL '90' MINUTE", "tm > TIME '12:00:00'", "CAST(tm AS TIMESTAMP(3)) IS NULL", "FLOOR(tm TO HOUR)", "CEIL(tm TO MINUTE)", "tm BETWEEN TIME '01:00:00' AND TIME '23:00:00'", "CAST(t9 AS TIME)", "CAST(lz AS TIME)",
	"CAST(lz AS STRING)", "CAST(lz AS TIMESTAMP(3))", "CAST(lz AS DATE)", "EXTRACT(HOUR FROM lz)", "EXTRACT(EPOCH FROM lz)", "lz + INTERVAL '1' DAY", "lz > TIMESTAMP '2024-01-01 00:00:00'", "DATE_FORMAT(lz, 'yyyy-MM-dd HH:mm')", "FLOOR(lz TO HOUR)", "FLOOR(lz TO DAY)", "TIMESTAMPDIFF(HOUR, lz, lz)", "TIMESTAMPDIFF(MINUTE, lz, CAST('2024-01-01 00:00:00' AS TIMESTAMP_LTZ(3)))", "YEAR(lz)", "TIMESTAMPADD(HOUR, 3, lz)", "lz - INTERVAL '1' MONTH", "COALESCE(lz, TO_TIMESTAMP_LTZ(0, 3))",
	"t9", "CAST(t9 AS STRING)", "CAST(t9 AS TIMESTAMP(3))", "CAST(t9 AS TIMESTAMP(0))", "CAST(t9 AS DATE)", "EXTRACT(NANOSECOND FROM t9)", "EXTRACT(MICROSECOND FROM t9)", "EXTRACT(SECOND FROM t9)", "t9 + INTERVAL '0.001' SECOND", "FLOOR(t9 TO SECOND)", "TIMESTAMPDIFF(SECOND, t9, TIMESTAMP '2024-01-01 00:00:00')", "t9 = CAST(t9 AS TIMESTAMP(6))", "DATE_FORMAT(t9, 'HH:mm:ss.SSSSSS')", "CAST(t9 AS TIMESTAMP_LTZ(9))",
	"bt", "CAST(bt AS STRING)", "HEX(CAST(bt AS STRING))", "bt = bt", "bt > CAST('a' AS BYTES)", "MD5(CAST(bt AS STRING))", "bt IS NULL", "COALESCE(bt, CAST('z' AS BYTES))", "CAST(CAST('abc' AS BYTES) AS BINARY(2))", "CAST(bt AS VARBINARY(1))", "TO_BASE64(CAST(bt AS STRING))",
	"d38 + d38", "d38 * 2", "d38 / 3", "d38 * d38", "d38 - d5", "CAST(d38 AS DECIMAL(20, 2))", "CAST(d38 AS BIGINT)", "CAST(d38 AS STRING)", "ROUND(d38, 2)", "FLOOR(d38)", "ABS(d38)", "d38 > d5", "d5 / 7", "d5 * 1.5", "MOD(d5, 7)", "d5 = nn", "CAST(d38 AS DOUBLE)", "SIGN(d38)", "TRUNCATE(d38, 3)", "CAST(d5 AS TINYINT)", "d5 + ti", "COALESCE(d5, 0.5)", "CASE WHEN ti > 0 THEN d5 ELSE d38 END", "GREATEST(d5, d38)",
	"sa[1]", "CARDINALITY(sa)", "ARRAY_CONTAINS(sa, 'a')", "sa = sa", "CAST(sa AS STRING)", "ARRAY_JOIN(sa, '-')", "ARRAY_JOIN(sa, '-', 'N')", "ARRAY_CONCAT(sa, ARRAY['z'])", "ARRAY_SORT(sa)", "ARRAY_SORT(sa, FALSE)", "ARRAY_SORT(sa, TRUE, FALSE)", "ARRAY_POSITION(sa, 'x')", "sa IS NULL", "ARRAY_APPEND(sa, vc)", "ARRAY_MAX(sa)", "sa[CARDINALITY(sa)]", "COALESCE(sa, ARRAY['d'])", "CASE WHEN ti > 0 THEN sa END",
	"im['a']", "CARDINALITY(im)", "MAP_KEYS(im)", "CARDINALITY(MAP_VALUES(im))", "im = im", "CAST(im AS STRING)", "im['a'] + 1", "MAP_FROM_ARRAYS(ARRAY['q'], ARRAY[1])", "CARDINALITY(MAP_ENTRIES(im))", "MAP_UNION(im, MAP['z', 1E0])['z']", "STR_TO_MAP('a=1,b=2')['a']", "im['nokey'] IS NULL",
	"ar[1].x", "ar[1].y", "ar[2].x", "CARDINALITY(ar)", "CAST(ar AS STRING)", "ar[1]", "rr.p", "rr.q.z", "rr.q.w[2]", "CAST(rr AS STRING)", "rr.q", "CARDINALITY(rr.q.w)", "rr IS NULL", "rr.q IS NULL", "rr", "ar", "CAST(ROW(ti, vc) AS ROW<a INT, b STRING>)", "ROW(ti, sa)", "COALESCE(rr.p, nn)",
	"ch || vc", "CHAR_LENGTH(ch)", "ch = vc", "ch = 'abc'", "CAST(ch AS VARCHAR(2))", "CAST(vc AS CHAR(4)) || '|'", "UPPER(ch)", "ch LIKE 'a%'", "CAST(vc AS VARCHAR(2))", "CASE WHEN nn > 0 THEN ch ELSE vc END", "COALESCE(vc, ch)", "CONCAT(ch, vc, 'x')", "vc IN (ch, 'hello')", "TRIM(ch)", "NULLIF(vc, ch)", "nn + 1", "nn / 2", "nn IS NULL", "COALESCE(nn, 3)", "NULLIF(nn, 1)", "CASE WHEN nn > 0 THEN nn END", "IF(nn > 0, ti, sm)", "CAST(nn AS TINYINT)",
	"JSON_OBJECT('a' VALUE ti, 'b' VALUE d38, 'c' VALUE tm)", "JSON_OBJECT(KEY 'a' VALUE sa, KEY 'b' VALUE fl)", "JSON_ARRAY(ti, vc, nn)", "JSON_STRING(rr)", "JSON_STRING(im)", "JSON_STRING(lz)", "JSON_STRING(bt)", "JSON_STRING(t9)", "TYPEOF(ti + d5)", "TYPEOF(fl * d5)", "TYPEOF(COALESCE(ti, nn))", "TYPEOF(d38 * d5)", "TYPEOF(ch || vc)", "TYPEOF(CASE WHEN nn > 0 THEN ch ELSE vc END)", "TYPEOF(ti / nn)", "TYPEOF(d5 / d38)", "TYPEOF(SUBSTRING(ch FROM 1 FOR 2))", "TYPEOF(ROUND(d38, 2))", "TYPEOF(lz + INTERVAL '1' DAY)", "TYPEOF(im['a'])", "TYPEOF(MOD(sm, nn))", "TYPEOF(-ti)",
}

// manyTypes has expressions over many types.
func (g *gen) manyTypes() string {
	g.wideTable()
	out := "id"
	for i := range 8 {
		out += fmt.Sprintf(", %s AS c%d", g.pick(wideExprs...), i)
	}
	return "SELECT " + out + " FROM t7"
}

// typesGroup groups by, and aggregates, many types.
func (g *gen) typesGroup() string {
	g.wideTable()
	key := g.pick("ti", "sm", "fl", "tm", "lz", "t9", "bt", "d38", "d5", "sa", "ar", "rr", "ch", "vc", "nn", "ti, vc", "sm % 2", "FLOOR(fl)")
	out := []string{}
	for i := range 3 {
		call := g.pick("SUM(ti)", "SUM(sm)", "SUM(fl)", "SUM(d38)", "SUM(d5)", "AVG(ti)", "AVG(fl)", "AVG(d38)", "AVG(d5)", "MIN(ti)", "MAX(fl)", "MIN(tm)", "MAX(lz)", "MIN(t9)", "MAX(d38)", "MIN(vc)", "MAX(ch)", "COUNT(bt)", "COUNT(DISTINCT ti)", "COUNT(DISTINCT lz)", "COUNT(DISTINCT vc)", "SUM(DISTINCT ti)", "COUNT(sa)", "COUNT(rr)", "FIRST_VALUE(vc)", "LAST_VALUE(d38)", "FIRST_VALUE(lz)", "LAST_VALUE(tm)", "ARRAY_AGG(ti)", "ARRAY_AGG(lz)", "ARRAY_AGG(DISTINCT vc)", "COLLECT(ch)", "COLLECT(nn)", "STDDEV_POP(d5)", "VAR_POP(fl)", "JSON_ARRAYAGG(ti)", "JSON_ARRAYAGG(vc ABSENT ON NULL)", "LISTAGG(vc, '|')", "LISTAGG(DISTINCT ch)", "SUM(nn)", "MIN(nn)", "AVG(DISTINCT sm)", "MAX(im['a'])", "SUM(ar[1].x)", "COUNT(*) FILTER (WHERE nn > 0)", "MIN(sa[1])")
		out = append(out, fmt.Sprintf("%s AS a%d", call, i))
	}
	if g.chance(20) {
		return "SELECT DISTINCT " + key + " FROM t7"
	}
	return "SELECT " + strings.Join(out, ", ") + " FROM t7 GROUP BY " + key
}
