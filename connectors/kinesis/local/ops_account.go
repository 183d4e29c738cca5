package local

import (
	"context"
)

const (
	billingEnabled  = "ENABLED"
	billingDisabled = "DISABLED"
	billingEnding   = "ENABLED_UNTIL_EARLIEST_ALLOWED_END"
	// The commitment lasts this long at least, as AWS documents it.
	billingMinimumMs = 24 * 3_600_000
	maxWarmMiBps     = 10 << 10
)

// billingDesc is what is stored of the account's minimum throughput billing commitment.
type billingDesc struct {
	StartedMs int64 `json:",omitempty"` // 0: never
	EndedMs   int64 `json:",omitempty"` // when it ends or ended; 0: not asked to end
}

func (b billingDesc) running(nowMs int64) bool {
	return b.StartedMs != 0 && (b.EndedMs == 0 || nowMs < b.EndedMs)
}

func (b billingDesc) shape(nowMs int64) billingCommitment {
	if b.StartedMs == 0 {
		return billingCommitment{Status: billingDisabled}
	}
	started, earliest := timestampOfMillis(b.StartedMs), timestampOfMillis(b.StartedMs+billingMinimumMs)
	shape := billingCommitment{Status: billingEnabled, StartedAt: &started, EarliestAllowedEndAt: &earliest}
	if b.EndedMs != 0 {
		shape.Status = billingEnding
		if ended := timestampOfMillis(b.EndedMs); nowMs >= b.EndedMs {
			shape.Status, shape.EndedAt, shape.EarliestAllowedEndAt = billingDisabled, &ended, nil
		}
	}
	return shape
}

func (s *Server) describeAccount(context.Context, *empty) (*accountSettingsResponse, error) {
	return &accountSettingsResponse{s.billing.Load().shape(s.nowMs())}, nil
}

func (s *Server) updateAccount(ctx context.Context, r *accountSettingsRequest) (*accountSettingsResponse, error) {
	v := &validation{}
	if v.required("minimumThroughputBillingCommitment", r.MinimumThroughputBillingCommitment != nil) {
		v.oneOf("minimumThroughputBillingCommitment.status", &r.MinimumThroughputBillingCommitment.Status, billingEnabled, billingDisabled)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	enable := r.MinimumThroughputBillingCommitment.Status == billingEnabled
	err := s.writer.do(ctx, func() error {
		now, next := s.nowMs(), *s.billing.Load()
		running := next.running(now)
		switch {
		case enable && running:
			next.EndedMs = 0
		case enable:
			next = billingDesc{StartedMs: now}
		case running && next.EndedMs == 0:
			next.EndedMs = max(now, next.StartedMs+billingMinimumMs)
		}
		return s.saveBilling(next)
	})
	if err != nil {
		return nil, err
	}
	return s.describeAccount(ctx, nil)
}

// saveBilling is only for the writer's goroutine.
func (s *Server) saveBilling(next billingDesc) error {
	meta := s.store.meta
	meta.Billing = next
	b := s.store.db.NewBatch()
	defer b.Close()
	must(b.Set([]byte{kindMeta}, mustJSON(meta), nil))
	if err := b.Commit(s.store.sync); err != nil {
		return err
	}
	s.store.meta = meta
	s.billing.Store(&next)
	return nil
}

// updateWarmThroughput keeps the number: a local stream is always as warm as the machine. Unlike the service
// it does not want the account's billing commitment first.
func (s *Server) updateWarmThroughput(ctx context.Context, r *warmThroughputRequest) (*warmThroughputResponse, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	if v.required("warmThroughputMiBps", r.WarmThroughputMiBps != nil) {
		v.number("warmThroughputMiBps", r.WarmThroughputMiBps, 0, 1_000_000)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	target := *r.WarmThroughputMiBps
	response := &warmThroughputResponse{}
	err := s.changeActive(ctx, &r.streamRef, func(st *stream, desc *streamDesc) error {
		if err := checkWarm(st.desc.OnDemand, target); err != nil {
			return err
		}
		desc.WarmMiBps = target
		response.StreamName, response.StreamARN = desc.Name, s.streamARN(desc.Name)
		response.WarmThroughput = warmThroughput{TargetMiBps: target, CurrentMiBps: st.desc.WarmMiBps}
		return nil
	})
	return response, err
}

func checkWarm(onDemand bool, target int) error {
	switch {
	case !onDemand:
		return newError("ValidationException", "Warm throughput is only supported for streams in ON_DEMAND mode.")
	case target > maxWarmMiBps:
		return limitExceeded("Warm throughput of %d MiBps exceeds the limit of %d MiBps.", target, maxWarmMiBps)
	}
	return nil
}
