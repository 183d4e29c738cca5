package exec

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"weir/exec/checkpoint"
	"weir/planner"
)

// Job is a running plan. Its methods are safe for concurrent use.
type Job struct {
	run    *runtime
	a      *assembly
	ctx    context.Context
	cancel context.CancelFunc
	acks   chan ack
	ask    chan chan error // checkpoints asked for by Checkpoint
	wg     sync.WaitGroup
	done   chan struct{}

	mu  sync.Mutex
	err error // the first
}

// Run starts a plan: a goroutine a task and a reader. When it returns, sources have fixed where they begin. The
// job stops when ctx is done.
func Run(ctx context.Context, p *planner.Plan, opts Options) (*Job, error) {
	return start(ctx, p, newRuntime(opts))
}

func start(ctx context.Context, p *planner.Plan, r *runtime) (*Job, error) {
	j := &Job{run: r, done: make(chan struct{}), ask: make(chan chan error)}
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
		return nil, err
	}
	j.a, j.acks = a, make(chan ack, 2*len(a.tasks))
	if err := a.settle(); err != nil {
		j.cancel()
		a.close()
		return nil, err
	}
	for _, t := range a.tasks {
		j.spawn(t.at, func() error { return j.runTask(t) }, t)
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
	if j.a.graph.settings.Batch {
		return errors.New("a batch job makes no checkpoints: SET 'execution.runtime-mode' = 'streaming'")
	}
	answer := make(chan error, 1)
	select {
	case j.ask <- answer:
		select {
		case err := <-answer:
			return err
		case <-j.done:
		}
	case <-j.done:
	}
	return errors.New("the job has ended")
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
	for !t.done {
		worked, err := t.step()
		if err != nil {
			return err
		}
		if worked {
			if j.ctx.Err() != nil {
				return errStopped
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

// addBusy counts time the task spent working, without that it waited for credit.
func (t *task) addBusy(d time.Duration) {
	d -= t.blocked
	t.blocked = 0
	switch {
	case t.src != nil:
		t.src.stats.busy.Add(int64(d))
	case len(t.ops) > 0:
		t.ops[0].stats.busy.Add(int64(d))
	case len(t.sinks) > 0:
		t.sinks[0].stats.busy.Add(int64(d))
	}
}

// untilDeadline is how long the task may sleep.
func (t *task) untilDeadline() time.Duration {
	at := t.deadline()
	if at == never {
		return time.Hour
	}
	return min(time.Hour, max(0, time.Duration(at-t.now)*time.Microsecond))
}

// startReader reads a split in a goroutine of its own, once for each token that the task gives it.
func (j *Job) startReader(s *source, r *splitRun) {
	j.spawn(s.stats.name, func() error {
		for {
			select {
			case <-r.turn:
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

// coordinate begins checkpoints, collects what tasks acknowledge, and has sinks commit.
func (j *Job) coordinate() error {
	var tick <-chan time.Time
	if j.run.opts.Interval > 0 {
		t := time.NewTicker(j.run.opts.Interval)
		defer t.Stop()
		tick = t.C
	}
	c := newCoordinator(j.a, j.run.opts.Restore)
	var asked []chan error
	for {
		select {
		case <-j.ctx.Done():
			return nil
		case <-tick:
			j.a.trigger(c)
		case answer := <-j.ask:
			asked = append(asked, answer)
			j.a.trigger(c)
		case a := <-j.acks:
			c.Ack(a.task, a.id, a.state)
		}
		for {
			done, last := c.Complete()
			if done == nil {
				break
			}
			if err := j.save(done); err != nil {
				return err
			}
			for _, answer := range asked {
				answer <- nil
			}
			asked = nil
			j.a.commit(done.ID, last)
			if last {
				return nil
			}
		}
	}
}

func (j *Job) save(c *checkpoint.Checkpoint) error {
	if j.run.opts.Checkpoints == nil {
		return nil
	}
	if err := j.run.opts.Checkpoints.Save(j.ctx, c); err != nil {
		return fmt.Errorf("checkpoint %d: %w", c.ID, err)
	}
	return nil
}

// newCoordinator numbers checkpoints on from the one that the job was restored from.
func newCoordinator(a *assembly, from *checkpoint.Checkpoint) *checkpoint.Coordinator {
	names := make([]string, len(a.tasks))
	for i, t := range a.tasks {
		names[i] = t.name
	}
	after := int64(0)
	if from != nil {
		after = from.ID
	}
	return checkpoint.NewCoordinator(names, after)
}

// trigger starts a checkpoint at the sources, unless one is under way. Batch jobs make none: their
// operators keep what they have until the end, and a crash starts them over.
func (a *assembly) trigger(c *checkpoint.Coordinator) bool {
	if a.graph.settings.Batch {
		return false
	}
	id, ok := c.Begin()
	if !ok {
		return false
	}
	for _, t := range a.tasks {
		if t.src != nil {
			t.in.push(event{kind: triggerEvent, id: id})
		}
	}
	return true
}

// commit tells every task that a checkpoint is durable; the last one lets them go.
func (a *assembly) commit(id int64, last bool) {
	for _, t := range a.tasks {
		if last || len(t.sinks) > 0 {
			t.in.push(event{kind: commitEvent, id: id, last: last})
		}
	}
}
