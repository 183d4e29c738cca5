package httpconn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"weir/connectors"
	"weir/connectors/option"
)

// Service is the options of a service that a provider of models asks, and makes its client: with the same attempts, limits,
// circuit breaker, certificates, signatures and texts without secrets as a table's.
type Service struct {
	common
	retry   retryOptions
	timeout time.Duration
	headers map[string]string
}

// ServiceDefaults are what services differ in.
type ServiceDefaults struct {
	// AWS adds the options aws.*.
	AWS bool
	// RetriesKey is the option of how often a request is sent again; "": lookup.max-retries, which all models have.
	RetriesKey string
	Retries    int
	// RetryCodes are the statuses to try again at.
	RetryCodes string
	Timeout    time.Duration
}

// servicePrefix is that of the connector's options.
const servicePrefix = "http.source.lookup."

// Bind binds the options.
func (s *Service) Bind(o *option.Set, d ServiceDefaults) {
	if d.RetriesKey == "" {
		d.RetriesKey, d.Retries = retriesKey, 3
	}
	if d.AWS {
		s.session.Options(o)
	}
	s.shared(o)
	old(seconds(o, &s.timeout, servicePrefix+"request.timeout", d.Timeout, "How long an attempt may take; a bare number is seconds."))
	old(o.Map(&s.headers, servicePrefix+"header.*", "Another header of each request. The values are secrets.").Secret())
	s.retry.options(o, servicePrefix, retryDefaults{timesKey: d.RetriesKey, times: d.Retries, strategy: "exponential-delay", initial: 500 * time.Millisecond, longest: 8 * time.Second, factor: 2, codes: d.RetryCodes})
}

// SetRetries says how often a request is sent again.
func (s *Service) SetRetries(n int) { s.retry.times = n }

// Base is the URL of a service of AWS, as "runtime.sagemaker", in the region of the options or of the environment: 'aws.endpoint', where it is given.
func (s *Service) Base(ctx context.Context, service string) (string, error) {
	if s.session.Endpoint != "" {
		return strings.TrimRight(s.session.Endpoint, "/"), nil
	}
	if s.session.Region == "" {
		cfg, err := s.session.Config(ctx)
		if err != nil {
			return "", err
		}
		s.session.Region = cfg.Region
	}
	domain := "amazonaws.com"
	if strings.HasPrefix(s.session.Region, "cn-") {
		domain += ".cn"
	}
	return "https://" + service + "." + s.session.Region + "." + domain, nil
}

// Address is where a service is, and how it is asked.
type Address struct {
	URL string
	// URLKey is the option that gave it, for errors.
	URLKey string
	// Sign is the name of the service in signatures for AWS; "": there are none.
	Sign string
	// Headers are those of each request; their values are secrets.
	Headers map[string]string
	Accept  string
	// Advice says what to do about a status, as ": check ..."; nil: what tables say.
	Advice func(status int) string
}

// Client makes the client. It checks the options, and does not connect.
func (s *Service) Client(t *connectors.TableDesc, at Address, env *connectors.Env) (*Client, error) {
	if _, err := urlTemplate(at.URL, nil); err != nil {
		return nil, fmt.Errorf("option %q is no URL that can be asked: write https://host/path or http://host:port/path, without a user", at.URLKey)
	}
	s.url, s.urlKey, s.service, s.retry.advice = at.URL, at.URLKey, at.Sign, at.Advice
	if text := t.Options[retriesKey]; text != "" {
		if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil && n >= 0 {
			s.retry.times = n
		}
	}
	headers := maps.Clone(at.Headers)
	if headers == nil {
		headers = map[string]string{}
	}
	maps.Copy(headers, s.headers)
	cl, err := s.client(settings{headers: headers, timeout: s.timeout, retry: &s.retry, accept: at.Accept, table: t.Name}, env)
	if err != nil {
		return nil, err
	}
	return &Client{cl, at.URL, hideURL(at.URL)}, nil
}

// Client asks a service. It is safe for concurrent use.
type Client struct {
	*client
	url, shown string
}

// Send posts a body, and again where that may help. An error says what to do, without secrets.
func (c *Client) Send(ctx context.Context, contentType string, body []byte) (*Reply, error) {
	a, err := c.send(ctx, &call{method: http.MethodPost, url: c.url, shown: c.shown, body: body, contentType: contentType})
	if err != nil {
		return nil, refused(err)
	}
	return &Reply{Body: a.body, Header: a.header, Ignored: a.ignored, answer: a, c: c}, nil
}

// Status implements connectors.Waiting.
func (c *Client) Status() string { return c.gate.status() }

// Close gives back connections that nobody uses.
func (c *Client) Close() error {
	c.close()
	return nil
}

// Reply is a service's answer.
type Reply struct {
	Body   []byte
	Header http.Header
	// Ignored: the status is one of those whose answers are not looked at.
	Ignored bool

	answer *answer
	c      *Client
}

// Wrong is the error of an answer that cannot be used, with its beginning.
func (r *Reply) Wrong(why error) error {
	r.c.meter.Unreadable()
	return fmt.Errorf("POST %s: the answer cannot be used: %w; it begins with %s", r.c.shown, why, r.c.excerpt(r.answer.request, r.Body))
}

// refused marks the error of a request that was refused for what is in it.
func refused(err error) error {
	f := &failure{}
	if !errors.As(err, &f) || f.again {
		return err
	}
	switch f.status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusFailedDependency:
		return connectors.Refused(err)
	}
	return err
}

// PathPart escapes a text as one part of a URL's path, as AWS does it: all but letters, digits, and -._~.
func PathPart(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
