package session

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"weir/exec"
	"weir/exec/checkpoint"
	"weir/exec/job"
	"weir/sql"
	"weir/sql/ast"
)

// The states of a job, as Flink names them.
const (
	StateRunning  = string(job.Running)
	StateFinished = string(job.Finished)
	StateFailed   = string(job.Failed)
	StateCanceled = string(job.Canceled)
)

// JobInfo is what there is to know of a job.
type JobInfo struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	State      string    `json:"state"`
	Started    time.Time `json:"started"`
	Ended      time.Time `json:"ended,omitzero"`
	Restarts   int       `json:"restarts"`
	Checkpoint string    `json:"lastCheckpoint,omitempty"` // path of the newest one
	Savepoint  string    `json:"lastSavepoint,omitempty"`
	Error      string    `json:"error,omitempty"`
	// References are the tables that lookup joins of the job hold in memory.
	References []Reference `json:"referenceTables,omitempty"`
	Statement  string      `json:"statement,omitempty"` // without secrets
}

// JobService runs jobs outside the session: a server's. Its methods are safe for concurrent use.
type JobService interface {
	Submit(ctx context.Context, p job.Program) (JobInfo, error)
	Jobs(ctx context.Context) ([]JobInfo, error)
	// Job finds a job by its id or the beginning of it.
	Job(ctx context.Context, id string) (JobInfo, error)
	// Stop ends a job: behind a savepoint, whose path it gives, or as it is.
	Stop(ctx context.Context, id string, savepoint, drain bool) (path string, err error)
	// Wait waits until the job has ended, and gives its error.
	Wait(ctx context.Context, id string) error
	// Diagnose says what a job waits for, line by line.
	Diagnose(ctx context.Context, id string) ([]string, error)
}

// Job is an INSERT that runs in the background: of this process, or of a server.
type Job struct {
	ID      string // 32 hexadecimal digits
	Name    string
	Text    string
	Started time.Time

	service JobService // not nil: it runs there
	run     *exec.Job
	store   func(dir string) (checkpoint.Store, error) // of savepoints
	hide    func(string) string
	plan    string // as JSON
	mu      sync.Mutex
	ended   time.Time
	state   string
	err     error
	stop    bool
	path    string // of its last savepoint
}

// State is the job's state and, once it failed, why.
func (j *Job) State() (string, error) {
	if j.service != nil {
		info, err := j.service.Job(context.Background(), j.ID)
		if err == nil && info.State == StateFailed {
			err = errors.New(info.Error)
		}
		return info.State, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state, j.err
}

// Wait waits for the job's end.
func (j *Job) Wait() error {
	if j.service != nil {
		return j.service.Wait(context.Background(), j.ID)
	}
	<-j.run.Done()
	j.settle(j.run.Wait())
	_, err := j.State()
	return err
}

// Stats gives the counters of each node; nil of a server's job.
func (j *Job) Stats() []exec.NodeStats {
	if j.run == nil {
		return nil
	}
	return j.run.Stats()
}

// Stop cancels the job; with drain, windows fire first as if its input had ended.
func (j *Job) Stop(drain bool) {
	if j.service != nil {
		_, _ = j.service.Stop(context.Background(), j.ID, false, drain) // SHOW JOBS tells what became of it
		return
	}
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

// stopWithSavepoint ends the job behind a savepoint.
func (j *Job) stopWithSavepoint(ctx context.Context, drain bool) (string, error) {
	to, err := j.store("")
	if err != nil {
		return "", err
	}
	saved, err := j.run.StopWithSavepoint(ctx, to, drain)
	if err == nil {
		j.mu.Lock()
		j.path = saved.Path
		j.mu.Unlock()
	}
	return saved.Path, err
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

func (j *Job) info() JobInfo {
	state, err := j.State()
	j.mu.Lock()
	defer j.mu.Unlock()
	out := JobInfo{ID: j.ID, Name: j.Name, State: state, Started: j.Started, Ended: j.ended, Savepoint: j.path, Statement: j.hide(j.Text)}
	if err != nil {
		out.Error = j.hide(err.Error())
	}
	if last := j.run.CheckpointStats().LastCompleted; last != nil {
		out.Checkpoint = last.Path
	}
	out.References = References(j.run.Stats())
	return out
}

// jobs are the session's jobs, kept after their end.
type jobs struct {
	now  func() time.Time
	mu   sync.Mutex
	byID map[string]*Job
}

const maxEndedJobs = 1000

func newJobs(now func() time.Time) *jobs { return &jobs{now: now, byID: map[string]*Job{}} }

func (js *jobs) add(j *Job) *Job {
	j.Started, j.state = js.now(), StateRunning
	js.mu.Lock()
	js.byID[j.ID] = j
	js.trim()
	js.mu.Unlock()
	go func() {
		j.settle(j.run.Wait())
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

// RunningJobs counts the jobs that leaving would end: a server's go on.
func (s *Session) RunningJobs() int {
	n := 0
	for _, j := range s.jobs.list() {
		if state, _ := j.State(); state == StateRunning {
			n++
		}
	}
	return n
}

func (s *Session) stopJob(ctx context.Context, st *ast.StopJob) (*Result, error) {
	path, err := s.stop(ctx, st)
	var one *sql.Error
	if err != nil && !errors.As(err, &one) {
		err = sql.Errorf(st.ID, "%s", err)
	}
	if err != nil {
		return nil, err
	}
	if st.Savepoint {
		return &Result{Kind: Table, Columns: []string{"savepoint path"}, Cells: [][]string{{path}}}, nil
	}
	return &Result{Kind: Done, Message: "Job " + st.ID.Value + " has been stopped."}, nil
}

func (s *Session) stop(ctx context.Context, st *ast.StopJob) (path string, err error) {
	if s.opts.Jobs != nil {
		return s.opts.Jobs.Stop(ctx, st.ID.Value, st.Savepoint, st.Drain)
	}
	j, err := s.jobs.find(st.ID.Value)
	if err != nil {
		return "", err
	}
	if state, _ := j.State(); state != StateRunning {
		return "", fmt.Errorf("job %s is not running: it is %s", j.ID, state)
	}
	if !st.Savepoint {
		j.Stop(st.Drain)
		return "", nil
	}
	if j.store == nil {
		return "", sql.Errorf(st, "job %s keeps no checkpoints, so it can make no savepoint", j.ID).
			WithHint("SET 'execution.checkpointing.savepoint-dir' = '...' before the INSERT, or run it by 'weir server'; STOP JOB '%s' stops it without one", j.ID)
	}
	return j.stopWithSavepoint(ctx, st.Drain)
}

// jobInfos lists jobs: the server's, where the session has one.
func (s *Session) jobInfos(ctx context.Context) ([]JobInfo, error) {
	if s.opts.Jobs != nil {
		return s.opts.Jobs.Jobs(ctx)
	}
	var out []JobInfo
	for _, j := range s.jobs.list() {
		out = append(out, j.info())
	}
	return out, nil
}

func (s *Session) jobInfo(ctx context.Context, id string) (JobInfo, error) {
	if s.opts.Jobs != nil {
		return s.opts.Jobs.Job(ctx, id)
	}
	j, err := s.jobs.find(id)
	if err != nil {
		return JobInfo{}, err
	}
	return j.info(), nil
}

func (s *Session) showJobs(ctx context.Context) (*Result, error) {
	list, err := s.jobInfos(ctx)
	if err != nil {
		return nil, err
	}
	r := &Result{Kind: Table, Columns: []string{"job id", "job name", "status", "start time", "duration", "error"}}
	for _, j := range list {
		r.Cells = append(r.Cells, []string{j.ID, j.Name, j.State, j.Started.UTC().Format(time.RFC3339), s.duration(j), oneLine(j.Error)})
	}
	return r, nil
}

// duration is how long a job ran.
func (s *Session) duration(j JobInfo) string {
	end := j.Ended
	if end.IsZero() {
		end = s.opts.Now()
	}
	return end.Sub(j.Started).Round(time.Millisecond).String()
}

func (s *Session) describeJob(ctx context.Context, st *ast.Describe, id string) (*Result, error) {
	j, err := s.jobInfo(ctx, id)
	if err != nil {
		return nil, sql.Errorf(st, "%s", err)
	}
	return &Result{Kind: Table, Columns: []string{"job id", "job name", "status", "start time", "duration", "restarts", "last checkpoint", "last savepoint", "error", "statement", "reference tables"},
		Cells: [][]string{{j.ID, j.Name, j.State, j.Started.UTC().Format(time.RFC3339), s.duration(j), fmt.Sprint(j.Restarts), j.Checkpoint, j.Savepoint, oneLine(j.Error), j.Statement, referenceTexts(j.References, s.opts.Now())}}}, nil
}

// oneLine is a text without line ends, cut to fit a column.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 80 {
		return string(r[:77]) + "..."
	}
	return text
}
