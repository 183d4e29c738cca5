package difffuzz

import (
	"fmt"
	"strings"
)

// scope is what expressions may name.
type scope []col

// of prefixes columns with an alias.
func of(alias string, cols []col) scope {
	var out scope
	for _, c := range cols {
		out = append(out, col{alias + "." + c.text, c.typ})
	}
	return out
}

// column names a column of a type, or a literal where there is none.
func (g *gen) column(s scope, t typ) string {
	var fit []string
	for _, c := range s {
		if c.typ == t {
			fit = append(fit, c.text)
		}
	}
	if len(fit) == 0 {
		return g.literal(t)
	}
	return g.pick(fit...)
}

func (g *gen) literal(t typ) string {
	switch t {
	case tInt:
		return g.pick("0", "1", "2", "3", "5", "7", "(-1)", "(-2)")
	case tBig:
		return fmt.Sprintf("CAST(%d AS BIGINT)", g.n(300)-50)
	case tDouble:
		return g.pick("1.5E0", "(-2.0E0)", "0.25E0", "1E3")
	case tDecimal:
		return g.pick("1.50", "0.10", "(-2.255)", "3.0")
	case tString:
		return "'" + texts[g.n(len(texts))] + "'"
	case tBool:
		return g.pick("TRUE", "FALSE", "CAST(NULL AS BOOLEAN)")
	case tTime:
		return g.pick("TIMESTAMP '2024-02-29 23:59:00'", "TIMESTAMP '1969-12-31 23:59:59.500'", "TIMESTAMP '2024-03-01 00:00:01.250'")
	case tDate:
		return g.pick("DATE '2024-02-29'", "DATE '1969-12-31'", "DATE '2024-12-31'")
	case tArray:
		return "ARRAY[1, 2, 3]"
	case tMap:
		return "MAP['a', 1, 'b', 2]"
	}
	return "CAST(ROW(1, 'x') AS ROW<a INT, s STRING>)"
}

// templates of each type: %i %b %d %m %s %f %t %e %a %p %r stand for expressions of INT, BIGINT, DOUBLE,
// DECIMAL, STRING, BOOLEAN, TIMESTAMP, DATE, ARRAY, MAP and ROW. %n is a small positive number, %S a text of few
// letters, %* an expression of any scalar type.
var templates = map[typ][]string{
	tInt: {
		"CAST(CAST(%i AS TINYINT) AS INT)", "CAST(CAST(%b AS SMALLINT) AS INT)", "CAST(CAST(%d AS FLOAT) AS INT)", "CAST(CAST(%d AS TINYINT) AS INT)", "CAST(CAST(%i AS TINYINT) * CAST(%i AS TINYINT) AS INT)", "CHAR_LENGTH(CAST(%s AS CHAR(3)))", "CAST(SUBSTRING('1234' FROM %n) AS INT)", "JSON_VALUE('{\"a\": 5}', '$.a' RETURNING INT)", "CARDINALITY(SPLIT(%s, ','))", "TIMESTAMPDIFF(HOUR, %e, %t)", "TIMESTAMPDIFF(YEAR, %t, %t)", "TIMESTAMPDIFF(WEEK, %e, %e)", "COALESCE(%i, %n)", "CAST(%b / %n AS INT)", "CASE WHEN %b > 5 THEN %n END", "CAST(UNIX_TIMESTAMP('1970-01-01 00:00:00') AS INT)", "REGEXP_COUNT(%s, '[ab]')", "REGEXP_INSTR(%s, 'b')",
		"%i + %i", "%i - %i", "%i * %n", "%i / %n", "MOD(%i, %n)", "%i % %n", "ABS(%i)", "-%i", "SIGN(%i)", "CHAR_LENGTH(%s)", "POSITION(%S IN UPPER(%s))",
		"CAST(%b AS INT)", "CAST(%d AS INT)", "CAST(%m AS INT)", "CAST(%f AS INT)", "TRY_CAST(%s AS INT)", "CARDINALITY(%a)", "CARDINALITY(%p)", "ELEMENT(ARRAY[%i])",
		"(%a)[%n]", "(%p)['a']", "(%r).a", "ASCII(%s)", "INSTR(%s, %S)", "LOCATE(%S, %s)", "GREATEST(%i, %i)", "LEAST(%i, %i, %i)",
		"TIMESTAMPDIFF(SECOND, %t, %t)", "TIMESTAMPDIFF(DAY, %t, %e)", "TIMESTAMPDIFF(MONTH, %e, %e)", "TIMESTAMPDIFF(MINUTE, %t, %t)", "ARRAY_MAX(%a)", "ARRAY_MIN(%a)", "ARRAY_POSITION(%a, %i)"},
	tBig: {
		"CAST(CAST(%d AS FLOAT) AS BIGINT)", "EXTRACT(EPOCH FROM %t)", "EXTRACT(MILLISECOND FROM %t)", "EXTRACT(ISOYEAR FROM %e)", "EXTRACT(ISODOW FROM %e)", "EXTRACT(CENTURY FROM %e)", "EXTRACT(DECADE FROM %e)", "%i + %b", "CAST(%i AS BIGINT) * 1000000007", "WEEK(%e)", "MINUTE(%t)", "DAYOFWEEK(%e)", "DAYOFYEAR(%t)", "MONTH(%e)",
		"%b + %i", "%b - %b", "%b * %n", "%b / %n", "MOD(%b, %n)", "ABS(%b)", "-%b", "CAST(%i AS BIGINT)", "CAST(%d AS BIGINT)", "CAST(%m AS BIGINT)",
		"EXTRACT(YEAR FROM %t)", "EXTRACT(MONTH FROM %e)", "EXTRACT(DAY FROM %t)", "EXTRACT(HOUR FROM %t)", "EXTRACT(MINUTE FROM %t)", "EXTRACT(SECOND FROM %t)", "EXTRACT(WEEK FROM %e)", "EXTRACT(DOY FROM %e)", "EXTRACT(DOW FROM %t)", "QUARTER(%e)",
		"YEAR(%e)", "DAYOFMONTH(%t)", "HOUR(%t)", "GREATEST(%b, %b)", "LEAST(%b, %b)", "TRY_CAST(%s AS BIGINT)", "ROUND(%b, -1)", "SIGN(%b)", "FLOOR(%b)"},
	tDouble: {
		"CAST(CAST(%m AS FLOAT) AS DOUBLE)", "CAST(CAST(%d AS FLOAT) * 2 AS DOUBLE)", "CAST(CAST(%i AS FLOAT) / %n AS DOUBLE)", "%d * %m", "%b / 4E0", "COT(ABS(%d) + 1)", "ACOS(SIGN(%d))", "SINH(SIGN(%d))", "LOG2(ABS(%d) + 1)", "POWER(%i, 3)", "SQRT(ABS(%m))", "ROUND(%d, -1)", "%d / 0E0", "CAST(%f AS DOUBLE)", "NULLIF(%d, 0E0)", "COALESCE(%d, %i)",
		"%d + %d", "%d - %d", "%d * %d", "%d / %n", "ABS(%d)", "-%d", "FLOOR(%d)", "CEIL(%d)", "ROUND(%d, 1)", "ROUND(%d, 0)", "SQRT(ABS(%d))", "POWER(%d, 2)", "SIGN(%d)", "TRUNCATE(%d, 1)", "CAST(%i AS DOUBLE)", "CAST(%m AS DOUBLE)", "CAST(%b AS DOUBLE)",
		"%d + %i", "%i * %d", "ATAN(%d)", "SIN(%d)", "COS(%d)", "LN(ABS(%d) + 1)", "LOG10(ABS(%d) + 1)", "EXP(SIGN(%d))", "TRY_CAST(%s AS DOUBLE)", "GREATEST(%d, %d)", "DEGREES(%d)", "RADIANS(%d)", "TANH(%d)", "%d - %m", "LOG(2, ABS(%d) + 1)"},
	tDecimal: {
		"%m * %i", "%m / %n * %m", "CAST(CAST(%m AS DECIMAL(20, 8)) * %m AS DECIMAL(20, 4))", "CAST(%m AS DECIMAL(38, 18)) * CAST(%m AS DECIMAL(20, 10))", "%m * 1.005 / 3", "CAST(%b AS DECIMAL(20, 2)) + %m", "ROUND(%m, -1)", "COALESCE(%m, %i)", "COALESCE(%m, 0.125)", "GREATEST(%m, %m)", "CAST(%m AS DECIMAL(4, 2))", "CAST(%f AS DECIMAL(3, 1))", "TRUNCATE(%m)", "%m % 2.5", "(%m + %m) * (%m - %m)", "CASE WHEN %f THEN %m ELSE %i END",
		"%m + %m", "%m - %m", "%m * %n", "%m / %n", "%m * %m", "ABS(%m)", "-%m", "FLOOR(%m)", "CEIL(%m)", "ROUND(%m, 1)", "ROUND(%m, 0)", "TRUNCATE(%m, 1)", "CAST(%i AS DECIMAL(10, 2))", "CAST(%d AS DECIMAL(12, 3))", "TRY_CAST(%s AS DECIMAL(6, 1))", "%m + %i",
		"CAST(%m AS DECIMAL(5, 1))", "SIGN(%m)", "MOD(%m, 3)", "%m / 1.75", "%i - %m", "%i / 4.0"},
	tString: {
		"CAST(CAST(%t AS TIME) AS STRING)", "CAST(CAST(%t AS TIMESTAMP_LTZ(3)) AS STRING)", "CAST(CAST(%i AS TINYINT) + CAST(%i AS SMALLINT) AS STRING)", "CAST(%s AS CHAR(3))", "CAST(ARRAY[%s, %s] AS STRING)", "CAST(ROW(%i, %s, %t) AS STRING)", "JSON_OBJECT('a' VALUE %i, 'b' VALUE %s)", "JSON_ARRAY(%i, %s)", "JSON_OBJECT('a' VALUE %m ABSENT ON NULL)", "CAST(%t AS VARCHAR(10))", "CAST(TO_TIMESTAMP_LTZ(%i, 0) AS STRING)", "CAST(CAST(%d AS FLOAT) AS STRING)", "DECODE(ENCODE(%s, 'UTF-8'), 'UTF-8')", "CAST(CAST(%s AS BYTES) AS STRING)", "(SPLIT(%s, ','))[1]", "PARSE_URL('http://h/p?a=1&b=%20', 'QUERY', 'a')", "CAST(MAP['x', %d] AS STRING)", "CAST(CAST(%t AS TIMESTAMP(0)) AS STRING)", "CAST(CAST(%t AS TIMESTAMP(6)) AS STRING)", "DATE_FORMAT(%t, 'YYYY w D H:m.SSS')", "DATE_FORMAT(%s, 'yyyy')", "CAST(CAST(%d AS DECIMAL(20, 10)) AS STRING)", "CAST(%m * %m / 7 AS STRING)", "JSON_QUERY('{\"a\":[1,{\"b\":2}]}', '$.a')", "REGEXP_SUBSTR(%s, '[a-c]+')", "SUBSTRING(%s FROM -%n)", "SHA256(%s)", "CAST(ARRAY[%m, %m] AS STRING)", "CAST(CAST(%e AS TIMESTAMP(3)) AS STRING)", "CAST(%f AS STRING) || %s", "URL_DECODE(URL_ENCODE(%s))", "%s || CAST(%i AS CHAR(2)) || 'z'", "CAST(LOCALTIME IS NULL AS STRING)", "UPPER(%s || 'ß')", "TRIM(LEADING FROM %s)", "TRIM(TRAILING 'a' FROM %s)", "LPAD(%s, 3, '')", "CONVERT_TZ('2024-03-10 02:30:00', 'UTC', 'America/New_York')", "FROM_UNIXTIME(%i)", "INITCAP(LOWER(%s || ' ' || %s))", "CONCAT_WS(%s, 'p', %s, 'q')",
		"UPPER(%s)", "LOWER(%s)", "TRIM(%s)", "TRIM(BOTH %S FROM %s)", "LTRIM(%s)", "RTRIM(%s)", "SUBSTRING(%s FROM %n)", "SUBSTRING(%s FROM %i FOR %n)", "SUBSTRING(%s, %i, 2)", "%s || %s", "CONCAT(%s, '-', %s)", "CONCAT_WS('/', %s, %s)", "REPLACE(%s, %S, 'zz')", "REVERSE(%s)", "LPAD(%s, %n, '*')", "RPAD(%s, %n, 'ab')", "REPEAT(%s, %n)",
		"LEFT(%s, %n)", "RIGHT(%s, %n)", "INITCAP(%s)", "OVERLAY(%s PLACING 'QQ' FROM %n)", "OVERLAY(%s PLACING 'QQ' FROM %n FOR 1)", "CAST(%* AS STRING)", "CAST(%* AS VARCHAR(4))", "SPLIT_INDEX(%s, ',', %n)", "REGEXP_REPLACE(%s, '[a-b]+', 'R')", "REGEXP_EXTRACT(%s, '([a-z])(.?)', 1)", "MD5(%s)", "SHA1(%s)", "DATE_FORMAT(%t, 'yyyy-MM-dd HH:mm:ss')", "DATE_FORMAT(%t, 'EEE dd.MM.yy')", "TO_BASE64(%s)", "FROM_BASE64(TO_BASE64(%s))",
		"SUBSTR(%s, %n)", "ELT(%n, %s, 'e2')", "CHR(64 + %n)", "(%r).s", "BIN(%i)", "HEX(%s)", "HEX(%i)", "TRANSLATE(%s, 'ab', 'xy')", "PRINTF('%d-%s', %i, %s)", "JSON_VALUE('{\"a\":[1,\"x\"]}', '$.a[1]')", "URL_ENCODE(%s)", "BTRIM(%s)", "SPLIT_INDEX(%s, %S, 0)", "CAST(%a AS STRING)", "CAST(%p AS STRING)", "CAST(%r AS STRING)", "ARRAY_JOIN(SPLIT(%s, ','), '|')", "JSON_STRING(%s)", "LEFT(%s, %i)", "COALESCE(%s, 'dflt')"},
	tBool: {
		"%s IS JSON", "JSON_EXISTS('{\"a\":1}', '$.a')", "%t BETWEEN %t AND %t", "%e IN (DATE '2024-02-29', DATE '1970-01-01')", "(%i, %s) = (1, 'a')", "(%i, %n) IN ((1, 1), (2, 3))", "%s > 'a'", "%d IN (1.5, 2)", "%m IN (1.5, 0)", "%b IN (1, 2.0)", "%s BETWEEN 'a' AND 'b'", "CAST(%d AS FLOAT) = %d", "CAST(%i AS TINYINT) > %b", "%t = CAST(%e AS TIMESTAMP(3))", "%s NOT SIMILAR TO '[a-c]*'", "%f IS NOT DISTINCT FROM %f", "%m IS DISTINCT FROM %i", "CAST(%s AS VARCHAR(1)) = %s", "CAST(%s AS CHAR(4)) = %s", "NOT (%f AND NOT %f)", "%i IN (%i, %i, NULL)", "CASE %s WHEN 'a' THEN TRUE WHEN 'b' THEN FALSE END", "%s LIKE %s",
		"%i > %i", "%b <= %i", "%d < %d", "%m >= %m", "%s = %s", "%s <> %s", "%s < %s", "%t > %t", "%e <= %e", "%i <> %n", "%d = %i", "%m > %d", "%m = %i", "%f AND %f", "%f OR %f", "NOT %f", "%* IS NULL", "%* IS NOT NULL", "%f IS TRUE", "%f IS NOT FALSE", "%f IS UNKNOWN", "%f IS NOT TRUE",
		"%i BETWEEN %i AND %i", "%m NOT BETWEEN %m AND %m", "%d BETWEEN SYMMETRIC %d AND %d", "%i IN (%n, %n, 0)", "%i NOT IN (%n, 1)", "%s IN ('a', 'b')", "%i IN (1, CAST(NULL AS INT))", "%i NOT IN (1, CAST(NULL AS INT))", "%s LIKE 'a%'", "%s LIKE '%b%'", "%s NOT LIKE '_'", "%s LIKE 'x!%!_y' ESCAPE '!'", "%i IS DISTINCT FROM %i", "%s IS NOT DISTINCT FROM %s", "REGEXP(%s, '^[a-c]')", "ARRAY_CONTAINS(%a, %n)", "%s SIMILAR TO '(a|b)%'", "STARTSWITH(%s, %S)", "ENDSWITH(%s, %S)", "TRY_CAST(%s AS BOOLEAN)", "CAST(%i AS BOOLEAN)", "%f = %f", "%f <> %f", "%f > %f"},
	tTime: {
		"TO_TIMESTAMP(DATE_FORMAT(%t, 'dd/MM/yyyy'), 'dd/MM/yyyy')", "CAST(CAST(%t AS TIMESTAMP_LTZ(3)) AS TIMESTAMP(3))", "CAST(CAST(%t AS STRING) AS TIMESTAMP(3))", "TIMESTAMPADD(MONTH, %i, %t)", "TIMESTAMPADD(WEEK, %n, %t)", "TIMESTAMPADD(HOUR, %i, %e)", "%t + INTERVAL '1 02:03:04.5' DAY TO SECOND", "CEIL(%t TO WEEK)", "CEIL(%t TO SECOND)", "CEIL(%t TO HOUR)", "FLOOR(%t TO QUARTER)", "GREATEST(%t, %t)", "COALESCE(%t, %t)", "%e + INTERVAL '2' HOUR",
		"%t + INTERVAL '90' SECOND", "%t - INTERVAL '1' DAY", "%t + INTERVAL '1' MONTH", "FLOOR(%t TO MINUTE)", "FLOOR(%t TO HOUR)", "CEIL(%t TO MINUTE)", "FLOOR(%t TO DAY)", "FLOOR(%t TO MONTH)", "CEIL(%t TO YEAR)", "FLOOR(%t TO WEEK)", "TIMESTAMPADD(MINUTE, %i, %t)", "TIMESTAMPADD(DAY, %n, %t)", "CAST(%e AS TIMESTAMP(3))", "TRY_CAST(%s AS TIMESTAMP(3))", "TO_TIMESTAMP(%s, 'yyyy-MM-dd')", "%t + INTERVAL '1' HOUR", "TIMESTAMPADD(SECOND, %n, %t)", "%t + INTERVAL '1-2' YEAR TO MONTH", "FLOOR(%t TO SECOND)", "TO_TIMESTAMP(CAST(%t AS STRING))"},
	tDate: {
		"FLOOR(%e TO YEAR)", "FLOOR(%e TO QUARTER)", "CEIL(%e TO MONTH)", "CEIL(%e TO WEEK)", "TIMESTAMPADD(MONTH, %i, %e)", "TIMESTAMPADD(YEAR, %n, %e)", "CAST(CAST(%e AS STRING) AS DATE)", "LEAST(%e, %e)", "COALESCE(%e, DATE '2000-01-01')",
		"CAST(%t AS DATE)", "%e + INTERVAL '1' DAY", "%e - INTERVAL '1' MONTH", "%e + INTERVAL '1' YEAR", "FLOOR(%e TO MONTH)", "CEIL(%e TO YEAR)", "TRY_CAST(%s AS DATE)", "TO_DATE(%s)", "FLOOR(%e TO WEEK)", "TIMESTAMPADD(DAY, %i, %e)", "GREATEST(%e, %e)"},
	tArray: {"ARRAY[%i, %i]", "ARRAY_DISTINCT(%a)", "ARRAY_REVERSE(%a)", "ARRAY_CONCAT(%a, %a)", "ARRAY_APPEND(%a, %i)", "ARRAY_PREPEND(%a, %i)", "ARRAY_REMOVE(%a, %n)", "ARRAY_UNION(%a, %a)", "ARRAY_SLICE(%a, 1, 2)", "ARRAY_SORT(%a)", "ARRAY_EXCEPT(%a, %a)", "ARRAY_INTERSECT(%a, %a)", "MAP_VALUES(MAP['k', %i])"},
	tMap:   {"MAP['k', %i]", "MAP['q', %i, 'r', 1]"},
	tRow:   {"CAST(ROW(%i, %s) AS ROW<a INT, s STRING>)"},
}

// generic are templates of any type; %x is the type itself.
var generic = []string{"CASE WHEN %f THEN %x ELSE %x END", "CASE WHEN %f THEN %x WHEN %f THEN %x END", "COALESCE(%x, %x)", "NULLIF(%x, %x)", "IF(%f, %x, %x)", "IFNULL(%x, %x)", "CASE %i WHEN 1 THEN %x WHEN 2 THEN %x ELSE %x END"}

var letters = map[byte]typ{'i': tInt, 'b': tBig, 'd': tDouble, 'm': tDecimal, 's': tString, 'f': tBool, 't': tTime, 'e': tDate, 'a': tArray, 'p': tMap, 'r': tRow}

// expr makes an expression of a type.
func (g *gen) expr(s scope, t typ, depth int) string {
	switch {
	case depth <= 0 || g.chance(20):
		if g.chance(88) || t == tTime {
			return g.column(s, t)
		}
		return g.literal(t)
	case t < scalars && g.chance(15):
		return "(" + g.fill(s, generic[g.n(len(generic))], t, depth-1) + ")"
	}
	list := templates[t]
	return "(" + g.fill(s, list[g.n(len(list))], t, depth-1) + ")"
}

// fill puts expressions in the place of a template's letters.
func (g *gen) fill(s scope, template string, t typ, depth int) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(template); i++ {
		c := template[i]
		quoted = quoted != (c == '\'')
		if c != '%' || quoted || i+1 == len(template) {
			b.WriteByte(c)
			continue
		}
		next := template[i+1]
		of, ok := letters[next]
		switch {
		case ok:
			b.WriteString(g.expr(s, of, depth))
		case next == 'x':
			b.WriteString(g.expr(s, t, depth))
		case next == '*':
			b.WriteString(g.expr(s, typ(g.n(int(scalars))), depth))
		case next == 'n':
			fmt.Fprint(&b, 1+g.n(4))
		case next == 'S':
			b.WriteString("'" + g.pick("a", "b", ",", "", "x") + "'")
		default:
			b.WriteByte(c)
			continue
		}
		i++
	}
	return b.String()
}

// where is a condition with its keyword, or nothing.
func (g *gen) where(s scope, percent int) string {
	if !g.chance(percent) {
		return ""
	}
	return " WHERE " + g.expr(s, tBool, 2)
}
