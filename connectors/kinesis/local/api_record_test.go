package local

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func TestPutAndGet(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now})
	name := "s"
	r.create(name, 2)
	out := r.put(name, "a", "hello") // MD5 of "a" starts with 0c: the lower half
	same(t, "shard", *out.ShardId, shardID(0))
	same(t, "digits", len(*out.SequenceNumber), 56)
	ehk := ok(r.PutRecord(r.ctx, &kinesis.PutRecordInput{StreamName: &name, PartitionKey: aws.String("a"), Data: []byte("x"), ExplicitHashKey: aws.String(maxHash.String())}))(t)
	same(t, "shard by explicit hash key", *ehk.ShardId, shardID(1))
	records := r.drain(name, 0)
	same(t, "records", joined(records), "hello")
	same(t, "key", *records[0].PartitionKey, "a")
	same(t, "sequence number", *records[0].SequenceNumber, *out.SequenceNumber)
	same(t, "arrival", records[0].ApproximateArrivalTimestamp.UTC(), c.Now())

	// Odd bytes come back as they went: keys with quotes and umlauts, data of all values, no data.
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for key, data := range map[string]string{"\"ü\\\n": string(all), "empty": ""} {
		put := ok(r.PutRecord(r.ctx, &kinesis.PutRecordInput{StreamName: &name, PartitionKey: &key, Data: []byte(data), ExplicitHashKey: aws.String("0")}))(t)
		got := r.get(r.iterator(name, 0, types.ShardIteratorTypeAtSequenceNumber, *put.SequenceNumber), 1).Records[0]
		same(t, "key", *got.PartitionKey, key)
		same(t, "data", string(got.Data), data)
	}
}

func TestPutRecordsRoutesEach(t *testing.T) {
	r := newRig(t, Options{})
	name := "s"
	r.create(name, 4)
	in := &kinesis.PutRecordsInput{StreamARN: aws.String(r.server.streamARN(name))}
	for i := range 500 {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: []byte(fmt.Sprint(i)), PartitionKey: aws.String(fmt.Sprint("key-", i))})
	}
	out := ok(r.PutRecords(r.ctx, in))(t)
	same(t, "failed", *out.FailedRecordCount, 0)
	found := 0
	for shard := range uint32(4) {
		last := ""
		for _, rec := range r.drain(name, shard) {
			if *rec.SequenceNumber <= last {
				t.Errorf("sequence number %s does not rise", *rec.SequenceNumber)
			}
			last = *rec.SequenceNumber
			if owner := hashKey(*rec.PartitionKey).Hi >> 62; uint32(owner) != shard {
				t.Errorf("key %s is in shard %d, not %d", *rec.PartitionKey, shard, owner)
			}
			var i int
			fmt.Sscan(string(rec.Data), &i)
			if entry := out.Records[i]; *entry.SequenceNumber != last || *entry.ShardId != shardID(shard) {
				t.Errorf("record %d was promised as %s in %s", i, *entry.SequenceNumber, *entry.ShardId)
			}
			found++
		}
	}
	same(t, "records", found, 500)
}

func TestIteratorTypes(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now})
	name := "s"
	r.create(name, 1)
	start := c.Now()
	empty := r.iterator(name, 0, types.ShardIteratorTypeLatest)
	var numbers []string
	for i := range 5 {
		numbers = append(numbers, *r.put(name, "k", fmt.Sprint(i)).SequenceNumber)
		c.advance(time.Second)
	}
	same(t, "TRIM_HORIZON", r.read(r.iterator(name, 0, types.ShardIteratorTypeTrimHorizon)), "0,1,2,3,4")
	same(t, "AT_SEQUENCE_NUMBER", r.read(r.iterator(name, 0, types.ShardIteratorTypeAtSequenceNumber, numbers[2])), "2,3,4")
	same(t, "AFTER_SEQUENCE_NUMBER", r.read(r.iterator(name, 0, types.ShardIteratorTypeAfterSequenceNumber, numbers[2])), "3,4")
	at := func(d time.Duration) string {
		return r.read(r.iterator(name, 0, types.ShardIteratorTypeAtTimestamp, start.Add(d)))
	}
	same(t, "AT_TIMESTAMP", at(2*time.Second), "2,3,4")
	same(t, "AT_TIMESTAMP between", at(2*time.Second+time.Millisecond), "3,4")
	same(t, "AT_TIMESTAMP before", at(-time.Hour), "0,1,2,3,4")
	same(t, "AT_TIMESTAMP now", at(5*time.Second), "")
	same(t, "LATEST of an empty shard", r.read(empty), "0,1,2,3,4")
	latest := r.iterator(name, 0, types.ShardIteratorTypeLatest)
	same(t, "LATEST", r.read(latest), "")
	r.put(name, "k", "5") // in the same millisecond as the iterator
	same(t, "LATEST misses nothing", r.read(latest), "5")
}

func TestPagesOfRecords(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now})
	name := "s"
	r.create(name, 1)
	for i := range 7 {
		r.put(name, "k", fmt.Sprint(i))
		c.advance(time.Second)
	}
	it := r.iterator(name, 0, types.ShardIteratorTypeTrimHorizon)
	var pages []string
	for range 4 {
		page := r.get(it, 3)
		pages = append(pages, fmt.Sprint(joined(page.Records), " behind ", *page.MillisBehindLatest))
		it = *page.NextShardIterator
	}
	same(t, "pages", strings.Join(pages, "; "), "0,1,2 behind 5000; 3,4,5 behind 2000; 6 behind 0;  behind 0")

	// 10 MiB bound a reply, but one record always comes.
	big := strings.Repeat("x", 900_000)
	for range 13 {
		r.put(name, "k", big)
	}
	page := r.get(it, 0)
	same(t, "records in 10 MiB", len(page.Records), 11)
	if *page.MillisBehindLatest < 1 {
		t.Error("a page before the tail says that it is at the tail")
	}
	same(t, "rest", len(r.get(*page.NextShardIterator, 0).Records), 2)
}

func TestIteratorExpiry(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now})
	name := "s"
	r.create(name, 1)
	it := r.iterator(name, 0, types.ShardIteratorTypeTrimHorizon)
	c.advance(5 * time.Minute)
	r.get(it, 0)
	c.advance(time.Millisecond)
	_, err := r.GetRecords(r.ctx, &kinesis.GetRecordsInput{ShardIterator: &it})
	wantError(t, err, "ExpiredIteratorException", "300001 milliseconds")
	_, err = r.GetRecords(r.ctx, &kinesis.GetRecordsInput{ShardIterator: aws.String("AAAAgarbage")})
	wantError(t, err, "InvalidArgumentException", "ShardIterator")
	fresh := r.iterator(name, 0, types.ShardIteratorTypeTrimHorizon)
	ok(r.DeleteStream(r.ctx, &kinesis.DeleteStreamInput{StreamName: &name}))(t)
	r.create(name, 1)
	_, err = r.GetRecords(r.ctx, &kinesis.GetRecordsInput{ShardIterator: &fresh})
	wantError(t, err, "ResourceNotFoundException")
}

func TestPutErrors(t *testing.T) {
	r := newRig(t, Options{})
	name := "s"
	r.create(name, 1)
	f := func(in kinesis.PutRecordInput, code string, names ...string) {
		t.Helper()
		if in.StreamName == nil {
			in.StreamName = &name
		}
		if in.PartitionKey == nil {
			in.PartitionKey = aws.String("k")
		}
		if in.Data == nil {
			in.Data = []byte("x")
		}
		_, err := r.PutRecord(r.ctx, &in)
		if code == "" {
			ok(0, err)(t)
			return
		}
		wantError(t, err, code, names...)
	}
	const mib = 1 << 20
	f(kinesis.PutRecordInput{Data: make([]byte, mib)}, "")
	f(kinesis.PutRecordInput{Data: make([]byte, mib+1)}, "ValidationException", "'data'", "1048576")
	f(kinesis.PutRecordInput{PartitionKey: aws.String("")}, "ValidationException", "'partitionKey'")
	f(kinesis.PutRecordInput{PartitionKey: aws.String(strings.Repeat("ü", 256))}, "")
	f(kinesis.PutRecordInput{PartitionKey: aws.String(strings.Repeat("ü", 257))}, "ValidationException", "'partitionKey'", "256")
	f(kinesis.PutRecordInput{ExplicitHashKey: aws.String("340282366920938463463374607431768211456")}, "InvalidArgumentException", "ExplicitHashKey")
	f(kinesis.PutRecordInput{ExplicitHashKey: aws.String("-1")}, "ValidationException", "'explicitHashKey'")
	f(kinesis.PutRecordInput{StreamName: aws.String("nope")}, "ResourceNotFoundException", "Stream nope")
	f(kinesis.PutRecordInput{SequenceNumberForOrdering: r.put(name, "k", "x").SequenceNumber}, "")
	f(kinesis.PutRecordInput{SequenceNumberForOrdering: aws.String("17")}, "InvalidArgumentException", "17")
	f(kinesis.PutRecordInput{SequenceNumberForOrdering: aws.String(formatSequence(0, positionAt(time.Now().Add(time.Hour).UnixMilli())))}, "InvalidArgumentException")
	f(kinesis.PutRecordInput{DryRun: aws.Bool(true)}, "DryRunOperationException")

	batch := func(n, size int) error {
		in := &kinesis.PutRecordsInput{StreamName: &name}
		for range n {
			in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: make([]byte, size), PartitionKey: aws.String("k")})
		}
		_, err := r.PutRecords(r.ctx, in)
		return err
	}
	wantError(t, batch(501, 1), "ValidationException", "'records'", "500")
	wantError(t, batch(11, 1_000_000), "InvalidArgumentException", "10 MB")
	ok(0, batch(10, 1_000_000))(t)
	_, err := r.PutRecords(r.ctx, &kinesis.PutRecordsInput{StreamName: &name, Records: []types.PutRecordsRequestEntry{
		{Data: []byte("x"), PartitionKey: aws.String("k")}, {Data: []byte("x"), PartitionKey: aws.String("")}}})
	wantError(t, err, "ValidationException", "'records.2.member.partitionKey'")
	_, err = r.PutRecords(r.ctx, &kinesis.PutRecordsInput{StreamName: &name, Records: []types.PutRecordsRequestEntry{}})
	wantError(t, err, "ValidationException", "'records'")
}

func TestGetErrors(t *testing.T) {
	r := newRig(t, Options{})
	name := "s"
	r.create(name, 2)
	f := func(shard, kind, number string, at time.Time, code string, names ...string) {
		t.Helper()
		in := &kinesis.GetShardIteratorInput{StreamName: &name, ShardId: &shard, ShardIteratorType: types.ShardIteratorType(kind)}
		if number != "" {
			in.StartingSequenceNumber = &number
		}
		if !at.IsZero() {
			in.Timestamp = &at
		}
		_, err := r.GetShardIterator(r.ctx, in)
		wantError(t, err, code, names...)
	}
	none := time.Time{}
	f(shardID(9), "LATEST", "", none, "ResourceNotFoundException", shardID(9))
	f("x", "LATEST", "", none, "ResourceNotFoundException", "shard x")
	f(shardID(0), "SOMETIMES", "", none, "ValidationException", "shardIteratorType", "SOMETIMES")
	f(shardID(0), "AT_SEQUENCE_NUMBER", "", none, "InvalidArgumentException", "StartingSequenceNumber")
	f(shardID(0), "AT_SEQUENCE_NUMBER", "123", none, "InvalidArgumentException", "123")
	f(shardID(0), "AT_SEQUENCE_NUMBER", "a", none, "ValidationException", "startingSequenceNumber")
	f(shardID(0), "AFTER_SEQUENCE_NUMBER", formatSequence(1, 5), none, "InvalidArgumentException", "It encodes "+shardID(1))
	f(shardID(0), "AT_TIMESTAMP", "", none, "InvalidArgumentException", "AT_TIMESTAMP")
	f(shardID(0), "AT_TIMESTAMP", "", time.Now().Add(time.Hour), "InvalidArgumentException", "currentTimestampInMillis")
	it := r.iterator(name, 0, types.ShardIteratorTypeLatest)
	_, err := r.GetRecords(r.ctx, &kinesis.GetRecordsInput{ShardIterator: &it, Limit: aws.Int32(10001)})
	wantError(t, err, "ValidationException", "'limit'", "10000")
}

func TestRetention(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now})
	name := "s"
	r.create(name, 1)
	old := *r.put(name, "k", "old").SequenceNumber
	c.advance(23 * time.Hour)
	r.put(name, "k", "new")
	same(t, "after 23 h", joined(r.drain(name, 0)), "old,new")
	c.advance(time.Hour + time.Millisecond)
	same(t, "after 24 h, before the sweep", joined(r.drain(name, 0)), "new")
	same(t, "from the expired record", r.read(r.iterator(name, 0, types.ShardIteratorTypeAtSequenceNumber, old)), "new")
	sweep := func() {
		t.Helper()
		if err := r.server.sweep(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	stored := func() string {
		page, err := r.server.readPage(r.server.catalog.named(name), r.server.catalog.named(name).shards[0], 0, 100, maxGetBytes, nil)
		return fmt.Sprint(len(page.records), err)
	}
	same(t, "stored after the sweep", stored(), "1 <nil>")

	increase := func(hours int32) error {
		_, err := r.IncreaseStreamRetentionPeriod(r.ctx, &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: &name, RetentionPeriodHours: &hours})
		return err
	}
	ok(0, increase(48))(t)
	wantError(t, increase(24), "InvalidArgumentException", "24 hours")
	wantError(t, increase(8761), "InvalidArgumentException", "8760")
	c.advance(24 * time.Hour)
	sweep()
	same(t, "kept for 48 h", joined(r.drain(name, 0)), "new")
	_, err := r.DecreaseStreamRetentionPeriod(r.ctx, &kinesis.DecreaseStreamRetentionPeriodInput{StreamName: &name, RetentionPeriodHours: aws.Int32(23)})
	wantError(t, err, "InvalidArgumentException", "24 hours")
	ok(r.DecreaseStreamRetentionPeriod(r.ctx, &kinesis.DecreaseStreamRetentionPeriodInput{StreamName: &name, RetentionPeriodHours: aws.Int32(24)}))(t)
	same(t, "back to 24 h", joined(r.drain(name, 0)), "")
	sweep()
	same(t, "stored after the last sweep", stored(), "0 <nil>")
	if number := *r.put(name, "k", "again").SequenceNumber; number <= old {
		t.Errorf("%s follows %s", number, old)
	}
}

// A closed shard leaves the list when its last record has expired; its index is not used again.
func TestClosedShardExpires(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.Now})
	name := "s"
	r.create(name, 1)
	middle := evenRanges(2)[1].First.String()
	ok(r.SplitShard(r.ctx, &kinesis.SplitShardInput{StreamName: &name, ShardToSplit: aws.String(shardID(0)), NewStartingHashKey: &middle}))(t)
	c.advance(24*time.Hour + time.Second)
	if err := r.server.sweep(context.Background()); err != nil {
		t.Fatal(err)
	}
	same(t, "shards", describe(r.shards(name)), "1<0[0-127] 2<0[128-255]")
	ok(r.MergeShards(r.ctx, &kinesis.MergeShardsInput{StreamName: &name, ShardToMerge: aws.String(shardID(1)), AdjacentShardToMerge: aws.String(shardID(2))}))(t)
	same(t, "shards", describe(r.shards(name)), "1<0[0-127]x 2<0[128-255]x 3<1<2[0-255]")
}
