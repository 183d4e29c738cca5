package dynamodb

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"weir/connectors"
	wa "weir/connectors/aws"
)

// send starts requests with all that is buffered. Where the context ends first, what is left stays buffered.
func (s *sink) send(ctx context.Context) error {
	err := s.Err()
	for err == nil && len(s.buf) > 0 {
		n, bytes, wire := s.next()
		if err = s.start(ctx, s.buf[:n:n]); err == nil {
			s.buf, s.bytes, s.wire = s.buf[n:], s.bytes-bytes, s.wire-wire
			err = s.Err()
		}
	}
	clear(s.index)
	for i := range s.buf {
		s.index[s.buf[i].key] = i
	}
	if len(s.buf) == 0 {
		s.buf = nil // what was sent is the requests' now
	}
	return err
}

// next is how much of what is buffered makes a request; one change always does.
func (s *sink) next() (n, bytes, wire int) {
	for n < min(len(s.buf), s.cfg.batchSize) {
		c := &s.buf[n]
		if n > 0 && (int64(bytes+c.size) > s.cfg.bufferMem || wire+c.wire > maxRequestBytes) {
			break
		}
		n, bytes, wire = n+1, bytes+c.size, wire+c.wire
	}
	return n, bytes, wire
}

// start makes a request, waiting for a free place. It is repeated until everything in it is taken.
func (s *sink) start(ctx context.Context, batch []change) error {
	keys := func(yield func(string) bool) {
		for i := range batch {
			if !yield(batch[i].key) {
				return
			}
		}
	}
	return s.Start(ctx, keys, func(ctx context.Context) error { return s.write(ctx, batch) })
}

// write sends a batch until every item is taken. Throttling and passing failures are waited out: that holds the job
// back; what the user must mend fails.
func (s *sink) write(ctx context.Context, batch []change) error {
	wait := firstWait
	for {
		left, err := s.call(ctx, batch)
		switch {
		case err == nil && len(left) == 0:
			s.api.answered()
			return nil
		case err == nil:
			if len(left) < len(batch) {
				wait = firstWait
			}
			batch = left
			if s.cfg.failOnError {
				return fmt.Errorf("DynamoDB table %q left %d items undone ('sink.fail-on-error' = 'true'): %s", s.cfg.table, len(left), throttled)
			}
			s.api.held(throttled)
		case ctx.Err() != nil:
			return ctx.Err()
		case classify(err) == wa.Fatal && blamesItems(err) && !blamesKey(err):
			return s.halve(ctx, batch, err)
		case classify(err) == wa.Fatal || s.cfg.failOnError:
			return s.api.explain(ctx, "writing", err)
		default:
			s.api.held(reasonOf(err))
		}
		if err := connectors.Sleep(ctx, s.api.jitter(wait)); err != nil {
			return err
		}
		wait = min(2*wait, maxWait)
	}
}

// call makes one request, and gives what it left undone.
func (s *sink) call(ctx context.Context, batch []change) ([]change, error) {
	writes := make([]dtypes.WriteRequest, len(batch))
	for i, c := range batch {
		if c.del {
			writes[i].DeleteRequest = &dtypes.DeleteRequest{Key: c.item}
		} else {
			writes[i].PutRequest = &dtypes.PutRequest{Item: c.item}
		}
	}
	out, err := s.api.api.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]dtypes.WriteRequest{s.api.table: writes}})
	if err != nil {
		return nil, err
	}
	undone := map[string]bool{}
	for _, list := range out.UnprocessedItems { // one table: one entry, by its name or its ARN
		for _, w := range list {
			key, err := s.keyOf(w)
			if err != nil {
				return nil, err
			}
			undone[key] = true
		}
	}
	var left []change
	for _, c := range batch {
		if undone[c.key] {
			left = append(left, c)
			delete(undone, c.key)
		}
	}
	if len(undone) > 0 {
		return nil, &nonsense{errors.New("the server left items undone that it was not given")}
	}
	return left, nil
}

// keyOf is the key of an item that comes back: the service may spell its numbers in another way.
func (s *sink) keyOf(w dtypes.WriteRequest) (string, error) {
	it := item(nil)
	switch {
	case w.PutRequest != nil:
		it = w.PutRequest.Item
	case w.DeleteRequest != nil:
		it = w.DeleteRequest.Key
	}
	key := item{}
	for _, at := range s.key {
		col := s.desc.Columns[at]
		v, err := normal(col.Type, it[col.Name])
		if err != nil {
			return "", &nonsense{fmt.Errorf("the server left an item undone whose key %q is none: %w", col.Name, err)}
		}
		key[col.Name] = v
	}
	return string(itemJSON(key)), nil
}

// halve sends a refused batch in parts, until it is down to the items that are refused: those are left out, or fail the
// job. The service takes no item of a request that it finds fault with, and putting one again changes nothing.
func (s *sink) halve(ctx context.Context, batch []change, cause error) error {
	if len(batch) > 1 {
		half := len(batch) / 2
		first := s.write(ctx, batch[:half])
		second := s.write(ctx, batch[half:]) // though the first fails: an item's fault is not the others'
		if first != nil {
			return first
		}
		return second
	}
	c := batch[0]
	err := s.api.explain(ctx, "writing item "+c.key, cause)
	if !s.Tolerant() {
		return err
	}
	s.Refuse(itemJSON(c.item), err)
	return nil
}
