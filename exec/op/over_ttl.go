package op

import "encoding/binary"

// Partitions of OVER whose state does not follow the watermark are forgotten when no row came to them for the
// state's TTL, as long as none of their rows waits; frames of processing time, when all rows have left them.

// ttl is how many ms a partition is kept after its last row; 0: for ever, or as long as event time says.
func (o *over) ttl() int64 {
	switch {
	case !o.bounded() || o.node.Frame.Rows:
		return o.node.TTL.Milliseconds()
	case o.node.ProcTime:
		return 1 - o.node.Frame.Lo
	}
	return 0
}

func (o *over) now() int64 { return o.ctx.Fn.NowMicros / 1000 }

// touch notes that rows of partitions came. Those that have expired begin anew.
func (o *over) touch(gids []int32) {
	ttl := o.ttl()
	if ttl == 0 {
		return
	}
	now := o.now()
	for _, gid := range gids {
		if o.stale(gid, now, ttl) {
			o.clear(gid)
		}
		o.stamp[gid] = now
		o.known(gid)
		o.dirty[gid] = true
	}
}

func (o *over) stale(gid int32, now, ttl int64) bool {
	return o.pending[gid] == 0 && o.stamp[gid]+ttl <= now && o.state.get(gid) != nil
}

// clear empties a partition.
func (o *over) clear(gid int32) {
	for i := range o.rows[gid] {
		o.framed -= o.rows[gid][i].bytes()
	}
	o.last[gid], o.forget[gid], o.timers[gid], o.rows[gid] = 0, 0, nil, nil
	o.stamp[gid], o.pending[gid] = 0, 0
	o.set.reset(gid)
}

// sweepSome forgets expired partitions among a few, so that none stays for ever.
func (o *over) sweepSome(n int) {
	ttl := o.ttl()
	if ttl == 0 {
		return
	}
	now, all := o.now(), int32(o.state.groups.Cap())
	for range min(n, int(all)) {
		if o.sweep >= all {
			o.sweep = 0
		}
		if gid := o.sweep; o.state.groups.Live(gid) && o.stale(gid, now, ttl) {
			o.clear(gid)
			o.drop(gid)
		}
		o.sweep++
	}
	o.ctx.Metrics.Groups = int64(o.state.groups.Len())
}

// drop takes an empty partition out of the store.
func (o *over) drop(gid int32) {
	delete(o.dirty, gid)
	o.state.set(gid, nil)
	o.state.drop(gid)
}

// appendStamp adds what expiry needs to what the store keeps of a partition; takeStamp takes it off.
func (o *over) appendStamp(v []byte, gid int32) []byte {
	v = binary.BigEndian.AppendUint64(v, uint64(o.stamp[gid]))
	return binary.BigEndian.AppendUint32(v, uint32(o.pending[gid]))
}

func (o *over) takeStamp(v []byte, gid int32) []byte {
	o.stamp[gid], o.pending[gid] = int64(binary.BigEndian.Uint64(v)), int32(binary.BigEndian.Uint32(v[8:]))
	return v[12:]
}
