package state

import (
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guard stands between a database and its disk. A database that cannot write ends its whole process, or tries again for
// ever; here only its job must end. So the first failure is noted, and from then on writes are taken for done: the
// store tells its task instead, which fails, and what the database believes to have written is never read.
type guard struct {
	FS
	// dir is the database's own folder. Nobody reads it after a crash: what pictures share with it is synced, the rest
	// is not, since a sync may wait for all that others have written.
	dir    string
	failed atomic.Pointer[error]
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
	if g.PathDir(name) == g.dir && !immutable(name) {
		f = unsynced{f}
	}
	return &guarded{f, g}, nil
}

// unsynced is a file of no use after a crash.
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
