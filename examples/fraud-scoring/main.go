// Command fraud-scoring runs the example of this folder whole: an embedded Kinesis server, and the API in front of the
// model, which verifies signatures. README.md tells more.
//
//	go run ./examples/fraud-scoring                      # model.sql: the API as a model
//	go run ./examples/fraud-scoring -script lookup.sql   # the API as a table
//	go run ./examples/fraud-scoring -script local.sql    # a model in a file, no API
//	go run ./examples/fraud-scoring -serve 127.0.0.1:8089
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"weir/examples/fraud-scoring/api"
	"weir/examples/rig"
)

// The key that requests are signed with, where the environment has none: one of Amazon's examples.
const (
	exampleKey    = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

func main() {
	e := example{out: os.Stdout}
	flag.StringVar(&e.folder, "folder", "examples/fraud-scoring", "this example's folder")
	flag.StringVar(&e.script, "script", "model.sql", "model.sql, lookup.sql or local.sql")
	flag.DurationVar(&e.delay, "delay", 5*time.Millisecond, "how long the API takes")
	serve := flag.String("serve", "", "only run the API, at this address of this machine")
	flag.Parse()
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": exampleKey, "AWS_SECRET_ACCESS_KEY": exampleSecret} {
		if os.Getenv(name) == "" {
			os.Setenv(name, value)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *serve != "" {
		err = e.serve(ctx, *serve)
	} else {
		err = e.run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fraud-scoring:", err)
		os.Exit(1)
	}
}

type example struct {
	folder, script string
	delay          time.Duration
	out            io.Writer
}

// listen starts the API. The key is that of the environment.
func (e *example) listen(address string) (*api.API, *http.Server, string, error) {
	a, err := api.New(filepath.Join(e.folder, "fraud.json"), "us-east-1", map[string]string{os.Getenv("AWS_ACCESS_KEY_ID"): os.Getenv("AWS_SECRET_ACCESS_KEY")})
	if err != nil {
		return nil, nil, "", err
	}
	a.Delay = e.delay
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, nil, "", err
	}
	s := &http.Server{Handler: a, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }() // it ends with Close
	return a, s, "http://" + l.Addr().String(), nil
}

func (e *example) serve(ctx context.Context, address string) error {
	_, s, url, err := e.listen(address)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintf(e.out, "API=%s, for requests signed with the access key %s; end with Ctrl-C\n", url, os.Getenv("AWS_ACCESS_KEY_ID"))
	<-ctx.Done()
	return nil
}

// run puts the transactions of the folder, scores them to their end, and shows what came of them.
func (e *example) run(ctx context.Context) error {
	r, err := rig.Open(e.out)
	if err != nil {
		return err
	}
	defer r.Close()
	a, s, url, err := e.listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer s.Close()
	if err := r.Streams(ctx, 2, "transactions", "scored"); err != nil {
		return err
	}
	records, err := transactions(filepath.Join(e.folder, "transactions.jsonl"))
	if err != nil {
		return err
	}
	if err := r.Put(ctx, "transactions", records); err != nil {
		return err
	}
	vars := map[string]string{"UNTIL": "latest", "API": url}
	for _, file := range []string{e.script, "show.sql"} {
		if err := r.Run(ctx, filepath.Join(e.folder, file), vars); err != nil {
			return err
		}
	}
	fmt.Fprintf(e.out, "the API gave %d answers and refused %d requests\n", a.Calls.Load(), a.Refused.Load())
	return nil
}

// transactions reads records; those of a card stay in order.
func transactions(file string) (records []rig.Record, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for _, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		var t struct{ Card string }
		if err := json.Unmarshal(line, &t); err != nil {
			return nil, err
		}
		records = append(records, rig.Record{Data: line, PartitionKey: t.Card})
	}
	return records, nil
}
