package exec

import (
	"math"
	"time"

	"weir/sql/types"
)

// never is a deadline, in microseconds, that does not come.
const never = int64(math.MaxInt64)

// deadline is when the task wants to be woken though nothing has come: processing-time timers, small
// batches to flush, sinks that linger, idle splits. Microseconds of the processing clock.
func (t *task) deadline() int64 {
	if t.ended || t.halted {
		return never
	}
	at := never
	if t.inTurns {
		at = t.turnBy
	}
	for _, l := range t.ops {
		if l.tick != nil {
			at = min(at, l.tick.NextTick().Micros())
		}
	}
	for _, o := range t.outs {
		at = min(at, o.flushAt)
	}
	for _, s := range t.sinks {
		at = min(at, s.tickAt)
	}
	if t.src != nil {
		at = min(at, t.src.deadline())
	}
	return at
}

// ticks does what is due by the clock.
func (t *task) ticks() error {
	now := t.run.clock()
	t.now = now.UnixMicro()
	t.losePatience()
	for _, l := range t.ops {
		if l.tick == nil || l.tick.NextTick().Micros() > t.now {
			continue
		}
		before := l.enter()
		if err := l.leave(before, l.tick.Tick(types.FromMicros(t.now), l)); err != nil {
			return err
		}
		l.publish()
	}
	for _, o := range t.outs {
		if o.flushAt <= t.now {
			if err := o.flush(); err != nil {
				return err
			}
		}
	}
	for _, s := range t.sinks {
		if s.tickAt <= t.now {
			if err := s.tick(now); err != nil {
				return t.blame(err)
			}
		}
	}
	if t.src != nil && t.src.deadline() <= t.now {
		return t.src.ticks(now)
	}
	return nil
}

// after is the deadline that lies d after now.
func (t *task) after(d time.Duration) int64 { return t.now + d.Microseconds() }
