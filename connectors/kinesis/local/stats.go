package local

import (
	"sync/atomic"
	"time"
)

// shardStats count what went through a shard since the server started. They are metrics: read without a lock, one
// by one.
type shardStats struct {
	inRecords, inBytes   atomic.Int64
	outRecords, outBytes atomic.Int64
	writeThrottled       atomic.Int64
	readThrottled        atomic.Int64
	iteratorAgeMs        atomic.Int64 // of the last record of the last read
}

func (c *shardStats) wrote(records, bytes int) {
	c.inRecords.Add(int64(records))
	c.inBytes.Add(int64(bytes))
}

// gave counts a page; ageMs is negative for fan-out, which has no iterator.
func (c *shardStats) gave(page *recordPage, ageMs int64) {
	c.outRecords.Add(int64(page.count))
	c.outBytes.Add(int64(page.bytes))
	if ageMs >= 0 {
		c.iteratorAgeMs.Store(ageMs)
	}
}

// callStats count the calls of one operation on a stream.
type callStats struct {
	calls, succeeded atomic.Int64
	micros           atomic.Int64
	records, bytes   atomic.Int64
}

// since counts a call which began then.
func (c *callStats) since(began time.Time, ok bool) {
	c.calls.Add(1)
	c.micros.Add(time.Since(began).Microseconds())
	if ok {
		c.succeeded.Add(1)
	}
}

func (c *callStats) carried(records, bytes int) {
	c.records.Add(int64(records))
	c.bytes.Add(int64(bytes))
}

// streamStats count what went through a stream, over all its shards, also those which are gone.
type streamStats struct {
	shardStats
	putRecord, putRecords, getRecords callStats
	throttledRecords                  atomic.Int64 // of PutRecords, for the limits of shards
	subscribe, subscribeEvent         callStats
	subscribeRefused                  atomic.Int64
	behindMs                          atomic.Int64 // of the last event
}
