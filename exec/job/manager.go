package job

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxRunning bounds the jobs that a manager runs at a time.
	maxRunning = 200
	// maxKept bounds the ended jobs that are remembered.
	maxKept = 500
	// patience is how long Submit waits for a job's first start; it starts all the same.
	patience = 15 * time.Second
)

// Place is where a job lives.
type Place struct {
	ID     string
	Dir    string // its folder
	Logger *slog.Logger
}

// Prepared is a program that can run.
type Prepared struct {
	Name        string
	Parallelism int
	Plan        json.RawMessage // without secrets
	Statement   string          // without secrets
	Settings    map[string]string
	Strategy    Strategy
	// Start begins an attempt, from the newest checkpoint where there is one. It plans anew: what a plan
	// holds may be used once. Errors that another attempt would meet again are Fatal.
	Start func(ctx context.Context, attempt int) (Run, error)
	// Forget removes the checkpoints and whatever else a job leaves that will never run again; savepoints stay.
	Forget func() error
	// Hide takes secrets out of a text.
	Hide  func(string) string
	Close func() error
}

// Opener prepares a program: it plans it, and connects to nothing. Close of what it gives is called once.
type Opener func(p Program, at Place) (*Prepared, error)

// Options open a Manager.
type Options struct {
	Open   Opener
	Clock  Clock
	Logger *slog.Logger
}

// Manager owns the jobs of a data folder.
type Manager struct {
	dir    string
	o      Options
	lock   *os.File
	mu     sync.Mutex
	jobs   map[string]*Entry
	closed bool
}

// Entry is a job of a manager, running or ended.
type Entry struct {
	ID      string
	Name    string
	Created time.Time
	dir     string
	logger  *slog.Logger
	logs    Logs
	begin   sync.Mutex // serialises beginnings
	hide    atomic.Pointer[func(string) string]

	mu       sync.Mutex
	record   *record
	job      *Job      // nil: it was never started by this process
	prepared *Prepared // nil: the program could not be prepared, or the job has ended
	sampler  sampler
}

// Open takes a data folder, and has the jobs go on that ran when its last owner ended.
func Open(dir string, o Options) (*Manager, error) {
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	m := &Manager{dir: dir, o: o, lock: lock, jobs: map[string]*Entry{}}
	if m.o.Logger == nil {
		m.o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := m.load(); err != nil {
		lock.Close()
		return nil, err
	}
	for _, e := range m.Jobs() {
		if e.Status().State.Ended() {
			continue
		}
		if err := m.begin(e, true); err != nil {
			e.logger.Error("job cannot go on", "error", err.Error())
		}
	}
	return m, nil
}

// Announce writes where the manager's server answers, for clients on this machine.
func (m *Manager) Announce(url string) error { return announce(m.lock, url) }

// load reads the records. One that cannot be read is told and left alone.
func (m *Manager) load() error {
	root := filepath.Join(m.dir, jobsDir)
	dirs, err := os.ReadDir(root)
	if err != nil {
		return fmt.Errorf("jobs in %s: %w", root, err)
	}
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		r, err := readRecord(filepath.Join(root, d.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the process ended between making the folder and the record
		}
		if err != nil {
			m.o.Logger.Error("a job cannot be read", "error", err.Error())
			continue
		}
		m.jobs[r.ID] = m.entry(r)
	}
	return nil
}

func (m *Manager) entry(r *record) *Entry {
	e := &Entry{ID: r.ID, Name: r.Name, Created: r.Created, dir: filepath.Join(m.dir, jobsDir, r.ID), record: r}
	e.logger = newLogger(&e.logs, m.o.Logger.Handler(), e.hidden).With("job", r.ID)
	return e
}

// begin prepares a job and supervises it from now on.
func (m *Manager) begin(e *Entry, resumed bool) error {
	e.begin.Lock()
	defer e.begin.Unlock()
	p, err := m.o.Open(e.record.Program, Place{ID: e.ID, Dir: e.dir, Logger: e.logger})
	if err != nil {
		e.fail(m.o.Clock.Now(), err)
		return err
	}
	e.hide.Store(&p.Hide)
	e.mu.Lock()
	e.prepared = p
	e.record.Plan, e.record.Shown = p.Plan, p.Statement
	e.sampler = sampler{}
	status := e.record.status()
	e.mu.Unlock()
	job := Start(Config{Start: p.Start, Strategy: p.Strategy, Clock: m.o.Clock, Changed: e.changed, Logger: e.logger,
		Hide: p.Hide, Resumed: resumed, Status: status})
	e.mu.Lock()
	e.job = job
	e.mu.Unlock()
	go func() {
		<-job.Done()
		e.end(job, p)
	}()
	return nil
}

// end closes what the job had open, and removes what it will not need.
func (e *Entry) end(job *Job, p *Prepared) {
	if job.Status().State == Finished {
		if err := p.Forget(); err != nil {
			e.logger.Warn("checkpoints of the finished job are still there", "error", err.Error())
		}
	}
	if job.Status().State.Ended() {
		if err := os.RemoveAll(filepath.Join(e.dir, "work")); err != nil {
			e.logger.Warn("live state of the ended job is still there", "error", err.Error())
		}
	}
	if err := p.Close(); err != nil {
		e.logger.Warn("closing the job", "error", err.Error())
	}
}

// fail notes that a job cannot even be planned.
func (e *Entry) fail(now time.Time, err error) {
	e.mu.Lock()
	s := e.record.status()
	if s.Times == nil {
		s.Times = map[State]time.Time{}
	}
	s.State, s.Times[Failed], s.Ended, s.Error = Failed, now, now, err.Error()
	s.Failures = append(s.Failures, Failure{Time: now, Error: s.Error, Attempt: s.Attempt})
	e.mu.Unlock()
	e.changed(s)
}

// changed keeps the record. A full disk does not stop the job: the record is written again at its next change.
func (e *Entry) changed(s Status) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.record.note(s)
	if err := e.record.write(e.dir); err != nil {
		e.logger.Error("the job's record cannot be written: after a crash it would be as it was before", "error", err.Error())
	}
}

func (e *Entry) hidden(s string) string {
	if hide := e.hide.Load(); hide != nil {
		return (*hide)(s)
	}
	return s // nothing ran: whoever opens programs hides what is in its errors
}

// NewID makes an id as Flink's: 32 hexadecimal digits.
func NewID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// Submit starts a new job and waits until it runs, or has failed: then its error is the job's. The entry is
// there also when the error is not nil, unless the program cannot be planned.
func (m *Manager) Submit(ctx context.Context, p Program) (*Entry, error) {
	r := &record{ID: NewID(), Program: p, State: Created, Created: m.o.Clock.Now().UTC()}
	e := m.entry(r)
	trial, err := m.o.Open(p, Place{ID: r.ID, Dir: e.dir, Logger: e.logger}) // a program with a mistake leaves no job
	if err != nil {
		return nil, err
	}
	r.Name, e.Name = trial.Name, trial.Name
	if err := trial.Close(); err != nil {
		return nil, err
	}
	if err := m.admit(e); err != nil {
		return nil, err
	}
	if err := m.begin(e, false); err != nil {
		return e, err
	}
	return e, e.started(ctx)
}

// started waits until the job runs.
func (e *Entry) started(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	e.mu.Lock()
	job := e.job
	e.mu.Unlock()
	s, _ := job.Await(ctx, func(s State) bool { return s == Running || s.Ended() })
	if s.State == Failed {
		return fmt.Errorf("job %s failed: %s", e.ID, s.Error)
	}
	return nil
}

// admit takes a new job into the list.
func (m *Manager) admit(e *Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errors.New("the server is stopping")
	}
	running := 0
	for _, o := range m.jobs {
		if !o.Status().State.Ended() {
			running++
		}
	}
	if running >= maxRunning {
		return fmt.Errorf("%d jobs run already, which is the most that one server takes: cancel one, or start another server with its own --data", running)
	}
	m.jobs[e.ID] = e
	m.trim()
	return nil
}

// trim forgets the jobs that ended first.
func (m *Manager) trim() {
	var ended []*Entry
	for _, e := range m.jobs {
		if e.Status().State.Ended() {
			ended = append(ended, e)
		}
	}
	sort.Slice(ended, func(i, j int) bool { return ended[i].Status().Ended.Before(ended[j].Status().Ended) })
	for _, e := range ended[:max(0, len(ended)-maxKept)] {
		if err := os.RemoveAll(e.dir); err != nil {
			m.o.Logger.Warn("an old job cannot be removed", "job", e.ID, "error", err.Error())
			continue
		}
		delete(m.jobs, e.ID)
	}
}

// Jobs lists the jobs, oldest first.
func (m *Manager) Jobs() []*Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]*Entry, 0, len(m.jobs))
	for _, e := range m.jobs {
		list = append(list, e)
	}
	sort.Slice(list, func(i, j int) bool {
		if !list[i].Created.Equal(list[j].Created) {
			return list[i].Created.Before(list[j].Created)
		}
		return list[i].ID < list[j].ID
	})
	return list
}

// UnknownError says that there is no such job.
type UnknownError struct{ ID string }

// Error names the id.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is no job %q: SHOW JOBS or 'weir jobs list' lists them", e.ID)
}

// Find gives the job whose id is, or begins with, a text.
func (m *Manager) Find(id string) (*Entry, error) {
	var found []*Entry
	for _, e := range m.Jobs() {
		if id != "" && strings.HasPrefix(e.ID, strings.ToLower(id)) {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, &UnknownError{id}
	}
	return nil, fmt.Errorf("%d jobs begin with %q: write more of the id", len(found), id)
}

// Restart has an ended job go on from its newest checkpoint; without one, from its beginning.
func (m *Manager) Restart(ctx context.Context, e *Entry) error {
	if s := e.Status().State; !s.Ended() {
		return fmt.Errorf("job %s has not ended: it is %s", e.ID, s)
	}
	m.mu.Lock()
	closed := m.closed
	m.mu.Unlock()
	if closed {
		return errors.New("the server is stopping")
	}
	e.mu.Lock()
	e.record.Ended, e.record.Error = time.Time{}, ""
	job := e.job
	e.mu.Unlock()
	if job != nil {
		<-job.Done()
	}
	if err := m.begin(e, true); err != nil {
		return err
	}
	return e.started(ctx)
}

// Close suspends the jobs, each behind a last checkpoint, and gives the folder back. They go on when it is
// opened again.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	var wg sync.WaitGroup
	for _, e := range m.Jobs() {
		e.mu.Lock()
		job := e.job
		e.mu.Unlock()
		if job == nil || job.Status().State.Ended() {
			continue
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			job.Suspend(ctx)
		}()
	}
	wg.Wait()
	return m.lock.Close()
}
