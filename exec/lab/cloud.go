package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"sort"
	"strings"
	"sync"
	"time"
)

// ErrUnavailable is what an object store answers that fails.
var ErrUnavailable = errors.New("503 slow down")

// Cloud is an object store in memory, as S3, that can fail. What was put is there at once.
type Cloud struct {
	// Fail is how likely a call fails before it has done anything, Lose that it fails when it is done.
	Fail, Lose float64
	// Now is the clock by which objects age.
	Now func() time.Time

	mu      sync.Mutex
	rand    *rand.Rand
	objects map[string]object
	calls   int
	stopAt  int
	stopped bool
}

type object struct {
	body []byte
	at   time.Time
}

// NewCloud makes an empty store.
func NewCloud(seed uint64) *Cloud {
	return &Cloud{rand: rand.New(rand.NewPCG(seed, 3)), objects: map[string]object{}, Now: time.Now}
}

// Calls is how many calls changed the store.
func (c *Cloud) Calls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

// StopAt lets the client die in its nth call that changes the store: every call fails from then on, until Restart.
func (c *Cloud) StopAt(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopAt = n
}

// Stopped tells whether the client has died.
func (c *Cloud) Stopped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopped
}

// Restart lets another client begin.
func (c *Cloud) Restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopAt, c.stopped = 0, false
}

// change makes a call that changes the store.
func (c *Cloud) change(ctx context.Context, f func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.stopped {
		return ErrUnavailable
	}
	c.calls++
	if c.calls == c.stopAt {
		if c.stopped = true; c.rand.IntN(2) == 0 { // the service may have done it
			f()
		}
		return ErrUnavailable
	}
	if c.rand.Float64() < c.Fail {
		return ErrUnavailable
	}
	f()
	if c.rand.Float64() < c.Lose {
		return ErrUnavailable
	}
	return nil
}

// Put writes an object.
func (c *Cloud) Put(ctx context.Context, key string, size int64, body io.ReaderAt) error {
	b, err := io.ReadAll(io.NewSectionReader(body, 0, size))
	if err != nil {
		return err
	}
	return c.change(ctx, func() { c.objects[key] = object{b, c.Now()} })
}

// PutNew writes an object unless there is one under the key.
func (c *Cloud) PutNew(ctx context.Context, key string, body []byte) (created bool, err error) {
	err = c.change(ctx, func() {
		if _, there := c.objects[key]; !there {
			created = true
			c.objects[key] = object{bytes.Clone(body), c.Now()}
		}
	})
	return created && err == nil, err
}

// Get reads an object.
func (c *Cloud) Get(_ context.Context, key string) (io.ReadCloser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, ok := c.objects[key]
	if !ok {
		return nil, fmt.Errorf("%w: no object %q", fs.ErrNotExist, key)
	}
	return io.NopCloser(bytes.NewReader(o.body)), nil
}

// List visits the objects below a prefix, in order.
func (c *Cloud) List(_ context.Context, prefix string, visit func(string, int64, time.Time) error) error {
	c.mu.Lock()
	keys := make([]string, 0, len(c.objects))
	for k := range c.objects {
		if strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	c.mu.Unlock()
	for _, k := range keys {
		c.mu.Lock()
		o, ok := c.objects[k]
		c.mu.Unlock()
		if !ok {
			continue
		}
		if err := visit(k, int64(len(o.body)), o.at); err != nil {
			return err
		}
	}
	return nil
}

// Delete removes objects.
func (c *Cloud) Delete(ctx context.Context, keys []string) error {
	return c.change(ctx, func() {
		for _, k := range keys {
			delete(c.objects, k)
		}
	})
}
