package op

import (
	"weir/sql/types"
	"weir/sql/vec"
)

// finish forgets the groups that a batch of n rows left empty, and keeps the budget.
func (g *groupAgg) finish(n int) error {
	w := &g.w
	for _, gid := range w.gids[:n] {
		if g.rows[gid] == 0 && g.groups.Live(gid) {
			g.forget(gid)
		}
	}
	if g.ttl > 0 {
		for _, gid := range w.gids[:n] {
			g.touched[gid] = g.now()
		}
	}
	if err := g.sweepSome(n); err != nil {
		return err
	}
	g.ctx.Metrics.Groups = int64(g.groups.Len())
	return g.charge()
}

// forget drops a group from memory and, at the next snapshot, from the store.
func (g *groupAgg) forget(gid int32) {
	g.gone[string(g.groups.AppendKey(nil, gid))] = true
	g.drop(gid)
}

func (g *groupAgg) drop(gid int32) {
	g.rows[gid] = 0
	g.set.reset(gid)
	g.groups.Delete(gid)
}

func (g *groupAgg) now() int64 { return g.ctx.Fn.NowMicros / 1000 }

// expire empties the groups that were last written too long ago.
func (g *groupAgg) expire(gids []int32) {
	limit := g.now() - g.ttl
	for _, gid := range gids {
		if g.rows[gid] > 0 && g.touched[gid] <= limit && !g.bundle.has(gid) {
			g.rows[gid] = 0
			g.set.reset(gid)
		}
	}
}

// sweepSome looks at some groups after n rows came, so that expired ones do not stay for ever.
func (g *groupAgg) sweepSome(n int) error {
	if g.ttl == 0 {
		return nil
	}
	limit := g.now() - g.ttl
	for range sweptAfter(n) {
		if g.groups.Len() == 0 {
			break
		}
		if g.sweep >= int32(g.groups.Cap()) {
			g.sweep = 0
		}
		if gid := g.sweep; g.groups.Live(gid) && g.touched[gid] <= limit && !g.bundle.has(gid) {
			g.forget(gid)
		}
		g.sweep++
	}
	if !g.partial {
		return nil
	}
	return g.stored.step(g.now())
}

// load looks new keys up in the store.
func (g *groupAgg) load(gids, firsts []int32) error {
	var found []int32
	var ends []int
	var bytes []byte
	err := g.table.find(g.groups, gids, firsts, func(gid int32, v []byte) error {
		if len(g.gone) == 0 || !g.gone[string(g.groups.AppendKey(g.w.key[:0], gid))] {
			found, bytes = append(found, gid), append(bytes, v...)
			ends = append(ends, len(bytes))
		}
		return nil
	})
	if err != nil {
		return err
	}
	values := make([][]byte, len(ends))
	for i, end := range ends {
		start := 0
		if i > 0 {
			start = ends[i-1]
		}
		values[i] = bytes[start:end]
	}
	if len(found) == 0 {
		return nil
	}
	cols, err := g.table.columns(values)
	if err != nil {
		return err
	}
	rows, touched := vec.I64(cols[0]), vec.I64(cols[1])
	for i, gid := range found {
		g.rows[gid] = rows[i]
		if g.ttl > 0 {
			g.touched[gid] = touched[i]
		}
	}
	return g.set.load(found, cols[2:])
}

// flushGone deletes from the store what is gone.
func (g *groupAgg) flushGone() error {
	if err := g.stored.flush(); err != nil {
		return err
	}
	return deleteKeys(g.table.t, g.gone)
}

// Snapshot writes the groups that changed since the last one.
func (g *groupAgg) Snapshot() error {
	if err := g.flushGone(); err != nil {
		return err
	}
	if err := g.saveBundle(); err != nil {
		return err
	}
	live := g.changed[:0]
	for _, gid := range g.changed {
		if g.dirty[gid] && g.groups.Live(gid) && g.rows[gid] > 0 {
			live = append(live, gid)
		}
		g.dirty[gid] = false
	}
	g.changed = live[:0]
	return g.save(live)
}

// save writes groups.
func (g *groupAgg) save(live []int32) error {
	if len(live) == 0 {
		return nil
	}
	return g.table.writeAll(g.groups, live, func(gids []int32) ([]vec.Vec, error) {
		rows, touched := make([]int64, len(gids)), make([]int64, len(gids))
		for i, gid := range gids {
			rows[i] = g.rows[gid]
			if g.ttl > 0 {
				touched[i] = g.touched[gid]
			}
		}
		cols, err := g.set.save(gids)
		return append([]vec.Vec{vec.ColVec(vec.Int64s(rows, nil)), vec.ColVec(vec.Int64s(touched, nil))}, cols...), err
	})
}

// charge tells the budget what memory holds; over budget, all groups go to the store and come back
// when their keys do.
func (g *groupAgg) charge() error {
	base := g.groups.Bytes() + int64(len(g.rows))*16
	if g.ctx.Metrics.StateBytes > 0 && base <= g.base+g.base/16 {
		return g.fit(true)
	}
	bytes := base + g.set.bytes()
	g.base = base
	// What holds the groups doubles when it is full, and never shrinks: there must be room for that.
	return g.fit(g.ctx.charges(bytes) && g.ctx.Budget.room(2))
}

// fit has the coldest groups go to the store, where memory is short; they come back when their keys do.
func (g *groupAgg) fit(fits bool) error {
	if !g.cold.full(g.ctx.Budget, g.groups.Len(), fits) || g.batch || g.bundle != nil && g.bundle.n > 0 {
		return nil
	}
	cold := g.cold.pick(g.groups, nil)
	if err := g.flushGone(); err != nil {
		return err
	}
	some := make([]int32, 0, len(cold))
	for _, gid := range cold {
		if g.dirty[gid] && g.rows[gid] > 0 {
			some = append(some, gid)
		}
	}
	if err := g.save(some); err != nil {
		return err
	}
	for _, gid := range cold {
		g.dirty[gid] = false
		g.drop(gid)
	}
	g.partial = true
	g.changed = stillDirty(g.changed, g.dirty)
	return nil
}

// collect is Process in batch mode: results come at the end.
func (g *groupAgg) collect(b *vec.Batch) error {
	for i, gid := range g.w.gids {
		if b.Kinds == nil || types.Adds(b.Kinds[i]) {
			g.rows[gid]++
		} else {
			g.rows[gid]--
		}
	}
	if err := g.set.update(g.w.gids, b); err != nil {
		return err
	}
	return g.charge()
}

// End gives the results of batch mode; without keys there is one even where there are no rows.
func (g *groupAgg) End(out Emitter) error {
	if g.bundle != nil {
		return g.tell(out)
	}
	if !g.batch {
		return nil
	}
	if len(g.node.Keys) == 0 && g.groups.Len() == 0 {
		g.groups.Lookup(nil, 1, make([]int32, 1), nil)
		g.grow()
	}
	all := g.groups.All(nil)
	for len(all) > 0 {
		part := all[:min(len(all), emitRows)]
		all = all[len(part):]
		cols := g.groups.Keys(part)
		values, err := g.set.values(part)
		if err != nil {
			return err
		}
		if err := out.Emit(vec.New(g.schema, append(cols, values...), len(part), nil)); err != nil {
			return err
		}
	}
	return nil
}

// emitRows is the size of the batches that operators emit of themselves.
const emitRows = 4096

// Close gives the memory back.
func (g *groupAgg) Close() error { return g.ctx.releases() }
