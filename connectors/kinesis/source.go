package kinesis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	ktypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"weir/connectors"
	wa "weir/connectors/aws"
)

// source reads a stream by polling its shards.
type source struct {
	cfg    *config
	env    *connectors.Env
	scan   connectors.Scan
	decode func() (connectors.Decoder, error)
	api    *client
}

// offset is a place in a shard. Seq is the last record read; without it the shard is read from At
// (arrival time, milliseconds), or from its beginning when At is 0. Iterator, where it is fresh, is
// the exact position that was held at At.
type offset struct {
	Seq      string `json:"seq,omitempty"`
	At       int64  `json:"at,omitempty"`
	Iterator string `json:"it,omitempty"`
}

// iteratorLife is how long a held iterator is used; AWS ends them after 5 minutes.
const iteratorLife = 4 * time.Minute

func (o offset) encode() connectors.Offset {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return b
}

func decodeOffset(raw connectors.Offset) (offset, error) {
	var o offset
	if raw == nil {
		return o, nil
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return o, fmt.Errorf("kinesis: unreadable offset in the checkpoint: %w", err)
	}
	return o, nil
}

// connect makes the client at the first call.
func (s *source) connect(ctx context.Context) (*client, error) {
	if s.api != nil {
		return s.api, nil
	}
	api, err := s.cfg.connect(ctx, s.env)
	s.api = api
	return api, err
}

// Splits lists the shards. Children name their parents, which are read first.
func (s *source) Splits(ctx context.Context) ([]connectors.Split, error) {
	api, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	shards, err := api.shards(ctx)
	if err != nil {
		return nil, err
	}
	known := make(map[string]bool, len(shards))
	for _, sh := range shards {
		known[aws.ToString(sh.ShardId)] = true
	}
	var out []connectors.Split
	for _, sh := range shards {
		sp := connectors.Split{ID: aws.ToString(sh.ShardId)}
		for _, p := range []*string{sh.ParentShardId, sh.AdjacentParentShardId} {
			if p != nil && known[*p] {
				sp.Parents = append(sp.Parents, *p)
			}
		}
		out = append(out, sp)
	}
	return out, nil
}

// Discovery is how often new shards are looked for.
func (s *source) Discovery() time.Duration {
	if s.Bounded() {
		return 0
	}
	return s.cfg.discovery
}

// Bounded tells whether the table says where to stop.
func (s *source) Bounded() bool { return s.cfg.bounded != "unbounded" }

// PerSplitWatermarks is true: a slow shard must not be overrun by a fast one.
func (s *source) PerSplitWatermarks() bool { return true }

// Decoder gives the format's decoder.
func (s *source) Decoder() (connectors.Decoder, error) { return s.decode() }

// Position holds the place in a shard where the options say to begin. For LATEST that is a tip that
// no later record escapes. A closed shard is skipped by LATEST.
func (s *source) Position(ctx context.Context, sp connectors.Split) (connectors.Offset, error) {
	api, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	switch s.cfg.position {
	case "TRIM_HORIZON":
		return nil, nil
	case "AT_TIMESTAMP":
		return offset{At: s.cfg.from.UnixMilli()}.encode(), nil
	}
	at := s.env.Now().UnixMilli()
	it, err := api.iterator(ctx, sp.ID, ktypes.ShardIteratorTypeLatest, "", 0)
	if err != nil {
		return nil, err
	}
	return offset{At: at, Iterator: it}.encode(), nil
}

// Read opens a shard; without an offset (a shard that appeared later) from its beginning.
func (s *source) Read(ctx context.Context, sp connectors.Split, from connectors.Offset) (connectors.SplitReader, error) {
	o, err := decodeOffset(from)
	if err != nil {
		return nil, err
	}
	api, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	r := &reader{src: s, api: api, shard: sp.ID, at: o, opened: s.env.Now()}
	if o.Iterator != "" && r.opened.Sub(time.UnixMilli(o.At)) < iteratorLife {
		r.iter = o.Iterator
	}
	return r, nil
}

// reader polls one shard, within AWS's five reads a second.
type reader struct {
	src      *source
	api      *client
	shard    string
	at       offset
	opened   time.Time
	iter     string
	next     time.Time // no read before this
	backoff  time.Duration
	seqs     []string
	keys     []string
	ended    bool
	tipped   bool // caught up with the tip since opened
	millisBy int64
}

// Close has nothing to release.
func (r *reader) Close() error { return nil }

// Next gives what one GetRecords brought, nothing after an empty one, io.EOF at the end of a closed
// shard or of a bounded read.
func (r *reader) Next(ctx context.Context, c *connectors.Chunk) error {
	c.Data, c.Beg, c.End, c.Meta = c.Data[:0], c.Beg[:0], c.End[:0], nil
	if r.ended {
		return errEnd
	}
	if err := r.pause(ctx); err != nil {
		return err
	}
	out, err := r.poll(ctx)
	if err != nil || out == nil {
		return err
	}
	r.backoff = 0
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
			return nil, r.retry(err)
		}
		r.iter = it
	}
	out, err := r.api.records(ctx, r.iter, r.src.cfg.maxRecords)
	var expired *ktypes.ExpiredIteratorException
	if errors.As(err, &expired) {
		r.iter = ""
		return nil, nil
	}
	if err != nil {
		return nil, r.retry(err)
	}
	return out, nil
}

// open gets an iterator for the place after the last record read.
func (r *reader) open(ctx context.Context) (string, error) {
	switch {
	case r.at.Seq != "":
		return r.api.iterator(ctx, r.shard, ktypes.ShardIteratorTypeAfterSequenceNumber, r.at.Seq, 0)
	case r.at.At != 0:
		return r.api.iterator(ctx, r.shard, ktypes.ShardIteratorTypeAtTimestamp, "", r.at.At)
	}
	return r.api.iterator(ctx, r.shard, ktypes.ShardIteratorTypeTrimHorizon, "", 0)
}

// retry waits longer after each failure that may pass; others are the user's to mend.
func (r *reader) retry(err error) error {
	switch wa.Classify(err) {
	case wa.Fatal:
		return r.api.explain("shard "+r.shard, err)
	case wa.Throttled:
		r.src.env.Logger.Debug("kinesis: read throttled", "stream", r.api.name, "shard", r.shard)
	default:
		r.src.env.Logger.Warn("kinesis: read failed, trying again", "stream", r.api.name, "shard", r.shard, "error", err.Error())
	}
	r.backoff = min(max(2*r.backoff, 200*time.Millisecond), 10*time.Second)
	jitter := time.Duration(r.src.env.Random() % uint64(r.backoff/2))
	r.next = r.src.env.Now().Add(r.backoff/2 + jitter)
	return nil
}

// schedule sets when the next read may be: at once on this machine's server when there is more,
// after 200 ms on AWS (five reads a second for a shard), and a little later when nothing came.
func (r *reader) schedule(records int) {
	wait := minReadInterval
	switch {
	case r.api.local && records > 0 && r.millisBy > 0:
		wait = 0
	case r.api.local:
		wait = localPoll
	case records == 0:
		wait = max(wait, r.src.cfg.emptyWait)
	}
	r.next = r.src.env.Now().Add(wait)
}

const (
	minReadInterval = 200 * time.Millisecond
	localPoll       = 25 * time.Millisecond
)

func (r *reader) pause(ctx context.Context) error {
	d := r.next.Sub(r.src.env.Now())
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
