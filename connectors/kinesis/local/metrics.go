package local

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const metricsType = "text/plain; version=0.0.4; charset=utf-8"

// metric is one metric of CloudWatch's namespace AWS/Kinesis in Prometheus' text form: the name in snake case under
// aws_kinesis_. A count or a sum becomes a counter; an average becomes a sum beside the count of its calls.
type metric struct {
	cloudWatch string
	suffix     string // what the unit or the kind adds to the name
	kind       string
	value      func(*streamStats) float64
}

func count(cloudWatch string, value func(*streamStats) int64) metric {
	return metric{cloudWatch, "_total", "counter", func(c *streamStats) float64 { return float64(value(c)) }}
}

func gauge(cloudWatch string, value func(*streamStats) int64) metric {
	return metric{cloudWatch, "", "gauge", func(c *streamStats) float64 { return float64(value(c)) }}
}

func seconds(cloudWatch string, calls func(*streamStats) *callStats) metric {
	return metric{cloudWatch, "_seconds_total", "counter", func(c *streamStats) float64 { return float64(calls(c).micros.Load()) / 1e6 }}
}

// streamMetrics is the list of what there is a stream.
func streamMetrics() []metric {
	putRecord := func(c *streamStats) *callStats { return &c.putRecord }
	putRecords := func(c *streamStats) *callStats { return &c.putRecords }
	getRecords := func(c *streamStats) *callStats { return &c.getRecords }
	of := func(call func(*streamStats) *callStats, field func(*callStats) int64) func(*streamStats) int64 {
		return func(c *streamStats) int64 { return field(call(c)) }
	}
	calls := func(c *callStats) int64 { return c.calls.Load() }
	succeeded := func(c *callStats) int64 { return c.succeeded.Load() }
	bytes := func(c *callStats) int64 { return c.bytes.Load() }
	records := func(c *callStats) int64 { return c.records.Load() }
	return []metric{
		count("IncomingRecords", func(c *streamStats) int64 { return c.inRecords.Load() }),
		count("IncomingBytes", func(c *streamStats) int64 { return c.inBytes.Load() }),
		count("PutRecord.Calls", of(putRecord, calls)),
		count("PutRecord.Success", of(putRecord, succeeded)),
		count("PutRecord.Bytes", of(putRecord, bytes)),
		seconds("PutRecord.Latency", putRecord),
		count("PutRecords.Calls", of(putRecords, calls)),
		count("PutRecords.Success", of(putRecords, succeeded)),
		count("PutRecords.Bytes", of(putRecords, bytes)),
		count("PutRecords.TotalRecords", of(putRecords, records)),
		count("PutRecords.SuccessfulRecords", func(c *streamStats) int64 { return c.putRecords.records.Load() - c.throttledRecords.Load() }),
		count("PutRecords.FailedRecords", func(*streamStats) int64 { return 0 }), // of faults: those fail the whole call
		count("PutRecords.ThrottledRecords", func(c *streamStats) int64 { return c.throttledRecords.Load() }),
		seconds("PutRecords.Latency", putRecords),
		count("GetRecords.Calls", of(getRecords, calls)),
		count("GetRecords.Success", of(getRecords, succeeded)),
		count("GetRecords.Bytes", of(getRecords, bytes)),
		count("GetRecords.Records", of(getRecords, records)),
		seconds("GetRecords.Latency", getRecords),
		gauge("GetRecords.IteratorAgeMilliseconds", func(c *streamStats) int64 { return c.iteratorAgeMs.Load() }),
		count("WriteProvisionedThroughputExceeded", func(c *streamStats) int64 { return c.writeThrottled.Load() }),
		count("ReadProvisionedThroughputExceeded", func(c *streamStats) int64 { return c.readThrottled.Load() }),
		count("SubscribeToShard.Success", func(c *streamStats) int64 { return c.subscribe.succeeded.Load() }),
		count("SubscribeToShard.RateExceeded", func(c *streamStats) int64 { return c.subscribeRefused.Load() }),
		count("SubscribeToShardEvent.Success", func(c *streamStats) int64 { return c.subscribeEvent.succeeded.Load() }),
		count("SubscribeToShardEvent.Records", func(c *streamStats) int64 { return c.subscribeEvent.records.Load() }),
		count("SubscribeToShardEvent.Bytes", func(c *streamStats) int64 { return c.subscribeEvent.bytes.Load() }),
		gauge("SubscribeToShardEvent.MillisBehindLatest", func(c *streamStats) int64 { return c.behindMs.Load() }),
	}
}

// shardMetric is a shard-level metric, given for streams which have it enabled.
func shardMetric(name string, c *shardStats) (value int64, kind string) {
	switch name {
	case "IncomingBytes":
		return c.inBytes.Load(), "counter"
	case "IncomingRecords":
		return c.inRecords.Load(), "counter"
	case "OutgoingBytes":
		return c.outBytes.Load(), "counter"
	case "OutgoingRecords":
		return c.outRecords.Load(), "counter"
	case "ReadProvisionedThroughputExceeded":
		return c.readThrottled.Load(), "counter"
	case "WriteProvisionedThroughputExceeded":
		return c.writeThrottled.Load(), "counter"
	case "IteratorAgeMilliseconds":
		return c.iteratorAgeMs.Load(), "gauge"
	}
	panic("no shard-level metric is called " + name)
}

// metricName is a CloudWatch name in snake case.
func metricName(cloudWatch string) string {
	var b strings.Builder
	b.WriteString("aws_kinesis_")
	lower := false
	for _, c := range cloudWatch {
		switch {
		case c == '.':
			c, lower = '_', false
		case c >= 'A' && c <= 'Z':
			if lower {
				b.WriteByte('_')
			}
			c, lower = c-'A'+'a', false
		default:
			lower = true
		}
		b.WriteRune(c)
	}
	return b.String()
}

// serveMetrics answers a scrape. Label values are stream names and shard ids, whose letters need no escape.
func (s *Server) serveMetrics(w http.ResponseWriter) {
	var b strings.Builder
	streams := s.catalog.all()
	head := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	for _, m := range streamMetrics() {
		name := metricName(m.cloudWatch) + m.suffix
		head(name, m.kind, m.cloudWatch+" of the stream, as in CloudWatch.")
		for _, st := range streams {
			fmt.Fprintf(&b, "%s{stream_name=%q} %s\n", name, st.desc.Name, strconv.FormatFloat(m.value(st.stats), 'f', -1, 64))
		}
	}
	for _, m := range shardMetrics {
		name := "aws_kinesis_shard" + strings.TrimPrefix(metricName(m), "aws_kinesis")
		_, kind := shardMetric(m, &shardStats{})
		if kind == "counter" {
			name += "_total"
		}
		head(name, kind, m+" of the shard, for streams with enhanced monitoring.")
		for _, st := range streams {
			if !slices.Contains(st.desc.ShardMetrics, m) {
				continue
			}
			for _, sh := range st.shards {
				value, _ := shardMetric(m, &sh.log.stats)
				fmt.Fprintf(&b, "%s{stream_name=%q,shard_id=%q} %d\n", name, st.desc.Name, sh.id(), value)
			}
		}
	}
	disk := s.store.db.Metrics()
	head("weir_kinesis_store_bytes", "gauge", "Size of the store on disk.")
	fmt.Fprintf(&b, "weir_kinesis_store_bytes %d\n", disk.DiskSpaceUsage())
	head("weir_kinesis_subscriptions", "gauge", "Running subscriptions of enhanced fan-out.")
	fmt.Fprintf(&b, "weir_kinesis_subscriptions %d\n", s.subscriptions.total())
	w.Header().Set("Content-Type", metricsType)
	w.Write([]byte(b.String()))
}
