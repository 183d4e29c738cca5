package local

import (
	"context"
	"slices"
)

// shardFilterTypes lists the filters of ListShards; page tokens carry the index.
var shardFilterTypes = []string{"", "AFTER_SHARD_ID", "AT_TRIM_HORIZON", "FROM_TRIM_HORIZON", "AT_LATEST", "AT_TIMESTAMP", "FROM_TIMESTAMP"}

const (
	maxScaledShards = 10_000 // of a stream, by UpdateShardCount
	maxScalings     = 10     // in a window
	scalingWindowMs = 86_400_000
)

const (
	filterNone = iota
	filterAfterShard
	filterAtTrimHorizon
	filterFromTrimHorizon
	filterAtLatest
	filterAtTimestamp
	filterFromTimestamp
)

func shapeHash(r hashRange) hashKeyRange {
	return hashKeyRange{StartingHashKey: r.First.String(), EndingHashKey: r.Last.String()}
}

func shapeShards(shards []*shard) []shardShape {
	shapes := make([]shardShape, len(shards))
	for i, sh := range shards {
		shape := shardShape{ShardID: sh.id(), HashKeyRange: shapeHash(sh.Hash)}
		shape.SequenceNumberRange.StartingSequenceNumber = formatSequence(sh.Index, sh.Start)
		if !sh.open() {
			shape.SequenceNumberRange.EndingSequenceNumber = formatSequence(sh.Index, sh.End)
		}
		if len(sh.Parents) > 0 {
			shape.ParentShardID = shardID(sh.Parents[0])
		}
		if len(sh.Parents) > 1 {
			shape.AdjacentParentShardID = shardID(sh.Parents[1])
		}
		shapes[i] = shape
	}
	return shapes
}

// shardsAfter is the index of an optional exclusive start, -1 when there is none.
func shardsAfter(id *string) (int64, error) {
	if id == nil {
		return -1, nil
	}
	index, ok := parseShardID(*id)
	if !ok {
		return 0, invalidArgument("Shard id %s is invalid: it must look like %s.", clip(*id), shardID(0))
	}
	return int64(index), nil
}

// pageOfShards is at most limit shards with an index above after, and whether more follow.
func pageOfShards(shards []*shard, after int64, limit int) (page []*shard, more bool) {
	start := slices.IndexFunc(shards, func(sh *shard) bool { return int64(sh.Index) > after })
	if start < 0 {
		return nil, false
	}
	page = shards[start:]
	if len(page) > limit {
		return page[:limit], true
	}
	return page, false
}

func (s *Server) listShards(_ context.Context, r *listShardsRequest) (*listShardsResponse, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	v.text("nextToken", r.NextToken, 1, 1<<20, nil)
	v.number("maxResults", r.MaxResults, 1, 10000)
	v.text("exclusiveStartShardId", r.ExclusiveStartShardID, 1, 128, &namePattern)
	if f := r.ShardFilter; f != nil {
		v.oneOf("shardFilter.type", &f.Type, shardFilterTypes[1:]...)
		v.text("shardFilter.shardId", f.ShardID, 1, 128, &namePattern)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	st, page, err := s.shardPageOf(r)
	if err != nil {
		return nil, err
	}
	after := int64(-1)
	if page.given {
		after = int64(page.after)
	}
	shards, more := pageOfShards(s.filterShards(st, page.shardPage), after, pageLimit(r.MaxResults, shardPageDefault))
	response := &listShardsResponse{Shards: shapeShards(shards)}
	if more {
		next := page.shardPage
		next.after, next.issuedMs = shards[len(shards)-1].Index, s.nowMs()
		response.NextToken = s.encodeShardPage(next)
	}
	return response, nil
}

// startPage is a shardPage whose after may be missing.
type startPage struct {
	shardPage
	given bool
}

// shardPageOf is the stream and page which a ListShards call asks for, by its token or by its members.
func (s *Server) shardPageOf(r *listShardsRequest) (*stream, startPage, error) {
	if r.NextToken == nil {
		return s.firstShardPage(r)
	}
	if r.StreamName != nil || r.StreamARN != nil || r.ExclusiveStartShardID != nil || r.StreamCreationTimestamp != nil || r.ShardFilter != nil {
		return nil, startPage{}, invalidArgument("NextToken and StreamName, StreamARN, ExclusiveStartShardId, StreamCreationTimestamp or ShardFilter cannot be provided together.")
	}
	page, err := s.decodeShardPage(*r.NextToken)
	if err != nil || int(page.filter) >= len(shardFilterTypes) {
		return nil, startPage{}, invalidArgument("NextToken %s is invalid.", clip(*r.NextToken))
	}
	if err := s.checkTokenAge(page.issuedMs); err != nil {
		return nil, startPage{}, err
	}
	st := s.catalog.withID(page.streamID)
	if st == nil || st.gone(s.nowMs()) {
		return nil, startPage{}, newError("ResourceNotFoundException", "The stream of this NextToken was deleted.")
	}
	return st, startPage{page, true}, nil
}

func (s *Server) firstShardPage(r *listShardsRequest) (*stream, startPage, error) {
	st, err := s.find(&r.streamRef)
	if err != nil {
		return nil, startPage{}, err
	}
	if t := r.StreamCreationTimestamp; t != nil && t.millisUp()/1000 != st.desc.CreatedMs/1000 {
		return nil, startPage{}, s.streamNotFound(st.desc.Name)
	}
	page := startPage{shardPage: shardPage{streamID: st.desc.ID}}
	startID := r.ExclusiveStartShardID
	if f := r.ShardFilter; f != nil {
		page.filter = byte(slices.Index(shardFilterTypes, f.Type))
		switch {
		case page.filter == filterAfterShard && f.ShardID == nil:
			return nil, startPage{}, invalidArgument("ShardId must be provided for the filter type %s.", f.Type)
		case page.filter >= filterAtTimestamp && f.Timestamp == nil:
			return nil, startPage{}, invalidArgument("Timestamp must be provided for the filter type %s.", f.Type)
		case page.filter != filterAfterShard && f.ShardID != nil, page.filter < filterAtTimestamp && f.Timestamp != nil:
			return nil, startPage{}, invalidArgument("The filter type %s takes no such member.", f.Type)
		case page.filter == filterAfterShard:
			startID = f.ShardID
		case page.filter >= filterAtTimestamp:
			page.filterMs = f.Timestamp.millisUp()
		}
	}
	after, err := shardsAfter(startID)
	if err != nil {
		return nil, startPage{}, err
	}
	if after >= 0 {
		page.after, page.given = uint32(after), true
	}
	return st, page, nil
}

// filterShards are the shards which a filter keeps. A shard is open at a time when it had started by then and
// had not ended.
func (s *Server) filterShards(st *stream, page shardPage) []*shard {
	at := max(page.filterMs, st.desc.CreatedMs)
	if page.filter == filterAtTrimHorizon {
		at = max(st.horizon(s.nowMs()).millis(), st.desc.CreatedMs)
	}
	keep := func(sh *shard) bool {
		switch page.filter {
		case filterAtLatest:
			return sh.open()
		case filterAtTrimHorizon, filterAtTimestamp:
			return sh.Start.millis() <= at && (sh.open() || sh.End.millis() > at)
		case filterFromTimestamp:
			return sh.open() || sh.End.millis() >= at
		}
		return true
	}
	var kept []*shard
	for _, sh := range st.shards {
		if keep(sh) {
			kept = append(kept, sh)
		}
	}
	return kept
}

func (s *Server) splitShard(ctx context.Context, r *splitShardRequest) (*empty, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	v.shardID("shardToSplit", r.ShardToSplit)
	if v.required("newStartingHashKey", r.NewStartingHashKey != nil) {
		v.text("newStartingHashKey", r.NewStartingHashKey, 1, 39, &hashKeyPattern)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	at, ok := parseHash(*r.NewStartingHashKey)
	if !ok {
		return nil, invalidArgument("NewStartingHashKey %s is beyond 2^128-1.", *r.NewStartingHashKey)
	}
	return &empty{}, s.changeActive(ctx, &r.streamRef, func(st *stream, desc *streamDesc) error {
		if err := s.mustBeProvisioned(st); err != nil {
			return err
		}
		sh, err := s.openShard(st, *r.ShardToSplit)
		if err != nil {
			return err
		}
		// The service wants both children to own more than one key at the lower end.
		if at == sh.Hash.First || at == sh.Hash.First.next() || !sh.Hash.contains(at) {
			return invalidArgument("NewStartingHashKey %s used in SplitShard() on shard %s in stream %s under account %s is not both greater than one plus the shard's StartingHashKey %s and less than the shard's EndingHashKey %s.",
				at, sh.id(), st.desc.Name, s.opts.AccountID, sh.Hash.First, sh.Hash.Last)
		}
		if err := s.roomForShards(1); err != nil {
			return err
		}
		s.newReshaping(st, desc).split(sh.Index, at)
		return nil
	})
}

func (s *Server) mergeShards(ctx context.Context, r *mergeShardsRequest) (*empty, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	v.shardID("shardToMerge", r.ShardToMerge)
	v.shardID("adjacentShardToMerge", r.AdjacentShardToMerge)
	if err := v.err(); err != nil {
		return nil, err
	}
	return &empty{}, s.changeActive(ctx, &r.streamRef, func(st *stream, desc *streamDesc) error {
		if err := s.mustBeProvisioned(st); err != nil {
			return err
		}
		one, err := s.openShard(st, *r.ShardToMerge)
		if err != nil {
			return err
		}
		other, err := s.openShard(st, *r.AdjacentShardToMerge)
		if err != nil {
			return err
		}
		if !one.Hash.before(other.Hash) && !other.Hash.before(one.Hash) {
			return invalidArgument("Shards %s and %s in stream %s under account %s are not an adjacent pair of shards eligible for merging",
				one.id(), other.id(), st.desc.Name, s.opts.AccountID)
		}
		s.newReshaping(st, desc).merge(one.Index, other.Index)
		return nil
	})
}

func (s *Server) updateShardCount(ctx context.Context, r *updateShardCountRequest) (*updateShardCountResponse, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	if v.required("targetShardCount", r.TargetShardCount != nil) {
		v.number("targetShardCount", r.TargetShardCount, 1, 1_000_000)
	}
	if v.required("scalingType", r.ScalingType != nil) {
		v.oneOf("scalingType", r.ScalingType, "UNIFORM_SCALING")
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	response := &updateShardCountResponse{TargetShardCount: *r.TargetShardCount}
	err := s.changeActive(ctx, &r.streamRef, func(st *stream, desc *streamDesc) error {
		response.StreamName, response.StreamARN = st.desc.Name, s.streamARN(st.desc.Name)
		response.CurrentShardCount = len(st.open)
		if err := s.checkScaling(st, desc, *r.TargetShardCount); err != nil {
			return err
		}
		s.newReshaping(st, desc).scaleTo(*r.TargetShardCount)
		return nil
	})
	return response, err
}

// mustBeProvisioned refuses to reshape a stream whose shards the service sets.
func (s *Server) mustBeProvisioned(st *stream) error {
	if st.desc.OnDemand {
		return newError("ValidationException", "Request is invalid. Stream %s under account %s is in On-Demand mode.", st.desc.Name, s.opts.AccountID)
	}
	return nil
}

// checkScaling is what the service forbids of UpdateShardCount; it notes the time of what it allows.
func (s *Server) checkScaling(st *stream, desc *streamDesc, target int) error {
	if err := s.mustBeProvisioned(st); err != nil {
		return err
	}
	current, now := len(st.open), s.nowMs()
	desc.ScaledMs = slices.DeleteFunc(slices.Clone(desc.ScaledMs), func(at int64) bool { return now-at >= scalingWindowMs })
	switch {
	case target > maxScaledShards:
		return limitExceeded("Target shard count cannot be greater than %d. Current open shard count: %d Target shard count: %d", maxScaledShards, current, target)
	case target > 2*current:
		return limitExceeded("UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: %d Target shard count: %d", current, target)
	case 2*target < current:
		return limitExceeded("UpdateShardCount cannot scale down below half your current open shard count. Current open shard count: %d Target shard count: %d", current, target)
	case s.opts.EnforceLimits && len(desc.ScaledMs) >= maxScalings:
		return limitExceeded("UpdateShardCount was called %d times in the last 24 hours on stream %s under account %s, the most it can be.", maxScalings, st.desc.Name, s.opts.AccountID)
	}
	desc.ScaledMs = append(desc.ScaledMs[max(0, len(desc.ScaledMs)-maxScalings+1):], now)
	return s.roomForShards(target - current)
}

// openShard is a shard which takes records: only such can be split or merged.
func (s *Server) openShard(st *stream, id string) (*shard, error) {
	sh, err := s.findShard(st, id)
	if err != nil {
		return nil, err
	}
	if !sh.open() {
		return nil, invalidArgument("Shard %s in stream %s under account %s has already been merged or split, and thus is not eligible for merging or splitting.",
			sh.id(), st.desc.Name, s.opts.AccountID)
	}
	return sh, nil
}

func (s *Server) roomForShards(more int) error {
	limits := s.countLimits()
	if limits.OpenShardCount+more > s.opts.ShardLimit {
		return limitExceeded("This request would exceed the shard limit for the account %s in %s. Current shard count for the account: %d. Limit: %d. Number of additional shards that would have resulted from this request: %d.",
			s.opts.AccountID, s.opts.Region, limits.OpenShardCount, s.opts.ShardLimit, more)
	}
	return nil
}
