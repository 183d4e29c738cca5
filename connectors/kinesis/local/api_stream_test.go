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

func TestCreateDescribeDelete(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now, Region: "eu-west-1", AccountID: "123456789012"})
	r.create("sensors", 2)
	d := ok(r.DescribeStream(r.ctx, &kinesis.DescribeStreamInput{StreamName: aws.String("sensors")}))(t).StreamDescription
	arn := "arn:aws:kinesis:eu-west-1:123456789012:stream/sensors"
	same(t, "arn", *d.StreamARN, arn)
	same(t, "status", d.StreamStatus, types.StreamStatusActive)
	same(t, "mode", d.StreamModeDetails.StreamMode, types.StreamModeProvisioned)
	same(t, "retention", *d.RetentionPeriodHours, 24)
	same(t, "created", d.StreamCreationTimestamp.UTC(), c.Now())
	same(t, "shards", describe(d.Shards), "0[0-127] 1[128-255]")
	same(t, "more", *d.HasMoreShards, false)
	s := ok(r.DescribeStreamSummary(r.ctx, &kinesis.DescribeStreamSummaryInput{StreamARN: &arn}))(t).StreamDescriptionSummary
	same(t, "open shards", *s.OpenShardCount, 2)
	same(t, "record size", *s.MaxRecordSizeInKiB, 1024)
	same(t, "distribution", s.RecordDistributionStrategy, types.RecordDistributionStrategyUserPartitionKey)
	page := ok(r.DescribeStream(r.ctx, &kinesis.DescribeStreamInput{StreamARN: &arn, Limit: aws.Int32(1)}))(t).StreamDescription
	same(t, "first page", describe(page.Shards)+fmt.Sprint(*page.HasMoreShards), "0[0-127]true")
	page = ok(r.DescribeStream(r.ctx, &kinesis.DescribeStreamInput{StreamARN: &arn, ExclusiveStartShardId: page.Shards[0].ShardId}))(t).StreamDescription
	same(t, "last page", describe(page.Shards)+fmt.Sprint(*page.HasMoreShards), "1[128-255]false")

	ok(r.DeleteStream(r.ctx, &kinesis.DeleteStreamInput{StreamName: aws.String("sensors")}))(t)
	_, err := r.DescribeStreamSummary(r.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("sensors")})
	wantError(t, err, "ResourceNotFoundException", "sensors", "123456789012")
}

func TestOnDemandStream(t *testing.T) {
	r := newRig(t, Options{})
	name := "od"
	ok(r.CreateStream(r.ctx, &kinesis.CreateStreamInput{StreamName: &name,
		StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}}))(t)
	s := ok(r.DescribeStreamSummary(r.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name}))(t).StreamDescriptionSummary
	same(t, "mode", s.StreamModeDetails.StreamMode, types.StreamModeOnDemand)
	same(t, "open shards", *s.OpenShardCount, 4)
	_, err := r.UpdateShardCount(r.ctx, &kinesis.UpdateShardCountInput{StreamName: &name, TargetShardCount: aws.Int32(8), ScalingType: types.ScalingTypeUniformScaling})
	wantError(t, err, "ValidationException", "On-Demand")
	_, err = r.SplitShard(r.ctx, &kinesis.SplitShardInput{StreamName: &name, ShardToSplit: aws.String(shardID(0)), NewStartingHashKey: aws.String("1000")})
	wantError(t, err, "ValidationException", "On-Demand")
	_, err = r.MergeShards(r.ctx, &kinesis.MergeShardsInput{StreamName: &name, ShardToMerge: aws.String(shardID(0)), AdjacentShardToMerge: aws.String(shardID(1))})
	wantError(t, err, "ValidationException", "On-Demand")
}

// With AUTO distribution the keys do not matter: records spread evenly.
func TestAutoDistribution(t *testing.T) {
	r := newRig(t, Options{})
	name := "auto"
	ok(r.CreateStream(r.ctx, &kinesis.CreateStreamInput{StreamName: &name, RecordDistributionStrategy: types.RecordDistributionStrategyAuto,
		StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}}))(t)
	for range 4 {
		r.put(name, "same", "x")
	}
	ok(r.PutRecord(r.ctx, &kinesis.PutRecordInput{StreamName: &name, Data: []byte("no key")}))(t)
	total := 0
	for shard := range uint32(4) {
		n := len(r.drain(name, shard))
		if n == 0 {
			t.Errorf("shard %d got nothing", shard)
		}
		total += n
	}
	same(t, "records", total, 5)
}

func TestTransitions(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now, TransitionDelay: time.Second})
	name := "slow"
	status := func() string {
		out, err := r.DescribeStreamSummary(r.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name})
		if err != nil {
			return "none"
		}
		return string(out.StreamDescriptionSummary.StreamStatus)
	}
	r.create(name, 1)
	same(t, "status", status(), "CREATING")
	same(t, "shards", len(ok(r.DescribeStream(r.ctx, &kinesis.DescribeStreamInput{StreamName: &name}))(t).StreamDescription.Shards), 0)
	_, err := r.PutRecord(r.ctx, &kinesis.PutRecordInput{StreamName: &name, PartitionKey: aws.String("k"), Data: []byte("x")})
	wantError(t, err, "ResourceNotFoundException", name)
	_, err = r.RegisterStreamConsumer(r.ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: aws.String(r.server.streamARN(name)), ConsumerName: aws.String("c")})
	wantError(t, err, "ResourceInUseException", name, "CREATING")
	c.advance(time.Second)
	same(t, "status", status(), "ACTIVE")
	split := &kinesis.SplitShardInput{StreamName: &name, ShardToSplit: aws.String(shardID(0)), NewStartingHashKey: aws.String("1000")}
	ok(r.SplitShard(r.ctx, split))(t)
	same(t, "status", status(), "UPDATING")
	r.put(name, "k", "while updating")
	_, err = r.SplitShard(r.ctx, split)
	wantError(t, err, "ResourceInUseException", name, "UPDATING")
	c.advance(time.Second)
	ok(r.DeleteStream(r.ctx, &kinesis.DeleteStreamInput{StreamName: &name}))(t)
	same(t, "status", status(), "DELETING")
	_, err = r.CreateStream(r.ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)})
	wantError(t, err, "ResourceInUseException", name)
	c.advance(time.Second)
	same(t, "status", status(), "none")
	r.create(name, 1)
	c.advance(time.Second)
	same(t, "records of the old stream", len(r.drain(name, 0)), 0)
}

func TestListStreamsPages(t *testing.T) {
	r := newRig(t, Options{})
	for i := range 7 {
		r.create(fmt.Sprintf("s%d", i), 1)
	}
	var names []string
	var token *string
	for pages := 1; ; pages++ {
		out := ok(r.ListStreams(r.ctx, &kinesis.ListStreamsInput{Limit: aws.Int32(3), NextToken: token}))(t)
		names = append(names, out.StreamNames...)
		same(t, "summaries", len(out.StreamSummaries), len(out.StreamNames))
		if token = out.NextToken; !*out.HasMoreStreams {
			same(t, "pages", pages, 3)
			break
		}
	}
	same(t, "names", strings.Join(names, " "), "s0 s1 s2 s3 s4 s5 s6")
	out := ok(r.ListStreams(r.ctx, &kinesis.ListStreamsInput{ExclusiveStartStreamName: aws.String("s4")}))(t)
	same(t, "names", strings.Join(out.StreamNames, " "), "s5 s6")
	_, err := r.ListStreams(r.ctx, &kinesis.ListStreamsInput{NextToken: aws.String("made up")})
	wantError(t, err, "InvalidArgumentException", "made up")
}

// A page has the service's size at most, whatever is asked for, and its token expires.
func TestPageSizes(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now})
	r.create("big", 1001)
	for i := range 100 {
		r.create(fmt.Sprintf("s%02d", i), 1)
	}
	many := aws.Int32(10_000)
	d := ok(r.DescribeStream(r.ctx, &kinesis.DescribeStreamInput{StreamName: aws.String("big"), Limit: many}))(t).StreamDescription
	same(t, "shards described", fmt.Sprint(len(d.Shards), *d.HasMoreShards), "100 true")
	shards := ok(r.ListShards(r.ctx, &kinesis.ListShardsInput{StreamName: aws.String("big"), MaxResults: many}))(t)
	same(t, "shards listed", len(shards.Shards), 1000)
	same(t, "the rest", len(ok(r.ListShards(r.ctx, &kinesis.ListShardsInput{NextToken: shards.NextToken}))(t).Shards), 1)
	streams := ok(r.ListStreams(r.ctx, &kinesis.ListStreamsInput{Limit: many}))(t)
	same(t, "streams", fmt.Sprint(len(streams.StreamNames), *streams.HasMoreStreams), "100 true")
	r.register("big", "a")
	r.register("big", "b")
	consumers := &kinesis.ListStreamConsumersInput{StreamARN: aws.String(r.server.streamARN("big")), MaxResults: aws.Int32(1), StreamCreationTimestamp: aws.Time(c.Now())}
	consumers.NextToken = ok(r.ListStreamConsumers(r.ctx, consumers))(t).NextToken
	same(t, "consumers", len(ok(r.ListStreamConsumers(r.ctx, consumers))(t).Consumers), 1)
	c.advance(5*time.Minute + time.Millisecond)
	_, err := r.ListStreams(r.ctx, &kinesis.ListStreamsInput{NextToken: streams.NextToken})
	wantError(t, err, "ExpiredNextTokenException")
	_, err = r.ListStreamConsumers(r.ctx, consumers)
	wantError(t, err, "ExpiredNextTokenException")
	_, err = r.ListStreamConsumers(r.ctx, &kinesis.ListStreamConsumersInput{StreamARN: consumers.StreamARN, StreamCreationTimestamp: aws.Time(c.Now())})
	wantError(t, err, "ResourceNotFoundException", "big")
}

func TestListShardsPagesAndFilters(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now})
	name := "s"
	r.create(name, 2)
	created := c.Now()
	c.advance(time.Hour)
	ok(r.SplitShard(r.ctx, &kinesis.SplitShardInput{StreamName: &name, ShardToSplit: aws.String(shardID(0)), NewStartingHashKey: aws.String(evenRanges(4)[1].First.String())}))(t)
	c.advance(time.Hour)
	const all = "0[0-127]x 1[128-255] 2<0[0-63] 3<0[64-127]"
	same(t, "shards", describe(r.shards(name)), all)
	f := func(filter types.ShardFilter, want string) {
		t.Helper()
		out := ok(r.ListShards(r.ctx, &kinesis.ListShardsInput{StreamName: &name, ShardFilter: &filter}))(t)
		same(t, string(filter.Type), describe(out.Shards), want)
	}
	const first, last = "0[0-127]x 1[128-255]", "1[128-255] 2<0[0-63] 3<0[64-127]"
	f(types.ShardFilter{Type: types.ShardFilterTypeAtLatest}, last)
	f(types.ShardFilter{Type: types.ShardFilterTypeAtTrimHorizon}, first)
	f(types.ShardFilter{Type: types.ShardFilterTypeFromTrimHorizon}, all)
	f(types.ShardFilter{Type: types.ShardFilterTypeAfterShardId, ShardId: aws.String(shardID(1))}, "2<0[0-63] 3<0[64-127]")
	f(types.ShardFilter{Type: types.ShardFilterTypeAtTimestamp, Timestamp: aws.Time(created.Add(time.Minute))}, first)
	f(types.ShardFilter{Type: types.ShardFilterTypeAtTimestamp, Timestamp: aws.Time(c.Now())}, last)
	f(types.ShardFilter{Type: types.ShardFilterTypeFromTimestamp, Timestamp: aws.Time(created.Add(time.Minute))}, all)
	f(types.ShardFilter{Type: types.ShardFilterTypeFromTimestamp, Timestamp: aws.Time(c.Now())}, last)

	var pages []string
	in := &kinesis.ListShardsInput{StreamName: &name, MaxResults: aws.Int32(1), ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtLatest}}
	for {
		out := ok(r.ListShards(r.ctx, in))(t)
		pages = append(pages, describe(out.Shards))
		if out.NextToken == nil {
			break
		}
		in = &kinesis.ListShardsInput{NextToken: out.NextToken, MaxResults: aws.Int32(1)}
	}
	same(t, "pages", strings.Join(pages, " "), last)
	_, err := r.ListShards(r.ctx, &kinesis.ListShardsInput{NextToken: in.NextToken, StreamName: &name})
	wantError(t, err, "InvalidArgumentException", "NextToken", "StreamName")
	c.advance(5*time.Minute + time.Millisecond)
	_, err = r.ListShards(r.ctx, in)
	wantError(t, err, "ExpiredNextTokenException")
	_, err = r.ListShards(r.ctx, &kinesis.ListShardsInput{StreamName: &name, ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtTimestamp}})
	wantError(t, err, "InvalidArgumentException", "Timestamp")
}

func TestStreamErrors(t *testing.T) {
	r := newRig(t, Options{ShardLimit: 4})
	r.create("s", 2)
	create := func(name string, shards int32) error {
		_, err := r.CreateStream(r.ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: &shards})
		return err
	}
	wantError(t, create("s", 1), "ResourceInUseException", "Stream s under account 000000000000")
	wantError(t, create("t", 3), "LimitExceededException", "Limit: 4")
	wantError(t, create("t", 0), "ValidationException", "shardCount")
	wantError(t, create("a b", 1), "ValidationException", "streamName", "'a b'", "[a-zA-Z0-9_.-]+")
	wantError(t, create(strings.Repeat("n", 129), 1), "ValidationException", "streamName", "128")
	_, err := r.CreateStream(r.ctx, &kinesis.CreateStreamInput{StreamName: aws.String("t")})
	wantError(t, err, "ValidationException", "ShardCount")

	describe := func(name, arn *string) error {
		_, err := r.DescribeStream(r.ctx, &kinesis.DescribeStreamInput{StreamName: name, StreamARN: arn})
		return err
	}
	arn := func(account, name string) *string {
		return aws.String("arn:aws:kinesis:us-east-1:" + account + ":stream/" + name)
	}
	wantError(t, describe(aws.String("nope"), nil), "ResourceNotFoundException", "Stream nope under account 000000000000 not found.")
	wantError(t, describe(nil, arn("000000000000", "nope")), "ResourceNotFoundException", "nope")
	wantError(t, describe(nil, arn("999999999999", "s")), "ResourceNotFoundException", "999999999999")
	wantError(t, describe(aws.String("other"), arn("000000000000", "s")), "InvalidArgumentException", "other")
	wantError(t, describe(nil, nil), "InvalidArgumentException", "StreamName", "StreamARN")
	_, err = r.DeleteStream(r.ctx, &kinesis.DeleteStreamInput{StreamName: aws.String("nope")})
	wantError(t, err, "ResourceNotFoundException", "nope")
}

func TestTagsAndLimits(t *testing.T) {
	r := newRig(t, Options{ShardLimit: 9})
	name := "s"
	ok(r.CreateStream(r.ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(3), Tags: map[string]string{"b": "1"}}))(t)
	ok(r.AddTagsToStream(r.ctx, &kinesis.AddTagsToStreamInput{StreamName: &name, Tags: map[string]string{"a": "2", "c": "3"}}))(t)
	ok(r.RemoveTagsFromStream(r.ctx, &kinesis.RemoveTagsFromStreamInput{StreamName: &name, TagKeys: []string{"b"}}))(t)
	page := ok(r.ListTagsForStream(r.ctx, &kinesis.ListTagsForStreamInput{StreamName: &name, Limit: aws.Int32(1)}))(t)
	same(t, "first tag", *page.Tags[0].Key+*page.Tags[0].Value+fmt.Sprint(*page.HasMoreTags), "a2true")
	page = ok(r.ListTagsForStream(r.ctx, &kinesis.ListTagsForStreamInput{StreamName: &name, ExclusiveStartTagKey: aws.String("a")}))(t)
	same(t, "last tag", *page.Tags[0].Key+*page.Tags[0].Value+fmt.Sprint(*page.HasMoreTags), "c3false")
	many := map[string]string{}
	for i := range 50 {
		many[fmt.Sprint(i)] = ""
	}
	_, err := r.AddTagsToStream(r.ctx, &kinesis.AddTagsToStreamInput{StreamName: &name, Tags: many})
	wantError(t, err, "InvalidArgumentException", "50 tags")
	limits := ok(r.DescribeLimits(r.ctx, &kinesis.DescribeLimitsInput{}))(t)
	same(t, "limit", *limits.ShardLimit, 9)
	same(t, "open", *limits.OpenShardCount, 3)
}
