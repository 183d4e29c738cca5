package local

import (
	"context"
	"encoding/binary"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	maxConsumers          = 20
	maxConsumersCommitted = 50 // of an on-demand stream while the account has its billing commitment
)

// consumerDesc is what is stored of an enhanced fan-out consumer.
type consumerDesc struct {
	Name      string
	CreatedMs int64
}

var consumerARNPattern = regexp.MustCompile(`^(arn:aws[^:]*:kinesis:[^:]*:\d{12}:stream/[^/\s]+)/consumer/([a-zA-Z0-9_.-]+):(\d+)$`)

func (s *Server) shapeConsumer(st *stream, c consumerDesc) consumerShape {
	status := statusActive
	if age := s.nowMs() - c.CreatedMs; age >= 0 && age < s.opts.TransitionDelay.Milliseconds() {
		status = statusCreating
	}
	return consumerShape{
		ConsumerName:              c.Name,
		ConsumerARN:               s.streamARN(st.desc.Name) + "/consumer/" + c.Name + ":" + strconv.FormatInt(c.CreatedMs/1000, 10),
		ConsumerStatus:            status,
		ConsumerCreationTimestamp: timestampOfMillis(c.CreatedMs),
	}
}

func (s *Server) consumerNotFound(name string) *apiError {
	return newError("ResourceNotFoundException", "Consumer %s under account %s not found.", clip(name), s.opts.AccountID)
}

// findConsumer is the consumer that a request names, by its ARN, by stream and name, or by both when they agree.
func (s *Server) findConsumer(ref *consumerRef) (*stream, consumerDesc, error) {
	v := &validation{}
	v.text("streamARN", ref.StreamARN, 1, 2048, &streamARNText)
	v.text("consumerName", ref.ConsumerName, 1, 128, &namePattern)
	v.text("consumerARN", ref.ConsumerARN, 1, 2048, &consumerARNText)
	if err := v.err(); err != nil {
		return nil, consumerDesc{}, err
	}
	streamARN, name, created := ref.StreamARN, "", ""
	switch {
	case ref.ConsumerARN != nil:
		parts := consumerARNPattern.FindStringSubmatch(*ref.ConsumerARN)
		if parts == nil {
			return nil, consumerDesc{}, invalidArgument("ConsumerARN %s is not the ARN of a consumer.", clip(*ref.ConsumerARN))
		}
		streamARN, name, created = &parts[1], parts[2], parts[3]
		if ref.ConsumerName != nil && *ref.ConsumerName != name || ref.StreamARN != nil && *ref.StreamARN != *streamARN {
			return nil, consumerDesc{}, invalidArgument("ConsumerARN %s, StreamARN and ConsumerName name different consumers.", clip(*ref.ConsumerARN))
		}
	case ref.StreamARN == nil || ref.ConsumerName == nil:
		return nil, consumerDesc{}, invalidArgument("Either ConsumerARN or both StreamARN and ConsumerName must be given.")
	default:
		name = *ref.ConsumerName
	}
	st, err := s.find(&streamRef{StreamARN: streamARN})
	if err != nil {
		return nil, consumerDesc{}, err
	}
	for _, c := range st.desc.Consumers {
		// The time in the ARN tells a consumer from an earlier one of its name.
		if c.Name == name && (created == "" || created == strconv.FormatInt(c.CreatedMs/1000, 10)) {
			return st, c, nil
		}
	}
	return nil, consumerDesc{}, s.consumerNotFound(name)
}

func (s *Server) registerConsumer(ctx context.Context, r *registerConsumerRequest) (*registerConsumerResponse, error) {
	v := &validation{}
	if v.required("streamARN", r.StreamARN != nil) {
		v.text("streamARN", r.StreamARN, 1, 2048, &streamARNText)
	}
	if v.required("consumerName", r.ConsumerName != nil) {
		v.text("consumerName", r.ConsumerName, 1, 128, &namePattern)
	}
	v.tags(r.Tags)
	if err := v.err(); err != nil {
		return nil, err
	}
	response := &registerConsumerResponse{}
	err := s.changeTags(ctx, &streamRef{StreamARN: r.StreamARN}, func(desc *streamDesc) error {
		if now := s.nowMs(); now < desc.UntilMs && desc.Changing != statusUpdating {
			return resourceInUse("Stream %s under account %s not ACTIVE, instead in state %s", desc.Name, s.opts.AccountID, desc.Changing)
		}
		at, exists := slices.BinarySearchFunc(desc.Consumers, *r.ConsumerName, func(c consumerDesc, name string) int {
			return strings.Compare(c.Name, name)
		})
		if exists {
			return resourceInUse("Consumer %s under stream %s already exists for account %s.", *r.ConsumerName, desc.Name, s.opts.AccountID)
		}
		most := maxConsumers
		if desc.OnDemand && s.billing.Load().running(s.nowMs()) {
			most = maxConsumersCommitted
		}
		if len(desc.Consumers) >= most {
			return limitExceeded("Stream %s under account %s already has %d consumers, the most it can have.", desc.Name, s.opts.AccountID, most)
		}
		c := consumerDesc{Name: *r.ConsumerName, CreatedMs: s.nowMs()}
		desc.Consumers = slices.Insert(desc.Consumers, at, c)
		if len(r.Tags) > 0 {
			maps.Copy(desc.tagsOf(c.Name), r.Tags)
		}
		response.Consumer = s.shapeConsumer(&stream{desc: *desc}, c)
		return nil
	})
	return response, err
}

func (s *Server) describeConsumer(_ context.Context, r *consumerRef) (*describeConsumerResponse, error) {
	st, c, err := s.findConsumer(r)
	if err != nil {
		return nil, err
	}
	shape := s.shapeConsumer(st, c)
	shape.StreamARN = s.streamARN(st.desc.Name)
	return &describeConsumerResponse{ConsumerDescription: shape}, nil
}

func (s *Server) deregisterConsumer(ctx context.Context, r *consumerRef) (*empty, error) {
	st, c, err := s.findConsumer(r)
	if err != nil {
		return nil, err
	}
	return &empty{}, s.changeTags(ctx, &streamRef{StreamName: &st.desc.Name}, func(desc *streamDesc) error {
		at := slices.Index(desc.Consumers, c)
		if at < 0 || desc.ID != st.desc.ID {
			return s.consumerNotFound(c.Name)
		}
		desc.Consumers = slices.Delete(desc.Consumers, at, at+1)
		delete(desc.Policies, c.Name)
		delete(desc.ConsumerTags, c.Name)
		return nil
	})
}

func (s *Server) listConsumers(_ context.Context, r *listConsumersRequest) (*listConsumersResponse, error) {
	v := &validation{}
	if v.required("streamARN", r.StreamARN != nil) {
		v.stream(&r.streamRef)
	}
	v.text("nextToken", r.NextToken, 1, 1<<20, nil)
	v.number("maxResults", r.MaxResults, 1, 10000)
	if err := v.err(); err != nil {
		return nil, err
	}
	st, err := s.find(&r.streamRef)
	if err != nil {
		return nil, err
	}
	if t := r.StreamCreationTimestamp; t != nil && t.millisUp()/1000 != st.desc.CreatedMs/1000 {
		return nil, s.streamNotFound(st.desc.Name)
	}
	prefix := binary.BigEndian.AppendUint64([]byte{tokenConsumerPage}, st.desc.ID)
	after := ""
	if r.NextToken != nil {
		if after, err = s.decodeNamePage(prefix, *r.NextToken); err != nil {
			return nil, err
		}
	}
	limit := pageLimit(r.MaxResults, pageDefault)
	response := &listConsumersResponse{Consumers: []consumerShape{}}
	for _, c := range st.desc.Consumers {
		if c.Name <= after {
			continue
		}
		if len(response.Consumers) == limit {
			response.NextToken = s.encodeNamePage(prefix, response.Consumers[limit-1].ConsumerName)
			break
		}
		response.Consumers = append(response.Consumers, s.shapeConsumer(st, c))
	}
	return response, nil
}
