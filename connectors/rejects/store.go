// Package rejects keeps what jobs reject, records that are bad and rows that are late, and lets queries read it as the
// tables t$errors and t$late.
//
// Contract: a Store is a folder, or memory, and is safe for concurrent use; several processes may use one folder.
// A table has a folder for each of the two, of files with one rejected record a line, as JSON. A file has one
// writer, a task of one run of a job, and is never written again after it: readers remember a place in it. A line
// says behind which checkpoint it was written, so that a run which goes on from a checkpoint forgets what comes again.
// What is in a table is bounded: its oldest files go first. Ids are "file:place".
package rejects

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"sort"
	"strconv"
	"strings"
	"sync"

	"weir/connectors"
	"weir/sql/types"
)

const (
	// fileBytes is the size at which a writer begins another file.
	fileBytes = 4 << 20
	// DefaultLimit bounds the bytes that a table's errors, or its late rows, may take.
	DefaultLimit = 256 << 20
	ending       = ".jsonl"
	gonePrefix   = "gone."
)

// Store keeps what is rejected.
type Store struct {
	files files
	limit int64
	mu    sync.Mutex // one at a time trims, and lists runs
}

// Open makes the store of a folder.
func Open(dir string) *Store { return &Store{files: onDisk(dir), limit: DefaultLimit} }

// InMemory makes a store that ends with the process.
func InMemory() *Store { return &Store{files: &inMemory{}, limit: DefaultLimit} }

// folder is where a table's rejected rows are.
func folder(table [3]string, late bool) string {
	kind := "errors"
	if late {
		kind = "late"
	}
	return path.Join(escape(table[0]), escape(table[1]), escape(table[2]), kind)
}

// escape makes a name one that is safe in a path; dots part the names of files.
func escape(name string) string { return strings.ReplaceAll(url.PathEscape(name), ".", "%2E") }

// line is a rejected record as it is in a file.
type line struct {
	Epoch     int64  `json:"behind"` // checkpoint whose barrier its task had passed
	Micros    int64  `json:"time"`
	Operator  string `json:"operator,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Message   string `json:"message,omitempty"`
	Record    []byte `json:"record,omitempty"`
	Empty     bool   `json:"empty,omitempty"` // the record is there, without a byte
	Size      int64  `json:"size,omitempty"`
	Split     string `json:"split,omitempty"`
	Sequence  string `json:"sequence,omitempty"`
	Row       string `json:"row,omitempty"`
	EventTime *int64 `json:"eventTime,omitempty"`
	Watermark *int64 `json:"watermark,omitempty"`
	Start     *int64 `json:"windowStart,omitempty"`
	End       *int64 `json:"windowEnd,omitempty"`
}

func timeOut(t types.Time) *int64 {
	if t == types.MinTime {
		return nil
	}
	v := int64(t)
	return &v
}

func timeIn(v *int64) types.Time {
	if v == nil {
		return types.MinTime
	}
	return types.Time(*v)
}

func encode(r *connectors.Rejected, epoch int64) ([]byte, error) {
	l := line{
		Epoch: epoch, Micros: r.Micros, Operator: r.Operator, Reason: r.Reason, Message: r.Message, Record: r.Record,
		Empty: r.Record != nil && len(r.Record) == 0, Size: r.Size, Split: r.Split, Sequence: r.Sequence, Row: r.Row,
		EventTime: timeOut(r.EventTime), Watermark: timeOut(r.Watermark), Start: timeOut(r.WindowStart), End: timeOut(r.WindowEnd),
	}
	out, err := json.Marshal(&l)
	return append(out, '\n'), err
}

func (l *line) rejected() *connectors.Rejected {
	r := &connectors.Rejected{
		Micros: l.Micros, Operator: l.Operator, Reason: l.Reason, Message: l.Message, Record: l.Record, Size: l.Size,
		Split: l.Split, Sequence: l.Sequence, Row: l.Row,
		EventTime: timeIn(l.EventTime), Watermark: timeIn(l.Watermark), WindowStart: timeIn(l.Start), WindowEnd: timeIn(l.End),
	}
	if l.Empty {
		r.Record = []byte{}
	}
	return r
}

// lines calls f with each whole line behind place at: its own place, the place behind it, and what it holds. A last
// line without its end is still being written, or was when the process died.
func lines(data []byte, at int64, f func(at, next int64, l *line) error) error {
	for {
		n := bytes.IndexByte(data, '\n')
		if n < 0 {
			return nil
		}
		var l line
		if err := json.Unmarshal(data[:n], &l); err != nil {
			return fmt.Errorf("at byte %d: %w", at, err)
		}
		next := at + int64(n) + 1
		if err := f(at, next, &l); err != nil {
			return err
		}
		data, at = data[n+1:], next
	}
}

// fileName is the name of a writer's file: job.run.task.number.
func fileName(job string, run int, task string, number int) string {
	return fmt.Sprintf("%s.%06d.%s.%06d%s", job, run, escape(task), number, ending)
}

// runOf is the run in a file's name; -1: it is not of the job.
func runOf(name, job string) int {
	rest, ok := strings.CutPrefix(name, job+".")
	if !ok {
		return -1
	}
	run, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(run)
	if err != nil {
		return -1
	}
	return n
}

// list is the files of records in a folder, by name.
func (s *Store) list(dir string) ([]file, error) {
	all, err := s.files.list(dir)
	if err != nil {
		return nil, err
	}
	out := all[:0]
	for _, f := range all {
		if strings.HasSuffix(f.name, ending) && !strings.HasPrefix(f.name, gonePrefix) {
			out = append(out, f)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out, nil
}

// trim removes the oldest files while a folder holds too much.
func (s *Store) trim(dir, keep string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := s.list(dir)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, f := range all {
		total += f.size
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].changed < all[j].changed })
	for _, f := range all {
		if total <= s.limit {
			return nil
		}
		if f.name == keep {
			continue
		}
		if err := s.files.remove(path.Join(dir, f.name)); err != nil {
			return err
		}
		total -= f.size
	}
	return nil
}

// Get gives what the ids stand for, in order; those that are gone are left out.
func (s *Store) Get(table [3]string, late bool, ids []string) ([]*connectors.Rejected, error) {
	wanted := map[string]map[int64]bool{}
	for _, id := range ids {
		name, at, err := splitID(id)
		if err != nil {
			return nil, err
		}
		if wanted[name] == nil {
			wanted[name] = map[int64]bool{}
		}
		wanted[name][at] = true
	}
	names := make([]string, 0, len(wanted))
	for name := range wanted {
		names = append(names, name)
	}
	sort.Strings(names)
	var out []*connectors.Rejected
	for _, name := range names {
		err := s.read(table, late, name, 0, func(r *connectors.Rejected, at, _ int64) error {
			if wanted[name][at] {
				out = append(out, r)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// read calls f with each record of a file from a place on. A file that is gone has none.
func (s *Store) read(table [3]string, late bool, name string, from int64, f func(r *connectors.Rejected, at, next int64) error) error {
	return s.readIn(folder(table, late), name, from, func(r *connectors.Rejected, at, next int64) error {
		r.Late, r.Table = late, table
		return f(r, at, next)
	})
}

func (s *Store) readIn(dir, name string, from int64, f func(r *connectors.Rejected, at, next int64) error) error {
	file := path.Join(dir, name)
	data, err := s.files.read(file, from)
	if err != nil {
		return err
	}
	err = lines(data, from, func(at, next int64, l *line) error {
		r := l.rejected()
		r.ID = fmt.Sprintf("%s:%d", strings.TrimSuffix(name, ending), at)
		r.Job, _, _ = strings.Cut(name, ".")
		return f(r, at, next)
	})
	if err != nil {
		return fmt.Errorf("rejected records in %s: %w", file, err)
	}
	return nil
}

func splitID(id string) (name string, at int64, err error) {
	name, place, _ := strings.Cut(id, ":")
	at, err = strconv.ParseInt(place, 10, 64)
	if err != nil || name == "" || strings.ContainsAny(name, "/\\") {
		return "", 0, fmt.Errorf("%q is not the id of a rejected record", id)
	}
	return name + ending, at, nil
}

// Remove takes records out of a table for good. Their files may still be written to, so they are listed beside them.
func (s *Store) Remove(table [3]string, late bool, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	dir := folder(table, late)
	all, err := s.files.list(dir)
	if err != nil {
		return err
	}
	there, number := map[string]bool{}, 0
	for _, f := range all {
		there[f.name] = true
		if n, ok := strings.CutPrefix(f.name, gonePrefix); ok {
			i, _ := strconv.Atoi(strings.TrimSuffix(n, ending))
			number = max(number, i)
		}
	}
	gone, err := s.gone(dir, all)
	if err != nil {
		return err
	}
	for _, id := range ids {
		gone[id] = true
	}
	var text []byte
	for _, id := range sorted(gone) {
		if name, _, err := splitID(id); err == nil && there[name] {
			text = append(append(text, id...), '\n')
		}
	}
	next := fmt.Sprintf("%s%06d%s", gonePrefix, number+1, ending)
	if err := s.files.create(path.Join(dir, next), text); err != nil {
		return err
	}
	for name := range there { // what they list is in the new one
		if strings.HasPrefix(name, gonePrefix) {
			if err := s.files.remove(path.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// gone lists the ids that were removed.
func (s *Store) gone(dir string, all []file) (map[string]bool, error) {
	out := map[string]bool{}
	for _, f := range all {
		if !strings.HasPrefix(f.name, gonePrefix) {
			continue
		}
		data, err := s.files.read(path.Join(dir, f.name), 0)
		if err != nil {
			return nil, err
		}
		for id := range strings.SplitSeq(string(data), "\n") {
			if id != "" {
				out[id] = true
			}
		}
	}
	return out, nil
}

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
