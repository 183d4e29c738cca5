package golden

import (
	"fmt"
	"strings"
	"time"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// Run is one way to run a query.
type Run struct {
	Seed       uint64 // of the simulation
	Goroutines bool   // not simulated
	Parallel   int
	Batch      int
	Pebble     bool
	Crash      bool // after each checkpoint; simulated only
	Faults     bool // on a machine that dies, over sources that fail; simulated only
}

// String gives the flags of `weir test` that replay the run.
func (r Run) String() string {
	var b strings.Builder
	if r.Goroutines {
		b.WriteString("-goroutines")
	} else {
		fmt.Fprintf(&b, "-seed %d", r.Seed)
	}
	fmt.Fprintf(&b, " -parallel %d -batch %d", r.Parallel, r.Batch)
	if r.Pebble {
		b.WriteString(" -pebble")
	}
	if r.Crash {
		b.WriteString(" -crash")
	}
	if r.Faults {
		b.WriteString(" -faults")
	}
	return b.String()
}

// exact tells whether the run's changelog is the one expected, change by change. Windows whose partial results were on disk give
// their rows in another order.
func (r Run) exact(plan *planner.Plan) bool {
	return r.Parallel == 1 && !r.Crash && !r.Faults && !(r.Pebble && kindsOf(plan)["WindowAgg"])
}

var (
	parallels = []int{1, 3}
	batches   = []int{1, 3, 4096}
)

// everyRun is the whole matrix.
func everyRun() []Run {
	var out []Run
	for _, goroutines := range []bool{false, true} {
		for _, p := range parallels {
			for _, n := range batches {
				for _, pebble := range []bool{false, true} {
					out = append(out, Run{Goroutines: goroutines, Parallel: p, Batch: n, Pebble: pebble})
					if !goroutines {
						out = append(out, Run{Parallel: p, Batch: n, Pebble: pebble, Crash: true}, Run{Parallel: p, Batch: n, Pebble: pebble, Faults: true})
					}
				}
			}
		}
	}
	return out
}

// pairwise picks runs of the matrix until each pair of choices is in one of them.
func pairwise() []Run {
	pairs := func(r Run) (out []string) {
		choices := []string{fmt.Sprint("g", r.Goroutines), fmt.Sprint("p", r.Parallel), fmt.Sprint("n", r.Batch), fmt.Sprint("s", r.Pebble), fmt.Sprint("c", r.Crash, r.Faults)}
		for i, a := range choices {
			for _, b := range choices[:i] {
				out = append(out, a+" "+b)
			}
		}
		return out
	}
	all := everyRun()
	open := map[string]bool{}
	for _, r := range all {
		for _, p := range pairs(r) {
			open[p] = true
		}
	}
	var picked []Run
	for len(open) > 0 {
		best, most := 0, 0
		for i, r := range all {
			n := 0
			for _, p := range pairs(r) {
				if open[p] {
					n++
				}
			}
			if n > most {
				best, most = i, n
			}
		}
		picked = append(picked, all[best])
		for _, p := range pairs(all[best]) {
			delete(open, p)
		}
	}
	return picked
}

// runs are those to compare with the first one, of the query at a line.
func (o *Options) runs(line int) []Run {
	switch {
	case o.Only != nil:
		return []Run{*o.Only}
	case o.Faulty > 0:
		return o.faulty(line)
	case o.Full:
		return everyRun()
	}
	return pairwise()
}

// first is the run whose rows are compared with what the file expects.
func (o *Options) first() Run { return Run{Seed: o.Seed, Parallel: 1, Batch: 4096} }

// planned is a query with its plan for each parallelism.
type planned struct {
	r      *runner
	src    string
	plans  map[int]*planner.Plan
	schema types.Schema
}

func (p *planned) plan(parallel int) (*planner.Plan, error) {
	if plan := p.plans[parallel]; plan != nil {
		return plan, nil
	}
	stmt, err := p.r.parse(p.src)
	if err != nil {
		return nil, err
	}
	plan, err := p.r.s.PlanWith(p.src, stmt, func(s *planner.Settings) { s.Parallelism = parallel })
	if err != nil {
		return nil, err
	}
	p.r.wrap(plan)
	p.plans[parallel] = plan
	return plan, nil
}

// straight tells whether each node has one input at most. Where rows of several meet, their order is
// chance, or follows the size of batches.
func straight(plan *planner.Plan) bool {
	var walk func(planner.Node) bool
	walk = func(n planner.Node) bool {
		ins := n.Inputs()
		return len(ins) == 0 || len(ins) == 1 && walk(ins[0])
	}
	for _, r := range plan.Roots {
		if !walk(r) {
			return false
		}
	}
	return true
}

// run makes one run and gives its changes.
func (p *planned) run(r Run) (rows []row, err error) {
	var zone *time.Location
	of := func(parallel int) (*planner.Plan, error) {
		plan, err := p.plan(parallel)
		if err != nil {
			return nil, err
		}
		at := *plan
		at.Settings.BatchRows, zone = r.Batch, plan.Settings.Zone
		return &at, nil
	}
	err = p.r.execute(of, r, func(b *vec.Batch) error {
		rows = append(rows, rowsOf(b, p.schema, zone)...)
		return nil
	})
	return rows, err
}

// lazyPebble opens its database at the first write: most tasks keep no state.
type lazyPebble struct{ db state.Snapshotter }

func newLazyPebble(string) (state.Snapshotter, error) { return &lazyPebble{}, nil }

func (l *lazyPebble) Get(key []byte) ([]byte, bool, error) {
	if l.db == nil {
		return nil, false, nil
	}
	return l.db.Get(key)
}

func (l *lazyPebble) open() error {
	if l.db != nil {
		return nil
	}
	db, err := state.OpenPebbleInMemory()
	if err == nil {
		l.db = db
	}
	return err
}

func (l *lazyPebble) Set(key, value []byte) error {
	if err := l.open(); err != nil {
		return err
	}
	return l.db.Set(key, value)
}

func (l *lazyPebble) Append(key, value []byte) error {
	if err := l.open(); err != nil {
		return err
	}
	return l.db.Append(key, value)
}

func (l *lazyPebble) Together(f func(state.Writer) error) error {
	if err := l.open(); err != nil {
		return err
	}
	return l.db.Together(f)
}

func (l *lazyPebble) Find(keys [][]byte, visit func(i int, value []byte) error) error {
	if l.db == nil {
		return nil
	}
	return l.db.Find(keys, visit)
}

func (l *lazyPebble) Delete(key []byte) error {
	if l.db == nil {
		return nil
	}
	return l.db.Delete(key)
}

func (l *lazyPebble) Scan(lo, hi []byte, visit func(key, value []byte) error) error {
	if l.db == nil {
		return nil
	}
	return l.db.Scan(lo, hi, visit)
}

func (l *lazyPebble) Snapshot() (state.Snapshot, error) {
	if l.db == nil {
		return state.NewMemory().Snapshot()
	}
	return l.db.Snapshot()
}

func (l *lazyPebble) Close() error {
	if l.db == nil {
		return nil
	}
	return l.db.Close()
}
