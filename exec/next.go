package exec

// next gives the next event that may be handled now. Events of a blocked port wait in its pending queue,
// their credit not given back.
func (t *task) next() (event, bool) {
	if t.halted {
		return t.nextAtLeast(commitEvent)
	}
	if t.full() {
		return t.nextAtLeast(answerEvent)
	}
	if len(t.parked) > 0 {
		e := t.parked[0]
		t.parked = t.parked[1:]
		return e, true
	}
	if t.inTurns {
		return t.nextInTurn()
	}
	if t.pick != nil {
		return t.nextPicked()
	}
	if t.waiting > 0 {
		for i := range t.ports {
			if e, ok := t.unqueue(i); ok {
				return e, true
			}
		}
	}
	for {
		e, ok := t.in.pop()
		if !ok {
			return event{}, false
		}
		if e.kind > endEvent {
			return e, true
		}
		p := &t.ports[e.port]
		if !p.blocked && len(p.pending) == 0 {
			return e, true
		}
		p.pending = append(p.pending, e)
		t.waiting++
	}
}

// full tells whether an operator waits for an answer before it takes more.
func (t *task) full() bool {
	for _, l := range t.ops {
		if l.async != nil && l.async.Full() {
			return true
		}
	}
	return false
}

// nextAtLeast gives the next event of a kind, or of one behind it in their order; the others wait.
func (t *task) nextAtLeast(kind eventKind) (event, bool) {
	for e, ok := t.in.pop(); ok; e, ok = t.in.pop() {
		switch {
		case e.kind <= endEvent:
			t.ports[e.port].pending = append(t.ports[e.port].pending, e)
			t.waiting++
		case e.kind < kind:
			t.parked = append(t.parked, e)
		default:
			return e, true
		}
	}
	return event{}, false
}

// nextPicked gives the oldest event of any port that is not blocked; only order within a port is kept.
func (t *task) nextPicked() (event, bool) {
	if e, ok := t.queueAll(); ok {
		return e, true
	}
	var some []int
	for i := range t.ports {
		if p := &t.ports[i]; !p.blocked && len(p.pending) > 0 {
			some = append(some, i)
		}
	}
	if len(some) == 0 {
		return event{}, false
	}
	return t.unqueue(some[t.pick(len(some))])
}

// unqueue gives the oldest pending event of a port that is not blocked.
func (t *task) unqueue(i int) (event, bool) {
	p := &t.ports[i]
	if p.blocked || len(p.pending) == 0 {
		return event{}, false
	}
	e := p.pending[0]
	p.pending[0] = event{}
	if p.pending = p.pending[1:]; len(p.pending) == 0 {
		p.pending = nil
	}
	t.waiting--
	return e, true
}

// queueAll puts what came to the ports into their queues; an event that came to none is given at once.
func (t *task) queueAll() (event, bool) {
	for e, ok := t.in.pop(); ok; e, ok = t.in.pop() {
		if e.kind > endEvent {
			return e, true
		}
		t.ports[e.port].pending = append(t.ports[e.port].pending, e)
		t.waiting++
	}
	return event{}, false
}
