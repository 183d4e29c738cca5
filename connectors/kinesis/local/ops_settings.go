package local

import "context"

func (s *Server) increaseRetention(ctx context.Context, r *retentionRequest) (*empty, error) {
	return s.setRetention(ctx, r, func(st *stream, hours int) error {
		switch {
		case hours > maxRetentionHours:
			return invalidArgument("Maximum allowed retention period is %d hours. Requested retention period (%d hours) is too long.", maxRetentionHours, hours)
		case hours <= st.desc.RetentionHours:
			return invalidArgument("Requested retention period (%d hours) for stream %s must be longer than existing retention period (%d hours). Use DecreaseStreamRetentionPeriod to shorten it.",
				hours, st.desc.Name, st.desc.RetentionHours)
		}
		return nil
	})
}

func (s *Server) decreaseRetention(ctx context.Context, r *retentionRequest) (*empty, error) {
	return s.setRetention(ctx, r, func(st *stream, hours int) error {
		switch {
		case hours < defaultRetentionHours:
			return invalidArgument("Minimum allowed retention period is %d hours. Requested retention period (%d hours) is too short.", defaultRetentionHours, hours)
		case hours >= st.desc.RetentionHours:
			return invalidArgument("Requested retention period (%d hours) for stream %s must be shorter than existing retention period (%d hours). Use IncreaseStreamRetentionPeriod to lengthen it.",
				hours, st.desc.Name, st.desc.RetentionHours)
		}
		return nil
	})
}

func (s *Server) setRetention(ctx context.Context, r *retentionRequest, check func(*stream, int) error) (*empty, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	v.required("retentionPeriodHours", r.RetentionPeriodHours != nil)
	if err := v.err(); err != nil {
		return nil, err
	}
	return &empty{}, s.changeActive(ctx, &r.streamRef, func(st *stream, desc *streamDesc) error {
		desc.RetentionHours = *r.RetentionPeriodHours
		return check(st, desc.RetentionHours)
	})
}

func (s *Server) updateStreamMode(ctx context.Context, r *updateStreamModeRequest) (*empty, error) {
	v := &validation{}
	v.required("streamARN", r.StreamARN != nil)
	v.stream(&r.streamRef)
	if v.required("streamModeDetails", r.StreamModeDetails != nil) {
		v.oneOf("streamModeDetails.streamMode", &r.StreamModeDetails.StreamMode, modeProvisioned, modeOnDemand)
	}
	v.number("warmThroughputMiBps", r.WarmThroughputMiBps, 0, 1_000_000)
	if err := v.err(); err != nil {
		return nil, err
	}
	onDemand := r.StreamModeDetails.StreamMode == modeOnDemand
	return &empty{}, s.changeActive(ctx, &r.streamRef, func(st *stream, desc *streamDesc) error {
		switch {
		case onDemand && !st.desc.OnDemand && s.countLimits().OnDemandStreamCount >= onDemandLimit:
			return limitExceeded("This request would exceed the limit of on-demand streams for the account %s in %s.", s.opts.AccountID, s.opts.Region)
		case !onDemand && st.desc.AutoDistribution:
			return newError("ValidationException", "RecordDistributionStrategy AUTO is only supported in ON_DEMAND mode: set it to %s first.", distributionByKey)
		}
		if warm := r.WarmThroughputMiBps; warm != nil {
			if err := checkWarm(onDemand, *warm); err != nil {
				return err
			}
			desc.WarmMiBps = *warm
		}
		desc.OnDemand = onDemand
		return nil
	})
}

func (s *Server) updateMaxRecordSize(ctx context.Context, r *updateMaxRecordSizeRequest) (*empty, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	if v.required("maxRecordSizeInKiB", r.MaxRecordSizeInKiB != nil) {
		v.number("maxRecordSizeInKiB", r.MaxRecordSizeInKiB, defaultRecordKiB, maxRecordKiB)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	return &empty{}, s.changeActive(ctx, &r.streamRef, func(_ *stream, desc *streamDesc) error {
		desc.MaxRecordKiB = *r.MaxRecordSizeInKiB
		return nil
	})
}

func (s *Server) updateDistribution(ctx context.Context, r *updateDistributionRequest) (*empty, error) {
	v := &validation{}
	v.required("streamARN", r.StreamARN != nil)
	v.stream(&r.streamRef)
	if v.required("recordDistributionStrategy", r.RecordDistributionStrategy != nil) {
		v.oneOf("recordDistributionStrategy", r.RecordDistributionStrategy, distributionAuto, distributionByKey)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	auto := *r.RecordDistributionStrategy == distributionAuto
	return &empty{}, s.changeActive(ctx, &r.streamRef, func(st *stream, desc *streamDesc) error {
		if auto && !st.desc.OnDemand {
			return newError("ValidationException", "RecordDistributionStrategy AUTO is only supported in ON_DEMAND mode.")
		}
		desc.AutoDistribution = auto
		return nil
	})
}
