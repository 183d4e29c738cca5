// Package ledger keeps what jobs and queries ask of services outside: calls, bytes, times and errors of each endpoint, for
// the table sys.calls.
//
// Contract: a Store is a folder, or memory, and is safe for concurrent use. Each process that makes calls has one file in
// the folder, which it replaces as a whole, at most once a second and when the store is flushed: what was counted in the last second
// before a kill -9 is lost. Reading gives the sums of all files. The newest maxFiles files are kept.
package ledger

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"weir/connectors"
)

// maxFiles bounds the files, and so the processes that are remembered; pause is between two writes of a file.
const (
	maxFiles = 200
	pause    = time.Second
	ending   = ".json"
)

// Store keeps the meters of a process, and finds those of others.
type Store struct {
	dir  string // "": in memory
	name string // of the process's file
	now  func() time.Time

	mu      sync.Mutex
	meters  map[connectors.UsageKey]*connectors.Meter
	written time.Time
	err     error // of the last write
}

// Open makes the store of a folder, which comes into being with the first call; "" is memory.
func Open(dir string, now func() time.Time) *Store {
	return &Store{dir: dir, now: now, meters: map[connectors.UsageKey]*connectors.Meter{}, name: fmt.Sprintf("%d-%d%s", now().UnixNano(), os.Getpid(), ending)}
}

// Job gives the meters of a job; "" are those of queries.
func (s *Store) Job(id string) func(table, endpoint string) *connectors.Meter {
	return func(table, endpoint string) *connectors.Meter {
		s.mu.Lock()
		defer s.mu.Unlock()
		key := connectors.UsageKey{Job: id, Table: table, Endpoint: endpoint}
		m := s.meters[key]
		if m == nil {
			m = connectors.NewMeter(s.now, s.counted)
			s.meters[key] = m
		}
		return m
	}
}

// counted writes the file where that was not done for a while.
func (s *Store) counted() {
	if s.dir == "" || !s.mu.TryLock() { // someone else is at it
		return
	}
	defer s.mu.Unlock()
	if s.now().Sub(s.written) >= pause {
		s.write()
	}
}

// Flush writes what was counted.
func (s *Store) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" || len(s.mine()) == 0 {
		return nil
	}
	s.write()
	return s.err
}

// mine is what this process counted.
func (s *Store) mine() []connectors.UsageRow {
	var out []connectors.UsageRow
	for key, m := range s.meters {
		if u := m.Usage(); u.Calls > 0 || u.Status != "" {
			out = append(out, connectors.UsageRow{UsageKey: key, Usage: u})
		}
	}
	slices.SortFunc(out, byKey)
	return out
}

func byKey(a, b connectors.UsageRow) int {
	return cmp.Or(strings.Compare(a.Job, b.Job), strings.Compare(a.Table, b.Table), strings.Compare(a.Endpoint, b.Endpoint))
}

func (s *Store) write() {
	first := s.written.IsZero()
	s.written = s.now()
	s.err = s.replace()
	if first && s.err == nil {
		s.err = s.trim()
	}
}

func (s *Store) replace() error {
	list := s.mine()
	for i := range list {
		list[i].Status = "" // of the moment
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	to := filepath.Join(s.dir, s.name)
	if err := os.WriteFile(to+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(to+".new", to)
}

// files lists the files, the oldest first.
func (s *Store) files() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) || s.dir == "" {
		return nil, nil
	}
	var out []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ending) {
			out = append(out, e.Name())
		}
	}
	return out, err // a name begins with the time, in digits that are as many for centuries
}

func (s *Store) trim() error {
	list, err := s.files()
	for len(list) > maxFiles && err == nil {
		if err = os.Remove(filepath.Join(s.dir, list[0])); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		list = list[1:]
	}
	return err
}

// Entries are the sums of all processes, by job, table and endpoint.
func (s *Store) Entries() ([]connectors.UsageRow, error) {
	s.mu.Lock()
	all := s.mine()
	s.mu.Unlock()
	list, err := s.files()
	if err != nil {
		return nil, err
	}
	for _, name := range list {
		if name == s.name {
			continue
		}
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // trimmed
		}
		var part []connectors.UsageRow
		if err == nil {
			err = json.Unmarshal(text, &part)
		}
		if err != nil {
			return nil, fmt.Errorf("the ledger of calls, %s: %w", filepath.Join(s.dir, name), err)
		}
		all = append(all, part...)
	}
	slices.SortStableFunc(all, byKey)
	out := all[:0]
	for _, e := range all {
		if n := len(out); n > 0 && out[n-1].UsageKey == e.UsageKey {
			out[n-1].Add(&e.Usage)
			continue
		}
		out = append(out, e)
	}
	return out, nil
}
