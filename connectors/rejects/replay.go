package rejects

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/vec"
)

// ReplaySplit is the split that rejected records come from when they are taken up again. Their sequence numbers are
// then their ids.
const ReplaySplit = "retry"

// Replay is the configuration of a table whose records are those that it once rejected: they are decoded anew, as the
// table is declared now.
func Replay(c connectors.Reads, list []*connectors.Rejected) connectors.Config {
	return &replay{c, list}
}

type replay struct {
	connectors.Reads
	list []*connectors.Rejected
}

// Source implements connectors.Reads.
func (r *replay) Source(t *connectors.TableDesc, scan connectors.Scan, env *connectors.Env) (connectors.Source, error) {
	if len(t.PartitionedBy) > 0 && t.Options["connector"] == "filesystem" {
		return nil, fmt.Errorf("table %s has partitions, of which its rejected records know nothing", t.Name)
	}
	src, err := r.Reads.Source(t, scan, env)
	if err != nil {
		return nil, err
	}
	s := &replaySource{Source: src, list: r.list}
	for _, key := range scan.Metadata {
		for _, m := range r.Metadata() {
			if m.Key == key {
				s.meta = append(s.meta, m)
			}
		}
	}
	return s, nil
}

type replaySource struct {
	connectors.Source
	list []*connectors.Rejected
	meta []connectors.MetadataKey
}

// Splits, Discovery and Bounded replace the table's own.
func (s *replaySource) Splits(context.Context) ([]connectors.Split, error) {
	return []connectors.Split{{ID: ReplaySplit}}, nil
}
func (s *replaySource) Discovery() time.Duration { return 0 }
func (s *replaySource) Bounded() bool            { return true }

// Decoder is the table's.
func (s *replaySource) Decoder() (connectors.Decoder, error) {
	d, err := s.Source.Decoder()
	if err == nil && d == nil {
		err = errors.New("the table's connector gives rows, not records: there is nothing to take up again")
	}
	return d, err
}

// Read implements connectors.Source.
func (s *replaySource) Read(_ context.Context, _ connectors.Split, from connectors.Offset) (connectors.SplitReader, error) {
	r := &replayReader{s: s}
	if len(from) == 8 {
		r.next = int(binary.BigEndian.Uint64(from))
	}
	return r, nil
}

type replayReader struct {
	s    *replaySource
	next int
}

// replayBytes bounds a chunk.
const replayBytes = 1 << 20

// Next implements connectors.Reader.
func (r *replayReader) Next(_ context.Context, c *connectors.Chunk) error {
	if r.next >= len(r.s.list) {
		return io.EOF
	}
	first := r.next
	c.Data, c.Beg, c.End = nil, nil, nil
	for ; r.next < len(r.s.list) && (r.next == first || len(c.Data) < replayBytes); r.next++ {
		c.Beg = append(c.Beg, int32(len(c.Data)))
		c.Data = append(c.Data, r.s.list[r.next].Record...)
		c.End = append(c.End, int32(len(c.Data)))
		c.Data = append(c.Data, '\n')
	}
	list := r.s.list[first:r.next]
	c.Meta = nil
	for _, m := range r.s.meta {
		c.Meta = append(c.Meta, metadata(m, list))
	}
	c.OffsetAt = func(i int) connectors.Offset {
		return binary.BigEndian.AppendUint64(nil, uint64(first+i+1))
	}
	c.Describe = func(i int) string { return "rejected record " + list[i].ID }
	c.Sequence = func(i int) string { return list[i].ID }
	c.MillisBehind = -1
	return nil
}

// metadata is what is still known of where records came from; the rest is NULL.
func metadata(m connectors.MetadataKey, list []*connectors.Rejected) arrow.Array {
	b := vec.NewBuilder(m.Type)
	for _, r := range list {
		text, ok := b.(*vec.TextBuilder)
		v := ""
		switch {
		case !ok || !m.Type.IsString():
		case m.Key == "shard-id":
			v = r.Split
		case m.Key == "sequence-number":
			v = r.Sequence
		}
		if v == "" {
			b.AppendNull()
			continue
		}
		text.AppendString(v)
	}
	return b.Array()
}

// Close implements connectors.SplitReader.
func (r *replayReader) Close() error { return nil }
