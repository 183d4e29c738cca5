package local

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// transports are the ways into one port: each with the endpoint it takes and a transport that goes no other way.
func transports(t *testing.T, s *Server) map[string]*http.Transport {
	t.Helper()
	pem, err := os.ReadFile(s.CertFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate in " + s.CertFile())
	}
	protocols := func(set ...func(*http.Protocols, bool)) *http.Protocols {
		p := &http.Protocols{}
		for _, f := range set {
			f(p, true)
		}
		return p
	}
	one, two, clear2 := (*http.Protocols).SetHTTP1, (*http.Protocols).SetHTTP2, (*http.Protocols).SetUnencryptedHTTP2
	// Prior knowledge inside TLS, as the Java SDK has it: to net/http it is HTTP/2 in clear text over a connection
	// which happens to be encrypted.
	dialTLS := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: roots}}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return struct{ net.Conn }{conn}, nil
	}
	return map[string]*http.Transport{
		"http HTTP/1.1":                 {Protocols: protocols(one)},
		"http HTTP/2":                   {Protocols: protocols(clear2)},
		"https HTTP/1.1":                {Protocols: protocols(one), TLSClientConfig: &tls.Config{RootCAs: roots}},
		"https HTTP/2":                  {Protocols: protocols(two), TLSClientConfig: &tls.Config{RootCAs: roots}},
		"http HTTP/2 in TLS, no ALPN":   {Protocols: protocols(clear2), DialContext: dialTLS},
		"http HTTP/1.1 in TLS, no ALPN": {Protocols: protocols(one), DialContext: dialTLS},
		"https HTTP/1.1 in TLS 1.2":     {Protocols: protocols(one), TLSClientConfig: &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS12}},
	}
}

// Every transport carries calls, large bodies and event streams.
func TestTransports(t *testing.T) {
	r := newRig(t, Options{Dir: t.TempDir()})
	for how, transport := range transports(t, r.server) {
		t.Run(how, func(t *testing.T) {
			url := r.server.URL()
			if how[:5] == "https" {
				url = r.server.TLSURL()
			}
			seen := 0
			c := kinesis.New(kinesis.Options{Region: "us-east-1", BaseEndpoint: &url, RetryMaxAttempts: 1,
				Credentials: credentials.NewStaticCredentialsProvider("A", "s", ""),
				HTTPClient: plainBody{roundTrip(func(q *http.Request) (*http.Response, error) {
					reply, err := transport.RoundTrip(q)
					if err == nil {
						seen = reply.ProtoMajor
					}
					return reply, err
				})}})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			name := fmt.Sprint("s", len(how), how[len(how)-1:])
			ok(c.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)}))(t)
			big := make([]byte, 900_000)
			ok(c.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: &name, PartitionKey: &name, Data: big}))(t)
			arn := aws.String(r.server.streamARN(name))
			consumer := ok(c.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String("c")}))(t).Consumer
			out := ok(c.SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{ConsumerARN: consumer.ConsumerARN, ShardId: aws.String(shardID(0)),
				StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon}}))(t)
			ok(c.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: &name, PartitionKey: &name, Data: []byte("live")}))(t)
			sizes := []int{}
			for len(sizes) < 2 {
				event, more := (<-out.GetStream().Events()).(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent)
				if !more {
					t.Fatal("the event stream ended: ", out.GetStream().Err())
				}
				for _, rec := range event.Value.Records {
					sizes = append(sizes, len(rec.Data))
				}
			}
			same(t, "records", fmt.Sprint(sizes), "[900000 4]")
			out.GetStream().Close()
			want := 1
			if strings.Contains(how, "HTTP/2") {
				want = 2
			}
			same(t, "HTTP version", seen, want)
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The certificate stays over restarts, is made anew when it is broken, and its key is private.
func TestCertificate(t *testing.T) {
	dir := t.TempDir()
	read := func() string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, certName))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	load := func() {
		t.Helper()
		if _, _, err := loadCertificate(Options{Dir: dir}); err != nil {
			t.Fatal(err)
		}
	}
	load()
	first := read()
	load()
	same(t, "after a restart", read(), first)
	info, err := os.Stat(filepath.Join(dir, keyName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v %v", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(dir, keyName), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	load()
	if read() == first {
		t.Error("a certificate without its key is kept")
	}
	_, _, err = loadCertificate(Options{CertFile: "nowhere.pem", KeyFile: "k.pem"})
	if err == nil || !strings.Contains(err.Error(), "nowhere.pem") {
		t.Errorf("missing files: %v", err)
	}
}

// What is neither HTTP nor TLS, or ends in the middle, costs one connection and nothing else.
func TestStrangeConnections(t *testing.T) {
	r := newRig(t, Options{})
	addr := strings.TrimPrefix(r.server.URL(), "http://")
	for _, bytes := range []string{"", "\x16", "\x16\x03\x01\x00\x05hello", "\x00\x00\x00", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nHost", "SSH-2.0-x\r\n"} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conn.Write([]byte(bytes))
		conn.(*net.TCPConn).CloseWrite()
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.Copy(io.Discard, conn); err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%q: the connection hangs", bytes)
		}
		conn.Close()
	}
	ok(r.ListStreams(r.ctx, &kinesis.ListStreamsInput{}))(t)
}
