package op

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/expr"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// Asker makes the requests of a lookup join, outside of the operator's goroutine.
type Asker interface {
	// Ask gives the rows of some keys: of which key a row is, as BIGINT and ascending, then the table's columns.
	Ask(ctx context.Context, keys *vec.Batch) (*vec.Batch, error)
	// MaxKeys is how many keys a request may have.
	MaxKeys() int
}

// askJoin joins each row with the rows that its table gives for its key when it is asked. Keys that wait or are kept are asked
// for once, NULL keys match nothing. Rows leave in the order in which they came or, unordered, as their answers
// come; no row leaves behind a watermark that followed it.
//
// Rows that wait are in the snapshot and asked for again by the one who restores it. Answers that are kept are not.
type askJoin struct {
	Base
	ctx    *Context
	node   *planner.LookupJoin
	asker  Asker
	exprs  []expr.Eval
	cond   expr.Eval
	schema *arrow.Schema
	both   *arrow.Schema
	ask    *arrow.Schema // of the keys of a request
	strict bool          // rows leave in order
	right  *rowCodec
	known  *answerCache

	queue   []*waiting // in order of arrival
	marks   []wmMark
	passed  types.Time
	seq     int64
	asks    map[uint64][]int32 // requests without an answer, and their keys
	todo    []int32            // keys to ask for
	last    uint64
	pending pendingRows

	all            []int32 // 0, 1, 2...
	gids, left, at []int32 // scratch

	// What waits, to bound it: where many rows want a key that nobody answers for, or wait for their turn behind one,
	// requests are few.
	rows, bytes int64
}

// waiting is a batch of which rows wait for answers.
type waiting struct {
	seq  int64
	b    *vec.Batch
	gids []int32 // of each row its key; noKey: it has none
	rows []int32 // that have not left
	size int64   // of the batch, which is kept as long as one of its rows is
}

// The bounds of what waits: no input is taken from there on. There are more batches where there may be more requests.
const (
	maxWaitingRows    = 64 << 10
	maxWaitingBatches = 1 << 10
	maxWaitingBytes   = 32 << 20
)

// wmMark is a watermark behind the batches up to seq.
type wmMark struct {
	seq int64
	wm  types.Time
}

// noKey is the key of a row with a NULL in it.
const noKey = -1

// NewAskJoin makes the operator of a LookupJoin whose table is asked.
func NewAskJoin(n *planner.LookupJoin, asker Asker) (Operator, error) {
	j := &askJoin{
		node: n, asker: asker, schema: n.Out.Arrow(), asks: map[uint64][]int32{}, passed: types.MinTime,
		strict: !n.Ask.Unordered || !n.Input.Info().Mode.AppendOnly(), right: newRowCodec(n.Scan.Out),
	}
	j.both = append(append(types.Schema{}, n.Input.Info().Out...), n.Scan.Out...).Arrow()
	keys := n.LookupScan().Keys
	j.ask = keys.Arrow()
	j.known = newAnswerCache(columnTypes(keys, seqUpTo(len(keys))), n.Ask.Cache)
	var err error
	if j.exprs, err = expr.CompileAll(n.Exprs); err == nil && n.Cond != nil {
		j.cond, err = expr.Compile(n.Cond)
	}
	return j, err
}

func seqUpTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// Open takes back the rows that waited.
func (j *askJoin) Open(ctx *Context) error {
	j.ctx = ctx
	rows, err := j.pending.open(ctx, j.node.Input.Info().Out, j.node.ChangeKeys())
	if err != nil || rows == nil {
		return err
	}
	return j.take(rows, nil)
}

// Process takes rows in.
func (j *askJoin) Process(_ int, b *vec.Batch, out Emitter) error { return j.take(b, out) }

// take finds the keys of rows, asks for those that are not known, and emits what it can. Without an Emitter, at the start, all wait.
func (j *askJoin) take(b *vec.Batch, out Emitter) error {
	j.seq++
	cols, err := j.keyCols(b)
	if err != nil {
		return err
	}
	if hit, err := j.hits(b, cols, out); hit || err != nil {
		return err
	}
	w := &waiting{seq: j.seq, b: b, rows: make([]int32, b.Len()), size: int64(b.Size())}
	for i := range w.rows {
		w.rows[i] = int32(i)
	}
	w.gids = j.keysOf(cols, b.Len())
	j.queue = append(j.queue, w)
	j.rows, j.bytes = j.rows+int64(len(w.rows)), j.bytes+w.size
	j.request()
	if out == nil {
		return nil
	}
	return j.release(out)
}

// keyCols gives the columns of a batch's keys.
func (j *askJoin) keyCols(b *vec.Batch) ([]vec.Vec, error) {
	cols := make([]vec.Vec, len(j.exprs))
	for i, e := range j.exprs {
		v, err := e.Eval(j.ctx.Fn, b, nil)
		if err != nil {
			return nil, err
		}
		cols[i] = vec.ColVec(v.Column(b.Len()))
	}
	return cols, nil
}

// keysOf gives the key of each row, and lists those to ask for.
func (j *askJoin) keysOf(cols []vec.Vec, n int) []int32 {
	gids := make([]int32, n)
	j.known.keys.Lookup(cols, n, gids, nil)
	var unwanted []int32
	for _, c := range cols {
		if j.node.Ask.Inputs != nil {
			break // a model takes NULLs
		}
		if nulls := vec.NullsOf(c.Arr); nulls.Any() {
			for i := range gids {
				if nulls.Is(i) && gids[i] != noKey {
					unwanted = append(unwanted, gids[i])
					gids[i] = noKey
				}
			}
		}
	}
	now := j.ctx.Fn.NowMicros
	for _, gid := range gids {
		if gid != noKey && j.known.want(gid, now) {
			j.todo = append(j.todo, gid)
		}
	}
	for _, gid := range unwanted {
		j.known.unwanted(gid)
	}
	return gids
}

// request asks for keys, as far as there may be requests under way.
func (j *askJoin) request() {
	for len(j.todo) > 0 && len(j.asks) < j.node.Ask.Capacity {
		gids := j.todo[:min(len(j.todo), max(j.asker.MaxKeys(), 1))]
		j.todo = j.todo[len(gids):]
		j.send(gids)
	}
	if len(j.todo) == 0 {
		j.todo = nil
	}
}

// send makes a request.
func (j *askJoin) send(gids []int32) {
	j.last++
	j.asks[j.last] = gids
	keys := vec.New(j.ask, j.known.keys.Keys(gids), len(gids), nil)
	j.ctx.Ask(j.last, func(ctx context.Context) (*vec.Batch, error) { return j.asker.Ask(ctx, keys) })
}

// refused tells whether a request failed for the sake of some of its keys, so that the others may be answered without them.
func refused(err error) bool {
	var r interface{ Refused() bool }
	return errors.As(err, &r) && r.Refused()
}

// Complete takes an answer in. Where some keys of a request are refused, its halves are asked for until they are found.
func (j *askJoin) Complete(id uint64, answer *vec.Batch, err error, out Emitter) error {
	gids, ok := j.asks[id]
	if !ok {
		panic(fmt.Sprintf("exec/op: an answer to request %d, which is not under way", id))
	}
	delete(j.asks, id)
	switch {
	case err == nil:
		j.known.answer(gids, answer, j.right, j.ctx.Fn.NowMicros)
	case len(gids) > 1 && (j.node.Ask.OnError == "null" || j.node.Ask.OnError == "log") && refused(err):
		j.send(gids[:len(gids)/2])
		j.send(gids[len(gids)/2:])
		return nil
	case j.node.Ask.OnError == "null":
		j.known.missing(gids)
	case j.node.Ask.OnError == "log" && j.ctx.Reject != nil:
		if err := j.reject(gids, err); err != nil {
			return err
		}
	default:
		return err
	}
	j.request()
	return j.release(out)
}

// reject hands over the rows that wait for keys which cannot be had.
func (j *askJoin) reject(gids []int32, cause error) error {
	lost := map[int32]bool{}
	for _, gid := range gids {
		lost[gid] = true
	}
	for _, w := range j.queue {
		kept := w.rows[:0]
		for _, row := range w.rows {
			if gid := w.gids[row]; gid == noKey || !lost[gid] {
				kept = append(kept, row)
				continue
			}
			j.known.done(w.gids[row])
			if err := j.ctx.Reject(w.b, int(row), cause); err != nil {
				return err
			}
		}
		w.rows = kept
	}
	return nil
}

// release emits the rows whose answers are there.
func (j *askJoin) release(out Emitter) error {
	kept := j.queue[:0]
	j.rows, j.bytes = 0, 0
	var err error
	stop := false
	for _, w := range j.queue {
		if err == nil && !stop {
			err = j.emit(w, out)
		}
		if len(w.rows) > 0 {
			kept = append(kept, w)
			j.rows, j.bytes = j.rows+int64(len(w.rows)), j.bytes+w.size
			stop = stop || j.strict
		}
	}
	clear(j.queue[len(kept):])
	j.queue = kept
	j.known.trim(j.ctx.Fn.NowMicros)
	for len(j.marks) > 0 && (len(j.queue) == 0 || j.queue[0].seq > j.marks[0].seq) {
		j.passed, j.marks = j.marks[0].wm, j.marks[1:]
	}
	j.measure()
	return err
}

// emit emits the rows of a batch whose answers are there: all of them or, in order, those before the first that is not.
func (j *askJoin) emit(w *waiting, out Emitter) error {
	var ready []int32
	kept := w.rows[:0]
	for i, row := range w.rows {
		switch gid := w.gids[row]; {
		case gid == noKey || j.known.has(gid):
			ready = append(ready, row)
			continue
		case j.strict:
			kept = w.rows[i:]
		default:
			kept = append(kept, row)
			continue
		}
		break
	}
	w.rows = kept
	if len(ready) == 0 {
		return nil
	}
	b, err := j.join(w, ready)
	for _, row := range ready {
		if gid := w.gids[row]; gid != noKey {
			j.known.done(gid)
		}
	}
	if err != nil || b == nil {
		return err
	}
	return out.Emit(b)
}

// join joins rows of a batch with their answers; nil: nothing comes of them.
func (j *askJoin) join(w *waiting, rows []int32) (*vec.Batch, error) {
	left, at, table, err := j.found(w, rows)
	if err != nil {
		return nil, err
	}
	pairs := func(schema *arrow.Schema) *vec.Batch {
		cols, kinds := joinedRows(w.b, rows, left)
		for _, c := range table {
			cols = append(cols, vec.Take(c, at))
		}
		return vec.New(schema, cols, len(left), kinds)
	}
	if j.cond != nil && len(left) > 0 {
		sel, all, err := expr.EvalFilter(j.cond, j.ctx.Fn, pairs(j.both), nil)
		if err != nil {
			return nil, err
		}
		if !all {
			for i, s := range sel {
				left[i], at[i] = left[s], at[s]
			}
			left, at = left[:len(sel)], at[:len(sel)]
		}
	}
	if j.node.Kind == planner.LeftJoin {
		left, at = padUnmatched(len(rows), left, at)
	}
	if len(left) == 0 {
		return nil, nil
	}
	return pairs(j.schema), nil
}

// Watermark is passed on once the rows before it have left.
func (j *askJoin) Watermark(wm types.Time, _ Emitter) (types.Time, error) {
	switch n := len(j.marks); {
	case len(j.queue) == 0:
		j.passed = max(j.passed, wm)
	case n > 0 && j.marks[n-1].wm >= wm || wm <= j.passed:
	case n > 0 && j.marks[n-1].seq == j.seq:
		j.marks[n-1].wm = wm
	default:
		j.marks = append(j.marks, wmMark{j.seq, wm})
	}
	return j.passed, nil
}

// Pending is the number of requests without an answer.
func (j *askJoin) Pending() int { return len(j.asks) }

// Full tells that as many requests are under way, or as much waits, as may be.
func (j *askJoin) Full() bool {
	return len(j.asks) >= j.node.Ask.Capacity || len(j.asks) > 0 &&
		(j.rows >= maxWaitingRows || j.bytes >= maxWaitingBytes || len(j.queue) >= max(maxWaitingBatches, 2*j.node.Ask.Capacity))
}

// Snapshot writes the rows that wait.
func (j *askJoin) Snapshot() error {
	if j.ctx.Unkept {
		return nil
	}
	return j.pending.save(j.queue)
}

func (j *askJoin) measure() {
	j.ctx.Metrics.Groups = int64(j.known.keys.Len())
	j.ctx.charges(j.known.bytes() + j.bytes)
}

// Close gives the memory back.
func (j *askJoin) Close() error { return j.ctx.releases() }
