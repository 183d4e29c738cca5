package exec

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/exec/checkpoint"
	"weir/sql/types"
	"weir/sql/vec"
)

// logLink notes what reaches a chain.
type logLink struct{ log []string }

func (l *logLink) add(format string, args ...any) error {
	l.log = append(l.log, fmt.Sprintf(format, args...))
	return nil
}
func (l *logLink) process(port int, b *vec.Batch) error {
	return l.add("rows of %d", port)
}
func (l *logLink) watermark(wm types.Time) error {
	if wm == types.MaxTime {
		return l.add("wm max")
	}
	return l.add("wm %d", wm)
}
func (l *logLink) idle() error            { return l.add("idle") }
func (l *logLink) barrier(id int64) error { return l.add("barrier %d", id) }
func (l *logLink) end() error             { return l.add("end") }

// TestControlFlow feeds events, written as "port event", to a task of some ports.
func TestControlFlow(t *testing.T) {
	for _, c := range []struct {
		name, events, want string
	}{
		{"minimum of the ports", "0 wm 5, 1 wm 3, 1 wm 9, 0 wm 6", "wm 3, wm 5, wm 6"},
		{"an idle port is left out", "0 wm 5, 1 idle, 0 wm 7", "wm 5, wm 7"},
		{"all idle: the greatest, then idle", "0 wm 5, 1 wm 3, 1 idle, 0 wm 8, 1 idle, 0 idle", "wm 3, wm 5, wm 8, idle"},
		{"all idle at different times", "1 wm 9, 0 wm 5, 0 idle, 1 idle", "wm 5, wm 9, idle"},
		{"woken behind: not waited for until it catches up", "0 wm 5, 1 idle, 0 wm 9, 1 wm 6, 0 wm 12, 1 wm 12, 0 wm 13, 1 wm 20",
			"wm 5, wm 9, wm 12, wm 13"},
		{"a row wakes an idle port", "0 wm 5, 1 wm 5, 1 idle, 1 rows, 0 wm 8, 1 wm 7", "wm 5, rows of 0, wm 7"},
		{"a watermark does not regress", "0 wm 5, 1 wm 5, 0 wm 2, 1 wm 3, 0 wm 6, 1 wm 6", "wm 5, wm 6"},
		{"an ended port is left out", "0 wm 5, 1 wm 3, 1 end, 0 wm 7, 0 end", "wm 3, wm 5, wm 7, wm max, end"},
		{"an ended port does not make idle ones pass the end", "0 wm 5, 1 wm 3, 1 wm max, 1 end, 0 idle", "wm 3, wm 5, idle"},
		{"rows behind a barrier wait", "0 barrier 1, 0 rows, 1 rows, 1 barrier 1, 1 wm 4", "rows of 0, barrier 1, rows of 0"},
		{"an ended port holds no barrier back", "1 end, 0 barrier 1, 0 rows", "barrier 1, rows of 0"},
		{"a port that ends while others wait for it", "0 barrier 1, 0 rows, 1 end", "barrier 1, rows of 0"},
		{"two barriers waiting at one port", "0 barrier 1, 0 rows, 0 barrier 2, 0 wm 3, 1 barrier 1, 1 rows, 1 barrier 2, 1 wm 3",
			"barrier 1, rows of 0, rows of 0, barrier 2, wm 3"},
	} {
		l := &logLink{}
		run := newRuntime(Options{})
		run.acknowledge = func(ack) {}
		task := &task{in: newInbox(), run: run, head: l, wm: types.MinTime}
		for i := range 2 {
			task.ports = append(task.ports, port{from: newEdge(task, i, true), wm: types.MinTime})
			task.live++
		}
		for _, text := range strings.Split(c.events, ", ") {
			f := strings.Fields(text)
			e := event{}
			fmt.Sscan(f[0], &e.port)
			switch f[1] {
			case "rows":
				e.kind = batchEvent
			case "wm":
				e.kind, e.time = watermarkEvent, types.MaxTime
				if f[2] != "max" {
					fmt.Sscan(f[2], &e.time)
				}
			case "idle":
				e.kind = idleEvent
			case "barrier":
				e.kind = barrierEvent
				fmt.Sscan(f[2], &e.id)
			case "end":
				e.kind = endEvent
			}
			task.in.push(e)
			for {
				next, ok := task.next()
				if !ok {
					break
				}
				if err := task.handle(next); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := strings.Join(l.log, ", "); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestAlignment(t *testing.T) {
	a := &alignment{wms: map[*generator]types.Time{}}
	fast, slow := &generator{}, &generator{}
	check := func(want bool) {
		t.Helper()
		if got := a.ahead(fast, 10*time.Millisecond); got != want {
			t.Errorf("ahead: %v, want %v, at %v", got, want, a.wms)
		}
	}
	check(false)
	a.move(fast, 100)
	check(false)
	a.move(slow, 89)
	check(true)
	a.move(slow, 90)
	check(false)
	a.move(fast, 200)
	check(true)
	a.leave(slow)
	check(false)
}

// TestCoordinator has three tasks, one of which ends early.
func TestCoordinator(t *testing.T) {
	c := checkpoint.NewCoordinator([]string{"a", "b", "c"}, 4)
	ended := &checkpoint.Task{Ended: true}
	var log []string
	completed := func() {
		for done, last := c.Complete(); done != nil; done, last = c.Complete() {
			line := fmt.Sprint(done.ID)
			for _, name := range []string{"a", "b", "c"} {
				if done.Tasks[name].Ended {
					line += " " + name
				}
			}
			if last {
				line += " last"
			}
			log = append(log, line)
		}
	}
	ackAll := func(id int64, t *checkpoint.Task, names ...string) {
		for _, n := range names {
			c.Ack(n, id, t)
			completed()
		}
	}
	id, ok := c.Begin()
	if id != 5 || !ok {
		t.Fatalf("got %d %v", id, ok)
	}
	if _, ok := c.Begin(); ok {
		t.Error("two checkpoints at a time")
	}
	ackAll(5, &checkpoint.Task{}, "a", "b")
	ackAll(0, ended, "c")
	id, _ = c.Begin()
	ackAll(id, &checkpoint.Task{}, "a")
	ackAll(0, ended, "a", "b") // a had acknowledged: it counts as it was at the barrier
	if _, ok := c.Begin(); ok {
		t.Error("a checkpoint after the end")
	}
	if got, want := strings.Join(log, ", "), "5 c, 6 b c, 7 a b c last"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
