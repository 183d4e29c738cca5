package difffuzz

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"weir/internal/golden"
)

var (
	seedFlag  = flag.Uint64("difffuzz.seed", 1, "first `seed`")
	countFlag = flag.Int("difffuzz.n", 0, "`number` of queries; 0: a few")
	timeFlag  = flag.Duration("difffuzz.time", 8*time.Second, "start no more queries after `duration`")
	kindFlag  = flag.String("difffuzz.kind", "", "only queries of this `kind`")
	printFlag = flag.Bool("difffuzz.print", false, "print the scripts")
	flinkFlag = flag.Int("difffuzz.flink", 0, "compare this `number` of queries with Flink")
	keepFlag  = flag.String("difffuzz.keep", "", "keep the folders given to Flink below `dir`")
	reuseFlag = flag.Bool("difffuzz.reuse", false, "compare with what Flink has left in the kept folders")
)

func caseOf(seed uint64) *Case {
	if *kindFlag != "" {
		return GenerateKind(seed, *kindFlag)
	}
	return Generate(seed)
}

func TestSeeds(t *testing.T) {
	if a, b := Generate(7), Generate(7); a.Test() != b.Test() || a.Script() != b.Script() {
		t.Error("a seed gives two cases")
	}
	if Generate(7).Query == Generate(7+uint64(len(kinds))).Query {
		t.Error("two seeds give the same query")
	}
	for _, k := range kinds {
		if c := GenerateKind(3, k.name); c == nil || c.Kind != k.name || len(c.Tables) == 0 {
			t.Errorf("%s: %+v", k.name, c)
		}
	}
}

// TestAgree compares each query's runs over the matrix: the same rows whatever the settings, no panic, no hang.
func TestAgree(t *testing.T) {
	n := *countFlag
	if n == 0 {
		n = 2 * len(kinds)
	}
	end := time.Now().Add(*timeFlag)
	refused, ran := map[string]int{}, 0
	for i := 0; i < n && time.Now().Before(end); i++ {
		c := caseOf(*seedFlag + uint64(i))
		if *printFlag {
			t.Log("\n" + c.Test())
		}
		failures, result := agree(t, c)
		ran++
		for _, f := range failures {
			t.Errorf("seed %d (%s): %s\n%s", c.Seed, c.Kind, f, c.Test())
		}
		if _, text, ok := strings.Cut(result, "\n----\nerror: "); ok {
			refused[c.Kind]++
			if testing.Verbose() {
				t.Logf("seed %d (%s): error: %s\n%s", c.Seed, c.Kind, text, c.Query)
			}
		}
	}
	t.Logf("%d of %d queries ran; refused: %v", ran, n, refused)
}

// agree runs a case over the matrix: what went wrong, and the file with its answer.
func agree(t *testing.T, c *Case) (failures []string, result string) {
	path := filepath.Join(t.TempDir(), "case.test")
	if err := os.WriteFile(path, []byte(c.Test()), 0o666); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if r := recover(); r != nil {
			failures = append(failures, "panic: "+strings.TrimSpace(toText(r))+"\n"+string(debug.Stack()))
		}
	}()
	r, err := golden.RunFile(context.Background(), path, golden.Options{Seed: c.Seed, Rewrite: true, Timeout: 10 * time.Second})
	if err != nil {
		return []string{err.Error()}, ""
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return r.Failures, string(data)
}
