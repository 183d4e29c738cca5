package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// TestExample runs the example as README.md tells, over streams.
func TestExample(t *testing.T) {
	var out bytes.Buffer
	if err := example(limited(t), ".", &out); err != nil {
		t.Fatal(err)
	}
	var rows []string
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "| ") {
			rows = append(rows, strings.Join(strings.Fields(strings.ReplaceAll(line, "|", " ")), " "))
		}
	}
	for _, want := range []string{
		"1 1001 Espresso machine 1 249.5 SHIP SHIP Mara Quispe", "1 1002 Milk jug 2 28.5 SHIP SHIP Mara Quispe",
		"4 1004 Tamper 1 19.9 SHIP DELIVERED Ana Sol", "4 1009 <NULL> 1 <NULL> SHIP DELIVERED Ana Sol",
		`decode field "data.orderDateTime": cannot read "yesterday" as TI...`, `decode field "data.itemQuantity": cannot read "two" as INT`, `decode malformed JSON: `,
	} {
		found := 0
		for _, row := range rows {
			if strings.HasPrefix(row, want) {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%d rows are %q in\n%s", found, want, out.String())
		}
	}
	if len(rows) != 4+3+2 { // with the names of the columns
		t.Errorf("%d rows in\n%s", len(rows), out.String())
	}
}

// runLoad runs made-up orders, which checks what comes of them, and tells how the products were.
func runLoad(t *testing.T, l *load) {
	t.Helper()
	var out bytes.Buffer
	if err := l.run(limited(t), ".", &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{`table "products" has 200 rows, loaded `, "equal to the table that the records make: ", "equal to the batch answer: "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if m := regexp.MustCompile(`(\d+) of (\d+) rows had no match`).FindStringSubmatch(out.String()); m == nil || m[1] == "0" {
		t.Errorf("no item is of no product:\n%s", out.String())
	}
}

func TestLoad(t *testing.T) {
	runLoad(t, &load{items: 2000, rate: 4000, shards: 2})
}

// moto is an S3 server of somebody else's; started by ../../../shared/kinesis/servers/start moto.
const moto = "http://127.0.0.1:5000"

// TestProductsInS3 has the products in a bucket.
func TestProductsInS3(t *testing.T) {
	c, err := net.DialTimeout("tcp", strings.TrimPrefix(moto, "http://"), time.Second)
	if err != nil {
		t.Skipf("SKIPPED: no S3 server on %s; start one with ../shared/kinesis/servers/start moto", moto)
	}
	_ = c.Close()
	bucket := fmt.Sprintf("weir-orders-%d-%d", os.Getpid(), time.Now().UnixNano())
	for _, step := range [][2]string{{bucket, ""}, {bucket + "/ref/products.json", string(products())}} {
		r, err := http.NewRequest("PUT", moto+"/"+step[0], strings.NewReader(step[1]))
		if err != nil {
			t.Fatal(err)
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil || a.StatusCode != 200 {
			t.Fatalf("%v, %v", a, err)
		}
		_ = a.Body.Close()
	}
	runLoad(t, &load{items: 400, rate: 2000, shards: 2, products: "s3://" + bucket + "/ref/products.json", s3: moto})
}
