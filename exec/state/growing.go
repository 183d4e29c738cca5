package state

import (
	"errors"
	"fmt"
)

// Config says where a task's store lives.
type Config struct {
	FS        FS
	Dir       string // for this store alone; it need not be there
	Resources *Resources
	// Bound is how many bytes stay in memory; 0: 16 MB.
	Bound int64
	// Pressed tells that memory is short: then less than Bound moves to disk. nil: never.
	Pressed func() bool
}

const (
	defaultBound = 16 << 20
	// pressedBound is the least that moves to disk when memory is short.
	pressedBound = 256 << 10
)

// Growing is a task's Store: in memory while it is small, then a database on disk.
type Growing struct {
	c    Config
	mem  *Memory // nil once on disk
	disk *Pebble
}

// NewGrowing makes an empty store.
func NewGrowing(c Config) *Growing {
	if c.Bound == 0 {
		c.Bound = defaultBound
	}
	return &Growing{c: c, mem: NewMemory()}
}

// OnDisk tells whether the store has moved to disk.
func (g *Growing) OnDisk() bool { return g.disk != nil }

// Get gives the key's value.
func (g *Growing) Get(key []byte) ([]byte, bool, error) {
	if g.disk != nil {
		return g.disk.Get(key)
	}
	return g.mem.Get(key)
}

// Set sets the key's value.
func (g *Growing) Set(key, value []byte) error {
	if g.disk != nil {
		return g.disk.Set(key, value)
	}
	if err := g.mem.Set(key, value); err != nil {
		return err
	}
	return g.bound()
}

// bound moves the store to disk if it is too large.
func (g *Growing) bound() error {
	if n := g.mem.Bytes(); n > g.c.Bound || n > pressedBound && g.c.Pressed != nil && g.c.Pressed() {
		return g.move()
	}
	return nil
}

// Delete removes the key, if it is there.
func (g *Growing) Delete(key []byte) error {
	if g.disk != nil {
		return g.disk.Delete(key)
	}
	return g.mem.Delete(key)
}

// Scan visits keys in [lo, hi) in order.
func (g *Growing) Scan(lo, hi []byte, visit func(key, value []byte) error) error {
	if g.disk != nil {
		return g.disk.Scan(lo, hi, visit)
	}
	return g.mem.Scan(lo, hi, visit)
}

// Snapshot pictures the store.
func (g *Growing) Snapshot() (Snapshot, error) {
	if g.disk != nil {
		return g.disk.Snapshot()
	}
	return g.mem.Snapshot()
}

// Close closes the store. Its pictures stay.
func (g *Growing) Close() error {
	if g.disk != nil {
		return g.disk.Close()
	}
	return g.mem.Close()
}

func (g *Growing) folder() string { return g.c.FS.PathJoin(g.c.Dir, "db") }

// create makes the database.
func (g *Growing) create() (err error) {
	if err := g.c.FS.MkdirAll(g.c.Dir, 0o755); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	g.disk, err = OpenPebble(g.c.FS, g.folder(), g.c.Resources)
	return err
}

// move takes what memory holds to disk.
func (g *Growing) move() error {
	if err := g.create(); err != nil {
		return err
	}
	w := &bulk{db: g.disk}
	err := errors.Join(g.mem.Scan(nil, nil, w.add), w.flush())
	if err == nil {
		err = g.mem.Close()
	}
	g.mem = nil
	return err
}

// adopt makes the files of a database the store's own, by hard links. The store is empty.
func (g *Growing) adopt(files []File) error {
	fs, dir := g.c.FS, g.folder()
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		if err := take(f, fs, fs.PathJoin(dir, f.Name)); err != nil {
			return err
		}
	}
	if err := g.create(); err != nil {
		return err
	}
	g.mem = nil
	for _, f := range files {
		if immutable(f.Name) && f.Sum != "" {
			g.disk.sums.of[f.Name] = f.Sum
		}
	}
	return nil
}

// take links a file that never changes, and copies any other: the database goes on writing those. Nobody needs
// them after a crash.
func take(f File, fs FS, to string) error {
	if immutable(f.Name) {
		return LinkOrCopy(f, fs, to)
	}
	return copyFile(f, fs, to, false)
}
