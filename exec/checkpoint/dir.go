package checkpoint

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"weir/exec/state"
)

// Names in a folder of checkpoints. What begins with tmpName is of no use to anyone after a crash.
const (
	chkName = "chk-"
	tmpName = ".weir-tmp-"
)

// Dir keeps the checkpoints of one job in a folder: chk-N holds the manifest and a folder of files for each task. A
// checkpoint grows under a hidden name and is renamed once all of it is on disk. Files of state that have not
// changed since the last one are hard links to it.
type Dir struct {
	path string
	o    Options
	name func(*Checkpoint) string // the folder of a checkpoint
	// last are the paths of the files of the newest checkpoint below its folder, by sum.
	last    map[state.Sum]string
	lastDir string
	highest int64
}

// OpenDir opens a job's folder of checkpoints, made if need be, and removes what a crash left.
func OpenDir(path string, o Options) (*Dir, error) {
	d := &Dir{path: path, o: o.filled(), name: func(c *Checkpoint) string { return chkName + strconv.FormatInt(c.ID, 10) }}
	fs := d.o.FS
	if err := state.MkdirSynced(fs, path); err != nil {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	names, err := fs.List(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	for _, n := range names {
		if strings.HasPrefix(n, tmpName) {
			if err := fs.RemoveAll(fs.PathJoin(path, n)); err != nil {
				return nil, fmt.Errorf("checkpoints: %w", err)
			}
		}
	}
	for _, id := range d.ids(names) {
		d.highest = max(d.highest, id)
	}
	return d, nil
}

// Savepoints makes savepoints of a job in a folder: each is a folder of its own there, that can be moved.
func Savepoints(path, job string, o Options) Store {
	short := Escape(job)
	short = short[:min(6, len(short))]
	return &Dir{path: path, o: o.filled(), name: func(*Checkpoint) string {
		var b [6]byte
		_, _ = rand.Read(b[:]) // never fails
		return "savepoint-" + short + "-" + hex.EncodeToString(b[:])
	}}
}

// Highest is the greatest number of a checkpoint that is, or was, there.
func (d *Dir) Highest() int64 { return d.highest }

// ids are the numbers of checkpoints among names, newest first.
func (d *Dir) ids(names []string) (ids []int64) {
	for _, n := range names {
		if id, err := strconv.ParseInt(strings.TrimPrefix(n, chkName), 10, 64); err == nil && n == chkName+strconv.FormatInt(id, 10) {
			ids = append(ids, id)
		}
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] > ids[j] })
	return ids
}

func (d *Dir) list() ([]int64, error) {
	names, err := d.o.FS.List(d.path)
	if err != nil {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	return d.ids(names), nil
}

func (d *Dir) chk(id int64) string {
	return d.o.FS.PathJoin(d.path, chkName+strconv.FormatInt(id, 10))
}

// Save implements Store.
func (d *Dir) Save(ctx context.Context, c *Checkpoint) (Saved, error) {
	defer c.Close()
	fs := d.o.FS
	if err := state.MkdirSynced(fs, d.path); err != nil { // a folder of savepoints, or one somebody deleted
		return Saved{}, fmt.Errorf("checkpoints: %w", err)
	}
	name := d.name(c)
	tmp, to := fs.PathJoin(d.path, tmpName+name), fs.PathJoin(d.path, name)
	saved, now, err := d.fill(ctx, tmp, c)
	if err == nil {
		err = d.show(tmp, to)
	}
	if err != nil {
		_ = fs.RemoveAll(tmp) // OpenDir does it otherwise
		return Saved{}, fmt.Errorf("write %q: %w", to, err)
	}
	d.highest = max(d.highest, c.ID)
	d.last, d.lastDir = now, to
	saved.Path = to
	if !c.Savepoint {
		d.retain()
	}
	return saved, nil
}

// show gives a whole checkpoint its name.
func (d *Dir) show(tmp, to string) error {
	if _, err := d.o.FS.Stat(to); err == nil {
		return fmt.Errorf("there is one already")
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := d.o.FS.Rename(tmp, to); err != nil {
		return err
	}
	return state.SyncDir(d.o.FS, d.path)
}

// fill writes all of a checkpoint into a new folder.
func (d *Dir) fill(ctx context.Context, dir string, c *Checkpoint) (saved Saved, now map[state.Sum]string, err error) {
	fs := d.o.FS
	if err := errors.Join(fs.RemoveAll(dir), fs.MkdirAll(dir, 0o755)); err != nil {
		return saved, nil, err
	}
	m := newManifest(c)
	now = map[state.Sum]string{}
	for i := range m.Tasks {
		t := &m.Tasks[i]
		s := c.Tasks[t.Name].State
		if s == nil {
			continue
		}
		folder := Escape(t.Name)
		fresh, err := d.fillTask(ctx, dir, folder, s, t, now)
		if err != nil {
			return saved, nil, err
		}
		saved.NewBytes += fresh
	}
	text, err := m.encode()
	if err != nil {
		return saved, nil, err
	}
	err = state.WriteFile(fs, fs.PathJoin(dir, ManifestName), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err == nil {
		err = state.SyncDir(fs, dir)
	}
	saved.Bytes = m.bytes() + int64(len(text))
	saved.NewBytes += int64(len(text))
	return saved, now, err
}

// fillTask writes a task's state; fresh is the size of what the last checkpoint did not have.
func (d *Dir) fillTask(ctx context.Context, dir, folder string, s state.Snapshot, t *taskEntry, now map[state.Sum]string) (fresh int64, err error) {
	fs := d.o.FS
	files, err := s.Files()
	if err != nil {
		return 0, err
	}
	if err := fs.MkdirAll(fs.PathJoin(dir, folder), 0o755); err != nil {
		return 0, err
	}
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		to := fs.PathJoin(dir, folder, f.Name)
		if err := d.place(&f, to); err != nil {
			return 0, err
		}
		if d.last[f.Sum] == "" {
			fresh += f.Size
		}
		now[f.Sum] = fs.PathJoin(folder, f.Name)
		t.Files = append(t.Files, fileEntry{f.Name, folder + "/" + f.Name, f.Size, f.Sum})
	}
	return fresh, state.SyncDir(fs, fs.PathJoin(dir, folder))
}

// place writes or links a file.
func (d *Dir) place(f *state.File, to string) error {
	fs := d.o.FS
	if f.Path == "" {
		s := state.NewSummer()
		n := counter{}
		err := state.WriteFile(fs, to, func(w io.Writer) error { return f.Write(io.MultiWriter(w, s, &n)) })
		f.Sum, f.Size = s.Sum(), n.n
		return err
	}
	if old := d.last[f.Sum]; old != "" && fs.Link(fs.PathJoin(d.lastDir, old), to) == nil {
		return nil // also where the job's own files are on another device
	}
	return state.LinkOrCopy(*f, fs, to)
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// retain deletes checkpoints that are older than the newest few. They are hidden before they are emptied.
func (d *Dir) retain() {
	ids, err := d.list()
	for i, id := range ids {
		if i >= d.o.Keep && err == nil {
			err = d.remove(id)
		}
	}
	if err != nil {
		d.o.Logger.Warn("an old checkpoint could not be deleted", "folder", d.path, "error", err)
	}
}

func (d *Dir) remove(id int64) error {
	fs := d.o.FS
	if m, err := d.manifest(d.chk(id)); err == errNotOurs || errors.Is(err, os.ErrNotExist) || err == nil && m.Savepoint {
		return nil
	}
	hidden := fs.PathJoin(d.path, fmt.Sprintf("%sold-%d", tmpName, id))
	if err := fs.Rename(d.chk(id), hidden); err != nil {
		return err
	}
	return fs.RemoveAll(hidden)
}

// Remove deletes all checkpoints of the job, and its folder if nothing else is in it.
func (d *Dir) Remove(context.Context) error {
	ids, err := d.list()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := d.remove(id); err != nil {
			return err
		}
	}
	if rest, err := d.o.FS.List(d.path); err == nil && len(rest) == 0 {
		return d.o.FS.Remove(d.path)
	}
	return nil
}

// Info is a checkpoint of a store, as its manifest describes it.
type Info struct {
	ID    int64
	Path  string
	Time  time.Time
	Bytes int64
	Err   error // why it cannot be used
}

// List gives the checkpoints there, newest first. Their files are not read.
func (d *Dir) List(context.Context) ([]Info, error) {
	ids, err := d.list()
	if err != nil {
		return nil, err
	}
	out := make([]Info, len(ids))
	for i, id := range ids {
		m, err := d.manifest(d.chk(id))
		out[i] = Info{ID: id, Path: d.chk(id), Err: err}
		if err == nil {
			out[i].Time, out[i].Bytes = m.Time, m.bytes()
		}
	}
	return out, nil
}

// Latest implements Store. A checkpoint that is damaged is passed over, which the logger is told. What is given is durable, also where
// the process that wrote it died, or failed, between naming it and having its name on disk: the job goes on from it, and publishes.
func (d *Dir) Latest(ctx context.Context) (*Checkpoint, error) {
	ids, err := d.list()
	if err != nil {
		return nil, err
	}
	var broken error
	for _, id := range ids {
		c, err := d.load(ctx, d.chk(id))
		if err == nil {
			if err := state.SyncDir(d.o.FS, d.path); err != nil {
				c.Close()
				return nil, fmt.Errorf("checkpoint %q: %w", d.chk(id), err)
			}
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		if broken == nil {
			broken = err
		}
		d.o.Logger.Warn("a checkpoint cannot be used", "folder", d.chk(id), "error", err)
	}
	if broken != nil {
		return nil, fmt.Errorf("none of the %d checkpoints in %q can be used: %w", len(ids), d.path, broken)
	}
	return nil, nil
}

// Load gives the checkpoint or savepoint in a folder, or of a manifest's path.
func Load(ctx context.Context, path string, o Options) (*Checkpoint, error) {
	d := &Dir{o: o.filled()}
	if strings.HasSuffix(path, ManifestName) {
		path = d.o.FS.PathDir(path)
	}
	return d.load(ctx, path)
}

func (d *Dir) manifest(dir string) (*manifest, error) {
	f, err := d.o.FS.Open(d.o.FS.PathJoin(dir, ManifestName))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readManifest(f)
}

func (d *Dir) load(ctx context.Context, dir string) (*Checkpoint, error) {
	fs := d.o.FS
	m, err := d.manifest(dir)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %q: %w", dir, err)
	}
	last := map[state.Sum]string{}
	left := d.o.VerifyBytes
	err = m.files(func(_ taskEntry, f fileEntry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		path := fs.PathJoin(dir, f.At)
		last[f.Sum] = f.At
		left -= f.Size
		return verify(fs, path, f, left >= 0)
	})
	if err != nil {
		return nil, fmt.Errorf("checkpoint %q: %w", dir, err)
	}
	d.last, d.lastDir = last, dir
	return m.checkpoint(dir, func(t taskEntry) state.Snapshot {
		return state.OpenSnapshot(fs, fs.PathDir(fs.PathJoin(dir, t.Files[0].At)), filesOf(t))
	}), nil
}

func filesOf(t taskEntry) []state.File {
	files := make([]state.File, len(t.Files))
	for i, f := range t.Files {
		files[i] = state.File{Name: f.Name, Size: f.Size, Sum: f.Sum}
	}
	return files
}

// verify compares a file with what the manifest says of it.
func verify(fs state.FS, path string, f fileEntry, whole bool) error {
	info, err := fs.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() != f.Size {
		return fmt.Errorf("file %q has %d bytes instead of %d", f.At, info.Size(), f.Size)
	}
	if !whole {
		return nil
	}
	sum, _, err := state.SumFile(fs, path)
	if err == nil && sum != f.Sum {
		err = fmt.Errorf("file %q is damaged: its checksum differs", f.At)
	}
	return err
}
