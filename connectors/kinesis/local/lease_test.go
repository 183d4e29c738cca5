package local

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// No more pages are in memory than there are places, which holds up readers of records but no polls at the tail.
func TestPageLeases(t *testing.T) {
	r := newRig(t, Options{})
	r.create("s", 1)
	for i := range 20 {
		r.put("s", "k", strings.Repeat(string(rune('a'+i)), 1000))
	}
	head, tail := r.iterator("s", 0, "TRIM_HORIZON"), r.iterator("s", 0, "LATEST")
	read := func(iterator string, patience time.Duration) (*http.Response, string) {
		reply := call(t, r.server, func(r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), patience)
			t.Cleanup(cancel)
			*r = *r.WithContext(ctx)
		}, targetPrefix+"GetRecords", jsonContentType, fmt.Sprintf(`{"ShardIterator":%q}`, iterator))
		return reply, text(t, reply)
	}
	for range maxPages {
		r.server.pages <- struct{}{}
	}
	if _, got := read(tail, time.Minute); !strings.HasPrefix(got, `{"Records":[],"MillisBehindLatest":0,`) {
		t.Errorf("a poll while all places are taken: %s", got)
	}
	if reply, got := read(head, 20*time.Millisecond); reply.StatusCode == 200 {
		t.Errorf("a page beyond the places: %.80s", got)
	}
	for range maxPages {
		<-r.server.pages
	}
	_, want := read(head, time.Minute)
	var readers sync.WaitGroup
	for range 4 * maxPages {
		readers.Go(func() {
			for range 20 {
				_, got := read(head, time.Minute)
				// The next iterator carries the time.
				if cut := strings.Index(want, `"NextShardIterator"`); len(got) < cut || got[:cut] != want[:cut] {
					t.Errorf("%.80s, want %.80s", got, want)
				}
			}
		})
	}
	readers.Wait()
	same(t, "places taken afterwards", len(r.server.pages), 0)
}
