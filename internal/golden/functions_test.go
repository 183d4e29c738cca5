package golden

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/render"
	"weir/internal/session"
	"weir/sql"
	"weir/sql/fn"
)

// TestTableFunctionExamples runs what the documentation shows of functions that stand in FROM.
func TestTableFunctionExamples(t *testing.T) {
	for _, f := range fn.TableFuncs {
		for _, e := range f.Examples {
			s, err := session.Open(session.Options{Ephemeral: true, DataDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			if got := finalRows(t, s, fn.BidsTable+";"+e.SQL); got != e.Want {
				t.Errorf("%s\n%s\nis\n%s\nwant\n%s", f.Name, e.SQL, got, e.Want)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	names := session.FunctionNames()
	for _, name := range []string{"UPPER", "COUNT", "TUMBLE"} {
		if _, ok := session.FunctionDoc(name); !ok || !slices.Contains(names, name) {
			t.Errorf("%s is not documented, or not listed", name)
		}
	}
}

// finalRows runs statements and gives the rows that the last leaves, sorted, values separated by blanks.
func finalRows(t *testing.T, s *session.Session, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	list, err := sql.Parse(script)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, stmt := range list {
		r, err := s.Execute(ctx, script, stmt)
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind == session.Done || r.Kind == session.Table {
			continue
		}
		out.Reset()
		w, err := render.New("tsv", &out, r.Schema, render.Options{Zone: time.UTC})
		if err != nil {
			t.Fatal(err)
		}
		q, err := r.Stream(ctx, w.Write)
		if err == nil {
			err = q.Wait()
		}
		if err := w.Close(err); err != nil {
			t.Fatal(err)
		}
	}
	rows := strings.Split(strings.TrimSpace(strings.ReplaceAll(out.String(), "\t", " ")), "\n")[1:]
	slices.Sort(rows)
	return strings.Join(rows, "\n")
}
