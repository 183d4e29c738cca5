package local

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func TestUpdateSettings(t *testing.T) {
	r := newRig(t, Options{})
	name, arn := "s", aws.String(r.server.streamARN("s"))
	r.create(name, 1)
	summary := func() *types.StreamDescriptionSummary {
		t.Helper()
		return ok(r.DescribeStreamSummary(r.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name}))(t).StreamDescriptionSummary
	}
	distribute := func(how types.RecordDistributionStrategy) error {
		_, err := r.UpdateStreamRecordDistributionStrategy(r.ctx, &kinesis.UpdateStreamRecordDistributionStrategyInput{StreamARN: arn, RecordDistributionStrategy: how})
		return err
	}
	mode := func(mode types.StreamMode) error {
		_, err := r.UpdateStreamMode(r.ctx, &kinesis.UpdateStreamModeInput{StreamARN: arn, StreamModeDetails: &types.StreamModeDetails{StreamMode: mode}})
		return err
	}
	wantError(t, distribute(types.RecordDistributionStrategyAuto), "ValidationException", "ON_DEMAND")
	ok(0, mode(types.StreamModeOnDemand))(t)
	ok(0, distribute(types.RecordDistributionStrategyAuto))(t)
	same(t, "mode", summary().StreamModeDetails.StreamMode, types.StreamModeOnDemand)
	same(t, "distribution", summary().RecordDistributionStrategy, types.RecordDistributionStrategyAuto)
	wantError(t, mode(types.StreamModeProvisioned), "ValidationException", "USER_PARTITION_KEY")
	ok(0, distribute(types.RecordDistributionStrategyUserPartitionKey))(t)
	ok(0, mode(types.StreamModeProvisioned))(t)
	wantError(t, mode("SOMETIMES"), "ValidationException", "streamModeDetails.streamMode", "SOMETIMES")

	size := func(kib int32) error {
		_, err := r.UpdateMaxRecordSize(r.ctx, &kinesis.UpdateMaxRecordSizeInput{StreamARN: arn, MaxRecordSizeInKiB: &kib})
		return err
	}
	wantError(t, size(10241), "ValidationException", "maxRecordSizeInKiB", "10240")
	ok(0, size(10240))(t)
	same(t, "record size", *summary().MaxRecordSizeInKiB, 10240)
	// The largest record there is makes the largest body of a request and of a reply.
	big := make([]byte, 10<<20-1)
	ok(r.PutRecord(r.ctx, &kinesis.PutRecordInput{StreamName: &name, PartitionKey: aws.String("k"), Data: big}))(t)
	r.put(name, "k", "next")
	page := r.get(r.iterator(name, 0, types.ShardIteratorTypeTrimHorizon), 0)
	same(t, "records", len(page.Records), 1)
	same(t, "bytes", len(page.Records[0].Data), len(big))
	same(t, "next page", r.read(*page.NextShardIterator), "next")
}

func TestResourceTags(t *testing.T) {
	r := newRig(t, Options{})
	r.create("s", 1)
	arn := aws.String(r.server.streamARN("s"))
	ok(r.TagResource(r.ctx, &kinesis.TagResourceInput{ResourceARN: arn, Tags: map[string]string{"a": "1", "b": "2"}}))(t)
	ok(r.UntagResource(r.ctx, &kinesis.UntagResourceInput{ResourceARN: arn, TagKeys: []string{"a"}}))(t)
	tags := ok(r.ListTagsForResource(r.ctx, &kinesis.ListTagsForResourceInput{ResourceARN: arn}))(t).Tags
	same(t, "tags", len(tags), 1)
	same(t, "tag", *tags[0].Key+*tags[0].Value, "b2")
	_, err := r.ListTagsForResource(r.ctx, &kinesis.ListTagsForResourceInput{ResourceARN: aws.String(*arn + "x")})
	wantError(t, err, "ResourceNotFoundException", "sx")
}
