package kinesis

import (
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	ktypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

var errEnd = io.EOF

// metadata is THE list of metadata columns, with how each is taken from a record: as a text, or as a
// number in the layout of its type.
var metadata = []struct {
	connectors.MetadataKey
	text   func(r *reader, rec *ktypes.Record) string // "" is NULL
	number func(r *reader, rec *ktypes.Record) int64
}{
	{MetadataKey: connectors.MetadataKey{Key: "timestamp", Type: types.LTZType(3).WithNull(false), Doc: "When the record arrived at the stream."},
		number: func(_ *reader, rec *ktypes.Record) int64 {
			return aws.ToTime(rec.ApproximateArrivalTimestamp).UnixMicro()
		}},
	{MetadataKey: connectors.MetadataKey{Key: "shard-id", Type: types.VarCharType(128).WithNull(false), Doc: "The shard's id, as `shardId-000000000000`."},
		text: func(r *reader, _ *ktypes.Record) string { return r.shard }},
	{MetadataKey: connectors.MetadataKey{Key: "sequence-number", Type: types.VarCharType(128).WithNull(false), Doc: "The record's sequence number, a decimal text that grows within a shard."},
		text: func(_ *reader, rec *ktypes.Record) string { return aws.ToString(rec.SequenceNumber) }},
	{MetadataKey: connectors.MetadataKey{Key: "partition-key", Type: types.VarCharType(256).WithNull(false), Doc: "The partition key the producer gave."},
		text: func(_ *reader, rec *ktypes.Record) string { return aws.ToString(rec.PartitionKey) }},
	{MetadataKey: connectors.MetadataKey{Key: "encryption-type", Type: types.StringType, Doc: "`KMS`, `NONE`, or NULL where the service does not say."},
		text: func(_ *reader, rec *ktypes.Record) string { return string(rec.EncryptionType) }},
	{MetadataKey: connectors.MetadataKey{Key: "millis-behind-latest", Type: types.BigIntType.WithNull(false), Doc: "How far behind the tip of the shard the read was, in milliseconds."},
		number: func(r *reader, _ *ktypes.Record) int64 { return r.millisBy }},
}

// fill copies records into the chunk and notes where each ends.
func (r *reader) fill(c *connectors.Chunk, out *kinesis.GetRecordsOutput) error {
	recs := r.within(out.Records)
	r.seqs = r.seqs[:0]
	for i := range recs {
		c.Beg = append(c.Beg, int32(len(c.Data)))
		c.Data = append(c.Data, recs[i].Data...)
		c.End = append(c.End, int32(len(c.Data)))
		r.seqs = append(r.seqs, aws.ToString(recs[i].SequenceNumber))
	}
	c.Meta = r.meta(recs)
	c.MillisBehind = r.millisBy
	c.OffsetAt = func(i int) connectors.Offset { return offset{Seq: r.seqs[i]}.encode() }
	c.Describe = func(i int) string { return fmt.Sprintf("shard %s, sequence number %s", r.shard, r.seqs[i]) }
	if n := len(r.seqs); n > 0 {
		r.at = offset{Seq: r.seqs[n-1]}
	}
	r.bound()
	if len(recs) == 0 && r.ended {
		return errEnd
	}
	return nil
}

// within drops records at or behind the end of a bounded read.
func (r *reader) within(recs []ktypes.Record) []ktypes.Record {
	if r.src.cfg.bounded != "timestamp" {
		return recs
	}
	for i := range recs {
		if aws.ToTime(recs[i].ApproximateArrivalTimestamp).UnixMilli() >= r.src.cfg.boundMillis {
			r.ended = true
			return recs[:i]
		}
	}
	return recs
}

// bound ends a bounded read that has reached the tip.
func (r *reader) bound() {
	switch r.src.cfg.bounded {
	case "latest":
		r.ended = r.ended || r.millisBy == 0
	case "timestamp":
		r.ended = r.ended || r.millisBy == 0 && r.src.env.Now().UnixMilli() >= r.src.cfg.boundMillis
	}
}

func (r *reader) meta(recs []ktypes.Record) []arrow.Array {
	if len(recs) == 0 || len(r.src.scan.Metadata) == 0 {
		return nil
	}
	cols := make([]arrow.Array, len(r.src.scan.Metadata))
	for k, key := range r.src.scan.Metadata {
		for _, m := range metadata {
			if m.Key != key {
				continue
			}
			if m.number != nil {
				values := make([]int64, len(recs))
				for i := range recs {
					values[i] = m.number(r, &recs[i])
				}
				cols[k] = vec.Fixed(m.Type.Arrow(), values, nil)
				continue
			}
			b := vec.NewTextBuilder()
			for i := range recs {
				if text := m.text(r, &recs[i]); text != "" {
					b.AppendString(text)
				} else {
					b.AppendNull()
				}
			}
			cols[k] = b.Array()
		}
	}
	return cols
}
