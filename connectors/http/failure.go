package httpconn

import (
	"cmp"
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
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The values of http-completion-state.
const (
	stateSuccess   = "SUCCESS"
	stateStatus    = "HTTP_ERROR_STATUS"
	stateException = "EXCEPTION"
	stateDecode    = "UNABLE_TO_DESERIALIZE_RESPONSE"
)

// failure is a request that failed.
type failure struct {
	text   string
	state  string
	status int // 0: there was no answer
	header http.Header
	again  bool          // another attempt may help
	after  time.Duration // which the server wants to be waited for
	waited bool          // it was not sent: what it waits for does not come in time
	stale  bool          // the token was refused, and forgotten
}

func (f *failure) Error() string { return f.text }

func asFailure(what string, err error) *failure {
	f := &failure{}
	if !errors.As(err, &f) {
		f = &failure{state: stateException, text: err.Error()}
	}
	f.text = what + ": " + f.text
	return f
}

// broken explains why no answer came.
func (c *client) broken(ctx context.Context, q *call, err error) *failure {
	f := &failure{again: true, state: stateException, text: fmt.Sprintf("%s %s: %s", q.method, q.shown, plain(err))}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		key := strings.TrimSuffix(c.retry.codesKey, "success-codes") + "request.timeout"
		f.text = fmt.Sprintf("%s %s: no answer within %s: raise '%s', or look at the server", q.method, q.shown, c.timeout, key)
		return f
	}
	var dns *net.DNSError
	switch {
	case isTLS(err):
		f.again = false
		f.text += fmt.Sprintf(": check that '%s' begins with http:// or https:// as its server does, and that its certificate is trusted ('http.security.cert.server' names others)", c.conf.key())
	case errors.As(err, &dns) && dns.IsNotFound:
		f.text += fmt.Sprintf(": check the host in '%s'", c.conf.key())
	case strings.Contains(f.text, "connection refused"):
		f.text += fmt.Sprintf(": check host and port in '%s', and that the server runs", c.conf.key())
	}
	return f
}

// key is the option that gives the URL.
func (c *common) key() string { return cmp.Or(c.urlKey, "url") }

func isTLS(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError)) || errors.As(err, new(x509.UnknownAuthorityError)) || errors.As(err, new(x509.HostnameError)) ||
		errors.As(err, new(tls.RecordHeaderError)) || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// plain is the text of an error of net/http without the URL around it, which may hold secrets.
func plain(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, io.EOF) {
		return "the server closed the connection without an answer"
	}
	return err.Error()
}

// judge says what an answer means by its status.
func (c *client) judge(q *call, r *http.Request, token string, a *answer) (*answer, *failure) {
	switch {
	case c.retry.ignored.has(a.status):
		a.ignored = true
		return a, nil
	case c.retry.retry.has(a.status):
	case c.retry.success.has(a.status):
		return a, nil
	}
	f := &failure{state: stateStatus, status: a.status, header: a.header, again: c.retry.retry.has(a.status)}
	f.text = fmt.Sprintf("%s %s: status %s", q.method, q.shown, statusText(a.status))
	if text := c.excerpt(r, a.body); text != "" {
		f.text += ": " + text
	}
	if c.retry.advice != nil {
		f.text += c.retry.advice(a.status)
	} else {
		f.text += hint(a, c.retry.codesKey, c.signer != nil)
	}
	if f.again {
		f.after = min(retryAfter(a.header, c.env.Now()), max(c.retry.longest, time.Minute))
	}
	if token != "" && a.status == http.StatusUnauthorized {
		c.tokens.drop(token)
		f.stale = true
	}
	return nil, f
}

func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// hint says what to do about a status.
func hint(a *answer, codesKey string, signed bool) string {
	prefix := strings.TrimSuffix(codesKey, "success-codes")
	switch {
	case a.status/100 == 3:
		return ": the server points elsewhere, which is not followed: put the right address into 'url'"
	case signed && (a.status == http.StatusForbidden || a.status == http.StatusUnauthorized):
		return ": check the clock of this machine, 'aws.sigv4.service', 'aws.region' and the credentials"
	case a.status == http.StatusForbidden, a.status == http.StatusUnauthorized:
		return ": check the credentials: a header, 'http.security.*', or 'aws.sigv4.service' for AWS"
	case a.status == http.StatusNotFound:
		return fmt.Sprintf(": check 'url'; where it means that there is no row, add '%signored-response-codes' = '404'", prefix)
	case a.status == http.StatusTooManyRequests:
		return ": lower 'http.rate-limit'"
	case a.status >= 500:
		return ": look at the server"
	}
	return ": check what is sent; '" + codesKey + "' says which codes are good"
}

// maxExcerpt is how much of an answer an error shows.
const maxExcerpt = 200

// brief is the beginning of a text, on one line.
func brief(text []byte) string {
	cut := len(text) > maxExcerpt
	if cut {
		n := maxExcerpt
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		text = text[:n]
	}
	out := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(text), "?"))
	out = strings.TrimSpace(out)
	if cut {
		out += "..."
	}
	return out
}

// excerpt is the beginning of an answer without the secrets of the request, which some servers repeat.
func (c *client) excerpt(r *http.Request, body []byte) string {
	return brief([]byte(c.clean(r, string(body[:min(len(body), 16*maxExcerpt)]))))
}

// clean takes the secrets of a request out of a text.
func (c *client) clean(r *http.Request, text string) string {
	list := append(secrets(r), c.fixed...)
	sort.Slice(list, func(i, j int) bool { return len(list[i]) > len(list[j]) })
	for _, s := range list {
		text = strings.ReplaceAll(text, s, "***")
	}
	return text
}

// secrets are the values of a request's headers that nobody should see.
func secrets(r *http.Request) []string {
	var out []string
	add := func(s string) {
		if len(s) >= 4 {
			out = append(out, s)
		}
	}
	for name, list := range r.Header {
		switch name {
		case "Content-Type", "Accept", "User-Agent", "X-Amz-Date", "X-Amz-Content-Sha256":
			continue
		}
		for _, v := range list {
			add(v)
			scheme, rest, ok := strings.Cut(v, " ")
			if !ok {
				continue
			}
			add(rest)
			if plain, err := base64.StdEncoding.DecodeString(rest); err == nil && strings.EqualFold(scheme, "Basic") {
				add(string(plain))
				_, password, _ := strings.Cut(string(plain), ":")
				add(password)
			}
		}
	}
	return out
}

// delay is the pause before attempt+1, of which up to half is left to chance.
func (r *retryOptions) delay(attempt int, random func() uint64) time.Duration {
	d := r.fixed
	if r.strategy == "exponential-delay" {
		f := float64(r.initial)
		for ; attempt > 0 && f < float64(r.longest); attempt-- {
			f *= r.factor
		}
		d = time.Duration(min(f, float64(r.longest)))
	}
	half := d / 2
	if half <= 0 {
		return d
	}
	return d - half + time.Duration(random()%uint64(half))
}

// retryAfter is how long a server wants to be left alone.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(n, 0), 1e6)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
