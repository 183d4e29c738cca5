package state

import (
	"encoding/hex"
	"errors"
	"io"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/zeebo/xxh3"
)

// FS is the file system that state and checkpoints live on: the machine's, or one in memory for tests.
type FS = vfs.FS

// FSFile is an open file of an FS.
type FSFile = vfs.File

// OS is the machine's file system.
func OS() FS { return vfs.Default }

// CategoryOther is for what FS.Create wants to know of a file's purpose.
const CategoryOther = vfs.WriteCategoryUnspecified

// Sum is a checksum of a file's content: 128 bits of XXH3 in hexadecimal. Files of the same sum and size
// are the same file.
type Sum string

// Summer computes a Sum from what is written to it.
type Summer struct{ h *xxh3.Hasher }

// NewSummer begins a checksum.
func NewSummer() Summer { return Summer{xxh3.New()} }

// Write adds bytes; it never fails.
func (s Summer) Write(p []byte) (int, error) { return s.h.Write(p) }

// Sum is the checksum of all written so far.
func (s Summer) Sum() Sum {
	b := s.h.Sum128().Bytes()
	return Sum(hex.EncodeToString(b[:]))
}

// SumFile reads a file for its checksum and size.
func SumFile(fs FS, path string) (sum Sum, size int64, err error) {
	f, err := fs.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	s := NewSummer()
	size, err = io.CopyBuffer(s, onlyReader{f}, make([]byte, 256<<10))
	return s.Sum(), size, err
}

type onlyReader struct{ io.Reader }

// LinkOrCopy gives a file that never changes another name: by a hard link, or on another device by a copy that
// is on disk when it returns.
func LinkOrCopy(f File, fs FS, to string) error {
	if f.FS == fs {
		if err := fs.Link(f.Path, to); err == nil || errors.Is(err, os.ErrExist) || errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return copyFile(f, fs, to, true)
}

func copyFile(f File, fs FS, to string, sync bool) error {
	in, err := f.FS.Open(f.Path, vfs.SequentialReadsOption)
	if err != nil {
		return err
	}
	defer in.Close()
	return writeFile(fs, to, sync, func(w io.Writer) error {
		_, err := io.CopyBuffer(w, onlyReader{in}, make([]byte, 256<<10))
		return err
	})
}

// WriteFile makes a file that is on disk when it returns. Its name is once the folder is synced.
func WriteFile(fs FS, path string, write func(io.Writer) error) error {
	return writeFile(fs, path, true, write)
}

func writeFile(fs FS, path string, sync bool, write func(io.Writer) error) (err error) {
	f, err := fs.Create(path, CategoryOther)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	if err := write(f); err != nil || !sync {
		return err
	}
	return f.Sync()
}

// SyncDir makes the names in a folder durable.
func SyncDir(fs FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if e := d.Close(); err == nil {
		err = e
	}
	return err
}

// lockless opens databases that nobody writes, without leaving a lock file beside them.
type lockless struct{ FS }

func (lockless) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// MkdirSynced makes a folder and those above it, all durable.
func MkdirSynced(fs FS, dir string) error {
	var missing []string
	for d := dir; ; d = fs.PathDir(d) {
		if _, err := fs.Stat(d); err == nil || d == fs.PathDir(d) {
			break
		} else if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		missing = append(missing, d)
	}
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, d := range missing {
		if err := SyncDir(fs, fs.PathDir(d)); err != nil {
			return err
		}
	}
	return nil
}
