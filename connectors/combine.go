package connectors

import (
	"context"
	"slices"
	"sync"
	"time"

	"weir/sql/vec"
)

// Combined has a Lookup's requests that are not full wait for the keys of others, up to linger of real time, so that one call
// carries them together. The call lasts as long as anyone waits for it. Where it is Refused, its requests are made one by one; another
// error is of all its keys.
func Combined(l Lookup, linger time.Duration) Lookup {
	if linger <= 0 || l.MaxKeys() <= 1 {
		return l
	}
	return &combined{Lookup: l, linger: linger}
}

type combined struct {
	Lookup
	linger time.Duration

	mu   sync.Mutex
	open *bundle // takes more keys; nil: there is none
}

// bundle is the keys of a call.
type bundle struct {
	keys    []*vec.Batch
	n       int
	waiters int
	ends    time.Time // of the one who waits longest
	endless bool      // one has no end
	timer   *time.Timer
	cancel  context.CancelFunc // of the call; nil: it has not begun

	done chan struct{} // closed when what follows is there
	rows *vec.Batch
	of   []int32
	err  error
}

// Status implements Waiting.
func (c *combined) Status() string {
	if w, ok := c.Lookup.(Waiting); ok {
		return w.Status()
	}
	return ""
}

// Ask implements Lookup.
func (c *combined) Ask(ctx context.Context, keys *vec.Batch) (*vec.Batch, []int32, error) {
	n, most := keys.Len(), c.MaxKeys()
	if n >= most {
		return c.Lookup.Ask(ctx, keys)
	}
	c.mu.Lock()
	if c.open != nil && c.open.n+n > most {
		c.send(c.open)
	}
	b := c.open
	if b == nil {
		b = &bundle{done: make(chan struct{})}
		b.timer = time.AfterFunc(c.linger, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.open == b {
				c.send(b)
			}
		})
		c.open = b
	}
	from := b.n
	b.add(ctx, keys)
	if b.n == most {
		c.send(b)
	}
	c.mu.Unlock()
	select {
	case <-b.done:
		if len(b.keys) > 1 && IsRefused(b.err) {
			return c.Lookup.Ask(ctx, keys)
		}
		return b.part(from, from+n)
	case <-ctx.Done():
		c.leave(b)
		return nil, nil, ctx.Err()
	}
}

// add takes keys in. The caller holds the lock.
func (b *bundle) add(ctx context.Context, keys *vec.Batch) {
	b.keys, b.n, b.waiters = append(b.keys, keys), b.n+keys.Len(), b.waiters+1
	end, ok := ctx.Deadline()
	b.endless = b.endless || !ok
	if end.After(b.ends) {
		b.ends = end
	}
}

// send begins the call. The caller holds the lock.
func (c *combined) send(b *bundle) {
	c.open = nil
	b.timer.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	go func() {
		defer cancel()
		if !b.endless {
			var stop context.CancelFunc
			ctx, stop = context.WithDeadline(ctx, b.ends)
			defer stop()
		}
		b.rows, b.of, b.err = c.Lookup.Ask(ctx, vec.Concat(b.keys...))
		close(b.done)
	}()
}

// leave ends a call that nobody waits for any more.
func (c *combined) leave(b *bundle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.waiters--; b.waiters > 0 {
		return
	}
	if b.cancel != nil {
		b.cancel()
	} else if c.open == b {
		c.open = nil
		b.timer.Stop()
	}
}

// part is the answer to the keys [lo, hi).
func (b *bundle) part(lo, hi int) (*vec.Batch, []int32, error) {
	if b.err != nil {
		return nil, nil, b.err
	}
	from, _ := slices.BinarySearch(b.of, int32(lo))
	to, _ := slices.BinarySearch(b.of, int32(hi))
	of, at := make([]int32, to-from), make([]int32, to-from)
	for i := range of {
		of[i], at[i] = b.of[from+i]-int32(lo), int32(from+i)
	}
	return vec.TakeBatch(b.rows, at), of, nil
}
