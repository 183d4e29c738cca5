package exec

import (
	"context"
	"errors"
	"fmt"
	"time"

	"weir/exec/checkpoint"
)

// stopMode says whether a checkpoint ends its job.
type stopMode uint8

const (
	goOn    stopMode = iota
	suspend          // sources stop behind the barrier
	drain            // the last watermark comes before the barrier
)

// request asks for a checkpoint outside the interval.
type request struct {
	to   checkpoint.Store // of a savepoint; nil: an ordinary checkpoint
	stop stopMode
	done func(checkpoint.Saved, error)
}

// defaultTimeout is how long a checkpoint may take.
const defaultTimeout = 10 * time.Minute

// overseer decides when checkpoints begin, and what comes of them. It is a state machine without goroutines
// or clock, driven by the job's coordinating goroutine or by the simulator: begin, ack, complete, saved.
type overseer struct {
	a        *assembly
	opts     *Options
	c        *checkpoint.Coordinator
	stats    *checkpointStats
	dueAt    time.Time // when the next one is due by the interval
	asked    []request
	now      []request // what the one under way is for
	began    time.Time
	saving   bool
	ahead    bool                   // the one under way overtakes
	last     *checkpoint.Checkpoint // the job's result, which could not be saved yet
	inARow   int                    // failures
	finished bool
}

// saveTask is a complete checkpoint that is to be saved.
type saveTask struct {
	c     *checkpoint.Checkpoint
	to    checkpoint.Store // nil: nowhere
	last  bool
	until time.Time
}

func newOverseer(a *assembly, opts *Options, from *checkpoint.Checkpoint, stats *checkpointStats, now time.Time) *overseer {
	o := &overseer{a: a, opts: opts, stats: stats, c: newCoordinator(a, from)}
	if opts.Interval > 0 {
		o.dueAt = now.Add(opts.Interval)
	}
	stats.restored(from, len(a.tasks))
	return o
}

// wakeAt is when begin or expire has something to do though nothing happens; zero: never.
func (o *overseer) wakeAt() time.Time {
	switch {
	case o.saving:
		return time.Time{}
	case o.c.Active():
		if at := o.overtakeAt(); !at.IsZero() {
			return at
		}
		return o.began.Add(o.timeout())
	}
	return o.dueAt
}

func (o *overseer) timeout() time.Duration {
	if o.opts.Timeout > 0 {
		return o.opts.Timeout
	}
	return defaultTimeout
}

// overtakeAt is when the checkpoint under way is to overtake what is queued; zero: never. Savepoints do not: they are for other
// plans, too.
func (o *overseer) overtakeAt() time.Time {
	if o.opts.AlignedTimeout == 0 || !o.mayOvertake() {
		return time.Time{}
	}
	return o.began.Add(o.opts.AlignedTimeout)
}

func (o *overseer) mayOvertake() bool {
	return !o.ahead && !o.saving && o.c.Active() && (len(o.now) == 0 || o.now[0].to == nil)
}

// overtake has the tasks that have not acknowledged the checkpoint under way pass its barrier on at once.
func (o *overseer) overtake() {
	o.ahead = true
	for _, t := range o.a.tasks {
		t.in.overtake(o.c.ID())
	}
}

// ask takes a request; it begins as soon as no other checkpoint is under way.
func (o *overseer) ask(r request) { o.asked = append(o.asked, r) }

// proceed begins a checkpoint if one is due, and gives up one that takes too long. An error fails the job.
func (o *overseer) proceed(now time.Time) error {
	if o.c.Active() && !o.saving && !now.Before(o.began.Add(o.timeout())) {
		acked, of := o.c.Acked()
		o.c.Abort()
		cause := fmt.Errorf("it took longer than %s: %d of %d tasks had their part ready; "+
			"see 'execution.checkpointing.timeout'", o.timeout(), acked, of)
		if err := o.failed(now, cause); err != nil {
			return err
		}
	}
	if at := o.overtakeAt(); !at.IsZero() && !now.Before(at) {
		o.overtake()
	}
	if o.saving || o.c.Active() || o.finished {
		return nil
	}
	due := !o.dueAt.IsZero() && !now.Before(o.dueAt)
	if len(o.asked) > 0 {
		o.begin(now, o.batch())
	} else if due {
		o.begin(now, nil)
	}
	return nil
}

// batch takes the requests that one checkpoint can serve: one savepoint, or all ordinary ones.
func (o *overseer) batch() (now []request) {
	if o.asked[0].to != nil {
		now, o.asked = o.asked[:1:1], o.asked[1:]
		return now
	}
	var rest []request
	for _, r := range o.asked {
		if r.to == nil {
			now = append(now, r)
		} else {
			rest = append(rest, r)
		}
	}
	o.asked = rest
	return now
}

// begin starts a checkpoint at the sources. Batch jobs make none: their operators keep what they have until
// the end, and a crash starts them over.
func (o *overseer) begin(now time.Time, for_ []request) {
	o.dueAt = time.Time{}
	if o.opts.Interval > 0 {
		o.dueAt = now.Add(o.opts.Interval)
	}
	if o.a.graph.settings.Batch {
		return
	}
	id, ok := o.c.Begin()
	if !ok { // all tasks have ended: the last checkpoint is near
		for _, r := range for_ {
			if r.to != nil {
				r.done(checkpoint.Saved{}, errors.New("the job has come to its end"))
			} else {
				o.now = append(o.now, r)
			}
		}
		return
	}
	o.now, o.began, o.ahead = for_, now, false
	stop := goOn
	if len(for_) > 0 && for_[0].to != nil {
		stop = for_[0].stop
	}
	o.stats.begin(id, len(for_) > 0 && for_[0].to != nil, now)
	if stop != goOn {
		o.a.run.stopAt.Store(id)
	}
	if stop == drain {
		o.a.run.drainAt.Store(id)
	}
	o.a.trigger(id, stop)
}

// ack takes what a task tells.
func (o *overseer) ack(a ack) {
	o.c.Ack(a.task, a.id, a.state)
	if o.c.Active() {
		o.stats.acked(o.c.Acked())
	}
}

// complete gives the checkpoint to save next, nil if there is none.
func (o *overseer) complete(now time.Time) *saveTask {
	if o.saving || o.finished {
		return nil
	}
	t := &saveTask{to: o.opts.Checkpoints}
	if o.last != nil {
		if now.Before(o.dueAt) {
			return nil
		}
		t.c, t.last, o.last = o.last, true, nil
		t.c.ID++
	} else if t.c, t.last = o.c.Complete(); t.c == nil {
		return nil
	}
	if t.last {
		o.began = now
		if o.stats != nil {
			o.stats.begin(t.c.ID, false, now)
		}
	}
	o.saving = true
	t.until = o.began.Add(o.timeout())
	t.c.Job, t.c.Settings, t.c.Operators, t.c.Time = o.opts.JobName, o.opts.Settings, o.a.operators, o.began
	if len(o.now) > 0 && o.now[0].to != nil {
		t.to, t.c.Savepoint = o.now[0].to, true
	}
	return t
}

// save makes the checkpoint durable. It may run while tasks go on.
func (t *saveTask) save(ctx context.Context) (checkpoint.Saved, error) {
	if t.to == nil {
		t.c.Close()
		return checkpoint.Saved{}, nil
	}
	return t.to.Save(ctx, t.c)
}

// saved takes what came of a save: sinks commit, or the failure is counted. An error fails the job.
func (o *overseer) saved(now time.Time, t *saveTask, s checkpoint.Saved, err error) error {
	o.saving = false
	if err != nil {
		if t.last {
			o.last = t.c
		}
		return o.failed(now, err)
	}
	if o.opts.Interval > 0 {
		if at := now.Add(o.opts.MinPause); o.dueAt.Before(at) {
			o.dueAt = at
		}
	}
	o.stats.end(now, s, nil)
	stop := goOn
	if t.c.Savepoint {
		stop = o.now[0].stop
	} else {
		o.inARow = 0
	}
	o.finished = t.last || stop != goOn
	if !t.c.Savepoint || stop != goOn {
		o.a.commit(t.c.ID, o.finished)
	}
	o.answer(s, nil)
	if o.finished {
		o.refuse(errors.New("the job has ended"))
	}
	return nil
}

func (o *overseer) answer(s checkpoint.Saved, err error) {
	for _, r := range o.now {
		r.done(s, err)
	}
	o.now = nil
}

// refuse answers the requests that wait.
func (o *overseer) refuse(err error) {
	for _, r := range o.asked {
		r.done(checkpoint.Saved{}, err)
	}
	o.asked = nil
}

// failed counts a checkpoint that came to nothing. The next one holds what it held.
func (o *overseer) failed(now time.Time, cause error) error {
	o.stats.end(now, checkpoint.Saved{}, cause)
	savepoint, stop := false, goOn
	if len(o.now) > 0 && o.now[0].to != nil {
		savepoint, stop = true, o.now[0].stop
	}
	o.answer(checkpoint.Saved{}, cause)
	if stop != goOn {
		o.a.run.stopAt.Store(0)
		o.a.resume()
	}
	if stop == drain {
		return fmt.Errorf("savepoint after which the job should have ended: %w", cause)
	}
	if o.last != nil {
		o.dueAt = now.Add(max(o.opts.Interval, lastRetry))
	}
	if savepoint {
		return nil
	}
	if o.inARow++; o.opts.TolerableFailures >= 0 && o.inARow > o.opts.TolerableFailures {
		return fmt.Errorf("checkpoint: %w", cause)
	}
	return nil
}

// lastRetry is how long the job's result waits before it is saved again.
const lastRetry = time.Second

// newCoordinator numbers checkpoints on from the one that the job was restored from, and from what its
// store already has.
func newCoordinator(a *assembly, from *checkpoint.Checkpoint) *checkpoint.Coordinator {
	names := make([]string, len(a.tasks))
	for i, t := range a.tasks {
		names[i] = t.name
	}
	after := int64(0)
	if from != nil {
		after = from.ID
	}
	if s, ok := a.run.opts.Checkpoints.(interface{ Highest() int64 }); ok {
		after = max(after, s.Highest())
	}
	return checkpoint.NewCoordinator(names, after)
}

// trigger begins checkpoint id at the sources.
func (a *assembly) trigger(id int64, stop stopMode) {
	for _, t := range a.tasks {
		if t.src != nil {
			t.in.push(event{kind: triggerEvent, id: id, stop: stop})
		}
	}
}

// commit tells every task that a checkpoint is durable; the last one lets them go.
func (a *assembly) commit(id int64, last bool) {
	for _, t := range a.tasks {
		if last || len(t.sinks) > 0 {
			t.in.push(event{kind: commitEvent, id: id, last: last})
		}
	}
}

// resume lets tasks go on that had stopped behind a barrier.
func (a *assembly) resume() {
	for _, t := range a.tasks {
		t.in.push(event{kind: resumeEvent})
	}
}
