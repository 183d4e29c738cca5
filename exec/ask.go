package exec

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/connectors"
	"weir/exec/expr"
	"weir/planner"
	"weir/sql/fn"
	"weir/sql/types"
	"weir/sql/vec"
)

// asker makes the requests of a lookup join: with a time limit, more attempts, and the table's computed columns. The instances
// of an operator share it.
type asker struct {
	name   string
	how    planner.LookupAsk
	scan   *planner.Scan
	lookup connectors.Lookup
	raw    types.Schema // of the connector's answers
	pause  func(context.Context, time.Duration) error

	once    sync.Once     // of what follows
	in, out *arrow.Schema // of raw; and of what Ask gives

	mu    sync.Mutex // of what follows: requests are made side by side
	exprs []expr.Eval
	fn    *fn.Ctx
}

// Pauses between attempts.
const (
	firstPause = 50 * time.Millisecond
	mostPause  = 5 * time.Second
)

// askerOf gives what asks for a lookup join, one for all its instances.
func (a *assembly) askerOf(n *planner.LookupJoin) (*asker, error) {
	if k := a.askers[n]; k != nil {
		return k, nil
	}
	k := &asker{name: n.Table.Path[2], how: *n.Ask, scan: n.Scan, fn: a.fnCtx(), pause: connectors.Sleep}
	if a.single {
		k.pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	}
	k.raw = append(k.raw, n.Scan.Columns...)
	for i, key := range n.Scan.Meta {
		k.raw = append(k.raw, types.Column{Name: key, Type: metaType(n.Scan, i, key)})
	}
	var err error
	if k.lookup, err = a.lookupOf(n, k.raw); err != nil {
		return nil, fmt.Errorf("table %q: %w", k.name, err)
	}
	if k.exprs, err = expr.CompileAll(n.Scan.Exprs); err != nil {
		return nil, errors.Join(err, k.lookup.Close())
	}
	if a.askers == nil {
		a.askers = map[*planner.LookupJoin]*asker{}
	}
	a.askers[n] = k
	return k, nil
}

// lookupOf gives the table's lookup, or what a recorder has in its place.
func (a *assembly) lookupOf(n *planner.LookupJoin, answers types.Schema) (connectors.Lookup, error) {
	env, scan := a.run.env, n.LookupScan()
	open := func() (connectors.Lookup, error) {
		return n.Scan.Config.(connectors.LooksUp).Lookup(n.Scan.Table.Desc, scan, env)
	}
	if env.Recorder == nil {
		return open()
	}
	return env.Recorder.Lookup(n.Scan.Table.Desc, scan, answers, env, open)
}

// MaxKeys implements op.Asker.
func (k *asker) MaxKeys() int { return k.lookup.MaxKeys() }

// Ask implements op.Asker.
func (k *asker) Ask(ctx context.Context, keys *vec.Batch) (*vec.Batch, error) {
	within, cancel := context.WithTimeout(ctx, k.how.Timeout)
	defer cancel()
	what, setting := "lookup table", "table.exec.async-lookup.timeout"
	if k.how.Inputs != nil {
		what, setting = "model", "table.exec.async-ml-predict.timeout"
	}
	b, err := k.found(within, keys)
	switch {
	case err == nil:
		return b, nil
	case ctx.Err() == nil && within.Err() != nil:
		err = fmt.Errorf("no answer within %s (%s): %w", k.how.Timeout, setting, err)
	}
	return nil, fmt.Errorf("%s %q: %w", what, k.name, err)
}

// found asks, and asks again for keys without rows where that is wanted.
func (k *asker) found(ctx context.Context, keys *vec.Batch) (*vec.Batch, error) {
	out, err := k.attempts(ctx, keys)
	for n := 1; err == nil && n < k.how.MissAttempts; n++ {
		missing := withoutRows(vec.Values[int64](out.Col(0)), keys.Len())
		if len(missing) == 0 {
			break
		}
		if err = k.pause(ctx, k.how.MissDelay); err != nil {
			break
		}
		var more *vec.Batch
		if more, err = k.attempts(ctx, vec.TakeBatch(keys, missing)); err == nil {
			out = mergeAnswers(out, more, missing)
		}
	}
	return out, err
}

// withoutRows lists the keys that no row is of.
func withoutRows(of []int64, n int) (out []int32) {
	at := 0
	for key := range n {
		if at == len(of) || of[at] != int64(key) {
			out = append(out, int32(key))
			continue
		}
		for at < len(of) && of[at] == int64(key) {
			at++
		}
	}
	return out
}

// mergeAnswers adds the rows of some of the keys, given by their places.
func mergeAnswers(out, more *vec.Batch, places []int32) *vec.Batch {
	of := vec.Values[int64](more.Col(0))
	moved := make([]int64, len(of))
	for i, o := range of {
		moved[i] = int64(places[o])
	}
	cols := append([]arrow.Array{vec.Int64s(moved, nil)}, more.Rows.Columns()[1:]...)
	all := vec.Concat(out, vec.New(out.Rows.Schema(), cols, more.Len(), nil))
	of = vec.Values[int64](all.Col(0))
	order := make([]int32, 0, len(of))
	a, b, n := 0, out.Len(), out.Len()
	for a < n || b < len(of) { // both ascend
		if b == len(of) || a < n && of[a] < of[b] {
			order = append(order, int32(a))
			a++
		} else {
			order = append(order, int32(b))
			b++
		}
	}
	return vec.TakeBatch(all, order)
}

// attempts asks as often as errors that pass allow.
func (k *asker) attempts(ctx context.Context, keys *vec.Batch) (*vec.Batch, error) {
	wait := firstPause
	for n := 1; ; n++ {
		rows, of, err := k.lookup.Ask(ctx, keys)
		if err == nil {
			return k.answer(rows, of)
		}
		if n >= k.how.Attempts || !connectors.IsRetryable(err) || ctx.Err() != nil {
			if n > 1 {
				err = fmt.Errorf("%w (after %d attempts)", err, n)
			}
			return nil, err
		}
		if k.pause(ctx, wait) != nil {
			return nil, err
		}
		wait = min(2*wait, mostPause)
	}
}

// answer computes the table's columns, behind the keys that its rows are of.
func (k *asker) answer(rows *vec.Batch, of []int32) (*vec.Batch, error) {
	keys := make([]int64, len(of))
	for i, o := range of {
		keys[i] = int64(o)
	}
	cols := rows.Rows.Columns()
	k.once.Do(func() {
		k.in = k.raw.Arrow()
		k.out = append(types.Schema{{Name: "$key", Type: types.BigIntType.WithNull(false)}}, k.scan.Out...).Arrow()
	})
	if k.scan.Exprs != nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		var err error
		raw := vec.New(k.in, cols, rows.Len(), nil)
		if cols, err = expr.Columns(k.exprs, k.fn, raw, nil); err != nil {
			return nil, err
		}
	}
	return vec.New(k.out, append([]arrow.Array{vec.Int64s(keys, nil)}, cols...), len(of), nil), nil
}
