package fn

import (
	"testing"

	"weir/sql/vec"
)

// BenchmarkFuncs times calls over 1,024 rows of the same values; constant arguments stay constant
// where the function wants to see them.
func BenchmarkFuncs(b *testing.B) {
	for _, sql := range []string{
		"UPPER('hello World')", "SUBSTRING('hello World' FROM 2 FOR 4)", "'hello World' LIKE '%o W%'", "CONCAT_WS('-', 'hello', 'World')",
		"REGEXP_EXTRACT('2024-08-01 10:00:01 ERROR id=42', 'id=(-?[0-9]+)', 1)", "SPLIT_INDEX('a,b,c', ',', 1)", "ABS(-5)", "LN(2.5e0)", "POWER(2.5e0, 1.5e0)", "ROUND(2.345e0, 2)",
		"EXTRACT(HOUR FROM TIMESTAMP '2024-03-01 01:02:03')", "FLOOR(TIMESTAMP '2024-03-01 01:02:03' TO HOUR)", "DATE_FORMAT(TIMESTAMP '2024-03-01 01:02:03', 'yyyy-MM-dd HH:mm:ss')",
		"TO_TIMESTAMP('2024-03-01 01:02:03')", "TO_TIMESTAMP('2024-03-01T01:02:03', 'yyyy-MM-dd''T''HH:mm:ss')", "UNIX_TIMESTAMP('2024-03-01 01:02:03')",
		`JSON_VALUE('{"a":1,"b":{"c":"x"},"d":[1,2,3]}', '$.b.c')`, "MD5('hello')", "COALESCE(1, 2)", "JSON_OBJECT('a' VALUE 1, 'b' VALUE 'x')",
	} {
		n, err := readSQL(sql)
		if err != nil {
			b.Fatal(err)
		}
		first := 0
		env := &sqlEnv{ctx: newTestCtx(), n: 1024, consts: func(c *sqlNode) (vec.Vec, bool) {
			if first == 0 || c.num == first {
				first = c.num
				return vec.ColVec(vec.Take(c.lit.Arr, make([]int32, 1024))), true
			}
			return vec.Vec{}, false
		}}
		b.Run(n.call, func(b *testing.B) {
			for b.Loop() {
				if _, err := env.eval(n); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/row")
		})
	}
}
