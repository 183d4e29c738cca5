package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/sql/vec"
)

// ErrPassing is what a read breaks off with: the job fails, and goes on from its last checkpoint.
var ErrPassing = errors.New("the connection was lost")

// Faults are what may happen to the reads of a job's sources. Each number but the last two is how likely it is in a read.
type Faults struct {
	Rand *rand.Rand
	// Throttle: the read gives nothing.
	Throttle float64
	// Short: it gives fewer records than there are.
	Short float64
	// Reopen: the reader is lost, and another one goes on behind what was given.
	Reopen float64
	// Break: it fails, Breaks times at most.
	Break  float64
	Breaks int
	// Generations, over 1: splits end after a few records, and what is behind is in a child, and so on.
	Generations int
	// Limit bounds the rows that a read of a table gives; every second read then gives nothing. 0: no bound. Nil: for none.
	Limit func(table string) int

	counts map[string]int64             // records before an offset of a split
	ends   map[string]connectors.Offset // of splits that ended
	cuts   map[string]int64             // records of a split before its child
}

// Wrap gives a source's configuration those faults, as they are when the source is made: without Rand there are none. What cannot be
// read stays as it is.
func (f *Faults) Wrap(c connectors.Config) connectors.Config {
	if reads, ok := c.(connectors.Reads); ok {
		return &config{reads, f}
	}
	return c
}

func (f *Faults) is(likely float64) bool { return likely > 0 && f.Rand.Float64() < likely }

type config struct {
	connectors.Reads
	f *Faults
}

// Source implements connectors.Reads.
func (c *config) Source(t *connectors.TableDesc, scan connectors.Scan, env *connectors.Env) (connectors.Source, error) {
	src, err := c.Reads.Source(t, scan, env)
	if err != nil || c.f.Rand == nil {
		return src, err
	}
	s := &source{Source: src, f: c.f}
	if t != nil {
		s.table = t.Name
	}
	if c.f.counts == nil {
		c.f.counts, c.f.ends, c.f.cuts = map[string]int64{}, map[string]connectors.Offset{}, map[string]int64{}
	}
	if pos, ok := src.(connectors.Positioner); ok {
		return &positioned{s, pos}, nil
	}
	return s, nil
}

type source struct {
	connectors.Source
	f     *Faults
	table string
}

// Immediate implements connectors.Immediate.
func (s *source) Immediate() bool {
	i, ok := s.Source.(connectors.Immediate)
	return ok && i.Immediate()
}

// generations is how many splits follow one after the other where the source has one. Files have an order of their own.
func (s *source) generations() int {
	if !s.PerSplitWatermarks() {
		return 1
	}
	return max(1, s.f.Generations)
}

const child = "+"

func (s *source) name(id string, generation int) string {
	if generation == 0 {
		return id
	}
	return id + child + strconv.Itoa(generation)
}

func parts(id string) (inner string, generation int) {
	inner, n, ok := strings.Cut(id, child)
	if ok {
		generation, _ = strconv.Atoi(n)
	}
	return inner, generation
}

// Splits implements connectors.Source.
func (s *source) Splits(ctx context.Context) (out []connectors.Split, err error) {
	splits, err := s.Source.Splits(ctx)
	for _, sp := range splits {
		id, parents := sp.ID, sp.Parents
		for g := range s.generations() {
			sp.ID, sp.Parents = s.name(id, g), nil
			if g > 0 {
				sp.Parents = []string{s.name(id, g-1)}
			} else {
				for _, p := range parents {
					sp.Parents = append(sp.Parents, s.name(p, s.generations()-1))
				}
			}
			out = append(out, sp)
		}
	}
	return out, err
}

// Read implements connectors.Source.
func (s *source) Read(ctx context.Context, sp connectors.Split, from connectors.Offset) (connectors.SplitReader, error) {
	key := s.table + "/" + sp.ID
	id, g := parts(sp.ID)
	n := int64(0)
	switch {
	case from != nil:
		n = s.f.counts[key+"/"+string(from)]
	case g > 0:
		end, ok := s.f.ends[s.table+"/"+s.name(id, g-1)]
		if !ok {
			return nil, fmt.Errorf("split %q is read before its parent has ended", sp.ID)
		}
		from = end
	}
	cut := int64(-1)
	if g < s.generations()-1 {
		if _, ok := s.f.cuts[key]; !ok {
			s.f.cuts[key] = int64(s.f.Rand.IntN(6))
		}
		cut = s.f.cuts[key]
	}
	sp.ID, sp.Parents = id, nil
	open := func(ctx context.Context, at connectors.Offset) (connectors.SplitReader, error) {
		return s.Source.Read(ctx, sp, at)
	}
	inner, err := open(ctx, from)
	if err != nil {
		return nil, err
	}
	r := &reader{f: s.f, table: s.table, key: key, open: open, inner: inner, at: from, n: n, cut: cut}
	if _, ok := inner.(connectors.BatchReader); ok {
		return &batchReader{r}, nil
	}
	return &recordReader{reader: r}, nil
}

type positioned struct {
	*source
	inner connectors.Positioner
}

// Position implements connectors.Positioner.
func (p *positioned) Position(ctx context.Context, sp connectors.Split) (connectors.Offset, error) {
	id, g := parts(sp.ID)
	if g > 0 {
		return nil, nil
	}
	sp.ID = id
	return p.inner.Position(ctx, sp)
}

// reader is what both kinds of readers have.
type reader struct {
	f     *Faults
	table string
	key   string
	even  bool // of a throttled table: the next read gives nothing
	open  func(context.Context, connectors.Offset) (connectors.SplitReader, error)
	inner connectors.SplitReader
	at    connectors.Offset // behind what was given
	n     int64             // records before it
	cut   int64             // where the split ends; -1: where the source's does
}

// Close implements connectors.SplitReader.
func (r *reader) Close() error { return r.inner.Close() }

// Waiting tells whether a reader of the inner source has nothing to give for now.
func (r *reader) Waiting() bool {
	w, ok := r.inner.(interface{ Waiting() bool })
	return ok && w.Waiting() && r.n != r.cut
}

// begin is what happens before a read; nothing: it is the answer.
func (r *reader) begin(ctx context.Context) (nothing, reopened bool, err error) {
	switch {
	case r.cut >= 0 && r.n >= r.cut:
		return false, false, r.end()
	case r.f.Breaks > 0 && r.f.is(r.f.Break):
		r.f.Breaks--
		return false, false, ErrPassing
	case r.f.is(r.f.Throttle) || r.limit() > 0 && r.flip():
		return true, false, nil
	case !r.f.is(r.f.Reopen):
		return false, false, nil
	}
	if err := r.inner.Close(); err != nil {
		return false, false, err
	}
	r.inner, err = r.open(ctx, r.at)
	return false, true, err
}

// end ends the split: its child begins there.
func (r *reader) end() error {
	r.f.ends[r.key] = r.at
	return io.EOF
}

func (r *reader) limit() int {
	if r.f.Limit == nil {
		return 0
	}
	return r.f.Limit(r.table)
}

func (r *reader) flip() bool {
	r.even = !r.even
	return !r.even
}

// most is how many of n records a read gives.
func (r *reader) most(n int) int {
	if r.cut >= 0 {
		n = int(min(int64(n), r.cut-r.n))
	}
	if limit := r.limit(); limit > 0 {
		n = min(n, limit)
	}
	if n > 1 && r.f.is(r.f.Short) {
		n = 1 + r.f.Rand.IntN(n)
	}
	return n
}

func (r *reader) gave(n int, at connectors.Offset) {
	r.n, r.at = r.n+int64(n), at
	r.f.counts[r.key+"/"+string(at)] = r.n
}

type batchReader struct{ *reader }

// NextBatch implements connectors.BatchReader.
func (r *batchReader) NextBatch(ctx context.Context, limit int) (*vec.Batch, connectors.Offset, error) {
	if nothing, _, err := r.begin(ctx); nothing || err != nil {
		return nil, nil, err
	}
	b, at, err := r.inner.(connectors.BatchReader).NextBatch(ctx, r.most(limit))
	if err == io.EOF {
		return nil, nil, r.end()
	}
	if b != nil {
		r.gave(b.Len(), at)
	}
	return b, at, err
}

// recordReader gives the chunks of the inner reader in pieces.
type recordReader struct {
	*reader
	chunk connectors.Chunk
	given int
}

// Next implements connectors.Reader.
func (r *recordReader) Next(ctx context.Context, c *connectors.Chunk) error {
	c.Beg, c.End = c.Beg[:0], c.End[:0]
	nothing, reopened, err := r.begin(ctx)
	if nothing || err != nil {
		return err
	}
	if reopened {
		r.chunk, r.given = connectors.Chunk{}, 0
	}
	if r.given == r.chunk.Len() {
		r.given = 0
		r.chunk.MillisBehind = -1
		if err := r.inner.(connectors.Reader).Next(ctx, &r.chunk); err == io.EOF {
			return r.end()
		} else if err != nil || r.chunk.Len() == 0 {
			return err
		}
	}
	lo := r.given
	hi := lo + r.most(r.chunk.Len()-lo)
	r.given = hi
	r.piece(c, lo, hi)
	for i := range c.Len() { // a checkpoint may be taken behind any of them
		r.f.counts[r.key+"/"+string(c.OffsetAt(i))] = r.n + int64(i) + 1
	}
	r.gave(hi-lo, c.OffsetAt(hi-lo-1))
	return nil
}

// piece makes c records [lo, hi) of the inner reader's chunk, which stays as it is until all are given.
func (r *recordReader) piece(c *connectors.Chunk, lo, hi int) {
	in := r.chunk
	*c = in
	c.Beg, c.End = in.Beg[lo:hi:hi], in.End[lo:hi:hi]
	if in.Pos != nil {
		c.Pos = in.Pos[lo:hi:hi]
	}
	c.Meta = nil
	for _, m := range in.Meta {
		c.Meta = append(c.Meta, sliceOf(m, lo, hi))
	}
	c.OffsetAt = func(i int) connectors.Offset { return in.OffsetAt(lo + i) }
	c.Describe = func(i int) string { return in.Describe(lo + i) }
	if in.Sequence != nil {
		c.Sequence = func(i int) string { return in.Sequence(lo + i) }
	}
}

func sliceOf(a arrow.Array, lo, hi int) arrow.Array { return vec.ColVec(a).Slice(lo, hi).Arr }
