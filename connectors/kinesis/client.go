package kinesis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	ktypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"weir/connectors"
	wa "weir/connectors/aws"
)

// client is the Kinesis API of one stream.
type client struct {
	api   *kinesis.Client
	name  string // as the user wrote it: name or ARN
	arn   *string
	short *string
	local bool // the embedded server: no limit of reads a second
}

// connect makes the client of the table's stream. Without an endpoint or a wish for AWS, the
// embedded server is used, and started if need be.
func (c *config) connect(ctx context.Context, env *connectors.Env) (*client, error) {
	session := c.session // a copy: the plan's options stay as they were written
	out := &client{name: c.streamName()}
	if session.Endpoint == "" && env.LocalKinesis != nil {
		endpoint, err := env.LocalKinesis(ctx)
		if err != nil {
			return nil, fmt.Errorf("embedded Kinesis server: %w", err)
		}
		session.UseLocal(endpoint)
		out.local = true
	}
	if session.Region == "" {
		session.Region = c.arnRegion()
	}
	cfg, err := session.Config(ctx)
	if err != nil {
		return nil, err
	}
	out.api = kinesis.NewFromConfig(cfg)
	if c.arn != "" && !out.local {
		out.arn = aws.String(c.arn)
	} else {
		out.short = aws.String(c.streamName())
	}
	return out, nil
}

// shards lists all shards of the stream.
func (c *client) shards(ctx context.Context) ([]ktypes.Shard, error) {
	in := &kinesis.ListShardsInput{StreamName: c.short, StreamARN: c.arn}
	var out []ktypes.Shard
	for {
		page, err := retrying(ctx, func() (*kinesis.ListShardsOutput, error) { return c.api.ListShards(ctx, in) })
		if err != nil {
			return nil, c.explain("listing shards", err)
		}
		out = append(out, page.Shards...)
		if page.NextToken == nil {
			return out, nil
		}
		in = &kinesis.ListShardsInput{NextToken: page.NextToken}
	}
}

// iterator gets a shard iterator. seq or at (milliseconds) is given where the type wants it.
func (c *client) iterator(ctx context.Context, shard string, kind ktypes.ShardIteratorType, seq string, at int64) (string, error) {
	in := &kinesis.GetShardIteratorInput{StreamName: c.short, StreamARN: c.arn, ShardId: aws.String(shard), ShardIteratorType: kind}
	if seq != "" {
		in.StartingSequenceNumber = aws.String(seq)
	}
	if kind == ktypes.ShardIteratorTypeAtTimestamp {
		in.Timestamp = aws.Time(time.UnixMilli(at))
	}
	out, err := retrying(ctx, func() (*kinesis.GetShardIteratorOutput, error) { return c.api.GetShardIterator(ctx, in) })
	if err != nil {
		return "", c.explain("shard "+shard, err)
	}
	return aws.ToString(out.ShardIterator), nil
}

func (c *client) records(ctx context.Context, iterator string, limit int) (*kinesis.GetRecordsOutput, error) {
	return c.api.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: aws.String(iterator), StreamARN: c.arn, Limit: aws.Int32(int32(limit))})
}

// explain names the stream in an error.
func (c *client) explain(what string, err error) error {
	var missing *ktypes.ResourceNotFoundException
	if errors.As(err, &missing) {
		hint := "create it, or correct 'stream' (or 'stream.arn'), 'aws.region' and 'aws.endpoint' of the table"
		if c.local {
			hint = "the embedded Kinesis server does not have it; create it with: aws kinesis create-stream --stream-name " + c.name + " --endpoint-url http://127.0.0.1:4567, or go to AWS with --aws"
		}
		return fmt.Errorf("there is no stream %q: %s", c.name, hint)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return wa.Explain(fmt.Sprintf("stream %q, %s", c.name, what), err)
}

// retrying repeats a call that may pass, for about half a minute.
func retrying[T any](ctx context.Context, call func() (T, error)) (T, error) {
	wait := 100 * time.Millisecond
	for try := 0; ; try++ {
		out, err := call()
		if err == nil || try == 8 || wa.Classify(err) == wa.Fatal || ctx.Err() != nil {
			return out, err
		}
		select {
		case <-ctx.Done():
			return out, ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, 5*time.Second)
	}
}

// streamName is the stream's short name.
func (c *config) streamName() string {
	if c.stream != "" {
		return c.stream
	}
	_, name, _ := strings.Cut(c.arn, ":stream/")
	return name
}

// arnRegion is the region that the ARN names.
func (c *config) arnRegion() string {
	if parts := strings.Split(c.arn, ":"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}
