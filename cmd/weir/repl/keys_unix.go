//go:build unix

package repl

import (
	"time"

	"golang.org/x/sys/unix"
)

// readKey gives a key's bytes, or "" when none is pressed within the wait. It reads only what is there,
// so no read stays behind to take a key from the prompt.
func readKey(fd int, wait time.Duration) (string, error) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(wait.Milliseconds()))
	if err == unix.EINTR || err == nil && n == 0 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var buf [16]byte
	n, err = unix.Read(fd, buf[:])
	if err == nil && n == 0 {
		return "q", nil // the terminal is gone
	}
	return string(buf[:max(n, 0)]), err
}
