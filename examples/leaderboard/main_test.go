package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

// moto is a DynamoDB server of somebody else's; started by ../../../shared/kinesis/servers/start moto.
const moto = "127.0.0.1:5000"

// TestRace runs the example as README.md tells, a little faster: it compares the tables with the reports itself.
func TestRace(t *testing.T) {
	c, err := net.DialTimeout("tcp", moto, time.Second)
	if err != nil {
		t.Skipf("SKIPPED: no DynamoDB server on %s; start one with ../shared/kinesis/servers/start moto", moto)
	}
	_ = c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var out bytes.Buffer
	r := &race{folder: ".", dynamodb: "http://" + moto, seconds: 12, window: 5, rate: 6000, out: &out}
	if err := r.run(ctx); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"12000 reports in ", "20 places, 1000 results", "race 5402746, place 1: racer "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
