package httpconn_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"weir/internal/session"
)

// TestCachedRows joins with answers that are kept, of no row to three each, and compares with what a join must give: with room for
// all of them, with room for few, and with a condition.
func TestCachedRows(t *testing.T) {
	const n, keys = 9000, 400
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		x, err := strconv.Atoi(r.URL.Query().Get("x"))
		if err != nil {
			w.WriteHeader(400)
			return
		}
		var rows []string
		for i := range x % 4 {
			rows = append(rows, fmt.Sprintf(`{"x": %d, "v": "%d-%d"}`, x, x, i))
		}
		fmt.Fprintf(w, "[%s]", strings.Join(rows, ","))
	}))
	defer server.Close()
	for _, c := range []struct {
		name, options, join, cond string
		most                      int // requests
	}{
		{"all kept", ", 'lookup.partial-cache.max-rows' = '5000'", "JOIN", "", keys},
		{"some kept", ", 'lookup.partial-cache.max-rows' = '150'", "JOIN", "", n},
		{"no row for some", ", 'lookup.partial-cache.max-rows' = '5000'", "LEFT JOIN", "", keys},
		{"a condition", ", 'lookup.partial-cache.max-rows' = '5000'", "LEFT JOIN", " AND t.v NOT LIKE '%-1'", keys},
		{"ranked", ", 'lookup.partial-cache.max-rows' = '5000', 'lookup.partial-cache.expire-after-access' = '1 h'", "JOIN", "", keys},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked.Store(0)
			s, err := session.Open(session.Options{Ephemeral: true, DataDir: t.TempDir(), Warn: func(string) {}})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			got, err := run(s, fmt.Sprintf(`CREATE TABLE src (id INT, proc AS PROCTIME()) WITH ('connector' = 'datagen', 'number-of-rows' = '%d', 'rows-per-second' = '1000000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '%d');
				CREATE TABLE t (x INT, v STRING) WITH ('connector' = 'http', 'url' = '%s', 'format' = 'json', 'lookup.cache' = 'PARTIAL' %s);
				SELECT s.id, t.v FROM src AS s %s t FOR SYSTEM_TIME AS OF s.proc ON t.x = MOD(s.id * 7, %d)%s;`, n, n-1, server.URL, c.options, c.join, keys, c.cond))
			if err != nil {
				t.Fatal(err)
			}
			if want := joined(n, keys, c.join == "LEFT JOIN", c.cond != ""); got != want {
				t.Errorf("%d bytes of rows, want %d", len(got), len(want))
			}
			if n := int(asked.Load()); n > c.most || n < keys {
				t.Errorf("%d requests, want %d to %d", n, keys, c.most)
			}
		})
	}
}

// joined is what the join gives.
func joined(n, keys int, left, cond bool) string {
	var rows []string
	for id := range n {
		x, before := id*7%keys, len(rows)
		for i := range x % 4 {
			if !cond || i != 1 {
				rows = append(rows, fmt.Sprintf("%d %d-%d", id, x, i))
			}
		}
		if left && len(rows) == before {
			rows = append(rows, fmt.Sprintf("%d (null)", id))
		}
	}
	sort.Strings(rows)
	return strings.Join(rows, "\n")
}
