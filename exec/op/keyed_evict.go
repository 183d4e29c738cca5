package op

import "weir/exec/state"

// resident is what an operator keeps of keys beside their values, in a form of its own.
type resident interface {
	// stays tells that a key must be in memory.
	stays(gid int32) bool
	// leave sets the values of keys whose value in the store is another, and forgets what there is of all of them.
	leave(gids []int32) error
	// held is the memory that it takes.
	held() int64
}

// charge tells the budget what memory holds. Where that is short, the coldest keys go to the store, and come back when
// they are asked for.
func (k *keyed) charge() error {
	bytes := k.bytes()
	if k.own != nil {
		bytes += k.own.held()
	}
	k.ctx.Metrics.Groups = int64(k.groups.Len())
	if k.pinned {
		k.ctx.holds(bytes)
		return nil
	}
	if fits := k.ctx.charges(bytes); !k.cold.full(k.ctx.Budget, k.groups.Len(), fits) {
		return nil
	}
	return k.evict()
}

// bytes is the memory of keys and values.
func (k *keyed) bytes() int64 { return k.store.bytes() + k.groups.Bytes() + int64(cap(k.val))*13 }

// evict moves the coldest keys to the store.
func (k *keyed) evict() error {
	var stays func(gid int32) bool
	if k.own != nil {
		stays = k.own.stays
	}
	cold := k.cold.pick(k.groups, stays)
	if len(cold) == 0 {
		k.ctx.Budget.tell()
		return nil
	}
	if k.own != nil {
		if err := k.own.leave(cold); err != nil {
			return err
		}
	}
	some := make([]int32, 0, len(cold))
	for _, gid := range cold {
		switch {
		case !k.dirty[gid]:
		case k.val[gid] != none:
			some = append(some, gid)
		case !k.alone():
			k.gone[string(k.groups.AppendKey(nil, gid))] = true
		}
	}
	if err := k.flushGone(); err != nil {
		return err
	}
	if err := k.write(some); err != nil {
		return err
	}
	for _, gid := range cold {
		k.dirty[gid] = false
		k.hold(gid, nil)
		k.groups.Delete(gid)
	}
	k.partial = true
	k.changed = stillDirty(k.changed, k.dirty)
	return nil
}

// flushGone deletes from the store what is gone.
func (k *keyed) flushGone() error {
	if err := k.stored.flush(); err != nil {
		return err
	}
	return deleteKeys(k.table, k.gone)
}

// write writes the values of keys.
func (k *keyed) write(gids []int32) error {
	var value []byte
	return writeKeys(k.table, len(gids), func(dst []byte, i int) []byte { return k.groups.AppendKey(dst, gids[i]) }, func(group uint16, key []byte, i int) error {
		value = value[:0]
		if k.ttl > 0 {
			value = state.Stamp(value, k.stamp[gids[i]])
		}
		value = append(value, k.get(gids[i])...)
		return k.table.Set(group, key, value)
	})
}
