package memory

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"weir/connectors"
	"weir/sql/types"
	"weir/sql/vec"
)

// source reads a Table.
type source struct {
	table   *Table
	bounded bool
	schema  *arrow.Schema
	cols    []int
	have    []types.Type
	want    []types.Type // as have, or a ROW of fewer fields
}

var _ connectors.Source = (*source)(nil)

// Splits implements connectors.Source.
func (s *source) Splits(context.Context) ([]connectors.Split, error) {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	var out []connectors.Split
	for i, batches := range s.table.parts {
		n := 0
		for _, b := range batches {
			n += b.Len()
		}
		split := connectors.Split{ID: fmt.Sprintf("%04d", i), Size: int64(n)}
		for _, p := range s.table.parents[i] {
			split.Parents = append(split.Parents, fmt.Sprintf("%04d", p))
		}
		out = append(out, split)
	}
	return out, nil
}

// Discovery, Bounded, PerSplitWatermarks and Decoder implement connectors.Source.
func (s *source) Discovery() time.Duration             { return 0 }
func (s *source) Bounded() bool                        { return s.bounded }
func (s *source) PerSplitWatermarks() bool             { return true }
func (s *source) Immediate() bool                      { return true }
func (s *source) Decoder() (connectors.Decoder, error) { return nil, nil }

// Read implements connectors.Source. An offset is a number of rows.
func (s *source) Read(_ context.Context, sp connectors.Split, from connectors.Offset) (connectors.SplitReader, error) {
	r := &reader{s: s}
	if _, err := fmt.Sscanf(sp.ID, "%d", &r.part); err != nil {
		return nil, fmt.Errorf("memory split %q: %w", sp.ID, err)
	}
	if from != nil {
		if len(from) != 8 {
			return nil, errors.New("the checkpoint's position in a memory table is damaged")
		}
		r.row = int64(binary.BigEndian.Uint64(from))
	}
	return r, nil
}

type reader struct {
	s    *source
	part int
	row  int64
}

// idle is how long an unbounded reader waits for rows before it reports that there are none.
const idle = 5 * time.Millisecond

// NextBatch implements connectors.BatchReader.
func (r *reader) NextBatch(ctx context.Context, limit int) (*vec.Batch, connectors.Offset, error) {
	b, changed, ended := r.look(limit)
	if b == nil {
		if ended {
			return nil, nil, io.EOF
		}
		t := time.NewTimer(idle)
		defer t.Stop()
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-changed:
		case <-t.C:
		}
		return nil, nil, nil
	}
	cols := make([]arrow.Array, len(r.s.cols))
	for i, c := range r.s.cols {
		cols[i] = prune(b.Col(c), r.s.have[i], r.s.want[i])
	}
	r.row += int64(b.Len())
	off := binary.BigEndian.AppendUint64(make([]byte, 0, 8), uint64(r.row))
	return vec.New(r.s.schema, cols, b.Len(), b.Kinds), off, nil
}

// look gives the next rows, all of one batch that was fed, or why there are none.
func (r *reader) look(limit int) (b *vec.Batch, changed chan struct{}, ended bool) {
	t := r.s.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held != nil {
		limit = int(min(int64(limit), r.shown()-r.row))
	}
	if r.part < len(t.parts) && limit > 0 {
		skip := r.row
		for _, b := range t.parts[r.part] {
			n := int64(b.Len())
			if skip < n {
				return b.Slice(int(skip), int(min(n, skip+int64(limit)))), nil, false
			}
			skip -= n
		}
	}
	return nil, t.changed, r.atEnd()
}

// shown is how many rows of the split readers see while the table is held.
func (r *reader) shown() int64 {
	if t := r.s.table; r.part < len(t.held) {
		return t.held[r.part]
	}
	return 0
}

// Waiting tells whether the table is held where the reader stands, so that it would only wait.
func (r *reader) Waiting() bool {
	t := r.s.table
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.held != nil && r.row >= r.shown() && !t.closed(r.part, r.row)
}

// atEnd tells whether nothing comes behind the rows that the reader sees.
func (r *reader) atEnd() bool {
	t := r.s.table
	return t.closed(r.part, r.row) || t.held == nil && (r.s.bounded || t.ended)
}

// closed tells whether so many rows are all that a split will have, as it has children.
func (t *Table) closed(part int, rows int64) bool {
	if slices.Contains(t.open, part) || part >= len(t.parts) {
		return false
	}
	for _, b := range t.parts[part] {
		rows -= int64(b.Len())
	}
	return rows >= 0
}

// prune takes the wanted fields of a ROW column.
func prune(a arrow.Array, have, want types.Type) arrow.Array {
	if want.Kind != types.Row || have.Same(want) {
		return a
	}
	s := a.(*array.Struct)
	fields := make([]arrow.Array, len(want.Fields))
	for i, w := range want.Fields {
		for j, h := range have.Fields {
			if h.Name == w.Name {
				fields[i] = prune(s.Field(j), h.Type, w.Type)
			}
		}
	}
	var valid vec.Bitmap
	if s.NullN() > 0 {
		valid = vec.NewBitmap(s.Len())
		for i := range s.Len() {
			if s.IsValid(i) {
				valid.Set(i)
			}
		}
	}
	return vec.Structs(want.Arrow().(*arrow.StructType), s.Len(), fields, valid)
}

// Close implements connectors.SplitReader.
func (r *reader) Close() error { return nil }

// sink writes to a Table. Rows wait in the Table, which outlives a crash of the job, for their commit.
type sink struct {
	table    *Table
	instance int
	pending  []*vec.Batch
}

var (
	_ connectors.Sink     = (*sink)(nil)
	_ connectors.Restorer = (*sink)(nil)
)

// Write implements connectors.Sink.
func (s *sink) Write(ctx context.Context, b *vec.Batch) error {
	s.pending = append(s.pending, b)
	return ctx.Err()
}

// Flush implements connectors.Sink.
func (s *sink) Flush(context.Context) ([]byte, error) {
	if len(s.pending) == 0 {
		return nil, nil
	}
	t := s.table
	t.mu.Lock()
	defer t.mu.Unlock()
	token := fmt.Sprintf("%d-%d", s.instance, t.next)
	t.next++
	t.staged[token] = s.pending
	s.pending = nil
	return []byte(token), nil
}

// Commit implements connectors.Sink.
func (s *sink) Commit(_ context.Context, token []byte) error {
	t := s.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if rows, ok := t.staged[string(token)]; ok {
		t.parts[0] = append(t.parts[0], rows...)
		delete(t.staged, string(token))
		t.wake()
	}
	return nil
}

// Restore implements connectors.Restorer.
func (s *sink) Restore(ctx context.Context, tokens [][]byte) error {
	for _, token := range tokens {
		if err := s.Commit(ctx, token); err != nil {
			return err
		}
	}
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	clear(s.table.staged)
	return nil
}

// Close implements connectors.Sink.
func (s *sink) Close() error { return nil }
