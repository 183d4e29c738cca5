package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

// sink puts and deletes items with BatchWriteItem: at-least-once. Requests run side by side within
// sink.requests.max-inflight, but one that holds a key waits for the one before it that holds the key too: so the
// changes of a key are made in order.
type sink struct {
	cfg  *config
	env  *connectors.Env
	desc *connectors.TableDesc
	api  *client
	key  []int // the columns of the table's key
	*connectors.Requests

	buf   []change
	index map[string]int // the change of each key in buf
	bytes int            // of the items in buf, and of the requests that they make
	wire  int
	since time.Time // when the oldest change in buf came
}

// change is an item to put, or to delete.
type change struct {
	key  string // the text of the item's key
	item item   // of a deletion: the key alone
	del  bool
	size int
	wire int
}

// Write makes an item of each row, and sends full requests.
func (s *sink) Write(ctx context.Context, b *vec.Batch) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	for i := range b.Len() {
		if b.Kind(i) == types.UpdateBefore {
			continue
		}
		c, err := s.change(b, i)
		if err != nil {
			return &connectors.Refusal{Row: i, Err: fmt.Errorf("DynamoDB table %q: %w", s.cfg.table, err)}
		}
		if err := s.add(ctx, c); err != nil {
			return err
		}
	}
	return s.Err()
}

// maxHeldBytes bounds the items that sink.buffer-flush.interval holds back.
const maxHeldBytes = 64 << 20

// add buffers a change. A later change of a key takes the place of the one that waits.
func (s *sink) add(ctx context.Context, c change) error {
	if at, ok := s.index[c.key]; ok {
		s.bytes += c.size - s.buf[at].size
		s.wire += c.wire - s.buf[at].wire
		s.buf[at] = c
	} else {
		if len(s.buf) == 0 {
			s.since = s.env.Now()
		}
		s.index[c.key] = len(s.buf)
		s.buf = append(s.buf, c)
		s.bytes += c.size
		s.wire += c.wire
	}
	if s.full() {
		return s.send(ctx)
	}
	return s.Err()
}

// full tells whether what is buffered must go: it makes a request, or it is all that may be held back.
func (s *sink) full() bool {
	if s.cfg.holdFor > 0 {
		return len(s.buf) >= s.cfg.holdRows || s.wire >= maxHeldBytes
	}
	return len(s.buf) >= s.cfg.batchSize || int64(s.bytes) >= s.cfg.bufferMem || s.wire >= maxRequestBytes
}

// change makes what a row asks for.
func (s *sink) change(b *vec.Batch, i int) (change, error) {
	key := item{}
	for part, at := range s.key {
		col := s.desc.Columns[at]
		v, err := encode(col.Type, b.Col(at), i)
		if err != nil {
			return change{}, fmt.Errorf("column %q: %w", col.Name, err)
		}
		if fault := keyFault(v, part); fault != "" {
			return change{}, fmt.Errorf("key column %q %s", col.Name, fault)
		}
		key[col.Name] = v
	}
	c := change{key: string(itemJSON(key)), item: key, del: b.Kind(i) == types.Delete}
	if c.del {
		c.size, c.wire = itemSize(key)
		return c, nil
	}
	c.item = make(item, len(s.desc.Columns))
	for at, col := range s.desc.Columns {
		if s.cfg.ignoreNulls && b.Col(at).IsNull(i) {
			continue
		}
		v, err := encode(col.Type, b.Col(at), i)
		if err != nil {
			return change{}, fmt.Errorf("column %q: %w", col.Name, err)
		}
		c.item[col.Name] = v
	}
	if c.size, c.wire = itemSize(c.item); c.size > maxItemBytes {
		return change{}, fmt.Errorf("item %s has %d bytes, more than the %d (400 KiB) that DynamoDB takes", c.key, c.size, maxItemBytes)
	}
	return c, nil
}

// open connects, and compares the table's key with the declared one.
func (s *sink) open(ctx context.Context) error {
	if s.api != nil {
		return nil
	}
	api, err := s.cfg.connect(ctx, s.env, s.desc.Name)
	if err != nil {
		return err
	}
	if s.key, err = s.learnKey(ctx, api); err != nil {
		return err
	}
	s.api = api
	s.Open(ctx)
	return nil
}

// learnKey gives the columns of the table's key: as the service tells it, else as it is declared.
func (s *sink) learnKey(ctx context.Context, api *client) ([]int, error) {
	d := s.desc
	key, err := api.describe(ctx)
	switch {
	case errors.Is(err, errNoDescribe) && len(d.PrimaryKey) > 0:
		key = unknownTypes(d.PrimaryKey)
	case errors.Is(err, errNoDescribe) && len(d.PartitionedBy) > 0:
		key = unknownTypes(d.PartitionedBy)
	case errors.Is(err, errNoDescribe):
		return nil, fmt.Errorf("DynamoDB table %q: %w, and no PRIMARY KEY tells its key: declare it as PRIMARY KEY (...) NOT ENFORCED", s.cfg.table, err)
	case err != nil:
		return nil, err
	case len(d.PrimaryKey) > 0 && !sameNames(d.PrimaryKey, key.names):
		return nil, fmt.Errorf("DynamoDB table %q has the key %s, but PRIMARY KEY of %s is %s: declare the table's own, or rows would take each other's place", s.cfg.table, key, d.Name, unknownTypes(d.PrimaryKey))
	case len(d.PrimaryKey) == 0 && len(d.PartitionedBy) > 0 && !sameNames(d.PartitionedBy, key.names):
		s.env.Warn(fmt.Sprintf("DynamoDB table %q has the key %s: rows take each other's place by that, not by PARTITIONED BY %s", s.cfg.table, key, unknownTypes(d.PartitionedBy)))
	}
	if err := api.checkTypes(key, d.Columns); err != nil {
		return nil, err
	}
	cols := make([]int, len(key.names))
	for i, name := range key.names {
		cols[i] = d.Columns.Index(name)
	}
	if len(cols) > 2 {
		return nil, fmt.Errorf("PARTITIONED BY of %s has %d columns: name the key of DynamoDB table %q, a partition key and maybe a sort key", d.Name, len(cols), s.cfg.table)
	}
	return cols, nil
}

// sameNames compares in any order, for Flink's tables name keys in any.
func sameNames(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// Flush sends what is buffered and waits until the service has taken everything.
func (s *sink) Flush(ctx context.Context) ([]byte, error) {
	if err := s.send(ctx); err != nil {
		return nil, err
	}
	return nil, s.Wait(ctx)
}

// Commit has nothing to publish: items are visible once taken.
func (s *sink) Commit(context.Context, []byte) error { return nil }

// Close gives up what was not flushed.
func (s *sink) Close() error {
	s.Stop()
	return nil
}

// FlushInterval is how long an item waits: for company, or for a later change.
func (s *sink) FlushInterval() time.Duration { return max(s.cfg.linger, s.cfg.holdFor) }

// Tick sends a buffer that has waited long enough.
func (s *sink) Tick(ctx context.Context) error {
	if len(s.buf) > 0 && s.env.Now().Sub(s.since) >= s.FlushInterval() {
		return s.send(ctx)
	}
	return s.Err()
}

var (
	_ connectors.Lingerer = (*sink)(nil)
	_ connectors.Refuser  = (*sink)(nil)
)
