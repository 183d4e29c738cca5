package golden

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	faultRuns = flag.Int("golden.faults", 250, "runs over faults that TestFaults makes at least, over all queries")
	faultSeed = flag.Uint64("golden.seed", 0, "seed of them; 0: another one each time")
)

// TestFaults runs the queries of the .test files on machines that die, over sources that fail: at least
// -golden.faults of them in all, seeded by -golden.seed. Each must give the rows of the run without faults.
func TestFaults(t *testing.T) {
	seed := *faultSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano() % 1_000_000)
	}
	files, err := Find(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	total := Report{Kinds: map[string]int{}}
	failed := false
	check := func(t *testing.T, path string, o Options) {
		r, err := RunFile(context.Background(), path, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Failures {
			t.Error(f)
		}
		mu.Lock()
		defer mu.Unlock()
		failed = failed || len(r.Failures) > 0
		total.add(r)
	}
	queries := 0
	for _, path := range files {
		n, err := countQueries(path)
		if err != nil {
			t.Fatal(err)
		}
		queries += n
	}
	each := (*faultRuns + queries - 1) / queries
	t.Run("files", func(t *testing.T) {
		skip := max(1, queries/max(1, *faultRuns)) // fewer runs than queries: some of the files
		for i, path := range files {
			if (i+int(seed))%skip != 0 {
				continue
			}
			t.Run(filepath.Base(path), func(t *testing.T) {
				t.Parallel()
				check(t, path, Options{Seed: seed, Faulty: each})
			})
		}
	})
	var kinds []string
	for k, n := range total.Kinds {
		kinds = append(kinds, fmt.Sprint(k, " ", n))
	}
	sort.Strings(kinds)
	t.Logf("seed %d: %d faulty runs of %d queries, %d checkpoints, %d crashes, %d restores; %s",
		seed, total.Faulty, total.Queries, total.Checkpoints, total.Crashes, total.Restores, strings.Join(kinds, ", "))
	if failed {
		t.Logf("to replay all: go test ./internal/golden -run TestFaults -golden.faults %d -golden.seed %d", *faultRuns, seed)
	}
}

func countQueries(path string) (n int, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	f, err := parse(string(text))
	if err != nil {
		return 0, err
	}
	for _, b := range f.blocks {
		if b.command == "query" {
			n++
		}
	}
	return n, nil
}

func (r *Report) add(o *Report) {
	r.Queries += o.Queries
	r.Faulty += o.Faulty
	r.Checkpoints += o.Checkpoints
	r.Crashes += o.Crashes
	r.Restores += o.Restores
	for k, n := range o.Kinds {
		r.Kinds[k] += n
	}
}
