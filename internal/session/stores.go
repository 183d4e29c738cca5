package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"

	"weir/connectors/aws"
	"weir/exec"
	"weir/exec/checkpoint"
	"weir/exec/job"
)

// jobStore is a store of checkpoints that can be emptied.
type jobStore interface {
	checkpoint.Store
	Remove(ctx context.Context) error
}

// folder is a folder of checkpoints: a path of this machine, or a prefix in a bucket.
type folder struct {
	path   string // or the prefix
	bucket string
}

func parseFolder(text string) (folder, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	switch {
	case !ok:
		return folder{path: text}, nil
	case scheme == "file":
		return folder{path: filepath.Clean(rest)}, nil
	case scheme == "s3" || scheme == "s3a" || scheme == "s3p":
		bucket, prefix, _ := strings.Cut(rest, "/")
		if bucket == "" {
			return folder{}, fmt.Errorf("'%s' names no bucket: write s3://bucket/path", text)
		}
		return folder{path: strings.Trim(prefix, "/"), bucket: bucket}, nil
	}
	return folder{}, fmt.Errorf("'%s': weir keeps checkpoints in folders and in s3://bucket/path, not in %s", text, scheme)
}

// join is a folder in a folder, of either kind.
func join(dir, name string) string { return strings.TrimRight(dir, "/") + "/" + name }

// open connects to the folder's bucket.
func (s *Session) bucket(ctx context.Context, f folder) (*aws.Bucket, error) {
	a := &aws.Session{Endpoint: s.conf.get("s3.endpoint")}
	a.Defaults()
	return a.OpenBucket(ctx, f.bucket)
}

func (s *Session) openCheckpoints(ctx context.Context, dir, scratch string, log *slog.Logger) (jobStore, error) {
	f, err := parseFolder(dir)
	if err != nil {
		return nil, err
	}
	o := checkpoint.Options{Keep: s.conf.number("execution.checkpointing.num-retained"), Logger: log, Scratch: scratch}
	if f.bucket == "" {
		return checkpoint.OpenDir(f.path, o)
	}
	b, err := s.bucket(ctx, f)
	if err != nil {
		return nil, err
	}
	store, err := checkpoint.OpenObjects(ctx, b, f.path, o)
	if err != nil {
		return nil, err
	}
	return bucketStore{store, f.bucket}, nil
}

// bucketStore is a store in a bucket, whose checkpoints are called by their URLs.
type bucketStore struct {
	checkpoint.Store
	bucket string
}

// Save names what it made so that 'execution.state-recovery.path' takes it.
func (b bucketStore) Save(ctx context.Context, c *checkpoint.Checkpoint) (checkpoint.Saved, error) {
	saved, err := b.Store.Save(ctx, c)
	if err == nil {
		saved.Path = "s3://" + b.bucket + "/" + saved.Path
	}
	return saved, err
}

// Remove empties the store.
func (b bucketStore) Remove(ctx context.Context) error {
	if s, ok := b.Store.(jobStore); ok {
		return s.Remove(ctx)
	}
	return nil // a savepoint is for its owner to remove
}

// jobOptions are what a job needs that outlives its process. dir is its folder, where settings say nothing else.
func (s *Session) jobOptions(ctx context.Context, id, dir string, log *slog.Logger) (exec.Options, jobStore, error) {
	o := s.execOptions(nil)
	o.Env.JobID, o.Env.Calls, o.Rejects = id, s.ledger.Job(id), s.rejects.Job(id)
	path := filepath.Join(dir, "checkpoints")
	if root := s.conf.get("execution.checkpointing.dir"); root != "" {
		path = join(root, id)
	}
	store, err := s.openCheckpoints(ctx, path, filepath.Join(dir, "scratch"), log)
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
			if d == "" {
				continue
			}
			f, err := parseFolder(d)
			if err != nil {
				return nil, err
			}
			if f.bucket == "" {
				return checkpoint.Savepoints(f.path, id, checkpoint.Options{}), nil
			}
			b, err := s.bucket(context.Background(), f)
			if err != nil {
				return nil, err
			}
			return bucketStore{checkpoint.ObjectSavepoints(b, f.path, id, checkpoint.Options{}), f.bucket}, nil
		}
		return nil, errors.New("nothing says where savepoints go: SET 'execution.checkpointing.savepoint-dir' = '...' before the job starts")
	}
}

// recovery loads what new jobs are to go on from; nil: nothing was set.
func (s *Session) recovery(ctx context.Context, scratch string) (*checkpoint.Checkpoint, error) {
	path := s.conf.get("execution.state-recovery.path")
	if path == "" {
		return nil, nil
	}
	c, err := s.loadCheckpoint(ctx, path, scratch)
	if err != nil {
		return nil, fmt.Errorf("setting 'execution.state-recovery.path': %w", err)
	}
	return c, nil
}

func (s *Session) loadCheckpoint(ctx context.Context, path, scratch string) (*checkpoint.Checkpoint, error) {
	f, err := parseFolder(path)
	if err != nil {
		return nil, err
	}
	if f.bucket == "" {
		return checkpoint.Load(ctx, f.path, checkpoint.Options{})
	}
	b, err := s.bucket(ctx, f)
	if err != nil {
		return nil, err
	}
	return checkpoint.LoadObjects(ctx, b, f.path, checkpoint.Options{Scratch: scratch})
}

// unfit says what to do about a checkpoint that does not fit.
func unfit(err error) error {
	var one *checkpoint.OneParallelism
	if errors.As(err, &one) {
		return job.Fatal(err)
	}
	var m *checkpoint.Mismatch
	if errors.As(err, &m) {
		return job.Fatal(fmt.Errorf("%w\n(SET 'execution.state-recovery.ignore-unclaimed-state' = 'true' allows it)", err))
	}
	return err
}

// isFolder takes paths and the URLs that stores exist for.
func isFolder(v string) error {
	_, err := parseFolder(v)
	return err
}

func isURL(v string) error {
	if u, err := url.Parse(v); err != nil || u.Host == "" {
		return fmt.Errorf("'%s' is no URL, as 'http://127.0.0.1:9000'", v)
	}
	return nil
}
