package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// slave gives the name of the other side of a terminal, ready to open.
func slave(ptmx *os.File) (string, error) {
	if err := unix.IoctlSetPointerInt(int(ptmx.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return "", err
	}
	n, err := unix.IoctlGetInt(int(ptmx.Fd()), unix.TIOCGPTN)
	return fmt.Sprint("/dev/pts/", n), err
}
