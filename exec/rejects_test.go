package exec

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"testing"

	"weir/connectors"
	"weir/planner"
	"weir/sql/vec"
)

// kept is a log of what was rejected, which notes when it was made durable.
type kept struct {
	mu   sync.Mutex
	list []string
}

func (k *kept) Begin(int64) error                            { return nil }
func (k *kept) Writer(string, int64) connectors.RejectWriter { return k }
func (k *kept) Put(r *connectors.Rejected) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list = append(k.list, fmt.Sprintf("%s %s %s%s", r.Operator, r.Reason, r.Row, r.Record))
	return nil
}
func (k *kept) Show() error { return nil }
func (k *kept) Flush(int64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list = append(k.list, "flush")
	return nil
}
func (k *kept) Close() error { return nil }

// picky is a sink that does not take some values of v.
type picky struct {
	outbox
	bad     map[string]bool
	byBatch bool // does not say which row
	writes  int
}

func (p *picky) Sink(*connectors.TableDesc, *connectors.Env, int, int) (connectors.Sink, error) {
	return p, nil
}
func (p *picky) Write(_ context.Context, b *vec.Batch) error {
	p.writes++
	for i := range b.Len() {
		v := b.Col(2).ValueStr(i)
		if !p.bad[v] {
			if !p.byBatch {
				p.log = append(p.log, v)
			}
			continue
		}
		if p.byBatch {
			return &connectors.Refusal{Row: -1, Err: errors.New("refused")}
		}
		return &connectors.Refusal{Row: i, Err: errors.New("no " + v)}
	}
	for i := 0; p.byBatch && i < b.Len(); i++ {
		p.log = append(p.log, b.Col(2).ValueStr(i))
	}
	return nil
}

func TestRefusedRowsAreIsolated(t *testing.T) {
	var rows []row
	var want []string
	bad := map[string]bool{"3": true, "4": true, "90": true}
	for i := range 100 {
		rows = append(rows, row{int64(i), 1, int64(i)})
		if v := fmt.Sprint(i); !bad[v] {
			want = append(want, v)
		}
	}
	for _, byBatch := range []bool{false, true} {
		for _, mode := range []string{"fail", "ignore", "log"} {
			out := &picky{bad: bad, byBatch: byBatch}
			sink := sinkOf(scanOf("t", &table{splits: [][]row{rows}, chunk: 100}), out)
			sink.Common.ErrorMode = mode
			k := &kept{}
			_, err := runJob(t, &planner.Plan{Roots: []planner.Node{sink}}, Options{Rejects: k})
			if mode == "fail" {
				if err == nil || !strings.Contains(err.Error(), `sink "out": `) {
					t.Errorf("by batch %t: %v", byBatch, err)
				}
				continue
			}
			var got []string
			for _, l := range out.log {
				if l[0] >= '0' && l[0] <= '9' {
					got = append(got, l)
				}
			}
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) || out.writes > 40 {
				t.Errorf("by batch %t, %s: %v, %d writes, got %v", byBatch, mode, err, out.writes, got)
			}
			wantKept := `[sink "out" sink {"ts":"1970-01-01T00:00:00.003","k":1,"v":3} sink "out" sink {"ts":"1970-01-01T00:00:00.004","k":1,"v":4} sink "out" sink {"ts":"1970-01-01T00:00:00.09","k":1,"v":90} flush]`
			if mode == "ignore" {
				wantKept = "[]"
			}
			if fmt.Sprint(k.list) != wantKept {
				t.Errorf("by batch %t, %s: kept %v", byBatch, mode, k.list)
			}
		}
	}
}

// late is a sink that learns of a refusal only when it flushes.
type lateSink struct {
	outbox
	tolerant bool
}

func (l *lateSink) Sink(*connectors.TableDesc, *connectors.Env, int, int) (connectors.Sink, error) {
	return l, nil
}
func (l *lateSink) Tolerate() { l.tolerant = true }
func (l *lateSink) Refused() []connectors.RefusedRecord {
	if l.staged != 1 {
		return nil
	}
	l.staged++
	return []connectors.RefusedRecord{{Record: []byte("xyz"), Err: errors.New("too large")}}
}

func TestRefusedLater(t *testing.T) {
	out, k := &lateSink{}, &kept{}
	sink := sinkOf(scanOf("t", &table{splits: [][]row{{{1, 2, 3}}}, chunk: 10}), out)
	sink.Common.ErrorMode = "log"
	if _, err := runJob(t, &planner.Plan{Roots: []planner.Node{sink}}, Options{Rejects: k}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(k.list); got != `[sink "out" sink xyz flush]` || !out.tolerant {
		t.Errorf("got %s", got)
	}
}

// TestRejectsAreBounded: what comes too fast is counted.
func TestRejectsAreBounded(t *testing.T) {
	rows := make([]row, 50)
	for i := range rows {
		rows[i] = row{1, 1, 13}
	}
	scan := scanOf("t", &table{splits: [][]row{rows}, chunk: 10, bad: 13})
	scan.Common.ErrorMode = "log"
	k := &kept{}
	r := newRuntimeAt(Options{Rejects: k, RejectsPerSecond: 7}, SimOptions{})
	j, err := start(context.Background(), &planner.Plan{Roots: []planner.Node{collect(scan)}}, r)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Wait(); err != nil {
		t.Fatal(err)
	}
	var stats []string
	for _, s := range j.Stats() {
		for reason, n := range s.Reasons {
			stats = append(stats, fmt.Sprintf("%s %d of %d", reason, n, s.Rejected))
		}
	}
	sort.Strings(stats)
	if got := strings.Join(stats, ", "); got != "decode 50 of 50, not stored 43 of 50" || len(k.list) != 8 {
		t.Errorf("%s, %d kept", got, len(k.list))
	}
}
