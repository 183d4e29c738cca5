package rejects

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/connectors"
	"weir/sql/types"
)

var tab = [3]string{"c", "d", "t.x"}

func put(t *testing.T, w connectors.RejectWriter, late bool, seqs ...string) {
	t.Helper()
	for _, seq := range seqs {
		r := &connectors.Rejected{Table: tab, Late: late, Sequence: seq, Split: "s", Record: []byte("r" + seq), EventTime: types.MinTime, Watermark: 5, WindowStart: types.MinTime, WindowEnd: types.MinTime}
		if err := w.Put(r); err != nil {
			t.Fatal(err)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// read gives the sequence numbers in a table, and where they end.
func read(t *testing.T, s *Store, late bool, from connectors.Offset, limit int) (string, connectors.Offset) {
	t.Helper()
	c := s.Connector().New().(*config)
	c.table, c.kind, c.bounded = TableOption(tab), map[bool]string{true: "late", false: "errors"}[late], "latest"
	cols := connectors.RejectedColumns(late).Select([]int{0})
	if !late {
		cols = connectors.ErrorColumns().Select([]int{9})
	}
	src, err := c.Source(nil, connectors.Scan{Columns: cols}, nil)
	check(t, err)
	r, err := src.Read(context.Background(), connectors.Split{}, from)
	check(t, err)
	var out []string
	for {
		b, off, err := r.(connectors.BatchReader).NextBatch(context.Background(), limit)
		if err == io.EOF {
			return strings.Join(out, " "), from
		}
		check(t, err)
		from = off
		for i := range b.Len() {
			out = append(out, b.Col(0).ValueStr(i))
		}
	}
}

func each(t *testing.T, f func(t *testing.T, s *Store)) {
	t.Run("disk", func(t *testing.T) { f(t, Open(t.TempDir())) })
	t.Run("memory", func(t *testing.T) { f(t, InMemory()) })
}

func TestCheckpoints(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		log := s.Job("j1")
		check(t, log.Begin(0))
		w := log.Writer("Scan-1/0", 0)
		put(t, w, false, "1", "2")
		if got, _ := read(t, s, false, nil, 10); got != "" {
			t.Errorf("before it is shown: %s", got)
		}
		check(t, w.Show())
		put(t, w, false, "3")
		check(t, w.Flush(1))
		put(t, w, false, "4")
		put(t, w, true, "9")
		check(t, w.Flush(2))
		put(t, w, false, "5")
		check(t, w.Close())
		got, at := read(t, s, false, nil, 2)
		if got != "1 2 3 4 5" {
			t.Errorf("got %s", got)
		}
		// A run that goes on from checkpoint 1 rejects again what came behind it.
		check(t, log.Begin(1))
		if got, _ := read(t, s, false, nil, 2); got != "1 2 3" {
			t.Errorf("behind checkpoint 1 there is %s", got)
		}
		if got, _ := read(t, s, true, nil, 2); got != "" {
			t.Errorf("late rows behind checkpoint 1: %s", got)
		}
		w = log.Writer("Scan-1/0", 1)
		put(t, w, false, "4", "5", "6")
		check(t, w.Flush(2))
		if got, _ := read(t, s, false, nil, 2); got != "1 2 3 4 5 6" {
			t.Errorf("after the restart %s", got)
		}
		if got, _ := read(t, s, false, at, 2); got != "4 5 6" {
			t.Errorf("a reader that goes on gets %s: a restart shows again what it forgot", got)
		}
		other := s.Job("j2")
		check(t, other.Begin(0))
		if got, _ := read(t, s, false, nil, 2); got != "1 2 3 4 5 6" {
			t.Errorf("another job took away: %s", got)
		}
		check(t, log.Begin(0))
		if got, _ := read(t, s, false, nil, 2); got != "" {
			t.Errorf("from the beginning there is %s", got)
		}
	})
}

func TestRemove(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		log := s.Job("j1")
		check(t, log.Begin(0))
		w := log.Writer("a/0", 0)
		put(t, w, false, "1", "2", "3", "4")
		check(t, w.Show())
		var ids []string
		check(t, s.read(tab, false, "j1.000001.a-0.000001.jsonl", 0, func(r *connectors.Rejected, _, _ int64) error {
			ids = append(ids, r.ID)
			return nil
		}))
		list, err := s.Get(tab, false, []string{ids[3], ids[1]})
		check(t, err)
		if len(list) != 2 || string(list[0].Record) != "r2" || list[0].Watermark != 5 || list[0].EventTime != types.MinTime || list[0].Job != "j1" || list[1].ID != ids[3] {
			t.Errorf("got %+v", list)
		}
		check(t, s.Remove(tab, false, ids[1:2]))
		check(t, s.Remove(tab, false, ids[3:]))
		put(t, w, false, "5")
		check(t, w.Show())
		if got, _ := read(t, s, false, nil, 2); got != "1 3 5" {
			t.Errorf("got %s", got)
		}
		if _, err := s.Get(tab, false, []string{"../x:y"}); err == nil {
			t.Error("no error for a wrong id")
		}
	})
}

func TestBounded(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		s.limit = 3 * fileBytes
		log := s.Job("j1")
		check(t, log.Begin(0))
		w := log.Writer("a/0", 0)
		big := strings.Repeat("x", 60<<10)
		for i := range 700 {
			check(t, w.Put(&connectors.Rejected{Table: tab, Sequence: fmt.Sprint(i), Row: big, EventTime: types.MinTime}))
			check(t, w.Show())
		}
		all, err := s.list(folder(tab, false))
		check(t, err)
		total := int64(0)
		for _, f := range all {
			total += f.size
		}
		got, _ := read(t, s, false, nil, 10000)
		if total > s.limit+fileBytes || !strings.HasSuffix(got, " 698 699") || strings.HasPrefix(got, "0 ") {
			t.Errorf("%d bytes in %d files, with %.20s to %s", total, len(all), got, got[max(0, len(got)-20):])
		}
	})
}

// TestTornLine: a process that dies leaves a part of a line.
func TestTornLine(t *testing.T) {
	dir := t.TempDir()
	s := Open(dir)
	log := s.Job("j1")
	check(t, log.Begin(0))
	w := log.Writer("a/0", 0)
	put(t, w, false, "1")
	check(t, w.Flush(1))
	name := filepath.Join(dir, "c", "d", "t%2Ex", "errors", "j1.000001.a-0.000001.jsonl")
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	check(t, err)
	_, err = f.WriteString(`{"behind":0,"sequ`)
	check(t, err)
	check(t, f.Close())
	if got, _ := read(t, s, false, nil, 10); got != "1" {
		t.Errorf("got %s", got)
	}
	again := Open(dir).Job("j1")
	check(t, again.Begin(1))
	info, err := os.Stat(name)
	check(t, err)
	if whole, _ := encode(&connectors.Rejected{Table: tab, Sequence: "1", Split: "s", Record: []byte("r1"), EventTime: types.MinTime, Watermark: 5, WindowStart: types.MinTime, WindowEnd: types.MinTime}, 0); info.Size() != int64(len(whole)) {
		t.Errorf("the file has %d bytes, the line %d", info.Size(), len(whole))
	}
	if info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read it: %s", info.Mode())
	}
}
