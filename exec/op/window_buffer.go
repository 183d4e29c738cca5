package op

import (
	"encoding/binary"
	"math"
	"slices"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// windowRow is a row that waits for the end of the window it carries.
type windowRow struct {
	port  int
	key   []byte // sort key, of a Top-N
	row   []byte
	seq   int64
	null  bool // a key is NULL: it joins nothing
	saved bool
}

// windowKey is the rows of one window and key.
type windowKey struct {
	end   int64
	rows  []*windowRow
	bound []byte // of a Top-N: a row whose key is not less cannot show
	dirty bool
}

// windowBuffer keeps rows by the window they carry and a key until the watermark passes the window's end.
type windowBuffer struct {
	ctx    *Context
	zone   *clockZone
	types  []types.Type // of the key and the window's start and end
	groups *vec.Groups
	keys   []*windowKey
	byEnd  map[int64][]int32
	due    dueWindows
	wm     *savedTime
	table  *state.Table
	gone   map[string]uint16
	seq    int64
	gids   []int32
	bytes  int64 // of rows
}

func newWindowBuffer(w planner.Window, s *planner.Settings, key []types.Type) *windowBuffer {
	ts := append(slices.Clone(key), types.TimestampType(3), types.TimestampType(3))
	return &windowBuffer{
		zone: newClockZone(w.Local || w.ProcTime, s.Zone), types: ts, groups: vec.NewGroups(ts...),
		byEnd: map[int64][]int32{}, gone: map[string]uint16{},
	}
}

func (w *windowBuffer) open(ctx *Context) error {
	w.ctx = ctx
	w.table = ctx.State.Table(state.Spec{Name: "rows", Key: append(typeNames(w.types), "BIGINT"), Value: []string{"BYTES"}})
	var err error
	if w.wm, err = openSavedTime(ctx, "watermark"); err != nil {
		return err
	}
	return w.restore()
}

// restore takes back the rows that a snapshot held, in order of arrival.
func (w *windowBuffer) restore() error {
	type stored struct {
		key []byte
		end int64
		row *windowRow
	}
	var all []stored
	err := w.table.Scan(func(_ uint16, k, v []byte) error {
		at := len(k) - 8
		n := binary.BigEndian.Uint32(v[10:])
		all = append(all, stored{
			key: slices.Clone(k[:at]), end: int64(binary.BigEndian.Uint64(v)),
			row: &windowRow{port: int(v[8]), null: v[9] != 0, key: slices.Clone(v[14 : 14+n]), row: slices.Clone(v[14+n:]), seq: int64(binary.BigEndian.Uint64(k[at:])), saved: true},
		})
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b stored) int { return cmpInt(a.row.seq, b.row.seq) })
	for _, s := range all {
		gid, isNew := w.groups.LookupKey(s.key)
		if isNew {
			w.begin(gid, s.end)
		}
		w.seq = max(w.seq, s.row.seq)
		w.keys[gid].rows = append(w.keys[gid].rows, s.row)
		w.bytes += s.row.bytes()
	}
	return nil
}

// begin makes room for a new key of a window.
func (w *windowBuffer) begin(gid int32, end int64) {
	for int(gid) >= len(w.keys) {
		w.keys = append(w.keys, nil)
	}
	w.keys[gid] = &windowKey{end: end}
	w.byEnd[end] = append(w.byEnd[end], gid)
	w.due.push(end)
}

// lookup finds the window and key of each row; -1 where the window has fired: the row is late.
func (w *windowBuffer) lookup(port int, b *vec.Batch, key []int, win planner.Window) ([]int32, error) {
	n := b.Len()
	if b.Col(win.Start).NullN() > 0 || b.Col(win.End).NullN() > 0 {
		return nil, errNullTime
	}
	ends := make([]int64, n)
	millisOf(b.Col(win.End), ends)
	w.gids = sized(w.gids, n)
	cols := append(columnVecs(b, key), vec.ColVec(b.Col(win.Start)), vec.ColVec(b.Col(win.End)))
	firsts := w.groups.Lookup(cols, n, w.gids, nil)
	for _, row := range firsts {
		w.begin(w.gids[row], ends[row])
	}
	late := false
	for i, end := range ends {
		if w.wm.at >= w.zone.timer(end-1) {
			w.ctx.DropLate(port, b, i, math.MinInt64, startsOf(b, win)[i], end)
			w.gids[i], late = ^w.gids[i], true
		}
	}
	if late {
		w.dropLate()
	}
	return w.gids, nil
}

// startsOf is where the windows of rows begin.
func startsOf(b *vec.Batch, win planner.Window) []int64 {
	starts := make([]int64, b.Len())
	millisOf(b.Col(win.Start), starts)
	return starts
}

// dropLate forgets the keys that late rows made.
func (w *windowBuffer) dropLate() {
	for i, g := range w.gids {
		if g >= 0 {
			continue
		}
		gid := ^g
		w.gids[i] = -1
		if !w.groups.Live(gid) || len(w.keys[gid].rows) > 0 {
			continue
		}
		end := w.keys[gid].end
		list := w.byEnd[end]
		at := slices.Index(list, gid)
		w.byEnd[end] = slices.Delete(list, at, at+1)
		w.groups.Delete(gid)
	}
}

// put appends a row to a key of a window.
func (w *windowBuffer) put(gid int32, r *windowRow) {
	w.seq++
	r.seq = w.seq
	k := w.keys[gid]
	k.rows = append(k.rows, r)
	k.dirty = true
	w.bytes += r.bytes()
}

// bytes is the memory that a row takes.
func (r *windowRow) bytes() int64 { return int64(cap(r.row)+cap(r.key)) + 112 }

// measure publishes the operator's counters and charges the budget.
func (w *windowBuffer) measure() {
	w.ctx.Metrics.Groups = int64(w.groups.Len())
	w.ctx.holds(w.bytes + w.groups.Bytes() + int64(cap(w.keys))*8 + w.ctx.Metrics.Groups*80)
}

// fire gives each key of the windows that the watermark completes to emit, window by window, and frees it.
func (w *windowBuffer) fire(wm types.Time, emit func(rows []*windowRow) error) error {
	w.wm.advance(int64(wm))
	for {
		end, ok := w.due.first()
		if !ok || w.wm.at < w.zone.timer(end-1) {
			break
		}
		w.due.pop()
		for _, gid := range w.byEnd[end] {
			if err := emit(w.keys[gid].rows); err != nil {
				return err
			}
			for _, r := range w.keys[gid].rows {
				w.forget(gid, r)
			}
			w.keys[gid] = nil
			w.groups.Delete(gid)
		}
		delete(w.byEnd, end)
	}
	w.measure()
	return nil
}

// forget notes that a row leaves the store.
func (w *windowBuffer) forget(gid int32, r *windowRow) {
	w.bytes -= r.bytes()
	if r.saved {
		group, place := w.place(gid, r)
		w.gone[string(place)] = group
	}
}

func (w *windowBuffer) place(gid int32, r *windowRow) (uint16, []byte) {
	key := w.groups.AppendKey(nil, gid)
	// The group is that of the key without the window, so that a key's windows stay together.
	group := state.Group(vec.Hash(key[:len(key)-18]))
	return group, binary.BigEndian.AppendUint64(key, uint64(r.seq))
}

// snapshot writes the rows that came since the last one.
func (w *windowBuffer) snapshot() error {
	if err := w.wm.save(w.ctx); err != nil {
		return err
	}
	if err := deletePlaces(w.table, w.gone); err != nil {
		return err
	}
	for _, gid := range w.groups.All(nil) {
		k := w.keys[gid]
		if !k.dirty {
			continue
		}
		k.dirty = false
		for _, r := range k.rows {
			if r.saved {
				continue
			}
			r.saved = true
			group, place := w.place(gid, r)
			if err := w.table.Set(group, place, r.value(k.end)); err != nil {
				return err
			}
		}
	}
	return nil
}

// value is what the store keeps of a row.
func (r *windowRow) value(end int64) []byte {
	v := binary.BigEndian.AppendUint64(nil, uint64(end))
	null := byte(0)
	if r.null {
		null = 1
	}
	v = append(v, byte(r.port), null)
	v = binary.BigEndian.AppendUint32(v, uint32(len(r.key)))
	return append(append(v, r.key...), r.row...)
}
