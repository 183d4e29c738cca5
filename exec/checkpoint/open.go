package checkpoint

import (
	"fmt"
	"log/slog"
	"strings"

	"weir/exec/state"
)

// Options say how a store keeps checkpoints.
type Options struct {
	// Keep is how many checkpoints stay, 0: 1. A savepoint is not counted, and never deleted.
	Keep int
	// FS is the file system of folders; nil: the machine's.
	FS state.FS
	// Logger is told of broken checkpoints that were passed over and of what could not be deleted; nil: nobody.
	Logger *slog.Logger
	// Scratch is a local folder where a checkpoint from an object store is brought to. What is in it is deleted.
	Scratch string
	// VerifyBytes bounds how much of a checkpoint is read to verify it before it is used; files beyond have their
	// size checked alone, and blocks of state their own checksum when they are read. 0: 4 GB.
	VerifyBytes int64
	// Transfers is how many files are moved to or from an object store at a time; 0: 4.
	Transfers int
}

func (o Options) filled() Options {
	o.Keep = max(1, o.Keep)
	if o.Transfers == 0 {
		o.Transfers = 4
	}
	if o.FS == nil {
		o.FS = state.OS()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.VerifyBytes == 0 {
		o.VerifyBytes = 4 << 30
	}
	return o
}

// Escape makes a name of a file of any text: letters, digits, '-' and '_' stay, other bytes become %XX, and
// what is too long is cut and told apart by its checksum.
func Escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	if b.Len() > 100 {
		s := state.NewSummer()
		_, _ = s.Write([]byte(name))
		return b.String()[:60] + "-" + string(s.Sum())
	}
	return b.String()
}
