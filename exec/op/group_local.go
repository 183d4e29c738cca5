package op

import (
	"bytes"
	"encoding/binary"
	"slices"

	"weir/exec/state"
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
	table  *rowTable
	saved  []localPlace
}

// localPlace is where the store has a group.
type localPlace struct {
	group uint16
	key   string
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

func (l *groupLocal) Open(ctx *Context) error {
	l.ctx = ctx
	if err := l.bundleClock.open(ctx); err != nil {
		return err
	}
	value := append([]types.Type{types.BigIntType}, l.set.state...)
	l.table = newRowTable(ctx.State, state.Spec{Name: "partials", Key: append([]string{"BIGINT"}, typeNames(l.types)...)}, value)
	return l.restore()
}

// restore takes back the bundle that a snapshot held. Where instances are others now, several may have had a key.
func (l *groupLocal) restore() error {
	var keys, values [][]byte
	err := l.table.t.Scan(func(group uint16, k, v []byte) error {
		l.saved = append(l.saved, localPlace{group, string(k)})
		keys, values = append(keys, bytes.Clone(k)), append(values, bytes.Clone(v))
		return nil
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	cols, err := l.table.columns(values)
	if err != nil {
		return err
	}
	at := make([]int32, len(keys))
	for i := range at {
		at[i] = int32(i)
	}
	seq := vec.I64(cols[0])
	slices.SortStableFunc(at, func(a, b int32) int { return cmpInt(seq[a], seq[b]) })
	for _, i := range at {
		gid, isNew := l.groups.LookupKey(keys[i][8:])
		if isNew {
			l.order = append(l.order, gid)
		}
		l.set.resize(l.groups.Cap())
		var state []vec.Vec
		for _, c := range cols[1:] {
			state = append(state, vec.TakeVec(c, []int32{i}))
		}
		if err := l.set.merge([]int32{gid}, state); err != nil {
			return err
		}
	}
	return nil
}

// Snapshot writes the bundle.
func (l *groupLocal) Snapshot() error {
	if err := l.save(l.ctx); err != nil {
		return err
	}
	group := firstGroup(l.ctx)
	for _, p := range l.saved {
		if err := l.table.t.Delete(p.group, []byte(p.key)); err != nil {
			return err
		}
	}
	l.saved = l.saved[:0]
	if len(l.order) == 0 {
		return nil
	}
	seq := make([]int64, len(l.order))
	for i := range seq {
		seq[i] = int64(i)
	}
	cols, err := l.set.save(l.order)
	if err != nil {
		return err
	}
	values := l.table.encode(append([]vec.Vec{vec.ColVec(vec.Int64s(seq, nil))}, cols...), len(l.order))
	for i, gid := range l.order {
		key := l.groups.AppendKey(binary.BigEndian.AppendUint64(nil, uint64(l.ctx.Instance)), gid)
		if err := l.table.t.Set(group, key, values.At(i)); err != nil {
			return err
		}
		l.saved = append(l.saved, localPlace{group, string(key)})
	}
	return nil
}
