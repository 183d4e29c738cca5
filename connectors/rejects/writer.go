package rejects

import (
	"fmt"
	"path"
	"strings"
	"sync"

	"weir/connectors"
)

// Log is what one job rejects.
type Log struct {
	s   *Store
	job string
	mu  sync.Mutex
	run int // this run of the job, from 1
}

var _ connectors.RejectLog = (*Log)(nil)

// Job gives the log of a job.
func (s *Store) Job(id string) *Log { return &Log{s: s, job: escape(id)} }

// Begin implements connectors.RejectLog.
func (l *Log) Begin(checkpoint int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if err := l.begin(checkpoint); err != nil {
		return fmt.Errorf("rejected records: %w", err)
	}
	l.run++
	return nil
}

func (l *Log) begin(checkpoint int64) error {
	dirs, err := l.s.files.folders()
	if err != nil {
		return err
	}
	empty := map[string]int{}
	for _, dir := range dirs {
		all, err := l.s.list(dir)
		if err != nil {
			return err
		}
		for _, f := range all {
			run, name := runOf(f.name, l.job), path.Join(dir, f.name)
			if run < 0 {
				continue
			}
			l.run = max(l.run, run)
			left, err := l.s.forget(name, f.size, checkpoint)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if left == 0 {
				empty[name] = run
			}
		}
	}
	for name, run := range empty { // the newest stay: the next run's must have another name
		if run < l.run {
			if err := l.s.files.remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget cuts off what is behind a checkpoint, and gives the size of what is left: the barriers of a file's lines only
// grow.
func (s *Store) forget(name string, size, checkpoint int64) (keep int64, err error) {
	data, err := s.files.read(name, 0)
	if err != nil {
		return 0, err
	}
	err = lines(data, 0, func(_, next int64, l *line) error {
		if l.Epoch < checkpoint {
			keep = next
		}
		return nil
	})
	if err == nil && keep < size {
		err = s.files.truncate(name, keep)
	}
	return keep, err
}

// Writer implements connectors.RejectLog.
func (l *Log) Writer(task string, checkpoint int64) connectors.RejectWriter {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &writer{l: l, run: l.run, task: strings.ReplaceAll(task, "/", "-"), epoch: checkpoint, open: map[string]*out{}}
}

// writer is of one task.
type writer struct {
	l     *Log
	run   int
	task  string
	epoch int64
	open  map[string]*out // by folder
}

// out is the file that a writer is at in one folder.
type out struct {
	number  int
	size    int64
	buf     []byte
	unsaved bool // written, not known to be on disk
}

// Put implements connectors.RejectWriter.
func (w *writer) Put(r *connectors.Rejected) error {
	text, err := encode(r, w.epoch)
	if err != nil {
		return err
	}
	dir := folder(r.Table, r.Late)
	o := w.open[dir]
	if o == nil {
		o = &out{number: 1}
		w.open[dir] = o
	}
	o.buf = append(o.buf, text...)
	if len(o.buf) < fileBytes/4 {
		return nil
	}
	return w.write(dir, o, false)
}

func (w *writer) write(dir string, o *out, durable bool) error {
	if len(o.buf) == 0 && !(durable && o.unsaved) {
		return nil
	}
	name := fileName(w.l.job, w.run, w.task, o.number)
	if err := w.l.s.files.append(path.Join(dir, name), o.buf, durable); err != nil {
		return fmt.Errorf("rejected records cannot be kept: %w", err)
	}
	o.size += int64(len(o.buf))
	o.buf, o.unsaved = o.buf[:0], !durable
	if o.size < fileBytes || !durable {
		return nil
	}
	if err := w.l.s.trim(dir, name); err != nil {
		return fmt.Errorf("rejected records: %w", err)
	}
	o.number, o.size = o.number+1, 0
	return nil
}

// Show implements connectors.RejectWriter.
func (w *writer) Show() error {
	for dir, o := range w.open {
		if err := w.write(dir, o, o.size+int64(len(o.buf)) >= fileBytes); err != nil {
			return err
		}
	}
	return nil
}

// Flush implements connectors.RejectWriter.
func (w *writer) Flush(checkpoint int64) error {
	for dir, o := range w.open {
		if err := w.write(dir, o, true); err != nil {
			return err
		}
	}
	w.epoch = max(w.epoch, checkpoint)
	return nil
}

// Close implements connectors.RejectWriter: what was not flushed belongs to no checkpoint.
func (w *writer) Close() error { return w.Show() }
