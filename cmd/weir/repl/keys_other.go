//go:build !unix

package repl

import (
	"os"
	"time"
)

// readKey waits for a key; where a read cannot be polled, the screen is drawn again after each key.
func readKey(_ int, _ time.Duration) (string, error) {
	var buf [16]byte
	n, err := os.Stdin.Read(buf[:])
	return string(buf[:n]), err
}
