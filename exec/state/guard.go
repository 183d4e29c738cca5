package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guard stands between a database and its disk. A database that cannot write ends its whole process, or tries again for
// ever; here only its job must end. So the first failure is noted, and from then on writes are taken for done: the
// store tells its task instead, which fails, and what the database believes to have written is never read.
type guard struct {
	FS
	// dir is the database's own folder. Nobody reads it after a crash, so nothing is synced there, since a sync may wait
	// for all that others have written. What pictures share with it is synced when they are made.
	dir    string
	failed atomic.Pointer[error]

	mu      sync.Mutex
	pending map[string]bool // files that pictures may share and that were not synced
}

// syncers is how many files are synced at once: the disk takes many for little more than one.
const syncers = 16

// sync syncs what a picture shares with the database and no picture before it did. A failure is one of the store.
func (g *guard) sync(dir string, names []string) error {
	work := make(chan string, len(names))
	g.mu.Lock()
	for _, name := range names {
		if g.pending[name] {
			delete(g.pending, name)
			work <- g.PathJoin(dir, name)
		}
	}
	g.mu.Unlock()
	close(work)
	var all sync.WaitGroup
	errs := make([]error, min(syncers, len(work)))
	for i := range errs {
		all.Go(func() {
			for path := range work {
				errs[i] = errors.Join(errs[i], syncFile(g.FS, path))
			}
		})
	}
	all.Wait()
	_ = g.note(errors.Join(errs...))
	return g.err()
}

// syncFile makes what is in a file durable.
func syncFile(fs FS, path string) error {
	f, err := fs.OpenReadWrite(path, CategoryOther)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// err is the first failure.
func (g *guard) err() error {
	if e := g.failed.Load(); e != nil {
		return *e
	}
	return nil
}

// note notes a failure and hides it.
func (g *guard) note(err error) error {
	if err != nil {
		failure := fmt.Errorf("state on disk: %w", err)
		g.failed.CompareAndSwap(nil, &failure)
	}
	return nil
}

func (g *guard) open(name string, f FSFile, err error) (FSFile, error) {
	if err != nil {
		_ = g.note(err)
		return nowhere{}, nil
	}
	if g.PathDir(name) == g.dir {
		f = unsynced{f}
		if immutable(name) {
			g.mu.Lock()
			g.pending[g.PathBase(name)] = true
			g.mu.Unlock()
		}
	}
	return &guarded{f, g}, nil
}

// Remove forgets the file.
func (g *guard) Remove(name string) error {
	if g.PathDir(name) == g.dir {
		g.mu.Lock()
		delete(g.pending, g.PathBase(name))
		g.mu.Unlock()
	}
	return g.FS.Remove(name)
}

// unsynced is a file of the database's own folder.
type unsynced struct{ FSFile }

func (unsynced) Sync() error                { return nil }
func (unsynced) SyncData() error            { return nil }
func (unsynced) SyncTo(int64) (bool, error) { return true, nil }

func (g *guard) Create(name string, c vfs.DiskWriteCategory) (FSFile, error) {
	f, err := g.FS.Create(name, c)
	return g.open(name, f, err)
}

func (g *guard) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (FSFile, error) {
	f, err := g.FS.OpenReadWrite(name, c, o...)
	return g.open(name, f, err)
}

func (g *guard) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (FSFile, error) {
	f, err := g.FS.ReuseForWrite(from, to, c)
	return g.open(to, f, err)
}

// OpenDir opens a folder to sync it.
func (g *guard) OpenDir(name string) (FSFile, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	if name == g.dir {
		f = unsynced{f}
	}
	return &guarded{f, g}, nil
}

func (g *guard) Rename(from, to string) error { return g.note(g.FS.Rename(from, to)) }

// widest is how far a merge is extended, where that makes it cost less for each byte, but not pass beyond a span or two.
const widest = 3 * spanBytes / 2

// GetDiskUsage tells of little room, by which a database bounds how far it extends a merge: by half of it.
func (g *guard) GetDiskUsage(path string) (vfs.DiskUsage, error) {
	u, err := g.FS.GetDiskUsage(path)
	u.AvailBytes = min(u.AvailBytes, 2*widest)
	return u, err
}

// Unwrap gives the file system behind.
func (g *guard) Unwrap() FS { return g.FS }

// guarded is a file being written.
type guarded struct {
	FSFile
	g *guard
}

func (f *guarded) Write(p []byte) (int, error) {
	_, err := f.FSFile.Write(p)
	return len(p), f.g.note(err)
}

func (f *guarded) WriteAt(p []byte, at int64) (int, error) {
	_, err := f.FSFile.WriteAt(p, at)
	return len(p), f.g.note(err)
}

func (f *guarded) Sync() error     { return f.g.note(f.FSFile.Sync()) }
func (f *guarded) SyncData() error { return f.g.note(f.FSFile.SyncData()) }
func (f *guarded) Close() error    { return f.g.note(f.FSFile.Close()) }

func (f *guarded) SyncTo(n int64) (bool, error) {
	full, err := f.FSFile.SyncTo(n)
	return full, f.g.note(err)
}

// nowhere is the file that could not be made.
type nowhere struct{}

func (nowhere) Close() error                           { return nil }
func (nowhere) Read([]byte) (int, error)               { return 0, os.ErrInvalid }
func (nowhere) ReadAt([]byte, int64) (int, error)      { return 0, os.ErrInvalid }
func (nowhere) Write(p []byte) (int, error)            { return len(p), nil }
func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (nowhere) Preallocate(int64, int64) error         { return nil }
func (nowhere) Stat() (vfs.FileInfo, error)            { return noInfo{}, nil }
func (nowhere) Sync() error                            { return nil }
func (nowhere) SyncTo(int64) (bool, error)             { return true, nil }
func (nowhere) SyncData() error                        { return nil }
func (nowhere) Prefetch(int64, int64) error            { return nil }
func (nowhere) Fd() uintptr                            { return vfs.InvalidFd }

type noInfo struct{}

func (noInfo) Name() string           { return "" }
func (noInfo) Size() int64            { return 0 }
func (noInfo) Mode() fs.FileMode      { return 0 }
func (noInfo) ModTime() time.Time     { return time.Time{} }
func (noInfo) IsDir() bool            { return false }
func (noInfo) Sys() any               { return nil }
func (noInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
