package local

import (
	"context"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

var long = flag.Bool("long", false, "also run the tests that take minutes")

// A subscription lives for five minutes by the wall clock, beyond the time-outs of requests, over every transport; it
// delivers to its end, and the continuation leaves no gap.
func TestSubscriptionLife(t *testing.T) {
	if !*long {
		t.Skip("SKIPPED: takes five minutes; run it with -long -parallel 8")
	}
	r := newRig(t, Options{Dir: t.TempDir()})
	for how, transport := range transports(t, r.server) {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), 6*time.Minute)
			defer cancel()
			url := r.server.URL()
			if strings.HasPrefix(how, "https") {
				url = r.server.TLSURL()
			}
			c := kinesis.New(kinesis.Options{Region: "us-east-1", BaseEndpoint: &url, RetryMaxAttempts: 1,
				Credentials: credentials.NewStaticCredentialsProvider("A", "s", ""), HTTPClient: plainBody{transport}})
			name := "s" + strings.Map(func(c rune) rune {
				if c == ' ' || c == '/' || c == ',' {
					return '-'
				}
				return c
			}, how)
			ok(c.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)}))(t)
			consumer := ok(c.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: aws.String(r.server.streamARN(name)), ConsumerName: aws.String("c")}))(t).Consumer
			began := time.Now()
			out := ok(c.SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{ConsumerARN: consumer.ConsumerARN, ShardId: aws.String(shardID(0)),
				StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest}}))(t)
			put, got, last := 0, 0, ""
			next := time.NewTicker(20 * time.Second)
			defer next.Stop()
			for events := out.GetStream().Events(); events != nil; {
				select {
				case <-next.C:
					ok(c.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: &name, PartitionKey: &name, Data: []byte("x")}))(t)
					put++
				case event, more := <-events:
					if !more {
						events = nil
						continue
					}
					e := event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
					got, last = got+len(e.Records), *e.ContinuationSequenceNumber
				}
			}
			if life := time.Since(began); out.GetStream().Err() != nil || life < 295*time.Second || life > 310*time.Second {
				t.Errorf("the subscription ended after %v with %v", life, out.GetStream().Err())
			}
			// What was put at the very end comes with the next subscription.
			again := ok(c.SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{ConsumerARN: consumer.ConsumerARN, ShardId: aws.String(shardID(0)),
				StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeAfterSequenceNumber, SequenceNumber: &last}}))(t)
			event := (<-again.GetStream().Events()).(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent)
			same(t, "records", got+len(event.Value.Records), put)
			again.GetStream().Close()
		})
	}
}
