package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"weir/exec"
	"weir/exec/checkpoint"
	"weir/exec/job"
)

// folder is a folder of checkpoints: a path of this machine, or the URL of an object store.
type folder struct {
	path   string
	object bool
}

func parseFolder(text string) folder {
	if rest, ok := strings.CutPrefix(text, "file://"); ok {
		return folder{path: filepath.Clean(rest)}
	}
	return folder{path: text, object: strings.Contains(text, "://")}
}

// errObjects is the answer while there is no store for a URL.
func errObjects(path string) error {
	return fmt.Errorf("'%s': checkpoints are kept in folders of this machine; object stores are not supported yet", path)
}

// openCheckpoints opens the store of a job's checkpoints.
func openCheckpoints(dir string, keep int, log *slog.Logger) (*checkpoint.Dir, error) {
	f := parseFolder(dir)
	if f.object {
		return nil, errObjects(dir)
	}
	return checkpoint.OpenDir(f.path, checkpoint.Options{Keep: keep, Logger: log})
}

func savepoints(dir, id string) (checkpoint.Store, error) {
	f := parseFolder(dir)
	if f.object {
		return nil, errObjects(dir)
	}
	return checkpoint.Savepoints(f.path, id, checkpoint.Options{}), nil
}

func loadCheckpoint(ctx context.Context, path string) (*checkpoint.Checkpoint, error) {
	f := parseFolder(path)
	if f.object {
		return nil, errObjects(path)
	}
	return checkpoint.Load(ctx, f.path, checkpoint.Options{})
}

// jobOptions are what a job needs that outlives its process. dir is its folder, where settings say nothing.
func (s *Session) jobOptions(id, dir string, log *slog.Logger) (exec.Options, *checkpoint.Dir, error) {
	o := s.execOptions(nil)
	o.Env.JobID = id
	path := filepath.Join(dir, "checkpoints")
	if root := s.conf.get("execution.checkpointing.dir"); root != "" {
		path = strings.TrimRight(root, "/") + "/" + id // of a URL too
	}
	store, err := openCheckpoints(path, s.conf.number("execution.checkpointing.num-retained"), log)
	if err != nil {
		return o, nil, err
	}
	o.Checkpoints = store
	o.WorkDir, o.Resources = filepath.Join(dir, "work"), s.opts.Resources
	return o, store, nil
}

// savepointStore gives the store of savepoints in a folder; "" is that of the settings, or deflt.
func (s *Session) savepointStore(id, deflt string) func(dir string) (checkpoint.Store, error) {
	configured := s.conf.get("execution.checkpointing.savepoint-dir")
	return func(dir string) (checkpoint.Store, error) {
		for _, d := range []string{dir, configured, deflt} {
			if d != "" {
				return savepoints(d, id)
			}
		}
		return nil, errors.New("nothing says where savepoints go: SET 'execution.checkpointing.savepoint-dir' = '...' before the job starts")
	}
}

// recovery loads what new jobs are to go on from; nil: nothing was set.
func (s *Session) recovery(ctx context.Context) (*checkpoint.Checkpoint, error) {
	path := s.conf.get("execution.state-recovery.path")
	if path == "" {
		return nil, nil
	}
	c, err := loadCheckpoint(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("setting 'execution.state-recovery.path': %w", err)
	}
	return c, nil
}

// unfit says what to do about a checkpoint that does not fit.
func unfit(err error) error {
	var m *checkpoint.Mismatch
	if errors.As(err, &m) {
		return job.Fatal(fmt.Errorf("%w\n(SET 'execution.state-recovery.ignore-unclaimed-state' = 'true' allows it)", err))
	}
	return err
}
