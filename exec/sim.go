package exec

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"weir/connectors"
	"weir/exec/checkpoint"
	"weir/planner"
	"weir/sql/vec"
)

// SimOptions say how a simulation goes.
type SimOptions struct {
	// Seed decides every choice: the same seed replays the same run.
	Seed uint64
	// Checkpoint is how likely a checkpoint begins at a step; 0: none before the end.
	Checkpoint float64
	// Crash is how likely a step is a crash; the job goes on from its last complete checkpoint.
	Crash float64
	// CrashAfterCheckpoint crashes once after each checkpoint that is not the last.
	CrashAfterCheckpoint bool
	// MaxCrashes bounds the crashes; 0: 10.
	MaxCrashes int
	// Start is the virtual time at the start; the zero value is 2024-01-01.
	Start time.Time
	// Reopen gives the store of checkpoints, at the start and after each crash; nil: Options.Checkpoints or, if
	// that is nil, one in memory.
	Reopen func() (checkpoint.Store, error)
	// Crashed tells, after each step, whether the machine has died in it; nil: never.
	Crashed func() bool
	// Passing tells of an error whether the job goes on after it, from its last checkpoint; nil: after none.
	Passing func(error) bool
	// Plan gives the plan of each life of the job, counted from 0; nil: the same one always. They may differ in parallelism.
	Plan func(life int) (*planner.Plan, error)
	// Overtake is how likely a checkpoint under way overtakes at a step what is queued.
	Overtake float64
	// Jump is how likely the clock jumps on at a step, by up to an hour.
	Jump float64
	// Quiet says what happens when the job has nothing left to do but wait; ok is false when nothing more does. Nil: nothing.
	Quiet func() (m Move, ok bool)
}

// Move is something that happens to a job that has nothing left to do but wait, one after the other.
type Move struct {
	// Save makes a checkpoint.
	Save bool
	// Restart ends the job; it goes on from its last checkpoint.
	Restart bool
	// Advance moves the clock on; what is due on the way happens then.
	Advance time.Duration
}

// SimStats is what a simulation did.
type SimStats struct {
	Steps, Crashes, Checkpoints, Restores, Overtaken int
}

// sim runs tasks in one thread: at each step one of the things that could happen next, chosen by the seed.
type sim struct {
	opts   SimOptions
	run    *runtime
	plan   *planner.Plan
	rng    *rand.Rand
	now    time.Time
	saved  checkpoint.Store
	staged map[string][]*vec.Batch // survives crashes, as hidden files do
	given  map[string]bool         // tokens committed
	stats  SimStats
	mark   bool // a checkpoint that is not the last was saved, and no crash has followed it

	a       *assembly
	over    *overseer
	acks    []ack
	readers []simReader
	asked   []func()    // requests of operators, not yet made
	listed  []time.Time // of each board
	until   time.Time   // where the clock is being moved to
	leaving bool        // the job ends once nothing is left to do
	restart bool
}

type simReader struct {
	s *source
	r *splitRun
}

// Simulate runs a bounded plan to its end in one thread, in virtual time. Where it may crash, rows of Collect
// roots are given when their checkpoint is complete: each once, however often the job crashed.
func Simulate(ctx context.Context, p *planner.Plan, opts Options, so SimOptions) (SimStats, error) {
	return newSim(p, newRuntimeAt(opts, so), so).main(ctx)
}

// newRuntimeAt makes a runtime whose clock and randomness are the simulation's; newSim sets them.
func newRuntimeAt(opts Options, so SimOptions) *runtime {
	env := connectors.Env{}
	if opts.Env != nil {
		env = *opts.Env
	}
	start := so.Start
	if start.IsZero() {
		start = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	env.Now = func() time.Time { return start }
	opts.Env = &env
	return newRuntime(opts)
}

func newSim(p *planner.Plan, r *runtime, so SimOptions) *sim {
	if so.MaxCrashes == 0 {
		so.MaxCrashes = 10
	}
	s := &sim{
		opts: so, run: r, plan: p, now: r.clock(), saved: &checkpoint.Memory{}, staged: map[string][]*vec.Batch{}, given: map[string]bool{},
		rng: rand.New(rand.NewPCG(so.Seed, 0)),
	}
	if r.opts.Checkpoints != nil {
		s.saved = r.opts.Checkpoints
	}
	r.single = true
	r.env.Now = func() time.Time { return s.now }
	r.env.Random = s.rng.Uint64
	r.clock = r.env.Now
	r.startReader = func(src *source, split *splitRun) { s.readers = append(s.readers, simReader{src, split}) }
	r.ask = func(request func()) { s.asked = append(s.asked, request) }
	r.acknowledge = func(a ack) { s.acks = append(s.acks, a) }
	if so.Crash > 0 || so.CrashAfterCheckpoint || so.Crashed != nil || so.Passing != nil || so.Quiet != nil {
		r.collect = func(*planner.Collect, *task) connectors.Sink { return &stagedRows{s: s} }
	}
	return s
}

func (s *sim) main(ctx context.Context) (stats SimStats, err error) {
	for life := 0; ; life++ {
		again, err := s.begin(ctx, life)
		if s.opts.Crashed != nil && s.opts.Crashed() || err != nil && s.opts.Passing != nil && s.opts.Passing(err) {
			again, err = true, nil
		}
		if err != nil {
			return s.stats, fmt.Errorf("%w (seed %d)", err, s.opts.Seed)
		}
		if !again {
			return s.stats, nil
		}
		s.stats.Crashes++
	}
}

// begin starts the job, from its last checkpoint unless it is the first time, and runs it until it ends or crashes.
func (s *sim) begin(ctx context.Context, life int) (crashed bool, err error) {
	if s.opts.Plan != nil {
		if s.plan, err = s.opts.Plan(life); err != nil {
			return false, err
		}
	}
	if s.opts.Reopen != nil {
		if s.saved, err = s.opts.Reopen(); err != nil {
			return false, err
		}
	}
	from := s.run.opts.Restore
	if life > 0 {
		if from, err = s.latest(ctx); err != nil {
			return false, err
		}
	}
	return s.life(ctx, from)
}

// latest is where a job that crashed goes on from.
func (s *sim) latest(ctx context.Context) (*checkpoint.Checkpoint, error) {
	from, err := s.saved.Latest(ctx)
	if err != nil || from == nil {
		return s.run.opts.Restore, err
	}
	s.stats.Restores++
	return from, nil
}

// life runs the job until it ends or crashes.
func (s *sim) life(ctx context.Context, from *checkpoint.Checkpoint) (crashed bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.acks, s.readers, s.asked, s.listed, s.restart = nil, nil, nil, nil, false
	at := ""
	defer func() {
		if r := recover(); r != nil {
			err = &TaskError{Operator: at, Err: fmt.Errorf("internal error: %v\n%s", r, debug.Stack())}
		}
	}()
	if s.opts.Plan != nil || s.opts.Reopen != nil { // a checkpoint is to say what its plan was
		s.run.opts.Checkpoints = s.saved
	}
	if s.a, err = assemble(ctx, s.run, s.plan, from); err != nil {
		return false, err
	}
	defer s.a.close()
	s.over = newOverseer(s.a, &s.run.opts, from, &checkpointStats{}, s.now)
	s.listed = make([]time.Time, len(s.a.scans))
	for _, t := range s.a.tasks {
		t.pick = s.rng.IntN
	}
	if err := s.a.settle(); err != nil {
		return false, err
	}
	for _, t := range s.a.tasks {
		if !t.started {
			if err := t.start(); err != nil {
				return false, err
			}
		}
	}
	for !s.finished() {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if s.mayCrash() {
			return true, nil
		}
		if err := s.step(ctx, &at); err != nil {
			return false, err
		}
		if s.restart || s.opts.Crashed != nil && s.opts.Crashed() {
			return true, nil
		}
	}
	return false, nil
}

func (s *sim) finished() bool {
	for _, t := range s.a.tasks {
		if !t.done {
			return false
		}
	}
	return true
}

func (s *sim) mayCrash() bool {
	if s.stats.Crashes >= s.opts.MaxCrashes {
		return false
	}
	if s.opts.CrashAfterCheckpoint && s.mark {
		s.mark = false
		return true
	}
	return s.opts.Crash > 0 && s.rng.Float64() < s.opts.Crash
}

// step does one thing: a task's step, a read, or the coordinator's work.
func (s *sim) step(ctx context.Context, at *string) error {
	s.stats.Steps++
	s.now = s.now.Add(time.Duration(s.rng.IntN(50)) * time.Microsecond)
	if s.opts.Jump > 0 && s.rng.Float64() < s.opts.Jump {
		s.now = s.now.Add(time.Duration(s.rng.Int64N(int64(time.Hour))))
	}
	if s.opts.Checkpoint > 0 && s.rng.Float64() < s.opts.Checkpoint {
		s.over.ask(request{done: func(checkpoint.Saved, error) {}})
	}
	if s.opts.Overtake > 0 && s.rng.Float64() < s.opts.Overtake && s.over.mayOvertake() {
		s.over.overtake()
		s.stats.Overtaken++
	}
	if err := s.over.proceed(s.now); err != nil {
		return err
	}
	var tasks []*task
	for _, t := range s.a.tasks {
		if s.runnable(t) {
			tasks = append(tasks, t)
		}
	}
	var readers []simReader
	for _, r := range s.readers {
		if len(r.r.turn) > 0 && !waiting(r.r) {
			readers = append(readers, r)
		}
	}
	n := len(tasks) + len(readers) + len(s.asked)
	if len(s.acks) > 0 || s.over.last != nil && !s.now.Before(s.over.dueAt) {
		n++
	}
	if n == 0 {
		return s.sleep(ctx)
	}
	switch i := s.rng.IntN(n); {
	case i < len(tasks):
		t := tasks[i]
		_, err := t.step()
		*at = t.at
		return err
	case i < len(tasks)+len(readers):
		s.read(readers[i-len(tasks)])
		return nil
	case i < len(tasks)+len(readers)+len(s.asked):
		i -= len(tasks) + len(readers)
		request := s.asked[i]
		s.asked = append(s.asked[:i], s.asked[i+1:]...)
		request()
		return nil
	}
	return s.collectAck()
}

// runnable tells whether a task has something to do and room for what comes of it.
func (s *sim) runnable(t *task) bool {
	if t.done || (t.halted || t.full()) && t.in.empty() {
		return false
	}
	if t.in.isOvertaken() {
		return true
	}
	for _, o := range t.outs {
		if o.full() {
			return false
		}
	}
	if !t.in.empty() || len(t.parked) > 0 || t.src != nil && !t.halted && len(t.src.ready) > 0 || t.deadline() <= s.now.UnixMicro() {
		return true
	}
	return t.waits()
}

// waiting tells whether a reader would only wait: until a Move lets something come.
func waiting(r *splitRun) bool {
	w, ok := r.reader.(interface{ Waiting() bool })
	return ok && w.Waiting()
}

// quiet makes the next move; false: there is none.
func (s *sim) quiet() bool {
	if s.leaving {
		s.leaving, s.restart = false, true
		return true
	}
	if s.opts.Quiet == nil {
		return false
	}
	m, ok := s.opts.Quiet()
	if !ok {
		return false
	}
	if m.Save {
		s.over.ask(request{done: func(checkpoint.Saved, error) {}})
	}
	s.leaving, s.until = m.Restart, s.now.Add(m.Advance)
	return true
}

func (s *sim) read(r simReader) {
	<-r.r.turn
	in := r.s.readOnce(r.r)
	if in.batch == nil && in.err == nil && r.r.chunk.Len() == 0 {
		s.now = s.now.Add(time.Millisecond) // nothing there yet
	}
	if in.err != nil {
		for i := range s.readers {
			if s.readers[i].r == r.r {
				s.readers = append(s.readers[:i], s.readers[i+1:]...)
				break
			}
		}
	}
	r.s.t.in.push(event{kind: readEvent, read: in})
}

func (s *sim) collectAck() error {
	if len(s.acks) > 0 {
		a := s.acks[0]
		s.acks = s.acks[1:]
		s.over.ack(a)
	}
	for {
		t := s.over.complete(s.now)
		if t == nil {
			return nil
		}
		s.stats.Checkpoints++
		saved, err := s.saved.Save(context.Background(), t.c)
		if err := s.over.saved(s.now, t, saved, err); err != nil {
			return err
		}
		s.mark = err == nil && !t.last
	}
}

// sleep moves the clock to the next deadline, when nothing else is left to do.
func (s *sim) sleep(ctx context.Context) error {
	at := never
	if s.now.Before(s.until) {
		at = s.until.UnixMicro()
	} else if s.quiet() {
		return nil
	}
	for _, t := range s.a.tasks {
		if !t.done {
			at = min(at, t.deadline())
		}
	}
	for i, b := range s.a.scans {
		every := b.src.Discovery()
		if every <= 0 {
			continue
		}
		if !s.now.Before(s.listed[i].Add(every)) {
			s.listed[i] = s.now
			if err := b.list(ctx); err != nil {
				return err
			}
			b.wakeAll()
			return nil
		}
		at = min(at, s.listed[i].Add(every).UnixMicro())
	}
	if s.over.last != nil {
		at = min(at, s.over.dueAt.UnixMicro())
	}
	if at == never {
		return errors.New("the simulation is stuck: no task can go on")
	}
	s.now = time.UnixMicro(max(at, s.now.UnixMicro())).UTC()
	return nil
}

// stagedRows is a transactional sink for Collect: rows are given once their checkpoint is complete.
type stagedRows struct {
	s    *sim
	rows []*vec.Batch
}

func (r *stagedRows) Write(_ context.Context, b *vec.Batch) error {
	r.rows = append(r.rows, b)
	return nil
}

func (r *stagedRows) Flush(context.Context) ([]byte, error) {
	token := fmt.Sprintf("%d/%d", r.s.stats.Steps, r.s.rng.Uint64())
	r.s.staged[token] = r.rows
	r.rows = nil
	return []byte(token), nil
}

func (r *stagedRows) Commit(_ context.Context, token []byte) error {
	if r.s.given[string(token)] {
		return nil
	}
	r.s.given[string(token)] = true
	for _, b := range r.s.staged[string(token)] {
		if err := r.s.run.give(b); err != nil {
			return err
		}
	}
	return nil
}

func (r *stagedRows) Close() error { return nil }
