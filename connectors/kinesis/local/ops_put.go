package local

import (
	"context"
	"fmt"
	"time"
)

const (
	maxPutRecords = 500
	maxPutBytes   = 10 << 20
	maxDataBytes  = 10 << 20
	maxKeyChars   = 256
)

func (s *Server) putRecord(ctx context.Context, r *putRecordRequest) (*putRecordResponse, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	v.entry("", r.Data, r.PartitionKey, r.ExplicitHashKey)
	v.text("sequenceNumberForOrdering", r.SequenceNumberForOrdering, 1, 129, &sequencePattern)
	if err := v.err(); err != nil {
		return nil, err
	}
	st, err := s.findReady(&r.streamRef)
	if err != nil {
		return nil, err
	}
	if err := s.checkOrdering(st, r.SequenceNumberForOrdering); err != nil {
		return nil, err
	}
	entry, err := s.putEntryOf(st, "", &putRecordsEntry{Data: r.Data, PartitionKey: r.PartitionKey, ExplicitHashKey: r.ExplicitHashKey})
	if err != nil {
		return nil, err
	}
	if r.DryRun {
		return nil, dryRun()
	}
	began := time.Now()
	results, err := s.put(ctx, st, []putEntry{entry})
	calls := &st.stats.putRecord
	calls.since(began, err == nil && results[0].err == nil)
	if err != nil {
		return nil, err
	}
	if e := results[0].err; e != nil {
		return nil, e
	}
	calls.carried(1, len(entry.data)+len(entry.key))
	return &putRecordResponse{
		ShardID:        shardID(results[0].shard),
		SequenceNumber: formatSequence(results[0].shard, results[0].position),
		EncryptionType: st.desc.recordEncryption(),
	}, nil
}

func (s *Server) putRecords(ctx context.Context, r *putRecordsRequest) (*putRecordsResponse, error) {
	if err := validatePutRecords(r); err != nil {
		return nil, err
	}
	st, err := s.findReady(&r.streamRef)
	if err != nil {
		return nil, err
	}
	entries := make([]putEntry, len(r.Records))
	total := 0
	for i := range r.Records {
		member := fmt.Sprintf("records.%d.member.", i+1)
		if entries[i], err = s.putEntryOf(st, member, &r.Records[i]); err != nil {
			return nil, err
		}
		total += len(entries[i].data) + len(entries[i].key)
	}
	if total > maxPutBytes {
		return nil, invalidArgument("Records size exceeds %d MB limit", maxPutBytes>>20)
	}
	if r.DryRun {
		return nil, dryRun()
	}
	began := time.Now()
	results, err := s.put(ctx, st, entries)
	calls := &st.stats.putRecords
	calls.since(began, err == nil)
	if err != nil {
		return nil, err
	}
	response := shapePutResults(results)
	calls.carried(len(entries), total)
	// A shard's limits are all that refuses single records.
	st.stats.throttledRecords.Add(int64(response.FailedRecordCount))
	response.EncryptionType = st.desc.recordEncryption()
	return response, nil
}

func validatePutRecords(r *putRecordsRequest) error {
	v := &validation{}
	v.stream(&r.streamRef)
	if v.required("records", r.Records != nil) {
		switch n := len(r.Records); {
		case n == 0:
			v.fail("'[]'", "records", "have length greater than or equal to 1")
		case n > maxPutRecords:
			v.fail(fmt.Sprintf("of %d records", n), "records", fmt.Sprintf("have length less than or equal to %d", maxPutRecords))
			return v.err()
		}
	}
	for i := range r.Records {
		e := &r.Records[i]
		if e.valid() {
			continue
		}
		v.entry(fmt.Sprintf("records.%d.member.", i+1), e.Data, e.PartitionKey, e.ExplicitHashKey)
	}
	return v.err()
}

// valid is a quick test which spares the good records the full validation.
func (e *putRecordsEntry) valid() bool {
	return e.Data != nil && len(e.Data) <= maxDataBytes && e.ExplicitHashKey == nil &&
		e.PartitionKey != nil && *e.PartitionKey != "" && len(*e.PartitionKey) <= maxKeyChars
}

func (v *validation) entry(prefix string, data []byte, key, explicitHash *string) {
	v.data(prefix+"data", data, maxDataBytes)
	v.text(prefix+"partitionKey", key, 1, maxKeyChars, nil)
	v.text(prefix+"explicitHashKey", explicitHash, 1, 39, &hashKeyPattern)
}

// putEntryOf checks what depends on the stream, and hashes the key.
func (s *Server) putEntryOf(st *stream, member string, r *putRecordsEntry) (putEntry, error) {
	entry := putEntry{data: r.Data}
	if r.PartitionKey != nil {
		entry.key = *r.PartitionKey
	} else if !st.desc.AutoDistribution {
		v := &validation{}
		v.required(member+"partitionKey", false)
		return entry, v.err()
	}
	// The limit is of the data alone; the key counts only in the throughput of the shard.
	if most := st.desc.MaxRecordKiB << 10; len(r.Data) > most {
		v := &validation{}
		v.data(member+"data", r.Data, most)
		return entry, v.err()
	}
	if r.ExplicitHashKey == nil {
		entry.hash = hashKey(entry.key)
		return entry, nil
	}
	hash, ok := parseHash(*r.ExplicitHashKey)
	if !ok {
		return entry, invalidArgument("Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was %s", *r.ExplicitHashKey)
	}
	entry.hash = hash
	return entry, nil
}

// checkOrdering refuses a SequenceNumberForOrdering which this stream cannot have given. Beyond that there
// is nothing to do: every later record has a greater number anyway.
func (s *Server) checkOrdering(st *stream, number *string) error {
	if number == nil || *number == "0" {
		return nil
	}
	index, at, err := parseSequence(*number)
	if err == nil {
		if sh := st.shard(index); sh == nil || at <= max(sh.tail(), positionAt(s.nowMs())) {
			return nil
		}
	}
	return invalidArgument("ExclusiveMinimumSequenceNumber %s used in PutRecord on stream %s under account %s is invalid.",
		*number, st.desc.Name, s.opts.AccountID)
}

func (s *Server) put(ctx context.Context, st *stream, entries []putEntry) ([]putResult, error) {
	j := &job{streamID: st.desc.ID, entries: entries, results: make([]putResult, len(entries))}
	if err := s.writer.submit(ctx, j); err != nil {
		return nil, err
	}
	return j.results, nil
}

func shapePutResults(results []putResult) *putRecordsResponse {
	response := &putRecordsResponse{Records: make([]putRecordsResult, len(results))}
	for i, r := range results {
		if r.err != nil {
			response.FailedRecordCount++
			response.Records[i] = putRecordsResult{ErrorCode: r.err.Code, ErrorMessage: r.err.Message}
			continue
		}
		response.Records[i] = putRecordsResult{ShardID: shardID(r.shard), SequenceNumber: formatSequence(r.shard, r.position)}
	}
	return response
}
