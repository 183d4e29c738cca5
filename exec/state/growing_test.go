package state

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// keep stores a snapshot's files in a folder, as a store of checkpoints does.
func keep(t *testing.T, fs FS, s Snapshot, dir string) Snapshot {
	t.Helper()
	files, err := s.Files()
	must(t, err)
	must(t, fs.MkdirAll(dir, 0o755))
	for i, f := range files {
		to := fs.PathJoin(dir, f.Name)
		if f.Write != nil {
			must(t, WriteFile(fs, to, f.Write))
			files[i].Sum, files[i].Size, err = SumFile(fs, to)
			must(t, err)
		} else {
			must(t, LinkOrCopy(f, fs, to))
		}
		files[i].Write = nil
	}
	must(t, s.Close())
	return OpenSnapshot(fs, dir, files)
}

// TestSnapshotsOnDisk restores stores from snapshots in folders, small and large, at several parallelisms.
func TestSnapshotsOnDisk(t *testing.T) {
	for _, bound := range []int64{1, 20_000, 1 << 20} {
		fs := vfs.NewMem()
		g := NewGrowing(Config{FS: fs, Dir: "work/a", Bound: bound})
		table, other := New(g, "op").Table(Spec{Name: "t"}), New(g, "other").Table(Spec{Name: "t"})
		rng := rand.New(rand.NewPCG(1, 2))
		put := func(n int) {
			for range n {
				i := rng.IntN(3000)
				must(t, table.Set(Group(uint64(i)*7919), fmt.Appendf(nil, "key %d", i), fmt.Appendf(nil, "value %d", rng.IntN(100))))
				must(t, other.Set(Group(uint64(i)*7919), fmt.Appendf(nil, "key %d", i), nil))
				must(t, table.Delete(Group(uint64(i+1)*7919), fmt.Appendf(nil, "key %d", i+1)))
			}
		}
		put(2000)
		want := dump(t, g, nil, nil)
		first, err := g.Snapshot()
		must(t, err)
		put(2000)
		later := dump(t, g, nil, nil)
		if got := dump(t, first, nil, nil); !slices.Equal(got, want) {
			t.Fatalf("bound %d: %d entries in the snapshot, want %d", bound, len(got), len(want))
		}
		kept := keep(t, fs, first, "chk-1")
		second, err := g.Snapshot()
		must(t, err)
		kept2 := keep(t, fs, second, "chk-2")
		must(t, g.Close())
		if got := g.OnDisk(); got != (bound < 1<<20) {
			t.Errorf("bound %d: on disk %v", bound, got)
		}
		for i, c := range []struct {
			from Snapshot
			want []string
		}{{kept, want}, {kept2, later}} {
			checkRestore(t, fs, c.from, c.want, fmt.Sprintf("work/%d", i), bound)
		}
	}
}

func checkRestore(t *testing.T, fs FS, from Snapshot, want []string, dir string, bound int64) {
	t.Helper()
	whole := NewGrowing(Config{FS: fs, Dir: dir + "/whole", Bound: bound})
	must(t, Restore(whole, []Snapshot{from}, AllGroups, nil))
	if got := dump(t, whole, nil, nil); !slices.Equal(got, want) {
		t.Fatalf("%d entries restored, want %d", len(got), len(want))
	}
	must(t, whole.Set([]byte("zzz"), nil)) // what is linked may be written over
	must(t, whole.Close())
	var parts []Snapshot
	for i := range 3 {
		part := NewGrowing(Config{FS: fs, Dir: fmt.Sprintf("%s/%d", dir, i), Bound: bound})
		must(t, Restore(part, []Snapshot{from}, Owned(i, 3), nil))
		s, err := part.Snapshot()
		must(t, err)
		parts = append(parts, keep(t, fs, s, fmt.Sprintf("%s/kept-%d", dir, i)))
		must(t, part.Close())
	}
	for p := range 2 {
		var got []string
		for i := range p + 1 {
			back := NewGrowing(Config{FS: fs, Dir: fmt.Sprintf("%s/back-%d-%d", dir, p, i), Bound: bound})
			must(t, Restore(back, parts, Owned(i, p+1), map[string]bool{"other": p == 1}))
			got = append(got, dump(t, back, nil, nil)...)
			must(t, back.Close())
		}
		slices.Sort(got)
		var all []string
		for _, w := range want {
			if p == 0 || !bytes.HasPrefix([]byte(w), fmt.Appendf(nil, "%x", "other\x00")) {
				all = append(all, w)
			}
		}
		slices.Sort(all)
		if !slices.Equal(got, all) {
			t.Fatalf("%d entries came back at parallelism %d, want %d", len(got), p+1, len(all))
		}
	}
}

// TestDamagedFileOfState cuts and changes a file of state: reading it is an error, never wrong entries.
func TestDamagedFileOfState(t *testing.T) {
	m := NewMemory()
	for i := range 200 {
		must(t, m.Set(fmt.Appendf(nil, "key %04d", i), fmt.Appendf(nil, "value %d", i)))
	}
	s, err := m.Snapshot()
	must(t, err)
	files, err := s.Files()
	must(t, err)
	var b bytes.Buffer
	must(t, files[0].Write(&b))
	if leaves, size, err := readSorted(bytes.NewReader(b.Bytes())); err != nil || size != m.Bytes() || len(leaves) != 4 {
		t.Fatalf("%v, %d leaves, %d bytes of %d", err, len(leaves), size, m.Bytes())
	}
	for n := range b.Len() {
		if _, _, err := readSorted(bytes.NewReader(b.Bytes()[:n])); err == nil {
			t.Fatalf("a file cut at %d was read", n)
		}
	}
}

// TestDiskThatFails lets each write of a store on disk fail, once or from then on: the task is told, nothing hangs or
// panics, and a picture that is given is whole.
func TestDiskThatFails(t *testing.T) {
	failed := 0
	run := func(disk *Disk) (whole int) {
		g := NewGrowing(Config{FS: disk, Dir: "work", Bound: 1})
		table := New(g, "op").Table(Spec{Name: "t"})
		defer func() {
			if err := g.Close(); err != nil {
				failed++
			}
		}()
		for round := range 3 {
			for i := range 200 {
				if err := table.Set(Group(uint64(i)), fmt.Appendf(nil, "key %d", i), fmt.Appendf(nil, "%d", round)); err != nil {
					failed++
					return whole
				}
			}
			want := dump(t, g, nil, nil)
			s, err := g.Snapshot()
			if err != nil {
				failed++
				return whole
			}
			if _, err := s.Files(); err != nil {
				failed++
				continue
			}
			if got := dump(t, s, nil, nil); !slices.Equal(got, want) {
				t.Fatalf("a picture holds %d entries, want %d", len(got), len(want))
			}
			whole++
			_ = s.Close() // fails on a full disk
		}
		return whole
	}
	disk := NewDisk(0)
	if whole := run(disk); whole != 3 || failed > 0 {
		t.Fatalf("%d pictures, %d failures, with a disk that works", whole, failed)
	}
	n, total := disk.Writes(), 0
	for at := range n {
		for _, length := range []int{1, 1 << 30} {
			d := NewDisk(uint64(at))
			d.FullFor(at+1, length)
			total += run(d)
		}
		d := NewDisk(uint64(at))
		d.DieAt(at + 1)
		total += run(d)
	}
	t.Logf("%d writes; %d failures, %d whole pictures", n, failed, total)
	if failed < n {
		t.Errorf("%d failures were told of with %d writes", failed, n)
	}
}

// TestTogetherOutgrowsMemory writes more at once than a store has memory for: part of it goes to memory, the rest to disk.
func TestTogetherOutgrowsMemory(t *testing.T) {
	for _, bound := range []int64{1, 500, 1500, 1 << 20} {
		g := NewGrowing(Config{FS: vfs.NewMem(), Dir: "work", Bound: bound})
		var want []string
		must(t, g.Together(func(w Writer) error {
			for i := range 300 {
				key := fmt.Appendf(nil, "key %03d", i)
				must(t, w.Set(key, []byte("a")))
				must(t, w.Append(key, []byte("b")))
				if i%3 == 0 {
					must(t, w.Delete(key))
					continue
				}
				want = append(want, fmt.Sprintf("%x=%x", key, "ab"))
			}
			return nil
		}))
		if g.OnDisk() != (bound < 1<<20) {
			t.Errorf("bound %d: on disk %v", bound, g.OnDisk())
		}
		got := dump(t, g, nil, nil)
		if len(got) != len(want) || got[0] != want[0] {
			t.Errorf("bound %d: %d entries, the first %s; want %d, %s", bound, len(got), got[0], len(want), want[0])
		}
		must(t, g.Close())
	}
}
