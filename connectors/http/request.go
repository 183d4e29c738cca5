package httpconn

import (
	"context"
	"errors"
	"iter"
	"net/http"
)

// send starts a request with what is buffered, waiting for a free place.
func (s *sink) send(ctx context.Context) error {
	if err := s.Err(); err != nil || len(s.buf) == 0 {
		return err
	}
	method, batch := s.method, s.buf
	s.buf, s.bytes = nil, 0
	var keys iter.Seq[string]
	if len(s.keys) > 0 {
		keys = func(yield func(string) bool) {
			for i := range batch {
				if !yield(batch[i].key) {
					return
				}
			}
		}
	}
	return s.Start(ctx, keys, func(ctx context.Context) error { return s.put(ctx, method, batch) })
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
	case !s.Tolerant() || !errors.As(err, &f) || !s.blamesRows(f):
		return err
	case len(batch) > 1:
		half := len(batch) / 2
		if err := s.put(ctx, method, batch[:half]); err != nil {
			return err
		}
		return s.put(ctx, method, batch[half:])
	}
	s.Refuse(batch[0].data, err)
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
