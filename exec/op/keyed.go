package op

import (
	"time"

	"weir/exec/state"
	"weir/sql/types"
	"weir/sql/vec"
)

// keyed is a value of bytes for each key, in slabs of memory over a state table. It is what operators that keep
// rows are made of. A value may expire: ttl after it was last set.
type keyed struct {
	ctx     *Context
	types   []types.Type
	groups  *vec.Groups
	val     []int32 // of each group, where store has its value, or none
	store   rowStore
	stamp   []int64
	dirty   []bool
	changed []int32
	gone    map[string]bool // keys to delete from the store
	table   *state.Table
	partial bool
	pinned  bool // all keys stay in memory: the operator visits them
	own     resident
	cold    coldKeys
	ttl     time.Duration
	gids    []int32
	firsts  []int32
	key     []byte
	sweep   int32
	stored  *sweeper
}

// openKeyed declares the table and takes it up.
func openKeyed(ctx *Context, name string, keys []types.Type, value []types.Type, ttl time.Duration) (*keyed, error) {
	k := &keyed{ctx: ctx, types: keys, groups: vec.NewGroups(keys...), gone: map[string]bool{}, ttl: ttl}
	k.table = ctx.State.Table(state.Spec{Name: name, Key: typeNames(keys), Value: typeNames(value), TTL: ttl})
	t := &rowTable{t: k.table}
	empty, err := t.empty()
	k.partial = !empty
	k.stored = newSweeper(k.table, ttl, stampOf, func(key []byte) bool { return k.groups.FindKey(key) >= 0 })
	return k, err
}

func (k *keyed) now() int64 { return k.ctx.Fn.NowMicros / 1000 }

// lookup numbers the keys of n rows; what the store has of new ones is read. The numbers are valid
// until release.
func (k *keyed) lookup(cols []vec.Vec, n int) ([]int32, error) {
	k.gids = sized(k.gids, n)
	k.firsts = k.groups.Lookup(cols, n, k.gids, k.firsts[:0])
	k.grow()
	if k.ctx.Budget != nil {
		k.cold.use(k.gids, k.groups.Cap())
	}
	if k.partial {
		if err := k.load(); err != nil {
			return nil, err
		}
	}
	if k.ttl > 0 {
		k.expire(k.gids)
	}
	return k.gids, nil
}

func (k *keyed) grow() {
	for n := k.groups.Cap(); len(k.val) < n; {
		k.val, k.dirty = append(k.val, none), append(k.dirty, false)
		if k.ttl > 0 {
			k.stamp = append(k.stamp, 0)
		}
	}
}

// load reads what the store has of the keys that are new in memory.
func (k *keyed) load() error {
	gid := func(i int) int32 { return k.gids[k.firsts[i]] }
	return findKeys(k.table, len(k.firsts), func(dst []byte, i int) []byte { return k.groups.AppendKey(dst, gid(i)) }, func(i int, v []byte) error {
		if k.key = k.groups.AppendKey(k.key[:0], gid(i)); !k.gone[string(k.key)] {
			k.keep(gid(i), v)
		}
		return nil
	})
}

// keep takes a stored value into memory.
func (k *keyed) keep(gid int32, v []byte) {
	if k.ttl > 0 {
		k.stamp[gid] = stampOf(v)
		v, _ = state.Fresh(v, 0, 0)
	}
	k.hold(gid, v)
	k.dirty[gid] = false // as the key that had the number before may have left it
}

// loadAll reads the whole table: for operators that must visit every key.
func (k *keyed) loadAll() error {
	k.pinned = true
	return k.loadSome(func([]byte) bool { return true })
}

// loadSome reads those values of the table that are wanted; the others are read when their keys come.
func (k *keyed) loadSome(wanted func(v []byte) bool) error {
	k.partial = false
	return k.table.Scan(func(_ uint16, key, v []byte) error {
		plain := v
		if k.ttl > 0 {
			plain, _ = state.Fresh(v, 0, 0)
		}
		if !wanted(plain) {
			k.partial = true
			return nil
		}
		gid, _ := k.groups.LookupKey(key)
		k.grow()
		k.keep(gid, v)
		return nil
	})
}

func stampOf(v []byte) int64 {
	t := int64(0)
	for _, b := range v[:8] {
		t = t<<8 | int64(b)
	}
	return t
}

func (k *keyed) expire(gids []int32) {
	limit := k.now() - k.ttl.Milliseconds()
	for _, gid := range gids {
		if k.val[gid] != none && k.stamp[gid] <= limit {
			k.set(gid, nil)
		}
	}
}

// get gives a key's value, nil where there is none. It is the table's, and stays as it is.
func (k *keyed) get(gid int32) []byte {
	if n := k.val[gid]; n != none {
		return k.store.get(n)
	}
	return nil
}

// set sets a key's value to a copy of v; nil or no bytes take it away.
func (k *keyed) set(gid int32, v []byte) {
	k.hold(gid, v)
	if k.ttl > 0 {
		k.stamp[gid] = k.now()
	}
	if !k.dirty[gid] {
		k.dirty[gid] = true
		k.changed = append(k.changed, gid)
	}
}

// hold sets what memory has of a key, and leaves the store as it is.
func (k *keyed) hold(gid int32, v []byte) {
	switch n := k.val[gid]; {
	case n == none && len(v) > 0:
		k.val[gid] = k.store.put(v, nil)
	case n != none && len(v) > 0:
		k.store.replace(n, v, nil)
	case n != none:
		k.store.drop(n)
		k.val[gid] = none
	}
}

// release ends the use of the numbers that the last lookup gave: keys without a value are forgotten.
func (k *keyed) release() error {
	for _, gid := range k.gids {
		k.drop(gid)
	}
	if k.ttl > 0 {
		k.sweepSome(sweptAfter(len(k.gids)))
	}
	if k.partial {
		if err := k.stored.step(k.now()); err != nil {
			return err
		}
	}
	return k.charge()
}

// drop forgets a key if it has no value.
func (k *keyed) drop(gid int32) {
	if k.val[gid] == none && k.groups.Live(gid) {
		if k.dirty[gid] && !k.alone() {
			k.gone[string(k.groups.AppendKey(nil, gid))] = true
		}
		k.groups.Delete(gid)
	}
}

// sweepSome looks at a few keys, so that expired ones do not stay for ever.
func (k *keyed) sweepSome(n int) {
	limit := k.now() - k.ttl.Milliseconds()
	for range n {
		if k.groups.Len() == 0 {
			return
		}
		if k.sweep >= int32(k.groups.Cap()) {
			k.sweep = 0
		}
		if gid := k.sweep; k.groups.Live(gid) && k.stamp[gid] <= limit {
			k.set(gid, nil)
			k.drop(gid)
		}
		k.sweep++
	}
}

// alone tells that memory has all values and is all that will be asked for them.
func (k *keyed) alone() bool { return k.ctx.Unkept && !k.partial }

// snapshot writes what changed since the last one.
func (k *keyed) snapshot() error {
	if k.alone() {
		return nil
	}
	if err := k.flushGone(); err != nil {
		return err
	}
	live := k.changed[:0]
	for _, gid := range k.changed {
		if k.dirty[gid] && k.val[gid] != none && k.groups.Live(gid) {
			live = append(live, gid)
		}
		k.dirty[gid] = false
	}
	k.changed = live[:0]
	return k.write(live)
}

func (k *keyed) close() error {
	return k.ctx.releases()
}
