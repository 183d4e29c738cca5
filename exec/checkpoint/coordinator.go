package checkpoint

// Coordinator collects what the tasks acknowledge into checkpoints, one at a time.
type Coordinator struct {
	tasks  []string
	ended  map[string]*Task // final contributions
	acks   map[string]*Task // of the checkpoint under way
	id     int64
	active bool
	final  bool // the last checkpoint, of ended tasks alone, was given
}

// NewCoordinator makes the coordinator of the tasks. The first checkpoint is number after+1.
func NewCoordinator(tasks []string, after int64) *Coordinator {
	return &Coordinator{tasks: tasks, ended: map[string]*Task{}, id: after}
}

// Begin starts a checkpoint and gives its number. ok is false while another is under way, and when
// all tasks have ended.
func (c *Coordinator) Begin() (id int64, ok bool) {
	if c.active || c.allEnded() {
		return 0, false
	}
	c.id++
	c.active, c.acks = true, map[string]*Task{}
	return c.id, true
}

// ID is the number of the checkpoint under way, or of the last.
func (c *Coordinator) ID() int64 { return c.id }

// Active tells whether a checkpoint is under way.
func (c *Coordinator) Active() bool { return c.active }

// Abort gives the checkpoint under way up. Its barriers go on through the job, and what tasks still say
// to it is let go of.
func (c *Coordinator) Abort() {
	for _, t := range c.acks {
		t.Close()
	}
	c.active, c.acks = false, nil
}

// Acked is the number of tasks whose part of the checkpoint under way is there, of all.
func (c *Coordinator) Acked() (n, of int) {
	for _, name := range c.tasks {
		if c.acks[name] != nil || c.ended[name] != nil {
			n++
		}
	}
	return n, len(c.tasks)
}

func (c *Coordinator) allEnded() bool { return len(c.ended) == len(c.tasks) }

// Ack takes a task's contribution to checkpoint id, or its last one if it has ended.
func (c *Coordinator) Ack(task string, id int64, t *Task) {
	switch {
	case t.Ended:
		c.ended[task] = t
	case c.active && id == c.id:
		c.acks[task] = t
	default:
		t.Close()
	}
}

// Complete gives the checkpoint that has become complete, or nil; to be asked after each Ack until
// it gives nil. last says that it is the job's result: every task has ended in it.
func (c *Coordinator) Complete() (done *Checkpoint, last bool) {
	if c.active {
		if done = c.gather(); done != nil {
			c.active = false
		}
		return done, false
	}
	if !c.allEnded() || c.final {
		return nil, false
	}
	c.id++
	c.final, c.acks = true, nil
	return c.gather(), true
}

// gather makes a checkpoint if nothing is missing. A task that acknowledged the barrier and ended
// since counts as it was at the barrier.
func (c *Coordinator) gather() *Checkpoint {
	done := &Checkpoint{ID: c.id, Tasks: make(map[string]*Task, len(c.tasks))}
	for _, name := range c.tasks {
		t := c.acks[name]
		if t == nil {
			t = c.ended[name]
		}
		if t == nil {
			return nil
		}
		done.Tasks[name] = t
	}
	for _, name := range c.tasks {
		if t := done.Tasks[name]; t.Flight != nil {
			done.Tasks[name+FlightSuffix] = &Task{State: t.Flight}
			t.Flight = nil
		}
	}
	return done
}
