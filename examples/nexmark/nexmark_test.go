package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/session"
	"weir/sql"
)

// events are small but have all that the queries can meet: rows behind, rows too late, pauses longer
// than sessions, and a midnight.
func events() *Generator {
	return &Generator{Rate: 10, Disorder: 6000, PauseEvery: 200, Pause: 4 * time.Hour, ExtraSize: 6}
}

const eventCount = 600

// notRun are the queries that have no one answer.
var notRun = map[string]string{
	"q6":  "OVER rows in an order that is not time, with a frame that begins at a row: refused, as Flink does",
	"q12": "windows of processing time: what a window holds depends on the clock",
}

// TestQueries wants the rows that Flink gives for the same events; testdata says how they were made.
func TestQueries(t *testing.T) {
	data := t.TempDir()
	if err := write(events(), eventCount, data); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("q*.sql")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d queries, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".sql")
		if notRun[name] != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
			if err != nil || len(want) < 2 {
				t.Fatalf("%d bytes of rows that Flink gives, %v: each query must have some", len(want), err)
			}
			out := t.TempDir()
			got := runScript(t, file, map[string]string{"DATA": data, "SINK": "print", "OUT": out})
			if name == "q10" {
				got = readFolder(t, out)
			}
			compareLines(t, strings.Split(strings.TrimSuffix(string(want), "\n"), "\n"), got)
		})
	}
}

// TestRefused wants an error that says why of the query that cannot run.
func TestRefused(t *testing.T) {
	data := t.TempDir()
	if err := write(events(), cycle, data); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("q6.sql")
	if err != nil {
		t.Fatal(err)
	}
	err = execute(string(text), map[string]string{"DATA": data, "SINK": "print"}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "OVER") {
		t.Fatalf("got %v, want an error about OVER", err)
	}
}

// runScript gives the table that the rows of the print sink amount to, sorted: a row a line, as often as
// it is there.
func runScript(t *testing.T, file string, vars map[string]string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := execute(string(text), vars, &out); err != nil {
		t.Fatal(err)
	}
	return fold(t, out.String())
}

func execute(text string, vars map[string]string, out *bytes.Buffer) error {
	text, err := session.Substitute(text, vars)
	if err != nil {
		return err
	}
	s, err := session.Open(session.Options{Ephemeral: true, Stdout: &lockedWriter{w: out}})
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	stmts, err := sql.Parse(text)
	if err != nil {
		return err
	}
	for _, stmt := range stmts {
		result, err := s.Execute(ctx, text, stmt)
		if err != nil {
			return err
		}
		if result.Kind != session.Insert {
			continue
		}
		job, err := result.Start(ctx)
		if err != nil {
			return err
		}
		if err := job.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// lockedWriter: the session's sinks and this test use one buffer.
type lockedWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

// Write is safe for concurrent use.
func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.w.Write(p)
}

var change = regexp.MustCompile(`^(?:\S+> )?([+-])[IUD]\[(.*)\]$`)

func fold(t *testing.T, text string) []string {
	t.Helper()
	counts := map[string]int{}
	for line := range strings.Lines(text) {
		m := change.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			t.Fatalf("not a row: %q", line)
		}
		if m[1] == "+" {
			counts[m[2]]++
		} else {
			counts[m[2]]--
		}
	}
	var rows []string
	for _, row := range slices.Sorted(maps.Keys(counts)) {
		if counts[row] < 0 {
			t.Errorf("taken back more often than given: %s", row)
		}
		for range counts[row] {
			rows = append(rows, row)
		}
	}
	return rows
}

// readFolder gives the lines of all files, each after the folder that it is in, sorted.
func readFolder(t *testing.T, dir string) []string {
	t.Helper()
	var rows []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(dir, filepath.Dir(path))
		for line := range strings.Lines(string(text)) {
			rows = append(rows, filepath.ToSlash(folder)+" "+strings.TrimSuffix(line, "\n"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(rows)
	return rows
}

func compareLines(t *testing.T, want, got []string) {
	t.Helper()
	if slices.Equal(want, got) {
		return
	}
	t.Errorf("%d rows, want %d; only here: %s; missing: %s", len(got), len(want), without(got, want), without(want, got))
}

// without gives some of the lines that a has and b has not.
func without(a, b []string) string {
	left := map[string]int{}
	for _, l := range b {
		left[l]++
	}
	var out []string
	for _, l := range a {
		if left[l]--; left[l] < 0 && len(out) < 5 {
			out = append(out, l)
		}
	}
	return fmt.Sprintf("%q", out)
}
