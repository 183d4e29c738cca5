package local

import (
	"context"
	"maps"
	"slices"
)

const maxTags = 50

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

func (s *Server) addTags(ctx context.Context, r *addTagsRequest) (*empty, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	v.required("tags", r.Tags != nil)
	v.tags(r.Tags)
	if err := v.err(); err != nil {
		return nil, err
	}
	return &empty{}, s.changeTags(ctx, &r.streamRef, func(desc *streamDesc) error {
		if desc.Tags == nil {
			desc.Tags = map[string]string{}
		}
		maps.Copy(desc.Tags, r.Tags)
		if len(desc.Tags) > maxTags {
			return invalidArgument("Failed to add tags to stream %s under account %s because a given stream cannot have more than %d tags associated with it.",
				desc.Name, s.opts.AccountID, maxTags)
		}
		return nil
	})
}

func (s *Server) removeTags(ctx context.Context, r *removeTagsRequest) (*empty, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	v.required("tagKeys", r.TagKeys != nil)
	if err := v.err(); err != nil {
		return nil, err
	}
	return &empty{}, s.changeTags(ctx, &r.streamRef, func(desc *streamDesc) error {
		for _, key := range r.TagKeys {
			delete(desc.Tags, key)
		}
		return nil
	})
}

// changeTags differs from changeActive in that tags may change in any status and cause none.
func (s *Server) changeTags(ctx context.Context, ref *streamRef, change func(*streamDesc) error) error {
	return s.writer.do(ctx, func() error {
		st, err := s.find(ref)
		if err != nil {
			return err
		}
		desc := st.desc.clone()
		if err := change(&desc); err != nil {
			return err
		}
		return s.saveStream(st, desc)
	})
}

func (s *Server) listTags(_ context.Context, r *listTagsRequest) (*listTagsResponse, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	v.number("limit", r.Limit, 1, 50)
	v.text("exclusiveStartTagKey", r.ExclusiveStartTagKey, 1, 128, nil)
	if err := v.err(); err != nil {
		return nil, err
	}
	st, err := s.find(&r.streamRef)
	if err != nil {
		return nil, err
	}
	limit := maxTags
	if r.Limit != nil {
		limit = *r.Limit
	}
	response := &listTagsResponse{Tags: []tag{}}
	for _, key := range slices.Sorted(maps.Keys(st.desc.Tags)) {
		if r.ExclusiveStartTagKey != nil && key <= *r.ExclusiveStartTagKey {
			continue
		}
		if len(response.Tags) == limit {
			response.HasMoreTags = true
			break
		}
		response.Tags = append(response.Tags, tag{Key: key, Value: st.desc.Tags[key]})
	}
	return response, nil
}
