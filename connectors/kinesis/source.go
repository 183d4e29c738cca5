package kinesis

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ktypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"weir/connectors"
	wa "weir/connectors/aws"
)

// source reads a stream by polling its shards. Discovery and readers use it at once.
type source struct {
	cfg    *config
	env    *connectors.Env
	scan   connectors.Scan
	decode func() (connectors.Decoder, error)

	mu     sync.Mutex
	api    *client
	splits []connectors.Split // of the last listing; nil before the first
	shards map[string]shardInfo
}

// shardInfo is what a listing says of a shard.
type shardInfo struct {
	hashes hashRange
	ranged bool // hashes is known
	closed bool
	later  bool // it was not in the first listing: a child of shards that are read
}

// offset is a place in a shard. Seq is the last record read; with Sub > 0 only so many of the user records in
// it are read. Without Seq the shard is read from At (arrival time, milliseconds), or from its beginning when
// At is 0. Iterator, where it is fresh, is the exact position that was held at At. End: there is nothing to read.
type offset struct {
	Seq      string `json:"seq,omitempty"`
	Sub      int    `json:"sub,omitempty"`
	At       int64  `json:"at,omitempty"`
	Iterator string `json:"it,omitempty"`
	Held     int64  `json:"held,omitempty"` // of the iterator, by the clock of this machine
	End      bool   `json:"end,omitempty"`
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
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.api != nil {
		return s.api, nil
	}
	api, err := s.cfg.connect(ctx, s.env)
	if err != nil {
		return nil, err
	}
	s.api = api
	if s.cfg.readerType == "EFO" {
		s.env.Warn(fmt.Sprintf("stream %q: enhanced fan-out ('source.reader.type' = 'EFO') is read by polling", api.name))
	}
	return api, nil
}

// Splits lists the shards. Children name their parents, which are read first. Once reading is under way, a
// listing that fails in passing is not worth an end: the shards known are the answer, and the next one asks again.
func (s *source) Splits(ctx context.Context) ([]connectors.Split, error) {
	api, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	tries := 1
	if s.splits == nil {
		tries = startTries
	}
	s.mu.Unlock()
	shards, err := api.shards(ctx, tries)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if s.splits == nil || ctx.Err() != nil || wa.Classify(err) == wa.Fatal {
			return nil, err
		}
		s.env.Logger.Warn("kinesis: shards could not be listed, trying again later", "stream", api.name, "error", err.Error())
		return s.splits, nil
	}
	first := s.splits == nil
	if first {
		s.shards, s.splits = map[string]shardInfo{}, []connectors.Split{}
	}
	known := make(map[string]bool, len(shards))
	for _, sh := range shards {
		known[aws.ToString(sh.ShardId)] = true
		s.learn(sh, first)
	}
	s.splits = s.splits[:0:0]
	for _, sh := range shards {
		sp := connectors.Split{ID: aws.ToString(sh.ShardId)}
		for _, p := range []*string{sh.ParentShardId, sh.AdjacentParentShardId} {
			if p != nil && known[*p] {
				sp.Parents = append(sp.Parents, *p)
			}
		}
		s.splits = append(s.splits, sp)
	}
	return s.splits, nil
}

func (s *source) learn(sh ktypes.Shard, first bool) {
	id := aws.ToString(sh.ShardId)
	info, seen := s.shards[id]
	info.later = info.later || !seen && !first
	info.closed = sh.SequenceNumberRange != nil && sh.SequenceNumberRange.EndingSequenceNumber != nil
	if r := sh.HashKeyRange; r != nil {
		info.hashes, info.ranged = parseHashRange(aws.ToString(r.StartingHashKey), aws.ToString(r.EndingHashKey))
	}
	s.shards[id] = info
}

func (s *source) shard(id string) (shardInfo, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, ok := s.shards[id]
	return info, ok
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

// Position holds the place in a shard where the options say to begin. For LATEST that is a tip that no later
// record escapes; a shard that came later continues others, and begins at its beginning.
func (s *source) Position(ctx context.Context, sp connectors.Split) (connectors.Offset, error) {
	api, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	info, _ := s.shard(sp.ID)
	switch {
	case s.cfg.position == "AT_TIMESTAMP":
		return offset{At: s.cfg.from.UnixMilli()}.encode(), nil
	case s.cfg.position == "TRIM_HORIZON" || info.later:
		return nil, nil
	case info.closed:
		return offset{End: true}.encode(), nil
	}
	held := s.env.Now().UnixMilli()
	type tip struct {
		it string
		at int64
	}
	out, err := retrying(ctx, api, startTries, func() (tip, error) {
		it, at, err := api.iterator(ctx, sp.ID, ktypes.ShardIteratorTypeLatest, "", 0)
		return tip{it, at}, err
	})
	if err != nil {
		return nil, api.explain("shard "+sp.ID, err)
	}
	if out.at == 0 { // its clock counts: arrival times are its own
		out.at = held
	}
	return offset{At: out.at, Iterator: out.it, Held: held}.encode(), nil
}

// Read opens a shard; without an offset from its beginning.
func (s *source) Read(ctx context.Context, sp connectors.Split, from connectors.Offset) (connectors.SplitReader, error) {
	o, err := decodeOffset(from)
	if err != nil {
		return nil, err
	}
	api, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	r := &reader{src: s, api: api, shard: sp.ID, at: o, ended: o.End, outage: outage{most: s.cfg.outage}}
	if o.Iterator != "" && s.env.Now().Sub(time.UnixMilli(o.Held)) < iteratorLife {
		r.iter = o.Iterator
	}
	return r, nil
}
