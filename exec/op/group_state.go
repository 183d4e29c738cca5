package op

import (
	"weir/exec/state"
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
		g.sweepSome(n)
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

// sweepSome looks at a few groups more than came in, so that expired ones do not stay for ever.
func (g *groupAgg) sweepSome(n int) {
	limit := g.now() - g.ttl
	for range n + 16 {
		if g.groups.Len() == 0 {
			return
		}
		if g.sweep >= int32(g.groups.Cap()) {
			g.sweep = 0
		}
		if gid := g.sweep; g.groups.Live(gid) && g.touched[gid] <= limit && !g.bundle.has(gid) {
			g.forget(gid)
		}
		g.sweep++
	}
}

// load looks new keys up in the store.
func (g *groupAgg) load(gids, firsts []int32) error {
	var found []int32
	var values [][]byte
	for _, row := range firsts {
		gid := gids[row]
		g.w.key = g.groups.AppendKey(g.w.key[:0], gid)
		v, ok, err := g.table.t.Get(state.Group(vec.Hash(g.w.key)), g.w.key)
		if err != nil {
			return err
		}
		if ok && !g.gone[string(g.w.key)] {
			found = append(found, gid)
			values = append(values, append([]byte(nil), v...))
		}
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

// Snapshot writes the groups that changed since the last one.
func (g *groupAgg) Snapshot() error {
	for k := range g.gone {
		key := []byte(k)
		if err := g.table.t.Delete(state.Group(vec.Hash(key)), key); err != nil {
			return err
		}
	}
	clear(g.gone)
	if err := g.saveBundle(); err != nil {
		return err
	}
	live := g.changed[:0]
	for _, gid := range g.changed {
		g.dirty[gid] = false
		if g.groups.Live(gid) && g.rows[gid] > 0 {
			live = append(live, gid)
		}
	}
	g.changed = live[:0]
	if len(live) == 0 {
		return nil
	}
	rows, touched := make([]int64, len(live)), make([]int64, len(live))
	for i, gid := range live {
		rows[i] = g.rows[gid]
		if g.ttl > 0 {
			touched[i] = g.touched[gid]
		}
	}
	cols, err := g.set.save(live)
	if err != nil {
		return err
	}
	cols = append([]vec.Vec{vec.ColVec(vec.Int64s(rows, nil)), vec.ColVec(vec.Int64s(touched, nil))}, cols...)
	values := g.table.encode(cols, len(live))
	for i, gid := range live {
		g.w.key = g.groups.AppendKey(g.w.key[:0], gid)
		if err := g.table.t.Set(state.Group(vec.Hash(g.w.key)), g.w.key, values.At(i)); err != nil {
			return err
		}
	}
	return nil
}

// charge tells the budget what memory holds; over budget, all groups go to the store and come back
// when their keys do.
func (g *groupAgg) charge() error {
	bytes := g.groups.Bytes() + int64(len(g.rows))*16
	if bytes > g.charged+g.charged/8 || g.charged == 0 {
		bytes += g.set.bytes()
	} else {
		return nil
	}
	fits := g.ctx.Budget.Grow(bytes - g.charged)
	g.charged = bytes
	g.ctx.Metrics.StateBytes = bytes
	if fits || g.groups.Len() < 1024 || g.batch || g.bundle != nil && g.bundle.n > 0 {
		return nil
	}
	return g.spill()
}

func (g *groupAgg) spill() error {
	if err := g.Snapshot(); err != nil {
		return err
	}
	g.groups, g.set = vec.NewGroups(g.types...), g.set.fresh()
	g.rows, g.touched, g.dirty, g.w.last = nil, nil, nil, nil
	g.partial = true
	g.ctx.Budget.Grow(-g.charged)
	g.charged = 0
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
func (g *groupAgg) Close() error {
	g.ctx.Budget.Grow(-g.charged)
	return nil
}
