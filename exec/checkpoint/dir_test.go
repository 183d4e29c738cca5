package checkpoint

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/exec/state"
	"weir/sql/types"
)

var ctx = context.Background()

// example is checkpoint n of a job with a task in memory, one on disk, a source and one that has ended.
func example(t *testing.T, n int64, mem, disk state.Snapshotter) *Checkpoint {
	t.Helper()
	tasks := map[string]*Task{
		"GroupAgg-1/0": {Watermark: types.Time(n)},
		"GroupAgg-1/1": {Watermark: types.MinTime},
		"Scan-1/0": {Watermark: 3, Read: 7, Splits: []Split{
			{ID: "a/b.csv", Parents: []string{"p"}, Size: 5, Offset: []byte{0, 255, byte(n)}, Watermark: 9},
			{ID: "ü", Watermark: types.MaxTime, Done: true},
		}},
		"..": {Ended: true, Watermark: types.MaxTime, Tokens: []Token{{Sink: "Sink-1", Bytes: []byte("{}")}, {Sink: "Sink-2", Bytes: []byte{0, 200}}}},
	}
	for name, store := range map[string]state.Snapshotter{"GroupAgg-1/0": mem, "GroupAgg-1/1": disk} {
		for i := range 100 {
			if err := store.Set(fmt.Appendf(nil, "op\x00t\x00\x00%c%d", i, i*int(n)), fmt.Appendf(nil, "%d", n)); err != nil {
				t.Fatal(err)
			}
		}
		s, err := store.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		tasks[name].State = s
	}
	return &Checkpoint{
		ID: n, Job: "j", Time: time.UnixMilli(n).UTC(), Settings: map[string]string{"a": "b"}, Tasks: tasks,
		Operators: []Operator{{ID: "GroupAgg-1", Kind: "GroupAgg", Text: "by (k) [SUM(v)]", Stage: "GroupAgg-1", Parallelism: 2,
			Tables: []state.Spec{{Name: "t", Key: []string{"INT"}, Value: []string{"BIGINT"}, Version: 2, TTL: time.Hour}}}},
	}
}

// content is all that a checkpoint says, as text.
func content(t *testing.T, c *Checkpoint) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintln(&b, c.ID, c.Job, c.Time, c.Savepoint, c.Settings, c.Operators)
	names := make([]string, 0, len(c.Tasks))
	for n := range c.Tasks {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		k := c.Tasks[n]
		fmt.Fprintln(&b, n, k.Ended, k.Watermark, k.Read, k.Splits, k.Tokens)
		if k.State == nil {
			continue
		}
		if err := k.State.Scan(nil, nil, func(key, value []byte) error {
			fmt.Fprintf(&b, "%x=%x\n", key, value)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// stores are a small store and one that lives on the disk.
func stores(t *testing.T, fs state.FS) (mem, disk state.Snapshotter) {
	return state.NewMemory(), state.NewGrowing(state.Config{FS: fs, Dir: "work", Bound: 1})
}

func TestDirKeepsCheckpoints(t *testing.T) {
	disk := state.NewDisk(0)
	d, err := OpenDir("jobs/x", Options{FS: disk, Keep: 2})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := d.Latest(ctx); c != nil || err != nil {
		t.Fatalf("got %v, %v from an empty folder", c, err)
	}
	a, b := stores(t, disk)
	want := map[int64]string{}
	for n := int64(1); n <= 5; n++ {
		c := example(t, n, a, b)
		want[n] = content(t, c)
		saved, err := d.Save(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		if saved.Path != fmt.Sprintf("jobs/x/chk-%d", n) || saved.NewBytes > saved.Bytes || n > 1 && saved.NewBytes == saved.Bytes {
			t.Errorf("saved %+v", saved)
		}
		got, err := d.Latest(ctx)
		if err != nil || content(t, got) != want[n] || got.Path != saved.Path {
			t.Fatalf("%v, got\n%s\nwant\n%s", err, content(t, got), want[n])
		}
	}
	names, _ := disk.List("jobs/x")
	if slices.Sort(names); !slices.Equal(names, []string{"chk-4", "chk-5"}) {
		t.Errorf("kept %v", names)
	}
	if names, _ := disk.List("work"); !slices.Equal(names, []string{"db"}) {
		t.Errorf("left %v in the work folder", names)
	}
	d, err = OpenDir("jobs/x", Options{FS: disk})
	if err != nil || d.Highest() != 5 {
		t.Errorf("%v, highest is %d", err, d.Highest())
	}
	if err := d.Remove(ctx); err != nil {
		t.Fatal(err)
	}
	if names, _ := disk.List("jobs"); len(names) > 0 {
		t.Errorf("left %v", names)
	}
}

func TestSavepointsCanBeMoved(t *testing.T) {
	disk := state.NewDisk(0)
	a, b := stores(t, disk)
	sp := Savepoints("points", "0123456789", Options{FS: disk})
	c := example(t, 3, a, b)
	c.Savepoint = true
	want := content(t, c)
	saved, err := sp.Save(ctx, c)
	if err != nil || !strings.HasPrefix(saved.Path, "points/savepoint-012345-") {
		t.Fatal(saved, err)
	}
	if err := disk.Rename(saved.Path, "elsewhere"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"elsewhere", "elsewhere/" + ManifestName} {
		if got, err := Load(ctx, path, Options{FS: disk}); err != nil || content(t, got) != want {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// TestForeignFoldersStay puts things beside checkpoints that look like them.
func TestForeignFoldersStay(t *testing.T) {
	disk := state.NewDisk(0)
	for _, dir := range []string{"x/chk-1", "x/chk-abc", "x/chk-02", "x/data", "x/.weir-tmp-chk-9"} {
		if err := disk.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := state.WriteFile(disk, "x/chk-1/"+ManifestName, func(w io.Writer) error {
		_, err := io.WriteString(w, `{"format":"other"}`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir("x", Options{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	a, b := stores(t, disk)
	for n := d.Highest() + 1; n < 5; n++ {
		if _, err := d.Save(ctx, example(t, n, a, b)); err != nil {
			t.Fatal(err)
		}
	}
	names, _ := disk.List("x")
	if slices.Sort(names); !slices.Equal(names, []string{"chk-02", "chk-1", "chk-4", "chk-abc", "data"}) {
		t.Errorf("got %v", names)
	}
}

// TestCrashAtEachWrite lets the machine die at each write of the second and third Save, and the disk be full from each:
// the latest checkpoint is the one before or the new one, whole; after a failure the next Save works.
func TestCrashAtEachWrite(t *testing.T) {
	prepare := func(seed int) (disk *state.Disk, d *Dir, save func(n int64) error, want map[int64]string) {
		disk = state.NewDisk(uint64(seed))
		d, err := OpenDir("x", Options{FS: disk})
		if err != nil {
			t.Fatal(err)
		}
		work := state.NewDisk(0) // the job's own disk works
		a, b := stores(t, work)
		want = map[int64]string{}
		save = func(n int64) error {
			c := example(t, n, a, b)
			want[n] = content(t, c)
			_, err := d.Save(ctx, c)
			return err
		}
		if err := save(1); err != nil {
			t.Fatal(err)
		}
		return disk, d, save, want
	}
	disk, _, save, _ := prepare(0)
	first := disk.Writes()
	if err := save(2); err != nil {
		t.Fatal(err)
	}
	last := disk.Writes()
	if last-first < 20 {
		t.Fatalf("only %d writes", last-first)
	}
	kept := map[int64]int{}
	for at := first + 1; at <= last; at++ {
		disk, _, save, want := prepare(at)
		disk.DieAt(at)
		done := save(2) == nil
		disk = disk.Restart()
		d, err := OpenDir("x", Options{FS: disk})
		if err != nil {
			t.Fatal(err)
		}
		c, err := d.Latest(ctx)
		if err != nil || c == nil || content(t, c) != want[c.ID] || done && c.ID != 2 {
			t.Fatalf("after a crash at write %d (saved: %v): %v, %v", at, done, c, err)
		}
		kept[c.ID]++

		disk, d, save, want = prepare(at)
		disk.FullFor(at, 1<<30)
		err = save(2)
		disk.FullFor(0, 0)
		if c, e := d.Latest(ctx); e != nil || content(t, c) != want[c.ID] || err == nil && c.ID != 2 {
			t.Fatalf("full from write %d: %v", at, e)
		}
		if err := save(3); err != nil {
			t.Fatalf("after the disk was full from write %d: %v", at, err)
		}
		if c, e := d.Latest(ctx); e != nil || c.ID != 3 || content(t, c) != want[3] {
			t.Fatalf("full from write %d, then not: %v", at, e)
		}
	}
	if kept[1] < 10 || kept[2] < 1 {
		t.Errorf("the latest was %v", kept)
	}
}

// TestDamagedCheckpoints damages each file of the newest checkpoint in turn: the one before is taken, and it is said.
func TestDamagedCheckpoints(t *testing.T) {
	fs := state.NewDisk(0)
	var log bytes.Buffer
	d, err := OpenDir("x", Options{FS: fs, Keep: 2, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	a, b := stores(t, fs)
	for n := int64(1); n <= 2; n++ {
		if _, err := d.Save(ctx, example(t, n, a, b)); err != nil {
			t.Fatal(err)
		}
	}
	m, err := d.manifest("x/chk-2")
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{ManifestName}
	_ = m.files(func(_ taskEntry, f fileEntry) error { paths = append(paths, f.At); return nil })
	for _, p := range paths {
		for _, how := range []string{"cut", "changed", "gone"} {
			restore := damage(t, fs, "x/chk-2/"+p, how)
			log.Reset()
			c, err := d.Latest(ctx)
			if err != nil || c.ID != 1 || !strings.Contains(log.String(), "a checkpoint cannot be used") {
				t.Errorf("%s %s: got %v, %v, log %q", p, how, c, err, log.String())
			}
			restore()
			if c, err := d.Latest(ctx); err != nil || c.ID != 2 {
				t.Fatalf("%s: the test did not restore it: %v", p, err)
			}
		}
	}
	defer damage(t, fs, "x/chk-2/"+ManifestName, "cut")()
	defer damage(t, fs, "x/chk-1/"+ManifestName, "cut")()
	if c, err := d.Latest(ctx); c != nil || err == nil || !strings.HasPrefix(err.Error(), `none of the 2 checkpoints in "x" can be used`) {
		t.Errorf("got %v, %v", c, err)
	}
}

// damage spoils a file; the function it gives makes it good again.
func damage(t *testing.T, fs state.FS, path, how string) func() {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	was, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	put := func(b []byte) {
		if err := fs.Remove(path); err != nil && b == nil {
			t.Fatal(err)
		}
		if b == nil {
			return
		}
		if err := state.WriteFile(fs, path, func(w io.Writer) error { _, err := w.Write(slices.Clone(b)); return err }); err != nil {
			t.Fatal(err)
		}
	}
	switch how {
	case "cut":
		put(was[:max(0, len(was)-2)]) // the manifest's line end may go
		if len(was) == 0 {
			put([]byte("x"))
		}
	case "changed":
		if len(was) == 0 {
			put([]byte("y"))
		} else {
			b := slices.Clone(was)
			b[len(b)/2] ^= 1
			put(b)
		}
	default:
		put(nil)
	}
	return func() { put(was) }
}

func TestDiff(t *testing.T) {
	table := func(v string) []state.Spec {
		return []state.Spec{{Name: "g", Key: []string{"INT"}, Value: []string{v}}}
	}
	was := []Operator{
		{ID: "Scan-1", Kind: "Scan", Text: `table "a"`, Role: Source},
		{ID: "GroupAgg-1", Kind: "GroupAgg", Text: "by (k) [SUM(v)]", Tables: table("INT")},
		{ID: "Calc-1", Kind: "Calc", Text: "[k]"},
		{ID: "Sink-1", Kind: "Sink", Text: `table "o"`, Role: Sink},
	}
	with := func(f func(o []Operator) []Operator) []Operator { return f(slices.Clone(was)) }
	for _, c := range []struct {
		name string
		is   []Operator
		want []Change
	}{
		{"the same", was, nil},
		{"another table", with(func(o []Operator) []Operator { o[0].Text = `table "b"`; return o }),
			[]Change{{"Scan-1", "Scan", Changed, `table "a"`, `table "b"`, true, true}}},
		{"another type", with(func(o []Operator) []Operator { o[1].Tables = table("BIGINT"); return o }),
			[]Change{{"GroupAgg-1", "GroupAgg", Changed, "g (INT) -> (INT)", "g (INT) -> (BIGINT)", true, true}}},
		{"another argument of the same type", with(func(o []Operator) []Operator { o[1].Text = "by (k) [SUM(w)]"; return o }),
			[]Change{{"GroupAgg-1", "GroupAgg", Changed, "by (k) [SUM(v)]", "by (k) [SUM(w)]", true, false}}},
		{"what keeps nothing", with(func(o []Operator) []Operator { o[2].Text = "[k, v]"; return o }),
			[]Change{{"Calc-1", "Calc", Changed, "[k]", "[k, v]", false, false}}},
		{"gone and new", append(with(func(o []Operator) []Operator { return slices.Delete(o, 1, 2) }), Operator{ID: "Over-1", Kind: "Over", Text: "x", Tables: table("INT")}),
			[]Change{{"GroupAgg-1", "GroupAgg", Removed, "by (k) [SUM(v)]", "", true, true}, {"Over-1", "Over", Added, "", "x", true, false}}},
	} {
		if got := Diff(was, c.is); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
	text := (&Mismatch{Checkpoint: 3, Path: "x/chk-3", Diff: Diff(was, was[2:])}).Error()
	want := `checkpoint 3 in "x/chk-3" was made by another query; these operators differ (- was there, + is there, ~ changed):
  - GroupAgg-1: by (k) [SUM(v)]
  - Scan-1: table "a"
start the job without it, or allow non-restored state to take up only what still fits`
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

func TestEscape(t *testing.T) {
	for _, c := range [][2]string{
		{"GroupAgg-1/0", "GroupAgg-1%2F0"}, {"..", "%2E%2E"}, {"", ""}, {"ü", "%C3%BC"}, {"a b\\c:\x00", "a%20b%5Cc%3A%00"},
	} {
		if got := Escape(c[0]); got != c[1] {
			t.Errorf("%q: got %q, want %q", c[0], got, c[1])
		}
	}
	a, b := Escape(strings.Repeat("é", 300)+"a"), Escape(strings.Repeat("é", 300)+"b")
	if a == b || len(a) > 120 {
		t.Errorf("got %q and %q", a, b)
	}
}
