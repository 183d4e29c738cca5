package filesystem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"weir/connectors"
)

// files is where a table's files are: on this machine, or in a bucket.
type files interface {
	// list gives the files that a path names, those below it where it is a folder, or what a pattern matches. The error
	// of a path that names nothing is errNoFile.
	list(ctx context.Context, path string, wanted func(path string) bool) ([]connectors.Split, error)
	// open opens a file at a byte. Reading ends with ctx.
	open(ctx context.Context, path string, at int64) (*opened, error)
	// full is the path as users are shown it in the metadata.
	full(path string) (string, error)
}

// opened is a file that is being read.
type opened struct {
	io.ReadCloser
	size     int64
	modified time.Time
}

// errNoFile says that a path names nothing.
var errNoFile = errors.New("no such file")

// noFile is errNoFile with a text for people.
type noFile string

func (e noFile) Error() string        { return string(e) }
func (e noFile) Is(target error) bool { return target == errNoFile }

// where gives the store that the option "path" names, and the path there.
func (c *config) where(env *connectors.Env) (files, string, error) {
	scheme, rest, ok := strings.Cut(c.path, "://")
	switch {
	case !ok || scheme == "file":
		return localFiles{c.path}, localPath(c.path), nil
	case isS3(scheme):
		return newBucketFiles(c, rest, env.S3Endpoint)
	}
	return nil, "", fmt.Errorf("path %q: weir reads files of this machine and s3://bucket/path, not of %s", c.path, scheme)
}

// sinkFolder is the folder that rows are written into.
func sinkFolder(path string) (string, error) {
	if scheme, _, ok := strings.Cut(path, "://"); ok && scheme != "file" {
		return "", fmt.Errorf("path %q: files are written into folders of this machine, not to %s", path, scheme)
	}
	return localPath(path), nil
}

// localPath takes a path or a file URL.
func localPath(p string) string {
	if rest, ok := strings.CutPrefix(p, "file://"); ok {
		return filepath.Clean(rest)
	}
	if rest, ok := strings.CutPrefix(p, "file:"); ok {
		return filepath.Clean(rest)
	}
	return filepath.Clean(p)
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }

// localFiles is the file system of this machine. declared is the path as the table has it.
type localFiles struct{ declared string }

func (l localFiles) list(ctx context.Context, path string, wanted func(string) bool) ([]connectors.Split, error) {
	roots, err := l.roots(path)
	if err != nil {
		return nil, err
	}
	var out []connectors.Split
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return fmt.Errorf("list %q: %w", path, err)
			case ctx.Err() != nil:
				return ctx.Err()
			case path != root && hidden(d.Name()):
				if d.IsDir() {
					return filepath.SkipDir
				}
			case !d.IsDir() && wanted(path):
				out = append(out, split(path, d))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func split(path string, d fs.DirEntry) connectors.Split {
	s := connectors.Split{ID: path}
	if info, err := d.Info(); err == nil {
		s.Size = info.Size()
	}
	return s
}

// roots gives what the path names: itself, or what a pattern matches.
func (l localFiles) roots(path string) ([]string, error) {
	_, err := os.Stat(path)
	if err == nil {
		return []string{path}, nil
	}
	if strings.ContainsAny(path, "*?[") {
		found, err := filepath.Glob(path)
		if err != nil {
			return nil, fmt.Errorf("path %q is no valid pattern: %w", l.declared, err)
		}
		if len(found) > 0 {
			return found, nil
		}
		return nil, noFile(fmt.Sprintf("no file matches %q; check the option \"path\"", l.declared))
	}
	if os.IsNotExist(err) {
		where, _ := filepath.Abs(path)
		return nil, noFile(fmt.Sprintf("path %q does not exist (looked for %s); check the option \"path\"", l.declared, where))
	}
	return nil, fmt.Errorf("path %q: %w", l.declared, err)
}

func (l localFiles) open(_ context.Context, path string, at int64) (*opened, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && at > 0 {
		if _, err = f.Seek(at, io.SeekStart); err != nil {
			err = fmt.Errorf("go to byte %d: %w", at, err)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &opened{f, info.Size(), info.ModTime()}, nil
}

func (l localFiles) full(path string) (string, error) { return filepath.Abs(path) }
