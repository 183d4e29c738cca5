package op

import (
	"github.com/apache/arrow-go/v18/arrow"

	"weir/sql/types"
	"weir/sql/vec"
)

// work works off rows, which are in order of time, and emits each with its aggregates. All peers of a row
// are among them.
func (o *over) work(b *vec.Batch, times []int64, out Emitter) error {
	n := b.Len()
	gids, err := o.lookup(b)
	if err != nil {
		return err
	}
	o.touch(gids)
	for i, gid := range gids {
		if !o.node.ProcTime {
			o.pending[gid] = max(o.pending[gid]-1, 0)
		}
		o.known(gid)
		o.dirty[gid] = true
		o.last[gid] = times[i]
	}
	lastPeer := o.lastPeers(gids, times)
	var values []arrow.Array
	if o.bounded() {
		values, err = o.sliding(b, gids, times, lastPeer)
	} else {
		values, err = o.growing(b, gids, lastPeer)
	}
	if err != nil {
		return err
	}
	cols := append(append([]arrow.Array(nil), b.Rows.Columns()...), values...)
	return out.Emit(vec.New(o.out, cols, n, nil))
}

// lastPeers gives, for each row, the last row of its partition and time. In processing time a row is
// alone.
func (o *over) lastPeers(gids []int32, times []int64) []int32 {
	out := make([]int32, len(gids))
	last := map[int32]int32{}
	for i := len(gids) - 1; i >= 0; i-- {
		out[i] = int32(i)
		if p, ok := last[gids[i]]; ok && !o.node.ProcTime && times[p] == times[i] {
			out[i] = p
			continue
		}
		last[gids[i]] = int32(i)
	}
	return out
}

// growing computes frames that begin at the first row.
func (o *over) growing(b *vec.Batch, gids, lastPeer []int32) ([]arrow.Array, error) {
	out := make([]arrow.Array, len(o.set.runs))
	for i := range out {
		v, err := o.set.runs[i].runningOf(b, gids)
		if err != nil {
			return nil, err
		}
		if out[i] = v; o.peers[i] {
			out[i] = vec.Take(v, lastPeer)
		}
	}
	return out, nil
}

// runningOf gives the aggregate's value after each row; rows that FILTER keeps out see the value before.
func (r *aggRun) runningOf(b *vec.Batch, gids []int32) (arrow.Array, error) {
	n := b.Len()
	masked := r.mask(b, gids)
	var old arrow.Array
	var at []int32
	if r.filter >= 0 {
		var heads []int32
		last := map[int32]int32{}
		at = make([]int32, n)
		for i, g := range gids {
			at[i] = int32(i)
			p, seen := last[g]
			if masked[i] < 0 && seen {
				at[i] = at[p]
			} else if masked[i] < 0 {
				at[i] = int32(n + len(heads))
				heads = append(heads, g)
			}
			last[g] = int32(i)
		}
		v, err := r.acc.Values(heads)
		if err != nil {
			return nil, err
		}
		old = v.Column(len(heads))
	}
	v, err := r.acc.Running(masked, r.inputs(b), b.Kinds, 0, n)
	if err != nil || r.filter < 0 {
		return v.Column(n), err
	}
	return vec.Take(vec.ConcatArrays(v.Column(n), old), at), nil
}

// sliding computes frames with a lower bound: a batch of events, in which rows that leave a frame are
// taken away just before the row that pushes them out is added.
func (o *over) sliding(b *vec.Batch, gids []int32, times []int64, lastPeer []int32) ([]arrow.Array, error) {
	rows := o.codec.encode(b)
	ev := frameEvents{g: newGather(o.codec), at: make([]int32, b.Len())}
	for i, gid := range gids {
		frame := o.rows[gid]
		for len(frame) > 0 && o.leaves(frame, times[i]) {
			ev.add(frame[0].row, -1, gid, types.Delete)
			o.framed -= frame[0].bytes()
			frame = frame[1:]
		}
		ev.at[i] = ev.add(nil, i, gid, types.Insert)
		row := frameRow{times[i], append([]byte(nil), rows.At(i)...)}
		o.framed += row.bytes()
		o.rows[gid] = append(frame, row)
	}
	cols, err := ev.g.columns(b)
	if err != nil {
		return nil, err
	}
	events := vec.New(o.codec.schema.Arrow(), cols, len(ev.gids), ev.kinds)
	out := make([]arrow.Array, len(o.set.runs))
	for i := range out {
		v, err := o.set.runs[i].runningOf(events, ev.gids)
		if err != nil {
			return nil, err
		}
		at := ev.at
		if o.peers[i] {
			at = make([]int32, len(ev.at))
			for j, p := range lastPeer {
				at[j] = ev.at[p]
			}
		}
		out[i] = vec.Take(v, at)
	}
	return out, nil
}

// leaves tells whether the first row leaves the frame when a row of time t comes.
func (o *over) leaves(frame []frameRow, t int64) bool {
	if o.node.Frame.Rows {
		return int64(len(frame)) > -o.node.Frame.Lo
	}
	return frame[0].time < t+o.node.Frame.Lo
}

// frameEvents is rows that come into frames and leave them.
type frameEvents struct {
	g     *gather
	gids  []int32
	kinds []types.RowKind
	at    []int32 // by row: the event that added it
}

func (e *frameEvents) add(stored []byte, row int, gid int32, kind types.RowKind) int32 {
	if stored != nil {
		e.g.stored(stored)
	} else {
		e.g.row(row)
	}
	e.gids, e.kinds = append(e.gids, gid), append(e.kinds, kind)
	return int32(len(e.gids) - 1)
}
