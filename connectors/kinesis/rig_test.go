package kinesis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"weir/connectors"
	"weir/connectors/kinesis/local"
	"weir/connectors/option"
	"weir/sql/types"
)

// rig is an embedded server in memory with a front that can fail calls, and a client of the server itself.
type rig struct {
	*testing.T
	*kinesis.Client
	url string // of the front
	// fail answers a call itself when it is true; it is given the operation and its number among those.
	fail  atomic.Pointer[func(op string, n int, w http.ResponseWriter) bool]
	mu    sync.Mutex
	calls map[string]int
	warns []string
}

func newRig(t *testing.T, o local.Options) *rig {
	t.Helper()
	server, err := local.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, calls: map[string]int{}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, op, _ := strings.Cut(q.Header.Get("X-Amz-Target"), ".")
		r.mu.Lock()
		r.calls[op]++
		n := r.calls[op]
		r.mu.Unlock()
		if fail := r.fail.Load(); fail != nil && (*fail)(op, n, w) {
			return
		}
		server.Handler().ServeHTTP(w, q)
	}))
	r.url = front.URL
	direct := httptest.NewServer(server.Handler())
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
		direct.Close()
		server.Close(context.Background())
	})
	admin, err := NewAdmin(context.Background(), direct.URL)
	if err != nil {
		t.Fatal(err)
	}
	r.Client = admin.api
	return r
}

func (r *rig) failing(f func(op string, n int, w http.ResponseWriter) bool) { r.fail.Store(&f) }

func (r *rig) called(op string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[op]
}

func (r *rig) warnings() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.warns, "\n")
}

// refuse answers as the service does.
func refuse(w http.ResponseWriter, status int, code, msg string) bool {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"__type":%q,"message":%q}`, code, msg)
	return true
}

func (r *rig) stream(name string, shards int32) {
	r.Helper()
	if _, err := r.CreateStream(context.Background(), &kinesis.CreateStreamInput{StreamName: &name, ShardCount: &shards}); err != nil {
		r.Fatal(err)
	}
}

// send puts records "key=data".
func (r *rig) send(stream string, records ...string) {
	r.Helper()
	for _, rec := range records {
		key, data, _ := strings.Cut(rec, "=")
		if _, err := r.PutRecord(context.Background(), &kinesis.PutRecordInput{StreamName: &stream, PartitionKey: &key, Data: []byte(data)}); err != nil {
			r.Fatal(err)
		}
	}
}

func (r *rig) env() *connectors.Env {
	random := uint64(1)
	return &connectors.Env{
		Now: time.Now, Random: func() uint64 { return connectors.Mix(atomic.AddUint64(&random, 1)) }, Logger: noLog, Zone: time.UTC,
		LocalKinesis: func(context.Context) (string, error) { return r.url, nil },
		Warn: func(text string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.warns = append(r.warns, text)
		},
	}
}

var oneColumn = types.Schema{{Name: "v", Type: types.StringType}}

// configure decodes options "key=value".
func configure(t testing.TB, options ...string) *config {
	t.Helper()
	values := map[string]option.Value{"format": {Text: "raw"}}
	for _, o := range options {
		k, v, _ := strings.Cut(o, "=")
		values[k] = option.Value{Text: v}
	}
	c := new(config)
	if _, err := option.Decode(values, c); err != nil {
		t.Fatal(err)
	}
	return c
}

func (r *rig) source(options ...string) *source {
	r.Helper()
	c := configure(r.T, append([]string{"stream=s"}, options...)...)
	var meta []string
	for _, m := range metadata {
		meta = append(meta, m.Key)
	}
	src, err := c.Source(&connectors.TableDesc{Name: "t", Columns: oneColumn}, connectors.Scan{Columns: oneColumn, Metadata: meta}, r.env())
	if err != nil {
		r.Fatal(err)
	}
	return src.(*source)
}

// opened is a source's only shard at its start position.
func (r *rig) opened(src *source) *reader {
	r.Helper()
	return r.shardAt(src, 0, r.positions(src)[0])
}

func (r *rig) positions(src *source) (out []connectors.Offset) {
	r.Helper()
	splits, err := src.Splits(context.Background())
	if err != nil {
		r.Fatal(err)
	}
	for _, sp := range splits {
		o, err := src.Position(context.Background(), sp)
		if err != nil {
			r.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}

func (r *rig) shardAt(src *source, shard int, at connectors.Offset) *reader {
	r.Helper()
	rd, err := src.Read(context.Background(), connectors.Split{ID: fmt.Sprintf("shardId-%012d", shard)}, at)
	if err != nil {
		r.Fatal(err)
	}
	return rd.(*reader)
}

// read reads until n records are there, or the end; the last offset comes with them. A read that brings nothing for
// long enough ends it too.
func (r *rig) read(rd *reader, n int) (got []string, at connectors.Offset, err error) {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c := new(connectors.Chunk)
	for len(got) < n {
		if err := rd.Next(ctx, c); err != nil {
			return got, at, err
		}
		for i := range c.Len() {
			got = append(got, string(c.Record(i)))
			at = c.OffsetAt(i)
		}
	}
	return got, at, nil
}

func (r *rig) want(rd *reader, want string) connectors.Offset {
	r.Helper()
	got, at, err := r.read(rd, len(strings.Fields(want)))
	if err != nil || strings.Join(got, " ") != want {
		r.Fatalf("read %q, %v; want %q", got, err, want)
	}
	return at
}

// wantEnd checks that all that comes until the end is want.
func (r *rig) wantEnd(rd *reader, want string) {
	r.Helper()
	got, _, err := r.read(rd, 1<<30)
	if !errors.Is(err, io.EOF) || strings.Join(got, " ") != want {
		r.Errorf("read %q, %v; want %q and the end", got, err, want)
	}
}

func wantText(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q lacks %q", err, p)
		}
	}
}

// contents reads all shards of a stream from the beginning, "key=data", each shard in order.
func (r *rig) contents(stream string) (out []string) {
	r.Helper()
	shards, err := r.ListShards(context.Background(), &kinesis.ListShardsInput{StreamName: &stream})
	if err != nil {
		r.Fatal(err)
	}
	for _, sh := range shards.Shards {
		it, err := r.GetShardIterator(context.Background(), &kinesis.GetShardIteratorInput{StreamName: &stream, ShardId: sh.ShardId, ShardIteratorType: "TRIM_HORIZON"})
		if err != nil {
			r.Fatal(err)
		}
		for next := it.ShardIterator; next != nil; {
			page, err := r.GetRecords(context.Background(), &kinesis.GetRecordsInput{ShardIterator: next})
			if err != nil {
				r.Fatal(err)
			}
			for _, rec := range page.Records {
				out = append(out, aws.ToString(rec.PartitionKey)+"="+string(rec.Data))
			}
			if next = page.NextShardIterator; *page.MillisBehindLatest == 0 {
				break
			}
		}
	}
	return out
}

// listen serves on a free port until the test ends.
func listen(t *testing.T, server *http.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close() })
	return "http://" + l.Addr().String()
}

// silent is an address that takes connections and never answers.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return "http://" + l.Addr().String()
}
