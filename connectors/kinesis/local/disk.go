package local

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	diskReserve   = 64 << 20 // left free, at most an eighth of the disk: deleting and compacting need some space, too
	diskLookEvery = 100 * time.Millisecond
)

// diskGuard keeps a full disk from ending the server: puts are refused while less than a reserve is free, and a write which
// meets a full disk all the same waits until there is space, for to Pebble its failure would be final. Retention and
// deletions go on and make space.
type diskGuard struct {
	fs      vfs.FS
	dir     string
	logger  *slog.Logger
	full    atomic.Bool
	looked  time.Time // of the writer's last look
	waiting atomic.Bool
}

// wrap makes a file system whose writes wait for space.
func (g *diskGuard) wrap() vfs.FS { return vfs.OnDiskFull(g.fs, g.waitForSpace) }

// enough says whether the reserve is free. A file system which cannot tell has enough.
func (g *diskGuard) enough() bool {
	usage, err := g.fs.GetDiskUsage(g.dir)
	return err != nil || usage.AvailBytes >= min(diskReserve, usage.TotalBytes/8)
}

// waitForSpace blocks all writes of the store.
func (g *diskGuard) waitForSpace() {
	g.waiting.Store(true)
	defer g.waiting.Store(false)
	g.set(true)
	for !g.enough() {
		time.Sleep(diskLookEvery)
	}
	g.set(false)
}

func (g *diskGuard) set(full bool) {
	if g.full.Swap(full) != full {
		if full {
			g.logger.Error("kinesis server: the disk is full, so puts are refused until there is space", "dir", g.dir)
		} else {
			g.logger.Warn("kinesis server: the disk has space again", "dir", g.dir)
		}
	}
}

// look is for the writer, before it takes puts.
func (g *diskGuard) look() {
	if now := time.Now(); now.Sub(g.looked) >= diskLookEvery {
		g.looked = now
		g.set(!g.enough())
	}
}

func errDiskFull(dir string) *apiError {
	return internalFailure("the disk with the data directory %q is full: free some space, and puts go on by themselves", dir)
}
