package local

import (
	"context"
	"errors"
	"net/http"
	"regexp"
)

// operation is one call of the API, from the bytes of a request to those of its response.
type operation struct {
	name string
	// What serve returns may lie in the buffer of the lease.
	serve func(ctx context.Context, s *Server, wire codec, body []byte, lease *pageLease) ([]byte, error)
	// stream is set instead of serve when the response is an event stream: it writes the response itself and returns
	// errStreamed, or it writes nothing and returns another error.
	stream func(ctx context.Context, s *Server, wire codec, body []byte, w http.ResponseWriter) error
}

var errStreamed = errors.New("the response is written")

// op makes an operation of a handler; request and response shapes follow from its type.
func op[Request, Response any](name string, handle func(*Server, context.Context, *Request) (*Response, error)) operation {
	serve := func(ctx context.Context, s *Server, wire codec, body []byte, lease *pageLease) ([]byte, error) {
		request := new(Request)
		if reader, ok := any(request).(*getRecordsRequest); ok {
			lease.json = wire == codec(jsonCodec{})
			reader.lease = lease
		}
		if err := wire.decode(body, request); err != nil {
			return nil, newError("SerializationException", "%v", err)
		}
		response, err := handle(s, ctx, request)
		if err != nil {
			return nil, err
		}
		if _, none := any(response).(*empty); none {
			return nil, nil
		}
		answer, err := wire.encode(response)
		if lease.taken {
			lease.body = answer
		}
		return answer, err
	}
	return operation{name: name, serve: serve}
}

// operationTable is the list of what the server can do.
func operationTable() map[string]operation {
	table := map[string]operation{}
	for _, o := range []operation{
		op("AddTagsToStream", (*Server).addTags),
		op("CreateStream", (*Server).createStream),
		op("DeleteResourcePolicy", (*Server).deletePolicy),
		op("DecreaseStreamRetentionPeriod", (*Server).decreaseRetention),
		op("DeleteStream", (*Server).deleteStream),
		op("DeregisterStreamConsumer", (*Server).deregisterConsumer),
		op("DescribeAccountSettings", (*Server).describeAccount),
		op("DescribeLimits", (*Server).describeLimits),
		op("DescribeStream", (*Server).describeStream),
		op("DescribeStreamConsumer", (*Server).describeConsumer),
		op("DescribeStreamSummary", (*Server).describeStreamSummary),
		op("DisableEnhancedMonitoring", (*Server).disableMonitoring),
		op("EnableEnhancedMonitoring", (*Server).enableMonitoring),
		op("GetRecords", (*Server).getRecords),
		op("GetResourcePolicy", (*Server).getPolicy),
		op("GetShardIterator", (*Server).getShardIterator),
		op("IncreaseStreamRetentionPeriod", (*Server).increaseRetention),
		op("ListShards", (*Server).listShards),
		op("ListStreamConsumers", (*Server).listConsumers),
		op("ListStreams", (*Server).listStreams),
		op("ListTagsForResource", (*Server).listTagsForResource),
		op("ListTagsForStream", (*Server).listTags),
		op("MergeShards", (*Server).mergeShards),
		op("PutRecord", (*Server).putRecord),
		op("PutRecords", (*Server).putRecords),
		op("PutResourcePolicy", (*Server).putPolicy),
		op("RegisterStreamConsumer", (*Server).registerConsumer),
		op("RemoveTagsFromStream", (*Server).removeTags),
		op("SplitShard", (*Server).splitShard),
		op("StartStreamEncryption", (*Server).startEncryption),
		op("StopStreamEncryption", (*Server).stopEncryption),
		{name: "SubscribeToShard", stream: subscribeToShard},
		op("TagResource", (*Server).tagResource),
		op("UntagResource", (*Server).untagResource),
		op("UpdateAccountSettings", (*Server).updateAccount),
		op("UpdateMaxRecordSize", (*Server).updateMaxRecordSize),
		op("UpdateShardCount", (*Server).updateShardCount),
		op("UpdateStreamMode", (*Server).updateStreamMode),
		op("UpdateStreamRecordDistributionStrategy", (*Server).updateDistribution),
		op("UpdateStreamWarmThroughput", (*Server).updateWarmThroughput),
	} {
		table[o.name] = o
	}
	return table
}

var streamARNPattern = regexp.MustCompile(`^arn:aws[^:]*:kinesis:([^:]*):(\d{12}):stream/([^/\s]+)$`)

func (s *Server) streamARN(name string) string {
	return "arn:aws:kinesis:" + s.opts.Region + ":" + s.opts.AccountID + ":stream/" + name
}

// streamNamed is the name that a request gives, by itself or in an ARN. The region of an ARN is
// not compared: clients sign for whatever region they are set to, and there is one set of streams.
func (s *Server) streamNamed(ref *streamRef) (string, error) {
	if ref.StreamARN == nil {
		if ref.StreamName == nil {
			return "", invalidArgument("Either StreamName or StreamARN must be given.")
		}
		return *ref.StreamName, nil
	}
	parts := streamARNPattern.FindStringSubmatch(*ref.StreamARN)
	if parts == nil {
		return "", invalidArgument("StreamARN %s is not the ARN of a stream.", clip(*ref.StreamARN))
	}
	if ref.StreamName != nil && *ref.StreamName != parts[3] {
		return "", invalidArgument("StreamName %s and StreamARN %s name different streams.", *ref.StreamName, *ref.StreamARN)
	}
	if parts[2] != s.opts.AccountID {
		return "", newError("ResourceNotFoundException", "Stream %s under account %s not found.", parts[3], parts[2])
	}
	return parts[3], nil
}

// find is the stream of a request in any status.
func (s *Server) find(ref *streamRef) (*stream, error) {
	name, err := s.streamNamed(ref)
	if err != nil {
		return nil, err
	}
	st := s.catalog.named(name)
	if st == nil || st.gone(s.nowMs()) {
		return nil, s.streamNotFound(name)
	}
	return st, nil
}

// findReady is the stream of a request which reads or writes records: not yet there while it is being
// created, and no longer while it is being deleted.
func (s *Server) findReady(ref *streamRef) (*stream, error) {
	st, err := s.find(ref)
	if err != nil {
		return nil, err
	}
	switch st.status(s.nowMs()) {
	case statusCreating, statusDeleting:
		return nil, s.streamNotFound(st.desc.Name)
	}
	return st, nil
}

// findShard is a shard of st by its id.
func (s *Server) findShard(st *stream, id string) (*shard, error) {
	if index, ok := parseShardID(id); ok {
		if sh := st.shard(index); sh != nil {
			return sh, nil
		}
	}
	return nil, s.shardNotFound(st.desc.Name, clip(id))
}

// changeActive replaces a stream: change gets a copy of its descriptor, in the writer's goroutine, so
// that nothing else changes meanwhile. The stream must be ACTIVE, and is UPDATING for
// Options.TransitionDelay afterwards.
func (s *Server) changeActive(ctx context.Context, ref *streamRef, change func(st *stream, desc *streamDesc) error) error {
	return s.writer.do(ctx, func() error {
		st, err := s.find(ref)
		if err != nil {
			return err
		}
		if status := st.status(s.nowMs()); status != statusActive {
			return resourceInUse("Stream %s under account %s not ACTIVE, instead in state %s", st.desc.Name, s.opts.AccountID, status)
		}
		desc := st.desc.clone()
		if err := change(st, &desc); err != nil {
			return err
		}
		s.transition(&desc, statusUpdating)
		return s.saveStream(st, desc)
	})
}

// transition starts a change of status.
func (s *Server) transition(desc *streamDesc, to string) {
	desc.Changing, desc.UntilMs = "", 0
	if delay := s.opts.TransitionDelay.Milliseconds(); delay > 0 {
		desc.Changing, desc.UntilMs = to, s.nowMs()+delay
	}
}
