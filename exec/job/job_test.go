package job

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/exec"
)

// fakeRun is a run that ends when a test says so.
type fakeRun struct {
	done chan struct{}
	once sync.Once
	err  error
	// what its savepoints and checkpoints give
	saveErr error
	saved   int
}

func newFakeRun() *fakeRun                 { return &fakeRun{done: make(chan struct{})} }
func (r *fakeRun) end(err error)           { r.once.Do(func() { r.err = err; close(r.done) }) }
func (r *fakeRun) Done() <-chan struct{}   { return r.done }
func (r *fakeRun) Wait() error             { <-r.done; return r.err }
func (r *fakeRun) Cancel()                 { r.end(context.Canceled) }
func (r *fakeRun) Checkpoint() error       { r.saved++; return r.saveErr }
func (r *fakeRun) Stats() []exec.NodeStats { return nil }
func (r *fakeRun) CheckpointStats() (s exec.CheckpointStats) {
	s.Completed = int64(r.saved)
	return s
}
func (r *fakeRun) Savepoint(_ context.Context, dir string) (string, error) {
	return dir + "/savepoint-1", r.saveErr
}
func (r *fakeRun) StopWithSavepoint(_ context.Context, dir string, _ bool) (string, error) {
	if r.saveErr != nil {
		return "", r.saveErr
	}
	r.end(nil)
	return dir + "/savepoint-2", nil
}

// script runs a job whose attempts go as the words say: "run:5s:boom" runs for 5 s and fails with boom, "start:x" cannot
// start, "fatal:x" cannot start and will never, "panic:x" panics at the start, "finish:1s" comes to its end, "stay" runs on.
func script(words []string) (start func(context.Context, int) (Run, error), last func() *fakeRun) {
	var run *fakeRun
	return func(_ context.Context, attempt int) (Run, error) {
		word, arg, _ := strings.Cut(words[min(attempt, len(words))-1], ":")
		switch word {
		case "start":
			return nil, errors.New(arg)
		case "fatal":
			return nil, Fatal(errors.New(arg))
		case "panic":
			panic(arg)
		}
		run = newFakeRun()
		r := run
		if word != "stay" {
			after, text, _ := strings.Cut(arg, ":")
			d, err := time.ParseDuration(after)
			if err != nil {
				return nil, err
			}
			time.AfterFunc(d, func() {
				if word == "finish" {
					r.end(nil)
				} else {
					r.end(&exec.TaskError{Operator: "Calc", Err: errors.New(text)})
				}
			})
		}
		return run, nil
	}, func() *fakeRun { return run }
}

// TestSupervision follows jobs through their states in virtual time.
func TestSupervision(t *testing.T) {
	tests := []struct {
		name, attempts, strategy string
		resumed                  bool
		want                     string // seconds:state ...
		cause                    string
	}{
		{"finishes", "finish:5s", "", false, "0:CREATED 0:RUNNING 5:FINISHED", ""},
		{"no strategy", "run:1s:boom", "type=none", false, "0:CREATED 0:RUNNING 1:FAILING 1:FAILED", "Calc: boom"},
		{"restarts", "run:1s:boom run:1s:bang finish:1s", "", false,
			"0:CREATED 0:RUNNING 1:RESTARTING 2:RUNNING 3:RESTARTING 4.5:RUNNING 5.5:FINISHED", ""},
		{"gives up", "run:1s:boom", "type=fixed-delay fixed-delay.attempts=1 fixed-delay.delay=10s", false,
			"0:CREATED 0:RUNNING 1:RESTARTING 11:RUNNING 12:FAILING 12:FAILED", "Calc: boom"},
		{"a new job that cannot start fails", "start:no-such-stream", "", false, "0:CREATED 0:FAILING 0:FAILED", "no-such-stream"},
		{"a resumed one tries again", "start:no-network finish:1s", "", true, "0:RESTARTING 1:RUNNING 2:FINISHED", ""},
		{"what does not heal", "run:1s:boom fatal:no-table", "", false, "0:CREATED 0:RUNNING 1:RESTARTING 2:FAILING 2:FAILED", "no-table"},
		{"a panic at the start", "panic:nil-map", "", true, "0:RESTARTING 0:FAILING 0:FAILED", "internal error: nil-map"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, j := watch(t, tt.attempts, tt.strategy, tt.resumed)
				<-j.Done()
				if g := strings.Join(*got, " "); g != tt.want {
					t.Errorf("states:\n got %s\nwant %s", g, tt.want)
				}
				if s := j.Status(); !strings.Contains(s.Error, tt.cause) || tt.cause == "" && s.Error != "" {
					t.Errorf("error %q, want %q", s.Error, tt.cause)
				}
			})
		})
	}
}

// watch starts a job and notes its states.
func watch(t *testing.T, attempts, strategy string, resumed bool) (*[]string, *Job) {
	t.Helper()
	s, err := ParseStrategy(settings(strategy), func() float64 { return 0.5 })
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	got := new([]string)
	seen := time.Time{}
	start, _ := script(strings.Fields(attempts))
	j := Start(Config{Start: start, Strategy: s, Clock: WallClock(), Resumed: resumed, Changed: func(s Status) {
		if at := s.Times[s.State]; at != seen || len(*got) == 0 || !strings.HasSuffix((*got)[len(*got)-1], string(s.State)) {
			*got = append(*got, fmt.Sprintf("%g:%s", at.Sub(began).Seconds(), s.State))
			seen = at
		}
	}})
	return got, j
}

func TestHistoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, j := watch(t, "run:1s:boom", "type=fixed-delay fixed-delay.attempts=100", false)
		<-j.Done()
		s := j.Status()
		if len(s.Failures) != maxFailures || s.Restarts != 100 || s.Failures[maxFailures-1].Attempt != 101 {
			t.Errorf("%d failures, %d restarts, last attempt %d", len(s.Failures), s.Restarts, s.Failures[len(s.Failures)-1].Attempt)
		}
		if f := s.Failures[0]; f.Operator != "Calc" || !f.Restart || f.Delay != time.Second {
			t.Errorf("failure %+v", f)
		}
	})
}

// TestCommands asks things of jobs in each state.
func TestCommands(t *testing.T) {
	broken := errors.New("disk full")
	tests := []struct {
		name, attempts string
		do             func(j *Job, r *fakeRun) error
		want           State
		err            string
	}{
		{"cancel", "stay", func(j *Job, _ *fakeRun) error { return j.Cancel() }, Canceled, ""},
		{"cancel twice", "stay", func(j *Job, _ *fakeRun) error { return errors.Join(j.Cancel(), j.Cancel()) }, Canceled, ""},
		{"cancel between attempts", "run:1s:boom start:x", func(j *Job, _ *fakeRun) error { time.Sleep(1500 * time.Millisecond); return j.Cancel() }, Canceled, ""},
		{"cancel what has ended", "finish:1s", func(j *Job, _ *fakeRun) error { <-j.Done(); return j.Cancel() }, Finished, "not running: it is FINISHED"},
		{"savepoint", "stay", func(j *Job, _ *fakeRun) error {
			path, err := j.Savepoint(context.Background(), "d")
			if s := j.Status(); err == nil && (path != "d/savepoint-1" || len(s.Savepoints) != 1 || s.State != Running) {
				return fmt.Errorf("%s %+v", path, s)
			}
			return errors.Join(err, j.Cancel())
		}, Canceled, ""},
		{"savepoint between attempts", "run:1s:boom stay", func(j *Job, _ *fakeRun) error {
			time.Sleep(1500 * time.Millisecond)
			_, err := j.Savepoint(context.Background(), "d")
			return errors.Join(err, j.Cancel())
		}, Canceled, "it is RESTARTING"},
		{"stop", "stay", func(j *Job, _ *fakeRun) error {
			path, err := j.Stop(context.Background(), "d", false)
			if s := j.Status(); err == nil && (path != "d/savepoint-2" || !s.Savepoints[0].Stop) {
				return fmt.Errorf("%s %+v", path, s)
			}
			return err
		}, Finished, ""},
		{"a savepoint that fails stops nothing", "stay", func(j *Job, r *fakeRun) error {
			r.saveErr = broken
			_, err := j.Stop(context.Background(), "d", false)
			if s := j.Status().State; s != Running {
				return fmt.Errorf("it is %s", s)
			}
			return errors.Join(err, j.Cancel())
		}, Canceled, "disk full"},
		{"suspend", "stay", func(j *Job, r *fakeRun) error {
			j.Suspend(context.Background())
			if r.saved != 1 {
				return fmt.Errorf("%d checkpoints", r.saved)
			}
			return nil
		}, Running, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, last := script(strings.Fields(tt.attempts))
				s, _ := ParseStrategy(settings(""), func() float64 { return 0.5 })
				j := Start(Config{Start: start, Strategy: s, Clock: WallClock()})
				synctest.Wait()
				err := tt.do(j, last())
				if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
					t.Errorf("got error %v, want %q", err, tt.err)
				}
				<-j.Done()
				if got := j.Status().State; got != tt.want {
					t.Errorf("it ended as %s, want %s", got, tt.want)
				}
			})
		})
	}
}
