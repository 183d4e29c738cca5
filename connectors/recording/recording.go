// Package recording keeps what lookup tables and models answer, and answers in their place: tests and replays give the same
// rows each time, and cost nothing.
//
// Contract: a Store is a file of lines, one answer each, as JSON: the table, the key, and the rows that were found, or the error.
// The last line of a key counts. Lines are written whole, so several processes may write to one file; each reads it once, when
// it first asks. A Store is safe for concurrent use. What is given is always read back from the JSON, so that recording and
// replaying do not differ. A file holds data of tables, no options of theirs and so no secrets.
package recording

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Modes of a store.
const (
	Auto   = "auto"   // what is recorded is given, the rest is asked and recorded
	Record = "record" // all is asked and recorded
	Replay = "replay" // what is not recorded is an error
)

// Modes lists them.
func Modes() []string { return []string{Auto, Record, Replay} }

// maxBytes bounds a file: all of it is in memory.
const maxBytes = 256 << 20

// Store is a file of answers.
type Store struct {
	path, mode string

	mu     sync.Mutex
	loaded bool
	known  map[string]*answer
	bytes  int64
	torn   bool // the file does not end with a line's end
}

// New makes the store of a file, which need not be there to record.
func New(path, mode string) *Store { return &Store{path: path, mode: mode} }

// answer is what was found for a key.
type answer struct {
	rows []json.RawMessage
	has  map[string]bool // the columns of rows
	err  string
}

// line is an answer in the file.
type line struct {
	Table string            `json:"table"`
	Key   json.RawMessage   `json:"key"`
	Rows  []json.RawMessage `json:"rows"`
	Error string            `json:"error,omitempty"`
}

func (l *line) answer() (*answer, error) {
	a := &answer{rows: l.Rows, err: l.Error, has: map[string]bool{}}
	if len(l.Rows) == 0 {
		return a, nil
	}
	var first map[string]json.RawMessage
	if err := json.Unmarshal(l.Rows[0], &first); err != nil {
		return nil, fmt.Errorf("a row is no JSON object: %w", err)
	}
	for name := range first {
		a.has[name] = true
	}
	return a, nil
}

// keyOf names a key of a table. The key's text is what encoding it gives, without blanks.
func keyOf(table string, key []byte) (string, error) {
	var b bytes.Buffer
	b.WriteString(table + "\x00")
	err := json.Compact(&b, key)
	return b.String(), err
}

// load reads the file once.
func (s *Store) load() error {
	if s.loaded {
		return nil
	}
	s.known = map[string]*answer{}
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && s.mode == Replay:
		return fmt.Errorf("there is no recording %s: SET 'weir.calls.recording.mode' = 'auto' makes one", s.path)
	case errors.Is(err, fs.ErrNotExist):
		s.loaded = true
		return nil
	case err != nil:
		return err
	case info.Size() > maxBytes:
		return fmt.Errorf("the recording %s has %d MB, more than the %d that fit: begin another", s.path, info.Size()>>20, maxBytes>>20)
	}
	text, err := os.ReadFile(s.path)
	if err != nil {
		return err
	}
	parts := bytes.Split(text, []byte("\n"))
	for n, part := range parts {
		if len(bytes.TrimSpace(part)) == 0 {
			continue
		}
		err := s.add(part)
		var cut *json.SyntaxError
		if errors.As(err, &cut) && cut.Error() == "unexpected end of JSON input" {
			continue // its writer died in the middle of it
		}
		if err != nil {
			return fmt.Errorf("the recording %s, line %d: %w", s.path, n+1, err)
		}
	}
	s.torn = len(parts[len(parts)-1]) > 0
	s.bytes, s.loaded = info.Size(), true
	return nil
}

func (s *Store) add(text []byte) error {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return err
	}
	key, err := keyOf(l.Table, l.Key)
	if err != nil {
		return err
	}
	s.known[key], err = l.answer()
	return err
}

// get gives the answer for a key with the wanted columns; nil: there is none.
func (s *Store) get(table string, key []byte, want []string) (*answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		return nil, err
	}
	name, err := keyOf(table, key)
	if err != nil {
		return nil, err
	}
	a := s.known[name]
	for _, col := range want {
		if a != nil && len(a.rows) > 0 && !a.has[col] {
			return nil, nil
		}
	}
	return a, nil
}

// put records an answer.
func (s *Store) put(l *line) (*answer, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	a, err := l.answer()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		return nil, err
	}
	name, err := keyOf(l.Table, l.Key)
	if err != nil {
		return nil, err
	}
	if s.bytes += int64(len(text)) + 1; s.bytes > maxBytes {
		return nil, fmt.Errorf("the recording %s is full: it has %d MB", s.path, maxBytes>>20)
	}
	if s.torn {
		text, s.torn = append([]byte("\n"), text...), false
	}
	if err := s.append(append(text, '\n')); err != nil {
		return nil, fmt.Errorf("the recording: %w", err)
	}
	s.known[name] = a
	return a, nil
}

// append adds to the file. It is not kept open: beside a call of a service that takes no time, and nobody has to close it.
func (s *Store) append(text []byte) error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(s.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
