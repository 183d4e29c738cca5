package op

import (
	"encoding/binary"

	"weir/sql/types"
)

// Partitions whose frames are bounded in time are forgotten, half a frame after their last row left it. As in
// Flink, that is seen: the time that was set for it may have passed while a later row came, and then rows up to
// that time are late; and once a partition is forgotten, rows of any time may come again.

// forgets tells whether partitions are forgotten.
func (o *over) forgets() bool { return o.bounded() && !o.node.Frame.Rows && !o.node.ProcTime }

// keep puts off the time when a partition is forgotten, where a row of time t needs it.
func (o *over) keep(gid int32, t int64) {
	span := -o.node.Frame.Lo
	if o.forget[gid] > t+span {
		return
	}
	f := t + span + span/2 + 1
	o.forget[gid] = f
	o.waits(gid, f)
	o.known(gid)
	o.dirty[gid] = true
}

// known makes a partition one that has state.
func (o *over) known(gid int32) {
	if o.state.get(gid) == nil {
		o.state.set(gid, binary.BigEndian.AppendUint64(nil, 0))
	}
}

func (o *over) waits(gid int32, t int64) {
	o.timers[gid] = append(o.timers[gid], t)
	o.due.push(dueRow{time: t, seq: int64(len(o.timers[gid])), gid: gid})
}

// expire passes the times at which partitions were to be forgotten.
func (o *over) expire(wm types.Time) {
	for len(o.due) > 0 && o.due[0].time <= int64(wm) {
		d := o.due.pop()
		o.timers[d.gid] = o.timers[d.gid][1:]
		o.dirty[d.gid] = true
		if o.forget[d.gid] > d.time {
			o.last[d.gid] = max(o.last[d.gid], d.time)
			continue
		}
		o.clear(d.gid)
		o.drop(d.gid)
	}
}

// appendTimes adds a partition's times to what the store keeps of it; takeTimes takes them off.
func (o *over) appendTimes(v []byte, gid int32) []byte {
	v = binary.BigEndian.AppendUint64(v, uint64(o.forget[gid]))
	v = binary.BigEndian.AppendUint32(v, uint32(len(o.timers[gid])))
	for _, t := range o.timers[gid] {
		v = binary.BigEndian.AppendUint64(v, uint64(t))
	}
	return v
}

func (o *over) takeTimes(v []byte, gid int32) []byte {
	o.forget[gid] = int64(binary.BigEndian.Uint64(v))
	n := binary.BigEndian.Uint32(v[8:])
	v = v[12:]
	for range n {
		o.waits(gid, int64(binary.BigEndian.Uint64(v)))
		v = v[8:]
	}
	return v
}
