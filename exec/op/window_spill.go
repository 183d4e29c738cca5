package op

import (
	"encoding/binary"
	"errors"

	"weir/exec/state"
	"weir/sql/vec"
)

// windowRuns is what a windowAgg has moved to the store where memory is short: the partial results of whole slices. What
// moves at once is a run: a block of rows for each key group of each slice. A window that fires merges the blocks of
// one key group after the other, so memory has the results of one at a time. A block is never read before that, nor
// written again, so rows cost what it takes to write and read them once, however many keys there are.
//
// A checkpoint holds the blocks as they are, and what memory has besides as rows of the table of windows.
type windowRuns struct {
	blocks *state.Table // slice, number of the block: rows of a key and its state
	sizes  *state.Table // slice: how many blocks there are, and their bytes
	full   coldKeys
	live   int // groups when memory was measured last
	calls  int // of Process since
	buf    []byte
}

// runSize is what the store has of a slice in a key group.
type runSize struct {
	blocks uint32
	bytes  int64
}

const (
	// chunkRows is about how many rows are encoded at a time.
	chunkRows = 1 << 13
	// blockBytes is about how large a block is at most.
	blockBytes = 32 << 10
	// passBytes is how much of a key group is merged at a time. Of a larger one each pass takes a part of its keys.
	passBytes = 8 << 20
	// measureCalls is how often memory is measured where the number of groups does not grow.
	measureCalls = 64
)

// openRuns declares the tables and takes up the slices that have runs.
func (w *windowAgg) openRuns(st *state.State) error {
	r := &w.runs
	slice := []string{"BIGINT", "BIGINT"}
	r.blocks = st.Table(state.Spec{Name: "runs", Key: append(slice, "INT"), Value: []string{"BYTES"}})
	r.sizes = st.Table(state.Spec{Name: "run sizes", Key: slice, Value: []string{"INT", "BIGINT"}})
	return r.sizes.Scan(func(group uint16, k, v []byte) error {
		w.stored(sliceOf(k)).runs[group] = runSize{binary.BigEndian.Uint32(v), int64(binary.BigEndian.Uint64(v[4:]))}
		return nil
	})
}

// stored gives a slice that has runs, made if it is new: its first window that has not fired is due.
func (w *windowAgg) stored(id sliceID) *slice {
	s, ok := w.slices[id]
	if !ok {
		s = w.newSlice(id)
	}
	if s.runs != nil {
		return s
	}
	s.runs = make([]runSize, state.KeyGroups)
	first := id.end
	if w.shared {
		for first = w.slicing.firstEnd(id.start); w.fired(first); {
			first = w.slicing.nextEnd(first)
		}
	}
	w.due.push(first)
	return s
}

// sliceBytes is the length of a slice in keys of tables.
const sliceBytes = 16

// appendSlice appends a slice as keys of tables have it.
func appendSlice(dst []byte, s *slice) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.end)^1<<63)
	return binary.BigEndian.AppendUint64(dst, uint64(s.start)^1<<63)
}

func sliceOf(key []byte) sliceID {
	return sliceID{int64(binary.BigEndian.Uint64(key) ^ 1<<63), int64(binary.BigEndian.Uint64(key[8:]) ^ 1<<63)}
}

// spill moves a slice's groups to the store.
func (w *windowAgg) spill(s *slice) error {
	if len(s.keys) == 0 {
		return nil
	}
	if s.runs == nil {
		s.runs = make([]runSize, state.KeyGroups)
	}
	order, ends := w.byKeyGroup(s)
	for group, from := 0, 0; group < state.KeyGroups; {
		to := group + 1
		for to < state.KeyGroups && ends[to]-from <= chunkRows {
			to++
		}
		if err := w.spillChunk(s, order[from:ends[to-1]], group, ends[group:to], from); err != nil {
			return err
		}
		group, from = to, ends[to-1]
	}
	w.store.forget(w, s)
	w.dropGroups(s)
	return nil
}

// byKeyGroup orders a slice's entries by key group; ends are where each ends.
func (w *windowAgg) byKeyGroup(s *slice) (order []int32, ends []int) {
	of := make([]uint8, len(s.keys))
	ends = make([]int, state.KeyGroups)
	for i, kid := range s.keys {
		w.runs.buf = w.keys.AppendKey(w.runs.buf[:0], kid)
		of[i] = uint8(state.Group(vec.Hash(w.runs.buf)))
		ends[of[i]]++
	}
	at := 0
	for g, n := range ends {
		ends[g] = at
		at += n
	}
	order = make([]int32, len(s.keys))
	for i, g := range of {
		order[ends[g]] = int32(i)
		ends[g]++
	}
	return order, ends
}

// spillChunk writes a block for each of some key groups. ends are where they end in all entries, which go from from.
func (w *windowAgg) spillChunk(s *slice, order []int32, group int, ends []int, from int) error {
	if len(order) == 0 {
		return nil
	}
	gids, counts := make([]int32, len(order)), make([]int64, len(order))
	for i, e := range order {
		if gids[i] = s.gids[e]; w.retract {
			counts[i] = w.counts[gids[i]]
		}
	}
	cols, err := w.set.save(gids)
	if err != nil {
		return err
	}
	zero := vec.ColVec(vec.Int64s(make([]int64, len(order)), nil))
	values := w.store.groups.encode(append([]vec.Vec{zero, vec.ColVec(vec.Int64s(counts, nil))}, cols...), len(order))
	var key []byte
	return w.runs.blocks.Together(func() error {
		at := from
		for i, end := range ends {
			if at == end {
				continue
			}
			block := w.runs.buf[:0]
			for ; at < end; at++ {
				key = w.keys.AppendKey(key[:0], s.keys[order[at-from]])
				value := values.At(at - from)
				block = append(binary.AppendUvarint(block, uint64(len(key))), key...)
				block = append(binary.AppendUvarint(block, uint64(len(value))), value...)
				if len(block) < blockBytes || at+1 == end {
					continue
				}
				if err := w.putBlock(s, uint16(group+i), block); err != nil {
					return err
				}
				block = block[:0]
			}
			w.runs.buf = block
			if err := w.putBlock(s, uint16(group+i), block); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *windowAgg) putBlock(s *slice, group uint16, block []byte) error {
	r := &s.runs[group]
	key := appendSlice(make([]byte, 0, 20), s)
	if err := w.runs.blocks.Set(group, binary.BigEndian.AppendUint32(key, r.blocks), block); err != nil {
		return err
	}
	r.blocks++
	r.bytes += int64(len(block))
	size := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(nil, r.blocks), uint64(r.bytes))
	return w.runs.sizes.Set(group, key, size)
}

// dropRuns deletes a slice's runs.
func (w *windowAgg) dropRuns(s *slice) {
	if s.runs == nil {
		return
	}
	key := appendSlice(make([]byte, 0, 20), s)
	err := w.runs.blocks.Together(func() error {
		for g, r := range s.runs {
			for i := range r.blocks {
				if err := w.runs.blocks.Delete(uint16(g), binary.BigEndian.AppendUint32(key, i)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	for g, r := range s.runs {
		if r.blocks > 0 {
			err = errors.Join(err, w.runs.sizes.Delete(uint16(g), key))
		}
	}
	if s.runs = nil; err != nil {
		w.fail(err)
	}
}

// merger merges runs.
type merger struct {
	w            *windowAgg
	keys         *vec.Groups
	set          *aggSet
	counts       []int64
	part, parts  uint64   // of the keys
	rows, values [][]byte // of the block: keys and their state
	gids         []int32
}

func (w *windowAgg) newMerger() (*merger, error) {
	set, err := newAggSet(w.node.Aggs)
	return &merger{w: w, keys: vec.NewGroups(w.types...), set: set, parts: 1}, err
}

// emitRuns emits the window [start, end) of slices of which some have runs.
func (w *windowAgg) emitRuns(parts []*slice, start, end int64, out Emitter) error {
	for _, s := range parts {
		if err := w.spill(s); err != nil {
			return err
		}
	}
	m, err := w.newMerger()
	if err != nil {
		return err
	}
	for group := range uint16(state.KeyGroups) {
		bytes := int64(0)
		for _, s := range parts {
			if s.runs != nil {
				bytes += s.runs[group].bytes
			}
		}
		if bytes == 0 {
			continue
		}
		m.parts = uint64(bytes/passBytes) + 1
		for m.part = 0; m.part < m.parts; m.part++ {
			if err := m.emit(parts, group, start, end, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// emit merges and emits a part of a key group.
func (m *merger) emit(parts []*slice, group uint16, start, end int64, out Emitter) error {
	for _, s := range parts {
		if s.runs == nil || s.runs[group].blocks == 0 {
			continue
		}
		err := m.w.runs.blocks.ScanGroup(group, appendSlice(nil, s), func(_, block []byte) error { return m.add(block) })
		if err != nil {
			return err
		}
	}
	return m.flush(start, end, out)
}

// flush emits what was merged, and forgets it.
func (m *merger) flush(start, end int64, out Emitter) error {
	gids := m.keys.All(m.gids[:0])
	if m.gids = gids; m.w.retract {
		gids = withRows(gids, m.counts)
	}
	if err := m.w.emitGroups(m.keys, m.set, gids, gids, start, end, out); err != nil {
		return err
	}
	m.set.resetAll(m.gids)
	clear(m.counts)
	m.keys.Clear()
	return nil
}

// withRows leaves out the groups whose rows were all taken away again.
func withRows(gids []int32, counts []int64) []int32 {
	some := make([]int32, 0, len(gids))
	for _, gid := range gids {
		if counts[gid] != 0 {
			some = append(some, gid)
		}
	}
	return some
}

var errBlock = errors.New("state: a run of window results is damaged")

// add merges a block.
func (m *merger) add(block []byte) error {
	m.rows, m.values = m.rows[:0], m.values[:0]
	for len(block) > 0 {
		var two [2][]byte
		for i := range two {
			n, size := binary.Uvarint(block)
			if size <= 0 || n > uint64(len(block)-size) {
				return errBlock
			}
			two[i], block = block[size:size+int(n)], block[size+int(n):]
		}
		if m.parts == 1 || vec.Hash(two[0])/state.KeyGroups%m.parts == m.part {
			m.rows, m.values = append(m.rows, two[0]), append(m.values, two[1])
		}
	}
	if len(m.rows) == 0 {
		return nil
	}
	gids := sized(m.gids, len(m.rows))
	for i, key := range m.rows {
		gids[i], _ = m.keys.LookupKey(key)
	}
	m.gids = gids
	m.set.resize(m.keys.Cap())
	cols, err := m.w.store.groups.columns(m.values)
	if err != nil {
		return err
	}
	m.count(cols)
	return m.set.merge(gids, cols[2:])
}

// count adds up the rows of groups.
func (m *merger) count(cols []vec.Vec) {
	if !m.w.retract {
		return
	}
	m.counts = append(m.counts, make([]int64, max(m.keys.Cap()-len(m.counts), 0))...)
	for i, n := range vec.I64(cols[1]) {
		m.counts[m.gids[i]] += n
	}
}
