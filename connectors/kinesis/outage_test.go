package kinesis

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"weir/connectors"
)

// TestOutage: calls that fail for too long one after the other are no longer borne; answers that throttle, and failures with a long
// time between them, are.
func TestOutage(t *testing.T) {
	now := time.Unix(0, 0)
	c := &client{env: &connectors.Env{Now: func() time.Time { return now }}, name: "s"}
	throttled := &smithy.GenericAPIError{Code: "ProvisionedThroughputExceededException"}
	lost := errors.New("connection reset by peer")
	o := outage{most: time.Minute}
	borne := func(what string, err error) {
		t.Helper()
		if err := o.bears(c, "shard 0", err); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	borne("the first", lost)
	for range 20 {
		now = now.Add(5 * time.Second)
		borne("throttled", throttled)
	}
	borne("after 100 s of throttling", lost)
	now = now.Add(10 * time.Minute) // nobody called
	borne("the second in ten minutes", lost)
	for range 11 {
		now = now.Add(5 * time.Second)
		borne("within a minute", lost)
	}
	now = now.Add(5 * time.Second)
	if err := o.bears(c, "shard 0", lost); err == nil || !strings.Contains(err.Error(), "for 1m0s ('outage.timeout')") || !errors.Is(err, lost) {
		t.Errorf("after a minute: %v", err)
	}
	o.most = 0
	borne("for ever", lost)
}
