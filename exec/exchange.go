package exec

import (
	"time"

	"weir/exec/state"
	"weir/sql/types"
	"weir/sql/vec"
)

const (
	// gatherRows is the size below which an exchange gathers the rows for a target.
	gatherRows = 512
	// gatherTime bounds how long gathered rows wait.
	gatherTime = 5 * time.Millisecond
)

// output sends a chain's rows to the tasks of another stage: to one of them each, by key group, or in
// turn. It is the last link of a chain.
type output struct {
	t       *task
	edges   []*edge
	enc     *vec.KeyEncoder // nil: not by key
	keys    []int
	turn    int // of the batch, where several edges share rows in turn
	pending [][]*vec.Batch
	rows    []int // pending
	flushAt int64

	// Scratch.
	encoded vec.Keys
	cols    []vec.Vec
	target  []int32
}

func newOutput(t *task, edges []*edge, keys []int, schema types.Schema) *output {
	o := &output{t: t, edges: edges, keys: keys, flushAt: never}
	if len(edges) > 1 && keys != nil {
		ts := make([]types.Type, len(keys))
		for i, k := range keys {
			ts[i] = schema[k].Type
		}
		o.enc = vec.KeyOf(ts...)
		o.pending, o.rows = make([][]*vec.Batch, len(edges)), make([]int, len(edges))
	}
	return o
}

func (o *output) process(_ int, b *vec.Batch) error {
	if o.enc == nil {
		to := o.edges[o.turn]
		if o.turn++; o.turn == len(o.edges) {
			o.turn = 0
		}
		return o.send(to, b)
	}
	for i, idx := range o.partition(b) {
		if len(idx) == 0 {
			continue
		}
		if err := o.gather(i, vec.TakeBatch(b, idx)); err != nil {
			return err
		}
	}
	return nil
}

// partition lists the rows for each target.
func (o *output) partition(b *vec.Batch) [][]int32 {
	n, p := b.Len(), len(o.edges)
	o.cols = o.cols[:0]
	for _, k := range o.keys {
		o.cols = append(o.cols, vec.ColVec(b.Col(k)))
	}
	o.enc.Encode(&o.encoded, o.cols, n)
	if cap(o.target) < n {
		o.target = make([]int32, n)
	}
	target := o.target[:n]
	counts := make([]int, p+1)
	for i := range target {
		to := state.Owner(state.Group(vec.Hash(o.encoded.At(i))), p)
		target[i] = int32(to)
		counts[to+1]++
	}
	rows := make([]int32, n)
	lists := make([][]int32, p)
	at := 0
	for i := range lists {
		lists[i] = rows[at : at : at+counts[i+1]]
		at += counts[i+1]
	}
	for i, to := range target {
		lists[to] = append(lists[to], int32(i))
	}
	return lists
}

// gather puts small batches of a target together.
func (o *output) gather(i int, b *vec.Batch) error {
	if b.Len() >= gatherRows {
		if err := o.flushTarget(i); err != nil {
			return err
		}
		return o.send(o.edges[i], b)
	}
	if p := o.pending[i]; len(p) > 0 && !sameColumns(p[0], b) {
		if err := o.flushTarget(i); err != nil {
			return err
		}
	}
	o.pending[i] = append(o.pending[i], b)
	if o.rows[i] += b.Len(); o.rows[i] >= gatherRows {
		return o.flushTarget(i)
	}
	if o.flushAt == never {
		o.flushAt = o.t.after(gatherTime)
	}
	return nil
}

// sameColumns tells whether batches can be put together: a local aggregate may pass rows on in another layout.
func sameColumns(a, b *vec.Batch) bool {
	return a.Rows.Schema() == b.Rows.Schema() || a.Rows.Schema().Equal(b.Rows.Schema())
}

func (o *output) flushTarget(i int) error {
	if len(o.pending[i]) == 0 {
		return nil
	}
	b := vec.Concat(o.pending[i]...)
	clear(o.pending[i])
	o.pending[i], o.rows[i] = o.pending[i][:0], 0
	return o.send(o.edges[i], b)
}

func (o *output) flush() error {
	if o.flushAt == never {
		return nil
	}
	o.flushAt = never
	for i := range o.pending {
		if err := o.flushTarget(i); err != nil {
			return err
		}
	}
	return nil
}

func (o *output) send(to *edge, b *vec.Batch) error {
	return to.send(o.t, event{kind: batchEvent, batch: b, rows: b.Len(), bytes: sizeOf(b)})
}

// signal sends an event to every target, behind the rows gathered so far.
func (o *output) signal(e event) error {
	if err := o.flush(); err != nil {
		return err
	}
	for _, to := range o.edges {
		if err := to.send(o.t, e); err != nil {
			return err
		}
	}
	return nil
}

func (o *output) watermark(wm types.Time) error {
	return o.signal(event{kind: watermarkEvent, time: wm})
}
func (o *output) idle() error            { return o.signal(event{kind: idleEvent}) }
func (o *output) barrier(id int64) error { return o.signal(event{kind: barrierEvent, id: id}) }
func (o *output) end() error             { return o.signal(event{kind: endEvent}) }

// full tells whether an edge has no credit left.
func (o *output) full() bool {
	for _, e := range o.edges {
		if e.full() {
			return true
		}
	}
	return false
}
