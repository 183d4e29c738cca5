package exec

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/exec/checkpoint"
	"weir/exec/expr"
	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

const (
	defaultBatchRows = 4096
	// chunkBytes bounds the records decoded into one batch; one record may be larger.
	chunkBytes = 1 << 20
)

// splitRun is a split being read.
type splitRun struct {
	checkpoint.Split
	reader connectors.SplitReader
	gen    *generator
	turn   chan struct{} // a token lets the reader's goroutine read once
	chunk  connectors.Chunk
	pos    int // records of chunk already emitted
}

// source is the head of a source task: it decodes what readers bring, computes columns, and makes the
// watermark. Readers block in goroutines of their own; each has one read under way or waiting here.
type source struct {
	t     *task
	scan  *planner.Scan
	src   connectors.Source
	dec   connectors.Decoder
	board *board
	next  fanout
	fn    *fn.Ctx
	stats *nodeStats

	raw, out   *arrow.Schema // of Columns+Meta; of Out
	rawColumns types.Schema
	exprs      []expr.Eval
	wmExpr     expr.Eval
	batchRows  int
	sequential bool // one split after the other, one generator for all

	running []*splitRun
	queue   []*placed   // of a sequential source: not begun
	ready   []*splitRun // with a chunk to emit, in the order they came
	held    []*splitRun // whose reader waits for its alignment group
	decoded connectors.Decoded
	read    int64      // rows emitted
	turns   *turnClock // nil: not read in turns
	turned  int64      // records read in turns
	owed    int64      // checkpoint whose barrier waits for the end of a turn; 0: none
	owedBy  int64      // microseconds: when it goes at the latest
	sent    int64      // checkpoint of the last barrier
	stopped bool       // the limit is reached, or the job drains
	marks   marks
	policy  *policy

	reading    context.Context // of the readers
	stopReader context.CancelFunc
}

// handle deals with what comes to a source.
func (s *source) handle(e event) error {
	switch e.kind {
	case triggerEvent:
		if e.id <= s.sent {
			return nil // it was overtaken
		}
		if e.stop == drain {
			s.stop()
			if err := s.pass(types.MaxTime); err != nil {
				return err
			}
		}
		if s.turns != nil && e.stop != drain {
			s.owe(e.id)
			return nil
		}
		return s.barrier(e.id)
	case splitsEvent:
		return s.begin()
	case drainEvent:
		s.stop()
		return s.maybeFinish()
	}
	return s.arrived(e.read)
}

// barrier sends the barrier of a checkpoint and gives the source's part of it.
func (s *source) barrier(id int64) error {
	s.sent, s.owed = id, 0
	if err := s.next.barrier(id); err != nil {
		return err
	}
	return s.t.acknowledge(id, false)
}

// begin takes new splits from the board and starts reading them.
func (s *source) begin() error {
	ready := s.board.take(s.t.instance)
	if s.sequential {
		s.queue = append(s.queue, ready...)
		if len(s.running) > 0 || len(s.queue) == 0 {
			return s.maybeFinish()
		}
		ready, s.queue = s.queue[:1], s.queue[1:]
	}
	for _, p := range ready {
		if err := s.open(p); err != nil {
			return err
		}
	}
	return s.maybeFinish()
}

func (s *source) open(p *placed) error {
	reader, err := s.src.Read(s.reading, connectors.Split{ID: p.ID, Parents: p.Parents, Size: p.Size}, p.Offset)
	if err != nil {
		return s.fault(err)
	}
	r := &splitRun{Split: p.Split, reader: reader, turn: make(chan struct{}, 2)}
	r.turn <- struct{}{}
	if _, ok := reader.(connectors.BatchReader); ok && s.turns == nil {
		r.turn <- struct{}{} // its batches are ours, so it may read one ahead
	}
	s.running = append(s.running, r)
	s.marks.add(s, r)
	s.note(r, SplitReading)
	s.t.run.startReader(s, r)
	return nil
}

// readOnce reads a split once; it runs in the reader's goroutine, or in the simulator's step. After an
// error, which a stopped source always gives, it is not called again.
func (s *source) readOnce(r *splitRun) *read {
	out := &read{split: r}
	if out.err = s.reading.Err(); out.err != nil {
		return out
	}
	switch reader := r.reader.(type) {
	case connectors.BatchReader:
		out.batch, out.offset, out.err = reader.NextBatch(s.reading, s.wanted())
	case connectors.Reader:
		r.chunk.MillisBehind = -1
		out.err = reader.Next(s.reading, &r.chunk)
	default:
		out.err = fmt.Errorf("split reader %T gives neither records nor batches", reader)
	}
	return out
}

// arrived takes a read. A chunk is emitted batch by batch, so that barriers may come between.
func (s *source) arrived(in *read) error {
	r := in.split
	switch {
	case in.err == io.EOF && !s.stopped:
		return s.closeSplit(r, true)
	case in.err != nil && s.stopped:
		return s.closeSplit(r, false)
	case in.err != nil:
		return s.fault(in.err)
	case s.stopped:
		r.turn <- struct{}{}
		return nil
	}
	if in.batch != nil {
		if err := s.emitBatch(in); err != nil {
			return err
		}
	} else if _, ok := r.reader.(connectors.Reader); ok {
		s.stats.behind.Store(r.chunk.MillisBehind)
		s.noteBehind(r)
	}
	if _, ok := r.reader.(connectors.Reader); ok && r.chunk.Len() > 0 {
		r.pos = 0
		s.ready = append(s.ready, r)
		return nil
	}
	s.grant(r)
	return s.maybeFinish()
}

// resume emits the next batch of the chunk that came first; ok is false when there is none.
func (s *source) resume() (ok bool, err error) {
	if len(s.ready) == 0 {
		return false, nil
	}
	r := s.ready[0]
	s.t.now = s.t.run.clock().UnixMicro()
	if s.stopped {
		s.ready = s.ready[1:]
		r.turn <- struct{}{}
		return true, nil
	}
	lo, n := r.pos, r.chunk.Len()
	hi := lo + 1
	if s.turns != nil {
		n = min(n, lo+s.restOfTurn())
	}
	for size := int(r.chunk.End[lo] - r.chunk.Beg[lo]); hi < n && hi-lo < s.batchRows; hi++ {
		if size += int(r.chunk.End[hi] - r.chunk.Beg[hi]); size > chunkBytes {
			break
		}
	}
	if err := s.decode(r, lo, hi); err != nil {
		return true, s.t.blame(err)
	}
	if r.pos = hi; hi == r.chunk.Len() {
		r.Offset = r.chunk.OffsetAt(hi - 1)
		s.ready = s.ready[1:]
		s.grant(r)
	}
	if err := s.countTurn(hi - lo); err != nil {
		return true, s.t.blame(err)
	}
	return true, s.t.blame(s.maybeFinish())
}

// grant lets a split's reader go on, unless it runs too far ahead of its alignment group.
func (s *source) grant(r *splitRun) {
	if s.marks.ahead(r.gen) {
		s.held = append(s.held, r)
		s.note(r, SplitHeld)
		return
	}
	r.turn <- struct{}{}
}

// stop ends reading: what has been read and not emitted is dropped.
func (s *source) stop() {
	s.stopped = true
	s.stopReader()
	for _, r := range s.held {
		r.turn <- struct{}{}
	}
	s.held = nil
}

// decode makes rows of records [lo, hi) and emits them.
func (s *source) decode(r *splitRun, lo, hi int) error {
	d := &s.decoded
	if err := s.dec.Decode(&r.chunk, lo, hi, d); err != nil {
		return s.fault(fmt.Errorf("%s: %w", r.chunk.Describe(lo), err))
	}
	for _, bad := range d.Rejects {
		if err := s.reject(r, bad); err != nil {
			return err
		}
	}
	if d.N == 0 {
		return nil
	}
	cols := d.Cols
	if len(s.scan.Meta) > 0 {
		cols = append(cols[:len(cols):len(cols)], s.metadata(r, lo, hi)...)
	}
	record := func(row int) int {
		if d.Record == nil {
			return lo + row
		}
		return int(d.Record[row])
	}
	return s.emitRows(r, vec.New(s.raw, cols, d.N, d.Kinds), record)
}

// metadata is the metadata columns of the decoded rows.
func (s *source) metadata(r *splitRun, lo, hi int) []arrow.Array {
	out := make([]arrow.Array, len(r.chunk.Meta))
	for i, col := range r.chunk.Meta {
		if s.decoded.Record != nil {
			out[i] = vec.Take(col, s.decoded.Record)
		} else {
			out[i] = vec.ColVec(col).Slice(lo, hi).Arr
		}
	}
	return out
}

// reject deals with a bad record by the table's policy.
func (s *source) reject(r *splitRun, bad connectors.Reject) error {
	return s.rejectRecord(r, bad.Record, connectors.RejectDecode, bad.Err, nil)
}

// rejectRecord deals with record i of a split's chunk, or with a row that no chunk has: then i < 0. fill adds what else is known.
func (s *source) rejectRecord(r *splitRun, i int, reason string, err error, fill func(*connectors.Rejected)) error {
	if i >= 0 {
		err = fmt.Errorf("%s: %w", r.chunk.Describe(i), err)
	}
	err = s.t.reject(s.policy, s.stats, reason, err, func(x *connectors.Rejected) {
		x.Split, x.Watermark = r.ID, s.marks.merged
		if i >= 0 {
			x.Record = r.chunk.Record(i)
			if r.chunk.Sequence != nil {
				x.Sequence = r.chunk.Sequence(i)
			}
		}
		if fill != nil {
			fill(x)
		}
	})
	if err != nil {
		return s.fault(err)
	}
	return nil
}

// fault attributes an error to the source; one that comes of tearing down is no fault.
func (s *source) fault(err error) error {
	if s.t.ctx.Err() != nil {
		return errStopped
	}
	s.t.at = s.stats.name
	return s.t.blame(err)
}

// closeSplit ends a split; whole says that it was read to its end.
func (s *source) closeSplit(r *splitRun, whole bool) error {
	for i, x := range s.running {
		if x == r {
			s.running = append(s.running[:i], s.running[i+1:]...)
			break
		}
	}
	if err := r.reader.Close(); err != nil {
		return s.fault(err)
	}
	if whole {
		r.Done = true
		s.note(r, SplitDone)
		s.marks.remove(s, r)
		s.board.done(r.ID, r.Watermark)
		return s.begin()
	}
	return s.maybeFinish()
}

// maybeFinish ends the task once nothing is left to read, and tells the tasks behind it when it
// has nothing to wait for.
func (s *source) maybeFinish() error {
	if s.t.finishing || len(s.running) > 0 { // of a stopped source too: the reads under way come back first
		return nil
	}
	pending := len(s.queue) > 0 || s.board.pending(s.t.instance)
	if s.stopped || s.src.Bounded() && !pending {
		return s.t.finish()
	}
	if !pending {
		return s.advance()
	}
	return nil
}

// snapshot is where the source stands: its own splits, those not begun, and those it has finished.
func (s *source) snapshot() ([]checkpoint.Split, int64) {
	var out []checkpoint.Split
	for _, r := range s.running {
		c := r.Split
		if len(s.ready) > 0 && r == s.ready[0] && r.pos > 0 {
			c.Offset = r.chunk.OffsetAt(r.pos - 1)
		}
		out = append(out, c)
	}
	return append(out, s.board.others(s.t.instance, out)...), s.read
}

func (s *source) close() error {
	var first error
	for _, r := range s.running {
		if err := r.reader.Close(); err != nil && first == nil {
			first = err
		}
	}
	s.running = nil
	return first
}

// deadline is when a split may become idle, a withheld watermark is due, or a barrier that waits for a turn's end.
func (s *source) deadline() int64 {
	at := s.marks.deadline(s)
	if s.owed > 0 {
		at = min(at, s.owedBy)
	}
	return at
}

func (s *source) ticks(now time.Time) error {
	if s.owed > 0 && s.owedBy <= s.t.now {
		if err := s.barrier(s.owed); err != nil {
			return err
		}
	}
	s.marks.tick(s, now)
	held := s.held
	s.held = nil
	for _, r := range held {
		s.grant(r)
	}
	return s.advance()
}
