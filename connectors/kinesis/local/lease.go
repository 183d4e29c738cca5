package local

import "context"

// maxPages bounds the pages of records in memory: each is 10 MB at most, a half more as JSON.
const maxPages = 4

// pageLease is a request's place among those which hold a page of records, from its first record until the answer is
// written. It is not taken by what reads nothing, so that a slow reader of a large page holds up no polls. Its buffer
// serves one page after the other.
type pageLease struct {
	server *Server
	json   bool // records are to be written to body as they are read
	taken  bool
	body   []byte
}

// take waits for a place.
func (l *pageLease) take(ctx context.Context) error {
	select {
	case l.server.pages <- struct{}{}:
	case <-l.server.stopping:
		return errClosing()
	case <-ctx.Done():
		return ctx.Err()
	}
	l.taken = true
	if buffer, ok := l.server.pageBuffers.Get().(*[]byte); ok {
		l.body = (*buffer)[:0]
	}
	return nil
}

// release gives the place up, if there is one: the body is no longer valid.
func (l *pageLease) release() {
	if !l.taken {
		return
	}
	l.taken = false
	if l.body != nil {
		l.server.pageBuffers.Put(&l.body)
	}
	<-l.server.pages
}

// writes says whether records go to the body of the answer instead of into memory of their own.
func (l *pageLease) writes() bool { return l != nil && l.taken && l.json }
