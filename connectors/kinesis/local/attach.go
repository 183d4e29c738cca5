package local

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	attachPatience = 5 * time.Second
	attachPause    = 50 * time.Millisecond
)

// Attach gives the URL of the server which owns dir. When there is none, it opens and starts one and returns
// it as owned: the caller closes it. When opts.Addr is empty and DefaultAddr is taken, a free port is used.
func Attach(dir string, opts Options) (url string, owned *Server, err error) {
	opts.Dir = dir
	deadline := time.Now().Add(attachPatience)
	for {
		url, owned, err = attachOnce(opts)
		var busy *InUseError
		if err == nil || !errors.As(err, &busy) || time.Now().After(deadline) {
			return url, owned, err
		}
		// The owner is starting, or just died and its successor may be us.
		time.Sleep(attachPause)
	}
}

func attachOnce(opts Options) (string, *Server, error) {
	server, err := Open(opts)
	var busy *InUseError
	if errors.As(err, &busy) {
		if busy.URL == "" || !answers(busy.URL) {
			return "", nil, err
		}
		return busy.URL, nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	err = server.Start()
	if opts.Addr == "" && errors.Is(err, syscall.EADDRINUSE) {
		server.opts.Addr = "127.0.0.1:0"
		err = server.Start()
	}
	if err != nil {
		return "", nil, errors.Join(err, server.Close(context.Background()))
	}
	return server.URL(), server, nil
}

// OwnerURL is where the server answers which owns a data directory, empty when there is none.
func OwnerURL(dir string) string {
	file, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return ""
	}
	defer file.Close()
	if owner := readOwner(dir, file); owner.URL != "" && answers(owner.URL) {
		return owner.URL
	}
	return ""
}

// answers says whether a server of this kind is behind the URL: the port of a dead owner may
// belong to any program by now.
func answers(url string) bool {
	client := &http.Client{Timeout: 2 * time.Second}
	reply, err := client.Get(url + healthPath)
	if err != nil {
		return false
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, 256))
	return err == nil && reply.StatusCode == http.StatusOK && string(text) == healthText
}
