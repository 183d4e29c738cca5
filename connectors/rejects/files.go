package rejects

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// file is a file of a folder.
type file struct {
	name    string
	size    int64
	changed int64 // orders files by their last change
}

// files is the little of a file system that a store needs. Names are slash-separated paths; folders come into being.
type files interface {
	list(dir string) ([]file, error)
	folders() ([]string, error) // that hold files
	read(name string, from int64) ([]byte, error)
	// append adds to a file; durable waits until it is on disk.
	append(name string, data []byte, durable bool) error
	create(name string, data []byte) error
	truncate(name string, size int64) error
	remove(name string) error
}

// onDisk is the files of a folder. They are for their owner only: records may hold anything.
type onDisk string

func (d onDisk) at(name string) string { return filepath.Join(string(d), filepath.FromSlash(name)) }

func (d onDisk) list(dir string) ([]file, error) {
	entries, err := os.ReadDir(d.at(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []file
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since
		}
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			out = append(out, file{e.Name(), info.Size(), info.ModTime().UnixNano()})
		}
	}
	return out, nil
}

func (d onDisk) folders() (out []string, err error) {
	err = filepath.WalkDir(string(d), func(p string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !e.IsDir() || e.Name() != "errors" && e.Name() != "late" {
			return err
		}
		rel, err := filepath.Rel(string(d), p)
		out = append(out, filepath.ToSlash(rel))
		return err
	})
	return out, err
}

func (d onDisk) read(name string, from int64) ([]byte, error) {
	f, err := os.Open(d.at(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}

func (d onDisk) append(name string, data []byte, durable bool) error {
	f, err := d.open(name, os.O_APPEND)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && durable {
		err = f.Sync()
	}
	if durable {
		if dir, openErr := os.Open(filepath.Dir(d.at(name))); openErr == nil {
			_ = dir.Sync() // a new file's name; some systems have no such thing
			_ = dir.Close()
		}
	}
	return errors.Join(err, f.Close())
}

func (d onDisk) open(name string, flag int) (*os.File, error) {
	at := d.at(name)
	f, err := os.OpenFile(at, os.O_CREATE|os.O_WRONLY|flag, 0o600)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(at, os.O_CREATE|os.O_WRONLY|flag, 0o600)
}

// create writes a file whole: a crash leaves all of it or nothing.
func (d onDisk) create(name string, data []byte) error {
	f, err := d.open(name+".new", os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(d.at(name+".new"), d.at(name))
}

func (d onDisk) truncate(name string, size int64) error { return os.Truncate(d.at(name), size) }

func (d onDisk) remove(name string) error {
	if err := os.Remove(d.at(name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// inMemory is files in memory.
type inMemory struct {
	mu    sync.Mutex
	data  map[string][]byte
	when  map[string]int64
	clock int64
}

func (m *inMemory) list(dir string) ([]file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []file
	for name, data := range m.data {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok && !strings.Contains(rest, "/") {
			out = append(out, file{rest, int64(len(data)), m.when[name]})
		}
	}
	return out, nil
}

func (m *inMemory) folders() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := map[string]bool{}
	for name := range m.data {
		seen[name[:strings.LastIndexByte(name, '/')]] = true
	}
	return sorted(seen), nil
}

func (m *inMemory) read(name string, from int64) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data := m.data[name]
	return data[min(from, int64(len(data))):len(data):len(data)], nil
}

func (m *inMemory) append(name string, data []byte, _ bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(name, append(m.data[name], data...))
	return nil
}

func (m *inMemory) set(name string, data []byte) {
	if m.data == nil {
		m.data, m.when = map[string][]byte{}, map[string]int64{}
	}
	m.clock++
	m.data[name], m.when[name] = data, m.clock
}

func (m *inMemory) create(name string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(name, data)
	return nil
}

func (m *inMemory) truncate(name string, size int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(name, m.data[name][:size:size])
	return nil
}

func (m *inMemory) remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.data, name)
	delete(m.when, name)
	return nil
}
