package kinesis

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ktypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"weir/connectors"
	"weir/sql/fn"
	"weir/sql/vec"
)

// The API's limits.
const (
	maxRecordBytes  = 10 << 20 // of data and key; a stream's own limit is 1 MiB unless it was raised
	maxRequestBytes = 5 << 20  // taken by every server; AWS allows 10 MiB by now
	maxRequestRows  = 500
)

// sink writes records with PutRecords: at-least-once. Records of a key stay in order while nothing is refused. Only refused records are sent again.
type sink struct {
	cfg      *config
	env      *connectors.Env
	desc     *connectors.TableDesc
	enc      connectors.Encoder
	keyCols  []int
	fixedKey string // of 'sink.partitioner' = 'fixed'
	api      *client
	*connectors.Requests

	buf   []ktypes.PutRecordsRequestEntry
	bytes int
	since time.Time // when the oldest record in buf came
}

// Write encodes each row into a record, and sends full requests.
func (s *sink) Write(ctx context.Context, b *vec.Batch) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	for i := 0; i < b.Len(); i++ {
		data, err := s.enc.Encode(nil, b, i)
		if err != nil {
			return &connectors.Refusal{Row: i, Err: fmt.Errorf("stream %q: %w", s.api.name, err)}
		}
		key := s.partitionKey(b, i)
		size := len(data) + len(key)
		if size > maxRecordBytes {
			return &connectors.Refusal{Row: i, Err: fmt.Errorf("stream %q: a row makes a record of %d bytes, more than the %d that Kinesis takes; it begins with %s", s.api.name, size, maxRecordBytes, brief(data))}
		}
		if len(s.buf) >= s.cfg.batchSize || len(s.buf) > 0 && s.bytes+size > min(maxRequestBytes, s.cfg.bufferBytes) {
			if err := s.send(ctx); err != nil {
				return err
			}
		}
		if len(s.buf) == 0 {
			s.since = s.env.Now()
		}
		s.buf = append(s.buf, ktypes.PutRecordsRequestEntry{Data: data, PartitionKey: aws.String(key)})
		s.bytes += size
	}
	if len(s.buf) >= s.cfg.batchSize {
		return s.send(ctx)
	}
	return s.Err()
}

// brief is the beginning of a record, for messages.
func brief(data []byte) string {
	if len(data) > 80 {
		return strings.ToValidUTF8(string(data[:80]), "?") + "..."
	}
	return strings.ToValidUTF8(string(data), "?")
}

func (s *sink) open(ctx context.Context) error {
	if s.api != nil {
		return nil
	}
	api, err := s.cfg.connect(ctx, s.env)
	if err != nil {
		return err
	}
	s.api = api
	s.Open(ctx)
	return nil
}

// partitionKey is the PARTITIONED BY values joined by the delimiter, else random.
func (s *sink) partitionKey(b *vec.Batch, i int) string {
	if s.fixedKey != "" {
		return s.fixedKey
	}
	if len(s.keyCols) == 0 {
		var r [16]byte
		for k := range 2 {
			v := s.env.Random()
			for j := range 8 {
				r[8*k+j] = byte(v >> (8 * j))
			}
		}
		return hex.EncodeToString(r[:])
	}
	var key []byte
	for k, c := range s.keyCols {
		if k > 0 {
			key = append(key, s.cfg.delimiter...)
		}
		col := b.Col(c)
		if col.IsNull(i) {
			key = append(key, "null"...)
			continue
		}
		key = fn.AppendText(key, s.desc.Columns[c].Type, col, i, s.env.Zone)
	}
	if len(key) == 0 {
		return "-" // the API wants at least one character
	}
	return truncateKey(string(key))
}

// truncateKey cuts a key to the 256 characters that the API takes.
func truncateKey(key string) string {
	n := 0
	for i := range key {
		if n++; n > 256 {
			return key[:i]
		}
	}
	return key
}

// Flush sends what is buffered and waits until the service has taken everything.
func (s *sink) Flush(ctx context.Context) ([]byte, error) {
	if err := s.send(ctx); err != nil {
		return nil, err
	}
	return nil, s.Wait(ctx)
}

// Commit has nothing to publish: records are visible once taken.
func (s *sink) Commit(context.Context, []byte) error { return nil }

// Close gives up what was not flushed.
func (s *sink) Close() error {
	s.Stop()
	return nil
}

// FlushInterval is how long a record waits for company.
func (s *sink) FlushInterval() time.Duration { return s.cfg.linger }

// Tick sends a buffer that has waited long enough.
func (s *sink) Tick(ctx context.Context) error {
	if len(s.buf) > 0 && s.env.Now().Sub(s.since) >= s.cfg.linger {
		return s.send(ctx)
	}
	return s.Err()
}

// keyColumns finds the PARTITIONED BY columns.
func keyColumns(t *connectors.TableDesc) ([]int, error) {
	var cols []int
	for _, name := range t.PartitionedBy {
		i := t.Columns.Index(name)
		if i < 0 {
			return nil, fmt.Errorf("PARTITIONED BY column %q is not a physical column of %s", name, t.Name)
		}
		cols = append(cols, i)
	}
	return cols, nil
}

var (
	_ connectors.Lingerer = (*sink)(nil)
	_ connectors.Refuser  = (*sink)(nil)
)
