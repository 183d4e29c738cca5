package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"weir/exec"
	"weir/sql"
	"weir/sql/ast"
)

// The states of a job, as Flink names them.
const (
	StateRunning  = "RUNNING"
	StateFinished = "FINISHED"
	StateFailed   = "FAILED"
	StateCanceled = "CANCELED"
)

// Job is an INSERT that runs in the background.
type Job struct {
	ID      string // 32 hexadecimal digits
	Name    string
	Text    string
	Started time.Time

	run   *exec.Job
	mu    sync.Mutex
	ended time.Time
	state string
	err   error
	stop  bool
}

// State is the job's state and, once it failed, why.
func (j *Job) State() (string, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state, j.err
}

// Wait waits for the job's end.
func (j *Job) Wait() error {
	<-j.run.Done()
	j.settle(j.run.Wait())
	_, err := j.State()
	return err
}

// Stats gives the counters of each node.
func (j *Job) Stats() []exec.NodeStats { return j.run.Stats() }

// Stop cancels the job; with drain, windows fire first as if its input had ended.
func (j *Job) Stop(drain bool) {
	j.mu.Lock()
	j.stop = true
	j.mu.Unlock()
	if drain {
		j.run.Drain()
	} else {
		j.run.Cancel()
	}
	<-j.run.Done()
}

func (j *Job) settle(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state != StateRunning {
		return
	}
	switch {
	case err == nil:
		j.state = StateFinished
	case j.stop || errors.Is(err, context.Canceled):
		j.state = StateCanceled
	default:
		j.state, j.err = StateFailed, err
	}
}

// jobs are the session's jobs, kept after their end.
type jobs struct {
	now  func() time.Time
	mu   sync.Mutex
	byID map[string]*Job
}

const maxEndedJobs = 1000

func newJobs(now func() time.Time) *jobs { return &jobs{now: now, byID: map[string]*Job{}} }

func (js *jobs) add(name, text string, run *exec.Job) *Job {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	j := &Job{ID: hex.EncodeToString(id[:]), Name: name, Text: text, Started: js.now(), run: run, state: StateRunning}
	js.mu.Lock()
	js.byID[j.ID] = j
	js.trim()
	js.mu.Unlock()
	go func() {
		err := run.Wait()
		j.settle(err)
		j.mu.Lock()
		j.ended = js.now()
		j.mu.Unlock()
	}()
	return j
}

// trim forgets the oldest ended jobs.
func (js *jobs) trim() {
	list := js.sorted()
	for i := 0; len(js.byID) > maxEndedJobs && i < len(list); i++ {
		if state, _ := list[i].State(); state != StateRunning {
			delete(js.byID, list[i].ID)
		}
	}
}

func (js *jobs) sorted() []*Job {
	list := make([]*Job, 0, len(js.byID))
	for _, j := range js.byID {
		list = append(list, j)
	}
	sort.Slice(list, func(a, b int) bool { return list[a].Started.Before(list[b].Started) })
	return list
}

func (js *jobs) list() []*Job {
	js.mu.Lock()
	defer js.mu.Unlock()
	return js.sorted()
}

// find gives the job whose id is, or begins with, the text.
func (js *jobs) find(id string) (*Job, error) {
	var found []*Job
	for _, j := range js.list() {
		if id != "" && strings.HasPrefix(j.ID, strings.ToLower(id)) {
			found = append(found, j)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, fmt.Errorf("there is no job %q: SHOW JOBS lists them", id)
	}
	return nil, fmt.Errorf("%d jobs begin with %q: write more of the id", len(found), id)
}

func (js *jobs) stopAll() {
	for _, j := range js.list() {
		if state, _ := j.State(); state == StateRunning {
			j.Stop(false)
		}
	}
}

// Jobs lists the session's jobs, oldest first.
func (s *Session) Jobs() []*Job { return s.jobs.list() }

// RunningJobs counts the jobs that leaving would end.
func (s *Session) RunningJobs() int {
	n := 0
	for _, j := range s.jobs.list() {
		if state, _ := j.State(); state == StateRunning {
			n++
		}
	}
	return n
}

func (s *Session) stopJob(st *ast.StopJob) (*Result, error) {
	j, err := s.jobs.find(st.ID.Value)
	if err != nil {
		return nil, sql.Errorf(st.ID, "%s", err)
	}
	if st.Savepoint {
		return nil, sql.Errorf(st, "savepoints are not supported yet").WithHint("STOP JOB '%s' stops it without one", j.ID)
	}
	if state, _ := j.State(); state != StateRunning {
		return nil, sql.Errorf(st.ID, "job %s is not running: it is %s", j.ID, state)
	}
	j.Stop(st.Drain)
	return &Result{Kind: Done, Message: "Job " + j.ID + " has been stopped."}, nil
}

func (s *Session) showJobs() *Result {
	r := &Result{Kind: Table, Columns: []string{"job id", "job name", "status", "start time", "duration", "error"}}
	for _, j := range s.jobs.list() {
		state, err := j.State()
		text := ""
		if err != nil {
			text = oneLine(err.Error())
		}
		j.mu.Lock()
		end := j.ended
		j.mu.Unlock()
		if end.IsZero() {
			end = s.opts.Now()
		}
		r.Cells = append(r.Cells, []string{j.ID, j.Name, state, j.Started.UTC().Format(time.RFC3339), end.Sub(j.Started).Round(time.Millisecond).String(), text})
	}
	return r
}

// oneLine is a text without line ends, cut to fit a column.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 80 {
		return string(r[:77]) + "..."
	}
	return text
}
