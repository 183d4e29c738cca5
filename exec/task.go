package exec

import (
	"context"
	"errors"
	"fmt"
	"time"

	"weir/exec/checkpoint"
	"weir/exec/state"
	"weir/sql/types"
)

// errStopped is what a task ends with when the job is being torn down.
var errStopped = errors.New("job stopped")

// TaskError is a failure of a job, with the operator it happened in.
type TaskError struct {
	Operator string
	Instance int
	Err      error
}

// Error names the operator, then the cause.
func (e *TaskError) Error() string { return e.Operator + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *TaskError) Unwrap() error { return e.Err }

// port is one input of a task: one upstream task.
type port struct {
	from    *edge
	logical int        // the port of the head operator
	wm      types.Time // last received
	idle    bool
	behind  bool // woke from idleness with a watermark behind the task's: not waited for until it catches up
	ended   bool
	blocked bool    // its barrier has come, others have not
	turns   int     // that have ended; see turns.go
	pending []event // what came since, in order
}

// task is a chain of operators with one queue: the unit that runs. Only its runner calls it.
type task struct {
	name     string
	instance int
	run      *runtime
	ctx      context.Context
	in       *inbox
	ports    []port
	live     int // ports that have not ended
	src      *source
	head     link // nil for a source
	ops      []*opLink
	sinks    []*sinkLink
	outs     []*output
	store    state.Snapshotter

	at      string // the operator that runs, for messages
	now     int64  // microseconds of the processing clock, at the current event
	wm      types.Time
	idle    bool
	barrier int64 // being aligned; 0: none
	arrived int
	waiting int           // pending events over all ports
	parked  []event       // of a source, while an operator is full
	blocked time.Duration // waited for credit since last counted
	// finishing: the end went through the chain, as far as operators with unanswered requests.
	finishing  bool
	unanswered int // such operators
	ended      bool
	done       bool // ended and committed
	// pick chooses among n ports that have something, in the simulator; nil: in order of arrival.
	pick    func(n int) int
	started bool
	// inTurns: ports are read in turns; turn is the port whose turn it is, turned how many turns of all ports have ended.
	inTurns      bool
	turn, turned int
	turnBy       int64 // microseconds: the end of the patience with the port whose turn it is
	// restoredEnd: the checkpoint that the task came from saw its end.
	restoredEnd bool
	tokens      []staged
	acked       int64 // the last barrier that was acknowledged
	rejects     rejecter
	headID      string  // of the plan node
	flight      *flight // nil: nothing was overtaken
	urgent      bool    // what it sends waits for no credit
	// halted: the task stopped behind the barrier of a checkpoint that ends the job. Only the commit of
	// it, or that it came to nothing, is heard.
	halted bool
}

// staged are the tokens of a checkpoint that is not known to be durable yet.
type staged struct {
	id     int64
	last   bool
	tokens []checkpoint.Token
}

// blame attributes an error to the operator that runs. It keeps the attribution made nearest to the cause.
func (t *task) blame(err error) error {
	var te *TaskError
	if err == nil || errors.Is(err, errStopped) || errors.As(err, &te) {
		return err
	}
	return &TaskError{Operator: t.at, Instance: t.instance, Err: err}
}

// handle holds the control flow of a task: what each event means for it.
func (t *task) handle(e event) error {
	t.now = t.run.clock().UnixMicro()
	err := t.dispatch(e)
	if err == nil {
		err = t.showRejected()
	}
	if e.kind <= endEvent {
		t.ports[e.port].from.release(&e)
	}
	for _, l := range t.ops {
		l.publish()
	}
	return t.blame(err)
}

func (t *task) dispatch(e event) error {
	if t.restoredEnd && e.kind < endEvent || t.finishing && e.kind < answerEvent {
		return nil
	}
	if t.flight != nil && e.kind <= endEvent {
		t.record(&e)
	}
	switch e.kind {
	case batchEvent:
		t.wakePort(e.port)
		return t.head.process(t.ports[e.port].logical, e.batch)
	case watermarkEvent:
		t.wakePort(e.port)
		p := &t.ports[e.port]
		p.wm = max(p.wm, e.time)
		p.behind = p.behind && p.wm < t.wm
		return t.merge()
	case idleEvent:
		t.ports[e.port].idle = true
		return t.merge()
	case barrierEvent:
		return t.align(e)
	case turnEvent:
		return t.endTurn(e.port)
	case endEvent:
		t.ports[e.port].ended = true
		t.live--
		if t.flight != nil {
			t.flight.close(e.port)
			if err := t.land(); err != nil {
				return err
			}
		}
		return t.portEnded()
	case answerEvent:
		return e.reply.to.complete(e.reply)
	case commitEvent:
		return t.commit(e.id, e.last)
	case resumeEvent:
		t.halted = false
		return nil
	default:
		return t.src.handle(e)
	}
}

func (t *task) wakePort(i int) {
	if p := &t.ports[i]; p.idle {
		p.idle = false
		p.behind = p.wm < t.wm
	}
}

// merge passes on the minimum of the ports that are waited for. When all live ports are idle there is
// nothing to wait for: then it is the greatest of theirs.
func (t *task) merge() error {
	least, most := types.MaxTime, types.MinTime
	awake, waitedFor := false, false
	for i := range t.ports {
		p := &t.ports[i]
		switch {
		case p.ended:
		case p.idle:
			most = max(most, p.wm)
		default:
			awake = true
			if !p.behind {
				waitedFor = true
				least = min(least, p.wm)
			}
		}
	}
	if t.live == 0 || awake && !waitedFor {
		return nil
	}
	if !awake {
		least = most
	}
	if least > t.wm {
		t.wm = least
		if err := t.head.watermark(least); err != nil {
			return err
		}
	}
	wasIdle := t.idle
	t.idle = !awake
	if t.idle && !wasIdle {
		return t.head.idle()
	}
	return nil
}

// portEnded goes on without a port: it holds back neither the watermark nor a barrier.
func (t *task) portEnded() error {
	if t.live == 0 {
		return t.finish()
	}
	if err := t.merge(); err != nil {
		return err
	}
	if err := t.passTurns(); err != nil {
		return err
	}
	if t.barrier != 0 && t.arrived == t.live {
		return t.aligned()
	}
	return nil
}

// align counts a barrier in. Its port is blocked until those of all live ports are there.
func (t *task) align(e event) error {
	if e.id <= t.acked || e.id < t.barrier {
		return nil // the task has overtaken it, or a sender the barrier before
	}
	if t.flight != nil {
		t.dropFlight() // of a checkpoint that came to nothing
	}
	if t.barrier > 0 && t.barrier < e.id {
		t.unalign() // a sender has overtaken it
	}
	if t.barrier == 0 {
		t.barrier, t.arrived = e.id, 0
	}
	t.ports[e.port].blocked = true
	if t.arrived++; t.arrived < t.live {
		return nil
	}
	return t.aligned()
}

func (t *task) aligned() error {
	id := t.barrier
	t.barrier, t.arrived = 0, 0
	for i := range t.ports {
		t.ports[i].blocked = false
	}
	if err := t.head.barrier(id); err != nil {
		return err
	}
	return t.acknowledge(id, false)
}

// start begins the task's work, where a checkpoint left it.
func (t *task) start() error {
	t.started = true
	t.now = t.run.clock().UnixMicro()
	var err error
	switch {
	case t.restoredEnd && t.src != nil:
		err = t.finish()
	case t.restoredEnd:
	case t.src != nil:
		if t.wm > types.MinTime {
			err = t.src.pass(t.wm)
		}
		if err == nil {
			err = t.src.begin()
		}
	case t.wm > types.MinTime:
		err = t.head.watermark(t.wm)
	}
	return t.blame(err)
}

// step does the next thing there is to do; worked is false when there is nothing.
func (t *task) step() (worked bool, err error) {
	if err := t.control(); err != nil {
		return false, err
	}
	e, ok := t.next()
	switch {
	case ok:
		err = t.handle(e)
	case t.src != nil && !t.halted && !t.full():
		ok, err = t.src.resume()
	}
	if !ok {
		t.now = t.run.clock().UnixMicro()
	}
	if err == nil && t.deadline() <= t.now {
		return true, t.blame(t.ticks())
	}
	return ok, err
}

// pass sends the last watermark and the end through the task's chain. A task whose end was restored has
// nothing left in its operators: only the tasks behind it are told.
func (t *task) pass() error {
	if t.restoredEnd {
		for _, o := range t.outs {
			if err := errors.Join(o.watermark(types.MaxTime), o.end()); err != nil {
				return err
			}
		}
		return nil
	}
	if t.src != nil {
		if err := t.src.next.watermark(types.MaxTime); err != nil {
			return err
		}
		return t.src.next.end()
	}
	if err := t.head.watermark(types.MaxTime); err != nil {
		return err
	}
	return t.head.end()
}

// finish ends the task: its last watermark, what operators still hold, and the end to those behind it.
func (t *task) finish() error {
	t.wm, t.finishing = types.MaxTime, true
	if err := t.pass(); err != nil {
		return err
	}
	return t.finished()
}

// finished reports the task's end once the end has gone all through its chain.
func (t *task) finished() error {
	if t.unanswered > 0 || t.ended {
		return nil
	}
	t.ended = true
	return t.acknowledge(0, true)
}

// acknowledge reports the task's part of a checkpoint, or its last part, to the coordinator.
func (t *task) acknowledge(id int64, last bool) error {
	part, err := t.part(id, last)
	if err == nil {
		t.run.acknowledge(ack{t.name, id, part})
	}
	return err
}

// part makes the task's part of a checkpoint, or its last.
func (t *task) part(id int64, last bool) (*checkpoint.Task, error) {
	if err := t.flushRejected(id); err != nil {
		return nil, err
	}
	part := &checkpoint.Task{Ended: last, Watermark: t.wm, Held: t.held()}
	now := staged{id: id, last: last}
	for _, s := range t.sinks {
		if s.token != nil {
			now.tokens = append(now.tokens, checkpoint.Token{Sink: s.id, Bytes: s.token})
		}
		s.token = nil
	}
	if now.tokens != nil {
		t.tokens = append(t.tokens, now)
	}
	for _, s := range t.tokens { // of checkpoints that failed, too: this one stands for them
		part.Tokens = append(part.Tokens, s.tokens...)
	}
	if t.src != nil {
		part.Splits, part.Read = t.src.snapshot()
	}
	if !last && t.store != nil && len(t.ops) > 0 && !t.run.unkept {
		picture, err := t.store.Snapshot()
		if err != nil {
			return nil, err
		}
		part.State = picture
	}
	if !last {
		t.acked = id
		t.halted = id == t.run.stopAt.Load()
	}
	return part, nil
}

// held lists the operators that have not had the task's watermark: one before them waits for something.
func (t *task) held() (out map[string]types.Time) {
	for _, l := range t.ops {
		if l.in != t.wm && l.ctx != nil && l.ctx.ID != "" {
			if out == nil {
				out = map[string]types.Time{}
			}
			out[l.ctx.ID] = l.in
		}
	}
	return out
}

// commit publishes what the sinks staged for checkpoint id and those before it. What they staged at the
// task's end is part of the checkpoints whose barrier the task never saw.
func (t *task) commit(id int64, last bool) error {
	for len(t.tokens) > 0 {
		s := t.tokens[0]
		if durable := last || s.last && t.acked < id || !s.last && s.id <= id; !durable {
			break
		}
		if err := t.publish(s.tokens); err != nil {
			return err
		}
		t.tokens = t.tokens[1:]
	}
	t.done = t.done || last
	return nil
}

func (t *task) publish(tokens []checkpoint.Token) error {
	for _, token := range tokens {
		for _, s := range t.sinks {
			if s.id != token.Sink {
				continue
			}
			t.at = s.name
			if err := s.sink.Commit(t.ctx, token.Bytes); err != nil {
				return fmt.Errorf("commit: %w", err)
			}
		}
	}
	return nil
}

// close releases what the task's links hold. It is called however the task ended.
func (t *task) close() error {
	var errs []error
	if t.src != nil {
		errs = append(errs, t.src.close())
	}
	for _, l := range t.ops {
		if l.opened {
			errs = append(errs, l.op.Close())
		}
	}
	for _, s := range t.sinks {
		errs = append(errs, s.sink.Close())
	}
	errs = append(errs, t.closeRejected())
	if t.store != nil {
		errs = append(errs, t.store.Close())
	}
	return errors.Join(errs...)
}
