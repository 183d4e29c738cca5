package planner

// insteadOf says what to write instead of functions that other engines have, and Flink does not.
var insteadOf = map[string]string{
	"ANY_VALUE": "FIRST_VALUE(x)", "APPROX_PERCENTILE": "PERCENTILE(x, 0.5)", "ARRAY_CAT": "ARRAY_CONCAT(a, b)", "ARRAY_LENGTH": "CARDINALITY(array)",
	"ARRAY_SIZE": "CARDINALITY(array)", "BOOL_AND": "MIN(condition)", "BOOL_OR": "MAX(condition)", "CHARINDEX": "LOCATE(part, text)",
	"COUNT_IF": "COUNT(*) FILTER (WHERE condition)", "COUNTIF": "COUNT(*) FILTER (WHERE condition)", "CURDATE": "CURRENT_DATE",
	"DATE": "CAST(x AS DATE)", "DATEADD": "TIMESTAMPADD(DAY, n, time)", "DATEDIFF": "TIMESTAMPDIFF(DAY, from, to)", "DATE_ADD": "time + INTERVAL '1' DAY",
	"DATE_DIFF": "TIMESTAMPDIFF(DAY, from, to)", "DATE_PART": "EXTRACT(DAY FROM time)", "DATE_SUB": "time - INTERVAL '1' DAY", "DATE_TRUNC": "FLOOR(time TO DAY)",
	"EVERY": "MIN(condition)", "EXPLODE": "CROSS JOIN UNNEST(array) AS t(x)", "FROM_JSON": "JSON_VALUE or JSON_QUERY", "GETDATE": "CURRENT_TIMESTAMP",
	"GET_JSON_OBJECT": "JSON_VALUE(json, path)", "GROUP_CONCAT": "LISTAGG(text, separator)", "IIF": "IF(condition, a, b)", "ISNULL": "IFNULL(x, y)",
	"JSON_EXTRACT": "JSON_VALUE or JSON_QUERY", "JSON_LENGTH": "CARDINALITY(JSON_QUERY(json, path RETURNING ARRAY<STRING>))", "LEN": "CHAR_LENGTH(text)",
	"MEDIAN": "PERCENTILE(x, 0.5)", "MODE": "a count by value, and the first of those by ROW_NUMBER()", "NVL2": "IF(x IS NULL, b, a)",
	"SIZE": "CARDINALITY(x)", "STRING_AGG": "LISTAGG(text, separator)", "STRING_SPLIT": "SPLIT(text, separator)", "STRPOS": "LOCATE(part, text)",
	"SUBSTRING_INDEX": "SPLIT_INDEX(text, separator, index)", "TO_CHAR": "DATE_FORMAT(time, pattern), or CAST(x AS STRING)", "TO_JSON": "JSON_STRING(x)",
	"TO_NUMBER": "CAST(x AS DECIMAL)", "TRUNC": "TRUNCATE(x, n), or FLOOR(time TO DAY)", "TRY_TO_NUMBER": "TRY_CAST(x AS DECIMAL)",
}
