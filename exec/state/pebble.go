package state

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Pebble is a Store on disk, one database a task. What it holds is made durable by checkpoints, so it
// writes no log of its own.
type Pebble struct {
	db *pebble.DB
}

// Resources are what the databases of a process share: one cache of blocks, whose size their memtables are
// counted against. Close it after them.
type Resources struct{ cache *pebble.Cache }

// NewResources makes a cache of that many bytes.
func NewResources(cache int64) *Resources { return &Resources{pebble.NewCache(cache)} }

// Close gives the memory back once no database uses it.
func (r *Resources) Close() { r.cache.Unref() }

// memtable is small, since a process has a database for each task.
const memtable = 4 << 20

// OpenPebble opens the database in a folder, made if need be. shared may be nil.
func OpenPebble(dir string, shared *Resources) (*Pebble, error) {
	return openPebble(dir, vfs.Default, shared)
}

// OpenPebbleInMemory opens an empty database whose files are in memory, for tests.
func OpenPebbleInMemory() (*Pebble, error) { return openPebble("", vfs.NewMem(), nil) }

func openPebble(dir string, fs vfs.FS, shared *Resources) (*Pebble, error) {
	o := &pebble.Options{FS: fs, DisableWAL: true, MemTableSize: memtable, Logger: quiet{}, FormatMajorVersion: pebble.FormatNewest}
	if shared != nil {
		o.Cache = shared.cache
	}
	db, err := pebble.Open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("state in %q: %w", dir, err)
	}
	return &Pebble{db: db}, nil
}

// quiet drops the database's progress messages; a fatal one is a bug or a broken disk.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic("state: " + fmt.Sprintf(format, args...))
}

// Get gives the key's value.
func (p *Pebble) Get(key []byte) ([]byte, bool, error) {
	value, closer, err := p.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	value = bytes.Clone(value)
	if value == nil {
		value = []byte{}
	}
	return value, true, closer.Close()
}

// Set sets the key's value.
func (p *Pebble) Set(key, value []byte) error { return p.db.Set(key, value, pebble.NoSync) }

// Delete removes the key, if it is there.
func (p *Pebble) Delete(key []byte) error { return p.db.Delete(key, pebble.NoSync) }

// Scan visits keys in [lo, hi) in order.
func (p *Pebble) Scan(lo, hi []byte, visit func(key, value []byte) error) error {
	return scanPebble(p.db, lo, hi, visit)
}

func scanPebble(r pebble.Reader, lo, hi []byte, visit func(key, value []byte) error) (err error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return err
	}
	defer func() {
		if e := it.Close(); err == nil { // an error of visit comes back as it is, as from the memory store
			err = e
		}
	}()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if err := visit(it.Key(), value); err != nil {
			return err
		}
	}
	return it.Error()
}

// Snapshot pictures the store. It stays readable after the store is closed, since it is then a copy.
func (p *Pebble) Snapshot() (Snapshot, error) {
	// An open snapshot would keep the database open; copying is right while checkpoints are kept in memory.
	m := NewMemory()
	if err := p.Scan(nil, nil, m.Set); err != nil {
		return nil, err
	}
	return m.Snapshot()
}

// Checkpoint makes a durable copy of the store in a folder that does not exist yet: hard links to files
// that never change, so it costs what was written since the last one.
func (p *Pebble) Checkpoint(dir string) error {
	return p.db.Checkpoint(dir, pebble.WithFlushedWAL())
}

// Close closes the database.
func (p *Pebble) Close() error { return p.db.Close() }
