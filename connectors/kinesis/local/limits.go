package local

import "sync"

const (
	limitWindowMs     = 1000
	writeRecordsLimit = 1000
	writeBytesLimit   = 1 << 20
	readCallsLimit    = 5
	readBytesLimit    = 2 << 20
)

// shardLimits counts what went through a shard in windows of a second.
type shardLimits struct {
	mu           sync.Mutex
	writeSinceMs int64
	records      int
	written      int
	readSinceMs  int64
	calls        int
	readDebt     int // bytes read and not yet paid for by time: one call may read more than a second's worth
}

// write says whether a record of that size may be written now, and counts it. A record larger than a second's
// worth passes when it is the first of its second.
func (l *shardLimits) write(nowMs int64, size int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if nowMs-l.writeSinceMs >= limitWindowMs {
		l.writeSinceMs, l.records, l.written = nowMs, 0, 0
	}
	if l.records >= writeRecordsLimit || l.written+size > writeBytesLimit && l.records > 0 {
		return false
	}
	l.records++
	l.written += size
	return true
}

// read says whether GetRecords may be called now, and counts the call.
func (l *shardLimits) read(nowMs int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if windows := (nowMs - l.readSinceMs) / limitWindowMs; windows > 0 {
		l.readDebt = int(max(0, int64(l.readDebt)-min(windows, 60)*readBytesLimit))
		l.readSinceMs, l.calls = nowMs, 0
	}
	if l.calls >= readCallsLimit || l.readDebt >= readBytesLimit {
		return false
	}
	l.calls++
	return true
}

func (l *shardLimits) didRead(size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readDebt += size
}

func (s *Server) rateExceeded(st *stream, sh *shard) *apiError {
	return newError("ProvisionedThroughputExceededException", "Rate exceeded for shard %s in stream %s under account %s.",
		sh.id(), st.desc.Name, s.opts.AccountID)
}
