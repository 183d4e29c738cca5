package op

import (
	"encoding/binary"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// staggerTVF puts the rows of each key into windows that begin with a row: the first window with the key's
// earliest row, the next with the earliest row behind that window. Since an earlier row may still come, a
// window is cut, and its rows leave, when the watermark passes its end; so the windows do not depend on the
// order of arrival.
//
// A row is late, and dropped, if it lies in or before a window that was cut, or if all windows that may hold
// it must be over.
type staggerTVF struct {
	Base
	ctx    *Context
	node   *planner.WindowTVF
	codec  *rowCodec
	schema *arrow.Schema
	zone   *clockZone
	types  []types.Type // of the partition columns
	keys   *vec.Groups
	byKey  []staggerKey
	due    dueRows
	seq    int64
	wm     int64
	clock  *savedTime
	rows   *state.Table // key, time, arrival: the row
	cut    *state.Table // key: the end of its last window
	gone   map[string]uint16
	bytes  int64
	kids   []int32
}

// staggerKey is what a key has: rows by time, then arrival.
type staggerKey struct {
	rows  []staggerRow
	end   int64 // of its last window, wall clock, ms; where is is set
	is    bool
	dirty bool // the store has another end
	saved bool // the store has an end
}

type staggerRow struct {
	time, seq int64
	row       []byte
	saved     bool
}

func newStaggerTVF(n *planner.WindowTVF, s *planner.Settings) Operator {
	in := n.Input.Info().Out
	t := &staggerTVF{
		node: n, codec: newRowCodec(in), schema: n.Out.Arrow(), zone: newClockZone(n.Window.Local || n.Window.ProcTime, s.Zone),
		types: columnTypes(in, n.Window.PartitionBy), wm: int64(types.MinTime), gone: map[string]uint16{},
	}
	t.keys = vec.NewGroups(t.types...)
	return t
}

func (t *staggerTVF) Open(ctx *Context) error {
	t.ctx = ctx
	var err error
	if t.clock, err = openSavedTime(ctx, "watermark"); err != nil {
		return err
	}
	t.wm = t.clock.at
	return t.restore()
}

func (t *staggerTVF) Process(_ int, b *vec.Batch, _ Emitter) error {
	n := b.Len()
	times, err := wallTimes(b, t.node.Window, t.zone, t.ctx)
	if err != nil {
		return err
	}
	t.kids = sized(t.kids, n)
	t.keys.Lookup(columnVecs(b, t.node.Window.PartitionBy), n, t.kids, nil)
	t.grow()
	rows := t.codec.encode(b)
	for i, at := range times {
		kid := t.kids[i]
		k := &t.byKey[kid]
		if k.is && at < k.end || t.complete(at+t.node.Window.Size) {
			t.ctx.DropLate(0, b, i, at)
			continue
		}
		t.seq++
		t.put(kid, staggerRow{time: at, seq: t.seq, row: slices.Clone(rows.At(i))})
	}
	for _, kid := range t.kids {
		t.drop(kid)
	}
	return nil
}

func (t *staggerTVF) grow() {
	for len(t.byKey) < t.keys.Cap() {
		t.byKey = append(t.byKey, staggerKey{})
	}
}

// put adds a row to its key's.
func (t *staggerTVF) put(kid int32, r staggerRow) {
	k := &t.byKey[kid]
	at, _ := slices.BinarySearchFunc(k.rows, r, func(a, b staggerRow) int {
		if c := cmpInt(a.time, b.time); c != 0 {
			return c
		}
		return cmpInt(a.seq, b.seq)
	})
	k.rows = slices.Insert(k.rows, at, r)
	if at == 0 {
		t.due.push(dueRow{r.time + t.node.Window.Size, r.seq, kid})
	}
	t.bytes += int64(len(r.row)) + 48
}

// drop forgets a key that has nothing.
func (t *staggerTVF) drop(kid int32) {
	if k := &t.byKey[kid]; len(k.rows) == 0 && !k.is && t.keys.Live(kid) {
		if k.saved {
			t.forget(t.cutKey(kid))
		}
		*k = staggerKey{}
		t.keys.Delete(kid)
	}
}

// complete tells whether the watermark has passed the window that ends at end.
func (t *staggerTVF) complete(end int64) bool {
	return !t.node.Window.ProcTime && t.wm >= t.zone.timer(end-1)
}

// Watermark cuts the windows that are complete.
func (t *staggerTVF) Watermark(wm types.Time, out Emitter) (types.Time, error) {
	if int64(wm) <= t.wm {
		return wm, nil
	}
	t.wm = int64(wm)
	if t.node.Window.ProcTime {
		return wm, nil
	}
	return wm, t.fire(t.complete, out)
}

// NextTick is when the earliest window of the processing clock is complete.
func (t *staggerTVF) NextTick() types.Time {
	if !t.node.Window.ProcTime || len(t.due) == 0 {
		return types.MaxTime
	}
	return types.Time(t.zone.timer(t.due[0].time-1)) + 1
}

// Tick cuts the windows that the processing clock has passed: at their end, since in the last millisecond of
// a window another row may come.
func (t *staggerTVF) Tick(now types.Time, out Emitter) error {
	return t.fire(func(end int64) bool { return t.zone.timer(end-1) < int64(now) }, out)
}

func (t *staggerTVF) fire(complete func(end int64) bool, out Emitter) error {
	var done windowRows
	for len(t.due) > 0 && complete(t.due[0].time) {
		d := t.due.pop()
		k := &t.byKey[d.gid]
		switch {
		case len(k.rows) > 0 && k.rows[0].seq == d.seq:
			t.cutWindow(d, &done)
		case len(k.rows) == 0 && k.is && d.seq == 0 && d.time == k.end+t.node.Window.Size:
			k.is = false // what would be late for its last window now is late by itself
			t.drop(d.gid)
		}
		if len(done.rows) >= emitRows {
			if err := t.emit(&done, out); err != nil {
				return err
			}
		}
	}
	t.measure()
	return t.emit(&done, out)
}

// windowRows is rows with their windows.
type windowRows struct {
	rows               [][]byte
	starts, ends, time []int64
}

// cutWindow takes the rows of a key's first window.
func (t *staggerTVF) cutWindow(d dueRow, done *windowRows) {
	k := &t.byKey[d.gid]
	start, end := k.rows[0].time, d.time
	n := 0
	for ; n < len(k.rows) && k.rows[n].time < end; n++ {
		r := &k.rows[n]
		done.rows = append(done.rows, r.row)
		done.starts, done.ends = append(done.starts, micros(start)), append(done.ends, micros(end))
		done.time = append(done.time, micros(t.zone.instant(end-1)))
		t.bytes -= int64(len(r.row)) + 48
		if r.saved {
			t.forget(t.rowKey(d.gid, r))
		}
	}
	k.rows = slices.Clone(k.rows[n:])
	k.end, k.is, k.dirty = end, true, true
	if len(k.rows) > 0 {
		t.due.push(dueRow{k.rows[0].time + t.node.Window.Size, k.rows[0].seq, d.gid})
	}
	t.due.push(dueRow{end + t.node.Window.Size, 0, d.gid})
}

func (t *staggerTVF) emit(done *windowRows, out Emitter) error {
	n := len(done.rows)
	if n == 0 {
		return nil
	}
	cols, err := t.codec.enc.Decode(done.rows)
	if err != nil {
		return err
	}
	for _, us := range [][]int64{done.starts, done.ends, done.time} {
		cols = append(cols, timeColumn(t.schema.Field(len(cols)).Type, us))
	}
	*done = windowRows{}
	return out.Emit(vec.New(t.schema, cols, n, nil))
}

func (t *staggerTVF) measure() {
	t.ctx.Metrics.Groups = int64(t.keys.Len())
	t.ctx.holds(t.bytes + t.keys.Bytes())
}

// Close gives the memory back.
func (t *staggerTVF) Close() error { return t.ctx.releases() }

// forget has a place, after the letter of its table, leave the store.
func (t *staggerTVF) forget(group uint16, key []byte) { t.gone[string(key)] = group }

// rowKey is the place of a row: the table's letter, the partition, time, arrival.
func (t *staggerTVF) rowKey(kid int32, r *staggerRow) (uint16, []byte) {
	group, key := t.cutKey(kid)
	key[0] = 'r'
	key = binary.BigEndian.AppendUint64(key, uint64(r.time)^1<<63)
	return group, binary.BigEndian.AppendUint64(key, uint64(r.seq))
}

// cutKey is the place of a key's last end.
func (t *staggerTVF) cutKey(kid int32) (uint16, []byte) {
	key := t.keys.AppendKey([]byte{'c'}, kid)
	return state.Group(vec.Hash(key[1:])), key
}

// restore takes back what a snapshot held.
func (t *staggerTVF) restore() error {
	t.rows = t.ctx.State.Table(state.Spec{Name: "rows", Key: append(typeNames(t.types), "BIGINT", "BIGINT"), Value: []string{"BYTES"}})
	t.cut = t.ctx.State.Table(state.Spec{Name: "ends", Key: typeNames(t.types), Value: []string{"BIGINT"}})
	err := t.cut.Scan(func(_ uint16, key, v []byte) error {
		kid, _ := t.keys.LookupKey(key)
		t.grow()
		end := int64(binary.BigEndian.Uint64(v))
		t.byKey[kid] = staggerKey{end: end, is: true, saved: true}
		t.due.push(dueRow{end + t.node.Window.Size, 0, kid})
		return nil
	})
	if err != nil {
		return err
	}
	return t.rows.Scan(func(_ uint16, key, v []byte) error {
		at := len(key) - 16
		r := staggerRow{time: int64(binary.BigEndian.Uint64(key[at:]) ^ 1<<63), seq: int64(binary.BigEndian.Uint64(key[at+8:])), row: slices.Clone(v), saved: true}
		kid, _ := t.keys.LookupKey(slices.Clone(key[:at]))
		t.grow()
		t.seq = max(t.seq, r.seq)
		t.put(kid, r)
		return nil
	})
}

// Snapshot writes what changed since the last one.
func (t *staggerTVF) Snapshot() error {
	t.clock.advance(t.wm)
	if err := t.clock.save(t.ctx); err != nil {
		return err
	}
	for place, group := range t.gone {
		table := t.rows
		if place[0] == 'c' {
			table = t.cut
		}
		if err := table.Delete(group, []byte(place[1:])); err != nil {
			return err
		}
	}
	clear(t.gone)
	for _, kid := range t.keys.All(nil) {
		if err := t.saveKey(kid); err != nil {
			return err
		}
	}
	return nil
}

func (t *staggerTVF) saveKey(kid int32) error {
	k := &t.byKey[kid]
	if k.is && k.dirty {
		group, key := t.cutKey(kid)
		if err := t.cut.Set(group, key[1:], binary.BigEndian.AppendUint64(nil, uint64(k.end))); err != nil {
			return err
		}
		k.dirty, k.saved = false, true
	}
	for i := range k.rows {
		r := &k.rows[i]
		if r.saved {
			continue
		}
		group, key := t.rowKey(kid, r)
		if err := t.rows.Set(group, key[1:], r.row); err != nil {
			return err
		}
		r.saved = true
	}
	return nil
}
