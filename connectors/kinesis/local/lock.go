package local

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// lockName is the file by which a process owns a data directory.
const lockName = "weir.lock"

// InUseError says that another process owns the data directory. URL is where its server answers; it is
// empty while that server is still starting.
type InUseError struct {
	Dir string `json:"-"`
	URL string `json:"url"`
	PID int    `json:"pid"`
}

// Error names the owner.
func (e *InUseError) Error() string {
	return fmt.Sprintf("data directory %q is in use by process %d (kinesis server %q): use that server, stop it, or name another directory",
		e.Dir, e.PID, e.URL)
}

// dirLock is an advisory lock on an open file: the kernel frees it when the process dies, so the text in
// the file may be stale, but the lock never is. The file is never removed, which would let two processes
// lock two files of one name.
type dirLock struct {
	file *os.File
}

func lockDir(dir string) (*dirLock, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make data directory %q: %w", dir, err)
	}
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open lock of data directory %q: %w", dir, err)
	}
	taken, err := tryLock(file)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock data directory %q: %w", dir, err)
	}
	if !taken {
		defer file.Close()
		return nil, readOwner(dir, file)
	}
	l := &dirLock{file: file}
	if err := l.announce(""); err != nil {
		file.Close()
		return nil, err
	}
	return l, nil
}

// readOwner reads who holds the lock. A reader may meet a half-written file: then the owner is
// still starting, which an empty URL says.
func readOwner(dir string, file *os.File) *InUseError {
	owner := &InUseError{Dir: dir}
	text := make([]byte, 4096)
	n, _ := file.ReadAt(text, 0)
	if json.Unmarshal(text[:n], owner) != nil {
		return &InUseError{Dir: dir}
	}
	return owner
}

// announce writes the owner and where its server answers.
func (l *dirLock) announce(url string) error {
	text, err := json.Marshal(InUseError{URL: url, PID: os.Getpid()})
	if err == nil {
		err = l.file.Truncate(0)
	}
	if err == nil {
		_, err = l.file.WriteAt(append(text, '\n'), 0)
	}
	if err != nil {
		return fmt.Errorf("write lock file %q: %w", l.file.Name(), err)
	}
	return nil
}

func (l *dirLock) release() error {
	if l == nil {
		return nil
	}
	err := l.file.Truncate(0)
	if closeErr := l.file.Close(); err == nil {
		err = closeErr
	}
	return err
}
