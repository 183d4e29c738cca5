package kinesis

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	ktypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"weir/connectors"
	wa "weir/connectors/aws"
	"weir/sql/fn"
	"weir/sql/vec"
)

// The API's limits.
const (
	maxRecordBytes  = 10 << 20 // of data and key; a stream's own limit may be lower
	maxRequestBytes = 5 << 20  // taken by every server; AWS allows 10 MiB by now
	maxRequestRows  = 500
)

// sink writes records with PutRecords: at-least-once. Requests run side by side within
// sink.requests.max-inflight; only the records that the service refused are sent again, so the order
// of records may change when it throttles.
type sink struct {
	cfg     *config
	env     *connectors.Env
	desc    *connectors.TableDesc
	enc     connectors.Encoder
	keyCols []int
	api     *client

	buf      []ktypes.PutRecordsRequestEntry
	bytes    int
	since    time.Time // when the oldest record in buf came
	inflight chan struct{}
	wg       sync.WaitGroup

	mu  sync.Mutex
	err error // the first failure of a request
}

// Write encodes each row into a record, and sends full requests.
func (s *sink) Write(ctx context.Context, b *vec.Batch) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	for i := 0; i < b.Len(); i++ {
		data, err := s.enc.Encode(nil, b, i)
		if err != nil {
			return fmt.Errorf("stream %q: %w", s.api.name, err)
		}
		key := s.partitionKey(b, i)
		size := len(data) + len(key)
		if size > maxRecordBytes {
			return fmt.Errorf("stream %q: a row of %d bytes is larger than the %d bytes that Kinesis takes", s.api.name, size, maxRecordBytes)
		}
		if len(s.buf) >= s.cfg.batchSize || s.bytes+size > min(maxRequestBytes, s.cfg.bufferBytes) {
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
	return s.failure()
}

func (s *sink) open(ctx context.Context) error {
	if s.api != nil {
		return nil
	}
	api, err := s.cfg.connect(ctx, s.env)
	if err == nil {
		s.api = api
	}
	return err
}

// partitionKey is the PARTITIONED BY values joined by the delimiter, else random.
func (s *sink) partitionKey(b *vec.Batch, i int) string {
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

// send starts a request with what is buffered, waiting for a free place.
func (s *sink) send(ctx context.Context) error {
	if len(s.buf) == 0 {
		return nil
	}
	select {
	case s.inflight <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	batch := s.buf
	s.buf, s.bytes = nil, 0
	s.wg.Add(1)
	go func() {
		defer func() { <-s.inflight; s.wg.Done() }()
		if err := s.put(ctx, batch); err != nil {
			s.mu.Lock()
			s.err = errors.Join(s.err, err)
			s.mu.Unlock()
		}
	}()
	return s.failure()
}

// put sends a batch until every record is taken. Throttling and passing failures are waited out:
// that is backpressure; what the user must mend fails.
func (s *sink) put(ctx context.Context, batch []ktypes.PutRecordsRequestEntry) error {
	wait := 50 * time.Millisecond
	for {
		out, err := s.api.api.PutRecords(ctx, &kinesis.PutRecordsInput{Records: batch, StreamName: s.api.short, StreamARN: s.api.arn})
		if err != nil && (ctx.Err() != nil || wa.Classify(err) == wa.Fatal) {
			return s.api.explain("writing", err)
		}
		if err == nil {
			if batch, err = s.refused(batch, out); err != nil || len(batch) == 0 {
				return err
			}
		} else {
			s.env.Logger.Warn("kinesis: write failed, trying again", "stream", s.api.name, "error", err.Error())
		}
		jitter := time.Duration(s.env.Random() % uint64(wait))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait/2 + jitter/2):
		}
		wait = min(2*wait, 5*time.Second)
	}
}

// refused gives the records of the batch that the service did not take.
func (s *sink) refused(batch []ktypes.PutRecordsRequestEntry, out *kinesis.PutRecordsOutput) ([]ktypes.PutRecordsRequestEntry, error) {
	if aws.ToInt32(out.FailedRecordCount) == 0 {
		return nil, nil
	}
	var again []ktypes.PutRecordsRequestEntry
	for i, r := range out.Records {
		code := aws.ToString(r.ErrorCode)
		if code == "" {
			continue
		}
		if s.cfg.failOnError {
			return nil, fmt.Errorf("stream %q refused a record ('sink.fail-on-error' = 'true'): %s: %s", s.api.name, code, aws.ToString(r.ErrorMessage))
		}
		again = append(again, batch[i])
	}
	return again, nil
}

func (s *sink) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Flush sends what is buffered and waits until the service has taken everything.
func (s *sink) Flush(ctx context.Context) ([]byte, error) {
	if err := s.send(ctx); err != nil {
		return nil, err
	}
	s.wg.Wait()
	return nil, s.failure()
}

// Commit has nothing to publish: records are visible once taken.
func (s *sink) Commit(context.Context, []byte) error { return nil }

// Close waits for requests under way.
func (s *sink) Close() error {
	s.wg.Wait()
	return nil
}

// FlushInterval is how long a record waits for company.
func (s *sink) FlushInterval() time.Duration { return s.cfg.linger }

// Tick sends a buffer that has waited long enough.
func (s *sink) Tick(ctx context.Context) error {
	if len(s.buf) > 0 && s.env.Now().Sub(s.since) >= s.cfg.linger {
		return s.send(ctx)
	}
	return s.failure()
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

var _ connectors.Lingerer = (*sink)(nil)
