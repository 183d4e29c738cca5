package local

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func (r *rig) register(stream, name string) string {
	r.Helper()
	out := ok(r.RegisterStreamConsumer(r.ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: aws.String(r.server.streamARN(stream)), ConsumerName: &name}))(r)
	return *out.Consumer.ConsumerARN
}

func TestConsumers(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now})
	r.create("s", 1)
	streamARN := aws.String(r.server.streamARN("s"))
	arn := r.register("s", "c00")
	same(t, "arn", arn, *streamARN+"/consumer/c00:"+fmt.Sprint(c.Now().Unix()))
	d := ok(r.DescribeStreamConsumer(r.ctx, &kinesis.DescribeStreamConsumerInput{ConsumerARN: &arn}))(t).ConsumerDescription
	same(t, "status", d.ConsumerStatus, types.ConsumerStatusActive)
	same(t, "stream", *d.StreamARN, *streamARN)
	_, err := r.RegisterStreamConsumer(r.ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: streamARN, ConsumerName: aws.String("c00")})
	wantError(t, err, "ResourceInUseException", "c00")
	for i := 1; i < 20; i++ {
		r.register("s", fmt.Sprintf("c%02d", i))
	}
	_, err = r.RegisterStreamConsumer(r.ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: streamARN, ConsumerName: aws.String("c20")})
	wantError(t, err, "LimitExceededException", "20 consumers")
	var names []string
	in := &kinesis.ListStreamConsumersInput{StreamARN: streamARN, MaxResults: aws.Int32(9)}
	for {
		out := ok(r.ListStreamConsumers(r.ctx, in))(t)
		for _, consumer := range out.Consumers {
			names = append(names, *consumer.ConsumerName)
		}
		if in.NextToken = out.NextToken; out.NextToken == nil {
			break
		}
	}
	same(t, "consumers", len(names), 20)
	same(t, "last", names[19], "c19")
	ok(r.DeregisterStreamConsumer(r.ctx, &kinesis.DeregisterStreamConsumerInput{StreamARN: streamARN, ConsumerName: aws.String("c00")}))(t)
	_, err = r.DescribeStreamConsumer(r.ctx, &kinesis.DescribeStreamConsumerInput{ConsumerARN: &arn})
	wantError(t, err, "ResourceNotFoundException", "c00")
	_, err = r.DeleteStream(r.ctx, &kinesis.DeleteStreamInput{StreamARN: streamARN})
	wantError(t, err, "ResourceInUseException", "consumers")
	ok(r.DeleteStream(r.ctx, &kinesis.DeleteStreamInput{StreamARN: streamARN, EnforceConsumerDeletion: aws.Bool(true)}))(t)
}

func (r *rig) subscribe(arn string, shard uint32, from types.StartingPosition) (*kinesis.SubscribeToShardOutput, error) {
	return r.SubscribeToShard(r.ctx, &kinesis.SubscribeToShardInput{ConsumerARN: &arn, ShardId: aws.String(shardID(shard)), StartingPosition: &from})
}

// events reads until done says that it has seen enough, or the stream of events ends.
func events(t *testing.T, out *kinesis.SubscribeToShardOutput, done func(types.SubscribeToShardEvent) bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case e, more := <-out.GetStream().Events():
			if !more {
				return
			}
			if done(e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value) {
				return
			}
		case <-deadline:
			t.Fatal("no event in time")
		}
	}
}

func TestSubscribe(t *testing.T) {
	r := newRig(t, Options{})
	r.create("s", 1)
	r.put("s", "k", "1")
	arn := r.register("s", "c")
	out := ok(r.subscribe(arn, 0, types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon}))(t)
	defer out.GetStream().Close()
	var seen []string
	var at string
	note := func(e types.SubscribeToShardEvent) {
		if len(e.Records) > 0 {
			seen = append(seen, joined(e.Records))
		}
		if e.ContinuationSequenceNumber != nil {
			at = *e.ContinuationSequenceNumber
		}
	}
	events(t, out, func(e types.SubscribeToShardEvent) bool { note(e); return len(seen) == 1 })
	start := time.Now()
	r.put("s", "k", "2")
	events(t, out, func(e types.SubscribeToShardEvent) bool { note(e); return len(seen) == 2 })
	if took := time.Since(start); took > 500*time.Millisecond {
		t.Errorf("a new record took %v to be pushed", took)
	}
	_, err := r.subscribe(arn, 0, types.StartingPosition{Type: types.ShardIteratorTypeLatest})
	wantError(t, err, "ResourceInUseException", arn)

	ok(r.SplitShard(r.ctx, &kinesis.SplitShardInput{StreamName: aws.String("s"), ShardToSplit: aws.String(shardID(0)), NewStartingHashKey: aws.String("1000")}))(t)
	var children []types.ChildShard
	events(t, out, func(e types.SubscribeToShardEvent) bool {
		note(e)
		if children = e.ChildShards; len(children) > 0 && e.ContinuationSequenceNumber != nil {
			t.Error("the end of a shard has a continuation")
		}
		return false
	})
	same(t, "children", len(children), 2)
	same(t, "records", strings.Join(seen, ";"), "1;2")
	if err := out.GetStream().Err(); err != nil {
		t.Error("end of the stream:", err)
	}
	// The continuation of an event leads to what came after it.
	same(t, "continuation", r.read(r.iterator("s", 0, types.ShardIteratorTypeAfterSequenceNumber, at)), "")
}

// For five seconds after a call nobody else gets the place, even when the subscription has ended; then anybody does.
func TestSubscribeAgain(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now})
	r.create("s", 2)
	arn := r.register("s", "c")
	latest := types.StartingPosition{Type: types.ShardIteratorTypeLatest}
	out := ok(r.subscribe(arn, 0, latest))(t)
	out.GetStream().Close()
	for r.server.subscriptions.total() > 0 {
		time.Sleep(time.Millisecond)
	}
	same(t, "running", r.server.subscriptions.of(arn), 0)
	c.advance(5*time.Second - time.Millisecond)
	_, err := r.subscribe(arn, 0, latest)
	wantError(t, err, "ResourceInUseException", arn, shardID(0))
	ok(r.subscribe(arn, 1, latest))(t).GetStream().Close() // another shard is another place
	c.advance(time.Millisecond)
	ok(r.subscribe(arn, 0, latest))(t).GetStream().Close()
	c.advance(-time.Hour) // a clock that went back locks nobody out
	ok(r.subscribe(arn, 0, latest))(t).GetStream().Close()
	if _, got := fetch(t, r.server.URL()+metricsPath); !strings.Contains(got, `aws_kinesis_subscribe_to_shard_rate_exceeded_total{stream_name="s"} 1`) {
		t.Error("the refused call is not counted")
	}
}

// A consumer is found by its ARN, by stream and name, or by all three when they agree.
func TestConsumerReferences(t *testing.T) {
	r := newRig(t, Options{})
	r.create("s", 1)
	arn, stream, name := r.register("s", "c"), r.server.streamARN("s"), "c"
	other, bad := "other", "!! bad"
	f := func(in kinesis.DescribeStreamConsumerInput, code string, names ...string) {
		t.Helper()
		_, err := r.DescribeStreamConsumer(r.ctx, &in)
		_, subscribeErr := r.SubscribeToShard(r.ctx, &kinesis.SubscribeToShardInput{ConsumerARN: &bad, ShardId: aws.String(shardID(0)), StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest}})
		wantError(t, subscribeErr, "ValidationException", "consumerARN")
		if code == "" {
			ok(0, err)(t)
			return
		}
		wantError(t, err, code, names...)
	}
	f(kinesis.DescribeStreamConsumerInput{ConsumerARN: &arn}, "")
	f(kinesis.DescribeStreamConsumerInput{StreamARN: &stream, ConsumerName: &name}, "")
	f(kinesis.DescribeStreamConsumerInput{ConsumerARN: &arn, StreamARN: &stream, ConsumerName: &name}, "")
	f(kinesis.DescribeStreamConsumerInput{ConsumerARN: &arn, ConsumerName: &other}, "InvalidArgumentException", arn)
	f(kinesis.DescribeStreamConsumerInput{StreamARN: &stream}, "InvalidArgumentException", "ConsumerName")
	f(kinesis.DescribeStreamConsumerInput{StreamARN: &stream, ConsumerName: &other}, "ResourceNotFoundException", other)
	f(kinesis.DescribeStreamConsumerInput{ConsumerARN: &bad}, "ValidationException", "consumerARN", "/consumer")
	f(kinesis.DescribeStreamConsumerInput{StreamARN: &bad, ConsumerName: &bad}, "ValidationException", "streamARN", "consumerName")
}

// A later subscription of the same consumer takes over after five seconds, and a deregistered one ends.
func TestSubscriptionEnds(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now})
	r.create("s", 1)
	arn := r.register("s", "c")
	latest := types.StartingPosition{Type: types.ShardIteratorTypeLatest}
	never := func(types.SubscribeToShardEvent) bool { return false }
	first := ok(r.subscribe(arn, 0, latest))(t)
	c.advance(5 * time.Second)
	second := ok(r.subscribe(arn, 0, latest))(t)
	events(t, first, never)
	ok(r.DeregisterStreamConsumer(r.ctx, &kinesis.DeregisterStreamConsumerInput{ConsumerARN: &arn}))(t)
	events(t, second, never)
	_, err := r.subscribe(arn, 0, latest)
	wantError(t, err, "ResourceNotFoundException", "Consumer c")

	arn = r.register("s", "d")
	third := ok(r.subscribe(arn, 0, latest))(t)
	start := time.Now()
	if err := r.server.Close(r.ctx); err != nil || time.Since(start) > 3*time.Second {
		t.Errorf("close took %v: %v", time.Since(start), err)
	}
	events(t, third, never)
}
