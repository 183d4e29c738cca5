package kinesis

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	ktypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"weir/connectors"
	wa "weir/connectors/aws"
)

// send starts a request with what is buffered, waiting for a free place. It is repeated until everything in it is taken.
func (s *sink) send(ctx context.Context) error {
	if err := s.Err(); err != nil || len(s.buf) == 0 {
		return err
	}
	batch := s.buf
	s.buf, s.bytes = nil, 0
	var keys iter.Seq[string]
	if len(s.keyCols) > 0 || s.fixedKey != "" {
		keys = func(yield func(string) bool) {
			for i := range batch {
				if !yield(*batch[i].PartitionKey) {
					return
				}
			}
		}
	}
	return s.Start(ctx, keys, func(ctx context.Context) error { return s.put(ctx, batch) })
}

// put sends a batch until every record is taken. Throttling and passing failures are waited out:
// that is backpressure; what the user must mend fails.
func (s *sink) put(ctx context.Context, batch []ktypes.PutRecordsRequestEntry) error {
	const first = 50 * time.Millisecond
	wait := first
	outage := outage{most: s.cfg.outage}
	for {
		out, err := s.api.put(ctx, batch)
		switch {
		case err == nil:
			before := len(batch)
			if batch, err = s.refused(batch, out); err != nil || len(batch) == 0 {
				return err
			}
			if len(batch) < before {
				wait = first
			}
			if err := s.failing(&outage, len(batch) == before, out); err != nil {
				return err
			}
		case ctx.Err() != nil:
			return ctx.Err()
		case wa.Classify(err) == wa.Fatal:
			if !s.Tolerant() || !blamesRecords(err) {
				return s.refusal(batch, err)
			}
			return s.halve(ctx, batch, err)
		default:
			s.env.Logger.Warn("kinesis: write failed, trying again", "stream", s.api.name, "error", err.Error())
			s.api.failed(ctx, err)
			if err := outage.bears(s.api, "writing", err); err != nil {
				return err
			}
		}
		if err := connectors.Sleep(ctx, wait/2+time.Duration(s.env.Random()%uint64(wait/2))); err != nil {
			return err
		}
		wait = min(2*wait, 5*time.Second)
	}
}

// blamesRecords tells whether a request was refused for what is in it.
func blamesRecords(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (api.ErrorCode() == "ValidationException" || api.ErrorCode() == "InvalidArgumentException")
}

// halve sends a refused batch in parts, until it is down to the records that are refused: those are left out. The
// service takes a request as a whole or not at all where it finds fault with its form, so nothing is sent twice. A
// record that every stream takes is not to blame.
func (s *sink) halve(ctx context.Context, batch []ktypes.PutRecordsRequestEntry, cause error) error {
	if len(batch) == 1 && len(batch[0].Data)+len(*batch[0].PartitionKey) <= usualBytes {
		return s.refusal(batch, cause)
	}
	if len(batch) == 1 {
		s.Refuse(batch[0].Data, s.refusal(batch, cause))
		return nil
	}
	half := len(batch) / 2
	if err := s.put(ctx, batch[:half]); err != nil {
		return err
	}
	return s.put(ctx, batch[half:])
}

// usualBytes is what a record may have on every stream.
const usualBytes = 1 << 20

// refusal explains why the service does not take a request; a record that is large is the likely cause.
func (s *sink) refusal(batch []ktypes.PutRecordsRequestEntry, err error) error {
	err = s.api.explain("writing", err)
	for _, e := range batch {
		if size := len(e.Data) + len(*e.PartitionKey); size > usualBytes {
			return fmt.Errorf("%w; a row makes a record of %d bytes, and a stream takes %d unless UpdateMaxRecordSize has raised that; it begins with %s", err, size, usualBytes, brief(e.Data))
		}
	}
	return err
}

// failing tells whether the service has taken none of the records for too long, and not since they were too many.
func (s *sink) failing(o *outage, none bool, out *kinesis.PutRecordsOutput) error {
	for _, r := range out.Records {
		if code := aws.ToString(r.ErrorCode); none && !strings.Contains(code, "Throughput") && !strings.Contains(code, "Throttl") {
			return o.bears(s.api, "writing", fmt.Errorf("%s: %s", code, aws.ToString(r.ErrorMessage)))
		}
	}
	o.over()
	return nil
}

// refused gives the records of the batch that the service did not take.
func (s *sink) refused(batch []ktypes.PutRecordsRequestEntry, out *kinesis.PutRecordsOutput) ([]ktypes.PutRecordsRequestEntry, error) {
	if aws.ToInt32(out.FailedRecordCount) == 0 {
		return nil, nil
	}
	if len(out.Records) != len(batch) {
		return nil, fmt.Errorf("stream %q: the service answered for %d of %d records", s.api.name, len(out.Records), len(batch))
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
