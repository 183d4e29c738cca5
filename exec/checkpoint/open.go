package checkpoint

import (
	"log/slog"
)

// Options say how a store keeps checkpoints.
type Options struct {
	// Keep is how many checkpoints stay, 0: 1.
	Keep int
	// Logger is told of broken checkpoints that were passed over; nil: nobody.
	Logger *slog.Logger
}
