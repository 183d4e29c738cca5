package state

import (
	"encoding/binary"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// pictured is a database of which pictures are made.
type pictured struct {
	t    *testing.T
	p    *Pebble
	keys uint64
	had  map[string]bool
	all  int64 // bytes of the newest picture
}

const picturedValue = 200

// key is key i of many, spread evenly.
func (d *pictured) key(i uint64) string {
	h := (i + 1) * 0x9e3779b97f4a7c15
	h ^= h >> 31
	return string(binary.BigEndian.AppendUint64([]byte{'a', 0, 'g', 0, 0, byte(h % KeyGroups)}, h*0xbf58476d1ce4e5b9))
}

// write sets keys, in order, to values that do not compress.
func (d *pictured) write(n uint64, key func(i uint64) uint64) {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = d.key(key(uint64(i)))
	}
	slices.Sort(keys)
	value := make([]byte, picturedValue)
	x := key(0) + 1
	must(d.t, d.p.Together(func(w Writer) error {
		for _, k := range keys {
			for at := 0; at < len(value); at += 8 {
				x ^= x << 13
				x ^= x >> 7
				x ^= x << 17
				binary.BigEndian.PutUint64(value[at:], x)
			}
			if err := w.Set([]byte(k), value); err != nil {
				return err
			}
		}
		return nil
	}))
}

// picture makes a picture and gives how much of it is new.
func (d *pictured) picture() (fresh int64) {
	s, err := d.p.Snapshot()
	must(d.t, err)
	files, err := s.Files()
	must(d.t, err)
	d.all = size(files)
	now := map[string]bool{}
	for _, f := range files {
		if !d.had[f.Name] {
			fresh += f.Size
		}
		now[f.Name] = immutable(f.Name)
	}
	d.had = now
	if n := len(d.p.sums.of); n > len(files) {
		d.t.Errorf("the checksums of %d files are kept, of %d", n, len(files))
	}
	must(d.t, s.Close())
	for time.Sleep(20 * time.Millisecond); d.p.db.Metrics().Compact.NumInProgress > 0; {
		time.Sleep(5 * time.Millisecond)
	}
	return fresh
}

// TestPicturesGrowLittle changes 1 % of the keys of a database from one picture to the next. Merges rewrite older files, so
// more is new in a picture than what changed, but never much more.
func TestPicturesGrowLittle(t *testing.T) {
	mb, rounds := 96, 20
	if n, _ := strconv.Atoi(os.Getenv("WEIR_STATE_MB")); n > 0 {
		mb, rounds = n, 200
	}
	shared := NewResources(64 << 20)
	defer shared.Close()
	p, err := OpenPebble(vfs.Default, t.TempDir()+"/db", shared)
	must(t, err)
	d := &pictured{t: t, p: p, keys: uint64(mb) << 20 / (picturedValue + 28)}
	d.write(d.keys, func(i uint64) uint64 { return i })
	d.picture()
	first, changed := d.all, int64(d.keys/100*(picturedValue+28))
	var most, sum int64
	for round := range uint64(rounds) {
		d.write(d.keys/100, func(i uint64) uint64 { return (i*101 + round*7919) % d.keys })
		fresh := d.picture()
		most, sum = max(most, fresh), sum+fresh
	}
	depth, merged := p.db.Metrics().Levels[0].Sublevels, p.db.Metrics().Compact.Count
	t.Logf("%d KB change, at most %d KB are new, %d KB at an average; %d MB became %d MB; %d merges, %d files deep", changed>>10, most>>10, sum>>10/int64(rounds), first>>20, d.all>>20, merged, depth)
	if limit := changed*(earned+1) + 2*spanBytes; most > limit {
		t.Errorf("%d KB are new in a picture, want at most %d", most>>10, limit>>10)
	}
	if depth > deepest || merged == 0 {
		t.Errorf("%d files are over one another after %d merges", depth, merged)
	}
	must(t, p.Close())
}

func TestCut(t *testing.T) {
	f := func(key string, n int, want string) {
		t.Helper()
		if got := string(cut([]byte(key), n)); got != want {
			t.Errorf("cut(%q, %d) = %q, want %q", key, n, got, want)
		}
	}
	f("op\x00groups\x00\x00\x05key", 1, "op\x00groups\x00\x00\x06")
	f("op\x00groups\x00\x00\x05key", 4, "op\x00groups\x00\x00\x08")
	f("op\x00groups\x00\x00\x08", 4, "op\x00groups\x00\x00\x0c")
	f("op\x00groups\x00\x00\x7fkey", 1, "op\x00groups\x01")
	f("op\x00groups\x00\x00\x7ckey", 4, "op\x00groups\x01")
	f("op\x00groups\x00\x00", 4, "")
	f("op\x00groups", 4, "")
	f("op", 4, "")
	f("", 1, "")
}

func TestSpans(t *testing.T) {
	key := func(group int) []byte { return append([]byte("op\x00t\x00\x00"), byte(group), 'k') }
	f := func(size, wrote, part int64, to int, want int) {
		t.Helper()
		var s spans
		s.size.Store(size << 20)
		s.wrote(wrote<<20, part<<20, key(10), key(to))
		if got := s.groups(); got != want {
			t.Errorf("%d MB, of which %d MB were written at once, the last %d up to group %d: %d groups to a span, want %d", size, wrote, part, to, got, want)
		}
	}
	f(0, 0, 0, 10, KeyGroups)
	f(60, 1, 1, 10, KeyGroups)
	f(64, 1, 1, 10, 32)
	f(1<<10, 12, 4, 13, 2)
	f(10<<10, 100, 4, 13, 1)
	f(0, 8, 4, 12, 1)
	f(0, 8, 4, 17, 2)
	f(0, 8, 4, 110, 32)
	f(1<<10, 128, 4, 10, 1)
	f(1<<10, 128, 4, 20, 2)
	var s spans
	if s.wrote(1<<30, 1<<30, []byte("op\x00t\x00\x00\x01"), []byte("op\x00u\x00\x00\x01")); s.bulk.Load() != 0 {
		t.Error("two tables are taken for one")
	}
}
