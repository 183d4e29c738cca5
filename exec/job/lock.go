package job

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// lockName is the file by which a process owns the jobs of a data folder.
const lockName = "server.lock"

// Owner is the process that owns a data folder's jobs. URL is where its server answers, empty while it starts.
type Owner struct {
	Dir string `json:"-"`
	PID int    `json:"pid"`
	URL string `json:"url"`
}

// InUseError says that another process owns the jobs of a data folder.
type InUseError struct{ Owner }

// Error names the owner.
func (e *InUseError) Error() string {
	at := "which is starting"
	if e.URL != "" {
		at = "whose server is at " + e.URL
	}
	return fmt.Sprintf("data folder %q is owned by process %d, %s: use that server, stop it, or name another folder with --data", e.Dir, e.PID, at)
}

// FindOwner reads who owns the jobs of a data folder; false: nobody does.
func FindOwner(dir string) (Owner, bool) {
	file, err := os.OpenFile(filepath.Join(dir, jobsDir, lockName), os.O_RDWR, 0)
	if err != nil {
		return Owner{}, false
	}
	defer file.Close()
	if taken, err := tryLock(file); err != nil || taken {
		return Owner{}, false // the kernel frees the lock of a process that died; its text stays
	}
	return readOwner(dir, file), true
}

func readOwner(dir string, file *os.File) Owner {
	text := make([]byte, 4096)
	n, _ := file.ReadAt(text, 0)
	var o Owner
	_ = json.Unmarshal(text[:n], &o) // half-written: the owner is starting
	o.Dir = dir
	return o
}

// lockDir takes the lock of a data folder. The lock file is never removed, which would let two processes
// lock two files of one name.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Join(dir, jobsDir), 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	path := filepath.Join(dir, jobsDir, lockName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("data folder %q belongs to another user: %w", dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open lock of data folder: %w", err)
	}
	taken, err := tryLock(file)
	switch {
	case err != nil:
		file.Close()
		return nil, fmt.Errorf("lock data folder %q: %w", dir, err)
	case !taken:
		defer file.Close()
		return nil, &InUseError{readOwner(dir, file)}
	}
	return file, announce(file, "")
}

// announce writes the owner and where its server answers.
func announce(file *os.File, url string) error {
	text, err := json.Marshal(Owner{PID: os.Getpid(), URL: url})
	if err == nil {
		err = file.Truncate(0)
	}
	if err == nil {
		_, err = file.WriteAt(append(text, '\n'), 0)
	}
	if err != nil {
		return fmt.Errorf("write lock file %q: %w", file.Name(), err)
	}
	return nil
}
