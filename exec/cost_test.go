//go:build linux

package exec

import (
	"context"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"weir/connectors"
)

// cycling is a table whose splits after the first never end: their rows come again and again.
type cycling struct{ *growing }

func (c *cycling) Source(*connectors.TableDesc, connectors.Scan, *connectors.Env) (connectors.Source, error) {
	return c, nil
}

func (c *cycling) Read(ctx context.Context, s connectors.Split, from connectors.Offset) (connectors.SplitReader, error) {
	r, err := c.growing.Read(ctx, s, from)
	if err != nil || s.ID == "split-00" {
		return r, err
	}
	return &cyclingReader{r.(*rowReader)}, nil
}

type cyclingReader struct{ *rowReader }

func (r *cyclingReader) Next(ctx context.Context, c *connectors.Chunk) error {
	if r.at == len(r.rows) {
		r.at = 0
	}
	return r.rowReader.Next(ctx, c)
}

// usage is the CPU time of the process.
func usage(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// costPhase is how long rows are counted; one in two has a checkpoint in its middle.
const costPhase = 5 * time.Second

// TestCheckpointCost measures how many rows a job with WEIR_STATE_MB megabytes of state takes that changes 1 % of its keys
// all the time, while checkpoints are made and without.
func TestCheckpointCost(t *testing.T) {
	mb, _ := strconv.Atoi(os.Getenv("WEIR_STATE_MB"))
	if mb == 0 {
		t.Skip("SKIPPED: a measurement; WEIR_STATE_MB=1024 runs it with 1 GB of state")
	}
	n := mb << 20 / (largeKey + 20)
	m := newMeasured(t, n)
	scan := m.scan()
	scan.Config = &cycling{m.tab}
	m.start(m.open(), nil)
	m.await(int64(n))
	m.save("all of it is new")
	m.tab.add(step(n/100, 97))
	m.await(int64(n) * 11 / 10)
	var rows, cpu, wall [2]float64
	for i := range 12 {
		began, had, used := time.Now(), m.got.Load(), usage(t)
		if i%2 == 1 {
			m.save("1 % changed")
		}
		time.Sleep(costPhase - time.Since(began))
		rows[i%2] += float64(m.got.Load() - had)
		cpu[i%2] += (usage(t) - used).Seconds()
		wall[i%2] += time.Since(began).Seconds()
	}
	for i, what := range []string{"without", "with one in each 5 s"} {
		t.Logf("%s: %.0f rows a second, %.0f rows a second of CPU", what, rows[i]/wall[i], rows[i]/cpu[i])
	}
	m.cancel()
}
