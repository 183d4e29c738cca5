package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func show(t *testing.T, s *Store) string {
	t.Helper()
	list, err := s.Entries()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, fmt.Sprintf("%s %s %s %d %d", e.Job, e.Table, e.Endpoint, e.Calls, e.Failures))
	}
	return strings.Join(out, "; ")
}

// TestProcesses sums up what several processes counted, those that are gone too.
func TestProcesses(t *testing.T) {
	dir, c := t.TempDir(), &clock{time.Unix(1000, 0)}
	f := func(s *Store, want string) {
		t.Helper()
		if got := show(t, s); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	count := func(s *Store, job, table string, failed bool) {
		s.Job(job)(table, "http://x").Count(c.now(), 1, 1, failed)
	}
	a := Open(dir, c.now)
	a.Job("")("unasked", "http://x")
	f(a, "")
	if err := a.Flush(); err != nil {
		t.Fatal(err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Errorf("%d files before a call", len(list))
	}
	count(a, "j", "t", false)
	c.t = c.t.Add(time.Millisecond)
	b := Open(dir, c.now)
	f(b, "j t http://x 1 0")
	count(a, "j", "t", true) // within the second, so not on disk yet
	count(b, "j", "t", false)
	count(b, "", "t", false)
	f(a, "j t http://x 3 1")
	f(b, " t http://x 1 0; j t http://x 2 0")
	c.t = c.t.Add(2 * time.Second)
	count(a, "j", "u", false)
	f(b, " t http://x 1 0; j t http://x 3 1; j u http://x 1 0")
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	f(Open(dir, c.now), " t http://x 1 0; j t http://x 3 1; j u http://x 1 0")
	mem := Open("", c.now)
	count(mem, "", "t", false)
	f(mem, " t http://x 1 0")
	if err := mem.Flush(); err != nil {
		t.Fatal(err)
	}
}

// TestBounded keeps the newest files; a damaged one is named.
func TestBounded(t *testing.T) {
	dir, c := t.TempDir(), &clock{time.Unix(1000, 0)}
	for range maxFiles + 20 {
		c.t = c.t.Add(time.Second)
		s := Open(dir, c.now)
		s.Job("")("t", "http://x").Count(c.now(), 1, 1, false)
	}
	c.t = c.t.Add(time.Second)
	s := Open(dir, c.now)
	if got, want := show(t, s), fmt.Sprintf(" t http://x %d 0", maxFiles); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := os.WriteFile(filepath.Join(dir, "9.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Entries(); err == nil || !strings.Contains(err.Error(), "9.json") {
		t.Errorf("error %v", err)
	}
}
