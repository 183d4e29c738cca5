package kinesis_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	ktypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"weir/connectors/kinesis/local"
	"weir/internal/session"
	"weir/sql/vec"
)

// stream is a stream of the embedded server that is resharded while it is written and read.
type stream struct {
	*testing.T
	*kinesis.Client
	url  string
	name *string
	sent map[string]int // records of each key
}

func newStream(t *testing.T, shards int32) *stream {
	t.Helper()
	server, err := local.Open(local.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close(context.Background()) })
	s := &stream{T: t, url: server.URL(), name: aws.String("s"), sent: map[string]int{}}
	s.Client = kinesis.New(kinesis.Options{Region: "us-east-1", BaseEndpoint: &s.url, Credentials: credentials.NewStaticCredentialsProvider("x", "x", "")})
	if _, err := s.CreateStream(context.Background(), &kinesis.CreateStreamInput{StreamName: s.name, ShardCount: &shards}); err != nil {
		t.Fatal(err)
	}
	return s
}

// send puts n records, of keys in turn, which count up for each key.
func (s *stream) send(n int) {
	s.Helper()
	for i := range n {
		key := fmt.Sprint("k", i%7)
		s.sent[key]++
		data := fmt.Appendf(nil, `{"k":%q,"n":%d}`, key, s.sent[key])
		if _, err := s.PutRecord(context.Background(), &kinesis.PutRecordInput{StreamName: s.name, PartitionKey: &key, Data: data}); err != nil {
			s.Fatal(err)
		}
	}
}

func (s *stream) open() (out []ktypes.Shard) {
	s.Helper()
	list, err := s.ListShards(context.Background(), &kinesis.ListShardsInput{StreamName: s.name})
	if err != nil {
		s.Fatal(err)
	}
	for _, sh := range list.Shards {
		if sh.SequenceNumberRange.EndingSequenceNumber == nil {
			out = append(out, sh)
		}
	}
	return out
}

func (s *stream) scale(n int32) {
	s.Helper()
	if _, err := s.UpdateShardCount(context.Background(), &kinesis.UpdateShardCountInput{StreamName: s.name, TargetShardCount: &n, ScalingType: ktypes.ScalingTypeUniformScaling}); err != nil {
		s.Fatal(err)
	}
}

func (s *stream) merge() {
	s.Helper()
	sh := s.open()
	if _, err := s.MergeShards(context.Background(), &kinesis.MergeShardsInput{StreamName: s.name, ShardToMerge: sh[0].ShardId, AdjacentShardToMerge: sh[1].ShardId}); err != nil {
		s.Fatal(err)
	}
}

// got is the rows that a query gave: for each key, its numbers in the order they came.
type got struct {
	mu    sync.Mutex
	byKey map[string][]string
	n     int
}

func (g *got) rows(b *vec.Batch) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range b.Len() {
		k := b.Col(0).ValueStr(i)
		g.byKey[k] = append(g.byKey[k], b.Col(1).ValueStr(i))
		g.n++
	}
	return nil
}

func (g *got) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.n
}

// query starts a query over the stream; parallelism is of its readers.
func (s *stream) query(parallelism int, options string) (*session.Running, *got) {
	s.Helper()
	se, err := session.Open(session.Options{DataDir: s.TempDir(), Ephemeral: true, Endpoint: s.url, Settings: map[string]string{"parallelism.default": fmt.Sprint(parallelism)}})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { se.Close() })
	var res *session.Result
	for _, text := range []string{"CREATE TABLE t (k STRING, n INT) WITH ('connector' = 'kinesis', 'stream' = 's', 'format' = 'json'" + options + ")", "SELECT k, n FROM t"} {
		stmt, err := session.ParseOne(text)
		if err != nil {
			s.Fatal(err)
		}
		if res, err = se.Execute(context.Background(), text, stmt); err != nil {
			s.Fatal(err)
		}
	}
	g := &got{byKey: map[string][]string{}}
	run, err := res.Stream(context.Background(), g.rows)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { run.Cancel(); <-run.Done() })
	return run, g
}

// all checks that the rows of each key are there once each and in order.
func (s *stream) all(what string, g *got, from map[string]int) {
	s.Helper()
	total := 0
	for k, n := range s.sent {
		total += n - from[k]
	}
	for end := time.Now().Add(15 * time.Second); g.count() < total && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond) // for what comes too much
	g.mu.Lock()
	defer g.mu.Unlock()
	for k, n := range s.sent {
		var want []string
		for i := from[k] + 1; i <= n; i++ {
			want = append(want, fmt.Sprint(i))
		}
		if have := strings.Join(g.byKey[k], " "); have != strings.Join(want, " ") {
			s.Errorf("%s, %s: got %s\nwant %s", what, k, have, strings.Join(want, " "))
		}
	}
}

func TestReshardingWhileReading(t *testing.T) {
	s := newStream(t, 2)
	s.send(70)
	from := map[string]int{}
	for k, n := range s.sent {
		from[k] = n
	}
	_, horizon := s.query(1, ", 'source.init.position' = 'TRIM_HORIZON'")
	_, parallel := s.query(3, ", 'source.init.position' = 'TRIM_HORIZON'")
	_, latest := s.query(2, "") // children of its shards must be read from their beginning
	s.send(35)
	s.scale(4)
	s.send(70)
	s.merge()
	s.send(70)
	time.Sleep(300 * time.Millisecond)
	s.scale(2)
	s.send(35)
	s.scale(3)
	s.send(70)
	s.all("TRIM_HORIZON", horizon, nil)
	s.all("3 readers", parallel, nil)
	s.all("LATEST", latest, from)
}

// A stream that was resharded before is read parents first, and a read to its tip ends.
func TestReshardedStreamIsReadToItsTip(t *testing.T) {
	s := newStream(t, 1)
	for range 3 {
		s.send(50)
		s.scale(int32(2 * len(s.open())))
		s.send(50)
		s.merge()
	}
	s.send(50)
	for _, p := range []int{1, 4} {
		run, g := s.query(p, ", 'source.init.position' = 'TRIM_HORIZON', 'scan.bounded.mode' = 'latest'")
		select {
		case <-run.Done():
			if err := run.Wait(); err != nil {
				t.Error(err)
			}
		case <-time.After(15 * time.Second):
			t.Error("does not end")
		}
		s.all(fmt.Sprint(p, " readers"), g, nil)
	}
	_, none := s.query(1, "")
	time.Sleep(200 * time.Millisecond)
	if n := none.count(); n != 0 {
		t.Errorf("LATEST gave %d old rows", n)
	}
}
