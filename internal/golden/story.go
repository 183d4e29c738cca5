package golden

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"weir/connectors/memory"
	"weir/exec"
)

// step is something that happens to the queries that follow, once what was fed before it has been worked off.
type step struct {
	move     exec.Move
	parallel int // of the job from then on; 0: as it is
	throttle string
	rows     int // that a read of the throttled table gives
	fed      map[*memory.Table][]int64
}

// happens takes a directive: crash, restore, advance or throttle.
func (r *runner) happens(b *block) error {
	s := step{fed: map[*memory.Table][]int64{}}
	for t := range r.tables {
		s.fed[t] = t.Sizes()
	}
	var err error
	switch b.command {
	case "crash":
		s.move.Restart = true
	case "restore":
		s.move.Save, s.move.Restart = true, true
		s.parallel, err = count(b, 0, 0)
	case "advance":
		var d time.Duration
		if d, err = duration(strings.Join(b.args, " ")); err == nil {
			s.move.Advance = d.Truncate(time.Microsecond)
		}
	case "throttle":
		if _, desc, e := r.s.MemoryTable(b.args[0]); e != nil {
			return e
		} else {
			s.throttle = desc.Name
		}
		s.rows, err = count(b, 1, 1)
	}
	if err == nil {
		r.story = append(r.story, s)
	}
	return err
}

// reshard ends the open splits of a table.
func (r *runner) reshard(b *block) error {
	table, _, err := r.s.MemoryTable(b.args[0])
	if err != nil {
		return err
	}
	n, err := count(b, 1, 2)
	if err == nil {
		table.Reshard(n)
	}
	return err
}

// count is argument i, a number of 1 to 100.
func count(b *block, i, absent int) (int, error) {
	if i >= len(b.args) {
		return absent, nil
	}
	n, err := strconv.Atoi(b.args[i])
	if err != nil || n < 1 || n > 100 {
		return 0, fmt.Errorf("%q is no number from 1 to 100", b.args[i])
	}
	return n, nil
}

// duration reads "10 s", "90s", "5 min", "1 h", "2 d".
func duration(text string) (time.Duration, error) {
	at := strings.IndexFunc(text, func(c rune) bool { return c < '0' || c > '9' })
	if at > 0 {
		n, err := strconv.ParseInt(text[:at], 10, 32)
		unit := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "min": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[strings.TrimSpace(text[at:])]
		if err == nil && n > 0 && unit > 0 && n <= int64(20*365*24*time.Hour/unit) {
			return time.Duration(n) * unit, nil
		}
	}
	return 0, fmt.Errorf("%q is no time: write a number and ms, s, min, h or d, as in 10 min", text)
}

// chancy tells whether the story may change the order of a query's changes.
func (r *runner) chancy() bool {
	for _, s := range r.story {
		if s.move.Restart {
			return true
		}
	}
	return false
}

// fits tells whether the story can be told in a run. Only the simulator tells any; where the clock moves, rows that
// a crash brings again have another time.
func (r *runner) fits(how Run) bool {
	for _, s := range r.story {
		if s.move.Advance > 0 && (how.Crash || how.Faults) {
			return false
		}
	}
	return !how.Goroutines || len(r.story) == 0
}

// telling is a run's way through the story.
type telling struct {
	r        *runner
	parallel *int
	at       int
	moved    bool // the step before at has happened, and the rows that were fed after it are still to be shown
	limits   map[string]int
}

// tell begins the story: only what was fed before its first step is there.
func (r *runner) tell(parallel *int) *telling {
	t := &telling{r: r, parallel: parallel, limits: map[string]int{}}
	t.show()
	return t
}

// show lets readers see what was fed before the step that is next.
func (t *telling) show() {
	for table := range t.r.tables {
		if t.at == len(t.r.story) {
			table.Hold(nil)
			continue
		}
		table.Hold(append([]int64{}, t.r.story[t.at].fed[table]...))
	}
}

func (t *telling) next() (exec.Move, bool) {
	if t.moved {
		t.moved = false
		t.show()
		return exec.Move{}, true
	}
	if t.at == len(t.r.story) {
		return exec.Move{}, false
	}
	s := t.r.story[t.at]
	t.at++
	if s.parallel > 0 {
		*t.parallel = s.parallel
	}
	if s.throttle != "" {
		t.limits[s.throttle] = s.rows
	}
	t.moved = true
	return s.move, true
}

func (t *telling) limit(table string) int { return t.limits[table] }

func (t *telling) end() {
	t.at = len(t.r.story)
	t.show()
}
