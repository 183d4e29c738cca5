package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Groups is a range of key groups, Hi excluded.
type Groups struct{ Lo, Hi uint16 }

// AllGroups are the groups of a task that has no others beside it.
var AllGroups = Groups{0, KeyGroups}

// Owner is the instance of a key group among p instances: instances own ranges of groups.
func Owner(group uint16, p int) int { return int(group) * p / KeyGroups }

// Owned is the range of groups of which Owner is instance i of p.
func Owned(i, p int) Groups {
	first := func(i int) uint16 { return uint16((i*KeyGroups + p - 1) / p) }
	return Groups{first(i), first(i + 1)}
}

// Restore fills an empty store from snapshots of the tasks that kept its keys before: entries of the key groups it owns, but for those
// of operators that are left out. A whole snapshot of a database is taken over by hard links.
func Restore(to Store, from []Snapshot, groups Groups, leftOut map[string]bool) error {
	g, growing := to.(*Growing)
	if growing && len(from) == 1 && groups == AllGroups && g.c.Dir != "" {
		if s, ok := from[0].(*stored); ok && !s.sorted() {
			if err := g.adopt(s.files); err != nil {
				return err
			}
			return g.disk.leaveOut(leftOut)
		}
	}
	add := to.Set
	var w *bulk
	if growing && big(from) > g.c.Bound {
		if err := g.create(); err != nil {
			return err
		}
		g.mem = nil
		w = &bulk{db: g.disk}
		add = w.add
	}
	for _, s := range from {
		if err := copyGroups(s, groups, leftOut, add); err != nil {
			return err
		}
		if w != nil {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// big is about the size of snapshots on disk; those in memory count nothing.
func big(from []Snapshot) (n int64) {
	for _, s := range from {
		if s, ok := s.(*stored); ok {
			n += size(s.files)
		}
	}
	return n
}

var errSkip = errors.New("skip")

// copyGroups adds the entries of a snapshot that belong to the groups, in order. It passes over the others without
// reading them.
func copyGroups(from Snapshot, groups Groups, leftOut map[string]bool, add func(key, value []byte) error) error {
	var at []byte
	for {
		err := from.Scan(at, nil, func(key, value []byte) error {
			if next, skip := beyond(key, groups, leftOut); skip {
				at = next
				return errSkip
			}
			return add(key, value)
		})
		if err != errSkip {
			return err
		}
		if at == nil {
			return nil
		}
	}
}

// beyond tells whether an entry is not wanted, and gives the next key that may be.
func beyond(key []byte, groups Groups, leftOut map[string]bool) (next []byte, skip bool) {
	a := bytes.IndexByte(key, 0)
	if a < 0 {
		return nil, false
	}
	if leftOut[string(key[:a])] {
		return successor(key[:a+1]), true
	}
	b := bytes.IndexByte(key[a+1:], 0)
	if b < 0 || a+b+4 > len(key) {
		return nil, false
	}
	n := a + b + 2
	switch group := uint16(key[n])<<8 | uint16(key[n+1]); {
	case group < groups.Lo:
		return append(bytes.Clone(key[:n]), byte(groups.Lo>>8), byte(groups.Lo)), true
	case group >= groups.Hi:
		return successor(key[:n]), true
	}
	return nil, false
}

// leaveOut deletes what the operators kept.
func (p *Pebble) leaveOut(operators map[string]bool) error {
	for id := range operators {
		lo := append([]byte(id), 0)
		if err := p.db.DeleteRange(lo, successor(lo), pebble.NoSync); err != nil {
			return err
		}
	}
	return nil
}

// The files that bulk makes end with a key group, if that is not too large.
const (
	bulkFile    = spanBytes / 2
	bulkMaxFile = 2 * spanBytes
)

// bulk writes entries that come in order straight into files of the database.
type bulk struct {
	db    *Pebble
	w     *sstable.Writer
	path  string
	paths []string
	n     int
	size  int
	cut   []byte // behind the last key
}

func (b *bulk) add(key, value []byte) error {
	next := b.cut == nil || bytes.Compare(key, b.cut) >= 0
	if b.size >= bulkFile && next || b.size >= bulkMaxFile {
		if err := b.finish(); err != nil {
			return err
		}
	}
	if next {
		b.cut = cut(key, 1)
	}
	if b.w == nil {
		b.n++
		b.path = fmt.Sprintf("%s.bulk-%d", b.db.dir, b.n)
		f, err := b.db.guard.FS.Create(b.path, vfs.WriteCategoryUnspecified)
		if err != nil {
			return err
		}
		o := options(b.db.fs, nil)
		o.EnsureDefaults()
		b.w = sstable.NewWriter(objstorageprovider.NewFileWritable(f), o.MakeWriterOptions(0, b.db.db.TableFormat()))
	}
	if err := b.w.Set(key, value); err != nil {
		return err
	}
	b.size += len(key) + len(value)
	return nil
}

func (b *bulk) finish() error {
	if b.w == nil {
		return nil
	}
	err := b.w.Close()
	b.w, b.size = nil, 0
	b.paths = append(b.paths, b.path)
	return err
}

// flush hands the files to the database. What is added later may come before what was, in order.
func (b *bulk) flush() error {
	if err := b.finish(); err != nil || len(b.paths) == 0 {
		return err
	}
	err := b.db.db.Ingest(context.Background(), b.paths)
	b.paths, b.cut = nil, nil
	return err
}
