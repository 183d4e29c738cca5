package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
)

// clock is a wall clock which tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rig is a started server with a client.
type rig struct {
	*testing.T
	server *Server
	*kinesis.Client
	ctx context.Context
}

func newRig(t testing.TB, opts Options) *rig {
	t.Helper()
	opts.Addr = "127.0.0.1:0"
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error("close:", err)
		}
	})
	r := &rig{server: s, Client: newClient(s.URL()), ctx: context.Background()}
	r.T, _ = t.(*testing.T)
	return r
}

// plainBody gives net/http a body of its own: the SDK closes its body as soon as the response starts, and when the
// transport was about to look for more of it then, it drops the connection in the middle of the response.
type plainBody struct{ next http.RoundTripper }

func (c plainBody) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(text))
	}
	return c.next.RoundTrip(r)
}

func newClient(url string) *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String(url),
		Credentials:      credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		RetryMaxAttempts: 1,
		HTTPClient:       plainBody{&http.Transport{MaxIdleConnsPerHost: 64}},
	})
}

// ok returns a call's output and fails the test when there is an error.
func ok[T any](out T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// wantError checks an API error's code and that its message names what it should.
func wantError(t testing.TB, err error, code string, names ...string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) {
		t.Errorf("error = %v, want %s", err, code)
		return
	}
	if e.ErrorCode() != code {
		t.Errorf("error = %v, want %s", err, code)
	}
	for _, name := range names {
		if !strings.Contains(e.ErrorMessage(), name) {
			t.Errorf("message %q does not name %q", e.ErrorMessage(), name)
		}
	}
}

func (r *rig) create(name string, shards int32) {
	r.Helper()
	ok(r.CreateStream(r.ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: &shards}))(r)
}

func (r *rig) put(stream, key, data string) *kinesis.PutRecordOutput {
	r.Helper()
	return ok(r.PutRecord(r.ctx, &kinesis.PutRecordInput{StreamName: &stream, PartitionKey: &key, Data: []byte(data)}))(r)
}

func (r *rig) iterator(stream string, shard uint32, kind types.ShardIteratorType, at ...any) string {
	r.Helper()
	in := &kinesis.GetShardIteratorInput{StreamName: &stream, ShardId: aws.String(shardID(shard)), ShardIteratorType: kind}
	for _, a := range at {
		switch a := a.(type) {
		case string:
			in.StartingSequenceNumber = &a
		case time.Time:
			in.Timestamp = &a
		}
	}
	return *ok(r.GetShardIterator(r.ctx, in))(r).ShardIterator
}

func (r *rig) get(iterator string, limit int32) *kinesis.GetRecordsOutput {
	r.Helper()
	in := &kinesis.GetRecordsInput{ShardIterator: &iterator}
	if limit > 0 {
		in.Limit = &limit
	}
	return ok(r.GetRecords(r.ctx, in))(r)
}

// read is the data of a page, joined by commas.
func (r *rig) read(iterator string) string {
	r.Helper()
	return joined(r.get(iterator, 0).Records)
}

func joined(records []types.Record) string {
	texts := make([]string, len(records))
	for i, rec := range records {
		texts[i] = string(rec.Data)
	}
	return strings.Join(texts, ",")
}

// drain reads a shard from its horizon to its tail or end.
func (r *rig) drain(stream string, shard uint32) []types.Record {
	r.Helper()
	var all []types.Record
	it := r.iterator(stream, shard, types.ShardIteratorTypeTrimHorizon)
	for {
		page := r.get(it, 0)
		all = append(all, page.Records...)
		if page.NextShardIterator == nil || *page.MillisBehindLatest == 0 {
			return all
		}
		it = *page.NextShardIterator
	}
}

func (r *rig) shards(stream string) []types.Shard {
	r.Helper()
	return ok(r.ListShards(r.ctx, &kinesis.ListShardsInput{StreamName: &stream}))(r).Shards
}

// describe draws shards as "index<parents[range in 1/256 of the space]", a closed one with a trailing "x".
func describe(shards []types.Shard) string {
	var texts []string
	for _, sh := range shards {
		index, _ := parseShardID(*sh.ShardId)
		text := fmt.Sprint(index)
		for _, parent := range []*string{sh.ParentShardId, sh.AdjacentParentShardId} {
			if parent != nil {
				p, _ := parseShardID(*parent)
				text += fmt.Sprint("<", p)
			}
		}
		first, _ := parseHash(*sh.HashKeyRange.StartingHashKey)
		last, _ := parseHash(*sh.HashKeyRange.EndingHashKey)
		text += fmt.Sprintf("[%d-%d]", first.Hi>>56, last.Hi>>56)
		if sh.SequenceNumberRange.EndingSequenceNumber != nil {
			text += "x"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, " ")
}

func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}
