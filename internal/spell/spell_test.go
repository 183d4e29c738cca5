package spell

import "testing"

func TestDistance(t *testing.T) {
	f := func(a, b string, limit, want int) {
		t.Helper()
		if got := Distance(a, b, limit); got != want {
			t.Errorf("%q, %q: %d, want %d", a, b, got, want)
		}
		if got := Distance(b, a, limit); got != want {
			t.Errorf("%q, %q: %d, want %d", b, a, got, want)
		}
	}
	f("", "", 3, 0)
	f("price", "price", 3, 0)
	f("prize", "price", 3, 1)
	f("pirce", "price", 3, 1) // a swap is one
	f("rice", "price", 3, 1)
	f("abc", "xyz", 3, 3)
	f("a", "abcdef", 3, 4) // too far by length alone
}
