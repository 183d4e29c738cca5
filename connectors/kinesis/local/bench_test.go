package local

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// load is a client that costs little, so that the server beside it gets the machine: bodies are made once.
type load struct {
	url  string
	http *http.Client
}

func (l *load) call(op string, body []byte) ([]byte, error) {
	r, err := http.NewRequest(http.MethodPost, l.url+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Amz-Target", targetPrefix+op)
	r.Header.Set("Content-Type", jsonContentType)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=00")
	reply, err := l.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", reply.Status, text)
	}
	return text, err
}

// BenchmarkLoad is the throughput of a server in a process of its own, durable, with the load beside it: batches of 500
// records of 150 bytes into 4 shards by 4 producers, then all of them read by 4 consumers, 10,000 a call.
func BenchmarkLoad(b *testing.B) {
	server := exec.Command(os.Args[0])
	url, _ := startCommand(b, b.TempDir(), server)
	l := &load{url, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	if _, err := l.call("CreateStream", []byte(`{"StreamName":"s","ShardCount":4}`)); err != nil {
		b.Fatal(err)
	}
	var body strings.Builder
	body.WriteString(`{"StreamName":"s","Records":[`)
	data := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("0123456789abcde"), 10))
	for i := range 500 {
		fmt.Fprintf(&body, `%s{"Data":%q,"PartitionKey":"key-%d"}`, strings.Repeat(",", min(i, 1)), data, i)
	}
	batch := []byte(body.String() + "]}")
	const seconds = 5
	var put, got atomic.Int64
	began := time.Now()
	each(4, func(int) {
		for time.Since(began) < seconds*time.Second {
			if _, err := l.call("PutRecords", batch); err != nil {
				b.Error(err)
				return
			}
			put.Add(500)
		}
	})
	b.ReportMetric(float64(put.Load())/time.Since(began).Seconds(), "put/s")
	spent := cpuOf(server.Process.Pid)
	b.ReportMetric(spent*1e6/float64(max(1, put.Load())), "server-us/put")
	began = time.Now()
	each(4, func(shard int) {
		n, err := l.drain("s", uint32(shard))
		got.Add(int64(n))
		if err != nil {
			b.Error(err)
		}
	})
	b.ReportMetric(float64(got.Load())/time.Since(began).Seconds(), "get/s")
	b.ReportMetric((cpuOf(server.Process.Pid)-spent)*1e6/float64(max(1, got.Load())), "server-us/get")
	if got.Load() != put.Load() {
		b.Errorf("%d records put, %d read", put.Load(), got.Load())
	}
}

// cpuOf is the processor time in seconds that a process has used, which other load on the machine hardly changes; 0 where
// there is no /proc.
func cpuOf(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var user, system float64
	fmt.Sscan(fields[11], &user)
	fmt.Sscan(fields[12], &system)
	return (user + system) / 100
}

func each(n int, f func(int)) {
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { f(i) })
	}
	wait.Wait()
}

func startBench(b *testing.B) string {
	b.Helper()
	url, _ := startCommand(b, b.TempDir(), exec.Command(os.Args[0]))
	return url
}

// BenchmarkFanOut is the delay from a put to its delivery at 5000 records a second, in batches of 10.
func BenchmarkFanOut(b *testing.B) {
	url := startBench(b)
	c, ctx := newClient(url), context.Background()
	ok(c.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(1)}))(b)
	arn := ok(c.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("s")}))(b).StreamDescriptionSummary.StreamARN
	consumer := ok(c.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String("c")}))(b).Consumer
	out := ok(c.SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{ConsumerARN: consumer.ConsumerARN, ShardId: aws.String(shardID(0)),
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest}}))(b)
	const batches, size, gap = 2500, 10, 2 * time.Millisecond
	go func() {
		began := time.Now()
		var wait sync.WaitGroup
		for i := range batches {
			time.Sleep(time.Until(began.Add(time.Duration(i) * gap)))
			wait.Go(func() {
				in := &kinesis.PutRecordsInput{StreamName: aws.String("s")}
				for range size {
					in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: fmt.Append(nil, time.Now().UnixNano()), PartitionKey: aws.String("k")})
				}
				if _, err := c.PutRecords(ctx, in); err != nil {
					b.Error(err)
				}
			})
		}
		wait.Wait()
	}()
	var delays []time.Duration
	for len(delays) < batches*size {
		event, more := (<-out.GetStream().Events()).(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent)
		if !more {
			b.Fatal("the subscription ended: ", out.GetStream().Err())
		}
		now := time.Now().UnixNano()
		for _, rec := range event.Value.Records {
			var sent int64
			fmt.Sscan(string(rec.Data), &sent)
			delays = append(delays, time.Duration(now-sent))
		}
	}
	out.GetStream().Close()
	b.ReportMetric(quantile(delays, 0.5), "p50-ms")
	b.ReportMetric(quantile(delays, 0.99), "p99-ms")
	b.ReportMetric(quantile(delays, 1), "max-ms")
	// What the disk alone takes, below which no durable put can be.
	b.ReportMetric(quantile(syncs(b), 0.99), "disk-p99-ms")
}

// quantile is in milliseconds; it sorts.
func quantile(of []time.Duration, q float64) float64 {
	slices.Sort(of)
	return float64(of[int(q*float64(len(of)-1))].Microseconds()) / 1000
}

// syncs are the times of writing a little and having the disk keep it.
func syncs(b *testing.B) []time.Duration {
	f, err := os.Create(filepath.Join(b.TempDir(), "sync"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	took := make([]time.Duration, 1000)
	for i := range took {
		began := time.Now()
		if _, err := f.Write(make([]byte, 2000)); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		took[i] = time.Since(began)
	}
	return took
}
