package local

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func TestEnforcedLimits(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now, EnforceLimits: true})
	name := "s"
	r.create(name, 1)
	batch := func(n, size int) int32 {
		in := &kinesis.PutRecordsInput{StreamName: &name}
		for range n {
			in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: make([]byte, size), PartitionKey: aws.String("k")})
		}
		out := ok(r.PutRecords(r.ctx, in))(t)
		failed := int32(0)
		for _, rec := range out.Records {
			if rec.ErrorCode != nil {
				same(t, "code", *rec.ErrorCode, "ProvisionedThroughputExceededException")
				failed++
			}
		}
		same(t, "failed records", *out.FailedRecordCount, failed)
		return failed
	}
	same(t, "first 500", batch(500, 1), 0)
	same(t, "second 500", batch(500, 1), 0)
	same(t, "third 500", batch(500, 1), 500)
	_, err := r.PutRecord(r.ctx, &kinesis.PutRecordInput{StreamName: &name, PartitionKey: aws.String("k"), Data: []byte("x")})
	wantError(t, err, "ProvisionedThroughputExceededException", shardID(0))
	c.advance(time.Second)
	same(t, "2 MB in a second", batch(20, 100_000), 10)
	c.advance(time.Second)

	it := r.iterator(name, 0, types.ShardIteratorTypeTrimHorizon)
	for range 5 {
		r.get(it, 1)
	}
	_, err = r.GetRecords(r.ctx, &kinesis.GetRecordsInput{ShardIterator: &it})
	wantError(t, err, "ProvisionedThroughputExceededException", shardID(0))
	for range 2 {
		batch(10, 100_000)
		c.advance(time.Second)
	}
	same(t, "records accepted", len(r.get(it, 0).Records), 1030)
	_, err = r.GetRecords(r.ctx, &kinesis.GetRecordsInput{ShardIterator: &it})
	wantError(t, err, "ProvisionedThroughputExceededException")
	c.advance(2 * time.Second)
	r.get(it, 1)

	_, got := fetch(t, r.server.URL()+metricsPath)
	for _, want := range []string{`put_records_throttled_records_total{stream_name="s"} 510`, `put_records_failed_records_total{stream_name="s"} 0`,
		`put_records_successful_records_total{stream_name="s"} 1030`, `write_provisioned_throughput_exceeded_total{stream_name="s"} 511`, `read_provisioned_throughput_exceeded_total{stream_name="s"} 2`} {
		if !strings.Contains(got, "aws_kinesis_"+want+"\n") {
			t.Errorf("no metric %s in\n%s", want, got)
		}
	}
}

// Fan-out gives a consumer 2 MiB of a shard in a second.
func TestFanOutLimit(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{EnforceLimits: true, Clock: c.Now})
	r.create("s", 1)
	for range 3 {
		in := &kinesis.PutRecordsInput{StreamName: aws.String("s")}
		for range 10 {
			in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: make([]byte, 100_000), PartitionKey: aws.String("k")})
		}
		same(t, "failed", *ok(r.PutRecords(r.ctx, in))(t).FailedRecordCount, 0)
		c.advance(time.Second)
	}
	out := ok(r.subscribe(r.register("s", "c"), 0, types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon}))(t)
	defer out.GetStream().Close()
	began, records := time.Now(), 0
	events(t, out, func(e types.SubscribeToShardEvent) bool { records += len(e.Records); return records == 30 })
	if took := time.Since(began); took < 900*time.Millisecond {
		t.Errorf("3 MB took %v, of which the third waits for a second", took)
	}
}

// A stream can be scaled ten times in a day.
func TestScalingLimit(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now, EnforceLimits: true})
	name := "s"
	r.create(name, 2)
	scale := func(n int32) error {
		_, err := r.UpdateShardCount(r.ctx, &kinesis.UpdateShardCountInput{StreamName: &name, TargetShardCount: &n, ScalingType: types.ScalingTypeUniformScaling})
		return err
	}
	for i := range 10 {
		ok(0, scale(int32(2+i%2)))(t)
		c.advance(time.Hour)
	}
	wantError(t, scale(4), "LimitExceededException", "10 times", name)
	c.advance(14 * time.Hour)
	ok(0, scale(4))(t)
	wantError(t, scale(4), "LimitExceededException", "10 times")
}
