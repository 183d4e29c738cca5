package exec

import (
	"weir/exec/op"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// link is a part of a task's chain. What it makes goes to the links behind it by plain calls.
type link interface {
	process(port int, b *vec.Batch) error
	watermark(wm types.Time) error
	idle() error
	// barrier passes the barrier on, then saves what the link holds.
	barrier(id int64) error
	end() error
}

// fanout hands events to each of several links: a node with two consumers.
type fanout []link

func (f fanout) process(b *vec.Batch) error {
	for _, l := range f {
		if err := l.process(0, b); err != nil {
			return err
		}
	}
	return nil
}

func (f fanout) watermark(wm types.Time) error {
	for _, l := range f {
		if err := l.watermark(wm); err != nil {
			return err
		}
	}
	return nil
}

func (f fanout) idle() error {
	for _, l := range f {
		if err := l.idle(); err != nil {
			return err
		}
	}
	return nil
}

func (f fanout) barrier(id int64) error {
	for _, l := range f {
		if err := l.barrier(id); err != nil {
			return err
		}
	}
	return nil
}

func (f fanout) end() error {
	for _, l := range f {
		if err := l.end(); err != nil {
			return err
		}
	}
	return nil
}

// opLink is an operator in a chain. It is the operator's Emitter.
type opLink struct {
	t     *task
	name  string // of the plan node, for messages
	op    op.Operator
	tick  op.Ticker // nil: no timers
	async op.Async  // nil: asks nothing
	ctx   *op.Context
	fn    *fn.Ctx
	in    types.Time // last watermark received
	wm    types.Time // last passed on
	next  fanout
	stats *nodeStats
	// opened: Open was called, so Close must be.
	opened bool
	// ending: the input has ended, but answers are missing; resting: it is idle, and they are.
	ending, resting bool
}

// Emit passes rows on.
func (l *opLink) Emit(b *vec.Batch) error {
	n := b.Len()
	if n == 0 {
		return nil
	}
	l.stats.rowsOut.Add(int64(n))
	return l.next.process(b)
}

// enter notes which operator runs, so that an error or a panic can be attributed; it gives the one before.
func (l *opLink) enter() (before string) {
	before, l.t.at = l.t.at, l.name
	l.fn.NowMicros = l.t.now
	return before
}

func (l *opLink) leave(before string, err error) error {
	if err != nil {
		return l.t.blame(err)
	}
	l.t.at = before
	return nil
}

func (l *opLink) process(port int, b *vec.Batch) error {
	l.stats.rowsIn.Add(int64(b.Len()))
	l.resting = false
	before := l.enter()
	return l.leave(before, l.op.Process(port, b, l))
}

func (l *opLink) watermark(wm types.Time) error {
	l.resting = false
	return l.passOn(wm)
}

func (l *opLink) passOn(wm types.Time) error {
	before := l.enter()
	l.fn.Watermark, l.in = wm, wm
	out, err := l.op.Watermark(wm, l)
	if err = l.leave(before, err); err != nil || out <= l.wm {
		return err
	}
	l.wm = out
	l.stats.watermark.Store(int64(out))
	return l.next.watermark(out)
}

// idle tells those behind not to wait for this one. As long as answers are missing they must: rows are still to come.
func (l *opLink) idle() error {
	if l.resting = l.async != nil && l.async.Pending() > 0; l.resting {
		return nil
	}
	return l.next.idle()
}

func (l *opLink) barrier(id int64) error {
	if id == l.t.run.drainAt.Load() {
		before := l.enter()
		if err := l.leave(before, l.op.End(l)); err != nil {
			return err
		}
	}
	if f, ok := l.op.(op.Flusher); ok {
		before := l.enter()
		if err := l.leave(before, f.Flush(l)); err != nil {
			return err
		}
	}
	if err := l.next.barrier(id); err != nil {
		return err
	}
	before := l.enter()
	return l.leave(before, l.op.Snapshot())
}

func (l *opLink) end() error {
	if l.async != nil && l.async.Pending() > 0 {
		l.ending = true
		l.t.unanswered++
		return nil
	}
	before := l.enter()
	if err := l.leave(before, l.op.End(l)); err != nil {
		return err
	}
	if l.wm < types.MaxTime { // an operator that held the last watermark back has nothing left to wait for
		l.wm = types.MaxTime
		if err := l.next.watermark(types.MaxTime); err != nil {
			return err
		}
	}
	return l.next.end()
}

// complete hands the operator an answer, then what waited for it.
func (l *opLink) complete(r *reply) error {
	before := l.enter()
	if err := l.leave(before, l.async.Complete(r.id, r.batch, r.err, l)); err != nil {
		return err
	}
	if l.in > l.wm {
		if err := l.passOn(l.in); err != nil {
			return err
		}
	}
	if l.async.Pending() > 0 {
		return nil
	}
	if l.resting {
		l.resting = false
		if err := l.next.idle(); err != nil {
			return err
		}
	}
	if !l.ending {
		return nil
	}
	l.ending = false
	l.t.unanswered--
	if err := l.end(); err != nil {
		return err
	}
	return l.t.finished()
}

// publish makes the operator's own counters readable.
func (l *opLink) publish() {
	m := l.ctx.Metrics
	l.stats.late.Store(m.LateDropped)
	l.stats.groups.Store(m.Groups)
	l.stats.stateBytes.Store(m.StateBytes)
	l.stats.lookup.found.Store(m.Found)
	l.stats.lookup.missed.Store(m.Missed)
}
