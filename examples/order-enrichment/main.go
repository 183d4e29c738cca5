// Command order-enrichment runs the example of this folder whole, on an embedded Kinesis server: README.md tells more.
//
//	go run ./examples/order-enrichment                 # the changes of changes.jsonl
//	go run ./examples/order-enrichment -items 100000   # made-up ones at a rate, checked and timed
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"weir/examples/rig"
)

func main() {
	folder := flag.String("folder", "examples/order-enrichment", "this example's folder")
	var l load
	flag.IntVar(&l.items, "items", 0, "put so many made-up items instead, and say how long they took")
	flag.IntVar(&l.rate, "rate", 4000, "records a second")
	flag.IntVar(&l.shards, "shards", 2, "of each stream")
	flag.StringVar(&l.products, "products", "", "the table of products, instead of a file: s3://bucket/products.json")
	flag.StringVar(&l.s3, "s3", "", "endpoint of S3, where it is not AWS's")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if l.items > 0 {
		err = l.run(ctx, *folder, os.Stdout)
	} else {
		err = example(ctx, *folder, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "order-enrichment:", err)
		os.Exit(1)
	}
}

// example puts the changes of the folder, joins them to their end, and shows what came of them.
func example(ctx context.Context, folder string, out io.Writer) error {
	r, err := open(ctx, out, 2)
	if err != nil {
		return err
	}
	defer r.Close()
	text, err := os.ReadFile(filepath.Join(folder, "changes.jsonl"))
	if err != nil {
		return err
	}
	var records []rig.Record
	for _, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		records = append(records, rig.Record{Data: line, PartitionKey: keyOf(line)})
	}
	if err := r.Put(ctx, "orders", records); err != nil {
		return err
	}
	vars := map[string]string{"UNTIL": "latest", "PRODUCTS": filepath.Join(folder, "products.json")}
	for _, file := range []string{"enrich.sql", "show.sql"} {
		if err := r.Run(ctx, filepath.Join(folder, file), vars); err != nil {
			return err
		}
	}
	return nil
}

// open makes the streams.
func open(ctx context.Context, out io.Writer, shards int) (*rig.Rig, error) {
	r, err := rig.Open(out)
	if err != nil {
		return nil, err
	}
	if err := r.Streams(ctx, shards, "orders", "orders-enriched", "order-errors"); err != nil {
		_ = r.Close() // the error that counts is the one above
		return nil, err
	}
	return r, nil
}

// keyOf is the order that a change is of, so that its changes stay in order.
func keyOf(line []byte) string {
	var change struct {
		Data struct{ OrderID json.Number }
	}
	if json.Unmarshal(line, &change) != nil {
		return "unknown"
	}
	return change.Data.OrderID.String()
}
