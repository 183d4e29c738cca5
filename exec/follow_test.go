package exec

import (
	"context"
	"testing"
	"time"

	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

func TestSilentSplitFollowsTheClock(t *testing.T) {
	silent := &table{splits: [][]row{{{100, 1, 1}, {350, 1, 1}}}, chunk: 1, live: true, pause: time.Millisecond}
	scan := scanOf("silent", silent)
	scan.Common.IdleAdvance = 10 * time.Millisecond
	p := &planner.Plan{Roots: []planner.Node{collect(windowOf(exchange(scan, 1), 100))}, Settings: planner.Settings{Parallelism: 1}}
	fired := make(chan string, 10)
	o := Options{Rows: func(b *vec.Batch) error {
		for i := range b.Len() {
			fired <- b.Col(0).ValueStr(i)
		}
		return nil
	}}
	j, err := start(context.Background(), p, fakeRuntime(o, identity))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		j.Cancel()
		<-j.Done()
	}()
	for _, want := range []string{"200", "400"} {
		select {
		case end := <-fired:
			if end != want {
				t.Errorf("window %s fired, want %s", end, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("window %s never fired: the last windows are stuck", want)
		}
	}
}

func TestFollowClock(t *testing.T) {
	g := &generator{wm: 1000, last: 5_000_000}
	f := func(now int64, want types.Time) {
		t.Helper()
		g.followClock(now)
		if g.wm != want {
			t.Errorf("at %d: watermark %d, want %d", now, g.wm, want)
		}
	}
	f(5_200_000, 1200)
	f(5_100_000, 1200) // never back
	f(6_000_000, 2000)
	g.last, g.wm = 7_000_000, 1_500 // a row came: from there on anew, but never back
	f(7_300_000, 1_800)
}
