package local

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

func TestSignatures(t *testing.T) {
	r := newRig(t, Options{Credentials: map[string]string{"AKIDEXAMPLE": "secret", "OTHER": "s2"}})
	list := func(key, secret string) error {
		c := kinesis.New(kinesis.Options{Region: "eu-west-1", BaseEndpoint: aws.String(r.server.URL()), RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider(key, secret, "token")})
		_, err := c.ListStreams(r.ctx, &kinesis.ListStreamsInput{})
		return err
	}
	ok(0, list("AKIDEXAMPLE", "secret"))(t)
	ok(0, list("OTHER", "s2"))(t)
	wantError(t, list("AKIDEXAMPLE", "s2"), "InvalidSignatureException", "does not match")
	wantError(t, list("NOBODY", "secret"), "UnrecognizedClientException")
}

// TestSignedRequests changes what was signed.
func TestSignedRequests(t *testing.T) {
	r := newRig(t, Options{Credentials: map[string]string{"AKIDEXAMPLE": "secret", "OTHER": "s2"}})
	send := func(change func(*http.Request)) string {
		t.Helper()
		q, err := http.NewRequest(http.MethodPost, r.server.URL()+"/", strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("X-Amz-Target", targetPrefix+"ListStreams")
		q.Header.Set("Content-Type", jsonContentType)
		if err := sign(q, []byte(`{}`), "AKIDEXAMPLE", "secret", "", "us-east-1", time.Now()); err != nil {
			t.Fatal(err)
		}
		change(q)
		reply, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		return text(t, reply)
	}
	f := func(want string, change func(*http.Request)) {
		t.Helper()
		if got := send(change); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	at := func(d time.Duration) func(*http.Request) {
		return func(q *http.Request) {
			sign(q, []byte(`{}`), "AKIDEXAMPLE", "secret", "", "us-east-1", time.Now().Add(d))
		}
	}
	f(`"StreamNames":[]`, func(*http.Request) {})
	f(`"StreamNames":[]`, at(-4*time.Minute))
	f(`"StreamNames":[]`, func(q *http.Request) { // as over HTTP/2
		sig, err := parseSignature(q)
		if err != nil {
			t.Fatal(err)
		}
		old := sig.given
		sig.headers[1] = authorityHeader
		sum, err := sig.sum("secret", q, []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", strings.NewReplacer(";host;", ";:authority;", old, sum).Replace(q.Header.Get("Authorization")))
	})
	f("Signature expired", at(-6*time.Minute))
	f("Signature not yet current", at(6*time.Minute))
	f("InvalidSignatureException", func(q *http.Request) { q.Header.Set("X-Amz-Target", targetPrefix+"DescribeLimits") })
	f("InvalidSignatureException", func(q *http.Request) {
		q.Header.Set("Authorization", strings.Replace(q.Header.Get("Authorization"), "/kinesis/", "/dynamodb/", 1))
	})
	f("IncompleteSignatureException", func(q *http.Request) { q.Header.Set("Authorization", "AWS4-HMAC-SHA256 x") })
	f("IncompleteSignatureException", func(q *http.Request) { q.Header.Set("Authorization", "Basic x") })
	f("MissingAuthenticationToken", func(q *http.Request) { q.Header.Del("Authorization") })
	f(`"StreamNames":[]`, func(q *http.Request) {
		q.Header.Del("Authorization")
		q.URL.RawQuery = "X-Amz-Expires=60&a=b+c"
		signed, _, err := v4.NewSigner().PresignHTTP(r.ctx, aws.Credentials{AccessKeyID: "OTHER", SecretAccessKey: "s2"}, q,
			"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "kinesis", "us-east-1", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		q.URL, err = q.URL.Parse(signed)
		if err != nil {
			t.Fatal(err)
		}
	})
}

// A body which is not the signed one is refused.
func TestSignatureCoversBody(t *testing.T) {
	s, err := Open(Options{Credentials: map[string]string{"A": "s"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	q, _ := http.NewRequest(http.MethodPost, "http://127.0.0.1/", nil)
	sign(q, []byte(`{}`), "A", "s", "", "us-east-1", time.Now())
	sig, err := s.beginSigned(q)
	if err != nil {
		t.Fatal(err)
	}
	ok(0, s.checkSigned(sig, q, []byte(`{}`)))(t)
	if s.checkSigned(sig, q, []byte(`{"Limit":1}`)) == nil {
		t.Error("another body is accepted")
	}
}

func TestHosts(t *testing.T) {
	r := newRig(t, Options{Hosts: []string{"kinesis.test"}})
	f := func(host, origin string, want int) {
		t.Helper()
		q, _ := http.NewRequest(http.MethodGet, r.server.URL()+healthPath, nil)
		q.Host = host
		if origin != "" {
			q.Header.Set("Origin", origin)
		}
		reply, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		same(t, host+" "+origin, reply.StatusCode, want)
	}
	f("127.0.0.1:4567", "", 200)
	f("localhost", "", 200)
	f("a.LOCALHOST:1", "", 200)
	f("[::1]:80", "", 200)
	f("kinesis.test:4567", "", 200)
	f("evil.example", "", 403)
	f("localhost.evil.example", "", 403)
	f("localhost:1", "http://localhost:1", 200)
	f("localhost:1", "http://evil.example", 403)
	f("localhost:1", "null", 403)
}

func FuzzSignature(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "20260101T000000Z", "X-Amz-Expires=60")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=1&X-Amz-Signature=1")
	s := &Server{opts: Options{Credentials: map[string]string{"A": "s"}}}
	f.Fuzz(func(t *testing.T, auth, date, query string) {
		q, err := http.NewRequest(http.MethodPost, "http://127.0.0.1/", nil)
		if err != nil {
			t.Fatal(err)
		}
		q.URL.RawQuery = query
		q.Header["Authorization"], q.Header["X-Amz-Date"] = []string{auth}, []string{date}
		sig, err := s.beginSigned(q)
		if err == nil && s.checkSigned(sig, q, nil) == nil {
			t.Errorf("a made-up signature is accepted: %q %q %q", auth, date, query)
		}
	})
}
