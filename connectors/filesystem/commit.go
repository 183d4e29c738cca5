package filesystem

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Commit implements connectors.Sink: it gives the staged files their names. Done twice, it does nothing
// the second time.
func (s *sink) Commit(_ context.Context, text []byte) error {
	t, err := parseToken(text)
	if err != nil || text == nil {
		return err
	}
	for _, f := range t.Remove {
		if err := os.Remove(filepath.Join(s.dir, f)); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("table %s: replace %s: %w", s.table.Name, f, err)
		}
	}
	folders := map[string]bool{}
	for _, f := range t.Files {
		from, to := filepath.Join(s.dir, t.hidden(f)), filepath.Join(s.dir, f)
		if err := os.Rename(from, to); err != nil {
			if _, done := os.Lstat(to); done != nil || !os.IsNotExist(err) {
				return fmt.Errorf("table %s: show %s: %w", s.table.Name, f, err)
			}
		}
		folders[filepath.Dir(to)] = true
	}
	for dir := range folders {
		if err := s.publish(dir); err != nil {
			return fmt.Errorf("table %s: %w", s.table.Name, err)
		}
	}
	return nil
}

func parseToken(text []byte) (t token, err error) {
	if text == nil {
		return t, nil
	}
	if err := json.Unmarshal(text, &t); err != nil {
		return t, fmt.Errorf("the checkpoint's list of files is damaged: %w", err)
	}
	return t, nil
}

// publish makes the names in a folder durable and marks a partition as complete so far.
func (s *sink) publish(dir string) error {
	if len(s.partCols) > 0 && contains(s.conf.sink.policies, "success-file") {
		if err := os.WriteFile(filepath.Join(dir, s.conf.sink.successFile), nil, 0o644); err != nil {
			return err
		}
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Restore implements connectors.Restorer.
func (s *sink) Restore(ctx context.Context, tokens [][]byte) error {
	for _, t := range tokens {
		if err := s.Commit(ctx, t); err != nil {
			return err
		}
	}
	// Hidden files that bear this job's tag are now leftovers of a crash: listed ones have been renamed.
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !d.IsDir() && strings.HasPrefix(d.Name(), ".part-") && strings.HasSuffix(d.Name(), s.tag) {
			return os.Remove(path)
		}
		return nil
	})
	if os.IsNotExist(err) {
		return nil
	}
	return err
}
