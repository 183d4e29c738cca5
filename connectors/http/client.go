package httpconn

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"weir/connectors"
	"weir/connectors/aws"
)

// call is a request to be made.
type call struct {
	method      string
	url         string
	shown       string // the URL as errors may show it
	body        []byte
	contentType string
}

// answer is what came back.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	ignored bool // by ignored-response-codes
	request *http.Request
}

// client makes the requests of a table, of one direction. It is safe for concurrent use.
type client struct {
	conf    *common
	env     *connectors.Env
	http    *http.Client
	header  http.Header // of each request
	retry   *retryOptions
	timeout time.Duration
	gate    *gate
	tokens  *tokens     // nil: none are asked for
	signer  *aws.Signer // nil: requests are not signed
	query   string      // of each request besides the URL's; secret
	fixed   []string    // all secret values of URLs
	meter   *connectors.Meter
}

// settings are what the directions differ in.
type settings struct {
	headers map[string]string
	rawAuth bool
	timeout time.Duration
	retry   *retryOptions
	version string
	proxy   *url.URL
	accept  string // the header Accept, where no option gives it
	table   string // whose calls are counted
}

// client makes a client of a direction. Those of a table share its gate.
func (c *common) client(s settings, env *connectors.Env) (*client, error) {
	transport, err := c.transport(s)
	if err != nil {
		return nil, err
	}
	cl := &client{conf: c, env: env, retry: s.retry, timeout: s.timeout, gate: c.sharedGate()}
	cl.hide(c)
	cl.warn(c.url)
	meter := env.Meter(s.table, hideURL(c.url))
	cl.meter = meter
	meter.Waits(cl.gate.status)
	cl.http = &http.Client{Transport: meter.RoundTripper(transport), CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // another server should not get headers and signatures
	}}
	if cl.header, err = c.fixedHeaders(s); err != nil {
		return nil, err
	}
	return cl, c.authentication(cl, env)
}

// hide notes the secrets of URLs.
func (c *client) hide(conf *common) {
	add := func(v string) {
		if len(v) >= 4 && !hole.MatchString(v) {
			c.fixed = append(c.fixed, v, url.QueryEscape(v))
		}
	}
	if u, err := url.Parse(conf.url); err == nil {
		for _, list := range u.Query() {
			for _, v := range list {
				add(v)
			}
		}
	}
	params := url.Values{}
	for name, v := range conf.secretQuery {
		params.Set(name, v)
		add(v)
	}
	c.query = params.Encode()
}

var secretName = regexp.MustCompile(`(?i)^(.*(key|token|secret|passw|auth|credential|signature).*|sig|code|pwd)$`)

// warn tells of what looks like a secret in the declared URL, which everyone sees.
func (c *client) warn(text string) {
	u, err := url.Parse(text)
	if err != nil || c.env.Warn == nil {
		return
	}
	for name, list := range u.Query() {
		if secretName.MatchString(name) && !hole.MatchString(strings.Join(list, "")) {
			c.env.Warn(fmt.Sprintf("the parameter %q in 'url' looks like a secret, and SHOW CREATE TABLE shows it: give it as 'http.security.query.%s' instead", name, name))
		}
	}
}

func (c *common) sharedGate() *gate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gate == nil {
		c.gate = newGate(c.rate, c.breakAfter, c.breakFor)
	}
	return c.gate
}

func (c *common) transport(s settings) (*http.Transport, error) {
	conf, err := c.tls.config(&c.session, c.url)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: c.connectLimit, KeepAlive: 30 * time.Second}
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSClientConfig: conf, TLSHandshakeTimeout: c.connectLimit,
		MaxIdleConnsPerHost: c.maxConns, MaxConnsPerHost: c.maxConns, IdleConnTimeout: 60 * time.Second, ForceAttemptHTTP2: s.version != "HTTP_1_1",
	}
	if s.proxy != nil {
		t.Proxy = http.ProxyURL(s.proxy)
	}
	if s.version != "" {
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(s.version == "HTTP_1_1")
		t.Protocols.SetHTTP2(s.version == "HTTP_2")
		t.Protocols.SetUnencryptedHTTP2(s.version == "HTTP_2")
	}
	return t, nil
}

// config is nil where there is nothing to say.
func (t *tlsOptions) config(s *aws.Session, endpoint string) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.selfSigned || s.TrustsAll() {
		if !aws.Loopback(endpoint) {
			return nil, errors.New("'http.security.cert.server.allowSelfSigned' = 'true' is only taken with a 'url' on this machine: name the server's certificate in 'http.security.cert.server'")
		}
		conf.InsecureSkipVerify = true
	}
	if t.serverCerts != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		for _, name := range strings.Split(t.serverCerts, ",") {
			pem, err := os.ReadFile(strings.TrimSpace(name))
			if err != nil {
				return nil, fmt.Errorf("option \"http.security.cert.server\": %w", err)
			}
			if !pool.AppendCertsFromPEM(pem) {
				return nil, fmt.Errorf("option \"http.security.cert.server\": %q holds no PEM certificate", strings.TrimSpace(name))
			}
		}
		conf.RootCAs = pool
	}
	if (t.clientCert == "") != (t.clientKey == "") {
		return nil, errors.New("'http.security.cert.client' and 'http.security.key.client' go together")
	}
	if t.clientCert != "" {
		cert, err := tls.LoadX509KeyPair(t.clientCert, t.clientKey)
		if err != nil {
			return nil, fmt.Errorf("options \"http.security.cert.client\" and \"http.security.key.client\": %w", err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	return conf, nil
}

// fixedHeaders are those that options give.
func (c *common) fixedHeaders(s settings) (http.Header, error) {
	h := http.Header{"User-Agent": {"weir"}}
	if s.accept != "" {
		h.Set("Accept", s.accept)
	}
	for name, value := range s.headers {
		if strings.EqualFold(name, "Authorization") && !s.rawAuth && !strings.Contains(value, " ") {
			value = "Basic " + base64.StdEncoding.EncodeToString([]byte(value))
		}
		if !validName(name) || strings.ContainsAny(value, "\r\n\x00") {
			return nil, fmt.Errorf("header %q: a name has letters, digits and hyphens, and a value no line ends", name)
		}
		h.Set(name, value)
	}
	if c.apiKey != "" {
		h.Set("x-api-key", c.apiKey)
	}
	if c.user != "" || c.password != "" {
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c.user+":"+c.password)))
	}
	return h, nil
}

func validName(name string) bool {
	for _, c := range name {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.!#$&+^`|~", c)) {
			return false
		}
	}
	return name != ""
}

// authentication adds what tokens and signatures need.
func (c *common) authentication(cl *client, env *connectors.Env) error {
	ways := 0
	if cl.header.Get("Authorization") != "" {
		ways++
	}
	if (c.tokenRequest == "") != (c.tokenURL == "") {
		return errors.New("'http.security.oidc.token.request' and 'http.security.oidc.token.endpoint.url' go together")
	}
	if c.tokenURL != "" {
		cl.header.Del("Authorization") // the token replaces it, as in Flink
		ways = 1
		if u, err := url.Parse(c.tokenURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
			return errors.New("option \"http.security.oidc.token.endpoint.url\" is no URL as https://host/path, without a user")
		}
		cl.tokens = &tokens{http: cl.http, url: c.tokenURL, form: c.tokenRequest, earlier: c.tokenEarlier, timeout: cl.timeout, now: env.Now, turn: make(chan struct{}, 1)}
	}
	if c.service == "" {
		return nil
	}
	if ways > 0 {
		return errors.New("'aws.sigv4.service' signs the header Authorization, which another option sets too: take out that one, or the signature")
	}
	endpoint := c.url
	if u, err := url.Parse(hole.ReplaceAllString(c.url, "x")); err == nil {
		endpoint = u.Scheme + "://" + u.Host
	}
	var err error
	cl.signer, err = c.session.Signer(c.service, endpoint, env.Now)
	return err
}

// send makes a request, and again where that may help. Errors are the context's, or a *failure.
func (c *client) send(ctx context.Context, q *call) (*answer, error) {
	renewed := false
	for attempt := 0; ; attempt++ {
		a, f := c.attempt(ctx, q)
		if f == nil {
			return a, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if f.stale && !renewed { // a token that ended too early, once
			renewed = true
			attempt--
			continue
		}
		if !f.again || f.waited || attempt >= c.retry.times {
			if attempt > 0 {
				f.text += fmt.Sprintf(" (tried %d times; '%s' is the limit)", attempt+1, c.retry.timesKey)
			}
			return nil, f
		}
		at := time.Now().Add(max(c.retry.delay(attempt, c.env.Random), f.after))
		if err := wait(ctx, at, nil); errors.Is(err, errNoTime) {
			f.text += " (no time is left for another attempt)"
			return nil, f
		} else if err != nil {
			return nil, err
		}
	}
}

// attempt makes a request once.
func (c *client) attempt(ctx context.Context, q *call) (*answer, *failure) {
	probe, err := c.gate.enter(ctx)
	if err != nil {
		return nil, &failure{again: true, waited: true, state: stateException, text: fmt.Sprintf("%s %s: %s", q.method, q.shown, err)}
	}
	a, f := c.exchange(ctx, q)
	switch {
	case f == nil:
		c.gate.leave(probe, good, "")
	case ctx.Err() != nil, f.status == http.StatusTooManyRequests:
		c.gate.leave(probe, neutral, "")
	case f.again:
		if c.gate.leave(probe, bad, f.text) {
			c.env.Logger.Warn("http: the circuit breaker has opened", "wait", c.conf.breakFor.String(), "error", f.text)
		}
	case f.status == 0:
		c.gate.leave(probe, neutral, "") // it was not sent, or not understood
	default:
		c.gate.leave(probe, good, "")
	}
	if f != nil && f.after > 0 {
		c.gate.pause(f.after)
	}
	return a, f
}

func (c *client) exchange(ctx context.Context, q *call) (*answer, *failure) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	r, token, f := c.request(ctx, q)
	if f != nil {
		return nil, f
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, c.broken(ctx, q, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.conf.maxAnswer+1))
	switch {
	case err != nil && ctx.Err() == nil:
		return nil, &failure{again: true, state: stateException, status: resp.StatusCode, header: resp.Header,
			text: fmt.Sprintf("%s %s: the connection ended in the middle of the answer, after %d bytes: %s", q.method, q.shown, len(body), plain(err))}
	case err != nil:
		return nil, c.broken(ctx, q, err)
	case int64(len(body)) > c.conf.maxAnswer:
		return nil, &failure{state: stateException, status: resp.StatusCode, header: resp.Header,
			text: fmt.Sprintf("%s %s: the answer has more than the %d bytes of 'http.response.max-size': raise it, or ask for less", q.method, q.shown, c.conf.maxAnswer)}
	}
	return c.judge(q, r, token, &answer{status: resp.StatusCode, header: resp.Header, body: body, request: r})
}

// request makes the request, with all its headers.
func (c *client) request(ctx context.Context, q *call) (*http.Request, string, *failure) {
	what := q.method + " " + q.shown
	var body io.Reader
	if q.body != nil {
		body = bytes.NewReader(q.body)
	}
	target := q.url
	if c.query != "" {
		target = addQuery(target, c.query)
	}
	r, err := http.NewRequestWithContext(ctx, q.method, target, body)
	if err != nil {
		return nil, "", &failure{state: stateException, text: what + ": this is no URL that can be asked: check 'url' and the values in it"}
	}
	if q.contentType != "" {
		r.Header.Set("Content-Type", q.contentType)
	}
	for name, v := range c.header {
		r.Header[name] = v
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
		r.Header.Del("Host")
	}
	token := ""
	if c.tokens != nil {
		if token, err = c.tokens.get(ctx); err != nil {
			return nil, "", asFailure(what, err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if c.signer != nil {
		if err := c.signer.Sign(ctx, r, q.body); err != nil {
			f := asFailure(what, err)
			f.again = aws.Classify(err) != aws.Fatal
			return nil, "", f
		}
	}
	return r, token, nil
}

// close gives back connections that nobody uses.
func (c *client) close() { c.http.CloseIdleConnections() }
