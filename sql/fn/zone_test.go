package fn

import (
	"testing"
	"time"
)

// TestSessionZone checks what follows table.local-time-zone around a change of the clock.
func TestSessionZone(t *testing.T) {
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	f := func(sql, want string) {
		t.Helper()
		n, err := readSQL(sql)
		if err != nil {
			t.Fatal(err)
		}
		c := newTestCtx()
		c.Zone = loc
		v, err := (&sqlEnv{ctx: c, n: 1}).eval(n)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			return
		}
		if got := string(AppendText(nil, v.typ, v.vec.Arr, v.vec.At(0), loc)); got != want {
			t.Errorf("%s: want %q, got %q", sql, want, got)
		}
	}
	const before, after = "TO_TIMESTAMP_LTZ(1710046764, 0)", "TO_TIMESTAMP_LTZ(1710057600, 0)" // 2024-03-09 23:59:24, 2024-03-10 04:00:00
	f("DATE_FORMAT("+before+", 'yyyy-MM-dd HH:mm')", "2024-03-09 23:59")
	f("DATE_FORMAT("+after+", 'yyyy-MM-dd HH:mm')", "2024-03-10 04:00")
	f("EXTRACT(HOUR FROM "+after+")", "4")
	f("EXTRACT(DAY FROM "+before+")", "9")
	f("EXTRACT(EPOCH FROM "+after+")", "1710043200")
	f("FLOOR("+after+" TO DAY)", "2024-03-09 23:00:00.000")
	f("UNIX_TIMESTAMP('2024-03-10 01:30:00')", "1710052200")
	f("UNIX_TIMESTAMP('2024-11-03 01:30:00')", "1730615400")
	f("FROM_UNIXTIME(1710057600)", "2024-03-10 04:00:00")
	f("FROM_UNIXTIME(1710057600, 'HH:mm XXX')", "04:00 -04:00")
	f("CONVERT_TZ(DATE_FORMAT("+after+", 'yyyy-MM-dd HH:mm:ss'), 'America/New_York', 'UTC')", "2024-03-10 08:00:00")
	f("CURRENT_DATE", "2024-02-29")
	f("LOCALTIMESTAMP", "2024-02-29 20:02:03.456")
	f("CURRENT_TIMESTAMP", "2024-02-29 20:02:03.456")
	f("CURRENT_TIME", "20:02:03")
}

func TestPrepareRefuses(t *testing.T) {
	for _, sql := range []string{
		"UPPER(1)", "SUBSTRING('a')", "DATE_FORMAT(TIMESTAMP '2024-01-01 00:00:00', 'bad {')", "EXTRACT(FORTNIGHT FROM DATE '2024-01-01')",
		"'a' LIKE 'a|b' ESCAPE '|'", "'a' SIMILAR TO '('", "CEIL(TIMESTAMP '2024-01-01 00:00:00')", "ARRAY_SORT(1)", "MAP['a']", "JSON_OBJECT(1 VALUE 2)",
		"TIMESTAMP '2024-01-01 00:00:00' AT TIME ZONE 'Nowhere/Land'", "TO_TIMESTAMP_LTZ(1, 12)", "ROW(1).x", "LPAD('a', 1)",
	} {
		if _, got, err := evalExample(sql); err == nil {
			t.Errorf("%s: want an error, got %q", sql, got)
		}
	}
}
