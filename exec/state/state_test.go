package state

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"
)

// dump is a store's entries in [lo, hi), as text.
func dump(t *testing.T, s interface {
	Scan(lo, hi []byte, visit func(k, v []byte) error) error
}, lo, hi []byte) (out []string) {
	t.Helper()
	if err := s.Scan(lo, hi, func(k, v []byte) error {
		out = append(out, fmt.Sprintf("%x=%x", k, v))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestStoresAgree compares both stores, and their snapshots, with a Go map over random operations.
func TestStoresAgree(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		disk, err := OpenPebbleInMemory()
		if err != nil {
			t.Fatal(err)
		}
		stores := []Snapshotter{NewMemory(), disk}
		model := map[string]string{}
		key := func() []byte { return fmt.Appendf(nil, "%c%d", 'a'+rng.IntN(3), rng.IntN(300)) }
		var pictures []Snapshot
		var pictured []string
		for step := range 3000 {
			k := key()
			switch rng.IntN(10) {
			case 0, 1:
				for _, s := range stores {
					must(t, s.Delete(k))
				}
				delete(model, string(k))
			case 2:
				want, ok := model[string(k)]
				for _, s := range stores {
					v, found, err := s.Get(k)
					if err != nil || found != ok || string(v) != want {
						t.Fatalf("seed %d, step %d, %T: Get(%q) = %q %v %v, want %q %v", seed, step, s, k, v, found, err, want, ok)
					}
				}
			default:
				v := fmt.Appendf(nil, "%d", rng.IntN(1e6))[:rng.IntN(2)]
				for _, s := range stores {
					must(t, s.Set(k, v))
				}
				model[string(k)] = string(v)
			}
			if step%500 == 250 {
				lo, hi := key(), key()
				compare(t, stores, model, nil, nil)
				compare(t, stores, model, lo, hi)
			}
			if step == 1500 {
				for _, s := range stores {
					p, err := s.Snapshot()
					must(t, err)
					pictures = append(pictures, p)
				}
				pictured = entries(model, nil, nil)
			}
		}
		for _, p := range pictures {
			if got := dump(t, p, nil, nil); !slices.Equal(got, pictured) {
				t.Fatalf("seed %d: a snapshot changed after it was taken", seed)
			}
		}
		for _, s := range stores {
			must(t, s.Close())
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func entries(model map[string]string, lo, hi []byte) (out []string) {
	var keys []string
	for k := range model {
		if k >= string(lo) && (hi == nil || k < string(hi)) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys {
		out = append(out, fmt.Sprintf("%x=%x", k, model[k]))
	}
	return out
}

func compare(t *testing.T, stores []Snapshotter, model map[string]string, lo, hi []byte) {
	t.Helper()
	want := entries(model, lo, hi)
	for _, s := range stores {
		if got := dump(t, s, lo, hi); !slices.Equal(got, want) {
			t.Fatalf("%T: [%q, %q) holds %d entries, want %d", s, lo, hi, len(got), len(want))
		}
	}
}

// TestRestoreAtAnotherParallelism deals the key groups of one task to three, and theirs back to one.
func TestRestoreAtAnotherParallelism(t *testing.T) {
	whole := NewMemory()
	table := New(whole, "op").Table(Spec{Name: "t"})
	for i := range 1000 {
		must(t, table.Set(Group(uint64(i)*7919), fmt.Appendf(nil, "key %d", i), []byte{byte(i)}))
	}
	picture, err := whole.Snapshot()
	must(t, err)
	back := NewMemory()
	total := 0
	for i := range 3 {
		part := NewMemory()
		must(t, Restore(part, []Snapshot{picture}, Owned(i, 3), nil))
		n := len(dump(t, part, nil, nil))
		if n < 200 {
			t.Errorf("instance %d got %d entries of 1000", i, n)
		}
		total += n
		p, err := part.Snapshot()
		must(t, err)
		must(t, Restore(back, []Snapshot{p}, AllGroups, nil))
	}
	if total != 1000 || !slices.Equal(dump(t, back, nil, nil), dump(t, whole, nil, nil)) {
		t.Errorf("%d entries after dealing out and back, want the same 1000", total)
	}
}

func TestTTL(t *testing.T) {
	v := append(Stamp(nil, 1000), "x"...)
	for _, c := range []struct {
		ttl   time.Duration
		now   int64
		fresh bool
	}{{0, 1 << 40, true}, {time.Second, 1999, true}, {time.Second, 2000, false}} {
		got, fresh := Fresh(v, c.ttl, c.now)
		if fresh != c.fresh || string(got) != "x" {
			t.Errorf("ttl %v at %d: %q %v", c.ttl, c.now, got, fresh)
		}
	}
}
