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
	v.tagKeys(r.TagKeys)
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
	for _, t := range sortedTags(st.desc.Tags) {
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

func sortedTags(tags map[string]string) []tag {
	sorted := []tag{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		sorted = append(sorted, tag{Key: key, Value: tags[key]})
	}
	return sorted
}

// tagsOf are the tags of a consumer, or of the stream when consumer is empty; they can be added to.
func (d *streamDesc) tagsOf(consumer string) map[string]string {
	if consumer == "" {
		if d.Tags == nil {
			d.Tags = map[string]string{}
		}
		return d.Tags
	}
	if d.ConsumerTags == nil {
		d.ConsumerTags = map[string]map[string]string{}
	}
	if d.ConsumerTags[consumer] == nil {
		d.ConsumerTags[consumer] = map[string]string{}
	}
	return d.ConsumerTags[consumer]
}

func (s *Server) tagResource(ctx context.Context, r *tagResourceRequest) (*empty, error) {
	v := &validation{}
	v.required("tags", r.Tags != nil)
	v.tags(r.Tags)
	if err := v.err(); err != nil {
		return nil, err
	}
	return &empty{}, s.changeResource(ctx, r.ResourceARN, func(desc *streamDesc, consumer string) error {
		tags := desc.tagsOf(consumer)
		maps.Copy(tags, r.Tags)
		if len(tags) > maxTags {
			return invalidArgument("The resource %s cannot have more than %d tags.", *r.ResourceARN, maxTags)
		}
		return nil
	})
}

func (s *Server) untagResource(ctx context.Context, r *untagResourceRequest) (*empty, error) {
	v := &validation{}
	v.tagKeys(r.TagKeys)
	if err := v.err(); err != nil {
		return nil, err
	}
	return &empty{}, s.changeResource(ctx, r.ResourceARN, func(desc *streamDesc, consumer string) error {
		tags := desc.tagsOf(consumer)
		for _, key := range r.TagKeys {
			delete(tags, key)
		}
		return nil
	})
}

func (s *Server) listTagsForResource(_ context.Context, r *listTagsForResourceRequest) (*listTagsForResourceResponse, error) {
	st, consumer, err := s.resourceOf(r.ResourceARN)
	if err != nil {
		return nil, err
	}
	tags := st.desc.Tags
	if consumer != "" {
		tags = st.desc.ConsumerTags[consumer]
	}
	return &listTagsForResourceResponse{Tags: sortedTags(tags)}, nil
}
