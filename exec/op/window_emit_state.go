package op

import (
	"bytes"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// results tells the changes of the listed groups, each once, since what they gave last.
func (w *windowEmit) results(gids []int32, out Emitter) error {
	for len(gids) > 0 {
		part := gids[:min(len(gids), emitRows)]
		if err := w.tell(part, out); err != nil {
			return err
		}
		gids = gids[len(part):]
	}
	return nil
}

func (w *windowEmit) tell(gids []int32, out Emitter) error {
	values, err := w.set.values(gids)
	if err != nil {
		return err
	}
	b := vec.New(w.values.schema.Arrow(), values, len(gids), nil)
	now := w.values.encode(b)
	rows := newGather(w.values)
	var of []int32
	var kinds []types.RowKind
	add := func(gid int32, kind types.RowKind) { of, kinds = append(of, gid), append(kinds, kind) }
	for i, gid := range gids {
		g := &w.all[gid]
		switch {
		case g.count == 0 && !g.is || g.count != 0 && g.is && bytes.Equal(g.shown, now.At(i)):
			continue
		case g.count == 0:
			rows.stored(g.shown)
			add(gid, types.Delete)
			g.is, g.shown, g.dirty = false, nil, true
			continue
		case g.is:
			if w.before {
				rows.stored(g.shown)
				add(gid, types.UpdateBefore)
			}
			add(gid, types.UpdateAfter)
		default:
			add(gid, types.Insert)
		}
		rows.row(i)
		g.is, g.shown, g.dirty = true, append(g.shown[:0], now.At(i)...), true
	}
	if len(of) == 0 {
		return nil
	}
	told, err := rows.columns(b)
	if err != nil {
		return err
	}
	cols := append(w.groups.Keys(of)[:len(w.node.Keys)], told...)
	for _, p := range w.node.Props {
		cols = append(cols, w.prop(p, len(cols), of))
	}
	return out.Emit(vec.New(w.schema, cols, len(of), insertsAreNil(kinds)))
}

// prop is a column of the windows' property.
func (w *windowEmit) prop(p planner.WindowProp, col int, gids []int32) arrow.Array {
	us := make([]int64, len(gids))
	for i, gid := range gids {
		end := w.all[gid].end
		switch p {
		case planner.WindowStart:
			us[i] = micros(w.slicing.startOf(end))
		case planner.WindowEnd:
			us[i] = micros(end)
		case planner.WindowTime:
			us[i] = micros(w.zone.instant(end - 1))
		case planner.WindowProc:
			us[i] = w.ctx.Fn.NowMicros
		}
	}
	return timeColumn(w.schema.Field(col).Type, us)
}

// emitStore is what a windowEmit keeps in the store: a row for each group, and its watermark.
type emitStore struct {
	groups *rowTable
	clock  *savedTime
	gone   map[string]bool
}

// endBytes is the length of the window's end in a group's key.
const endBytes = 9

// open declares the tables and takes back what a snapshot held.
func (w *windowEmit) open() error {
	s := &w.store
	s.gone = map[string]bool{}
	value := []types.Type{types.BigIntType, types.BigIntType, types.BigIntType, types.BytesType}
	s.groups = newRowTable(w.ctx.State, state.Spec{Name: "results", Key: typeNames(w.types)}, append(value, w.set.state...))
	var err error
	if s.clock, err = openSavedTime(w.ctx, "watermark"); err != nil {
		return err
	}
	w.wm = s.clock.at
	return w.restore()
}

func (w *windowEmit) restore() error {
	var keys, values [][]byte
	err := w.store.groups.t.Scan(func(_ uint16, k, v []byte) error {
		keys, values = append(keys, slices.Clone(k)), append(values, slices.Clone(v))
		return nil
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	cols, err := w.store.groups.columns(values)
	if err != nil {
		return err
	}
	gids := make([]int32, len(keys))
	for i, k := range keys {
		gids[i], _ = w.groups.LookupKey(k)
	}
	w.all = make([]emitGroup, w.groups.Cap())
	w.set.resize(len(w.all))
	ends := w.groups.Keys(gids)[len(w.node.Keys)]
	shown := vec.TextOf(cols[3])
	for i, gid := range gids {
		w.begin(gid, vec.Values[int64](ends)[i])
		g := &w.all[gid]
		flags, next := vec.I64(cols[1])[i], vec.I64(cols[2])[i]
		g.count, g.is, g.done = vec.I64(cols[0])[i], flags&1 != 0, flags&2 != 0
		g.shown = slices.Clone(shown.Bytes(i))
		if next != 0 {
			w.schedule(gid, next)
		}
		g.dirty = false
	}
	return w.set.load(gids, cols[4:])
}

// forget has a group leave the store.
func (s *emitStore) forget(w *windowEmit, gid int32) {
	s.gone[string(w.groups.AppendKey(nil, gid))] = true
}

// placeOf is the key group of a group: that of its key without the window.
func placeOf(key []byte) uint16 { return state.Group(vec.Hash(key[:len(key)-endBytes])) }

// Snapshot writes the groups that changed, and the watermark.
func (w *windowEmit) Snapshot() error {
	s := &w.store
	s.clock.advance(w.wm)
	if err := s.clock.save(w.ctx); err != nil {
		return err
	}
	for k := range s.gone {
		if err := s.groups.t.Delete(placeOf([]byte(k)), []byte(k)); err != nil {
			return err
		}
	}
	clear(s.gone)
	var gids []int32
	for _, gid := range w.groups.All(nil) {
		if w.all[gid].dirty {
			gids = append(gids, gid)
		}
	}
	if len(gids) == 0 {
		return nil
	}
	return w.save(gids)
}

func (w *windowEmit) save(gids []int32) error {
	n := len(gids)
	counts, flags, nexts := make([]int64, n), make([]int64, n), make([]int64, n)
	shown := vec.NewBuilder(types.BytesType).(*vec.TextBuilder)
	for i, gid := range gids {
		g := &w.all[gid]
		counts[i], nexts[i] = g.count, g.next
		if g.is {
			flags[i] |= 1
		}
		if g.done {
			flags[i] |= 2
		}
		shown.Append(g.shown)
		g.dirty = false
	}
	cols, err := w.set.save(gids)
	if err != nil {
		return err
	}
	head := []vec.Vec{vec.ColVec(vec.Int64s(counts, nil)), vec.ColVec(vec.Int64s(flags, nil)), vec.ColVec(vec.Int64s(nexts, nil)), vec.ColVec(shown.Array())}
	values := w.store.groups.encode(append(head, cols...), n)
	var key []byte
	for i, gid := range gids {
		key = w.groups.AppendKey(key[:0], gid)
		if err := w.store.groups.t.Set(placeOf(key), key, values.At(i)); err != nil {
			return err
		}
	}
	return nil
}
