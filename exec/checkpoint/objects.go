package checkpoint

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"weir/exec/state"
)

// Objects is an object store, as S3. Keys are paths with slashes.
type Objects interface {
	// Put writes an object; it may be there already, with the same content.
	Put(ctx context.Context, key string, size int64, body io.ReaderAt) error
	// PutNew writes an object unless there is one under the key, which created tells.
	PutNew(ctx context.Context, key string, body []byte) (created bool, err error)
	// Get reads an object; fs.ErrNotExist where there is none.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// List visits the objects whose key begins with prefix, in order.
	List(ctx context.Context, prefix string, visit func(key string, size int64, modified time.Time) error) error
	Delete(ctx context.Context, keys []string) error
}

// Names below a store's prefix.
const (
	sharedName = "shared/"
	// orphanAge is how long an object that no manifest names may stay: another process may be about to.
	orphanAge = time.Hour
)

// Bucket keeps the checkpoints of one job in an object store: prefix/shared holds files by their checksum, each
// once however many checkpoints have it, and prefix/chk-N/manifest.json says which ones a checkpoint is. The manifest is
// written last and only if there is none, so that of two processes that take themselves for the job one fails.
type Bucket struct {
	objects Objects
	prefix  string
	o       Options
	// there are the files that were written or are named by a kept manifest, by key.
	mu    sync.Mutex
	there map[string]bool
	kept  []keptManifest // oldest first
	high  int64
	point bool // makes savepoints
	job   string
}

type keptManifest struct {
	id   int64
	keys map[string]bool
}

// OpenObjects opens a job's checkpoints in an object store, and removes files that nobody names and that are older
// than an hour.
func OpenObjects(ctx context.Context, objects Objects, prefix string, o Options) (*Bucket, error) {
	b := &Bucket{objects: objects, prefix: strings.TrimSuffix(prefix, "/"), o: o.filled(), there: map[string]bool{}}
	ids, err := b.ids(ctx)
	if err != nil {
		return nil, err
	}
	for i := len(ids) - 1; i >= 0; i-- {
		b.high = max(b.high, ids[i])
		m, err := b.manifest(ctx, b.manifestKey(ids[i]))
		if err != nil {
			b.o.Logger.Warn("a checkpoint cannot be used", "prefix", b.prefix, "checkpoint", ids[i], "error", err)
			continue
		}
		b.keep(m)
	}
	return b, b.sweep(ctx)
}

// ObjectSavepoints makes savepoints of a job in an object store, each below a prefix of its own.
func ObjectSavepoints(objects Objects, prefix, job string, o Options) Store {
	return &Bucket{objects: objects, prefix: strings.TrimSuffix(prefix, "/"), o: o.filled(), point: true, job: job}
}

// LoadObjects gives the checkpoint or savepoint below a prefix. Its files are brought to Options.Scratch.
func LoadObjects(ctx context.Context, objects Objects, prefix string, o Options) (*Checkpoint, error) {
	prefix = strings.TrimSuffix(strings.TrimSuffix(prefix, "/"+ManifestName), "/")
	root := prefix
	if strings.HasPrefix(path.Base(prefix), chkName) {
		root = path.Dir(prefix)
	}
	b := &Bucket{objects: objects, prefix: root, o: o.filled(), there: map[string]bool{}}
	return b.load(ctx, prefix)
}

// Highest is the greatest number of a checkpoint that is there.
func (b *Bucket) Highest() int64 { return b.high }

func (b *Bucket) key(at string) string { return b.prefix + "/" + at }

func (b *Bucket) manifestKey(id int64) string {
	return b.key(chkName + strconv.FormatInt(id, 10) + "/" + ManifestName)
}

// ids are the numbers of the checkpoints there, newest first.
func (b *Bucket) ids(ctx context.Context) (ids []int64, err error) {
	err = b.objects.List(ctx, b.key(chkName), func(key string, _ int64, _ time.Time) error {
		name := strings.TrimSuffix(strings.TrimPrefix(key, b.key(chkName)), "/"+ManifestName)
		if id, err := strconv.ParseInt(name, 10, 64); err == nil && key == b.manifestKey(id) {
			ids = append(ids, id)
		}
		return nil
	})
	sort.Slice(ids, func(i, j int) bool { return ids[i] > ids[j] })
	return ids, err
}

func (b *Bucket) manifest(ctx context.Context, key string) (*manifest, error) {
	r, err := b.objects.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readManifest(r)
}

func (b *Bucket) keep(m *manifest) {
	k := keptManifest{id: m.ID, keys: map[string]bool{}}
	_ = m.files(func(_ taskEntry, f fileEntry) error {
		k.keys[b.key(f.At)], b.there[b.key(f.At)] = true, true
		return nil
	})
	b.kept = append(b.kept, k)
}

// sweep deletes old files that no manifest names.
func (b *Bucket) sweep(ctx context.Context) error {
	var orphans []string
	before := time.Now().Add(-orphanAge)
	err := b.objects.List(ctx, b.key(sharedName), func(key string, _ int64, modified time.Time) error {
		if !b.there[key] && modified.Before(before) {
			orphans = append(orphans, key)
		}
		return nil
	})
	if err == nil && len(orphans) > 0 {
		err = b.objects.Delete(ctx, orphans)
	}
	return err
}

// Save implements Store.
func (b *Bucket) Save(ctx context.Context, c *Checkpoint) (Saved, error) {
	defer c.Close()
	at := b
	key := b.manifestKey(c.ID)
	if b.point {
		var name [6]byte
		_, _ = rand.Read(name[:]) // never fails
		short := Escape(b.job)
		at = &Bucket{objects: b.objects, o: b.o, there: map[string]bool{}, prefix: b.key("savepoint-" + short[:min(6, len(short))] + "-" + hex.EncodeToString(name[:]))}
		key = at.key(ManifestName)
	}
	saved, m, err := at.upload(ctx, key, c)
	saved.Path = strings.TrimSuffix(key, "/"+ManifestName)
	if err != nil {
		return Saved{}, fmt.Errorf("write %q: %w", saved.Path, err)
	}
	if !b.point {
		b.high = max(b.high, c.ID)
		b.keep(m)
		if err := b.retain(ctx); err != nil {
			b.o.Logger.Warn("an old checkpoint could not be deleted", "prefix", b.prefix, "error", err)
		}
		if b.o.Scratch != "" { // the job that was restored from there has its own links
			_ = b.o.FS.RemoveAll(b.o.Scratch) // only room is lost
		}
	}
	return saved, nil
}

// upload writes the files that are not there, then the manifest.
func (b *Bucket) upload(ctx context.Context, key string, c *Checkpoint) (saved Saved, m *manifest, err error) {
	m = newManifest(c)
	work := newTransfer(ctx, b.o.Transfers)
	var fresh counter
	for i := range m.Tasks {
		t := &m.Tasks[i]
		s := c.Tasks[t.Name].State
		if s == nil {
			continue
		}
		files, err := s.Files()
		if err != nil {
			return saved, nil, errors.Join(err, work.wait())
		}
		for _, f := range files {
			e, err := b.send(work, f, &fresh)
			if err != nil {
				return saved, nil, errors.Join(err, work.wait())
			}
			t.Files = append(t.Files, e)
		}
	}
	if err := work.wait(); err != nil {
		return saved, nil, err
	}
	text, err := m.encode()
	if err != nil {
		return saved, nil, err
	}
	created, err := b.objects.PutNew(ctx, key, text)
	if err == nil && !created {
		err = fmt.Errorf("there is one already: another process writes the checkpoints of this job")
	}
	n := int64(len(text))
	return Saved{Bytes: m.bytes() + n, NewBytes: fresh.n + n}, m, err
}

// send begins to write a file, unless it is there.
func (b *Bucket) send(work *transfer, f state.File, fresh *counter) (fileEntry, error) {
	var body io.ReaderAt
	if f.Path == "" {
		var buf bytes.Buffer
		s := state.NewSummer()
		if err := f.Write(io.MultiWriter(&buf, s)); err != nil {
			return fileEntry{}, err
		}
		f.Size, f.Sum, body = int64(buf.Len()), s.Sum(), bytes.NewReader(buf.Bytes())
	}
	e := fileEntry{f.Name, sharedName + string(f.Sum) + "-" + strconv.FormatInt(f.Size, 10), f.Size, f.Sum}
	key := b.key(e.At)
	b.mu.Lock()
	known := b.there[key]
	b.mu.Unlock()
	if known {
		return e, nil
	}
	fresh.n += f.Size
	work.run(func(ctx context.Context) error {
		from := body
		if from == nil {
			file, err := f.FS.Open(f.Path)
			if err != nil {
				return err
			}
			defer file.Close()
			from = file
		}
		if err := b.objects.Put(ctx, key, f.Size, from); err != nil {
			return err
		}
		b.mu.Lock()
		b.there[key] = true
		b.mu.Unlock()
		return nil
	})
	return e, nil
}

// retain deletes the manifests of older checkpoints, then the files that no kept one names.
func (b *Bucket) retain(ctx context.Context) error {
	if len(b.kept) <= b.o.Keep {
		return nil
	}
	old := b.kept[:len(b.kept)-b.o.Keep]
	var manifests, files []string
	for _, k := range old {
		manifests = append(manifests, b.manifestKey(k.id))
	}
	if err := b.objects.Delete(ctx, manifests); err != nil {
		return err
	}
	b.kept = append([]keptManifest(nil), b.kept[len(old):]...)
	named := map[string]bool{}
	for _, k := range b.kept {
		for key := range k.keys {
			named[key] = true
		}
	}
	for key := range b.there {
		if !named[key] {
			files = append(files, key)
			delete(b.there, key) // also if it is not deleted: then it is an orphan
		}
	}
	sort.Strings(files)
	if len(files) == 0 {
		return nil
	}
	return b.objects.Delete(ctx, files)
}

// Remove deletes all checkpoints of the job.
func (b *Bucket) Remove(ctx context.Context) error {
	for _, prefix := range []string{chkName, sharedName} { // manifests first: they must not name what is gone
		var keys []string
		if err := b.objects.List(ctx, b.key(prefix), func(key string, _ int64, _ time.Time) error {
			keys = append(keys, key)
			return nil
		}); err != nil {
			return err
		}
		if len(keys) == 0 {
			continue
		}
		if err := b.objects.Delete(ctx, keys); err != nil {
			return err
		}
	}
	b.there, b.kept = map[string]bool{}, nil
	return nil
}

// List gives the checkpoints there, newest first.
func (b *Bucket) List(ctx context.Context) ([]Info, error) {
	ids, err := b.ids(ctx)
	out := make([]Info, len(ids))
	for i, id := range ids {
		key := b.manifestKey(id)
		m, err := b.manifest(ctx, key)
		out[i] = Info{ID: id, Path: strings.TrimSuffix(key, "/"+ManifestName), Err: err}
		if err == nil {
			out[i].Time, out[i].Bytes = m.Time, m.bytes()
		}
	}
	return out, err
}

// Latest implements Store: it brings the newest checkpoint that is whole to Options.Scratch.
func (b *Bucket) Latest(ctx context.Context) (*Checkpoint, error) {
	ids, err := b.ids(ctx)
	if err != nil {
		return nil, err
	}
	var broken error
	for _, id := range ids {
		at := strings.TrimSuffix(b.manifestKey(id), "/"+ManifestName)
		c, err := b.load(ctx, at)
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, errBroken) {
			return nil, err // the network, most likely: an older checkpoint would be wrong
		}
		broken = errors.Join(broken, err)
		b.o.Logger.Warn("a checkpoint cannot be used", "prefix", at, "error", err)
	}
	if broken != nil {
		return nil, fmt.Errorf("none of the %d checkpoints in %q can be used: %w", len(ids), b.prefix, broken)
	}
	return nil, nil
}

// errBroken is in errors that another try does not help against.
var errBroken = errors.New("checkpoint is damaged")

func (b *Bucket) load(ctx context.Context, at string) (*Checkpoint, error) {
	fail := func(err error) (*Checkpoint, error) { return nil, fmt.Errorf("checkpoint %q: %w", at, err) }
	r, err := b.objects.Get(ctx, at+"/"+ManifestName)
	if err != nil {
		return fail(err)
	}
	m, err := readManifest(r)
	_ = r.Close()
	if err != nil {
		return fail(fmt.Errorf("%w: %w", errBroken, err))
	}
	disk, dir := b.o.FS, b.o.FS.PathJoin(b.o.Scratch, Escape(at))
	if b.o.Scratch == "" {
		return fail(errors.New("there is no local folder to bring it to"))
	}
	if err := errors.Join(disk.RemoveAll(dir), disk.MkdirAll(dir, 0o755)); err != nil {
		return fail(err)
	}
	work := newTransfer(ctx, b.o.Transfers)
	for _, t := range m.Tasks {
		folder := disk.PathJoin(dir, Escape(t.Name))
		if err := disk.MkdirAll(folder, 0o755); err != nil {
			return fail(errors.Join(err, work.wait()))
		}
		for _, f := range t.Files {
			if f.Name != path.Base(f.Name) || f.Name == ".." {
				return fail(errors.Join(fmt.Errorf("%w: %q is no name of a file", errBroken, f.Name), work.wait()))
			}
			work.run(func(ctx context.Context) error { return b.fetch(ctx, f, disk.PathJoin(folder, f.Name)) })
		}
	}
	if err := work.wait(); err != nil {
		return fail(err)
	}
	return m.checkpoint(at, func(t taskEntry) state.Snapshot {
		return state.OpenSnapshot(disk, disk.PathJoin(dir, Escape(t.Name)), filesOf(t))
	}), nil
}

// fetch brings a file here, and checks it.
func (b *Bucket) fetch(ctx context.Context, f fileEntry, to string) error {
	r, err := b.objects.Get(ctx, b.key(f.At))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	if err != nil {
		return err
	}
	defer r.Close()
	s := state.NewSummer()
	n := counter{}
	if err := state.WriteFile(b.o.FS, to, func(w io.Writer) error {
		_, err := io.Copy(io.MultiWriter(w, s, &n), r)
		return err
	}); err != nil {
		return err
	}
	if n.n != f.Size || s.Sum() != f.Sum {
		return fmt.Errorf("%w: file %q has %d bytes instead of %d, or another checksum", errBroken, f.At, n.n, f.Size)
	}
	return nil
}

// transfer runs a few functions at a time, until one fails.
type transfer struct {
	ctx    context.Context
	cancel context.CancelFunc
	free   chan struct{}
	wg     sync.WaitGroup
	mu     sync.Mutex
	err    error
}

func newTransfer(ctx context.Context, atOnce int) *transfer {
	t := &transfer{free: make(chan struct{}, atOnce)}
	t.ctx, t.cancel = context.WithCancel(ctx)
	return t
}

func (t *transfer) run(f func(context.Context) error) {
	select {
	case t.free <- struct{}{}:
	case <-t.ctx.Done():
		t.fail(t.ctx.Err())
		return
	}
	t.wg.Add(1)
	go func() {
		defer func() { <-t.free; t.wg.Done() }()
		if err := f(t.ctx); err != nil {
			t.fail(err)
		}
	}()
}

func (t *transfer) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
	t.cancel()
}

func (t *transfer) wait() error {
	t.wg.Wait()
	t.cancel()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}
