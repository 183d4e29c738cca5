package op

import (
	"bytes"
	"math/rand"
	"testing"
)

// TestRowStore checks a store against a map through random changes, that slices it gave stay good, and that it
// does not hold much more than its rows.
func TestRowStore(t *testing.T) {
	rnd := rand.New(rand.NewSource(7))
	text := func() []byte {
		size := rnd.Intn(400)
		if rnd.Intn(100) == 0 {
			size = rnd.Intn(slabSize)
		}
		return bytes.Repeat([]byte{byte(rnd.Int())}, size)
	}
	s, want, order := &rowStore{}, map[int32][]byte{}, []int32{}
	live := 0
	for step := range 40_000 {
		grow := step%12_000 < 6_000
		switch {
		case len(order) == 0 || rnd.Intn(10) < 6 == grow:
			a, b := text(), text()
			n := s.put(a, b)
			if _, taken := want[n]; taken {
				t.Fatalf("step %d: number %d given out twice", step, n)
			}
			want[n] = append(bytes.Clone(a), b...)
			order, live = append(order, n), live+len(want[n])+blockHead
		case rnd.Intn(3) == 0:
			n := order[rnd.Intn(len(order))]
			old := s.get(n)
			was, now := bytes.Clone(old), text()
			s.replace(n, now, nil)
			if !bytes.Equal(old, was) {
				t.Fatalf("step %d: a slice changed", step)
			}
			live += len(now) - len(want[n])
			want[n] = now
		default:
			i := rnd.Intn(len(order))
			n := order[i]
			s.drop(n)
			live -= len(want[n]) + blockHead
			delete(want, n)
			order[i] = order[len(order)-1]
			order = order[:len(order)-1]
		}
		if step%1000 == 0 {
			for n, v := range want {
				if !bytes.Equal(s.get(n), v) {
					t.Fatalf("step %d: row %d differs", step, n)
				}
			}
			if most := int64(live)*7/4 + 3*slabSize; s.held > most {
				t.Fatalf("step %d: %d bytes held for %d", step, s.held, live)
			}
		}
	}
}
