package local

import (
	"context"
	"slices"
)

// shardMetrics are the metrics of single shards, in the order in which the service lists them.
var shardMetrics = []string{"IncomingBytes", "OutgoingRecords", "IteratorAgeMilliseconds", "IncomingRecords",
	"ReadProvisionedThroughputExceeded", "WriteProvisionedThroughputExceeded", "OutgoingBytes"}

const allShardMetrics = "ALL"

func (s *Server) enableMonitoring(ctx context.Context, r *monitoringRequest) (*monitoringResponse, error) {
	return s.setMonitoring(ctx, r, func(current, named []string) []string {
		return slices.DeleteFunc(slices.Clone(shardMetrics), func(m string) bool {
			return !slices.Contains(current, m) && !slices.Contains(named, m)
		})
	})
}

func (s *Server) disableMonitoring(ctx context.Context, r *monitoringRequest) (*monitoringResponse, error) {
	return s.setMonitoring(ctx, r, func(current, named []string) []string {
		return slices.DeleteFunc(slices.Clone(current), func(m string) bool { return slices.Contains(named, m) })
	})
}

// setMonitoring replaces the shard-level metrics of a stream by what change makes of those it has and those named.
func (s *Server) setMonitoring(ctx context.Context, r *monitoringRequest, change func(current, named []string) []string) (*monitoringResponse, error) {
	v := &validation{}
	v.stream(&r.streamRef)
	if v.required("shardLevelMetrics", r.ShardLevelMetrics != nil) {
		if n := len(r.ShardLevelMetrics); n < 1 || n > 7 {
			v.fail("of that many entries", "shardLevelMetrics", "have length between 1 and 7")
		}
		for i := range r.ShardLevelMetrics {
			v.oneOf("shardLevelMetrics", &r.ShardLevelMetrics[i], append(slices.Clone(shardMetrics), allShardMetrics)...)
		}
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	named := r.ShardLevelMetrics
	if slices.Contains(named, allShardMetrics) {
		named = shardMetrics
	}
	response := &monitoringResponse{}
	err := s.changeActive(ctx, &r.streamRef, func(st *stream, desc *streamDesc) error {
		response.StreamName, response.StreamARN = desc.Name, s.streamARN(desc.Name)
		response.CurrentShardLevelMetrics = orEmpty(st.desc.ShardMetrics)
		desc.ShardMetrics = change(st.desc.ShardMetrics, named)
		response.DesiredShardLevelMetrics = orEmpty(desc.ShardMetrics)
		return nil
	})
	return response, err
}

// orEmpty spares clients a null where the API has a list.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
