package op

import (
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// groupLocal is the local phase of a GROUP BY: it folds a bundle of rows before they change instance, and
// emits each group's keys and state columns when the bundle ends.
type groupLocal struct {
	Base
	bundleClock
	ctx    *Context
	node   *planner.GroupAgg
	types  []types.Type
	groups *vec.Groups
	set    *aggSet
	order  []int32 // groups of the bundle, in order of arrival
	gids   []int32
}

func newGroupLocal(n *planner.GroupAgg) (Operator, error) {
	set, err := newAggSet(n.Aggs)
	if err != nil {
		return nil, err
	}
	l := &groupLocal{bundleClock: bundleClock{Bundle: n.Bundle}, node: n, set: set, types: columnTypes(n.Input.Info().Out, n.Keys)}
	l.groups = vec.NewGroups(l.types...)
	return l, nil
}

func (l *groupLocal) Process(_ int, b *vec.Batch, out Emitter) error {
	n := b.Len()
	for lo := 0; lo < n; {
		hi := lo + int(min(int64(n-lo), max(l.Rows-l.n, 1)))
		part := b.Slice(lo, hi)
		l.gids = sized(l.gids, hi-lo)
		for _, row := range l.groups.Lookup(columnVecs(part, l.node.Keys), hi-lo, l.gids, nil) {
			l.order = append(l.order, l.gids[row])
		}
		l.set.resize(l.groups.Cap())
		if err := l.set.update(l.gids, part); err != nil {
			return err
		}
		l.add(hi-lo, l.ctx.Fn.NowMicros/1000)
		if lo = hi; l.n < l.Rows {
			continue
		}
		if err := l.flush(out); err != nil {
			return err
		}
	}
	l.ctx.Metrics.Groups = int64(l.groups.Len())
	return nil
}

// flush emits the bundle and begins another.
func (l *groupLocal) flush(out Emitter) error {
	for order := l.order; len(order) > 0; {
		part := order[:min(len(order), emitRows)]
		cols := l.groups.Keys(part)
		values, err := l.set.save(part)
		if err != nil {
			return err
		}
		for _, v := range values {
			cols = append(cols, v.Column(len(part)))
		}
		if err := out.Emit(vec.New(l.node.Out.Arrow(), cols, len(part), nil)); err != nil {
			return err
		}
		order = order[len(part):]
	}
	for _, gid := range l.order {
		l.set.reset(gid)
		l.groups.Delete(gid)
	}
	l.order, l.n = l.order[:0], 0
	return nil
}

// NextTick is when the bundle ends by the clock.
func (l *groupLocal) NextTick() types.Time { return l.nextTick() }

// Tick ends the bundle.
func (l *groupLocal) Tick(_ types.Time, out Emitter) error { return l.flush(out) }

// End emits what is left.
func (l *groupLocal) End(out Emitter) error { return l.flush(out) }

// Flush ends the bundle before a checkpoint, as in Flink.
func (l *groupLocal) Flush(out Emitter) error { return l.flush(out) }

func (l *groupLocal) Open(ctx *Context) error {
	l.ctx = ctx
	return nil
}
