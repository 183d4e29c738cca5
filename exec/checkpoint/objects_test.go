package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/exec/state"
)

// cloud is an object store in memory. Its writes fail from number failAt on, for fails of them.
type cloud struct {
	mu            sync.Mutex
	objects       map[string][]byte
	age           map[string]time.Duration
	writes        int
	failAt, fails int
	puts          int
}

func newCloud() *cloud {
	return &cloud{objects: map[string][]byte{}, age: map[string]time.Duration{}}
}

func (c *cloud) write() error {
	c.writes++
	if c.writes >= c.failAt && c.writes < c.failAt+c.fails {
		return errors.New("503 slow down")
	}
	return nil
}

func (c *cloud) Put(_ context.Context, key string, size int64, body io.ReaderAt) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.write(); err != nil {
		return err
	}
	b, err := io.ReadAll(io.NewSectionReader(body, 0, size))
	c.objects[key] = b
	c.puts++
	return err
}

func (c *cloud) PutNew(_ context.Context, key string, body []byte) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.write(); err != nil {
		return false, err
	}
	if _, ok := c.objects[key]; ok {
		return false, nil
	}
	c.objects[key] = bytes.Clone(body)
	return true, nil
}

func (c *cloud) Get(_ context.Context, key string) (io.ReadCloser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.objects[key]
	if !ok {
		return nil, fmt.Errorf("%w: no object %q", fs.ErrNotExist, key)
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (c *cloud) List(_ context.Context, prefix string, visit func(string, int64, time.Time) error) error {
	for _, k := range c.keys(prefix) {
		if err := visit(k, int64(len(c.objects[k])), time.Now().Add(-c.age[k])); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) keys(prefix string) (keys []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.objects {
		if strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	return keys
}

func (c *cloud) Delete(_ context.Context, keys []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.write(); err != nil {
		return err
	}
	for _, k := range keys {
		delete(c.objects, k)
	}
	return nil
}

func TestObjectsKeepCheckpoints(t *testing.T) {
	disk, sky := state.NewDisk(0), newCloud()
	o := Options{FS: disk, Keep: 2, Scratch: "scratch"}
	b, err := OpenObjects(ctx, sky, "jobs/x/", o)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := b.Latest(ctx); c != nil || err != nil {
		t.Fatalf("got %v, %v from an empty bucket", c, err)
	}
	mem, db := stores(t, disk)
	want := map[int64]string{}
	for n := int64(1); n <= 5; n++ {
		c := example(t, n, mem, db)
		want[n] = content(t, c)
		before := sky.puts
		saved, err := b.Save(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		if sky.puts == before || n > 1 && saved.NewBytes >= saved.Bytes || saved.Path != fmt.Sprintf("jobs/x/chk-%d", n) {
			t.Errorf("saved %+v with %d puts", saved, sky.puts-before)
		}
		if left, _ := disk.List("scratch"); len(left) > 0 {
			t.Errorf("left %v in the local folder", left)
		}
		got, err := b.Latest(ctx)
		if err != nil || content(t, got) != want[n] {
			t.Fatalf("%v, got\n%s\nwant\n%s", err, content(t, got), want[n])
		}
	}
	if got := sky.keys("jobs/x/chk"); !slices.Equal(got, []string{"jobs/x/chk-4/manifest.json", "jobs/x/chk-5/manifest.json"}) {
		t.Errorf("kept %v", got)
	}
	shared := len(sky.keys("jobs/x/shared/"))
	gone := ""
	for key := range b.kept[1].keys {
		if !b.kept[0].keys[key] {
			gone = key
		}
	}
	was := sky.objects[gone]
	delete(sky.objects, gone)
	if c, err := b.Latest(ctx); err != nil || c.ID != 4 || content(t, c) != want[4] {
		t.Errorf("without a file of the newest: %v, %v", c, err)
	}
	sky.objects[gone] = was
	// Another process takes over: what nobody names and is old goes, and only that.
	sky.objects["jobs/x/shared/old"], sky.objects["jobs/x/shared/new"], sky.age["jobs/x/shared/old"] = nil, nil, 2*time.Hour
	next, err := OpenObjects(ctx, sky, "jobs/x", o)
	if err != nil || next.Highest() != 5 || len(sky.keys("jobs/x/shared/")) != shared+1 {
		t.Errorf("%v, highest %d, %d files of %d", err, next.Highest(), len(sky.keys("jobs/x/shared/")), shared+1)
	}
	// Both take themselves for the job: one of them fails.
	if _, err := next.Save(ctx, example(t, 6, mem, db)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Save(ctx, example(t, 6, mem, db)); err == nil || !strings.Contains(err.Error(), "another process writes the checkpoints of this job") {
		t.Errorf("got %v", err)
	}
	if c, err := LoadObjects(ctx, sky, "jobs/x/chk-5", o); err != nil || content(t, c) != want[5] {
		t.Errorf("chk-5: %v", err)
	}
	if err := next.Remove(ctx); err != nil || len(sky.objects) > 0 {
		t.Errorf("%v, left %v", err, sky.keys(""))
	}
}

func TestObjectSavepointsCanBeMoved(t *testing.T) {
	disk, sky := state.NewDisk(0), newCloud()
	mem, db := stores(t, disk)
	c := example(t, 3, mem, db)
	c.Savepoint = true
	want := content(t, c)
	saved, err := ObjectSavepoints(sky, "points", "0123456789", Options{FS: disk}).Save(ctx, c)
	if err != nil || !strings.HasPrefix(saved.Path, "points/savepoint-012345-") {
		t.Fatal(saved, err)
	}
	for _, k := range sky.keys("") {
		sky.objects[strings.Replace(k, saved.Path, "elsewhere", 1)] = sky.objects[k]
		delete(sky.objects, k)
	}
	for _, path := range []string{"elsewhere", "elsewhere/", "elsewhere/" + ManifestName} {
		if got, err := LoadObjects(ctx, sky, path, Options{FS: disk, Scratch: "scratch"}); err != nil || content(t, got) != want {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// TestObjectsThatFail lets each write of a Save fail, once or until the end: the latest checkpoint is whole, and the next
// Save works and leaves nothing behind that nobody names.
func TestObjectsThatFail(t *testing.T) {
	for at := 1; ; at++ {
		for _, fails := range []int{1, 1000} {
			disk, sky := state.NewDisk(0), newCloud()
			o := Options{FS: disk, Scratch: "scratch"}
			b, err := OpenObjects(ctx, sky, "x", o)
			if err != nil {
				t.Fatal(err)
			}
			mem, db := stores(t, disk)
			want := map[int64]string{}
			save := func(n int64) error {
				c := example(t, n, mem, db)
				want[n] = content(t, c)
				_, err := b.Save(ctx, c)
				return err
			}
			if err := save(1); err != nil {
				t.Fatal(err)
			}
			sky.failAt, sky.fails = sky.writes+at, fails
			failed := save(2)
			reached := sky.writes >= sky.failAt
			sky.fails = 0
			if c, err := b.Latest(ctx); err != nil || content(t, c) != want[c.ID] || failed == nil && c.ID != 2 {
				t.Fatalf("write %d: %v", at, err)
			}
			if err := save(3); err != nil {
				t.Fatal(err)
			}
			if c, err := b.Latest(ctx); err != nil || c.ID != 3 || content(t, c) != want[3] {
				t.Fatalf("write %d, then not: %v", at, err)
			}
			named := 1
			m, _ := b.manifest(ctx, b.manifestKey(3))
			seen := map[string]bool{}
			_ = m.files(func(_ taskEntry, f fileEntry) error { seen[f.At] = true; return nil })
			if named += len(seen); failed != nil && len(sky.objects) > named {
				t.Errorf("write %d: %d objects, %d are named", at, len(sky.objects), named)
			}
			if !reached {
				if at < 5 {
					t.Errorf("only %d writes", at)
				}
				return
			}
		}
	}
}
