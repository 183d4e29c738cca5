package op

import (
	"bytes"
	"encoding/binary"
	"slices"

	"weir/sql/types"
	"weir/sql/vec"
)

// A key lies in the store as one value. Those without rows that wait may be there alone: they come back when a row does.

// openKeys takes up the keys with rows that wait.
func (t *temporalJoin) openKeys() error {
	t.state.own = t
	t.state.stored.ttl, t.state.stored.last = t.node.TTL.Milliseconds(), timeOf
	if err := t.state.loadSome(func(v []byte) bool { n, _ := binary.Uvarint(v[8:]); return n > 0 }); err != nil {
		return err
	}
	t.grow()
	for _, gid := range t.state.groups.All(nil) {
		t.enter(gid)
		for _, r := range t.live[gid].left {
			t.seq = max(t.seq, r.seq)
			t.waiting.push(dueRow{r.time, r.seq, gid})
		}
	}
	return nil
}

// lookup numbers the keys of rows, and takes back those that the store had.
func (t *temporalJoin) lookup(cols []vec.Vec, n int) ([]int32, error) {
	gids, err := t.state.lookup(cols, n)
	if err != nil {
		return nil, err
	}
	t.grow()
	for _, row := range t.state.firsts {
		if t.state.get(gids[row]) != nil {
			t.enter(gids[row])
		}
	}
	if !t.state.partial {
		return gids, nil
	}
	return gids, t.state.stored.step(t.now())
}

// enter makes a key of its value.
func (t *temporalJoin) enter(gid int32) {
	k := readTemporal(t.state.get(gid))
	t.kept += k.bytes()
	t.live[gid] = k
	t.state.hold(gid, held)
}

func (t *temporalJoin) stays(gid int32) bool { k := t.live[gid]; return k != nil && len(k.left) > 0 }

// leave sets the values of keys that leave memory.
func (t *temporalJoin) leave(gids []int32) error {
	for _, gid := range gids {
		k := t.live[gid]
		if k == nil {
			continue
		}
		if t.trim(k, t.wm.at); k.dirty {
			t.state.set(gid, k.value())
		}
		t.kept -= k.bytes()
		t.live[gid] = nil
		delete(t.changed, gid)
	}
	return nil
}

func (t *temporalJoin) held() int64 {
	return t.kept + int64(t.state.groups.Len())*temporalKeyBytes + int64(cap(t.live))*8 + int64(cap(t.waiting))*24 + int64(len(t.changed))*16
}

// temporalKeyBytes is the memory of a key without its rows.
const temporalKeyBytes = 80

func (r *temporalRow) bytes() int64 { return int64(cap(r.row)) + 56 }

func (k *temporalKey) bytes() (n int64) {
	for _, list := range [][]temporalRow{k.left, k.versions} {
		for i := range list {
			n += list[i].bytes()
		}
	}
	return n
}

// Snapshot writes the keys that changed. What they are made of stays in memory.
func (t *temporalJoin) Snapshot() error {
	if err := t.wm.save(t.ctx); err != nil {
		return err
	}
	alone := t.state.alone()
	for gid := range t.changed {
		k := t.live[gid]
		if len(k.left) == 0 {
			t.trim(k, t.wm.at)
		}
		if len(k.left)+len(k.versions) == 0 {
			t.forget(gid)
		} else if !alone {
			t.state.set(gid, k.value())
			k.dirty = false
		}
	}
	if err := t.state.snapshot(); err != nil {
		return err
	}
	for gid := range t.changed {
		if t.live[gid] != nil {
			t.state.hold(gid, held)
		}
	}
	clear(t.changed)
	return nil
}

// value gives the bytes of a key, nil if it has no rows: its stamp, how many left rows, then each row, versions last.
func (k *temporalKey) value() []byte {
	if len(k.left)+len(k.versions) == 0 {
		return nil
	}
	v := binary.AppendUvarint(binary.BigEndian.AppendUint64(nil, uint64(k.stamp)), uint64(len(k.left)))
	for _, r := range append(slices.Clone(k.left), k.versions...) {
		head := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(r.time)), uint64(r.seq))
		v = appendRow(v, append(append(head, byte(r.kind)), r.row...))
	}
	return v
}

func readTemporal(v []byte) *temporalKey {
	n, w := binary.Uvarint(v[8:])
	k := &temporalKey{stamp: timeOf(v)}
	for at := w + 8; at < len(v); {
		raw := rowAt(v, at)
		at += 4 + len(raw)
		r := temporalRow{timeOf(raw), timeOf(raw[8:]), types.RowKind(raw[16]), bytes.Clone(raw[17:])}
		if len(k.left) < int(n) {
			k.left = append(k.left, r)
		} else {
			k.versions = append(k.versions, r)
		}
	}
	return k
}
