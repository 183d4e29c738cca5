package exec

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"weir/exec/checkpoint"
	"weir/exec/state"
	"weir/planner"
)

// Job is a running plan. Its methods are safe for concurrent use.
type Job struct {
	run    *runtime
	a      *assembly
	ctx    context.Context
	cancel context.CancelFunc
	acks   chan ack
	ask    chan request
	stats  *checkpointStats
	wg     sync.WaitGroup
	done   chan struct{}
	left   map[*task]chan struct{} // closed when the task has ended, for its readers

	mu  sync.Mutex
	err error // the first
}

// Run starts a plan: a goroutine a task and a reader. When it returns, sources have fixed where they begin. The
// job stops when ctx is done.
func Run(ctx context.Context, p *planner.Plan, opts Options) (*Job, error) {
	return start(ctx, p, newRuntime(opts))
}

func start(ctx context.Context, p *planner.Plan, r *runtime) (*Job, error) {
	if r.opts.WorkDir != "" && r.opts.Resources == nil {
		r.ownResources = state.NewResources(r.shares.cache)
		r.opts.Resources = r.ownResources
	}
	if r.shares.objects > 0 && r.opts.Reserve != nil {
		r.unreserve = r.opts.Reserve(r.shares.objects)
	}
	j := &Job{run: r, done: make(chan struct{}), ask: make(chan request), stats: &checkpointStats{}}
	j.ctx, j.cancel = context.WithCancel(ctx)
	r.startReader = j.startReader
	r.unkept = r.opts.Checkpoints == nil
	r.acknowledge = func(a ack) {
		select {
		case j.acks <- a:
		case <-j.ctx.Done():
		}
	}
	r.ask = func(request func()) { j.spawn("request", func() error { request(); return nil }, nil) }
	a, err := assemble(j.ctx, r, p, r.opts.Restore)
	if err != nil {
		j.cancel()
		r.release()
		return nil, err
	}
	j.a, j.acks = a, make(chan ack, 2*len(a.tasks))
	j.left = make(map[*task]chan struct{}, len(a.tasks))
	for _, t := range a.tasks {
		j.left[t] = make(chan struct{})
	}
	if err := a.settle(); err != nil {
		j.cancel()
		a.close()
		r.release()
		return nil, err
	}
	for _, t := range a.tasks {
		j.spawn(t.at, func() error { defer j.leave(t); return j.runTask(t) }, t)
	}
	watching, stopWatching := context.WithCancel(j.ctx)
	for _, b := range a.scans {
		if every := b.src.Discovery(); every > 0 {
			j.spawn("source", func() error { return b.watch(watching, every) }, nil)
		}
	}
	j.spawn("checkpoint", func() error {
		defer stopWatching()
		return j.coordinate()
	}, nil)
	go j.finish()
	return j, nil
}

// spawn runs f as part of the job: an error, or a panic, fails the job.
func (j *Job) spawn(name string, f func() error, t *task) {
	j.wg.Add(1)
	go func() {
		defer j.wg.Done()
		defer func() {
			if r := recover(); r != nil {
				if t != nil && t.at != "" {
					name = t.at
				}
				j.fail(panicked(name, r))
			}
		}()
		if err := f(); err != nil {
			j.fail(err)
		}
	}()
}

// panicked makes a bug in an operator an error of its job.
func panicked(name string, r any) error {
	return &TaskError{Operator: name, Err: fmt.Errorf("internal error: %v\n%s", r, debug.Stack())}
}

func (j *Job) fail(err error) {
	j.mu.Lock()
	if j.err == nil && !errors.Is(err, errStopped) {
		j.err = err
	}
	j.mu.Unlock()
	j.cancel()
}

// finish waits for everything the job started, then closes it.
func (j *Job) finish() {
	j.wg.Wait()
	stopped := j.ctx.Err()
	for _, t := range j.a.tasks {
		if err := t.close(); err != nil && stopped == nil {
			j.fail(err)
		}
	}
	if err := j.run.clearWork(); err != nil && stopped == nil {
		j.fail(err)
	}
	j.run.release()
	j.mu.Lock()
	if j.err == nil {
		j.err = stopped
	}
	j.mu.Unlock()
	j.cancel()
	close(j.done)
}

// Wait waits for the job's end and gives its first error; context.Canceled if it was cancelled.
func (j *Job) Wait() error {
	<-j.done
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Done is closed when the job has ended and everything it opened is closed.
func (j *Job) Done() <-chan struct{} { return j.done }

// Cancel stops the job as it is: what sinks have staged since the last checkpoint is not published.
func (j *Job) Cancel() { j.cancel() }

// Drain stops reading and lets the job end as if its inputs had: windows fire, sinks commit.
func (j *Job) Drain() {
	for _, t := range j.a.tasks {
		if t.src != nil {
			t.in.push(event{kind: drainEvent})
		}
	}
}

// Stats gives the counters of every node and instance, inputs first.
func (j *Job) Stats() []NodeStats {
	out := make([]NodeStats, len(j.a.stats))
	for i, s := range j.a.stats {
		out[i] = s.read()
	}
	return out
}

// Checkpoint makes a checkpoint now, and waits until it is durable.
func (j *Job) Checkpoint() error {
	_, err := j.request(context.Background(), nil, goOn)
	return err
}

// Savepoint makes a savepoint in a store, and waits until it is durable. It publishes nothing that sinks
// have staged: the next checkpoint does.
func (j *Job) Savepoint(ctx context.Context, to checkpoint.Store) (checkpoint.Saved, error) {
	return j.request(ctx, to, goOn)
}

// StopWithSavepoint makes a savepoint and ends the job with it: sources stop at its barrier and sinks publish
// what they had staged. drain lets windows fire first, as if the inputs had ended. When the savepoint fails the
// job goes on; a drained one cannot and fails.
func (j *Job) StopWithSavepoint(ctx context.Context, to checkpoint.Store, drained bool) (checkpoint.Saved, error) {
	mode := suspend
	if drained {
		mode = drain
	}
	saved, err := j.request(ctx, to, mode)
	if err != nil {
		return saved, err
	}
	select {
	case <-j.done:
		return saved, j.Wait()
	case <-ctx.Done():
		return saved, ctx.Err()
	}
}

// CheckpointStats tells of the job's checkpoints so far.
func (j *Job) CheckpointStats() CheckpointStats { return j.stats.read() }

// request asks for a checkpoint and waits for it.
func (j *Job) request(ctx context.Context, to checkpoint.Store, stop stopMode) (checkpoint.Saved, error) {
	switch {
	case j.a.graph.settings.Batch:
		return checkpoint.Saved{}, errors.New("a batch job makes no checkpoints: SET 'execution.runtime-mode' = 'streaming'")
	case to != nil && j.run.unkept:
		return checkpoint.Saved{}, errors.New("this job keeps no checkpoints, so it can make no savepoint")
	}
	type answer struct {
		saved checkpoint.Saved
		err   error
	}
	got := make(chan answer, 1)
	r := request{to, stop, func(s checkpoint.Saved, err error) { got <- answer{s, err} }}
	select {
	case j.ask <- r:
	case <-ctx.Done():
		return checkpoint.Saved{}, ctx.Err()
	case <-j.done:
		return checkpoint.Saved{}, errEnded
	}
	select {
	case a := <-got:
		return a.saved, a.err
	case <-ctx.Done():
		return checkpoint.Saved{}, ctx.Err()
	case <-j.done:
	}
	select {
	case a := <-got:
		return a.saved, a.err
	default:
		return checkpoint.Saved{}, errEnded
	}
}

func (j *Job) runTask(t *task) error {
	if !t.started {
		if err := t.start(); err != nil {
			return err
		}
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	busySince := time.Now()
	for steps := 1; !t.done; steps++ {
		worked, err := t.step()
		if err != nil {
			return err
		}
		if worked {
			if j.ctx.Err() != nil {
				return errStopped
			}
			if steps%countEvery == 0 { // a task that is never idle counts too
				now := time.Now()
				t.addBusy(now.Sub(busySince))
				busySince = now
			}
			continue
		}
		now := time.Now()
		t.addBusy(now.Sub(busySince))
		timer.Reset(t.untilDeadline())
		select {
		case <-t.in.notify:
		case <-timer.C:
		case <-j.ctx.Done():
			return errStopped
		}
		busySince = time.Now()
	}
	return nil
}

// countEvery is the number of steps after which a task's time is counted.
const countEvery = 64

// addBusy counts time the task spent working, and apart from it the time that it waited for credit.
func (t *task) addBusy(d time.Duration) {
	blocked := t.blocked
	t.blocked = 0
	var s *nodeStats
	switch {
	case t.src != nil:
		s = t.src.stats
	case len(t.ops) > 0:
		s = t.ops[0].stats
	case len(t.sinks) > 0:
		s = t.sinks[0].stats
	default:
		return
	}
	s.busy.Add(int64(d - blocked))
	s.blocked.Add(int64(blocked))
}

// untilDeadline is how long the task may sleep.
func (t *task) untilDeadline() time.Duration {
	at := t.deadline()
	if at == never {
		return time.Hour
	}
	return min(time.Hour, max(0, time.Duration(at-t.now)*time.Microsecond))
}

// leave lets the readers of a task that has ended go.
func (j *Job) leave(t *task) {
	if t.src != nil {
		t.src.stopReader()
	}
	close(j.left[t])
}

// startReader reads a split in a goroutine of its own, once for each token that the task gives it.
func (j *Job) startReader(s *source, r *splitRun) {
	j.spawn(s.stats.name, func() error {
		for {
			select {
			case <-r.turn:
			case <-j.left[s.t]: // a task that stops behind a savepoint does not wait for its readers
				return nil
			case <-j.ctx.Done():
				return nil
			}
			in := s.readOnce(r)
			s.t.in.push(event{kind: readEvent, read: in})
			if in.err != nil {
				return nil
			}
		}
	}, nil)
}

// coordinate begins checkpoints, collects what tasks acknowledge, and has sinks commit. Checkpoints are
// saved beside it, one at a time.
func (j *Job) coordinate() error {
	o := newOverseer(j.a, &j.run.opts, j.run.opts.Restore, j.stats, j.run.clock())
	defer func() { o.answer(checkpoint.Saved{}, errEnded); o.refuse(errEnded) }()
	saved := make(chan func() error, 1)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for !o.finished {
		if err := o.proceed(j.run.clock()); err != nil {
			return err
		}
		if t := o.complete(j.run.clock()); t != nil {
			j.spawn("checkpoint", func() error {
				s, err := j.save(t)
				saved <- func() error { return o.saved(j.run.clock(), t, s, err) }
				return nil
			}, nil)
		}
		wait := time.Hour
		if at := o.wakeAt(); !at.IsZero() {
			wait = max(0, at.Sub(j.run.clock()))
		}
		timer.Reset(wait)
		select {
		case <-j.ctx.Done():
			return nil
		case <-timer.C:
		case r := <-j.ask:
			o.ask(r)
		case a := <-j.acks:
			o.ack(a)
		case then := <-saved:
			if err := then(); err != nil {
				return err
			}
		}
	}
	return nil
}

var errEnded = errors.New("the job has ended")

func (j *Job) save(t *saveTask) (checkpoint.Saved, error) {
	ctx, cancel := context.WithDeadline(j.ctx, t.until)
	defer cancel()
	return t.save(ctx)
}
