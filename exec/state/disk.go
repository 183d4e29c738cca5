package state

import (
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrDead is what a Disk answers after its machine has died.
var ErrDead = errors.New("the machine is dead")

// Disk is a file system in memory for tests of what can go wrong: the machine dies at a chosen write, or the disk is
// full for a while. A write is anything that changes it: a file's creation, bytes, sync, name or link.
type Disk struct {
	FS
	mem *vfs.MemFS
	rng *rand.Rand

	mu     sync.Mutex
	writes int
	dieAt  int
	fullAt int
	freeAt int
	dead   bool
}

// NewDisk makes an empty disk. The seed decides what of unsynced writes survives when the machine dies.
func NewDisk(seed uint64) *Disk {
	mem := vfs.NewCrashableMem()
	return &Disk{FS: mem, mem: mem, rng: rand.New(rand.NewPCG(seed, 1))}
}

// Writes is how many writes there were.
func (d *Disk) Writes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.writes
}

// DieAt lets the machine die at write number n from the start; 0: not.
func (d *Disk) DieAt(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dieAt = n
}

// FullFor lets n writes fail from write number at on: the disk is full.
func (d *Disk) FullFor(at, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fullAt, d.freeAt = at, at+n
}

// Dead tells whether the machine has died.
func (d *Disk) Dead() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

// Restart brings the machine up again: what was synced is there, and of the rest some. The old Disk stays dead, for what
// was running then.
func (d *Disk) Restart() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	mem := d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: d.rng})
	return &Disk{FS: mem, mem: mem, rng: d.rng, writes: d.writes}
}

// write counts a write, and tells whether it fails; torn: half of it is done first.
func (d *Disk) write() (torn bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return false, ErrDead
	}
	d.writes++
	switch {
	case d.writes == d.dieAt:
		d.dead = true
		return true, ErrDead
	case d.writes >= d.fullAt && d.writes < d.freeAt:
		return false, syscall.ENOSPC
	}
	return false, nil
}

func (d *Disk) change(f func() error) error {
	if _, err := d.write(); err != nil {
		return err
	}
	return f()
}

func (d *Disk) file(open func() (FSFile, error)) (FSFile, error) {
	if _, err := d.write(); err != nil {
		return nil, err
	}
	f, err := open()
	if err != nil {
		return nil, err
	}
	return &diskFile{f, d}, nil
}

// Create counts as a write.
func (d *Disk) Create(name string, c vfs.DiskWriteCategory) (FSFile, error) {
	return d.file(func() (FSFile, error) { return d.FS.Create(name, c) })
}

// OpenReadWrite counts as a write.
func (d *Disk) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (FSFile, error) {
	return d.file(func() (FSFile, error) { return d.FS.OpenReadWrite(name, c, o...) })
}

// ReuseForWrite counts as a write.
func (d *Disk) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (FSFile, error) {
	return d.file(func() (FSFile, error) { return d.FS.ReuseForWrite(from, to, c) })
}

// OpenDir opens a folder to sync it.
func (d *Disk) OpenDir(name string) (FSFile, error) {
	f, err := d.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &diskFile{f, d}, nil
}

// Link counts as a write.
func (d *Disk) Link(from, to string) error {
	return d.change(func() error { return d.FS.Link(from, to) })
}

// Rename counts as a write.
func (d *Disk) Rename(from, to string) error {
	return d.change(func() error { return d.FS.Rename(from, to) })
}

// Remove counts as a write.
func (d *Disk) Remove(name string) error {
	return d.change(func() error { return d.FS.Remove(name) })
}

// RemoveAll counts as a write.
func (d *Disk) RemoveAll(name string) error {
	return d.change(func() error { return d.FS.RemoveAll(name) })
}

// MkdirAll counts as a write.
func (d *Disk) MkdirAll(dir string, perm os.FileMode) error {
	return d.change(func() error { return d.FS.MkdirAll(dir, perm) })
}

// Unwrap gives the file system behind.
func (d *Disk) Unwrap() FS { return d.FS }

type diskFile struct {
	FSFile
	d *Disk
}

func (f *diskFile) Write(p []byte) (int, error) {
	torn, err := f.d.write()
	if torn {
		_, _ = f.FSFile.Write(p[:len(p)/2])
	}
	if err != nil {
		return 0, err
	}
	return f.FSFile.Write(p)
}

func (f *diskFile) Sync() error     { return f.d.change(f.FSFile.Sync) }
func (f *diskFile) SyncData() error { return f.d.change(f.FSFile.SyncData) }

func (f *diskFile) SyncTo(n int64) (full bool, err error) {
	err = f.d.change(func() (e error) { full, e = f.FSFile.SyncTo(n); return e })
	return full, err
}
