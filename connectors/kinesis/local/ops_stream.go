package local

import (
	"context"
	"maps"
	"slices"
)

const (
	defaultRetentionHours = 24
	maxRetentionHours     = 8760
	defaultRecordKiB      = 1024
	maxRecordKiB          = 10240
	onDemandShards        = 4
	onDemandLimit         = 50
	distributionAuto      = "AUTO"
	distributionByKey     = "USER_PARTITION_KEY"
	pageDefault           = 100
	shardPageDefault      = 1000
)

// pageLimit is the size of a page: callers may ask for more than the default, and get no more.
func pageLimit(asked *int, standard int) int {
	if asked == nil {
		return standard
	}
	return min(*asked, standard)
}

// clone copies what changes may touch.
func (d *streamDesc) clone() streamDesc {
	c := *d
	c.Shards = slices.Clone(d.Shards)
	c.Tags = maps.Clone(d.Tags)
	c.Consumers = slices.Clone(d.Consumers)
	c.Policies = maps.Clone(d.Policies)
	c.ConsumerTags = maps.Clone(d.ConsumerTags)
	for name, tags := range c.ConsumerTags {
		c.ConsumerTags[name] = maps.Clone(tags)
	}
	return c
}

// saveStream makes a changed stream durable and then visible. Only for the writer's goroutine.
func (s *Server) saveStream(before *stream, desc streamDesc) error {
	b := s.store.db.NewBatch()
	defer b.Close()
	s.store.setStream(b, &desc)
	if err := b.Commit(s.store.sync); err != nil {
		return err
	}
	s.catalog.put(newStream(desc, before))
	return nil
}

func (s *Server) createStream(ctx context.Context, r *createStreamRequest) (*empty, error) {
	v := &validation{}
	v.streamName(r.StreamName)
	v.number("shardCount", r.ShardCount, 1, 1_000_000)
	v.number("maxRecordSizeInKiB", r.MaxRecordSizeInKiB, defaultRecordKiB, maxRecordKiB)
	v.number("warmThroughputMiBps", r.WarmThroughputMiBps, 0, 1_000_000)
	v.oneOf("recordDistributionStrategy", r.RecordDistributionStrategy, distributionAuto, distributionByKey)
	v.tags(r.Tags)
	onDemand := false
	if r.StreamModeDetails != nil {
		v.oneOf("streamModeDetails.streamMode", &r.StreamModeDetails.StreamMode, modeProvisioned, modeOnDemand)
		onDemand = r.StreamModeDetails.StreamMode == modeOnDemand
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	auto := r.RecordDistributionStrategy != nil && *r.RecordDistributionStrategy == distributionAuto
	desc := streamDesc{Name: *r.StreamName, OnDemand: onDemand, AutoDistribution: auto, RetentionHours: defaultRetentionHours,
		MaxRecordKiB: defaultRecordKiB, Tags: r.Tags}
	shards := onDemandShards
	switch {
	case onDemand && r.ShardCount != nil:
		return nil, newError("ValidationException", "ShardCount cannot be specified while creating stream in ON_DEMAND mode.")
	case !onDemand && r.ShardCount == nil:
		return nil, newError("ValidationException", "ShardCount must be specified while creating stream in PROVISIONED mode.")
	case auto && !onDemand:
		return nil, newError("ValidationException", "RecordDistributionStrategy AUTO is only supported in ON_DEMAND mode.")
	case !onDemand:
		shards = *r.ShardCount
	}
	if r.MaxRecordSizeInKiB != nil {
		desc.MaxRecordKiB = *r.MaxRecordSizeInKiB
	}
	if warm := r.WarmThroughputMiBps; warm != nil {
		if err := checkWarm(onDemand, *warm); err != nil {
			return nil, err
		}
		desc.WarmMiBps = *warm
	}
	return &empty{}, s.writer.do(ctx, func() error { return s.addStream(desc, shards) })
}

// addStream gives a stream its id and shards and stores it. Only for the writer's goroutine.
func (s *Server) addStream(desc streamDesc, shards int) error {
	now := s.nowMs()
	old := s.catalog.named(desc.Name)
	if old != nil && !old.gone(now) {
		return resourceInUse("Stream %s under account %s already exists.", desc.Name, s.opts.AccountID)
	}
	limits := s.countLimits()
	if limits.OpenShardCount+shards > s.opts.ShardLimit {
		return limitExceeded("This request would exceed the shard limit for the account %s in %s. Current shard count for the account: %d. Limit: %d. Number of additional shards that would have resulted from this request: %d.",
			s.opts.AccountID, s.opts.Region, limits.OpenShardCount, s.opts.ShardLimit, shards)
	}
	if desc.OnDemand && limits.OnDemandStreamCount >= onDemandLimit || len(s.catalog.all()) >= s.opts.StreamLimit {
		return limitExceeded("This request would exceed the limit of streams for the account %s in %s.", s.opts.AccountID, s.opts.Region)
	}
	desc.ID, desc.CreatedMs, desc.NextShard = s.store.meta.NextStreamID, now, uint32(shards)
	for i, r := range evenRanges(shards) {
		desc.Shards = append(desc.Shards, shardDesc{Index: uint32(i), Hash: r, Start: positionAt(now)})
	}
	s.transition(&desc, statusCreating)
	b := s.store.db.NewBatch()
	defer b.Close()
	if old != nil {
		s.store.dropStream(b, old.desc.ID)
	}
	s.store.setStream(b, &desc)
	s.store.meta.NextStreamID++ // a number lost when the commit fails is no harm
	s.store.setMeta(b)
	if err := b.Commit(s.store.sync); err != nil {
		return err
	}
	if old != nil {
		s.catalog.remove(old)
		s.store.reclaim(streamKey(kindRecord, old.desc.ID), streamKey(kindRecord, old.desc.ID+1))
	}
	s.catalog.put(newStream(desc, nil))
	return nil
}

func (s *Server) deleteStream(ctx context.Context, r *deleteStreamRequest) (*empty, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	if err := v.err(); err != nil {
		return nil, err
	}
	return &empty{}, s.writer.do(ctx, func() error {
		st, err := s.find(&r.streamRef)
		if err != nil {
			return err
		}
		if st.status(s.nowMs()) == statusDeleting {
			return nil
		}
		if len(st.desc.Consumers) > 0 && !r.EnforceConsumerDeletion {
			return resourceInUse("Stream %s under account %s has consumers registered: deregister them, or set EnforceConsumerDeletion.", st.desc.Name, s.opts.AccountID)
		}
		if s.opts.TransitionDelay == 0 {
			return s.purgeStream(st)
		}
		desc := st.desc.clone()
		s.transition(&desc, statusDeleting)
		return s.saveStream(st, desc)
	})
}

// purgeStream deletes a stream and its records. Only for the writer's goroutine.
func (s *Server) purgeStream(st *stream) error {
	b := s.store.db.NewBatch()
	defer b.Close()
	s.store.dropStream(b, st.desc.ID)
	if err := b.Commit(s.store.sync); err != nil {
		return err
	}
	s.catalog.remove(st)
	s.store.reclaim(streamKey(kindRecord, st.desc.ID), streamKey(kindRecord, st.desc.ID+1))
	return nil
}

func (s *Server) describeStream(_ context.Context, r *describeStreamRequest) (*describeStreamResponse, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	v.number("limit", r.Limit, 1, 10000)
	v.text("exclusiveStartShardId", r.ExclusiveStartShardID, 1, 128, &namePattern)
	if err := v.err(); err != nil {
		return nil, err
	}
	st, err := s.find(&r.streamRef)
	if err != nil {
		return nil, err
	}
	after, err := shardsAfter(r.ExclusiveStartShardID)
	if err != nil {
		return nil, err
	}
	page, more := pageOfShards(st.shards, after, pageLimit(r.Limit, pageDefault))
	if st.status(s.nowMs()) == statusCreating {
		page, more = nil, false // the service shows none until they are there
	}
	encryption, keyID := st.desc.encryption()
	return &describeStreamResponse{streamDescription{
		StreamName:              st.desc.Name,
		StreamARN:               s.streamARN(st.desc.Name),
		StreamStatus:            st.status(s.nowMs()),
		StreamModeDetails:       streamModeDetails{st.mode()},
		Shards:                  shapeShards(page),
		HasMoreShards:           more,
		RetentionPeriodHours:    st.desc.RetentionHours,
		StreamCreationTimestamp: timestampOfMillis(st.desc.CreatedMs),
		EnhancedMonitoring:      []enhancedMetrics{{ShardLevelMetrics: orEmpty(st.desc.ShardMetrics)}},
		EncryptionType:          encryption,
		KeyID:                   keyID,
	}}, nil
}

func (s *Server) describeStreamSummary(_ context.Context, r *describeStreamSummaryRequest) (*describeStreamSummaryResponse, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	if err := v.err(); err != nil {
		return nil, err
	}
	st, err := s.find(&r.streamRef)
	if err != nil {
		return nil, err
	}
	distribution := distributionByKey
	if st.desc.AutoDistribution {
		distribution = distributionAuto
	}
	encryption, keyID := st.desc.encryption()
	var warm *warmThroughput
	if st.desc.OnDemand && st.desc.WarmMiBps > 0 {
		warm = &warmThroughput{TargetMiBps: st.desc.WarmMiBps, CurrentMiBps: st.desc.WarmMiBps}
	}
	return &describeStreamSummaryResponse{streamDescriptionSummary{
		StreamName:                 st.desc.Name,
		StreamARN:                  s.streamARN(st.desc.Name),
		StreamStatus:               st.status(s.nowMs()),
		StreamModeDetails:          streamModeDetails{st.mode()},
		RetentionPeriodHours:       st.desc.RetentionHours,
		StreamCreationTimestamp:    timestampOfMillis(st.desc.CreatedMs),
		EnhancedMonitoring:         []enhancedMetrics{{ShardLevelMetrics: orEmpty(st.desc.ShardMetrics)}},
		EncryptionType:             encryption,
		KeyID:                      keyID,
		WarmThroughput:             warm,
		OpenShardCount:             len(st.open),
		ConsumerCount:              len(st.desc.Consumers),
		MaxRecordSizeInKiB:         st.desc.MaxRecordKiB,
		RecordDistributionStrategy: distribution,
	}}, nil
}

func (s *Server) listStreams(_ context.Context, r *listStreamsRequest) (*listStreamsResponse, error) {
	v := &validation{}
	v.number("limit", r.Limit, 1, 10000)
	v.text("exclusiveStartStreamName", r.ExclusiveStartStreamName, 1, 128, &namePattern)
	v.text("nextToken", r.NextToken, 1, 1<<20, nil)
	if err := v.err(); err != nil {
		return nil, err
	}
	after := ""
	switch {
	case r.NextToken != nil && r.ExclusiveStartStreamName != nil:
		return nil, invalidArgument("NextToken and ExclusiveStartStreamName cannot be provided together.")
	case r.NextToken != nil:
		name, err := s.decodeNamePage([]byte{tokenStreamPage}, *r.NextToken)
		if err != nil {
			return nil, err
		}
		after = name
	case r.ExclusiveStartStreamName != nil:
		after = *r.ExclusiveStartStreamName
	}
	return s.pageOfStreams(after, pageLimit(r.Limit, pageDefault)), nil
}

func (s *Server) pageOfStreams(after string, limit int) *listStreamsResponse {
	now := s.nowMs()
	response := &listStreamsResponse{StreamNames: []string{}, StreamSummaries: []streamSummary{}}
	for _, st := range s.catalog.all() {
		if st.desc.Name <= after || st.gone(now) {
			continue
		}
		if len(response.StreamNames) == limit {
			response.HasMoreStreams = true
			response.NextToken = s.encodeNamePage([]byte{tokenStreamPage}, response.StreamNames[limit-1])
			break
		}
		response.StreamNames = append(response.StreamNames, st.desc.Name)
		response.StreamSummaries = append(response.StreamSummaries, streamSummary{
			StreamName:              st.desc.Name,
			StreamARN:               s.streamARN(st.desc.Name),
			StreamStatus:            st.status(now),
			StreamModeDetails:       streamModeDetails{st.mode()},
			StreamCreationTimestamp: timestampOfMillis(st.desc.CreatedMs),
		})
	}
	return response
}

func (s *Server) describeLimits(context.Context, *empty) (*describeLimitsResponse, error) {
	return s.countLimits(), nil
}

func (s *Server) countLimits() *describeLimitsResponse {
	limits := &describeLimitsResponse{ShardLimit: s.opts.ShardLimit, OnDemandStreamCountLimit: onDemandLimit}
	for _, st := range s.catalog.all() {
		if st.gone(s.nowMs()) {
			continue
		}
		limits.OpenShardCount += len(st.open)
		if st.desc.OnDemand {
			limits.OnDemandStreamCount++
		}
	}
	return limits
}
