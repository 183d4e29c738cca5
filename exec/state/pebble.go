package state

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Pebble is a Store on disk, one database a task. What it holds is made durable by checkpoints, so it
// writes no log of its own.
type Pebble struct {
	db       *pebble.DB
	fs       FS
	guard    *guard
	merges   *merges
	spans    *spans
	dir      string
	pictures int
	batch    int      // how much Together gathers
	last     *picture // the newest, while it may not have its files
	newest   *picture
	sums     *sums
}

// sums are the checksums of files that never change, so that each is read once for it.
type sums struct {
	mu sync.Mutex
	of map[string]Sum
}

// Resources are what the databases of a process share: one cache of blocks, whose size their memtables are
// counted against. Close it after them.
type Resources struct {
	cache *pebble.Cache
	size  int64
}

// NewResources makes a cache of that many bytes.
func NewResources(cache int64) *Resources { return &Resources{pebble.NewCache(cache), cache} }

// Close gives the memory back once no database uses it.
func (r *Resources) Close() { r.cache.Unref() }

const (
	// memtable is how much is written before it is sorted and goes to a file. Small, since a process has a
	// database for each task.
	memtable = 16 << 20
	// A barrier writes what changed since the last one in any order. Files that overlap are merged rarely, since
	// every merged file is new to the next checkpoint; and never does a task wait for it.
	mergeFiles = 16
	neverStop  = 1 << 20
	baseLevel  = 4 << 30
	// Files that do not overlap are no reason to merge.
	manyFiles = 1 << 14
)

// OpenPebble opens the database in a folder, made if need be. Pictures of it are made in folders beside it, dir with a
// number. shared may be nil.
func OpenPebble(fs FS, dir string, shared *Resources) (*Pebble, error) {
	g := &guard{FS: fs, dir: dir, pending: map[string]bool{}}
	o := options(g, shared)
	o.Logger = quiet{g}
	m, cuts := newMerges(), &spans{}
	watch(o, m, cuts)
	db, err := pebble.Open(dir, o)
	if err == nil && g.err() != nil {
		err = errors.Join(g.err(), db.Close())
	}
	if err != nil {
		m.Unregister()
		return nil, fmt.Errorf("state in %q: %w", dir, err)
	}
	cuts.size.Store(int64(db.Metrics().DiskSpaceUsage()))
	return &Pebble{db: db, fs: fs, guard: g, merges: m, spans: cuts, dir: dir, batch: min(batchBytes, int(o.MemTableSize)), sums: &sums{of: map[string]Sum{}}}, nil
}

// watch has the database's files be merged and cut as m and cuts say, which learn of what it writes.
func watch(o *pebble.Options, m *merges, cuts *spans) {
	o.Experimental.CompactionScheduler = m
	o.Experimental.SpanPolicyFunc = cuts.policy
	written := func(files []pebble.TableInfo) (n int64) {
		for _, f := range files {
			n += int64(f.Size)
		}
		return n
	}
	o.EventListener.FlushEnd = func(i pebble.FlushInfo) {
		n := written(i.Output)
		m.flush(n)
		cuts.size.Add(n)
	}
	o.EventListener.CompactionEnd = func(i pebble.CompactionInfo) {
		if i.Reason != "move" {
			m.merged(written(i.Output.Tables))
		}
	}
}

// OpenPebbleInMemory opens an empty database whose files are in memory, for tests.
func OpenPebbleInMemory() (*Pebble, error) { return OpenPebble(vfs.NewMem(), "db", nil) }

func options(fs FS, shared *Resources) *pebble.Options {
	o := &pebble.Options{
		FS: fs, DisableWAL: true, MemTableSize: memtable, Logger: quiet{}, FormatMajorVersion: pebble.FormatNewest,
		DisableTableStats: true, L0CompactionThreshold: mergeFiles, L0StopWritesThreshold: neverStop, LBaseMaxBytes: baseLevel, L0CompactionFileThreshold: manyFiles,
		EventListener: &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}}, // who reads is told
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // most keys that are asked for are new
	}
	if shared != nil {
		// The cache must have room for the filters and indexes of a file, or they would be read again for each key.
		o.Cache = shared.cache
		o.MemTableSize = uint64(min(max(shared.size/16, 256<<10), memtable))
		for i := range o.TargetFileSizes {
			o.TargetFileSizes[i] = min(max(shared.size/8, 2<<20), 2<<20<<i)
		}
	}
	return o
}

// quiet drops the database's progress messages. A fatal one is a bug, unless the disk has failed: then only what
// the database does in the background ends.
type quiet struct{ g *guard }

func (quiet) Infof(string, ...interface{})  {}
func (quiet) Errorf(string, ...interface{}) {}
func (q quiet) Fatalf(format string, args ...interface{}) {
	if q.g != nil && q.g.err() != nil {
		runtime.Goexit()
	}
	panic(fmt.Sprintf("state: "+format, args...))
}

// Get gives the key's value.
func (p *Pebble) Get(key []byte) ([]byte, bool, error) {
	if err := p.guard.err(); err != nil {
		return nil, false, err
	}
	v, closer, err := p.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	v = bytes.Clone(v)
	return v, true, closer.Close()
}

// Set sets the key's value. It waits for a picture that is being made.
func (p *Pebble) Set(key, value []byte) error {
	if err := p.settle(); err != nil {
		return err
	}
	return p.db.Set(key, value, pebble.NoSync)
}

// Delete removes the key, if it is there. It waits for a picture that is being made.
func (p *Pebble) Delete(key []byte) error {
	if err := p.settle(); err != nil {
		return err
	}
	return p.db.Delete(key, pebble.NoSync)
}

// Scan visits keys in [lo, hi) in order.
func (p *Pebble) Scan(lo, hi []byte, visit func(key, value []byte) error) error {
	if err := p.guard.err(); err != nil {
		return err
	}
	return scanPebble(p.db, lo, hi, visit)
}

func scanPebble(r pebble.Reader, lo, hi []byte, visit func(key, value []byte) error) (err error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return err
	}
	defer func() {
		if e := it.Close(); err == nil { // an error of visit comes back as it is, as from the memory store
			err = e
		}
	}()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if err := visit(it.Key(), value); err != nil {
			return err
		}
	}
	return it.Error()
}

// scanFolder reads a database that nobody writes.
func scanFolder(fs FS, dir string, lo, hi []byte, visit func(key, value []byte) error) (err error) {
	o := options(lockless{fs}, nil)
	o.ReadOnly = true
	db, err := pebble.Open(dir, o)
	if err != nil {
		return fmt.Errorf("state in %q: %w", dir, err)
	}
	defer func() {
		if e := db.Close(); err == nil {
			err = e
		}
	}()
	return scanPebble(db, lo, hi, visit)
}

// Snapshot begins a picture of the store: what memory holds is written out, and the files get a second name in a
// folder of the picture's, so it costs what changed. That goes on beside the task; its next write waits for it.
func (p *Pebble) Snapshot() (Snapshot, error) {
	if err := p.settle(); err != nil {
		return nil, err
	}
	p.pictures++
	s := &picture{p: p, dir: fmt.Sprintf("%s-%d", p.dir, p.pictures), before: p.newest, taken: make(chan struct{}), done: make(chan struct{})}
	p.last, p.newest = s, s
	go s.make()
	return s, nil
}

// settle waits until the newest picture has its files: what is written later must not be in it. It fails when the
// disk has.
func (p *Pebble) settle() error {
	if p.last != nil {
		<-p.last.taken
		p.last = nil
	}
	return p.guard.err()
}

// closePatience is how long a database whose disk has failed may take to close.
const closePatience = 2 * time.Second

// Close closes the database. Its pictures stay.
func (p *Pebble) Close() error {
	if err := p.settle(); err != nil {
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			defer func() { _ = recover() }() // it is of no use to anyone any more
			_ = p.db.Close()
		}()
		select {
		case <-closed:
		case <-time.After(closePatience):
		}
		return nil // who used the store has been told
	}
	return p.db.Close()
}

// picture is a snapshot of a database: a folder of hard links.
type picture struct {
	p      *Pebble
	dir    string
	before *picture // nil once it is done
	taken  chan struct{}
	done   chan struct{}
	err    error // once done
	depth  int   // in how many files of the database a key is at most
}

// make makes the picture.
func (s *picture) make() {
	defer func() { s.p.merges.pictured(s.depth) }() // the job goes on by now
	defer close(s.done)
	defer func() {
		if r := recover(); r != nil { // the database panics when its disk fails
			s.err = fmt.Errorf("state in %q: %v", s.p.dir, r)
		}
	}()
	if s.err = s.take(); s.err == nil {
		s.err = s.sync()
	}
	if err := s.p.guard.err(); err != nil {
		s.err = err
	}
}

// take gives the picture its files. The database is not written meanwhile.
func (s *picture) take() error {
	defer close(s.taken)
	if err := s.p.db.Flush(); err != nil {
		return err
	}
	if err := s.p.db.Checkpoint(s.dir); err != nil {
		return err
	}
	m := s.p.db.Metrics()
	s.depth = int(m.Levels[0].Sublevels)
	s.p.spans.size.Store(int64(m.DiskSpaceUsage()))
	s.p.spans.bulk.Store(0)
	return nil
}

// sync makes the picture durable, after the one before it, since they share files.
func (s *picture) sync() error {
	if s.before != nil {
		<-s.before.done
		s.before = nil
	}
	names, err := s.p.fs.List(s.dir)
	if err != nil {
		return err
	}
	return s.p.guard.sync(s.dir, names)
}

// Scan reads the picture.
func (s *picture) Scan(lo, hi []byte, visit func(key, value []byte) error) error {
	if <-s.done; s.err != nil {
		return s.err
	}
	return scanFolder(s.p.fs, s.dir, lo, hi, visit)
}

// Files lists the picture's files with their checksums.
func (s *picture) Files() ([]File, error) {
	if <-s.done; s.err != nil {
		return nil, s.err
	}
	names, err := s.p.fs.List(s.dir)
	if err != nil {
		return nil, err
	}
	files := make([]File, 0, len(names))
	for _, name := range names {
		f := File{Name: name, FS: s.p.fs, Path: s.p.fs.PathJoin(s.dir, name)}
		if err := s.p.sums.fill(&f); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	s.p.sums.keep(files)
	return files, nil
}

// fill sets a file's size and checksum.
func (s *sums) fill(f *File) (err error) {
	s.mu.Lock()
	sum, ok := s.of[f.Name]
	s.mu.Unlock()
	if ok {
		info, err := f.FS.Stat(f.Path)
		if err != nil {
			return err
		}
		f.Sum, f.Size = sum, info.Size()
		return nil
	}
	if f.Sum, f.Size, err = SumFile(f.FS, f.Path); err == nil && immutable(f.Name) {
		s.mu.Lock()
		s.of[f.Name] = f.Sum
		s.mu.Unlock()
	}
	return err
}

// keep forgets the files that are gone.
func (s *sums) keep(files []File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := make(map[string]Sum, len(files))
	for _, f := range files {
		if sum, ok := s.of[f.Name]; ok {
			now[f.Name] = sum
		}
	}
	s.of = now
}

// Close removes the picture's folder.
func (s *picture) Close() error {
	<-s.done
	return s.p.fs.RemoveAll(s.dir)
}
