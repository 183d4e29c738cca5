package httpconn

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	accessKey = "AKIDEXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	sessToken = "a-session-token"
)

// checkSignature recomputes signature version 4 from the request as it came and the secret; an empty text is good.
func checkSignature(r *http.Request, body, region, service string, now time.Time) string {
	auth, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return "there is no signature"
	}
	fields := map[string]string{}
	for _, f := range strings.Split(auth, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(f), "=")
		fields[k] = v
	}
	date := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", date)
	if err != nil {
		return "no date"
	}
	if d := now.Sub(at); d > 5*time.Minute || d < -5*time.Minute {
		return "Signature expired: " + date
	}
	scope := date[:8] + "/" + region + "/" + service + "/aws4_request"
	if fields["Credential"] != accessKey+"/"+scope {
		return "credential " + fields["Credential"]
	}
	if r.Header.Get("X-Amz-Security-Token") != sessToken || !strings.Contains(fields["SignedHeaders"], "x-amz-security-token") || !strings.Contains(fields["SignedHeaders"], "host") {
		return "the session token is not signed"
	}
	sum := sha256.Sum256([]byte(body))
	canonical := []string{r.Method, canonicalPath(r.URL.EscapedPath()), canonicalQuery(r.URL.RawQuery)}
	for _, name := range strings.Split(fields["SignedHeaders"], ";") {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		canonical = append(canonical, name+":"+strings.TrimSpace(value))
	}
	canonical = append(canonical, "", fields["SignedHeaders"], hex.EncodeToString(sum[:]))
	hash := sha256.Sum256([]byte(strings.Join(canonical, "\n")))
	key := []byte("AWS4" + secretKey)
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	want := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hex.EncodeToString(hash[:])))
	if fields["Signature"] != want {
		return "the signature does not match"
	}
	return ""
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// canonicalPath escapes what is escaped already once more, as all services but S3 want it.
func canonicalPath(path string) string {
	if path == "" {
		return "/"
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = awsEscape(p)
	}
	return strings.Join(parts, "/")
}

func canonicalQuery(raw string) string {
	values, _ := url.ParseQuery(raw)
	var pairs []string
	for k, list := range values {
		for _, v := range list {
			pairs = append(pairs, awsEscape(k)+"="+awsEscape(v))
		}
	}
	sort.Strings(pairs)
	return strings.Join(pairs, "&")
}

func awsEscape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

var signed = []string{
	"aws.sigv4.service=execute-api", "aws.region=eu-west-1", "aws.credentials.provider=BASIC", "aws.credentials.basic.accesskeyid=" + accessKey,
	"aws.credentials.basic.secretkey=" + secretKey, "aws.credentials.basic.sessiontoken=" + sessToken,
}

// guarded is a service that takes signed requests only.
func guarded(t *testing.T) *rig {
	return serve(t, func(w http.ResponseWriter, r *http.Request, body string, _ int) {
		if why := checkSignature(r, body, "eu-west-1", "execute-api", time.Now()); why != "" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"message": %q, "token": %q}`, why, r.Header.Get("X-Amz-Security-Token"))
			return
		}
		io.WriteString(w, one)
	})
}

func TestSignature(t *testing.T) {
	f := func(keys string, options ...string) {
		t.Helper()
		g := guarded(t)
		g.want(g.mustLookup(keys, nil, append(options, signed...)...), "0:7,seven,0.5", 7)
	}
	f("id")
	f("id name", "url=BASE/prod/a b/{name}?x=%20y&a=1", "http.source.lookup.header.X-Tenant=blue")
	f("id name", "lookup-method=POST", "url=BASE/prod/score", "http.security.api-key=k-e-y")
	f("id", "lookup-method=PUT", "url=BASE/prod/{id}")
}

func TestSignatureRefused(t *testing.T) {
	g := guarded(t)
	wrong := append(append([]string{}, signed[:4]...), "aws.credentials.basic.secretkey=another", signed[5])
	err := g.wantError(g.mustLookup("id", nil, wrong...), "status 403 Forbidden", "does not match", "check the clock of this machine, 'aws.sigv4.service', 'aws.region'")
	if strings.Contains(err.Error(), sessToken) || strings.Contains(err.Error(), "another") {
		t.Errorf("a secret is shown: %v", err)
	}
	// An old clock makes signatures that have expired.
	c := g.configure(signed...)
	env := g.env()
	env.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	desc := g.mustLookup("id", nil).table
	l, err := c.Lookup(desc, g.scan("id"), env)
	if err != nil {
		t.Fatal(err)
	}
	before := g.count()
	g.wantError(l.(*lookup), "status 403", "Signature expired", "check the clock")
	if n := g.count() - before; n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestBasicAndHeaders(t *testing.T) {
	f := func(want string, options ...string) {
		t.Helper()
		g := says(t, 200, one)
		g.want(g.mustLookup("id", nil, options...), "0:7,seven,0.5", 7)
		if got := g.head(0, "Authorization"); got != want {
			t.Errorf("%v: got %q, want %q", options, got, want)
		}
	}
	f("Basic dTpw", "http.security.basic.username=u", "http.security.basic.password=p")
	f("Basic dTpw", "http.source.lookup.header.Authorization=u:p")
	f("Bearer x", "gid.connector.http.source.lookup.header.Authorization=Bearer x")
	f("u:p", "http.source.lookup.header.Authorization=u:p", "http.source.lookup.use-raw-authorization-header=true")
}

// TestToken runs a token server whose tokens the service takes twice each.
func TestToken(t *testing.T) {
	var issued, uses atomic.Int64
	tokens := serve(t, func(w http.ResponseWriter, r *http.Request, body string, _ int) {
		if body != "grant_type=client_credentials&client_secret=hush-client" {
			w.WriteHeader(400)
			io.WriteString(w, `{"error":"invalid_client","error_description":"who are you", "echo": "hush-client"}`)
			return
		}
		uses.Store(0)
		fmt.Fprintf(w, `{"access_token":"tok-%d","expires_in":3600,"token_type":"Bearer"}`, issued.Add(1))
	})
	g := serve(t, func(w http.ResponseWriter, r *http.Request, _ string, _ int) {
		if r.Header.Get("Authorization") != fmt.Sprintf("Bearer tok-%d", issued.Load()) || uses.Add(1) > 2 {
			w.WriteHeader(401)
			io.WriteString(w, r.Header.Get("Authorization"))
			return
		}
		io.WriteString(w, one)
	})
	options := []string{"http.security.oidc.token.request=grant_type=client_credentials&client_secret=hush-client", "http.security.oidc.token.endpoint.url=" + tokens.url}
	l := g.mustLookup("id", nil, options...)
	for range 5 {
		g.want(l, "0:7,seven,0.5", 7)
	}
	if n := issued.Load(); n != 3 {
		t.Errorf("%d tokens for 5 requests; a token is good for 2", n)
	}
	// A token is asked for again when its time is up, less the reduction.
	now := time.Now()
	l.client.tokens.now = func() time.Time { return now.Add(time.Hour) }
	g.want(l, "0:7,seven,0.5", 7)
	if n := issued.Load(); n != 4 {
		t.Errorf("%d tokens; the last had ended", n)
	}
	bad := g.mustLookup("id", nil, "http.security.oidc.token.request=client_secret=hush-client", options[1])
	err := g.wantError(bad, "for an access token: status 400", "invalid_client: who are you", "http.security.oidc.token.request")
	if strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "tok-") {
		t.Errorf("a secret is shown: %v", err)
	}
}

func TestProxy(t *testing.T) {
	proxy := says(t, 200, one)
	g := says(t, 500, "")
	host, port, _ := strings.Cut(strings.TrimPrefix(proxy.url, "http://"), ":")
	l := g.mustLookup("id", nil, "url=http://service.invalid/x", "http.source.lookup.proxy.host="+host, "http.source.lookup.proxy.port="+port,
		"http.source.lookup.proxy.username=u", "http.source.lookup.proxy.password=p")
	g.want(l, "0:7,seven,0.5", 7)
	if got := proxy.asked(); got != "GET http://service.invalid/x?id=7" || proxy.head(0, "Proxy-Authorization") != "Basic dTpw" {
		t.Errorf("the proxy got %s, %q", got, proxy.head(0, "Proxy-Authorization"))
	}
}
