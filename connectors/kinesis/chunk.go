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

// record is a record as a row's source: one of the stream, or a user record in an aggregated one.
type record struct {
	*ktypes.Record
	key, hashKey string
	sub          int  // index in the aggregated record
	aggregated   bool // sub counts
	last         bool // none follows in the same record of the stream
}

// after is the place just past the record.
func (rec *record) after() offset {
	o := offset{Seq: aws.ToString(rec.SequenceNumber)}
	if !rec.last {
		o.Sub = rec.sub + 1
	}
	return o
}

// metadata is THE list of metadata columns, with how each is taken from a record: as a text, or as a
// number in the layout of its type.
var metadata = []struct {
	connectors.MetadataKey
	text   func(r *reader, rec *record) string // "" is NULL
	number func(r *reader, rec *record) int64
}{
	{MetadataKey: connectors.MetadataKey{Key: "timestamp", Type: types.LTZType(3).WithNull(false), Doc: "When the record arrived at the stream."},
		number: func(_ *reader, rec *record) int64 {
			return aws.ToTime(rec.ApproximateArrivalTimestamp).UnixMicro()
		}},
	{MetadataKey: connectors.MetadataKey{Key: "shard-id", Type: types.VarCharType(128).WithNull(false), Doc: "The shard's id, as `shardId-000000000000`."},
		text: func(r *reader, _ *record) string { return r.shard }},
	{MetadataKey: connectors.MetadataKey{Key: "sequence-number", Type: types.VarCharType(128).WithNull(false), Doc: "The record's sequence number, a decimal text that grows within a shard."},
		text: func(_ *reader, rec *record) string { return aws.ToString(rec.SequenceNumber) }},
	{MetadataKey: connectors.MetadataKey{Key: "sub-sequence-number", Type: types.BigIntType.WithNull(false), Doc: "The index of a user record in its aggregated record; 0 for others."},
		number: func(_ *reader, rec *record) int64 { return int64(rec.sub) }},
	{MetadataKey: connectors.MetadataKey{Key: "partition-key", Type: types.VarCharType(256).WithNull(false), Doc: "The partition key the producer gave; of a user record, its own."},
		text: func(_ *reader, rec *record) string { return rec.key }},
	{MetadataKey: connectors.MetadataKey{Key: "explicit-hash-key", Type: types.StringType, Doc: "The explicit hash key of a user record in an aggregated one; NULL for others, since Kinesis does not give it back."},
		text: func(_ *reader, rec *record) string { return rec.hashKey }},
	{MetadataKey: connectors.MetadataKey{Key: "encryption-type", Type: types.StringType, Doc: "`KMS`, `NONE`, or NULL where the service does not say."},
		text: func(_ *reader, rec *record) string { return string(rec.EncryptionType) }},
	{MetadataKey: connectors.MetadataKey{Key: "millis-behind-latest", Type: types.BigIntType.WithNull(false), Doc: "How far behind the tip of the shard the read was, in milliseconds."},
		number: func(r *reader, _ *record) int64 { return r.millisBy }},
}

// fill copies records into the chunk and notes where each ends.
func (r *reader) fill(c *connectors.Chunk, out *kinesis.GetRecordsOutput) error {
	r.recs = r.recs[:0]
	raw := r.within(out)
	for i := range raw {
		r.take(c, &raw[i])
	}
	recs := r.recs
	c.Meta = r.meta(recs)
	c.MillisBehind = r.millisBy
	c.OffsetAt = func(i int) connectors.Offset { return recs[i].after().encode() }
	c.Describe = func(i int) string {
		where := fmt.Sprintf("shard %s, sequence number %s", r.shard, aws.ToString(recs[i].SequenceNumber))
		if recs[i].aggregated {
			where += fmt.Sprintf(", user record %d in it", recs[i].sub)
		}
		return where
	}
	c.Sequence = func(i int) string {
		seq := aws.ToString(recs[i].SequenceNumber)
		if recs[i].aggregated {
			seq += fmt.Sprintf(":%d", recs[i].sub)
		}
		return seq
	}
	if n := len(raw); n > 0 {
		r.at = offset{Seq: aws.ToString(raw[n-1].SequenceNumber)}
	}
	if c.Len() == 0 && r.ended {
		return io.EOF
	}
	return nil
}

// take appends a record, or the user records in it.
func (r *reader) take(c *connectors.Chunk, rec *ktypes.Record) {
	done := 0 // user records that were read before
	if aws.ToString(rec.SequenceNumber) == r.at.Seq {
		done = r.at.Sub
	}
	if r.src.cfg.deaggregation == "auto" {
		if users, ok := deaggregate(rec.Data); ok {
			r.takeUsers(c, rec, users, done)
			return
		}
	}
	r.push(c, rec.Data, record{Record: rec, key: aws.ToString(rec.PartitionKey), last: true})
}

func (r *reader) takeUsers(c *connectors.Chunk, rec *ktypes.Record, users []userRecord, done int) {
	shard, _ := r.src.shard(r.shard)
	before := len(r.recs)
	for i, u := range users {
		if i >= done && (!shard.ranged || shard.hashes.owns(u)) {
			r.push(c, u.data, record{Record: rec, key: u.key, hashKey: u.hashKey, sub: i, aggregated: true})
		}
	}
	if len(r.recs) > before {
		r.recs[len(r.recs)-1].last = true
	}
}

func (r *reader) push(c *connectors.Chunk, data []byte, rec record) {
	c.Beg = append(c.Beg, int32(len(c.Data)))
	c.Data = append(c.Data, data...)
	c.End = append(c.End, int32(len(c.Data)))
	r.recs = append(r.recs, rec)
}

func (r *reader) meta(recs []record) []arrow.Array {
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
