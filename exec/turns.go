package exec

import (
	"sync"
	"time"

	"weir/connectors"
	"weir/planner"
)

// Two inputs that end race: whether a row that is late by its own input's watermark counts depends on how far the
// other input has come. So that the same files give the same rows, a job at parallelism 1 whose sources are all files
// reads in turns. A source says where a turn ends, behind the watermark of its rows: after every record of the first
// 256, then after ever more, so that large inputs move in whole batches. A task reads one turn of each of its
// ports after the other, waiting where there is none yet, and says where a turn of its own ends when one of each
// port has. Barriers go behind the same turn in every source, so that a checkpoint, or a restart from one, changes nothing.
//
// That is for files. An input that gives nothing for turnPatience while another one waits for it is no file: the
// task goes on in order of arrival from then on, and a barrier that is owed for so long goes at once.
//
// A plan in which a stage feeds two others does not read in turns: they could wait for each other.
const (
	singleTurns = 256
	longestTurn = 4096
	// turnPatience is how long a turn may make others wait.
	turnPatience = time.Second
)

// turnEnd is the count at which the turn ends that a source is in after it has read so many records.
func turnEnd(read int64) int64 {
	if read < singleTurns {
		return read + 1
	}
	end, size := int64(singleTurns), int64(2)
	for end <= read && size < longestTurn {
		end += size
		size *= 2
	}
	if end > read {
		return end
	}
	return end + ((read-end)/longestTurn+1)*longestTurn
}

// takesTurns tells whether a plan is read in turns.
func (a *assembly) takesTurns() bool {
	timed, several := false, false
	for _, s := range a.graph.stages {
		if s.parallelism > 1 {
			return false
		}
		if scan, ok := s.head.(*planner.Scan); ok {
			timed = timed || scan.Watermark != nil
		}
		for _, t := range s.tasks {
			several = several || len(t.ports) > 1
			if len(t.outs) > 1 || t.src != nil && !turnable(t.src.src) {
				return false
			}
		}
	}
	return timed && several && !a.graph.settings.Batch
}

// turnable tells whether a source can be read in turns: it ends, and what it has is there at once, as in files.
func turnable(src connectors.Source) bool {
	here, ok := src.(connectors.Immediate)
	return src.Bounded() && ok && here.Immediate()
}

// takeTurns makes tasks and sources read in turns, where the plan does.
func (a *assembly) takeTurns() {
	if !a.takesTurns() {
		return
	}
	clock := &turnClock{ended: map[*source]int{}, planned: map[int]int64{}}
	for _, t := range a.tasks {
		t.inTurns, t.turnBy = len(t.ports) > 1, never
		if t.src != nil {
			t.src.turns = clock
		}
	}
}

// turnClock is what the sources of a job that is read in turns share: how many turns each has ended, and behind
// which turn the barrier of a checkpoint goes.
type turnClock struct {
	mu      sync.Mutex
	ended   map[*source]int
	planned map[int]int64 // checkpoint by turn
	last    int64         // checkpoint planned last
}

// plan puts a checkpoint's barrier behind the first turn that no source has ended yet.
func (c *turnClock) plan(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id == c.last {
		return
	}
	most := 0
	for _, n := range c.ended {
		most = max(most, n)
	}
	c.last, c.planned[most+1] = id, id
}

// end counts a turn that a source has ended, and gives the checkpoint whose barrier goes behind it; 0: none.
func (c *turnClock) end(s *source) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended[s]++
	return c.planned[c.ended[s]]
}

// nextInTurn gives the next event of the port whose turn it is.
func (t *task) nextInTurn() (event, bool) {
	if e, ok := t.queueAll(); ok {
		return e, true
	}
	for range t.ports {
		p := &t.ports[t.turn]
		if e, ok := t.unqueue(t.turn); ok {
			t.turnBy = never
			return e, true
		}
		if !p.ended && !p.blocked {
			if t.waiting > 0 && t.turnBy == never {
				t.turnBy = t.after(turnPatience)
			}
			break
		}
		t.turn = (t.turn + 1) % len(t.ports)
	}
	return event{}, false
}

// losePatience ends the taking of turns where one was waited for too long.
func (t *task) losePatience() {
	if t.inTurns && t.turnBy <= t.now {
		t.inTurns = false
	}
}

// waits tells whether events wait in the queues of ports that could be handled now.
func (t *task) waits() bool {
	for i := range t.ports {
		p := &t.ports[i]
		if t.inTurns && i != t.turn && !t.ports[t.turn].ended && !t.ports[t.turn].blocked {
			continue
		}
		if !p.blocked && len(p.pending) > 0 {
			return true
		}
	}
	return false
}

// endTurn notes the end of a port's turn.
func (t *task) endTurn(port int) error {
	t.ports[port].turns++
	if port == t.turn {
		t.turn = (t.turn + 1) % len(t.ports)
	}
	return t.passTurns()
}

// passTurns passes on the turns that have ended at all ports.
func (t *task) passTurns() error {
	least := -1
	for i := range t.ports {
		if p := &t.ports[i]; !p.ended && (least < 0 || p.turns < least) {
			least = p.turns
		}
	}
	for ; t.turned < least; t.turned++ {
		if err := t.passTurn(); err != nil {
			return err
		}
	}
	return nil
}

// passTurn says behind the task that a turn has ended.
func (t *task) passTurn() error {
	for _, o := range t.outs {
		if err := o.signal(event{kind: turnEvent}); err != nil {
			return err
		}
	}
	return nil
}

// restOfTurn is how many records are left of the source's turn.
func (s *source) restOfTurn() int { return int(turnEnd(s.turned) - s.turned) }

// countTurn counts records that were read, no more than the turn had left. The source must stand behind them.
func (s *source) countTurn(n int) error {
	if s.turns == nil {
		return nil
	}
	end := turnEnd(s.turned)
	if s.turned += int64(n); s.turned < end {
		return nil
	}
	if err := s.t.passTurn(); err != nil {
		return err
	}
	if id := s.turns.end(s); id > s.sent {
		return s.barrier(id)
	}
	return nil
}

// owe takes the request of a checkpoint's barrier.
func (s *source) owe(id int64) {
	s.turns.plan(id)
	if id > s.sent {
		s.owed, s.owedBy = id, s.t.after(turnPatience)
	}
}

// wanted is how many rows a reader of batches is asked for.
func (s *source) wanted() int {
	if s.turns == nil {
		return s.batchRows
	}
	return min(s.batchRows, s.restOfTurn())
}

// emitBatch emits a batch that a reader made. A batch larger than was wanted counts as what was.
func (s *source) emitBatch(in *read) error {
	if err := s.emitRows(in.split, in.batch, nil); err != nil {
		return err
	}
	in.split.Offset = in.offset
	if s.turns == nil {
		return nil
	}
	return s.countTurn(min(in.batch.Len(), s.restOfTurn()))
}
