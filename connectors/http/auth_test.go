package httpconn

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/connectors/models/modelstest"
)

const (
	accessKey = modelstest.AccessKey
	secretKey = modelstest.SecretKey
	sessToken = modelstest.SessionToken
)

var signed = []string{
	"aws.sigv4.service=execute-api", "aws.region=eu-west-1", "aws.credentials.provider=BASIC", "aws.credentials.basic.accesskeyid=" + accessKey,
	"aws.credentials.basic.secretkey=" + secretKey, "aws.credentials.basic.sessiontoken=" + sessToken,
}

// guarded is a service that takes signed requests only.
func guarded(t *testing.T) *rig {
	return serve(t, func(w http.ResponseWriter, r *http.Request, body string, _ int) {
		if why := modelstest.CheckSignature(r, body, "eu-west-1", "execute-api", time.Now()); why != "" {
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
