package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"weir/exec"
)

// Run is one attempt of a job; NewRun makes one of the engine's.
type Run interface {
	// Done is closed when everything the run opened is closed.
	Done() <-chan struct{}
	// Wait waits for Done and gives the run's first error.
	Wait() error
	Cancel()
	// Checkpoint makes a checkpoint, and waits until it is durable.
	Checkpoint() error
	// Savepoint writes a savepoint into a folder and gives its path.
	Savepoint(ctx context.Context, dir string) (path string, err error)
	// StopWithSavepoint ends the run behind a savepoint; with drain, windows fire first.
	StopWithSavepoint(ctx context.Context, dir string, drain bool) (path string, err error)
	Stats() []exec.NodeStats
	CheckpointStats() exec.CheckpointStats
}

// Clock is the time that a job lives in.
type Clock struct {
	Now func() time.Time
	// After gives a channel that is sent to once d has passed, and a function that frees it.
	After func(d time.Duration) (<-chan time.Time, func() bool)
}

// WallClock is the machine's clock.
func WallClock() Clock {
	return Clock{Now: time.Now, After: func(d time.Duration) (<-chan time.Time, func() bool) {
		t := time.NewTimer(d)
		return t.C, t.Stop
	}}
}

// fatal is an error that another attempt would meet again.
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

// Fatal marks an error that does not heal: the job fails without a restart.
func Fatal(err error) error { return fatal{err} }

// Config is what supervising needs.
type Config struct {
	// Start begins an attempt, from the latest checkpoint where there is one.
	Start    func(ctx context.Context, attempt int) (Run, error)
	Strategy Strategy
	Clock    Clock
	// Changed is called after each change, one call at a time, before anybody sees the change.
	Changed func(Status)
	Logger  *slog.Logger
	// Hide takes secrets out of texts; nil: there are none.
	Hide func(string) string
	// Resumed: the job ran before, so an error at its first start is a failure like any other. A new job
	// that cannot start at all fails at once: its user is still looking.
	Resumed bool
	// Status is what a resumed job remembers.
	Status Status
}

// Job supervises one job.
type Job struct {
	c    Config
	ctx  context.Context // ends when the job is to end
	quit context.CancelFunc
	done chan struct{}

	mu      sync.Mutex
	status  Status
	run     Run           // of the attempt under way
	entered chan struct{} // closed and made anew at each change
	cancel  bool          // somebody cancelled
	suspend bool          // the process ends: the job is to go on later
	stop    bool          // it is being stopped with a savepoint
	// past and last are the checkpoints of the attempts before, and the counters of the last one.
	past exec.CheckpointStats
	last []exec.NodeStats
}

// Start begins to supervise.
func Start(c Config) *Job {
	j := &Job{c: c, done: make(chan struct{}), entered: make(chan struct{}), status: c.Status}
	if j.c.Hide == nil {
		j.c.Hide = func(s string) string { return s }
	}
	if j.c.Changed == nil {
		j.c.Changed = func(Status) {}
	}
	if j.c.Logger == nil {
		j.c.Logger = slog.New(slog.DiscardHandler)
	}
	j.ctx, j.quit = context.WithCancel(context.Background())
	if j.status.Times == nil {
		j.status.Times = map[State]time.Time{}
	}
	if j.status.Started.IsZero() {
		j.status.Started = c.Clock.Now()
	}
	first := Created
	if c.Resumed {
		first = Restarting
	}
	j.enter(first, nil)
	go j.supervise()
	return j
}

// enter changes the state, and what else change does.
func (j *Job) enter(s State, change func(*Status)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.c.Clock.Now()
	j.status.State = s
	j.status.Times[s] = now
	if s.Ended() {
		j.status.Ended = now
	}
	if change != nil {
		change(&j.status)
	}
	j.c.Changed(j.copyStatus())
	close(j.entered)
	j.entered = make(chan struct{})
}

func (j *Job) copyStatus() Status {
	s := j.status
	s.Times = make(map[State]time.Time, len(j.status.Times))
	for k, v := range j.status.Times {
		s.Times[k] = v
	}
	s.Failures = append([]Failure(nil), s.Failures...)
	s.Savepoints = append([]Savepoint(nil), s.Savepoints...)
	return s
}

// Status tells how the job is.
func (j *Job) Status() Status {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.copyStatus()
}

// Done is closed when nothing of the job runs any more.
func (j *Job) Done() <-chan struct{} { return j.done }

// Run gives the attempt under way, nil between attempts.
func (j *Job) Run() Run {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.run
}

// Await waits until the job is in a state that ok takes, or ctx is done.
func (j *Job) Await(ctx context.Context, ok func(State) bool) (Status, error) {
	for {
		j.mu.Lock()
		s, next := j.copyStatus(), j.entered
		j.mu.Unlock()
		if ok(s.State) {
			return s, nil
		}
		select {
		case <-next:
		case <-j.done:
			return j.Status(), nil
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
}

// supervise runs attempt after attempt until one of them is the last.
func (j *Job) supervise() {
	defer close(j.done)
	defer j.quit()
	for {
		err := j.attempt()
		if j.ended(err) {
			return
		}
		delay, again := j.failed(err)
		if !again {
			return
		}
		if !j.pause(delay) && j.ended(context.Canceled) {
			return
		}
	}
}

// attempt starts a run and waits for its end. It gives nil once the job has done all its work.
func (j *Job) attempt() error {
	j.mu.Lock()
	j.status.Attempt++
	n := j.status.Attempt
	j.mu.Unlock()
	run, err := j.start(n)
	if err != nil {
		if n == 1 && !j.c.Resumed {
			err = Fatal(err)
		}
		return err
	}
	j.mu.Lock()
	j.run = run
	j.mu.Unlock()
	if j.ctx.Err() == nil {
		j.enter(Running, func(s *Status) { s.Error = "" })
		j.c.Logger.Info("job is running", "attempt", n)
	}
	select {
	case <-run.Done():
	case <-j.ctx.Done():
		run.Cancel()
	}
	err = run.Wait()
	j.mu.Lock()
	j.run, j.last, j.past = nil, run.Stats(), addCheckpoints(j.past, run.CheckpointStats())
	j.past.InProgress, j.past.ConsecutiveFailures = 0, 0
	j.mu.Unlock()
	return err
}

// Stats are the counters of the attempt under way, or of the last one.
func (j *Job) Stats() []exec.NodeStats {
	j.mu.Lock()
	run, last := j.run, j.last
	j.mu.Unlock()
	if run != nil {
		return run.Stats()
	}
	return last
}

// Checkpoints tells of the checkpoints of all attempts.
func (j *Job) Checkpoints() exec.CheckpointStats {
	j.mu.Lock()
	run, past := j.run, j.past
	j.mu.Unlock()
	if run != nil {
		return addCheckpoints(past, run.CheckpointStats())
	}
	return past
}

// start has a panic of the planner or a connector fail the job, not the process.
func (j *Job) start(n int) (run Run, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = Fatal(fmt.Errorf("internal error: %v\n%s", r, debug.Stack()))
		}
	}()
	return j.c.Start(j.ctx, n)
}

// ended tells whether the job is over after an attempt that gave err, for any reason but a failure.
func (j *Job) ended(err error) bool {
	j.mu.Lock()
	cancel, suspend, stop := j.cancel, j.suspend, j.stop
	j.mu.Unlock()
	switch {
	case stop && (err == nil || errors.Is(err, context.Canceled)):
		j.enter(Finished, nil)
		j.c.Logger.Info("job is stopped")
	case err == nil:
		j.enter(Finished, nil)
		j.c.Logger.Info("job is finished")
	case cancel:
		j.enter(Canceled, nil)
		j.c.Logger.Info("job is canceled")
	case suspend:
		j.c.Logger.Info("job is suspended; it goes on when the server starts again")
	default:
		return false
	}
	return true
}

// failed notes a failure, and asks the strategy.
func (j *Job) failed(err error) (delay time.Duration, again bool) {
	f := Failure{Time: j.c.Clock.Now(), Error: j.c.Hide(err.Error())}
	var at *exec.TaskError
	if errors.As(err, &at) {
		f.Operator = at.Operator
	}
	delay, again = j.c.Strategy.Failed(f.Time)
	var f2 fatal
	if errors.As(err, &f2) {
		again = false
	}
	if !again {
		delay = 0
	}
	f.Delay, f.Restart = delay, again
	note := func(s *Status) {
		f.Attempt = s.Attempt
		s.Failures = append(s.Failures, f)
		if n := len(s.Failures) - maxFailures; n > 0 {
			s.Failures = append([]Failure(nil), s.Failures[n:]...)
		}
		s.Error = f.Error
	}
	if !again {
		j.enter(Failing, note)
		j.c.Logger.Error("job failed", "operator", f.Operator, "error", f.Error)
		j.enter(Failed, nil)
		return 0, false
	}
	j.enter(Restarting, func(s *Status) { note(s); s.Restarts++ })
	j.c.Logger.Warn("job failed and is started again", "operator", f.Operator, "error", f.Error, "after", delay)
	return delay, true
}

// pause waits before a restart; false: the job is to end.
func (j *Job) pause(d time.Duration) bool {
	timer, stop := j.c.Clock.After(d)
	defer stop()
	select {
	case <-timer:
		return j.ctx.Err() == nil
	case <-j.ctx.Done():
		return false
	}
}

// NotRunningError says that a job is in no state for what was asked.
type NotRunningError struct{ State State }

// Error names the state.
func (e *NotRunningError) Error() string { return "the job is not running: it is " + string(e.State) }

// Cancel ends the job as it is. What sinks had staged since the last checkpoint is not published.
func (j *Job) Cancel() error {
	j.mu.Lock()
	if j.status.State.Ended() || j.stop {
		s := j.status.State
		j.mu.Unlock()
		return &NotRunningError{s}
	}
	j.cancel = true
	j.mu.Unlock()
	j.enter(Cancelling, nil)
	j.quit()
	return nil
}

// Savepoint takes a savepoint of the running job into a folder.
func (j *Job) Savepoint(ctx context.Context, dir string) (path string, err error) {
	run, err := j.running()
	if err != nil {
		return "", err
	}
	path, err = run.Savepoint(ctx, dir)
	if err != nil {
		return "", err
	}
	j.keep(Savepoint{Path: path})
	return path, nil
}

// Stop ends the job behind a savepoint; with drain, as if its input had ended. When the savepoint
// fails, the job goes on.
func (j *Job) Stop(ctx context.Context, dir string, drain bool) (path string, err error) {
	run, err := j.running()
	if err != nil {
		return "", err
	}
	j.mu.Lock()
	if j.stop {
		j.mu.Unlock()
		return "", errors.New("the job is being stopped already")
	}
	j.stop = true
	j.mu.Unlock()
	path, err = run.StopWithSavepoint(ctx, dir, drain)
	if err != nil {
		j.mu.Lock()
		j.stop = false
		j.mu.Unlock()
		return "", err
	}
	j.c.Logger.Info("savepoint is written", "path", path)
	j.keep(Savepoint{Path: path, Stop: true})
	select {
	case <-j.done:
	case <-ctx.Done():
		return path, ctx.Err()
	}
	return path, nil
}

func (j *Job) running() (Run, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.run == nil || j.status.State != Running {
		return nil, &NotRunningError{j.status.State}
	}
	return j.run, nil
}

// keep notes a savepoint.
func (j *Job) keep(p Savepoint) {
	j.mu.Lock()
	defer j.mu.Unlock()
	p.Time = j.c.Clock.Now()
	j.status.Savepoints = append(j.status.Savepoints, p)
	if n := len(j.status.Savepoints) - maxSavepoints; n > 0 {
		j.status.Savepoints = append([]Savepoint(nil), j.status.Savepoints[n:]...)
	}
	j.c.Changed(j.copyStatus())
}

// Suspend ends the job because the process does: its state stays as it is, so that it goes on later. It takes
// a last checkpoint first, unless that takes longer than ctx.
func (j *Job) Suspend(ctx context.Context) {
	j.mu.Lock()
	run := j.run
	j.suspend = true
	j.mu.Unlock()
	if run != nil {
		last := make(chan error, 1)
		go func() { last <- run.Checkpoint() }()
		select {
		case err := <-last:
			if err != nil {
				j.c.Logger.Warn("no last checkpoint: the job goes on from the one before", "error", j.c.Hide(err.Error()))
			}
		case <-ctx.Done():
			j.c.Logger.Warn("the last checkpoint took too long: the job goes on from the one before")
		}
	}
	j.quit()
	<-j.done
}
