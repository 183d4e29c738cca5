package rig

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Record is a record of a stream.
type Record struct {
	Data         []byte
	PartitionKey string
}

// Arrived is a record that was read.
type Arrived struct {
	Data                        []byte
	PartitionKey                string
	ApproximateArrivalTimestamp float64 // seconds
	// Read is when it was read.
	Read time.Time `json:"-"`
}

// At is when the server took it.
func (a *Arrived) At() time.Time {
	return time.UnixMilli(int64(a.ApproximateArrivalTimestamp*1000 + 0.5))
}

// mostRecords is how many records one request puts.
const mostRecords = 500

// Streams makes streams.
func (r *Rig) Streams(ctx context.Context, shards int, names ...string) error {
	for _, name := range names {
		if err := r.Client.Call(ctx, "CreateStream", map[string]any{"StreamName": name, "ShardCount": shards}, nil); err != nil {
			return fmt.Errorf("create stream %q: %w", name, err)
		}
	}
	return nil
}

// Put puts records, in their order.
func (r *Rig) Put(ctx context.Context, stream string, records []Record) error {
	for len(records) > 0 {
		some := records[:min(len(records), mostRecords)]
		records = records[len(some):]
		var reply struct{ FailedRecordCount int }
		if err := r.Client.Call(ctx, "PutRecords", map[string]any{"StreamName": stream, "Records": some}, &reply); err != nil {
			return err
		}
		if reply.FailedRecordCount > 0 {
			return fmt.Errorf("stream %q refused %d records", stream, reply.FailedRecordCount)
		}
	}
	return nil
}

// Tail reads all records of a stream from its beginning, shard by shard at once, until take says that it is enough or ctx
// ends. take is called by one goroutine at a time; with nil where a shard has nothing new.
func (r *Rig) Tail(ctx context.Context, stream string, take func(a *Arrived) (enough bool)) error {
	var list struct{ Shards []struct{ ShardId string } }
	if err := r.Client.Call(ctx, "ListShards", map[string]any{"StreamName": stream}, &list); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var one sync.Mutex
	var wait sync.WaitGroup
	errs := make([]error, len(list.Shards))
	for i, s := range list.Shards {
		wait.Go(func() {
			errs[i] = r.tailShard(ctx, stream, s.ShardId, func(a *Arrived) {
				one.Lock()
				defer one.Unlock()
				if ctx.Err() == nil && take(a) {
					stop()
				}
			})
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// tailPause is between reads of a shard that has nothing new.
const tailPause = 2 * time.Millisecond

func (r *Rig) tailShard(ctx context.Context, stream, shard string, take func(a *Arrived)) error {
	var it struct{ ShardIterator string }
	err := r.Client.Call(ctx, "GetShardIterator", map[string]any{"StreamName": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}, &it)
	for at := it.ShardIterator; at != "" && err == nil; {
		var got struct {
			Records           []*Arrived
			NextShardIterator string
		}
		if err = r.Client.Call(ctx, "GetRecords", map[string]any{"ShardIterator": at}, &got); err != nil {
			break
		}
		at = got.NextShardIterator
		now := time.Now()
		for _, a := range got.Records {
			a.Read = now
			take(a)
		}
		if len(got.Records) == 0 {
			take(nil)
			select {
			case <-ctx.Done():
			case <-time.After(tailPause):
			}
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}
