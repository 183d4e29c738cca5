package local

import (
	"context"
	"maps"
	"slices"
)

const maxTags = 50

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
	for _, t := range sortedTags(st) {
		if r.ExclusiveStartTagKey != nil && t.Key <= *r.ExclusiveStartTagKey {
			continue
		}
		if len(response.Tags) == limit {
			response.HasMoreTags = true
			break
		}
		response.Tags = append(response.Tags, t)
	}
	return response, nil
}

func sortedTags(st *stream) []tag {
	tags := []tag{}
	for _, key := range slices.Sorted(maps.Keys(st.desc.Tags)) {
		tags = append(tags, tag{Key: key, Value: st.desc.Tags[key]})
	}
	return tags
}

// resource makes a stream reference of the ARN by which the newer tag operations name a stream.
func resource(arn *string) (*streamRef, error) {
	v := &validation{}
	if v.required("resourceARN", arn != nil) {
		v.text("resourceARN", arn, 1, 2048, &streamARNText)
	}
	return &streamRef{StreamARN: arn}, v.err()
}

func (s *Server) tagResource(ctx context.Context, r *tagResourceRequest) (*empty, error) {
	ref, err := resource(r.ResourceARN)
	if err != nil {
		return nil, err
	}
	return s.addTags(ctx, &addTagsRequest{streamRef: *ref, Tags: r.Tags})
}

func (s *Server) untagResource(ctx context.Context, r *untagResourceRequest) (*empty, error) {
	ref, err := resource(r.ResourceARN)
	if err != nil {
		return nil, err
	}
	return s.removeTags(ctx, &removeTagsRequest{streamRef: *ref, TagKeys: r.TagKeys})
}

func (s *Server) listTagsForResource(_ context.Context, r *listTagsForResourceRequest) (*listTagsForResourceResponse, error) {
	ref, err := resource(r.ResourceARN)
	if err != nil {
		return nil, err
	}
	st, err := s.find(ref)
	if err != nil {
		return nil, err
	}
	return &listTagsForResourceResponse{Tags: sortedTags(st)}, nil
}
