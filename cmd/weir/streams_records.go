package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"weir/connectors/kinesis/local"
)

const (
	putBatch      = 500
	putBatchBytes = 4 << 20
	putAttempts   = 8
	maxPutLine    = 10 << 20
	tailPause     = 250 * time.Millisecond // between reads of a shard: the service allows five a second
)

type putEntry struct {
	Data            []byte
	PartitionKey    string
	ExplicitHashKey string `json:",omitempty"`
}

func (s *streamsClient) putCommand() *cobra.Command {
	var key, hash string
	c := &cobra.Command{Use: "put STREAM [DATA...]", Short: "Put records: the arguments, or the lines of standard input", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			put := &putter{client: s, stream: args[0]}
			add := func(data []byte) error {
				entry := putEntry{Data: data, PartitionKey: key, ExplicitHashKey: hash}
				if key == "" {
					entry.PartitionKey = strconv.FormatUint(rand.Uint64(), 36)
				}
				return put.add(c.Context(), entry)
			}
			for _, data := range args[1:] {
				if err := add([]byte(data)); err != nil {
					return err
				}
			}
			if len(args) == 1 {
				if err := eachLine(c.InOrStdin(), add); err != nil {
					return err
				}
			}
			if err := put.flush(c.Context()); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "%d records put\n", put.done)
			return nil
		}}
	c.Flags().StringVar(&key, "key", "", "partition key of all records (default a random one each)")
	c.Flags().StringVar(&hash, "hash", "", "explicit hash key of all records")
	return c
}

// eachLine gives lines without their ends. Each line is the callee's to keep.
func eachLine(r io.Reader, f func([]byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxPutLine)
	for lines.Scan() {
		if err := f(slices.Clone(lines.Bytes())); err != nil {
			return err
		}
	}
	return lines.Err()
}

// putter gathers records into batches and sends again those which were refused for the time being.
type putter struct {
	client *streamsClient
	stream string
	batch  []putEntry
	bytes  int
	done   int
}

func (p *putter) add(ctx context.Context, e putEntry) error {
	p.batch = append(p.batch, e)
	p.bytes += len(e.Data) + len(e.PartitionKey)
	if len(p.batch) < putBatch && p.bytes < putBatchBytes {
		return nil
	}
	return p.flush(ctx)
}

func (p *putter) flush(ctx context.Context) error {
	for attempt := 0; len(p.batch) > 0; attempt++ {
		var reply struct {
			Records []struct{ ErrorCode, ErrorMessage string }
		}
		if err := p.client.call(ctx, "PutRecords", map[string]any{"StreamName": p.stream, "Records": p.batch}, &reply); err != nil {
			return err
		}
		if len(reply.Records) != len(p.batch) {
			return errors.New("the answer to PutRecords has another number of records than the request")
		}
		var again []putEntry
		var code, message string
		for i, r := range reply.Records {
			if r.ErrorCode != "" {
				again, code, message = append(again, p.batch[i]), r.ErrorCode, r.ErrorMessage
			}
		}
		p.done += len(p.batch) - len(again)
		p.batch = again
		if len(again) > 0 && attempt == putAttempts {
			return fmt.Errorf("%d records were refused %d times: %s: %s", len(again), attempt, code, message)
		}
		if len(again) > 0 {
			if err := sleepFor(ctx, min(time.Second, 50*time.Millisecond<<attempt)); err != nil {
				return err
			}
		}
	}
	p.bytes = 0
	return nil
}

// tailing is one run of weir streams tail.
type tailing struct {
	client *streamsClient
	stream string
	shard  string
	from   string
	output string
	limit  int
	once   bool

	out       *bufio.Writer
	shown     int
	iterators map[string]string // by shard being read
	ended     map[string]bool
}

func (s *streamsClient) tailCommand() *cobra.Command {
	t := &tailing{client: s}
	c := &cobra.Command{Use: "tail STREAM", Short: "Show records as they arrive, decoded", Args: cobra.ExactArgs(1),
		Long: `Shows records as they arrive: JSON, text, gzip and the aggregates of the Kinesis Producer Library are
decoded, other bytes are hex digits. Shards which are split or merged are followed into their children.`,
		RunE: func(c *cobra.Command, args []string) error {
			t.stream, t.out = args[0], bufio.NewWriter(c.OutOrStdout())
			err := t.run(c.Context())
			if flushErr := t.out.Flush(); err == nil {
				err = flushErr
			}
			if errors.Is(err, context.Canceled) {
				return nil // interrupting is how it ends
			}
			return err
		}}
	c.Flags().StringVar(&t.from, "from", "latest", "where to begin: latest, trim, a time like 2026-01-02T15:04:05Z or an age like 10m")
	c.Flags().StringVar(&t.shard, "shard", "", "one shard alone, by number or id")
	c.Flags().StringVarP(&t.output, "output", "o", "text", "text (with key, shard and time), json (a line a record) or data (the data alone)")
	c.Flags().IntVarP(&t.limit, "limit", "n", 0, "end after so many records")
	c.Flags().BoolVar(&t.once, "once", false, "end at the newest record instead of waiting for more")
	return c
}

// start is the members of GetShardIterator for --from.
func (t *tailing) start(now time.Time) (map[string]any, error) {
	if t.output != "text" && t.output != "json" && t.output != "data" {
		return nil, usageError{fmt.Errorf("--output %q: it can be text, json or data", t.output)}
	}
	switch t.from {
	case "latest":
		return map[string]any{"ShardIteratorType": "LATEST"}, nil
	case "trim":
		return map[string]any{"ShardIteratorType": "TRIM_HORIZON"}, nil
	}
	at, err := time.Parse(time.RFC3339, t.from)
	if age, ageErr := time.ParseDuration(t.from); ageErr == nil && age >= 0 {
		at, err = now.Add(-age), nil
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("--from %q: it can be latest, trim, a time like 2026-01-02T15:04:05Z or an age like 10m", t.from)}
	}
	return map[string]any{"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": float64(at.UnixMilli()) / 1000}, nil
}

func (t *tailing) run(ctx context.Context) error {
	start, err := t.start(time.Now())
	if err != nil {
		return err
	}
	shards, err := t.client.shards(ctx, t.stream)
	if err != nil {
		return err
	}
	t.iterators, t.ended = map[string]string{}, map[string]bool{}
	known := map[string]bool{}
	for _, sh := range shards {
		known[sh.ShardId] = true
	}
	for _, sh := range shards {
		// Children of shards which are read themselves follow after their parents.
		parentRead := known[sh.ParentShardId] && start["ShardIteratorType"] != "LATEST"
		closed := sh.SequenceNumberRange.EndingSequenceNumber != ""
		if t.shard != "" && sh.ShardId != shardID(t.shard) || t.shard == "" && (parentRead || closed && start["ShardIteratorType"] == "LATEST") {
			continue
		}
		if err := t.begin(ctx, sh.ShardId, start); err != nil {
			return err
		}
	}
	if len(t.iterators) == 0 && t.shard != "" {
		return fmt.Errorf("stream %q has no shard %q: see 'weir streams describe %s'", t.stream, t.shard, t.stream)
	}
	return t.read(ctx)
}

func (t *tailing) begin(ctx context.Context, shard string, start map[string]any) error {
	request := map[string]any{"StreamName": t.stream, "ShardId": shard}
	for k, v := range start {
		request[k] = v
	}
	var reply struct{ ShardIterator string }
	err := t.client.call(ctx, "GetShardIterator", request, &reply)
	t.iterators[shard] = reply.ShardIterator
	return err
}

// read goes round the shards until the limit, or with --once until nothing is behind the newest record.
func (t *tailing) read(ctx context.Context) error {
	for len(t.iterators) > 0 {
		behind, order := false, make([]string, 0, len(t.iterators))
		for shard := range t.iterators {
			order = append(order, shard)
		}
		slices.Sort(order)
		for _, shard := range order {
			more, err := t.readShard(ctx, shard)
			if err != nil || t.limit > 0 && t.shown >= t.limit {
				return err
			}
			behind = behind || more
		}
		if t.once && !behind {
			return nil
		}
		if err := t.out.Flush(); err != nil {
			return err
		}
		if err := sleepFor(ctx, tailPause); err != nil {
			return err
		}
	}
	return nil
}

// tailRecord is a record as GetRecords gives it.
type tailRecord struct {
	SequenceNumber, PartitionKey string
	ApproximateArrivalTimestamp  float64
	Data                         []byte
}

func (t *tailing) readShard(ctx context.Context, shard string) (more bool, err error) {
	var page struct {
		Records            []tailRecord
		NextShardIterator  string
		MillisBehindLatest int64
		ChildShards        []struct {
			ShardId      string
			ParentShards []string
		}
	}
	err = t.client.call(ctx, "GetRecords", map[string]any{"ShardIterator": t.iterators[shard], "Limit": 1000}, &page)
	var api *local.APIError
	if errors.As(err, &api) && api.Code == "ProvisionedThroughputExceededException" {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	for i := range page.Records {
		if err := t.show(shard, &page.Records[i]); err != nil || t.limit > 0 && t.shown >= t.limit {
			return false, err
		}
	}
	if page.NextShardIterator != "" {
		t.iterators[shard] = page.NextShardIterator
		return page.MillisBehindLatest > 0, nil
	}
	delete(t.iterators, shard)
	t.ended[shard] = true
	for _, child := range page.ChildShards {
		// The child of a merge begins when its last parent has ended, so that order by key is kept.
		waits := slices.ContainsFunc(child.ParentShards, func(p string) bool { return t.iterators[p] != "" })
		if t.shard != "" || waits || t.ended[child.ShardId] || t.iterators[child.ShardId] != "" {
			continue
		}
		if err := t.begin(ctx, child.ShardId, map[string]any{"ShardIteratorType": "TRIM_HORIZON"}); err != nil {
			return false, err
		}
		more = true
	}
	return more, nil
}

func (t *tailing) show(shard string, r *tailRecord) error {
	for _, v := range local.ViewRecord(r.PartitionKey, r.Data) {
		if t.limit > 0 && t.shown >= t.limit {
			return nil
		}
		t.shown++
		at := time.UnixMilli(int64(r.ApproximateArrivalTimestamp*1000 + 0.5)).UTC().Format("2006-01-02T15:04:05.000Z")
		var err error
		switch t.output {
		case "data":
			_, err = fmt.Fprintln(t.out, v.Text)
		case "json":
			err = json.NewEncoder(t.out).Encode(struct {
				Shard    string `json:"shard"`
				Sequence string `json:"sequence"`
				At       string `json:"at"`
				local.View
			}{shard, r.SequenceNumber, at, v})
		default:
			_, err = fmt.Fprintf(t.out, "%s  %s  %s  %s\n", at, shardNumber(shard), v.PartitionKey, v.Text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
