package op

import (
	"encoding/binary"
	"slices"
	"time"

	"weir/exec/state"
	"weir/planner"
	"weir/sql/types"
	"weir/sql/vec"
)

// joinRow is a row that a join keeps.
type joinRow struct {
	id, row []byte
	count   int32 // how often it is there; 0: taken away
	matches int32 // rows of the other input that it joins
	stamp   int64
	seq     int64
	gid     int32
	dirty   bool
	saved   bool
}

// joinSide is what a join keeps of one input: by join key, rows in order of arrival. A row is known by
// its unique columns, or else by all its bytes.
type joinSide struct {
	codec   *rowCodec
	keys    []int
	unique  []int
	idEnc   *vec.KeyEncoder
	ids     vec.Keys
	lists   []*joinList
	table   *state.Table
	partial bool
	ttl     time.Duration
	changed []*joinRow
	// appends: rows are only inserted and kept for ever, so none need be found again; equal rows are kept
	// apart, and known by their arrival.
	appends bool
	slab    []joinRow // rows to come, where appends
	arena   []byte    // and their bytes
	seq     int64
	arrival *savedCount // seq, as stored
	bytes   int64
}

// joinList is the rows of one join key.
type joinList struct {
	rows  []*joinRow
	dead  int
	index map[string]*joinRow // by id, once there are many
}

func newJoinSide(in *planner.Base, keys []int, k planner.StateKey, ttl time.Duration) *joinSide {
	j := &joinSide{codec: newRowCodec(in.Out), keys: keys, unique: k.Unique, ttl: ttl}
	j.appends = in.Mode == types.AppendMode && k.Unique == nil && ttl == 0
	if k.Unique != nil {
		j.idEnc = vec.KeyOf(columnTypes(in.Out, k.Unique)...)
	}
	return j
}

func (s *joinSide) open(ctx *Context, name string, keys []types.Type) error {
	s.table = ctx.State.Table(state.Spec{Name: name, Key: append(typeNames(keys), "BYTES"), Value: []string{"BYTES"}, TTL: s.ttl})
	empty, err := (&rowTable{t: s.table}).empty()
	if err != nil {
		return err
	}
	s.partial = !empty
	s.arrival, err = openSavedCount(ctx, name+"-arrivals")
	s.seq = s.arrival.n
	return err
}

func (s *joinSide) grow(n int) {
	for len(s.lists) < n {
		s.lists = append(s.lists, nil)
	}
}

// encode gives the bytes and the identity of each row.
func (s *joinSide) encode(b *vec.Batch) (rows, ids *vec.Keys) {
	rows = s.codec.encode(b)
	if s.idEnc == nil {
		return rows, rows
	}
	s.idEnc.Encode(&s.ids, columnVecs(b, s.unique), b.Len())
	return rows, &s.ids
}

// rows lists the rows of a key, those taken away among them.
func (s *joinSide) rows(gid int32) []*joinRow {
	if l := s.lists[gid]; l != nil {
		return l.rows
	}
	return nil
}

// gone tells whether a row was taken away, or has expired.
func (s *joinSide) gone(r *joinRow, now int64) bool {
	return r.count == 0 || expired(r.stamp, s.ttl, now)
}

// idle tells whether a key has no rows, and the store knows.
func (s *joinSide) idle(gid int32) bool { return s.lists[gid] == nil }

const manyRows = 16

func (l *joinList) find(id []byte) *joinRow {
	if l.index != nil {
		return l.index[string(id)]
	}
	for _, r := range l.rows {
		if r.count > 0 && string(r.id) == string(id) {
			return r
		}
	}
	return nil
}

func (l *joinList) append(r *joinRow) {
	l.rows = append(l.rows, r)
	switch {
	case l.index != nil:
		l.index[string(r.id)] = r
	case len(l.rows) > manyRows:
		l.index = map[string]*joinRow{}
		for _, r := range l.rows {
			if r.count > 0 {
				l.index[string(r.id)] = r
			}
		}
	}
}

// drop forgets a row that was taken away.
func (l *joinList) drop(r *joinRow) {
	if l.index != nil {
		delete(l.index, string(r.id))
	}
	if l.dead++; 2*l.dead > len(l.rows) {
		l.rows = slices.DeleteFunc(l.rows, func(r *joinRow) bool { return r.count == 0 })
		l.dead = 0
	}
}

// add takes a row in. One of the same unique columns is replaced.
func (s *joinSide) add(gid int32, id, row []byte, matches int32, now int64) {
	l := s.lists[gid]
	if l == nil {
		l = &joinList{}
		s.lists[gid] = l
	}
	if s.appends {
		s.keep(gid, l, row, matches, now)
		return
	}
	r := l.find(id)
	switch {
	case r == nil:
		s.seq++
		r = &joinRow{id: slices.Clone(id), count: 1, seq: s.seq, gid: gid}
		r.row = r.id
		if s.unique != nil {
			r.row = slices.Clone(row)
		}
		s.bytes += int64(len(r.row)) + 120
		l.append(r)
	case s.unique != nil:
		r.row = slices.Clone(row)
	case s.gone(r, now):
		r.count = 1
	default:
		r.count++
	}
	r.matches, r.stamp = matches, now
	s.mark(r)
}

// keep appends a row that stays for ever.
func (s *joinSide) keep(gid int32, l *joinList, row []byte, matches int32, now int64) {
	if len(s.slab) == 0 {
		s.slab = make([]joinRow, 256)
	}
	r := &s.slab[0]
	s.slab = s.slab[1:]
	if len(s.arena)+len(row) > cap(s.arena) {
		s.arena = make([]byte, 0, max(1<<16, len(row)))
	}
	start := len(s.arena)
	s.arena = append(s.arena, row...)
	s.seq++
	*r = joinRow{row: s.arena[start:len(s.arena):len(s.arena)], count: 1, seq: s.seq, gid: gid, matches: matches, stamp: now}
	s.bytes += int64(len(row)) + 100
	l.rows = append(l.rows, r)
	s.mark(r)
}

func (s *joinSide) mark(r *joinRow) {
	if !r.dirty {
		r.dirty = true
		s.changed = append(s.changed, r)
	}
}

// match changes the number of matches of a row.
func (s *joinSide) match(r *joinRow, by int32) {
	r.matches = max(r.matches+by, 0)
	s.mark(r)
}

// remove takes a row away; one that is not there is ignored.
func (s *joinSide) remove(gid int32, id []byte) {
	l := s.lists[gid]
	if l == nil {
		return
	}
	r := l.find(id)
	if r == nil {
		return
	}
	if r.count--; r.count > 0 {
		s.mark(r)
		return
	}
	s.mark(r)
	s.bytes -= int64(len(r.row)) + 120
	if l.drop(r); len(l.rows) == 0 {
		l.index = nil
	}
}

// place is a row's place in the store: the join key, then what tells it from others.
func (s *joinSide) place(keys *vec.Groups, r *joinRow) (uint16, []byte) {
	key := keys.AppendKey(nil, r.gid)
	group := state.Group(vec.Hash(key))
	if s.appends {
		return group, binary.BigEndian.AppendUint64(key, uint64(r.seq))
	}
	return group, append(key, r.id...)
}

// sweep takes the rows away that have expired.
func (s *joinSide) sweep(keys *vec.Groups, now int64) {
	if s.ttl == 0 {
		return
	}
	for _, gid := range keys.All(nil) {
		for _, r := range slices.Clone(s.rows(gid)) {
			if r.count > 0 && expired(r.stamp, s.ttl, now) {
				r.count = 1
				s.remove(gid, r.id)
			}
		}
	}
}

// snapshot writes the rows that changed.
func (s *joinSide) snapshot(ctx *Context, keys *vec.Groups) error {
	if err := s.arrival.save(ctx, s.seq); err != nil {
		return err
	}
	for _, r := range s.changed {
		group, key := s.place(keys, r)
		r.dirty = false
		var err error
		switch {
		case ctx.Unkept && !r.saved:
		case r.count > 0:
			r.saved = true
			err = s.table.Set(group, key, r.value())
		case r.saved && s.find(r.gid, r.id) == nil:
			err = s.table.Delete(group, key)
		}
		if err != nil {
			return err
		}
	}
	for _, r := range s.changed {
		if l := s.lists[r.gid]; l != nil && len(l.rows) == l.dead {
			s.lists[r.gid] = nil
		}
	}
	clear(s.changed)
	s.changed = s.changed[:0]
	return nil
}

func (s *joinSide) find(gid int32, id []byte) *joinRow {
	if l := s.lists[gid]; l != nil {
		return l.find(id)
	}
	return nil
}

// value is what the store keeps of a row.
func (r *joinRow) value() []byte {
	v := binary.BigEndian.AppendUint64(nil, uint64(r.stamp))
	v = binary.BigEndian.AppendUint64(v, uint64(r.seq))
	v = binary.BigEndian.AppendUint32(v, uint32(r.count))
	v = binary.BigEndian.AppendUint32(v, uint32(r.matches))
	return append(v, r.row...)
}

// load reads the rows of a key that is new in memory.
func (s *joinSide) load(keys *vec.Groups, gid int32) error {
	s.lists[gid] = nil
	if !s.partial {
		return nil
	}
	prefix := keys.AppendKey(nil, gid)
	l := &joinList{}
	err := s.table.ScanGroup(state.Group(vec.Hash(prefix)), prefix, func(k, v []byte) error {
		r := &joinRow{
			id: slices.Clone(k[len(prefix):]), row: slices.Clone(v[24:]), saved: true, gid: gid,
			stamp: int64(binary.BigEndian.Uint64(v)), seq: int64(binary.BigEndian.Uint64(v[8:])),
			count: int32(binary.BigEndian.Uint32(v[16:])), matches: int32(binary.BigEndian.Uint32(v[20:])),
		}
		s.bytes += int64(len(r.row)) + 120
		if s.appends {
			r.id = nil
			l.rows = append(l.rows, r)
		} else {
			l.append(r)
		}
		return nil
	})
	if len(l.rows) > 0 {
		slices.SortStableFunc(l.rows, func(a, b *joinRow) int { return cmpInt(a.seq, b.seq) })
		s.lists[gid] = l
	}
	return err
}
