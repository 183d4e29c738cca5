package op

import (
	"encoding/binary"
	"math"

	"weir/sql/vec"
)

// Frames lie in the store as a value for each partition: its last time and stamp, then accumulators, or the rows of the
// frame. Where memory is short, those that are cold are there alone, but not those that are forgotten at a time:
// these times are kept in memory.

// openFrames takes up what must be in memory.
func (o *over) openFrames() error {
	o.state.own = o
	o.state.stored.ttl, o.state.stored.last = o.ttl(), lastOfFrame
	if !o.forgets() {
		return nil
	}
	if err := o.state.loadAll(); err != nil {
		return err
	}
	o.grow()
	return o.restore(o.state.groups.All(nil))
}

// lastOfFrame is when a row last came to a stored partition. One that has rows which wait is there for them.
func lastOfFrame(v []byte) int64 {
	if binary.BigEndian.Uint32(v[16:]) > 0 {
		return math.MaxInt64 / 2
	}
	return int64(binary.BigEndian.Uint64(v[8:]))
}

// lookup numbers the partitions of rows, and takes back those that the store had.
func (o *over) lookup(b *vec.Batch) ([]int32, error) {
	gids, err := o.state.lookup(columnVecs(b, o.node.Partition), b.Len())
	if err != nil {
		return nil, err
	}
	o.grow()
	var came []int32
	for _, row := range o.state.firsts {
		if gid := gids[row]; o.state.get(gid) != nil {
			came = append(came, gid)
		}
	}
	return gids, o.restore(came)
}

// restore takes partitions back: their rows are folded in again, or their accumulators loaded.
func (o *over) restore(gids []int32) error {
	if len(gids) == 0 {
		return nil
	}
	values := make([][]byte, len(gids))
	for i, gid := range gids {
		v := o.state.get(gid)
		o.last[gid] = int64(binary.BigEndian.Uint64(v))
		values[i] = o.takeStamp(v[8:], gid)
	}
	fold := o.foldRows
	if !o.bounded() {
		fold = o.loadSums
	}
	if err := fold(gids, values); err != nil {
		return err
	}
	for _, gid := range gids {
		o.state.hold(gid, held)
	}
	return nil
}

// loadSums loads the accumulators of partitions.
func (o *over) loadSums(gids []int32, values [][]byte) error {
	cols, err := o.value.Decode(values)
	if err != nil {
		return err
	}
	state := make([]vec.Vec, len(cols))
	for i := range cols {
		state[i] = vec.ColVec(cols[i])
	}
	return o.set.load(gids, state)
}

// foldRows gives partitions their rows, and these to the accumulators.
func (o *over) foldRows(gids []int32, values [][]byte) error {
	var list [][]byte
	var of []int32
	for i, gid := range gids {
		v := values[i]
		if o.forgets() {
			v = o.takeTimes(v, gid)
		}
		for at := 0; at < len(v); {
			raw := rowAt(v, at)
			at += 4 + len(raw)
			row := frameRow{int64(binary.BigEndian.Uint64(raw)), append([]byte(nil), raw[8:]...)}
			o.framed += row.bytes()
			o.rows[gid] = append(o.rows[gid], row)
			list, of = append(list, row.row), append(of, gid)
		}
	}
	if len(list) == 0 {
		return nil
	}
	b, err := o.codec.batch(list, nil)
	if err != nil {
		return err
	}
	return o.set.update(of, b)
}

// bytes is the memory that a row takes.
func (r *frameRow) bytes() int64 { return int64(cap(r.row)) + 48 }

// saveFrames writes the partitions that changed. What they are made of stays in memory.
func (o *over) saveFrames() error {
	if o.state.alone() {
		return nil
	}
	gids := make([]int32, 0, len(o.dirty))
	for gid := range o.dirty {
		gids = append(gids, gid)
	}
	if err := o.setValues(gids); err != nil {
		return err
	}
	clear(o.dirty)
	if err := o.state.snapshot(); err != nil {
		return err
	}
	for _, gid := range gids {
		o.state.hold(gid, held)
	}
	return nil
}

// setValues sets what the store keeps of partitions.
func (o *over) setValues(gids []int32) error {
	for len(gids) > 0 {
		some := gids[:min(len(gids), chunkRows)]
		gids = gids[len(some):]
		var sums func(i int) []byte
		if !o.bounded() {
			cols, err := o.set.save(some)
			if err != nil {
				return err
			}
			o.value.Encode(&o.keys, cols, len(some))
			sums = o.keys.At
		}
		for i, gid := range some {
			v := o.appendStamp(binary.BigEndian.AppendUint64(nil, uint64(o.last[gid])), gid)
			if sums != nil {
				v = append(v, sums(i)...)
			} else {
				v = o.appendFrame(v, gid)
			}
			o.state.set(gid, v)
		}
	}
	return nil
}

func (o *over) appendFrame(v []byte, gid int32) []byte {
	if o.forgets() {
		v = o.appendTimes(v, gid)
	}
	for _, r := range o.rows[gid] {
		v = appendRow(v, append(binary.BigEndian.AppendUint64(nil, uint64(r.time)), r.row...))
	}
	return v
}

// settle ends the work on n rows: what expired is forgotten, and the budget kept.
func (o *over) settle(n int) error {
	if n > 0 {
		o.sweepSome(sweptAfter(n))
	}
	if o.state.partial {
		if err := o.state.stored.step(o.now()); err != nil {
			return err
		}
	}
	return o.state.charge()
}

func (o *over) stays(int32) bool { return false }

// leave gives the values of partitions that leave memory.
func (o *over) leave(gids []int32) error {
	var some []int32
	for _, gid := range gids {
		if o.dirty[gid] {
			some = append(some, gid)
			delete(o.dirty, gid)
		}
	}
	if err := o.setValues(some); err != nil {
		return err
	}
	for _, gid := range gids {
		o.clear(gid)
	}
	return nil
}

// measuredEvery is the number of batches after which accumulators are measured again, which may take long.
const measuredEvery = 16

func (o *over) held() int64 {
	if o.batches++; o.batches >= measuredEvery || o.measured == 0 {
		o.measured, o.batches = o.set.bytes(), 0
	}
	bytes := o.framed + o.measured + int64(cap(o.last))*76 + int64(len(o.dirty))*16
	if o.buf != nil {
		bytes += o.buf.bytes()
	}
	return bytes
}
