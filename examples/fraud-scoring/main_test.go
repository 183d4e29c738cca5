package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/examples/fraud-scoring/api"
	"weir/examples/rig"
)

// scored are the rows of all variants, but for the row without a kind of shop, which a lookup join does not ask for.
var scored = []string{
	"1 4000-01 42.5 1.0 0.0177 FALSE", "2 4000-02 1250.0 1.0 0.4013 FALSE", "3 4000-03 18.0 1.0 0.0275 FALSE", "4 4000-04 990.0 1.0 0.8146 TRUE",
	"5 4000-04 990.0 2.0 0.8676 TRUE", "6 4000-04 1990.0 3.0 0.9863 TRUE", "7 4000-01 12.2 2.0 0.0247 FALSE", "8 4000-05 7.0 1.0 0.027 FALSE",
	"9 4000-04 1990.0 4.0 0.9908 TRUE", "10 4000-02 80.0 1.0 0.0311 FALSE", "11 4000-03 2400.0 1.0 0.9677 TRUE", "12 4000-04 20.0 1.0 0.017 FALSE",
}

func environment(t *testing.T, secret string) context.Context {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", exampleKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("AWS_SESSION_TOKEN", "")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// rowsOf are the rows of tables that were shown, sorted by their number.
func rowsOf(text string) (rows []string) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| id") {
			rows = append(rows, strings.Join(strings.Fields(strings.ReplaceAll(line, "|", " ")), " "))
		}
	}
	number := func(row string) (n int) {
		_, _ = fmt.Sscan(row, &n)
		return n
	}
	slices.SortFunc(rows, func(a, b string) int { return number(a) - number(b) })
	return rows
}

// TestExample runs all variants as README.md tells: they give the same scores.
func TestExample(t *testing.T) {
	ctx := environment(t, exampleSecret)
	for script, answers := range map[string]int{"local.sql": 0, "model.sql": 12, "lookup.sql": 11} {
		want := slices.Clone(scored)
		if script == "lookup.sql" {
			for i := range want {
				want[i] += " 200 <NULL>"
			}
			want[7] = "8 4000-05 7.0 1.0 <NULL> <NULL> <NULL> <NULL>"
		}
		var out bytes.Buffer
		e := example{folder: ".", script: script, out: &out}
		if err := e.run(ctx); err != nil {
			t.Fatal(err)
		}
		if got := rowsOf(out.String()); !slices.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", script, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if last := fmt.Sprintf("the API gave %d answers and refused 0 requests\n", answers); !strings.HasSuffix(out.String(), last) {
			t.Errorf("%s: got %s, want %s", script, out.String(), last)
		}
	}
}

// TestRefused has requests signed with a secret that the API does not know: no score, and a transaction that goes on.
func TestRefused(t *testing.T) {
	ctx := environment(t, "another")
	a, err := api.New("fraud.json", "us-east-1", map[string]string{exampleKey: exampleSecret})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.Handler(a))
	defer s.Close()
	for _, script := range []string{"model.sql", "lookup.sql"} {
		var out bytes.Buffer
		r, err := rig.Open(&out)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := r.Streams(ctx, 1, "transactions", "scored"); err != nil {
			t.Fatal(err)
		}
		records, err := transactions("transactions.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Put(ctx, "transactions", records); err != nil {
			t.Fatal(err)
		}
		before := a.Refused.Load()
		for _, file := range []string{script, "show.sql"} {
			if err := r.Run(ctx, filepath.Join(".", file), map[string]string{"UNTIL": "latest", "API": s.URL}); err != nil {
				t.Fatal(err)
			}
		}
		rows := rowsOf(out.String())
		if len(rows) != 12 || !strings.HasPrefix(rows[0], "1 4000-01 42.5 1.0 <NULL> <NULL>") || script == "lookup.sql" && !strings.Contains(rows[0], "403") {
			t.Errorf("%s: %q", script, rows)
		}
		if n := a.Refused.Load() - before; n < 11 || n > 12 || a.Calls.Load() != 0 { // refused for good: asked once
			t.Errorf("%s: %d requests refused, %d answered", script, n, a.Calls.Load())
		}
		if strings.Contains(out.String(), "another") {
			t.Errorf("%s shows the secret: %s", script, out.String())
		}
	}
}
