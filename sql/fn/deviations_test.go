package fn

import "slices"

// deviations are expressions for which weir means to differ from Flink, and why.
var deviations = map[string]string{
	`PRINTF('%s', ARRAY[1,2])`:              "Flink prints a Java object's address",
	`PRINTF('%s', X'6162')`:                 "Flink prints a Java object's address",
	`SUBSTRING('a😀b', 2, 1)`:                "Flink counts the length of a literal in UTF-16 units",
	`CEIL(CAST(-0.5 AS DOUBLE))`:            "Flink's constant folding loses the sign of zero",
	`LOG(0, 8)`:                             "Flink's constant folding loses the sign of zero",
	`COSH(1)`:                               "the nearest double; Java's is the next one",
	`TO_DATE('bad', 'yyyy')`:                "Flink overflows, this is NULL",
	`TO_TIMESTAMP('0', 'D')`:                "Flink ignores the day of the year without a year",
	`FROM_UNIXTIME(-62135596800)`:           "SimpleDateFormat counts days before 1582 by the Julian calendar",
	`ARRAY_APPEND(ARRAY['a'], 'bcd')`:       "Flink cuts the element to the array's CHAR(1)",
	`MAP_UNION(MAP['a',1], MAP['bcd',2.5])`: "the entries of a map have no promised order",
	`MAP_UNION(MAP['a',1], MAP['b',2])`:     "the entries of a map have no promised order",
	`JSON_QUOTE('😀' || CHR(1) || CHR(127) || CHR(8) || CHR(10) || CHR(12) || CHR(13))`: "Flink writes a wrong surrogate pair",
	`MAP['a',1]['zz']`:                            "the planner gives -1, see absent.test",
	`CAST(1 AS DOUBLE)/0`:                         "the planner refuses it, see absent.test",
	`ROW(1, CAST(NULL AS INT)) = ROW(1, 2)`:       "the type's nullability",
	`ROW(i, r.y) = ROW(42, 'why')`:                "the type's nullability",
	`(DATE '2024-01-05' - DATE '2024-01-01') DAY`: "the reader of this test does not know it",
	`(TIMESTAMP '2024-01-05 00:00:00' - TIMESTAMP '2024-01-01 00:00:00') DAY`: "the reader of this test does not know it",
}

// lenient are expressions that Flink refuses, often by an error inside, and weir takes.
var lenient = []string{
	`UPPER(NULL)`,
	`TIMESTAMPADD(MICROSECOND, 25, TIMESTAMP '2024-02-29 01:02:03')`,
	`TIMESTAMPADD(FRAC_SECOND, 1, TIMESTAMP '2024-03-01 01:02:03.456')`,
	`FLOOR(TIMESTAMP '2024-03-15 12:34:56.789123' TO MICROSECOND)`,
	`TYPEOF(PROCTIME())`,
	`CURRENT_WATERMARK(TIMESTAMP '2024-01-01 00:00:00')`,
	`ARRAY_CONTAINS(ARRAY[1,2], 1.0)`,
	`ARRAY_CONTAINS(ARRAY[1], CAST(1 AS BIGINT))`,
	`ARRAY_APPEND(ARRAY[1,2], 2.5)`,
	`ELEMENT(CAST(ARRAY[] AS ARRAY<INT>))`,
	`JSON_VALUE('{"a":1}', 'lax $.a' RETURNING DOUBLE)`,
	`JSON_VALUE('{"a":12345678901}', 'lax $.a' RETURNING BIGINT)`,
	`JSON_OBJECT('a' VALUE 1.50, 'b' VALUE TRUE, 'c' VALUE DATE '2024-01-02', 'd' VALUE TIMESTAMP '2024-01-02 03:04:05.6', 'e' VALUE TIME '01:02:03')`,
	`JSON_ARRAY(NULL NULL ON NULL)`,
	`JSON_ARRAY('a', 1.5, TRUE, DATE '2024-01-02' ABSENT ON NULL)`,
	`JSON_STRING(DATE '2024-01-02')`,
	`JSON_STRING(TIME '03:04:05')`,
	`JSON_STRING(ROW(DATE '2024-01-01', TIME '01:02:03', TIMESTAMP '2024-01-01 00:00:00.100'))`,
	`JSON_STRING(ARRAY[DATE '2024-01-01'])`,
	`JSON_STRING(CAST(1234567890123456789.5 AS DECIMAL(30,1)))`,
	`JSON_STRING(CAST(10000000000000000000000 AS DECIMAL(38,0)))`,
	`ROUND(CAST('NaN' AS DOUBLE), 2)`,
	`LEAST(1, 2, NULL)`,
	`IF(1 > 0, ARRAY[1], ARRAY[2])`,
	`JSON('{"a": 1}')`,
}

// deviates tells whether an expression is in one of the lists.
func deviates(expr string) bool { return deviations[expr] != "" || slices.Contains(lenient, expr) }
