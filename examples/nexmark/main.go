// Command nexmark writes auction events for the queries in this folder, which are those of the Nexmark
// benchmark: people, auctions and bids. README.md tells how to run them.
//
//	go run ./examples/nexmark -n 100000 -out data
//
// Contract: it writes DIR/nexmark/p1 (one file) and DIR/nexmark/p2 (two files, the same events dealt out
// in turn), nothing else. The same flags give the same files.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	g := Generator{}
	n := flag.Int("n", 100_000, "events")
	out := flag.String("out", "data", "folder to write into")
	flag.IntVar(&g.Rate, "rate", 10_000, "events for each second of event time")
	flag.IntVar(&g.Disorder, "disorder", 2_000, "an event in twenty is behind by up to so many milliseconds")
	flag.IntVar(&g.ExtraSize, "extra", 60, "length of the padding texts")
	flag.Parse()
	if err := write(&g, *n, *out); err != nil {
		fmt.Fprintln(os.Stderr, "nexmark:", err)
		os.Exit(1)
	}
}

// write makes the files of both folders in one go.
func write(g *Generator, n int, dir string) error {
	var files [3]*os.File
	for i, name := range []string{"p1/part-0.jsonl", "p2/part-0.jsonl", "p2/part-1.jsonl"} {
		path := filepath.Join(dir, "nexmark", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		defer f.Close()
		files[i] = f
	}
	if err := g.Write(io.MultiWriter(files[0], &dealer{to: [2]io.Writer{files[1], files[2]}}), n); err != nil {
		return err
	}
	for _, f := range files {
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// dealer gives lines to its writers in turn.
type dealer struct {
	to   [2]io.Writer
	next int
	rest []byte // of a line that has not ended yet
}

// Write takes any part of the text.
func (d *dealer) Write(p []byte) (int, error) {
	d.rest = append(d.rest, p...)
	at := 0
	for {
		end := bytes.IndexByte(d.rest[at:], '\n')
		if end < 0 {
			break
		}
		if _, err := d.to[d.next].Write(d.rest[at : at+end+1]); err != nil {
			return 0, err
		}
		at += end + 1
		d.next = 1 - d.next
	}
	d.rest = append(d.rest[:0], d.rest[at:]...)
	return len(p), nil
}
