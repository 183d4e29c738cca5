package exec

import "testing"

// TestShares: what a process takes for a job of 128 MB or more is at most a quarter over that, and a job always has something to work with.
func TestShares(t *testing.T) {
	const mb = 1 << 20
	for _, limit := range []int64{1, 1 * mb, 12 * mb, 40 * mb, 100 * mb, 128 * mb, 200 * mb, 256 * mb, 512 * mb, 1024 * mb, 64 << 30} {
		s := sharesOf(limit)
		if s.state < 1 || s.state > limit || s.cache < 0 || s.state+s.cache > limit || s.objects < s.state {
			t.Errorf("%d MB: %+v", limit/mb, s)
		}
		if all := programBytes + s.objects + s.cache*3/2; limit >= 128*mb && all > limit*5/4 {
			t.Errorf("%d MB: a process takes %d MB", limit/mb, all/mb)
		}
	}
	if s := sharesOf(0); s.state != 0 || s.objects != 0 || s.cache != defaultCache {
		t.Errorf("no limit: %+v", s)
	}
}
