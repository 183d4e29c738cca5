package kinesis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	ktypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	wa "weir/connectors/aws"
)

// Admin makes streams and puts records at one endpoint, for demos, tests and tools.
type Admin struct{ api *kinesis.Client }

// NewAdmin makes an Admin of the endpoint; dummy credentials are used on this machine.
func NewAdmin(ctx context.Context, endpoint string) (*Admin, error) {
	session := wa.Session{Endpoint: endpoint}
	session.Defaults()
	cfg, err := session.Config(ctx)
	if err != nil {
		return nil, err
	}
	return &Admin{api: kinesis.NewFromConfig(cfg)}, nil
}

// EnsureStream makes the stream unless it is there, and waits until it can be used.
func (a *Admin) EnsureStream(ctx context.Context, name string, shards int) error {
	_, err := a.api.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String(name), ShardCount: aws.Int32(int32(shards))})
	var there *ktypes.ResourceInUseException
	if err != nil && !errors.As(err, &there) {
		return wa.Explain(fmt.Sprintf("creating stream %q", name), err)
	}
	for range 300 {
		out, err := a.api.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String(name)})
		if err == nil && out.StreamDescriptionSummary.StreamStatus == ktypes.StreamStatusActive {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("stream %q did not become active within 30 s", name)
}

// Put puts one record.
func (a *Admin) Put(ctx context.Context, stream, key string, data []byte) error {
	_, err := a.api.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String(stream), PartitionKey: aws.String(key), Data: data})
	if err != nil {
		return wa.Explain(fmt.Sprintf("writing to stream %q", stream), err)
	}
	return nil
}
