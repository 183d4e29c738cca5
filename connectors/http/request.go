package httpconn

import (
	"context"
	"errors"
	"net/http"

	"weir/connectors"
)

// request is rows under way.
type request struct {
	method string
	batch  []entry
	after  []*request // that hold one of its keys, and go first
	done   chan struct{}
}

// send starts a request with what is buffered, waiting for a free place.
func (s *sink) send(ctx context.Context) error {
	if err := s.failure(); err != nil || len(s.buf) == 0 {
		return err
	}
	select {
	case s.inflight <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	r := &request{method: s.method, batch: s.buf, done: make(chan struct{})}
	s.buf, s.bytes = nil, 0
	if len(s.keys) > 0 {
		s.queue(r)
	}
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		err := s.run(r)
		s.mu.Lock()
		if s.err == nil {
			s.err = err
		}
		for i := range r.batch {
			if key := r.batch[i].key; s.latest[key] == r {
				delete(s.latest, key)
			}
		}
		s.mu.Unlock()
		close(r.done)
		<-s.inflight
	}()
	return nil
}

// queue puts a request behind those under way that hold one of its keys.
func (s *sink) queue(r *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[*request]bool{r: true}
	for i := range r.batch {
		key := r.batch[i].key
		if before := s.latest[key]; before != nil && !seen[before] {
			seen[before] = true
			r.after = append(r.after, before)
		}
		s.latest[key] = r
	}
}

// run waits for the request's turn, and sends it.
func (s *sink) run(r *request) error {
	for _, before := range r.after {
		select {
		case <-before.done:
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
	r.after = nil
	if s.failure() != nil {
		return nil
	}
	return s.put(s.ctx, r.method, r.batch)
}

// put sends rows until the service takes them. Where it refuses rows for what they are, a tolerant sink finds which by
// halving the request; the others are taken.
func (s *sink) put(ctx context.Context, method string, batch []entry) error {
	q := &call{method: method, url: batch[0].url, shown: batch[0].shown}
	if !s.single {
		var err error
		if q.url, q.shown, err = s.url.expand(s.values, 0); err != nil { // there is no column in it
			return err
		}
	}
	if !s.noBody(method) {
		q.body, q.contentType = s.body(batch), contentType(s.conf.format, nil, "")
	}
	_, err := s.client.send(ctx, q)
	f := &failure{}
	switch {
	case err == nil:
		return nil
	case !s.tolerant || !errors.As(err, &f) || !s.blamesRows(f):
		return err
	case len(batch) > 1:
		half := len(batch) / 2
		if err := s.put(ctx, method, batch[:half]); err != nil {
			return err
		}
		return s.put(ctx, method, batch[half:])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bad = append(s.bad, connectors.RefusedRecord{Record: batch[0].data, Err: err})
	return nil
}

// blamesRows tells whether a request was refused for the rows in it, not for its address or its sender.
func (s *sink) blamesRows(f *failure) bool {
	switch f.status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusGone, http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge,
		http.StatusRequestURITooLong, http.StatusUnprocessableEntity:
		return !f.again
	case http.StatusNotFound:
		return !f.again && len(s.url.columns()) > 0
	}
	return false
}
