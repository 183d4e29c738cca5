package kinesis

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	ktypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"weir/connectors"
	wa "weir/connectors/aws"
)

// reader polls one shard, within AWS's five reads a second.
type reader struct {
	src      *source
	api      *client
	shard    string
	at       offset
	iter     string
	next     time.Time // no read before this
	backoff  time.Duration
	outage   outage
	quiet    int // reads in a row that brought nothing
	expired  int // iterators in a row that were too old
	recs     []record
	ended    bool
	millisBy int64
	tip      int64 // of a read that is bounded by the tip: arrival time, milliseconds, behind which nothing counts; 0: not known yet
}

// Close has nothing to release.
func (r *reader) Close() error { return nil }

// Next gives what one GetRecords brought, nothing after an empty one, io.EOF at the end of a closed
// shard or of a bounded read.
func (r *reader) Next(ctx context.Context, c *connectors.Chunk) error {
	c.Data, c.Beg, c.End, c.Meta = c.Data[:0], c.Beg[:0], c.End[:0], nil
	if r.ended {
		return io.EOF
	}
	if err := connectors.Sleep(ctx, r.next.Sub(r.src.env.Now())); err != nil {
		return err
	}
	out, err := r.poll(ctx)
	if err != nil || out == nil {
		return err
	}
	r.backoff, r.expired = 0, 0
	r.outage.over()
	r.millisBy = aws.ToInt64(out.MillisBehindLatest)
	if out.NextShardIterator == nil {
		r.ended = true // the shard is closed and read to its end
	} else {
		r.iter = *out.NextShardIterator
	}
	r.schedule(len(out.Records))
	return r.fill(c, out)
}

// poll makes one call. A nil result without an error means: nothing this time.
func (r *reader) poll(ctx context.Context) (*kinesis.GetRecordsOutput, error) {
	if r.iter == "" {
		it, err := r.open(ctx)
		if err != nil {
			return nil, r.retry(ctx, err)
		}
		r.iter = it
	}
	out, err := r.api.records(ctx, r.iter, r.src.cfg.maxRecords)
	var expired *ktypes.ExpiredIteratorException
	if errors.As(err, &expired) {
		r.iter = ""
		r.outage.over()
		if r.expired++; r.expired > 1 {
			r.wait()
		}
		return nil, nil
	}
	if err != nil {
		return nil, r.retry(ctx, err)
	}
	return out, nil
}

// open gets an iterator for the place after the last record read.
func (r *reader) open(ctx context.Context) (it string, err error) {
	switch {
	case r.at.Sub > 0:
		it, _, err = r.api.iterator(ctx, r.shard, ktypes.ShardIteratorTypeAtSequenceNumber, r.at.Seq, 0)
	case r.at.Seq != "":
		it, _, err = r.api.iterator(ctx, r.shard, ktypes.ShardIteratorTypeAfterSequenceNumber, r.at.Seq, 0)
	case r.at.At != 0:
		it, _, err = r.api.iterator(ctx, r.shard, ktypes.ShardIteratorTypeAtTimestamp, "", r.at.At)
	default:
		it, _, err = r.api.iterator(ctx, r.shard, ktypes.ShardIteratorTypeTrimHorizon, "", 0)
	}
	var missing *ktypes.ResourceNotFoundException
	if errors.As(err, &missing) && r.gone(ctx) {
		r.src.env.Warn("stream \"" + r.api.name + "\": shard " + r.shard + " is gone: its records are older than the stream keeps them, and what was not read yet is lost")
		r.ended = true
		return "", io.EOF
	}
	return it, err
}

// gone tells whether the stream is there, without the shard: its records have outlived the retention.
func (r *reader) gone(ctx context.Context) bool {
	shards, err := r.api.shards(ctx, 1)
	if err != nil {
		return false
	}
	for _, sh := range shards {
		if aws.ToString(sh.ShardId) == r.shard {
			return false
		}
	}
	return true
}

// retry waits longer after each failure that may pass; others are the user's to mend.
func (r *reader) retry(ctx context.Context, err error) error {
	if ctx.Err() != nil || err == io.EOF {
		return err
	}
	switch wa.Classify(err) {
	case wa.Fatal:
		return r.api.explain("shard "+r.shard, err)
	case wa.Throttled:
		r.src.env.Logger.Debug("kinesis: read throttled", "stream", r.api.name, "shard", r.shard)
	default:
		r.src.env.Logger.Warn("kinesis: read failed, trying again", "stream", r.api.name, "shard", r.shard, "error", err.Error())
		r.api.failed(ctx, err)
	}
	if err := r.outage.bears(r.api, "shard "+r.shard, err); err != nil {
		return err
	}
	r.wait()
	return nil
}

// wait puts the next read off, twice as long each time.
func (r *reader) wait() {
	r.backoff = min(max(2*r.backoff, 200*time.Millisecond), 10*time.Second)
	jitter := time.Duration(r.src.env.Random() % uint64(r.backoff/2))
	r.next = r.src.env.Now().Add(r.backoff/2 + jitter)
}

const (
	minReadInterval = 200 * time.Millisecond // AWS: five reads a second of a shard
	localPoll       = 25 * time.Millisecond
	localQuietPoll  = 150 * time.Millisecond
	quietReads      = 40 // after a second without a record
)

// schedule sets when the next read may be: at once on this machine's server when there is more, else soon, or
// not so soon when nothing has come for a while; after 200 ms on AWS, and a little later when nothing came.
func (r *reader) schedule(records int) {
	if r.quiet++; records > 0 {
		r.quiet = 0
	}
	wait := minReadInterval
	switch {
	case r.api.fast && (records > 0 || r.millisBy > 0):
		wait = localPoll
		if r.millisBy > 0 {
			wait = 0
		}
	case r.api.fast && r.quiet > quietReads:
		wait = localQuietPoll
	case r.api.fast:
		wait = localPoll
	case records == 0:
		wait = max(wait, r.src.cfg.emptyWait)
	}
	r.next = r.src.env.Now().Add(wait)
}

// within drops what lies behind the end of a bounded read.
func (r *reader) within(out *kinesis.GetRecordsOutput) []ktypes.Record {
	recs := out.Records
	end := int64(0)
	switch r.src.cfg.bounded {
	case "unbounded":
		return recs
	case "timestamp":
		end = r.src.cfg.boundMillis
	case "latest":
		if r.tip == 0 {
			r.tip = tipOf(out, r.src.env.Now())
		}
		end = r.tip
	}
	for i := range recs {
		if aws.ToTime(recs[i].ApproximateArrivalTimestamp).UnixMilli() >= end {
			r.ended = true
			return recs[:i]
		}
	}
	// The tip is where a read brings nothing: not every server tells how far behind it is.
	if len(recs) == 0 && r.millisBy == 0 && (r.src.cfg.bounded == "latest" || r.src.env.Now().UnixMilli() >= end) {
		r.ended = true
	}
	return recs
}

// tipOf is the time after which records came later than the reply, by the clock of the server, which tells
// seconds only.
func tipOf(out *kinesis.GetRecordsOutput, now time.Time) int64 {
	if t, ok := middleware.GetServerTime(out.ResultMetadata); ok {
		now = t
	}
	return now.UnixMilli() + 1000
}
