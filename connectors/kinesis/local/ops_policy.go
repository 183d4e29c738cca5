package local

import (
	"context"
	"encoding/json"
)

const maxPolicyBytes = 20 << 10

// resourceText is how the API model describes what may have a policy or tags.
var resourceText = newPattern(`arn:aws.*:kinesis:.*:\d{12}:.*stream/\S+`)

// resourceOf finds the stream or the consumer of an ARN; consumer is empty when the ARN names a stream.
func (s *Server) resourceOf(arn *string) (st *stream, consumer string, err error) {
	v := &validation{}
	if v.required("resourceARN", arn != nil) {
		v.text("resourceARN", arn, 1, 2048, &resourceText)
	}
	if err := v.err(); err != nil {
		return nil, "", err
	}
	if consumerARNPattern.MatchString(*arn) {
		st, c, err := s.findConsumer(&consumerRef{ConsumerARN: arn})
		return st, c.Name, err
	}
	st, err = s.find(&streamRef{StreamARN: arn})
	return st, "", err
}

// changeResource changes the descriptor of a resource's stream in any status; change gets the consumer's name, empty
// for the stream itself.
func (s *Server) changeResource(ctx context.Context, arn *string, change func(desc *streamDesc, consumer string) error) error {
	return s.writer.do(ctx, func() error {
		st, consumer, err := s.resourceOf(arn)
		if err != nil {
			return err
		}
		desc := st.desc.clone()
		if err := change(&desc, consumer); err != nil {
			return err
		}
		return s.saveStream(st, desc)
	})
}

// putPolicy keeps a policy. It is kept and shown, not enforced: there are no principals here.
func (s *Server) putPolicy(ctx context.Context, r *policyRequest) (*empty, error) {
	v := &validation{}
	v.required("resourceARN", r.ResourceARN != nil)
	v.required("policy", r.Policy != nil)
	if err := v.err(); err != nil {
		return nil, err
	}
	var object map[string]json.RawMessage
	if len(*r.Policy) > maxPolicyBytes || json.Unmarshal([]byte(*r.Policy), &object) != nil {
		return nil, invalidArgument("The policy must be a JSON object of at most %d bytes.", maxPolicyBytes)
	}
	return &empty{}, s.changeResource(ctx, r.ResourceARN, func(desc *streamDesc, consumer string) error {
		if desc.Policies == nil {
			desc.Policies = map[string]string{}
		}
		desc.Policies[consumer] = *r.Policy
		return nil
	})
}

func (s *Server) getPolicy(_ context.Context, r *policyRequest) (*policyResponse, error) {
	st, consumer, err := s.resourceOf(r.ResourceARN)
	if err != nil {
		return nil, err
	}
	policy, ok := st.desc.Policies[consumer]
	if !ok {
		return nil, policyNotFound(*r.ResourceARN)
	}
	return &policyResponse{Policy: policy}, nil
}

func (s *Server) deletePolicy(ctx context.Context, r *policyRequest) (*empty, error) {
	return &empty{}, s.changeResource(ctx, r.ResourceARN, func(desc *streamDesc, consumer string) error {
		if _, ok := desc.Policies[consumer]; !ok {
			return policyNotFound(*r.ResourceARN)
		}
		delete(desc.Policies, consumer)
		return nil
	})
}

func policyNotFound(arn string) *apiError {
	return newError("ResourceNotFoundException", "No resource-based policy found for the resource %s.", clip(arn))
}
