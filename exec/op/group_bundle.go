package op

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// groupBundle is the mini-batch of a groupAgg: rows are folded as they come, and each group that they touched
// makes one change when the bundle ends, of what it had when the bundle began.
type groupBundle struct {
	bundleClock
	gids  []int32 // groups that it touched, in order
	in    []bool  // by group
	was   []bool  // by group: it was there when the bundle began
	prev  [][]byte
	empty []int32 // groups that may have no rows
	codec *rowCodec
	table *state.Table
	saved map[string]uint16
}

// bundleClock tells when a bundle ends. The clock does it at multiples of its latency, as in Flink, so that
// aggregates above one another end theirs together.
type bundleClock struct {
	planner.Bundle
	n     int64 // rows so far
	due   int64 // ms of the clock; where n is above 0
	table *state.Table
	saved [2]int64
}

func (c *bundleClock) add(rows int, now int64) {
	if c.n == 0 {
		c.due = (now/c.Ms + 1) * c.Ms
	}
	c.n += int64(rows)
}

func (c *bundleClock) nextTick() types.Time {
	if c.n == 0 {
		return types.MaxTime
	}
	return types.Time(c.due)
}

// open takes the clock up; of several the fullest and earliest count.
func (c *bundleClock) open(ctx *Context) error {
	c.table = ctx.State.Table(state.Spec{Name: "bundle", Value: []string{"BIGINT", "BIGINT"}})
	c.due = math.MaxInt64
	err := c.table.Scan(func(_ uint16, _, v []byte) error {
		c.n = max(c.n, int64(binary.BigEndian.Uint64(v)))
		c.due = min(c.due, int64(binary.BigEndian.Uint64(v[8:])))
		return nil
	})
	c.saved = [2]int64{c.n, c.due}
	return err
}

func (c *bundleClock) save(ctx *Context) error {
	if now := [2]int64{c.n, c.due}; now != c.saved {
		c.saved = now
		return saveInAll(c.table, ctx, binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(c.n)), uint64(c.due)))
	}
	return nil
}

func newGroupBundle(n *planner.GroupAgg) *groupBundle {
	return &groupBundle{bundleClock: bundleClock{Bundle: n.Bundle}, codec: newRowCodec(n.Out[len(n.Keys):]), saved: map[string]uint16{}}
}

// has tells whether a group has a change to make.
func (b *groupBundle) has(gid int32) bool { return b != nil && int(gid) < len(b.in) && b.in[gid] }

func (b *groupBundle) grow(n int) {
	for len(b.in) < n {
		b.in, b.was, b.prev = append(b.in, false), append(b.was, false), append(b.prev, nil)
	}
}

// bundled is Process with a bundle.
func (g *groupAgg) bundled(b *vec.Batch, out Emitter) error {
	bu, n := g.bundle, b.Len()
	bu.grow(len(g.rows))
	for lo := 0; lo < n; {
		hi := lo + int(min(int64(n-lo), max(bu.Rows-bu.n, 1)))
		if err := g.take(b.Slice(lo, hi), g.w.gids[lo:hi]); err != nil {
			return err
		}
		if lo = hi; bu.n < bu.Rows {
			continue
		}
		if err := g.tell(out); err != nil {
			return err
		}
	}
	return g.settle(n)
}

// settle forgets groups without rows, and keeps the budget.
func (g *groupAgg) settle(n int) error {
	for _, gid := range g.bundle.empty {
		if g.rows[gid] == 0 && !g.bundle.has(gid) && g.groups.Live(gid) {
			g.forget(gid)
		}
	}
	g.bundle.empty = g.bundle.empty[:0]
	if err := g.sweepSome(n); err != nil {
		return err
	}
	g.ctx.Metrics.Groups = int64(g.groups.Len())
	return g.charge()
}

// take folds rows. What groups had before is kept for the end of the bundle.
func (g *groupAgg) take(part *vec.Batch, all []int32) error {
	bu, w := g.bundle, &g.w
	gids := append(w.live[:0], all...)
	w.heads = w.heads[:0]
	for i, gid := range gids {
		adds := part.Kinds == nil || types.Adds(part.Kinds[i])
		if !adds && g.rows[gid] == 0 {
			gids[i] = -1
			bu.empty = append(bu.empty, gid)
			continue
		}
		if !bu.in[gid] {
			bu.in[gid], bu.was[gid] = true, g.rows[gid] > 0
			bu.gids = append(bu.gids, gid)
			if bu.was[gid] {
				w.heads = append(w.heads, gid)
			}
		}
		if adds {
			g.rows[gid]++
		} else {
			g.rows[gid]--
		}
		g.mark(gid)
	}
	w.live = gids
	if len(w.heads) > 0 {
		rows, _, err := g.bundleValues(w.heads)
		if err != nil {
			return err
		}
		for i, gid := range w.heads {
			bu.prev[gid] = bytes.Clone(rows.At(i))
		}
	}
	bu.add(part.Len(), g.now())
	if g.node.Phase == planner.GlobalPhase {
		return g.set.mergeBatch(gids, part, len(g.node.Keys))
	}
	return g.set.update(gids, part)
}

// mark has the next snapshot write a group.
func (g *groupAgg) mark(gid int32) {
	if !g.dirty[gid] {
		g.dirty[gid] = true
		g.changed = append(g.changed, gid)
	}
}

// bundleValues gives the results of groups, also as bytes.
func (g *groupAgg) bundleValues(gids []int32) (*vec.Keys, *vec.Batch, error) {
	values, err := g.set.values(gids)
	if err != nil {
		return nil, nil, err
	}
	b := vec.New(g.bundle.codec.schema.Arrow(), values, len(gids), nil)
	return g.bundle.codec.encode(b), b, nil
}

// tell ends the bundle: each group makes its change.
func (g *groupAgg) tell(out Emitter) error {
	bu := g.bundle
	gids := bu.gids
	bu.gids, bu.n = nil, 0
	for len(gids) > 0 {
		part := gids[:min(len(gids), emitRows)]
		if err := g.tellSome(part, out); err != nil {
			return err
		}
		gids = gids[len(part):]
	}
	return nil
}

func (g *groupAgg) tellSome(gids []int32, out Emitter) error {
	bu := g.bundle
	now, b, err := g.bundleValues(gids)
	if err != nil {
		return err
	}
	rows := newGather(bu.codec)
	var of []int32
	var kinds []types.RowKind
	for i, gid := range gids {
		there, prev := g.rows[gid] > 0, bu.prev[gid]
		if bu.was[gid] {
			switch {
			case there && (g.appends || g.ttl == 0 && bytes.Equal(prev, now.At(i))):
				there = false
			case !there:
				rows.stored(prev)
				of, kinds = append(of, gid), append(kinds, types.Delete)
			case g.before:
				rows.stored(prev)
				of, kinds = append(of, gid), append(kinds, types.UpdateBefore)
			}
		}
		if there {
			kind := types.Insert
			if bu.was[gid] {
				kind = types.UpdateAfter
			}
			rows.row(i)
			of, kinds = append(of, gid), append(kinds, kind)
		}
		g.endOf(gid)
	}
	if len(of) == 0 {
		return nil
	}
	told, err := rows.columns(b)
	if err != nil {
		return err
	}
	return out.Emit(vec.New(g.schema, append(g.groups.Keys(of), told...), len(of), insertsAreNil(kinds)))
}

// endOf takes a group out of the bundle.
func (g *groupAgg) endOf(gid int32) {
	bu := g.bundle
	bu.in[gid], bu.prev[gid] = false, nil
	if g.ttl > 0 {
		g.touched[gid] = g.now()
		g.mark(gid)
	}
	if g.rows[gid] == 0 {
		g.set.reset(gid)
		bu.empty = append(bu.empty, gid)
	}
}

// NextTick is when the bundle ends by the clock.
func (g *groupAgg) NextTick() types.Time {
	if g.bundle == nil {
		return types.MaxTime
	}
	return g.bundle.nextTick()
}

// Tick ends the bundle.
func (g *groupAgg) Tick(_ types.Time, out Emitter) error {
	if err := g.tell(out); err != nil {
		return err
	}
	return g.settle(0)
}

// openBundle takes back the changes that a snapshot found not made yet.
func (g *groupAgg) openBundle() error {
	bu := g.bundle
	if bu == nil {
		return nil
	}
	if err := bu.open(g.ctx); err != nil {
		return err
	}
	bu.table = g.ctx.State.Table(state.Spec{Name: "changes", Key: typeNames(g.types), Value: []string{"BIGINT", "BOOLEAN", "BYTES"}})
	type change struct {
		seq uint64
		gid int32
	}
	var found []change
	err := bu.table.Scan(func(group uint16, key, v []byte) error {
		gid, _ := g.groups.LookupKey(bytes.Clone(key))
		g.grow()
		bu.grow(len(g.rows))
		bu.saved[string(key)] = group
		bu.in[gid], bu.was[gid], bu.prev[gid] = true, v[8] != 0, bytes.Clone(v[9:])
		found = append(found, change{binary.BigEndian.Uint64(v), gid})
		return nil
	})
	if err != nil || len(found) == 0 {
		return err
	}
	slices.SortStableFunc(found, func(a, b change) int { return cmpInt(int64(a.seq), int64(b.seq)) })
	firsts := make([]int32, len(found))
	for i, c := range found {
		bu.gids, firsts[i] = append(bu.gids, c.gid), int32(i)
	}
	return g.load(bu.gids, firsts)
}

// saveBundle writes the changes that are not made yet.
func (g *groupAgg) saveBundle() error {
	bu := g.bundle
	if bu == nil {
		return nil
	}
	if err := bu.save(g.ctx); err != nil {
		return err
	}
	for key, group := range bu.saved {
		if err := bu.table.Delete(group, []byte(key)); err != nil {
			return err
		}
	}
	clear(bu.saved)
	for i, gid := range bu.gids {
		key := g.groups.AppendKey(nil, gid)
		group := state.Group(vec.Hash(key))
		if g.rows[gid] == 0 {
			if err := g.table.t.Delete(group, key); err != nil {
				return err
			}
		}
		v := binary.BigEndian.AppendUint64(nil, uint64(i))
		v = append(v, 0)
		if bu.was[gid] {
			v[8] = 1
		}
		if err := bu.table.Set(group, key, append(v, bu.prev[gid]...)); err != nil {
			return err
		}
		bu.saved[string(key)] = group
	}
	return nil
}
