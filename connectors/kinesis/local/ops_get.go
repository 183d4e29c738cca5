package local

import (
	"context"
	"time"
)

const (
	maxGetRecords = 10000
	maxGetBytes   = 10 << 20
)

var iteratorTypes = []string{"AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"}

func (s *Server) getShardIterator(_ context.Context, r *getShardIteratorRequest) (*getShardIteratorResponse, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	v.shardID("shardId", r.ShardID)
	if v.required("shardIteratorType", r.ShardIteratorType != nil) {
		v.oneOf("shardIteratorType", r.ShardIteratorType, iteratorTypes...)
	}
	v.text("startingSequenceNumber", r.StartingSequenceNumber, 1, 129, &sequencePattern)
	if err := v.err(); err != nil {
		return nil, err
	}
	st, err := s.findReady(&r.streamRef)
	if err != nil {
		return nil, err
	}
	sh, err := s.findShard(st, *r.ShardID)
	if err != nil {
		return nil, err
	}
	next, err := s.startOf(st, sh, r)
	if err != nil {
		return nil, err
	}
	if r.DryRun {
		return nil, dryRun()
	}
	it := shardIterator{streamID: st.desc.ID, shard: sh.Index, next: next, issuedMs: s.nowMs()}
	return &getShardIteratorResponse{ShardIterator: s.encodeIterator(it)}, nil
}

// startOf is the first position that an iterator is to read.
func (s *Server) startOf(st *stream, sh *shard, r *getShardIteratorRequest) (position, error) {
	switch kind := *r.ShardIteratorType; kind {
	case "TRIM_HORIZON":
		return 0, nil
	case "LATEST":
		// Nothing acknowledged after this moment is at or before the tail, so nothing is missed.
		return sh.tail() + 1, nil
	case "AT_TIMESTAMP":
		if r.Timestamp == nil {
			return 0, invalidArgument("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.")
		}
		at, now := r.Timestamp.millisUp(), s.nowMs()
		if at > now {
			return 0, invalidArgument("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: %d, currentTimestampInMillis: %d", at, now)
		}
		return positionAt(at), nil
	default:
		at, err := s.sequenceOf(st, sh, kind, r.StartingSequenceNumber)
		if kind == "AFTER_SEQUENCE_NUMBER" {
			at++
		}
		return at, err
	}
}

// sequenceOf is the position of a StartingSequenceNumber, which must be one of this shard.
func (s *Server) sequenceOf(st *stream, sh *shard, kind string, number *string) (position, error) {
	if number == nil {
		return 0, invalidArgument("Must specify StartingSequenceNumber parameter for iterator of type %s. Current request has no sequence number parameter.", kind)
	}
	index, at, err := parseSequence(*number)
	if err != nil {
		return 0, invalidArgument("StartingSequenceNumber %s used in GetShardIterator on shard %s in stream %s under account %s is invalid.",
			clip(*number), sh.id(), st.desc.Name, s.opts.AccountID)
	}
	if index != sh.Index {
		return 0, invalidArgument("Invalid StartingSequenceNumber. It encodes %s, while it was used in a call to a shard with %s", shardID(index), sh.id())
	}
	if !sh.open() && at > sh.End {
		return 0, invalidArgument("StartingSequenceNumber %s used in GetShardIterator on shard %s in stream %s under account %s is invalid because it is beyond the end of the shard.",
			*number, sh.id(), st.desc.Name, s.opts.AccountID)
	}
	return at, nil
}

func (s *Server) getRecords(ctx context.Context, r *getRecordsRequest) (*getRecordsResponse, error) {
	began := time.Now()
	v := &validation{}
	if v.required("shardIterator", r.ShardIterator != nil) {
		v.text("shardIterator", r.ShardIterator, 1, 512, nil)
	}
	v.number("limit", r.Limit, 1, maxGetRecords)
	v.text("streamARN", r.StreamARN, 1, 2048, &streamARNText)
	if err := v.err(); err != nil {
		return nil, err
	}
	it, st, err := s.openIterator(*r.ShardIterator)
	if err != nil {
		return nil, err
	}
	if err := s.checkStreamOf(it, r.StreamARN); err != nil {
		return nil, err
	}
	sh := st.shard(it.shard)
	if sh == nil {
		return nil, s.shardNotFound(st.desc.Name, shardID(it.shard))
	}
	if r.DryRun {
		return nil, dryRun()
	}
	now := s.nowMs()
	calls := &st.stats.getRecords
	if s.opts.EnforceLimits && !sh.log.limits.read(now) {
		sh.log.stats.readThrottled.Add(1)
		st.stats.readThrottled.Add(1)
		calls.since(began, false)
		return nil, s.rateExceeded(st, sh)
	}
	next := max(it.next, st.horizon(now))
	if r.lease != nil && next <= sh.tail() {
		if err := r.lease.take(ctx); err != nil {
			return nil, err
		}
	}
	page, err := s.readPage(st, sh, next, pageLimit(r.Limit, maxGetRecords), maxGetBytes, r.lease)
	if err != nil {
		return nil, err
	}
	if s.opts.EnforceLimits {
		sh.log.limits.didRead(page.bytes)
	}
	age := int64(0)
	if page.next <= page.tail {
		age = max(1, now-page.lastMs) // at least 1, so that "not at the tip" shows even within one millisecond
	}
	sh.log.stats.gave(&page, age)
	st.stats.gave(&page, age)
	calls.carried(page.count, page.bytes)
	calls.since(began, true)
	response := &getRecordsResponse{Records: page.records}
	if r.lease.writes() {
		response.written = r.lease.body
	}
	if page.next <= page.tail {
		response.MillisBehindLatest = age
	} else if !sh.open() {
		for _, child := range st.children(sh.Index) {
			response.ChildShards = append(response.ChildShards, shapeChild(child))
		}
		return response, nil
	}
	response.NextShardIterator = s.encodeIterator(shardIterator{streamID: it.streamID, shard: it.shard, next: page.next, issuedMs: now})
	return response, nil
}

// checkStreamOf refuses an iterator of another stream than the request names.
func (s *Server) checkStreamOf(it shardIterator, arn *string) error {
	if arn == nil {
		return nil
	}
	st, err := s.find(&streamRef{StreamARN: arn})
	if err == nil && st.desc.ID != it.streamID {
		err = invalidArgument("The ShardIterator is not of the stream with the StreamARN %s.", clip(*arn))
	}
	return err
}

// openIterator checks an iterator and finds its stream.
func (s *Server) openIterator(text string) (shardIterator, *stream, error) {
	it, err := s.decodeIterator(text)
	if err != nil {
		return it, nil, invalidArgument("Invalid ShardIterator.")
	}
	now := s.nowMs()
	if age := now - it.issuedMs; age > s.opts.TokenTTL.Milliseconds() {
		return it, nil, newError("ExpiredIteratorException",
			"Iterator expired. The iterator was created %d milliseconds ago while right now is %d which is further in the future than the tolerated delay of %d milliseconds.",
			age, now, s.opts.TokenTTL.Milliseconds())
	}
	st := s.catalog.withID(it.streamID)
	if st == nil || st.status(now) == statusDeleting || st.gone(now) {
		return it, nil, newError("ResourceNotFoundException", "The stream of this ShardIterator was deleted.")
	}
	return it, st, nil
}

// recordPage is a run of records of one shard.
type recordPage struct {
	records []recordShape // empty when they were written to the lease
	count   int
	next    position // the first position not yet read
	tail    position // the shard's tail when the page was read
	lastMs  int64    // arrival of the last record read
	bytes   int      // of keys and data
}

// readPage reads from next on, up to limit records and maxBytes; the first record is always read,
// however large. At the tail it touches no disk. Records are written to a lease which wants that.
func (s *Server) readPage(st *stream, sh *shard, next position, limit, maxBytes int, lease *pageLease) (recordPage, error) {
	page := recordPage{records: []recordShape{}, next: next, tail: sh.tail(), lastMs: next.millis()}
	if next > page.tail {
		return page, nil
	}
	iter, err := s.store.records(st.desc.ID, sh.Index, next, page.tail+1)
	if err != nil {
		return page, err
	}
	defer iter.Close()
	size, full := 0, false
	for iter.First(); iter.Valid(); iter.Next() {
		key, data, err := splitRecord(iter.Value())
		if err != nil {
			return page, err
		}
		size += len(key) + len(data)
		if page.count == limit || page.count > 0 && size > maxBytes {
			full = true
			break
		}
		at := keyPosition(iter.Key())
		record := recordShape{
			SequenceNumber:              formatSequence(sh.Index, at),
			ApproximateArrivalTimestamp: timestampOfMillis(at.millis()),
			Data:                        data,
			PartitionKey:                string(key),
			EncryptionType:              encryptionOf(iter.Value()),
		}
		if lease.writes() {
			lease.body = record.appendJSON(openRecords(lease.body))
		} else {
			record.Data = append(make([]byte, 0, len(data)), data...)
			page.records = append(page.records, record)
		}
		page.count++
		page.next, page.lastMs, page.bytes = at+1, at.millis(), size
	}
	if err := iter.Error(); err != nil {
		return page, err
	}
	if !full {
		page.next = max(page.next, page.tail+1)
	}
	return page, nil
}

func encryptionOf(value []byte) string {
	if value[0] == recordEncrypted {
		return encryptionKMS
	}
	return ""
}

func shapeChild(sh *shard) childShard {
	parents := make([]string, len(sh.Parents))
	for i, p := range sh.Parents {
		parents[i] = shardID(p)
	}
	return childShard{ShardID: sh.id(), ParentShards: parents, HashKeyRange: shapeHash(sh.Hash)}
}
