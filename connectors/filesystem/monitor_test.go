package filesystem

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"weir/connectors"
)

// TestMonitor finds files that come later, under the same IDs each time.
func TestMonitor(t *testing.T) {
	dir := t.TempDir()
	c := configOf(t, "path", filepath.Join(dir, "in"), "format", "json", "source.monitor-interval", "2 s", "source.path.regex-pattern", ".*\\.jsonl")
	src, err := c.Source(&connectors.TableDesc{Name: "t", Columns: idColumns}, connectors.Scan{Columns: idColumns[:1]}, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	if src.Bounded() || src.Discovery() != 2*time.Second {
		t.Errorf("bounded %v, discovery %v", src.Bounded(), src.Discovery())
	}
	list := func() (names []string) {
		t.Helper()
		splits, err := src.Splits(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range splits {
			names = append(names, filepath.Base(s.ID))
		}
		return names
	}
	var got []string
	got = append(got, fmt.Sprint(list()))
	write(t, filepath.Join(dir, "in", "b.jsonl"), "{\"id\":1}\n")
	write(t, filepath.Join(dir, "in", "c.txt"), "{\"id\":1}\n")
	got = append(got, fmt.Sprint(list()))
	write(t, filepath.Join(dir, "in", "a.jsonl"), "{\"id\":2}\n")
	got = append(got, fmt.Sprint(list()))
	if want := "[[] [b.jsonl] [a.jsonl b.jsonl]]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestSinkRolling begins a new file when one is large enough.
func TestSinkRolling(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := sinkOf(t, configOf(t, "path", dir, "format", "json", "sink.rolling-policy.file-size", "40"), &connectors.TableDesc{Name: "t", Columns: idColumns})
	for i := range 5 {
		if err := s.Write(ctx, batchOf(t, fmt.Sprintf(`{"id":%d,"p":"x"}`, i))); err != nil {
			t.Fatal(err)
		}
	}
	tok := do[[]byte](t)(s.Flush(ctx))
	if err := s.Commit(ctx, tok); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "part-*"))
	if len(files) != 2 {
		t.Errorf("%d files, want two: three rows of 17 bytes, then two", len(files))
	}
	if got, want := visible(t, dir), `.:{"id":0,"p":"x"} .:{"id":1,"p":"x"} .:{"id":2,"p":"x"} .:{"id":3,"p":"x"} .:{"id":4,"p":"x"}`; got != want {
		t.Errorf("got %s", got)
	}
}
