package kinesis

import (
	"fmt"
	"time"

	wa "weir/connectors/aws"
)

// outage tells when calls have failed for too long, one after the other.
type outage struct {
	most  time.Duration // 0: no time is too long
	since time.Time     // of the first failure; zero: the last call went through
	last  time.Time     // of the last one
}

// outageGap is the time after which a failure is none of those before it: nobody has called meanwhile.
const outageGap = 30 * time.Second

// over ends it: the service has answered.
func (o *outage) over() { o.since = time.Time{} }

// bears tells whether one more failure is to be borne, which is the result's being nil. Throttling ends no job, but an outage.
func (o *outage) bears(c *client, what string, err error) error {
	now := c.env.Now()
	gap := now.Sub(o.last)
	o.last = now
	switch {
	case wa.Classify(err) == wa.Throttled:
		o.over()
	case o.since.IsZero(), gap > outageGap:
		o.since = now
	case o.most > 0 && now.Sub(o.since) >= o.most:
		return fmt.Errorf("%w; so it has been for %s ('outage.timeout')", c.explain(what, err), now.Sub(o.since).Round(100*time.Millisecond))
	}
	return nil
}
