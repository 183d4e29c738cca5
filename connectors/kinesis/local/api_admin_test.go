package local

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func TestEncryption(t *testing.T) {
	r := newRig(t, Options{Dir: t.TempDir()})
	name, key := "s", aws.String("alias/aws/kinesis")
	r.create(name, 1)
	same(t, "plain put", r.put(name, "k", "1").EncryptionType, "")
	_, err := r.StartStreamEncryption(r.ctx, &kinesis.StartStreamEncryptionInput{StreamName: &name, EncryptionType: types.EncryptionTypeNone, KeyId: key})
	wantError(t, err, "InvalidArgumentException", "KMS")
	ok(r.StartStreamEncryption(r.ctx, &kinesis.StartStreamEncryptionInput{StreamName: &name, EncryptionType: types.EncryptionTypeKms, KeyId: key}))(t)
	same(t, "encrypted put", r.put(name, "k", "2").EncryptionType, types.EncryptionTypeKms)
	batch := ok(r.PutRecords(r.ctx, &kinesis.PutRecordsInput{StreamName: &name, Records: []types.PutRecordsRequestEntry{{PartitionKey: key, Data: []byte("3")}}}))(t)
	same(t, "encrypted batch", batch.EncryptionType, types.EncryptionTypeKms)
	d := ok(r.DescribeStream(r.ctx, &kinesis.DescribeStreamInput{StreamName: &name}))(t).StreamDescription
	same(t, "described", string(d.EncryptionType)+*d.KeyId, "KMSalias/aws/kinesis")
	ok(r.StopStreamEncryption(r.ctx, &kinesis.StopStreamEncryptionInput{StreamName: &name, EncryptionType: types.EncryptionTypeKms, KeyId: key}))(t)
	r.put(name, "k", "4")
	got := ""
	for _, rec := range r.drain(name, 0) {
		got += string(rec.Data) + string(rec.EncryptionType) + " "
	}
	same(t, "records", got, "1 2KMS 3KMS 4 ")
	s := ok(r.DescribeStreamSummary(r.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name}))(t).StreamDescriptionSummary
	same(t, "summary", s.EncryptionType, types.EncryptionTypeNone)
}

func TestEnhancedMonitoring(t *testing.T) {
	r := newRig(t, Options{})
	name := "s"
	r.create(name, 1)
	on := ok(r.EnableEnhancedMonitoring(r.ctx, &kinesis.EnableEnhancedMonitoringInput{StreamName: &name, ShardLevelMetrics: []types.MetricsName{"IncomingBytes", "OutgoingBytes"}}))(t)
	same(t, "before", len(on.CurrentShardLevelMetrics), 0)
	same(t, "after", len(on.DesiredShardLevelMetrics), 2)
	on = ok(r.EnableEnhancedMonitoring(r.ctx, &kinesis.EnableEnhancedMonitoringInput{StreamName: &name, ShardLevelMetrics: []types.MetricsName{"ALL"}}))(t)
	same(t, "of all", len(on.DesiredShardLevelMetrics), 7)
	off := ok(r.DisableEnhancedMonitoring(r.ctx, &kinesis.DisableEnhancedMonitoringInput{StreamName: &name, ShardLevelMetrics: []types.MetricsName{"IncomingBytes"}}))(t)
	same(t, "left", len(off.DesiredShardLevelMetrics), 6)
	d := ok(r.DescribeStreamSummary(r.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name}))(t).StreamDescriptionSummary
	same(t, "described", len(d.EnhancedMonitoring[0].ShardLevelMetrics), 6)
	_, err := r.EnableEnhancedMonitoring(r.ctx, &kinesis.EnableEnhancedMonitoringInput{StreamName: &name, ShardLevelMetrics: []types.MetricsName{"Colour"}})
	wantError(t, err, "ValidationException", "Colour")
}

func TestPolicies(t *testing.T) {
	r := newRig(t, Options{})
	r.create("s", 1)
	arn := aws.String(r.server.streamARN("s"))
	consumer := ok(r.RegisterStreamConsumer(r.ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String("c"), Tags: map[string]string{"a": "1"}}))(t).Consumer.ConsumerARN
	_, err := r.GetResourcePolicy(r.ctx, &kinesis.GetResourcePolicyInput{ResourceARN: arn})
	wantError(t, err, "ResourceNotFoundException", *arn)
	for _, bad := range []string{"", "x", "[]"} {
		_, err := r.PutResourcePolicy(r.ctx, &kinesis.PutResourcePolicyInput{ResourceARN: arn, Policy: &bad})
		wantError(t, err, "InvalidArgumentException", "policy")
	}
	for _, resource := range []*string{arn, consumer} {
		policy := `{"Id":"` + *resource + `"}`
		ok(r.PutResourcePolicy(r.ctx, &kinesis.PutResourcePolicyInput{ResourceARN: resource, Policy: &policy}))(t)
		same(t, "policy", *ok(r.GetResourcePolicy(r.ctx, &kinesis.GetResourcePolicyInput{ResourceARN: resource}))(t).Policy, policy)
	}
	ok(r.DeleteResourcePolicy(r.ctx, &kinesis.DeleteResourcePolicyInput{ResourceARN: arn}))(t)
	_, err = r.DeleteResourcePolicy(r.ctx, &kinesis.DeleteResourcePolicyInput{ResourceARN: arn})
	wantError(t, err, "ResourceNotFoundException")
	ok(r.GetResourcePolicy(r.ctx, &kinesis.GetResourcePolicyInput{ResourceARN: consumer}))(t)

	ok(r.TagResource(r.ctx, &kinesis.TagResourceInput{ResourceARN: consumer, Tags: map[string]string{"b": "2"}}))(t)
	same(t, "consumer tags", len(ok(r.ListTagsForResource(r.ctx, &kinesis.ListTagsForResourceInput{ResourceARN: consumer}))(t).Tags), 2)
	same(t, "stream tags", len(ok(r.ListTagsForResource(r.ctx, &kinesis.ListTagsForResourceInput{ResourceARN: arn}))(t).Tags), 0)
	ok(r.DeregisterStreamConsumer(r.ctx, &kinesis.DeregisterStreamConsumerInput{ConsumerARN: consumer}))(t)
	_, err = r.GetResourcePolicy(r.ctx, &kinesis.GetResourcePolicyInput{ResourceARN: consumer})
	wantError(t, err, "ResourceNotFoundException")
}

func TestWarmThroughputAndAccount(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now})
	name := "s"
	r.create(name, 1)
	warm := func(n int32) error {
		_, err := r.UpdateStreamWarmThroughput(r.ctx, &kinesis.UpdateStreamWarmThroughputInput{StreamName: &name, WarmThroughputMiBps: &n})
		return err
	}
	wantError(t, warm(10), "ValidationException", "ON_DEMAND")
	ok(r.UpdateStreamMode(r.ctx, &kinesis.UpdateStreamModeInput{StreamARN: aws.String(r.server.streamARN(name)), StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}}))(t)
	wantError(t, warm(10241), "LimitExceededException", "10240")
	ok(0, warm(10))(t)
	d := ok(r.DescribeStreamSummary(r.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name}))(t).StreamDescriptionSummary
	same(t, "warm", *d.WarmThroughput.CurrentMiBps, 10)

	set := func(status types.MinimumThroughputBillingCommitmentInputStatus) types.MinimumThroughputBillingCommitmentOutputStatus {
		t.Helper()
		return ok(r.UpdateAccountSettings(r.ctx, &kinesis.UpdateAccountSettingsInput{MinimumThroughputBillingCommitment: &types.MinimumThroughputBillingCommitmentInput{Status: status}}))(t).MinimumThroughputBillingCommitment.Status
	}
	get := func() types.MinimumThroughputBillingCommitmentOutputStatus {
		t.Helper()
		return ok(r.DescribeAccountSettings(r.ctx, &kinesis.DescribeAccountSettingsInput{}))(t).MinimumThroughputBillingCommitment.Status
	}
	same(t, "at first", get(), "DISABLED")
	same(t, "enabled", set("ENABLED"), "ENABLED")
	for i := range 50 {
		r.register(name, fmt.Sprint("c", i))
	}
	_, err := r.RegisterStreamConsumer(r.ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: aws.String(r.server.streamARN(name)), ConsumerName: aws.String("one more")})
	wantError(t, err, "ValidationException", "consumerName")
	_, err = r.RegisterStreamConsumer(r.ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: aws.String(r.server.streamARN(name)), ConsumerName: aws.String("more")})
	wantError(t, err, "LimitExceededException", "50 consumers")
	same(t, "disabled early", set("DISABLED"), "ENABLED_UNTIL_EARLIEST_ALLOWED_END")
	c.advance(25 * time.Hour)
	same(t, "a day later", get(), "DISABLED")
}
