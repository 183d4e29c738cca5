package aws

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"weir/connectors"
)

// Count has the requests of a client counted by a meter; a nil one counts nothing.
func Count(cfg *aws.Config, m *connectors.Meter) {
	if m != nil {
		cfg.HTTPClient = &http.Client{Transport: m.RoundTripper(doing{cfg.HTTPClient}), CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // as the SDK's own clients
		}}
	}
}

// doing makes requests by a client of the SDK.
type doing struct{ next aws.HTTPClient }

// RoundTrip implements http.RoundTripper.
func (d doing) RoundTrip(r *http.Request) (*http.Response, error) { return d.next.Do(r) }
