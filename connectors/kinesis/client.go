package kinesis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	ktypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"weir/connectors"
	wa "weir/connectors/aws"
)

// client is the Kinesis API of one stream. It is used by all readers of a source at once.
type client struct {
	env     *connectors.Env
	session wa.Session
	name    string // as the user wrote it: name or ARN
	arn     *string
	short   *string
	// embedded: the endpoint is the session's, which may move when the process that owns the server ends.
	embedded bool
	// fast: a server on this machine that has no limit of reads a second.
	fast bool

	mu       sync.Mutex
	api      *kinesis.Client
	endpoint string
	fails    int  // calls since the last that was answered
	away     bool // the user was told that the server does not answer
}

// connect makes the client of the table's stream. Without an endpoint or a wish for AWS, the
// embedded server is used, and started if need be.
func (c *config) connect(ctx context.Context, env *connectors.Env) (*client, error) {
	out := &client{name: c.streamName(), session: c.session, env: env} // a copy: the plan's options stay as they were written
	if out.session.Region == "" {
		out.session.Region = c.arnRegion()
	}
	out.embedded = c.session.Endpoint == "" && env.LocalKinesis != nil
	if c.arn != "" && !out.embedded {
		out.arn = aws.String(c.arn)
	} else {
		out.short = aws.String(c.streamName())
	}
	return out, out.dial(ctx)
}

// dial makes the API's client, for the endpoint of now.
func (c *client) dial(ctx context.Context) error {
	session := c.session
	if c.embedded {
		endpoint, err := c.env.LocalKinesis(ctx)
		if err != nil {
			return fmt.Errorf("embedded Kinesis server: %w", err)
		}
		session.UseLocal(endpoint)
		c.fast = wa.Loopback(endpoint)
	}
	cfg, err := session.Config(ctx)
	if err != nil {
		return fmt.Errorf("stream %q: %w", c.name, err)
	}
	// Whoever calls retries, and tells what for: not the SDK too.
	c.api = kinesis.NewFromConfig(cfg, func(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} })
	c.endpoint = aws.ToString(cfg.BaseEndpoint)
	return nil
}

// calls gives the API's client.
func (c *client) calls() *kinesis.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.api
}

// failed is told of a call's error that will be tried again. When nobody answers at the embedded server's
// address, another process may have taken over, or this one must.
func (c *client) failed(ctx context.Context, err error) {
	if !wa.IsNetwork(err) || ctx.Err() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.embedded {
		if err := c.dial(ctx); err != nil {
			c.env.Logger.Warn("kinesis: no server to go on with", "stream", c.name, "error", err.Error())
		}
	}
	if c.fails++; !c.away && c.fails > 1 {
		c.away = true
		c.env.Warn(fmt.Sprintf("stream %q: %s; trying again", c.name, wa.Root(err)))
	}
}

// answered is told that a call went through.
func (c *client) answered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fails = 0
	if c.away {
		c.away = false
		c.env.Warn(fmt.Sprintf("stream %q: the server answers again", c.name))
	}
}

// shards lists all shards of the stream.
func (c *client) shards(ctx context.Context, tries int) ([]ktypes.Shard, error) {
	in := &kinesis.ListShardsInput{StreamName: c.short, StreamARN: c.arn}
	var out []ktypes.Shard
	for {
		page, err := retrying(ctx, c, tries, func() (*kinesis.ListShardsOutput, error) { return c.calls().ListShards(ctx, in) })
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

// iterator gets a shard iterator, and the server's clock then, in milliseconds, rounded down to seconds; 0
// is unknown. seq or at (milliseconds) is given where the type wants it.
func (c *client) iterator(ctx context.Context, shard string, kind ktypes.ShardIteratorType, seq string, at int64) (string, int64, error) {
	in := &kinesis.GetShardIteratorInput{StreamName: c.short, StreamARN: c.arn, ShardId: aws.String(shard), ShardIteratorType: kind}
	if seq != "" {
		in.StartingSequenceNumber = aws.String(seq)
	}
	if kind == ktypes.ShardIteratorTypeAtTimestamp {
		in.Timestamp = aws.Time(time.UnixMilli(at))
	}
	out, err := c.calls().GetShardIterator(ctx, in)
	if err != nil {
		return "", 0, err
	}
	c.answered()
	now := int64(0)
	if t, ok := middleware.GetServerTime(out.ResultMetadata); ok {
		now = t.UnixMilli()
	}
	return aws.ToString(out.ShardIterator), now, nil
}

func (c *client) records(ctx context.Context, iterator string, limit int) (*kinesis.GetRecordsOutput, error) {
	out, err := c.calls().GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: aws.String(iterator), StreamARN: c.arn, Limit: aws.Int32(int32(limit))})
	if err == nil {
		c.answered()
	}
	return out, err
}

func (c *client) put(ctx context.Context, batch []ktypes.PutRecordsRequestEntry) (*kinesis.PutRecordsOutput, error) {
	out, err := c.calls().PutRecords(ctx, &kinesis.PutRecordsInput{Records: batch, StreamName: c.short, StreamARN: c.arn})
	if err == nil {
		c.answered()
	}
	return out, err
}

// explain names the stream in an error.
func (c *client) explain(what string, err error) error {
	var missing *ktypes.ResourceNotFoundException
	if errors.As(err, &missing) {
		hint := "create it, or correct 'stream' (or 'stream.arn'), 'aws.region' and 'aws.endpoint' of the table"
		if c.embedded {
			hint = "the server at " + c.endpoint + " does not have it; create it with: aws kinesis create-stream --stream-name " + c.name +
				" --shard-count 1 --endpoint-url " + c.endpoint + ", or go to AWS with --aws"
		}
		return wa.Explained(err, "there is no stream %q: %s", c.name, hint)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return wa.Explain(fmt.Sprintf("stream %q, %s", c.name, what), err)
}

// startTries is how often a call at the start is tried: about seven seconds in all.
const startTries = 8

// retrying repeats a call that may pass for a while: at the start, nobody wants to wait for long to learn
// that an address is wrong.
func retrying[T any](ctx context.Context, c *client, tries int, call func() (T, error)) (T, error) {
	wait := 100 * time.Millisecond
	for try := 1; ; try++ {
		out, err := call()
		if err == nil {
			c.answered()
			return out, nil
		}
		if try == tries || wa.Classify(err) == wa.Fatal || ctx.Err() != nil {
			return out, err
		}
		c.failed(ctx, err)
		if err := connectors.Sleep(ctx, wait); err != nil {
			return out, err
		}
		wait = min(2*wait, 2*time.Second)
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
